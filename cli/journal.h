/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an installation changed, written down before each change, so that all of it can be taken back: also when it failed or was
 * killed half-way. Paths are those of the machine; the root is put before them.
 */
#ifndef CLI_JOURNAL_H
#define CLI_JOURNAL_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/arena.h"

#define JOURNAL_FOLDER "/var/lib/polder-init" /* the journal, and files that were there before */

struct journal {
	struct arena *mem;
	const char *root; /* "": the machine itself */
	FILE *file;
	int saved; /* files put aside so far */
};

/* The path below the root. */
void journal_path(const struct journal *journal, const char *path, char out[PATH_MAX]);
/* Whether there is a journal: something was installed and not taken back. */
bool journal_exists(const struct journal *journal);
bool journal_begin(struct journal *journal);
void journal_end(struct journal *journal);

/* Each writes its line, then does it. false: said why. */
bool journal_folder(
	struct journal *journal, const char *path, mode_t mode); /* and those above it */
/* A file that is replaced is put aside, and comes back with its owner, mode and time. */
bool journal_file(struct journal *journal, const char *path, mode_t mode, const char *text);
/* A folder that goes with all that came into it later; also where systemd moves it (/var/lib/private). */
bool journal_state(struct journal *journal, const char *path, mode_t mode);
/* Sets a switch below /proc/sys. */
bool journal_switch(struct journal *journal, const char *path, const char *value);
/* Enables and starts a unit. */
bool journal_unit(struct journal *journal, const char *unit);

/* Prints, in words, what undoing would take back. */
void journal_tell(struct journal *journal);
/* Takes everything back, newest first, and the journal with it. false: something is left; the journal is kept. */
bool journal_undo(struct journal *journal);

#endif
