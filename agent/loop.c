/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start order: maps are taken over, what they hold is adopted, sources and settings are written, and only
 * then the new program replaces the old one, so no packet meets an empty table. Where pinned
 * maps had to be replaced, the old program stays in force until the first snapshot is applied.
 *
 * Then one loop. The control is asked with the generation that is in force, which confirms it; an answer
 * is applied at once and reported. A snapshot that is not understood changes nothing, and all is asked for
 * again; so is it when a control that started anew answers with a difference, since it may have another store. A control that is away is asked every 50 ms, doubling to a second. Objects that were refused
 * are tried again with a full snapshot each RETRY_REFUSED_MS.
 */
#include "agent/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/apply.h"
#include "agent/capture.h"
#include "agent/fetch.h"
#include "agent/neighbour.h"
#include "agent/ranges.h"
#include "agent/region.h"
#include "agent/report.h"
#include "agent/request_path.h"
#include "agent/retry.h"
#include "agent/settle.h"
#include "agent/steer.h"
#include "agent/sweep.h"
#include "agent/uplink.h"
#include "base/auto.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#define RETRY_FIRST_MS	   50
#define RETRY_LAST_MS	   1000
#define RETRY_FORMAT_MS	   1000
#define RETRY_REFUSED_MS   30000
#define RETRY_ATTACH_TICKS 30 /* an interface that cannot be attached is tried each half minute */
#define TICK_MS		   1000

enum {
	WAIT_SIGNAL,
	WAIT_TICK,
	WAIT_RETRY,
	WAIT_CLOCK,
	WAIT_NEIGHBOUR,
	WAIT_HEALTH,
	WAIT_REQUESTS, /* last: only where there is a request path */
	WAIT_COUNT
};

struct loop {
	const struct agent_settings *settings;
	struct packets *packets;
	struct steer *steer;
	struct request_path *requests; /* NULL: no web sites */
	struct node_state *state;
	struct applier *applier;
	struct neighbours *neighbours;
	struct sweep *sweep;
	struct visitors *visitors;
	struct health *health;
	struct retry *retry;
	struct reporter *reporter;
	struct uplinks *uplinks;
	struct fetch *fetch;
	struct region *region;
	struct settle settle;
	int descriptor[WAIT_COUNT];
	bool stop;

	bool all;	       /* the next fetch asks for everything */
	int64_t fetch_at_ms;   /* monotonic: not before */
	int64_t retry_ms;      /* after the next failure */
	int64_t all_asked_ms;  /* when everything came last */
	uint64_t control_boot; /* of the last snapshot; 0: none yet */
	bool report_due, report_full;
	bool attach_pending; /* wait for the first snapshot */
	unsigned attach_ticks;
};

/* --- chores ---------------------------------------------------------------------------------- */

static void want_origin(void *context, const struct address *address)
{
	struct loop *loop = context;

	neighbours_want(loop->neighbours, address, 0, clock_monotonic_ms());
}

static void want_neighbour(void *context, const struct neighbour_wanted *wanted)
{
	struct loop *loop = context;

	neighbours_want(loop->neighbours, &wanted->address, wanted->ifindex, clock_monotonic_ms());
}

static void try_attach(struct loop *loop)
{
	bool changed;

	if (loop->attach_pending)
		return;
	if (loop->attach_ticks > 0) {
		loop->attach_ticks--;
		return;
	}
	if (packets_attach(loop->packets, &changed) != OK)
		loop->attach_ticks = RETRY_ATTACH_TICKS;
	loop->report_due |= changed;
}

/* A failure was logged, and the next second tries again. */
static void settle_again(struct loop *loop)
{
	if (settle_write(&loop->settle, loop->packets) != OK)
		log_warn("the packet path keeps the clock and keys of before");
}

static void tick(struct loop *loop)
{
	settle_again(loop);
	try_attach(loop);
	neighbours_tick(loop->neighbours, clock_monotonic_ms());
	steer_tick(loop->steer, clock_monotonic_ms());
	request_path_tick(loop->requests, clock_utc_ms(), clock_monotonic_ms());
	sweep_tick(loop->sweep, boot_ns(), clock_monotonic_ms());
	capture_settle(loop->packets, loop->state, clock_utc_ms());
	loop->report_due = true;
}

static bool set_timer(int descriptor, int64_t interval_ms)
{
	struct timespec interval = { interval_ms / 1000, interval_ms % 1000 * 1000000 };
	struct itimerspec when = { .it_value = interval, .it_interval = interval };

	return timerfd_settime(descriptor, 0, &when, NULL) == 0;
}

