/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract between control/ and agent/: what a node should do (snapshot) and what it does
 * (report). Over HTTP on the control's node socket:
 *
 *   GET /v1/snapshot?node=NAME&generation=G&wait=MS
 *     200, application/octet-stream: header + records. Blocks up to MS (at most 25,000) while there
 *     is nothing newer than G and the clock offset is unchanged, then 204. G = 0 asks for all.
 *     The header's flag SNAPSHOT_FULL says whether records replace (full) or change (difference)
 *     what the node has. Fetching with G confirms that the node has applied G. "&offset=MS" may name
 *     the clock offset that the node has; without it, it is what was last sent or reported.
 *   POST /v1/report?node=NAME   body: header + records of the report kinds; 204.
 *
 * All integers little endian (x86-64 and arm64 as they are), structs packed by construction (no
 * implicit padding), each record begins with {type, length} and length counts itself, a multiple
 * of 8. An unknown type is refused: node and control are upgraded control first, and the header's
 * version says what is spoken. Within a difference, removals come before other records.
 */
#ifndef SHARED_SNAPSHOT_ABI_H
#define SHARED_SNAPSHOT_ABI_H

#include <stdint.h>

#include "packet_abi.h"
#include "request_abi.h"

#define SNAPSHOT_MAGIC	 0x53444c50u /* "PLDS" */
#define SNAPSHOT_VERSION 7
#define SNAPSHOT_FULL	 1u

struct snapshot_header {
	uint32_t magic;
	uint16_t version;
	uint16_t flags;
	uint64_t base_generation; /* difference: applies to a node that has this one */
	uint64_t generation;	  /* after applying */
	int64_t life_offset_ms;	  /* life-cycle time = machine UTC + this */
	uint64_t control_boot;	  /* random, new at each start of the control */
	uint32_t record_count;
	uint32_t byte_count;	   /* of all records, without this header */
	uint8_t cookie_secret[32]; /* SYN cookie epoch keys are derived from it */
};
static_assert(sizeof(struct snapshot_header) == 80, "wire format");

enum record_type {
	RECORD_REMOVE = 1,
	RECORD_INSTANCE = 2,
	RECORD_SERVICE = 3,
	RECORD_LIST = 4,
	RECORD_POLICY = 5,
	RECORD_HEALTH = 6,
	RECORD_CAPTURE = 7,
	RECORD_SITE = 8,
	RECORD_CERTIFICATE = 9,
	RECORD_LOG_STORE = 10,
	RECORD_LOG_QUERY = 11,
	RECORD_RULES = 12,
	/* reports */
	RECORD_NODE = 16,
	RECORD_SOURCE = 17,
	RECORD_TRAFFIC = 18,
	RECORD_REASON = 19,
	RECORD_REFUSED = 20,
	RECORD_VIP_REASON = 21,
	RECORD_SERVICE_STATE = 22,
	RECORD_HEALTH_STATE = 23,
	RECORD_OFFENCE = 24,
	RECORD_SAMPLE = 25,
	RECORD_REQUEST_BAN = 26,
	RECORD_SITE_TRAFFIC = 27,
	RECORD_SITE_TOP = 28,
	RECORD_LOG_USED = 29,
	RECORD_REQUESTS = 30,
	RECORD_LOG_LINE = 31,
	RECORD_LOG_DONE = 32,
	RECORD_UPLINK = 33,
	RECORD_SPAN = 34,
	RECORD_SIGHTED = 35,
	RECORD_SITE_SIGHTED = 36,
	RECORD_VISITORS = 37,
};

struct record {
	uint16_t type;
	uint16_t length;
	uint32_t id; /* number of the object within its type, never 0, never reused */
};

/* What was removed: type of the object. Removing what the node does not have is no error. */
struct record_remove {
	struct record record;
	uint32_t removed_type; /* RECORD_INSTANCE up to RECORD_LOG_QUERY */
	uint32_t reserved;
};

