/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Points of trails, packed: most of their words are 0 or small. A word is written in pieces of seven bits, and a run of
 * zeros as a 0 and its length.
 */
#ifndef CONTROL_ENGINE_WORDS_H
#define CONTROL_ENGINE_WORDS_H

#include <stddef.h>
#include <stdint.h>

#define WORDS_PACKED_MAX(count) ((count)*10) /* bytes */

/* Returns the bytes used; out has room for WORDS_PACKED_MAX(count). */
size_t words_pack(const uint64_t *word, size_t count, uint8_t *out);
/* All count words; those that data does not tell are 0. */
void words_unpack(const uint8_t *data, size_t length, uint64_t *word, size_t count);

#endif
