/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A long poll decides twice: at arrival, and again when something moved or the time is over. The store
 * says what is newest, not the engine's announcement, which may lag behind a commit.
 *
 * Subtle: the clock's offset has no generation. Which offset a node has is what was last sent to it, or
 * what it reports, so that a change between two polls is not missed; a poll may also name it. A node
 * that is ahead of the store (restored from a backup) or new to this process gets an answer at once.
 */
#include "control/node_api.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/spec.h"
#include "base/text.h"

#define WAIT_MAX_MS 25000
/* A store without any change is at generation 0, with which a node asks for all: a node that has all
 * of nothing asks again no more often than this. */
#define EMPTY_WAIT_MS 1000

struct sent {
	char name[NODE_NAME_MAX];
	int64_t offset_ms;
};

struct node_api {
	const struct gateway *gateway;
	struct db_pool *pool;
	uint64_t control_boot;
	uint8_t cookie_secret[32];
	pthread_mutex_t lock;
	struct sent sent[NODE_MAX];
	size_t sent_count;
};

struct poll {
	const char *node;
	int64_t generation, wait_ms;
	const char *offset; /* NULL: not said */
};
static const struct param poll_params[] = {
	PARAM(poll, node, "node", .kind = PARAM_TEXT, .required = true, .min = 1,
		.max = NODE_NAME_MAX - 1),
	PARAM(poll, generation, "generation", .kind = PARAM_INT, .max = INT64_MAX),
	PARAM(poll, wait_ms, "wait", .kind = PARAM_INT, .max = WAIT_MAX_MS),
	PARAM(poll, offset, "offset", .kind = PARAM_TEXT, .max = 24),
	{ .kind = PARAM_END },
};

struct node_api *node_api_new(const struct gateway *gateway, struct db_pool *pool,
	uint64_t control_boot, const uint8_t cookie_secret[32])
{
	struct node_api *api = calloc(1, sizeof(*api));

	if (!api)
		return NULL;
	api->gateway = gateway;
	api->pool = pool;
	api->control_boot = control_boot;
	memcpy(api->cookie_secret, cookie_secret, sizeof(api->cookie_secret));
	(void)pthread_mutex_init(&api->lock, NULL);
	return api;
}

void node_api_free(struct node_api *api)
{
	if (!api)
		return;
	explicit_bzero(api->cookie_secret, sizeof(api->cookie_secret));
	(void)pthread_mutex_destroy(&api->lock);
	free(api);
}

static struct sent *find_sent(struct node_api *api, const char *name)
{
	size_t i;

	for (i = 0; i < api->sent_count; i++) {
		if (strcmp(api->sent[i].name, name) == 0)
			return &api->sent[i];
	}
	return NULL;
}

/* The offset the node was last sent; false: none by this process. */
static bool sent_offset(struct node_api *api, const char *name, int64_t *out)
{
	struct sent *sent;

	(void)pthread_mutex_lock(&api->lock);
	sent = find_sent(api, name);
	if (sent)
		*out = sent->offset_ms;
	(void)pthread_mutex_unlock(&api->lock);
	return sent != NULL;
}

/* More nodes than are allowed were refused before; one without a place would only be answered at once. */
static void remember_sent(struct node_api *api, const char *name, int64_t offset_ms)
{
	struct sent *sent;

	(void)pthread_mutex_lock(&api->lock);
	sent = find_sent(api, name);
	if (!sent && api->sent_count < NODE_MAX) {
		sent = &api->sent[api->sent_count++];
		(void)strncpy(sent->name, name, sizeof(sent->name) - 1);
	}
	if (sent)
		sent->offset_ms = offset_ms;
	(void)pthread_mutex_unlock(&api->lock);
}

/* Inside a reading transaction: the snapshot if the node lacks anything, else *out NULL. */
static enum err build_if_newer(struct node_api *api, struct db *db, struct arena *mem,
	const struct poll *poll, const uint8_t **out, size_t *size)
{
	int64_t newest, known_ms, offset_ms = life_clock_offset_ms(api->gateway->clock);
	int64_t base = poll->generation;
	bool same_clock;

	*out = NULL;
	TRY(change_generation(db, &newest));
	if (poll->offset)
		same_clock = text_to_int(poll->offset, &known_ms) && known_ms == offset_ms;
	else
		same_clock = sent_offset(api, poll->node, &known_ms) && known_ms == offset_ms;
	if (base == newest && base != 0 && same_clock)
		return OK;
	if (base > newest) {
		log_warn("node %s is ahead of the store: it gets everything", poll->node);
		base = 0;
	}

	const struct snapshot_terms terms = { .life_offset_ms = offset_ms,
		.control_boot = api->control_boot,
		.cookie_secret = api->cookie_secret,
		.vault = api->gateway->vault };

	TRY(snapshot_build(db, mem, (uint64_t)base, &terms, out, size));
	remember_sent(api, poll->node, offset_ms);
	return OK;
}