/* Removing an instance removes its services and list entries at the node too. */
struct record_instance {
	struct record record;
	int64_t mitigation_until_ms; /* life-cycle time */
	int64_t forward_until_ms;
	int64_t blackhole_until_ms; /* machine UTC; 0: none */
	uint64_t bytes_max;	    /* a second: clean bandwidth; 0: unlimited */
	uint32_t packets_max;	    /* a second; 0: unlimited */
	uint32_t unproven_max;	    /* packets a second of unproven UDP sources; 0: unlimited */
	uint32_t syn_threshold;	    /* SYNs a second that pass as they are; 0: none */
	uint32_t mitigation_block;  /* bits of enum mitigation: mode BLOCK */
	uint32_t mitigation_watch;  /* mode WATCH; no bit of both */
	uint32_t requests_max;	    /* a second, of its web sites; 0: unlimited */
	uint32_t reserved;
	uint32_t vip_count;
	struct address vip[INSTANCE_VIP_MAX];
};

struct record_origin {
	struct address address;
	uint16_t port;	 /* host order */
	uint16_t weight; /* 0..100; 0: no new flows */
	uint32_t reserved;
};
struct record_service {
	struct record record;
	uint32_t instance;
	uint16_t port; /* host order */
	uint8_t protocol;
	uint8_t origin_count; /* so many struct record_origin follow */
	uint32_t idle_seconds;
	uint32_t persistence_seconds; /* 0: off, else 30..3600 */
	uint16_t payload_min;	      /* bytes of payload that packets may have */
	uint16_t payload_max;	      /* at least payload_min; PAYLOAD_UNBOUNDED: any */
	uint8_t syn_mode;	      /* enum syn_mode */
	uint8_t client_address;	      /* enum client_address */
	uint8_t form;		      /* row of forms.def + 1; 0: any */
	uint8_t flags;		      /* SERVICE_NO_EMPTY, SERVICE_CHALLENGE */
	struct service_limits limits;
	struct record_origin origin[];
};
static_assert(sizeof(struct record_service) == 72, "wire format");

/* What an instance refuses beside its lists; id = instance. An instance without one refuses nothing so. */
struct record_pattern {
	uint8_t protocol; /* 0: both */
	uint8_t length;	  /* 1..PATTERN_BYTES_MAX */
	uint16_t offset;  /* ..PATTERN_OFFSET_MAX */
	uint16_t port;	  /* host order; 0: any */
	uint16_t reserved;
	uint8_t value[PATTERN_BYTES_MAX], mask[PATTERN_BYTES_MAX];
};
struct record_policy {
	struct record record;
	uint64_t region[4]; /* as struct region_policy; all 0: no region is blocked */
	uint16_t reflection_count;
	uint16_t pattern_count;
	uint32_t reserved;
	uint16_t reflection[REFLECTION_MAX]; /* source ports, host order */
	struct record_pattern pattern[];     /* pattern_count of them */
};

/* Health check of a port rule's origins; id = service. A service without one has origins taken for healthy. */
enum health_kind {
	HEALTH_TCP = 1,
	HEALTH_HTTP = 2,
	HEALTH_UDP = 3
};
struct record_health {
	struct record record;
	uint8_t kind; /* enum health_kind */
	uint8_t timeout_seconds, interval_seconds;
	uint8_t up, down; /* results in a row that change the verdict */
	uint8_t reserved;
	uint16_t port;			    /* host order; 0: each origin's own */
	char domain[HEALTH_DOMAIN_MAX + 3]; /* NUL-padded; Host header of HTTP; "": the address */
	char path[HEALTH_PATH_MAX + 8];
};

/* Packets that somebody wants to see; id = number of the capture. */
struct record_capture {
	struct record record;
	uint32_t instance; /* 0: any */
	uint32_t count;
	uint64_t reasons; /* bit r: reason r of reasons.def */
	int64_t until_ms; /* machine UTC */
};

