/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Recorded traffic through the real packet path. Ordinary conversations are replayed from both sides: each
 * server of a recording becomes a protected address with a port rule, each client a source on the
 * Internet, and every packet must come out at the other side as it was, but for what corpus-exceptions
 * lists with its reason. Recorded attacks must not reach the origin.
 *
 * TCP needs a handshake with the node's cookie. Where the recording begins with a SYN the handshake is played
 * with the recorded SYN and SYN-ACK; where it begins in the middle, with made ones in front of the first
 * numbers that are seen. Afterwards the client's numbers are shifted as a client would have them, and
 * what arrives at the origin must be the recorded segment again.
 */
#include "tests/packet/mitigate.h"
#include "tests/wire/recording.h"
#include "tests/wire/replay.h"

#include <dirent.h>
#include <libgen.h>

#define CORPUS_DEFAULT "../shared/corpus"
#define EXCEPTION_FILE "tests/wire/corpus-exceptions"
#define RECORDING_MAX  1024
#define EXCEPTION_MAX  1024
#define FAILURE_SHOWN  10
#define ATTACK_STOPPED 95 /* of 100 packets */

struct exception {
	char file[128];
	char what[32]; /* packet number, or a class of packets */
	char reason[32];
	bool used;
};

static struct exception exception[EXCEPTION_MAX];
static size_t exceptions;
static struct {
	uint64_t packets, conversations, dropped, excused, skipped;
} total;

static const char *corpus(void)
{
	const char *path = getenv("POLDER_CORPUS");

	return path ? path : CORPUS_DEFAULT;
}

/* "FILE PACKET REASON why", "* CLASS REASON why"; # begins a comment. */
static void exceptions_read(void)
{
	FILE *file = fopen(EXCEPTION_FILE, "re");
	char line[512];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		struct exception *e = &exception[exceptions];

		if (line[0] == '#' ||
			sscanf(line, "%127s %31s %31s", e->file, e->what, e->reason) != 3)
			continue;
		assert_true(++exceptions < EXCEPTION_MAX);
	}
	(void)fclose(file);
}

static bool excused(const char *file, const struct outcome *o)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", o->number);
	for (size_t i = 0; i < exceptions; i++) {
		struct exception *e = &exception[i];

		if (strcmp(e->reason, reason_name[o->reason]) != 0)
			continue;
		if (strcmp(e->file, file) == 0 && strcmp(e->what, number) == 0)
			return e->used = true;
		if (strcmp(e->file, "*") == 0 && strcmp(e->what, o->kind) == 0)
			return e->used = true;
	}
	return false;
}

static void legit(void **state, bool direct)
{
	const char *path = *state, *slash = strrchr(path, '/');
	struct recording recording;
	struct recording_packet packet;
	struct outcome o;
	unsigned int bad = 0;

	replay_direct = direct;
	replay_begin();
	assert_true(recording_open(&recording, path));
	while (recording_next(&recording, &packet)) {
		replay_packet(&packet, &o);
		total.packets++;
		if (o.result == OUTCOME_SKIPPED) {
			total.skipped++;
			print_message("# %s %u left out: larger than a test run takes\n", slash + 1,
				o.number);
		}
		total.dropped += o.result == OUTCOME_DROPPED;
		if (o.result == OUTCOME_PASSED || o.result == OUTCOME_SKIPPED)
			continue;
		if (o.result == OUTCOME_DROPPED && excused(slash + 1, &o)) {
			total.excused++;
			continue;
		}
		if (bad++ < FAILURE_SHOWN)
			print_message("# %s %u %s: %s, %s\n", slash + 1, o.number,
				o.result == OUTCOME_DROPPED ? reason_name[o.reason] : "changed",
				o.kind, o.text);
	}
	total.conversations += replay_conversations();
	recording_close(&recording);
	assert_int_equal(bad, 0);
}

/* A cookie for every SYN. */
static void legit_cookie(void **state)
{
	legit(state, false);
}

/* As long as an instance gets few SYNs: they pass. */
static void legit_direct(void **state)
{
	legit(state, true);
}

