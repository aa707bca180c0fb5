/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A load client with time-outs: a connection or datagram that stalls is counted, and never ends
 * the run. One epoll loop, no threads. It runs inside a namespace of the lab and speaks only to the
 * address that it is given. Prints one JSON line; exit 1 when anything failed.
 *
 *   load get    ADDRESS PORT COUNT CONCURRENCY PATH BYTES   HTTP/1.1 GET, Connection: close
 *   load echo   ADDRESS PORT COUNT CONCURRENCY BYTES        send random bytes, expect them back
 *   load banner ADDRESS PORT COUNT CONCURRENCY              the server must speak first
 *   load hold   ADDRESS PORT CONNECTIONS SECONDS            each echoes 32 bytes every 100 ms
 *   load udp    ADDRESS PORT COUNT PPS                      numbered datagrams, all must come back
 *   load each   FILE PORT WAIT_MS [SOURCE]                  one datagram to each address of FILE
 *
 * "get" reads the body's bytes and compares them with nothing but their count; "echo" compares each byte.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
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

#define TIMEOUT_MS  15000
#define CHUNK	    16384
#define ADDRESS_MAX 100000
/*
 * Datagrams under way at a time: less than any queue between here and there holds, so that a busy machine delays them and
 * loses none. What has not come back when nothing has for so long is lost.
 */
#define FLIGHT_MAX 128
#define LOST_US	   5000000
#define SAMPLE_MAX 2000000

enum kind {
	GET,
	ECHO,
	BANNER,
	HOLD
};

struct connection {
	int fd;
	bool connected;
	int64_t started_ms;
	int64_t started_us;
	int64_t next_ms; /* hold: when the next message is due */
	uint32_t seed;	 /* of the byte sequence of this connection */
	size_t sent;
	size_t received;
	size_t header; /* get: bytes of the header seen so far, until it ended */
	bool body;
	unsigned match; /* how much of "\r\n\r\n" matched */
};

