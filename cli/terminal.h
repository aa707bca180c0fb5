/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the commands know of the terminal: colours, a progress bar, questions. Nothing of it reaches a pipe or a file: there
 * colours are empty and progress is silent.
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum colour {
	COLOUR_PLAIN, /* ends the others */
	COLOUR_BOLD,
	COLOUR_DIM,
	COLOUR_GOOD,
	COLOUR_CARE,
	COLOUR_BAD,
	COLOUR_COUNT
};
/* The sequence for standard output: empty when that is no terminal, TERM is "dumb", or NO_COLOR is set and not empty. */
const char *colour(enum colour colour);

/* Columns that text takes; control characters and broken UTF-8 take one (see text_shown). */
int text_columns(const char *text);
/* Prints text with control characters as '?', so that what others wrote cannot drive the terminal. */
void text_shown(const char *text);

/* A bar on standard error: so much of all, and what is done now. Nothing when that is no terminal. */
void progress(int64_t part, int64_t all, const char *format, ...) PRINTF(3, 4);
void progress_end(void); /* takes the bar away */

/* Whether there is somebody to ask: standard input and output are a terminal. */
bool can_ask(void);
#define ANSWER_SIZE 512
/* Prints the question, with the fallback in brackets ("" for none), and reads a line without its blanks; an empty one is the
 * fallback. false: the input has ended. */
bool ask(const char *question, const char *fallback, char out[ANSWER_SIZE]);
/* Reads a line that is not shown, twice, and says when they differ; from what is no terminal one line is read, once. */
bool ask_secret(const char *question, char out[ANSWER_SIZE]);
/* "... [y/N]": only y and yes are true. */
bool ask_yes(const char *question);

#endif