/* The realtime one never rings: it only ends when the clock is set. */
static bool watch_clock(int descriptor)
{
	struct itimerspec when = { .it_value.tv_sec = INT32_MAX };
	int flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;

	return timerfd_settime(descriptor, flags, &when, NULL) == 0;
}

static void clock_was_set(struct loop *loop)
{
	uint64_t rings;

	if (read(loop->descriptor[WAIT_CLOCK], &rings, sizeof(rings)) < 0 && errno == ECANCELED)
		log_info("the machine's clock was set");
	(void)watch_clock(loop->descriptor[WAIT_CLOCK]);
	settle_again(loop);
}

/* --- snapshots ------------------------------------------------------------------------------- */

static void fetch_later(struct loop *loop, int64_t delay_ms)
{
	loop->fetch_at_ms = clock_monotonic_ms() + delay_ms;
}

static void fetch_failed(struct loop *loop)
{
	fetch_later(loop, loop->retry_ms);
	loop->retry_ms = loop->retry_ms * 2 < RETRY_LAST_MS ? loop->retry_ms * 2 : RETRY_LAST_MS;
}

static void log_applied(const struct loop *loop, const struct snapshot *snapshot, int64_t took_ms)
{
	struct node_counts counts;
	uint32_t refused;

	node_state_counts(loop->state, &counts);
	(void)node_state_refused(loop->state, &refused);
	log_info("generation %llu in force: %s, %u records in %lld ms; %u instances, %u services, "
		 "%u list entries, %u refused",
		(unsigned long long)snapshot->header.generation,
		snapshot_is_full(snapshot) ? "full" : "difference", snapshot->header.record_count,
		(long long)took_ms, counts.instances, counts.services, counts.lists, refused);
}

static enum err apply(struct loop *loop, const struct snapshot *snapshot)
{
	uint64_t generation = node_state_generation(loop->state);
	int64_t start_ms = clock_monotonic_ms();
	enum err err;

	/* The clock first, if it is another: deadlines of the snapshot are meant in its time. */
	if (settle_told(&loop->settle, &snapshot->header))
		TRY(settle_write(&loop->settle, loop->packets));
	err = applier_apply(loop->applier, snapshot);
	/* Also behind what was applied in part: refusals of before are void from here on. */
	settle_again(loop);
	TRY(err);
	TRY(request_path_apply(loop->requests, snapshot));
	capture_settle(loop->packets, loop->state, clock_utc_ms());
	if (snapshot->header.control_boot != loop->control_boot)
		loop->report_full = true;
	loop->control_boot = snapshot->header.control_boot;
	if (snapshot->header.record_count > 0 || snapshot->header.generation != generation)
		log_applied(loop, snapshot, clock_monotonic_ms() - start_ms);
	if (snapshot_is_full(snapshot))
		loop->all_asked_ms = clock_monotonic_ms();
	if (loop->attach_pending) {
		loop->attach_pending = false;
		try_attach(loop);
	}
	return OK;
}

/* A store that was put back from a backup counts its own generations: equal numbers prove nothing. */
static bool is_unproven(const struct loop *loop, const struct snapshot *snapshot)
{
	return !snapshot_is_full(snapshot) && snapshot->header.control_boot != loop->control_boot;
}

static void take_snapshot(struct loop *loop, const void *data, size_t size)
{
	uint64_t generation = node_state_generation(loop->state);
	int64_t offset_ms = settle_life_offset_ms(&loop->settle);
	struct snapshot snapshot;
	const char *why = NULL;
	enum err err = data ? snapshot_decode(data, size, &snapshot, &why) : ERR_FORMAT;

	if (err != OK) {
		log_error("snapshot refused: %s", why ? why : "empty");
	} else if (is_unproven(loop, &snapshot)) {
		log_info("the control started anew: asking for everything");
		loop->all = true;
		fetch_later(loop, 0);
		return;
	} else {
		err = apply(loop, &snapshot);
		if (err == ERR_CONFLICT)
			log_warn("difference from generation %llu does not fit %llu",
				(unsigned long long)snapshot.header.base_generation,
				(unsigned long long)generation);
	}
	if (err != OK) {
		loop->all = true;
		fetch_later(loop, RETRY_FORMAT_MS);
		return;
	}
	loop->all = false;
	loop->report_due = true;
	/* An answer that changed nothing must not be asked for in a circle. */
	if (snapshot.header.generation == generation && snapshot.header.record_count == 0 &&
		settle_life_offset_ms(&loop->settle) == offset_ms) {
		fetch_failed(loop);
		return;
	}
	loop->retry_ms = RETRY_FIRST_MS;
	fetch_later(loop, 0);
}

