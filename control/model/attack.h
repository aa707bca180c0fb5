/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When an attack begins and ends, and what it was: decided second by second from what was counted. No I/O, no clock. The
 * frame for finer detection; docs/decisions/028.
 */
#ifndef CONTROL_MODEL_ATTACK_H
#define CONTROL_MODEL_ATTACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "shared/packet_abi.h"

/* As published: volumetric, more than the plan's ceiling, floods of connections, floods of requests to a web site. */
enum attack_kind {
	ATTACK_DEFENSE,
	ATTACK_BLACKHOLE,
	ATTACK_CC,
	ATTACK_WEB_CC,
	ATTACK_KIND_COUNT
};
const char *attack_kind_name(enum attack_kind kind); /* "defense", "blackhole", "cc", "web-cc" */
bool attack_kind_from_name(const char *name, enum attack_kind *out);

/* By what an attack was refused: reasons of reasons.def; of ATTACK_WEB_CC these two. */
#define ATTACK_PARTS	      REASON_COUNT
#define ATTACK_WEB_REFUSED    0
#define ATTACK_WEB_CHALLENGED 1
const char *attack_part_name(
	enum attack_kind kind, uint32_t part); /* NULL: the kind has none such */
/* The published name of such an attack; "other" where the reason does not tell. */
const char *attack_part_type(enum attack_kind kind, uint32_t part);
/* Whether what ends by the reason means an attack of the kind. What is refused for want of a plan, a rule's origin or a
 * route does not. */
bool attack_reason(enum attack_kind kind, uint32_t reason);
/* What of a second's counters by reason means an attack of the kind, by part; returns the sum. Of SYNs answered with a
 * cookie those count to which no cookie came back. */
struct counter attack_parts(enum attack_kind kind, const struct counter reason[REASON_COUNT],
	struct counter part[ATTACK_PARTS]);

/* Above both it is an attack; half of the first keeps it going. */
struct attack_terms {
	uint64_t refused; /* packets (ATTACK_CC: connections, ATTACK_WEB_CC: requests) a second */
	uint32_t share;	  /* per cent of what came */
	int64_t quiet_ms; /* so long without: it is over */
};

/* Defaults of the settings. */
#define ATTACK_PACKETS	   1000
#define ATTACK_CONNECTIONS 100
#define ATTACK_REQUESTS	   100
#define ATTACK_SHARE	   20
#define ATTACK_QUIET_MS	   60000

/* One second, or what is known of it yet: then it is fed again when there is more. */
struct attack_second {
	int64_t time_ms;
	int64_t span_ms; /* that the counters are of: longer than a second when a report came late */
	struct counter in, refused, passed;
	struct counter part[ATTACK_PARTS]; /* of refused */
};

struct attack {
	int64_t begin_ms; /* first second in which more came than usual, or was refused */
	int64_t mitigated_ms; /* first second in which it was refused; less begin_ms: time to mitigate */
	int64_t last_ms;      /* end of the last second in which it went on */
	int64_t end_ms;	      /* 0: it goes on */
	struct counter in, refused;	      /* totals from the first refused second on */
	struct counter peak_in, peak_refused; /* a second */
	struct counter part[ATTACK_PARTS];    /* of refused */
};

struct attack_watch {
	bool open;	  /* attack holds one that goes on; else what may become one */
	int64_t known_ms; /* what is usual is learned until then, and nothing is unusual */
	int64_t surge_ms, surge_last_ms; /* seconds in which more passed than is usual; 0: none */
	uint64_t usual;			 /* packets a second that pass, times ATTACK_USUAL_SCALE */
	struct attack_second current;	 /* fed last */
	bool taken;			 /* current is in attack */
	struct attack attack;
};
#define ATTACK_USUAL_SCALE 16
#define ATTACK_LEARN_MS	   (60 * 1000)

/* since_ms: from when on counters are known. */
void attack_watch_init(struct attack_watch *watch, int64_t since_ms);
/* The next second; an earlier one than before is no news. true: an attack begins with it. */
bool attack_feed(struct attack_watch *watch, const struct attack_terms *terms,
	const struct attack_second *second);
/* heard_ms: until when nodes told what came. true: the attack is over; out is all of it. */
bool attack_over(struct attack_watch *watch, const struct attack_terms *terms, int64_t heard_ms,
	struct attack *out);

/* Parts as text "name packets bytes name ..." and back; NULL: no memory. What is not understood is left out. */
const char *attack_parts_format(
	struct arena *mem, enum attack_kind kind, const struct counter part[ATTACK_PARTS]);
void attack_parts_read(enum attack_kind kind, const char *text, struct counter part[ATTACK_PARTS]);

#endif
