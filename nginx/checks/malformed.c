/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests that two readers could read in two ways, so that one of them takes for a request what the other takes for a part of one,
 * or another site for the one asked for. nginx refuses much by itself (Transfer-Encoding with Content-Length, or twice, or
 * folded, or with a space before the colon; two hosts; spaces in paths); that is counted here, too. What it lets through,
 * found by trying, and what is refused here:
 *   lines that end with LF alone          a reader before us may take the next line for a part of the value
 *   control characters in values         origins differ on which of them are space
 *   a header line without a colon
 *   a Host with something behind the port, and one that is not the host of the absolute form (HTTP/2: of :authority)
 *   HTTP/0.9; versions with more digits, spaces in the request line but for the two
 *   a fragment in the path               the origin gets it, nginx does not look at it
 *   HTTP/2 with headers that only HTTP/1 has: an origin that speaks HTTP/1 would believe them
 *
 * nginx puts a NUL behind names and values, where the colon or the end of the line was; what follows is as it came. That LF behind
 * a single space was no CR LF is known from before nginx read it (fingerprint.c).
 */
#include "nginx/ban.h"
#include "nginx/checks.h"
#include "nginx/counters.h"
#include "nginx/fingerprint.h"
#include "nginx/run.h"

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Eight bytes: false when none of them is a control character. */
static inline bool may_have_control(const u_char *text)
{
	uint64_t word, below, rubout;

	memcpy(&word, text, 8);
	below = (word - EACH(0x20)) & ~word & EACH(0x80);
	rubout = word ^ EACH(0x7f);
	rubout = (rubout - EACH(1)) & ~rubout & EACH(0x80);
	return below | rubout;
}

/* A byte below space, but for the tab, or DEL. */
static bool has_control(const u_char *text, size_t length)
{
	size_t i = 0;

	while (i + 8 < length && !may_have_control(text + i))
		i += 8;
	/* The last eight overlap those before. */
	if (length >= 8 && i + 8 >= length && !may_have_control(text + length - 8))
		return false;
	for (; i < length; i++) {
		if ((text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
			return true;
	}
	return false;
}

static bool is_only_http1(const ngx_table_elt_t *header)
{
	static const char *const names[] = { "connection", "keep-alive", "proxy-connection",
		"transfer-encoding", "upgrade" };

	if (header->key.len == 2 && memcmp(header->lowcase_key, "te", 2) == 0)
		return header->value.len != 8 || memcmp(header->value.data, "trailers", 8) != 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (header->key.len == strlen(names[i]) &&
			memcmp(header->lowcase_key, names[i], header->key.len) == 0)
			return true;
	}
	return false;
}

/* Where CR was is a NUL now, or where the first of the spaces at the line's end was: then CR is behind them. A single space
 * with LF behind it cannot be told from CR LF here. */
static bool ends_with_lf_alone(const ngx_table_elt_t *header)
{
	const u_char *end = header->value.data + header->value.len;

	if (*end++ != '\0' || *end == '\n')
		return false;
	while (*end == ' ')
		end++;
	return *end != '\r';
}

/* The name, and behind it nothing, or a colon and digits. */
static bool is_host(const ngx_str_t *host, const ngx_str_t *name)
{
	size_t i = name->len;

	/* The name is in lower case, as hosts nearly always come. */
	if (host->len < name->len ||
		(memcmp(host->data, name->data, name->len) != 0 &&
			ngx_strncasecmp(host->data, name->data, name->len) != 0))
		return false;
	if (i < host->len && host->data[i] == '.')
		i++;
	if (i == host->len)
		return true;
	if (host->data[i++] != ':')
		return false;
	while (i < host->len && host->data[i] >= '0' && host->data[i] <= '9')
		i++;
	return i == host->len;
}

static bool is_bad_header(const ngx_http_request_t *r, const ngx_table_elt_t *header)
{
	if (has_control(header->value.data, header->value.len))
		return true;
	if (header->key.len == 4 && memcmp(header->lowcase_key, "host", 4) == 0 &&
		!is_host(&header->value, &r->headers_in.server))
		return true;
	if (r->http_version >= NGX_HTTP_VERSION_20)
		return is_only_http1(header);
	return header->value.data == header->key.data + header->key.len ||
	       ends_with_lf_alone(header);
}

static bool has_bad_header(ngx_http_request_t *r)
{
	for (ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
		const ngx_table_elt_t *header = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			if (is_bad_header(r, &header[i]))
				return true;
		}
	}
	return false;
}

static bool has_bad_line(ngx_http_request_t *r)
{
	const ngx_str_t *line = &r->request_line;

	if (memchr(r->unparsed_uri.data, '#', r->unparsed_uri.len))
		return true;
	if (r->http_version >= NGX_HTTP_VERSION_20)
		return false;
	if (r->http_version < NGX_HTTP_VERSION_10 || r->http_protocol.len != 8)
		return true;
	/* METHOD SP something SP HTTP/1.x, and CR LF. */
	if (line->len < r->method_name.len + 11 || line->data[r->method_name.len + 1] == ' ' ||
		line->data[line->len - 10] == ' ')
		return true;
	return line->data[line->len] == '\n' || line->data[line->len + 1] != '\n';
}

static bool has_hidden_end(const struct checks_request *state)
{
	return state->r->http_version < NGX_HTTP_VERSION_20 &&
	       lines_in_header(state->request->connection, state->r);
}

ngx_int_t malformed_check(struct checks_request *state)
{
	ngx_http_request_t *r = state->r;

	if (!has_hidden_end(state) && !has_bad_line(r) && !has_bad_header(r))
		return NGX_DECLINED;
	return checks_refuse(state, CHECK_malformed, 0);
}

/* ---- what nginx refused before anybody was asked */

static enum check check_of(ngx_uint_t status)
{
	switch (status) {
	case NGX_HTTP_REQUEST_TIME_OUT:
		return CHECK_slow_header;
	case NGX_HTTP_BAD_REQUEST:
	case NGX_HTTP_REQUEST_URI_TOO_LARGE:
	case NGX_HTTP_REQUEST_HEADER_TOO_LARGE:
	case NGX_HTTP_NOT_IMPLEMENTED:
	case NGX_HTTP_VERSION_NOT_SUPPORTED:
		return CHECK_malformed;
	default:
		return CHECK_COUNT;
	}
}

void polder_checks_log_unread(ngx_http_request_t *r)
{
	enum check check = check_of(r->headers_out.status);
	struct polder_connection *connection;
	ngx_connection_t *c = r->connection;
	const struct table_vip *vip;
	struct table *table;

	if (check == CHECK_COUNT)
		return;
#if (NGX_HTTP_V2)
	if (r->stream)
		c = r->stream->connection->connection;
#endif
	connection = polder_connection_get(c);
	table = table_pin(polder_now_ms());
	if (connection &&
		polder_connection_settle(connection, table, table_settings(table), &vip) &&
		!connection->trusted)
		polder_refuse_source(connection, check);
	table_unpin(table);
}
