/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Connections that carry nothing: which count against their source, what follows, and how the agent ends
 * those that stay open.
 */
#include "mitigate.h"

#include <linux/if_link.h>

#include <linux/pkt_cls.h>

static void rules_set(uint32_t on, uint32_t watch)
{
	limits_set(IPPROTO_TCP, &(struct service_limits){ .rate = 0 }, SERVICE_NO_EMPTY);
	modes_set(on, watch);
}

static void send_as(const struct wire *from, int is_origin, uint8_t flags, uint16_t payload)
{
	struct wire w = *from;
	struct frame f;

	w.flags = flags;
	w.payload = payload;
	w.option_length = 0;
	if (is_origin) {
		w.sequence = ORIGIN_ISN + 1;
		w.acknowledgement = ISN + 1;
		f = origin_frame(&w);
	} else {
		f = frame_build(&w);
	}
	assert_int_equal(frame_run(skel, &f), XDP_REDIRECT);
}

/* Opens and closes a connection, with so many bytes of the client's. */
static void converse(int version, uint16_t payload)
{
	static uint16_t port = 10000;
	struct talk t = talk_open(version, ++port, 7);

	if (payload)
		send_as(&t.client, 0, ACK | PSH, payload);
	t.client.sequence += payload;
	send_as(&t.client, 0, FIN | ACK, 0);
	send_as(&t.origin, 1, FIN | ACK, 0);
	send_as(&t.client, 0, RST, 0);
}

static uint32_t hits_of(int version)
{
	struct source_state_key key = { .service = SERVICE,
		.source = address_of(version == 4 ? CLIENT4 : CLIENT6) };
	struct source_state state;
	uint32_t count = 0;

	if (version == 6)
		key.source.half[1] = 0;
	if (bpf_map_lookup_elem(bpf_map__fd(skel->maps.limit_tcp), &key, &state) != 0)
		return 0;
	while (count < BLOCK_HITS && state.hit[HIT_EMPTY][count])
		count++;
	return count;
}

/* The ACK of a cookie; whether it opened a flow. */
static int can_open(int version)
{
	static uint16_t port = 20000;
	struct talk t = { .version = version };
	struct wire w = from_client(version, IPPROTO_TCP);
	struct frame f;

	offer(&w, 1460, 10, 1, 1);
	talk_syn(&t, ++port, &w);
	stamp(&t.client, CLIENT_TS + 1, t.our_ts);
	f = frame_build(&t.client);
	return frame_run(skel, &f) == XDP_REDIRECT;
}

static void empties_block(int version)
{
	struct list_exact_key key = { .instance = INSTANCE,
		.source = address_of(version == 4 ? CLIENT4 : CLIENT6) };
	int64_t until;

	if (version == 6)
		key.source.half[1] = 0;
	forget();
	rules_set(ALL, 0);
	for (int i = 0; i < 10; i++)
		converse(version, 1);
	assert_int_equal(hits_of(version), 0);
	for (uint32_t i = 0; i < BLOCK_HITS; i++) {
		assert_int_equal(hits_of(version), i);
		converse(version, 0);
	}
	assert_int_equal(can_open(version), 0);
	assert_int_equal(counted(REASON_empty_connection), 1);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.auto_block), &key, &until), 0);
	assert_true(until > boot_ns() + 590 * SECOND_NS);
	map_clear(skel->maps.auto_block);
	allow(version == 4 ? CLIENT4 : CLIENT6, INT64_MAX);
	assert_int_equal(can_open(version), 1);
}
TEST(empties_block)

static void modes(int version)
{
	struct vip vip = vip_protected();

	forget();
	rules_set(ALL & ~MITIGATION_BIT(empty_connection), 0);
	for (int i = 0; i < 10; i++)
		converse(version, 0);
	assert_int_equal(hits_of(version), 0);
	rules_set(ALL, MITIGATION_BIT(empty_connection));
	for (uint32_t i = 0; i < BLOCK_HITS; i++)
		converse(version, 0);
	assert_int_equal(can_open(version), 1);
	assert_int_equal(counted(REASON_empty_connection | REASON_WATCHED), 1);
	assert_int_equal(counted(REASON_empty_connection), 0);
	vip.mitigation_on = ALL;
	vip.mitigation_until_ns = boot_ns();
	vips_put(&vip);
	assert_int_equal(can_open(version), 1);
	forget();
	for (int i = 0; i < 10; i++)
		converse(version, 0);
	assert_int_equal(hits_of(version), 0);
}
TEST(modes)

