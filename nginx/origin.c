/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nginx asks an upstream three things: who is next (get), what became of it (free), and before all that to begin (init).
 * Everything else that differs from origin to origin - timeouts, whether certificates are verified - nginx
 * reads from the configuration of the location, through a pointer in the request. So that pointer is led to a variant
 * of it: few are different, a worker makes each once.
 *
 * Whether the connection to the origin is under TLS is a bit of the request's; the location says "https", and the bit is
 * cleared for plain origins.
 *
 * A connection from the pool may have been closed by the origin just now. A failure on such a one says nothing about the
 * origin: the same one is asked again over a new connection, and nginx does not count it as a try.
 */
#include "nginx/origin.h"

#include "base/site.h"
#include "base/text.h"
#include "nginx/balance.h"
#include "nginx/connect.h"
#include "nginx/outgoing.h"
#include "nginx/pool.h"
#include "nginx/sessions.h"

#define TRIES_MAX      8 /* origins that one request may be sent to */
#define VARIANTS       256
#define VARIANT_PROBES 8
#define PORT_HTTP      80
#define PORT_HTTPS     443
#define WHEN_TO_TRY_NEXT                                                                           \
	(NGX_HTTP_UPSTREAM_FT_ERROR | NGX_HTTP_UPSTREAM_FT_TIMEOUT |                               \
		NGX_HTTP_UPSTREAM_FT_INVALID_HEADER)
#define WHEN_STALE                                                                                 \
	(NGX_HTTP_UPSTREAM_FT_HTTP_500 | NGX_HTTP_UPSTREAM_FT_HTTP_502 |                           \
		NGX_HTTP_UPSTREAM_FT_HTTP_503 | NGX_HTTP_UPSTREAM_FT_HTTP_504)

struct polder_origin {
	ngx_http_request_t *nginx;
	struct polder_request *request;
	const ngx_http_upstream_conf_t *base; /* of the location */
	struct origin_state *state;
	uint64_t key; /* of the state, which may have become another's meanwhile */
	uint16_t max_fails, fail_timeout_seconds;
	bool again; /* the same origin, over a new connection */
	bool tls;
	bool poolable;
	bool hosts; /* leaves from where the host chose, though there are back-to-origin addresses */
	uint32_t keepalive_requests;
	ngx_msec_t keepalive_ms; /* 0: connections are not kept */
	uint64_t tried[(CANDIDATES_MAX + 63) / 64];
	struct pool_key pool;
	ngx_str_t text;
	socklen_t socket_length;
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} socket;
};

struct variant {
	const ngx_http_upstream_conf_t *base; /* NULL: free */
	uint16_t connect, read, send;	      /* seconds */
	bool verify;
	bool stale; /* an older answer is there, and may be given when the origin fails */
	ngx_http_upstream_conf_t conf;
};

static struct variant *variants[VARIANTS];

ngx_int_t origin_start(ngx_cycle_t *cycle)
{
	if (pool_start(cycle) != NGX_OK || sessions_start(cycle) != NGX_OK)
		return NGX_ERROR;
	return origin_state_start(cycle);
}

ngx_str_t origin_text(const struct polder_origin *origin)
{
	return origin ? origin->text : (ngx_str_t){ 0, NULL };
}

/* ---- variants of the configuration */

static void variant_fill(struct variant *variant, const ngx_http_upstream_conf_t *base,
	const struct site_origin *origin, bool verify, bool stale)
{
	variant->base = base;
	variant->connect = origin->connect_timeout_seconds;
	variant->read = origin->read_timeout_seconds;
	variant->send = origin->send_timeout_seconds;
	variant->verify = verify;
	variant->stale = stale;
	variant->conf = *base;
	if (variant->connect)
		variant->conf.connect_timeout = (ngx_msec_t)variant->connect * 1000;
	if (variant->read)
		variant->conf.read_timeout = (ngx_msec_t)variant->read * 1000;
	if (variant->send)
		variant->conf.send_timeout = (ngx_msec_t)variant->send * 1000;
	variant->conf.ssl_verify = verify;
	variant->conf.cache_use_stale = stale ? WHEN_STALE : 0;
	variant->conf.next_upstream = WHEN_TO_TRY_NEXT;
	variant->conf.next_upstream_tries = 0;
}