static enum err look(struct node_api *api, struct arena *mem, const struct poll *poll,
	const uint8_t **out, size_t *size)
{
	struct db *db = db_pool_take(api->pool);
	enum err err;

	if (!db)
		return ERR_UNAVAILABLE;
	err = db_begin(db, DB_READ);
	if (err == OK)
		err = build_if_newer(api, db, mem, poll, out, size);
	db_rollback(db);
	db_pool_give(api->pool, db);
	return err;
}

static enum err snapshot(struct node_api *api, struct arena *mem, const struct request *request,
	struct response *out)
{
	struct nodes *nodes = api->gateway->nodes;
	char why[SPEC_WHY_SIZE];
	const uint8_t *bytes;
	struct form form = { 0 };
	struct poll poll;
	int64_t offset_ms, sent_ms;
	size_t size = 0;

	TRY(form_decode(mem, request->query, strlen(request->query), &form));
	TRY(spec_decode(mem, poll_params, &form, &poll, sizeof(poll), why));
	TRY(nodes_confirm(nodes, poll.node, (uint64_t)poll.generation, request->clock_ms));
	offset_ms = life_clock_offset_ms(api->gateway->clock);
	if (poll.generation == 0 && nodes_newest(nodes) == 0 &&
		sent_offset(api, poll.node, &sent_ms))
		(void)nodes_wait(nodes, 0, sent_ms,
			poll.wait_ms < EMPTY_WAIT_MS ? poll.wait_ms : EMPTY_WAIT_MS);
	TRY(look(api, mem, &poll, &bytes, &size));
	if (!bytes && nodes_wait(nodes, (uint64_t)poll.generation, offset_ms, poll.wait_ms))
		TRY(look(api, mem, &poll, &bytes, &size));
	out->status = bytes ? 200 : 204;
	out->content_type = "application/octet-stream";
	out->body = bytes ? (const char *)bytes : "";
	out->body_size = bytes ? size : 0;
	return OK;
}

/* The offset that a node says is in force: a snapshot that was lost on its way is sent again. */
static void note_offset(struct node_api *api, const char *name, const struct request *request)
{
	struct record_node node;

	if (request->body_size < sizeof(struct snapshot_header) + sizeof(node))
		return;
	memcpy(&node, (const char *)request->body + sizeof(struct snapshot_header), sizeof(node));
	if (node.record.type == RECORD_NODE)
		remember_sent(api, name, node.life_offset_ms);
}

static enum err report(struct node_api *api, struct arena *mem, const struct request *request,
	struct response *out)
{
	char why[SPEC_WHY_SIZE];
	struct form form = { 0 };
	struct poll poll;

	TRY(form_decode(mem, request->query, strlen(request->query), &form));
	TRY(spec_decode(mem, poll_params, &form, &poll, sizeof(poll), why));
	TRY(nodes_report(api->gateway->nodes, poll.node, request->body, request->body_size,
		request->clock_ms));
	note_offset(api, poll.node, request);
	out->status = 204;
	return OK;
}

void node_api_request(struct node_api *api, struct arena *mem, const struct request *request,
	struct response *out)
{
	enum err err = ERR_ACTION_NOT_FOUND;

	memset(out, 0, sizeof(*out));
	out->body = "";
	out->content_type = "text/plain;charset=utf-8";
	if (strcmp(request->path, "/v1/snapshot") == 0 && strcmp(request->method, "GET") == 0)
		err = snapshot(api, mem, request, out);
	else if (strcmp(request->path, "/v1/report") == 0 && strcmp(request->method, "POST") == 0)
		err = report(api, mem, request, out);
	if (err == OK)
		return;
	out->status = error_http(err);
	out->content_type = "text/plain;charset=utf-8";
	out->body = error_code(err);
	out->body_size = strlen(out->body);
}
