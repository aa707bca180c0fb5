/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel says of how a TCP connection's answers get to the other end. Apart from nginx, whose headers have an older
 * struct tcp_info. */
#ifndef NGINX_WINDOW_H
#define NGINX_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct window {
	uint64_t acked_bytes; /* by the other end, since the connection began */
	uint64_t
		closed_ms; /* in all, in which the other end's receive window was what kept data back */
	uint64_t queued_bytes; /* handed to the kernel, and not acknowledged yet */
	bool drained;	       /* that is none */
};
/* false: the kernel does not say. */
bool window_read(int fd, struct window *out);

#endif
