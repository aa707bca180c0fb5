/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the publisher makes of a store, against a DNS server in memory that fails and forgets on demand.
 */
#include "control/dns/publisher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/text.h"
#include "control/dns/names.h"
#include "control/store/name.h"
#include "tests/support/names.h"

#define FAKE_RECORDS 4096
struct fake_record {
	char label[DNS_LABEL_SIZE], type[8], data[DNS_TEXT_SIZE];
	int64_t ttl_s;
};
struct dns_server {
	struct fake_record zone[FAKE_RECORDS], draft[FAKE_RECORDS];
	size_t count, drafts;
	bool open, transaction;
	unsigned calls, commits, sets; /* since the test asked */
	unsigned fail_at;	       /* this call fails; 0: none */
	bool down;
};
static struct dns_server fake;

static bool fake_fails(void)
{
	return fake.down || ++fake.calls == fake.fail_at;
}

static enum err fake_open(
	const struct dns_place *place, char why[DNS_WHY_SIZE], struct dns_server **out)
{
	assert_string_equal(place->zone, NAMES_TEST_ZONE);
	assert_false(fake.open);
	(void)snprintf(why, DNS_WHY_SIZE, "made to fail");
	if (fake_fails())
		return ERR_UNAVAILABLE;
	fake.open = true;
	*out = &fake;
	return OK;
}

static void fake_close(struct dns_server *server)
{
	if (!server)
		return;
	assert_true(server->open);
	server->open = server->transaction = false;
}

static enum err fake_read(
	struct dns_server *server, const char *label, dns_seen seen, void *context)
{
	const struct fake_record *record = server->transaction ? server->draft : server->zone;
	size_t count = server->transaction ? server->drafts : server->count;

	if (fake_fails())
		return ERR_UNAVAILABLE;
	for (size_t i = 0; i < count; i++) {
		if ((!label || strcmp(label, record[i].label) == 0) &&
			!seen(context, record[i].label, record[i].type, record[i].ttl_s,
				record[i].data))
			return ERR_UNAVAILABLE;
	}
	return OK;
}

static enum err fake_begin(struct dns_server *server)
{
	if (fake_fails())
		return ERR_UNAVAILABLE;
	assert_false(server->transaction);
	server->transaction = true;
	memcpy(server->draft, server->zone, sizeof(server->zone));
	server->drafts = server->count;
	return OK;
}

static enum err fake_remove(struct dns_server *server, const char *label)
{
	size_t kept = 0;

	if (fake_fails())
		return ERR_UNAVAILABLE;
	assert_true(server->transaction);
	for (size_t i = 0; i < server->drafts; i++) {
		if (strcmp(server->draft[i].label, label) != 0)
			server->draft[kept++] = server->draft[i];
	}
	server->drafts = kept;
	return OK;
}

static void zone_put(struct fake_record *zone, size_t *count, const char *label, const char *type,
	int64_t ttl_s, const char *data)
{
	struct fake_record *record = &zone[(*count)++];

	assert_true(*count <= FAKE_RECORDS);
	(void)snprintf(record->label, sizeof(record->label), "%s", label);
	(void)snprintf(record->type, sizeof(record->type), "%s", type);
	(void)snprintf(record->data, sizeof(record->data), "%s", data);
	record->ttl_s = ttl_s;
}

static enum err fake_set(
	struct dns_server *server, const char *label, const struct dns_records *records)
{
	if (fake_fails())
		return ERR_UNAVAILABLE;
	for (size_t i = 0; records->fresh && i < server->drafts; i++)
		assert_string_not_equal(server->draft[i].label, label);
	if (!records->further)
		TRY(fake_remove(server, label));
	assert_true(records->count > 0);
	for (size_t i = 0; i < records->count; i++)
		zone_put(server->draft, &server->drafts, label, records->type, records->ttl_s,
			records->data[i]);
	server->sets++;
	return OK;
}

static enum err fake_commit(struct dns_server *server)
{
	/* One that fails may have been carried out: the answer was lost. */
	bool lost = fake_fails();

	assert_true(server->transaction);
	memcpy(server->zone, server->draft, sizeof(server->zone));
	server->count = server->drafts;
	server->transaction = false;
	server->commits++;
	return lost ? ERR_UNAVAILABLE : OK;
}

static const struct dns_driver fake_driver = {
	.open = fake_open,
	.close = fake_close,
	.read = fake_read,
	.begin = fake_begin,
	.set = fake_set,
	.remove = fake_remove,
	.commit = fake_commit,
};

