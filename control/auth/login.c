/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A counter is one time: until when its failures are forgiven. A failure moves it on by what one costs; a try is refused
 * when that would lead beyond so many at once. Counters stand in sets that share a hash, as those of throttle.c do; when a
 * set is full, the one with the fewest failures gives way. The hash has a key made at the start, so that nobody
 * can choose names or addresses that push another's counter out. Names and addresses have a table each: who has many
 * addresses and tries many names cannot rid a name of its failures by either.
 *
 * A restart forgives everybody; whoever can bring one about has better ways in.
 */
#include "control/auth/login.h"

#include <ctype.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/signature.h"
#include "base/text.h"

#define SET_SIZE     8
#define NAME_SETS    1024 /* 8,192 names: 128 KiB */
#define ADDRESS_SETS 4096 /* 32,768 addresses: 512 KiB */
/* A longer name is that of no user. */
#define NAME_BYTES 64

struct tally {
	uint64_t key;	  /* 0: free */
	int64_t until_ms; /* its failures are forgiven then */
};

struct login {
	pthread_mutex_t lock;
	uint8_t key[32];
	unsigned cost_log2, working;
	int64_t recorded_ms; /* as until_ms, of records */
	uint64_t omitted;
	struct tally name[NAME_SETS][SET_SIZE];
	struct tally address[ADDRESS_SETS][SET_SIZE];
};

struct login *login_new(unsigned cost_log2)
{
	struct login *login = calloc(1, sizeof(*login));

	if (!login)
		return NULL;
	if (RAND_bytes(login->key, sizeof(login->key)) != 1) {
		free(login);
		return NULL;
	}
	(void)pthread_mutex_init(&login->lock, NULL);
	login->cost_log2 = cost_log2;
	return login;
}

unsigned login_cost(const struct login *login)
{
	return login->cost_log2;
}

void login_free(struct login *login)
{
	if (!login)
		return;
	(void)pthread_mutex_destroy(&login->lock);
	explicit_bzero(login->key, sizeof(login->key));
	free(login);
}

static uint64_t hash_of(const struct login *login, const char *text)
{
	uint8_t hash[32];
	uint64_t key;

	hmac_sha256(login->key, sizeof(login->key), text, strlen(text), hash);
	memcpy(&key, hash, sizeof(key));
	return key ? key : 1;
}

static struct tally *find(struct tally set[SET_SIZE], uint64_t key)
{
	struct tally *least = &set[0];

	for (size_t i = 0; i < SET_SIZE; i++) {
		if (set[i].key == key)
			return &set[i];
		if (set[i].until_ms < least->until_ms)
			least = &set[i];
	}
	*least = (struct tally){ .key = key };
	return least;
}

static struct tally *of_name(struct login *login, const char *name)
{
	char text[NAME_BYTES + 2] = "n";
	size_t length = strlen(name) < NAME_BYTES ? strlen(name) : NAME_BYTES;

	for (size_t i = 0; i < length; i++)
		text[1 + i] = (char)tolower((unsigned char)name[i]);
	text[1 + length] = '\0';

	uint64_t key = hash_of(login, text);

	return find(login->name[key % NAME_SETS], key);
}

static struct tally *of_address(struct login *login, const uint8_t address[16])
{
	char text[40] = "a";

	text_hex(address, address_is_ipv4(address) ? 16 : 8, text + 1);

	uint64_t key = hash_of(login, text);

	return find(login->address[key % ADDRESS_SETS], key);
}

/* How long until one more fits; 0: now. A clock that was set back must not lock anyone out for longer than the
 * failures at once do. */
static int64_t wait_of(int64_t *until_ms, int64_t clock_ms, int64_t each_ms, int64_t most)
{
	if (*until_ms < clock_ms)
		*until_ms = clock_ms;
	if (*until_ms > clock_ms + each_ms * most)
		*until_ms = clock_ms + each_ms * most;

	int64_t over_ms = *until_ms + each_ms - clock_ms - each_ms * most;

	return over_ms > 0 ? over_ms : 0;
}

bool login_try(struct login *login, const char *name, const uint8_t address[16], int64_t clock_ms,
	int64_t *retry_ms)
{
	(void)pthread_mutex_lock(&login->lock);

	struct tally *user = of_name(login, name), *source = of_address(login, address);
	int64_t user_ms =
		wait_of(&user->until_ms, clock_ms, LOGIN_NAME_FORGIVE_MS, LOGIN_NAME_FAILURES);
	int64_t source_ms = wait_of(
		&source->until_ms, clock_ms, LOGIN_ADDRESS_FORGIVE_MS, LOGIN_ADDRESS_FAILURES);
	bool allowed = user_ms == 0 && source_ms == 0;

	*retry_ms = user_ms > source_ms ? user_ms : source_ms;
	if (allowed) {
		user->until_ms += LOGIN_NAME_FORGIVE_MS;
		source->until_ms += LOGIN_ADDRESS_FORGIVE_MS;
	}
	(void)pthread_mutex_unlock(&login->lock);
	return allowed;
}

void login_good(struct login *login, const char *name, const uint8_t address[16], int64_t clock_ms)
{
	(void)pthread_mutex_lock(&login->lock);

	struct tally *user = of_name(login, name), *source = of_address(login, address);

	/* One that gave way meanwhile has nothing to give back. */
	if (user->until_ms >= clock_ms + LOGIN_NAME_FORGIVE_MS)
		user->until_ms -= LOGIN_NAME_FORGIVE_MS;
	if (source->until_ms >= clock_ms + LOGIN_ADDRESS_FORGIVE_MS)
		source->until_ms -= LOGIN_ADDRESS_FORGIVE_MS;
	(void)pthread_mutex_unlock(&login->lock);
}

bool login_record(struct login *login, int64_t clock_ms, uint64_t *omitted)
{
	(void)pthread_mutex_lock(&login->lock);

	bool recorded =
		wait_of(&login->recorded_ms, clock_ms, LOGIN_RECORD_EACH_MS, LOGIN_RECORDS) == 0;

	*omitted = login->omitted;
	if (recorded)
		login->recorded_ms += LOGIN_RECORD_EACH_MS;
	login->omitted = recorded ? 0 : login->omitted + 1;
	(void)pthread_mutex_unlock(&login->lock);
	return recorded;
}

bool login_work_begin(struct login *login)
{
	bool begun;

	(void)pthread_mutex_lock(&login->lock);
	begun = login->working < LOGIN_WORK_MAX;
	if (begun)
		login->working++;
	(void)pthread_mutex_unlock(&login->lock);
	return begun;
}

void login_work_end(struct login *login)
{
	(void)pthread_mutex_lock(&login->lock);
	login->working--;
	(void)pthread_mutex_unlock(&login->lock);
}