struct run {
	enum kind kind;
	struct sockaddr_storage to;
	socklen_t to_length;
	long count, concurrency;
	size_t bytes;
	char request[512];
	size_t request_length;
	int epoll;
	long started, ok, failed, timeouts, resets;
	int64_t end_ms;
	float *sample; /* ms per connection */
	long samples;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Byte n of a connection's sequence: cheap, and different at each offset and connection. */
static uint8_t sequence_byte(uint32_t seed, size_t n)
{
	uint32_t x = seed + (uint32_t)n * 2654435761u;

	x ^= x >> 15;
	x *= 2246822519u;
	return (uint8_t)(x >> 24);
}

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void resolve(
	const char *address, const char *port, struct sockaddr_storage *out, socklen_t *length)
{
	struct addrinfo hint = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *info;

	if (getaddrinfo(address, port, &hint, &info) != 0) {
		fprintf(stderr, "load: bad address %s or port %s\n", address, port);
		exit(2);
	}
	memcpy(out, info->ai_addr, info->ai_addrlen);
	*length = info->ai_addrlen;
	freeaddrinfo(info);
}

static void watch(struct run *run, struct connection *c, uint32_t events, int operation)
{
	struct epoll_event event = { .events = events, .data.ptr = c };

	if (epoll_ctl(run->epoll, operation, c->fd, &event) < 0)
		die("epoll_ctl");
}

static void finish(struct run *run, struct connection *c, bool good)
{
	if (good)
		run->ok++;
	else
		run->failed++;
	if (good && run->samples < SAMPLE_MAX)
		run->sample[run->samples++] = (float)(now_us() - c->started_us) / 1000.0F;
	close(c->fd);
	c->fd = -1;
}

static void start(struct run *run, struct connection *c)
{
	int one = 1;

	memset(c, 0, sizeof(*c));
	c->seed = (uint32_t)run->started++ * 7919u + (uint32_t)getpid();
	c->started_ms = now_ms();
	c->started_us = now_us();
	c->next_ms = c->started_ms;
	c->fd = socket(run->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(c->fd, (struct sockaddr *)&run->to, run->to_length) < 0 &&
		errno != EINPROGRESS) {
		run->failed++;
		close(c->fd);
		c->fd = -1;
		return;
	}
	watch(run, c, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
}

/* false: the connection is broken. */
static bool send_some(struct run *run, struct connection *c)
{
	uint8_t chunk[CHUNK];
	size_t length, i;
	ssize_t n;
	size_t total = run->kind == GET ? run->request_length : run->bytes;

	if (run->kind == BANNER)
		total = 0;
	while (c->sent < total) {
		length = total - c->sent < CHUNK ? total - c->sent : CHUNK;
		for (i = 0; i < length; i++)
			chunk[i] = run->kind == GET ? (uint8_t)run->request[c->sent + i]
						    : sequence_byte(c->seed, c->sent + i);
		n = send(c->fd, chunk, length, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN;
		c->sent += (size_t)n;
	}
	watch(run, c, EPOLLIN, EPOLL_CTL_MOD);
	return true;
}

static bool take(struct run *run, struct connection *c, const uint8_t *data, size_t length)
{
	static const char end[] = "\r\n\r\n";
	size_t i;

	for (i = 0; i < length; i++) {
		if (run->kind == ECHO || run->kind == HOLD) {
			if (data[i] != sequence_byte(c->seed, c->received))
				return false;
			c->received++;
		} else if (run->kind == GET && !c->body) {
			if (data[i] == (uint8_t)end[c->match])
				c->match++;
			else
				c->match = data[i] == '\r' ? 1 : 0;
			c->body = c->match == 4;
		} else {
			c->received++;
		}
	}
	return true;
}

/* 1: done and good, 0: go on, -1: broken. */
static int receive(struct run *run, struct connection *c)
{
	uint8_t chunk[CHUNK];
	ssize_t n;

	for (;;) {
		n = recv(c->fd, chunk, sizeof(chunk), 0);
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0) {
			run->resets += errno == ECONNRESET;
			return -1;
		}
		if (n == 0)
			return run->kind == GET && c->received == run->bytes ? 1 : -1;
		if (!take(run, c, chunk, (size_t)n))
			return -1;
		if (run->kind == ECHO && c->received == run->bytes)
			return 1;
		if (run->kind == BANNER && c->received > 0)
			return 1;
	}
}

/* hold: a message every 100 ms, the previous one must be back. */
static bool hold_tick(struct run *run, struct connection *c, int64_t now)
{
	uint8_t message[32];
	size_t i;

	if (!c->connected || now < c->next_ms)
		return now - c->next_ms < TIMEOUT_MS;
	if (c->received != c->sent)
		return now - c->next_ms < TIMEOUT_MS;
	if (now >= run->end_ms) {
		finish(run, c, true);
		return true;
	}
	for (i = 0; i < sizeof(message); i++)
		message[i] = sequence_byte(c->seed, c->sent + i);
	if (send(c->fd, message, sizeof(message), MSG_NOSIGNAL) != sizeof(message))
		return false;
	c->sent += sizeof(message);
	c->next_ms = now + 100;
	return true;
}

static void event(struct run *run, struct connection *c, uint32_t events)
{
	int error = 0, state;
	socklen_t length = sizeof(error);

	if (c->fd < 0)
		return;
	if (!c->connected && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length);
		if (error) {
			run->resets += error == ECONNREFUSED || error == ECONNRESET;
			finish(run, c, false);
			return;
		}
		c->connected = true;
		if (run->kind == HOLD)
			watch(run, c, EPOLLIN, EPOLL_CTL_MOD);
	}
	if (run->kind != HOLD && (events & EPOLLOUT) && !send_some(run, c)) {
		finish(run, c, false);
		return;
	}
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	state = receive(run, c);
	if (state)
		finish(run, c, state > 0);
}

/* Times out what is late, refills free places; returns how many connections live. */
static long housekeeping(struct run *run, struct connection *c)
{
	int64_t now = now_ms();
	long live = 0, i;

	for (i = 0; i < run->concurrency; i++) {
		if (c[i].fd >= 0 && run->kind == HOLD && !hold_tick(run, &c[i], now))
			finish(run, &c[i], false);
		if (c[i].fd >= 0 && run->kind != HOLD && now - c[i].started_ms > TIMEOUT_MS) {
			run->timeouts++;
			finish(run, &c[i], false);
		}
		if (c[i].fd < 0 && run->started < run->count)
			start(run, &c[i]);
		live += c[i].fd >= 0;
	}
	return live;
}

static int compare_float(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static int run_tcp(struct run *run)
{
	struct connection *c = calloc((size_t)run->concurrency, sizeof(*c));
	struct epoll_event events[512];
	int64_t began = now_ms(), checked = 0;
	long live = 1, i;
	int n;

	run->sample = calloc(SAMPLE_MAX, sizeof(float));
	run->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!c || !run->sample || run->epoll < 0)
		die("load");
	for (i = 0; i < run->concurrency; i++)
		c[i].fd = -1;
	while (live) {
		bool refill = false;

		n = epoll_wait(run->epoll, events, 512, 10);
		for (i = 0; i < n; i++) {
			struct connection *one = events[i].data.ptr;

			event(run, one, events[i].events);
			if (one->fd < 0 && run->started < run->count)
				start(run, one);
			refill |= one->fd < 0;
		}
		if (refill || now_ms() - checked >= 10) {
			live = housekeeping(run, c);
			checked = now_ms();
		}
	}
	qsort(run->sample, (size_t)run->samples, sizeof(float), compare_float);
	printf("{\"ok\":%ld,\"failed\":%ld,\"timeouts\":%ld,\"resets\":%ld,\"ms\":%lld,"
	       "\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f}\n",
		run->ok, run->failed, run->timeouts, run->resets, (long long)(now_ms() - began),
		run->samples ? run->sample[run->samples / 2] : 0,
		run->samples ? run->sample[run->samples * 99 / 100] : 0,
		run->samples ? run->sample[run->samples - 1] : 0);
	free(run->sample);
	free(c);
	return run->failed || run->ok != run->count ? 1 : 0;
}

static int udp_socket(const struct sockaddr_storage *to, socklen_t length)
{
	int fd = socket(to->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = 16 << 20;

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, length) < 0)
		die("udp socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return fd;
}

static long drain(int fd, uint8_t *seen, long count)
{
	uint32_t number;
	long fresh = 0;

	while (recv(fd, &number, sizeof(number), MSG_DONTWAIT) == sizeof(number)) {
		if (number < (uint32_t)count && !seen[number]) {
			seen[number] = 1;
			fresh++;
		}
	}
	return fresh;
}

/* Paced by the clock: at each turn whatever is due is sent, so that a late turn catches up. */
static int run_udp(struct run *run, long pps)
{
	int fd = udp_socket(&run->to, run->to_length);
	uint8_t *seen = calloc((size_t)run->count, 1);
	int64_t began = now_us(), heard = began;
	long got = 0, more, lost = 0, due, first_missing = -1, i;
	uint32_t next = 0;
	struct timespec nap = { .tv_nsec = 200000 };

	if (!seen)
		die("load");
	while (got < run->count) {
		due = (long)((now_us() - began) * pps / 1000000) + 1;
		for (i = 0; next < (uint32_t)run->count && next < (uint32_t)due && i < 64 &&
			    (long)next - got - lost < FLIGHT_MAX;
			i++) {
			if (send(fd, &next, sizeof(next), 0) == sizeof(next))
				next++;
			else if (errno != ECONNREFUSED)
				break;
		}
		more = drain(fd, seen, run->count);
		got += more;
		if (more || got + lost >= (long)next)
			heard = now_us();
		if (now_us() - heard > LOST_US) {
			if (next == (uint32_t)run->count)
				break;
			lost = (long)next - got;
		}
		nanosleep(&nap, NULL);
	}
	for (i = 0; i < run->count && first_missing < 0; i++)
		first_missing = seen[i] ? -1 : i;
	printf("{\"sent\":%ld,\"received\":%ld,\"lost\":%ld,\"first_lost\":%ld,\"ms\":%lld}\n",
		run->count, got, run->count - got, first_missing,
		(long long)(now_us() - began) / 1000);
	free(seen);
	close(fd);
	return got == run->count ? 0 : 1;
}

static int bind_source(int family, const char *source)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), size = 16 << 20;
	struct sockaddr_storage from;
	socklen_t length;

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (source) {
		resolve(source, "0", &from, &length);
		if (bind(fd, (struct sockaddr *)&from, length) < 0)
			die("bind");
	}
	return fd;
}

