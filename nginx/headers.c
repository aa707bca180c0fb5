/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Headers that tell about the client are named in nginx.conf, each proxy_set_header of which hides what the client sent under
 * that name, so that nobody can forge them. The site's own headers cannot be named there: the request's list of headers is
 * written anew without those that the client sent under these names.
 *
 * A variable costs each request far more than an element of its list of headers does. So they are set to nothing there, which
 * only hides; what is to be sent goes into the list, under a name for look-ups (lowcase_key) that is hidden nowhere. The client's
 * own Host gets such a name where it stands, which is at the front nearly always, as origins expect it. Calls of gRPC have
 * ":authority" in its place, which nginx makes of a variable.
 *
 * X-Forwarded-For keeps what a trusted proxy said and adds who the connection is from. What anybody else said is dropped, also
 * under the other names that there are for it (client_headers.def); a trusted proxy's are handed on as they are.
 */
#include "nginx/headers.h"

#include <assert.h>

#include "base/site.h"
#include "base/text.h"
#include "nginx/cache.h"
#include "nginx/gather.h"
#include "nginx/loop.h"
#include "nginx/run.h"

#define PORT_HTTPS 443

static ngx_http_output_header_filter_pt next_filter;

/* ---- who the client is */

/* NULL data: memory is out. */
static ngx_str_t address_text(ngx_http_request_t *r, const struct polder_connection *connection,
	const struct address *address)
{
	ngx_str_t text = r->connection->addr_text;

	/* nginx wrote that one when it accepted the connection. */
	if (memcmp(address, &connection->peer, sizeof(*address)) == 0)
		return text;
	text.data = ngx_pnalloc(r->pool, ADDRESS_TEXT_SIZE);
	if (!text.data)
		return text;
	if (address_is_ipv4(address->byte))
		text.len =
			(size_t)(ngx_sprintf(text.data, "%ud.%ud.%ud.%ud", address->byte[12],
					 address->byte[13], address->byte[14], address->byte[15]) -
				 text.data);
	else
		text.len = ngx_inet6_ntop(
			(u_char *)(uintptr_t)address->byte, text.data, ADDRESS_TEXT_SIZE);
	return text;
}

/* What a trusted proxy said, and who the connection is from: "last". NULL data: memory is out. */
static ngx_str_t forwarded_text(ngx_http_request_t *r, ngx_str_t last)
{
	ngx_table_elt_t **header = r->headers_in.x_forwarded_for.elts;
	ngx_uint_t count = r->headers_in.x_forwarded_for.nelts;
	size_t length = last.len;
	ngx_str_t text;
	u_char *end;

	for (ngx_uint_t i = 0; i < count; i++)
		length += header[i]->value.len + 2;
	text.data = end = ngx_pnalloc(r->pool, length);
	text.len = length;
	for (ngx_uint_t i = 0; end && i < count; i++)
		end = ngx_sprintf(end, "%V, ", &header[i]->value);
	if (end)
		ngx_memcpy(end, last.data, last.len);
	return text;
}

/* ---- variable */

/* As the client wrote it; of "GET http://host/" that host, whatever the header says: the site was found by it. */
ngx_str_t headers_host(ngx_http_request_t *r)
{
	u_char *end = r->port_end ? r->port_end : r->host_end;

	if (r->host_start && end > r->host_start)
		return (ngx_str_t){ (size_t)(end - r->host_start), r->host_start };
	return r->headers_in.host ? r->headers_in.host->value : (ngx_str_t){ 0, NULL };
}

static ngx_int_t host_get(ngx_http_request_t *r, ngx_http_variable_value_t *value, uintptr_t data)
{
	ngx_str_t host = headers_host(r);

	(void)data;
	value->data = host.data;
	value->len = (unsigned)host.len & 0xfffffff;
	value->valid = 1;
	value->no_cacheable = 0;
	value->not_found = 0;
	return NGX_OK;
}

ngx_int_t headers_variables(ngx_conf_t *cf)
{
	static ngx_str_t name = ngx_string("polder_host");
	ngx_http_variable_t *added = ngx_http_add_variable(cf, &name, 0);

	if (!added)
		return NGX_ERROR;
	added->get_handler = host_get;
	return NGX_OK;
}

static bool is_socket(const struct polder_request *request)
{
	return request->scheme >= SITE_SCHEME_WEBSOCKET;
}

/* ---- what nginx.conf hides */

static inline void unhide(ngx_table_elt_t *element)
{
	static const char lookup[] = "-------------------------";

	element->lowcase_key = (u_char *)(uintptr_t)lookup;
	element->hash = 1;
	assert(element->key.len < sizeof(lookup));
}

static inline ngx_int_t unhidden_add(ngx_http_request_t *r, const char *name, ngx_str_t value)
{
	ngx_table_elt_t *element;

	if (!value.data)
		return NGX_ERROR;
	element = ngx_list_push(&r->headers_in.headers);
	if (!element)
		return NGX_ERROR;
	element->key = (ngx_str_t){ strlen(name), (u_char *)(uintptr_t)name };
	element->value = value;
	unhide(element);
	return NGX_OK;
}

