/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OCSP responses from openssl's responder on loopback: those that may be stapled come, and no others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/staple.h"
#include "base/auto.h"
#include "base/clock.h"

/* Last: it makes a macro of the name fail. */
#include <cmocka.h>

#define WAIT_MS 20000 /* for a responder beside, which has to start */

struct world {
	char folder[64];
	int port;
	pid_t responder;
	int errors; /* standard error, while a test has it written into "log" */
	struct staple *staple;
};

static void run(const struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void run(const struct world *world, const char *format, ...)
{
	char command[2000];
	int length = snprintf(command, sizeof(command), "cd %s && (", world->folder);
	va_list arguments;

	va_start(arguments, format);
	length += vsnprintf(command + length, sizeof(command) - (size_t)length, format, arguments);
	va_end(arguments);
	(void)snprintf(
		command + length, sizeof(command) - (size_t)length, ") >out 2>&1 </dev/null");
	if (system(command) != 0)
		fail_msg("%s", command);
}

/* Whether the file has the text. */
static bool says(const struct world *world, const char *name, const char *text)
{
	char path[96], content[8192];
	size_t length;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", world->folder, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	length = fread(content, 1, sizeof(content) - 1, file);
	(void)fclose(file);
	content[length] = '\0';
	return strstr(content, text) != NULL;
}

static int free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	AUTO(fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		getsockname(fd, (struct sockaddr *)&address, &length) != 0)
		abort();
	return ntohs(address.sin_port);
}

/* A CA, and a leaf that names the responder. */
static void make_certificates(const struct world *world, const char *url)
{
	run(world,
		"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
		"-subj /CN=ca "
		"-keyout ca.key -out ca.pem && "
		"openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=leaf "
		"-keyout leaf.key -out leaf.csr && echo '%s' > ext && "
		"openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -set_serial 0x1001 -days "
		"2 "
		"-extfile ext -out leaf.pem && cat leaf.pem ca.pem > chain.pem",
		url);
}

static void start_responder(struct world *world, const char *index, const char *signer)
{
	char port[16], key[64], certificate[64];

	run(world, "printf '%s' > index", index);
	(void)snprintf(port, sizeof(port), "%d", world->port);
	(void)snprintf(key, sizeof(key), "%s.key", signer);
	(void)snprintf(certificate, sizeof(certificate), "%s.pem", signer);
	world->responder = fork();
	if (world->responder == 0) {
		if (chdir(world->folder) != 0 || !freopen("responder", "w", stdout) ||
			dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
			_exit(126);
		(void)execlp("openssl", "openssl", "ocsp", "-index", "index", "-port", port,
			"-rsigner", certificate, "-rkey", key, "-CA", "ca.pem", "-ndays", "1",
			(char *)NULL);
		_exit(126);
	}
	/* Not by a connection: it would wait for that one's request. */
	for (int i = 0; i < WAIT_MS / 50; i++) {
		if (says(world, "responder", "waiting for"))
			return;
		(void)usleep(50000);
	}
	fail_msg("the responder does not start");
}

static int up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	char url[128];

	if (!world)
		return -1;
	*state = world;
	(void)snprintf(world->folder, sizeof(world->folder), "/tmp/polder-staple-XXXXXX");
	if (!mkdtemp(world->folder))
		return -1;
	world->port = free_port();
	(void)snprintf(
		url, sizeof(url), "authorityInfoAccess=OCSP;URI:http://127.0.0.1:%d", world->port);
	make_certificates(world, url);
	(void)snprintf(url, sizeof(url), "%s/log", world->folder);
	world->errors = dup(STDERR_FILENO);
	if (!freopen(url, "w", stderr))
		return -1;
	return staple_open(true, &world->staple) == OK ? 0 : -1;
}

static int down(void **state)
{
	struct world *world = *state;

	staple_close(world->staple);
	if (world->responder > 0) {
		(void)kill(world->responder, SIGKILL);
		(void)waitpid(world->responder, NULL, 0);
	}
	(void)dup2(world->errors, STDERR_FILENO);
	(void)close(world->errors);
	run(world, "rm -f *");
	assert_int_equal(rmdir(world->folder), 0);
	free(world);
	return 0;
}

