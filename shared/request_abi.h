/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract of the request path: what web sites are (control/ builds it, agent/ hands it on and verifies it, nginx/
 * obeys it), and what workers of nginx say about requests (nginx/ writes, agent/ reads).
 *
 * Three files in one folder (on tmpfs: the table holds private keys), and two pinned maps of the packet path:
 *
 *   table      written by the agent alone, mapped read-only by workers. Records are found by (kind, key). A record never
 *              changes once a slot names it: a change writes a new record behind the last and then the slot's offset.
 *              So readers need no lock, and what they look at stays. Space of records that nobody names any more is not
 *              used again; when there is too much of it, or no room, the agent writes a new file under a temporary name,
 *              renames it to "table" and sets "superseded" in the old one: a worker that sees it maps the new file, and
 *              lets the old one go when no request of its uses it. Deleted and replaced private keys are overwritten
 *              with zeros in the old record: its length and kind stay true.
 *   counters   of fixed size, mapped read-write by workers, read by the agent. Atomics only.
 *   log        a ring per worker: one writer, one reader (the agent). Full: the record is dropped and counted.
 *   maps       "request_ban" (shared/packet_abi.h): workers write whom the packet path is to drop.
 *
 * Integers are in host order unless they say network order; structs have no implicit padding. Times named _ms are
 * machine UTC milliseconds, but those of struct table_vip are life-cycle time: UTC + table_settings.life_offset_ms.
 */
#ifndef SHARED_REQUEST_ABI_H
#define SHARED_REQUEST_ABI_H

#include <stddef.h>
#include <stdint.h>

#include "packet_abi.h"

enum check {
#define CHECK(name, mode, text) CHECK_##name,
#include "checks.def"
#undef CHECK
	CHECK_COUNT
};
#define CHECK_MAX 32
static_assert(CHECK_COUNT <= CHECK_MAX, "a site has a mode for each check");
enum check_mode {
	CHECK_OFF,
	CHECK_WATCH,
	CHECK_BLOCK
};

/* ---- table */

#define TABLE_MAGIC   0x54444c50u /* "PLDT" */
#define TABLE_VERSION 4
#define TABLE_GONE    1u /* offset of a slot whose record was deleted; its slot may be used again */

struct table_header {
	uint32_t magic;
	uint32_t version;
	uint64_t size;	     /* of the file */
	uint32_t slot_count; /* a power of two, at most 3/4 in use */
	uint32_t superseded; /* not 0: map the file of this name anew. Written last, atomically */
	uint64_t slots;	     /* offset of struct table_slot[slot_count] */
	uint64_t generation; /* of the snapshot in force; atomic */
	uint64_t used;	     /* bytes from the file's start in use; of the agent alone */
};
static_assert(sizeof(struct table_header) == 48, "file format");

/* Linear probing from hash & (slot_count - 1) to the first slot whose offset is 0. The hash is a hint: the record's
 * key decides. offset is loaded with acquire and stored with release. */
struct table_slot {
	uint64_t hash;
	uint64_t offset; /* of struct table_record; 0: never used; TABLE_GONE */
};

enum table_kind {
	TABLE_SETTINGS = 1, /* no key: struct table_settings */
	TABLE_VIP = 2,	    /* struct address: struct table_vip */
	TABLE_SITE = 3, /* domain, lower case; "*.example.com" for all names below: struct site */
	TABLE_CERTIFICATE = 4, /* its number, uint32_t: struct certificate */
	TABLE_OCSP = 5,	       /* number of the certificate: the response, DER, to be stapled */
	TABLE_NAME = 6,	       /* name of an origin, lower case: struct table_name */
	TABLE_REGIONS = 7,     /* no key: struct table_prefix[], at most TABLE_REGION_MAX */
	TABLE_CRAWLER = 8,     /* struct address: struct table_crawler */
	TABLE_SOURCES = 9,     /* no key: struct table_sources; absent: the host chooses */
	TABLE_RULES = 10,      /* no key: struct site of nobody, whose rules sites choose from */
	TABLE_KIND_LAST = TABLE_RULES
};
#define TABLE_KEY_MAX 256
/* Networks whose country the operator says, whatever a database does; the last one that holds an address counts. */
#define TABLE_REGION_MAX 256
struct table_record {
	uint32_t length; /* with this header, key and body; a multiple of 8 */
	uint16_t kind;	 /* enum table_kind */
	uint16_t key_length;
	uint32_t body;	      /* offset of the body in the record, a multiple of 8 */
	uint32_t body_length; /* bytes of it that count */
	uint8_t key[];
};
static_assert(sizeof(struct table_record) == 16, "file format");

