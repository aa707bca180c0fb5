/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queries about certificates that web sites get by themselves. As in store.h: inside the caller's transaction; what nodes
 * must hear of is recorded here.
 */
#ifndef CONTROL_STORE_ACME_H
#define CONTROL_STORE_ACME_H

#include "control/model/acme.h"
#include "control/store/store.h"
#include "control/store/vault.h"

/* ERR_NOT_FOUND: the site gets none by itself. */
enum err website_acme_load(
	struct db *db, struct arena *mem, int64_t website, struct website_acme *out) MUST_USE;
/* From now on, and at once; failures so far are forgotten. An order that runs goes on. */
enum err website_acme_enable(struct db *db, int64_t website) MUST_USE;
enum err website_acme_disable(struct db *db, int64_t website) MUST_USE;
/* Sites that are due, at most limit; those whose certificate ends first come first. Sites all of whose instances have
 * expired at life_ms are not. */
enum err website_acme_due(struct db *db, struct arena *mem, int64_t clock_ms, int64_t life_ms,
	size_t limit, int64_t **out, size_t *count) MUST_USE;
/* An order runs. */
enum err website_acme_begin(struct db *db, int64_t website, int64_t clock_ms) MUST_USE;
/* Nodes are to answer the token; generation: when they do. ERR_NOT_FOUND: as above. */
enum err website_acme_publish(struct db *db, int64_t website, const char *token, const char *answer,
	int64_t *generation) MUST_USE;
/* The order has ended, well (error NULL) or not; nodes answer no more. ERR_NOT_FOUND: as above. */
enum err website_acme_end(struct db *db, int64_t website, const char *error, int64_t tries,
	int64_t retry_ms) MUST_USE;
/* No order runs: those of a control that is gone are begun anew. */
enum err website_acme_restart(struct db *db) MUST_USE;

/* The account at a directory: its key is sealed. */
struct acme_account {
	const char *key;  /* PEM */
	const char *name; /* its URL, "kid"; "": not registered */
};
/* ERR_NOT_FOUND: there is none. */
enum err acme_account_load(struct db *db, const struct vault *vault, struct arena *mem,
	const char *directory, struct acme_account *out) MUST_USE;
enum err acme_account_insert(struct db *db, const struct vault *vault, struct arena *mem,
	const char *directory, const char *key) MUST_USE;
enum err acme_account_name(struct db *db, const char *directory, const char *name) MUST_USE;

#endif
