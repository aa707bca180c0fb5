/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does what a row of views[] says: words and options become parameters, --Name value goes through as it is, so that nothing of
 * the action is out of reach; pages are fetched until all rows are there; the reply is shown as a table, or whole with --json.
 *
 * A row that stops traffic asks for the name to be typed again, and shows what arrives there now. Without a terminal it wants
 * --yes: a script has to say so.
 */
#include "cli/view.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/live.h"
#include "cli/listing.h"
#include "cli/terminal.h"

#define PAGE_MAX	1000 /* of one list: 50,000 instances */
#define GUARD_MS	(60 * SECOND_MS)
#define WORDS_GIVEN_MAX 32
#define PARAMETER_MAX	160 /* names and values of one command line */

DEFINE_AUTO(document, json_t *, json_decref);

struct request {
	struct arena *mem;
	const struct view *view;
	struct live_options live; /* the endpoint */
	const char *word[WORDS_GIVEN_MAX];
	size_t word_count;
	const char *option[VIEW_OPTION_MAX]; /* as given; NULL: not */
	const char *parameter[PARAMETER_MAX + 1];
	size_t parameter_count;
	bool json, names, yes;
};

const struct view *view_find(const char *name)
{
	for (const struct view *view = views; view->name; view++)
		if (strcmp(view->name, name) == 0)
			return view;
	return NULL;
}

void view_usage(const struct view *view, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < VIEW_WORD_MAX && view->word[i].name && used < size; i++) {
		const struct view_word *word = &view->word[i];

		if (word->secret)
			continue;
		used += (size_t)snprintf(out + used, size - used, "%s%s%s%s%s", i ? " " : "",
			word->optional ? "[" : "", word->name, word->repeats ? " ..." : "",
			word->optional ? "]" : "");
	}
}

void view_print_all(void)
{
	char usage[120];

	for (const struct view *view = views; view->name; view++) {
		view_usage(view, usage, sizeof(usage));
		printf("  %-11s %s%s%s\n", view->name, usage, *usage ? ": " : "", view->summary);
	}
}

static int print_help(const struct view *view)
{
	char usage[120], shown[64];

	view_usage(view, usage, sizeof(usage));
	printf("usage: polder %s%s%s [options]\n%s (%s)\n\n", view->name, *usage ? " " : "", usage,
		view->summary, view->action);
	for (size_t i = 0; i < VIEW_OPTION_MAX && view->option[i].name; i++) {
		const struct view_option *option = &view->option[i];

		(void)snprintf(shown, sizeof(shown), "%s%s%s", option->name,
			option->value ? " " : "", option->value ? option->value : "");
		printf("  --%-18s %s\n", shown, option->help);
	}
	if (view->stops)
		printf("  --%-18s do not ask\n", "yes");
	printf("  --%-18s the reply as JSON\n", "json");
	if (view->list)
		printf("  --%-18s the first column alone\n", "names");
	printf("  --%-18s any parameter of %s\n", "Name VALUE", view->action);
	endpoint_usage();
	return STATUS_DONE;
}

/* ---- arguments */

static bool add_parameter(struct request *request, const char *name, const char *value)
{
	if (!name || !value || request->parameter_count + 2 > PARAMETER_MAX)
		return complain("too many parameters");
	request->parameter[request->parameter_count++] = name;
	request->parameter[request->parameter_count++] = value;
	return true;
}

/* --name of the row. found: it was one. */
static bool take_option(struct request *request, int argc, char **argv, int *at, bool *found)
{
	*found = true;
	for (size_t i = 0; i < VIEW_OPTION_MAX && request->view->option[i].name; i++) {
		const struct view_option *option = &request->view->option[i];
		bool missing = false;
		const char *value;

		if (!option->value) {
			if (strcmp(argv[*at] + 2, option->name) != 0)
				continue;
			request->option[i] = option->fallback;
			return true;
		}
		value = option_value(argc, argv, at, option->name, &missing);
		if (missing)
			return complain("--%s needs a value", option->name);
		if (!value)
			continue;
		request->option[i] = value;
		return true;
	}
	*found = false;
	return true;
}

static bool take_parameter(struct request *request, int argc, char **argv, int *at)
{
	const char *name = argv[*at] + 2, *equals = strchr(name, '=');

	if (!isupper((unsigned char)*name))
		return complain("unknown option --%s; `polder %s --help` lists them", name,
			request->view->name);
	if (equals)
		return add_parameter(request,
			arena_copy_n(request->mem, name, (size_t)(equals - name)), equals + 1);
	if (*at + 1 >= argc)
		return complain("--%s needs a value", name);
	return add_parameter(request, name, argv[++*at]);
}

static bool take_argument(
	struct request *request, struct endpoint_options *endpoint, int argc, char **argv, int *at)
{
	const char *argument = argv[*at];
	bool missing = false, found;

