/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What run.c and checks/ share. A check is a function that says what it thinks of a request; whether that counts is the
 * site's word, and run.c's to find out.
 */
#ifndef NGINX_CHECKS_H
#define NGINX_CHECKS_H

#include "nginx/module.h"
#include "nginx/rate.h"
#include "nginx/rule.h"

/* ---- of a connection; from its pool */
struct checks_connection {
	struct polder_connection *connection;
	struct address country_of; /* whose country is known */
	uint8_t country;
	bool country_known;
	struct checks_http2 *http2; /* NULL: its frames are not counted */
	bool exempt; /* a source without fault was on it: it is never banned for what is on it */
};
struct checks_connection *checks_connection(struct polder_connection *connection);

/* ---- of a request; from its pool */
enum checks_body {
	BODY_UNREAD,
	BODY_COMING,
	BODY_READ
};
struct checks_request {
	ngx_http_request_t *r;
	struct polder_request *request;
	struct checks_connection *connection;
	bool exempt;	 /* white-listed, or a trusted proxy: meets no check that names a source */
	uint8_t listed;	 /* enum site_prefix_flag: on which lists of the site the source is */
	uint8_t next;	 /* enum check: where to go on */
	uint16_t rule;	 /* of the site's list: where to go on in it */
	uint16_t choice; /* of a rule that chooses others: likewise */
	uint16_t chosen; /* where the next one chosen is expected in "shipped" */
	const struct site *shipped; /* NULL: no rule has chosen yet, or there are none */
	uint8_t body;		    /* enum checks_body */
	/* Asked for by a rule's action, or by the site's frequency mode; CHECK_COUNT: not. */
	uint8_t challenge_by;
	uint32_t challenge_rule;
	bool enhanced; /* the challenge is one of SITE_PACE_ENHANCE */
	uint8_t pass;  /* 0: not looked for yet; 1: none; 2: good */
	struct rule_subject subject;
	uint32_t
		respelled; /* bits of those fields that origins read otherwise than they were sent */
	bool elsewhere;	   /* the path names another place then: dots, slashes */
	bool as_read;	   /* rules are asked about that now */
	struct rule_text read;			  /* path and query; NULL data: not made yet */
	uint64_t count_later[SITE_RULE_MAX / 64]; /* rules that count answers, by index */
	char address_text[48];
	/* Slow clients (slow.c). */
	ngx_queue_t link; /* next NULL: not watched */
	int64_t body_credit_ms, read_credit_ms;
	off_t body_bytes, read_bytes;
	int64_t closed_ms; /* as in struct window, when it was looked at last */
	bool reading;	   /* its answer waited for its client then */
	bool slow_checked; /* it is refused when it is too slow; else only its time-outs are seen to */
	int64_t body_ms; /* so long it was the client's turn to send */
	off_t body_begin;
	bool lingers;
	struct polder_source *lingering; /* counts it; NULL: not counted */
};

/* ---- what a check says: NGX_DECLINED, nothing against it; NGX_DONE, it waits, or was answered; else the status to end
 * the request with */
ngx_int_t malformed_check(struct checks_request *state);
ngx_int_t black_list_check(struct checks_request *state);
ngx_int_t region_check(struct checks_request *state);
ngx_int_t rules_check(struct checks_request *state); /* precise, global, frequency, smart */
ngx_int_t pace_check(struct checks_request *state);
ngx_int_t quota_check(struct checks_request *state);
ngx_int_t challenge_check(struct checks_request *state);

/* The check of state->next says no, or "check" does. */
ngx_int_t checks_refuse(struct checks_request *state, enum check check, uint32_t rule);
/* The same without an answer: it only counts and notes. true: it is to be refused. */
bool checks_note(struct checks_request *state, enum check check, uint32_t rule);
/* The source of a request was refused, which may ban it. Returns how often that was lately; 0: it is not counted. */
uint32_t checks_note_source(const struct checks_request *state, enum check check, uint32_t rule);
/* A short answer; the connection is closed behind it, unless it is a trusted proxy's. NGX_DONE. */
ngx_int_t checks_answer(ngx_http_request_t *r, ngx_uint_t status, const char *type,
	const char *text, size_t length);
/* A header of the answer; both texts live as long as the request. */
bool checks_header(ngx_http_request_t *r, const char *name, const u_char *value, size_t length);

/* black_list.c: bits of enum site_prefix_flag. */
uint8_t list_flags(const struct site *site, const struct address *address);
/* crawler.c: is the source a verified crawler? Where that is not known yet the agent is asked, now and then. */
enum crawler_state {
	CRAWLER_OTHER, /* none, or none that could be verified */
	CRAWLER_ASKED, /* says that it is one, and was asked about just now */
	CRAWLER_VERIFIED
};
enum crawler_state crawler_state(const struct checks_request *state);
/* region.c: index in countries.def + 1; 0: unknown. */
ngx_int_t region_open(ngx_cycle_t *cycle);
uint8_t region_country(const struct checks_request *state); /* of its client */
const char *region_code(uint8_t country);
/* rules.c: rules that count answers, when there is one or the request is over. */
void rules_log(struct checks_request *state);
/* subject.c: what rules ask about. */
void subject_begin(struct checks_request *state);
/* From now on path and query as origins read them, or (false) as they were sent. */
void subject_read(struct checks_request *state, bool as_read);

/* NULL: no counters file, so nothing is counted. */
const struct rates *checks_rates(void);
/* What is counted apart that is no rule's. */
#define COUNT_FIRST 0xffffff00u /* above all numbers of rules */
enum checks_count {		/* + COUNT_FIRST */
	COUNT_PACE,
	COUNT_SITE,
	COUNT_QUOTA,
	COUNT_REFUSED, /* + enum check: up to 32 of them */
	COUNT_PAGES = COUNT_REFUSED + CHECK_MAX,
	COUNT_ANSWER,
	COUNT_PASS,
	COUNT_PLAIN,
	COUNT_BANNED,
	COUNT_QUOTA_SOURCE,
	COUNT_CRAWLER,
	COUNT_SPARED
};
static inline uint64_t checks_key(const struct rates *rates, uint32_t what, uint32_t generation,
	const void *target, size_t length)
{
	return rate_key(rates, COUNT_FIRST + what, generation, target, length);
}
/* The source as it is counted: of IPv6 the /64. */
struct address checks_source(const struct address *address);

/* Header of the request, first one by that name (lower case); NULL: none. */
const ngx_table_elt_t *checks_request_header(
	ngx_http_request_t *r, const char *name, size_t length);

#endif