/* By words of eight bytes: it is asked for with each request. The last one overlaps the one before, unless the key is shorter than
 * one. Who can choose keys here is whoever may add sites; clients can only ask. */
static inline uint64_t table_hash(uint16_t kind, const void *key, size_t length)
{
	const uint8_t *byte = key;
	uint64_t hash = ((uint64_t)kind << 32 | length) * UINT64_C(0x9e3779b97f4a7c15), word = 0;

	for (size_t i = 0; i + 8 < length; i += 8) {
		__builtin_memcpy(&word, byte + i, 8);
		hash = (hash ^ word) * UINT64_C(0xbf58476d1ce4e5b9);
		hash ^= hash >> 32;
	}
	if (length >= 8)
		__builtin_memcpy(&word, byte + length - 8, 8);
	for (size_t i = 0; length < 8 && i < length; i++)
		word = word << 8 | byte[i];
	hash = (hash ^ word) * UINT64_C(0x94d049bb133111eb);
	return hash ^ hash >> 32;
}

#define TRUSTED_PROXY_MAX 64
#define TICKET_KEYS	  3 /* new tickets by [0]; the others are still taken */
struct table_prefix {
	struct address address;
	uint32_t bits; /* of the mapped address */
	uint32_t
		flags; /* of a site's list: SITE_WHITE or SITE_BLACK; of TABLE_REGIONS: row of countries.def + 1 */
};
struct table_settings {
	int64_t life_offset_ms;
	uint8_t challenge_key
		[2]
		[32]; /* cookies of the epoch e are signed by [e & 1]: this one and the one before */
	uint64_t challenge_epoch; /* machine UTC seconds / CHALLENGE_EPOCH_SECONDS */
	uint8_t ticket_key
		[TICKET_KEYS]
		[80]; /* TLS session tickets: 16 name, 32 AES, 32 HMAC; name all 0: none */
	uint32_t proxy_count;
	uint32_t
		loop_mark; /* of the deployment, by which its nodes know requests of one another; 0: none */
	struct table_prefix
		proxy[TRUSTED_PROXY_MAX]; /* their X-Forwarded-For and PROXY headers are believed */
};
#define CHALLENGE_EPOCH_SECONDS 43200

struct table_vip {
	uint32_t instance;
	uint32_t requests_max; /* a second, of the plan; 0: unlimited */
	int64_t mitigation_until_ms;
	int64_t forward_until_ms;
};

#define NAME_ADDRESS_MAX 16
struct table_name { /* as last resolved */
	uint32_t count;
	uint32_t reserved;
	struct address address[NAME_ADDRESS_MAX];
};

/* A source that is what its user agent says (crawlers.def). */
#define CRAWLER_MAX 4096
struct table_crawler {
	int64_t until_ms; /* machine UTC */
	uint32_t crawler; /* row + 1 */
	uint32_t reserved;
};
#define CRAWLER_NONE 0

/* Where connections to origins leave from: the node's back-to-origin addresses, and ports that are not the packet path's,
 * which takes replies to its own for those of flows. */
struct table_ports {
	uint16_t first, count;
};
struct table_sources {
	uint32_t edition;	     /* another one with each change of what follows */
	uint32_t count[2];	     /* [0] IPv4, [1] IPv6 */
	struct table_ports ports[2]; /* used in this order, as if they were one range */
	uint32_t reserved;
	struct address address[2][NODE_SOURCE_MAX];
};
static_assert(sizeof(struct table_sources) == 2072, "file format");

/* ---- sites: one piece of memory; texts and lists lie in it behind the struct, by offset from its start */

#define SITE_BYTES_MAX	     65480 /* fits a snapshot's record with its header */
#define SITE_DOMAIN_MAX	     253
#define SITE_INSTANCE_MAX    32
#define SITE_PORT_MAX	     128
#define SITE_ORIGIN_MAX	     20
#define SITE_HEADER_MAX	     5
#define SITE_PREFIX_MAX	     400 /* 200 black and 200 white (published) */
#define SITE_RULE_MAX	     128
#define SITE_STEP_MAX	     1024
#define SITE_CACHE_MAX	     8
#define SITE_TEXT_MAX	     8192 /* of one text */
#define NODE_SITE_MAX	     16384
#define NODE_CERTIFICATE_MAX 16384

