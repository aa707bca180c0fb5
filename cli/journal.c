/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line of JSON for each change, on the disk before the change is made. Undoing reads them backwards, and each line can be
 * undone whether its change was made or not: so it makes no difference where an installation ended, and undoing can itself be
 * repeated.
 *
 * A file that somebody has changed since is not thrown away: it stays beside its place as NAME.kept.
 */
#include "cli/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <libgen.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/text.h"
#include "cli/action_list.h"
#include "cli/cli.h"
#include "cli/process.h"

#define LINE_MAX_COUNT 500
#define TEXT_MAX       (1 << 20) /* of a file that is compared */
#define HASH_SIZE      65
#define PIN_FOLDER     "/sys/fs/bpf/polder" /* as polder-agent@.service says */

DEFINE_AUTO(document, json_t *, json_decref);

void journal_path(const struct journal *journal, const char *path, char out[PATH_MAX])
{
	if (snprintf(out, PATH_MAX, "%s%s", journal->root, path) >= PATH_MAX)
		out[0] = '\0'; /* no such file: whoever opens it says so */
}

static void journal_own(const struct journal *journal, const char *name, char out[PATH_MAX])
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", JOURNAL_FOLDER, name);
	journal_path(journal, path, out);
}

bool journal_exists(const struct journal *journal)
{
	char path[PATH_MAX];

	journal_own(journal, "journal", path);
	return access(path, F_OK) == 0;
}

/* ---- writing */

/* Names and values, then NULL. */
static bool write_line(struct journal *journal, const char *const *pairs)
{
	AUTO(document) json_t *line = json_object();

	for (; *pairs; pairs += 2)
		(void)json_object_set_new(line, pairs[0], json_string(pairs[1]));
	if (json_dumpf(line, journal->file, JSON_COMPACT) != 0 ||
		fputc('\n', journal->file) == EOF || fflush(journal->file) != 0 ||
		fsync(fileno(journal->file)) != 0)
		return complain("write the journal: %s", strerror(errno));
	return true;
}

/* Makes folders above path that are missing. Before the journal is open, their names are collected in made. */
static bool make_above(struct journal *journal, const char *path, json_t *made)
{
	char copy[PATH_MAX], full[PATH_MAX];
	const char *above;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	above = dirname(copy);
	journal_path(journal, above, full);
	if (access(full, F_OK) == 0 || strcmp(above, "/") == 0)
		return true;
	if (!made)
		return journal_folder(journal, above, 0755);
	if (!make_above(journal, above, made))
		return false;
	if (mkdir(full, 0755) != 0)
		return complain("make %s: %s", full, strerror(errno));
	return json_array_append_new(made, json_string(above)) == 0;
}

bool journal_folder(struct journal *journal, const char *path, mode_t mode)
{
	char full[PATH_MAX];

	journal_path(journal, path, full);
	if (access(full, F_OK) == 0)
		return true;
	if (!make_above(journal, path, NULL) ||
		!write_line(journal, (const char *const[]){ "kind", "folder", "path", path, NULL }))
		return false;
	if (mkdir(full, mode) != 0 || chmod(full, mode) != 0)
		return complain("make %s: %s", full, strerror(errno));
	return true;
}

bool journal_begin(struct journal *journal)
{
	AUTO(document) json_t *made = json_array();
	char full[PATH_MAX];
	json_t *name;
	size_t i;

	journal_own(journal, "journal", full);
	if (!make_above(journal, JOURNAL_FOLDER "/journal", made))
		return false;
	journal->file = fopen(full, "wxe");
	if (!journal->file)
		return complain("make %s: %s", full, strerror(errno));
	(void)fchmod(fileno(journal->file), 0600);
	json_array_foreach(made, i, name)
	{
		const char *path = json_string_value(name);

		if (!write_line(
			    journal, (const char *const[]){ "kind", "folder", "path", path, NULL }))
			return false;
	}
	journal_path(journal, JOURNAL_FOLDER, full);
	return chmod(full, 0700) == 0 || complain("%s: %s", full, strerror(errno));
}

void journal_end(struct journal *journal)
{
	if (journal->file)
		(void)fclose(journal->file);
	journal->file = NULL;
}

static void hash_text(const char *text, size_t length, char out[HASH_SIZE])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	out[0] = '\0';
	if (EVP_Digest(text, length, digest, &size, EVP_sha256(), NULL) == 1 && size == 32)
		text_hex(digest, size, out);
}

/* A copy with owner, mode and time. */
static bool copy_whole(const char *from, const char *to)
{
	struct stat file;

	if (stat(from, &file) != 0)
		return complain("%s: %s", from, strerror(errno));
	if (!file_copy(from, to, file.st_mode & 07777))
		return false;
	const struct timespec times[2] = { file.st_atim, file.st_mtim };

	if (chown(to, file.st_uid, file.st_gid) != 0 || utimensat(AT_FDCWD, to, times, 0) != 0)
		return complain("%s: %s", to, strerror(errno));
	return true;
}

