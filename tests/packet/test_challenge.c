/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Challenges of unproven UDP sources: who is asked, that no answer is longer than its request, and that a
 * client that does as it is told is known from then on.
 */
#include "mitigate.h"

#include <linux/if_link.h>

/* What an answer that never came would hold. */
static const uint8_t nothing[512];

#define A2S_INFO     "\xff\xff\xff\xffTSource Engine Query"
#define INFO_BYTES   25u
#define A2S_PLAYER   "\xff\xff\xff\xffU\xff\xff\xff\xff"
#define PLAYER_BYTES 9u
/* A query for the root's name servers, with EDNS. */
#define DNS_QUERY                                                                                  \
	"\x12\x34\x01\x10\0\x01\0\0\0\0\0\x01"                                                     \
	"\0\0\x02\0\x01"                                                                           \
	"\0\0\x29\x04\xd0\0\0\x80\0\0\0"
#define DNS_BYTES 28u

static void rule_set(uint8_t form, uint8_t flags)
{
	struct service_key key = service_key_of(IPPROTO_UDP, 53);
	struct service service;

	limits_set(IPPROTO_UDP, &(struct service_limits){ .rate = 0 }, flags);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.service), &key, &service), 0);
	service.form = form;
	map_set(skel->maps.service, &key, &service);
}

/* Challenges only: the form itself is not asked here. */
static void vips_set(uint32_t on, uint32_t watch)
{
	modes_set(on & MITIGATION_BIT(unproven), watch);
}

static struct frame datagram(const struct wire *from, const void *payload, uint32_t length)
{
	struct wire w = *from;
	struct frame f;
	uint8_t *udp, *ip;

	w.payload = (uint16_t)length;
	f = frame_build(&w);
	ip = f.byte + 14;
	udp = f.byte + f.size - length - 8;
	memcpy(udp + 8, payload, length);
	put16(udp + 6, 0);
	if (!w.no_checksum)
		put16(udp + 6, (uint16_t)~transport_sum(ip, strchr(w.source, ':') ? 6 : 4,
				       IPPROTO_UDP, udp, length + 8));
	return f;
}

static uint64_t challenges(void)
{
	return reason_packets(skel, REASON_challenge_sent);
}

/* Whether the datagram was answered here; the answer is in f, and checked. */
static int is_answered(const struct wire *w, struct frame *f, struct parsed *out)
{
	uint64_t before = challenges();
	uint32_t size = f->size;

	assert_int_equal(frame_run(skel, f), XDP_REDIRECT);
	if (challenges() == before)
		return 0;
	assert_true(f->size <= size);
	*out = frame_parse(f);
	assert_address(&out->source, w->destination);
	assert_address(&out->destination, w->source);
	assert_int_equal(out->source_port, w->destination_port);
	assert_int_equal(out->destination_port, w->source_port);
	assert_memory_equal(out->ethernet, CLIENT_MAC, 6);
	return 1;
}

static struct wire client_of(int version)
{
	static uint16_t port = 1000;
	struct wire w = from_client(version, IPPROTO_UDP);

	w.source_port = ++port;
	return w;
}

static void a2s(int version)
{
	static const struct {
		const void *query;
		uint32_t length, at; /* where the challenge goes */
	} row[] = { { A2S_INFO, INFO_BYTES, INFO_BYTES }, { A2S_PLAYER, PLAYER_BYTES, 5 } };

	for (size_t i = 0; i < 2; i++) {
		struct wire w = client_of(version), other = w;
		uint8_t query[64], answer[9];
		uint32_t length = row[i].at + 4;
		struct parsed out = { .payload = nothing };
		struct frame f;

		forget();
		rule_set(FORM_a2s + 1, SERVICE_CHALLENGE);
		vips_set(ALL, 0);
		f = datagram(&w, row[i].query, row[i].length);
		assert_true(is_answered(&w, &f, &out));
		assert_int_equal(out.payload_length, 9);
		memcpy(answer, out.payload, 9);
		assert_memory_equal(answer, "\xff\xff\xff\xff\x41", 5);
		memcpy(query, row[i].query, row[i].length);
		memcpy(query + row[i].at, answer + 5, 4);
		/* Of another source, or altered: asked again. */
		other.source_port++;
		f = datagram(&other, query, length);
		assert_true(is_answered(&other, &f, &out));
		query[row[i].at] ^= 1;
		f = datagram(&w, query, length);
		assert_true(is_answered(&w, &f, &out));
		query[row[i].at] ^= 1;
		/* Right: it goes on, and so does all that follows from the source. */
		f = datagram(&w, query, length);
		assert_false(is_answered(&w, &f, &out));
		out = frame_parse(&f);
		assert_address(&out.destination, version == 4 ? ORIGIN4 : ORIGIN6);
		f = datagram(&other, row[i].query, row[i].length);
		assert_false(is_answered(&other, &f, &out));
	}
}
TEST(a2s)

