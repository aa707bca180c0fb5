/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One list of the worker's requests, looked at SLOW_LOOK_MS apart: that costs each request a few pointers, and no timer of its own.
 * A request whose body is being read, or whose answer waits for its client, uses up its credit with the time, and earns it
 * with bytes: a second with so many as make the least rate. It begins with SLOW_SECONDS, and can have SLOW_CREDIT_SECONDS
 * at most: somebody who comes too slowly from the beginning has so long; who was quick before may be out of reach for a while, as
 * telephones are.
 *
 * An answer may be slow because its client does not read it, or because the line is poor, and many parts of a page share it.
 * So time counts whole only while the client keeps data back: while its receive window is closed, or under HTTP/2 the
 * stream's, with nothing on its way. Other time counts a sixth, for those who do without acknowledging. Progress is
 * what was acknowledged, since the kernel takes a lot at once; the first bytes earn nothing, as the client's kernel
 * takes them whatever the client does: SLOW_READ_FREE, and when the answer is looked at first, up to SLOW_READ_BUFFER. Under
 * HTTP/2 progress is what the stream was allowed to send.
 *
 * Whoever is just fast enough could hold a request, and its origin's connection, for days. So of bodies that in SLOW_LONG_SECONDS of
 * their client's turn came slower than SLOW_LONG_RATE, which lines of today do not, a source has SOURCE_LINGERING_MAX.
 *
 * Under HTTP/2 nginx's time-out for bodies runs also while the client may not send, and between messages of a call of gRPC: it is put
 * off here as long as it is not the client's turn, or the origin answers already.
 *
 * Who is too slow is ended by nginx itself: its own timer event is marked as run out and its handler called, so that what follows
 * is exactly what follows one of its own time-outs. WebSockets and other upgraded connections are not watched, nor calls
 * of gRPC: they wait because they have nothing to say.
 */
#include "nginx/slow.h"

#include "nginx/gather.h"
#include "nginx/headers.h"
#include "nginx/source.h"
#include "nginx/window.h"

#define SLOW_LOOK_MS	    250
#define SLOW_SECONDS	    5
#define SLOW_CREDIT_SECONDS 30
/* Bytes a second: less than any line gives that a person uses. Bodies are small, and come over the narrower way. */
#define SLOW_BODY_RATE	  500
#define SLOW_READ_RATE	  2000
#define SLOW_READ_FREE	  16384
#define SLOW_READ_BUFFER  (128 << 10) /* the receive buffer that systems begin with, at most */
#define SLOW_LINE_PART	  6
#define SLOW_LONG_SECONDS 30
#define SLOW_LONG_RATE	  4000

static ngx_queue_t watched;
static ngx_event_t timer;
static int64_t looked_ms;
static ngx_connection_t nobody = { .fd = -1 }; /* nginx's debug log wants a connection */

static void use_credit(
	int64_t *credit_ms, off_t *seen, off_t bytes, int64_t rate, int64_t elapsed_ms)
{
	if (bytes > *seen) {
		*credit_ms += (bytes - *seen) * 1000 / rate;
		*seen = bytes;
	}
	if (*credit_ms > SLOW_CREDIT_SECONDS * 1000)
		*credit_ms = SLOW_CREDIT_SECONDS * 1000;
	*credit_ms -= elapsed_ms;
}

/* What counts from now on. An answer may have been read quickly before it was looked at first: that earns as if it had been
 * looked at all the time. bytes: of the connection, as read_progress says. */
static void begin_reading(struct checks_request *state, off_t bytes)
{
	ngx_http_request_t *r = state->r;
	struct window window = { 0 };
	off_t begin = 0, taken;

#if (NGX_HTTP_V2)
	if (!r->stream)
#endif
	{
		/* Of what this answer has handed to the kernel, queued_bytes at most were not acknowledged. */
		(void)window_read(r->connection->fd, &window);
		taken = r->connection->sent - (off_t)window.queued_bytes;
		begin = bytes - (taken > 0 ? taken : 0);
	}
	state->read_bytes = begin + SLOW_READ_FREE;
	if (bytes > state->read_bytes)
		state->read_bytes = ngx_min(bytes, begin + SLOW_READ_BUFFER);
	use_credit(&state->read_credit_ms, &state->read_bytes, bytes, SLOW_READ_RATE, 0);
}

