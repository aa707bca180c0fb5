/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libmicrohttpd behind two Unix sockets. The API has a few threads with epoll, since its requests are
 * short; nodes have a thread each, since they wait in long polls.
 *
 * A request owns one arena: the raw request line, which the library shows before it decodes it and
 * which signatures need, the body, and the reply, which the library sends from there. The arena goes
 * when the library says that the request is over, however it ended.
 *
 * Subtle: a body that is too large is read to its end, without keeping it, up to a bound: a proxy that
 * is still sending when the connection closes never reads the refusal. The library's time-out
 * counts silence only, so the body has a deadline of its own against senders of single bytes. Bodies
 * arrive before anyone has proved who he is, so large ones share a budget: without it, all connections
 * together could make the control hold gigabytes. Small bodies are outside of it, and always pass.
 */
#include "control/http.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "control/export/export.h"

/* API: a certificate chain or 200 rules are far below. */
#define BODY_BYTES_MAX ((size_t)4 << 20)
/* Refused bodies are read up to here, then the connection is cut. */
#define BODY_DRAIN_MAX ((size_t)64 << 20)
/* Of one body, what is outside the budget below: usual calls are far smaller. */
#define BODY_BYTES_FREE ((size_t)64 << 10)
/* Of all bodies at once, what each has beyond BODY_BYTES_FREE. */
#define BODIES_BYTES_MAX ((size_t)64 << 20)
/* Body, decoded form, canonical forms (three bytes for one, twice), reply. */
#define API_ARENA_MAX	    ((size_t)192 << 20)
#define CONNECTION_MEMORY   ((size_t)256 << 10) /* request line and headers */
#define API_CONNECTIONS_MAX 1024
#define NODE_CONNECTIONS    128
#define API_TIMEOUT_S	    15
/* The library counts the silence of a long poll too. */
#define NODE_TIMEOUT_S	 60
#define BODY_DEADLINE_MS (30 * SECOND_MS)
#define BACKLOG		 256
/* How long a stop waits for answers that are on their way: the library cuts off what is left. */
#define STOP_WAIT_MS 500

struct http {
	struct http_settings settings;
	struct MHD_Daemon *api;
	struct MHD_Daemon *node;
	atomic_size_t bodies;	 /* bytes taken of BODIES_BYTES_MAX */
	atomic_size_t transfers; /* that have begun and not ended */
};

/* One request; in its own arena. */
struct transfer {
	struct arena *mem;
	const char *uri; /* as sent: path?query */
	struct text body;
	size_t body_seen;
	size_t budget;	  /* bytes taken of BODIES_BYTES_MAX */
	int64_t begin_ms; /* monotonic */
	bool begun;
	enum err refused; /* the body is read but not kept */
};

static void *transfer_new(struct http *http, size_t arena_max, const char *uri)
{
	struct arena *mem = arena_new(arena_max);
	struct transfer *transfer = mem ? arena_take(mem, sizeof(*transfer)) : NULL;

	if (!transfer) {
		arena_free(mem);
		return NULL;
	}
	transfer->mem = mem;
	transfer->uri = arena_copy(mem, uri);
	transfer->begin_ms = clock_monotonic_ms();
	(void)atomic_fetch_add(&http->transfers, 1);
	return transfer;
}

static void *api_begin(void *context, const char *uri, struct MHD_Connection *connection)
{
	(void)connection;
	return transfer_new(context, API_ARENA_MAX, uri);
}

static void *node_begin(void *context, const char *uri, struct MHD_Connection *connection)
{
	(void)connection;
	return transfer_new(context, NODE_API_BYTES_MAX, uri);
}

static void transfer_end(void *context, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode code)
{
	struct transfer *transfer = *state;
	struct http *http = context;

	(void)connection;
	(void)code;
	*state = NULL;
	if (!transfer)
		return;
	(void)atomic_fetch_sub(&http->bodies, transfer->budget);
	(void)atomic_fetch_sub(&http->transfers, 1);
	arena_free(transfer->mem);
}

static enum MHD_Result add_header(
	void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct request *request = context;
	/* The array is ours; requests see it as read-only. */
	struct header *header = (struct header *)(uintptr_t)request->header;

	(void)kind;
	header[request->header_count++] = (struct header){ name, value ? value : "" };
	return MHD_YES;
}

/* The request in the project's own terms. false: memory. */
static bool read_request(struct transfer *transfer, struct MHD_Connection *connection,
	const char *method, struct request *out)
{
	int count = MHD_get_connection_values(connection, MHD_HEADER_KIND, NULL, NULL);
	char *path = arena_copy(transfer->mem, transfer->uri), *question;

	memset(out, 0, sizeof(*out));
	out->header =
		arena_array(transfer->mem, count > 0 ? (size_t)count : 0, sizeof(*out->header));
	if (!path || !out->header)
		return false;
	(void)MHD_get_connection_values(connection, MHD_HEADER_KIND, add_header, out);
	question = strchr(path, '?');
	if (question)
		*question++ = '\0';
	out->method = method;
	out->path = path;
	out->query = question ? question : "";
	out->body = transfer->body.data;
	out->body_size = transfer->body.length;
	out->clock_ms = clock_utc_ms();
	return true;
}

