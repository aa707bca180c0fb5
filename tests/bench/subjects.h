/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The programs that packet_cost measures beside Polder's: an empty one, xdp-filter of xdp-tools, and the stand-ins
 * of peers.bpf.c. Everything here is static.
 */
#ifndef TESTS_BENCH_SUBJECTS_H
#define TESTS_BENCH_SUBJECTS_H

#include <unistd.h>

#include <linux/if_link.h>

#include "frames.h"
#include "peers_abi.h"
#include "peers.skel.h"

#define XDP_FILTER "/usr/lib/x86_64-linux-gnu/bpf/xdpfilt_alw_ip.o"
/* xdp-filter: low bits of an entry say for which packets it is meant; all. */
#define FILTER_FLAGS 63

static inline int load_drop(void)
{
	/* r0 = XDP_DROP; exit */
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_DROP },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_XDP);
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "bench_drop", "GPL", code, 2, &options);

	must(fd >= 0, "load the empty program");
	return fd;
}

/* xdp-filter's program with the one source in its table, or -1 when the package is not there. */
static inline int load_xdp_filter(void)
{
	struct bpf_object *object;
	struct bpf_program *program;
	struct bpf_map *map;
	uint64_t value[HARNESS_CPU_MAX];
	struct in_addr key;

	if (access(XDP_FILTER, R_OK) < 0)
		return -1;
	(void)libbpf_set_print(NULL); /* it warns of the package's own sections */
	object = bpf_object__open(XDP_FILTER);
	must(object != NULL, "open " XDP_FILTER);
	for (map = bpf_object__next_map(object, NULL); map; map = bpf_object__next_map(object, map))
		must(!bpf_map__set_pin_path(map, NULL), "pin path");
	must(bpf_object__load(object) == 0, "load " XDP_FILTER);
	program = bpf_object__next_program(object, NULL);
	map = bpf_object__find_map_by_name(object, "filter_ipv4");
	must(program && map, "find the program and table of " XDP_FILTER);
	must(inet_pton(AF_INET, BLOCKED, &key) == 1, BLOCKED);
	for (int i = 0; i < HARNESS_CPU_MAX; i++)
		value[i] = FILTER_FLAGS;
	must(bpf_map_update_elem(bpf_map__fd(map), &key, value, BPF_ANY) == 0,
		"fill xdp-filter's table");
	return bpf_program__fd(program);
}

/* Both versions' service and the one flow that frame_fix_client() makes packets of. */
static inline void fill_balancer(struct peers *peers, struct frame *frame)
{
	const struct iphdr *ip = frame_at(frame, ETH_HLEN);
	const struct ipv6hdr *ipv6 = frame_at(frame, ETH_HLEN);
	const struct udphdr *udp = frame_at(frame, frame->shape.transport);
	struct peer_service_key service = { .port = udp->dest, .protocol = IPPROTO_UDP };
	struct peer_flow_key key = {
		.source_port = udp->source, .destination_port = udp->dest, .protocol = IPPROTO_UDP
	};
	struct peer_service value = { .slot = 1 };
	struct peer_flow flow = { .origin = 1 };
	struct peer_origin origin = { .address = { htonl(0x0ac90202) },
		.mac = { 2, 0, 0, 0, 0, 4 } };
	struct bpf_map *table[] = { peers->maps.peer_flows0, peers->maps.peer_flows1 };
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	flow.seen_ns = (uint64_t)now.tv_sec * 1000000000u;
	if (frame->shape.ip_version == 4) {
		key.source[0] = ip->saddr;
		key.destination[0] = ip->daddr;
	} else {
		memcpy(key.source, &ipv6->saddr, sizeof(key.source));
		memcpy(key.destination, &ipv6->daddr, sizeof(key.destination));
	}
	memcpy(service.address, key.destination, sizeof(service.address));
	map_set(peers->maps.peer_service, &service, &value);
	map_set(peers->maps.peer_origin, &flow.origin, &origin);
	for (uint32_t cpu = 0; cpu < PEER_CPU_MAX; cpu++) {
		int fd = bpf_map__fd(table[cpu % 2]);

		map_set(peers->maps.peer_flows_of_cpu, &cpu, &fd);
		map_set(table[cpu % 2], &key, &flow);
	}
}

/* SYNs answered, or datagrams sent on: by what the frame is. */
static inline uint64_t peer_counted(struct peers *peers, const struct frame *frame)
{
	const uint8_t protocol = frame->data[ETH_HLEN + (frame->shape.ip_version == 4 ? 9 : 6)];
	struct peer_counter value[HARNESS_CPU_MAX];
	uint32_t zero = 0, slot = 1;
	uint64_t answered = 0;

	if (protocol == IPPROTO_TCP) {
		(void)bpf_map_lookup_elem(bpf_map__fd(peers->maps.peer_answered), &zero, &answered);
		return answered;
	}
	must(bpf_map_lookup_elem(bpf_map__fd(peers->maps.peer_origin_counter), &slot, value) == 0,
		"read the balancer's counter");
	for (int i = 0; i < libbpf_num_possible_cpus(); i++)
		answered += value[i].packets;
	return answered;
}

#endif