struct site_text { /* bytes without NUL behind; length 0: absent */
	uint16_t offset, length;
};
struct site_list { /* offset is a multiple of 8 when count is not 0 */
	uint16_t offset, count;
};

enum site_flag {
	SITE_HTTP_TO_HTTPS = 1u << 0, /* 301 of plain requests */
	SITE_ORIGIN_PLAIN =
		1u << 1, /* Https2http: origins get plain HTTP whatever the client spoke */
	SITE_HTTP2 = 1u << 2,
	SITE_OCSP = 1u << 3,
	SITE_RETRY = 1u << 4,	      /* another origin is tried when one fails */
	SITE_KEEPALIVE = 1u << 5,     /* of connections to origins */
	SITE_LOG = 1u << 6,	      /* requests are written to the site's access log */
	SITE_HTTP2_ORIGIN = 1u << 7,  /* origins speak gRPC: such calls go on over HTTP/2 */
	SITE_TLS13 = 1u << 8,	      /* TLS 1.3 is spoken, too */
	SITE_VERIFY_ORIGIN = 1u << 9, /* origins' certificates are verified */
	SITE_BYPASS = 1u << 10,	      /* a scene policy passes all requests: no check is asked */
	SITE_NAMES = 1u << 11,	      /* origins are named, not addresses */
	SITE_HEADER_PORTS =
		1u << 12, /* embedded headers: X-Forwarded-ClientSrcPort, X-Forwarded-ProxyPort */
};
enum site_scheme { /* bits */
	SITE_SCHEME_HTTP = 1,
	SITE_SCHEME_HTTPS = 2,
	SITE_SCHEME_WEBSOCKET = 4,
	SITE_SCHEME_WEBSOCKETS = 8
};
#define SITE_SCHEME_TLS (SITE_SCHEME_HTTPS | SITE_SCHEME_WEBSOCKETS)
enum site_balance {
	SITE_IP_HASH,
	SITE_ROUND_ROBIN,
	SITE_LEAST_TIME
};
/* What the frequency mode does to sources without being told more (ConfigWebCCTemplate). */
enum site_pace {
	SITE_PACE_OFF,	  /* frequency control is switched off */
	SITE_PACE_NORMAL, /* default: refuses what no person does */
	SITE_PACE_ATTACK, /* gf_under_attack: lower limits, and all of a site that is over its own usual rate */
	SITE_PACE_VERIFY,  /* gf_sos_verify: everybody is challenged */
	SITE_PACE_ENHANCE, /* gf_sos_enhance: and again by each address, with lower limits */
};
enum site_cache {
	SITE_CACHE_OFF,
	SITE_CACHE_STATIC, /* standard: static types */
	SITE_CACHE_ALL,	   /* aggressive */
	SITE_CACHE_BYPASS
};

struct site_port {
	uint16_t
		port; /* host order; toward origins the same, unless an origin has one of its own */
	uint16_t schemes;
};
struct site_origin {
	struct address address; /* all 0: has a name */
	struct site_text
		name; /* key of TABLE_NAME; also the server name toward the origin when Host is not */
	uint16_t port;	/* 0: as the client's */
	uint8_t weight; /* 1..100 */
	uint8_t backup; /* used when all others failed */
	uint16_t connect_timeout_seconds, read_timeout_seconds, send_timeout_seconds;
	uint16_t fail_timeout_seconds;
	uint16_t max_fails;
	uint16_t reserved[3];
};
struct site_header { /* set in requests to origins */
	struct site_text name, value;
};
enum site_prefix_flag {
	SITE_WHITE = 1,
	SITE_BLACK = 2
};
struct site_cache_rule { /* the first whose path is a prefix of the decoded one that is asked for decides */
	struct site_text path;
	uint32_t seconds; /* 0: as the origin says */
	uint8_t mode;	  /* enum site_cache */
	uint8_t reserved[3];
};

/*
 * Byte-code of conditions. A rule is a run of steps; the first is asked first. A step that holds goes on at
 * its "hit", else at its "miss": distances forward, at least 1, or STEP_MATCH (the rule is met) or STEP_NO_MATCH. The
 * last step of a rule only ends. So a rule ends after at most as many steps as it has.
 */
