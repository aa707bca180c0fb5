/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keep-alive requests: each connection sends one HTTP request, and the next when its answer is whole. All
 * connections take turns, so that a run has the same pattern whatever is between it and the server.
 *
 *   exchange ADDRESS PORT CONNECTIONS REQUESTS PATH BYTES     requests of each connection; bytes of the body
 *
 * A connection that fails, stalls for STALL_SECONDS or gets another length is counted and closed, and the request
 * made again on a new one. Prints {"requests":N,"stalled":S,"failed":F,"ms":T}. Status 1: more than TROUBLE_MAX
 * of these, or no connection to be had.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define CONNECTION_MAX 256
#define REQUEST_MAX    10000000
#define BODY_MAX       65536
#define HEADER_MAX     2048
#define STALL_SECONDS  3
#define TROUBLE_MAX    64

struct run {
	const struct addrinfo *to;
	char request[512];
	size_t length, bytes;
	long stalled, failed;
	int fd[CONNECTION_MAX];
};

static char answer[HEADER_MAX + BODY_MAX + 1];

static void must(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static long number_of(const char *text, long low, long high)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || n < low || n > high) {
		fprintf(stderr, "exchange: %s is not a number from %ld to %ld\n", text, low, high);
		exit(2);
	}
	return n;
}

/* Counts what errno says, and ends a run that goes nowhere. */
static void note_trouble(struct run *run)
{
	if (errno == EAGAIN || errno == EINPROGRESS)
		run->stalled++;
	else
		run->failed++;
	if (run->stalled + run->failed <= TROUBLE_MAX)
		return;
	fprintf(stderr, "exchange: %ld stalled, %ld failed\n", run->stalled, run->failed);
	exit(1);
}

static int open_connection(struct run *run)
{
	const struct timeval stall = { .tv_sec = STALL_SECONDS };
	const int on = 1;

	for (;;) {
		int fd = socket(run->to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		must(fd >= 0, "socket");
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &stall, sizeof(stall));
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &stall, sizeof(stall));
		if (connect(fd, run->to->ai_addr, run->to->ai_addrlen) == 0)
			return fd;
		note_trouble(run);
		(void)close(fd);
	}
}

static int send_request(const struct run *run, int fd)
{
	return send(fd, run->request, run->length, MSG_NOSIGNAL) == (ssize_t)run->length ? 0 : -1;
}

/* Returns 0, or -1 with errno. */
static int receive_answer(const struct run *run, int fd)
{
	size_t got = 0, want = 0;
	char *end;

	while (!want || got < want) {
		ssize_t n = recv(fd, answer + got, sizeof(answer) - 1 - got, 0);

		if (n < 0)
			return -1;
		errno = EPROTO;
		if (n == 0)
			return -1;
		got += (size_t)n;
		answer[got] = '\0';
		end = want ? NULL : strstr(answer, "\r\n\r\n");
		if (end)
			want = (size_t)(end - answer) + 4 + run->bytes;
		if (got > HEADER_MAX + run->bytes || (want && got > want))
			return -1;
	}
	errno = EPROTO;
	return strncmp(answer, "HTTP/1.1 200 ", 13) == 0 ? 0 : -1;
}

static void finish_request(struct run *run, int *fd)
{
	while (receive_answer(run, *fd) < 0) {
		do {
			note_trouble(run);
			(void)close(*fd);
			*fd = open_connection(run);
		} while (send_request(run, *fd) < 0);
	}
}

int main(int argc, char **argv)
{
	struct addrinfo hint = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *to;
	static struct run run;
	struct timespec from, until;
	long connections, requests;

	if (argc != 7 || getaddrinfo(argv[1], argv[2], &hint, &to) != 0) {
		fprintf(stderr, "usage: exchange ADDRESS PORT CONNECTIONS REQUESTS PATH BYTES\n");
		return 2;
	}
	run.to = to;
	connections = number_of(argv[3], 1, CONNECTION_MAX);
	requests = number_of(argv[4], 1, REQUEST_MAX);
	run.bytes = (size_t)number_of(argv[6], 0, BODY_MAX);
	run.length = (size_t)snprintf(run.request, sizeof(run.request),
		"GET %.255s HTTP/1.1\r\nHost: lab\r\n\r\n", argv[5]);
	for (long i = 0; i < connections; i++)
		run.fd[i] = open_connection(&run);
	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	for (long turn = 0; turn < requests; turn++) {
		/* What cannot be sent will not be answered: finish_request() sees it. */
		for (long i = 0; i < connections; i++)
			(void)send_request(&run, run.fd[i]);
		for (long i = 0; i < connections; i++)
			finish_request(&run, &run.fd[i]);
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	for (long i = 0; i < connections; i++)
		(void)close(run.fd[i]);
	freeaddrinfo(to);
	printf("{\"requests\":%ld,\"stalled\":%ld,\"failed\":%ld,\"ms\":%ld}\n",
		connections * requests, run.stalled, run.failed,
		(until.tv_sec - from.tv_sec) * 1000 + (until.tv_nsec - from.tv_nsec) / 1000000);
	return 0;
}
