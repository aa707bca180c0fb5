/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is remembered about origins: of each worker's own, how they take turns and how fast they answer; shared by all
 * workers, which of them fail. An origin is a site's: two sites with one address do not share it.
 */
#ifndef NGINX_ORIGIN_STATE_H
#define NGINX_ORIGIN_STATE_H

#include "nginx/nginx.h"
#include "shared/request_abi.h"

#define ORIGIN_STATES                                                                              \
	32768 /* of a worker: about 5 MB when all are used; who is longest idle gives way */

struct origin_state {
	uint64_t key;	  /* 0: free */
	int32_t turn;	  /* smooth weighted round robin */
	uint32_t active;  /* requests at it */
	uint64_t used_ms; /* ngx_current_msec when it was last chosen */
	uint64_t time_ms; /* of time_us's last sample */
	uint32_t time_us; /* to the answer's head, moving average; 0: none yet */
	uint32_t text_length;
	u_char text[56]; /* address:port */
};

ngx_int_t origin_state_open(ngx_cycle_t *cycle);  /* master: what is shared */
ngx_int_t origin_state_start(ngx_cycle_t *cycle); /* worker: its own */

uint64_t origin_state_key(uint32_t site, const struct address *address, uint16_t port);
/* Made when it is not there. Never NULL; stays until another one takes its place, which changes its key. */
struct origin_state *origin_state_get(uint64_t key, const struct address *address, uint16_t port);

/* Moving average of the time to an answer, which halves for each 10 s without a sample: so one that was slow is asked
 * again. */
uint32_t origin_state_time_us(const struct origin_state *state);
void origin_state_sample(struct origin_state *state, uint32_t time_us);

/* Whether it is out after too many failures. */
bool origin_is_down(uint64_t key);
/* A request failed at it. It is out for timeout_seconds after max failures in as many; at once when it has just been
 * out. max 0: never. */
void origin_failed(uint64_t key, uint16_t max, uint16_t timeout_seconds);
void origin_answered(uint64_t key);

#endif
