/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queries, by noun; each noun is one .c file of this folder. All run inside the caller's
 * transaction. Loads allocate from mem. Every change that a node must hear of is recorded in the
 * change log (change_record) by the function that makes it, with the next generation, in the same
 * transaction: callers cannot forget it.
 */
#ifndef CONTROL_STORE_STORE_H
#define CONTROL_STORE_STORE_H

#include "base/form.h"
#include "control/model/instance.h"
#include "control/model/port_rule.h"
#include "control/store/db.h"
#include "shared/snapshot_abi.h"

/* ---- account.c: accounts, access keys, tokens. Secrets are encrypted with the key file. */

enum permission {
	PERMISSION_READ,
	PERMISSION_FULL,
	PERMISSION_OPERATOR,
	PERMISSION_COUNT
};
#define ACCESS_KEY_ID_SIZE 40
#define KEY_INSTANCE_MAX   200
struct access_key {
	char id[ACCESS_KEY_ID_SIZE];
	int64_t account;
	/* OPERATOR: also manages accounts and keys, sees all accounts. */
	enum permission permission;
	bool active;
	const char *secret; /* decrypted, in the arena; wiped with it */
	const char *token;  /* security token, NULL: a permanent key */
	const char *
		parent; /* of a token: the key that made it, or USER_PARENT and a user; NULL, "": none */
	int64_t expires_ms;    /* machine time; temporary keys */
	int64_t until_ms;      /* the latest to which it may be extended; 0: it may not */
	bool manages;	       /* a token that may do to keys and users what a permanent key may */
	size_t instance_count; /* 0: all instances of the account */
	const char **instance; /* ids it is limited to */
	int64_t create_ms;
	const char *remark;
};
const char *permission_name(enum permission permission); /* "read-only", "full", "operator" */
bool permission_from_name(const char *name, enum permission *out);

struct vault; /* the key file; see vault.h */
enum err account_insert(struct db *db, const char *name, int64_t now_ms, int64_t *out) MUST_USE;
enum err account_exists(struct db *db, int64_t account, bool *out) MUST_USE;
enum err account_name(struct db *db, struct arena *mem, int64_t account,
	const char **out) MUST_USE; /* ERR_ACCOUNT_NOT_FOUND */
struct account {
	int64_t number, create_ms;
	const char *name;
	int64_t instances, keys, users; /* keys: permanent ones */
};
/* A page of all, by number; total: how many there are. */
enum err account_list(struct db *db, struct arena *mem, int64_t offset, int64_t limit,
	struct account **out, size_t *count, int64_t *total) MUST_USE;
enum err access_key_insert(
	struct db *db, const struct vault *vault, const struct access_key *key) MUST_USE;
/* ERR_ACCESS_KEY_NOT_FOUND. */
enum err access_key_load(struct db *db, const struct vault *vault, struct arena *mem,
	const char *id, struct access_key *out) MUST_USE;
/* Without secrets; of one account, or of all when account is 0. */
enum err access_key_list(struct db *db, struct arena *mem, int64_t account, struct access_key **out,
	size_t *count) MUST_USE;
/* Number of permanent keys of one account, or of all when account is 0. */
enum err access_key_count(struct db *db, int64_t account, int64_t *out) MUST_USE;
/* Both: ERR_ACCESS_KEY_NOT_FOUND. Tokens that the key made end when it is turned off or deleted. */
enum err access_key_set_active(struct db *db, const char *id, bool active) MUST_USE;
enum err access_key_delete(struct db *db, const char *id) MUST_USE;
enum err access_key_extend(struct db *db, const char *id, int64_t expires_ms) MUST_USE;
/* Tokens of a parent: all but the newest keep are deleted; how many there are whose time is not over. */
enum err access_key_end_tokens(struct db *db, const char *parent, int64_t keep) MUST_USE;
enum err access_key_token_count(
	struct db *db, const char *parent, int64_t clock_ms, int64_t *out) MUST_USE;
/* Temporary keys whose time is over. */
enum err access_key_prune(struct db *db, int64_t clock_ms) MUST_USE;

/* ---- setting.c: named values of the control itself; secret ones encrypted. */
enum err setting_get_secret(struct db *db, const struct vault *vault, struct arena *mem,
	const char *name, const void **out, size_t *size) MUST_USE; /* ERR_NOT_FOUND */
enum err setting_put_secret(struct db *db, const struct vault *vault, const char *name,
	const void *data, size_t size) MUST_USE;

/* ---- instance.c */

