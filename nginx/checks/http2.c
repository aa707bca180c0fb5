/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floods of HTTP/2 frames. nginx reads a connection by c->recv, which is put under one that shows each piece to the counter
 * (nginx/frames.h) first; when that has had enough, the read fails, which is how nginx hears that a connection is to be
 * given up, and the source is banned. Connections of trusted proxies carry many clients', and are not counted.
 */
#include "nginx/checks.h"
#include "nginx/frames.h"
#include "nginx/run.h"

struct checks_http2 {
	ngx_recv_pt receive;
	struct frames frames;
};

static ssize_t receive(ngx_connection_t *c, u_char *out, size_t size)
{
	struct polder_connection *connection = polder_connection_get(c);
	struct checks_connection *checks = connection->checks;
	struct checks_http2 *http2 = checks->http2;
	ssize_t received = http2->receive(c, out, size);
	enum frames_verdict verdict;

	if (received <= 0)
		return received;
	verdict = frames_feed(&http2->frames, out, (size_t)received, (int64_t)ngx_current_msec);
	if (verdict == FRAMES_FINE)
		return received;
	ngx_log_error(NGX_LOG_INFO, c->log, 0, "flood of HTTP/2 frames");
	polder_refuse_source(
		connection, verdict == FRAMES_RESETS ? CHECK_http2_reset : CHECK_http2_flood);
	/* Once is enough. */
	c->recv = http2->receive;
	return NGX_ERROR;
}

void polder_checks_http2(ngx_connection_t *c)
{
	struct polder_connection *connection = polder_connection_get(c);
	struct checks_connection *checks = connection ? checks_connection(connection) : NULL;

	if (!checks || checks->http2 || connection->trusted || !connection->mitigated)
		return;
	checks->http2 = ngx_pcalloc(c->pool, sizeof(*checks->http2));
	if (!checks->http2)
		return;
	checks->http2->receive = c->recv;
	c->recv = receive;
}
