/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The original of a stand-in (peers.bpf.c), for who has it: POLDER_BENCH_ORIGINALS names a directory with
 *
 *   xdp_synproxy.o  tools/testing/selftests/bpf/progs/xdp_synproxy_kern.c of Linux 6.7 or later (earlier ones are
 *                   refused by the verifier of later kernels), by
 *                   clang -O2 -g -mcpu=v3 -target bpf -D__TARGET_ARCH_x86 -I DIR -c, where DIR/vmlinux.h is made by
 *                   bpftool btf dump file /sys/kernel/btf/vmlinux format c
 *
 * What is not there is not measured. What is there and does not load is an error. Everything here is static.
 */
#ifndef TESTS_BENCH_ORIGINALS_H
#define TESTS_BENCH_ORIGINALS_H

#include <stdlib.h>
#include <unistd.h>

#include "frames.h"

#define ORIGINALS_VARIABLE "POLDER_BENCH_ORIGINALS"
#define SYNPROXY_FILE	   "xdp_synproxy.o"
#define SYNPROXY_PROGRAM   "syncookie_xdp"

struct original {
	int program; /* -1: not to be had */
	int counter; /* map: SYNs answered are its element 1 */
};

static inline struct bpf_map *original_map(struct bpf_object *object, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);

	must(map != NULL, name);
	return map;
}

/* xdp_synproxy with the rule's port open, everything else by its defaults. */
static inline struct original load_synproxy(void)
{
	struct original out = { .program = -1, .counter = -1 };
	const char *directory = getenv(ORIGINALS_VARIABLE);
	const uint16_t port = TCP_PORT;
	const uint32_t first = 0;
	struct bpf_program *each;
	struct bpf_object *object;
	char path[4096];

	if (!directory ||
		snprintf(path, sizeof(path), "%s/" SYNPROXY_FILE, directory) >= (int)sizeof(path) ||
		access(path, R_OK) < 0)
		return out;
	object = bpf_object__open(path);
	must(object != NULL, path);
	bpf_object__for_each_program(each, object)(void) bpf_program__set_autoload(
		each, strcmp(bpf_program__name(each), SYNPROXY_PROGRAM) == 0);
	must(bpf_object__load(object) == 0, path);
	each = bpf_object__find_program_by_name(object, SYNPROXY_PROGRAM);
	must(each != NULL, SYNPROXY_PROGRAM);
	map_set(original_map(object, "allowed_ports"), &first, &port);
	out.counter = bpf_map__fd(original_map(object, "values"));
	out.program = bpf_program__fd(each);
	return out;
}

static inline uint64_t original_counted(const struct original *original)
{
	const uint32_t answered = 1;
	uint64_t value = 0;

	must(bpf_map_lookup_elem(original->counter, &answered, &value) == 0,
		"read xdp_synproxy's counter");
	return value;
}

#endif
