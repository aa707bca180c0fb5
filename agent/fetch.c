/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two easy handles on one multi handle: the kernel's poll is curl_multi_poll, which takes the agent's
 * descriptors along, so the agent has one thread and one loop. A body grows by doubling up to the largest
 * snapshot; more than that ends the transfer. A long poll that says nothing for longer than the control
 * may hold it is a dead connection and counts as failed.
 */
#include "agent/fetch.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pool.h"
#include "base/log.h"
#include "shared/snapshot_abi.h"

#define WAIT_MS		    25000 /* the longest that a control holds a request */
#define SNAPSHOT_TIMEOUT_MS 60000
#define REPORT_TIMEOUT_MS   10000
#define CONNECT_TIMEOUT_MS  2000
#define STALL_SECONDS	    35 /* WAIT_MS and a margin */
#define BODY_MAX	    (SNAPSHOT_BYTES_MAX + (uint32_t)sizeof(struct snapshot_header))
#define URL_SIZE	    400

struct transfer {
	CURL *easy;
	bool running;
	bool failing; /* the last one failed: said already */
	const char *what;
	char base[URL_SIZE]; /* "http://host/v1/snapshot?node=NAME" */
	void *body;
	uint32_t size, capacity;
	char error[CURL_ERROR_SIZE];
};

struct fetch {
	CURLM *multi;
	struct curl_slist *headers;
	struct transfer snapshot, report;
};

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	size_t bytes = size * count;

	if (bytes > BODY_MAX - transfer->size ||
		!pool_grow(&transfer->body, &transfer->capacity, 1,
			transfer->size + (uint32_t)bytes, BODY_MAX))
		return 0;
	memcpy((char *)transfer->body + transfer->size, data, bytes);
	transfer->size += (uint32_t)bytes;
	return bytes;
}

static bool set_up(struct transfer *transfer, const struct agent_settings *settings,
	const char *what, long timeout_ms)
{
	const char *control = settings->control;
	bool local = strncmp(control, "unix:", 5) == 0;
	CURL *easy = curl_easy_init();
	int length;

	transfer->easy = easy;
	transfer->what = what;
	if (!easy)
		return false;
	length = snprintf(transfer->base, sizeof(transfer->base), "%s/v1/%s?node=%s",
		local ? "http://control" : control, what, settings->node);
	return length < (int)sizeof(transfer->base) &&
	       (!local || curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, control + 5) == 0) &&
	       curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http") == 0 &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == 0 &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == 0 &&
	       curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS) == 0 &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms) == 0 &&
	       curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L) == 0 &&
	       curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS) == 0 &&
	       curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error) == 0 &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == 0 &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == 0;
}

enum err fetch_open(const struct agent_settings *settings, struct fetch **out)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));
	bool ready;

	if (!fetch)
		return ERR_MEMORY;
	ready = curl_global_init(CURL_GLOBAL_NOTHING) == 0;
	fetch->multi = ready ? curl_multi_init() : NULL;
	fetch->headers = curl_slist_append(NULL, "Content-Type: application/octet-stream");
	if (fetch->headers) /* no round trip to ask for leave */
		ready &= curl_slist_append(fetch->headers, "Expect:") != NULL;
	ready = ready && fetch->multi && fetch->headers &&
		set_up(&fetch->snapshot, settings, "snapshot", SNAPSHOT_TIMEOUT_MS) &&
		set_up(&fetch->report, settings, "report", REPORT_TIMEOUT_MS) &&
		curl_easy_setopt(fetch->report.easy, CURLOPT_POST, 1L) == 0 &&
		curl_easy_setopt(fetch->report.easy, CURLOPT_HTTPHEADER, fetch->headers) == 0;
	if (!ready) {
		fetch_close(fetch);
		return fail(ERR_SYSTEM, "set up libcurl");
	}
	*out = fetch;
	return OK;
}

static void put_down(struct fetch *fetch, struct transfer *transfer)
{
	if (transfer->running)
		(void)curl_multi_remove_handle(fetch->multi, transfer->easy);
	curl_easy_cleanup(transfer->easy);
	free(transfer->body);
}

