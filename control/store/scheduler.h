/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queries about scheduling rules. As in store.h: inside the caller's transaction, and what names answer is recorded as a
 * change by the function that changes it.
 */
#ifndef CONTROL_STORE_SCHEDULER_H
#define CONTROL_STORE_SCHEDULER_H

#include "control/model/scheduler.h"
#include "control/store/store.h"

/* Sets number, with its resources. ERR_SCHEDULER_EXISTS: the account has one of the name. */
enum err scheduler_insert(struct db *db, struct scheduler_rule *rule) MUST_USE;
/* Writes all but account, name and cname. */
enum err scheduler_update(struct db *db, const struct scheduler_rule *rule) MUST_USE;
enum err scheduler_delete(struct db *db, const struct scheduler_rule *rule) MUST_USE;
/* account 0: any; ERR_SCHEDULER_NOT_FOUND. */
enum err scheduler_load(struct db *db, struct arena *mem, int64_t account, const char *name,
	struct scheduler_rule *out) MUST_USE;
enum err scheduler_load_number(
	struct db *db, struct arena *mem, int64_t number, struct scheduler_rule *out) MUST_USE;
/* An instance goes, and its address from all rules of its account; those that then have nothing end. */
enum err scheduler_release(struct db *db, const struct instance *instance) MUST_USE;

struct scheduler_filter { /* zero or NULL: not filtered */
	int64_t account;  /* 0: all (operator) */
	const char *const
		*allowed; /* a key's instances: all that a rule leads to must be among them */
	size_t allowed_count;
	const char *name;
	enum scheduler_type type;
	const char *either;    /* its name, or the domain of a CDN's rule */
	const char *domain;    /* of a CDN's rule */
	int64_t offset, limit; /* limit 0: all */
};
/* By number. total: without offset and limit. */
enum err scheduler_list(struct db *db, struct arena *mem, const struct scheduler_filter *filter,
	struct scheduler_rule **out, size_t *count, int64_t *total) MUST_USE;
/* Numbers after a number, ascending. */
enum err scheduler_numbers(struct db *db, struct arena *mem, int64_t after_number, int64_t limit,
	int64_t **out, size_t *count) MUST_USE;
/* Of an account; 0: of all. */
enum err scheduler_count(struct db *db, int64_t account, int64_t *out) MUST_USE;

/* What is known of each resource now. Requests are not counted here: of rules that go by them it is unknown. */
struct scheduler_times {
	int64_t now_ms, clock_ms;
};
enum err scheduler_signals(struct db *db, const struct scheduler_rule *rule,
	const struct scheduler_times *times,
	struct scheduler_signal out[SCHEDULER_RESOURCE_MAX]) MUST_USE;
/* Whether attacks on the rule's protected addresses, or on the web site of its domain, go on or ended after since_ms. */
enum err scheduler_scrubbed(
	struct db *db, const struct scheduler_rule *rule, int64_t since_ms, bool *out) MUST_USE;
/* Number of the account's web site of the rule's domain; 0: it has none. */
enum err scheduler_website(struct db *db, const struct scheduler_rule *rule, int64_t *out) MUST_USE;
/* Writes the state of it and its resources; renamed: what the name answers is another. */
enum err scheduler_put_state(
	struct db *db, const struct scheduler_rule *rule, bool renamed) MUST_USE;

#endif
