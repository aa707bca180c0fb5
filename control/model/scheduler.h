/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scheduling rule: a name that answers a customer's own resources, and protected addresses while these are attacked. When
 * a resource is left and when it is returned to, and what the name answers; docs/decisions/032. No I/O, no clock.
 */
#ifndef CONTROL_MODEL_SCHEDULER_H
#define CONTROL_MODEL_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/model/cname.h"

#define SCHEDULER_NAME_MAX 128 /* bytes */
#define SCHEDULER_MAX	   200 /* rules of an account */
#define SCHEDULER_TOTAL_MAX                                                                        \
	10000 /* of all accounts: the engine looks at each of them all the time */
#define SCHEDULER_RESOURCE_MAX 20 /* published, as are the next */
#define SCHEDULER_PRIORITY_MAX 100
#define SCHEDULER_DELAY_MIN    30 /* minutes */
#define SCHEDULER_DELAY	       60
#define SCHEDULER_DELAY_MAX    10080 /* a week: longer is for ever */
#define SCHEDULER_QPS_MAX      100000000

enum scheduler_type { /* published numbers */
	SCHEDULER_TIERED = 2,
	SCHEDULER_ACCELERATION = 3,
	SCHEDULER_CDN = 5,
	SCHEDULER_CLOUD = 6,
	SCHEDULER_SECURE = 8
};
/* What a value is: this, or the number of the rule's type for a resource. */
#define SCHEDULER_PROTECTED 1
bool scheduler_type_valid(int64_t type);

enum scheduler_mode {
	SCHEDULER_AUTOMATIC, /* signals and time decide */
	SCHEDULER_HELD,	     /* left by an order, until an order returns to it */
	SCHEDULER_EXCUSED    /* returned to by an order: the attack that goes on is not looked at */
};
/* Times are the life cycle's; 0: none. */
struct scheduler_state {
	enum scheduler_mode mode;
	bool away;	  /* the resource is left */
	bool answered;	  /* the name answers it; also of protected addresses */
	int64_t quiet_ms; /* away: since when it is not attacked any more */
	int64_t back_ms;  /* held: when it is returned to */
};
struct scheduler_resource {
	int64_t position;
	bool named;	     /* by a name (CNAME), else by its address */
	const char *value;   /* address or domain, in one spelling */
	uint8_t address[16]; /* of a name of an instance that of the instance, of another one 0 */
	const char *label;   /* of a name of a web site in our zone; else "" */
	int64_t value_type, priority, delay_minutes;
	const char *region;
	struct scheduler_state state;
};
struct scheduler_rule {
	int64_t number, account;
	const char *name;
	enum scheduler_type type;
	char cname[CNAME_SIZE];
	/* Of SCHEDULER_CDN; "" and 0 otherwise. */
	const char *domain, *cdn_name;
	int64_t access_qps, upstream_qps; /* upstream_qps 0: not set */
	int64_t calm_ms; /* left: since when requests are few (machine time); 0: they are not */
	/* What else was said about it and is only shown. */
	const char *param_type, *cloud_instance;
	size_t resource_count;
	struct scheduler_resource resource[SCHEDULER_RESOURCE_MAX]; /* by position */
};

/* What is known of one resource at the moment. Of one that is not ours nothing is: it is not attacked, and forwards. */
struct scheduler_signal {
	bool attacked, blackholed;
	bool forwards;	/* packets to it arrive anywhere */
	bool withholds; /* it may not be returned to yet */
	bool unknown;	/* what decides was not looked at: only orders and blackholes count */
};

/* One step in time: what resources are left, returned to, and answered. true: the state became another one. */
bool scheduler_step(struct scheduler_rule *rule,
	const struct scheduler_signal signal[SCHEDULER_RESOURCE_MAX], int64_t now_ms);
/* By an order: leave the resource, or return to it at back_ms. */
void scheduler_leave(struct scheduler_state *state);
void scheduler_return(struct scheduler_state *state, int64_t back_ms, int64_t now_ms);
/* Where the same value was in the rule before, its state goes on. */
void scheduler_keep_state(const struct scheduler_rule *before, struct scheduler_rule *after);
/* Whether all resources are in the blackhole. */
bool scheduler_all_blackholed(const struct scheduler_rule *rule,
	const struct scheduler_signal signal[SCHEDULER_RESOURCE_MAX]);

/* ---- rules of a CDN: by the requests to the domain, minute by minute, the newest last */
#define SCHEDULER_OVER_MINUTES 10
#define SCHEDULER_CALM_MINUTES 60
struct scheduler_minute {
	uint64_t requests, refused;
};
/* Too many: more than qps a second in all of the last 3 minutes, or in more than 6 of 10. */
bool scheduler_cdn_over(const struct scheduler_minute minute[SCHEDULER_OVER_MINUTES], int64_t qps);
/* Few enough in each minute of this hour, and hardly any of them refused. */
bool scheduler_cdn_calm(const struct scheduler_rule *rule,
	const struct scheduler_minute minute[SCHEDULER_CALM_MINUTES]);
/* Whether that has been so for 12 hours, and the time of day is one at which somebody sees what comes of it. */
bool scheduler_cdn_returns(const struct scheduler_rule *rule, int64_t clock_ms);

#endif