static ngx_http_upstream_conf_t *variant_get(
	const struct polder_origin *own, const struct site_origin *origin, bool verify)
{
	uint32_t place = origin->connect_timeout_seconds * 7u + origin->read_timeout_seconds * 31u +
			 origin->send_timeout_seconds * 131u + verify;
	const ngx_http_cache_t *cache = own->nginx->cache;
	bool stale = cache && cache->stale_error;
	struct variant *variant;

	for (unsigned i = 0; i < VARIANT_PROBES; i++) {
		struct variant **slot = &variants[(place + i) % VARIANTS];

		variant = *slot;
		if (!variant) {
			variant = *slot = ngx_palloc(ngx_cycle->pool, sizeof(*variant));
			if (!variant)
				return NULL;
			variant_fill(variant, own->base, origin, verify, stale);
		}
		if (variant->base == own->base && variant->verify == verify &&
			variant->stale == stale &&
			variant->connect == origin->connect_timeout_seconds &&
			variant->read == origin->read_timeout_seconds &&
			variant->send == origin->send_timeout_seconds)
			return &variant->conf;
	}
	/* More different ones than anybody has: one for this request alone. */
	variant = ngx_palloc(own->nginx->pool, sizeof(*variant));
	if (!variant)
		return NULL;
	variant_fill(variant, own->base, origin, verify, stale);
	return &variant->conf;
}

/* ---- choosing */

/* Same port as the client's, unless the origin has one; plain HTTP in place of HTTPS is not spoken on HTTPS's port. */
static uint16_t port_of(const struct polder_origin *own, const struct site_origin *origin)
{
	uint16_t port = own->request->connection->local_port;

	if (origin->port)
		return origin->port;
	return !own->tls && own->nginx->connection->ssl && port == PORT_HTTPS ? PORT_HTTP : port;
}

static const struct address *addresses_of(
	const struct polder_request *request, const struct site_origin *origin, uint32_t *count)
{
	static const struct address none;
	const struct table_name *name;

	*count = 1;
	if (memcmp(&origin->address, &none, sizeof(none)) != 0)
		return &origin->address;
	name = table_name(
		request->table, site_text_at(request->site, origin->name), origin->name.length);
	*count = name ? name->count : 0;
	return name ? name->address : NULL;
}

/* Those not tried yet whose "backup" is as given, and that are not out unless also_down. */
static unsigned candidates_find(
	const struct polder_origin *own, struct candidate *out, bool backup, bool also_down)
{
	const struct site *site = own->request->site;
	const struct site_origin *origins = site_list_at(site, site->origins);
	unsigned count = 0;

	for (unsigned i = 0; i < site->origins.count; i++) {
		const struct site_origin *origin = &origins[i];
		uint32_t addresses;
		const struct address *address;
		uint16_t port;

		if (!also_down && (origin->backup != 0) != backup)
			continue;
		address = addresses_of(own->request, origin, &addresses);
		port = port_of(own, origin);
		for (uint32_t j = 0; j < addresses; j++) {
			uint16_t number = (uint16_t)(i * NAME_ADDRESS_MAX + j);
			uint64_t key = origin_state_key(site->number, &address[j], port);

			if ((own->tried[number / 64] >> number % 64 & 1) ||
				(!also_down && origin_is_down(key)))
				continue;
			out[count++] = (struct candidate){ .origin = origin,
				.address = &address[j],
				.port = port,
				.number = number,
				.key = key };
		}
	}
	return count;
}

/* Those that work; else those kept for that; else, since somebody must be asked, all. */
static bool choose(struct polder_origin *own, struct candidate *out)
{
	const struct polder_request *request = own->request;
	struct candidate candidates[CANDIDATES_MAX];
	unsigned count = 0;

	if (!request->site) /* it was deleted while the request waited */
		return false;
	count = candidates_find(own, candidates, false, false);
	if (count == 0)
		count = candidates_find(own, candidates, true, false);
	if (count == 0)
		count = candidates_find(own, candidates, false, true);
	if (count == 0)
		return false;
	*out = candidates[balance_pick(
		candidates, count, (enum site_balance)request->site->balance, &request->client)];
	if (!out->state)
		out->state = origin_state_get(out->key, out->address, out->port);
	return true;
}

/* ---- what nginx asks */

static const struct table_sources *sources_of(const struct polder_origin *own)
{
	return own->request->table ? table_sources(own->request->table) : NULL;
}

static void socket_fill(struct polder_origin *own, const struct candidate *chosen)
{
	if (address_is_ipv4(chosen->address->byte)) {
		struct sockaddr_in *four = &own->socket.four;

		ngx_memzero(four, sizeof(*four));
		four->sin_family = AF_INET;
		four->sin_port = htons(chosen->port);
		memcpy(&four->sin_addr, &chosen->address->byte[12], 4);
		own->socket_length = sizeof(*four);
	} else {
		struct sockaddr_in6 *six = &own->socket.six;

		ngx_memzero(six, sizeof(*six));
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(chosen->port);
		memcpy(&six->sin6_addr, chosen->address, 16);
		own->socket_length = sizeof(*six);
	}
}

