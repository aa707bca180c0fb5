/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificates that web sites get by themselves: from a directory on loopback that does each thing wrong in turn
 * (tests/support/acme_directory.py). Time is the test's: pauses are jumped over.
 */
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "control/acme/key.h"
#include "control/acme/worker.h"
#include "tests/support/certificate.h"
#include "tests/unit/web_world.h"

#define WAIT_MS	 60000 /* for the directory, which has to start */
#define STEPS	 150   /* ticks within which an order comes to an end */
#define TICK_MS	 5000
#define TURN_MEM ((size_t)16 << 20)

static struct directory {
	char folder[64];
	char url[64], ca[96];
	pid_t process;
	int hold; /* the directory lives as long as it is open */
	struct acme_settings settings;
} directory;

struct acme_world {
	struct world *world;
	struct api *api;
	struct acme_worker *worker;
	struct arena *mem;
	struct acme_time time;
	int64_t moved_ms; /* of the clock, by tests */
	bool nodes_follow, clock_stands;
};
static struct acme_world acme;

/* ---- the directory */

static void directory_does(const char *mode)
{
	char path[96];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/mode", directory.folder);
	file = fopen(path, "we");
	assert_non_null(file);
	(void)fputs(mode, file);
	assert_int_equal(fclose(file), 0);
}

static int read_port(void)
{
	char path[96];
	char text[16];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/port", directory.folder);
	for (int waited = 0; waited < WAIT_MS; waited += 50) {
		file = fopen(path, "re");
		if (file) {
			bool read = fgets(text, sizeof(text), file) != NULL;

			(void)fclose(file);
			return read ? (int)strtol(text, NULL, 10) : 0;
		}
		(void)usleep(50000);
	}
	return 0;
}

static int directory_start(void **state)
{
	int end[2];

	(void)state;
	(void)snprintf(directory.folder, sizeof(directory.folder), "/tmp/polder-acme-XXXXXX");
	assert_non_null(mkdtemp(directory.folder));
	directory_does("good");
	assert_int_equal(pipe2(end, O_CLOEXEC), 0);
	directory.process = fork();
	if (directory.process == 0) {
		(void)dup2(end[0], STDIN_FILENO);
		(void)execlp("python3", "python3", "tests/support/acme_directory.py",
			directory.folder, (char *)NULL);
		_exit(126);
	}
	(void)close(end[0]);
	directory.hold = end[1];
	(void)snprintf(directory.url, sizeof(directory.url), "https://127.0.0.1:%d/directory",
		read_port());
	(void)snprintf(directory.ca, sizeof(directory.ca), "%s/ca.pem", directory.folder);
	directory.settings = (struct acme_settings){ directory.url, directory.ca,
		"mailto:a@example.com", "", 0 };
	return 0;
}

static int directory_end(void **state)
{
	char command[128];

	(void)state;
	(void)close(directory.hold);
	(void)waitpid(directory.process, NULL, 0);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", directory.folder);
	return system(command) == 0 ? 0 : -1;
}

/* ---- a worker beside the world of web sites */

static int acme_setup(void **state)
{
	assert_int_equal(web_setup(state), 0);
	memset(&acme, 0, sizeof(acme));
	acme.world = *state;
	acme.api = &acme.world->api;
	acme.api->clock_ms = clock_utc_ms();
	acme.api->life_offset_ms = 0;
	acme.api->gateway.acme_directory = directory.url;
	acme.mem = arena_new(TURN_MEM);
	acme.nodes_follow = true;
	acme.time.monotonic_ms = HOUR_MS;
	assert_int_equal(acme_worker_new(&directory.settings, acme.api->vault,
				 acme.api->gateway.nodes, &acme.worker),
		OK);
	directory_does("good");
	return 0;
}

static int acme_teardown(void **state)
{
	acme_worker_free(acme.worker);
	arena_free(acme.mem);
	return teardown(state);
}

static void nodes_apply(void)
{
	int64_t newest = web_generation(acme.api);

	assert_int_equal(nodes_confirm(acme.api->gateway.nodes, "node1", (uint64_t)newest,
				 acme.api->clock_ms),
		OK);
}

static void tick(void)
{
	int64_t wait_ms = -1;

	if (!acme.clock_stands)
		acme.api->clock_ms = clock_utc_ms() + acme.moved_ms;
	if (acme.nodes_follow)
		nodes_apply();
	arena_reset(acme.mem);
	acme.time.clock_ms = acme.api->clock_ms;
	acme.time.life_ms = acme.api->clock_ms + acme.api->life_offset_ms;
	acme.time.monotonic_ms += TICK_MS;
	assert_int_equal(
		acme_worker_tick(acme.worker, acme.api->db, acme.mem, &acme.time, &wait_ms), OK);
	assert_in_range(wait_ms, 0, ACME_TICK_MS);
}

