/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * SYNs below an instance's threshold pass as they are; above it cookies, and what becomes of who came
 * before.
 */
#include "sniff.h"

#define MANY   1000u
#define LIFE_S 5

static struct service service_get(void)
{
	struct service_key key = service_key_of(IPPROTO_TCP, 80);
	struct service service;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.service), &key, &service), 0);
	return service;
}

static void service_put(const struct service *service)
{
	struct service_key key = service_key_of(IPPROTO_TCP, 80);

	map_set(skel->maps.service, &key, service);
}

static struct wire syn_of(int version, uint16_t port)
{
	struct wire w = from_client(version, IPPROTO_TCP);

	offer(&w, 1300, 10, 1, 1);
	w.source_port = port;
	w.flags = SYN;
	w.sequence = ISN;
	return w;
}

/* Runs a SYN; where did it go? */
static int passes(const struct wire *w, struct parsed *out)
{
	struct frame f = frame_build(w);

	*out = run_to(&f, XDP_REDIRECT);
	if (out->flags & ACK) {
		assert_address(&out->destination, w->source);
		return 0;
	}
	assert_address(&out->destination, strchr(w->source, ':') ? ORIGIN6 : ORIGIN4);
	return 1;
}

static int syn_passes(int version, uint16_t port)
{
	struct wire w = syn_of(version, port);
	struct parsed out;

	return passes(&w, &out);
}

static struct talk passed(int version, uint16_t port)
{
	struct talk t = { .version = version };
	struct wire w = syn_of(version, port);
	struct parsed out;

	assert_true(passes(&w, &out));
	t.origin = from_origin(&out, version);
	t.client = w;
	t.client.flags = ACK;
	t.client.option_length = 0;
	t.client.sequence = ISN + 1;
	t.client.acknowledgement = ORIGIN_ISN + 1;
	return t;
}

static struct parsed answer(struct talk *t)
{
	struct wire w = t->origin;
	struct frame f;

	offer(&w, 1400, 7, 1, 1);
	w.flags = SYN | ACK | ECE;
	w.sequence = ORIGIN_ISN;
	w.acknowledgement = ISN + 1;
	w.window = 65160;
	f = origin_frame(&w);
	return run_to(&f, XDP_REDIRECT);
}

