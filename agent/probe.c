/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One epoll descriptor has all sockets and one timer, and is itself one descriptor of the agent's loop. Moments
 * are kept in a wheel of a tenth of a second: each probe is in the slot in which it is to start, or to time
 * out; one that finds all sockets in use waits in line. Thousands of origins that are all down then
 * stretch the interval of everybody, never the number of sockets.
 *
 * A probe starts an interval after its last start, not after its end, at the moment that chance gave it
 * first: so the load stays as even as it began. What goes wrong on this side (no port, no memory, a packet
 * filter) is no result.
 * TCP is closed by a reset as soon as it is open, so that thousands of probes leave nothing behind at
 * either end.
 */
#include "agent/probe_socket.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/pool.h"
#include "base/clock.h"
#include "base/log.h"

#define TICK_MS		 100
#define TICK_NS		 (TICK_MS * 1000000L)
#define HURRY_NS	 1000L
#define WHEEL_SLOTS	 512 /* more than HEALTH_SECONDS_MAX in ticks */
#define EVENTS_AT_ONCE	 256
#define STARTS_AT_ONCE	 256 /* per turn, as events: some milliseconds */
#define DESCRIPTORS_KEPT 256 /* for everything else in the process */
#define TIMER		 UINT64_MAX

static_assert(WHEEL_SLOTS > HEALTH_SECONDS_MAX * 1000 / TICK_MS + 1, "the wheel takes every wait");

enum probe_state {
	PROBE_NONE,
	PROBE_IDLE,    /* in the wheel until it starts */
	PROBE_QUEUED,  /* in line for a socket */
	PROBE_CONNECT, /* in the wheel until it times out, from here on */
	PROBE_ANSWER,
};

struct probe {
	struct probe_target target;
	enum probe_state state;
	int fd;
	uint32_t start; /* counts starts: events of an earlier socket are void */
	uint32_t *list; /* head of the list that it is in */
	uint32_t prev, next;
	int64_t started_ms;
	uint8_t head_size;
	char head[HTTP_STATUS_BYTES];
};

struct prober {
	const struct agent_settings *settings;
	void (*result)(void *context, uint32_t probe, bool up);
	void *context;
	int epoll, timer;
	struct probe *probe;
	uint32_t capacity, count; /* probes that exist */
	uint32_t running, running_max;
	uint32_t wheel[WHEEL_SLOTS];
	uint32_t line, line_end; /* first and last in line */
	int64_t tick;		 /* last one that was worked off */
	uint32_t random;
	struct probe_ports ports;
	bool local_failure; /* said already */
};

/* --- lists: a slot of the wheel is a stack, the line has an end ----------------------------------- */

static void list_add(struct prober *prober, uint32_t *list, uint32_t index)
{
	struct probe *probe = &prober->probe[index];

	probe->list = list;
	probe->prev = NONE;
	probe->next = *list;
	if (probe->next != NONE)
		prober->probe[probe->next].prev = index;
	*list = index;
}

static void list_remove(struct prober *prober, uint32_t index)
{
	struct probe *probe = &prober->probe[index];

	if (!probe->list)
		return;
	if (prober->line_end == index)
		prober->line_end = probe->prev;
	if (probe->prev != NONE)
		prober->probe[probe->prev].next = probe->next;
	else
		*probe->list = probe->next;
	if (probe->next != NONE)
		prober->probe[probe->next].prev = probe->prev;
	probe->list = NULL;
}

static void line_up(struct prober *prober, uint32_t index)
{
	struct probe *probe = &prober->probe[index];

	if (prober->line_end == NONE) {
		list_add(prober, &prober->line, index);
	} else {
		probe->list = &prober->line;
		probe->prev = prober->line_end;
		probe->next = NONE;
		prober->probe[probe->prev].next = index;
	}
	prober->line_end = index;
	probe->state = PROBE_QUEUED;
}

/* At the end of the tick that at_ms is in, and not before the next. */
static void wake_at(struct prober *prober, uint32_t index, int64_t at_ms)
{
	int64_t tick = at_ms / TICK_MS + 1;

	if (tick <= prober->tick)
		tick = prober->tick + 1;
	if (tick >= prober->tick + WHEEL_SLOTS)
		tick = prober->tick + WHEEL_SLOTS - 1;
	list_add(prober, &prober->wheel[tick % WHEEL_SLOTS], index);
}

/* --- one probe ------------------------------------------------------------------------------------ */

static bool watch(struct prober *prober, uint32_t index, int operation, uint32_t events)
{
	struct probe *probe = &prober->probe[index];
	struct epoll_event event = { .events = events,
		.data.u64 = (uint64_t)probe->start << 32 | index };

	return epoll_ctl(prober->epoll, operation, probe->fd, &event) == 0;
}