bool journal_file(struct journal *journal, const char *path, mode_t mode, const char *text)
{
	char full[PATH_MAX], aside[PATH_MAX], number[16] = "", hash[HASH_SIZE];
	struct stat file;

	journal_path(journal, path, full);
	if (!make_above(journal, path, NULL))
		return false;
	if (lstat(full, &file) == 0) {
		if (!S_ISREG(file.st_mode))
			return complain("%s is there, and is no file", full);
		(void)snprintf(number, sizeof(number), "%d", ++journal->saved);
		journal_own(journal, number, aside);
		if (!copy_whole(full, aside))
			return false;
	}
	hash_text(text, strlen(text), hash);
	return write_line(journal, (const char *const[]){ "kind", "file", "path", path, "saved",
					   number, "hash", hash, NULL }) &&
	       file_write(full, mode, text, strlen(text));
}

bool journal_state(struct journal *journal, const char *path, mode_t mode)
{
	char full[PATH_MAX];

	journal_path(journal, path, full);
	if (access(full, F_OK) == 0)
		return complain("%s is there already: an installation uses it", full);
	if (!make_above(journal, path, NULL) ||
		!write_line(journal, (const char *const[]){ "kind", "state", "path", path, NULL }))
		return false;
	if (mkdir(full, mode) != 0 || chmod(full, mode) != 0)
		return complain("make %s: %s", full, strerror(errno));
	return true;
}

bool journal_later(struct journal *journal, const char *path)
{
	char full[PATH_MAX];

	journal_path(journal, path, full);
	return access(full, F_OK) == 0 ||
	       write_line(journal, (const char *const[]){ "kind", "state", "path", path, NULL });
}

bool journal_switch(struct journal *journal, const char *path)
{
	char before[64];

	if (file_read(path, before, sizeof(before)) < 0)
		return complain("read %s: %s", path, strerror(errno));
	before[strcspn(before, "\n")] = '\0';
	return write_line(journal,
		(const char *const[]){ "kind", "switch", "path", path, "before", before, NULL });
}

bool journal_unit(struct journal *journal, const char *unit)
{
	return write_line(journal, (const char *const[]){ "kind", "unit", "path", unit, NULL });
}

static bool ask_systemd(const char *question, const char *unit)
{
	return process_run((const char *const[]){ "systemctl", question, "-q", unit, NULL }, NULL,
		       true) == 0;
}

bool journal_server(struct journal *journal, const char *unit)
{
	return write_line(journal, (const char *const[]){ "kind", "server", "path", unit, "active",
					   ask_systemd("is-active", unit) ? "yes" : "", "enabled",
					   ask_systemd("is-enabled", unit) ? "yes" : "", NULL });
}

bool journal_attached(struct journal *journal, const char *program)
{
	return write_line(
		journal, (const char *const[]){ "kind", "attached", "path", program, NULL });
}

/* ---- undoing: one function for each kind of line */

/* Of removing what was perhaps never made. */
static bool was_not_there(int error)
{
	return error == ENOENT || error == ENOTDIR;
}

static bool remove_folder(struct journal *journal, const json_t *line)
{
	char full[PATH_MAX];

	journal_path(journal, action_text(line, "path"), full);
	if (rmdir(full) == 0 || was_not_there(errno))
		return true;
	if (errno == ENOTEMPTY || errno == EEXIST) {
		printf("kept %s: other things are in it\n", full);
		return true;
	}
	return complain("remove %s: %s", full, strerror(errno));
}

/* Whether the file is as it was written. */
static bool is_unchanged(struct arena *mem, const char *path, const char *hash)
{
	char *text = arena_take(mem, TEXT_MAX), now[HASH_SIZE];
	const ssize_t length = text ? file_read(path, text, TEXT_MAX) : -1;

	if (length < 0)
		return true;
	hash_text(text, (size_t)length, now);
	return strcmp(now, hash) == 0;
}

static bool restore_file(struct journal *journal, const json_t *line)
{
	const char *saved = action_text(line, "saved");
	char full[PATH_MAX], kept[PATH_MAX + 8], aside[PATH_MAX];
	struct arena *mem = arena_new(TEXT_MAX + 4096);
	const bool unchanged = mem && (journal_path(journal, action_text(line, "path"), full),
					      is_unchanged(mem, full, action_text(line, "hash")));

	arena_free(mem);
	if (!mem)
		return complain("memory is out");
	if (!unchanged && !*saved) {
		(void)snprintf(kept, sizeof(kept), "%s.kept", full);
		if (rename(full, kept) != 0)
			return complain("%s: %s", full, strerror(errno));
		printf("kept %s: it was changed since\n", kept);
		return true;
	}
	if (!*saved)
		return unlink(full) == 0 || was_not_there(errno) ||
		       complain("remove %s: %s", full, strerror(errno));
	journal_own(journal, saved, aside);
	if (access(aside, F_OK) != 0)
		return true; /* was put back before */
	return copy_whole(aside, full) && unlink(aside) == 0;
}

