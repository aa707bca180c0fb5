/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * polder events: what happened to instances, oldest first. Events are numbered: each call asks for those behind the last number
 * that was seen, so none is missed and none told twice. Following, it begins with the newest ones, asks again twice a second, and
 * goes on when the service was away: it says so once.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/live.h"
#include "cli/terminal.h"

#define PAGE	    100
#define PAGE_TEXT   "100"
#define BEAT_NS	    500000000
#define REPLAY_TEXT "10" /* following, so many of what was before are shown */
#define SUBJECT_MAX 80

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

struct events {
	struct arena *mem; /* of one page */
	struct live_options live;
	char instance[SUBJECT_MAX]; /* "": all */
	int64_t after;
	bool follow, json;
};

/* How a kind is shown: its first word that a row names. */
static const struct {
	const char *part;
	enum colour colour;
} tints[] = {
	{ "ended", COLOUR_GOOD },
	{ "renewed", COLOUR_GOOD },
	{ "issued", COLOUR_GOOD },
	{ "attack", COLOUR_BAD },
	{ "blackhole", COLOUR_BAD },
	{ "exceeded", COLOUR_BAD },
	{ "failed", COLOUR_BAD },
	{ "limit", COLOUR_CARE },
	{ "expire", COLOUR_CARE },
	{ "released", COLOUR_CARE },
	{ "", COLOUR_PLAIN },
};

static const char *tint(const char *kind)
{
	size_t i = 0;

	while (!strstr(kind, tints[i].part))
		i++;
	return colour(tints[i].colour);
}

/* Whole numbers of this size are moments in details: 2001 to 2128, in ms. */
#define MOMENT_MIN INT64_C(1000000000000)
#define MOMENT_MAX INT64_C(5000000000000)

static void print_value(const json_t *value)
{
	const int64_t number = json_integer_value(value);
	char at[CLOCK_ISO_SIZE];

	if (json_is_string(value)) {
		text_shown(json_string_value(value));
	} else if (number >= MOMENT_MIN && number < MOMENT_MAX) {
		clock_format_iso(number, at);
		fputs(at, stdout);
	} else {
		(void)json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_COMPACT);
	}
}

/* {"expireTime":1} as "expireTime 1"; what is no object, as it came. */
static void print_detail(const char *detail)
{
	json_t *object = json_loads(detail, 0, NULL), *value;
	const char *name;

	if (!json_is_object(object))
		text_shown(detail);
	else
		json_object_foreach(object, name, value)
		{
			printf(" %s ", name);
			print_value(value);
		}
	json_decref(object);
}

static void print_event(const struct events *events, const json_t *row)
{
	const char *kind = live_text(row, "Kind");
	char at[CLOCK_ISO_SIZE];

	if (events->json) {
		(void)json_dumpf(row, stdout, JSON_COMPACT);
		putchar('\n');
		return;
	}
	clock_format_iso(live_int(row, "Time"), at);
	printf("%s  %-24s %s", at, live_text(row, "InstanceId"), tint(kind));
	text_shown(kind);
	printf("%s ", colour(COLOUR_PLAIN));
	print_detail(live_text(row, "Detail"));
	putchar('\n');
}

/* One page behind events->after. NULL: failed, why (in events->mem) says it. */
static json_t *fetch_page(struct events *events, const char **why)
{
	const char *after = arena_print(events->mem, "%" PRId64, events->after);
	const bool one = events->instance[0] != '\0';

	*why = "memory is out";
	return after ? request_json(events->mem, &events->live.endpoint, why, VERSION_OWN,
			       "DescribeEvents",
			       (const char *const[]){ "AfterNumber", after, "PageSize", PAGE_TEXT,
				       one ? "InstanceId" : NULL, events->instance, NULL })
		     : NULL;
}

/* Prints the newest events there are, oldest first. false: failed. */
static bool print_newest(struct events *events, const char **why)
{
	const bool one = events->instance[0] != '\0';
	json_t *reply = request_json(events->mem, &events->live.endpoint, why, VERSION_OWN,
		"DescribeEvents",
		(const char *const[]){ "NewestFirst", "true", "PageSize", REPLAY_TEXT,
			one ? "InstanceId" : NULL, events->instance, NULL });
	const json_t *list = json_object_get(reply, "Events");

	for (size_t i = json_array_size(list); i-- > 0;) {
		const json_t *row = json_array_get(list, i);

		print_event(events, row);
		events->after = live_int(row, "Number");
	}
	json_decref(reply);
	(void)fflush(stdout);
	return reply != NULL;
}

/* Prints all events there are behind the last one that was seen. false: failed. */
static bool print_new(struct events *events, const char **why)
{
	bool more = true;

	while (more && !interrupted) {
		json_t *reply, *list, *row;
		size_t i;

		arena_reset(events->mem);
		reply = fetch_page(events, why);
		if (!reply)
			break;
		list = json_object_get(reply, "Events");
		more = json_array_size(list) == PAGE;
		events->after = live_int(reply, "NextNumber");
		json_array_foreach(list, i, row) print_event(events, row);
		json_decref(reply);
	}
	(void)fflush(stdout);
	return !more || interrupted;
}

static bool run(struct events *events)
{
	const struct timespec beat = { .tv_nsec = BEAT_NS };
	bool away = false, first = events->follow;
	const char *why;

	for (;;) {
		const bool good = first ? print_newest(events, &why) : print_new(events, &why);

		if (ferror(stdout))
			return false;
		if (!good && (!events->follow || first))
			return complain("%s", why);
		if (!good && !away)
			complain("%s; trying again", why);
		away = !good;
		first = false;
		if (!events->follow || interrupted)
			return true;
		(void)nanosleep(&beat, NULL);
	}
}

/* Takes --follow out of the arguments; the rest is as of the other live commands. */
static bool read_arguments(struct events *events, struct arena *kept, int argc, char **argv)
{
	const char *instance = NULL;
	int count = 0;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--follow") == 0 || strcmp(argv[i], "-f") == 0)
			events->follow = true;
		else
			argv[count++] = argv[i];
	}
	if (!live_options(kept, count, argv, 1, "j", &events->live))
		return false;
	events->json = events->live.json;
	if (!events->live.subject[0])
		return true;
	instance = live_instance(kept, &events->live, events->live.subject[0]);
	if (!instance)
		return false;
	if (strlen(instance) >= sizeof(events->instance))
		return complain("no instance has so long a name");
	(void)snprintf(events->instance, sizeof(events->instance), "%s", instance);
	return true;
}

int events_command(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = interrupt };
	struct events events = { .mem = arena_new(LIVE_MEMORY_MAX) };
	struct arena *kept = arena_new(LIVE_MEMORY_MAX);
	int status = STATUS_USAGE;

	if (events.mem && kept && read_arguments(&events, kept, argc, argv)) {
		(void)sigaction(SIGINT, &action, NULL);
		(void)sigaction(SIGTERM, &action, NULL);
		status = run(&events) ? STATUS_DONE : STATUS_FAILED;
	}
	arena_free(kept);
	arena_free(events.mem);
	return status;
}
