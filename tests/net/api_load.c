/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signs and sends many API calls fast, over keep-alive connections to loopback: for tests that
 * need thousands of instances and for the control path's benchmark.
 *
 *   api_load ADDRESS:PORT KEY SECRET CONNECTIONS COUNT < lines
 *
 * Each line of standard input is a call without common parameters, decoded form ("Action=..&Version=..&Name=value",
 * values percent-encoded). COUNT calls are made in all: 0 means each line once, more means the lines
 * round and round. Replies go to standard output, one per line, in the order of the calls, unless
 * COUNT > 0. A summary goes to standard error as one JSON line; exit 1 when a reply was not 200.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/signature.h"

#define LINE_MAX_COUNT	200000
#define REPLY_MAX	(1 << 20)
#define CONNECTIONS_MAX 64
#define CALLS_MAX	10000000

struct connection {
	int fd;
	long call; /* index of the call in flight, -1: none */
	int64_t started_us;
	char *buffer;
	size_t length;
	size_t expected; /* whole reply, once its header is known */
	int status;
};

static char *lines[LINE_MAX_COUNT];
static char **reply;
static long line_count, call_count, next_call, done_count, bad_count;
static float *sample;
static const char *key_id, *secret;
static uint64_t nonce_base;

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* Digits up to end, which must follow them; or says what is wrong and exits. */
static long number_of(const char *text, const char *end, long low, long high)
{
	char *stop;
	long n = strtol(text, &stop, 10);

	if (stop == text || !strchr(end, *stop) || n < low || n > high) {
		fprintf(stderr, "api_load: no number from %ld to %ld: %.40s\n", low, high, text);
		exit(2);
	}
	return n;
}

static void add(struct form *form, struct arena *mem, const char *key, const char *value)
{
	form->pair[form->count].key = key;
	form->pair[form->count++].value = arena_copy(mem, value);
}