struct instance_filter {	/* zero or NULL: not filtered */
	int64_t account;	/* 0: all (operator) */
	const char *const *ids; /* what the request names */
	size_t id_count;
	const char *const *allowed; /* what the key is limited to; empty: no limit */
	size_t allowed_count;
	const char *ip;				   /* exact */
	const char *remark;			   /* substring */
	int64_t edition;			   /* -1: any */
	int64_t expire_after_ms, expire_before_ms; /* strict; 0: none */
	int status[2];				   /* 1, 2 */
	size_t status_count;
	int enabled;		    /* -1: any; needs the nodes: see nodes_confirmed */
	const char *resource_group; /* NULL: any */
	bool bursts;		    /* only those with a burst of clean bandwidth */
	const struct pair *tag;	    /* value NULL: any value; several: all must match */
	size_t tag_count;
	int64_t now_ms;		      /* life-cycle time, for status and enabled */
	int64_t confirmed_generation; /* lowest generation that all nodes applied; for enabled */
	int64_t offset, limit;	      /* limit 0: all */
};
/* Newest first (create_ms, then number, descending). total (may be NULL): without offset and
 * limit. */
enum err instance_list(struct db *db, struct arena *mem, const struct instance_filter *filter,
	struct instance **out, size_t *count, int64_t *total) MUST_USE;
enum err instance_load(struct db *db, struct arena *mem, const char *id,
	struct instance *out) MUST_USE; /* ERR_INSTANCE_NOT_FOUND; released ones are not found */
/* The same by the nodes' number. */
enum err instance_load_number(
	struct db *db, struct arena *mem, int64_t number, struct instance *out) MUST_USE;
/* Whether an instance has this address. */
enum err instance_has_vip(struct db *db, const uint8_t address[16], bool *out) MUST_USE;
/* An instance that was released: its account; ERR_INSTANCE_NOT_FOUND when never known. */
enum err instance_released_account(struct db *db, const char *id, int64_t *account) MUST_USE;
/* Sets number, vip, generation fields. Takes the lowest free address of the pool:
 * ERR_VIP_EXHAUSTED. */
enum err instance_insert(struct db *db, struct instance *instance) MUST_USE;
/* Writes remark, renewal, switch_back, plan, resource group. No change of deadlines. */
enum err instance_update(struct db *db, const struct instance *instance) MUST_USE;
/* New expiry; records the change and what was in force before it. now_ms decides nothing here. */
enum err instance_set_expiry(struct db *db, struct instance *instance, int64_t expire_ms) MUST_USE;
/* Deletes the instance with rules, lists, tags; frees the address; remembers that id was
 * released. The only way out of the table, for order and engine alike. */
enum err instance_release(struct db *db, const struct instance *instance, int64_t now_ms) MUST_USE;
struct instance_usage {
	int64_t ports, domains, sites;
};
enum err instance_usage(struct db *db, int64_t number, struct instance_usage *out) MUST_USE;

/* The VIP pool: prefixes from the settings; sync adds new ones (never removes one in use).
 * Allocation is lowest free address first; network and broadcast addresses of IPv4 prefixes < 31
 * are left out. */
enum err vip_pool_sync(struct db *db, const char *prefixes /* space-separated */) MUST_USE;

/* ---- order.c: the shop's ledger; ClientToken makes orders idempotent. */
enum err order_insert(struct db *db, int64_t account, const char *kind, const char *instance_id,
	const char *client_token, int64_t now_ms, int64_t *out_order) MUST_USE;
/* The order that token made before: ERR_NOT_FOUND when none. */
enum err order_by_token(struct db *db, struct arena *mem, int64_t account, const char *client_token,
	int64_t *out_order, const char **out_instance_id) MUST_USE;
/* What the order asked for, as text that is compared; "" when it was made without. */
enum err order_set_request(struct db *db, int64_t order, const char *request) MUST_USE;
enum err order_request(struct db *db, struct arena *mem, int64_t order, const char **out) MUST_USE;

/* ---- port_rule.c */
struct port_rule_filter {
	int64_t instance_number;    /* 0: any of the account */
	int64_t account;	    /* 0: any */
	const char *const *allowed; /* instance ids a key is limited to */
	size_t allowed_count;
	int protocol;	       /* 0: any */
	int64_t frontend_port; /* 0: any */
	int64_t offset, limit;
};
struct port_rule_row {
	struct port_rule rule;
	char instance_id[INSTANCE_ID_SIZE];
};
enum err port_rule_list(struct db *db, struct arena *mem, const struct port_rule_filter *filter,
	struct port_rule_row **out, size_t *count, int64_t *total) MUST_USE;
