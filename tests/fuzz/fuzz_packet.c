/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packet path's parser on any frame, compiled for the host from the very header that the kernel
 * runs. The frame lies in memory of exactly its size, so that a sanitizer sees each byte read beyond it. The
 * checks are what every later step relies on: offsets in order and inside the frame.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Written for a compiler that neither wants prototypes nor minds narrowing. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wpointer-arith"
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wint-to-pointer-cast"
#pragma GCC diagnostic ignored "-Wunknown-pragmas"
#pragma GCC diagnostic ignored "-Wshadow"
#include "bpf/parse.bpf.h"
#pragma GCC diagnostic pop

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct packet *p, const uint8_t *frame, size_t size)
{
	assert(p->version == 4 || p->version == 6);
	assert(p->network == 14 || p->network == 18 || p->network == 22);
	assert(p->end == p->network + p->length && p->end <= size);
	assert(p->transport >= p->network + (p->version == 4 ? 20 : 40));
	assert(p->transport <= p->end);
	assert(frame[p->network] >> 4 == p->version);
	assert(!address_equal(&p->key.source, &p->key.destination));
	if (p->fragment == FRAGMENT_LATER) {
		assert(p->key.source_port == 0 && p->key.destination_port == 0);
		return;
	}
	if (p->protocol == IPPROTO_TCP) {
		assert(p->tcp_length >= 20 && p->tcp_length <= 60);
		assert(p->transport + p->tcp_length <= p->end);
		assert(memcmp(frame + p->transport, &p->key.source_port, 2) == 0);
	}
	if (p->protocol == IPPROTO_UDP) {
		assert(p->transport + 8 <= p->end);
		assert(memcmp(frame + p->transport + 2, &p->key.destination_port, 2) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet p = { 0 };
	uint8_t *memory, *frame;

	if (size > 70000)
		return 0;
	/* As drivers place it: what follows the Ethernet header is aligned. */
	memory = malloc(size + 2);
	if (!memory)
		return 0;
	frame = memory + 2;
	memcpy(frame, data, size);
	if (parse_network(frame, frame + size, &p) == PARSE_IP &&
		parse_transport(frame, frame + size, &p) == 0)
		check(&p, frame, size);
	free(memory);
	return 0;
}