/* The whole HTTP request for call, in mem. */
static char *build(struct arena *mem, long call)
{
	struct form form = { 0 }, line = { 0 };
	char stamp[CLOCK_ISO_SIZE], signature[SIGNATURE_V1_SIZE], nonce[40];
	const char *text = lines[call % line_count];
	char *string, *body;
	size_t i;

	if (form_decode(mem, text, strlen(text), &line) != OK)
		return NULL;
	form.pair = arena_array(mem, line.count + 8, sizeof(*form.pair));
	for (i = 0; i < line.count; i++)
		form.pair[form.count++] = line.pair[i];
	clock_format_iso(clock_utc_ms(), stamp);
	snprintf(nonce, sizeof(nonce), "%016llx%016lx", (unsigned long long)nonce_base, call);
	add(&form, mem, "AccessKeyId", key_id);
	add(&form, mem, "Format", "JSON");
	add(&form, mem, "SignatureMethod", "HMAC-SHA1");
	add(&form, mem, "SignatureVersion", "1.0");
	add(&form, mem, "SignatureNonce", nonce);
	add(&form, mem, "Timestamp", stamp);
	string = signature_v1_string(mem, "POST", &form);
	if (!string || !signature_v1(secret, string, signature))
		return NULL;
	add(&form, mem, "Signature", signature);
	body = form_canonical(mem, &form, NULL);
	return arena_print(mem,
		"POST / HTTP/1.1\r\nHost: lab\r\n"
		"Content-Type: application/x-www-form-urlencoded\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		strlen(body), body);
}

static void open_connection(struct connection *c, const struct sockaddr_in *to, int epoll)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
	int one = 1;

	if (c->fd >= 0)
		close(c->fd);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		die("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
		die("epoll_ctl");
}

static void send_next(struct connection *c, struct arena *mem)
{
	char *request;
	size_t length, sent = 0;

	c->call = -1;
	c->length = c->expected = 0;
	if (next_call == call_count)
		return;
	arena_reset(mem);
	request = build(mem, next_call);
	if (!request) {
		fprintf(stderr, "api_load: line %ld is no form\n", next_call % line_count + 1);
		exit(2);
	}
	c->call = next_call++;
	c->started_us = now_us();
	for (length = strlen(request); sent < length;) {
		ssize_t n = send(c->fd, request + sent, length - sent, MSG_NOSIGNAL);

		if (n < 0)
			die("send");
		sent += (size_t)n;
	}
}

/* Keeps the reply when it is whole; true then. */
static bool complete(struct connection *c)
{
	char *body, *field;

	c->buffer[c->length] = '\0';
	body = strstr(c->buffer, "\r\n\r\n");
	if (!body)
		return false;
	body += 4;
	if (!c->expected) {
		field = strcasestr(c->buffer, "\r\nContent-Length:");
		if (!field || field > body) {
			fprintf(stderr, "api_load: reply without Content-Length\n");
			exit(2);
		}
		c->expected = (size_t)(body - c->buffer) +
			      (size_t)number_of(field + 17, "\r", 0, REPLY_MAX);
		c->status = (int)number_of(c->buffer + 9, " ", 100, 999);
	}
	if (c->length < c->expected)
		return false;
	sample[done_count++] = (float)(now_us() - c->started_us) / 1000.0F;
	bad_count += c->status != 200;
	if (reply)
		reply[c->call] = strndup(body, c->expected - (size_t)(body - c->buffer));
	return true;
}

static int compare_float(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static void summary(int64_t began)
{
	double seconds = (double)(now_us() - began) / 1e6;

	qsort(sample, (size_t)done_count, sizeof(float), compare_float);
	fprintf(stderr,
		"{\"calls\":%ld,\"bad\":%ld,\"seconds\":%.3f,\"calls_per_second\":%.0f,"
		"\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f}\n",
		done_count, bad_count, seconds, (double)done_count / seconds,
		sample[done_count / 2], sample[done_count * 99 / 100], sample[done_count - 1]);
}

static void read_lines(void)
{
	char *line = NULL;
	size_t capacity = 0;

	while (line_count < LINE_MAX_COUNT && getline(&line, &capacity, stdin) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (*line)
			lines[line_count++] = strdup(line);
	}
	free(line);
	if (!line_count) {
		fprintf(stderr, "api_load: no calls on standard input\n");
		exit(2);
	}
}

static void loop(struct connection *c, long connections, const struct sockaddr_in *to)
{
	struct arena *mem = arena_new(16 << 20);
	struct epoll_event events[64];
	int epoll = epoll_create1(EPOLL_CLOEXEC), n, i;
	ssize_t got;

	for (i = 0; i < connections; i++) {
		c[i].fd = -1;
		c[i].buffer = calloc(1, REPLY_MAX + 1);
		if (!c[i].buffer)
			die("api_load");
		open_connection(&c[i], to, epoll);
		send_next(&c[i], mem);
	}
	while (done_count < call_count) {
		n = epoll_wait(epoll, events, 64, 30000);
		if (n <= 0) {
			fprintf(stderr, "api_load: no reply for 30 s\n");
			exit(2);
		}
		for (i = 0; i < n; i++) {
			struct connection *one = events[i].data.ptr;

			got = recv(one->fd, one->buffer + one->length, REPLY_MAX - one->length, 0);
			if (got <= 0 && one->call < 0) {
				close(one->fd);
				one->fd = -1;
				continue;
			}
			if (got <= 0)
				die("recv");
			one->length += (size_t)got;
			if (complete(one)) {
				if (strcasestr(one->buffer, "\r\nConnection: close"))
					open_connection(one, to, epoll);
				send_next(one, mem);
			}
		}
	}
	for (i = 0; i < connections; i++) {
		close(c[i].fd);
		free(c[i].buffer);
	}
	close(epoll);
	arena_free(mem);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct connection c[CONNECTIONS_MAX] = { 0 };
	long connections, count, i;
	int64_t began;
	char *colon;

	if (argc != 6 || !(colon = strchr(argv[1], ':'))) {
		fprintf(stderr,
			"usage: api_load ADDRESS:PORT KEY SECRET CONNECTIONS COUNT < calls\n");
		return 2;
	}
	*colon = '\0';
	connections = number_of(argv[4], "", 1, CONNECTIONS_MAX);
	count = number_of(argv[5], "", 0, CALLS_MAX);
	to.sin_port = htons((uint16_t)number_of(colon + 1, "", 1, 65535));
	if (inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 ||
		(ntohl(to.sin_addr.s_addr) >> 24) != 127) {
		fprintf(stderr, "api_load: only loopback addresses are served\n");
		return 2;
	}
	key_id = argv[2];
	secret = argv[3];
	nonce_base = (uint64_t)clock_utc_ms() << 20 ^ (uint64_t)getpid();
	read_lines();
	call_count = count ? count : line_count;
	sample = calloc((size_t)call_count, sizeof(*sample));
	reply = count ? NULL : calloc((size_t)call_count, sizeof(*reply));
	if (!sample || (!reply && !count))
		die("api_load");
	began = now_us();
	loop(c, connections, &to);
	for (i = 0; reply && i < call_count; i++)
		puts(reply[i]);
	summary(began);
	return bad_count ? 1 : 0;
}
