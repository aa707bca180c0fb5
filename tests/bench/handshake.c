/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Full TLS handshakes, each on a new connection and for a server name drawn from many: what certificates cost.
 *
 *   handshake ADDRESS PORT COUNT THREADS NAMES VERSION     VERSION: 1.2 or 1.3
 *
 * Names are site0.bench.example up to site(NAMES-1).bench.example; NAMES 1 is always the first. A handshake is completed
 * when the certificate names what was asked for (or, with NAMES 1, whatever it names); sessions are not resumed. The client
 * closes at once. Over IPv4 to an address of the same machine, connections come from SOURCES loopback addresses in turn:
 * servers limit what one source may ask for. A connection that takes longer than STALL_SECONDS has stalled. Prints {"completed":N,"failed":F,"ms":T};
 * status 1 when none was completed.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define COUNT_MAX     1000000
#define THREAD_MAX    16
#define NAME_MAX_SITE 100000
#define STALL_SECONDS 5
#define SOURCES	      4096 /* 127.1.0.1 and on */

struct run {
	const struct addrinfo *to;
	SSL_CTX *context;
	long count, names;
	unsigned seed;
	long completed, failed;
};

static void must(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(2);
}

static long number(const char *text, long least, long most)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end || value < least || value > most) {
		(void)fprintf(stderr, "handshake: %s is not %ld..%ld\n", text, least, most);
		exit(2);
	}
	return value;
}

static int named(SSL *tls, const char *name)
{
	X509 *certificate = SSL_get1_peer_certificate(tls);
	int good = certificate && X509_check_host(certificate, name, 0, 0, NULL) == 1;

	X509_free(certificate);
	return good;
}

static int handshake(struct run *run)
{
	struct timeval limit = { STALL_SECONDS, 0 };
	struct linger reset = { 1, 0 }; /* no port is left waiting: thousands a second come */
	int fd = socket(run->to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), good;
	char name[64];
	struct sockaddr_in source = { .sin_family = AF_INET };
	SSL *tls;

	must(fd >= 0, "socket");
	source.sin_addr.s_addr = htonl(0x7f010001u + (unsigned)rand_r(&run->seed) % SOURCES);
	if (run->to->ai_family == AF_INET)
		must(bind(fd, (const void *)&source, sizeof(source)) == 0, "bind");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	(void)snprintf(name, sizeof(name), "site%ld.bench.example",
		run->names == 1 ? 0 : rand_r(&run->seed) % run->names);
	tls = SSL_new(run->context);
	must(tls != NULL, "SSL_new");
	good = connect(fd, run->to->ai_addr, run->to->ai_addrlen) == 0 &&
	       SSL_set_tlsext_host_name(tls, name) == 1 && SSL_set_fd(tls, fd) == 1 &&
	       SSL_connect(tls) == 1 && (run->names == 1 || named(tls, name));
	SSL_free(tls);
	(void)close(fd);
	return good;
}

static void *work(void *context)
{
	struct run *run = context;

	for (long i = 0; i < run->count; i++) {
		if (handshake(run))
			run->completed++;
		else
			run->failed++;
	}
	return NULL;
}

static SSL_CTX *make_context(const char *version)
{
	int wanted = strcmp(version, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	must(context != NULL, "SSL_CTX_new");
	must(SSL_CTX_set_min_proto_version(context, wanted) == 1 &&
			SSL_CTX_set_max_proto_version(context, wanted) == 1,
		"version");
	(void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	return context;
}

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *to;
	struct timespec begin, end;
	struct run run[THREAD_MAX];
	pthread_t thread[THREAD_MAX];
	long count, threads, completed = 0, failed = 0;

	if (argc != 7 || getaddrinfo(argv[1], argv[2], &hints, &to) != 0) {
		(void)fprintf(
			stderr, "usage: handshake ADDRESS PORT COUNT THREADS NAMES VERSION\n");
		return 2;
	}
	count = number(argv[3], 1, COUNT_MAX);
	threads = number(argv[4], 1, THREAD_MAX);
	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	for (long i = 0; i < threads; i++) {
		run[i] = (struct run){ .to = to,
			.context = make_context(argv[6]),
			.count = count / threads + (i < count % threads),
			.names = number(argv[5], 1, NAME_MAX_SITE),
			.seed = (unsigned)i + 1 };
		must(pthread_create(&thread[i], NULL, work, &run[i]) == 0, "pthread_create");
	}
	for (long i = 0; i < threads; i++) {
		(void)pthread_join(thread[i], NULL);
		completed += run[i].completed;
		failed += run[i].failed;
		SSL_CTX_free(run[i].context);
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	freeaddrinfo(to);
	(void)printf("{\"completed\":%ld,\"failed\":%ld,\"ms\":%ld}\n", completed, failed,
		(end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000);
	return completed == 0;
}
