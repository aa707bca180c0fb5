/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Samples of refused packets: what they tell, that their weights add up, how many there are of a flood, that the order of
 * sources hides none, and that nothing grows when nobody reads.
 */
#include "talk.h"

#define WINDOW_NS (SIGHTING_TICKS * 4000000ll) /* of the clock that the test gives */

static struct ring_buffer *sightings;
static struct sighting seen_last;
static unsigned seen;
static uint64_t weighed;
static uint64_t by_source[256]; /* weight, by the last byte of the address */

static int sighted(void *context, void *data, size_t size)
{
	(void)context;
	assert_int_equal(size, sizeof(seen_last));
	memcpy(&seen_last, data, sizeof(seen_last));
	seen++;
	weighed += seen_last.weight;
	by_source[seen_last.source.byte[15]] += seen_last.weight;
	return 0;
}

static void look(void)
{
	(void)ring_buffer__consume(sightings);
}

static void vips_set(uint32_t mitigations, int64_t blackhole_until_ns)
{
	struct vip vip = vip_protected();

	vip.flags = VIP_HAS_EXACT;
	vip.mitigation_on = mitigations;
	vip.blackhole_until_ns = blackhole_until_ns;
	vip_set(skel, VIP4, &vip);
	vip_set(skel, VIP6, &vip);
}

/* With refusals kept or not, and nothing known of any window. */
static void begin(uint32_t mitigations, bool kept)
{
	static struct vip_counter none[HARNESS_CPU_MAX];
	static uint32_t edition;
	struct settings settings = settings_default();
	uint32_t slot = VIP_SLOT;

	settings.edition = kept ? ++edition : 0;
	settings_set(skel, &settings);
	map_set(skel->maps.vip_counter, &slot, none);
	vips_set(mitigations, 0);
	time_pass(skel, 20 * WINDOW_NS);
	look();
	seen = 0;
	weighed = 0;
	memset(by_source, 0, sizeof(by_source));
}

static struct wire from(int version, const char *source, uint16_t port)
{
	struct wire w = { .source = source,
		.destination = version == 4 ? VIP4 : VIP6,
		.source_port = 40000,
		.destination_port = port,
		.protocol = IPPROTO_UDP,
		.payload = 100 };

	return w;
}

/* Three packets of one kind: each is seen. */
struct what {
	const char *what;
	uint32_t mitigations;
	uint16_t port;
	uint8_t protocol;
	enum reason reason;
	bool kept;
};

static void tell(const struct what *row, int version)
{
	const char *source = version == 4 ? CLIENT4 : CLIENT6;
	struct address address = address_of(source);
	struct wire w = from(version, source, row->port);

	w.protocol = row->protocol;
	w.flags = SYN;
	w.payload = row->protocol == IPPROTO_TCP ? 0 : 100;
	begin(row->mitigations, row->kept);
	for (unsigned n = 1; n <= 3; n++) {
		struct frame f = frame_build(&w);
		uint32_t size = f.size;

		(void)frame_run(skel, &f);
		look();
		if (seen != n)
			fail_msg("%s, IPv%d: %u of %u", row->what, version, seen, n);
		assert_int_equal(seen_last.reason, row->reason);
		assert_int_equal(seen_last.weight, 1);
		assert_int_equal(seen_last.instance, INSTANCE);
		assert_memory_equal(&seen_last.source, &address, 16);
		assert_int_equal(seen_last.port, row->port);
		assert_int_equal(seen_last.protocol, row->protocol);
		assert_int_equal(seen_last.length, size - 14);
	}
}

/* What a sample says, whichever way the packet was refused. */
static void test_what(void **state)
{
	static const struct what rows[] = {
		{ "for its source", MITIGATION_BIT(bogon), 53, IPPROTO_UDP, REASON_bogon, false },
		{ "as one before it", MITIGATION_BIT(bogon), 53, IPPROTO_UDP, REASON_bogon, true },
		{ "TCP as one before it", MITIGATION_BIT(bogon), 80, IPPROTO_TCP, REASON_bogon,
			true },
		{ "no port rule", 0, 9999, IPPROTO_UDP, REASON_no_service, true },
		{ "a cookie is sent", 0, 80, IPPROTO_TCP, REASON_cookie_sent, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		tell(&rows[i], 4);
		tell(&rows[i], 6);
	}
}

/* What is forwarded, and what is not for a protected address, is no sample. */
static void test_others(void **state)
{
	(void)state;
	for (int version = 4; version <= 6; version += 2) {
		struct wire w = from(version, version == 4 ? CLIENT4 : CLIENT6, 53);
		struct frame f = frame_build(&w);

		begin(0, true);
		assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
		w.destination = version == 4 ? "10.201.9.99" : "fd01::9:99";
		f = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), XDP_PASS);
		look();
		assert_int_equal(seen, 0);
	}
}

