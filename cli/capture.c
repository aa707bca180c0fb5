/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * polder capture: packets to a protected address with the reason that each ended by, as a pcapng file.
 * The nodes collect, the service keeps, this program waits and fetches what is new until there are enough
 * or the time is over. Interrupted, it ends the capture and keeps what it has.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/live.h"
#include "cli/pcapng.h"
#include "cli/terminal.h"

#define PAGE	      50
#define COUNT_DEFAULT 100
#define LATE_MS	      3000 /* for the last report of a node */

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

struct capture {
	struct arena *mem;
	const struct live_options *options;
	const char *instance;
	FILE *file;
	int64_t wanted, written, until_ms;
};

static bool start(struct capture *capture)
{
	const struct live_options *options = capture->options;
	const char *count = arena_print(capture->mem, "%lld", (long long)capture->wanted);
	const char *seconds = arena_print(capture->mem, "%lld", (long long)options->seconds);
	const char *parameters[] = { "InstanceId", capture->instance, "Packets", count, "Seconds",
		seconds, options->reason ? "Reasons.1" : NULL, options->reason, NULL };
	json_t *reply;

	if (!count || !seconds)
		return complain("memory is out");
	reply = live_call(capture->mem, options, "StartCapture", parameters);
	if (!reply)
		return false;
	capture->until_ms = live_int(reply, "EndTime");
	json_decref(reply);
	return true;
}

static bool write_packet(struct capture *capture, const json_t *packet)
{
	uint8_t frame[PCAPNG_FRAME_MAX];
	const int64_t length = live_int(packet, "Length");
	const int captured = text_from_base64(live_text(packet, "Frame"), frame, sizeof(frame));
	char comment[PCAPNG_COMMENT_MAX];

	if (length < 0 || length > PCAPNG_FRAME_MAX)
		return complain("the service names a frame of %lld bytes", (long long)length);
	if (captured < 0 || captured > length)
		return complain("the service gives a frame that is none");
	(void)snprintf(comment, sizeof(comment), "%s%s", live_text(packet, "Reason"),
		json_is_true(json_object_get(packet, "Watched")) ? " (only watched: it passed)"
								 : "");
	capture->written++;
	return pcapng_frame(capture->file, live_int(packet, "Time"), frame, (uint32_t)captured,
		(uint32_t)length, comment);
}

/* Writes what is new. false: failed. running: more may come. */
static bool fetch(struct capture *capture, bool *running)
{
	for (;;) {
		const long long number = capture->written / PAGE + 1;
		const char *page = arena_print(capture->mem, "%lld", number);
		size_t skip = (size_t)(capture->written % PAGE), count;
		const json_t *list;
		json_t *reply;
		bool good = true;

		reply = page ? live_call(capture->mem, capture->options, "DescribeCapture",
				       (const char *const[]){ "InstanceId", capture->instance,
					       "PageNumber", page, "PageSize", "50", NULL })
			     : NULL;
		if (!reply)
			return false;
		*running = json_is_true(json_object_get(reply, "Running"));
		list = json_object_get(reply, "Packets");
		count = json_array_size(list);
		for (size_t i = skip; good && i < count; i++)
			good = write_packet(capture, json_array_get(list, i));
		json_decref(reply);
		if (!good || count < PAGE)
			return good;
	}
}

static void stop(struct capture *capture)
{
	json_t *reply = live_call(capture->mem, capture->options, "StopCapture",
		(const char *const[]){ "InstanceId", capture->instance, NULL });

	json_decref(reply);
}

static bool collect(struct capture *capture)
{
	const struct timespec beat = { .tv_nsec = 300 * 1000 * 1000 };
	bool running = true, fetched = true;
	int64_t left_ms;

	/* A packet of the last moment comes with the node's next report. */
	while (!interrupted && capture->written < capture->wanted &&
		(running || clock_utc_ms() < capture->until_ms + LATE_MS)) {
		(void)nanosleep(&beat, NULL);
		arena_reset(capture->mem);
		fetched = false;
		if (!fetch(capture, &running))
			break;
		left_ms = capture->until_ms - clock_utc_ms();
		progress(capture->written, capture->wanted, "%lld of %lld packets, %lld s left",
			(long long)capture->written, (long long)capture->wanted,
			(long long)(left_ms > 0 ? left_ms / SECOND_MS : 0));
		fetched = true;
	}
	progress_end();
	if (!fetched)
		return false;
	if (running)
		stop(capture);
	return fflush(capture->file) == 0;
}

static int run(struct live_options *options)
{
	const struct sigaction action = { .sa_handler = interrupt };
	struct capture capture = { .mem = arena_new(LIVE_MEMORY_MAX), .options = options };
	struct arena *kept = arena_new(LIVE_MEMORY_MAX);
	bool good = false;

	capture.wanted = options->count ? options->count : COUNT_DEFAULT;
	if (!options->seconds)
		options->seconds = 60;
	if (capture.mem && kept)
		capture.instance = live_instance(kept, options, options->subject[0]);
	if (!capture.instance)
		goto out;
	capture.file = options->output ? fopen(options->output, "wb") : stdout;
	if (!capture.file) {
		complain("%s: %s", options->output, strerror(errno));
		goto out;
	}
	(void)sigaction(SIGINT, &action, NULL);
	good = start(&capture) && pcapng_begin(capture.file) && collect(&capture);
	if (capture.file != stdout && fclose(capture.file) != 0)
		good = complain("%s: %s", options->output, strerror(errno));
	if (good)
		fprintf(stderr, "%lld packets\n", (long long)capture.written);
out:
	arena_free(kept);
	arena_free(capture.mem);
	return good ? STATUS_DONE : STATUS_FAILED;
}

int capture_command(int argc, char **argv)
{
	struct arena *mem = arena_new(LIVE_MEMORY_MAX);
	struct live_options options;
	int status = STATUS_USAGE;

	if (!mem || !live_options(mem, argc, argv, 1, "nsro", &options))
		goto out;
	if (!options.subject[0] || (!options.output && isatty(STDOUT_FILENO))) {
		complain("usage: polder capture INSTANCE|ADDRESS [--reason NAME] [--count N] "
			 "[--seconds N] --output FILE.pcapng");
		goto out;
	}
	status = run(&options);
out:
	arena_free(mem);
	return status;
}
