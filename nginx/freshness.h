/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which answers of origins may be kept in the cache, and for how long (RFC 9111, as far as a shared cache needs it, and the
 * published modes and rules). Pure: times are seconds of any one clock.
 */
#ifndef NGINX_FRESHNESS_H
#define NGINX_FRESHNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest that a rule says (published), and so the longest at all. */
#define FRESHNESS_MAX_SECONDS 2592000
/* When neither a rule nor the origin says how long. Static types seldom change in place; of other pages it is what takes
 * a flood off the origin, and no more. What is not there may be there soon. */
#define FRESHNESS_STATIC_SECONDS  3600
#define FRESHNESS_OTHER_SECONDS	  60
#define FRESHNESS_MISSING_SECONDS 60
/* A stale answer is given while one request fetches a new one; and when origins fail, if they did not forbid it. */
#define FRESHNESS_UPDATE_SECONDS 10
#define FRESHNESS_FAILED_SECONDS 86400

/* What was asked for, by its decoded path. */
struct freshness_wish {
	uint32_t seconds; /* of the rule; 0: as the origin says */
	bool is_static;	  /* a static type */
};

struct freshness_control { /* of all Cache-Control headers; freshness_begin first */
	bool no_store, is_private, no_cache, must_revalidate;
	int64_t max_age, shared_max_age; /* -1: absent */
};
struct freshness_control freshness_begin(void);
void freshness_read(struct freshness_control *control, const char *text, size_t length);

#define FRESHNESS_ABSENT INT64_MIN
struct freshness_answer {
	unsigned status;
	struct freshness_control control;
	int64_t expires,
		date; /* FRESHNESS_ABSENT: the header is not there, or is no time. expires 0: long ago */
	int64_t age; /* header Age; 0: absent */
	int64_t now;
	bool is_page; /* of a type that a page or an answer for one client has: HTML, JSON */
	bool sets_cookie;
	bool varies_wholly; /* Vary: *, or a form of it that is not followed */
	bool encoded;	    /* has a content coding */
	bool varies_coding; /* Vary names Accept-Encoding */
};

struct freshness {
	int64_t seconds;	/* fresh for so long; 0: not to be kept */
	int64_t update_seconds; /* behind that: stale while another is fetched */
	int64_t failed_seconds; /* stale when origins fail */
};
struct freshness freshness_of(
	const struct freshness_answer *answer, const struct freshness_wish *wish);

/* exten: behind the last dot of the path's last segment, without it. */
bool freshness_is_static(const char *exten, size_t length);

#endif
