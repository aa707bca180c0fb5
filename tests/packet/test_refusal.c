/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Refusals that are kept: what they save must not be seen but in time. The lists are changed under the
 * program's feet here, without another edition, to see that it did not ask them again.
 */
#include "talk.h"

static struct settings settings;

/* One that no test had before. */
static void another_edition(void)
{
	static uint32_t newest;

	settings.edition = ++newest;
	settings_set(skel, &settings);
}

static void protect_until(uint32_t mitigations, int64_t until_ns)
{
	struct vip vip = vip_protected();

	vip.flags = VIP_HAS_EXACT;
	vip.mitigation_on = mitigations;
	vip.mitigation_until_ns = until_ns;
	vip_set(skel, VIP4, &vip);
	vip_set(skel, VIP6, &vip);
}

static void list(int version, int64_t allow, int64_t block)
{
	struct list_exact_key key = { .instance = INSTANCE,
		.source = address_of(version == 4 ? CLIENT4 : CLIENT6) };
	struct list_entry entry = { .allow_until_ns = allow, .block_until_ns = block };

	map_set(skel->maps.list_exact, &key, &entry);
}

static void begin(int version)
{
	settings = settings_default();
	another_edition();
	protect_until(MITIGATION_BIT(block_list), INT64_MAX);
	list(version, 0, INT64_MAX);
}

static struct wire syn_to(int version, uint8_t vlan)
{
	struct wire w = { .source = version == 4 ? CLIENT4 : CLIENT6,
		.destination = version == 4 ? VIP4 : VIP6,
		.source_port = 40000,
		.destination_port = 80,
		.protocol = IPPROTO_TCP,
		.flags = SYN,
		.sequence = ISN,
		.vlan = vlan };

	return w;
}

static uint32_t send_syn(int version, uint8_t vlan)
{
	struct wire w = syn_to(version, vlan);
	struct frame f = frame_build(&w);

	return frame_run(skel, &f);
}

static uint64_t refused_packets(uint32_t reason)
{
	struct vip_counter value[HARNESS_CPU_MAX];
	uint32_t slot = VIP_SLOT;
	uint64_t sum = 0;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.vip_counter), &slot, value), 0);
	for (int i = 0; i < libbpf_num_possible_cpus(); i++)
		sum += value[i].reason[reason - REFUSED_FIRST].packets;
	return sum;
}

static void counts(int version)
{
	struct vip_counter before = vip_counted(skel, VIP_SLOT), after;
	uint64_t reason = reason_packets(skel, REASON_block_list);
	uint64_t refused = refused_packets(REASON_block_list);
	struct wire w = syn_to(version, 0);
	struct frame f = frame_build(&w);

	begin(version);
	for (int i = 0; i < 10; i++)
		assert_int_equal(send_syn(version, 0), XDP_DROP);
	after = vip_counted(skel, VIP_SLOT);
	assert_int_equal(reason_packets(skel, REASON_block_list) - reason, 10);
	assert_int_equal(refused_packets(REASON_block_list) - refused, 10);
	assert_int_equal(after.in.packets - before.in.packets, 10);
	assert_int_equal(after.dropped.packets - before.dropped.packets, 10);
	assert_int_equal(after.dropped.bytes - before.dropped.bytes, 10 * (f.size - 14));
	assert_int_equal(after.in.bytes - before.in.bytes, 10 * (f.size - 14));
	assert_true(after.last_in_ns > 0 && (int64_t)after.last_in_ns <= boot_ns());
}

/* A kept refusal counts what comes, not what it says to be. */
static void claims(int version)
{
	struct vip_counter before, after;
	struct wire w = syn_to(version, 0);
	struct frame f = frame_build(&w);
	const uint32_t size = f.size;

	begin(version);
	assert_int_equal(send_syn(version, 0), XDP_DROP);
	before = vip_counted(skel, VIP_SLOT);
	put16(f.byte + (version == 4 ? 16 : 18), version == 4 ? 65535 : 65490);
	for (int i = 0; i < 10; i++)
		assert_int_equal(frame_run(skel, &f), XDP_DROP);
	after = vip_counted(skel, VIP_SLOT);
	assert_int_equal(after.in.bytes - before.in.bytes, 10 * (size - 14));
	assert_int_equal(after.dropped.bytes - before.dropped.bytes, 10 * (size - 14));
}

