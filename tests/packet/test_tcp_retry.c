/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the agent has done for flows in their handshake when neither side says anything: a server that
 * speaks first and a client that waits for it.
 */
#include "sniff.h"

static struct talk talk_asked(int version, uint16_t port)
{
	struct talk t = { .version = version };
	struct wire w = from_client(version, IPPROTO_TCP);

	offer(&w, 1380, 10, 1, 1);
	talk_syn(&t, port, &w);
	talk_ack(&t);
	return t;
}

/* A lost SYN is repeated, as it was, when it is due and not before. */
static void syn_repeated(int version)
{
	struct talk t = talk_asked(version, 42000);
	struct opening before, after;
	struct parsed out;

	assert_true(opening_of(&t.client, &before));
	assert_in_range(before.due_ns, boot_ns(), boot_ns() + SECOND_NS / 4);
	retry_run(&t.client);
	assert_silent(origin_link);
	for (uint32_t i = 1; i <= 3; i++) {
		retry_due(&t.client);
		out = sniff(origin_link);
		assert_memory_equal(out.ethernet, ORIGIN_MAC, 6);
		assert_address(&out.source, version == 4 ? SOURCE4 : SOURCE6);
		assert_address(&out.destination, version == 4 ? ORIGIN4 : ORIGIN6);
		assert_int_equal(out.source_port, t.origin.destination_port);
		assert_int_equal(out.destination_port, 8080);
		assert_int_equal(out.flags, SYN);
		assert_int_equal(out.sequence, ISN);
		assert_int_equal(out.acknowledgement, 0);
		assert_int_equal(out.window, 65535);
		assert_int_equal(out.option_length, 20);
		assert_int_equal(get32(out.option), 0x02040000 + 1380);
		assert_int_equal(get32(out.option + 4), 0x0402080a);
		assert_int_equal(get32(out.option + 8), CLIENT_TS + 1);
		assert_int_equal(get32(out.option + 16), 0x0103030a);
		assert_true(opening_of(&t.client, &after));
		assert_int_equal(after.tries, i);
		/* At doubled intervals. */
		assert_in_range(after.due_ns, boot_ns() + (SECOND_NS / 4 << i) - SECOND_NS / 8,
			boot_ns() + (SECOND_NS / 4 << i));
	}
	assert_silent(client_link);
}
TEST(syn_repeated)

/* Nothing is repeated once the origin has answered, and nothing stays noted. */
static void answered(int version)
{
	struct talk t = talk_asked(version, 42010);
	struct opening noted;

	talk_answer(&t, 7, 1);
	retry_due(&t.client);
	assert_silent(origin_link);
	assert_silent(client_link);
	assert_false(opening_of(&t.client, &noted));
	assert_int_equal(flow_of(&t.client).state, FLOW_OPEN);
}
TEST(answered)

/* An origin that never answers: the client is told, and nothing is left of the flow. */
static void given_up(int version)
{
	struct talk t = talk_asked(version, 42020);
	struct flow flow = flow_of(&t.client);
	struct flow_key reply = { .source = flow.origin,
		.destination = flow.local,
		.source_port = flow.origin_port,
		.destination_port = flow.local_port };
	struct flow_key client;
	struct opening noted;
	struct parsed out;
	struct frame f;

	for (int i = 0; i < 7; i++) {
		retry_due(&t.client);
		assert_int_equal(sniff(origin_link).flags, SYN);
	}
	assert_true(opening_of(&t.client, &noted));
	/* A quarter of a second, doubled seven times, in all. */
	assert_true(noted.due_ns > (uint64_t)(boot_ns() + 30 * SECOND_NS));
	retry_due(&t.client);
	out = sniff(client_link);
	assert_memory_equal(out.ethernet, CLIENT_MAC, 6);
	assert_address(&out.source, t.client.destination);
	assert_address(&out.destination, t.client.source);
	assert_int_equal(out.flags, RST | ACK);
	assert_int_equal(out.sequence, t.cookie + 1);
	assert_int_equal(out.acknowledgement, ISN + 1);
	assert_silent(origin_link);
	assert_false(opening_of(&t.client, &noted));
	assert_false(flow_exists(&t.client));
	assert_int_equal(
		bpf_map_lookup_elem(bpf_map__fd(skel->maps.reverse_tcp), &reply, &client), -ENOENT);
	/* The cookie is still good: a client that did not hear the RST opens another. */
	f = frame_build(&t.client);
	assert_int_equal(run_to(&f, XDP_REDIRECT).flags, SYN);
}
TEST(given_up)

