/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the actions on figures of web sites share.
 */
#ifndef CONTROL_ACTIONS_WEB_FIGURES_H
#define CONTROL_ACTIONS_WEB_FIGURES_H

#include "control/actions/website.h"
#include "control/engine/statistics.h"

#define FIGURE_SITES_MAX 5000 /* that are added up when no domain is named: those made last */

/* Members int64_t from, until: published in seconds. */
#define PARAM_FROM(tag)                                                                            \
	PARAM(tag, from, "StartTime", .kind = PARAM_INT, .required = true, .min = 0,               \
		.max = INT64_C(100000000000), .type = "Long", .help = "first second to show")
#define PARAM_UNTIL(tag, ...)                                                                      \
	PARAM(tag, until, "EndTime", .kind = PARAM_INT, .min = 0, .max = INT64_C(100000000000),    \
		.type = "Long", .help = "second before which it ends", __VA_ARGS__)

/* The site of the domain, or without one all that the caller may see. */
enum err figure_sites(
	struct call *call, const char *domain, struct website **out, size_t *count) MUST_USE;
/* Refuses an end that is not behind the beginning. */
enum err figure_span(struct call *call, int64_t from, int64_t until) MUST_USE;

#endif
