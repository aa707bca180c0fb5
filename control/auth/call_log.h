/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls that were answered last, in memory of fixed size, with what was signed: for whoever asks why one failed.
 * Nothing secret is in it: values of secret parameters are replaced before. Thread-safe.
 */
#ifndef CONTROL_AUTH_CALL_LOG_H
#define CONTROL_AUTH_CALL_LOG_H

#include "base/text.h"
#include "control/store/store.h"

#define CALLS_KEPT	 8192		    /* 6 MiB */
#define CALL_TEXTS_BYTES ((size_t)8 << 20)  /* of what was signed; the oldest give way */
#define CALL_TEXT_MAX	 ((size_t)64 << 10) /* of one string: a longer one is not kept */
#define CALL_NAME_SIZE	 48
#define CALL_MESSAGE_MAX 256

struct call_record {
	int64_t number;	 /* 1, 2, ..; set by call_log_add */
	int64_t time_ms; /* machine time of arrival */
	int64_t took_us;
	char call_id[40];
	char version[16], action[CALL_NAME_SIZE], method[8];
	char key_id[ACCESS_KEY_ID_SIZE], user[40], source[ADDRESS_TEXT_SIZE];
	int64_t account; /* of the key that was named, also when the signature is not its; 0: none is known */
	const char *form; /* "V1", "V3", "none": a constant */
	int status;
	char code[CALL_NAME_SIZE]; /* "": it succeeded */
	char message[CALL_MESSAGE_MAX];
	char object[INSTANCE_ID_SIZE + 1];
	bool has_texts;
	uint64_t texts_at; /* of the log: where they begin, counted from the start */
	uint32_t string_size, canonical_size; /* with their NULs */
};

struct call_log;
struct call_log *call_log_new(void);	  /* NULL when memory is out */
void call_log_free(struct call_log *log); /* NULL is fine */
/* string, canonical: what was signed, NULL: nothing was. */
void call_log_add(struct call_log *log, const struct call_record *record, const char *string,
	const char *canonical);

struct call_filter {		   /* zero or NULL: not filtered */
	int64_t account;	   /* 0: all (operator) */
	const char *key_id, *user; /* of either, when not NULL; both are the caller's */
	const char *call_id, *action, *code;
	bool failed;
	int64_t from_ms, before_number;
	size_t limit;
};
/* Newest first. next: number to go on before; 0: there are no more. */
enum err call_log_list(struct call_log *log, struct arena *mem, const struct call_filter *filter,
	struct call_record **out, size_t *count, int64_t *next) MUST_USE;
/* What was signed by the call of the record, in mem; both "" when it is not kept (any more). */
enum err call_log_texts(struct call_log *log, struct arena *mem, const struct call_record *record,
	const char **string, const char **canonical) MUST_USE;

#endif
