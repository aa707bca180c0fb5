/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * How the origin learns who the client is: a PROXY header before the first byte, or option 254 in the ACK
 * that ends its handshake; and what clients may not say of themselves.
 */
#include "sniff.h"

static void told_by(int version, enum client_address how)
{
	struct service_key key = service_key_of(IPPROTO_TCP, 80);
	struct service service;

	(void)version;
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.service), &key, &service), 0);
	service.client_address = (uint8_t)how;
	map_set(skel->maps.service, &key, &service);
}

static uint32_t proxy_bytes(int version)
{
	return version == 4 ? 28 : 52;
}

static void assert_proxy(const uint8_t *at, const struct wire *client)
{
	int version = strchr(client->source, ':') ? 6 : 4;
	uint32_t size = version == 4 ? 4 : 16, skip = 16 - size;
	struct address source = address_of(client->source),
		       destination = address_of(client->destination);

	assert_memory_equal(at, "\r\n\r\n\0\r\nQUIT\n\x21", 13);
	assert_int_equal(at[13], version == 4 ? 0x11 : 0x21);
	assert_int_equal(get16(at + 14), 2 * size + 4);
	assert_memory_equal(at + 16, source.byte + skip, size);
	assert_memory_equal(at + 16 + size, destination.byte + skip, size);
	assert_int_equal(get16(at + 16 + 2 * size), client->source_port);
	assert_int_equal(get16(at + 18 + 2 * size), client->destination_port);
}

/* A client's cookie accepted; the SYN to the origin is given back. */
static struct parsed asked(struct talk *t, uint16_t port)
{
	struct wire w = from_client(t->version, IPPROTO_TCP);

	offer(&w, 1460, 10, 1, 1);
	talk_syn(t, port, &w);
	return talk_ack(t);
}

/* The origin's SYN-ACK through both programs; the ACK that goes back is given. */
static struct parsed answered(struct talk *t, uint32_t prefix)
{
	struct wire w = t->origin;
	struct frame f;

	offer(&w, 1400, 7, 1, 1);
	put32(w.option + 8, ORIGIN_TS);
	put32(w.option + 12, CLIENT_TS + 1);
	w.flags = SYN | ACK;
	w.sequence = ORIGIN_ISN;
	w.acknowledgement = ISN + 1 - prefix;
	f = origin_frame(&w);
	assert_int_equal(frame_run(skel, &f), XDP_PASS);
	assert_int_equal(handshake_of(&f), TC_ACT_REDIRECT);
	return frame_parse(&f);
}

static void assert_header(const struct parsed *out, const struct talk *t)
{
	uint32_t prefix = proxy_bytes(t->version);

	assert_int_equal(out->flags, ACK);
	assert_int_equal(out->source_port, t->origin.destination_port);
	assert_int_equal(out->sequence, ISN + 1 - prefix);
	assert_int_equal(out->acknowledgement, ORIGIN_ISN + 1);
	assert_int_equal(out->payload_length, prefix);
	assert_proxy(out->payload, &t->client);
	assert_int_equal(out->option_length, 12);
	assert_int_equal(get32(out->option + 4), CLIENT_TS + 1);
	assert_int_equal(get32(out->option + 8), ORIGIN_TS);
}

