/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request as one line of JSON, as access logs hold it. Pure; fuzzed.
 */
#ifndef AGENT_REQUEST_JSON_H
#define AGENT_REQUEST_JSON_H

#include <stddef.h>

#include "agent/log_ring.h"

/* Longest line: every byte of the texts as six, and the other fields. */
#define REQUEST_JSON_MAX (6 * UINT16_MAX + 4096)

/* Writes the line with its '\n' into out, at least REQUEST_JSON_MAX bytes; returns its length. domain: of the site. Texts
 * that are no UTF-8 are shown byte by byte as U+0080 .. U+00FF. */
size_t request_line(const struct log_view *view, const char *domain, char *out);

#endif
