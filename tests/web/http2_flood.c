/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client that speaks HTTP/2 over TLS in raw frames: floods that no library lets one send, and requests with headers that none
 * would. Bounded in count and time, and only toward addresses of documentation (192.0.2.0/24), which tests put on
 * loopback in a namespace of their own.
 *
 *   http2_flood ADDRESS PORT NAME KIND COUNT     KIND: reset continuation ping settings priority empty
 *       says "closed N" or "open N": after so many frames, or with all of them sent
 *   http2_flood ADDRESS PORT NAME request [HEADER VALUE]...
 *       says the status, or "reset" or "closed"
 *   http2_flood ADDRESS PORT NAME together COUNT
 *       COUNT requests in one piece; says how many were answered, and in how many TLS records all that came
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define COUNT_MAX   100000
#define SECONDS_MAX 10
#define FRAME_MAX   16384
#define ANSWER_MAX  65536

enum {
	DATA,
	HEADERS,
	PRIORITY,
	RESET,
	SETTINGS,
	PUSH,
	PING,
	GOAWAY,
	WINDOW,
	CONTINUATION
};

static SSL *ssl;
static char *name; /* OpenSSL's macro takes no constant */

static void give_up(const char *what)
{
	(void)fprintf(stderr, "http2_flood: %s\n", what);
	exit(2);
}

static void open_connection(const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	struct timeval limit = { .tv_sec = SECONDS_MAX };
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
		(ntohl(to.sin_addr.s_addr) >> 8) != 0xc00002)
		give_up("only toward 192.0.2.0/24");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		give_up("no connection");
	(void)SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\2h2", 3);
	ssl = SSL_new(ctx);
	(void)SSL_set_tlsext_host_name(ssl, name);
	(void)SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) != 1)
		give_up("no handshake");
}

static bool send_bytes(const void *bytes, size_t length)
{
	return SSL_write(ssl, bytes, (int)length) == (int)length;
}

static size_t frame(uint8_t *out, uint8_t type, uint8_t flags, uint32_t stream, size_t length)
{
	out[0] = (uint8_t)(length >> 16);
	out[1] = (uint8_t)(length >> 8);
	out[2] = (uint8_t)length;
	out[3] = type;
	out[4] = flags;
	for (int i = 0; i < 4; i++)
		out[5 + i] = (uint8_t)(stream >> (24 - 8 * i));
	return 9 + length;
}

static size_t put_text(uint8_t *out, const char *text)
{
	size_t length = strlen(text);

	if (length >= 127)
		give_up("a text that is too long");
	out[0] = (uint8_t)length;
	(void)snprintf((char *)out + 1, 127, "%s", text);
	return 1 + length;
}

/* GET https / for the name, as a block of headers. */
static size_t put_request(uint8_t *out)
{
	static const uint8_t get[] = { 0x82, 0x84, 0x87, 0x01 /* :authority */ };
	size_t used = sizeof(get);

	memcpy(out, get, sizeof(get));
	return used + put_text(out + used, name);
}

/* Has the server closed, or said that it will? */
static bool is_closed(void)
{
	static uint8_t answer[ANSWER_MAX];
	struct pollfd poll_fd = { .fd = SSL_get_fd(ssl), .events = POLLIN };

	while (SSL_pending(ssl) > 0 || poll(&poll_fd, 1, 0) > 0) {
		int got = SSL_read(ssl, answer, sizeof(answer));

		if (got <= 0)
			return true;
		for (int at = 0; at + 9 <= got;) {
			if (answer[at + 3] == GOAWAY)
				return true;
			at += 9 + (answer[at] << 16 | answer[at + 1] << 8 | answer[at + 2]);
		}
	}
	return false;
}

static size_t flood_step(uint8_t *out, const char *kind, uint32_t i)
{
	static const uint8_t field[] = { 0, 1, 'x', 100 };
	uint32_t stream = 2 * i + 1;
	size_t used;

	if (strcmp(kind, "reset") == 0) {
		used = frame(out, HEADERS, 5, stream, put_request(out + 9));
		(void)frame(out + used, RESET, 0, stream, 4);
		memset(out + used + 9, 0, 3);
		out[used + 12] = 8; /* CANCEL */
		return used + 13;
	}
	if (strcmp(kind, "continuation") == 0) {
		if (i == 0)
			return frame(out, HEADERS, 1, 1, put_request(out + 9));
		/* A literal header with a value of 100 bytes, many times. */
		for (used = 9; used < 9 + 8000; used += 104) {
			memcpy(out + used, field, sizeof(field));
			memset(out + used + 4, 'a', 100);
		}
		return frame(out, CONTINUATION, 0, 1, used - 9);
	}
	memset(out + 9, 0, 8);
	if (strcmp(kind, "ping") == 0)
		return frame(out, PING, 0, 0, 8);
	if (strcmp(kind, "settings") == 0)
		return frame(out, SETTINGS, 0, 0, 0);
	if (strcmp(kind, "priority") == 0)
		return frame(out, PRIORITY, 0, 2 * (i % 100) + 1, 5);
	if (strcmp(kind, "empty") != 0)
		give_up("unknown kind");
	if (i == 0) {
		/* A request whose body never ends. */
		used = put_request(out + 9);
		out[9] = 0x83;
		return frame(out, HEADERS, 4, 1, used);
	}
	return frame(out, DATA, 0, 1, 0);
}