/* One datagram to each address; counts the distinct addresses that answered within wait_ms. */
static int run_each(const char *path, const char *port, long wait_ms, const char *source)
{
	static char line[128];
	static struct sockaddr_storage to[ADDRESS_MAX];
	socklen_t length = 0;
	FILE *file = fopen(path, "r");
	long count = 0, got = 0, i;
	int64_t began, last;
	uint8_t *seen;
	uint32_t number;
	int fd;

	if (!file)
		die(path);
	while (count < ADDRESS_MAX && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		resolve(line, port, &to[count++], &length);
	}
	fclose(file);
	seen = calloc((size_t)count + 1, 1);
	if (!seen || !count)
		die("load each");
	fd = bind_source(to[0].ss_family, source);
	began = last = now_ms();
	for (i = 0; i < count; i++) {
		number = (uint32_t)i;
		if (sendto(fd, &number, sizeof(number), 0, (struct sockaddr *)&to[i], length) < 0)
			i -= errno == EAGAIN;
		if (i % 32 == 0) { /* a ring of a veth holds 256 frames */
			struct timespec nap = { .tv_nsec = 100000 };

			got += drain(fd, seen, count);
			nanosleep(&nap, NULL);
		}
	}
	int64_t sent = now_ms();
	while (got < count && now_ms() - sent < wait_ms) {
		struct timespec nap = { .tv_nsec = 1000000 };
		long fresh = drain(fd, seen, count);

		got += fresh;
		if (fresh)
			last = now_ms();
		nanosleep(&nap, NULL);
	}
	printf("{\"sent\":%ld,\"answered\":%ld,\"send_ms\":%lld,\"last_answer_ms\":%lld}\n", count,
		got, (long long)(sent - began), (long long)(last - began));
	free(seen);
	close(fd);
	return 0;
}

