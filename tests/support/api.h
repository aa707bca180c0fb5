/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A control without sockets, for tests of actions: a store in a folder of its own, a clock that stands
 * still until it is moved, keys of several tenants, and signed calls through dispatch_request.
 */
#ifndef TESTS_SUPPORT_API_H
#define TESTS_SUPPORT_API_H

#include "control/dispatch.h"
#include "control/model/attack.h"
#include "control/model/attack_top.h"

#define API_CLOCK_MS INT64_C(1795428000000) /* 2026-11-23T10:00:00Z */

struct api_key {
	char id[ACCESS_KEY_ID_SIZE];
	char secret[40];
	int64_t account;
};

struct api {
	char folder[64];
	struct db *db;
	struct vault *vault;
	struct arena *mem; /* of the call; forgotten at the next one */
	struct arena *dumps[2];
	struct arena *fixture; /* lives as long as the test */
	struct gateway gateway;
	int64_t clock_ms; /* machine time of the calls */
	int64_t life_offset_ms;
	unsigned nonce;
	struct api_key root, tenant, other; /* three accounts */
	const struct api_key *caller;	    /* tenant unless set; NULL: calls are not signed */
	const char *token;		    /* goes along as SecurityToken; NULL: none */
	const char *source;		    /* client's address that the proxy tells; NULL: none */
	const char *version;		    /* VERSION_DDOSCOO unless set */
	const char *format;		    /* "JSON" unless set */
	/* The n-th piece of an arena, JSON allocation or store call of the next request fails; 0: none.
	 * Reset by it. */
	uint64_t fail_allocation, fail_json, fail_store;
	/* of the last call */
	struct response response;
	bool failed_as_told; /* the request came as far as the failure that was asked for */
	json_t *reply;	     /* NULL when the body is not JSON */
};

/* Stops the test when something is not as it must be. */
void api_open(struct api *api);
void api_close(struct api *api);
/* A test with an api of its own in *state, which begins and ends with it. */
int api_setup(void **state);
int api_teardown(void **state);
#define API_CASE(name) cmocka_unit_test_setup_teardown(name, api_setup, api_teardown)

/* Name, value, name, value ... NULL. The HTTP status. */
#define api_call(api, action, ...)                                                                 \
	api_call_texts(api, (api)->version, action, (const char *const[]){ __VA_ARGS__, NULL })
/* The same for another version, which stays as it was. */
#define api_call_version(api, version, action, ...)                                                \
	api_call_texts(api, version, action, (const char *const[]){ __VA_ARGS__, NULL })
int api_call_texts(
	struct api *api, const char *version, const char *action, const char *const *texts);
int api_call_pairs(struct api *api, const char *action, const struct pair *pairs, size_t count);
/* Parts of the last reply: "Data.InstanceId", "Instances.0.Ip". "" or -1 when absent. */
const json_t *api_get(const struct api *api, const char *path);
const char *api_text(const struct api *api, const char *path);
int64_t api_int(const struct api *api, const char *path);
const char *api_code(const struct api *api); /* "" for success */

/* A key of the account, limited to the instances ("" ends the list); stays valid. */
struct api_key *api_make_key(struct api *api, int64_t account, enum permission permission,
	const char *const *instances, size_t count);
/* Buys an instance as the caller; its id stays valid. type: "ddoscoo", "ddosDip". */
const char *api_buy(struct api *api, const char *type, const char *address_type);
/* Moves the life-cycle clock. */
void api_move_life(struct api *api, int64_t span_ms);
/* Everything that the store holds but node reports and audit, as one text; valid until the second next
 * dump. */
const char *api_dump(struct api *api);
/* The audit chain is whole. */
bool api_audit_whole(struct api *api);
/* All rows of the audit log, newest first; how many. */
size_t api_audit_rows(struct api *api, struct audit_row **rows);
/* The one number that a select gives. */
int64_t api_count(struct api *api, const char *sql);
/* A node reports to have applied all and, with an instance, a packet to it now. */
void api_node_reports(struct api *api, int64_t instance_number);
/* As the engine does: the instance is in the blackhole for so long from now; one of its port rules refused
 * connections between these machine times. */
void api_blackhole(struct api *api, const char *id, int64_t span_ms);
void api_limit_event(struct api *api, const char *id, int64_t from_ms, int64_t until_ms);
/* As the engine does: an attack on the instance, or with a domain on its web site, begins; end_ms 0: it goes on. Its
 * refused packets and their peak are of cookie_sent, and a tenth of tcp_flags; 100 bytes each. */
void api_attack(struct api *api, const char *id, const char *domain, enum attack_kind kind,
	const struct attack *attack);
/* Who attacked, of the newest attack of the kind on the instance. */
void api_attack_top(
	struct api *api, const char *id, enum attack_kind kind, const struct attack_top *top);

#endif
