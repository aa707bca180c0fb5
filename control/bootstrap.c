/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file with the first key is complete and on disk before the transaction that makes the key commits:
 * killed in between, the next start makes another key and replaces the file. The other order could
 * leave a store whose only key nobody knows.
 */
#include "control/bootstrap.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "control/actions/key.h"
#include "control/auth/password.h"
#include "control/store/user.h"

#define FIRST_USER "operator"
/* 119 bits: nobody tries them all, and nobody need remember it for long. */
#define FIRST_PASSWORD_LENGTH 20

static enum err sync_folder(struct arena *mem, const char *path)
{
	char *copy = arena_copy(mem, path);
	AUTO(fd) int fd = -1;

	if (!copy)
		return ERR_MEMORY;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		return fail(ERR_SYSTEM, "sync the folder of %s: %s", path, strerror(errno));
	return OK;
}

/* Replaces the file at path by content, at once and for good. */
static enum err write_file(struct arena *mem, const char *path, const char *content)
{
	char *temporary = arena_print(mem, "%s.new", path);
	size_t size = strlen(content);
	AUTO(fd) int fd = -1;

	if (!temporary)
		return ERR_MEMORY;
	/* One that an interrupted start left behind may have another owner or mode. */
	if (unlink(temporary) != 0 && errno != ENOENT)
		return fail(ERR_SYSTEM, "remove %s: %s", temporary, strerror(errno));
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(ERR_SYSTEM, "create %s: %s", temporary, strerror(errno));
	if (write(fd, content, size) != (ssize_t)size || fsync(fd) != 0)
		return fail(ERR_SYSTEM, "write %s: %s", temporary, strerror(errno));
	if (rename(temporary, path) != 0)
		return fail(ERR_SYSTEM, "rename %s: %s", temporary, strerror(errno));
	return sync_folder(mem, path);
}

/* The first user has the rights of the first key. */
static enum err make_first_user(struct db *db, const struct vault *vault, struct arena *mem,
	int64_t account, int64_t clock_ms, const char **password)
{
	char *word = arena_take(mem, FIRST_PASSWORD_LENGTH + 1), record[PASSWORD_RECORD_SIZE];
	struct user user = { .name = FIRST_USER,
		.account = account,
		.permission = PERMISSION_OPERATOR,
		.password = record,
		.create_ms = clock_ms };

	if (!word)
		return ERR_MEMORY;
	if (!random_word(word, FIRST_PASSWORD_LENGTH))
		return fail(ERR_SYSTEM, "no random bytes for the first password");
	TRY(password_record(word, PASSWORD_COST_LOG2, record));
	*password = word;
	return user_insert(db, vault, mem, &user);
}

/* Inside the writing transaction. */
static enum err make_first_key(struct db *db, const struct vault *vault, struct arena *mem,
	const char *path, int64_t clock_ms)
{
	struct access_key key = { .permission = PERMISSION_OPERATOR,
		.active = true,
		.create_ms = clock_ms,
		.remark = "made at the first start" };
	const char *password = NULL;
	char *content;

	TRY(account_insert(db, "root", clock_ms, &key.account));
	TRY(access_key_make(mem, ACCESS_KEY_PREFIX, &key));
	TRY(access_key_insert(db, vault, &key));
	TRY(make_first_user(db, vault, mem, key.account, clock_ms, &password));
	/* All are letters and digits: nothing to escape. */
	content = arena_print(mem,
		"{\"access_key_id\":\"%s\",\"access_key_secret\":\"%s\",\"user\":\"%s\","
		"\"password\":\"%s\"}\n",
		key.id, key.secret, FIRST_USER, password);
	if (!content)
		return ERR_MEMORY;
	TRY(write_file(mem, path, content));
	log_info("first access key %s and user " FIRST_USER " are in %s", key.id, path);
	return OK;
}

static enum err key_steps(struct db *db, const struct vault *vault, struct arena *mem,
	const char *path, int64_t clock_ms)
{
	int64_t count;

	TRY(access_key_count(db, 0, &count));
	if (count > 0)
		return OK;
	if (!path) {
		log_warn("store has no access key and no bootstrap-file is set: nobody can call");
		return OK;
	}
	return make_first_key(db, vault, mem, path, clock_ms);
}

static enum err finish(struct db *db, enum err err)
{
	if (err == OK)
		return db_commit(db);
	db_rollback(db);
	return err;
}

enum err bootstrap_key(struct db *db, const struct vault *vault, struct arena *mem,
	const char *path, int64_t clock_ms)
{
	TRY(db_begin(db, DB_WRITE));
	return finish(db, key_steps(db, vault, mem, path, clock_ms));
}

static enum err secret_steps(struct db *db, const struct vault *vault, struct arena *mem,
	const char *name, uint8_t out[32])
{
	const void *known;
	size_t size;
	enum err err = setting_get_secret(db, vault, mem, name, &known, &size);

	if (err == OK && size == 32) {
		memcpy(out, known, 32);
		return OK;
	}
	if (err != ERR_NOT_FOUND)
		return err == OK ? fail(ERR_STORE, "setting %s has a wrong size", name) : err;
	if (RAND_bytes(out, 32) != 1)
		return fail(ERR_SYSTEM, "no random bytes for %s", name);
	return setting_put_secret(db, vault, name, out, 32);
}

static enum err own_secret(struct db *db, const struct vault *vault, struct arena *mem,
	const char *name, uint8_t out[32])
{
	TRY(db_begin(db, DB_WRITE));
	return finish(db, secret_steps(db, vault, mem, name, out));
}

enum err bootstrap_cookie_secret(
	struct db *db, const struct vault *vault, struct arena *mem, uint8_t out[32])
{
	return own_secret(db, vault, mem, "syn_cookie_secret", out);
}

enum err bootstrap_export_key(
	struct db *db, const struct vault *vault, struct arena *mem, uint8_t out[32])
{
	return own_secret(db, vault, mem, "export_key", out);
}