/* Kept while nothing is said to have changed; asked again in another edition. */
static void editions(int version)
{
	begin(version);
	assert_int_equal(send_syn(version, 0), XDP_DROP);
	list(version, 0, 0);
	assert_int_equal(send_syn(version, 0), XDP_DROP);
	another_edition();
	assert_int_equal(send_syn(version, 0), XDP_REDIRECT);
	/* and nothing is kept of what passes */
	list(version, 0, INT64_MAX);
	assert_int_equal(send_syn(version, 0), XDP_DROP);
	list(version, INT64_MAX, INT64_MAX);
	another_edition();
	assert_int_equal(send_syn(version, 0), XDP_REDIRECT);
}

static void without_edition(int version)
{
	begin(version);
	settings.edition = 0;
	settings_set(skel, &settings);
	assert_int_equal(send_syn(version, 0), XDP_DROP);
	list(version, 0, 0);
	assert_int_equal(send_syn(version, 0), XDP_REDIRECT);
}

static void ends(int version)
{
	begin(version);
	assert_int_equal(send_syn(version, 0), XDP_DROP);
	list(version, 0, 0);
	time_pass(skel, SECOND_NS * 3 / 10);
	assert_int_equal(send_syn(version, 0), XDP_REDIRECT);
}

/* Mitigation that ends within the time of a refusal: it is not kept, so that it ends to the moment. */
static void expires(int version)
{
	begin(version);
	protect_until(MITIGATION_BIT(block_list), boot_ns() + SECOND_NS / 20);
	assert_int_equal(send_syn(version, 0), XDP_DROP);
	list(version, 0, 0);
	assert_int_equal(send_syn(version, 0), XDP_REDIRECT);
}

/* Others pass: another source, another address, and frames of another form. */
static void others(int version)
{
	struct wire w = syn_to(version, 0);
	struct frame f;

	begin(version);
	assert_int_equal(send_syn(version, 0), XDP_DROP);
	w.source = version == 4 ? "10.201.1.77" : "fd01::77";
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	list(version, 0, 0);
	assert_int_equal(send_syn(version, 1), XDP_REDIRECT);
	assert_int_equal(send_syn(version, 0), XDP_DROP);
}

/* A refusal that follows from more than the addresses is asked for each packet. */
static void other_reasons(int version)
{
	struct wire w = syn_to(version, 0);
	struct frame f;

	begin(version);
	list(version, 0, 0);
	w.destination_port = 81;
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	assert_int_equal(send_syn(version, 0), XDP_REDIRECT);
}

/* All packets to an address in the blackhole end, whoever sends them; each source is a question. */
static void blackhole(int version)
{
	struct vip vip = vip_protected();
	uint64_t refused = refused_packets(REASON_blackhole);

	begin(version);
	vip.blackhole_until_ns = INT64_MAX;
	vip_set(skel, VIP4, &vip);
	vip_set(skel, VIP6, &vip);
	for (int i = 0; i < 3; i++)
		assert_int_equal(send_syn(version, 0), XDP_DROP);
	assert_int_equal(refused_packets(REASON_blackhole) - refused, 3);
	vip.blackhole_until_ns = 0;
	vip_set(skel, VIP4, &vip);
	vip_set(skel, VIP6, &vip);
	another_edition();
	assert_int_equal(send_syn(version, 0), XDP_REDIRECT);
}

/* A mitigation that is only watched, before the one that drops, counts each packet. */
static void watched(int version)
{
	const uint32_t both = MITIGATION_BIT(block_list) | MITIGATION_BIT(bogon);
	uint64_t seen = vip_reason_packets(skel, REASON_WATCHED | REASON_block_list);
	struct vip vip = vip_protected();

	begin(version);
	vip.flags = VIP_HAS_EXACT;
	vip.mitigation_on = both;
	vip.mitigation_watch = MITIGATION_BIT(block_list);
	vip_set(skel, VIP4, &vip);
	vip_set(skel, VIP6, &vip);
	for (int i = 0; i < 5; i++)
		assert_int_equal(send_syn(version, 0), XDP_DROP);
	assert_int_equal(vip_reason_packets(skel, REASON_WATCHED | REASON_block_list) - seen, 5);
}

TEST(counts)
TEST(claims)
TEST(watched)
TEST(editions)
TEST(without_edition)
TEST(ends)
TEST(expires)
TEST(others)
TEST(other_reasons)
TEST(blackhole)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_watched),
		cmocka_unit_test(test_editions),
		cmocka_unit_test(test_without_edition),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_expires),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_other_reasons),
		cmocka_unit_test(test_blackhole),
	};

	return PACKET_TESTS(tests, world_setup, world_teardown);
}
