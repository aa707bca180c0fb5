/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every request is counted, all by adding to fields of the site's slot. A record of it costs more (half a microsecond, and the
 * agent has to read it): it is written for sites whose access log is on, and for what was refused, watched or challenged,
 * since somebody will ask why. Of all other requests so many a second and worker are recorded that figures of what is
 * frequent are right: the first SAMPLE_ALL, then one for many, which says for how many it stands. Totals and rates need no
 * records.
 *
 * A record is laid out at the ring's head, wrapping around its end, and then the head is moved: the reader sees a whole
 * record or none. When there is no room it is lost, and counted.
 *
 * A ring belongs to the process whose pid it carries. One of a process that is gone is taken over, with what it holds.
 */
#include "nginx/journal.h"

#include <errno.h>
#include <signal.h>

#include "nginx/counters.h"
#include "nginx/fingerprint.h"
#include "nginx/origin.h"
#include "nginx/shared_file.h"

#define LOG_SIZE    (LOG_RINGS + WORKER_MAX * sizeof(struct log_ring))
#define LOAD(place) __atomic_load_n(&(place), __ATOMIC_RELAXED)

/* Of a second: all up to this, then one of SAMPLE_SOME, and one of SAMPLE_FEW behind SAMPLE_MANY. */
#define SAMPLE_ALL  200
#define SAMPLE_MANY 5000
#define SAMPLE_SOME 16
#define SAMPLE_FEW  256

static struct log_header *journal;
static struct log_ring *ring; /* this process's; NULL: none was free */

static_assert(
	LOG_RINGS % 64 == 0 && sizeof(struct log_ring) % 64 == 0, "rings begin at cache lines");

ngx_int_t journal_open(ngx_cycle_t *cycle)
{
	const struct shared_head head = { LOG_MAGIC, LOG_VERSION, LOG_SIZE };

	if (journal)
		return NGX_OK;
	journal = shared_file_map(cycle, "log", &head, NULL);
	if (!journal)
		return NGX_ERROR;
	journal->rings = WORKER_MAX;
	return NGX_OK;
}

static struct log_ring *ring_at(unsigned index)
{
	return (struct log_ring *)(void *)((uint8_t *)journal + LOG_RINGS) + index;
}

