/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Every maximum that more than one program must agree on, each with its reason. Limits of one
 * program stand beside their user. Reaching a limit is an error that is named and counted.
 */
#ifndef SHARED_LIMITS_H
#define SHARED_LIMITS_H

/* API quotas (published): origins of one port rule, manual block-list entries of one instance. */
#define ORIGIN_MAX	20
#define BLOCK_ENTRY_MAX 2000
/* Not published for the allow-list; the same number keeps the lists comparable. */
#define ALLOW_ENTRY_MAX 2000
/* Port rules a plan can hold (published maximum: 400). */
#define PORT_RULE_MAX 400
/* Protected addresses of one instance: one today; room for a dual-stack pair and a move. */
#define INSTANCE_VIP_MAX 4

/* Sizes of the node's maps; a snapshot that would exceed one is refused by name, never cut. */
#define NODE_VIP_MAX	     131072 /* 100,000 instances on one node, rounded up */
#define NODE_SERVICE_MAX     131072 /* port rules; a rule costs about 900 bytes of kernel memory */
#define NODE_LIST_EXACT_MAX  262144 /* single addresses on allow- and block-lists */
#define NODE_LIST_PREFIX_MAX 65536  /* prefixes on them */
#define NODE_FLOW_TCP_MAX    262144 /* about 90 MB with both directions */
#define NODE_FLOW_UDP_MAX                                                                          \
	131072 /* clients that have not shown to hear the answers: may be forged */
#define NODE_FLOW_KEPT_MAX     131072 /* of the others */
#define NODE_OPENING_MAX       16384  /* TCP flows in their handshake that are noted */
#define OPENING_SHARE	       16     /* and at most one in so many of all flows */
#define NODE_AWAITED_MAX       2048   /* SYN-ACKs that are repeated if no ACK comes */
#define NODE_SERVER_FIRST_MAX  16384  /* port rules known to serve who says nothing, LRU */
#define NODE_PERSISTENCE_MAX   131072 /* clients bound to an origin, LRU; about 16 MB */
#define NODE_FRAGMENT_MAX      16384  /* first fragments remembered, LRU */
#define NODE_SOURCE_MAX	       64     /* back-to-origin addresses of one node, per IP version */
#define NODE_INTERFACE_MAX     32
#define NODE_RANGE_MAX	       64 /* ranges of protected addresses that are routed to a node */

#define NODE_REGION_PREFIX_MAX 1048576 /* both IP versions of the databases there are, doubled */
#define NODE_REFLECTION_MAX    262144
#define NODE_PATTERN_MAX       16384  /* instances with patterns */
#define NODE_SOURCE_STATE_MAX  131072 /* LRU, for TCP and for UDP each; about 37 MB */
#define NODE_AUTO_BLOCK_MAX    131072 /* LRU */
#define NODE_REQUEST_BAN_MAX   131072 /* LRU; about 14 MB */
#define NODE_STEER_MAX	       131072 /* ports of web sites' addresses */
#define NODE_PROVEN_MAX	       131072 /* LRU, of each kind of proof; about 14 MB */

/* One instance: source ports that it refuses, patterns of payloads and their size. */
#define REFLECTION_MAX	   64
#define PATTERN_MAX	   8
#define PATTERN_BYTES_MAX  16
#define PATTERN_OFFSET_MAX 256
/* Health checks (published): seconds, and results in a row. */
#define HEALTH_SECONDS_MAX 30
#define HEALTH_COUNT_MAX   10
#define HEALTH_DOMAIN_MAX  253
#define HEALTH_PATH_MAX	   80

/* Slots of the weighted origin table of a service: weights are honoured to 1/256. */
#define ORIGIN_SLOTS 256

/* One snapshot or report on the wire: 100,000 instances with a rule, its health check, a policy and a list entry
 * each fit, or 16,384 web sites (6.5 KB each with the shipped rules) with a certificate each. */
#define SNAPSHOT_BYTES_MAX (256u << 20)
#define NODE_NAME_MAX	   64
#define NODE_MAX	   64

/* Session persistence (published): seconds, when it is on. */
#define PERSISTENCE_SECONDS_MIN 30
#define PERSISTENCE_SECONDS_MAX 3600
/* Longest payload that a rule can name (published), and what nodes are told when it names none. */
#define PAYLOAD_BYTES_MAX 1500
#define PAYLOAD_UNBOUNDED 65535

/* Idle times of flows, seconds. TCP: the published default; UDP: RFC 4787 REQ-5 asks >= 120. */
#define TCP_IDLE_SECONDS 900
#define UDP_IDLE_SECONDS 300

#endif