enum step_field {
	FIELD_ADDRESS,	  /* of the client, behind trusted proxies */
	FIELD_URI,	  /* path, as sent and as origins read it (nginx/checks/rules.c) */
	FIELD_PARAMS,	  /* query, without '?', likewise */
	FIELD_URI_PARAMS, /* both, with '?' */
	FIELD_METHOD,
	FIELD_HOST,
	FIELD_REFERER,
	FIELD_USER_AGENT,
	FIELD_COOKIE,
	FIELD_CONTENT_TYPE,
	FIELD_CONTENT_LENGTH, /* number; absent: 0 */
	FIELD_FORWARDED_FOR,
	FIELD_BODY,    /* its first STEP_BODY_BYTES */
	FIELD_HEADER,  /* the one called name, lower case */
	FIELD_COUNTRY, /* two letters of ISO 3166, "" when unknown */
	FIELD_JA3,     /* MD5, 32 hex digits; "" without TLS */
	FIELD_JA4,     /* as published */
	FIELD_HTTP2,   /* fingerprint of the connection's first frames; "" without HTTP/2 */
	FIELD_VERSION, /* "1.0", "1.1", "2.0" */
	FIELD_COUNT
};
#define STEP_BODY_BYTES 8192
enum step_match {
	MATCH_EQUAL,
	MATCH_CONTAINS,
	MATCH_PREFIX,
	MATCH_SUFFIX,
	MATCH_LENGTH_LESS, /* of the text, against number */
	MATCH_LENGTH_EQUAL,
	MATCH_LENGTH_MORE,
	MATCH_LESS, /* of the value as a number, against number */
	MATCH_SAME,
	MATCH_MORE,
	MATCH_ABSENT, /* the header is not there at all */
	MATCH_WITHIN, /* FIELD_ADDRESS: in the prefix of number bits in value, 16 bytes */
	MATCH_COUNT
};
enum step_flag {
	STEP_NOT = 1, /* holds when it would not */
	STEP_ANY_CASE = 2
};
#define STEP_MATCH    254
#define STEP_NO_MATCH 255
struct site_step {
	uint8_t field, match, flags, reserved;
	uint8_t hit, miss;
	uint16_t reserved2;
	struct site_text name;	/* of the header */
	struct site_text value; /* MATCH_WITHIN: struct address, else bytes */
	int64_t number;
};

enum rule_action {
	RULE_WATCH,  /* counted and logged, nothing else */
	RULE_ACCEPT, /* later checks of the same kind and all after it up to quota are not asked */
	RULE_BLOCK,
	RULE_CHALLENGE,
	RULE_CHOOSE, /* no rule itself, but those of TABLE_RULES that its name lists: struct site_choice[] */
};
/* Shipped rules are the same for all sites: a site says which ones it has, in their order, and what each does. Numbers of
 * those in TABLE_RULES are CHOICE_NUMBER; they are CHECK_global and have no rate. Lies in a text: not aligned. */
struct site_choice {
	uint16_t number;
	uint16_t action; /* enum rule_action, but RULE_CHOOSE */
};
#define CHOICE_NUMBER(number) (0xffff0000u | (uint32_t)(number))
enum rule_target { /* what is counted apart */
	TARGET_NONE,
	TARGET_ADDRESS, /* IPv6: its /64 */
	TARGET_HEADER
};
enum rule_statistics {
	STATISTICS_COUNT,   /* requests */
	STATISTICS_DISTINCT /* different values of a field */
};
struct site_rule {
	uint32_t number; /* of the store's, never used again; in logs */
	uint8_t check;	 /* CHECK_precise, CHECK_global, CHECK_frequency or CHECK_smart */
	uint8_t action;	 /* enum rule_action */
	uint8_t target;	 /* of the rate; TARGET_NONE: the rule has no rate, meeting it is enough */
	uint8_t statistics; /* enum rule_statistics */
	int64_t until_ms;   /* INT64_MAX: for ever */
	struct site_text name;
	struct site_text target_header, distinct_header; /* lower case */
	uint16_t first_step, step_count;		 /* 0 steps: always met */
	uint32_t interval_seconds;
	uint32_t threshold;   /* more than so many in an interval */
	uint32_t ttl_seconds; /* so long the action then lasts for that target */
	uint16_t status;      /* 0: all answers count, else those of this status only */
	uint8_t ratio;	  /* not 0: and they are at least so many per cent of all in the interval */
	uint8_t distinct; /* STATISTICS_DISTINCT: FIELD_ADDRESS, FIELD_URI or FIELD_HEADER */
	uint32_t reserved[2];
};