/* Lines of corpus-exceptions that are of no packet any more. */
static void exceptions_are_needed(void **state)
{
	unsigned int unused = 0;

	(void)state;
	for (size_t i = 0; i < exceptions; i++) {
		if (exception[i].used || strcmp(exception[i].file, "*") == 0)
			continue;
		print_message("# not needed: %s %s %s\n", exception[i].file, exception[i].what,
			exception[i].reason);
		unused++;
	}
	print_message("# %lu packets in %lu conversations; %lu dropped, all as listed: %s; %lu "
		      "left out\n",
		(unsigned long)total.packets, (unsigned long)total.conversations,
		(unsigned long)total.dropped, total.dropped == total.excused ? "yes" : "no",
		(unsigned long)total.skipped);
	print_message("# SYNs answered with a cookie: %lu, passed as they were: %lu\n",
		(unsigned long)reason_packets(skel, REASON_cookie_sent),
		(unsigned long)reason_packets(skel, REASON_syn_passed));
	assert_int_equal(unused, 0);
	assert_true(reason_packets(skel, REASON_syn_passed) > 0);
}

/* How many of 100 packets of an attack do not reach the origin, all ports that it goes to being served. */
static double attack_stopped(const char *path)
{
	struct recording recording;
	struct recording_packet packet;
	uint64_t seen = 0, reached = 0;

	assert_true(recording_open(&recording, path));
	while (recording_next(&recording, &packet)) {
		seen++;
		reached += replay_attack(&packet);
	}
	recording_close(&recording);
	assert_true(seen > 0);
	return 100.0 - 100.0 * (double)reached / (double)seen;
}

/* With what an instance has by default, and with the ports of known reflectors refused. */
static void attack(void **state)
{
	const char *path = *state;
	double plain, refined;

	replay_direct = false;
	replay_begin();
	plain = attack_stopped(path);
	replay_begin();
	replay_refuse_reflectors();
	refined = attack_stopped(path);
	print_message("# %s: %.2f %% stopped by default, %.2f %% with reflection ports refused\n",
		strrchr(path, '/') + 1, plain, refined);
	assert_true(refined >= ATTACK_STOPPED);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct CMUnitTest *)a)->name, ((const struct CMUnitTest *)b)->name);
}

static size_t recordings(const char *folder, void (*body)(void **), struct CMUnitTest *out)
{
	static char path[PATH_MAX];
	DIR *directory;
	struct dirent *entry;
	size_t count = 0;

	(void)snprintf(path, sizeof(path), "%s/%s", corpus(), folder);
	directory = opendir(path);
	while (directory && (entry = readdir(directory)) != NULL && count < RECORDING_MAX) {
		char *file;

		if (entry->d_name[0] == '.' ||
			asprintf(&file, "%s/%s/%s", corpus(), folder, entry->d_name) < 0)
			continue;
		out[count++] = (struct CMUnitTest){
			.name = strrchr(file, '/') + 1, .test_func = body, .initial_state = file
		};
	}
	if (directory)
		(void)closedir(directory);
	qsort(out, count, sizeof(*out), by_name);
	return count;
}

static int setup(void **state)
{
	(void)state;
	network_make();
	/* Recordings hold what the receiver's hardware had put together. */
	assert_int_equal(system("for i in w0 l0; do ip link set $i mtu 9000 || exit 1; done"), 0);
	replay_load();
	exceptions_read();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	polder__destroy(skel);
	return 0;
}

int main(void)
{
	static struct CMUnitTest test[3 * RECORDING_MAX + 1];
	size_t count = recordings("legit", legit_cookie, test);

	if (geteuid() != 0) {
		puts("1..1\nok 1 corpus # SKIP needs root: network namespaces and BPF");
		return 0;
	}
	if (count == 0) {
		printf("1..1\nok 1 corpus # SKIP no recordings in %s\n", corpus());
		return 0;
	}
	count += recordings("legit", legit_direct, test + count);
	test[count++] = (struct CMUnitTest){ .name = "corpus-exceptions",
		.test_func = exceptions_are_needed };
	count += recordings("attack", attack, test + count);
	return _cmocka_run_group_tests("corpus", test, count, setup, teardown);
}