static void hang_up(struct prober *prober, struct probe *probe)
{
	const struct linger now = { .l_onoff = 1 };

	if (probe->fd < 0)
		return;
	if (probe->target.kind == HEALTH_TCP)
		(void)setsockopt(probe->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)close(probe->fd);
	probe->fd = -1;
	prober->running--;
}

static void begin_wait(struct prober *prober, uint32_t index)
{
	struct probe *probe = &prober->probe[index];

	list_remove(prober, index);
	probe->state = PROBE_IDLE;
	wake_at(prober, index, probe->started_ms + probe->target.interval_seconds * SECOND_MS);
}

static void finish(struct prober *prober, uint32_t index, bool up)
{
	hang_up(prober, &prober->probe[index]);
	begin_wait(prober, index);
	prober->result(prober->context, index, up);
}

static void fail_with(struct prober *prober, uint32_t index, int error)
{
	if (!probe_failed_here(error)) {
		finish(prober, index, false);
		return;
	}
	if (!prober->local_failure)
		log_warn("an origin could not be probed: %s", strerror(error));
	prober->local_failure = true;
	hang_up(prober, &prober->probe[index]);
	begin_wait(prober, index);
}

static void start(struct prober *prober, uint32_t index, int64_t now_ms)
{
	struct probe *probe = &prober->probe[index];
	const bool udp = probe->target.kind == HEALTH_UDP;
	int fd;

	list_remove(prober, index);
	probe->started_ms = now_ms;
	probe->start++;
	probe->head_size = 0;
	fd = probe_connect(&probe->target, prober->settings, &prober->ports);
	if (fd < 0) {
		fail_with(prober, index, -fd);
		return;
	}
	probe->fd = fd;
	prober->running++;
	probe->state = udp ? PROBE_ANSWER : PROBE_CONNECT;
	if (watch(prober, index, EPOLL_CTL_ADD, udp ? EPOLLIN : EPOLLOUT))
		wake_at(prober, index, now_ms + probe->target.timeout_seconds * SECOND_MS);
	else
		fail_with(prober, index, errno);
}

static void connected(struct prober *prober, uint32_t index)
{
	struct probe *probe = &prober->probe[index];
	char request[HTTP_REQUEST_SIZE];
	int error = 0;
	socklen_t size = sizeof(error);
	uint32_t length;

	if (getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		error = errno;
	if (error != 0) {
		fail_with(prober, index, error);
		return;
	}
	if (probe->target.kind == HEALTH_TCP) {
		finish(prober, index, true);
		return;
	}
	length = http_request(&probe->target, request);
	if (send(probe->fd, request, length, MSG_NOSIGNAL) != (ssize_t)length) {
		finish(prober, index, false);
		return;
	}
	probe->state = PROBE_ANSWER;
	if (!watch(prober, index, EPOLL_CTL_MOD, EPOLLIN))
		fail_with(prober, index, errno);
}

static void answered(struct prober *prober, uint32_t index)
{
	struct probe *probe = &prober->probe[index];
	const bool udp = probe->target.kind == HEALTH_UDP;
	char *at = probe->head + probe->head_size;
	ssize_t got = recv(probe->fd, at, sizeof(probe->head) - probe->head_size, 0);
	enum http_verdict verdict;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (udp || got <= 0) {
		finish(prober, index, udp && got >= 0);
		return;
	}
	probe->head_size = (uint8_t)(probe->head_size + got);
	verdict = http_verdict(probe->head, probe->head_size);
	if (verdict != HTTP_MORE)
		finish(prober, index, verdict == HTTP_UP);
}

/* --- time ----------------------------------------------------------------------------------------- */

static void due(struct prober *prober, uint32_t index)
{
	struct probe *probe = &prober->probe[index];

	if (probe->state == PROBE_IDLE) {
		list_remove(prober, index);
		line_up(prober, index);
		return;
	}
	/* Silence: a datagram that nobody refused counts as taken. */
	finish(prober, index, probe->target.kind == HEALTH_UDP);
}

static bool can_start(const struct prober *prober)
{
	return prober->line != NONE && prober->running < prober->running_max;
}

/* Rings each tick, first after first_ns; 0: never. */
static void arm(struct prober *prober, long first_ns)
{
	const struct itimerspec when = { .it_value.tv_nsec = first_ns,
		.it_interval.tv_nsec = first_ns ? TICK_NS : 0 };

	(void)timerfd_settime(prober->timer, 0, &when, NULL);
}

static void advance(struct prober *prober, int64_t now_ms)
{
	int64_t now = now_ms / TICK_MS;

	/* After a long stop once around is everything. */
	if (now > prober->tick + WHEEL_SLOTS)
		prober->tick = now - WHEEL_SLOTS;
	while (prober->tick < now) {
		uint32_t *slot = &prober->wheel[++prober->tick % WHEEL_SLOTS];

		while (*slot != NONE)
			due(prober, *slot);
	}
	for (int i = 0; i < STARTS_AT_ONCE && can_start(prober); i++)
		start(prober, prober->line, now_ms);
	/* The rest at the next turn. */
	if (can_start(prober))
		arm(prober, HURRY_NS);
}

static void take_event(struct prober *prober, const struct epoll_event *event)
{
	uint32_t index = (uint32_t)event->data.u64;
	uint64_t rings;

	if (event->data.u64 == TIMER) {
		(void)!read(prober->timer, &rings, sizeof(rings));
		return;
	}
	if (index >= prober->capacity || prober->probe[index].fd < 0 ||
		prober->probe[index].start != event->data.u64 >> 32)
		return;
	if (prober->probe[index].state == PROBE_CONNECT)
		connected(prober, index);
	else
		answered(prober, index);
}

/* Events before moments: what came in time is not taken for late because the loop was. */
void prober_turn(struct prober *prober, int64_t now_ms)
{
	struct epoll_event event[EVENTS_AT_ONCE];

	int count = epoll_wait(prober->epoll, event, EVENTS_AT_ONCE, 0);

	for (int i = 0; i < count; i++)
		take_event(prober, &event[i]);
	advance(prober, now_ms);
}

/* --- coming and going ------------------------------------------------------------------------------- */

static uint32_t random_below(struct prober *prober, uint32_t end)
{
	prober->random = prober->random * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)prober->random * end >> 32);
}

