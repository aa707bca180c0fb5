/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole requests of a stranger through dispatch_request, over a store of its own: always an answer,
 * always one of the published statuses, and the store stays as it was. The input's lines are: method,
 * path, query, headers as "name:value" up to an empty line; the rest is the body.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "control/auth/nonce.h"
#include "control/dispatch.h"

#define HEADERS_MAX 32
#define CLOCK_MS    INT64_C(1795428000000) /* 2026-11-23T10:00:00Z, as in the corpus */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gateway gateway = { .host_id = "polder" };
static struct db *db;

/* The files go at once: the store lives on in what is open. */
static void open_store(void)
{
	char folder[] = "/tmp/polder-fuzz-XXXXXX", path[64], url[80];
	static const char *const names[] = { "db", "db-wal", "db-shm", "key", "nonces" };
	struct vault *vault;
	size_t i;

	log_open("fuzz", LOG_LEVEL_ERROR);
	if (!mkdtemp(folder))
		abort();
	(void)snprintf(url, sizeof(url), "sqlite:%s/db", folder);
	if (db_open(url, true, &db) != OK)
		abort();
	(void)snprintf(path, sizeof(path), "%s/key", folder);
	if (vault_open(path, &vault) != OK)
		abort();
	(void)snprintf(path, sizeof(path), "%s/nonces", folder);
	if (nonces_open(path, CLOCK_MS, &gateway.nonces) != OK)
		abort();
	gateway.vault = vault;
	gateway.nodes = nodes_new();
	gateway.clock = life_clock_new(NULL);
	if (!gateway.nodes || !gateway.clock)
		abort();
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(folder);
}

static const char *next_line(char **rest)
{
	const char *line = *rest ? strsep(rest, "\n") : NULL;

	return line ? line : "";
}

static void check(const struct response *response)
{
	json_t *document;

	if (response->status < 400 || response->status > 503 || !response->request_id)
		abort();
	if (!response->body || response->body_size == 0)
		abort();
	if (strncmp(response->content_type, "application/json", 16) != 0)
		return;
	document = json_loadb(response->body, response->body_size, 0, NULL);
	if (!json_is_object(document))
		abort();
	json_decref(document);
}

static void dispatch(struct arena *mem, char *rest, size_t size)
{
	struct header header[HEADERS_MAX];
	struct request request = { .header = header, .clock_ms = CLOCK_MS };
	const char *end = rest + size;
	struct response response;
	char *line, *value;

	request.method = next_line(&rest);
	request.path = next_line(&rest);
	request.query = next_line(&rest);
	while (rest && request.header_count < HEADERS_MAX) {
		line = strsep(&rest, "\n");
		if (line[0] == '\0')
			break;
		value = strchr(line, ':');
		if (value)
			*value++ = '\0';
		header[request.header_count++] = (struct header){ line, value ? value : "" };
	}
	request.body = rest ? rest : "";
	request.body_size = rest ? (size_t)(end - rest) : 0;
	dispatch_request(&gateway, db, mem, &request, &response);
	check(&response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new((size_t)64 << 20);
	char *text = mem ? arena_copy_n(mem, (const char *)data, size) : NULL;

	if (!db)
		open_store();
	if (text)
		dispatch(mem, text, size);
	arena_free(mem);
	return 0;
}
