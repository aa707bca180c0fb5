/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What a flood's SYNs are spared must not be seen in their answers: rules are changed under the program's feet, without
 * another edition, to see that it did not read them again, and SYNs that are answered in place get what others get.
 */
#include "talk.h"

static struct settings settings;

/* One that no test had before. */
static void another_edition(void)
{
	static uint32_t newest;

	settings = settings_default();
	settings.edition = ++newest;
	settings_set(skel, &settings);
}

static void threshold_anew(uint32_t syns)
{
	threshold(syns);
	another_edition();
}

static struct wire syn_of(int version, uint16_t client_port, uint16_t port)
{
	struct wire w = from_client(version, IPPROTO_TCP);

	offer(&w, 1300, 10, 1, 1);
	w.source_port = client_port;
	w.destination_port = port;
	w.flags = SYN;
	w.sequence = ISN;
	return w;
}

static uint64_t count_of(int version, uint16_t port, uint32_t reason)
{
	struct wire w = syn_of(version, 44000, port);
	struct frame f = frame_build(&w);
	uint64_t before = reason_packets(skel, reason);

	(void)frame_run(skel, &f);
	return reason_packets(skel, reason) - before;
}

static void rule_remove(uint16_t port)
{
	struct service_key key = service_key_of(IPPROTO_TCP, port);

	assert_int_equal(bpf_map_delete_elem(bpf_map__fd(skel->maps.service), &key), 0);
}

/* The rule is read once in an edition. Other ports, and the other IP version, have rules of their own. */
static void kept(int version)
{
	another_edition();
	service_set(skel, IPPROTO_TCP, 90, ORIGIN4, ORIGIN6, 8080);
	assert_int_equal(count_of(version, 90, REASON_cookie_sent), 1);
	rule_remove(90);
	assert_int_equal(count_of(version, 90, REASON_cookie_sent), 1);
	assert_int_equal(count_of(version == 4 ? 6 : 4, 90, REASON_no_service), 1);
	assert_int_equal(count_of(version, 91, REASON_no_service), 1);
	another_edition();
	assert_int_equal(count_of(version, 90, REASON_no_service), 1);
	/* What is refused is not kept. */
	service_set(skel, IPPROTO_TCP, 90, ORIGIN4, ORIGIN6, 8080);
	assert_int_equal(count_of(version, 90, REASON_cookie_sent), 1);
	another_edition();
	service_set(skel, IPPROTO_TCP, 90, NULL, NULL, 8080);
	assert_int_equal(count_of(version, 90, REASON_no_origin), 1);
	assert_int_equal(count_of(version, 90, REASON_no_origin), 1);
	rule_remove(90);
}
TEST(kept)

static void without_edition(int version)
{
	service_set(skel, IPPROTO_TCP, 90, ORIGIN4, ORIGIN6, 8080);
	assert_int_equal(count_of(version, 90, REASON_cookie_sent), 1);
	rule_remove(90);
	assert_int_equal(count_of(version, 90, REASON_no_service), 1);
}
TEST(without_edition)

/* Below the threshold each SYN is counted, kept or not. */
static void counted(int version)
{
	struct plan_state state;
	uint32_t slot = VIP_SLOT;

	threshold_anew(3);
	for (uint16_t i = 0; i < 3; i++) {
		struct wire w = syn_of(version, (uint16_t)(44100 + i), 80);
		struct frame f = frame_build(&w);
		struct parsed out = run_to(&f, XDP_REDIRECT);

		assert_int_equal(out.flags, SYN);
	}
	for (int i = 0; i < 5; i++)
		assert_int_equal(count_of(version, 80, REASON_cookie_sent), 1);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.plan_state), &slot, &state), 0);
	assert_int_equal(state.syns, 4);
	/* Kept, and over: the rule is not read. */
	rule_remove(80);
	assert_int_equal(count_of(version, 80, REASON_cookie_sent), 1);
	/* In the next second it is asked whether there are few again. */
	state.syn_second--;
	map_set(skel->maps.plan_state, &slot, &state);
	assert_int_equal(count_of(version, 80, REASON_no_service), 1);
	service_set(skel, IPPROTO_TCP, 80, ORIGIN4, ORIGIN6, 8080);
	threshold_anew(0);
}
TEST(counted)

static struct parsed answer_to(const struct wire *w)
{
	struct frame f = frame_build(w);

	return run_to(&f, XDP_REDIRECT);
}

static void assert_same(const struct parsed *a, const struct parsed *b)
{
	assert_int_equal(a->sequence, b->sequence);
	assert_int_equal(a->acknowledgement, b->acknowledgement);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->window, b->window);
	assert_int_equal(a->hop_limit, b->hop_limit);
	assert_int_equal(a->source_port, b->source_port);
	assert_int_equal(a->destination_port, b->destination_port);
	assert_int_equal(a->payload_length, 0);
	assert_int_equal(b->payload_length, 0);
	assert_int_equal(a->option_length, 20);
	assert_int_equal(b->option_length, 20);
	/* but for the time, which may have gone on */
	assert_memory_equal(a->option, b->option, 8);
	assert_int_equal((a->option[11] ^ b->option[11]) & 63, 0);
	assert_memory_equal(a->option + 12, b->option + 12, 8);
	assert_memory_equal(&a->source, &b->source, sizeof(a->source));
	assert_memory_equal(&a->destination, &b->destination, sizeof(a->destination));
	assert_memory_equal(a->ethernet, b->ethernet, 12);
}

/* The frame of the usual SYN becomes its answer; with a tag, payload, padding or IP options it is another case. */
static void in_place(int version)
{
	struct wire w = syn_of(version, 44200, 80);
	struct parsed usual = answer_to(&w), out;
	struct frame f;

	assert_memory_equal(usual.ethernet, CLIENT_MAC, 6);
	assert_memory_equal(usual.ethernet + 6, WAN_MAC, 6);
	w.vlan = 1;
	out = answer_to(&w);
	assert_same(&usual, &out);
	w.vlan = 0;
	w.payload = 9;
	out = answer_to(&w);
	assert_same(&usual, &out);
	w.payload = 0;
	w.extension_length = 8;
	out = answer_to(&w);
	assert_same(&usual, &out);
	w.extension_length = 0;
	f = frame_build(&w);
	memset(f.byte + f.size, 0xee, 6);
	f.size += 6;
	out = run_to(&f, XDP_REDIRECT);
	assert_same(&usual, &out);
	/* The same options in another order. */
	memcpy(w.option, "\x01\x03\x03\x0a\x04\x02\x08\x0a", 8);
	put32(w.option + 8, CLIENT_TS);
	memcpy(w.option + 16, "\x02\x04\x05\x14", 4);
	out = answer_to(&w);
	assert_same(&usual, &out);
}
TEST(in_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_without_edition),
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_in_place),
	};

	return PACKET_TESTS(tests, world_setup, world_teardown);
}
