/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * New connections, many in parallel, each for one HTTP request: a client with time-outs and retries.
 *
 *   connect ADDRESS PORT COUNT CONCURRENCY PATH BYTES [SECONDS [RATE [HOST]]]
 *
 * A request is completed when an answer of status 200 with BYTES of body and the server's FIN came. An attempt
 * that has not come so far after STALL_MS is stalled, one that got an error, RST or another answer is failed;
 * either is closed and the request made again on a new connection, ATTEMPT_MAX times in all. No attempt ends the
 * run. The kernel's own retransmissions (of a SYN after 1 and 3 s) are part of an attempt, as for every client.
 * With SECONDS no new request begins after that time; with RATE so many begin each second, as far as CONCURRENCY
 * lets them.
 *
 * Prints {"completed","lost","failed","stalled","retried","ms","connect_p50_ms","connect_p99_ms","total_p50_ms",
 * "total_p99_ms","total_max_ms"}; lost: requests not completed by any attempt. Times are of attempts that did.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define COUNT_MAX	10000000
#define CONCURRENCY_MAX 4096
#define SECONDS_MAX	3600
#define BODY_MAX	(1 << 30)
#define HEADER_MAX	1024
#define STALL_MS	10000
#define ATTEMPT_MAX	3
#define LOOK_MS		100 /* how often stalled ones are looked for */
#define PACE_MS		1   /* and, with a rate, places for what is due */
#define RATE_MAX	100000
#define EVENT_MAX	512

struct connection {
	int fd; /* -1: none */
	bool connected;
	int attempts; /* of the request at hand */
	int64_t began_us, connected_us;
	size_t header, received; /* bytes of the header kept; bytes behind it */
	bool body;
	char text[HEADER_MAX + 1];
};

struct run {
	const struct addrinfo *to;
	char request[512];
	size_t length, bytes;
	long count, concurrency, begun, live;
	long completed, lost, failed, stalled, retried;
	int64_t began_us, end_us;
	long rate; /* a second; 0: as fast as they end */
	int epoll;
	float *connect_ms, *total_ms; /* of completed */
};

static int64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(2);
}

static long number_of(const char *text, long low, long high)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || n < low || n > high) {
		fprintf(stderr, "connect: %s is not a number from %ld to %ld\n", text, low, high);
		exit(2);
	}
	return n;
}

/* A new attempt of the connection's request. False: it failed at once. */
static bool attempt(struct run *run, struct connection *c)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };
	const int on = 1;

	c->attempts++;
	c->connected = c->body = false;
	c->header = c->received = 0;
	c->began_us = now_us();
	c->fd = socket(run->to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	must(c->fd >= 0, "socket");
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(c->fd, run->to->ai_addr, run->to->ai_addrlen) < 0 && errno != EINPROGRESS)
		return false;
	must(epoll_ctl(run->epoll, EPOLL_CTL_ADD, c->fd, &event) == 0, "epoll");
	return true;
}