struct site {
	uint32_t length;     /* of all */
	uint32_t number;     /* of the store's, never used again */
	uint32_t generation; /* another one with each change of the rules: counters' keys hold it */
	uint32_t flags;	     /* enum site_flag */
	struct site_text domain;
	uint32_t certificate; /* 0: none */
	uint8_t mode[CHECK_MAX];
	uint64_t region[4]; /* refused countries, as struct region_policy */
	uint8_t balance, pace, cache;
	uint8_t tls_min; /* minor of 3.x: 1 is TLS 1.0, 3 is TLS 1.2 */
	uint32_t keepalive_requests;
	uint32_t keepalive_seconds;
	uint32_t requests_usual;	/* a second, learned; 0: not known */
	struct site_text ciphers;	/* of OpenSSL, up to TLS 1.2 */
	struct site_text ciphers_tls13; /* of OpenSSL; absent: all */
	struct site_list instances;	/* uint32_t, ascending */
	struct site_list ports;		/* struct site_port, ascending */
	struct site_list origins;	/* struct site_origin */
	struct site_list headers;	/* struct site_header */
	struct site_list prefixes;	/* struct table_prefix */
	struct site_list
		rules; /* struct site_rule: by check in the order of checks.def, then by priority */
	struct site_list steps;	 /* struct site_step */
	struct site_list caches; /* struct site_cache_rule */
	uint32_t cache_edition;	 /* another one when all that was cached is void */
	uint32_t account;	 /* whose it is: access logs are kept by account */
	struct site_text
		acme_token; /* of a challenge (RFC 8555, 8.3) that is open; absent: none is */
	struct site_text acme_answer; /* its key authorization */
};
static_assert(sizeof(struct site_origin) == 40 && sizeof(struct site_step) == 24 &&
		      sizeof(struct site_rule) == 56 && sizeof(struct site) == 160,
	"sites are built and read by different programs");

/* A certificate with its key. key_offset .. is overwritten when it is deleted or replaced. */
#define CERTIFICATE_BYTES_MAX 65000
struct certificate {
	uint32_t number;
	uint32_t version;      /* another one with each change: caches of parsed ones go by it */
	uint32_t chain_length; /* PEM, leaf first, behind the struct */
	uint32_t key_length;   /* PEM, behind the chain */
};

/* ---- counters */

#define COUNTERS_MAGIC	 0x43444c50u /* "PLDC" */
#define COUNTERS_VERSION 2
#define WORKER_MAX	 64 /* slots of nginx: processes that serve */
#define RATE_SLOTS	 1048576
#define RATE_PROBES	 8

/* Statuses that are counted by themselves beside their class (published). */
#define SITE_CODES(X) X(200) X(403) X(404) X(405) X(410) X(499) X(501) X(502) X(503) X(504)
enum site_code {
#define SITE_CODE(code) SITE_CODE_##code,
	SITE_CODES(SITE_CODE)
#undef SITE_CODE
	SITE_CODE_COUNT
};

/* Found from number % NODE_SITE_MAX on, linear; claimed by compare-and-swap of number. Totals since the file was made.
 * A site's slot is cleared by the agent when the site is gone. */
struct site_counter {
	uint32_t number; /* 0: free */
	uint32_t reserved;
	uint64_t requests, bytes_in, bytes_out;
	uint64_t origin_requests;
	uint64_t status[6];	   /* of answers: [0] none, closed; [1] 1xx ... [5] 5xx */
	uint64_t origin_status[6]; /* the same of origins: [0] no answer */
	uint64_t milliseconds, origin_milliseconds; /* sums */
	uint64_t challenged, challenge_passed;
	uint64_t refused[CHECK_MAX];	   /* by check */
	uint64_t watched[CHECK_MAX];	   /* would have been */
	uint64_t cache_hits, cache_misses; /* answered from the cache; could have been */
	uint64_t code[SITE_CODE_COUNT], origin_code[SITE_CODE_COUNT];
	uint64_t tls_requests;
	uint64_t reserved2[3];
};
static_assert(sizeof(struct site_counter) == 888, "file format");

struct node_counter { /* of what belongs to no site */
	uint64_t connections, handshakes, handshakes_refused;
	uint64_t refused[CHECK_MAX];
	uint64_t bans, bans_failed; /* written to the packet path; could not be */
	uint64_t table_misses;	    /* requests without a table */
	uint64_t rate_secret[2];    /* of the keys of rates; of nginx alone, random */
	uint64_t
		sources_missed; /* connections to origins that no back-to-origin address was free for */
	uint64_t reserved[2];
};

