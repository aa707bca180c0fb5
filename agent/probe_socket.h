/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a probe says on the wire: its socket, and HTTP's request and answer.
 */
#ifndef AGENT_PROBE_SOCKET_H
#define AGENT_PROBE_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/probe.h"

/* Source ports outside those of flows; count 0: there are none, the host chooses. */
struct probe_ports {
	uint16_t first, count, next;
};
void probe_ports_choose(const struct agent_settings *settings, struct probe_ports *out);

/* A socket on its way to the target, for UDP one that has sent; or a negative errno. */
int probe_connect(const struct probe_target *target, const struct agent_settings *settings,
	struct probe_ports *ports);
/* Whether an errno tells of this node, which says nothing about the origin. */
bool probe_failed_here(int error);

/* Pure: what the first bytes of an answer to HEAD say. */
enum http_verdict {
	HTTP_MORE, /* not enough bytes yet */
	HTTP_UP,   /* a status of 200..399 */
	HTTP_DOWN
};
#define HTTP_STATUS_BYTES 12 /* "HTTP/1.1 200" */
enum http_verdict http_verdict(const char *data, uint32_t size);
/* The request; returns its length. An empty domain: the address and port. */
#define HTTP_REQUEST_SIZE 512
uint32_t http_request(const struct probe_target *target, char out[HTTP_REQUEST_SIZE]);

#endif
