/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What rules ask about, found when it is asked for. Of a header that came more than once all values count, joined as in one
 * line: a rule must not be got round by a second header that the origin reads. Texts point into the request where they can.
 *
 * Path and query are what was sent, and, when a rule asks once more (rules.c), what origins make of that: with dots and slashes resolved
 * and percents decoded, the path as nginx itself does it.
 *
 * The body: its first STEP_BODY_BYTES, from memory, or from the file where nginx put a big one. A request waits for the whole of it,
 * since nginx cannot hand on the rest of a body of which the beginning was read. So of those that are longer than
 * BODY_WAIT_MAX nothing is looked at, nor of calls of gRPC, which may never end. One that does not say beforehand how long it is
 * has to be waited for; it lies on the node's disk meanwhile, and is refused when it is longer than BODY_HELD_MAX, or when the
 * disk has no more room for bodies (nginx/disk.h).
 */
#include "base/text.h"
#include "nginx/checks.h"
#include "nginx/disk.h"
#include "nginx/fingerprint.h"
#include "nginx/headers.h"
#include "nginx/run.h"

static const ngx_str_t comma = ngx_string(", "), semicolon = ngx_string("; ");

#define BODY_WAIT_MAX (1 << 20) /* longer than forms and calls are; uploads are not kept waiting */
#define BODY_HELD_MAX (64 << 20)

static ngx_http_request_body_filter_pt next_filter;

static struct rule_text from(const ngx_str_t *text)
{
	return (struct rule_text){ (const char *)text->data, text->len };
}

static struct rule_text from_header(const ngx_table_elt_t *header)
{
	return header ? from(&header->value) : (struct rule_text){ NULL, 0 };
}

static struct rule_text from_string(const char *text)
{
	return (struct rule_text){ text, strlen(text) };
}

/* The next header of that name from *part and *at on, which go behind it; NULL: there is none. */
static const ngx_str_t *next_of(
	const ngx_list_part_t **part, ngx_uint_t *at, const char *name, size_t length)
{
	for (; *part; *part = (*part)->next, *at = 0) {
		const ngx_table_elt_t *header = (*part)->elts;

		while (*at < (*part)->nelts) {
			const ngx_table_elt_t *one = &header[(*at)++];

			if (one->key.len == length && memcmp(one->lowcase_key, name, length) == 0)
				return &one->value;
		}
	}
	return NULL;
}

/* All values behind each other. In two rounds, so that many headers cost no more than they are long; nginx bounds how long all
 * are together. */
static struct rule_text by_name(
	ngx_http_request_t *r, const char *name, size_t length, const ngx_str_t *between)
{
	const ngx_list_part_t *part = &r->headers_in.headers.part, *rest;
	const ngx_str_t *first, *value;
	ngx_uint_t at = 0, rest_at;
	size_t all;
	u_char *out, *end;

	/* There is but one, and when answers are counted it has another name for look-ups (headers.c). */
	if (length == 4 && memcmp(name, "host", 4) == 0)
		return from_header(r->headers_in.host);
	first = next_of(&part, &at, name, length);
	if (!first)
		return (struct rule_text){ NULL, 0 };
	all = first->len;
	rest = part;
	rest_at = at;
	while ((value = next_of(&part, &at, name, length)))
		all += between->len + value->len;
	out = all > first->len ? ngx_pnalloc(r->pool, all) : NULL;
	if (!out)
		return from(first);
	end = ngx_cpymem(out, first->data, first->len);
	while ((value = next_of(&rest, &rest_at, name, length))) {
		end = ngx_cpymem(end, between->data, between->len);
		end = ngx_cpymem(end, value->data, value->len);
	}
	return (struct rule_text){ (const char *)out, all };
}

/* The same of one that nginx knows and has found the first of, which nearly always is the only one. */
static struct rule_text by_first(
	ngx_http_request_t *r, const ngx_table_elt_t *first, const ngx_str_t *between)
{
	const ngx_list_part_t *part = &r->headers_in.headers.part;

	for (; first && part; part = part->next) {
		const ngx_table_elt_t *header = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++)
			if (header[i].hash == first->hash && &header[i] != first)
				return by_name(r, (const char *)first->lowcase_key, first->key.len,
					between);
	}
	return from_header(first);
}

/* Or all that there are of. */
static struct rule_text by_all(
	ngx_http_request_t *r, const ngx_array_t *all, const ngx_str_t *between)
{
	ngx_table_elt_t *const *header = all->elts;

	if (all->nelts < 2)
		return from_header(all->nelts ? header[0] : NULL);
	return by_name(r, (const char *)header[0]->lowcase_key, header[0]->key.len, between);
}

static struct rule_text address_text(struct checks_request *state)
{
	const struct address *client = &state->request->client;

	address_format(client->byte, state->address_text);
	return from_string(state->address_text);
}

