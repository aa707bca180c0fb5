/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fixed number of places: free ones in one queue, used ones in the order in which they became idle and in a chain of
 * their key's bucket. The server name is not copied: under TLS the connection itself knows what it was opened for.
 *
 * How long they are idle is looked at once a second for all of them: a timer for each would be set and deleted with each request.
 */
#include "nginx/pool.h"

#define BUCKETS 1024
#define LOOK_MS 1000

struct place {
	ngx_queue_t queue;		/* first: also the address of the place */
	struct place *next, **previous; /* in the bucket */
	ngx_connection_t *connection;
	ngx_msec_t until;    /* ngx_current_msec from which on it is closed */
	struct pool_key key; /* name is not used */
};

static struct place *places;
static struct place *buckets[BUCKETS];
static ngx_queue_t vacant, idle;
static ngx_event_t timer;
static ngx_connection_t nobody = {
	.fd = (ngx_socket_t)-1
}; /* nginx's debug log wants a connection */

static void look(ngx_event_t *event);

ngx_int_t pool_start(ngx_cycle_t *cycle)
{
	places = ngx_pcalloc(cycle->pool, POOL_MAX * sizeof(*places));
	if (!places)
		return NGX_ERROR;
	ngx_queue_init(&vacant);
	ngx_queue_init(&idle);
	for (unsigned i = 0; i < POOL_MAX; i++) {
		ngx_queue_insert_tail(&vacant, &places[i].queue);
	}
	timer = (ngx_event_t){ .handler = look, .data = &nobody, .log = cycle->log };
	timer.cancelable = 1;
	ngx_add_timer(&timer, LOOK_MS);
	return NGX_OK;
}

/* A few operations, since it is asked for with each request. Customers choose addresses and names, and
 * only slow themselves down by choosing alike ones. */
uint64_t pool_hash(const struct pool_key *key)
{
	uint64_t hash = key->address.half[0] ^ key->address.half[1] * UINT64_C(0x9e3779b97f4a7c15) ^
			(uint64_t)(key->port * 4u + key->tls * 2u + key->verify) << 20 ^
			(uint64_t)key->sources << 32 ^ (uint64_t)key->account << 40;

	if (key->name.len)
		hash ^= table_hash(0, key->name.data, key->name.len);
	hash *= UINT64_C(0xbf58476d1ce4e5b9);
	return hash ^ hash >> 31;
}

static bool is_same(const struct place *place, const struct pool_key *key)
{
	const char *opened_for;

	if (place->key.hash != key->hash || place->key.port != key->port ||
		place->key.sources != key->sources || place->key.protocol != key->protocol ||
		place->key.tls != key->tls || place->key.verify != key->verify ||
		place->key.account != key->account ||
		memcmp(&place->key.address, &key->address, sizeof(key->address)) != 0)
		return false;
	if (!key->tls)
		return true;
	opened_for =
		SSL_get_servername(place->connection->ssl->connection, TLSEXT_NAMETYPE_host_name);
	if (!opened_for)
		return key->name.len == 0;
	return ngx_strlen(opened_for) == key->name.len &&
	       ngx_strncasecmp((u_char *)(uintptr_t)opened_for, key->name.data, key->name.len) == 0;
}

static void place_vacate(struct place *place)
{
	ngx_queue_remove(&place->queue);
	ngx_queue_insert_head(&vacant, &place->queue);
	*place->previous = place->next;
	if (place->next)
		place->next->previous = place->previous;
	place->connection = NULL;
}

static void connection_close(ngx_connection_t *c)
{
	if (c->ssl) {
		c->ssl->no_wait_shutdown = 1;
		c->ssl->no_send_shutdown = 1;
		if (ngx_ssl_shutdown(c) == NGX_AGAIN) {
			c->ssl->handler = connection_close;
			return;
		}
	}
	ngx_destroy_pool(c->pool);
	ngx_close_connection(c);
}

static bool is_over(const struct place *place)
{
	return (ngx_msec_int_t)(place->until - ngx_current_msec) <= 0;
}

static void look(ngx_event_t *event)
{
	for (ngx_queue_t *at = ngx_queue_head(&idle), *next; at != ngx_queue_sentinel(&idle);
		at = next) {
		struct place *place = (struct place *)(void *)at;
		ngx_connection_t *c = place->connection;

		next = ngx_queue_next(at);
		if (is_over(place)) {
			place_vacate(place);
			connection_close(c);
		}
	}
	ngx_add_timer(event, LOOK_MS);
}

/* An idle connection has something to read: its end, or what nobody asked for. Both end it. */
static void idle_readable(ngx_event_t *event)
{
	ngx_connection_t *c = event->data;
	struct place *place = c->data;
	char byte;

	if (!c->close && recv(c->fd, &byte, 1, MSG_PEEK) == -1 && ngx_socket_errno == NGX_EAGAIN) {
		event->ready = 0;
		if (ngx_handle_read_event(event, 0) == NGX_OK)
			return;
	}
	place_vacate(place);
	connection_close(c);
}

static void idle_writable(ngx_event_t *event)
{
	(void)event;
}

static void log_set(ngx_connection_t *c, ngx_log_t *log)
{
	c->log = log;
	c->read->log = log;
	c->write->log = log;
	c->pool->log = log;
}

ngx_connection_t *pool_take(struct pool_key *key, ngx_log_t *log)
{
	key->hash = pool_hash(key);
	for (struct place *place = buckets[key->hash % BUCKETS]; place; place = place->next) {
		ngx_connection_t *c = place->connection;

		if (!is_same(place, key) || is_over(place))
			continue;
		place_vacate(place);
		c->idle = 0;
		c->sent = 0;
		c->data = NULL;
		log_set(c, log);
		return c;
	}
	return NULL;
}

void pool_give(const struct pool_key *key, ngx_connection_t *c, ngx_msec_t idle_ms)
{
	struct place *place;
	struct place **bucket;

	if (ngx_queue_empty(&vacant)) {
		ngx_connection_t *oldest;

		place = (struct place *)(void *)ngx_queue_last(&idle);
		oldest = place->connection;
		place_vacate(place);
		connection_close(oldest);
	}
	place = (struct place *)(void *)ngx_queue_head(&vacant);
	ngx_queue_remove(&place->queue);
	ngx_queue_insert_head(&idle, &place->queue);
	place->key = *key;
	place->key.name = (ngx_str_t){ 0, NULL };
	place->connection = c;
	bucket = &buckets[key->hash % BUCKETS];
	place->next = *bucket;
	place->previous = bucket;
	if (*bucket)
		(*bucket)->previous = &place->next;
	*bucket = place;

	place->until = ngx_current_msec + idle_ms;
	c->read->delayed = 0;
	if (c->read->timer_set)
		ngx_del_timer(c->read);
	if (c->write->timer_set)
		ngx_del_timer(c->write);
	c->write->handler = idle_writable;
	c->read->handler = idle_readable;
	c->data = place;
	c->idle = 1;
	log_set(c, ngx_cycle->log);
	if (c->read->ready)
		idle_readable(c->read);
}
