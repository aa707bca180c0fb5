/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nginx sends what a stream has as soon as it has it: for each answer a TLS record and a system call, of which the call is
 * dear. When many streams of a connection are answered in the same turn, one is enough for several of them.
 *
 * nginx sends nothing while the connection's write event is not ready, and goes on when it is told that it is. So the event is
 * made unready when an answer begins, and told at the end of the turn, by an event of our own that is posted at the same
 * moment. Should nginx be told earlier, by the kernel, there is nothing left to send then. What nginx could not send before is
 * left alone: then the kernel tells it.
 *
 * Only the beginning of an answer waits: its head, and what of its body comes in the same turn. Later parts are large.
 */
#include "nginx/gather.h"

struct polder_gather {
	ngx_event_t end; /* posted: the connection waits */
};

static void turn_ends(ngx_event_t *end)
{
	ngx_connection_t *c = end->data;

	c->write->ready = 1;
	c->write->handler(c->write);
}

static struct polder_gather *gather_get(struct polder_connection *connection)
{
	ngx_connection_t *c = connection->nginx;
	struct polder_gather *gather = connection->gather;

	if (gather)
		return gather;
	gather = ngx_pcalloc(c->pool, sizeof(*gather));
	if (!gather)
		return NULL;
	gather->end.data = c;
	gather->end.handler = turn_ends;
	gather->end.log = c->log;
	connection->gather = gather;
	return gather;
}

void gather_answer(ngx_http_request_t *r, struct polder_connection *connection)
{
#if (NGX_HTTP_V2)
	ngx_event_t *write = connection->nginx->write;
	struct polder_gather *gather;

	if (!r->stream || !write->ready)
		return;
	gather = gather_get(connection);
	if (!gather)
		return;
	write->ready = 0;
	ngx_post_event(&gather->end, &ngx_posted_events);
#else
	(void)r;
	(void)connection;
#endif
}

bool gather_waits(const struct polder_connection *connection)
{
	return connection->gather && connection->gather->end.posted;
}

void gather_forget(const struct polder_connection *connection)
{
	/* The macro is two statements. */
	if (gather_waits(connection)) {
		ngx_delete_posted_event(&connection->gather->end);
	}
}