static void start_transfers(struct loop *loop)
{
	int64_t now_ms = clock_monotonic_ms();
	const void *data;
	size_t size;
	uint32_t refused;

	if (!fetch_snapshot_runs(loop->fetch) && now_ms >= loop->fetch_at_ms) {
		(void)node_state_refused(loop->state, &refused);
		if (refused > 0 && now_ms - loop->all_asked_ms >= RETRY_REFUSED_MS)
			loop->all = true;
		/* The offset, too: the control may have sent another one to this node's agent of before. */
		fetch_snapshot(loop->fetch, loop->all ? 0 : node_state_generation(loop->state),
			settle_life_offset_ms(&loop->settle));
		if (!fetch_snapshot_runs(loop->fetch))
			fetch_failed(loop);
	}
	/* Before the first snapshot there is nothing to tell. */
	if (!loop->report_due || loop->control_boot == 0 || fetch_report_runs(loop->fetch))
		return;
	loop->report_due = false;
	if (!reporter_build(
		    loop->reporter, loop->report_full, loop->control_boot, now_ms, &data, &size))
		return;
	loop->report_full = false;
	fetch_report(loop->fetch, data, size);
}

static void take_results(struct loop *loop)
{
	enum fetch_result snapshot, report;
	const void *data;
	size_t size;

	fetch_results(loop->fetch, &snapshot, &report, &data, &size);
	if (report == FETCH_FAILED)
		loop->report_full = true;
	if (report != FETCH_RUNNING)
		reporter_sent(loop->reporter, report != FETCH_FAILED);
	if (snapshot == FETCH_DATA) {
		take_snapshot(loop, data, size);
		fetch_release(loop->fetch);
	} else if (snapshot == FETCH_NOTHING) {
		loop->retry_ms = RETRY_FIRST_MS;
		fetch_later(loop, 0);
	} else if (snapshot == FETCH_FAILED) {
		fetch_failed(loop);
	}
}

/* --- the loop -------------------------------------------------------------------------------- */

static int wait_ms(const struct loop *loop)
{
	int64_t left = loop->fetch_at_ms - clock_monotonic_ms();

	if (health_has_changed(loop->health))
		return 0;
	if (fetch_snapshot_runs(loop->fetch) || left > RETRY_LAST_MS)
		return RETRY_LAST_MS;
	return left > 0 ? (int)left : 0;
}

static void turn(struct loop *loop)
{
	unsigned waits = loop->requests ? WAIT_COUNT : WAIT_REQUESTS;
	bool ready[WAIT_COUNT] = { false };
	uint64_t rings;

	start_transfers(loop);
	fetch_wait(loop->fetch, loop->descriptor, waits, wait_ms(loop), ready);
	if (ready[WAIT_SIGNAL]) {
		loop->stop = true;
		return;
	}
	if (ready[WAIT_CLOCK])
		clock_was_set(loop);
	if (ready[WAIT_TICK] &&
		read(loop->descriptor[WAIT_TICK], &rings, sizeof(rings)) == sizeof(rings))
		tick(loop);
	if (ready[WAIT_RETRY] &&
		read(loop->descriptor[WAIT_RETRY], &rings, sizeof(rings)) == sizeof(rings))
		(void)retry_tick(loop->retry, boot_ns());
	if (ready[WAIT_NEIGHBOUR])
		packets_neighbours(loop->packets, want_neighbour, loop);
	if (ready[WAIT_HEALTH])
		health_turn(loop->health, clock_monotonic_ms());
	if (ready[WAIT_REQUESTS])
		request_path_turn(loop->requests, clock_monotonic_ms());
	if (health_has_changed(loop->health))
		applier_take_verdicts(loop->applier);
	loop->report_due |= health_has_state(loop->health);
	take_results(loop);
}

static enum err open_descriptors(struct loop *loop)
{
	sigset_t ends;
	int *descriptor = loop->descriptor;

	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGINT);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigprocmask(SIG_BLOCK, &ends, NULL);
	descriptor[WAIT_SIGNAL] = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
	descriptor[WAIT_TICK] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	descriptor[WAIT_RETRY] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	descriptor[WAIT_CLOCK] = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	descriptor[WAIT_NEIGHBOUR] = packets_neighbour_fd(loop->packets);
	descriptor[WAIT_HEALTH] = health_fd(loop->health);
	descriptor[WAIT_REQUESTS] = request_path_fd(loop->requests);
	for (int i = 0; i < WAIT_REQUESTS; i++) {
		if (descriptor[i] < 0)
			return fail(ERR_SYSTEM, "open signals and timers: %s", strerror(errno));
	}
	if (!set_timer(descriptor[WAIT_TICK], TICK_MS) ||
		!set_timer(descriptor[WAIT_RETRY], RETRY_TICK_MS) ||
		!watch_clock(descriptor[WAIT_CLOCK]))
		return fail(ERR_SYSTEM, "set timers: %s", strerror(errno));
	return OK;
}