static bool is_waiting_for_client(const struct checks_request *state)
{
	const ngx_http_request_t *r = state->r;
	const ngx_connection_t *c = r->connection;

#if (NGX_HTTP_V2)
	if (r->stream)
		return (c->buffered || r->stream->queued || r->stream->exhausted) &&
		       !gather_waits(state->request->connection);
#endif
	return c->buffered && !c->write->delayed && !c->write->ready;
}

/* Looks at how the answer gets on. Of elapsed_ms, returns the part that counts against the client. */
static int64_t read_progress(struct checks_request *state, off_t *bytes, int64_t elapsed_ms)
{
	ngx_http_request_t *r = state->r;
	struct window window = { 0 };
	int64_t closed_ms;

	if (!window_read(state->request->connection->nginx->fd, &window)) {
		*bytes = r->connection->sent;
		return elapsed_ms;
	}
	closed_ms = (int64_t)window.closed_ms - state->closed_ms;
	state->closed_ms = (int64_t)window.closed_ms;
	*bytes = (off_t)window.acked_bytes;
#if (NGX_HTTP_V2)
	if (r->stream) {
		*bytes = r->connection->sent;
		closed_ms = window.drained ? elapsed_ms : closed_ms;
	}
#endif
	closed_ms = closed_ms < elapsed_ms ? closed_ms : elapsed_ms;
	return closed_ms + (elapsed_ms - closed_ms) / SLOW_LINE_PART;
}

/* nginx says so of bodies that are sent on as they come; of those that it waits for, how much is still to come. */
static bool is_reading_body(const ngx_http_request_t *r)
{
	return r->reading_body || (r->request_body && r->request_body->rest > 0);
}

/* Is the client the one to go on? Not while it has sent what nginx does not take, since the origin takes no more. */
static bool is_clients_turn(const ngx_http_request_t *r)
{
#if (NGX_HTTP_V2)
	if (r->stream)
		return r->stream->recv_window > 0;
#endif
	return !r->connection->read->ready;
}

/* Ends the request as nginx does when the event's time has run out. */
static void time_out(ngx_http_request_t *r, ngx_event_t *event)
{
	ngx_connection_t *c = r->connection;

	if (event->timer_set)
		ngx_del_timer(event);
	ngx_log_error(NGX_LOG_INFO, c->log, 0, "client is too slow");
	event->timedout = 1;
	event->handler(event);
}

/* true: it is gone. */
static bool refuse(struct checks_request *state, enum check check, ngx_event_t *event)
{
	if (!checks_note(state, check, 0))
		return false;
	slow_forget(state);
	(void)checks_note_source(state, check, 0);
	time_out(state->r, event);
	return true;
}

/* Begins the stream's time-out anew. */
static void put_off(ngx_http_request_t *r)
{
	const ngx_http_core_loc_conf_t *core =
		ngx_http_get_module_loc_conf(r, ngx_http_core_module);

	if (r->connection->read->timer_set)
		ngx_add_timer(r->connection->read, core->client_body_timeout);
}

static void linger_end(struct checks_request *state)
{
	source_linger_end(state->lingering);
	state->lingering = NULL;
}

/* true: the source has too many of them already. Noted once, if it is only watched. */
static bool lingers_too_many(struct checks_request *state)
{
	off_t bytes = state->r->request_length - state->body_begin;

	if (state->body_ms < SLOW_LONG_SECONDS * 1000 ||
		bytes >= state->body_ms * SLOW_LONG_RATE / 1000) {
		linger_end(state);
		state->lingers = false;
		return false;
	}
	if (state->lingers)
		return false;
	state->lingers = true;
	return !source_linger(state->request->connection, &state->lingering);
}

static void look_at_body(struct checks_request *state, int64_t elapsed_ms)
{
	ngx_http_request_t *r = state->r;
	bool turn = is_clients_turn(r);

#if (NGX_HTTP_V2)
	if (r->stream && !turn)
		put_off(r);
#endif
	if (!state->slow_checked)
		return;
	state->body_ms += turn ? elapsed_ms : 0;
	use_credit(&state->body_credit_ms, &state->body_bytes, r->request_length, SLOW_BODY_RATE,
		turn ? elapsed_ms : 0);
	if (state->body_credit_ms < 0)
		state->body_credit_ms = INT64_MAX / 2;
	else if (!lingers_too_many(state))
		return;
	(void)refuse(state, CHECK_slow_body, r->connection->read);
}