/* The challenge is good in its minute and the next. */
static void a2s_epochs(int version)
{
	for (uint32_t epochs = 0; epochs <= 2; epochs++) {
		struct settings s = settings_default();
		struct wire w = client_of(version);
		uint8_t query[64];
		struct parsed out = { .payload = nothing };
		struct frame f;

		forget();
		rule_set(FORM_a2s + 1, SERVICE_CHALLENGE);
		vips_set(ALL, 0);
		settings_set(skel, &s);
		f = datagram(&w, A2S_PLAYER, PLAYER_BYTES);
		assert_true(is_answered(&w, &f, &out));
		memcpy(query, A2S_PLAYER, 5);
		memcpy(query + 5, out.payload + 5, 4);
		s.cookie_epoch += epochs;
		for (uint32_t i = 1; i <= epochs; i++)
			s.cookie_key[(1000 + i) & 1][0] += i;
		settings_set(skel, &s);
		f = datagram(&w, query, PLAYER_BYTES);
		assert_int_equal(is_answered(&w, &f, &out), epochs == 2);
		s = settings_default();
		settings_set(skel, &s);
	}
}
TEST(a2s_epochs)

static void dns(int version)
{
	struct wire w = client_of(version);
	uint8_t query[DNS_BYTES], *at;
	struct parsed out = { .payload = nothing };
	struct frame f;

	forget();
	rule_set(FORM_dns + 1, SERVICE_CHALLENGE);
	vips_set(ALL, 0);
	/* Nobody serves TCP there: it goes on. */
	f = datagram(&w, DNS_QUERY, DNS_BYTES);
	assert_false(is_answered(&w, &f, &out));
	service_set(skel, IPPROTO_TCP, 53, ORIGIN4, ORIGIN6, 5353);
	for (int no_checksum = 0; no_checksum <= (version == 4 ? 1 : 0); no_checksum++) {
		w = client_of(version);
		w.no_checksum = (uint8_t)no_checksum;
		f = datagram(&w, DNS_QUERY, DNS_BYTES);
		assert_true(is_answered(&w, &f, &out));
		assert_int_equal(out.payload_length, DNS_BYTES);
		bytes_copy(query, DNS_QUERY, DNS_BYTES);
		at = query;
		at[2] = 0x83; /* response, truncated, recursion desired */
		at[3] = 0x10; /* checking disabled */
		assert_memory_equal(out.payload, query, DNS_BYTES);
	}
	/* A response is none of ours, nor is what is too short. */
	w = client_of(version);
	f = datagram(&w, query, DNS_BYTES);
	assert_false(is_answered(&w, &f, &out));
	w = client_of(version);
	f = datagram(&w, DNS_QUERY, 11);
	assert_false(is_answered(&w, &f, &out));
	service_set(skel, IPPROTO_TCP, 53, NULL, NULL, 0);
}
TEST(dns)

/* Who is not asked: switched off, watched, proven, allowed, after expiry, without the flag, in fragments. */
static void not_asked(int version)
{
	struct vip vip = vip_protected();
	struct parsed out = { .payload = nothing };
	struct wire w;
	struct frame f;

	forget();
	rule_set(FORM_a2s + 1, SERVICE_CHALLENGE);
	for (int i = 0; i < 6; i++) {
		vips_set(ALL, 0);
		w = client_of(version);
		if (i == 0)
			vips_set(0, 0);
		if (i == 1)
			vips_set(ALL, MITIGATION_BIT(unproven));
		if (i == 2)
			rule_set(FORM_a2s + 1, 0);
		if (i == 3)
			rule_set(0, SERVICE_CHALLENGE);
		if (i == 4) {
			vip.mitigation_on = ALL;
			vip.mitigation_until_ns = boot_ns();
			vips_put(&vip);
		}
		if (i == 5)
			allow(w.source, INT64_MAX);
		f = datagram(&w, A2S_INFO, INFO_BYTES);
		assert_false(is_answered(&w, &f, &out));
		rule_set(FORM_a2s + 1, SERVICE_CHALLENGE);
	}
	forget();
	vips_set(ALL, 0);
	w = client_of(version);
	f = datagram(&w, "\xff\xff\xff\xffqconnect", 12);
	assert_false(is_answered(&w, &f, &out));
	w = client_of(version);
	f = datagram(&w, A2S_INFO, INFO_BYTES - 1);
	assert_false(is_answered(&w, &f, &out));
	(void)talk_open(version, 32100, 7);
	f = datagram(&w, A2S_INFO, INFO_BYTES);
	assert_false(is_answered(&w, &f, &out));
}
TEST(not_asked)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a2s),
		cmocka_unit_test(test_a2s_epochs),
		cmocka_unit_test(test_dns),
		cmocka_unit_test(test_not_asked),
	};

	return PACKET_TESTS(tests, world_setup, world_teardown);
}