static void check_sources(const struct loop *loop)
{
	for (uint32_t version = 0; version < 2; version++) {
		for (uint32_t i = 0; i < loop->settings->source_count[version]; i++) {
			const struct address *address = &loop->settings->source[version][i];
			char text[ADDRESS_TEXT_SIZE];

			if (neighbours_is_local(loop->neighbours, address))
				continue;
			address_format(address->byte, text);
			log_warn("back-to-origin address %s is not on this node: nobody answers "
				 "for it",
				text);
		}
	}
}

/* The kernel answers no question for a route while it may not forward. */
static void check_forwarding(void)
{
	static const char *const switches[] = { "/proc/sys/net/ipv4/conf/all/forwarding",
		"/proc/sys/net/ipv6/conf/all/forwarding" };

	for (size_t i = 0; i < sizeof(switches) / sizeof(*switches); i++) {
		AUTO(file) FILE *file = fopen(switches[i], "re");

		if (file && fgetc(file) == '0')
			log_warn("%s is 0: nothing reaches an origin of that IP version",
				switches[i]);
	}
}

static enum err begin(struct loop *loop)
{
	const struct agent_settings *settings = loop->settings;

	TRY(neighbours_open(&loop->neighbours));
	TRY(packets_open(settings, &loop->packets));
	TRY(steer_open(settings, loop->packets, &loop->steer));
	TRY(fetch_open(settings, &loop->fetch));
	loop->state = node_state_new();
	if (!loop->state)
		return ERR_MEMORY;
	loop->applier = applier_new(loop->packets, loop->state, want_origin, loop);
	loop->health = health_new(settings);
	loop->sweep = sweep_new(loop->packets, loop->state, want_origin, loop);
	loop->visitors = visitors_new(VISITORS_INSTANCE);
	loop->reporter =
		reporter_new(loop->packets, loop->state, loop->health, &loop->settle, settings);
	loop->retry = retry_new(loop->packets);
	if (!loop->applier || !loop->health || !loop->sweep || !loop->visitors || !loop->retry ||
		!loop->reporter)
		return ERR_MEMORY;
	sweep_use_visitors(loop->sweep, loop->visitors);
	reporter_use_visitors(loop->reporter, loop->visitors);
	applier_use_health(loop->applier, loop->health);
	applier_use_steer(loop->applier, loop->steer);
	TRY(request_path_open(settings, loop->packets, loop->steer, loop->state, &loop->requests));
	reporter_use_requests(loop->reporter, loop->requests);
	TRY(uplinks_open(settings, &loop->uplinks));
	reporter_use_uplinks(loop->reporter, loop->uplinks);
	TRY(open_descriptors(loop));
	TRY(region_open(settings, loop->packets, &loop->region));
	check_forwarding();
	check_sources(loop);
	TRY(ranges_write(loop->packets, settings));
	TRY(settle_begin(&loop->settle, loop->packets, settings));
	TRY(applier_begin(loop->applier, settings));
	TRY(settle_write(&loop->settle, loop->packets));
	loop->attach_pending = packets_are_new(loop->packets);
	if (!loop->attach_pending) {
		bool changed;

		TRY(packets_attach(loop->packets, &changed));
	}
	return OK;
}

static void end(struct loop *loop)
{
	for (int i = 0; i < WAIT_NEIGHBOUR; i++) {
		if (loop->descriptor[i] >= 0)
			(void)close(loop->descriptor[i]);
	}
	region_close(loop->region);
	fetch_close(loop->fetch);
	reporter_free(loop->reporter);
	uplinks_close(loop->uplinks);
	retry_free(loop->retry);
	sweep_free(loop->sweep);
	visitors_free(loop->visitors);
	applier_free(loop->applier);
	health_free(loop->health);
	node_state_free(loop->state);
	request_path_close(loop->requests);
	steer_close(loop->steer);
	packets_close(loop->packets);
	neighbours_close(loop->neighbours);
}

enum err loop_run(const struct agent_settings *settings)
{
	struct loop loop = { .settings = settings,
		.descriptor = { -1, -1, -1, -1, -1 },
		.retry_ms = RETRY_FIRST_MS,
		.all_asked_ms = INT64_MIN / 2 };
	enum err err = begin(&loop);

	if (err == OK)
		log_info("node %s runs", settings->node);
	while (err == OK && !loop.stop)
		turn(&loop);
	if (err == OK)
		log_info("node %s ends; its packet path stays in force", settings->node);
	end(&loop);
	return err;
}
