/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replay protection: once per key and nonce, across restarts and threads, to the last place of a bucket,
 * and after nonces may have been lost.
 */
#include "control/auth/nonce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW	   INT64_C(1795428000000)
#define SECOND	   INT64_C(1000)
#define THREADS	   4
#define PER_THREAD 20000
#define CAPACITY   (1 << 21)
/* Where the header keeps the boot id: behind the magic number. */
#define BOOT_OFFSET 8

static char folder[32];
static char path[64];

static struct nonces *reopen(struct nonces *nonces, int64_t clock_ms)
{
	struct nonces *out = NULL;

	nonces_close(nonces);
	assert_int_equal(nonces_open(path, clock_ms, &out), OK);
	return out;
}

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/polder-test-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/nonces", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(folder);
}

static void once_while_valid(void **state)
{
	struct nonces *nonces = reopen(NULL, NOW);
	int64_t end = NOW + TIMESTAMP_SKEW_MS;

	(void)state;
	assert_int_equal(nonces_use(nonces, "key", "a", NOW, NOW), OK);
	assert_int_equal(nonces_use(nonces, "key", "a", NOW, NOW), ERR_NONCE_USED);
	assert_int_equal(nonces_use(nonces, "key", "b", NOW, NOW), OK);
	assert_int_equal(nonces_use(nonces, "other", "a", NOW, NOW), OK);
	/* "ke" with "y:a" reads alike when joined without lengths. */
	assert_int_equal(nonces_use(nonces, "ke", "y:a", NOW, NOW), OK);
	/* To the last moment at which the timestamp itself is accepted. */
	assert_int_equal(nonces_use(nonces, "key", "a", NOW, end), ERR_NONCE_USED);
	assert_int_equal(nonces_use(nonces, "key", "a", end, end + 2 * SECOND), OK);
	assert_int_equal(nonces_use(nonces, "key", "a", end, end + 2 * SECOND), ERR_NONCE_USED);
	/* A timestamp ahead of the clock is kept for as much longer. */
	assert_int_equal(nonces_use(nonces, "key", "ahead", end, NOW), OK);
	assert_int_equal(
		nonces_use(nonces, "key", "ahead", end, end + TIMESTAMP_SKEW_MS), ERR_NONCE_USED);
	nonces_close(nonces);
}

static void outlives_a_kill(void **state)
{
	struct nonces *nonces;
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		nonces = reopen(NULL, NOW);
		if (nonces_use(nonces, "key", "killed", NOW, NOW) != OK)
			_exit(1);
		(void)raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	nonces = reopen(NULL, NOW + SECOND);
	assert_int_equal(nonces_use(nonces, "key", "killed", NOW, NOW + SECOND), ERR_NONCE_USED);
	assert_int_equal(nonces_use(nonces, "key", "new", NOW, NOW + SECOND), OK);
	nonces = reopen(nonces, NOW + 2 * SECOND);
	assert_int_equal(nonces_use(nonces, "key", "new", NOW, NOW + 2 * SECOND), ERR_NONCE_USED);
	nonces_close(nonces);
}

static void one_process_at_a_time(void **state)
{
	struct nonces *nonces = reopen(NULL, NOW), *second = NULL;

	(void)state;
	assert_int_equal(nonces_open(path, NOW, &second), ERR_SYSTEM);
	assert_null(second);
	nonces_close(nonces);
	assert_int_equal(nonces_open("/nowhere/nonces", NOW, &second), ERR_SYSTEM);
}

static void poke(off_t offset, const void *data, size_t size)
{
	int fd = open(path, O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, size, offset), size);
	(void)close(fd);
}

