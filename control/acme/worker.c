/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Orders live in memory alone: a control that starts begins those of its predecessor anew. No transaction is open while the
 * directory is asked; what an order ends with is decided on rows read in the transaction that writes it, since in the meantime the
 * site may be gone, its instances expired, or ACME switched off.
 *
 * A certificate comes under the name "acme/DOMAIN", in place of the last one of that name. If somebody gave that one to
 * another site, which the new one is not for, it stays for that site, and the new one gets another name.
 */
#include "control/acme/worker.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/acme/order.h"
#include "control/store/website.h"

struct acme_worker {
	struct nodes *nodes;
	const struct vault *vault;
	struct acme_client *client;
	bool stop; /* atomic */
	bool begun;
	struct order order[ACME_ORDERS_MAX];
};

/* Everything of one tick. */
struct turn {
	struct acme_worker *worker;
	struct db *db;
	struct arena *mem;
	const struct acme_time *time;
};

/* ---- what is told */

/* Owns detail, which becomes text in mem. NULL: no memory. */
static const char *text_of(struct arena *mem, json_t *detail)
{
	char *text = detail ? json_dumps(detail, JSON_COMPACT) : NULL;
	const char *copy = text ? arena_copy(mem, text) : NULL;

	free(text);
	json_decref(detail);
	return copy;
}

static enum err tell(
	struct turn *turn, const struct website *website, const char *kind, json_t *detail)
{
	const char *text = text_of(turn->mem, detail);

	if (!text)
		return ERR_MEMORY;
	return event_insert(turn->db, website->account, website->instance[0].id, kind,
		turn->time->clock_ms, turn->time->life_ms, text, NULL);
}

static enum err record(
	struct turn *turn, const struct website *website, const struct certificate_row *certificate)
{
	const char *detail = text_of(
		turn->mem, json_pack("{s:{s:I}, s:{s:I, s:I, s:I}}", "oldEntity", "certificate",
				   (json_int_t)website->certificate, "newEntity", "certificate",
				   (json_int_t)certificate->number, "certificateVersion",
				   (json_int_t)certificate->version, "expireTime",
				   (json_int_t)certificate->until_ms));

	if (!detail)
		return ERR_MEMORY;
	return audit_append(turn->db, &(struct audit_row){ .time_ms = turn->time->clock_ms,
					      .account = website->account,
					      .actor = "engine",
					      .request_id = "",
					      .action = "engine.acme_certificate",
					      .object = website->domain,
					      .detail = detail });
}

/* ---- failures */

static enum err write_failure(struct turn *turn, int64_t number, const char *why, int64_t asked_ms)
{
	struct website_acme acme;
	struct website website;
	int64_t tries, retry_ms;
	enum err err = website_acme_load(turn->db, turn->mem, number, &acme);

	/* Switched off, or gone with its site. */
	if (err == ERR_NOT_FOUND)
		return OK;
	TRY(err);
	tries = acme.tries + 1;
	retry_ms = turn->time->clock_ms + acme_pause_ms(tries, asked_ms);
	TRY(website_load_number(turn->db, turn->mem, number, &website));
	TRY(website_acme_end(turn->db, number, why, tries, retry_ms));
	return tell(turn, &website, "certificate_failed",
		json_pack("{s:s, s:s, s:I}", "domain", website.domain, "reason", why, "nextTime",
			(json_int_t)(tries < ACME_TRIES_MAX ? retry_ms : 0)));
}

/* Runs in a transaction of its own. */
static enum err in_write(struct turn *turn, enum err (*run)(struct turn *turn, struct order *order),
	struct order *order)
{
	enum err err;

	TRY(db_begin(turn->db, DB_WRITE));
	err = run(turn, order);
	if (err == OK)
		return db_commit(turn->db);
	db_rollback(turn->db);
	return err;
}

static enum err end_badly(struct turn *turn, struct order *order)
{
	struct acme_client *client = turn->worker->client;

	return write_failure(
		turn, order->website, acme_client_why(client), acme_client_pause_ms(client));
}

/* ---- the end of an order */

static enum err store_chain(struct turn *turn, const struct website *website,
	struct certificate_row *out, const char *key)
{
	struct website_filter filter = { .limit = 0 };
	struct certificate_row old;
	const char **domain;
	size_t count;
	enum err err = certificate_by_name(turn->db, turn->mem, out->account, out->name, &old);

	if (err == ERR_CERTIFICATE_NOT_FOUND)
		return certificate_insert(turn->db, turn->worker->vault, turn->mem, out, key);
	TRY(err);
	filter.certificate = old.number;
	TRY(website_domains(turn->db, turn->mem, &filter, &domain, &count));
	if (count != 1 || strcmp(domain[0], website->domain) != 0) {
		out->name = arena_print(turn->mem, "acme/%s/%lld", website->domain,
			(long long)turn->time->clock_ms);
		if (!out->name)
			return ERR_MEMORY;
		return certificate_insert(turn->db, turn->worker->vault, turn->mem, out, key);
	}
	out->number = old.number;
	return certificate_replace(turn->db, turn->worker->vault, turn->mem, out, key);
}