/* The flow is gone for another reason: nothing is sent in its name. */
static void flow_gone(int version)
{
	struct talk t = talk_asked(version, 42030);
	struct flow_key key = key_of(&t.client);
	struct opening noted;

	assert_int_equal(bpf_map_delete_elem(bpf_map__fd(skel->maps.flow_tcp), &key), 0);
	retry_due(&t.client);
	assert_silent(origin_link);
	assert_silent(client_link);
	assert_false(opening_of(&t.client, &noted));
	/* Nor for one that was never noted. */
	retry_run(&t.client);
	assert_silent(origin_link);
}
TEST(flow_gone)

/* A first refusal is answered by another SYN, from another port; the second one is the client's. */
static void refused(int version)
{
	struct talk t = talk_asked(version, 42050);
	struct flow before = flow_of(&t.client), after;
	struct wire w = t.origin;
	struct parsed out;
	struct frame f;

	w.flags = RST | ACK;
	w.acknowledgement = ISN + 1;
	f = origin_frame(&w);
	assert_int_equal(frame_run(skel, &f), XDP_PASS);
	assert_int_equal(handshake_of(&f), TC_ACT_REDIRECT);
	out = frame_parse(&f);
	after = flow_of(&t.client);
	assert_int_equal(out.flags, SYN);
	assert_int_equal(out.sequence, ISN);
	assert_int_equal(out.option_length, 20);
	assert_address(&out.destination, version == 4 ? ORIGIN4 : ORIGIN6);
	assert_int_not_equal(before.local_port, after.local_port);
	assert_int_equal(out.source_port, ntohs(after.local_port));
	assert_int_equal(after.state, FLOW_SYN_SENT);
	/* What the old port still hears is nobody's. */
	f = origin_frame(&w);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	w.destination_port = out.source_port;
	f = origin_frame(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(out.flags, RST | ACK);
	assert_address(&out.destination, t.client.source);
	assert_int_equal(out.sequence, t.cookie + 1);
	assert_int_equal(flow_of(&t.client).state, FLOW_CLOSING);
	/* Or it is answered. */
	t = talk_asked(version, 42051);
	w = t.origin;
	w.flags = RST | ACK;
	w.acknowledgement = ISN + 1;
	f = origin_frame(&w);
	assert_int_equal(frame_run(skel, &f), XDP_PASS);
	assert_int_equal(handshake_of(&f), TC_ACT_REDIRECT);
	out = frame_parse(&f);
	t.origin = from_origin(&out, version);
	talk_answer(&t, 7, 1);
	assert_int_equal(flow_of(&t.client).state, FLOW_OPEN);
}
TEST(refused)

/* No room to note it: the client's own packets are left. */
static void test_no_room(void **state)
{
	struct polder *usual = skel;

	(void)state;
	skel = harness_open();
	assert_int_equal(bpf_map__set_max_entries(skel->maps.opening, 1), 0);
	assert_int_equal(polder__load(skel), 0);
	fill(skel);
	for (int version = 4; version <= 6; version += 2) {
		struct talk t = talk_asked(version, 42040);
		struct frame f = frame_build(&t.client);

		assert_int_equal(run_to(&f, XDP_REDIRECT).flags, SYN);
	}
	polder__destroy(skel);
	skel = usual;
}

/* An address that forwards no more, or is another instance's now: nothing is sent in its name, to neither side. */
static void no_address(int version)
{
	struct vip vip = vip_protected();

	for (int other = 0; other < 2; other++) {
		struct talk t = talk_asked(version, (uint16_t)(42050 + other));
		struct opening noted;

		vip.forward_until_ns = other ? INT64_MAX : boot_ns();
		vip.instance = INSTANCE + (other ? 1 : 0);
		vip_set(skel, version == 4 ? VIP4 : VIP6, &vip);
		retry_due(&t.client);
		assert_silent(origin_link);
		assert_silent(client_link);
		assert_false(opening_of(&t.client, &noted));
		vip = vip_protected();
		vip_set(skel, version == 4 ? VIP4 : VIP6, &vip);
	}
}
TEST(no_address)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syn_repeated),
		cmocka_unit_test(test_answered),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_flow_gone),
		cmocka_unit_test(test_no_address),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_room),
	};

	return PACKET_TESTS(tests, sniff_setup, sniff_teardown);
}