static void add_response_header(struct MHD_Response *response, const char *name, const char *value)
{
	/* Without memory the header is missing; the body still says all. */
	if (value)
		(void)MHD_add_response_header(response, name, value);
}

static enum MHD_Result send_response(struct MHD_Connection *connection, const struct response *out)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		out->body_size, (void *)(uintptr_t)out->body, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	if (out->body_size > 0)
		add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, out->content_type);
	add_response_header(response, "x-acs-request-id", out->request_id);
	add_response_header(response, "x-acs-retry-after", out->retry_after_ms);
	add_response_header(response, MHD_HTTP_HEADER_CONTENT_DISPOSITION, out->disposition);
	if (out->disposition)
		add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	result = MHD_queue_response(connection, (unsigned)out->status, response);
	MHD_destroy_response(response);
	return result;
}

/* "ok" when the store answers. */
static void health(struct db_pool *pool, struct response *out)
{
	struct db *db = db_pool_take(pool);
	int64_t generation;
	bool healthy = db && db_begin(db, DB_READ) == OK;

	if (healthy)
		healthy = change_generation(db, &generation) == OK;
	if (db)
		db_rollback(db);
	db_pool_give(pool, db);
	memset(out, 0, sizeof(*out));
	out->status = healthy ? 200 : 503;
	out->content_type = "text/plain;charset=utf-8";
	out->body = healthy ? "ok\n" : "store does not answer\n";
	out->body_size = strlen(out->body);
}

static bool is_health(const struct request *request)
{
	return strcmp(request->path, "/v1/health") == 0 && strcmp(request->method, "GET") == 0;
}

/* Takes from the budget what the body has beyond its free part; false: there is not so much left. Nodes
 * are no strangers and take nothing: their http is NULL. */
static bool budget_take(struct http *http, struct transfer *transfer)
{
	size_t seen = transfer->body_seen;
	size_t more = seen > BODY_BYTES_FREE ? seen - BODY_BYTES_FREE - transfer->budget : 0;

	if (!http)
		return true;
	if (atomic_fetch_add(&http->bodies, more) + more <= BODIES_BYTES_MAX) {
		transfer->budget += more;
		return true;
	}
	(void)atomic_fetch_sub(&http->bodies, more);
	return false;
}

/* Keeps a piece of the body. MHD_NO cuts the connection. */
static enum MHD_Result take_body(struct http *http, struct transfer *transfer, size_t bytes_max,
	const char *data, size_t *size)
{
	if (clock_monotonic_ms() - transfer->begin_ms > BODY_DEADLINE_MS)
		return MHD_NO;
	transfer->body_seen += *size;
	if (transfer->body_seen > bytes_max)
		transfer->refused = ERR_BODY_TOO_LARGE;
	else if (transfer->refused == OK && !budget_take(http, transfer))
		transfer->refused = ERR_UNAVAILABLE;
	if (transfer->refused == OK)
		text_add_n(&transfer->body, data, *size);
	*size = 0;
	if (transfer->body.failed || transfer->body_seen > bytes_max + BODY_DRAIN_MAX)
		return MHD_NO;
	return MHD_YES;
}

/* Collects the request; true when it is complete and not yet answered, else *result is the callback's. */
static bool collect(struct http *http, struct transfer *transfer, size_t bytes_max,
	const char *data, size_t *size, enum MHD_Result *result)
{
	*result = MHD_YES;
	if (!transfer->begun) {
		transfer->begun = true;
		text_init(&transfer->body, transfer->mem, bytes_max);
		return false;
	}
	if (*size > 0) {
		*result = take_body(http, transfer, bytes_max, data, size);
		return false;
	}
	return true;
}

static enum MHD_Result api_handle(void *context, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **state)
{
	struct http *http = context;
	struct transfer *transfer = *state;
	struct request request;
	struct response out;
	enum MHD_Result result;
	struct db *db;

	(void)url;
	(void)version;
	if (!transfer || !transfer->uri)
		return MHD_NO;
	if (!collect(http, transfer, BODY_BYTES_MAX, data, size, &result))
		return result;
	if (!read_request(transfer, connection, method, &request))
		return MHD_NO;
	if (transfer->refused != OK) {
		dispatch_refuse(
			http->settings.gateway, transfer->mem, &request, transfer->refused, &out);
	} else if (is_health(&request)) {
		health(http->settings.api_pool, &out);
	} else if (export_is_link(&request)) {
		export_serve(http->settings.gateway, http->settings.api_pool, transfer->mem,
			&request, &out);
	} else {
		db = db_pool_take(http->settings.api_pool);
		dispatch_request(http->settings.gateway, db, transfer->mem, &request, &out);
		db_pool_give(http->settings.api_pool, db);
	}
	return send_response(connection, &out);
}