/* ---- the publisher over a real store */

static void publisher_anew(struct names_fixture *f)
{
	names_publisher(f, &fake_driver, "/none");
}

static int setup(void **state)
{
	struct names_fixture *f = names_open();

	memset(&fake, 0, sizeof(fake));
	zone_put(fake.zone, &fake.count, "", "SOA", NAMES_TEST_TTL,
		"ns hostmaster 1 3600 600 86400 5");
	zone_put(fake.zone, &fake.count, "ns", "A", NAMES_TEST_TTL, "192.0.2.53");
	publisher_anew(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	names_close(*state);
	return 0;
}

/* What the fake's zone answers for an instance, separated by spaces, in its order. */
static const char *answers(const struct instance *instance)
{
	static char text[2048];
	char label[INSTANCE_ID_SIZE];
	size_t used = 0;

	text[0] = '\0';
	names_label(instance->id, label);
	for (size_t i = 0; i < fake.count; i++) {
		if (strcmp(fake.zone[i].label, label) != 0)
			continue;
		assert_string_equal(fake.zone[i].type, instance->ipv6 ? "AAAA" : "A");
		assert_int_equal(fake.zone[i].ttl_s, NAMES_TEST_TTL);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? " " : "",
			fake.zone[i].data);
	}
	return text;
}

/* Each name of the store answers what the pure function says, and there are no others. */
static void check_all(struct names_fixture *f)
{
	struct instance *row;
	size_t count, names = 0;

	arena_reset(f->store.mem);
	assert_int_equal(db_begin(f->store.db, DB_READ), OK);
	assert_int_equal(name_instances(f->store.db, f->store.mem, 0, 100000, &row, &count), OK);
	for (size_t i = 0; i < count; i++) {
		uint8_t(*origin)[16];
		size_t origins;
		struct names_answer answer;
		char text[2048] = "", one[ADDRESS_TEXT_SIZE];

		assert_int_equal(name_origins(f->store.db, f->store.mem, row[i].number,
					 NAMES_ADDRESS_MAX, &origin, &origins),
			OK);
		names_answer(&row[i], origin, origins, f->now_ms, &answer);
		for (size_t k = 0; k < answer.count; k++) {
			address_format(answer.address[k], one);
			(void)strncat(text, k ? " " : "", sizeof(text) - strlen(text) - 1);
			(void)strncat(text, one, sizeof(text) - strlen(text) - 1);
		}
		assert_string_equal(answers(&row[i]), text);
		names += answer.count;
	}
	db_rollback(f->store.db);
	/* The zone's own SOA and ns, and the mark. */
	assert_int_equal(fake.count, names + 3);
}

static void test_follows_the_life(void **state)
{
	struct names_fixture *f = *state;
	struct instance four = names_buy(f, false, T0 + DAY_MS, true);
	struct instance six = names_buy(f, true, T0 + DAY_MS, true);
	struct instance none = names_buy(f, false, T0 + DAY_MS, false);
	struct port_rule gone;

	(void)names_rule(f, &four, 80, "10.0.0.1 10.0.0.2");
	gone = names_rule(f, &four, 443, "10.0.0.2 10.0.0.3");
	(void)names_rule(f, &six, 80, "2001:db8:1::1");
	(void)names_rule(f, &none, 80, "10.0.0.9");
	(void)names_settle(f, 20);
	check_all(f);
	assert_string_equal(answers(&four), names_vip(&four));

	f->now_ms = T0 + 8 * DAY_MS - 1;
	names_tick(f);
	assert_string_equal(answers(&four), names_vip(&four));
	f->now_ms++;
	names_tick(f);
	assert_string_equal(answers(&four), "10.0.0.1 10.0.0.2 10.0.0.3");
	assert_string_equal(answers(&six), "2001:db8:1::1");
	assert_string_equal(answers(&none), "");
	check_all(f);

	/* Origins change while names answer them. */
	assert_int_equal(db_begin(f->store.db, DB_WRITE), OK);
	assert_int_equal(port_rule_delete(f->store.db, &gone), OK);
	assert_int_equal(db_commit(f->store.db), OK);
	names_tick(f);
	assert_string_equal(answers(&four), "10.0.0.1 10.0.0.2");

	/* Renewal, and the clock back and forth across the deadline. */
	assert_int_equal(db_begin(f->store.db, DB_WRITE), OK);
	assert_int_equal(instance_set_expiry(f->store.db, &four, f->now_ms + DAY_MS), OK);
	assert_int_equal(db_commit(f->store.db), OK);
	names_tick(f);
	assert_string_equal(answers(&four), names_vip(&four));
	f->now_ms = T0;
	names_tick(f);
	assert_string_equal(answers(&six), names_vip(&six));
	assert_string_equal(answers(&none), names_vip(&none));
	f->now_ms = T0 + 30 * DAY_MS;
	names_tick(f);
	assert_string_equal(answers(&four), "10.0.0.1 10.0.0.2");
	check_all(f);

	/* SwitchBack is set when forwarding has stopped already. */
	assert_int_equal(db_begin(f->store.db, DB_WRITE), OK);
	none.switch_back_origin = true;
	assert_int_equal(instance_update(f->store.db, &none), OK);
	assert_int_equal(db_commit(f->store.db), OK);
	names_tick(f);
	assert_string_equal(answers(&none), "10.0.0.9");

	names_release(f, &four);
	names_release(f, &six);
	names_tick(f);
	assert_string_equal(answers(&four), "");
	assert_string_equal(answers(&six), "");
	check_all(f);
}