bool probe_add(struct prober *prober, uint32_t index, const struct probe_target *target)
{
	void *probe = prober->probe;
	uint32_t capacity = prober->capacity;
	int64_t now_ms = clock_monotonic_ms(), interval_ms = target->interval_seconds * SECOND_MS;

	if (!pool_grow(&probe, &prober->capacity, sizeof(*prober->probe), index + 1, PROBE_MAX))
		return false;
	prober->probe = probe;
	for (uint32_t i = capacity; i < prober->capacity; i++)
		prober->probe[i] = (struct probe){ .fd = -1 };
	assert(prober->probe[index].state == PROBE_NONE);
	if (prober->count++ == 0) {
		prober->tick = now_ms / TICK_MS;
		arm(prober, TICK_NS);
	}
	prober->probe[index] = (struct probe){ .target = *target,
		.state = PROBE_IDLE,
		.fd = -1,
		.start = prober->probe[index].start };
	wake_at(prober, index, now_ms + random_below(prober, (uint32_t)interval_ms));
	return true;
}

void probe_remove(struct prober *prober, uint32_t index)
{
	struct probe *probe = &prober->probe[index];

	assert(probe->state != PROBE_NONE);
	hang_up(prober, probe);
	list_remove(prober, index);
	probe->state = PROBE_NONE;
	if (--prober->count == 0)
		arm(prober, 0);
}

int prober_fd(const struct prober *prober)
{
	return prober->epoll;
}

uint32_t prober_running(const struct prober *prober)
{
	return prober->running;
}

/* As many sockets as the process may have. */
static void choose_running_max(struct prober *prober)
{
	struct rlimit limit;
	rlim_t wanted = PROBES_AT_ONCE + DESCRIPTORS_KEPT;

	prober->running_max = 64;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur >= wanted)
		prober->running_max = PROBES_AT_ONCE;
	else if (limit.rlim_cur > DESCRIPTORS_KEPT + prober->running_max)
		prober->running_max = (uint32_t)limit.rlim_cur - DESCRIPTORS_KEPT;
}

struct prober *prober_new(const struct agent_settings *settings,
	void (*result)(void *context, uint32_t probe, bool up), void *context)
{
	struct prober *prober = calloc(1, sizeof(*prober));
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = TIMER };

	if (!prober)
		return NULL;
	prober->settings = settings;
	prober->result = result;
	prober->context = context;
	prober->line = prober->line_end = NONE;
	for (int i = 0; i < WHEEL_SLOTS; i++)
		prober->wheel[i] = NONE;
	prober->epoll = epoll_create1(EPOLL_CLOEXEC);
	prober->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (prober->epoll < 0 || prober->timer < 0 ||
		getrandom(&prober->random, sizeof(prober->random), 0) != sizeof(prober->random) ||
		epoll_ctl(prober->epoll, EPOLL_CTL_ADD, prober->timer, &event) != 0) {
		prober_free(prober);
		return NULL;
	}
	probe_ports_choose(settings, &prober->ports);
	choose_running_max(prober);
	return prober;
}

void prober_free(struct prober *prober)
{
	if (!prober)
		return;
	for (uint32_t i = 0; i < prober->capacity; i++) {
		if (prober->probe[i].fd >= 0)
			(void)close(prober->probe[i].fd);
	}
	if (prober->timer >= 0)
		(void)close(prober->timer);
	if (prober->epoll >= 0)
		(void)close(prober->epoll);
	free(prober->probe);
	free(prober);
}
