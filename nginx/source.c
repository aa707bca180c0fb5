/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table in memory that all workers share, of fixed size, with atomics only. A source has one of SOURCE_PROBES slots; when
 * they are taken, the one longest idle without connections gives way, and when there is none such the source is not
 * counted: under a flood from very many sources it is not the count per source that helps.
 *
 * A worker that crashes leaves its connections counted. Which worker has which number is noted; one that finds its
 * predecessor gone without having said so begins all counts anew. Meanwhile others' decrements stop at 0: for a
 * while too little is counted, never too much.
 */
#include "nginx/source.h"

#include <errno.h>
#include <signal.h>

#include "nginx/counters.h"
#include "nginx/run.h"
#include "nginx/shared_file.h"

#define SOURCE_PROBES 8

struct polder_source {
	uint64_t key; /* 0: free */
	uint64_t used_ms;
	uint32_t connections;
	uint32_t handshakes; /* in that second */
	uint64_t second;
	uint32_t requests, lingering;
};

struct shared {
	int32_t pids[WORKER_MAX]; /* by the worker's number; 0: none, or it ended as it should */
	struct polder_source sources[SOURCES];
};

static struct shared *shared;

#define LOAD(place)	    __atomic_load_n(&(place), __ATOMIC_RELAXED)
#define STORE(place, value) __atomic_store_n(&(place), value, __ATOMIC_RELAXED)

ngx_int_t source_open(ngx_cycle_t *cycle)
{
	if (!shared)
		shared = shared_memory_map(cycle, sizeof(*shared));
	return shared ? NGX_OK : NGX_ERROR;
}

static void source_clear(struct polder_source *source)
{
	STORE(source->connections, 0);
	STORE(source->requests, 0);
	STORE(source->lingering, 0);
}

void source_start(ngx_cycle_t *cycle)
{
	int32_t *own = &shared->pids[ngx_worker % WORKER_MAX];
	int32_t before = LOAD(*own);

	if (before && kill(before, 0) != 0 && errno == ESRCH) {
		ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
			"worker %ud is gone: connections of sources are counted anew",
			(unsigned)before);
		for (unsigned i = 0; i < SOURCES; i++)
			source_clear(&shared->sources[i]);
	}
	STORE(*own, ngx_pid);
}

void source_stop(void)
{
	int32_t own = ngx_pid;

	if (shared)
		(void)__atomic_compare_exchange_n(&shared->pids[ngx_worker % WORKER_MAX], &own, 0,
			false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static uint64_t key_of(const struct address *client)
{
	bool four = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)client);
	uint64_t key = table_hash(four, client, four ? 16 : 8);

	return key ? key : 1;
}

static struct polder_source *source_find(uint64_t key)
{
	struct polder_source *oldest = NULL;
	uint64_t expected, oldest_ms = UINT64_MAX;

	for (unsigned i = 0; i < SOURCE_PROBES; i++) {
		struct polder_source *source = &shared->sources[(key + i) % SOURCES];
		uint64_t owner = LOAD(source->key), used = owner ? LOAD(source->used_ms) : 0;

		if (owner == key)
			return source;
		if (LOAD(source->connections) == 0 && used < oldest_ms) {
			oldest_ms = used;
			oldest = source;
		}
	}
	if (!oldest)
		return NULL;
	expected = LOAD(oldest->key);
	if (!__atomic_compare_exchange_n(
		    &oldest->key, &expected, key, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return NULL;
	STORE(oldest->handshakes, 0);
	STORE(oldest->second, 0);
	STORE(oldest->requests, 0);
	STORE(oldest->lingering, 0);
	return oldest;
}

static bool is_exempt(const struct polder_connection *connection)
{
	return !shared || !connection->mitigated || connection->trusted;
}

bool source_admit(struct polder_connection *connection)
{
	struct polder_source *source;
	uint32_t count;

	if (connection->source || connection->counted || is_exempt(connection))
		return true;
	connection->counted = true;
	source = source_find(key_of(&connection->client));
	if (!source)
		return true;
	STORE(source->used_ms, ngx_current_msec);
	count = __atomic_add_fetch(&source->connections, 1, __ATOMIC_RELAXED);
	connection->source = source;
	if (count <= SOURCE_CONNECTIONS_MAX)
		return true;
	polder_refuse_source(connection, CHECK_connections);
	return false;
}

static void count_down(uint32_t *place)
{
	uint32_t count = LOAD(*place);

	while (count > 0 && !__atomic_compare_exchange_n(place, &count, count - 1, true,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

void source_release(struct polder_connection *connection)
{
	if (connection->source)
		count_down(&connection->source->connections);
	connection->source = NULL;
}

bool source_request(const struct polder_connection *connection, struct polder_source **out)
{
	*out = connection->source;
	return !*out ||
	       __atomic_add_fetch(&(*out)->requests, 1, __ATOMIC_RELAXED) <= SOURCE_REQUESTS_MAX;
}

void source_request_end(struct polder_source *source)
{
	if (source)
		count_down(&source->requests);
}

bool source_linger(const struct polder_connection *connection, struct polder_source **out)
{
	*out = connection->source;
	return !*out ||
	       __atomic_add_fetch(&(*out)->lingering, 1, __ATOMIC_RELAXED) <= SOURCE_LINGERING_MAX;
}

void source_linger_end(struct polder_source *source)
{
	if (source)
		count_down(&source->lingering);
}

bool source_handshake(struct polder_connection *connection)
{
	struct polder_source *source = connection->source;
	uint64_t second = (uint64_t)ngx_time();

	if (is_exempt(connection))
		return true;
	if (!source)
		source = source_find(key_of(&connection->client));
	if (!source)
		return true;
	STORE(source->used_ms, ngx_current_msec);
	if (LOAD(source->second) != second) {
		STORE(source->second, second);
		STORE(source->handshakes, 0);
	}
	if (__atomic_add_fetch(&source->handshakes, 1, __ATOMIC_RELAXED) <= SOURCE_HANDSHAKES_MAX)
		return true;
	polder_refuse_source(connection, CHECK_handshakes);
	return false;
}
