/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names that customers' names point at, below the zone: a prefix that says what they are of, and 16 characters by chance.
 */
#ifndef CONTROL_MODEL_CNAME_H
#define CONTROL_MODEL_CNAME_H

#include <stdbool.h>
#include <stdint.h>

#define CNAME_SIZE    21 /* a prefix and 16 of [a-z0-9] */
#define CNAME_WEBSITE "web-"
#define CNAME_RULE    "sch-" /* a scheduling rule's */

/* A new label, from 16 random bytes. */
void cname_make(const char *prefix, const uint8_t random[16], char out[CNAME_SIZE]);
bool cname_valid(const char *prefix, const char *label);

#endif
