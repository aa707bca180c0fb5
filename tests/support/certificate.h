/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificates made for a test, signed by an authority of its own. Everything here fails the test on error.
 */
#ifndef TESTS_SUPPORT_CERTIFICATE_H
#define TESTS_SUPPORT_CERTIFICATE_H

#include "base/arena.h"

enum test_key {
	TEST_KEY_EC,	    /* P-256 */
	TEST_KEY_RSA_SHORT, /* 1024 bits */
	TEST_KEY_ED25519
};
struct test_certificate {
	const char *leaf, *authority; /* PEM */
	const char *chain;	      /* both, in order */
	const char *key;	      /* PEM, PKCS #8 */
	const char *encrypted;	      /* the same with a password */
};
/* names: domains by spaces; "": none. Valid from from_ms until until_ms. */
struct test_certificate test_certificate(
	struct arena *mem, const char *names, int64_t from_ms, int64_t until_ms);
struct test_certificate test_certificate_of(struct arena *mem, enum test_key kind,
	const char *names, int64_t from_ms, int64_t until_ms);

#endif
