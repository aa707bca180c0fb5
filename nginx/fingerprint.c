/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All hooks that are no interface of nginx's are in this file.
 *
 *   1. OpenSSL's message callback, of which nginx makes no use, sees the ClientHello as it came. It is taken off with the client's
 *      Finished, so that records cost nothing.
 *   2. At that moment nginx waits in c->ssl->handler for the handshake's end; that it does is seen to. Another handler is put before it, which under
 *      HTTP/2 puts another c->recv before ngx_ssl_recv; that keeps what is read until the first request's head was seen, and
 *      takes itself off.
 *
 *   3. Under HTTP/1 another c->recv is put before nginx's for the whole connection, which notes where lines end in a form that
 *      nginx hides (lines.c). All bytes that were read and not taken yet lie in r->header_in, so that places in it
 *      are places in what came.
 *
 * A test at start runs a handshake in memory and both parsers on known bytes; when it fails, nothing is hooked, fingerprints
 * are empty, and a line in the log says so.
 */
#include "nginx/fingerprint.h"

#include "nginx/hello.h"
#include "nginx/lines.h"
#include "nginx/module.h"
#include "nginx/opening.h"
#include "nginx/run.h"

#define MESSAGE_FINISHED 20 /* RFC 8446, 4 */

struct polder_fingerprint {
	struct hello *hello; /* of hello_size() bytes; NULL: not understood */
	u_char *opening;     /* bytes read of HTTP/2; NULL: done, or not begun */
	size_t opening_length;
	void (*handshaked)(ngx_connection_t *c);
	ngx_recv_pt receive;
	char ja3[HELLO_JA3_SIZE], ja4[HELLO_JA4_SIZE]; /* "": not worked out yet */
	char *http2;				       /* NULL: none */
};

static bool usable;

ngx_str_t fingerprint_ja3(struct polder_fingerprint *print)
{
	if (!print || !print->hello || (!print->ja3[0] && !hello_ja3(print->hello, print->ja3)))
		return (ngx_str_t){ 0, NULL };
	return (ngx_str_t){ HELLO_JA3_SIZE - 1, (u_char *)print->ja3 };
}

ngx_str_t fingerprint_ja4(struct polder_fingerprint *print)
{
	if (!print || !print->hello || (!print->ja4[0] && !hello_ja4(print->hello, print->ja4)))
		return (ngx_str_t){ 0, NULL };
	return (ngx_str_t){ HELLO_JA4_SIZE - 1, (u_char *)print->ja4 };
}

ngx_str_t fingerprint_http2(struct polder_fingerprint *print)
{
	if (!print || !print->http2)
		return (ngx_str_t){ 0, NULL };
	return (ngx_str_t){ ngx_strlen(print->http2), (u_char *)print->http2 };
}

static struct polder_fingerprint *print_of(ngx_connection_t *c)
{
	struct polder_connection *connection = polder_connection_get(c);

	return connection ? connection->fingerprint : NULL;
}

/* ---- HTTP/1 */

struct polder_lines {
	struct lines lines;
	ngx_recv_pt receive;
};

static ssize_t lines_receive(ngx_connection_t *c, u_char *out, size_t size)
{
	struct polder_connection *connection = polder_connection_get(c);
	struct polder_lines *watched = connection->lines;
	ssize_t received = watched->receive(c, out, ngx_min(size, LINES_PIECE));

	if (received <= 0 || lines_feed(&watched->lines, out, (size_t)received))
		return received;
	watched->lines.bits = ngx_pcalloc(c->pool, LINES_BYTES);
	if (!watched->lines.bits)
		return NGX_ERROR;
	(void)lines_feed(&watched->lines, out, (size_t)received);
	return received;
}

void lines_watch(struct polder_connection *connection)
{
	ngx_connection_t *c = connection->nginx;
	struct polder_lines *watched = ngx_pcalloc(c->pool, sizeof(*watched));

	if (!watched)
		return;
	watched->receive = c->recv;
	connection->lines = watched;
	c->recv = lines_receive;
}

bool lines_in_header(const struct polder_connection *connection, const ngx_http_request_t *r)
{
	const struct lines *lines = connection->lines ? &connection->lines->lines : NULL;
	uint64_t end;

	if (!lines || !lines->bits)
		return false;
	end = lines->total - (uint64_t)(r->header_in->last - r->header_in->pos);
	return lines_found(lines, end - ngx_min((uint64_t)r->request_length, end), end);
}

/* ---- HTTP/2 */

