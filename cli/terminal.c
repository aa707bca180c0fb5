/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is printed may have been written by anybody who sends a request: it is taken apart into
 * characters, and those that would drive the terminal are '?'. The bar draws over its own line, so
 * who prints takes it away first.
 */
#include "cli/terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#define BAR_CELLS 24

static bool progress_drawn;

const char *colour(enum colour wanted)
{
	static const char *const sequence[COLOUR_COUNT] = {
		[COLOUR_PLAIN] = "\033[0m",
		[COLOUR_BOLD] = "\033[1m",
		[COLOUR_DIM] = "\033[2m",
		[COLOUR_GOOD] = "\033[32m",
		[COLOUR_CARE] = "\033[33m",
		[COLOUR_BAD] = "\033[31m",
	};
	static int coloured = -1;

	if (coloured < 0) {
		const char *refused = getenv("NO_COLOR"), *term = getenv("TERM");

		coloured = isatty(STDOUT_FILENO) && !(refused && *refused) &&
			   !(term && strcmp(term, "dumb") == 0);
	}
	return coloured ? sequence[wanted] : "";
}

/* One character of text and its length in bytes; a byte that begins none, and what would drive the terminal, is '?'. */
static size_t next_character(const char *text, mbstate_t *state, wchar_t *out)
{
	const size_t length = mbrtowc(out, text, strlen(text), state);

	if (length == (size_t)-1 || length == (size_t)-2 || length == 0) {
		memset(state, 0, sizeof(*state));
		*out = L'?';
		return 1;
	}
	if (iswcntrl((wint_t)*out) || wcwidth(*out) < 0)
		*out = L'?';
	return length;
}

int text_columns(const char *text)
{
	mbstate_t state = { 0 };
	int columns = 0;
	wchar_t wide;

	while (*text) {
		text += next_character(text, &state, &wide);
		columns += wcwidth(wide);
	}
	return columns;
}

void text_shown(const char *text)
{
	mbstate_t state = { 0 };
	wchar_t wide;

	while (*text) {
		const size_t length = next_character(text, &state, &wide);

		if (wide == L'?')
			putchar('?');
		else
			(void)fwrite(text, 1, length, stdout);
		text += length;
	}
}

void progress(int64_t part, int64_t all, const char *format, ...)
{
	char bar[BAR_CELLS + 1];
	int filled;
	va_list list;

	if (!isatty(STDERR_FILENO))
		return;
	if (all < 1)
		all = 1;
	filled = (int)((part > all ? all : part) * BAR_CELLS / all);
	memset(bar, '.', BAR_CELLS);
	memset(bar, '#', (size_t)filled);
	bar[BAR_CELLS] = '\0';
	(void)fprintf(stderr, "\r\033[K[%s] ", bar);
	va_start(list, format);
	(void)vfprintf(stderr, format, list);
	va_end(list);
	(void)fflush(stderr);
	progress_drawn = true;
}

void progress_end(void)
{
	if (progress_drawn)
		fputs("\r\033[K", stderr);
	progress_drawn = false;
}

bool can_ask(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

bool ask(const char *question, const char *fallback, char out[ANSWER_SIZE])
{
	size_t length;
	char *from;

	printf("%s%s%s%s%s%s: ", colour(COLOUR_BOLD), question, colour(COLOUR_PLAIN),
		*fallback ? " [" : "", fallback, *fallback ? "]" : "");
	(void)fflush(stdout);
	if (!fgets(out, ANSWER_SIZE, stdin)) {
		putchar('\n');
		return false;
	}
	from = out + strspn(out, " \t");
	length = strcspn(from, "\r\n");
	while (length && strchr(" \t", from[length - 1]))
		length--;
	memmove(out, from, length);
	out[length] = '\0';
	if (!length)
		(void)snprintf(out, ANSWER_SIZE, "%s", fallback);
	return true;
}

/* Without an echo. false: the input has ended. */
static bool read_hidden(const char *question, char out[ANSWER_SIZE])
{
	struct termios before, hidden;
	const bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
	bool got;

	if (terminal) {
		hidden = before;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		(void)fprintf(stderr, "%s: ", question);
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	}
	got = fgets(out, ANSWER_SIZE, stdin) != NULL;
	if (terminal) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		(void)fputc('\n', stderr);
	}
	out[got ? strcspn(out, "\r\n") : 0] = '\0';
	return got;
}

bool ask_secret(const char *question, char out[ANSWER_SIZE])
{
	char again[ANSWER_SIZE], repeat[ANSWER_SIZE];
	bool same;

	if (!read_hidden(question, out))
		return false;
	if (!isatty(STDIN_FILENO))
		return true;
	(void)snprintf(repeat, sizeof(repeat), "%s, again", question);
	same = read_hidden(repeat, again) && strcmp(out, again) == 0;
	explicit_bzero(again, sizeof(again));
	if (!same)
		fputs("polder: they differ: nothing was done\n", stderr);
	return same;
}

bool ask_yes(const char *question)
{
	char answer[ANSWER_SIZE], full[ANSWER_SIZE];

	(void)snprintf(full, sizeof(full), "%s [y/N]", question);
	return ask(full, "", answer) &&
	       (strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0);
}