static int flood(const char *kind, uint32_t count)
{
	static uint8_t bytes[FRAME_MAX];

	if (count > COUNT_MAX)
		give_up("too many");
	for (uint32_t i = 0; i < count; i++) {
		if (!send_bytes(bytes, flood_step(bytes, kind, i)) || (i % 8 == 7 && is_closed())) {
			(void)printf("closed %u\n", i);
			return 0;
		}
	}
	for (int i = 0; i < 10; i++) {
		if (is_closed()) {
			(void)printf("closed %u\n", count);
			return 0;
		}
		(void)usleep(100000);
	}
	(void)printf("open %u\n", count);
	return 0;
}

/* The status is the first field of the answer, behind a new size of the table: of the static table, or a literal with three
 * digits, as nginx writes it. */
static void say_status(const uint8_t *block, size_t length)
{
	static const char *const known[] = { "200", "204", "206", "304", "400", "404", "500" };

	while (length > 0 && (*block & 0xe0) == 0x20) {
		block++;
		length--;
	}
	if (length > 0 && block[0] >= 0x88 && block[0] <= 0x8e)
		(void)printf("%s\n", known[block[0] - 0x88]);
	else if (length > 4 && block[0] == 0x48 && block[1] == 3)
		(void)printf("%.3s\n", (const char *)block + 2);
	else
		give_up("an answer whose status is written in another way");
}

static int request(int argc, char **argv)
{
	static uint8_t bytes[FRAME_MAX], answer[ANSWER_MAX];
	size_t used = put_request(bytes + 9), filled = 0;

	for (int i = 0; i + 1 < argc; i += 2) {
		bytes[9 + used++] = 0;
		used += put_text(bytes + 9 + used, argv[i]);
		used += put_text(bytes + 9 + used, argv[i + 1]);
	}
	(void)send_bytes(bytes, frame(bytes, HEADERS, 5, 1, used));
	for (;;) {
		int got = SSL_read(ssl, answer + filled, (int)(sizeof(answer) - filled));

		if (got <= 0)
			break;
		filled += (size_t)got;
		for (size_t at = 0; at + 9 <= filled;) {
			size_t length =
				(size_t)(answer[at] << 16 | answer[at + 1] << 8 | answer[at + 2]);

			if (at + 9 + length > filled)
				break;
			if (answer[at + 3] == HEADERS) {
				say_status(answer + at + 9, length);
				return 0;
			}
			if (answer[at + 3] == RESET || answer[at + 3] == GOAWAY) {
				(void)printf("reset\n");
				return 0;
			}
			at += 9 + length;
		}
	}
	(void)printf("closed\n");
	return 0;
}

/* Ends of streams in what came; what is no whole frame yet is moved to the beginning. */
static uint32_t ends_count(uint8_t *answer, size_t *filled)
{
	uint32_t ends = 0;
	size_t at = 0;

	while (at + 9 <= *filled) {
		size_t length = (size_t)(answer[at] << 16 | answer[at + 1] << 8 | answer[at + 2]);

		if (at + 9 + length > *filled)
			break;
		ends += (answer[at + 3] == DATA || answer[at + 3] == HEADERS) &&
			(answer[at + 4] & 1);
		at += 9 + length;
	}
	*filled -= at;
	memmove(answer, answer + at, *filled);
	return ends;
}

static int together(uint32_t count)
{
	static uint8_t bytes[FRAME_MAX], answer[ANSWER_MAX];
	uint32_t answered = 0, records = 0;
	size_t used = 0, filled = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (used + 9 + 2 * 128 > sizeof(bytes))
			give_up("too many");
		used += frame(bytes + used, HEADERS, 5, 2 * i + 1, put_request(bytes + used + 9));
	}
	(void)send_bytes(bytes, used);
	while (answered < count) {
		/* Of one record, however many there are. */
		int got = SSL_read(ssl, answer + filled, (int)(sizeof(answer) - filled));

		if (got <= 0)
			break;
		records++;
		filled += (size_t)got;
		answered += ends_count(answer, &filled);
	}
	(void)printf("%u %u\n", answered, records);
	return 0;
}

int main(int argc, char **argv)
{
	static uint8_t begin[64] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

	if (argc < 5)
		give_up("usage: http2_flood ADDRESS PORT NAME KIND COUNT | request [HEADER "
			"VALUE]...");
	name = argv[3];
	(void)signal(SIGPIPE, SIG_IGN);
	open_connection(argv[1], argv[2]);
	(void)alarm(3 * SECONDS_MAX);
	if (!send_bytes(begin, 24 + frame(begin + 24, SETTINGS, 0, 0, 0)))
		give_up("closed at once");
	if (strcmp(argv[4], "request") == 0)
		return request(argc - 5, argv + 5);
	if (argc != 6)
		give_up("how many?");
	if (strcmp(argv[4], "together") == 0)
		return together((uint32_t)strtoul(argv[5], NULL, 10));
	return flood(argv[4], (uint32_t)strtoul(argv[5], NULL, 10));
}