/* Counters of rates; private to nginx/. Open addressing with RATE_PROBES; who is longest idle gives way. */
struct rate_slot {
	uint64_t key;	/* 0: free */
	uint64_t state; /* meaning: nginx/rate.h */
	uint64_t state2;
	uint64_t until_ms; /* the action lasts for this key so long; 0: none */
};

struct counters_header {
	uint32_t magic, version;
	uint64_t size;
	uint64_t sites; /* offset of struct site_counter[NODE_SITE_MAX] */
	uint64_t rates; /* offset of struct rate_slot[RATE_SLOTS] */
	struct node_counter node;
};

/* ---- log */

#define LOG_MAGIC      0x4c444c50u /* "PLDL" */
#define LOG_VERSION    1
#define LOG_RING_BYTES (1u << 20) /* a power of two */
struct log_ring {
	uint32_t pid; /* of the writer; 0: nobody's */
	uint32_t reserved;
	uint64_t lost; /* records that found no room */
	uint64_t reserved2[6];
	uint64_t head; /* bytes ever written; stored with release by the worker */
	uint64_t reserved3[7];
	uint64_t tail; /* bytes ever read; stored with release by the agent */
	uint64_t reserved4[7];
	uint8_t data[LOG_RING_BYTES]; /* at (head & (LOG_RING_BYTES - 1)), records wrap around */
};
struct log_header {
	uint32_t magic, version;
	uint64_t size;
	uint32_t rings; /* WORKER_MAX */
	uint32_t reserved[11];
	/* struct log_ring[rings] from offset LOG_RINGS on */
};
#define LOG_RINGS 4096

enum log_kind {
	LOG_REQUEST = 1, /* struct log_request */
	LOG_BAN = 2,	 /* struct log_ban */
	LOG_CRAWLER = 3, /* struct log_crawler */
};
struct log_record {
	uint16_t length; /* with this header; a multiple of 8 */
	uint16_t kind;
	uint32_t site; /* number; 0: none */
	int64_t time_ms;
};
enum log_verdict {
#define VERDICT(symbol, name) LOG_##symbol,
#include "shared/verdicts.def"
#undef VERDICT
	LOG_VERDICT_COUNT
};
#define LOG_TEXTS_MAX 4096 /* of one record, all together: longer ones are cut */
enum log_text { /* in this order behind the struct; those cut are marked by bit in "cut" */
	LOG_METHOD,
	LOG_HOST,
	LOG_URI, /* with query */
	LOG_REFERER,
	LOG_USER_AGENT,
	LOG_FORWARDED_FOR,
	LOG_COOKIE,
	LOG_CONTENT_TYPE,
	LOG_JA3,
	LOG_JA4,
	LOG_HTTP2,
	LOG_ORIGIN, /* address:port */
	LOG_REQUEST_ID,
	LOG_TEXT_COUNT
};
struct log_request {
	struct log_record record;
	struct address client; /* behind trusted proxies */
	struct address peer;   /* of the connection */
	struct address vip;
	uint32_t instance;
	uint32_t rule;			/* that decided, by number; 0: none */
	uint16_t client_port, vip_port; /* host order */
	uint8_t verdict;		/* enum log_verdict */
	uint8_t check;	 /* enum check, when the verdict is by one; else CHECK_COUNT */
	uint8_t scheme;	 /* enum site_scheme */
	uint8_t version; /* 10, 11, 20 */
	uint16_t status, origin_status; /* 0: none */
	uint32_t request_bytes;
	uint64_t response_bytes;
	uint32_t milliseconds, origin_milliseconds;
	uint16_t cut; /* bits of enum log_text */
	uint16_t text_length[LOG_TEXT_COUNT];
	uint16_t weight; /* requests that it stands for: sites without a log are sampled; 0: one */
	uint16_t reserved;
	uint8_t text[]; /* one behind the other, no NUL */
};
struct log_ban {
	struct log_record record;
	struct address source;
	uint32_t instance;
	uint32_t check;
	uint32_t rule;
	uint32_t seconds;
};
struct log_crawler { /* a source would be let through if it were what its user agent says: the agent is to find out */
	struct log_record record;
	struct address source;
	uint32_t crawler; /* row of crawlers.def + 1 */
	uint32_t reserved;
};
static_assert(sizeof(struct log_ban) == 48 && sizeof(struct log_crawler) == 40,
	"records are multiples of 8");

#endif