static bool remove_state(struct journal *journal, const json_t *line)
{
	static const char *const places[] = { "", "/var/lib/private" };
	const char *path = action_text(line, "path"), *name = strrchr(path, '/');
	char full[PATH_MAX], place[PATH_MAX];

	for (size_t i = 0; name && i < 2; i++) {
		(void)snprintf(place, sizeof(place), "%s%s", places[i], i ? name : path);
		journal_path(journal, place, full);
		tree_remove(full);
		if (access(full, F_OK) == 0)
			return complain("%s is still there", full);
	}
	return true;
}

static bool restore_switch(struct journal *journal, const json_t *line)
{
	(void)journal;
	return file_set(action_text(line, "path"), action_text(line, "before"));
}

/* By then the files are as they were before. */
static bool restore_server(struct journal *journal, const json_t *line)
{
	const char *unit = action_text(line, "path");
	const bool active = *action_text(line, "active"), enabled = *action_text(line, "enabled");

	(void)journal;
	(void)process_run((const char *const[]){ "systemctl", "daemon-reload", NULL }, NULL, true);
	if (!enabled)
		(void)process_run(
			(const char *const[]){ "systemctl", "disable", unit, NULL }, NULL, true);
	if (active)
		return process_run((const char *const[]){ "systemctl", "reload-or-restart", unit,
					   NULL },
			       NULL, true) == 0 ||
		       complain("%s does not take its configuration: journalctl -u %s tells why",
			       unit, unit);
	(void)process_run((const char *const[]){ "systemctl", "stop", unit, NULL }, NULL, true);
	return true;
}

static bool detach(struct journal *journal, const json_t *line)
{
	const char *program = action_text(line, "path");

	(void)journal;
	return process_run((const char *const[]){ program, "--pin", PIN_FOLDER, "--detach", NULL },
		       NULL, true) == 0 ||
	       complain("%s --pin %s --detach fails: packet programs may still be attached",
		       program, PIN_FOLDER);
}

static bool stop_unit(struct journal *journal, const json_t *line)
{
	const char *unit = action_text(line, "path");

	(void)journal;
	(void)process_run(
		(const char *const[]){ "systemctl", "disable", "--now", unit, NULL }, NULL, true);
	/* One that was between two tries stays listed as failed, also without its file. */
	(void)process_run(
		(const char *const[]){ "systemctl", "-q", "reset-failed", unit, NULL }, NULL, true);
	return !ask_systemd("is-active", unit) || complain("%s does not end", unit);
}

static const struct {
	const char *kind, *words;
	bool (*undo)(struct journal *journal, const json_t *line);
} kinds[] = {
	{ "folder", "remove the folder", remove_folder },
	{ "file", "remove or put back", restore_file },
	{ "state", "remove, with all that is in it,", remove_state },
	{ "switch", "put back the switch", restore_switch },
	{ "unit", "stop and disable", stop_unit },
	{ "server", "have its configuration read again by", restore_server },
	{ "attached", "take what it attached off the interfaces, by", detach },
};
#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static size_t kind_of(const json_t *line)
{
	size_t i = 0;

	while (i < KIND_COUNT && strcmp(kinds[i].kind, action_text(line, "kind")) != 0)
		i++;
	return i;
}

/* The lines, oldest first. The last one may be cut: its change was not made. */
static json_t *read_lines(struct journal *journal)
{
	char path[PATH_MAX];
	json_t *lines = json_array();

	journal_own(journal, "journal", path);
	AUTO(file) FILE *file = fopen(path, "re");

	for (int i = 0; file && lines && i < LINE_MAX_COUNT; i++) {
		json_t *line = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL);

		if (!line)
			break;
		(void)json_array_append_new(lines, line);
	}
	return lines;
}

void journal_tell(struct journal *journal)
{
	AUTO(document) json_t *lines = read_lines(journal);

	for (size_t i = json_array_size(lines); i-- > 0;) {
		const json_t *line = json_array_get(lines, i);
		const size_t kind = kind_of(line);

		if (kind < KIND_COUNT)
			printf("  %s %s\n", kinds[kind].words, action_text(line, "path"));
	}
}

static bool remove_own(struct journal *journal, const json_t *lines)
{
	char path[PATH_MAX];
	json_t *line;
	size_t i;

	/* Folders of the journal's own go last, when it is empty itself. */
	journal_path(journal, JOURNAL_FOLDER, path);
	tree_remove(path);
	json_array_foreach((json_t *)(uintptr_t)lines, i, line)
	{
		const size_t at = json_array_size(lines) - 1 - i;
		const json_t *back = json_array_get(lines, at);

		if (strcmp(action_text(back, "kind"), "folder") == 0)
			(void)remove_folder(journal, back);
	}
	return access(path, F_OK) != 0 || complain("%s is still there", path);
}

bool journal_undo(struct journal *journal)
{
	AUTO(document) json_t *lines = read_lines(journal);
	bool good = true;

	for (size_t i = json_array_size(lines); i-- > 0;) {
		const json_t *line = json_array_get(lines, i);
		const size_t kind = kind_of(line);

		/* Folders when all else is gone: the journal's own are among them. */
		if (kind < KIND_COUNT && kinds[kind].undo != remove_folder)
			good = kinds[kind].undo(journal, line) && good;
	}
	return good && remove_own(journal, lines);
}
