/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mark is derived from the deployment's secret: all nodes have the same, another deployment in front or behind has its own.
 * Who writes it into his own request is refused, and that is all he can reach with it.
 */
#include "nginx/loop.h"

#define MARK_PREFIX "polder-"
#define MARK_LENGTH (sizeof(MARK_PREFIX) - 1 + 8)

ngx_str_t loop_mark(const struct table_settings *settings)
{
	static u_char text[MARK_LENGTH + 1];
	static uint32_t known;

	if (settings->loop_mark == 0)
		return (ngx_str_t){ 0, text };
	if (settings->loop_mark != known) {
		known = settings->loop_mark;
		(void)ngx_sprintf(text, MARK_PREFIX "%08xD", known);
	}
	return (ngx_str_t){ MARK_LENGTH, text };
}

static unsigned occurrences(const ngx_str_t *value, const ngx_str_t *mark)
{
	const u_char *at = value->data, *end = at + value->len;
	unsigned count = 0;

	while ((at = memmem(at, (size_t)(end - at), mark->data, mark->len))) {
		count++;
		at += mark->len;
	}
	return count;
}

bool loop_found(const ngx_http_request_t *r, const struct polder_request *request)
{
	static const char name[] = "cdn-loop";
	const ngx_str_t mark = loop_mark(request->settings);
	unsigned count = 0;

	if (mark.len == 0)
		return false;
	for (const ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
		const ngx_table_elt_t *header = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			if (header[i].key.len == sizeof(name) - 1 &&
				memcmp(header[i].lowcase_key, name, sizeof(name) - 1) == 0)
				count += occurrences(&header[i].value, &mark);
		}
	}
	return count >= LOOP_MAX;
}
