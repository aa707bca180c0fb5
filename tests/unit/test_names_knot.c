/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver of Knot DNS, and the publisher over it, against a knotd of the test's own that listens on its
 * control socket alone.
 */
#include "control/dns/publisher.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "control/dns/names.h"
#include "tests/support/names.h"

struct knot {
	char directory[64], socket[96];
	pid_t pid;
	struct dns_place place;
};

static const char *find_knotd(void)
{
	static const char *const paths[] = { "/usr/sbin/knotd", "/usr/local/sbin/knotd" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	}
	return NULL;
}

static void write_file(const struct knot *knot, const char *name, const char *content)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", knot->directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(content, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void knot_start(struct knot *knot, const char *program)
{
	char path[128], why[DNS_WHY_SIZE];
	struct dns_server *server;
	int waited = 0;

	(void)snprintf(path, sizeof(path), "%s/knot.conf", knot->directory);
	(void)unlink(knot->socket);
	knot->pid = fork();
	assert_true(knot->pid >= 0);
	if (knot->pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		/* A test that fails leaves no server behind. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(null, 1);
		(void)dup2(null, 2);
		(void)execl(program, program, "-c", path, (char *)NULL);
		_exit(127);
	}
	while (dns_knot.open(&knot->place, why, &server) != OK) {
		if (++waited > 500)
			fail_msg("knotd does not answer: %s", why);
		(void)usleep(10000);
	}
	dns_knot.close(server);
}

static void knot_kill(struct knot *knot)
{
	assert_int_equal(kill(knot->pid, SIGKILL), 0);
	assert_int_equal(waitpid(knot->pid, NULL, 0), knot->pid);
	knot->pid = 0;
}

static void knot_make(struct knot *knot)
{
	char text[1024];

	memset(knot, 0, sizeof(*knot));
	(void)snprintf(knot->directory, sizeof(knot->directory), "/tmp/polder-knot-XXXXXX");
	assert_non_null(mkdtemp(knot->directory));
	(void)snprintf(knot->socket, sizeof(knot->socket), "%s/knot.sock", knot->directory);
	knot->place = (struct dns_place){ .socket = knot->socket, .zone = NAMES_TEST_ZONE };
	/* It listens on its control socket only: no port is taken. */
	(void)snprintf(text, sizeof(text),
		"server:\n  rundir: \"%s\"\n  udp-workers: 1\n  tcp-workers: 1\n"
		"  background-workers: 1\n"
		"control:\n  listen: \"%s\"\n"
		"database:\n  storage: \"%s\"\n"
		"zone:\n  - domain: " NAMES_TEST_ZONE "\n    storage: \"%s\"\n    file: \"zone\"\n"
		"    journal-content: none\n    zonefile-sync: -1\n    zonefile-load: whole\n",
		knot->directory, knot->socket, knot->directory, knot->directory);
	write_file(knot, "knot.conf", text);
	write_file(knot, "zone",
		"$ORIGIN " NAMES_TEST_ZONE
		".\n$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 5\n@ NS ns\n"
		"ns A 192.0.2.53\n");
}

static void knot_remove(struct knot *knot)
{
	char command[128];

	if (knot->pid > 0)
		knot_kill(knot);
	(void)snprintf(command, sizeof(command), "rm -rf -- '%s'", knot->directory);
	assert_int_equal(system(command), 0);
}

/* Records of one name, "LABEL TYPE TTL DATA;" each. */
struct listing {
	char text[1024];
	unsigned count;
};

static bool list_one(
	void *context, const char *label, const char *type, int64_t ttl_s, const char *data)
{
	struct listing *listing = context;
	size_t used = strlen(listing->text);

	listing->count++;
	(void)snprintf(listing->text + used, sizeof(listing->text) - used, "%s %s %lld %s;", label,
		type, (long long)ttl_s, data);
	return true;
}

static void expect(struct dns_server *server, const char *label, const char *expected)
{
	struct listing listing = { .count = 0 };

	assert_int_equal(dns_knot.read(server, label, list_one, &listing), OK);
	assert_string_equal(listing.text, expected);
}

static int setup(void **state)
{
	*state = names_open();
	return 0;
}

static int teardown(void **state)
{
	names_close(*state);
	return 0;
}

static void test_knot(void **state)
{
	static const char *const two[] = { "10.0.0.1", "10.0.0.2" };
	static const char *const one[] = { "2001:db8::7" };
	static const char *const bad[] = { "not-an-address" };
	struct dns_records records = { "A", 60, 2, two, false, false };
	const char *program = find_knotd();
	char why[DNS_WHY_SIZE];
	struct dns_server *server;
	struct knot knot;

	(void)state;
	if (!program) {
		print_message("SKIP: knotd is not installed\n");
		skip();
	}
	knot_make(&knot);
	assert_int_equal(dns_knot.open(&knot.place, why, &server), ERR_UNAVAILABLE);
	assert_true(strlen(why) > 0);
	knot_start(&knot, program);

	assert_int_equal(dns_knot.open(&knot.place, why, &server), OK);
	assert_int_equal(dns_knot.begin(server), OK);
	assert_int_equal(dns_knot.set(server, "a", &records), OK);
	expect(server, "a", "a A 60 10.0.0.1;a A 60 10.0.0.2;");
	records = (struct dns_records){ "AAAA", 30, 1, one, true, false };
	assert_int_equal(dns_knot.set(server, "b", &records), OK);
	assert_int_equal(dns_knot.commit(server), OK);
	expect(server, "a", "a A 60 10.0.0.1;a A 60 10.0.0.2;");
	expect(server, "nothing", "");

	/* Set replaces, of whatever type; remove is content with nothing. */
	records.fresh = false;
	assert_int_equal(dns_knot.begin(server), OK);
	assert_int_equal(dns_knot.set(server, "a", &records), OK);
	assert_int_equal(dns_knot.remove(server, "b"), OK);
	assert_int_equal(dns_knot.remove(server, "b"), OK);
	assert_int_equal(dns_knot.remove(server, "nothing"), OK);
	assert_int_equal(dns_knot.commit(server), OK);
	expect(server, "a", "a AAAA 30 2001:db8::7;");
	expect(server, "b", "");

	/* What is not committed is not there, and hinders nobody. */
	assert_int_equal(dns_knot.begin(server), OK);
	assert_int_equal(dns_knot.remove(server, "a"), OK);
	dns_knot.close(server);
	assert_int_equal(dns_knot.open(&knot.place, why, &server), OK);
	expect(server, "a", "a AAAA 30 2001:db8::7;");
	records = (struct dns_records){ "A", 60, 1, bad, false, false };
	assert_int_equal(dns_knot.begin(server), OK);
	assert_int_equal(dns_knot.set(server, "c", &records), ERR_UNAVAILABLE);
	dns_knot.close(server);

	/* The whole zone, and after the server was killed the one of its file. */
	struct listing all = { .count = 0 };

	assert_int_equal(dns_knot.open(&knot.place, why, &server), OK);
	assert_int_equal(dns_knot.read(server, NULL, list_one, &all), OK);
	assert_int_equal(all.count, 4); /* SOA, NS, ns, a */
	knot_kill(&knot);
	assert_int_equal(dns_knot.begin(server), ERR_UNAVAILABLE);
	dns_knot.close(server);
	knot_start(&knot, program);
	assert_int_equal(dns_knot.open(&knot.place, why, &server), OK);
	expect(server, "a", "");
	dns_knot.close(server);
	knot_remove(&knot);
}

/* The publisher against the real server: names are there, and again after it was killed. */
static void test_publisher_with_knot(void **state)
{
	struct names_fixture *f = *state;
	struct instance four = names_buy(f, false, T0 + DAY_MS, true);
	struct instance six = names_buy(f, true, T0 + DAY_MS, false);
	const char *program = find_knotd();
	char expected[256], label[INSTANCE_ID_SIZE], why[DNS_WHY_SIZE];
	struct dns_server *server;
	struct knot knot;

	if (!program) {
		print_message("SKIP: knotd is not installed\n");
		skip();
	}
	(void)names_rule(f, &four, 80, "10.0.0.2 10.0.0.1");
	knot_make(&knot);
	knot_start(&knot, program);
	names_publisher(f, &dns_knot, knot.socket);
	(void)names_settle(f, 20);
	for (unsigned killed = 0; killed < 2; killed++) {
		assert_int_equal(dns_knot.open(&knot.place, why, &server), OK);
		names_label(four.id, label);
		(void)snprintf(expected, sizeof(expected), "%s A 60 %s;", label, names_vip(&four));
		expect(server, label, expected);
		names_label(six.id, label);
		(void)snprintf(
			expected, sizeof(expected), "%s AAAA 60 %s;", label, names_vip(&six));
		expect(server, label, expected);
		dns_knot.close(server);
		if (killed == 0) {
			knot_kill(&knot);
			knot_start(&knot, program);
			f->monotonic_ms += NAMES_CHECK_MS;
			names_tick(f);
		}
	}
	f->now_ms = T0 + 9 * DAY_MS;
	names_tick(f);
	assert_int_equal(dns_knot.open(&knot.place, why, &server), OK);
	names_label(four.id, label);
	(void)snprintf(
		expected, sizeof(expected), "%s A 60 10.0.0.1;%s A 60 10.0.0.2;", label, label);
	expect(server, label, expected);
	names_label(six.id, label);
	expect(server, label, "");
	dns_knot.close(server);
	knot_remove(&knot);
}

/* Waits until the server answers so; at most 5 s. */
static void await(const struct knot *knot, const char *label, const char *expected)
{
	char why[DNS_WHY_SIZE];
	struct listing listing;
	int waited = 0;

	do {
		struct dns_server *server;

		if (waited++ > 0)
			(void)usleep(20000);
		memset(&listing, 0, sizeof(listing));
		if (dns_knot.open(&knot->place, why, &server) != OK)
			continue;
		assert_int_equal(dns_knot.read(server, label, list_one, &listing), OK);
		dns_knot.close(server);
	} while (strcmp(listing.text, expected) != 0 && waited < 250);
	assert_string_equal(listing.text, expected);
}

/* The thread follows the store, and ends although the server hangs. */
static void test_thread(void **state)
{
	struct names_fixture *f = *state;
	struct life_clock *clock = life_clock_new(NULL);
	struct instance instance = names_buy(f, false, clock_utc_ms() + DAY_MS, false);
	struct names_settings settings = { .zone = NAMES_TEST_ZONE, .ttl_s = NAMES_TEST_TTL };
	const char *program = find_knotd();
	struct names_thread *thread;
	struct knot knot;
	char expected[128];
	int64_t begun_ms;

	if (!program) {
		print_message("SKIP: knotd is not installed\n");
		life_clock_free(clock);
		skip();
	}
	knot_make(&knot);
	knot_start(&knot, program);
	settings.socket = knot.socket;
	assert_int_equal(names_thread_start(&settings, f->store.url, clock, &thread), OK);
	(void)snprintf(
		expected, sizeof(expected), "%s A 60 %s;", instance.id, names_vip(&instance));
	await(&knot, instance.id, expected);
	names_release(f, &instance);
	await(&knot, instance.id, "");
	assert_int_equal(kill(knot.pid, SIGSTOP), 0);
	(void)usleep(2 * NAMES_CHECK_MS * 1000);
	begun_ms = clock_monotonic_ms();
	names_thread_stop(thread);
	assert_in_range(clock_monotonic_ms() - begun_ms, 0, 4000);
	knot_remove(&knot);
	life_clock_free(clock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_knot),
		cmocka_unit_test_setup_teardown(test_publisher_with_knot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_thread, setup, teardown),
	};

	log_open("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