static void end_attempt(struct connection *c)
{
	const struct linger reset = { .l_onoff = 1 };

	/* Its port is free for the next at once. */
	(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	(void)close(c->fd);
	c->fd = -1;
}

static void begin(struct run *run, struct connection *c);

static void trouble(struct run *run, struct connection *c, long *kind)
{
	for (;;) {
		(*kind)++;
		end_attempt(c);
		if (c->attempts == ATTEMPT_MAX)
			break;
		run->retried++;
		if (attempt(run, c))
			return;
		kind = &run->failed;
	}
	run->lost++;
	run->live--;
	begin(run, c);
}

static bool is_due(const struct run *run)
{
	int64_t now = now_us();

	if (run->begun == run->count || (run->end_us && now > run->end_us))
		return false;
	return !run->rate || run->begun <= (now - run->began_us) * run->rate / 1000000;
}

/* The next request, if there is one. */
static void begin(struct run *run, struct connection *c)
{
	if (!is_due(run))
		return;
	run->begun++;
	run->live++;
	c->attempts = 0;
	if (!attempt(run, c))
		trouble(run, c, &run->failed);
}

static void complete(struct run *run, struct connection *c)
{
	run->connect_ms[run->completed] = (float)(c->connected_us - c->began_us) / 1000;
	run->total_ms[run->completed] = (float)(now_us() - c->began_us) / 1000;
	run->completed++;
	run->live--;
	(void)close(c->fd);
	c->fd = -1;
	begin(run, c);
}

/* Takes what came: the header is kept until it ends, the body counted. False: no header of ours. */
static bool take(struct connection *c, const char *data, size_t length)
{
	size_t part = sizeof(c->text) - 1 - c->header;
	char *end;

	if (c->body) {
		c->received += length;
		return true;
	}
	part = part < length ? part : length;
	memcpy(c->text + c->header, data, part);
	c->header += part;
	c->text[c->header] = '\0';
	end = strstr(c->text, "\r\n\r\n");
	if (end) {
		c->body = true;
		c->received = c->header - (size_t)(end + 4 - c->text) + length - part;
	}
	return end || part == length;
}

/* 1: completed, 0: go on, -1: failed. */
static int receive(const struct run *run, struct connection *c)
{
	static char chunk[65536];
	ssize_t n;

	for (;;) {
		n = recv(c->fd, chunk, sizeof(chunk), 0);
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		if (n == 0)
			return c->body && c->received == run->bytes &&
					       strncmp(c->text, "HTTP/1.1 200 ", 13) == 0
				       ? 1
				       : -1;
		if (!take(c, chunk, (size_t)n))
			return -1;
	}
}

static void on_event(struct run *run, struct connection *c, uint32_t events)
{
	int state = 0;

	if (c->fd < 0)
		return;
	if (!c->connected && events & EPOLLOUT && !(events & (EPOLLERR | EPOLLHUP))) {
		c->connected = true;
		c->connected_us = now_us();
		if (send(c->fd, run->request, run->length, MSG_NOSIGNAL) != (ssize_t)run->length)
			state = -1;
	}
	if (!state && events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		state = receive(run, c);
	if (state > 0)
		complete(run, c);
	else if (state < 0)
		trouble(run, c, &run->failed);
}

static int compare(const void *a, const void *b)
{
	const float *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double quantile(float *of, long count, double q)
{
	return count ? (double)of[(long)((double)(count - 1) * q)] : 0;
}

static void print_result(struct run *run)
{
	qsort(run->connect_ms, (size_t)run->completed, sizeof(float), compare);
	qsort(run->total_ms, (size_t)run->completed, sizeof(float), compare);
	printf("{\"completed\":%ld,\"lost\":%ld,\"failed\":%ld,\"stalled\":%ld,\"retried\":%ld,"
	       "\"ms\":%lld,"
	       "\"connect_p50_ms\":%.2f,\"connect_p99_ms\":%.2f,\"total_p50_ms\":%.2f,\"total_p99_"
	       "ms\":%.2f,"
	       "\"total_max_ms\":%.2f}\n",
		run->completed, run->lost, run->failed, run->stalled, run->retried,
		(long long)(now_us() - run->began_us) / 1000,
		quantile(run->connect_ms, run->completed, 0.5),
		quantile(run->connect_ms, run->completed, 0.99),
		quantile(run->total_ms, run->completed, 0.5),
		quantile(run->total_ms, run->completed, 0.99),
		quantile(run->total_ms, run->completed, 1));
}

static bool goes_on(const struct run *run)
{
	if (run->live)
		return true;
	return run->rate && run->begun < run->count && now_us() <= run->end_us;
}

static void go(struct run *run)
{
	static struct connection connection[CONCURRENCY_MAX];
	struct epoll_event event[EVENT_MAX];
	const int wait_ms = run->rate ? PACE_MS : LOOK_MS;
	int64_t looked_us = now_us();

	for (long i = 0; i < CONCURRENCY_MAX; i++)
		connection[i].fd = -1;
	for (long i = 0; i < run->concurrency; i++)
		begin(run, &connection[i]);
	while (goes_on(run)) {
		int n = epoll_wait(run->epoll, event, EVENT_MAX, wait_ms);
		int64_t now;

		for (int i = 0; i < n; i++)
			on_event(run, event[i].data.ptr, event[i].events);
		now = now_us();
		if (now - looked_us < wait_ms * 1000)
			continue;
		looked_us = now;
		for (long i = 0; i < run->concurrency; i++) {
			struct connection *c = &connection[i];

			if (c->fd < 0)
				begin(run, c);
			else if (now - c->began_us > STALL_MS * 1000)
				trouble(run, c, &run->stalled);
		}
	}
}

int main(int argc, char **argv)
{
	struct addrinfo hint = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *to;
	struct run run = { .epoll = epoll_create1(EPOLL_CLOEXEC) };
	struct rlimit files;

	if (argc < 7 || argc > 10 || getaddrinfo(argv[1], argv[2], &hint, &to) != 0) {
		fprintf(stderr, "usage: connect ADDRESS PORT COUNT CONCURRENCY PATH BYTES [SECONDS "
				"[RATE [HOST]]]\n");
		return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	run.to = to;
	run.count = number_of(argv[3], 1, COUNT_MAX);
	run.concurrency = number_of(argv[4], 1, CONCURRENCY_MAX);
	run.bytes = (size_t)number_of(argv[6], 0, BODY_MAX);
	run.began_us = now_us();
	if (argc > 7)
		run.end_us = run.began_us + number_of(argv[7], 1, SECONDS_MAX) * 1000000;
	if (argc > 8)
		run.rate = number_of(argv[8], 1, RATE_MAX);
	run.length = (size_t)snprintf(run.request, sizeof(run.request),
		"GET %.200s HTTP/1.1\r\nHost: %.200s\r\nUser-Agent: connect\r\nConnection: "
		"close\r\n\r\n",
		argv[5], argc > 9 ? argv[9] : "lab");
	run.connect_ms = calloc((size_t)run.count, sizeof(float));
	run.total_ms = calloc((size_t)run.count, sizeof(float));
	must(run.epoll >= 0 && run.connect_ms && run.total_ms, "begin");
	go(&run);
	print_result(&run);
	freeaddrinfo(to);
	return run.lost || run.failed || run.stalled ? 1 : 0;
}
