/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose connection, and whose request, it is.
 *
 * A connection's struct hangs on its pool as a clean-up, by whose handler it is found again: nginx has no place of its
 * own for what a module knows about a connection. There are two or three clean-ups at most.
 *
 * Addresses: the TCP connection's other end, unless that is a trusted proxy; then who its PROXY header names; and as
 * long as that again is a trusted proxy, who X-Forwarded-For names, from its end on. So nobody can say that he is
 * somebody else unless a trusted proxy says it.
 */
#include <arpa/inet.h>

#include "nginx/module.h"

#include "base/site.h"
#include "base/text.h"
#include "nginx/counters.h"
#include "nginx/gather.h"
#include "nginx/run.h"
#include "nginx/source.h"

#define FORWARDED_MAX                                                                              \
	32 /* elements of X-Forwarded-For that are read: a chain of proxies is short */

/* ---- addresses */

static uint16_t from_sockaddr(const struct sockaddr *socket, struct address *out)
{
	const struct sockaddr_in6 *six = (const void *)socket;
	const struct sockaddr_in *four = (const void *)socket;

	*out = (struct address){ 0 };
	if (socket->sa_family == AF_INET6) {
		memcpy(out->byte, &six->sin6_addr, 16);
		return ntohs(six->sin6_port);
	}
	if (socket->sa_family != AF_INET)
		return 0;
	out->byte[10] = out->byte[11] = 0xff;
	memcpy(&out->byte[12], &four->sin_addr, 4);
	return ntohs(four->sin_port);
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:443". */
static bool from_text(const u_char *text, size_t length, struct address *out, uint16_t *out_port)
{
	char copy[ADDRESS_TEXT_SIZE];
	const u_char *end, *port = NULL, *colon;

	for (; length > 0 && (*text == ' ' || *text == '\t'); length--)
		text++;
	while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
		length--;
	end = text + length;
	colon = memchr(text, ':', length);
	if (length > 0 && *text == '[') {
		const u_char *bracket = memchr(text, ']', length);

		if (!bracket)
			return false;
		port = bracket + 1 < end && bracket[1] == ':' ? bracket + 2 : NULL;
		text++;
		length = (size_t)(bracket - text);
	} else if (colon && !memchr(colon + 1, ':', (size_t)(end - colon - 1))) {
		port = colon + 1;
		length = (size_t)(colon - text);
	}
	if (length == 0 || length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = 0;
	*out_port = 0;
	if (port) {
		ngx_int_t number = ngx_atoi((u_char *)(uintptr_t)port, (size_t)(end - port));

		*out_port = number > 0 && number < 65536 ? (uint16_t)number : 0;
	}
	return text_to_address(copy, out->byte);
}

static bool is_trusted(const struct table_settings *settings, const struct address *address)
{
	for (uint32_t i = 0; i < settings->proxy_count; i++) {
		if (prefix_covers(settings->proxy[i].address.byte, settings->proxy[i].bits,
			    address->byte))
			return true;
	}
	return false;
}

/* ---- connections */

static void connection_done(void *data)
{
	gather_forget(data);
	source_release(data);
}

static struct polder_connection *connection_find(ngx_connection_t *c)
{
	for (ngx_pool_cleanup_t *cleanup = c->pool->cleanup; cleanup; cleanup = cleanup->next) {
		if (cleanup->handler == connection_done)
			return cleanup->data;
	}
	return NULL;
}

struct polder_connection *polder_connection_get(ngx_connection_t *c)
{
	struct polder_connection *connection = connection_find(c);
	ngx_pool_cleanup_t *cleanup;

	if (connection)
		return connection;
	cleanup = ngx_pool_cleanup_add(c->pool, sizeof(*connection));
	if (!cleanup)
		return NULL;
	connection = cleanup->data;
	ngx_memzero(connection, sizeof(*connection));
	connection->nginx = c;
	connection->peer_port = from_sockaddr(c->sockaddr, &connection->peer);
	connection->client = connection->peer;
	connection->client_port = connection->peer_port;
	cleanup->handler = connection_done;
	return connection;
}

bool polder_connection_settle(struct polder_connection *connection, const struct table *table,
	const struct table_settings *settings, const struct table_vip **out_vip)
{
	ngx_connection_t *c = connection->nginx;
	const struct table_vip *vip;

	if (!connection->ready) {
		const ngx_proxy_protocol_t *told = c->proxy_protocol;
		ngx_sockaddr_t local = { .sockaddr.sa_family = AF_UNSPEC };
		socklen_t length = sizeof(local);
		uint16_t unused;

		/* Not what nginx knows: a listener may be bound to another address than connections are made to. */
		if (getsockname(c->fd, &local.sockaddr, &length) != 0)
			return false;
		connection->local_port = from_sockaddr(&local.sockaddr, &connection->local);
		if (told && is_trusted(settings, &connection->peer) &&
			from_text(told->src_addr.data, told->src_addr.len, &connection->client,
				&unused)) {
			connection->client_port = told->src_port;
			connection->proxied = true;
		}
		connection->ready = true;
	}
	connection->trusted = is_trusted(settings, &connection->client);
	vip = table ? table_vip(table, &connection->local, &connection->vip_hint) : NULL;
	connection->instance = vip ? vip->instance : 0;
	connection->mitigated =
		vip && polder_now_ms() + settings->life_offset_ms < vip->mitigation_until_ms;
	*out_vip = vip;
	return true;
}

/* ---- requests */

/* From its end on, one element of a header's value: in *length what is before it and its comma. */
static bool forwarded_step(const ngx_str_t *value, size_t *length, struct polder_request *request)
{
	size_t end = *length, begin = end;
	struct address named;
	uint16_t port;

	while (begin > 0 && value->data[begin - 1] != ',')
		begin--;
	*length = begin > 0 ? begin - 1 : 0;
	if (!from_text(value->data + begin, end - begin, &named, &port))
		return false;
	request->client = named;
	request->client_port = port;
	request->trusted = is_trusted(request->settings, &named);
	return true;
}

static void forwarded_read(ngx_http_request_t *r, struct polder_request *request)
{
	ngx_table_elt_t **header = r->headers_in.x_forwarded_for.elts;
	unsigned steps = 0;

	for (ngx_uint_t i = r->headers_in.x_forwarded_for.nelts; i-- > 0;) {
		size_t length = header[i]->value.len;

		while (length > 0) {
			if (!request->trusted || ++steps > FORWARDED_MAX ||
				!forwarded_step(&header[i]->value, &length, request))
				return;
		}
	}
}

/* A stream of HTTP/2 has no connection of its own that could become a WebSocket: nginx would read that of all of them. */
static uint8_t scheme_of(ngx_http_request_t *r)
{
	static const u_char name[] = "websocket";
	const ngx_table_elt_t *upgrade = r->headers_in.upgrade;
	bool socket = upgrade && r->http_version < NGX_HTTP_VERSION_20 &&
		      upgrade->value.len == sizeof(name) - 1 &&
		      ngx_strncasecmp(upgrade->value.data, (u_char *)(uintptr_t)name,
			      sizeof(name) - 1) == 0;

	if (r->connection->ssl)
		return socket ? SITE_SCHEME_WEBSOCKETS : SITE_SCHEME_HTTPS;
	return socket ? SITE_SCHEME_WEBSOCKET : SITE_SCHEME_HTTP;
}

/* A connection that was opened for another site's name may be of a version that this one does not take. */
static bool tls_suffices(const ngx_http_request_t *r, const struct site *site)
{
	return !r->connection->ssl ||
	       SSL_version(r->connection->ssl->connection) >= SSL3_VERSION + site->tls_min;
}

/* The site, when it is served at this address, port and scheme; NULL: there is none. A request to upgrade that the port does not
 * take is an ordinary one. */
static const struct site *site_find(
	ngx_http_request_t *r, struct polder_request *request, const struct site_port **out_port)
{
	const ngx_str_t *host = &r->headers_in.server;
	const struct site_port *port;
	const struct site *site;

	if (!request->vip || request->life_ms >= request->vip->forward_until_ms || host->len == 0 ||
		host->len > SITE_DOMAIN_MAX)
		return NULL;
	site = table_site(request->table, (const char *)host->data, host->len,
		&request->connection->site_hint);
	if (!site || !site_has_instance(site, request->vip->instance))
		return NULL;
	port = site_port_find(site, request->connection->local_port);
	if (!port || !tls_suffices(r, site))
		return NULL;
	*out_port = port;
	if (port->schemes & request->scheme)
		return site;
	if (request->scheme < SITE_SCHEME_WEBSOCKET)
		return NULL;
	request->scheme = (uint8_t)(request->scheme / SITE_SCHEME_WEBSOCKET);
	return port->schemes & request->scheme ? site : NULL;
}

static void site_take(
	struct polder_request *request, const struct site *site, const struct site_port *port)
{
	request->site = site;
	request->port = port;
	request->site_number = site->number;
	request->site_flags = site->flags;
	memcpy(request->mode, site->mode, sizeof(request->mode));
	request->counter = counters_site(site->number);
	request->redirected =
		(site->flags & SITE_HTTP_TO_HTTPS) && request->scheme == SITE_SCHEME_HTTP;
}

static ngx_queue_t holders; /* requests with a table */

static void table_hold(struct polder_request *request)
{
	request->table = table_pin(polder_now_ms());
	request->settings = table_settings(request->table);
	if (request->table) {
		ngx_queue_insert_tail(&holders, &request->holding);
	}
}

static bool request_fill(ngx_http_request_t *r, struct polder_request *request)
{
	ngx_connection_t *c = r->connection;
	const struct site_port *port;
	const struct site *site;

#if (NGX_HTTP_V2)
	if (r->stream)
		c = r->stream->connection->connection;
#endif
	request->connection = polder_connection_get(c);
	if (!request->connection)
		return false;
	request->nginx = r;
	request->now_ms = polder_now_ms();
	table_hold(request);
	request->life_ms = request->now_ms + request->settings->life_offset_ms;
	request->check = CHECK_COUNT;
	memset(request->mode, CHECK_BLOCK, sizeof(request->mode));
	if (!polder_connection_settle(
		    request->connection, request->table, request->settings, &request->vip))
		return false;
	request->client = request->connection->client;
	request->client_port = request->connection->client_port;
	request->trusted = request->connection->trusted;
	if (request->trusted)
		forwarded_read(r, request);
	request->scheme = scheme_of(r);
	if (!request->table) {
		counter_add(&counters_node()->table_misses, 1);
		return true;
	}
	request->instance = request->connection->instance;
	request->mitigated = request->connection->mitigated;
	site = site_find(r, request, &port);
	if (site)
		site_take(request, site, port);
	return true;
}

/* Marks the clean-up by which a request is found again. */
static void request_kept(void *data)
{
	(void)data;
}

struct polder_request *polder_request_find(ngx_http_request_t *r)
{
	struct polder_request *request = ngx_http_get_module_ctx(r->main, ngx_http_polder_module);

	if (request || !r->main->internal)
		return request;
	for (ngx_pool_cleanup_t *cleanup = r->main->pool->cleanup; cleanup;
		cleanup = cleanup->next) {
		if (cleanup->handler == request_kept) {
			ngx_http_set_ctx(r->main, cleanup->data, ngx_http_polder_module);
			return cleanup->data;
		}
	}
	return NULL;
}

ngx_int_t polder_request_keep(ngx_http_request_t *r)
{
	ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(r->pool, 0);

	if (!cleanup)
		return NGX_ERROR;
	cleanup->handler = request_kept;
	cleanup->data = polder_request_find(r);
	return NGX_OK;
}

void polder_request_release(struct polder_request *request)
{
	if (request->table) { /* nginx's macros are several statements */
		ngx_queue_remove(&request->holding);
	}
	table_unpin(request->table);
	request->table = NULL;
	request->site = NULL;
	request->port = NULL;
	request->vip = NULL;
	request->settings = table_settings(NULL);
}

/* Nothing of the request is at work now. When its site is gone, or served here no more, it is as if it were released; so when there is
 * another one of that name: what the request was counted for is by the first one's number. */
static void renew(struct polder_request *request)
{
	const struct polder_connection *connection = request->connection;
	const bool had_site = request->site != NULL;
	const uint32_t generation = had_site ? request->site->generation : 0;
	struct table_hint vip_hint = connection->vip_hint;
	const struct site_port *port;
	const struct site *site = NULL;

	polder_request_release(request);
	table_hold(request);
	if (request->table && had_site) {
		request->vip = table_vip(request->table, &connection->local, &vip_hint);
		site = site_find(request->nginx, request, &port);
	}
	if (site && site->number == request->site_number)
		site_take(request, site, port);
	polder_checks_renewed(request, request->site && request->site->generation == generation);
}

void polder_requests_start(void)
{
	ngx_queue_init(&holders);
}

void polder_requests_renew(void)
{
	ngx_queue_t *at = ngx_queue_head(&holders), *last = ngx_queue_last(&holders), *next;

	/* Who is renewed is at the end then. */
	for (bool more = !ngx_queue_empty(&holders); more; at = next) {
		struct polder_request *request = ngx_queue_data(at, struct polder_request, holding);

		next = ngx_queue_next(at);
		more = at != last;
		if (!table_is_in_force(request->table))
			renew(request);
	}
}

struct polder_request *polder_request_get(ngx_http_request_t *r)
{
	struct polder_request *request = polder_request_find(r);

	if (request)
		return request;
	request = ngx_pcalloc(r->pool, sizeof(*request));
	if (!request)
		return NULL;
	/* Named before it is filled: the log phase gives back what was pinned, whatever comes now. */
	ngx_http_set_ctx(r->main, request, ngx_http_polder_module);
	return request_fill(r->main, request) ? request : NULL;
}