static const char *state_of(const char *domain)
{
	assert_int_equal(OWN(acme.api, "DescribeWebAcme", "Domain", domain), 200);
	return api_text(acme.api, "State");
}

/* Until no order runs. */
static void run_orders(const char *domain)
{
	int steps = 0;

	do
		tick();
	while (strcmp(state_of(domain), "ordering") == 0 && ++steps < STEPS);
	assert_in_range(steps, 0, STEPS - 1);
}

static void switch_on(const char *domain)
{
	assert_int_equal(OWN(acme.api, "ConfigWebAcme", "Domain", domain, "Enable", "1"), 200);
}

static void fails(const char *mode, const char *why)
{
	directory_does(mode);
	switch_on(DOMAIN);
	run_orders(DOMAIN);
	if (strcmp(state_of(DOMAIN), "failed") != 0 ||
		!strstr(api_text(acme.api, "LastError"), why))
		fail_msg("%s: wanted %s, got %s: %s", mode, why, api_text(acme.api, "State"),
			api_text(acme.api, "LastError"));
	assert_int_equal(api_int(acme.api, "Failures"), 1);
	assert_string_equal(api_text(acme.api, "CertName"), "");
	/* Nothing is left that nodes would answer. */
	assert_int_equal(web_site(acme.api, DOMAIN)->acme_token.length, 0);
}

static int64_t events(const char *kind)
{
	assert_int_equal(
		OWN(acme.api, "DescribeEvents", "InstanceId", acme.world->id, "Kind", kind), 200);
	return (int64_t)json_array_size(api_get(acme.api, "Events"));
}

/* ---- what is right */

static void test_certificate_comes(void **state)
{
	const struct site *site;
	bool answered = false;
	(void)state;

	assert_string_equal(state_of(DOMAIN), "off");
	switch_on(DOMAIN);
	assert_string_equal(state_of(DOMAIN), "waiting");
	for (int i = 0; i < STEPS && !answered; i++) {
		tick();
		answered = web_site(acme.api, DOMAIN)->acme_token.length > 0;
	}
	site = web_site(acme.api, DOMAIN);
	assert_memory_equal(site_text_at(site, site->acme_token), "token", 5);
	assert_int_equal(site->acme_answer.length, site->acme_token.length + 1 + 43);
	assert_int_equal(web_site(acme.api, STANDARD)->acme_token.length, 0);
	run_orders(DOMAIN);
	assert_string_equal(state_of(DOMAIN), "valid");
	assert_string_equal(api_text(acme.api, "CertName"), "acme/" DOMAIN);
	assert_string_equal(api_text(acme.api, "Issuer"), "test authority");
	/* Of two days, two thirds. */
	assert_in_range(api_int(acme.api, "ExpireTime") - api_int(acme.api, "NextTry"),
		16 * HOUR_MS - MINUTE_MS, 16 * HOUR_MS + MINUTE_MS);
	assert_int_equal(web_site(acme.api, DOMAIN)->acme_token.length, 0);
	assert_int_equal(events("certificate_issued"), 1);
	assert_int_equal(
		OWN(acme.api, "DescribeAuditLog", "ActionName", "engine.acme_certificate"), 200);
	assert_int_equal(json_array_size(api_get(acme.api, "Records")), 1);
}

static void move_clock(int64_t span_ms)
{
	acme.api->clock_ms += span_ms;
	acme.moved_ms += span_ms;
}

static void test_renewal(void **state)
{
	int64_t until;
	(void)state;

	switch_on(DOMAIN);
	run_orders(DOMAIN);
	assert_string_equal(state_of(DOMAIN), "valid");
	until = api_int(acme.api, "ExpireTime");
	move_clock(31 * HOUR_MS);
	run_orders(DOMAIN);
	assert_int_equal(events("certificate_issued"), 1);
	/* The directory's certificates are as valid as the machine's clock says. */
	move_clock(2 * HOUR_MS);
	run_orders(DOMAIN);
	assert_int_equal(events("certificate_issued"), 2);
	assert_string_equal(state_of(DOMAIN), "valid");
	assert_in_range(api_int(acme.api, "ExpireTime"), until, until + HOUR_MS);
	assert_string_equal(api_text(acme.api, "CertName"), "acme/" DOMAIN);
}