static void opening_end(ngx_connection_t *c, struct polder_fingerprint *print)
{
	c->recv = print->receive;
	if (print->opening)
		(void)ngx_pfree(c->pool, print->opening);
	print->opening = NULL;
}

static void opening_look(
	ngx_connection_t *c, struct polder_fingerprint *print, const u_char *bytes, size_t length)
{
	char text[OPENING_TEXT_SIZE];
	size_t room = OPENING_BYTES_MAX - print->opening_length;

	if (!print->opening)
		print->opening = ngx_palloc(c->pool, OPENING_BYTES_MAX);
	if (!print->opening) {
		opening_end(c, print);
		return;
	}
	length = ngx_min(length, room);
	ngx_memcpy(print->opening + print->opening_length, bytes, length);
	print->opening_length += length;
	switch (opening_parse(print->opening, print->opening_length, text)) {
	case OPENING_MORE:
		if (print->opening_length == OPENING_BYTES_MAX)
			opening_end(c, print);
		return;
	case OPENING_DONE:
		print->http2 = ngx_pnalloc(c->pool, ngx_strlen(text) + 1);
		if (print->http2)
			ngx_memcpy(print->http2, text, ngx_strlen(text) + 1);
		opening_end(c, print);
		return;
	case OPENING_NONE:
	default:
		opening_end(c, print);
	}
}

static ssize_t opening_receive(ngx_connection_t *c, u_char *out, size_t size)
{
	struct polder_fingerprint *print = print_of(c);
	ssize_t received = print->receive(c, out, size);

	if (received > 0)
		opening_look(c, print, out, (size_t)received);
	return received;
}

static void handshaked(ngx_connection_t *c)
{
	struct polder_connection *connection = polder_connection_get(c);
	struct polder_fingerprint *print = print_of(c);
	const unsigned char *protocol;
	unsigned length = 0;

	c->ssl->handler = print->handshaked;
	if (c->ssl->handshaked)
		SSL_get0_alpn_selected(c->ssl->connection, &protocol, &length);
	if (length == 2 && memcmp(protocol, "h2", 2) == 0) {
		/* Below the other one, which takes itself off. */
		polder_checks_http2(c);
		print->receive = c->recv;
		c->recv = opening_receive;
	} else if (c->ssl->handshaked && connection) {
		lines_watch(connection);
	}
	print->handshaked(c);
}

/* ---- TLS */

static void hello_keep(ngx_connection_t *c, const uint8_t *message, size_t length)
{
	struct polder_connection *connection = polder_connection_get(c);
	struct polder_fingerprint *print;
	struct hello hello;
	size_t size;

	/* A second one answers a HelloRetryRequest. */
	if (!connection || connection->fingerprint)
		return;
	print = ngx_pcalloc(c->pool, sizeof(*print));
	if (!print)
		return;
	connection->fingerprint = print;
	if (!hello_parse(message, length, &hello))
		return;
	size = hello_size(&hello);
	print->hello = ngx_palloc(c->pool, size);
	if (print->hello)
		ngx_memcpy(print->hello, &hello, size);
}

/* The next read finds nothing, once. */
static long read_nothing(BIO *bio, int operation, const char *bytes, size_t length, int argument,
	long argument_long, int result, size_t *processed)
{
	(void)bytes;
	(void)length;
	(void)argument;
	(void)argument_long;
	(void)processed;
	if (operation != BIO_CB_READ)
		return result;
	BIO_set_callback_ex(bio, NULL);
	BIO_set_retry_read(bio);
	return -1;
}

/* The server has said what it had to, and reads. Were the client's answer there already, nginx would never have waited, and
 * there would be no handler to put another one before. The event for that answer is still to come. */
static void flight_sent(SSL *ssl)
{
	const ngx_connection_t *c = ngx_ssl_get_connection(ssl);

	if (c->ssl && !c->ssl->handler)
		BIO_set_callback_ex(SSL_get_rbio(ssl), read_nothing);
}

static void message_seen(
	int written, int version, int type, const void *bytes, size_t length, SSL *ssl, void *data)
{
	const uint8_t *message = bytes;
	struct polder_fingerprint *print;
	ngx_connection_t *c;

	(void)version;
	(void)data;
	if (type != SSL3_RT_HANDSHAKE || length == 0)
		return;
	if (written) {
		if (message[0] == MESSAGE_FINISHED || message[0] == SSL3_MT_SERVER_DONE)
			flight_sent(ssl);
		return;
	}
	c = ngx_ssl_get_connection(ssl);
	if (message[0] == SSL3_MT_CLIENT_HELLO) {
		hello_keep(c, message, length);
		return;
	}
	if (message[0] != MESSAGE_FINISHED)
		return;
	SSL_set_msg_callback(ssl, NULL);
	print = print_of(c);
	if (print && c->ssl->handler && !print->handshaked) {
		print->handshaked = c->ssl->handler;
		c->ssl->handler = handshaked;
	}
}