static enum err take_chain(struct turn *turn, const struct order *order,
	const struct website *website, struct certificate_row *out)
{
	struct acme_client *client = turn->worker->client;
	char why[CERTIFICATE_WHY_SIZE];
	const char *key;
	enum err err;

	*out = (struct certificate_row){ .account = website->account,
		.name = arena_print(turn->mem, "acme/%s", website->domain),
		.create_ms = turn->time->clock_ms };
	if (!out->name)
		return ERR_MEMORY;
	err = certificate_read(turn->mem, order->chain, order->key_pem,
		turn->time->clock_ms + ACME_SKEW_MS, out, &key, why);
	if (err == ERR_CERTIFICATE_INVALID)
		return acme_client_because(
			client, "the certificate that came cannot be used: %s", why);
	TRY(err);
	if (!certificate_covers(out, website->domain))
		return acme_client_because(client,
			"the certificate that came is not for the domain, but for %.100s",
			out->names);
	return store_chain(turn, website, out, key);
}

static enum err end_well(struct turn *turn, struct order *order)
{
	struct certificate_row certificate;
	struct website website, changed;
	struct website_acme acme;
	enum err err = website_acme_load(turn->db, turn->mem, order->website, &acme);

	if (err == ERR_NOT_FOUND)
		return OK;
	TRY(err);
	TRY(website_load_number(turn->db, turn->mem, order->website, &website));
	TRY(take_chain(turn, order, &website, &certificate));
	changed = website;
	changed.certificate = certificate.number;
	if (changed.certificate != website.certificate)
		TRY(website_update(turn->db, &changed));
	TRY(website_acme_end(turn->db, order->website, NULL, 0, 0));
	TRY(record(turn, &website, &certificate));
	log_info("%s gets a new certificate", website.domain);
	return tell(turn, &website, "certificate_issued",
		json_pack("{s:s, s:I}", "domain", website.domain, "expireTime",
			(json_int_t)certificate.until_ms));
}

/* ---- nodes */

static enum err publish(struct turn *turn, struct order *order)
{
	enum err err = website_acme_publish(
		turn->db, order->website, order->token, order->answer, &order->generation);

	if (err == ERR_NOT_FOUND)
		return acme_client_because(turn->worker->client, "it was switched off");
	TRY(err);
	order->step = ORDER_CONFIRM;
	order->asked_ms = turn->time->monotonic_ms;
	return OK;
}

static enum err confirm(struct turn *turn, struct order *order)
{
	const struct nodes *nodes = turn->worker->nodes;
	bool late = turn->time->monotonic_ms - order->asked_ms > ACME_PUBLISH_MS;

	if (nodes_present(nodes, turn->time->clock_ms) == 0) {
		if (late)
			return acme_client_because(turn->worker->client,
				"there is no node that could answer the authority");
	} else if (late || nodes_confirmed(nodes) >= (uint64_t)order->generation) {
		order->step = ORDER_CHALLENGE;
		order->next_ms = turn->time->monotonic_ms + ACME_SETTLE_MS;
		return OK;
	}
	order->next_ms = turn->time->monotonic_ms + ACME_TICK_MS;
	return OK;
}

/* ---- orders */

static bool is_reached(const struct website *website)
{
	for (size_t i = 0; i < website->port_count; i++)
		if (website->port[i].port == ACME_PORT)
			return website->port[i].schemes & SITE_SCHEME_HTTP;
	return false;
}

/* As told when it fails: what nobody can do anything about here is ours and stays an error. */
static enum err take_step(struct turn *turn, struct order *order)
{
	struct acme_worker *worker = turn->worker;

	switch (order->step) {
	case ORDER_PUBLISH:
		return in_write(turn, publish, order);
	case ORDER_CONFIRM:
		return confirm(turn, order);
	case ORDER_DONE:
		return OK;
	case ORDER_BEGIN:
	case ORDER_AUTHORIZE:
	case ORDER_CHALLENGE:
	case ORDER_VALIDATE:
	case ORDER_FINALIZE:
	case ORDER_ISSUE:
	case ORDER_DOWNLOAD:
	default:
		TRY(acme_client_begin(worker->client, turn->db, turn->mem));
		return order_step(order, worker->client, turn->mem, turn->time->monotonic_ms);
	}
}

static enum err go_on(struct turn *turn, struct order *order)
{
	struct acme_worker *worker = turn->worker;
	enum err err;

