/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A shared mapping of a file of fixed size. What is written to it belongs to the kernel at once: it
 * outlives kill -9 without a system call per request. A nonce is 96 bits of a keyed hash; the key, made
 * with the file, keeps anyone from choosing nonces that fall into one bucket. A bucket is searched
 * whole, since expired entries leave holes. A full bucket refuses: nothing is accepted unrecorded.
 *
 * Subtle: the expiry of a slot is written after its hash. Killed in between, the slot still shows the
 * old expiry, which is over, and the request was not yet accepted.
 *
 * Losing power may lose what the kernel had not written. The header names the boot in which the file was
 * last used; in another boot, and with a new file, requests that were signed before the file was
 * opened are refused. What remains is a client whose clock is ahead of ours by more than a reboot takes.
 */
#include "control/auth/nonce.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/signature.h"

#define NONCE_MAGIC UINT64_C(0x313045434e4f4e50)
#define BUCKET_COUNT                                                                               \
	32768 /* with 64 slots: 2^21 entries, 32 MiB; about 1,200 calls/s for ever, of all accounts */
#define BUCKET_SIZE  64 /* 64 * 0.6 entries stay below 64 by four standard deviations */
#define LOCK_COUNT   64
#define BOOT_ID_SIZE 40

struct file_header {
	uint64_t magic;
	char boot_id[BOOT_ID_SIZE];
	uint8_t key[32];
	int64_t lost_before_ms; /* machine time: of requests signed before it nonces may be missing */
	uint8_t reserved[4008];
};
struct slot {
	uint64_t hash_low;
	uint32_t hash_high;
	uint32_t expiry; /* machine time, seconds */
};
struct nonce_file {
	struct file_header header;
	struct slot slot[BUCKET_COUNT][BUCKET_SIZE];
};
_Static_assert(sizeof(struct file_header) == 4096, "slots begin on a page");
_Static_assert(sizeof(struct slot) == 16, "four slots in a cache line");

struct nonces {
	struct nonce_file *file;
	int fd; /* holds the lock on the file */
	pthread_mutex_t lock[LOCK_COUNT];
};

static enum err read_boot_id(char out[BOOT_ID_SIZE])
{
	AUTO(fd) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	memset(out, 0, BOOT_ID_SIZE);
	if (fd < 0 || read(fd, out, BOOT_ID_SIZE - 1) <= 0)
		return fail(ERR_SYSTEM, "read the boot id: %s", strerror(errno));
	return OK;
}

static enum err map_file(const char *path, struct nonces *nonces, bool *fresh)
{
	struct nonce_file *file;
	off_t size;
	int rc;

	nonces->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (nonces->fd < 0)
		return fail(ERR_SYSTEM, "open %s: %s", path, strerror(errno));
	if (flock(nonces->fd, LOCK_EX | LOCK_NB) != 0)
		return fail(ERR_SYSTEM, "lock %s: %s", path,
			errno == EWOULDBLOCK ? "another control uses it" : strerror(errno));
	size = lseek(nonces->fd, 0, SEEK_END);
	if (size != sizeof(*file) && ftruncate(nonces->fd, 0) != 0)
		return fail(ERR_SYSTEM, "truncate %s: %s", path, strerror(errno));
	/* A hole could not be filled on a full disk, and the process would get a SIGBUS. */
	rc = posix_fallocate(nonces->fd, 0, sizeof(*file));
	if (rc != 0)
		return fail(ERR_SYSTEM, "allocate %s: %s", path, strerror(rc));
	file = mmap(NULL, sizeof(*file), PROT_READ | PROT_WRITE, MAP_SHARED, nonces->fd, 0);
	if (file == MAP_FAILED)
		return fail(ERR_SYSTEM, "map %s: %s", path, strerror(errno));
	nonces->file = file;
	*fresh = file->header.magic != NONCE_MAGIC;
	return OK;
}

/* Brings the header up to date with this boot. The magic comes last: without it the file is fresh. */
static enum err prepare(struct nonces *nonces, bool fresh, int64_t clock_ms)
{
	struct file_header *header = &nonces->file->header;
	char boot_id[BOOT_ID_SIZE];

