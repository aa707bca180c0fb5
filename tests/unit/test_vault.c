/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The key file and sealed secrets.
 */
#include "base/text.h"
#include "control/store/vault.h"
#include "tests/support/store.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* After our headers: it has a macro named fail. */
#include <cmocka.h>

struct fixture {
	char directory[64], path[96];
	struct arena *mem;
};

static int setup(void **state)
{
	static struct fixture fixture;

	(void)snprintf(fixture.directory, sizeof(fixture.directory), "/tmp/polder-test-XXXXXX");
	assert_non_null(mkdtemp(fixture.directory));
	(void)snprintf(fixture.path, sizeof(fixture.path), "%s/key", fixture.directory);
	fixture.mem = arena_new(1 << 20);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	arena_free(fixture->mem);
	(void)unlink(fixture->path);
	return rmdir(fixture->directory); /* nothing else may be left */
}

static void write_file(const char *path, size_t size, mode_t mode)
{
	char bytes[64] = { 1 };
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(fchmod(fd, mode), 0);
	(void)close(fd);
}

static void test_key_file(void **state)
{
	struct fixture *fixture = *state;
	struct vault *vault = NULL;
	struct stat status;

	assert_int_equal(vault_open(fixture->path, &vault), OK);
	vault_close(vault);
	vault_close(NULL);
	assert_int_equal(stat(fixture->path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(status.st_size, 32);
	/* Not made again. */
	assert_int_equal(vault_open(fixture->path, &vault), OK);
	vault_close(vault);
	assert_int_equal(chmod(fixture->path, 0640), 0);
	assert_int_equal(vault_open(fixture->path, &vault), ERR_SYSTEM);
	write_file(fixture->path, 31, 0600);
	assert_int_equal(vault_open(fixture->path, &vault), ERR_SYSTEM);
	write_file(fixture->path, 33, 0600);
	assert_int_equal(vault_open(fixture->path, &vault), ERR_SYSTEM);
	write_file(fixture->path, 0, 0600);
	assert_int_equal(vault_open(fixture->path, &vault), ERR_SYSTEM);
	assert_int_equal(vault_open("/nonexistent/folder/key", &vault), ERR_SYSTEM);
}

static void test_round_trip(void **state)
{
	struct fixture *fixture = *state;
	struct vault *vault;
	uint8_t *sealed, *again, *plain;
	size_t size, plain_size;
	char secret[300];

	memset(secret, 'k', sizeof(secret));
	assert_int_equal(vault_open(fixture->path, &vault), OK);
	for (size_t length = 0; length <= sizeof(secret); length += 50) {
		assert_int_equal(
			vault_seal(vault, fixture->mem, "c", secret, length, &sealed, &size), OK);
		assert_int_equal(size, length + VAULT_OVERHEAD);
		assert_int_equal(vault_open_secret(vault, fixture->mem, "c", sealed, size, &plain,
					 &plain_size),
			OK);
		assert_int_equal(plain_size, length);
		assert_memory_equal(plain, secret, length);
		assert_int_equal(plain[length], 0);
	}
	/* A new nonce each time, and the plain text is nowhere in it. */
	assert_int_equal(vault_seal(vault, fixture->mem, "c", secret, 300, &again, &size), OK);
	assert_int_equal(vault_seal(vault, fixture->mem, "c", secret, 300, &sealed, &size), OK);
	assert_memory_not_equal(again, sealed, size);
	assert_null(memmem(sealed, size, "kkkk", 4));
	vault_close(vault);
}

static void test_forgery(void **state)
{
	struct fixture *fixture = *state;
	struct vault *vault, *other;
	uint8_t *sealed, *plain;
	size_t size, plain_size;
	char path[128];

	assert_int_equal(vault_open(fixture->path, &vault), OK);
	assert_int_equal(vault_seal(vault, fixture->mem, "key:1", "secret", 6, &sealed, &size), OK);
	for (size_t i = 0; i < size; i++) {
		sealed[i] ^= 1;
		assert_int_equal(vault_open_secret(vault, fixture->mem, "key:1", sealed, size,
					 &plain, &plain_size),
			ERR_STORE);
		sealed[i] ^= 1;
	}
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(vault_open_secret(vault, fixture->mem, "key:1", sealed, cut,
					 &plain, &plain_size),
			ERR_STORE);
	assert_int_equal(
		vault_open_secret(vault, fixture->mem, "key:2", sealed, size, &plain, &plain_size),
		ERR_STORE);
	(void)snprintf(path, sizeof(path), "%s/other", fixture->directory);
	assert_int_equal(vault_open(path, &other), OK);
	assert_int_equal(
		vault_open_secret(other, fixture->mem, "key:1", sealed, size, &plain, &plain_size),
		ERR_STORE);
	assert_int_equal(
		vault_open_secret(vault, fixture->mem, "key:1", sealed, size, &plain, &plain_size),
		OK);
	vault_close(other);
	vault_close(vault);
	(void)unlink(path);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_key_file),
		TEST(test_round_trip),
		TEST(test_forgery),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
