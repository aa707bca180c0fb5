/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * polder top: where packets go and why they end, each second. Without a name the busiest addresses, each
 * with the reasons its packets ended by; with one, all reasons of that instance, also of mitigations that only
 * watch. A terminal is drawn over, anything else gets one block after the other, and --json one object to
 * a line.
 *
 * polder watch: what mitigations in mode watch would have dropped since the nodes' counters began.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/live.h"

#define REASONS_SHOWN 4 /* of each address, in the overview */

struct screen {
	bool drawn;  /* a terminal: over what was there */
	bool colour; /* and the user did not say NO_COLOR */
};

static const char *bold(const struct screen *screen)
{
	return screen->colour ? "\033[1m" : "";
}

static const char *plain(const struct screen *screen)
{
	return screen->colour ? "\033[0m" : "";
}

static const char *number(
	const json_t *object, const char *member, int times, char out[LIVE_NUMBER_SIZE])
{
	return live_number((double)live_int(object, member) * times, out);
}

/* ---- reasons of one instance */

static json_t *fetch_reasons(
	struct arena *mem, const struct live_options *options, const char *instance)
{
	return live_call(mem, options, "DescribeReasons",
		(const char *const[]){ "InstanceId", instance, NULL });
}

static int by_rate(const void *left, const void *right)
{
	const json_t *a = *(const json_t *const *)left, *b = *(const json_t *const *)right;
	int64_t x = live_int(a, "PacketsPerSecond") + live_int(a, "WatchedPacketsPerSecond");
	int64_t y = live_int(b, "PacketsPerSecond") + live_int(b, "WatchedPacketsPerSecond");

	return x == y ? 0 : x < y ? 1 : -1;
}

/* The reasons, most frequent first; in mem, borrowed from reply. */
static const json_t **sorted_reasons(struct arena *mem, const json_t *reply, size_t *count)
{
	const json_t *list = json_object_get(reply, "Reasons");
	const json_t **rows;

	*count = json_array_size(list);
	rows = arena_array(mem, *count + 1, sizeof(const json_t *));
	if (!rows) {
		*count = 0;
		return NULL;
	}
	for (size_t i = 0; i < *count; i++)
		rows[i] = json_array_get(list, i);
	qsort(rows, *count, sizeof(const json_t *), by_rate);
	return rows;
}

static void print_reason(const json_t *row)
{
	char pps[LIVE_NUMBER_SIZE], bps[LIVE_NUMBER_SIZE], total[LIVE_NUMBER_SIZE];
	char watched[LIVE_NUMBER_SIZE], all[LIVE_NUMBER_SIZE];

	printf("  %-20s %8s %8s %9s %10s %9s  %s\n", live_text(row, "Name"),
		number(row, "PacketsPerSecond", 1, pps), number(row, "BytesPerSecond", 8, bps),
		number(row, "Packets", 1, total),
		number(row, "WatchedPacketsPerSecond", 1, watched),
		number(row, "WatchedPackets", 1, all), live_text(row, "Text"));
}

static void print_instance(struct arena *mem, const struct screen *screen, const json_t *reply)
{
	char in[LIVE_NUMBER_SIZE], bits[LIVE_NUMBER_SIZE], dropped[LIVE_NUMBER_SIZE],
		out[LIVE_NUMBER_SIZE];
	size_t count;
	const json_t **rows = sorted_reasons(mem, reply, &count);

	printf("%s%s%s  in %s pps %sbps   dropped %s pps   out %s pps\n", bold(screen),
		live_text(reply, "InstanceId"), plain(screen),
		number(reply, "InPacketsPerSecond", 1, in),
		number(reply, "InBytesPerSecond", 8, bits),
		number(reply, "DroppedPacketsPerSecond", 1, dropped),
		number(reply, "OutPacketsPerSecond", 1, out));
	printf("  %-20s %8s %8s %9s %10s %9s\n", "DROPPED BY", "pps", "bps", "packets", "watch pps",
		"watched");
	for (size_t i = 0; i < count; i++)
		print_reason(rows[i]);
	if (count == 0)
		printf("  nothing was dropped\n");
}

/* ---- the busiest addresses */

static void print_busy(const json_t *row)
{
	char in[LIVE_NUMBER_SIZE], bits[LIVE_NUMBER_SIZE], dropped[LIVE_NUMBER_SIZE],
		out[LIVE_NUMBER_SIZE], back[LIVE_NUMBER_SIZE];

	printf("%-39s %8s %8s %8s %8s %8s  %s\n", live_text(row, "Ip"),
		number(row, "InPacketsPerSecond", 1, in), number(row, "InBytesPerSecond", 8, bits),
		number(row, "DroppedPacketsPerSecond", 1, dropped),
		number(row, "OutPacketsPerSecond", 1, out),
		number(row, "OutBytesPerSecond", 8, back), live_text(row, "InstanceId"));
}

static void print_busy_reasons(struct arena *mem, const json_t *reasons)
{
	char pps[LIVE_NUMBER_SIZE], bps[LIVE_NUMBER_SIZE];
	size_t count;
	const json_t **rows = sorted_reasons(mem, reasons, &count);

	for (size_t i = 0; i < count && i < REASONS_SHOWN; i++) {
		const bool watched = live_int(rows[i], "PacketsPerSecond") == 0;

		if (watched && live_int(rows[i], "WatchedPacketsPerSecond") == 0)
			break;
		printf("    %-22s %8s pps %8s bps%s\n", live_text(rows[i], "Name"),
			number(rows[i], watched ? "WatchedPacketsPerSecond" : "PacketsPerSecond", 1,
				pps),
			number(rows[i], watched ? "WatchedBytesPerSecond" : "BytesPerSecond", 8,
				bps),
			watched ? "  (only watched)" : "");
	}
}

