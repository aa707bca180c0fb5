/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sends live frames by BPF_PROG_TEST_RUN. Each such call would cost 25 ms of the kernel's bookkeeping if
 * the program were not attached anywhere; attached to a spare veth that carries nothing, calls are
 * cheap and pacing in steps of a millisecond works.
 *
 * Before anything is sent the place is checked: the namespace by cookie against what `lab up` wrote down, the
 * interfaces against the lab's own, the target against its pool. There is no option that names an
 * interface.
 */
#include "cli/generator.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/process.h"

#include "generator.skel.h"

#define FRAME_KINDS_MAX 8
#define STEP_NS		1000000
#define BURST_MAX	4096 /* frames of one call: 4 ms at a million per second */

struct flood {
	struct generator *program;
	struct bpf_link *link;
	uint32_t node_count;
	uint32_t spare_ifindex;
	uint32_t ifindex[LAB_NODE_MAX];
	struct lab_link lab_link[LAB_NODE_MAX];
	struct frame frame[FRAME_KINDS_MAX];
	uint32_t frame_count;
};

bool generator_permitted(const struct lab *lab, uint64_t own_cookie, uint64_t first_cookie,
	const char *interface, char why[100])
{
	char list[64], *rest = list, *name;

	(void)snprintf(why, 100, "this network namespace was not made by the lab");
	if (own_cookie == 0 || own_cookie == first_cookie ||
		own_cookie != lab->cookie[LAB_ATTACKER])
		return false;
	(void)snprintf(why, 100, "interface %.20s was not made by the lab", interface);
	lab_interfaces(lab, LAB_ATTACKER, list);
	while ((name = strsep(&rest, " ")) != NULL)
		if (strcmp(name, interface) == 0)
			return true;
	return false;
}

bool generator_target_permitted(const uint8_t address[16])
{
	static const char *const pools[] = { LAB_VIP_IPV4, LAB_VIP_IPV6 };
	uint8_t prefix[16];
	unsigned bits;

	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
		bool inside = text_to_prefix(pools[i], prefix, &bits);

		for (unsigned bit = 0; inside && bit < bits; bit++)
			inside = ((prefix[bit / 8] ^ address[bit / 8]) >> (7 - bit % 8) & 1) == 0;
		if (inside)
			return true;
	}
	return false;
}

static bool interface_index(const struct lab *lab, const char *name, uint32_t *out)
{
	char why[100];

	if (!generator_permitted(lab, namespace_cookie_own(), namespace_cookie_first(), name, why))
		return complain("the generator refuses: %s", why);
	*out = if_nametoindex(name);
	return *out != 0 || complain("no interface %s", name);
}

static bool generator_open(const struct lab *lab, struct flood *flood)
{
	if (!interface_index(lab, LAB_SPARE_INTERFACE, &flood->spare_ifindex))
		return false;
	flood->node_count = (uint32_t)lab->node_count;
	for (int node = 0; node < lab->node_count; node++) {
		lab_link(LAB_ATTACKER, node, &flood->lab_link[node]);
		if (!interface_index(
			    lab, flood->lab_link[node].peer_interface, &flood->ifindex[node]))
			return false;
	}
	flood->program = generator__open_and_load();
	if (!flood->program)
		return complain("load the generator's packet program: %s", strerror(errno));
	flood->link = bpf_program__attach_xdp(
		flood->program->progs.polder_generator, (int)flood->spare_ifindex);
	return flood->link || complain("attach to " LAB_SPARE_INTERFACE ": %s", strerror(errno));
}

static void generator_close(struct flood *flood)
{
	(void)bpf_link__destroy(flood->link);
	generator__destroy(flood->program);
}

/* One call: count frames of one kind through one node. */
static bool burst(struct flood *flood, uint64_t turn, uint32_t count)
{
	const uint32_t node = (uint32_t)(turn % flood->node_count);
	struct frame *frame = &flood->frame[turn / flood->node_count % flood->frame_count];
	struct generator_shape *shape = &flood->program->bss->shape;
	struct xdp_md context = { .data_end = frame->length,
		.ingress_ifindex = flood->spare_ifindex };
	const uint64_t packets = shape->packets, bytes = shape->bytes;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->data,
		.data_size_in = frame->length, .ctx_in = &context, .ctx_size_in = sizeof(context),
		.repeat = (int)count, .batch_size = 64, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	memcpy(frame->data, flood->lab_link[node].node_mac, 6);
	memcpy(frame->data + 6, flood->lab_link[node].peer_mac, 6);
	*shape = frame->shape;
	memcpy(shape->header, frame->data, sizeof(shape->header));
	shape->ifindex = flood->ifindex[node];
	shape->packets = packets;
	shape->bytes = bytes;
	return bpf_prog_test_run_opts(
		       bpf_program__fd(flood->program->progs.polder_generator), &options) == 0 ||
	       complain("send: %s", strerror(errno));
}

static int64_t now_ns(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* What is due by now is sent; what a busy machine did not get out in time is caught up in bounded bursts, but
 * never past the end: the time bounds a drill, whatever the rate. */
static bool pace(struct flood *flood, int64_t seconds, int64_t pps)
{
	const int64_t start = now_ns(), end = start + seconds * 1000000000;
	int64_t sent = 0, total = seconds * pps;
	uint64_t turn = 0;

	for (int64_t now = start; now < end && sent < total; now = now_ns()) {
		const struct timespec step = { .tv_nsec = STEP_NS };
		int64_t due = (now - start + STEP_NS) / 1000 * pps / 1000000 - sent;

		if (due > total - sent)
			due = total - sent;
		if (due > BURST_MAX)
			due = BURST_MAX;
		if (due > 0) {
			if (!burst(flood, turn++, (uint32_t)due))
				return false;
			sent += due;
		}
		if (due < BURST_MAX)
			(void)nanosleep(&step, NULL);
	}
	return true;
}

bool generator_run(const struct lab *lab, const struct drill *drill, const struct target *target,
	int64_t seconds, int64_t pps, struct generator_result *out)
{
	static struct flood flood;
	const int64_t start = clock_monotonic_ms();
	bool done;

	if (seconds < 1 || seconds > GENERATOR_SECONDS_MAX || pps < 1 || pps > GENERATOR_PPS_MAX)
		return complain("a drill has 1..%d seconds and 1..%d packets per second",
			GENERATOR_SECONDS_MAX, GENERATOR_PPS_MAX);
	if (!generator_target_permitted(target->address))
		return complain("the target is not an address of the lab's pool");
	flood.frame_count = drill->frame_count;
	for (uint32_t i = 0; i < drill->frame_count; i++) {
		drill->build(target, i, &flood.frame[i]);
		frame_finish(&flood.frame[i]);
	}
	done = generator_open(lab, &flood) && pace(&flood, seconds, pps);
	if (done) {
		out->packets = flood.program->bss->shape.packets;
		out->bytes = flood.program->bss->shape.bytes;
		out->took_ms = clock_monotonic_ms() - start;
	}
	generator_close(&flood);
	return done;
}

bool passive_attach(const char *interface, const char *path)
{
	struct generator *program = generator__open_and_load();
	struct bpf_link *link = NULL;
	bool attached = false;

	if (program)
		link = bpf_program__attach_xdp(
			program->progs.polder_passive, (int)if_nametoindex(interface));
	if (link)
		attached = bpf_link__pin(link, path) == 0;
	if (!attached)
		complain("attach to %s: %s", interface, strerror(errno));
	(void)bpf_link__destroy(link);
	generator__destroy(program);
	return attached;
}