/* A web site; id = site->number. Behind the record's head lies a struct site with all its parts. */
struct record_site {
	struct record record;
	uint8_t site[];
};
static_assert(
	sizeof(struct record_site) + SITE_BYTES_MAX <= UINT16_MAX - 7, "a record holds a site");

/* What TABLE_RULES is to hold; id = RULES_ID. There with each snapshot that has sites. */
#define RULES_ID 1
struct record_rules {
	struct record record;
	uint8_t site[];
};

/* A certificate with its key; id = its number. Behind the record's head lie a struct certificate, chain and key. */
struct record_certificate {
	struct record record;
	uint8_t certificate[];
};
static_assert(sizeof(struct record_certificate) + CERTIFICATE_BYTES_MAX <= UINT16_MAX - 7,
	"a record holds a certificate");

/* For how long access logs of an account's web sites are kept; id = account. An account without one: as the node's own
 * settings say, which are never exceeded. */
#define LOG_ACCOUNT_MAX 16384
struct record_log_store {
	struct record record;
	uint32_t days;
	uint32_t reserved;
	int64_t emptied_ms; /* machine UTC; requests of before are deleted; 0: none */
};

/* Somebody looks for requests in the access log of a site; id = number of the query. All that is asked for must hold. */
#define LOG_LINES_MAX	 500
#define LOG_PATH_MAX	 255
#define LOG_VERDICT_NONE 255
struct record_log_query {
	struct record record;
	uint32_t site;
	uint32_t lines;		   /* 1..LOG_LINES_MAX; the newest that meet it */
	int64_t from_ms, until_ms; /* of the requests; machine UTC */
	int64_t expires_ms;	   /* nobody waits for an answer any more */
	struct address source;
	uint32_t source_bits;		 /* of the mapped address; 0: any */
	uint16_t status_min, status_max; /* 0 and UINT16_MAX: any */
	uint8_t check;			 /* enum check; CHECK_COUNT: any */
	uint8_t verdict;		 /* enum log_verdict; LOG_VERDICT_NONE: any */
	uint16_t path_length;
	uint32_t reserved;
	char path[LOG_PATH_MAX + 1]; /* what the request's path begins with, NUL-padded */
};
static_assert(sizeof(struct record_log_query) % 8 == 0, "wire format");

enum list_kind {
	LIST_ALLOW = 1,
	LIST_BLOCK = 2
};
struct record_list {
	struct record record;
	uint32_t instance;
	uint8_t kind;	     /* enum list_kind */
	uint8_t prefix_bits; /* 0..128, of the mapped address: 128 is one address */
	uint16_t reserved;
	int64_t until_ms; /* machine UTC; INT64_MAX: for ever */
	struct address source;
};

