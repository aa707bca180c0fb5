/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An API action is a row: version, name, how it touches the store, its parameters, its handler. Dispatch
 * authenticates, decodes by the rows, opens the transaction that the row asks for, runs the handler,
 * writes the audit record of a WRITE, commits, replies. A handler states wishes in the store and fills
 * call->reply; it never opens a transaction, never touches a node, never reads a clock.
 */
#ifndef CONTROL_ACTION_H
#define CONTROL_ACTION_H

#include <jansson.h>

#include "base/spec.h"
#include "control/engine/nodes.h"
#include "control/store/store.h"
#include "control/store/vault.h"

#define VERSION_DDOSCOO "2020-01-01"
#define VERSION_BSS	"2017-12-14"
#define VERSION_POLDER	"2026-11-01" /* our own: keys, accounts, events, nodes */

enum action_mode {
	READ,
	WRITE
};

/* XML item names of the lists in the reply: "Instances/Instance" means <Instances><Instance>.. */
struct reply_list {
	const char *list;
	const char *item;
};

struct call;
typedef enum err (*action_run)(struct call *call, const void *args);

/* Few rows have a value in the last columns; the others end before them. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

struct action {
	const char *version;
	const char *name;
	enum action_mode mode;
	enum permission permission; /* least that may call it; FULL for a WRITE on instances */
	const struct param *params; /* ends with PARAM_END */
	size_t args_size;
	action_run run;
	const struct reply_list *lists; /* ends with { NULL, NULL }; NULL: no lists in the reply */
	const char *summary;		/* one line, own words, for help */
	int calls_per_second;		/* published limit per account; 0: the default of 10 */
	/* Runs before the action's transaction and outside of any, for what takes long; NULL: nothing. */
	action_run before;
	/* Called without a signature: before finds out by the parameters who calls, and sets call->key. */
	bool is_open;
	/* A WRITE that changes nothing but how long the caller's own session lasts, and leaves no audit record. */
	bool unrecorded;
};

struct login;	 /* auth/login.h */
struct call_log; /* auth/call_log.h */

struct call {
	struct arena *mem; /* everything of this call */
	struct db *db;	   /* with the transaction open */
	const struct vault *vault;
	const struct nodes *nodes;
	const char *dns_zone;		   /* of instances' names; NULL or "": they have none */
	bool watch_first;		   /* mitigations of a new instance only watch */
	const char *acme_directory;	   /* where sites get certificates; NULL or "": nowhere */
	const char *drill_socket;	   /* of a lab; NULL or "": none */
	const struct region_data *regions; /* region.h; NULL: nothing is known of countries */
	int64_t now_ms;			   /* life-cycle time */
	int64_t clock_ms;		   /* machine time */
	const char *request_id;
	struct login *login;	   /* tries of passwords; NULL: nobody can log in */
	struct call_log *calls;	   /* the latest calls; NULL: they are not kept */
	const char *site;	   /* where the client reaches us: "https://api.example.com" */
	const uint8_t *export_key; /* of links to exports; NULL: there are none */
	const char *source; /* address of the client, as the proxy in front says; "": unknown */
	const struct access_key *key; /* who calls */
	void *prepared;		      /* what the action's before left for its handler */
	const struct action *action;
	const struct form *form; /* all parameters, for the audit record */
	json_t *reply;		 /* object; RequestId is in it */
	const char *object;	 /* set by a WRITE: what the audit record names */
	int64_t object_account;	 /* set by call_instance: whose it is; 0: none was named */
	bool several;		 /* set by call_instance: more than one instance was named */
	json_t *change;		 /* may be set by a WRITE: {"oldEntity":..,"newEntity":..}, owned */
	const char *refusal;	 /* sentence for the client instead of the error's own */
	/* What was signed, without what is secret; NULL: nothing was. For the log of calls. */
	const char *signed_string, *signed_canonical;
	int64_t retry_ms; /* of a refusal: when it is worth another try; 0: not said */
};

/* All tables, listed by hand in actions/actions.c; ends with NULL. */
extern const struct action *const action_tables[];
/* Row for (version, name); NULL. version_known tells whether any action has that version. */
const struct action *action_find(const char *version, const char *name, bool *version_known);
/* Whether key is a parameter of the action, or a part of one that is a list. */
bool action_takes(const struct action *action, const char *key);
/* The whole table as JSON for --describe; owned by the caller. */
json_t *action_describe(void);

/* The client's own mistake: sets the sentence and returns err. For actions and dispatch only. */
enum err refuse(struct call *call, enum err err, const char *format, ...) PRINTF(3, 4);
/* The instance that a parameter names, if this caller may use it: another tenant's or a hidden one
 * is ERR_INSTANCE_NOT_FOUND. Sets call->object. */
enum err call_instance(struct call *call, const char *id, struct instance *out) MUST_USE;
/* Account and instance limits of the caller, for list filters. */
int64_t call_account(const struct call *call); /* 0 for an operator */
/* json_object_set_new that reports failure as ERR_MEMORY. */
enum err put(json_t *object, const char *name, json_t *value) MUST_USE;

#endif