static long number_of(const char *text, long low, long high)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || n < low || n > high) {
		fprintf(stderr, "load: %s is not a number from %ld to %ld\n", text, low, high);
		exit(2);
	}
	return n;
}

int main(int argc, char **argv)
{
	struct run run = { 0 };
	struct rlimit files;
	const char *kind = argc > 1 ? argv[1] : "";

	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	if (!strcmp(kind, "each") && argc >= 5)
		return run_each(
			argv[2], argv[3], number_of(argv[4], 0, 60000), argc > 5 ? argv[5] : NULL);
	if (argc < 6) {
		fprintf(stderr, "usage: load get|echo|banner|hold|udp ADDRESS PORT COUNT ... (see "
				"source)\n");
		return 2;
	}
	resolve(argv[2], argv[3], &run.to, &run.to_length);
	run.count = number_of(argv[4], 1, 10000000);
	run.concurrency = number_of(argv[5], 1, 10000000);
	if (!strcmp(kind, "udp"))
		return run_udp(&run, run.concurrency);
	if (!strcmp(kind, "hold")) {
		run.kind = HOLD;
		run.end_ms = now_ms() + run.concurrency * 1000;
		run.concurrency = run.count;
	} else if (!strcmp(kind, "echo") && argc > 6) {
		run.kind = ECHO;
		run.bytes = (size_t)number_of(argv[6], 1, 1 << 30);
	} else if (!strcmp(kind, "banner")) {
		run.kind = BANNER;
	} else if (!strcmp(kind, "get") && argc > 7) {
		run.kind = GET;
		run.bytes = (size_t)number_of(argv[7], 0, 1 << 30);
		run.request_length = (size_t)snprintf(run.request, sizeof(run.request),
			"GET %s HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n", argv[6]);
	} else {
		fprintf(stderr, "load: no such kind or too few arguments: %s\n", kind);
		return 2;
	}
	if (run.concurrency > run.count)
		run.concurrency = run.count;
	return run_tcp(&run);
}
