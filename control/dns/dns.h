/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a DNS server must do for Polder: hold one zone, tell what is in it, and change it in
 * transactions. A driver logs nothing: its user retries for as long as it takes, and decides when a
 * line in the log is worth it. Every failure is ERR_UNAVAILABLE, with the reason in why.
 */
#ifndef CONTROL_DNS_DNS_H
#define CONTROL_DNS_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define DNS_WHY_SIZE   160
#define DNS_TEXT_SIZE  256 /* one string of a TXT record, RFC 1035 section 3.3.14, with NUL */
#define DNS_LABEL_SIZE 64  /* RFC 1035 section 2.3.4, with NUL */

/* Where the server is controlled, and the zone without its last dot. Kept by reference. */
struct dns_place {
	const char *socket;
	const char *zone;
};

/* Records of one type of one name. data: in the text form of zone files. fresh: the name is known to have
 * none yet, so that the server need not be asked to remove them, which it logs as an error. further: of a second type,
 * beside what was set just before. */
struct dns_records {
	const char *type; /* "A", "AAAA", "CNAME", "TXT" */
	int64_t ttl_s;
	size_t count;
	const char *const *data;
	bool fresh;
	bool further;
};

/* One record that is in the zone. label: the name below the zone, "" for the zone's own; valid
 * during the call only. false ends the reading with ERR_UNAVAILABLE. */
typedef bool (*dns_seen)(
	void *context, const char *label, const char *type, int64_t ttl_s, const char *data);

struct dns_server;

struct dns_driver {
	/* Connects. A server serves one at a time: keep a connection no longer than a transaction. */
	enum err (*open)(
		const struct dns_place *place, char why[DNS_WHY_SIZE], struct dns_server **out);
	/* Rolls back a transaction that is open. NULL is fine. */
	void (*close)(struct dns_server *server);
	/* All records, or with a label those of that name; in a transaction: as changed so far. */
	enum err (*read)(
		struct dns_server *server, const char *label, dns_seen seen, void *context);
	/* A transaction that another connection left open is rolled back. */
	enum err (*begin)(struct dns_server *server);
	/* The name has these records and no others, but for what they are further to. */
	enum err (*set)(
		struct dns_server *server, const char *label, const struct dns_records *records);
	enum err (*remove)(
		struct dns_server *server, const char *label); /* none: nothing happens */
	enum err (*commit)(struct dns_server *server);
};

/* Knot DNS 3.2 or newer, through its control socket. */
extern const struct dns_driver dns_knot;

#endif