/* So many packets, spread over so many windows; reads after each. Returns the most samples of one window. */
static unsigned flood(int version, unsigned packets, unsigned windows, bool kept)
{
	struct wire w = from(version, version == 4 ? CLIENT4 : CLIENT6, 53);
	const struct frame sent = frame_build(&w);
	unsigned most = 0;

	begin(MITIGATION_BIT(bogon), kept);
	for (unsigned i = 0; i < windows; i++) {
		unsigned before = seen;

		for (unsigned n = 0; n < packets; n++) {
			struct frame f = sent;

			assert_int_equal(frame_run(skel, &f), XDP_DROP);
			look();
		}
		if (seen - before > most)
			most = seen - before;
		time_pass(skel, WINDOW_NS);
	}
	return most;
}

static void test_rate(void **state)
{
	(void)state;
	for (int version = 4; version <= 6; version += 2) {
		/* A thin one: each packet. */
		assert_int_equal(flood(version, 10, 3, true), 10);
		assert_int_equal(weighed, 30);
		/* A thick one: a few for each doubling, whatever there is. */
		assert_in_range(flood(version, 4000, 6, true), SIGHTING_FEW, SIGHTING_BUDGET);
		assert_in_range(seen, 6 * SIGHTING_FEW / 2, 6 * 4 * SIGHTING_FEW + SIGHTING_BUDGET);
		assert_in_range(weighed, 22000, 24000);
		assert_in_range(flood(version, 4000, 6, false), SIGHTING_FEW, SIGHTING_BUDGET);
		assert_in_range(weighed, 22000, 24000);
	}
}

/* Sources that come in turns, in numbers that any fixed step would meet or miss always. */
static void test_order(void **state)
{
	struct frame sent[16];
	char source[16];

	(void)state;
	for (int i = 0; i < 16; i++) {
		struct wire w;

		(void)snprintf(source, sizeof(source), "10.201.1.%d", 100 + i);
		w = from(4, source, 53);
		sent[i] = frame_build(&w);
	}
	begin(MITIGATION_BIT(bogon), true);
	for (unsigned n = 0; n < 64000; n++) {
		struct frame f = sent[n % 16];

		assert_int_equal(frame_run(skel, &f), XDP_DROP);
		if (n % 2000 == 0) {
			look();
			time_pass(skel, WINDOW_NS);
		}
	}
	look();
	/* 4,000 packets of each, about 40 samples of a weight of 100: five standard deviations. */
	for (int i = 0; i < 16; i++)
		assert_in_range(by_source[100 + i], 400, 9000);
}

/* Nobody reads, and then somebody does. */
static void test_full(void **state)
{
	struct wire w = from(4, CLIENT4, 53);
	const struct frame sent = frame_build(&w);
	unsigned sends = 0;

	(void)state;
	begin(MITIGATION_BIT(bogon), true);
	for (unsigned i = 0; i < 60; i++) {
		for (unsigned n = 0; n < 60; n++, sends++) {
			struct frame f = sent;

			assert_int_equal(frame_run(skel, &f), XDP_DROP);
		}
		time_pass(skel, 4 * WINDOW_NS);
	}
	look();
	assert_in_range(seen, 32, HARNESS_MAP_MAX / sizeof(struct sighting));
	assert_true(weighed < sends);
	/* The next one stands for those that found no room. */
	for (unsigned n = 0; n < 300; n++, sends++) {
		struct frame f = sent;

		assert_int_equal(frame_run(skel, &f), XDP_DROP);
	}
	look();
	assert_in_range(weighed, sends - 300, sends);
}

/* A flood of many addresses: the CPU has so many samples in a window. */
static void test_budget(void **state)
{
	struct wire w = from(4, CLIENT4, 53);
	struct vip vip = vip_protected();
	char address[16];

	(void)state;
	begin(MITIGATION_BIT(bogon), true);
	vip.mitigation_on = MITIGATION_BIT(bogon);
	for (unsigned i = 0; i < 2 * SIGHTING_BUDGET; i++) {
		struct frame f;

		(void)snprintf(address, sizeof(address), "10.201.7.%u", i % 256);
		vip.slot = 1000 + i;
		vip_set(skel, address, &vip);
		w.destination = address;
		f = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), XDP_DROP);
		look();
	}
	assert_int_equal(seen, SIGHTING_BUDGET);
}

static int setup(void **state)
{
	(void)state;
	network_make();
	skel = world_make();
	sightings = ring_buffer__new(bpf_map__fd(skel->maps.sighting), sighted, NULL, NULL);
	assert_non_null(sightings);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ring_buffer__free(sightings);
	polder__destroy(skel);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_budget),
	};

	return PACKET_TESTS(tests, setup, teardown);
}