	TRY(read_boot_id(boot_id));
	if (fresh) {
		memset(nonces->file, 0, sizeof(*nonces->file));
		if (RAND_bytes(header->key, sizeof(header->key)) != 1)
			return fail(ERR_SYSTEM, "no random bytes for the nonce file");
	}
	if (fresh || memcmp(header->boot_id, boot_id, BOOT_ID_SIZE) != 0) {
		/* Timestamps of requests have no fractions of a second. */
		header->lost_before_ms = clock_ms - clock_ms % SECOND_MS;
		memcpy(header->boot_id, boot_id, BOOT_ID_SIZE);
	}
	__atomic_store_n(&header->magic, NONCE_MAGIC, __ATOMIC_RELEASE);
	if (msync(header, sizeof(*header), MS_SYNC) != 0)
		return fail(ERR_SYSTEM, "write the nonce file: %s", strerror(errno));
	return OK;
}

enum err nonces_open(const char *path, int64_t clock_ms, struct nonces **out)
{
	struct nonces *nonces = calloc(1, sizeof(*nonces));
	bool fresh = false;
	enum err err;
	size_t i;

	if (!nonces)
		return ERR_MEMORY;
	for (i = 0; i < LOCK_COUNT; i++)
		(void)pthread_mutex_init(&nonces->lock[i], NULL);
	err = map_file(path, nonces, &fresh);
	if (err == OK)
		err = prepare(nonces, fresh, clock_ms);
	if (err != OK) {
		nonces_close(nonces);
		return err;
	}
	*out = nonces;
	return OK;
}

void nonces_close(struct nonces *nonces)
{
	size_t i;

	if (!nonces)
		return;
	if (nonces->file)
		(void)munmap(nonces->file, sizeof(*nonces->file));
	if (nonces->fd >= 0)
		(void)close(nonces->fd);
	for (i = 0; i < LOCK_COUNT; i++)
		(void)pthread_mutex_destroy(&nonces->lock[i]);
	free(nonces);
}

/* HMAC of both, the id's length before it so that no two pairs read alike. */
static void nonce_hash(
	const struct nonces *nonces, const char *key_id, const char *nonce, uint8_t out[32])
{
	char joined[512];
	int length = snprintf(joined, sizeof(joined), "%zu:%s:%s", strlen(key_id), key_id, nonce);
	size_t used = (size_t)length < sizeof(joined) ? (size_t)length : sizeof(joined) - 1;

	hmac_sha256(nonces->file->header.key, sizeof(nonces->file->header.key), joined, used, out);
}

/* Where in the bucket there is room for what is not there already. */
static enum err bucket_room(
	struct slot *bucket, const struct slot *wanted, uint32_t now, struct slot **out)
{
	struct slot *room = NULL;
	size_t i;

	for (i = 0; i < BUCKET_SIZE; i++) {
		if (bucket[i].expiry < now) {
			if (!room)
				room = &bucket[i];
		} else if (bucket[i].hash_low == wanted->hash_low &&
			   bucket[i].hash_high == wanted->hash_high) {
			return ERR_NONCE_USED;
		}
	}
	*out = room;
	return room ? OK : ERR_THROTTLED;
}

static enum err find(struct nonces *nonces, const char *key_id, const char *nonce, int64_t time_ms,
	int64_t clock_ms, bool take)
{
	struct slot wanted, *room;
	uint8_t hash[32];
	uint32_t index;
	enum err err;

	if (time_ms < nonces->file->header.lost_before_ms)
		return ERR_TIMESTAMP_EXPIRED;
	nonce_hash(nonces, key_id, nonce, hash);
	memcpy(&wanted.hash_low, hash, sizeof(wanted.hash_low));
	memcpy(&wanted.hash_high, hash + 8, sizeof(wanted.hash_high));
	memcpy(&index, hash + 12, sizeof(index));
	index %= BUCKET_COUNT;
	wanted.expiry = (uint32_t)((time_ms + TIMESTAMP_SKEW_MS) / SECOND_MS + 1);
	(void)pthread_mutex_lock(&nonces->lock[index % LOCK_COUNT]);
	err = bucket_room(
		nonces->file->slot[index], &wanted, (uint32_t)(clock_ms / SECOND_MS), &room);
	if (err == OK && take) {
		room->hash_low = wanted.hash_low;
		room->hash_high = wanted.hash_high;
		__atomic_store_n(&room->expiry, wanted.expiry, __ATOMIC_RELEASE);
	}
	(void)pthread_mutex_unlock(&nonces->lock[index % LOCK_COUNT]);
	return err;
}

enum err nonces_use(struct nonces *nonces, const char *key_id, const char *nonce, int64_t time_ms,
	int64_t clock_ms)
{
	return find(nonces, key_id, nonce, time_ms, clock_ms, true);
}

enum err nonces_check(struct nonces *nonces, const char *key_id, const char *nonce, int64_t time_ms,
	int64_t clock_ms)
{
	return find(nonces, key_id, nonce, time_ms, clock_ms, false);
}