static void want(struct world *world, const char *file, uint32_t version)
{
	struct staple_wanted *wanted = calloc(1, sizeof(*wanted));
	char path[96];
	AUTO(file) FILE *stream = NULL;

	assert_non_null(wanted);
	(void)snprintf(path, sizeof(path), "%s/%s", world->folder, file);
	stream = fopen(path, "re");
	assert_non_null(stream);
	*wanted =
		(struct staple_wanted){ .number = 5, .version = version, .chain = calloc(1, 8192) };
	assert_non_null(wanted->chain);
	wanted->chain_length = fread(wanted->chain, 1, 8192, stream);
	staple_want(world->staple, wanted, 1);
}

static bool comes(struct world *world, struct staple_result *out, int wait_ms)
{
	for (int i = 0; i < wait_ms / 20; i++) {
		if (staple_take(world->staple, out))
			return true;
		(void)usleep(20000);
	}
	return false;
}

static void refused(struct world *world, const char *why)
{
	static struct staple_result result;

	for (int i = 0; i < WAIT_MS / 50 && !says(world, "log", why); i++)
		(void)usleep(50000);
	if (!says(world, "log", why))
		fail_msg("not refused, or for another reason than: %s", why);
	assert_false(staple_take(world->staple, &result));
}

#define GOOD	"V\\t350101000000Z\\t\\t1001\\tunknown\\t/CN=leaf\\n"
#define REVOKED "R\\t350101000000Z\\t250101000000Z\\t1001\\tunknown\\t/CN=leaf\\n"

static void test_good(void **state)
{
	struct world *world = *state;
	static struct staple_result result;
	int64_t now_ms = clock_utc_ms(), until_ms;

	start_responder(world, GOOD, "ca");
	want(world, "chain.pem", 7);
	assert_true(comes(world, &result, WAIT_MS));
	assert_int_equal(result.number, 5);
	assert_int_equal(result.version, 7);
	until_ms = staple_until_ms(result.bytes, result.length);
	assert_in_range(until_ms, now_ms + DAY_MS - HOUR_MS, now_ms + DAY_MS + HOUR_MS);
	assert_int_equal(staple_until_ms(result.bytes, result.length - 1), 0);
	assert_int_equal(staple_until_ms("", 0), 0);
	/* Wanted as before: it is not asked for again. Another version is. */
	want(world, "chain.pem", 7);
	assert_false(comes(world, &result, 500));
	want(world, "chain.pem", 8);
	assert_true(comes(world, &result, WAIT_MS));
	assert_int_equal(result.version, 8);
}

static void test_revoked(void **state)
{
	struct world *world = *state;

	start_responder(world, REVOKED, "ca");
	want(world, "chain.pem", 1);
	refused(world, "the responder does not say that the certificate is good");
}

/* Signed by somebody whom the issuer does not know. */
static void test_forged(void **state)
{
	struct world *world = *state;

	run(world, "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
		   "-subj /CN=ca -keyout other.key -out other.pem");
	start_responder(world, GOOD, "other");
	want(world, "chain.pem", 1);
	refused(world, "the response is not signed by the issuer");
}

static void test_no_question(void **state)
{
	struct world *world = *state;

	want(world, "leaf.pem", 1);
	refused(world, "its issuer is not in the chain");
	make_certificates(world, "basicConstraints=CA:FALSE");
	want(world, "chain.pem", 2);
	refused(world, "it names no responder");
	make_certificates(world, "authorityInfoAccess=OCSP;URI:https://127.0.0.1");
	want(world, "chain.pem", 3);
	refused(world, "Unsupported protocol");
}

/* On a node, no certificate makes the agent ask another port, or this host. */
static void test_local_address(void **state)
{
	struct world *world = *state;

	staple_close(world->staple);
	assert_int_equal(staple_open(false, &world->staple), OK);
	want(world, "chain.pem", 1);
	refused(world, "its responder's address is not one that is asked");
	make_certificates(world, "authorityInfoAccess=OCSP;URI:http://127.0.0.1");
	want(world, "chain.pem", 2);
	refused(world, "Couldn't connect to server");
}

int main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, up, down)
	const struct CMUnitTest tests[] = {
		IN_WORLD(test_good),
		IN_WORLD(test_revoked),
		IN_WORLD(test_forged),
		IN_WORLD(test_no_question),
		IN_WORLD(test_local_address),
	};

	return cmocka_run_group_tests_name("staple", tests, NULL, NULL);
}