static struct rule_text path(ngx_http_request_t *r)
{
	struct rule_text out = from(&r->unparsed_uri);
	const char *query = out.length ? memchr(out.data, '?', out.length) : NULL;

	if (query)
		out.length = (size_t)(query - out.data);
	return out;
}

/* Path and query as origins read them, in one text; as sent when memory is out. */
static struct rule_text read_text(struct checks_request *state)
{
	ngx_http_request_t *r = state->r;
	u_char *text, *end, *from_args = r->args.data, *args;

	if (state->read.data)
		return state->read;
	text = ngx_pnalloc(r->pool, r->uri.len + r->args.len + 1);
	if (!text)
		return from(&r->unparsed_uri);
	end = ngx_cpymem(text, r->uri.data, r->uri.len);
	if (r->args.len) {
		*end++ = '?';
		args = end;
		ngx_unescape_uri(&end, &from_args, r->args.len, 0);
		for (; args < end; args++)
			*args = *args == '+' ? ' ' : *args;
	}
	state->read = (struct rule_text){ (const char *)text, (size_t)(end - text) };
	return state->read;
}

static struct rule_text read_query(struct checks_request *state)
{
	struct rule_text all = read_text(state);
	size_t path_length = state->r->uri.len + 1;

	if (state->r->args.len == 0 || all.length < path_length || all.data != state->read.data)
		return (struct rule_text){ NULL, 0 };
	return (struct rule_text){ all.data + path_length, all.length - path_length };
}

/* What is asked for by another text as read than as sent. */
static struct rule_text as_read(struct checks_request *state, enum step_field field)
{
	if (field == FIELD_URI)
		return from(&state->r->uri);
	return field == FIELD_PARAMS ? read_query(state) : read_text(state);
}

void subject_read(struct checks_request *state, bool as_read)
{
	state->as_read = as_read;
	state->subject.known &= ~state->respelled;
}

static struct rule_text version(ngx_http_request_t *r)
{
	if (r->http_version == NGX_HTTP_VERSION_20)
		return from_string("2.0");
	return from_string(r->http_version == NGX_HTTP_VERSION_10 ? "1.0" : "1.1");
}

/* ---- body */

static size_t body_copy(ngx_http_request_t *r, u_char *out)
{
	size_t used = 0;

	for (ngx_chain_t *link = r->request_body->bufs; link && used < STEP_BODY_BYTES;
		link = link->next) {
		const ngx_buf_t *buffer = link->buf;
		size_t length = (size_t)ngx_buf_size(buffer);

		if (length > STEP_BODY_BYTES - used)
			length = STEP_BODY_BYTES - used;
		if (ngx_buf_in_memory(buffer)) {
			memcpy(out + used, buffer->pos, length);
		} else if (buffer->in_file) {
			ssize_t got =
				ngx_read_file(buffer->file, out + used, length, buffer->file_pos);

			if (got < 0)
				break;
			length = (size_t)got;
		}
		used += length;
	}
	return used;
}

static ngx_int_t body_refuse(
	ngx_http_request_t *r, struct polder_request *request, ngx_int_t status, const char *why)
{
	polder_refuse_node(request, CHECK_capacity);
	/* nginx takes a body that it began to read for one that it has read: the rest of it would be the next request. */
	r->keepalive = 0;
	r->lingering_close = 1;
	ngx_log_error(NGX_LOG_INFO, r->connection->log, 0, "%s", why);
	return status;
}

/* Sees each piece of a body when it has come. */
static ngx_int_t filter(ngx_http_request_t *r, ngx_chain_t *in)
{
	const ngx_http_core_loc_conf_t *core =
		ngx_http_get_module_loc_conf(r, ngx_http_core_module);
	struct polder_request *request = polder_request_find(r);
	const struct checks_request *state = request ? request->checks : NULL;
	const ngx_temp_file_t *file;
	ngx_int_t result;

	if (state && state->body == BODY_COMING && r->request_length > BODY_HELD_MAX)
		return body_refuse(r, request, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
			"body without a length is too long for a rule to wait for it");
	result = next_filter(r, in);
	file = r->request_body->temp_file;
	if (result != NGX_OK || !request || !file || file->offset == 0)
		return result;
	if (!disk_hold(r, request, DISK_BODIES, &core->client_body_temp_path->name, file->offset))
		return body_refuse(r, request, NGX_HTTP_SERVICE_UNAVAILABLE,
			"there is no room on the disk for a body that a rule waits for");
	return NGX_OK;
}

void polder_checks_filter(void)
{
	next_filter = ngx_http_top_request_body_filter;
	ngx_http_top_request_body_filter = filter;
}

static struct rule_text body_text(ngx_http_request_t *r)
{
	const ngx_chain_t *first = r->request_body ? r->request_body->bufs : NULL;
	u_char *copy;