static void test_failed_renewal_keeps_the_old_one(void **state)
{
	(void)state;
	switch_on(DOMAIN);
	run_orders(DOMAIN);
	directory_does("wrong answer");
	move_clock(33 * HOUR_MS);
	run_orders(DOMAIN);
	assert_string_equal(state_of(DOMAIN), "failed");
	assert_string_equal(api_text(acme.api, "CertName"), "acme/" DOMAIN);
	assert_int_equal(events("certificate_failed"), 1);
	assert_int_equal(web_site(acme.api, DOMAIN)->certificate != 0, 1);
}

static void test_expired_instances_get_none(void **state)
{
	(void)state;
	switch_on(DOMAIN);
	api_move_life(acme.api, 40 * DAY_MS);
	for (int i = 0; i < 5; i++)
		tick();
	assert_string_equal(state_of(DOMAIN), "waiting");
	assert_int_equal(OWN(acme.api, "DescribeEvents", "InstanceId", acme.world->id, "Kind",
				 "certificate_failed"),
		200);
	api_move_life(acme.api, -40 * DAY_MS);
	run_orders(DOMAIN);
	assert_string_equal(state_of(DOMAIN), "valid");
}

static void test_brought_certificate_is_renewed_late(void **state)
{
	struct test_certificate brought = test_certificate(acme.api->fixture, DOMAIN,
		acme.api->clock_ms - MINUTE_MS, acme.api->clock_ms + 30 * DAY_MS);
	(void)state;

	switch_on(DOMAIN);
	run_orders(DOMAIN);
	assert_int_equal(CALL(acme.api, "AssociateWebCert", "Domain", DOMAIN, "CertName", "mine",
				 "Cert", brought.chain, "Key", brought.key),
		200);
	move_clock(19 * DAY_MS);
	run_orders(DOMAIN);
	assert_string_equal(state_of(DOMAIN), "valid");
	assert_string_equal(api_text(acme.api, "CertName"), "mine");
}

/* Somebody gave the certificate to another site, too. */
static void test_shared_certificate_is_left(void **state)
{
	const char *id;
	(void)state;

	switch_on(DOMAIN);
	run_orders(DOMAIN);
	assert_int_equal(CALL(acme.api, "DescribeCerts", "Domain", DOMAIN), 200);
	id = arena_print(acme.api->fixture, "%lld", (long long)api_int(acme.api, "Certs.0.Id"));
	web_create(acme.api, acme.world->id, "*.example.com");
	assert_int_equal(
		CALL(acme.api, "AssociateWebCert", "Domain", "*.example.com", "CertId", id), 400);
	assert_int_equal(CALL(acme.api, "AssociateWebCert", "Domain", STANDARD, "CertId", id), 400);
}

static void test_switched_off_meanwhile(void **state)
{
	(void)state;
	switch_on(DOMAIN);
	for (int i = 0; i < 3; i++)
		tick();
	assert_string_equal(state_of(DOMAIN), "ordering");
	assert_int_equal(OWN(acme.api, "ConfigWebAcme", "Domain", DOMAIN, "Enable", "0"), 200);
	assert_string_equal(state_of(DOMAIN), "off");
	assert_int_equal(web_site(acme.api, DOMAIN)->acme_token.length, 0);
	for (int i = 0; i < STEPS; i++)
		tick();
	assert_string_equal(state_of(DOMAIN), "off");
	assert_string_equal(api_text(acme.api, "CertName"), "");
}

static void test_site_deleted_meanwhile(void **state)
{
	(void)state;
	switch_on(DOMAIN);
	for (int i = 0; i < 3; i++)
		tick();
	assert_int_equal(CALL(acme.api, "DeleteDomainResource", "Domain", DOMAIN), 200);
	for (int i = 0; i < STEPS; i++)
		tick();
	assert_int_equal(CALL(acme.api, "DescribeCerts", "ResourceGroupId", ""), 200);
	assert_int_equal(json_array_size(api_get(acme.api, "Certs")), 0);
}

/* A control that starts begins orders of its predecessor anew. */
static void test_restart(void **state)
{
	(void)state;
	switch_on(DOMAIN);
	while (web_site(acme.api, DOMAIN)->acme_token.length == 0)
		tick();
	acme_worker_free(acme.worker);
	assert_int_equal(acme_worker_new(&directory.settings, acme.api->vault,
				 acme.api->gateway.nodes, &acme.worker),
		OK);
	tick();
	run_orders(DOMAIN);
	assert_string_equal(state_of(DOMAIN), "valid");
}

