/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A lost ACK of a cookie where the server speaks first: the SYN-ACK is repeated, to whom, how often, and for
 * which rules.
 */
#include "sniff.h"

#define RULE 1u /* the port rule of fill() */

static int awaited_of(const struct wire *w, struct awaited *out)
{
	struct flow_key key = key_of(w);

	return bpf_map_lookup_elem(bpf_map__fd(skel->maps.awaited), &key, out) == 0;
}

static int is_learned(void)
{
	uint32_t rule = RULE;
	uint64_t when;

	return bpf_map_lookup_elem(bpf_map__fd(skel->maps.server_first), &rule, &when) == 0;
}

static void forget_all(void)
{
	struct bpf_map *map[] = { skel->maps.awaited, skel->maps.server_first, skel->maps.proven };
	uint8_t key[64];

	for (size_t i = 0; i < sizeof(map) / sizeof(*map); i++) {
		while (!bpf_map_get_next_key(bpf_map__fd(map[i]), NULL, key))
			assert_int_equal(bpf_map_delete_elem(bpf_map__fd(map[i]), key), 0);
	}
}

static void origin_says(const struct talk *t, uint32_t acknowledged, uint16_t payload)
{
	struct wire w = t->origin;
	struct frame f;

	w.flags = ACK | PSH;
	w.sequence = ORIGIN_ISN + 1;
	w.acknowledgement = ISN + 1 + acknowledged;
	w.payload = payload;
	stamp(&w, ORIGIN_TS + 1, CLIENT_TS + 1);
	f = origin_frame(&w);
	run_to(&f, XDP_REDIRECT);
}

/* A rule whose server speaks first, and a source that is proven, by a connection before. */
static void greeted(int version, uint16_t port)
{
	struct talk t;

	forget_all();
	t = talk_open(version, port, 7);
	origin_says(&t, 0, 20);
	assert_true(is_learned());
}

static struct parsed asked(struct talk *t, int version, uint16_t port)
{
	struct wire w = from_client(version, IPPROTO_TCP);

	*t = (struct talk){ .version = version };
	offer(&w, 1460, 10, 1, 1);
	return talk_syn(t, port, &w);
}

/* Payload before the client's first, and nothing else, says that a server speaks first. */
static void learned(int version)
{
	struct talk t;

	forget_all();
	t = talk_open(version, 46000, 7);
	origin_says(&t, 0, 0);
	assert_false(is_learned());
	origin_says(&t, 10, 20);
	assert_false(is_learned());
	origin_says(&t, 0, 20);
	assert_true(is_learned());
}
TEST(learned)

static void assert_again(const struct parsed *out, const struct parsed *first)
{
	assert_memory_equal(out->ethernet, CLIENT_MAC, 6);
	assert_memory_equal(out->ethernet + 6, WAN_MAC, 6);
	assert_memory_equal(&out->source, &first->source, sizeof(out->source));
	assert_memory_equal(&out->destination, &first->destination, sizeof(out->destination));
	assert_int_equal(out->source_port, first->source_port);
	assert_int_equal(out->destination_port, first->destination_port);
	assert_int_equal(out->flags, SYN | ACK);
	assert_int_equal(out->sequence, first->sequence);
	assert_int_equal(out->acknowledgement, first->acknowledgement);
	assert_int_equal(out->window, 0);
	assert_int_equal(out->option_length, first->option_length);
	assert_memory_equal(out->option, first->option, first->option_length);
}

/* As it was, after one second and two more; then no more, and the ACK is as good as ever. */
static void repeated(int version)
{
	struct awaited noted;
	struct parsed first, out;
	struct talk t;

	greeted(version, 46010);
	first = asked(&t, version, 46011);
	assert_true(awaited_of(&t.client, &noted));
	time_pass(skel, SECOND_NS * 9 / 10);
	retry_run(&t.client);
	assert_silent(client_link);
	for (int seconds = 1; seconds <= 2; seconds++) {
		time_pass(skel, SECOND_NS * seconds);
		retry_run(&t.client);
		out = sniff(client_link);
		assert_again(&out, &first);
		retry_run(&t.client);
		assert_silent(client_link);
	}
	assert_false(awaited_of(&t.client, &noted));
	assert_silent(origin_link);
	assert_int_equal(talk_ack(&t).flags, SYN);
}
TEST(repeated)

