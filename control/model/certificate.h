/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificates as customers bring them: what they may be, and what they are for. No I/O; the present is given.
 */
#ifndef CONTROL_MODEL_CERTIFICATE_H
#define CONTROL_MODEL_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "shared/request_abi.h"

#define CERTIFICATE_NAME_MAX  256 /* characters of its name here; published names are file names */
#define CERTIFICATE_CHAIN_MAX 49152
#define CERTIFICATE_KEY_MAX   12288 /* an RSA key of 8192 bits is 6.4 KB */
#define CERTIFICATE_DEPTH_MAX 10    /* certificates of a chain */
#define CERTIFICATE_NAMES_MAX 100 /* domains of one certificate, as public authorities limit them */
static_assert(sizeof(struct certificate) + CERTIFICATE_CHAIN_MAX + CERTIFICATE_KEY_MAX <=
		      CERTIFICATE_BYTES_MAX,
	"nodes take what is accepted");

struct certificate_row {
	int64_t number; /* the nodes' id, never reused */
	int64_t account;
	const char *name;
	int64_t version;	   /* another one with each change */
	int64_t create_ms;	   /* machine time, as all here */
	int64_t from_ms, until_ms; /* of the site's own certificate */
	const char *common;	   /* its common name, else the first of names */
	const char *issuer;	   /* organisation or common name of its issuer */
	const char *names;	   /* domains that it is for, by spaces, lower case */
	const char *chain;	   /* PEM: its own first, then each one's issuer; NULL in lists */
};

/*
 * Reads chain and key, both PEM, and fills names, validity and a chain and key in one spelling (PKCS #8 for the key).
 * ERR_CERTIFICATE_INVALID with a sentence in why that begins with the parameter, "Cert" or "Key": not PEM, too long, a
 * chain out of order, a key that is encrypted, of another certificate, or of a kind that nginx or browsers refuse, a
 * certificate whose time is over or not come at clock_ms, or that is for no domain.
 */
#define CERTIFICATE_WHY_SIZE 200
enum err certificate_read(struct arena *mem, const char *chain, const char *key, int64_t clock_ms,
	struct certificate_row *out, const char **out_key, char why[CERTIFICATE_WHY_SIZE]) MUST_USE;
/* Whether browsers take it for the domain, which may be a wildcard. */
bool certificate_covers(const struct certificate_row *certificate, const char *domain);

#endif