void journal_start(ngx_cycle_t *cycle)
{
	uint32_t own = (uint32_t)ngx_pid;

	for (unsigned i = 0; i < WORKER_MAX && !ring; i++) {
		uint32_t owner = LOAD(ring_at(i)->pid);

		if (owner && (kill((pid_t)owner, 0) == 0 || errno != ESRCH))
			continue;
		if (__atomic_compare_exchange_n(&ring_at(i)->pid, &owner, own, false,
			    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			ring = ring_at(i);
	}
	if (!ring)
		ngx_log_error(NGX_LOG_ERR, cycle->log, 0,
			"all rings of the log are taken: this worker's requests are not logged");
}

void journal_stop(void)
{
	if (ring)
		__atomic_store_n(&ring->pid, 0, __ATOMIC_RELEASE);
	ring = NULL;
}

/* ---- the ring */

struct writer {
	uint64_t at; /* bytes ever written, with this record's so far */
};

static void write_bytes(struct writer *writer, const void *bytes, size_t length)
{
	size_t place = writer->at & (LOG_RING_BYTES - 1);
	size_t first = ngx_min(length, LOG_RING_BYTES - place);

	if (length == 0) /* the text is NULL then */
		return;
	memcpy(&ring->data[place], bytes, first);
	memcpy(ring->data, (const uint8_t *)bytes + first, length - first);
	writer->at += length;
}

/* Whether a record of length bytes fits; if so, where it begins. */
static bool write_begin(struct writer *writer, size_t length)
{
	uint64_t head, tail;

	if (!ring)
		return false;
	head = LOAD(ring->head);
	tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
	if (head - tail > LOG_RING_BYTES || length > LOG_RING_BYTES - (head - tail)) {
		counter_add(&ring->lost, 1);
		return false;
	}
	writer->at = head;
	return true;
}

static void write_end(const struct writer *writer)
{
	static const uint8_t none[8];
	struct writer rest = *writer;

	/* Records are multiples of 8, as "length" said. */
	write_bytes(&rest, none, (size_t)(-writer->at & 7));
	__atomic_store_n(&ring->head, rest.at, __ATOMIC_RELEASE);
}

/* ---- what is said about a request */

static void add_text(
	ngx_str_t texts[LOG_TEXT_COUNT], enum log_text text, const ngx_table_elt_t *header)
{
	if (header)
		texts[text] = header->value;
}

static void texts_of(ngx_http_request_t *r, const struct polder_request *request,
	ngx_str_t texts[LOG_TEXT_COUNT])
{
	struct polder_fingerprint *print = request->connection->fingerprint;
	ngx_table_elt_t **header;

	ngx_memzero(texts, LOG_TEXT_COUNT * sizeof(*texts));
	texts[LOG_METHOD] = r->method_name;
	texts[LOG_HOST] = r->headers_in.server;
	texts[LOG_URI] = r->unparsed_uri;
	add_text(texts, LOG_REFERER, r->headers_in.referer);
	add_text(texts, LOG_USER_AGENT, r->headers_in.user_agent);
	add_text(texts, LOG_CONTENT_TYPE, r->headers_in.content_type);
	if (r->headers_in.x_forwarded_for.nelts) {
		header = r->headers_in.x_forwarded_for.elts;
		texts[LOG_FORWARDED_FOR] = header[0]->value;
	}
	if (r->headers_in.cookies.nelts) {
		header = r->headers_in.cookies.elts;
		texts[LOG_COOKIE] = header[0]->value;
	}
	texts[LOG_JA3] = fingerprint_ja3(print);
	texts[LOG_JA4] = fingerprint_ja4(print);
	texts[LOG_HTTP2] = fingerprint_http2(print);
	texts[LOG_ORIGIN] = origin_text(request->origin);
}

/* So much of each text is there however long the others are: nobody hides who he is behind a long path. */
#define TEXT_LEAST 256
static_assert(TEXT_LEAST * LOG_TEXT_COUNT <= LOG_TEXTS_MAX, "there is room for that");

/* Lengths go to the record, together at most LOG_TEXTS_MAX; what is longer is cut and marked. */
static size_t texts_fit(struct log_request *record, ngx_str_t texts[LOG_TEXT_COUNT])
{
	size_t all = 0, reserved = 0;

	for (unsigned i = 0; i < LOG_TEXT_COUNT; i++)
		reserved += ngx_min(texts[i].len, TEXT_LEAST);
	for (unsigned i = 0; i < LOG_TEXT_COUNT; i++) {
		size_t room;

		reserved -= ngx_min(texts[i].len, TEXT_LEAST);
		room = LOG_TEXTS_MAX - all - reserved;
		if (texts[i].len > room) {
			texts[i].len = room;
			record->cut = (uint16_t)(record->cut | 1u << i);
		}
		record->text_length[i] = (uint16_t)texts[i].len;
		all += texts[i].len;
	}
	return all;
}

struct outcome { /* of the origins that were asked, all together */
	uint16_t status;
	uint32_t asked, milliseconds;
};

static struct outcome outcome_of(const ngx_http_request_t *r)
{
	const ngx_array_t *states = r->upstream_states;
	const ngx_http_upstream_state_t *state = states ? states->elts : NULL;
	struct outcome outcome = { 0 };

	for (ngx_uint_t i = 0; states && i < states->nelts; i++) {
		outcome.asked++;
		if (state[i].response_time != (ngx_msec_t)-1)
			outcome.milliseconds += (uint32_t)state[i].response_time;
		outcome.status =
			(uint16_t)(state[i].header_time == (ngx_msec_t)-1 ? 0 : state[i].status);
	}
	return outcome;
}

static uint32_t milliseconds_of(const ngx_http_request_t *r)
{
	const ngx_time_t *now = ngx_timeofday();
	ngx_msec_int_t passed = (ngx_msec_int_t)((now->sec - r->start_sec) * 1000) +
				(ngx_msec_int_t)(now->msec - r->start_msec);

	return passed > 0 ? (uint32_t)passed : 0;
}

static uint16_t status_of(const ngx_http_request_t *r)
{
	ngx_uint_t status = r->err_status ? r->err_status : r->headers_out.status;

	/* Closed without a word. */
	return (uint16_t)(status == NGX_HTTP_CLOSE ? 0 : status);
}

static unsigned class_of(uint16_t status)
{
	return status < 600 ? status / 100 : 5;
}

/* One of those that are counted by themselves. */
static void count_code(uint64_t code[SITE_CODE_COUNT], uint16_t status)
{
	switch (status) {
#define SITE_CODE(code_)                                                                           \
	case code_:                                                                                \
		counter_add(&code[SITE_CODE_##code_], 1);                                          \
		break;
		SITE_CODES(SITE_CODE)
#undef SITE_CODE
	default:
		break;
	}
}

static void count(ngx_http_request_t *r, const struct polder_request *request,
	const struct outcome *outcome, uint16_t status)
{
	struct site_counter *counter = request->counter;

	counter_add(&counter->requests, 1);
	counter_add(&counter->tls_requests, (request->scheme & SITE_SCHEME_TLS) != 0);
	counter_add(&counter->bytes_in, (uint64_t)r->request_length);
	counter_add(&counter->bytes_out, (uint64_t)r->connection->sent);
	counter_add(&counter->status[class_of(status)], 1);
	count_code(counter->code, status);
	counter_add(&counter->milliseconds, milliseconds_of(r));
	if (outcome->asked) {
		counter_add(&counter->origin_requests, 1);
		counter_add(&counter->origin_status[class_of(outcome->status)], 1);
		count_code(counter->origin_code, outcome->status);
		counter_add(&counter->origin_milliseconds, outcome->milliseconds);
	}
}

static void record(ngx_http_request_t *r, const struct polder_request *request,
	const struct outcome *outcome, uint16_t status, uint16_t weight)
{
	const struct polder_connection *connection = request->connection;
	struct log_request entry = {
		.record = { .kind = LOG_REQUEST,
			.site = request->site_number,
			.time_ms = request->now_ms },
		.client = request->client,
		.peer = connection->peer,
		.vip = connection->local,
		.instance = request->instance,
		.rule = request->rule,
		.client_port = request->client_port,
		.vip_port = connection->local_port,
		.verdict = request->verdict,
		.check = request->check,
		.scheme = request->scheme,
		.version = (uint8_t)(r->http_version / 1000 * 10 + r->http_version % 1000),
		.status = status,
		.origin_status = outcome->status,
		.request_bytes = (uint32_t)ngx_min(r->request_length, (off_t)UINT32_MAX),
		.response_bytes = (uint64_t)r->connection->sent,
		.milliseconds = milliseconds_of(r),
		.origin_milliseconds = outcome->milliseconds,
		.weight = weight,
	};
	ngx_str_t texts[LOG_TEXT_COUNT];
	struct writer writer;
	size_t length;

	texts_of(r, request, texts);
	length = offsetof(struct log_request, text) + texts_fit(&entry, texts);
	entry.record.length = (uint16_t)((length + 7) & ~(size_t)7);
	if (!write_begin(&writer, entry.record.length))
		return;
	write_bytes(&writer, &entry, offsetof(struct log_request, text));
	for (unsigned i = 0; i < LOG_TEXT_COUNT; i++) {
		if (texts[i].len > 0)
			write_bytes(&writer, texts[i].data, texts[i].len);
	}
	write_end(&writer);
}

static bool is_asked_about(const struct polder_request *request)
{
	return request->verdict == LOG_REFUSED || request->verdict == LOG_WATCHED ||
	       request->verdict == LOG_CHALLENGED;
}

/* For how many requests one stands of which nobody asked for a record; 0: it has none. */
static uint16_t sample(void)
{
	static time_t second;
	static uint32_t seen;

	if (ngx_time() != second) {
		second = ngx_time();
		seen = 0;
	}
	if (seen++ < SAMPLE_ALL)
		return 1;
	if (seen < SAMPLE_MANY)
		return seen % SAMPLE_SOME == 0 ? SAMPLE_SOME : 0;
	return seen % SAMPLE_FEW == 0 ? SAMPLE_FEW : 0;
}

void journal_request(ngx_http_request_t *r, const struct polder_request *request)
{
	struct outcome outcome = outcome_of(r);
	uint16_t status = status_of(r), weight = 0;

	if (request->counter)
		count(r, request, &outcome, status);
	if (!request->connection)
		return;
	if ((request->site_flags & SITE_LOG) || is_asked_about(request))
		weight = 1;
	else if (request->site_number)
		weight = sample();
	if (weight)
		record(r, request, &outcome, status, weight);
}

void journal_ban(const struct address *source, uint32_t instance, uint32_t site, enum check check,
	uint32_t rule, uint32_t seconds)
{
	struct log_ban entry = { .record = { .length = sizeof(entry),
					 .kind = LOG_BAN,
					 .site = site,
					 .time_ms = polder_now_ms() },
		.source = *source,
		.instance = instance,
		.check = check,
		.rule = rule,
		.seconds = seconds };
	struct writer writer;

	if (!write_begin(&writer, sizeof(entry)))
		return;
	write_bytes(&writer, &entry, sizeof(entry));
	write_end(&writer);
}

void journal_crawler(const struct address *source, uint32_t crawler)
{
	struct log_crawler entry = { .record = { .length = sizeof(entry),
					     .kind = LOG_CRAWLER,
					     .time_ms = polder_now_ms() },
		.source = *source,
		.crawler = crawler };
	struct writer writer;

	if (!write_begin(&writer, sizeof(entry)))
		return;
	write_bytes(&writer, &entry, sizeof(entry));
	write_end(&writer);
}
