/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Databases of addresses in the MaxMind format, made by tests that need one.
 */
#ifndef TESTS_SUPPORT_MMDB_H
#define TESTS_SUPPORT_MMDB_H

#include <jansson.h>
#include <stdbool.h>

/* Writes {"192.0.2.0/24": {...}, "2001:db8::/32": {...}}: objects, arrays, texts, and whole numbers up to 2^32 - 1. No network
 * lies within another. false: that, or the file, is not right. */
bool mmdb_write(const char *path, const json_t *networks);
/* The same of a text of JSON. */
bool mmdb_write_text(const char *path, const char *networks);

#endif