	/* Of the store; of all else, it is said where it fails. */
	(void)acme_client_because(worker->client, "the control's store was busy");
	err = take_step(turn, order);
	/* What was fetched lies in mem: it is used in the same turn. */
	if (err == OK && order->step == ORDER_DONE) {
		err = in_write(turn, end_well, order);
		if (err == OK)
			order_clear(order);
	}
	if (err == OK || __atomic_load_n(&worker->stop, __ATOMIC_RELAXED))
		return OK;
	if (err != ERR_UNAVAILABLE)
		(void)acme_client_because(
			worker->client, "this control could not go on: %s", error_code(err));
	log_warn("%s gets no certificate: %s", order->domain, acme_client_why(worker->client));
	acme_client_forget(worker->client);
	err = in_write(turn, end_badly, order);
	order_clear(order);
	/* Then the store still has it as one that runs. */
	worker->begun = worker->begun && err == OK;
	return err;
}

static enum err begin_one(struct turn *turn, struct order *order, int64_t number)
{
	struct website website;

	TRY(website_load_number(turn->db, turn->mem, number, &website));
	if (!is_reached(&website))
		return write_failure(turn, number,
			"the site is not served over http at port 80, where authorities look", 0);
	TRY(website_acme_begin(turn->db, number, turn->time->clock_ms));
	*order = (struct order){ .website = number,
		.begin_ms = turn->time->monotonic_ms,
		.next_ms = turn->time->monotonic_ms };
	memcpy(order->domain, website.domain, strlen(website.domain) + 1);
	return OK;
}

/* Switched off and on again meanwhile. */
static bool runs(const struct acme_worker *worker, int64_t number)
{
	for (size_t i = 0; i < ACME_ORDERS_MAX; i++)
		if (worker->order[i].website == number)
			return true;
	return false;
}

static enum err begin_due(struct turn *turn, struct order *unused)
{
	struct order *orders = turn->worker->order;
	size_t free_count = 0, count, used = 0;
	int64_t *number;

	(void)unused;
	for (size_t i = 0; i < ACME_ORDERS_MAX; i++)
		free_count += orders[i].website == 0;
	if (free_count == 0)
		return OK;
	TRY(website_acme_due(turn->db, turn->mem, turn->time->clock_ms, turn->time->life_ms,
		free_count, &number, &count));
	for (size_t i = 0; i < ACME_ORDERS_MAX && used < count; i++) {
		if (orders[i].website != 0)
			continue;
		if (!runs(turn->worker, number[used]))
			TRY(begin_one(turn, &orders[i], number[used]));
		used++;
	}
	return OK;
}

static enum err restart(struct turn *turn, struct order *unused)
{
	(void)unused;
	return website_acme_restart(turn->db);
}

/* Writing is for when there is something to write. */
static enum err is_any_due(struct turn *turn, bool *out)
{
	int64_t *number;
	size_t count;
	enum err err;

	TRY(db_begin(turn->db, DB_READ));
	err = website_acme_due(
		turn->db, turn->mem, turn->time->clock_ms, turn->time->life_ms, 1, &number, &count);
	db_rollback(turn->db);
	*out = err == OK && count > 0;
	return err;
}

enum err acme_worker_tick(struct acme_worker *worker, struct db *db, struct arena *mem,
	const struct acme_time *time, int64_t *wait_ms)
{
	struct turn turn = { worker, db, mem, time };
	bool due;

	if (!worker->begun)
		TRY(in_write(&turn, restart, NULL));
	worker->begun = true;
	TRY(is_any_due(&turn, &due));
	if (due) {
		enum err err = in_write(&turn, begin_due, NULL);

		if (err != OK) {
			/* None of those that were begun in it is in the store. */
			worker->begun = false;
			for (size_t i = 0; i < ACME_ORDERS_MAX; i++)
				order_clear(&worker->order[i]);
			return err;
		}
	}
	*wait_ms = ACME_TICK_MS;
	for (size_t i = 0; i < ACME_ORDERS_MAX; i++) {
		struct order *order = &worker->order[i];

		if (order->website == 0)
			continue;
		if (order->next_ms <= time->monotonic_ms)
			TRY(go_on(&turn, order));
		if (order->website != 0 && order->next_ms <= time->monotonic_ms)
			*wait_ms = 0;
	}
	return OK;
}

/* ---- beginning and end */

enum err acme_worker_new(const struct acme_settings *settings, const struct vault *vault,
	struct nodes *nodes, struct acme_worker **out)
{
	struct acme_worker *worker = calloc(1, sizeof(*worker));
	enum err err;

	if (!worker)
		return ERR_MEMORY;
	worker->nodes = nodes;
	worker->vault = vault;
	err = acme_client_new(settings, vault, &worker->stop, &worker->client);
	if (err != OK) {
		free(worker);
		return err;
	}
	*out = worker;
	return OK;
}

void acme_worker_stop(struct acme_worker *worker)
{
	__atomic_store_n(&worker->stop, true, __ATOMIC_RELAXED);
}

void acme_worker_free(struct acme_worker *worker)
{
	if (!worker)
		return;
	for (size_t i = 0; i < ACME_ORDERS_MAX; i++)
		order_clear(&worker->order[i]);
	acme_client_free(worker->client);
	free(worker);
}