static void another_boot_refuses_what_is_older(void **state)
{
	struct nonces *nonces = reopen(NULL, NOW);
	int64_t later = NOW + 60 * SECOND;

	(void)state;
	assert_int_equal(nonces_use(nonces, "key", "a", NOW, NOW), OK);
	/* A file made now remembers nothing from before. */
	assert_int_equal(nonces_use(nonces, "key", "b", NOW - SECOND, NOW), ERR_TIMESTAMP_EXPIRED);
	nonces_close(nonces);
	poke(BOOT_OFFSET, "another", 7);
	nonces = reopen(NULL, later + 999);
	assert_int_equal(
		nonces_use(nonces, "key", "c", later - SECOND, later), ERR_TIMESTAMP_EXPIRED);
	assert_int_equal(nonces_use(nonces, "key", "c", later, later), OK);
	/* The same boot again: nothing is lost, nothing more is refused. */
	nonces = reopen(nonces, later + 60 * SECOND);
	assert_int_equal(
		nonces_use(nonces, "key", "c", later, later + 60 * SECOND), ERR_NONCE_USED);
	assert_int_equal(nonces_use(nonces, "key", "d", later, later + 60 * SECOND), OK);
	nonces_close(nonces);
}

static void a_damaged_file_is_made_anew(void **state)
{
	struct nonces *nonces = reopen(NULL, NOW);
	struct stat status;

	(void)state;
	nonces_close(nonces);
	assert_int_equal(truncate(path, 100), 0);
	nonces = reopen(NULL, NOW + 5 * SECOND);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, 4096 + CAPACITY * 16);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(
		nonces_use(nonces, "key", "a", NOW, NOW + 5 * SECOND), ERR_TIMESTAMP_EXPIRED);
	nonces_close(nonces);
	poke(0, "????????", 8);
	nonces = reopen(NULL, NOW + 5 * SECOND);
	assert_int_equal(nonces_use(nonces, "key", "b", NOW + 5 * SECOND, NOW + 5 * SECOND), OK);
	nonces_close(nonces);
}

static void full_refuses(void **state)
{
	struct nonces *nonces = reopen(NULL, NOW);
	size_t accepted = 0, refused = 0, i;
	char nonce[32];
	enum err err;

	(void)state;
	/* Until buckets are full, and on: what is refused was not recorded, what is accepted was. */
	for (i = 0; i < CAPACITY; i++) {
		(void)snprintf(nonce, sizeof(nonce), "n%zu", i);
		err = nonces_use(nonces, "key", nonce, NOW, NOW);
		assert_true(err == OK || err == ERR_THROTTLED);
		accepted += err == OK;
		refused += err == ERR_THROTTLED;
		/* Most of the table serves before the first refusal. */
		if (refused == 1 && err == ERR_THROTTLED)
			assert_true(accepted > CAPACITY / 2);
	}
	assert_true(refused > 0);
	for (i = 0; i < CAPACITY; i += 997) {
		(void)snprintf(nonce, sizeof(nonce), "n%zu", i);
		assert_int_not_equal(nonces_use(nonces, "key", nonce, NOW, NOW), OK);
	}
	/* Room again once they are over. */
	assert_int_equal(nonces_use(nonces, "key", "n0", NOW + 2 * TIMESTAMP_SKEW_MS,
				 NOW + 2 * TIMESTAMP_SKEW_MS),
		OK);
	nonces_close(nonces);
}

struct worker {
	struct nonces *nonces;
	size_t accepted;
};

static void *use_all(void *argument)
{
	struct worker *worker = argument;
	char nonce[32];
	int i;

	for (i = 0; i < PER_THREAD; i++) {
		(void)snprintf(nonce, sizeof(nonce), "shared-%d", i);
		worker->accepted += nonces_use(worker->nonces, "key", nonce, NOW, NOW) == OK;
	}
	return NULL;
}

static void threads_share(void **state)
{
	struct nonces *nonces = reopen(NULL, NOW);
	struct worker worker[THREADS];
	pthread_t thread[THREADS];
	size_t i, accepted = 0;

	(void)state;
	for (i = 0; i < THREADS; i++) {
		worker[i] = (struct worker){ nonces, 0 };
		assert_int_equal(pthread_create(&thread[i], NULL, use_all, &worker[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		accepted += worker[i].accepted;
	}
	assert_int_equal(accepted, PER_THREAD);
	nonces_close(nonces);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(once_while_valid),
		CASE(outlives_a_kill),
		CASE(one_process_at_a_time),
		CASE(another_boot_refuses_what_is_older),
		CASE(a_damaged_file_is_made_anew),
		CASE(full_refuses),
		CASE(threads_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