/* Client and origin agree between themselves: nothing of what they say is changed. */
static void untouched(int version)
{
	static const uint8_t rare[4] = { 34, 2, 1, 1 }; /* fast open */
	struct wire w = syn_of(version, 45000);
	struct talk t = { .version = version };
	uint64_t counted = reason_packets(skel, REASON_syn_passed);
	struct opening noted;
	struct parsed out;
	struct frame f;

	threshold(MANY);
	memcpy(w.option + 20, rare, 4);
	w.option_length = 24;
	w.flags = SYN | ECE | CWR;
	w.window = 64240;
	assert_true(passes(&w, &out));
	assert_int_equal(out.flags, SYN | ECE | CWR);
	assert_int_equal(out.sequence, ISN);
	assert_int_equal(out.window, 64240);
	assert_int_equal(out.hop_limit, 63);
	assert_int_equal(out.option_length, 24);
	assert_memory_equal(out.option, w.option, 24);
	assert_address(&out.source, version == 4 ? SOURCE4 : SOURCE6);
	assert_memory_equal(out.ethernet, ORIGIN_MAC, 6);
	assert_int_equal(reason_packets(skel, REASON_syn_passed), counted + 1);
	t.origin = from_origin(&out, version);
	t.client = w;
	out = answer(&t);
	assert_int_equal(out.flags, SYN | ACK | ECE);
	assert_address(&out.source, w.destination);
	assert_int_equal(out.destination_port, 45000);
	assert_int_equal(out.sequence, ORIGIN_ISN);
	assert_int_equal(out.acknowledgement, ISN + 1);
	assert_int_equal(out.window, 65160);
	assert_int_equal(get32(out.option), 0x02040000 + 1400);
	assert_int_equal(out.option[19], 7);
	assert_int_equal(flow_of(&w).state, FLOW_SYN_SENT);
	assert_true(opening_of(&w, &noted));
	w.flags = ACK | CWR;
	w.sequence = ISN + 1;
	w.acknowledgement = ORIGIN_ISN + 1;
	w.window = 77;
	w.payload = 9;
	stamp(&w, CLIENT_TS + 1, ORIGIN_TS);
	f = frame_build(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(out.flags, ACK | CWR);
	assert_int_equal(out.sequence, ISN + 1);
	assert_int_equal(out.acknowledgement, ORIGIN_ISN + 1);
	assert_int_equal(out.window, 77);
	assert_memory_equal(out.option, w.option, 12);
	assert_int_equal(flow_of(&w).state, FLOW_OPEN);
	assert_false(opening_of(&w, &noted));
	w = t.origin;
	w.flags = ACK;
	w.sequence = ORIGIN_ISN + 1;
	w.acknowledgement = ISN + 10;
	w.window = 65535;
	stamp(&w, ORIGIN_TS + 1, CLIENT_TS + 1);
	f = origin_frame(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(out.sequence, ORIGIN_ISN + 1);
	assert_int_equal(out.acknowledgement, ISN + 10);
	assert_int_equal(out.window, 65535);
	assert_memory_equal(out.option, w.option, 12);
	/* The SYN-ACK again, because the ACK came late: the client answers it. */
	assert_int_equal(answer(&t).flags, SYN | ACK | ECE);
}
TEST(untouched)

/* No more than Ethernet carries, either way, and no claim of who the client is. */
static void clamped(int version)
{
	uint32_t most = version == 4 ? 1460 : 1440;
	struct wire w = syn_of(version, 45010);
	struct parsed out;
	struct frame f;

	threshold(MANY);
	put16(w.option + 2, 8960);
	memcpy(w.option + 20, "\xfe\x08\x12\x34\x01\x02\x03\x04", 8);
	w.option_length = 28;
	assert_true(passes(&w, &out));
	assert_int_equal(get32(out.option), 0x02040000 + most);
	assert_int_equal(get32(out.option + 20), 0x01010101);
	assert_int_equal(get32(out.option + 24), 0x01010101);
	w = from_origin(&out, version);
	offer(&w, 8960, 7, 1, 1);
	w.flags = SYN | ACK;
	w.sequence = ORIGIN_ISN;
	w.acknowledgement = ISN + 1;
	f = origin_frame(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(get32(out.option), 0x02040000 + most);
}
TEST(clamped)

/* So many in a second pass, the rest get cookies; and so do all until it has been quiet. */
static void limit(int version)
{
	uint32_t slot = VIP_SLOT, count = 0;
	struct plan_state state;

	threshold(20);
	for (uint16_t i = 0; i < 30; i++)
		count += (uint32_t)syn_passes(version, (uint16_t)(45100 + i));
	assert_int_equal(count, 20);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.plan_state), &slot, &state), 0);
	assert_int_equal(state.syns, 21);
	assert_int_equal(state.cookies_until, state.syn_second + 10);
	/* The next second is not enough. */
	state.syn_second--;
	map_set(skel->maps.plan_state, &slot, &state);
	assert_false(syn_passes(version, 45140));
	state.syn_second -= 10;
	state.cookies_until = state.syn_second + 10;
	map_set(skel->maps.plan_state, &slot, &state);
	assert_true(syn_passes(version, 45141));
	/* Each excess begins the time anew. */
	state.syns = 20;
	state.syn_second = (uint32_t)(boot_ns() / SECOND_NS);
	state.cookies_until = state.syn_second;
	map_set(skel->maps.plan_state, &slot, &state);
	assert_false(syn_passes(version, 45142));
}
TEST(limit)

/* A repeated SYN takes the way of the first; one of another number is a stranger. */
static void repeated(int version)
{
	struct wire w = syn_of(version, 45200);
	struct parsed first, second;

	threshold(MANY);
	assert_true(passes(&w, &first));
	assert_true(passes(&w, &second));
	assert_int_equal(first.source_port, second.source_port);
	assert_memory_equal(first.option, second.option, 20);
	w.sequence = ISN + 5;
	assert_false(passes(&w, &second));
	assert_int_equal(flow_of(&w).client_isn, ISN);
}
TEST(repeated)