	if (!first)
		return (struct rule_text){ NULL, 0 };
	if (!first->next && ngx_buf_in_memory(first->buf)) {
		size_t length = (size_t)ngx_buf_size(first->buf);

		return (struct rule_text){ (const char *)first->buf->pos,
			length < STEP_BODY_BYTES ? length : STEP_BODY_BYTES };
	}
	copy = ngx_pnalloc(r->pool, STEP_BODY_BYTES);
	if (!copy)
		return (struct rule_text){ NULL, 0 };
	return (struct rule_text){ (const char *)copy, body_copy(r, copy) };
}

/* ---- asking */

static struct rule_text of_connection(struct checks_request *state, enum step_field field)
{
	struct polder_fingerprint *print = state->request->connection->fingerprint;
	ngx_str_t text = { 0, NULL };

	if (field == FIELD_COUNTRY)
		return from_string(region_code(region_country(state)));
	if (field == FIELD_JA3)
		text = fingerprint_ja3(print);
	else if (field == FIELD_JA4)
		text = fingerprint_ja4(print);
	else
		text = fingerprint_http2(print);
	return from(&text);
}

static struct rule_text ask(void *context, enum step_field field, struct rule_text name)
{
	struct checks_request *state = context;
	ngx_http_request_t *r = state->r;

	if (state->as_read && (state->respelled >> field & 1))
		return as_read(state, field);
	switch (field) {
	case FIELD_ADDRESS:
		return address_text(state);
	case FIELD_URI:
		return path(r);
	case FIELD_PARAMS:
		return r->args.len ? from(&r->args) : (struct rule_text){ NULL, 0 };
	case FIELD_URI_PARAMS:
		return from(&r->unparsed_uri);
	case FIELD_METHOD:
		return from(&r->method_name);
	case FIELD_HOST:
		return from(&r->headers_in.server);
	case FIELD_REFERER:
		return by_first(r, r->headers_in.referer, &comma);
	case FIELD_USER_AGENT:
		return by_first(r, r->headers_in.user_agent, &comma);
	case FIELD_COOKIE:
		return by_all(r, &r->headers_in.cookies, &semicolon);
	case FIELD_CONTENT_TYPE:
		return by_first(r, r->headers_in.content_type, &comma);
	case FIELD_FORWARDED_FOR:
		return by_all(r, &r->headers_in.x_forwarded_for, &comma);
	case FIELD_BODY:
		if (state->body != BODY_READ)
			return (struct rule_text){ rule_unread, 0 };
		return body_text(r);
	case FIELD_HEADER:
		return by_name(r, name.data, name.length, &comma);
	case FIELD_VERSION:
		return version(r);
	case FIELD_COUNTRY:
	case FIELD_JA3:
	case FIELD_JA4:
	case FIELD_HTTP2:
		return of_connection(state, field);
	case FIELD_CONTENT_LENGTH:
	case FIELD_COUNT:
		break;
	}
	return from_header(r->headers_in.content_length);
}

static bool has_body(ngx_http_request_t *r, const struct polder_request *request)
{
	if (r->headers_in.content_length_n > BODY_WAIT_MAX || headers_is_grpc(r, request))
		return false;
	if (r->headers_in.content_length_n > 0 || r->headers_in.chunked)
		return true;
#if (NGX_HTTP_V2)
	if (r->stream)
		return !r->stream->in_closed;
#endif
	return false;
}

/* Is the path read as another one, not only as another spelling of it? */
static bool is_elsewhere(ngx_http_request_t *r)
{
	u_char *begin = r->unparsed_uri.data, *end = begin + r->unparsed_uri.len;
	static u_char dot[] = "%2e", slash[] = "%2f";

	return r->complex_uri || (r->quoted_uri && (ngx_strlcasestrn(begin, end, dot, 2) ||
							   ngx_strlcasestrn(begin, end, slash, 2)));
}

static bool has_codes(const ngx_str_t *args)
{
	return args->len &&
	       (memchr(args->data, '%', args->len) || memchr(args->data, '+', args->len));
}

void subject_begin(struct checks_request *state)
{
	state->elsewhere = is_elsewhere(state->r);
	if (state->elsewhere || state->r->quoted_uri)
		state->respelled = 1u << FIELD_URI | 1u << FIELD_URI_PARAMS;
	if (has_codes(&state->r->args))
		state->respelled |= 1u << FIELD_PARAMS | 1u << FIELD_URI_PARAMS;
	state->subject.client = state->request->client;
	state->subject.ask = ask;
	state->subject.context = state;
	if (state->r->headers_in.content_length_n > 0)
		state->subject.content_length = state->r->headers_in.content_length_n;
	state->body = has_body(state->r, state->request) ? BODY_UNREAD : BODY_READ;
}