/* Report: one RECORD_NODE first, then any number of the others. */
struct record_node {
	struct record record;
	uint64_t generation;	/* applied */
	int64_t life_offset_ms; /* in force in the packet path */
	uint64_t agent_boot;	/* random, new at each start of the agent */
	uint64_t map_bytes;	/* kernel memory of the maps */
	uint32_t vip_count;	/* in the packet path now */
	uint32_t service_count;
	uint32_t list_count;
	uint32_t xdp_mode; /* 1 native, 2 generic */
};
struct record_source { /* a back-to-origin prefix of the node */
	struct record record;
	struct address address;
	uint32_t prefix_bits; /* of the mapped address */
	uint32_t reserved;
};
struct record_traffic { /* id = instance; totals since the map was made; only instances with change */
	struct record record;
	struct counter in, dropped, out;
	int64_t last_in_ms; /* machine UTC of the last packet to the instance */
};
struct record_reason { /* id = reason + 1; totals of the node */
	struct record record;
	struct counter counter;
	char name[32]; /* of reasons.def, NUL-padded */
};
struct record_vip_reason { /* id = instance; totals since the map was made; only what changed */
	struct record record;
	uint32_t reason; /* enum reason, or REASON_WATCHED | it */
	uint32_t reserved;
	struct counter counter;
};
struct record_service_state { /* id = service; only what changed */
	struct record record;
	uint64_t connections; /* open now */
	uint64_t opened;      /* these and those below: totals since the map was made */
	uint64_t refused_rate;
	uint64_t refused_connections;
};
struct record_health_state { /* id = service; when something changed, and in every full report */
	struct record record;
	uint32_t origin_count;
	uint32_t reserved;
	struct {
		struct address address;
		uint16_t port; /* host order */
		uint8_t healthy;
		uint8_t checked; /* 0: no result yet */
		uint32_t reserved;
		int64_t since_ms; /* machine UTC: of the verdict */
	} origin[ORIGIN_MAX];
};
struct record_offence { /* id = instance */
	struct record record;
	struct address source;
	uint32_t service;
	uint32_t mitigation; /* enum mitigation */
	int64_t until_ms;    /* machine UTC */
	uint32_t check;	     /* of request_ban: enum check + 1; 0: none */
	uint32_t rule;	     /* of request_ban: its number; 0: none */
};
struct record_sample { /* id = capture */
	struct record record;
	int64_t time_ns; /* UTC */
	uint32_t instance;
	uint32_t reason;
	uint16_t length, captured;
	uint32_t reserved;
	uint8_t frame[SAMPLE_BYTES];
};
struct record_request_ban { /* id = instance: the request path banned a source at its node */
	struct record record;
	struct address source;
	uint32_t site;	/* number; 0: none */
	uint32_t check; /* enum check */
	uint32_t rule;	/* number; 0: none */
	uint32_t reserved;
	int64_t until_ms; /* machine UTC */
};
#define SITE_AGE_MAX_MS 60000
struct record_site_traffic { /* id = site; totals since the node's file was made; only what changed */
	struct record record;
	uint32_t
		age_ms; /* since before the first that was counted; 0: not known, or SITE_AGE_MAX_MS and more */
	uint32_t reserved;
	struct site_counter counter;
};

/* What was frequent in the requests of a site: its sketches of one window of time, by kind; id = site. Texts are bytes
 * as clients sent them. */
enum top_kind {
	TOP_URL, /* path, without query */
	TOP_USER_AGENT,
	TOP_REFERER,
	TOP_METHOD,
	TOP_SOURCE,  /* address of the client */
	TOP_BLOCKED, /* the same, of requests that were refused or challenged */
	TOP_JA4,
	TOP_HTTP2,
	TOP_COUNTRY,  /* two letters */
	TOP_SLOW_URL, /* count is in milliseconds */
	TOP_RULE,     /* number of the rule that was met */
	TOP_COUNT
};
#define TOP_KEY_MAX	120 /* bytes of a text: longer ones are told apart by these */
#define TOP_REPORT_KEYS 16  /* of a kind in one record */
struct top_entry {
	uint64_t count; /* at most "error" too many */
	uint64_t error;
	uint32_t hits; /* requests since it has had its place */
	uint16_t length;
	char key[TOP_KEY_MAX];
	uint16_t reserved;
};
static_assert(sizeof(struct top_entry) == 144, "wire format");
struct record_site_top { /* only entry_count of the entries are sent */
	struct record record;
	uint8_t kind; /* enum top_kind */
	uint8_t entry_count;
	uint16_t reserved;
	uint32_t window_ms;
	int64_t until_ms; /* machine UTC: end of the window */
	uint64_t total;	  /* of all keys */
	struct top_entry entry[TOP_REPORT_KEYS];
};