static ngx_int_t port_add(ngx_http_request_t *r, const char *name, uint16_t port)
{
	ngx_str_t text = { 0, ngx_pnalloc(r->pool, sizeof("65535")) };

	if (text.data)
		text.len = (size_t)(ngx_sprintf(text.data, "%ud", (unsigned)port) - text.data);
	return unhidden_add(r, name, text);
}

static ngx_int_t client_add(ngx_http_request_t *r, const struct polder_request *request)
{
	static const ngx_str_t schemes[] = { ngx_string("http"), ngx_string("https") };
	const struct polder_connection *connection = request->connection;
	ngx_str_t client = address_text(r, connection, &request->client), last = client;
	const ngx_str_t mark = loop_mark(request->settings);

	if (memcmp(&request->client, &connection->client, sizeof(request->client)) != 0)
		last = address_text(r, connection, &connection->client);
	if (last.data && connection->trusted)
		last = forwarded_text(r, last);
	if (mark.len && unhidden_add(r, "CDN-Loop", mark) != NGX_OK)
		return NGX_ERROR;
	if (unhidden_add(r, "X-Real-IP", client) != NGX_OK ||
		unhidden_add(r, "X-Forwarded-For", last) != NGX_OK)
		return NGX_ERROR;
	return unhidden_add(r, "X-Forwarded-Proto", schemes[r->connection->ssl != NULL]);
}

static ngx_int_t host_add(ngx_http_request_t *r)
{
	ngx_table_elt_t *host = r->headers_in.host;

	if (!host)
		return unhidden_add(r, "Host", headers_host(r));
	ngx_str_set(&host->key, "Host"); /* HTTP/2 clients write it small */
	host->value = headers_host(r);
	unhide(host);
	return NGX_OK;
}

static bool names_client(const ngx_table_elt_t *header)
{
	static const ngx_str_t names[] = {
#define CLIENT_HEADER(name) ngx_string(name),
#include "shared/client_headers.def"
#undef CLIENT_HEADER
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (header->key.len == names[i].len &&
			ngx_strncasecmp(header->key.data, names[i].data, names[i].len) == 0)
			return true;
	}
	return false;
}

/* Hands on what a trusted proxy said under names that are hidden otherwise. */
static void told_unhide(ngx_http_request_t *r)
{
	for (ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
		ngx_table_elt_t *header = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			if (names_client(&header[i]))
				unhide(&header[i]);
		}
	}
}

/* What few requests have. */
static ngx_int_t few_add(ngx_http_request_t *r, const struct polder_request *request)
{
	static const ngx_str_t websocket = ngx_string("websocket"), upgrade = ngx_string("upgrade"),
			       closed = ngx_string("close");
	bool socket = is_socket(request);
	/* Over HTTP/2 there is no such header, and origins refuse calls that have it. */
	bool closes = !(request->site_flags & SITE_KEEPALIVE) && !headers_is_grpc(r, request);

	if (socket && unhidden_add(r, "Upgrade", websocket) != NGX_OK)
		return NGX_ERROR;
	if ((socket || closes) &&
		unhidden_add(r, "Connection", socket ? upgrade : closed) != NGX_OK)
		return NGX_ERROR;
	if (!(request->site_flags & SITE_HEADER_PORTS))
		return NGX_OK;
	if (request->client_port &&
		port_add(r, "X-Forwarded-ClientSrcPort", request->client_port) != NGX_OK)
		return NGX_ERROR;
	return port_add(r, "X-Forwarded-ProxyPort", request->connection->local_port);
}

/* ---- the site's headers */

static bool is_the_sites(
	const struct site *site, const struct site_header *headers, const ngx_str_t *name)
{
	for (unsigned i = 0; i < site->headers.count; i++) {
		if (headers[i].name.length == name->len &&
			ngx_strncasecmp(name->data,
				(u_char *)(uintptr_t)site_text_at(site, headers[i].name),
				name->len) == 0)
			return true;
	}
	return false;
}

static ngx_int_t header_add(ngx_http_request_t *r, ngx_list_t *list, const struct site *site,
	const struct site_header *header)
{
	ngx_table_elt_t *element = ngx_list_push(list);
	const size_t name = header->name.length, value = header->value.length;
	/* The request may be sent on by another table than this one. */
	u_char *text = ngx_pnalloc(r->pool, 2 * name + value);

	if (!element || !text)
		return NGX_ERROR;
	element->key = (ngx_str_t){ name, text };
	element->value = (ngx_str_t){ value, text + name };
	element->lowcase_key = text + name + value;
	ngx_memcpy(element->key.data, site_text_at(site, header->name), name);
	ngx_memcpy(element->value.data, site_text_at(site, header->value), value);
	element->hash = ngx_hash_strlow(element->lowcase_key, element->key.data, element->key.len);
	return NGX_OK;
}