static void test_idle_writes_nothing(void **state)
{
	struct names_fixture *f = *state;

	(void)names_buy(f, false, T0 + DAY_MS, true);
	(void)names_settle(f, 20);
	fake.commits = fake.calls = 0;
	for (unsigned i = 0; i < 100; i++) {
		f->now_ms += ENGINE_TICK_MS;
		names_tick(f);
	}
	assert_int_equal(fake.commits, 0);
	/* 10 s: one check is an open and a read, twice a second. */
	assert_in_range(fake.calls, 2 * 18, 2 * 22);
}

/* A new publisher finds a zone that is right but for one name of an instance released meanwhile. */
static void test_restart_of_control(void **state)
{
	struct names_fixture *f = *state;
	struct instance stays = names_buy(f, false, T0 + DAY_MS, true),
			goes = names_buy(f, false, T0, true);

	(void)names_settle(f, 20);
	publisher_free(f->publisher);
	f->publisher = NULL;
	names_release(f, &goes);
	fake.sets = 0;
	publisher_anew(f);
	(void)names_settle(f, 20);
	assert_string_equal(answers(&goes), "");
	assert_string_equal(answers(&stays), names_vip(&stays));
	/* Only the mark: what was right was not written again (one per commit). */
	assert_in_range(fake.sets, 1, 2);
	check_all(f);
}

static void test_restart_of_server(void **state)
{
	struct names_fixture *f = *state;
	struct instance instance = names_buy(f, false, T0 + DAY_MS, true), late;
	struct dns_server *old = malloc(sizeof(*old));

	(void)names_settle(f, 20);
	*old = fake;
	late = names_buy(f, true, T0 + DAY_MS, true);
	names_tick(f);
	/* Empty, and nothing else happens: found by the check. */
	fake.count = 2;
	f->monotonic_ms += NAMES_CHECK_MS;
	names_tick(f);
	names_tick(f);
	assert_string_equal(answers(&instance), names_vip(&instance));
	assert_string_equal(answers(&late), names_vip(&late));
	/* An older zone, and a change at the same moment: the change must not stand alone. */
	memcpy(fake.zone, old->zone, sizeof(fake.zone));
	fake.count = old->count;
	(void)names_buy(f, false, T0 + DAY_MS, false);
	names_tick(f);
	names_tick(f);
	check_all(f);
	free(old);
}

static void test_wrong_records_are_replaced(void **state)
{
	struct names_fixture *f = *state;
	struct instance instance = names_buy(f, false, T0 + DAY_MS, true);

	zone_put(fake.zone, &fake.count, instance.id, "A", NAMES_TEST_TTL, "203.0.113.1");
	zone_put(fake.zone, &fake.count, "ddoscoo-cn-00000stale0", "A", NAMES_TEST_TTL,
		"203.0.113.2");
	zone_put(fake.zone, &fake.count, "ddoscoo-cn-00000stale0", "TXT", NAMES_TEST_TTL, "\"x\"");
	(void)names_settle(f, 20);
	assert_string_equal(answers(&instance), names_vip(&instance));
	check_all(f);
}

