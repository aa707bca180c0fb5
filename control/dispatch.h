/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request, from its parts to its reply, without any HTTP library: http.c, tests and fuzzers call
 * dispatch_request with what arrived.
 */
#ifndef CONTROL_DISPATCH_H
#define CONTROL_DISPATCH_H

#include "base/signature.h"
#include "control/action.h"
#include "control/engine/engine.h"

struct nonces;	 /* auth/nonce.h */
struct throttle; /* auth/throttle.h */
struct login;	 /* auth/login.h */
struct call_log; /* auth/call_log.h */

/* What all requests share. */
struct gateway {
	const struct vault *vault;
	struct nodes *nodes;
	struct life_clock *clock;
	struct engine *engine; /* woken after a WRITE; NULL in tests */
	struct nonces *nonces;
	struct throttle *throttle;	   /* NULL: off */
	struct call_log *calls;		   /* NULL: they are not kept */
	struct login *login;		   /* NULL: nobody can log in with a password */
	const char *dns_zone;		   /* of instances' names; NULL or "": they have none */
	bool watch_first;		   /* mitigations of new instances */
	const char *acme_directory;	   /* where sites get certificates; NULL or "": nowhere */
	const char *drill_socket;	   /* of a lab; NULL or "": none */
	const struct region_data *regions; /* NULL: nothing is known of countries */
	const uint8_t *export_key;	   /* of links to exports; NULL: there are none */
	const char *export_folder;	   /* where their files are */
	const char *host_id;		   /* HostId of error bodies when the request has no Host */
};

struct request {
	const char *method;
	const char *path;
	const char *query; /* raw, without '?'; "" when none */
	const struct header *header;
	size_t header_count;
	const void *body;
	size_t body_size;
	int64_t clock_ms; /* machine time at arrival */
};
struct response {
	int status;
	const char *content_type;
	const char *body; /* in mem */
	size_t body_size;
	const char *request_id;
	const char *disposition;    /* of a file: value of Content-Disposition, or NULL */
	const char *retry_after_ms; /* value of x-acs-retry-after, or NULL */
};
/* Always gives a response (in the worst case a fixed 503 body). db: this thread's connection. */
void dispatch_request(const struct gateway *gateway, struct db *db, struct arena *mem,
	const struct request *request, struct response *out);

/* The reply to a request that cannot be dispatched, such as one that is too large. */
void dispatch_refuse(const struct gateway *gateway, struct arena *mem,
	const struct request *request, enum err err, struct response *out);

#endif
