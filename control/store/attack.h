/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attacks, as long as they are remembered: also when their instance or web site is gone. As in store.h: inside the
 * caller's transaction.
 */
#ifndef CONTROL_STORE_ATTACK_H
#define CONTROL_STORE_ATTACK_H

#include "control/model/attack.h"
#include "control/model/attack_top.h"
#include "control/store/store.h"

#define ATTACK_KEEP_MS	(180 * (int64_t)86400000) /* published */
#define ATTACK_KEEP_MAX 10000			  /* of an account; the oldest make room */

struct attack_row {
	int64_t number;
	int64_t account;
	enum attack_kind kind;
	int64_t subject; /* number of the instance, of ATTACK_WEB_CC of the web site */
	char instance_id[INSTANCE_ID_SIZE]; /* of a web site: its first */
	enum product product;
	uint8_t vip[16];
	const char *domain; /* "": of no web site */
	struct attack attack;
};
/* Sets number, and forgets the account's oldest. */
enum err attack_insert(struct db *db, struct arena *mem, struct attack_row *row) MUST_USE;
/* Writes what was counted, and times. */
enum err attack_update(struct db *db, struct arena *mem, int64_t number, enum attack_kind kind,
	const struct attack *attack) MUST_USE;
/* Those that go on, from all accounts: at most limit. */
enum err attack_open_list(struct db *db, struct arena *mem, int64_t limit, struct attack_row **out,
	size_t *count) MUST_USE;
enum err attack_load(struct db *db, struct arena *mem, int64_t number,
	struct attack_row *out) MUST_USE; /* ERR_NOT_FOUND */
/* The one of the subject that goes on; ERR_NOT_FOUND. */
enum err attack_open_number(
	struct db *db, enum attack_kind kind, int64_t subject, int64_t *out) MUST_USE;
enum err attack_prune(struct db *db, int64_t before_ms) MUST_USE;
/* Who attacked: what was known of it before is replaced. Without any it is empty. */
enum err attack_top_write(struct db *db, struct arena *mem, int64_t number, enum attack_kind kind,
	const struct attack_top *top) MUST_USE;
enum err attack_top_load(struct db *db, struct arena *mem, int64_t number, enum attack_kind kind,
	struct attack_top *out) MUST_USE;

struct attack_filter {		    /* zero or NULL: not filtered */
	int64_t account;	    /* 0: all (operator) */
	const char *const *allowed; /* instance ids that the key is limited to */
	size_t allowed_count;
	const char *const *ids; /* instance ids that were asked for */
	size_t id_count;
	uint32_t kinds;	    /* bits of enum attack_kind; 0: all */
	const uint8_t *vip; /* 16 bytes */
	const char *domain;
	int64_t from_ms, to_ms; /* that it touches; to_ms 0: any */
	bool open;		/* only those that go on */
	int64_t offset, limit;	/* limit 0: none is listed */
};
/* Newest begin first. total (may be NULL): without offset and limit. */
enum err attack_list(struct db *db, struct arena *mem, const struct attack_filter *filter,
	struct attack_row **out, size_t *count, int64_t *total) MUST_USE;
/* The highest peak of what was refused; 0 without any. */
enum err attack_peak(struct db *db, struct arena *mem, const struct attack_filter *filter,
	struct counter *out) MUST_USE;

#endif
