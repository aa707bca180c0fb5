/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Crawlers of search engines: whether a source is what its user agent says. The way is the one that those who run them publish:
 * its address has a name in one of their domains, and that name has the address (shared/crawlers.def). One thread, nothing
 * waits.
 *
 * Who asks is, in the end, whoever sends requests: so questions at once, and what is remembered, are bounded. A source that is
 * none is not asked about again for CRAWLERS_REFUTED_MS; where no answer was to be had, for CRAWLERS_RETRY_MS.
 */
#ifndef AGENT_CRAWLERS_H
#define AGENT_CRAWLERS_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/name_server.h"
#include "agent/table.h"
#include "shared/request_abi.h"

#define CRAWLERS_RUNNING_MAX 64
#define CRAWLERS_SOURCE_MAX  4096 /* remembered; the longest ago asked for gives way */
#define CRAWLERS_NAME_MAX    4	  /* names of one address that are looked at */
#define CRAWLERS_VERIFIED_MS (24 * INT64_C(3600000))
#define CRAWLERS_REFUTED_MS  INT64_C(3600000)
#define CRAWLERS_RETRY_MS    INT64_C(60000)

struct crawlers;

/* Who was verified is written to the table, for CRAWLERS_VERIFIED_MS. As resolve_new: name_server_close comes before
 * crawlers_free. */
struct crawlers *crawlers_new(struct name_server *server, struct request_table *table);
void crawlers_free(struct crawlers *crawlers); /* accepts NULL */

/* Is source the crawler (row of crawlers.def + 1)? Others are ignored; so is what was asked just before. */
void crawlers_ask(struct crawlers *crawlers, const struct address *source, uint32_t crawler);
/* Asks what waits. Behind each name_server_turn. */
void crawlers_turn(struct crawlers *crawlers, int64_t utc_now_ms);
/* Removes from the table whose time is over, also those of an agent of before. Each minute. */
void crawlers_age(struct crawlers *crawlers, int64_t utc_now_ms);

struct crawlers_counts {
	uint64_t verified, refuted, failed;
	uint64_t dropped; /* not asked, or not written: too many */
};
void crawlers_counts(const struct crawlers *crawlers, struct crawlers_counts *out);

/* Does the name end in one of the domains ("one.example other.example")? Pure. */
bool crawlers_domain_fits(const char *name, const char *domains);

#endif