/* An origin that refuses is not the client's doing. */
static void refused(int version)
{
	forget();
	rules_set(ALL, 0);
	for (uint16_t i = 0; i < 8; i++) {
		struct talk t = { .version = version };
		struct wire w = from_client(version, IPPROTO_TCP);
		struct frame f;

		offer(&w, 1460, 10, 1, 1);
		talk_syn(&t, (uint16_t)(12000 + i), &w);
		talk_ack(&t);
		/* The first is not believed yet. */
		w = t.origin;
		w.flags = RST | ACK;
		w.acknowledgement = ISN + 1;
		f = origin_frame(&w);
		assert_int_equal(frame_run(skel, &f), XDP_PASS);
		send_as(&t.origin, 1, RST | ACK, 0);
	}
	assert_int_equal(hits_of(version), 0);
}
TEST(refused)

/* --- those that stay open */

static void end_run(const struct wire *w)
{
	struct flow_key key = { .source = address_of(w->source),
		.destination = address_of(w->destination),
		.source_port = htons(w->source_port),
		.destination_port = htons(w->destination_port) };
	uint8_t frame[ETH_HLEN + sizeof(key)] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame));

	put16(frame + 12, strchr(w->source, ':') ? ETH_P_IPV6 : ETH_P_IP);
	memcpy(frame + ETH_HLEN, &key, sizeof(key));
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.polder_end), &run), 0);
	assert_int_equal(run.retval, TC_ACT_OK);
}

/* The flow was opened so many seconds ago. */
static void flow_age(const struct wire *w, uint32_t seconds)
{
	struct flow_key key = { .source = address_of(w->source),
		.destination = address_of(w->destination),
		.source_port = htons(w->source_port),
		.destination_port = htons(w->destination_port) };
	struct flow flow = flow_of(w);

	flow.opened_second = (uint32_t)(boot_ns() / SECOND_NS) - seconds;
	map_set(skel->maps.flow_tcp, &key, &flow);
}

static void ends(int version)
{
	struct service_state rule;
	struct talk quiet, spoke;
	uint32_t id = SERVICE;

	forget();
	rules_set(ALL, 0);
	quiet = talk_open(version, 13000, 7);
	spoke = talk_open(version, 13001, 7);
	send_as(&spoke.client, 0, ACK | PSH, 10);
	flow_age(&quiet.client, EMPTY_SECONDS - 2);
	flow_age(&spoke.client, EMPTY_SECONDS + 2);
	end_run(&quiet.client);
	end_run(&spoke.client);
	assert_true(flow_exists(&quiet.client));
	assert_true(flow_exists(&spoke.client));
	/* A keep-alive's byte is before what the client has to say. */
	quiet.client.sequence--;
	send_as(&quiet.client, 0, ACK, 1);
	flow_age(&quiet.client, EMPTY_SECONDS + 2);
	end_run(&quiet.client);
	assert_false(flow_exists(&quiet.client));
	assert_int_equal(hits_of(version), 1);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.service_state), &id, &rule), 0);
	assert_int_equal(rule.connections, 1);
	/* A watched one is left. */
	rules_set(ALL, MITIGATION_BIT(empty_connection));
	quiet = talk_open(version, 13002, 7);
	flow_age(&quiet.client, EMPTY_SECONDS + 2);
	end_run(&quiet.client);
	assert_true(flow_exists(&quiet.client));
}
TEST(ends)

/* Mitigation that is off ends nothing any more, also what was opened while it was on. */
static void expiry(int version)
{
	struct vip vip = vip_protected();
	struct talk quiet;

	forget();
	rules_set(ALL, 0);
	quiet = talk_open(version, 13010, 7);
	flow_age(&quiet.client, EMPTY_SECONDS + 2);
	vip.mitigation_on = ALL;
	vip.mitigation_until_ns = boot_ns();
	vips_put(&vip);
	end_run(&quiet.client);
	assert_true(flow_exists(&quiet.client));
	vip.mitigation_until_ns = INT64_MAX;
	vip.mitigation_on = ALL & ~MITIGATION_BIT(empty_connection);
	vips_put(&vip);
	end_run(&quiet.client);
	assert_true(flow_exists(&quiet.client));
	vip.mitigation_on = vip.mitigation_watch = ALL;
	vips_put(&vip);
	end_run(&quiet.client);
	assert_true(flow_exists(&quiet.client));
	assert_int_equal(hits_of(version), 0);
	modes_set(ALL, 0);
	end_run(&quiet.client);
	assert_false(flow_exists(&quiet.client));
}
TEST(expiry)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empties_block),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_expiry),
	};

	return PACKET_TESTS(tests, world_setup, world_teardown);
}
