/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fingerprint of how a client opens an HTTP/2 connection (Akamai, 2017): settings|window|priorities|order of the
 * pseudo-headers, as "1:65536;4:6291456|15663105|0|m,a,s,p". Pure.
 */
#ifndef NGINX_OPENING_H
#define NGINX_OPENING_H

#include <stddef.h>
#include <stdint.h>

#define OPENING_BYTES_MAX                                                                          \
	4096 /* from the connection's first byte on; a client that says more before has none */
#define OPENING_TEXT_SIZE 192 /* with NUL; a longer one is cut */

enum opening_state {
	OPENING_MORE, /* the first request's head is not there yet */
	OPENING_DONE,
	OPENING_NONE /* not HTTP/2, or a form that gives no fingerprint */
};
enum opening_state opening_parse(const uint8_t *bytes, size_t length, char out[OPENING_TEXT_SIZE]);

#endif