static bool is_address(const ngx_str_t *host)
{
	return host->len == 0 || host->data[0] == '[' ||
	       ngx_inet_addr(host->data, host->len) != INADDR_NONE;
}

/* Server name toward the origin: the host that was asked for; when that is an address, which names nobody, the origin's. false:
 * memory is out. */
static bool name_fill(struct polder_origin *own, const struct site_origin *origin)
{
	ngx_str_t host = own->nginx->headers_in.server;
	bool named = !is_address(&host);

	if (!named && origin->name.length) {
		/* Sessions are kept under it also when the table has gone. */
		host.len = origin->name.length;
		host.data = ngx_pnalloc(own->nginx->pool, host.len);
		if (!host.data)
			return false;
		memcpy(host.data, site_text_at(own->request->site, origin->name), host.len);
		named = true;
	}
	own->nginx->upstream->ssl_name = host;
	own->pool.name = named ? host : (ngx_str_t){ 0, NULL };
	own->poolable = named || !own->pool.verify;
	return true;
}

static ngx_int_t origin_use(struct polder_origin *own, const struct candidate *chosen)
{
	const struct site *site = own->request->site;
	ngx_http_upstream_t *upstream = own->nginx->upstream;
	ngx_http_upstream_conf_t *conf;
	const struct table_sources *sources = sources_of(own);
	bool verify = own->tls && (site->flags & SITE_VERIFY_ORIGIN);

	own->tried[chosen->number / 64] |= UINT64_C(1) << chosen->number % 64;
	own->state = chosen->state;
	own->key = chosen->key;
	own->max_fails = chosen->origin->max_fails;
	own->fail_timeout_seconds = chosen->origin->fail_timeout_seconds;
	own->pool.address = *chosen->address;
	own->pool.port = chosen->port;
	own->pool.sources = sources ? sources->edition : 0;
	own->pool.tls = own->tls;
	own->pool.verify = verify;
	own->poolable = true;
	own->text = (ngx_str_t){ own->state->text_length, own->state->text };
	if (own->tls && !name_fill(own, chosen->origin))
		return NGX_ERROR;
	socket_fill(own, chosen);
	conf = variant_get(own, chosen->origin, verify);
	if (!conf)
		return NGX_ERROR;
	upstream->conf = conf;
	return NGX_OK;
}

/* NGX_OK: nginx is to connect, from wherever the host chooses. NGX_DECLINED: there is no way to that one. */
static ngx_int_t leave(struct polder_origin *own, ngx_peer_connection_t *peer)
{
	const struct table_sources *sources = sources_of(own);
	struct table_hint unused = { 0 };
	ngx_int_t result;

	own->hosts = false;
	/* It would come back as a request of its own, and again. */
	if (own->request->table && table_vip(own->request->table, &own->pool.address, &unused)) {
		ngx_log_error(
			NGX_LOG_INFO, peer->log, 0, "origin %V is a protected address", &own->text);
		return NGX_DECLINED;
	}
	if (!outgoing_has(sources, peer->sockaddr))
		return NGX_OK;
	result = connect_from_source(peer, sources, &own->request->client);
	if (result != NGX_DECLINED)
		return result;
	own->hosts = true;
	return NGX_OK;
}

static ngx_int_t peer_get(ngx_peer_connection_t *peer, void *data)
{
	struct polder_origin *own = data;
	struct candidate chosen;

	peer->cached = 0;
	peer->connection = NULL;
	if (!own->again) {
		if (!choose(own, &chosen))
			return NGX_BUSY;
		if (origin_use(own, &chosen) != NGX_OK)
			return NGX_ERROR;
	}
	peer->sockaddr = &own->socket.any;
	peer->socklen = own->socket_length;
	peer->name = &own->text;
	own->state->active++;
	own->state->used_ms = ngx_current_msec;
	if (!own->again && own->keepalive_ms && own->poolable) {
		ngx_connection_t *c = pool_take(&own->pool, peer->log);

		if (c) {
			peer->connection = c;
			peer->cached = 1;
			own->hosts = false;
			return NGX_DONE;
		}
	}
	own->again = false;
	return leave(own, peer);
}

