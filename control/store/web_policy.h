/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queries about what protects a web site, on top of website.h: its switches, rules that end by themselves, and where an
 * account keeps access logs. As in store.h: inside the caller's transaction, and every change that nodes must hear of
 * is recorded by the function that makes it.
 */
#ifndef CONTROL_STORE_WEB_POLICY_H
#define CONTROL_STORE_WEB_POLICY_H

#include "control/model/web_global.h"
#include "control/model/web_rule.h"
#include "control/store/website.h"

/* The fallback when nothing was set. */
enum err web_policy_load(
	struct db *db, struct arena *mem, int64_t website, struct web_policy *out) MUST_USE;
enum err web_policy_put(struct db *db, struct arena *mem, const struct website *website,
	const struct web_policy *policy) MUST_USE;

/* Rules of a kind that have not ended. kind: as web_rule_kind_name, or "global". */
enum err web_rule_list(struct db *db, struct arena *mem, int64_t website, const char *kind,
	int64_t clock_ms, struct website_rule **out, size_t *count) MUST_USE;
/* ERR_WEBSITE_RULE_NOT_FOUND, also when it has ended. */
enum err web_rule_load(struct db *db, struct arena *mem, int64_t website, const char *kind,
	const char *name, int64_t clock_ms, struct website_rule *out) MUST_USE;
/* All of a kind, with one change of the site. */
enum err web_rules_delete(
	struct db *db, const struct website *website, const char *kind, int64_t *changed) MUST_USE;
enum err web_rules_ended(struct db *db, int64_t clock_ms, bool *out) MUST_USE;
/* Deletes at most limit that ended. Nodes stopped obeying them at their time and need not hear of it: a new
 * generation would make them forget what they counted. */
enum err web_rules_prune(struct db *db, int64_t clock_ms, int64_t limit, int64_t *changed) MUST_USE;

/* ---- shipped rules, as a site has changed them */
struct global_choice {
	bool chosen; /* by an order: goes before the level */
	bool enabled;
	enum rule_action action;
};
enum err global_choices_load(struct db *db, struct arena *mem, int64_t website,
	enum web_level level, struct global_choice out[GLOBAL_RULE_MAX]) MUST_USE;
enum err global_choice_put(struct db *db, struct arena *mem, const struct website *website,
	size_t row, const struct global_choice *choice) MUST_USE;

/* ---- website_usual.c: requests that a site usually has, learned by the engine */
struct website_usual {
	const char *hours;  /* of model/usual.h; "" */
	int64_t learned_ms; /* machine time; 0: never */
	int64_t published;  /* requests a second, as nodes know it; 0: not known */
};
enum err website_usual_load(
	struct db *db, struct arena *mem, int64_t website, struct website_usual *out) MUST_USE;
/* publish: nodes hear of it. */
enum err website_usual_put(
	struct db *db, int64_t website, const struct website_usual *usual, bool publish) MUST_USE;

/* ---- access logs of an account */
#define LOG_DAYS_MIN	 7 /* published */
#define LOG_DAYS_MAX	 180
#define LOG_DAYS_DEFAULT 180
struct log_store {
	int64_t days;	    /* requests are kept so long */
	int64_t emptied_ms; /* machine time: those before are gone; 0: never */
};
enum err log_store_load(struct db *db, int64_t account, struct log_store *out) MUST_USE;
enum err log_store_put(struct db *db, int64_t account, const struct log_store *store) MUST_USE;

/* ---- log_query.c: who looks for requests in them */
struct log_query {
	int64_t number, account, website;
	int64_t from_ms, until_ms; /* of the requests; machine time */
	int64_t expires_ms;	   /* nodes may answer so long */
	int64_t lines;
	uint8_t source[16];
	int64_t source_bits; /* 0: any */
	int64_t status_min, status_max;
	int64_t check, verdict; /* CHECK_COUNT, LOG_VERDICT_NONE: any */
	const char *path;	/* what it begins with; "": any */
};
/* Sets number. */
enum err log_query_insert(struct db *db, struct log_query *query) MUST_USE;
enum err log_query_load(struct db *db, struct arena *mem, int64_t number,
	struct log_query *out) MUST_USE; /* ERR_NOT_FOUND */
/* How many of an account nodes may still answer. */
enum err log_query_running(struct db *db, int64_t account, int64_t clock_ms, int64_t *out) MUST_USE;
enum err log_query_prune(struct db *db, int64_t before_ms) MUST_USE;

#endif