/* In the client's words: without options that it did not send, and with ECN. */
static void options(int version)
{
	struct wire w = from_client(version, IPPROTO_TCP);
	struct talk t = { .version = version };
	struct parsed first, out;

	greeted(version, 46020);
	for (int with = 0; with < 3; with++) {
		w.option_length = 0;
		if (with)
			offer(&w, 1200, with == 2 ? 3 : -1, with == 2, with == 2);
		first = talk_syn(&t, (uint16_t)(46021 + with), &w);
		time_pass(skel, SECOND_NS);
		retry_run(&t.client);
		out = sniff(client_link);
		assert_again(&out, &first);
	}
}
TEST(options)

/* The ACK came: nothing is kept, nothing repeated. The same when it came by another way. */
static void acknowledged(int version)
{
	struct awaited noted;
	struct opening opening;
	struct talk t;
	struct flow_key key;

	greeted(version, 46030);
	(void)asked(&t, version, 46031);
	assert_true(awaited_of(&t.client, &noted));
	(void)talk_ack(&t);
	assert_false(awaited_of(&t.client, &noted));
	talk_answer(&t, 7, 1);
	retry_due(&t.client);
	assert_false(opening_of(&t.client, &opening));
	key = key_of(&t.client);
	map_set(skel->maps.awaited, &key, &noted);
	time_pass(skel, SECOND_NS);
	retry_run(&t.client);
	assert_silent(client_link);
	assert_false(awaited_of(&t.client, &noted));
}
TEST(acknowledged)

/* Whose address may be forged gets one answer; and so do all where nobody has seen a server speak first. */
static void not_for_all(int version)
{
	struct awaited noted;
	struct talk t;

	greeted(version, 46040);
	forget_all();
	(void)asked(&t, version, 46041);
	assert_false(awaited_of(&t.client, &noted));
	(void)talk_ack(&t); /* now it is proven */
	(void)asked(&t, version, 46042);
	assert_false(awaited_of(&t.client, &noted));
	greeted(version, 46043);
	time_pass(skel, SECOND_NS * 601); /* a proof does not last for ever */
	(void)asked(&t, version, 46044);
	assert_false(awaited_of(&t.client, &noted));
}
TEST(not_for_all)

/* The agent was away for long: nobody is told of what may be over. */
static void late(int version)
{
	struct awaited noted;
	struct talk t;

	greeted(version, 46050);
	(void)asked(&t, version, 46051);
	time_pass(skel, SECOND_NS * 7);
	retry_run(&t.client);
	assert_silent(client_link);
	assert_false(awaited_of(&t.client, &noted));
}
TEST(late)

/* Nor after the instance's forwarding has ended. */
static void ended(int version)
{
	struct vip vip = vip_protected();
	struct awaited noted;
	struct talk t;

	greeted(version, 46055);
	(void)asked(&t, version, 46056);
	time_pass(skel, SECOND_NS);
	vip.forward_until_ns = boot_ns();
	vip_set(skel, version == 4 ? VIP4 : VIP6, &vip);
	retry_run(&t.client);
	assert_silent(client_link);
	assert_false(awaited_of(&t.client, &noted));
	vip.forward_until_ns = INT64_MAX;
	vip_set(skel, version == 4 ? VIP4 : VIP6, &vip);
}
TEST(ended)

/* Also of SYNs whose port rule is not looked at any more (bpf/answer.bpf.h). */
static void kept(int version)
{
	struct settings s = settings_default();
	struct awaited noted;
	struct talk t;

	greeted(version, 46060);
	s.edition = 70;
	settings_set(skel, &s);
	for (uint16_t port = 46061; port < 46064; port++) {
		(void)asked(&t, version, port);
		assert_true(awaited_of(&t.client, &noted));
	}
	fill(skel);
}
TEST(kept)

/* Without room the SYN is answered like any other. */
static void full(int version)
{
	struct flow_key key = { .source_port = 1 };
	struct awaited noted = { .due_ns = 0 };
	struct talk t;

	greeted(version, 46070);
	for (uint32_t i = 0; i < NODE_AWAITED_MAX; i++) {
		key.reserved = i;
		map_set(skel->maps.awaited, &key, &noted);
	}
	(void)asked(&t, version, 46071);
	assert_false(awaited_of(&t.client, &noted));
	assert_int_equal(talk_ack(&t).flags, SYN);
	forget_all();
}
TEST(full)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_learned),
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_acknowledged),
		cmocka_unit_test(test_not_for_all),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_ended),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_full),
	};

	return PACKET_TESTS(tests, sniff_setup, sniff_teardown);
}