/* Each call to the server fails in turn: a later tick makes it right. */
static void test_every_failure(void **state)
{
	struct names_fixture *f = *state;
	struct instance instance = names_buy(f, false, T0 + DAY_MS, true);
	unsigned total;

	(void)names_rule(f, &instance, 80, "10.0.0.1");
	(void)names_buy(f, true, T0 + 2 * DAY_MS, false);
	fake.calls = 0;
	(void)names_settle(f, 20);
	total = fake.calls + 20;
	for (unsigned n = 1; n <= total; n++) {
		publisher_anew(f);
		fake.calls = 0;
		fake.fail_at = n;
		f->now_ms = T0 + (n % 2 ? 9 : 0) * DAY_MS;
		(void)names_settle(f, 60);
		fake.fail_at = 0;
		names_tick(f);
		check_all(f);
	}
}

static void test_absence_is_waited_out(void **state)
{
	struct names_fixture *f = *state;
	struct instance instance = names_buy(f, false, T0 + DAY_MS, true);
	bool more;

	fake.down = true;
	for (unsigned i = 0; i < 50; i++) {
		f->monotonic_ms += ENGINE_TICK_MS;
		assert_int_equal(publisher_tick(f->publisher, f->store.db, f->tick_mem, f->now_ms,
					 f->monotonic_ms, &more),
			ERR_UNAVAILABLE);
		assert_false(more);
	}
	assert_false(publisher_settled(f->publisher));
	fake.down = false;
	assert_in_range(names_settle(f, 20), 1, 1 + NAMES_RETRY_MAX_MS / ENGINE_TICK_MS + 3);
	assert_string_equal(answers(&instance), names_vip(&instance));
}

/* Each call to the store, and each allocation, fails in turn: no harm is done, a later tick goes on. */
static void test_every_failure_of_the_store(void **state)
{
	struct names_fixture *f = *state;
	struct instance instance = names_buy(f, false, T0 + DAY_MS, true), goes;
	unsigned failures = 0;
	bool more;

	(void)names_rule(f, &instance, 80, "10.0.0.1");
	for (uint64_t n = 1; n <= 40; n++) {
		publisher_anew(f);
		goes = names_buy(f, n % 2, T0 + (int64_t)(n % 3) * DAY_MS, false);
		f->now_ms = T0 + (int64_t)(n % 2 ? 9 : 0) * DAY_MS;
		for (unsigned i = 0; i < 4; i++) {
			db_torture(n % 2 ? n / 2 + 1 : 0);
			arena_torture(n % 2 ? 0 : n / 2, false);
			f->monotonic_ms += ENGINE_TICK_MS;
			arena_reset(f->tick_mem);
			failures += publisher_tick(f->publisher, f->store.db, f->tick_mem,
					    f->now_ms, f->monotonic_ms, &more) != OK;
			if (i == 1)
				f->now_ms = T0;
		}
		db_torture(0);
		arena_torture(0, false);
		names_release(f, &goes);
		names_tick(f);
		check_all(f);
	}
	assert_in_range(failures, 20, 160);
}

/* More than a batch crosses its deadline, while the clock jumps there and back. */
static void test_many_and_jumps(void **state)
{
	enum {
		COUNT = 2500
	};
	struct names_fixture *f = *state;
	bool more;

	assert_int_equal(db_begin(f->store.db, DB_WRITE), OK);
	for (unsigned i = 0; i < COUNT; i++)
		(void)names_add(f, false, T0 + DAY_MS + i, false);
	assert_int_equal(db_commit(f->store.db), OK);
	assert_in_range(names_settle(f, 20), COUNT / NAMES_BATCH, 8);
	check_all(f);
	/* The first 1,000 are evaluated as stopped, then the clock is back before all deadlines. */
	f->now_ms = T0 + 20 * DAY_MS;
	assert_int_equal(publisher_tick(f->publisher, f->store.db, f->tick_mem, f->now_ms,
				 f->monotonic_ms += 100, &more),
		OK);
	assert_true(more);
	f->now_ms = T0;
	names_tick(f);
	names_tick(f);
	check_all(f);
	/* Half-way: one deadline of many is the border. */
	f->now_ms = T0 + 8 * DAY_MS + COUNT / 2;
	names_tick(f);
	check_all(f);
	for (unsigned i = 0; i < 12; i++) {
		/* A tick with the clock elsewhere each time; then it stays. */
		f->now_ms = T0 + (i * 7 % 12) * DAY_MS;
		(void)names_step(f);
	}
	names_tick(f);
	names_tick(f);
	check_all(f);
}

