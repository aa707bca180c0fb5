/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the host's stack has to do for SYN cookies that the packet path answers in its name (bpf/local_cookie.bpf.h).
 */
#ifndef AGENT_STEER_COOKIE_H
#define AGENT_STEER_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/packets.h"
#include "agent/steer_program.h"

struct steer_cookies {
	const struct agent_settings *settings;
	struct packets *packets;
	struct steer_program *program;
	uint64_t stamped[STEER_LISTENERS]; /* cookies of the sockets that were, see SO_COOKIE */
	int64_t stamped_ms;		   /* monotonic; 0: never */
	bool complained;
};

/* Each second while there are local services. */
void steer_cookies_tick(struct steer_cookies *cookies, int64_t now_monotonic_ms);

/* Puts back what of the host was changed. */
void steer_cookies_undo(const struct agent_settings *settings);

#endif
