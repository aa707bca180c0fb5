/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queries about web sites and certificates. As in store.h: inside the caller's transaction, and every change that nodes
 * must hear of is recorded by the function that makes it.
 */
#ifndef CONTROL_STORE_WEBSITE_H
#define CONTROL_STORE_WEBSITE_H

#include "control/model/certificate.h"
#include "control/model/website.h"
#include "control/store/store.h"

/* ---- website.c */

/* With all its parts. account 0: any; ERR_WEBSITE_NOT_FOUND also when it belongs to another. */
enum err website_load(struct db *db, struct arena *mem, int64_t account, const char *domain,
	struct website *out) MUST_USE;
enum err website_load_number(
	struct db *db, struct arena *mem, int64_t number, struct website *out) MUST_USE;

struct website_filter {	 /* zero or NULL: not filtered */
	int64_t account; /* 0: all (operator) */
	const char *const *
		allowed; /* instances that the key is limited to: all of a site's must be among them */
	size_t allowed_count;
	const char *const *ids; /* instances, of which a site must have one */
	size_t id_count;
	const char *domain; /* lower case; a part of it unless exact */
	bool exact;
	const char *cname;     /* label */
	const char *reuses;    /* label of the name that it is reached by, of another site */
	int64_t certificate;   /* number */
	int64_t offset, limit; /* limit 0: all */
};
/* The site whose domain is the filter's first, then by domain. total (may be NULL): without offset and limit. */
enum err website_list(struct db *db, struct arena *mem, const struct website_filter *filter,
	struct website **out, size_t *count, int64_t *total) MUST_USE;

/* Only the domains of all that the filter lets through, in their order. */
enum err website_domains(struct db *db, struct arena *mem, const struct website_filter *filter,
	const char ***out, size_t *count) MUST_USE;

/* Sets number and generation; ERR_WEBSITE_EXISTS: somebody has the domain. */
enum err website_insert(struct db *db, struct website *website) MUST_USE;
/* Writes all but domain, cname and create_ms. A certificate that no site has any more is deleted. */
enum err website_update(struct db *db, const struct website *website) MUST_USE;
/* With its settings and rules, and its certificate when no other site has it. */
enum err website_delete(struct db *db, const struct website *website) MUST_USE;
/* Every change that nodes must hear of and that no function here makes: new generation. */
enum err website_touch(struct db *db, const struct website *website) MUST_USE;
/* An instance goes: its sites lose it, and those that then have none end. */
enum err website_release(struct db *db, int64_t instance_number) MUST_USE;

/* What a new site of these instances would share a port with: the schemes of that port, and the domain that uses it.
 * schemes 0: none does. except: number of the site that asks; 0: a new one. */
struct website_port_use {
	unsigned schemes;
	const char *domain;
};
enum err website_port_used(struct db *db, struct arena *mem, int64_t instance_number, int64_t port,
	int64_t except, struct website_port_use *out) MUST_USE;
/* A domain of another account that the domain would take requests from, or that takes its: out NULL when none. */
enum err website_overlap(struct db *db, struct arena *mem, int64_t account, const char *domain,
	const char **out) MUST_USE;
/* What the instance's sites use up. except: number of a site that does not count; 0: none. */
struct website_usage {
	int64_t domains;
	int64_t sites;	   /* of SiteLimit */
	int64_t same_site; /* not 0: it has sites of the domain's site already */
};
enum err website_usage(struct db *db, int64_t instance_number, int64_t except, const char *domain,
	struct website_usage *out) MUST_USE;
/* The different documents of a name that sites of the instance with a certificate have; "" is one, too. */
enum err website_documents(struct db *db, struct arena *mem, int64_t instance_number,
	const char *name, const char ***out, size_t *count) MUST_USE;
/* All sites of all accounts. */
enum err website_count(struct db *db, int64_t *out) MUST_USE;

/* ---- website_policy.c */

/* A named JSON document of a site, which is read and written whole; "" when it was never set. */
enum err website_setting_load(struct db *db, struct arena *mem, int64_t website, const char *name,
	const char **out_json) MUST_USE;
enum err website_setting_put(
	struct db *db, const struct website *website, const char *name, const char *json) MUST_USE;

/* Named rules of a kind ("precise", "cc", "cc_v2", "cache", "global", "smart"), each a JSON document. */
struct website_rule {
	int64_t number; /* the nodes' id, never reused; stays when the rule is replaced */
	int64_t website;
	int64_t position; /* among those of its kind; put with 0: where it is, a new one behind the last */
	int64_t until_ms; /* machine time; INT64_MAX: for ever */
	const char *kind, *name, *owner, *json;
	bool enabled;
};
/* Of one kind, NULL: all, by kind, position and number. */
enum err website_rule_list(struct db *db, struct arena *mem, int64_t website, const char *kind,
	struct website_rule **out, size_t *count) MUST_USE;
/* By (kind, name): inserts, or replaces in place. Sets number, website and position. */
enum err website_rule_put(
	struct db *db, const struct website *website, struct website_rule *rule) MUST_USE;
/* changed: false when there was none. */
enum err website_rule_delete(struct db *db, const struct website *website, const char *kind,
	const char *name, bool *changed) MUST_USE;

/* ---- certificate.c. A certificate stays as long as a site has it: its key is nowhere when nobody needs it. */

enum err certificate_load(struct db *db, struct arena *mem, int64_t account, int64_t number,
	struct certificate_row *out) MUST_USE; /* account 0: any; ERR_CERTIFICATE_NOT_FOUND */
enum err certificate_by_name(struct db *db, struct arena *mem, int64_t account, const char *name,
	struct certificate_row *out) MUST_USE;
/* By number; account 0: all. Without chains. */
enum err certificate_list(struct db *db, struct arena *mem, int64_t account,
	struct certificate_row **out, size_t *count) MUST_USE;
/* Seals the key. Sets number and version. A site must get it in the same transaction. */
enum err certificate_insert(struct db *db, const struct vault *vault, struct arena *mem,
	struct certificate_row *certificate, const char *key) MUST_USE;
/* Another chain and key under the same number, for all sites that have it. */
enum err certificate_replace(struct db *db, const struct vault *vault, struct arena *mem,
	struct certificate_row *certificate, const char *key) MUST_USE;
/* The key, as long as mem lives; ERR_CERTIFICATE_INVALID: what is sealed there is not its. */
enum err certificate_open_key(struct db *db, const struct vault *vault, struct arena *mem,
	const struct certificate_row *certificate, const char **out) MUST_USE;
/* Those that no site has. */
enum err certificate_sweep(struct db *db) MUST_USE;

#endif