static bool is_keepable(const struct polder_origin *own, const ngx_peer_connection_t *peer)
{
	const ngx_connection_t *c = peer->connection;
	const ngx_http_upstream_t *upstream = own->nginx->upstream;

	return c && own->keepalive_ms && own->poolable && !own->hosts && upstream->keepalive &&
	       upstream->request_body_sent && !c->read->eof && !c->read->error &&
	       !c->read->timedout && !c->write->error && !c->write->timedout &&
	       c->requests < own->keepalive_requests && !ngx_terminate && !ngx_exiting;
}

static void peer_free(ngx_peer_connection_t *peer, void *data, ngx_uint_t state)
{
	struct polder_origin *own = data;
	const ngx_http_upstream_state_t *times = own->nginx->upstream->state;

	if (own->state->key == own->key && own->state->active > 0)
		own->state->active--;
	if (state & NGX_PEER_FAILED) {
		if (peer->cached)
			own->again = true;
		else
			origin_failed(own->key, own->max_fails, own->fail_timeout_seconds);
	} else if (times && times->header_time != (ngx_msec_t)-1) {
		origin_answered(own->key);
		if (own->state->key == own->key)
			origin_state_sample(own->state, (uint32_t)(times->header_time * 1000));
	}
	if (!(state & NGX_PEER_FAILED) && is_keepable(own, peer) &&
		ngx_handle_read_event(peer->connection->read, 0) == NGX_OK) {
		pool_give(&own->pool, peer->connection, own->keepalive_ms);
		peer->connection = NULL;
	}
	if (peer->tries)
		peer->tries--;
}

/* poolable: it is known for what name the certificate was shown. */
static ngx_int_t session_set(ngx_peer_connection_t *peer, void *data)
{
	struct polder_origin *own = data;

	if (own->poolable) {
		own->pool.hash = pool_hash(&own->pool);
		sessions_set(&own->pool, peer->connection);
	}
	return NGX_OK;
}

static void session_save(ngx_peer_connection_t *peer, void *data)
{
	struct polder_origin *own = data;

	if (own->poolable && peer->connection) {
		own->pool.hash = pool_hash(&own->pool);
		sessions_save(&own->pool, peer->connection);
	}
}

static unsigned tries_of(const struct polder_request *request)
{
	const struct site *site = request->site;
	const struct site_origin *origins = site_list_at(site, site->origins);
	uint32_t all = 0, count;

	if (!(site->flags & SITE_RETRY))
		return 1;
	for (unsigned i = 0; i < site->origins.count; i++) {
		(void)addresses_of(request, &origins[i], &count);
		all += count;
	}
	return all < 1 ? 1 : all > TRIES_MAX ? TRIES_MAX : all;
}

static ngx_int_t peer_init(ngx_http_request_t *r, ngx_http_upstream_srv_conf_t *conf)
{
	struct polder_request *request = polder_request_find(r);
	ngx_http_upstream_t *upstream = r->upstream;
	struct polder_origin *own;
	const struct site *site;

	(void)conf;
	if (!request || !request->site) {
		ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
			"polder_origin in a server without \"polder on\"");
		return NGX_ERROR;
	}
	site = request->site;
	own = ngx_pcalloc(r->pool, sizeof(*own));
	if (!own)
		return NGX_ERROR;
	own->nginx = r;
	own->request = request;
	own->base = upstream->conf;
	own->pool.protocol = upstream->conf;
	own->pool.account = site->account;
	own->tls = r->connection->ssl && !(site->flags & SITE_ORIGIN_PLAIN);
	if (site->flags & SITE_KEEPALIVE) {
		own->keepalive_requests = site->keepalive_requests;
		own->keepalive_ms = (ngx_msec_t)site->keepalive_seconds * 1000;
	}
	request->origin = own;
	upstream->ssl = own->tls;
	upstream->peer.data = own;
	upstream->peer.get = peer_get;
	upstream->peer.free = peer_free;
	upstream->peer.set_session = session_set;
	upstream->peer.save_session = session_save;
	upstream->peer.tries = tries_of(request);
	return NGX_OK;
}

static ngx_int_t upstream_init(ngx_conf_t *cf, ngx_http_upstream_srv_conf_t *conf)
{
	(void)cf;
	conf->peer.init = peer_init;
	return NGX_OK;
}

char *origin_directive(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
	ngx_http_upstream_srv_conf_t *upstream =
		ngx_http_conf_get_module_srv_conf(cf, ngx_http_upstream_module);

	(void)command;
	(void)conf;
	upstream->peer.init_upstream = upstream_init;
	return NGX_CONF_OK;
}