/* The change log was cut further than the publisher had read. */
static void test_gap_in_the_log(void **state)
{
	struct names_fixture *f = *state;
	struct instance goes = names_buy(f, false, T0 + DAY_MS, true);

	(void)names_settle(f, 20);
	names_release(f, &goes);
	for (unsigned i = 0; i < 5; i++)
		(void)names_buy(f, false, T0 + DAY_MS, true);
	assert_int_equal(db_begin(f->store.db, DB_WRITE), OK);
	assert_int_equal(change_prune(f->store.db, 2), OK);
	assert_int_equal(db_commit(f->store.db), OK);
	names_tick(f);
	names_tick(f);
	check_all(f);
}

/* ---- web sites */

static struct website add_site(struct names_fixture *f, const char *domain,
	const struct instance *instance, size_t instances, const char *origin)
{
	struct website_instance on[2];
	struct website_port port = { .port = 80, .schemes = SITE_SCHEME_HTTP };
	struct website site = { .account = f->store.account,
		.domain = domain,
		.access_mode = ACCESS_PROTECTED,
		.reuse_cname = "",
		.instance = on,
		.instance_count = instances,
		.port = &port,
		.port_count = 1,
		.origin = &origin,
		.origin_count = 1 };
	char *cname = arena_take(f->store.mem, CNAME_SIZE);
	uint8_t random[16] = { (uint8_t)domain[0], (uint8_t)domain[1] };

	for (size_t i = 0; i < instances; i++)
		on[i].number = instance[i].number;
	cname_make(CNAME_WEBSITE, random, cname);
	site.cname = cname;
	assert_int_equal(db_begin(f->store.db, DB_WRITE), OK);
	assert_int_equal(website_insert(f->store.db, &site), OK);
	assert_int_equal(db_commit(f->store.db), OK);
	return site;
}

/* What the zone answers for a label, in its order. */
static const char *label_answers(const char *label)
{
	static char text[512];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < fake.count; i++) {
		if (strcmp(fake.zone[i].label, label) == 0)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s",
				used ? ", " : "", fake.zone[i].type, fake.zone[i].data);
	}
	return text;
}

static const char *both_vips(const struct instance *instance)
{
	static char text[128];
	char six[ADDRESS_TEXT_SIZE];

	(void)snprintf(six, sizeof(six), "%s", names_vip(&instance[1]));
	(void)snprintf(text, sizeof(text), "A %s, AAAA %s", names_vip(&instance[0]), six);
	return text;
}

static void delete_site(struct names_fixture *f, const struct website *site)
{
	assert_int_equal(db_begin(f->store.db, DB_WRITE), OK);
	assert_int_equal(website_delete(f->store.db, site), OK);
	assert_int_equal(db_commit(f->store.db), OK);
}

static void test_sites(void **state)
{
	struct names_fixture *f = *state;
	struct instance instance[2] = { names_buy(f, false, T0 + DAY_MS, true),
		names_buy(f, true, T0 + 2 * DAY_MS, false) };
	struct website both = add_site(f, "both.example.com", instance, 2, "10.0.0.7");
	struct website one, late;

	names_tick(f);
	assert_string_equal(label_answers(both.cname), both_vips(instance));
	one = add_site(f, "one.example.com", instance, 1, "2001:db8:1::7");
	names_tick(f);
	assert_string_equal(label_answers(one.cname) + 2, names_vip(&instance[0]));
	/* a deadline without any message, then the last of them, then back by a renewal */
	f->now_ms = T0 + 8 * DAY_MS;
	names_tick(f);
	assert_string_equal(label_answers(both.cname) + 5, names_vip(&instance[1]));
	assert_string_equal(label_answers(one.cname), "AAAA 2001:db8:1::7");
	f->now_ms += DAY_MS;
	names_tick(f);
	assert_string_equal(label_answers(both.cname), "A 10.0.0.7");
	assert_int_equal(db_begin(f->store.db, DB_WRITE), OK);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(
			instance_set_expiry(f->store.db, &instance[i], f->now_ms + DAY_MS), OK);
	assert_int_equal(db_commit(f->store.db), OK);
	names_tick(f);
	assert_string_equal(label_answers(both.cname), both_vips(instance));
	/* what a publisher that knows nothing finds is right, and what nobody has is removed */
	late = add_site(f, "late.example.com", instance, 1, "10.0.0.8");
	delete_site(f, &one);
	zone_put(fake.zone, &fake.count, "web-0000000000000000", "A", NAMES_TEST_TTL, "192.0.2.9");
	publisher_anew(f);
	(void)names_settle(f, 20);
	assert_string_equal(label_answers(both.cname), both_vips(instance));
	assert_string_equal(label_answers(one.cname), "");
	assert_string_equal(label_answers("web-0000000000000000"), "");
	assert_string_not_equal(label_answers(late.cname), "");
	/* gone while the publisher runs: by an order, and with the instance */
	delete_site(f, &late);
	names_release(f, &instance[0]);
	names_tick(f);
	assert_string_equal(label_answers(late.cname), "");
	assert_string_equal(label_answers(both.cname) + 5, names_vip(&instance[1]));
	names_release(f, &instance[1]);
	names_tick(f);
	assert_string_equal(label_answers(both.cname), "");
}