/* The busiest addresses, each with its reasons in member "Reasons". NULL, having complained. */
static json_t *fetch_busiest(struct arena *mem, const struct live_options *options)
{
	json_t *reply = live_call(mem, options, "DescribeTopInstances",
		(const char *const[]){ "PageSize", "12", NULL });
	size_t i;
	json_t *row;

	json_array_foreach(json_object_get(reply, "Instances"), i, row)
	{
		json_t *reasons = fetch_reasons(mem, options, live_text(row, "InstanceId"));

		if (!reasons) {
			json_decref(reply);
			return NULL;
		}
		(void)json_object_set(row, "Reasons", json_object_get(reasons, "Reasons"));
		json_decref(reasons);
	}
	return reply;
}

static void print_overview(struct arena *mem, const struct screen *screen, const json_t *reply)
{
	const json_t *list = json_object_get(reply, "Instances");
	char at[CLOCK_ISO_SIZE];

	clock_format_iso(live_int(reply, "Time"), at);
	printf("%spolder top  %s%s\n%-39s %8s %8s %8s %8s %8s  %s\n", bold(screen), at,
		plain(screen), "ADDRESS", "IN pps", "IN bps", "DROP pps", "OUT pps", "OUT bps",
		"INSTANCE");
	for (size_t i = 0; i < json_array_size(list); i++) {
		print_busy(json_array_get(list, i));
		print_busy_reasons(mem, json_array_get(list, i));
	}
	if (json_array_size(list) == 0)
		printf("no packets come to any protected address\n");
}

/* ---- the beat */

static bool show(struct arena *mem, const struct screen *screen, const struct live_options *options,
	const char *instance)
{
	json_t *reply =
		instance ? fetch_reasons(mem, options, instance) : fetch_busiest(mem, options);

	if (!reply)
		return false;
	if (options->json) {
		(void)json_dumpf(reply, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		/* From the top, and nothing of what was there before is left. */
		if (screen->drawn)
			fputs("\033[H\033[J", stdout);
		if (instance)
			print_instance(mem, screen, reply);
		else
			print_overview(mem, screen, reply);
	}
	(void)fflush(stdout);
	json_decref(reply);
	return !ferror(stdout);
}

static bool run_top(const struct live_options *options, const char *instance)
{
	const struct screen screen = {
		.drawn = isatty(STDOUT_FILENO) && !options->json && options->count != 1,
		.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR"),
	};
	struct arena *mem = arena_new(LIVE_MEMORY_MAX);
	bool good = mem != NULL;

	for (int64_t i = 0; good && (options->count == 0 || i < options->count); i++) {
		const struct timespec beat = { .tv_sec = (time_t)options->interval_s };

		if (i > 0)
			(void)nanosleep(&beat, NULL);
		arena_reset(mem);
		good = show(mem, &screen, options, instance);
	}
	arena_free(mem);
	return good;
}

int top_command(int argc, char **argv)
{
	struct arena *mem = arena_new(LIVE_MEMORY_MAX);
	struct live_options options;
	const char *instance = NULL;
	int status = STATUS_USAGE;

	if (mem && live_options(mem, argc, argv, 1, "inj", &options)) {
		if (options.subject[0])
			instance = live_instance(mem, &options, options.subject[0]);
		if (instance || !options.subject[0])
			status = run_top(&options, instance) ? STATUS_DONE : STATUS_FAILED;
	}
	arena_free(mem);
	return status;
}

static void print_watched(const json_t *reply)
{
	const json_t *list = json_object_get(reply, "Reasons"), *row;
	char packets[LIVE_NUMBER_SIZE], bytes[LIVE_NUMBER_SIZE], pps[LIVE_NUMBER_SIZE];
	bool any = false;
	size_t i;

	printf("%-20s %9s %9s %8s\n", "WOULD DROP", "packets", "bytes", "pps");
	json_array_foreach((json_t *)(uintptr_t)list, i, row)
	{
		if (live_int(row, "WatchedPackets") == 0)
			continue;
		any = true;
		printf("%-20s %9s %9s %8s  %s\n", live_text(row, "Name"),
			number(row, "WatchedPackets", 1, packets),
			number(row, "WatchedBytes", 1, bytes),
			number(row, "WatchedPacketsPerSecond", 1, pps), live_text(row, "Text"));
	}
	if (!any)
		printf("nothing: no mitigation that only watches has met a packet\n");
}

int watch_command(int argc, char **argv)
{
	struct arena *mem = arena_new(LIVE_MEMORY_MAX);
	struct live_options options;
	const char *instance = NULL;
	json_t *reply = NULL;
	int status = STATUS_USAGE;

	if (!mem || !live_options(mem, argc, argv, 1, "j", &options))
		goto out;
	if (!options.subject[0]) {
		complain("usage: polder watch INSTANCE|ADDRESS [--json]");
		goto out;
	}
	status = STATUS_FAILED;
	instance = live_instance(mem, &options, options.subject[0]);
	reply = instance ? fetch_reasons(mem, &options, instance) : NULL;
	if (!reply)
		goto out;
	live_show(&options, reply, print_watched);
	status = STATUS_DONE;
out:
	json_decref(reply);
	arena_free(mem);
	return status;
}