/* Above the threshold a tuple whose SYN has passed gets a cookie, too, and may use it. */
static void replaced(int version)
{
	struct talk t;
	struct wire w;
	struct parsed out;
	struct frame f;
	struct flow old, fresh;

	threshold(MANY);
	t = passed(version, 45210);
	old = flow_of(&t.client);
	threshold(0);
	w = syn_of(version, 45210);
	assert_false(passes(&w, &out));
	/* What it had before still works. */
	assert_int_equal(answer(&t).sequence, ORIGIN_ISN);
	w = t.client;
	w.acknowledgement = out.sequence + 1;
	stamp(&w, CLIENT_TS + 1, get32(out.option + 8));
	f = frame_build(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(out.flags, SYN);
	assert_int_equal(out.sequence, ISN);
	fresh = flow_of(&t.client);
	/* One SYN more for what the origin has half open already. */
	assert_int_equal(fresh.local_port, old.local_port);
	/* By the usual way now. */
	t.origin = from_origin(&out, version);
	talk_answer(&t, 7, 1);
	assert_int_equal(flow_of(&t.client).state, FLOW_OPEN);
}
TEST(replaced)

static void age(const struct wire *client, int64_t ns)
{
	struct flow_key key = key_of(client);
	struct flow flow = flow_of(client);

	flow.seen_ns -= (uint64_t)ns;
	map_set(skel->maps.flow_tcp, &key, &flow);
}

static void send_each(struct talk *t, uint8_t flags)
{
	struct wire client = t->client, origin = t->origin;
	struct frame f;

	client.flags = flags;
	f = frame_build(&client);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
	origin.flags = flags;
	origin.sequence = ORIGIN_ISN + 1;
	origin.acknowledgement = ISN + 1;
	f = origin_frame(&origin);
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
}

/* The tuple of a connection that both sides have closed is free; of one that may go on it is not. */
static void used_before(int version)
{
	struct talk t;

	threshold(MANY);
	for (int i = 0; i < 3; i++) {
		t = passed(version, (uint16_t)(45215 + i));
		answer(&t);
		send_each(&t, i == 0 ? FIN | ACK : ACK);
		if (i == 1) {
			struct wire reset = t.client;
			struct frame f;

			reset.flags = RST;
			f = frame_build(&reset);
			assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
		}
		assert_int_equal(flow_of(&t.client).state, i == 2 ? FLOW_OPEN : FLOW_CLOSING);
		assert_false(syn_passes(version, t.client.source_port));
		age(&t.client, 2 * SECOND_NS);
		assert_int_equal(syn_passes(version, t.client.source_port), i == 0);
		assert_int_equal(flow_of(&t.client).state, i == 0   ? FLOW_SYN_SENT
							   : i == 1 ? FLOW_CLOSING
								    : FLOW_OPEN);
	}
}
TEST(used_before)

/* Nothing passes on a half-open flow that does not prove that the SYN-ACK was read. */
static void unproven(int version)
{
	struct talk t;
	struct wire w;
	struct frame f;

	threshold(MANY);
	t = passed(version, 45220);
	f = frame_build(&t.client); /* there is no answer yet */
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	answer(&t);
	for (int i = 0; i < 5; i++) {
		w = t.client;
		w.acknowledgement += i == 0 ? 1 : i == 1 ? 0xffffffffu : 0;
		w.sequence += i == 2 ? 0xffffffffu : i == 3 ? 70000u : 0;
		w.flags = i == 4 ? RST : ACK;
		w.sequence += i == 4 ? 1 : 0;
		f = frame_build(&w);
		if (frame_run(skel, &f) != XDP_DROP)
			fail_msg("case %d passed", i);
		assert_int_equal(flow_of(&t.client).state, FLOW_SYN_SENT);
	}
	/* Data may come first when the ACK was lost or late. */
	w = t.client;
	w.sequence += 1000;
	w.payload = 5;
	f = frame_build(&w);
	assert_int_equal(run_to(&f, XDP_REDIRECT).sequence, ISN + 1001);
	assert_int_equal(flow_of(&t.client).state, FLOW_OPEN);
	/* Whose address was forged resets what it did not ask for. */
	t = passed(version, 45221);
	answer(&t);
	w = t.client;
	w.flags = RST;
	f = frame_build(&w);
	assert_int_equal(run_to(&f, XDP_REDIRECT).flags, RST);
	assert_int_equal(flow_of(&t.client).state, FLOW_CLOSING);
}
TEST(unproven)

/* A client that is not heard of again: after a few seconds nothing is left, at the origin neither. */
static void forgotten(int version)
{
	struct opening noted;
	struct parsed out;
	struct talk t;

	threshold(MANY);
	t = passed(version, 45230);
	assert_true(opening_of(&t.client, &noted));
	assert_in_range(
		noted.due_ns, boot_ns() + (LIFE_S - 1) * SECOND_NS, boot_ns() + LIFE_S * SECOND_NS);
	retry_run(&t.client);
	assert_silent(origin_link);
	retry_due(&t.client);
	out = sniff(origin_link);
	assert_int_equal(out.flags, RST);
	assert_int_equal(out.sequence, ISN + 1);
	assert_int_equal(out.source_port, t.origin.destination_port);
	assert_silent(client_link);
	assert_false(flow_exists(&t.client));
	assert_false(opening_of(&t.client, &noted));
}
TEST(forgotten)

/* Its ACK was lost, and it waits for the server: it hears that nothing will come. Who waits for the SYN-ACK ignores that. */
static void silent(int version)
{
	struct opening noted;
	struct parsed out;
	struct talk t;

	threshold(MANY);
	t = passed(version, 45231);
	answer(&t);
	retry_due(&t.client);
	out = sniff(origin_link);
	assert_int_equal(out.flags, RST);
	assert_int_equal(out.sequence, ISN + 1);
	out = sniff(client_link);
	assert_int_equal(out.flags, RST);
	assert_int_equal(out.sequence, ORIGIN_ISN + 1);
	assert_int_equal(out.acknowledgement, 0);
	assert_int_equal(out.destination_port, 45231);
	assert_address(&out.source, t.client.destination);
	assert_false(flow_exists(&t.client));
	assert_false(opening_of(&t.client, &noted));
}
TEST(silent)

/* Flows whose client proved nothing are bounded: the next SYN gets a cookie and leaves no state. */
static void test_bounded(void **state)
{
	struct polder *usual = skel;

	(void)state;
	skel = harness_open();
	assert_int_equal(bpf_map__set_max_entries(skel->maps.opening, 8), 0);
	assert_int_equal(polder__load(skel), 0);
	fill(skel);
	threshold(60000);
	for (int version = 4; version <= 6; version += 2) {
		uint32_t count = 0;

		for (uint16_t i = 0; i < 200; i++) {
			struct wire w = syn_of(version, (uint16_t)(45300 + i));

			count += (uint32_t)syn_passes(version, (uint16_t)(45300 + i));
			assert_int_equal(flow_exists(&w), count == i + 1u);
		}
		/* A preallocated table may hand out a few per CPU more. */
		assert_int_equal(count, version == 4 ? 8 : 0);
	}
	polder__destroy(skel);
	skel = usual;
}

/* Who gets cookies whatever the threshold, and who never does. */
static void kinds(int version)
{
	struct service plain = service_get(), service = plain;
	uint16_t port = 45240;

	threshold(MANY);
	service.syn_mode = SYN_ALWAYS;
	service_put(&service);
	assert_false(syn_passes(version, port++));
	service = plain;
	service.client_address = CLIENT_ADDRESS_PROXY;
	service_put(&service);
	assert_false(syn_passes(version, port++));
	service.client_address = CLIENT_ADDRESS_TOA;
	service_put(&service);
	assert_false(syn_passes(version, port++));
	service = plain;
	service.flags = SERVICE_LIMITED;
	service_put(&service);
	assert_false(syn_passes(version, port++));
	service = plain;
	service.limits.rate = 100;
	service_put(&service);
	assert_false(syn_passes(version, port++));
	service = plain;
	service_put(&service);
	assert_true(syn_passes(version, port++));
	threshold(0);
	assert_false(syn_passes(version, port++));
	service.syn_mode = SYN_NEVER;
	service_put(&service);
	assert_true(syn_passes(version, port++));
	service_put(&plain);
}
TEST(kinds)

/* A refusal comes as a refusal: the client's own SYN is what is refused. */
static void refused(int version)
{
	struct parsed out;
	struct talk t;
	struct wire w;
	struct frame f;

	threshold(MANY);
	t = passed(version, 45260);
	w = t.origin;
	w.flags = RST | ACK;
	w.acknowledgement = ISN + 1;
	f = origin_frame(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(out.flags, RST | ACK);
	assert_int_equal(out.sequence, 0);
	assert_int_equal(out.acknowledgement, ISN + 1);
	assert_int_equal(flow_of(&t.client).state, FLOW_CLOSING);
}
TEST(refused)

/* An origin that holds an older connection of the pair: its reset, and the SYN as the client sent it. */
static void challenged(int version)
{
	struct parsed out;
	struct talk t;
	struct wire w;
	struct frame f;

	threshold(MANY);
	t = passed(version, 45270);
	w = t.origin;
	w.flags = ACK;
	w.sequence = 4242;
	w.acknowledgement = 999;
	f = origin_frame(&w);
	assert_int_equal(frame_run(skel, &f), XDP_PASS);
	assert_int_equal(handshake_of(&f), TC_ACT_REDIRECT);
	out = frame_parse(&f);
	assert_int_equal(out.flags, SYN);
	assert_int_equal(out.sequence, ISN);
	assert_int_equal(get32(out.option), 0x02040000 + 1300);
	assert_int_equal(get32(out.option + 8), CLIENT_TS);
	out = sniff(origin_link);
	assert_int_equal(out.flags, RST);
	assert_int_equal(out.sequence, 999);
}
TEST(challenged)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_untouched),
		cmocka_unit_test(test_clamped),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_used_before),
		cmocka_unit_test(test_unproven),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_challenged),
	};

	return PACKET_TESTS(tests, sniff_setup, sniff_teardown);
}