/* Only the numbers of all that the filter lets through. */
enum err port_rule_numbers(struct db *db, struct arena *mem, const struct port_rule_filter *filter,
	int64_t **out, size_t *count) MUST_USE;
enum err port_rule_load(struct db *db, struct arena *mem, int64_t instance_number,
	enum protocol protocol, int64_t frontend_port,
	struct port_rule *out) MUST_USE; /* ERR_PORT_RULE_NOT_FOUND */
enum err port_rule_insert(
	struct db *db, struct port_rule *rule) MUST_USE; /* ERR_PORT_RULE_EXISTS */
/* Leaves the attributes as they are. */
enum err port_rule_update(struct db *db, const struct port_rule *rule) MUST_USE;
enum err port_rule_set_attributes(
	struct db *db, struct arena *mem, const struct port_rule *rule) MUST_USE;
/* The origins of one group. */
enum err port_rule_origins(struct db *db, int64_t number, enum origin_group group,
	struct rule_origin out[ORIGIN_MAX], size_t *count) MUST_USE;
/* Gives the rule its groups; with port_rule_set_current they come into force. */
enum err port_rule_set_groups(struct db *db, const struct port_rule *rule,
	const struct rule_origin *primary, size_t primary_count,
	const struct rule_origin *secondary, size_t secondary_count) MUST_USE;
/* Writes backup and current, at once for all nodes. */
enum err port_rule_set_current(struct db *db, const struct port_rule *rule) MUST_USE;
/* No node hears of it. */
enum err port_rule_set_remark(
	struct db *db, const struct port_rule *rule, const char *remark) MUST_USE;

/* ---- rule_health.c: how the origins of a port rule are checked */
struct rule_health {
	enum health_kind kind;
	const char *domain, *path; /* HTTP; "" otherwise */
	int64_t port;		   /* 0: each origin's own */
	int64_t timeout_seconds, interval_seconds, up, down;
};
enum err rule_health_put(
	struct db *db, const struct port_rule *rule, const struct rule_health *health) MUST_USE;
enum err rule_health_load(struct db *db, struct arena *mem, int64_t rule_number,
	struct rule_health *out) MUST_USE; /* ERR_NOT_FOUND: not checked */
enum err rule_health_delete(struct db *db, const struct port_rule *rule) MUST_USE;
enum err port_rule_delete(struct db *db, const struct port_rule *rule) MUST_USE;

/* ---- list_entry.c: allow- and block-lists of an instance. */
struct list_entry_row {
	int64_t number;
	int64_t instance_number;
	enum list_kind kind;
	uint8_t source[16];
	unsigned prefix_bits; /* of the mapped form */
	int64_t until_ms;     /* machine time; INT64_MAX for ever */
	bool automatic;
	int64_t since_ms;	/* machine time; 0: not known */
	const char *actor;	/* who asked for it, as in the audit log; NULL or "": not known */
	const char *mitigation; /* that an automatic one is for, by its name; NULL or "": none */
};
struct list_entry_filter {
	int64_t instance_number;
	enum list_kind kind;
	const char *keyword; /* prefix of the text form; NULL: any */
	int automatic;	     /* -1 any, 0 manual, 1 automatic */
	int64_t clock_ms;    /* entries that ended before are not listed */
	int64_t offset, limit;
};
/* Adds, or extends an existing one of the same kind and source. */
enum err list_entry_put(struct db *db, const struct list_entry_row *entry) MUST_USE;
/* The entry of this instance, kind and source; automatic 0, 1: only if it is so, -1: any. changed: false when there was none. */
enum err list_entry_delete(
	struct db *db, const struct list_entry_row *entry, int automatic, bool *changed) MUST_USE;
/* Deletes the automatic block-list entries that end first, so that at most so many are left. */
enum err list_entry_evict(
	struct db *db, int64_t instance_number, int64_t clock_ms, int64_t keep) MUST_USE;
enum err list_entry_empty(struct db *db, int64_t instance_number, enum list_kind kind) MUST_USE;
enum err list_entry_list(struct db *db, struct arena *mem, const struct list_entry_filter *filter,
	struct list_entry_row **out, size_t *count, int64_t *total) MUST_USE;
enum err list_entry_prune(struct db *db, int64_t clock_ms, int64_t limit) MUST_USE;

/* ---- tag.c */
struct tag_row {
	char instance_id[INSTANCE_ID_SIZE];
	const char *key, *value;
};
struct tag_key_row {
	const char *key;
	int64_t count;
};
enum err tag_put(
	struct db *db, int64_t instance_number, const char *key, const char *value) MUST_USE;