void fetch_close(struct fetch *fetch)
{
	if (!fetch)
		return;
	put_down(fetch, &fetch->snapshot);
	put_down(fetch, &fetch->report);
	(void)curl_multi_cleanup(fetch->multi);
	curl_slist_free_all(fetch->headers);
	curl_global_cleanup();
	free(fetch);
}

static void start(struct fetch *fetch, struct transfer *transfer, const char *url)
{
	assert(!transfer->running);
	transfer->size = 0;
	transfer->error[0] = '\0';
	(void)curl_easy_setopt(transfer->easy, CURLOPT_URL, url);
	transfer->running = curl_multi_add_handle(fetch->multi, transfer->easy) == 0;
	if (!transfer->running)
		log_error("start to fetch: libcurl refused");
}

void fetch_snapshot(struct fetch *fetch, uint64_t generation, int64_t life_offset_ms)
{
	char url[URL_SIZE + 96];

	(void)snprintf(url, sizeof(url), "%s&generation=%llu&offset=%lld&wait=%d",
		fetch->snapshot.base, (unsigned long long)generation, (long long)life_offset_ms,
		WAIT_MS);
	start(fetch, &fetch->snapshot, url);
}

bool fetch_snapshot_runs(const struct fetch *fetch)
{
	return fetch->snapshot.running;
}

void fetch_report(struct fetch *fetch, const void *data, size_t size)
{
	(void)curl_easy_setopt(fetch->report.easy, CURLOPT_POSTFIELDS, data);
	(void)curl_easy_setopt(fetch->report.easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
	start(fetch, &fetch->report, fetch->report.base);
}

bool fetch_report_runs(const struct fetch *fetch)
{
	return fetch->report.running;
}

void fetch_wait(
	struct fetch *fetch, const int *descriptors, unsigned count, int timeout_ms, bool *ready)
{
	struct curl_waitfd wait[FETCH_WAIT_MAX];
	int changed;

	assert(count <= FETCH_WAIT_MAX);
	for (unsigned i = 0; i < count; i++)
		wait[i] = (struct curl_waitfd){ .fd = descriptors[i], .events = CURL_WAIT_POLLIN };
	(void)curl_multi_poll(fetch->multi, wait, count, timeout_ms, &changed);
	for (unsigned i = 0; i < count; i++)
		ready[i] = wait[i].revents != 0;
}

static enum fetch_result finish(struct fetch *fetch, struct transfer *transfer, CURLcode code)
{
	long status = 0;

	(void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_multi_remove_handle(fetch->multi, transfer->easy);
	transfer->running = false;
	if (code == CURLE_OK && (status == 200 || status == 204)) {
		if (transfer->failing)
			log_info("%s: the control answers again", transfer->what);
		transfer->failing = false;
		return status == 200 ? FETCH_DATA : FETCH_NOTHING;
	}
	if (!transfer->failing && code != CURLE_OK)
		log_warn("%s failed, trying again: %s", transfer->what,
			transfer->error[0] ? transfer->error : curl_easy_strerror(code));
	else if (!transfer->failing)
		log_warn("%s failed, trying again: status %ld", transfer->what, status);
	transfer->failing = true;
	return FETCH_FAILED;
}

void fetch_results(struct fetch *fetch, enum fetch_result *snapshot, enum fetch_result *report,
	const void **data, size_t *size)
{
	CURLMsg *message;
	int left;

	*snapshot = *report = FETCH_RUNNING;
	(void)curl_multi_perform(fetch->multi, &left);
	while ((message = curl_multi_info_read(fetch->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		if (message->easy_handle == fetch->snapshot.easy)
			*snapshot = finish(fetch, &fetch->snapshot, message->data.result);
		else
			*report = finish(fetch, &fetch->report, message->data.result);
	}
	*data = fetch->snapshot.body;
	*size = fetch->snapshot.size;
}

void fetch_release(struct fetch *fetch)
{
	free(fetch->snapshot.body);
	fetch->snapshot.body = NULL;
	fetch->snapshot.capacity = fetch->snapshot.size = 0;
}