static ngx_int_t headers_replace(ngx_http_request_t *r, const struct site *site)
{
	const struct site_header *headers = site_list_at(site, site->headers);
	ngx_list_t list;

	if (ngx_list_init(&list, r->pool, 24, sizeof(ngx_table_elt_t)) != NGX_OK)
		return NGX_ERROR;
	for (ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
		const ngx_table_elt_t *element = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			ngx_table_elt_t *copy;

			if (&element[i] != r->headers_in.host &&
				is_the_sites(site, headers, &element[i].key))
				continue;
			copy = ngx_list_push(&list);
			if (!copy)
				return NGX_ERROR;
			*copy = element[i];
			if (&element[i] == r->headers_in.host)
				r->headers_in.host = copy;
		}
	}
	for (unsigned i = 0; i < site->headers.count; i++) {
		if (header_add(r, &list, site, &headers[i]) != NGX_OK)
			return NGX_ERROR;
	}
	r->headers_in.headers = list;
	/* The list's last part is within the list itself when there is but one. */
	if (list.last == &list.part)
		r->headers_in.headers.last = &r->headers_in.headers.part;
	return NGX_OK;
}

ngx_int_t headers_prepare(ngx_http_request_t *r, struct polder_request *request)
{
	const ngx_http_core_loc_conf_t *core =
		ngx_http_get_module_loc_conf(r, ngx_http_core_module);

	if (!is_socket(request))
		r->headers_in.upgrade = NULL;
	if (!r->request_body &&
		(r->headers_in.chunked ||
			r->headers_in.content_length_n > (off_t)core->client_body_buffer_size))
		r->request_body_no_buffering = 1;
	if (request->site->headers.count && headers_replace(r, request->site) != NGX_OK)
		return NGX_ERROR;
	if (request->connection->trusted)
		told_unhide(r);
	if (!headers_is_grpc(r, request) && host_add(r) != NGX_OK)
		return NGX_ERROR;
	return client_add(r, request) == NGX_OK ? few_add(r, request) : NGX_ERROR;
}

bool headers_is_grpc(const ngx_http_request_t *r, const struct polder_request *request)
{
	static const char type[] = "application/grpc";
	const ngx_table_elt_t *header = r->headers_in.content_type;

	return (request->site_flags & SITE_HTTP2_ORIGIN) &&
	       r->http_version == NGX_HTTP_VERSION_20 && header &&
	       header->value.len >= sizeof(type) - 1 &&
	       ngx_strncasecmp(header->value.data, (u_char *)type, sizeof(type) - 1) == 0;
}

/* ---- answers */

static uint16_t tls_port(const struct site *site)
{
	const struct site_port *ports = site_list_at(site, site->ports);
	const struct site_port *usual = site_port_find(site, PORT_HTTPS);

	if (usual && (usual->schemes & SITE_SCHEME_HTTPS))
		return PORT_HTTPS;
	for (unsigned i = 0; i < site->ports.count; i++) {
		if (ports[i].schemes & SITE_SCHEME_HTTPS)
			return ports[i].port;
	}
	return 0;
}

ngx_int_t headers_redirect(ngx_http_request_t *r, struct polder_request *request)
{
	uint16_t port = tls_port(request->site);
	const ngx_str_t *host = &r->headers_in.server;
	ngx_table_elt_t *location;
	u_char *text, *end;

	if (port == 0)
		return NGX_DECLINED;
	text = ngx_pnalloc(r->pool, sizeof("https://:65535") + host->len + r->unparsed_uri.len);
	location = ngx_list_push(&r->headers_out.headers);
	if (!text || !location)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	end = ngx_sprintf(text, "https://%V", host);
	if (port != PORT_HTTPS)
		end = ngx_sprintf(end, ":%ud", port);
	end = ngx_cpymem(end, r->unparsed_uri.data, r->unparsed_uri.len);
	location->hash = 1;
	ngx_str_set(&location->key, "Location");
	location->value = (ngx_str_t){ (size_t)(end - text), text };
	ngx_http_clear_location(r);
	r->headers_out.location = location;
	request->verdict = LOG_REDIRECTED;
	return NGX_HTTP_MOVED_PERMANENTLY;
}

/* What lasts from here on (downloads, streams of events, calls of gRPC) keeps no table, of which there can be only so many. */
static void head_sent(ngx_http_request_t *r, struct polder_request *request)
{
	/* Not by the status: an origin may send it unasked, and the request then goes on. */
	if (r->upstream && r->upstream->upgrade) {
		/* To the checks this is its end: what follows is no HTTP. */
		polder_checks_log(r, request);
		request->checks = NULL;
	} else {
		polder_checks_answered(request);
	}
	polder_request_release(request);
}

static ngx_int_t filter(ngx_http_request_t *r)
{
	struct polder_request *request = polder_request_find(r);
	ngx_int_t result;

	if (request && r == r->main && cache_head(r, request) != NGX_OK)
		return NGX_ERROR;
	if (request && request->connection)
		gather_answer(r, request->connection);
	result = next_filter(r);
	if (request && r == r->main)
		head_sent(r, request);
	return result;
}

ngx_int_t headers_filter(ngx_conf_t *cf)
{
	(void)cf;
	next_filter = ngx_http_top_header_filter;
	ngx_http_top_header_filter = filter;
	return NGX_OK;
}