static enum MHD_Result node_handle(void *context, struct MHD_Connection *connection,
	const char *url, const char *method, const char *version, const char *data, size_t *size,
	void **state)
{
	struct http *http = context;
	struct transfer *transfer = *state;
	struct request request;
	struct response out;
	enum MHD_Result result;

	(void)url;
	(void)version;
	if (!transfer || !transfer->uri)
		return MHD_NO;
	if (!collect(NULL, transfer, SNAPSHOT_BYTES_MAX, data, size, &result))
		return result;
	if (transfer->refused != OK || !read_request(transfer, connection, method, &request))
		return MHD_NO;
	if (is_health(&request))
		health(http->settings.node_pool, &out);
	else
		node_api_request(http->settings.node_api, transfer->mem, &request, &out);
	return send_response(connection, &out);
}

static void log_library(void *context, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

static void log_library(void *context, const char *format, va_list arguments)
{
	char line[400];

	(void)context;
	(void)vsnprintf(line, sizeof(line), format, arguments);
	line[strcspn(line, "\n")] = '\0';
	log_debug("http: %s", line);
}

static int unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Removes a socket that a dead process left behind; one that answers stays. */
static enum err remove_stale(const struct sockaddr_un *address)
{
	AUTO(fd) int fd = unix_socket();
	struct stat status;

	if (fd < 0)
		return fail(ERR_SYSTEM, "make a socket: %s", strerror(errno));
	if (lstat(address->sun_path, &status) != 0) {
		if (errno == ENOENT)
			return OK;
		return fail(ERR_SYSTEM, "look at %s: %s", address->sun_path, strerror(errno));
	}
	if (!S_ISSOCK(status.st_mode))
		return fail(ERR_SYSTEM, "%s is not a socket", address->sun_path);
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		return fail(ERR_SYSTEM, "another process answers on %s", address->sun_path);
	if (errno != ECONNREFUSED)
		return fail(ERR_SYSTEM, "try %s: %s", address->sun_path, strerror(errno));
	if (unlink(address->sun_path) != 0)
		return fail(ERR_SYSTEM, "remove %s: %s", address->sun_path, strerror(errno));
	return OK;
}

/* A listening socket at path. The mode is set before it listens: nobody connects in between. */
static enum err listen_at(const char *path, mode_t mode, int *out)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return fail(ERR_SYSTEM, "path of socket %s is too long", path);
	memcpy(address.sun_path, path, strlen(path));
	TRY(remove_stale(&address));
	fd = unix_socket();
	if (fd < 0)
		return fail(ERR_SYSTEM, "make a socket: %s", strerror(errno));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
		chmod(path, mode) != 0 || listen(fd, BACKLOG) != 0) {
		(void)fail(ERR_SYSTEM, "listen on %s: %s", path, strerror(errno));
		(void)close(fd);
		return ERR_SYSTEM;
	}
	*out = fd;
	return OK;
}

/* The library closes fd from here on, unless it fails. */
static enum err start_api(struct http *http)
{
	int fd = -1;

	TRY(listen_at(http->settings.socket, 0660, &fd));
	http->api = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG | MHD_USE_ITC, 0, NULL, NULL,
		api_handle, http, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, http->settings.threads,
		MHD_OPTION_URI_LOG_CALLBACK, api_begin, http, MHD_OPTION_NOTIFY_COMPLETED,
		transfer_end, http, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)API_CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)API_TIMEOUT_S, MHD_OPTION_END);
	if (http->api)
		return OK;
	(void)close(fd);
	return fail(ERR_SYSTEM, "start the HTTP server of %s", http->settings.socket);
}

static enum err start_node(struct http *http)
{
	int fd = -1;

	TRY(listen_at(http->settings.node_socket, 0600, &fd));
	http->node =
		MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
					 MHD_USE_POLL | MHD_USE_ERROR_LOG | MHD_USE_ITC,
			0, NULL, NULL, node_handle, http, MHD_OPTION_EXTERNAL_LOGGER, log_library,
			NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, node_begin,
			http, MHD_OPTION_NOTIFY_COMPLETED, transfer_end, http,
			MHD_OPTION_CONNECTION_LIMIT, (unsigned)NODE_CONNECTIONS,
			MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)NODE_TIMEOUT_S, MHD_OPTION_END);
	if (http->node)
		return OK;
	(void)close(fd);
	return fail(ERR_SYSTEM, "start the HTTP server of %s", http->settings.node_socket);
}

enum err http_start(const struct http_settings *settings, struct http **out)
{
	struct http *http = calloc(1, sizeof(*http));
	enum err err;

	if (!http)
		return ERR_MEMORY;
	http->settings = *settings;
	err = start_api(http);
	if (err == OK)
		err = start_node(http);
	if (err != OK) {
		http_stop(http);
		return err;
	}
	*out = http;
	return OK;
}

void http_stop(struct http *http)
{
	if (!http)
		return;
	/* Names go first: whoever comes now finds nobody instead of a socket that hangs up. */
	if (http->api)
		(void)unlink(http->settings.socket);
	if (http->node)
		(void)unlink(http->settings.node_socket);
	for (int i = 0; i < STOP_WAIT_MS && atomic_load(&http->transfers) > 0; i++)
		(void)usleep(1000);
	MHD_stop_daemon(http->api);
	MHD_stop_daemon(http->node);
	free(http);
}
