/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop over checks. Whether a check is off, watched or blocks is the site's word, said here once for all of them;
 * what belongs to no site always blocks.
 */
#include "nginx/run.h"

#include "nginx/counters.h"

ngx_int_t polder_checks_open(ngx_cycle_t *cycle)
{
	(void)cycle;
	return NGX_OK;
}

ngx_int_t polder_checks_start(ngx_cycle_t *cycle)
{
	(void)cycle;
	return NGX_OK;
}

ngx_int_t polder_refuse(struct polder_request *request, enum check check, uint32_t rule)
{
	uint8_t mode = request->site ? request->site->mode[check] : CHECK_BLOCK;

	if (mode == CHECK_OFF)
		return NGX_DECLINED;
	/* What decides is noted over what was only watched before it; the first that was watched is kept. */
	if (mode == CHECK_BLOCK || request->verdict == LOG_PASSED) {
		request->check = (uint8_t)check;
		request->rule = rule;
	}
	if (mode == CHECK_WATCH) {
		request->verdict = LOG_WATCHED;
		if (request->counter)
			counter_add(&request->counter->watched[check], 1);
		return NGX_DECLINED;
	}
	request->verdict = LOG_REFUSED;
	counter_add(request->counter ? &request->counter->refused[check]
				     : &counters_node()->refused[check],
		1);
	return NGX_HTTP_CLOSE;
}

void polder_refuse_source(const struct polder_connection *connection, enum check check)
{
	(void)connection;
	counter_add(&counters_node()->refused[check], 1);
}

ngx_int_t polder_checks_run(ngx_http_request_t *r, struct polder_request *request)
{
	(void)r;
	if (!request->site)
		return polder_refuse(request, CHECK_unknown_host, 0);
	return NGX_DECLINED;
}

void polder_checks_log(ngx_http_request_t *r, struct polder_request *request)
{
	(void)r;
	(void)request;
}
