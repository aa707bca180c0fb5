/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names are those that access logs of the product have (real_client_ip, remote_addr, matched_host, request_path,
 * querystring, status, upstream_status, upstream_response_time, request_length, cc_action, cc_phase, cc_blocks), and beside
 * them what says why: cc_phase is the check by its name in checks.def, rule the number of the rule that decided.
 */
#include "agent/request_json.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

/* More than any number or name of the fields takes. */
#define FIELD_BYTES 96

struct line {
	char *at;
	bool more; /* there is a field before */
};

static const char *const check_names[CHECK_COUNT + 1] = {
#define CHECK(name, mode, text) #name,
#include "shared/checks.def"
#undef CHECK
	"",
};
static const char *const verdict_names[LOG_VERDICT_COUNT] = {
#define VERDICT(symbol, name) name,
#include "shared/verdicts.def"
#undef VERDICT
};

static void add_name(struct line *line, const char *name)
{
	line->at += snprintf(line->at, FIELD_BYTES, "%s\"%s\":", line->more ? "," : "", name);
	line->more = true;
}

static void add_number(struct line *line, const char *name, uint64_t value)
{
	add_name(line, name);
	line->at += snprintf(line->at, FIELD_BYTES, "%llu", (unsigned long long)value);
}

/* U+0080 to U+009F in UTF-8: terminals that show a file may take them for commands, as those below a space. */
static bool is_control(const char *text, size_t left)
{
	return left >= 2 && (uint8_t)text[0] == 0xc2 && (uint8_t)text[1] < 0xa0;
}

static void add_text(struct line *line, const char *name, const char *text, size_t length)
{
	bool whole = text_is_utf8(text, length);

	add_name(line, name);
	*line->at++ = '"';
	for (size_t i = 0; i < length; i++) {
		uint8_t byte = (uint8_t)text[i];

		if (byte == '"' || byte == '\\') {
			*line->at++ = '\\';
			*line->at++ = (char)byte;
		} else if (whole && is_control(text + i, length - i)) {
			line->at += snprintf(line->at, FIELD_BYTES, "\\u%04x", (uint8_t)text[++i]);
		} else if (byte < ' ' || byte == 0x7f || (byte >= 0x80 && !whole)) {
			line->at += snprintf(line->at, FIELD_BYTES, "\\u%04x", byte);
		} else {
			*line->at++ = (char)byte;
		}
	}
	*line->at++ = '"';
}

static void add_word(struct line *line, const char *name, const char *text)
{
	add_text(line, name, text, strlen(text));
}

static void add_view(
	struct line *line, const char *name, const struct log_view *view, enum log_text text)
{
	add_text(line, name, view->text[text].bytes, view->text[text].length);
}

static void add_address(struct line *line, const char *name, const struct address *address)
{
	char text[ADDRESS_TEXT_SIZE];

	address_format(address->byte, text);
	add_word(line, name, text);
}

/* "2026-01-02T03:04:05.678Z" */
static void add_time(struct line *line, int64_t time_ms)
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm parts = { 0 };
	char text[40] = "";
	size_t length;

	(void)gmtime_r(&seconds, &parts);
	length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
	(void)snprintf(text + length, sizeof(text) - length, ".%03uZ", (unsigned)(time_ms % 1000));
	add_word(line, "time", text);
}

/* As nginx writes it: seconds with three digits; "-" when there was no origin. */
static void add_seconds(struct line *line, const char *name, uint32_t milliseconds, bool known)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%u.%03u", milliseconds / 1000, milliseconds % 1000);
	add_word(line, name, known ? text : "-");
}

static void add_uri(struct line *line, const struct log_view *view)
{
	const struct log_text_at *uri = &view->text[LOG_URI];
	const char *query = memchr(uri->bytes, '?', uri->length);
	size_t path = query ? (size_t)(query - uri->bytes) : uri->length;

	add_text(line, "request_path", uri->bytes, path);
	add_text(line, "querystring", query ? query + 1 : "",
		query ? (size_t)(uri->length - path - 1) : 0);
}

static void add_connection(struct line *line, const struct log_view *view)
{
	const struct log_request *request = view->request;
	static const char *const versions[] = { "", "1.0", "1.1", "2.0" };
	unsigned version = request->version == 10   ? 1
			   : request->version == 11 ? 2
			   : request->version == 20 ? 3
						    : 0;

	add_address(line, "real_client_ip", &request->client);
	add_address(line, "remote_addr", &request->peer);
	add_number(line, "remote_port", request->client_port);
	add_address(line, "server_addr", &request->vip);
	add_number(line, "server_port", request->vip_port);
	add_number(line, "instance", request->instance);
	add_word(line, "https", request->scheme & SITE_SCHEME_TLS ? "on" : "");
	add_word(line, "http_version", versions[version]);
}

static void add_request(struct line *line, const struct log_view *view)
{
	const struct log_request *request = view->request;

	add_view(line, "request_method", view, LOG_METHOD);
	add_view(line, "host", view, LOG_HOST);
	add_uri(line, view);
	add_view(line, "http_referer", view, LOG_REFERER);
	add_view(line, "http_user_agent", view, LOG_USER_AGENT);
	add_view(line, "http_x_forwarded_for", view, LOG_FORWARDED_FOR);
	add_view(line, "http_cookie", view, LOG_COOKIE);
	add_view(line, "content_type", view, LOG_CONTENT_TYPE);
	add_number(line, "request_length", request->request_bytes);
	add_view(line, "ja3", view, LOG_JA3);
	add_view(line, "ja4", view, LOG_JA4);
	add_view(line, "http2_fingerprint", view, LOG_HTTP2);
	add_view(line, "request_id", view, LOG_REQUEST_ID);
	if (request->cut)
		add_number(line, "cut", request->cut);
}

static void add_answer(struct line *line, const struct log_view *view)
{
	const struct log_request *request = view->request;
	bool origin = view->text[LOG_ORIGIN].length > 0;

	add_number(line, "status", request->status);
	add_number(line, "body_bytes_sent", request->response_bytes);
	add_number(line, "request_time_msec", request->milliseconds);
	add_view(line, "upstream_addr", view, LOG_ORIGIN);
	add_number(line, "upstream_status", request->origin_status);
	add_seconds(line, "upstream_response_time", request->origin_milliseconds, origin);
	add_word(line, "cc_action", verdict_names[request->verdict]);
	add_word(line, "cc_phase", check_names[request->check]);
	add_number(line, "cc_blocks",
		request->verdict == LOG_REFUSED || request->verdict == LOG_CHALLENGED);
	add_number(line, "rule", request->rule);
}

size_t request_line(const struct log_view *view, const char *domain, char *out)
{
	struct line line = { .at = out };

	*line.at++ = '{';
	add_time(&line, view->request->record.time_ms);
	add_word(&line, "matched_host", domain);
	add_connection(&line, view);
	add_request(&line, view);
	add_answer(&line, view);
	*line.at++ = '}';
	*line.at++ = '\n';
	return (size_t)(line.at - out);
}
