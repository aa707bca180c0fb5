/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fingerprints of a TLS ClientHello: JA3 (Salesforce, 2017) and JA4 (FoxIO, BSD-3-Clause specification of 2023). Pure. What
 * they need is kept in short form, since few connections are ever asked for them.
 */
#ifndef NGINX_HELLO_H
#define NGINX_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HELLO_VALUES_MAX 1024 /* in all lists together; no client has a quarter of it */
#define HELLO_JA3_SIZE	 33   /* with NUL */
#define HELLO_JA4_SIZE	 37

enum hello_list {
	HELLO_CIPHERS,
	HELLO_EXTENSIONS,
	HELLO_GROUPS,
	HELLO_POINTS,
	HELLO_SIGNATURES,
	HELLO_LISTS
};
struct hello {		  /* without what RFC 8701 has clients add at random */
	uint16_t version; /* as sent, legacy */
	uint16_t highest; /* of supported_versions, else version */
	bool named;	  /* has a server name */
	bool has_alpn;
	uint8_t alpn[2]; /* first and last byte of the first protocol */
	uint16_t count[HELLO_LISTS];
	uint16_t value[HELLO_VALUES_MAX]; /* the lists, one behind the other */
};

/* message: a handshake message with its head of 4 bytes. false: not a ClientHello, or with lists too long. */
bool hello_parse(const uint8_t *message, size_t length, struct hello *out);
/* Bytes of hello that are in use: a copy of so many is as good. */
size_t hello_size(const struct hello *hello);
/* false: the library's digests failed. */
bool hello_ja3(const struct hello *hello, char out[HELLO_JA3_SIZE]);
bool hello_ja4(const struct hello *hello, char out[HELLO_JA4_SIZE]);

#endif
