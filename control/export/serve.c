/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whoever has a link has the file: the link is what the API gave to somebody who may, and its time is short. It is proved before
 * anything is looked up, so that strangers cost a hash. A task that is deleted answers no more, whatever links there are.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/log.h"
#include "control/export/export.h"

bool export_is_link(const struct request *request)
{
	return strncmp(request->path, EXPORT_PATH, sizeof(EXPORT_PATH) - 1) == 0;
}

static void say(struct response *out, int status, const char *text)
{
	*out = (struct response){ .status = status,
		.content_type = "text/plain;charset=utf-8",
		.body = text,
		.body_size = strlen(text) };
}

static enum err load(struct db *db, struct arena *mem, int64_t number, struct export_task *out)
{
	enum err err;

	TRY(db_begin(db, DB_READ));
	err = export_load(db, mem, number, out);
	db_rollback(db);
	return err;
}

static enum err read_file(
	const char *folder, struct arena *mem, const struct export_task *task, char **out)
{
	const char *path = arena_print(mem, "%s/%lld", folder, (long long)task->number);
	size_t size = (size_t)task->bytes, at = 0;
	AUTO(fd) int fd = -1;

	*out = arena_take(mem, size + 1);
	if (!path || !*out)
		return ERR_MEMORY;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail(ERR_SYSTEM, "open export %s: %s", path, strerror(errno));
	while (at < size) {
		ssize_t got = read(fd, *out + at, size - at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return fail(ERR_SYSTEM, "read export %s: %s", path,
				got < 0 ? strerror(errno) : "it is cut");
		at += (size_t)got;
	}
	return OK;
}

static enum err serve(const struct gateway *gateway, struct db_pool *pool, struct arena *mem,
	int64_t number, struct response *out)
{
	struct db *db = db_pool_take(pool);
	struct export_task task;
	enum err err = db ? load(db, mem, number, &task) : ERR_UNAVAILABLE;
	char *content;

	db_pool_give(pool, db);
	TRY(err);
	if (task.state != EXPORT_DONE)
		return ERR_EXPORT_NOT_FOUND;
	TRY(read_file(gateway->export_folder, mem, &task, &content));
	*out = (struct response){ .status = 200,
		.content_type = "application/json;charset=utf-8",
		.disposition = arena_print(
			mem, "attachment; filename=\"export-%lld.json\"", (long long)number),
		.body = content,
		.body_size = (size_t)task.bytes };
	return OK;
}

void export_serve(const struct gateway *gateway, struct db_pool *pool, struct arena *mem,
	const struct request *request, struct response *out)
{
	int64_t number;
	enum err err;

	if (strcmp(request->method, "GET") != 0) {
		say(out, 405, "only GET\n");
		return;
	}
	if (!gateway->export_key || !export_link_open(gateway->export_key, request->path,
					    request->query, request->clock_ms, &number)) {
		say(out, 403, "the link is not valid, or its time is over\n");
		return;
	}
	err = serve(gateway, pool, mem, number, out);
	if (err == ERR_EXPORT_NOT_FOUND)
		say(out, 404, "there is no such file any more\n");
	else if (err != OK)
		say(out, 503, "the file cannot be read at present\n");
}
