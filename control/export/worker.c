/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file is named by its task's number, and by nothing that anybody said. It is written under another name and
 * renamed when it is whole and on the disk; only then the task says that it is done. Whatever ends in between is done again: a
 * task that was being made is taken as one that waits, and its file is written anew.
 *
 * A task that is deleted while its file is made stays deleted, and its file goes with the next turn.
 *
 * What cannot be done now, such as a file for which the disk has no room, is tried again in the next round: each round
 * goes on behind it, so that it keeps nobody waiting.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/log.h"
#include "base/text.h"
#include "control/export/export.h"

#define NAME_SIZE 32
#define SCHEME	  "sqlite:"

enum err export_folder(struct arena *mem, const char *db_url, const char **out)
{
	const char *path = strncmp(db_url, SCHEME, sizeof(SCHEME) - 1) == 0
				   ? db_url + sizeof(SCHEME) - 1
				   : db_url;

	*out = arena_print(mem, "%s.exports", path);
	return *out ? OK : ERR_MEMORY;
}

enum err export_open(const char *folder, int *out_fd)
{
	if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		return fail(ERR_SYSTEM, "make folder %s: %s", folder, strerror(errno));
	*out_fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *out_fd >= 0 ? OK : fail(ERR_SYSTEM, "open %s: %s", folder, strerror(errno));
}

/* ---- files */

static enum err write_whole(int fd, const char *name, const char *content, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, content, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return fail(ERR_SYSTEM, "write export %s: %s", name, strerror(errno));
		content += written;
		size -= (size_t)written;
	}
	return fsync(fd) == 0 ? OK : fail(ERR_SYSTEM, "keep export %s: %s", name, strerror(errno));
}

static enum err write_file(int folder_fd, int64_t number, const char *content, size_t size)
{
	char name[NAME_SIZE], new_name[NAME_SIZE];
	AUTO(fd) int fd = -1;

	(void)snprintf(name, sizeof(name), "%lld", (long long)number);
	(void)snprintf(new_name, sizeof(new_name), "%lld.new", (long long)number);
	fd = openat(
		folder_fd, new_name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(ERR_SYSTEM, "make export %s: %s", name, strerror(errno));
	enum err err = write_whole(fd, name, content, size);

	if (err == OK &&
		(renameat(folder_fd, new_name, folder_fd, name) != 0 || fsync(folder_fd) != 0))
		err = fail(ERR_SYSTEM, "rename export %s: %s", name, strerror(errno));
	/* A part of a file would take the room that others need. */
	if (err != OK)
		(void)unlinkat(folder_fd, new_name, 0);
	return err;
}

static enum err remove_file(int folder_fd, int64_t number)
{
	static const char *const ends[] = { "", ".new" };
	char name[NAME_SIZE];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		(void)snprintf(name, sizeof(name), "%lld%s", (long long)number, ends[i]);
		if (unlinkat(folder_fd, name, 0) != 0 && errno != ENOENT)
			return fail(ERR_SYSTEM, "remove export %s: %s", name, strerror(errno));
	}
	return OK;
}

/* ---- tasks */

static enum err finish(struct db *db, enum err err)
{
	if (err == OK)
		return db_commit(db);
	db_rollback(db);
	return err;
}

static enum err update(struct db *db, const struct export_task *task)
{
	TRY(db_begin(db, DB_WRITE));
	return finish(db, export_update(db, task));
}

/* What is due, read in one transaction: a number of a task that is gone, or else a task. ERR_NOT_FOUND: nothing more in
 * this round. */
static enum err look(struct db *db, struct arena *mem, struct export_round *round, int64_t *gone,
	struct export_task *task)
{
	enum err err;

	*gone = 0;
	TRY(db_begin(db, DB_READ));
	err = export_gone(db, round->gone, gone);
	if (err == ERR_NOT_FOUND)
		err = export_next(db, mem, round->made, task);
	db_rollback(db);
	TRY(err);
	if (*gone)
		round->gone = *gone;
	else
		round->made = task->number;
	return OK;
}

static enum err forget(int folder_fd, struct db *db, int64_t number)
{
	TRY(remove_file(folder_fd, number));
	TRY(db_begin(db, DB_WRITE));
	return finish(db, export_forget(db, number));
}

static enum err make_content(const struct gateway *gateway, struct db *db, struct arena *mem,
	struct export_task *task, int64_t clock_ms, const char **content, size_t *size)
{
	int64_t tasks, bytes;
	enum err err;

	TRY(db_begin(db, DB_READ));
	err = export_usage(db, task->account, &tasks, &bytes);
	if (err == OK)
		err = export_make(gateway, db, mem, task, clock_ms, content, size);
	db_rollback(db);
	TRY(err);
	return bytes + (int64_t)*size <= (int64_t)EXPORT_ACCOUNT_MAX ? OK : ERR_QUOTA;
}

/* What another try may mend. Everything else is what came of the task: one that can never be made must not keep others waiting.
 * A store that is broken does not take what came of it, and it waits all the same. */
static bool is_passing(enum err err)
{
	return err == ERR_UNAVAILABLE || err == ERR_SYSTEM;
}

static enum err make(const struct gateway *gateway, int folder_fd, struct db *db, struct arena *mem,
	struct export_task *task, int64_t clock_ms)
{
	const char *content = NULL;
	size_t size = 0;
	enum err err;

	task->state = EXPORT_RUNNING;
	TRY(update(db, task));
	err = make_content(gateway, db, mem, task, clock_ms, &content, &size);
	if (err == OK)
		err = write_file(folder_fd, task->number, content, size);
	if (is_passing(err))
		return err;
	task->state = err == OK ? EXPORT_DONE : EXPORT_FAILED;
	task->bytes = err == OK ? (int64_t)size : 0;
	task->reason = err == OK ? "" : error_sentence(err);
	task->end_ms = clock_ms;
	return update(db, task);
}

enum err export_tick(const struct gateway *gateway, int folder_fd, struct db *db, struct arena *mem,
	int64_t clock_ms, struct export_round *round, bool *more)
{
	struct export_task task = { .number = 0 };
	int64_t gone = 0;
	enum err err = look(db, mem, round, &gone, &task);

	*more = false;
	if (err == ERR_NOT_FOUND)
		return OK;
	TRY(err);
	err = gone ? forget(folder_fd, db, gone)
		   : make(gateway, folder_fd, db, mem, &task, clock_ms);
	*more = true;
	round->failed |= err != OK;
	return err;
}