static void look_at(struct checks_request *state, int64_t elapsed_ms)
{
	ngx_http_request_t *r = state->r;
	off_t bytes = 0;

	if (r->upstream && r->upstream->upgrade)
		return;
	if (headers_is_grpc(r, state->request)) {
		if (r->reading_body && r->header_sent)
			put_off(r);
		return;
	}
	if (is_reading_body(r)) {
		look_at_body(state, elapsed_ms);
		return;
	}
	linger_end(state);
	if (!state->slow_checked)
		return;
	if (!is_waiting_for_client(state)) {
		state->reading = false;
		return;
	}
	elapsed_ms = read_progress(state, &bytes, elapsed_ms);
	if (!state->reading) {
		state->reading = true;
		if (state->read_bytes == 0)
			begin_reading(state, bytes);
		return;
	}
	use_credit(&state->read_credit_ms, &state->read_bytes, bytes, SLOW_READ_RATE, elapsed_ms);
	if (state->read_credit_ms < 0) {
		state->read_credit_ms = INT64_MAX / 2;
		(void)refuse(state, CHECK_slow_read, r->connection->write);
	}
}

/* Ending one request may end others (of the same HTTP/2 connection), which take themselves out of the list; so it is gone
 * through by moving each to another list first. */
static void look(ngx_event_t *event)
{
	int64_t now_ms = (int64_t)ngx_current_msec, elapsed_ms = now_ms - looked_ms;
	ngx_queue_t left;

	looked_ms = now_ms;
	ngx_queue_init(&left);
	if (!ngx_queue_empty(&watched)) {
		ngx_queue_add(&left, &watched);
	}
	ngx_queue_init(&watched);
	while (!ngx_queue_empty(&left)) {
		ngx_queue_t *at = ngx_queue_head(&left);

		ngx_queue_remove(at);
		ngx_queue_insert_tail(&watched, at);
		look_at(ngx_queue_data(at, struct checks_request, link), elapsed_ms);
	}
	if (!ngx_exiting || !ngx_queue_empty(&watched))
		ngx_add_timer(event, SLOW_LOOK_MS);
}

ngx_int_t slow_start(ngx_cycle_t *cycle)
{
	ngx_queue_init(&watched);
	looked_ms = (int64_t)ngx_current_msec;
	timer.handler = look;
	timer.log = cycle->log;
	timer.data = &nobody;
	timer.cancelable = 1;
	ngx_add_timer(&timer, SLOW_LOOK_MS);
	return NGX_OK;
}

static void forget(void *data)
{
	slow_forget(data);
}

/* Has a stream a body whose time-out is to be seen to? */
static bool may_wait(const ngx_http_request_t *r)
{
#if (NGX_HTTP_V2)
	return r->stream && !r->stream->in_closed;
#else
	(void)r;
	return false;
#endif
}

void slow_watch(struct checks_request *state, bool checked)
{
	const uint8_t *mode = state->request->site->mode;
	ngx_pool_cleanup_t *cleanup;

	if (state->link.next)
		return;
	state->slow_checked = checked && (mode[CHECK_slow_body] != CHECK_OFF ||
						 mode[CHECK_slow_read] != CHECK_OFF);
	if (!may_wait(state->r) &&
		(!state->slow_checked || headers_is_grpc(state->r, state->request)))
		return;
	/* Whatever becomes of the request, nothing of it stays in the list. */
	cleanup = ngx_pool_cleanup_add(state->r->pool, 0);
	if (!cleanup)
		return;
	cleanup->handler = forget;
	cleanup->data = state;
	state->body_credit_ms = state->read_credit_ms = SLOW_SECONDS * 1000;
	state->body_bytes = state->body_begin = state->r->request_length;
	ngx_queue_insert_tail(&watched, &state->link);
}

void slow_forget(struct checks_request *state)
{
	if (!state->link.next)
		return;
	ngx_queue_remove(&state->link);
	state->link.next = NULL;
	linger_end(state);
}