void fingerprint_hook(SSL_CTX *ctx)
{
	if (usable)
		SSL_CTX_set_msg_callback(ctx, message_seen);
}

/* ---- the test at start */

/* What the callback saw of a handshake in memory: whether a whole ClientHello that is understood. */
static void test_seen(
	int written, int version, int type, const void *bytes, size_t length, SSL *ssl, void *data)
{
	const uint8_t *message = bytes;
	struct hello hello;

	(void)version;
	(void)ssl;
	if (!written && type == SSL3_RT_HANDSHAKE && length > 0 &&
		message[0] == SSL3_MT_CLIENT_HELLO)
		*(bool *)data = hello_parse(message, length, &hello) &&
				hello.count[HELLO_CIPHERS] > 0 && hello.count[HELLO_EXTENSIONS] > 0;
}

static bool test_handshake(void)
{
	SSL_CTX *client_ctx = SSL_CTX_new(TLS_client_method()),
		*server_ctx = SSL_CTX_new(TLS_server_method());
	SSL *client = client_ctx ? SSL_new(client_ctx) : NULL,
	    *server = server_ctx ? SSL_new(server_ctx) : NULL;
	BIO *near = NULL, *far = NULL;
	bool seen = false;

	if (client && server && BIO_new_bio_pair(&near, 0, &far, 0) == 1) {
		SSL_set_bio(client, near, near);
		SSL_set_bio(server, far, far);
		SSL_set_connect_state(client);
		SSL_set_accept_state(server);
		SSL_set_msg_callback(server, test_seen);
		SSL_set_msg_callback_arg(server, &seen);
		(void)SSL_do_handshake(client);
		(void)SSL_do_handshake(server); /* ends for want of a certificate */
	}
	ERR_clear_error();
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(client_ctx);
	SSL_CTX_free(server_ctx);
	return seen;
}

/* A ClientHello of TLS 1.2 with two suites and a random one, server name "a", groups, points, signatures and ALPN "h2". */
static const uint8_t known_hello[] = "\x01\x00\x00\x63\x03\x03"
				     "0123456789abcdef0123456789abcdef\x00"
				     "\x00\x06\x0a\x0a\x13\x01\xc0\x2f\x01\x00\x00\x34"
				     "\x00\x00\x00\x06\x00\x04\x00\x00\x01"
				     "a"
				     "\x00\x0a\x00\x04\x00\x02\x00\x1d\x00\x0b\x00\x02\x01\x00"
				     "\x00\x0d\x00\x06\x00\x04\x04\x03\x08\x04"
				     "\x00\x10\x00\x05\x00\x03\x02"
				     "h2"
				     "\x00\x2b\x00\x05\x04\x03\x04\x03\x03";
static const uint8_t known_opening[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
				       "\x00\x00\x0c\x04\x00\x00\x00\x00\x00"
				       "\x00\x03\x00\x00\x00\x64\x00\x04\x00\x01\x00\x00"
				       "\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x00\x00\x09"
				       "\x00\x00\x06\x01\x05\x00\x00\x00\x01\x82\x84\x86\x41\x01"
				       "a";

static bool test_parsers(void)
{
	struct hello hello;
	char ja3[HELLO_JA3_SIZE], ja4[HELLO_JA4_SIZE], http2[OPENING_TEXT_SIZE];

	return hello_parse(known_hello, sizeof(known_hello) - 1, &hello) &&
	       hello_ja3(&hello, ja3) && hello_ja4(&hello, ja4) &&
	       strcmp(ja3, "e857756ff458633748388d5dc1486381") == 0 &&
	       strcmp(ja4, "t13d0206h2_c1929292aa6b_fb71836bce29") == 0 &&
	       opening_parse(known_opening, sizeof(known_opening) - 1, http2) == OPENING_DONE &&
	       strcmp(http2, "3:100;4:65536|9|0|m,p,s,a") == 0;
}

void fingerprint_test(ngx_log_t *log)
{
	usable = test_handshake() && test_parsers();
	if (!usable)
		ngx_log_error(NGX_LOG_ERR, log, 0,
			"fingerprints do not work with this OpenSSL: they are off");
}