/* Access logs on this node. */
struct record_log_used { /* id = account; when it changed */
	struct record record;
	uint64_t bytes;
};
struct record_requests { /* id = 1: totals of the node's request path since its files were made; when they changed */
	struct record record;
	struct node_counter node;
	uint64_t records, lost, broken; /* of the rings between nginx and the agent */
	uint64_t lines, dropped_lines;	/* written; found no room */
	uint64_t shortened_bytes;	/* deleted before their time, to make room */
	uint64_t bytes, bytes_max;	/* on disk; most that may be */
};
#define LOG_LINE_MAX 28672 /* every byte of a record's texts as six, and the names */
struct record_log_line {   /* id = query; only "length" bytes of the text are sent, padded to 8 */
	struct record record;
	uint32_t sequence; /* 0, 1 .. for each query and node: newest first */
	uint32_t length;
	int64_t time_ms;
	char text[LOG_LINE_MAX];
};
static_assert(sizeof(struct record_log_line) <= UINT16_MAX - 7, "a record holds a line");
struct record_log_done { /* id = query: the node has told all its lines */
	struct record record;
	uint32_t lines;
	uint32_t partial; /* 1: it looked at as much as it may, and there is more */
};
struct record_uplink { /* id = place among the node's interfaces, from 1: in every report */
	struct record record;
	uint32_t speed_mbps; /* 0: not known */
	uint32_t reserved;
	uint64_t in_bytes, out_bytes; /* totals since the interface was made */
	char name[16];		      /* NUL-padded */
};
/* id = 1, right behind RECORD_NODE: of how long a time the report is. A node that had nothing to tell was silent, so this may
 * be much less than the time since the report before. */
struct record_span {
	struct record record;
	uint32_t span_ms;
	uint32_t reserved;
};

/* Who sent what was refused of an instance, or answered with a cookie: lists of one window of time, from samples. The same
 * of a web site (RECORD_SITE_SIGHTED), from requests that were refused or challenged: then packets are requests, a reason is
 * an enum check, and there are no lengths. */
enum sighted_kind {
	SIGHTED_SOURCE,
	SIGHTED_PORT,	/* destination */
	SIGHTED_LENGTH, /* of IP packets */
	SIGHTED_KINDS
};
struct sighted_key {
	struct address source; /* SIGHTED_SOURCE: of IPv6 the /64, 0 behind it; else 0 */
	uint32_t value;	 /* SIGHTED_PORT: as SIGHTED_TO; SIGHTED_LENGTH: bytes; SIGHTED_SOURCE: 0 */
	uint32_t reason; /* enum reason, of a web site enum check */
};
#define SIGHTED_TO(protocol, port) ((uint32_t)(protocol) << 16 | (uint32_t)(port))
struct sighted {
	struct sighted_key key;
	uint64_t count; /* packets; at most "error" too many */
	uint64_t error;
	uint64_t
		votes; /* SIGHTED_SOURCE: of its packets, if most go to one port, those that are not outvoted */
	uint32_t to;   /* that port, as SIGHTED_TO */
	uint32_t hits; /* samples since it has had its place */
};
static_assert(sizeof(struct sighted) == 56, "wire format");
#define SIGHTED_REPORT 128 /* of a kind in one record */
struct record_sighted {	   /* id = instance or site; only entry_count of the entries are sent */
	struct record record;
	uint8_t kind; /* enum sighted_kind */
	uint8_t entry_count;
	uint16_t reserved;
	uint32_t window_ms;
	uint64_t total; /* packets of all keys */
	struct sighted entry[SIGHTED_REPORT];
};
/* Who came: a random sample of the sources of an instance's new connections, or of a web site's requests, in one window of
 * time. Each stands for total / sample_count of them. */
enum visitors_of {
	VISITORS_INSTANCE, /* connections of TCP and conversations of UDP that were forwarded */
	VISITORS_SITE	   /* requests, whatever became of them */
};
#define VISITORS_SAMPLES 48
struct record_visitors { /* id = instance or site; only sample_count of the samples are sent */
	struct record record;
	uint8_t of; /* enum visitors_of */
	uint8_t sample_count;
	uint16_t reserved;
	uint32_t window_ms;
	uint64_t total;
	struct address sample[VISITORS_SAMPLES]; /* of IPv6 the /64, 0 behind it */
};
struct record_refused { /* id and refused_type: the object that the node could not apply */
	struct record record;
	uint32_t refused_type;
	uint32_t reserved;
	char why[64];
};

#endif
