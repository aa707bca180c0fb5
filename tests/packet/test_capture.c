/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Captures: which packets are copied, what a copy holds, and that it ends.
 */
#include "wire.h"

#include <linux/if_link.h>

#define CAPTURE		 11
#define REASON_BIT(name) (1ull << REASON_##name)

static struct ring_buffer *ring;
static struct packet_sample last;
static unsigned int heard;

static int sample_heard(void *context, void *data, size_t size)
{
	(void)context;
	assert_int_equal(size, sizeof(last));
	memcpy(&last, data, sizeof(last));
	heard++;
	return 0;
}

static void capture_set(uint32_t id, uint32_t instance, uint64_t reasons, uint64_t left)
{
	struct capture capture = {
		.id = id, .instance = instance, .reasons = reasons, .left = left
	};
	uint32_t zero = 0;

	map_set(skel->maps.capture, &zero, &capture);
}

static uint64_t capture_left(void)
{
	struct capture capture;
	uint32_t zero = 0;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.capture), &zero, &capture), 0);
	return capture.left;
}

/* Samples that came of this frame. */
static unsigned int samples_of(struct frame *f)
{
	heard = 0;
	(void)frame_run(skel, f);
	(void)ring_buffer__consume(ring);
	return heard;
}

static void vips_set(uint32_t on, uint32_t watch)
{
	struct vip vip = vip_protected();

	vip.mitigation_on = on;
	vip.mitigation_watch = watch;
	vip_set(skel, VIP4, &vip);
	vip_set(skel, VIP6, &vip);
}

/* A dropped packet is copied as it came. */
static void test_dropped(void **state)
{
	(void)state;
	vips_set(MITIGATION_BIT(bogon), 0);
	for (int version = 4; version <= 6; version += 2) {
		struct wire w = from_client(version, IPPROTO_UDP);
		struct frame f, sent;

		w.payload = 30;
		sent = f = frame_build(&w);
		capture_set(0, 0, ~0ull, 100);
		assert_int_equal(samples_of(&f), 0);
		capture_set(CAPTURE, INSTANCE, REASON_BIT(bogon), 100);
		assert_int_equal(samples_of(&f), 1);
		assert_int_equal(last.capture, CAPTURE);
		assert_int_equal(last.instance, INSTANCE);
		assert_int_equal(last.reason, REASON_bogon);
		assert_int_equal(last.ifindex, if_nametoindex("w0"));
		assert_int_equal(last.length, sent.size);
		assert_int_equal(last.captured, sent.size);
		assert_memory_equal(last.frame, sent.byte, sent.size);
		for (uint32_t i = sent.size; i < SAMPLE_BYTES; i++)
			assert_int_equal(last.frame[i], 0);
		assert_in_range(boot_ns() - last.time_ns, 0, 10 * SECOND_NS);
	}
	fill(skel);
}

static void test_choice(void **state)
{
	(void)state;
	for (int version = 4; version <= 6; version += 2) {
		struct wire w = from_client(version, IPPROTO_UDP);
		struct frame f = frame_build(&w);

		vips_set(MITIGATION_BIT(bogon), 0);
		capture_set(CAPTURE, INSTANCE + 1, ~0ull, 100);
		assert_int_equal(samples_of(&f), 0);
		capture_set(CAPTURE, 0, ~REASON_BIT(bogon), 100);
		assert_int_equal(samples_of(&f), 0);
		capture_set(CAPTURE, 0, ~0ull, 100);
		assert_int_equal(samples_of(&f), 1);
		/* Watched: the packet goes on, and says what it met. */
		vips_set(MITIGATION_BIT(bogon), MITIGATION_BIT(bogon));
		capture_set(CAPTURE, INSTANCE, REASON_BIT(bogon), 100);
		assert_int_equal(samples_of(&f), 1);
		assert_int_equal(last.reason, REASON_WATCHED | REASON_bogon);
		f = frame_build(&w);
		capture_set(CAPTURE, INSTANCE, REASON_BIT(forwarded_udp) | REASON_BIT(flow_opened),
			100);
		assert_int_equal(samples_of(&f), 1);
		assert_int_equal(last.reason, REASON_forwarded_udp);
		/* As it left: toward the origin. */
		assert_memory_equal(last.frame, f.byte, f.size);
		assert_memory_equal(last.frame, ORIGIN_MAC, 6);
	}
	fill(skel);
}

static void test_bounds(void **state)
{
	struct wire w = from_client(4, IPPROTO_UDP);
	struct frame f;

	(void)state;
	vips_set(MITIGATION_BIT(bogon), 0);
	w.payload = 1400;
	f = frame_build(&w);
	capture_set(CAPTURE, 0, ~0ull, 2);
	assert_int_equal(samples_of(&f), 1);
	assert_int_equal(last.length, f.size);
	assert_int_equal(last.captured, SAMPLE_BYTES);
	assert_memory_equal(last.frame, f.byte, SAMPLE_BYTES);
	assert_int_equal(capture_left(), 1);
	assert_int_equal(samples_of(&f), 1);
	assert_int_equal(samples_of(&f), 0);
	assert_int_equal(capture_left(), 0);
	/* Nobody reads: the ring fills, packets go on being judged, what did not fit is not counted. */
	capture_set(CAPTURE, 0, ~0ull, 1000);
	for (int i = 0; i < 50; i++)
		assert_int_equal(frame_run(skel, &f), XDP_DROP);
	assert_in_range(capture_left(), 951, 999);
	heard = 0;
	(void)ring_buffer__consume(ring);
	assert_int_equal(heard, 1000 - capture_left());
	/* Of other hosts, too, when it is asked for. */
	w.destination = "10.201.9.99";
	f = frame_build(&w);
	assert_int_equal(samples_of(&f), 1);
	assert_int_equal(last.instance, 0);
	assert_int_equal(last.reason, REASON_host);
	fill(skel);
}

static int setup(void **state)
{
	(void)state;
	network_make();
	skel = world_make();
	ring = ring_buffer__new(bpf_map__fd(skel->maps.sample), sample_heard, NULL, NULL);
	assert_non_null(ring);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ring_buffer__free(ring);
	polder__destroy(skel);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_bounds),
	};

	return PACKET_TESTS(tests, setup, teardown);
}
