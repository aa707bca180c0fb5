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
/* These only remember: what they name is done later, by this program or by hand. */
/* A folder that a unit will make; not when it is there. It goes with all that is in it. */
bool journal_later(struct journal *journal, const char *path);
/* A switch below /proc/sys, as it is now. */
bool journal_switch(struct journal *journal, const char *path);
/* A unit of ours, which is stopped and disabled. */
bool journal_unit(struct journal *journal, const char *unit);
/* A unit that was there before: whether it is enabled and runs. It is undone where it stands in the journal, so it comes before
 * the files that it reads. */
bool journal_server(struct journal *journal, const char *unit);
/* The agent's program, which takes away what it attached. */
bool journal_attached(struct journal *journal, const char *program);

/* Prints, in words, what undoing would take back. */
void journal_tell(struct journal *journal);
/* Takes everything back, newest first, and the journal with it. false: something is left; the journal is kept. */
bool journal_undo(struct journal *journal);

#endif