static void test_several_at_once(void **state)
{
	(void)state;
	switch_on(DOMAIN);
	switch_on(STANDARD);
	tick();
	assert_string_equal(state_of(DOMAIN), "ordering");
	assert_string_equal(state_of(STANDARD), "ordering");
	run_orders(DOMAIN);
	run_orders(STANDARD);
	assert_string_equal(state_of(DOMAIN), "valid");
	assert_string_equal(state_of(STANDARD), "valid");
}

/* ---- what is wrong */

static void test_failures(void **state)
{
	static const struct {
		const char *mode, *why;
	} rows[] = {
		{ "redirect", "redirects (status 302)" },
		{ "oversize", "has more than 49152 bytes" },
		{ "nonsense", "is no directory" },
		{ "external", "known to it already" },
		{ "no nonce", "gives no nonce" },
		{ "bad nonces", "not this one (badNonce)" },
		{ "rate limited", "too many (rateLimited)" },
		{ "foreign", "a URL that is not its own: https://192.0.2.1/" },
		{ "two", "other than one authorization" },
		{ "no http", "does not offer HTTP-01" },
		{ "bad token", "does not offer HTTP-01" },
		{ "wrong answer", "the answer was wrong (unauthorized)" },
		/* What could move a terminal is not shown. */
		{ "order invalid", "no such  [31mname  (badCSR)" },
		{ "wrong name", "is not for the domain, but for other.example.com" },
		{ "wrong key", "Key does not belong" },
		{ "stuck", "did not come to an end" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		fails(rows[i].mode, rows[i].why);
	/* And then all is well. */
	directory_does("good");
	switch_on(DOMAIN);
	run_orders(DOMAIN);
	assert_string_equal(state_of(DOMAIN), "valid");
}

static void test_nonces_are_tried_again(void **state)
{
	(void)state;
	directory_does("bad nonce");
	switch_on(DOMAIN);
	run_orders(DOMAIN);
	assert_string_equal(state_of(DOMAIN), "valid");
}

static void test_account_is_made_anew(void **state)
{
	(void)state;
	switch_on(DOMAIN);
	run_orders(DOMAIN);
	directory_does("account gone");
	switch_on(DOMAIN);
	run_orders(DOMAIN);
	assert_string_equal(state_of(DOMAIN), "failed");
	directory_does("good");
	switch_on(DOMAIN);
	run_orders(DOMAIN);
	assert_string_equal(state_of(DOMAIN), "valid");
}

static void test_silent_directory(void **state)
{
	struct acme_settings settings = directory.settings;
	(void)state;

	settings.timeout_ms = 1500;
	acme_worker_free(acme.worker);
	assert_int_equal(
		acme_worker_new(&settings, acme.api->vault, acme.api->gateway.nodes, &acme.worker),
		OK);
	fails("silent", "cannot be asked");
}

static void test_directory_that_is_away(void **state)
{
	static const struct acme_settings away = { "https://127.0.0.1:1/directory", "", "", "", 0 };
	int64_t next_ms, pause_ms = 0;
	(void)state;

	acme.clock_stands = true;

	acme_worker_free(acme.worker);
	assert_int_equal(
		acme_worker_new(&away, acme.api->vault, acme.api->gateway.nodes, &acme.worker), OK);
	switch_on(DOMAIN);
	for (int i = 1; i <= ACME_TRIES_MAX; i++) {
		run_orders(DOMAIN);
		(void)state_of(DOMAIN);
		assert_int_equal(api_int(acme.api, "Failures"), i);
		next_ms = api_int(acme.api, "NextTry");
		if (i == ACME_TRIES_MAX)
			break;
		assert_true(next_ms - acme.api->clock_ms >= pause_ms);
		pause_ms = next_ms - acme.api->clock_ms;
		/* Not before. */
		move_clock(pause_ms - 1);
		tick();
		assert_string_equal(state_of(DOMAIN), "failed");
		move_clock(1);
	}
	assert_string_equal(state_of(DOMAIN), "stopped");
	assert_int_equal(next_ms, 0);
	assert_int_equal(events("certificate_failed"), ACME_TRIES_MAX);
	move_clock(30 * DAY_MS);
	tick();
	assert_string_equal(state_of(DOMAIN), "stopped");
	switch_on(DOMAIN);
	assert_string_equal(state_of(DOMAIN), "waiting");
}

static void test_asked_pause(void **state)
{
	(void)state;
	acme.clock_stands = true;
	fails("rate limited", "rateLimited");
	assert_int_equal(api_int(acme.api, "NextTry") - acme.api->clock_ms, 7200 * SECOND_MS);
}

static void test_no_node(void **state)
{
	(void)state;
	acme.nodes_follow = false;
	switch_on(DOMAIN);
	run_orders(DOMAIN);
	assert_string_equal(state_of(DOMAIN), "failed");
	assert_non_null(strstr(api_text(acme.api, "LastError"), "no node"));
}

/* One tick of an order in which the n-th call of the store, or piece of memory, fails. */
static void fail_at(int at, uint64_t store, uint64_t memory)
{
	int64_t wait_ms;

	switch_on(DOMAIN);
	for (int i = 0; i < at; i++)
		tick();
	arena_reset(acme.mem);
	acme.time.monotonic_ms += TICK_MS;
	db_torture(store);
	arena_torture(memory, 0);
	(void)!acme_worker_tick(acme.worker, acme.api->db, acme.mem, &acme.time, &wait_ms);
	db_torture(0);
	arena_torture(0, 0);
	run_orders(DOMAIN);
	/* It came all the same, or failed with a reason, and never hangs. */
	if (strcmp(state_of(DOMAIN), "valid") != 0) {
		assert_string_equal(state_of(DOMAIN), "failed");
		assert_string_not_equal(api_text(acme.api, "LastError"), "");
		switch_on(DOMAIN);
		run_orders(DOMAIN);
		assert_string_equal(state_of(DOMAIN), "valid");
	}
	assert_int_equal(web_site(acme.api, DOMAIN)->acme_token.length, 0);
}

static void test_store_and_memory_fail(void **state)
{
	static const uint64_t calls[] = { 1, 4, 9 };
	(void)state;

	for (int at = 0; at < 9; at++) {
		for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
			fail_at(at, calls[i], 0);
			fail_at(at, 0, calls[i]);
		}
	}
}

static void test_refusals(void **state)
{
	struct api *api = acme.api;
	(void)state;

	web_create(api, acme.world->id, "*.example.org");
	assert_int_equal(OWN(api, "ConfigWebAcme", "Domain", "*.example.org", "Enable", "1"), 400);
	expect(api, "InvalidParameter", "wildcards");
	assert_int_equal(
		CALL(api, "CreateDomainResource", "Domain", "tls.example.com", "InstanceIds.1",
			acme.world->id, "RsType", "0", "RealServers.1", "10.0.0.1",
			"ProxyTypes.1.ProxyType", "https", "ProxyTypes.1.ProxyPorts.1", "443"),
		200);
	assert_int_equal(
		OWN(api, "ConfigWebAcme", "Domain", "tls.example.com", "Enable", "1"), 400);
	expect(api, "InvalidParameter", "port 80");
	api->gateway.acme_directory = "";
	assert_int_equal(OWN(api, "ConfigWebAcme", "Domain", DOMAIN, "Enable", "1"), 400);
	expect(api, "AcmeNotOffered", "");
	assert_int_equal(OWN(api, "ConfigWebAcme", "Domain", DOMAIN, "Enable", "0"), 200);
	assert_int_equal(OWN(api, "DescribeWebAcme", "Domain", "none.example.com"), 400);
}

/* ---- parts */

static void test_times(void **state)
{
	struct website_acme row = { .wanted = true, .error = "" };
	(void)state;

	assert_int_equal(acme_renew_ms(0, 90 * DAY_MS), 60 * DAY_MS);
	assert_int_equal(acme_pause_ms(1, 0), ACME_RETRY_FIRST_MS);
	assert_int_equal(acme_pause_ms(2, 0), 2 * ACME_RETRY_FIRST_MS);
	assert_int_equal(acme_pause_ms(INT64_MAX, 0), ACME_RETRY_LAST_MS);
	assert_int_equal(acme_pause_ms(1, HOUR_MS), HOUR_MS);
	assert_int_equal(acme_pause_ms(1, INT64_MAX), ACME_RETRY_MOST_MS);
	assert_int_equal(acme_next_ms(&row, true, 0, 90 * DAY_MS, 5), 5);
	row.wanted = false;
	assert_int_equal(acme_next_ms(&row, true, 0, 90 * DAY_MS, 5), 60 * DAY_MS);
	assert_int_equal(acme_next_ms(&row, false, 0, 0, 5), 5);
	row.retry_ms = 7;
	assert_int_equal(acme_next_ms(&row, false, 0, 0, 5), 7);
	row.tries = ACME_TRIES_MAX;
	assert_int_equal(acme_next_ms(&row, false, 0, 0, 5), 0);
	assert_true(acme_token_valid("aZ09-_"));
	assert_false(acme_token_valid(""));
	assert_false(acme_token_valid("a/b"));
	assert_false(acme_token_valid("a."));
}

DEFINE_AUTO(pkey, EVP_PKEY *, EVP_PKEY_free);

static void from_base64url(const char *text, uint8_t *out, size_t size)
{
	char padded[256];
	size_t length = strlen(text);

	assert_in_range(length, 1, sizeof(padded) - 4);
	memcpy(padded, text, length + 1);
	for (char *at = padded; *at; at++)
		*at = (char)(*at == '-' ? '+' : *at == '_' ? '/' : *at);
	while (length % 4)
		padded[length++] = '=';
	padded[length] = '\0';
	assert_int_equal(text_from_base64(padded, out, size), size);
}

static void test_signature(void **state)
{
	AUTO(pkey) EVP_PKEY *key = NULL, *again = NULL;
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	ECDSA_SIG *signature = ECDSA_SIG_new();
	const char *jws, *both, *pem;
	unsigned char *der = NULL;
	uint8_t raw[64];
	json_t *object;
	int length;
	(void)state;

	assert_int_equal(key_make(&key), OK);
	assert_int_equal(key_write(acme.mem, key, &pem), OK);
	assert_int_equal(key_read(pem, &again), OK);
	assert_int_equal(key_sign(acme.mem, again, "{\"a\":1}", "{}", &jws), OK);
	object = json_loads(jws, 0, NULL);
	both = arena_print(acme.mem, "%s.%s",
		json_string_value(json_object_get(object, "protected")),
		json_string_value(json_object_get(object, "payload")));
	assert_string_equal(both, "eyJhIjoxfQ.e30");
	from_base64url(json_string_value(json_object_get(object, "signature")), raw, sizeof(raw));
	assert_int_equal(
		ECDSA_SIG_set0(signature, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL)),
		1);
	length = i2d_ECDSA_SIG(signature, &der);
	assert_int_equal(EVP_DigestVerifyInit(digest, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(
		EVP_DigestVerify(digest, der, (size_t)length, (const uint8_t *)both, strlen(both)),
		1);
	OPENSSL_free(der);
	ECDSA_SIG_free(signature);
	EVP_MD_CTX_free(digest);
	json_decref(object);
	assert_int_equal(key_read("-----BEGIN nothing", &again), ERR_FORMAT);
}

/* RFC 7515, appendix A.3: its key, and the thumbprint as other programs compute it. */
static void test_thumbprint(void **state)
{
	static const char pem[] =
		"-----BEGIN PRIVATE KEY-----\n"
		"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n"
		"H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n"
		"7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"
		"-----END PRIVATE KEY-----\n";
	AUTO(pkey) EVP_PKEY *key = NULL;
	char thumbprint[KEY_THUMBPRINT_SIZE];
	const char *jwk;
	(void)state;

	assert_int_equal(key_read(pem, &key), OK);
	assert_int_equal(key_jwk(acme.mem, key, &jwk), OK);
	assert_string_equal(jwk, "{\"crv\":\"P-256\",\"kty\":\"EC\","
				 "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
				 "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}");
	assert_int_equal(key_thumbprint(acme.mem, key, thumbprint), OK);
	assert_string_equal(thumbprint, "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, acme_setup, acme_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_certificate_comes),
		TEST(test_renewal),
		TEST(test_failed_renewal_keeps_the_old_one),
		TEST(test_expired_instances_get_none),
		TEST(test_brought_certificate_is_renewed_late),
		TEST(test_shared_certificate_is_left),
		TEST(test_switched_off_meanwhile),
		TEST(test_site_deleted_meanwhile),
		TEST(test_restart),
		TEST(test_several_at_once),
		TEST(test_failures),
		TEST(test_nonces_are_tried_again),
		TEST(test_account_is_made_anew),
		TEST(test_silent_directory),
		TEST(test_directory_that_is_away),
		TEST(test_asked_pause),
		TEST(test_no_node),
		TEST(test_store_and_memory_fail),
		TEST(test_refusals),
		TEST(test_times),
		TEST(test_signature),
		TEST(test_thumbprint),
	};

	return cmocka_run_group_tests(tests, directory_start, directory_end);
}