	if (endpoint_option(argc, argv, at, endpoint, &missing))
		return !missing || complain("%s needs a value", argument);
	if (strncmp(argument, "--", 2) != 0) {
		if (request->word_count == WORDS_GIVEN_MAX)
			return complain("too many words");
		request->word[request->word_count++] = argument;
		return true;
	}
	if (strcmp(argument, "--json") == 0)
		return request->json = true;
	if (strcmp(argument, "--names") == 0 && request->view->list)
		return request->names = true;
	if (strcmp(argument, "--yes") == 0 && request->view->stops)
		return request->yes = true;
	if (!take_option(request, argc, argv, at, &found))
		return false;
	return found || take_parameter(request, argc, argv, at);
}

/* ---- words and options become parameters */

static bool is_choice(const char *choices, const char *word)
{
	const size_t length = strlen(word);

	for (const char *at = choices; (at = strstr(at, word)) != NULL && length; at++)
		if ((at == choices || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
			return true;
	return false;
}

/* The word where "%s" stands in form, as JSON text. */
static const char *formed(struct arena *mem, const char *form, const char *word)
{
	const char *hole = strstr(form, "%s");
	json_t *text = json_string(word);
	char *quoted = text ? json_dumps(text, JSON_ENCODE_ANY) : NULL;
	const char *out = NULL;

	if (quoted)
		out = arena_print(
			mem, "%.*s%s%s", (int)(hole - form), form, quoted, hole + strlen("%s"));
	free(quoted);
	json_decref(text);
	return out;
}

static bool add_word(
	struct request *request, const struct view_word *row, const char *word, size_t number)
{
	const char *name = row->parameter, *value = word;

	if (row->choices && !is_choice(row->choices, word))
		return complain("%s is \"%s\": not one of %s", row->name, word, row->choices);
	if (row->instance)
		value = live_instance(request->mem, &request->live, word);
	else if (row->form)
		value = formed(request->mem, row->form, word);
	if (!value)
		return row->instance ? false : complain("%s \"%s\" is no text", row->name, word);
	if (row->repeats)
		name = arena_print(request->mem, "%.*s%zu", (int)strcspn(name, "%"), name, number);
	return add_parameter(request, name, value);
}

static bool add_secret(struct request *request, const struct view_word *row)
{
	char secret[ANSWER_SIZE];
	const char *copy;

	if (!ask_secret(row->name, secret))
		return false;
	copy = arena_copy(request->mem, secret);
	explicit_bzero(secret, sizeof(secret));
	return add_parameter(request, row->parameter, copy);
}

static bool add_words(struct request *request)
{
	const struct view_word *row = request->view->word;
	size_t used = 0, i = 0;

	for (; i < VIEW_WORD_MAX && row[i].name && !row[i].secret && used < request->word_count;
		i++) {
		size_t number = 0;

		do {
			if (!add_word(request, &row[i], request->word[used++], ++number))
				return false;
		} while (row[i].repeats && used < request->word_count);
	}
	if (used < request->word_count)
		return complain("unexpected argument \"%s\"", request->word[used]);
	if (i < VIEW_WORD_MAX && row[i].name && row[i].secret && i > 0 && used == i)
		return add_secret(request, &row[i]);
	if (i < VIEW_WORD_MAX && row[i].name && !row[i].optional)
		return complain("%s is missing; `polder %s --help` shows the usage", row[i].name,
			request->view->name);
	return true;
}

/* An option of an order: its code and its value are two parameters. */
static bool add_coded(struct request *request, const char *code, const char *value, int number)
{
	return add_parameter(
		       request, arena_print(request->mem, "Parameter.%d.Code", number), code) &&
	       add_parameter(
		       request, arena_print(request->mem, "Parameter.%d.Value", number), value);
}

static bool add_options(struct request *request)
{
	int coded = 0;

	for (size_t i = 0; i < VIEW_OPTION_MAX && request->view->option[i].name; i++) {
		const struct view_option *option = &request->view->option[i];
		const char *value = request->option[i];

		if (!value && option->value)
			value = option->fallback;
		if (value && option->code && !add_coded(request, option->code, value, ++coded))
			return false;
		if (value && option->parameter && !add_parameter(request, option->parameter, value))
			return false;
	}
	for (const char *const *fixed = request->view->fixed; *fixed; fixed += 2)
		if (!add_parameter(request, fixed[0], fixed[1]))
			return false;
	return true;
}

/* ---- the call */

static json_t *at_path(const json_t *object, const char *path)
{
	const json_t *found = object;

	while (found && *path) {
		const size_t length = strcspn(path, ".");
		char member[64];

		if (strcmp(path, "#") == 0)
			break;
		(void)snprintf(member, sizeof(member), "%.*s", (int)length, path);
		found = json_object_get(found, member);
		path += length + (path[length] == '.');
	}
	return (json_t *)(uintptr_t)found;
}

static json_t *send_call(struct request *request)
{
	const struct view *view = request->view;
	const char *why;
	json_t *reply;

	request->parameter[request->parameter_count] = NULL;
	reply = request_json(request->mem, &request->live.endpoint, &why, view->version,
		view->action, request->parameter);
	if (!reply)
		complain("%s", why);
	return reply;
}

/* All pages in one document: the lists of later pages are added to the first. */
static json_t *fetch(struct request *request)
{
	const size_t at = request->parameter_count;
	json_t *all = NULL;

	if (!request->view->page_size)
		return send_call(request);
	for (int page = 1; page <= PAGE_MAX; page++) {
		const char *number = arena_print(request->mem, "%d", page);
		json_t *reply, *list;
		size_t count;

		request->parameter_count = at;
		if (!add_parameter(request, "PageNumber", number) ||
			!add_parameter(request, "PageSize", request->view->page_size))
			break;
		reply = send_call(request);
		if (!reply)
			break;
		list = at_path(reply, request->view->list);
		count = json_array_size(list);
		if (all)
			(void)json_array_extend(at_path(all, request->view->list), list);
		else
			all = json_incref(reply);
		json_decref(reply);
		if (count < (size_t)strtoul(request->view->page_size, NULL, 10))
			return all;
	}
	json_decref(all);
	return NULL;
}

/* ---- columns */

static const char *scalar(struct arena *mem, const json_t *value)
{
	const char *text = json_string_value(value);

	if (text)
		return text;
	if (json_is_integer(value))
		return arena_print(mem, "%" PRId64, (int64_t)json_integer_value(value));
	if (json_is_boolean(value))
		return json_is_true(value) ? "true" : "false";
	return "";
}

/* A value in one line; of an object its own values, as "http 8080". */
static const char *line(struct arena *mem, json_t *value, int depth)
{
	const bool list = json_is_array(value);
	const char *out = "", *name;
	json_t *item;
	size_t i;

	if (depth > 3 || (!list && !json_is_object(value)))
		return scalar(mem, value);
	if (list)
		json_array_foreach(value, i, item)
		{
			const char *text = line(mem, item, depth + 1);

			out = arena_print(mem, "%s%s%s", out, *out ? "," : "", text ? text : "");
			if (!out)
				return "";
		}
	else
		json_object_foreach(value, name, item)
		{
			const char *text = line(mem, item, depth + 1);

			out = arena_print(mem, "%s%s%s", out, *out ? " " : "", text ? text : "");
			if (!out)
				return "";
		}
	return out;
}

static const char *moment(struct arena *mem, int64_t ms)
{
	char text[CLOCK_ISO_SIZE];

	if (ms <= 0)
		return "-";
	clock_format_iso(ms, text);
	return arena_copy(mem, text);
}

static const char *span(struct arena *mem, int64_t ms)
{
	const int64_t left = ms - clock_utc_ms(), size = left < 0 ? -left : left;
	const bool days = size >= 2 * DAY_MS;

	if (ms <= 0)
		return "-";
	return arena_print(mem, "%s%" PRId64 " %s%s", left < 0 ? "over " : "",
		size / (days ? DAY_MS : HOUR_MS), days ? "d" : "h", left < 0 ? " ago" : "");
}

/* "2=expired" of names, for the value 2. */
static const char *named(struct arena *mem, const char *names, const char *value)
{
	const size_t length = strlen(value);

	for (const char *at = names; *at; at += strcspn(at, " "), at += strspn(at, " "))
		if (strncmp(at, value, length) == 0 && at[length] == '=')
			return arena_copy_n(mem, at + length + 1, strcspn(at + length + 1, " "));
	return value;
}

static const char *cell(struct arena *mem, const json_t *row, const struct view_column *column)
{
	json_t *value = at_path(row, column->path);
	const int64_t number = json_integer_value(value);
	char text[LIVE_NUMBER_SIZE];
	const char *out = "";

	switch (column->kind) {
	case VIEW_TEXT:
		out = line(mem, value, 0);
		break;
	case VIEW_NUMBER:
		out = arena_copy(
			mem, live_number(json_is_array(value) ? (double)json_array_size(value)
							      : (double)number,
				     text));
		break;
	case VIEW_TIME_MS:
		out = moment(mem, number);
		break;
	case VIEW_TIME_S:
		out = moment(mem, number * SECOND_MS);
		break;
	case VIEW_LEFT_MS:
		out = span(mem, number);
		break;
	case VIEW_CHOICE:
		out = named(mem, column->names, scalar(mem, value));
		break;
	}
	return out ? out : "";
}

static size_t column_count(const struct view *view)
{
	size_t count = 0;

	while (count < VIEW_COLUMN_MAX && view->column[count].title)
		count++;
	return count;
}

static bool print_rows(struct request *request, const json_t *list)
{
	const struct view *view = request->view;
	const size_t columns = column_count(view);
	struct listing listing;
	size_t i;
	json_t *item;

	listing_init(&listing, request->mem);
	for (size_t c = 0; c < columns; c++)
		listing_column(
			&listing, view->column[c].title, view->column[c].kind == VIEW_NUMBER);
	json_array_foreach((json_t *)(uintptr_t)list, i, item)
	{
		struct listing_row *row = listing_add(&listing);

		if (!row)
			return complain("memory is out");
		for (size_t c = 0; c < columns; c++)
			row->cell[c] = cell(request->mem, item, &view->column[c]);
		if (request->names)
			printf("%s\n", row->cell[0]);
	}
	if (request->names)
		return true;
	if (listing.count == 0 && view->empty)
		printf("%s\n", view->empty);
	else
		listing_print(&listing);
	return true;
}

static bool print_reply(struct request *request, const json_t *reply)
{
	const struct view *view = request->view;

	if (request->json) {
		(void)json_dumpf(reply, stdout, JSON_INDENT(1));
		putchar('\n');
		return true;
	}
	if (view->list)
		return print_rows(request, at_path(reply, view->list));
	for (size_t c = 0; c < column_count(view); c++) {
		printf("%-12s ", view->column[c].title);
		text_shown(cell(request->mem, reply, &view->column[c]));
		putchar('\n');
	}
	if (view->done && column_count(view) == 0)
		printf("%s\n", view->done);
	return true;
}

/* ---- the guard */

/* What arrives at the instance that a word names. */
static void print_traffic(struct request *request, const char *instance)
{
	const char *const parameters[] = { "InstanceId", instance, NULL };
	json_t *totals = live_call(request->mem, &request->live, "DescribeTraffic", parameters);
	json_t *rates = live_call(request->mem, &request->live, "DescribeReasons", parameters);
	const int64_t age_ms = clock_utc_ms() - live_int(totals, "LastPacketTime");
	char now[LIVE_NUMBER_SIZE];

	if (totals && rates && age_ms < GUARD_MS)
		printf("%sPackets came in the last 60 s: the last one %" PRId64
		       " s ago, %s a second now.%s\n",
			colour(COLOUR_CARE), age_ms / SECOND_MS,
			live_number((double)live_int(rates, "InPacketsPerSecond"), now),
			colour(COLOUR_PLAIN));
	else if (totals && rates)
		printf("No packet came in the last 60 s.\n");
	json_decref(rates);
	json_decref(totals);
}

static bool permitted(struct request *request)
{
	const struct view *view = request->view;
	char answer[ANSWER_SIZE];

	if (!view->stops || request->yes)
		return true;
	if (!can_ask())
		return complain("this ends %s: say --yes, or do it at a terminal", view->stops);
	if (view->word[0].instance)
		print_traffic(request, request->parameter[1]);
	printf("This ends %s%s%s.\n", colour(COLOUR_BAD), view->stops, colour(COLOUR_PLAIN));
	if (ask("Type the name again to go on", "", answer) &&
		strcmp(answer, request->parameter[1]) == 0)
		return true;
	return complain("that is not %s: nothing was done", request->parameter[1]);
}

int view_command(int argc, char **argv)
{
	struct request request = { .mem = arena_new(LIVE_MEMORY_MAX), .view = view_find(argv[0]) };
	struct endpoint_options endpoint = { 0 };
	AUTO(document) json_t *reply = NULL;
	int status = STATUS_USAGE;

	if (!request.mem || !request.view)
		goto out;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			status = print_help(request.view);
			goto out;
		}
		if (!take_argument(&request, &endpoint, argc, argv, &i))
			goto out;
	}
	if (!endpoint_find(request.mem, &endpoint, &request.live.endpoint))
		goto out;
	/* Words first: the guard reads the first parameter. What was given as --Name comes after. */
	const size_t given = request.parameter_count;
	const char *parameter[PARAMETER_MAX];

	memcpy(parameter, request.parameter, given * sizeof(parameter[0]));
	request.parameter_count = 0;
	if (!add_words(&request) || !add_options(&request))
		goto out;
	for (size_t i = 0; i < given; i += 2)
		if (!add_parameter(&request, parameter[i], parameter[i + 1]))
			goto out;
	status = STATUS_FAILED;
	if (permitted(&request))
		reply = fetch(&request);
	if (reply && print_reply(&request, reply))
		status = STATUS_DONE;
out:
	arena_free(request.mem);
	return status;
}