/* The numbers of the origin begin so much earlier that the client's need no shift. */
static void proxy(int version)
{
	struct talk t = { .version = version };
	uint32_t prefix = proxy_bytes(version);
	struct parsed out;
	struct wire w;
	struct frame f;

	told_by(version, CLIENT_ADDRESS_PROXY);
	out = asked(&t, 43000);
	assert_int_equal(out.flags, SYN);
	assert_int_equal(out.sequence, ISN - prefix);
	/* Only what acknowledges this SYN is its answer. */
	w = t.origin;
	w.flags = SYN | ACK;
	w.sequence = ORIGIN_ISN;
	w.acknowledgement = ISN + 1;
	f = origin_frame(&w);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	out = answered(&t, prefix);
	assert_header(&out, &t);
	/* The client hears of its own numbers only. */
	out = sniff(client_link);
	assert_int_equal(out.flags, ACK);
	assert_int_equal(out.sequence, t.cookie + 1);
	assert_int_equal(out.acknowledgement, ISN + 1);
	assert_int_equal(out.payload_length, 0);
	/* The SYN-ACK again, since the ACK was lost: the header again. */
	out = answered(&t, prefix);
	assert_header(&out, &t);
	assert_int_equal(sniff(client_link).acknowledgement, ISN + 1);
	/* Data as it is. */
	w = t.client;
	w.payload = 10;
	f = frame_build(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(out.sequence, ISN + 1);
	assert_int_equal(out.acknowledgement, ORIGIN_ISN + 1);
}
TEST(proxy)

/* An origin that has the client's data without the header says what it lacks, and gets it. */
static void header_lost(int version)
{
	struct talk t = { .version = version };
	uint32_t prefix = proxy_bytes(version);
	struct opening noted;
	struct parsed out;
	struct wire w;
	struct frame f;

	told_by(version, CLIENT_ADDRESS_PROXY);
	asked(&t, 43010);
	answered(&t, prefix);
	sniff(client_link);
	w = t.origin;
	w.flags = ACK;
	w.sequence = ORIGIN_ISN + 1;
	w.acknowledgement = ISN + 1 - prefix;
	stamp(&w, ORIGIN_TS, CLIENT_TS);
	f = origin_frame(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_address(&out.destination, version == 4 ? ORIGIN4 : ORIGIN6);
	assert_memory_equal(out.ethernet, ORIGIN_MAC, 6);
	assert_header(&out, &t);
	/* What it says besides goes to the client, who must not see such a number. */
	w.payload = 20;
	f = origin_frame(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_address(&out.destination, t.client.source);
	assert_int_equal(out.acknowledgement, ISN + 1);
	assert_int_equal(out.sequence, t.cookie + 1);
	/* Nobody says anything: the agent's turn. */
	retry_due(&t.client);
	out = sniff(origin_link);
	assert_header(&out, &t);
	/* It has it. From now on an old number is only that. */
	w.payload = 0;
	w.acknowledgement = ISN + 1;
	f = origin_frame(&w);
	assert_int_equal(run_to(&f, XDP_REDIRECT).acknowledgement, ISN + 1);
	retry_due(&t.client);
	assert_silent(origin_link);
	assert_false(opening_of(&t.client, &noted));
	w.acknowledgement = ISN + 1 - prefix;
	f = origin_frame(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_address(&out.destination, t.client.source);
}
TEST(header_lost)

/* A refusal names the SYN's number; the client's is told. */
static void proxy_refused(int version)
{
	struct talk t = { .version = version };
	struct parsed out;
	struct wire w;
	struct frame f;

	told_by(version, CLIENT_ADDRESS_PROXY);
	asked(&t, 43020);
	w = t.origin;
	w.flags = RST | ACK;
	w.acknowledgement = ISN + 1 - proxy_bytes(version);
	f = origin_frame(&w);
	assert_int_equal(frame_run(skel, &f), XDP_PASS);
	f = origin_frame(&w);
	out = run_to(&f, XDP_REDIRECT);
	assert_int_equal(out.flags, RST | ACK);
	assert_int_equal(out.acknowledgement, ISN + 1);
	assert_int_equal(out.sequence, t.cookie + 1);
}
TEST(proxy_refused)

static void toa(int version)
{
	struct talk t = { .version = version };
	uint32_t size = version == 4 ? 4 : 16;
	struct address source;
	struct parsed out;

	told_by(version, CLIENT_ADDRESS_TOA);
	assert_int_equal(asked(&t, 43030).sequence, ISN);
	source = address_of(t.client.source);
	for (int i = 0; i < 2; i++) { /* the SYN-ACK comes twice */
		out = answered(&t, 0);
		assert_int_equal(out.flags, ACK);
		assert_int_equal(out.sequence, ISN + 1);
		assert_int_equal(out.payload_length, 0);
		assert_int_equal(out.option_length, 12 + 4 + size);
		assert_int_equal(get32(out.option), 0x0101080a);
		assert_int_equal(out.option[12], 254);
		assert_int_equal(out.option[13], 4 + size);
		assert_int_equal(get16(out.option + 14), 43030);
		assert_memory_equal(out.option + 16, source.byte + 16 - size, size);
		assert_int_equal(sniff(client_link).option_length, 12);
	}
}
TEST(toa)

/* Whatever the rule: what a client claims to be is overwritten, wherever it stands. */
static void forged(int version)
{
	static const uint8_t row[][12] = {
		{ 254, 8, 0x12, 0x34, 1, 2, 3, 4, 1, 1, 1, 1 },
		{ 1, 1, 1, 254, 8, 0x12, 0x34, 1, 2, 3, 4, 0 },
		{ 253, 8, 0x12, 0x34, 1, 2, 3, 4, 1, 1, 1, 1 },
		{ 254, 4, 1, 2, 254, 8, 9, 9, 1, 2, 3, 4 },
		{ 254, 12, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9 },
		{ 254, 2, 253, 2, 254, 2, 253, 2, 254, 2, 253, 2 },
	};
	struct talk t = talk_open(version, 43040, 7);

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct wire w = t.client;
		struct parsed out;
		struct frame f;

		memcpy(w.option, row[i], 12);
		w.option_length = 12;
		w.payload = 5;
		f = frame_build(&w);
		out = run_to(&f, XDP_REDIRECT);
		assert_int_equal(out.option_length, 12);
		for (int j = 0; j < 12; j++)
			assert_int_equal(out.option[j], i == 1 && j == 11 ? 0 : 1);
	}
	/* Beside others, which stay. */
	{
		struct wire w = t.client;
		struct parsed out;
		struct frame f;

		stamp(&w, CLIENT_TS + 5, t.our_ts);
		memset(w.option + 12, 7, 20);
		w.option[12] = 254;
		w.option[13] = 20;
		w.option_length = 32;
		f = frame_build(&w);
		out = run_to(&f, XDP_REDIRECT);
		assert_int_equal(get32(out.option + 4), CLIENT_TS + 5);
		assert_int_equal(get32(out.option + 8), ORIGIN_TS);
		for (int j = 12; j < 32; j++)
			assert_int_equal(out.option[j], 1);
	}
}
TEST(forged)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_header_lost),
		cmocka_unit_test(test_proxy_refused),
		cmocka_unit_test(test_toa),
		cmocka_unit_test(test_forged),
	};

	return PACKET_TESTS(tests, sniff_setup, sniff_teardown);
}
