/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A custom rule of caching: pages below a path are cached in a mode, for a time. No I/O, no clock.
 */
#ifndef CONTROL_MODEL_WEB_CACHE_H
#define CONTROL_MODEL_WEB_CACHE_H

#include "control/model/web_reader.h"
#include "shared/request_abi.h"

#define WEB_CACHE_MAX	   3 /* rules of a site; published */
#define WEB_CACHE_PATH_MAX 1024
static_assert(WEB_CACHE_MAX <= SITE_CACHE_MAX, "a site holds them");

struct web_cache_rule {
	const char *name, *uri;
	enum site_cache mode; /* not OFF */
	int64_t seconds;      /* 0: as the origin says */
};
/* {"Name", "Uri", "Mode", "CacheTtl"}, as a client sends it and as the store holds it. CacheTtl is one of the published
 * times: 0 (as the origin says), an hour, a day, ten, thirty. */
enum err web_cache_read(
	struct web_reader *reader, const json_t *json, struct web_cache_rule *out) MUST_USE;
json_t *web_cache_json(
	const struct web_cache_rule *rule); /* owned by the caller; NULL: no memory */

#endif