enum err tag_delete(
	struct db *db, int64_t instance_number, const char *key) MUST_USE; /* key NULL: all */
enum err tag_count(struct db *db, int64_t instance_number, int64_t *out) MUST_USE;
/* Ordered by (instance number, key), after the given position; ids and tags may be empty. */
struct tag_filter {
	int64_t account;
	const char *const *ids;
	size_t id_count;
	const char *const *allowed;
	size_t allowed_count;
	const struct pair *tag;
	size_t tag_count;
	int64_t after_number;
	const char *after_key; /* 0, NULL: from the start */
	int64_t limit;
};
enum err tag_list(struct db *db, struct arena *mem, const struct tag_filter *filter,
	struct tag_row **out, int64_t **numbers, size_t *count) MUST_USE;
enum err tag_keys(struct db *db, struct arena *mem, const struct tag_filter *filter, int64_t offset,
	struct tag_key_row **out, size_t *count, int64_t *total) MUST_USE;

/* ---- audit.c: hash-chained log of every write. */
struct audit_row {
	int64_t sequence;
	int64_t time_ms; /* machine time */
	int64_t account;
	const char *actor;	/* access key id, or "engine" */
	const char *request_id; /* "" for the engine */
	const char *action;	/* "CreatePort", "engine.release" */
	const char *object;	/* instance id, key id ... */
	const char
		*detail; /* JSON: parameters without secrets, or {"oldEntity":..,"newEntity":..} */
};
/* Appends; sequence and hash are set here: hash = SHA-256(previous hash | all fields,
 * length-prefixed). */
enum err audit_append(struct db *db, const struct audit_row *row) MUST_USE;
struct audit_filter {
	int64_t account, from_ms, to_ms;
	const char *object;
	const char *const *actions;
	size_t action_count;
	int64_t offset, limit;
	/* Details of more characters come as {"omitted":characters}; 0: all come whole. */
	int64_t detail_max;
};
enum err audit_list(struct db *db, struct arena *mem, const struct audit_filter *filter,
	struct audit_row **out, size_t *count, int64_t *total) MUST_USE;
/* Walks the chain. ok = false: broken names the first bad sequence number. count: rows walked. */
enum err audit_verify(struct db *db, bool *ok, int64_t *count, int64_t *broken) MUST_USE;

/* ---- event.c: what happened to an instance: notices, expired, stopped, released, renewed. */
struct event_row {
	int64_t number;
	int64_t time_ms;
	int64_t account;
	const char *instance_id, *kind, *detail;
};
/* Once per (instance, kind, expiry): a second insert is OK, inserted false. time_ms: life-cycle
 * time. */
enum err event_insert(struct db *db, int64_t account, const char *instance_id, const char *kind,
	int64_t expire_ms, int64_t time_ms, const char *detail, bool *inserted) MUST_USE;
struct event_filter {	 /* zero or NULL: not filtered */
	int64_t account; /* 0: all (operator) */
	const char *instance_id, *kind;
	int64_t after_number;  /* only higher ones */
	int64_t before_number; /* only lower ones; 0: any */
	bool newest_first;
	int64_t limit; /* 0: all */
};
enum err event_list(struct db *db, struct arena *mem, const struct event_filter *filter,
	struct event_row **out, size_t *count) MUST_USE;

/* ---- change.c: the change log that nodes follow. */
enum err change_record(
	struct db *db, enum record_type type, int64_t number, int64_t *out_generation) MUST_USE;
/* Of a scheduling rule, which is a name alone: nodes hear of nothing. */
#define CHANGE_NAME 1000 /* beyond any enum record_type */
enum err change_record_name(struct db *db, int64_t number, int64_t *out_generation) MUST_USE;
enum err change_generation(struct db *db, int64_t *out) MUST_USE; /* the newest */
/* Keeps the newest keep rows; a node that is further behind gets a full snapshot. */
enum err change_prune(struct db *db, int64_t keep) MUST_USE;

/* ---- node.c: nodes and what they confirmed, kept across restarts. */
struct node_row {
	char name[NODE_NAME_MAX];
	int64_t generation;
	int64_t seen_ms;
	const char *sources;
};
enum err node_put(struct db *db, const struct node_row *node) MUST_USE;
enum err node_list(struct db *db, struct arena *mem, struct node_row **out, size_t *count) MUST_USE;
enum err node_delete(struct db *db, const char *name, bool *deleted) MUST_USE;

#endif
