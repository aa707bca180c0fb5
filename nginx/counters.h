/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file "counters" of shared/request_abi.h. All changes are atomic and relaxed: totals, nothing else.
 */
#ifndef NGINX_COUNTERS_H
#define NGINX_COUNTERS_H

#include "nginx/nginx.h"
#include "shared/request_abi.h"

/* In the master, each cycle; maps once. */
ngx_int_t counters_open(ngx_cycle_t *cycle);

/* The site's slot, claimed when it has none. NULL: all slots are taken, or there is no file. */
struct site_counter *counters_site(uint32_t number);
struct node_counter *counters_node(void); /* never NULL: a private one when there is no file */
struct rate_slot *counters_rates(void);	  /* RATE_SLOTS of them; NULL: no file */

static inline void counter_add(uint64_t *counter, uint64_t value)
{
	/* An atomic addition costs as much as twenty others. */
	if (value)
		__atomic_fetch_add(counter, value, __ATOMIC_RELAXED);
}

#endif