/* ---- scheduling rules */

static struct scheduler_rule add_rule(struct names_fixture *f, const char *name)
{
	struct scheduler_rule rule = { .account = f->store.account,
		.name = name,
		.type = SCHEDULER_TIERED,
		.domain = "",
		.cdn_name = "",
		.param_type = "",
		.cloud_instance = "",
		.resource_count = 4 };
	static const char *const values[] = { "a.example.net", "192.0.2.1", "192.0.2.2",
		"2001:db8::1" };
	uint8_t random[16] = { (uint8_t)name[0] };

	cname_make(CNAME_RULE, random, rule.cname);
	for (size_t i = 0; i < rule.resource_count; i++) {
		rule.resource[i] = (struct scheduler_resource){ .position = (int64_t)i,
			.named = i == 0,
			.value = values[i],
			.label = "",
			.region = "" };
		if (i > 0)
			names_address(values[i], rule.resource[i].address);
	}
	assert_int_equal(db_begin(f->store.db, DB_WRITE), OK);
	assert_int_equal(scheduler_insert(f->store.db, &rule), OK);
	assert_int_equal(db_commit(f->store.db), OK);
	return rule;
}

/* "0110": which values are answered from now on. */
static void answer_by(struct names_fixture *f, struct scheduler_rule *rule, const char *which)
{
	for (size_t i = 0; i < rule->resource_count; i++)
		rule->resource[i].state.answered = which[i] == '1';
	assert_int_equal(db_begin(f->store.db, DB_WRITE), OK);
	assert_int_equal(scheduler_put_state(f->store.db, rule, true), OK);
	assert_int_equal(db_commit(f->store.db), OK);
	names_tick(f);
}

static void test_rules(void **state)
{
	struct names_fixture *f = *state;
	struct scheduler_rule rule = add_rule(f, "r"), other;
	unsigned sets;

	names_tick(f);
	assert_string_equal(label_answers(rule.cname), "");
	answer_by(f, &rule, "0101");
	assert_string_equal(label_answers(rule.cname), "A 192.0.2.1, AAAA 2001:db8::1");
	answer_by(f, &rule, "1000");
	assert_string_equal(label_answers(rule.cname), "CNAME a.example.net.");
	answer_by(f, &rule, "0010");
	assert_string_equal(label_answers(rule.cname), "A 192.0.2.2");
	answer_by(f, &rule, "1000");
	/* What a publisher that knows nothing finds is right, and what nobody has is removed. */
	other = add_rule(f, "o");
	zone_put(fake.zone, &fake.count, "sch-0000000000000000", "CNAME", NAMES_TEST_TTL, "x.");
	zone_put(fake.zone, &fake.count, other.cname, "CNAME", NAMES_TEST_TTL, "other.example.");
	sets = fake.sets;
	publisher_anew(f);
	(void)names_settle(f, 20);
	assert_string_equal(label_answers(rule.cname), "CNAME a.example.net.");
	assert_string_equal(label_answers("sch-0000000000000000"), "");
	assert_string_equal(label_answers(other.cname), "");
	assert_int_equal(fake.sets, sets + 2); /* the mark, of two commits */
	/* Gone while the publisher runs. */
	assert_int_equal(db_begin(f->store.db, DB_WRITE), OK);
	assert_int_equal(scheduler_delete(f->store.db, &rule), OK);
	assert_int_equal(db_commit(f->store.db), OK);
	names_tick(f);
	assert_string_equal(label_answers(rule.cname), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_follows_the_life, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sites, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_idle_writes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restart_of_control, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restart_of_server, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_records_are_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_failure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_absence_is_waited_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_failure_of_the_store, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_and_jumps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gap_in_the_log, setup, teardown),
	};

	log_open("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
