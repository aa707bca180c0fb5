/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands that are one API call each: a row says which action, what its words and options become, and which columns of the
 * reply people see. views.def is the table, view.c does what it says.
 */
#ifndef CLI_VIEW_H
#define CLI_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#define VIEW_WORD_MAX	5
#define VIEW_OPTION_MAX 4
#define VIEW_COLUMN_MAX 10
#define VIEW_FIXED_MAX	11 /* names and values, and the NULL behind them */

/* What a word on the command line becomes. */
struct view_word {
	const char *name;      /* for the usage; capitals. NULL: no more words */
	const char *parameter; /* of the action; "%zu" in it counts the words of one that repeats */
	const char *form; /* "%s" in it stands for the word, as in JSON; NULL: the word alone */
	bool optional, repeats;
	bool secret; /* not a word at all: it is asked for, since command lines are seen by others */
	bool instance; /* an id, or an address that belongs to one */
	const char *choices;
};
/* --name VALUE */
struct view_option {
	const char *name,
		*value; /* value NULL: a switch, which gives "fallback" when it is there */
	const char *
		parameter; /* NULL: code is sent in Parameter.N.Code, the value in Parameter.N.Value */
	const char *fallback; /* NULL: nothing is sent */
	const char *help;
	const char *code;
};
enum view_kind {
	VIEW_TEXT,    /* also of numbers and booleans; of lists, all with commas */
	VIEW_NUMBER,  /* to the right, three digits: 1.2k */
	VIEW_TIME_MS, /* UNIX time in ms, as UTC */
	VIEW_TIME_S,
	VIEW_LEFT_MS, /* from now to that time: "29 d", "expired 3 d ago" */
	VIEW_CHOICE   /* by names: "1=normal 2=expired" */
};
struct view_column {
	const char *title;
	const char *path; /* members, with dots; "#" after the last: how many there are */
	enum view_kind kind;
	const char *names;
};
struct view {
	const char *name, *summary;
	const char *version, *action;
	struct view_word word[VIEW_WORD_MAX];
	struct view_option option[VIEW_OPTION_MAX];
	const char *fixed[VIEW_FIXED_MAX]; /* parameters that are always sent */
	const char *page_size;		   /* of lists that come in pages; NULL: whole */
	const char *list;		   /* path of the rows; NULL: the reply is one row */
	struct view_column column[VIEW_COLUMN_MAX];
	const char *empty; /* sentence when there are no rows */
	const char *done;  /* sentence after a change */
	const char *stops; /* what this ends: the first word has to be typed again */
};

extern const struct view views[]; /* ends with a NULL name */
const struct view *view_find(const char *name);
int view_command(int argc, char **argv);
void view_print_all(void);
/* "INSTANCE [SOURCE]" into out. */
void view_usage(const struct view *view, char *out, size_t size);

#endif
