/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Forms of payloads, row by row: what must pass and what must not, in the program itself; then a matcher of the
 * test's own against it on random payloads; then recordings of ordinary traffic, where they are at hand.
 */
#include "wire.h"
#include "recording.h"

#include <dirent.h>
#include <linux/if_link.h>

#define UDP_PORT 53
#define TCP_PORT 80
#define ISN	 7000u

enum answer {
	TAKEN,
	REFUSED,
	IN_FLOW /* refused at first, taken once the row before has opened the flow */
};

struct row {
	enum payload_form form;
	enum answer answer;
	const char *name;
	const char *bytes;
	uint32_t size;	 /* of bytes */
	uint32_t length; /* of the payload: zeroes follow */
};

static uint16_t next_port = 20000;

static const char *const form_name[] = {
#define FORM(name, transport, text) #name,
#include "shared/forms.def"
};

/* The table once more, for the matcher of the test. */
enum {
	UDP = 1,
	TCP = 2,
	BOTH = 3
};
enum {
	ANY,
	FLOW
};
struct term {
	uint32_t offset, mask, value;
};
struct table_row {
	enum payload_form form;
	int when;
	uint32_t min, max;
	struct term term[4];
};
static const uint8_t transport[] = {
#define FORM(name, of, text) of,
#include "shared/forms.def"
};
/* Rows name no form: each begins with how many FORM lines came before it. */
#define FORM(name, of, text)                                                                       \
	enum {                                                                                     \
		LINE_##name = __LINE__                                                             \
	};
#include "shared/forms.def"
static const uint32_t form_line[] = {
#define FORM(name, of, text) LINE_##name,
#include "shared/forms.def"
};
#define TERM(...)                                                                                  \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
static const struct {
	uint32_t line;
	struct table_row row;
} table[] = {
#define FORM(name, of, text)
#define ROW(at, least, most, ...)                                                                  \
	{ __LINE__, { .when = at, .min = least, .max = most, .term = { __VA_ARGS__ } } },
#include "shared/forms.def"
};
#define TABLE_ROWS (sizeof(table) / sizeof(table[0]))

static bool row_is_of(size_t row, enum payload_form form)
{
	return table[row].line > form_line[form] &&
	       (form + 1 == FORM_COUNT || table[row].line < form_line[form + 1]);
}

static bool table_row_takes(const struct table_row *row, const uint8_t *bytes, uint32_t length)
{
	if (length < row->min || length > row->max)
		return false;
	for (int i = 0; i < 4; i++) {
		const struct term *term = &row->term[i];

		if (term->mask && (get32(bytes + term->offset) & term->mask) != term->value)
			return false;
	}
	return true;
}

/* bytes has room for a term at its end. */
static bool table_takes(enum payload_form form, const uint8_t *bytes, uint32_t length, bool in_flow)
{
	for (size_t i = 0; i < TABLE_ROWS; i++) {
		if (row_is_of(i, form) && (table[i].row.when == ANY || in_flow) &&
			table_row_takes(&table[i].row, bytes, length))
			return true;
	}
	return false;
}

static struct polder *world_with_forms(void)
{
	struct polder *world = world_make();
	struct vip vip = vip_protected();

	vip.mitigation_on = MITIGATION_BIT(payload_form);
	vip_set(world, VIP4, &vip);
	vip_set(world, VIP6, &vip);
	return world;
}

static void form_set(uint8_t protocol, uint32_t form)
{
	struct service_key key =
		service_key_of(protocol, protocol == IPPROTO_TCP ? TCP_PORT : UDP_PORT);
	struct service service;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.service), &key, &service), 0);
	service.form = (uint8_t)form;
	map_set(skel->maps.service, &key, &service);
}

/* A connection whose client's first byte has number ISN + 1. */
static void connection_set(const struct wire *w)
{
	struct flow_key key = { .source = address_of(w->source),
		.destination = address_of(w->destination),
		.source_port = htons(w->source_port),
		.destination_port = htons(w->destination_port) };
	bool ipv6 = strchr(w->source, ':');
	struct flow flow = { .origin = address_of(ipv6 ? ORIGIN6 : ORIGIN4),
		.local = address_of(ipv6 ? SOURCE6 : SOURCE4),
		.origin_port = htons(8080),
		.local_port = htons(20001),
		.instance = INSTANCE,
		.seen_ns = (uint64_t)boot_ns(),
		.idle_seconds = 60,
		.client_isn = ISN,
		.state = FLOW_OPEN };

	map_set(skel->maps.flow_tcp, &key, &flow);
	known_everywhere(skel);
}

/* Whether the payload passes the form. TCP: as the first bytes of a connection. */
static bool passes_as(struct wire w, const uint8_t *bytes, uint32_t length)
{
	uint64_t before = reason_packets(skel, REASON_payload_form);
	struct frame f;

	w.payload = (uint16_t)length;
	if (w.protocol == IPPROTO_TCP) {
		w.flags = ACK | PSH;
		w.acknowledgement = 1;
		w.sequence = w.sequence ? w.sequence : ISN + 1;
		connection_set(&w);
	}
	f = frame_build(&w);
	memcpy(f.byte + f.size - length, bytes, length);
	(void)frame_run(skel, &f);
	return reason_packets(skel, REASON_payload_form) == before;
}

static struct wire client_of(enum payload_form form, int version)
{
	struct wire w = from_client(version, transport[form] & UDP ? IPPROTO_UDP : IPPROTO_TCP);

	w.source_port = next_port++;
	return w;
}

#define S(text) text, sizeof(text) - 1
#define MAGIC                                                                                      \
	"\x00\xff\xff\x00\xfe\xfe\xfe\xfe\xfd\xfd\xfd\xfd\x12\x34\x56"                             \
	"\x78"
static const struct row rows[] = {
	{ FORM_dns, TAKEN, "query", S("\1\2\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"), 19 },
	{ FORM_dns, TAKEN, "with OPT", S("\1\2\1\x20\0\1\0\0\0\0\0\1\1a\0\0\1\0\1"), 60 },
	{ FORM_dns, TAKEN, "notification", S("\1\2\x24\0\0\1\0\1\0\0\0\0\1a\0\0\6\0\1"), 60 },
	{ FORM_dns, REFUSED, "answer", S("\1\2\x81\x80\0\1\0\1\0\0\0\0\1a\0\0\1\0\1"), 60 },
	{ FORM_dns, REFUSED, "two questions", S("\1\2\1\0\0\2\0\0\0\0\0\0"), 60 },
	{ FORM_dns, REFUSED, "an answer inside", S("\1\2\1\0\0\1\0\1\0\0\0\0"), 60 },
	{ FORM_dns, REFUSED, "header only", S("\1\2\1\0\0\1\0\0\0\0\0\0"), 16 },
	{ FORM_dns, REFUSED, "update", S("\1\2\x28\0\0\1\0\0\0\0\0\0\1a\0\0\6\0\1"), 60 },
	{ FORM_dns, REFUSED, "zeroes", S(""), 60 },
	{ FORM_ntp, TAKEN, "version 4", S("\x23"), 48 },
	{ FORM_ntp, TAKEN, "version 3, unsynchronised", S("\xdb"), 48 },
	{ FORM_ntp, TAKEN, "version 3 with a key", S("\x1b"), 68 },
	{ FORM_ntp, REFUSED, "monlist", S("\x17\0\3\x2a"), 48 },
	{ FORM_ntp, REFUSED, "reply", S("\x24"), 48 },
	{ FORM_ntp, REFUSED, "too short", S("\x23"), 47 },
	{ FORM_ntp, REFUSED, "version 0", S("\3"), 48 },
	{ FORM_quic, TAKEN, "Initial", S("\xc3\0\0\0\1\x08"), 1200 },
	{ FORM_quic, IN_FLOW, "short header", S("\x40"), 30 },
	{ FORM_quic, TAKEN, "Initial, ID of 20", S("\xc3\0\0\0\1\x14"), 1200 },
	{ FORM_quic, TAKEN, "Initial, version 2", S("\xd3\x6b\x33\x43\xcf\x08"), 1350 },
	{ FORM_quic, TAKEN, "Initial, draft 29", S("\xc3\xff\0\0\x1d\x08"), 1200 },
	{ FORM_quic, TAKEN, "asks for versions", S("\x80\x1a\x2a\x3a\x4a\x08"), 1200 },
	{ FORM_quic, TAKEN, "Initial, Q046", S("\xc3Q046\x50"), 1350 },
	{ FORM_quic, REFUSED, "Initial, too small", S("\xc3\0\0\0\1\x08"), 1199 },
	{ FORM_quic, REFUSED, "Handshake", S("\xe3\0\0\0\1\x08"), 1200 },
	{ FORM_quic, REFUSED, "unknown version", S("\xc3\0\0\0\7\x08"), 1200 },
	{ FORM_quic, REFUSED, "version negotiation", S("\xc3\0\0\0\0\x08"), 1200 },
	{ FORM_quic, REFUSED, "ID of 7", S("\xc3\0\0\0\1\x07"), 1200 },
	{ FORM_a2s, TAKEN, "information", S("\xff\xff\xff\xffTSource Engine Query\0"), 25 },
	{ FORM_a2s, IN_FLOW, "of the game", S("\1\0\0\0\2"), 40 },
	{ FORM_a2s, TAKEN, "with a challenge", S("\xff\xff\xff\xffTSource Engine Query\0"), 29 },
	{ FORM_a2s, TAKEN, "players", S("\xff\xff\xff\xffU\xff\xff\xff\xff"), 9 },
	{ FORM_a2s, TAKEN, "rules", S("\xff\xff\xff\xffV\xff\xff\xff\xff"), 9 },
	{ FORM_a2s, TAKEN, "connect", S("\xff\xff\xff\xffqconnect0x1234"), 23 },
	{ FORM_a2s, REFUSED, "reply", S("\xff\xff\xff\xffI\x11name"), 60 },
	{ FORM_a2s, REFUSED, "players, too long", S("\xff\xff\xff\xffU\xff\xff\xff\xff"), 10 },
	{ FORM_a2s, REFUSED, "other text", S("\xff\xff\xff\xffTSourxe Engine Query\0"), 25 },
	{ FORM_raknet, TAKEN, "request 1", S("\x05" MAGIC "\x0b"), 1400 },
	{ FORM_raknet, IN_FLOW, "frames", S("\x84\1\0\0"), 40 },
	{ FORM_raknet, IN_FLOW, "ACK", S("\xc0\0\1\1"), 7 },
	{ FORM_raknet, TAKEN, "request 2", S("\x07" MAGIC "\x04"), 34 },
	{ FORM_raknet, TAKEN, "ping", S("\x01\1\2\3\4\5\6\7\x08" MAGIC), 33 },
	{ FORM_raknet, REFUSED, "pong", S("\x1c\1\2\3\4\5\6\7\x08" MAGIC), 60 },
	{ FORM_raknet, REFUSED, "ping, no magic", S("\x01"), 33 },
	{ FORM_raknet, REFUSED, "ping, too short", S("\x01\1\2\3\4\5\6\7\x08" MAGIC), 24 },
	{ FORM_minecraft, TAKEN, "handshake", S("\x10\0\xfd\5\x09localhost\x63\xdd\1"), 17 },
	{ FORM_minecraft, TAKEN, "long name", S("\x90\1\0\xfd\5\x80\1"), 146 },
	{ FORM_minecraft, TAKEN, "old ping", S("\xfe\1"), 2 },
	{ FORM_minecraft, TAKEN, "oldest ping", S("\xfe"), 1 },
	{ FORM_minecraft, REFUSED, "HTTP", S("GET / HTTP/1.1\r\n\r\n"), 18 },
	{ FORM_minecraft, REFUSED, "TLS", S("\x16\3\1\2\0\1"), 200 },
	{ FORM_fivem, TAKEN, "getinfo", S("\xff\xff\xff\xffgetinfo xxx"), 15 },
	{ FORM_fivem, IN_FLOW, "ENet", S("\0\1\2\3\6"), 40 },
	{ FORM_fivem, TAKEN, "getstatus", S("\xff\xff\xff\xffgetstatus\n"), 14 },
	{ FORM_fivem, TAKEN, "connect", S("\x8f\xff\x12\x34\x82\xff\0\1"), 52 },
	{ FORM_fivem, REFUSED, "infoResponse", S("\xff\xff\xff\xffinfoResponse\n"), 60 },
	{ FORM_wireguard, TAKEN, "initiation", S("\1\0\0\0"), 148 },
	{ FORM_wireguard, TAKEN, "response", S("\2\0\0\0"), 92 },
	{ FORM_wireguard, TAKEN, "cookie", S("\3\0\0\0"), 64 },
	{ FORM_wireguard, TAKEN, "keep-alive", S("\4\0\0\0"), 32 },
	{ FORM_wireguard, REFUSED, "initiation, too long", S("\1\0\0\0"), 149 },
	{ FORM_wireguard, REFUSED, "reserved", S("\4\0\1\0"), 64 },
	{ FORM_wireguard, REFUSED, "type 5", S("\5\0\0\0"), 64 },
	{ FORM_sip, TAKEN, "INVITE", S("INVITE sip:a@b SIP/2.0\r\n"), 300 },
	{ FORM_sip, TAKEN, "REGISTER", S("REGISTER sip:b SIP/2.0\r\n"), 300 },
	{ FORM_sip, TAKEN, "OPTIONS", S("OPTIONS sip:b SIP/2.0\r\n"), 300 },
	{ FORM_sip, TAKEN, "reply", S("SIP/2.0 200 OK\r\n"), 300 },
	{ FORM_sip, TAKEN, "keep-alive", S("\r\n\r\n"), 4 },
	{ FORM_sip, REFUSED, "HTTP", S("GET / HTTP/1.1\r\n\r\n"), 300 },
	{ FORM_sip, REFUSED, "INVITATION", S("INVITATION sip:a@b SIP/2.0\r\n"), 300 },
	{ FORM_teamspeak, TAKEN, "opening", S("TS3INIT1\0\x65\0\0\x88\1\2\3\4\0"), 34 },
	{ FORM_teamspeak, IN_FLOW, "voice", S("\1\2\3\4\5\6\7\x08\0\1"), 60 },
	{ FORM_teamspeak, REFUSED, "cut", S("TS3INIT1\0\x65\0\0\x88"), 17 },
	{ FORM_openvpn, TAKEN, "reset, version 2", S("\x38\1\2\3\4\5\6\7\x08"), 14 },
	{ FORM_openvpn, IN_FLOW, "data", S("\x48\0\0\0"), 100 },
	{ FORM_openvpn, IN_FLOW, "control", S("\x20\0\0\0"), 100 },
	{ FORM_openvpn, TAKEN, "reset, version 3", S("\x50"), 54 },
	{ FORM_openvpn, REFUSED, "reset of the server", S("\x40"), 26 },
	{ FORM_stun, TAKEN, "binding", S("\0\1\0\0\x21\x12\xa4\x42"), 20 },
	{ FORM_stun, IN_FLOW, "channel", S("\x40\1\0\x10"), 20 },
	{ FORM_stun, IN_FLOW, "DTLS", S("\x16\xfe\xff\0"), 60 },
	{ FORM_stun, REFUSED, "no cookie", S("\0\1\0\0\x21\x12\xa4\x43"), 20 },
	{ FORM_stun, REFUSED, "odd length", S("\0\1\0\1\x21\x12\xa4\x42"), 21 },
	{ FORM_rtp, TAKEN, "voice", S("\x80\x00"), 172 },
	{ FORM_rtp, TAKEN, "RTCP", S("\x80\xc9\0\1"), 8 },
	{ FORM_rtp, REFUSED, "version 1", S("\x40\x00"), 172 },
	{ FORM_dtls, TAKEN, "ClientHello", S("\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\x80\1\0\0\x74"), 141 },
	{ FORM_dtls, IN_FLOW, "data", S("\x17\xfe\xfd\0\1"), 60 },
	{ FORM_dtls, IN_FLOW, "data, 1.3", S("\x2f\1\2"), 60 },
	{ FORM_dtls, REFUSED, "ServerHello", S("\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\x80\2\0\0\x74"),
		141 },
	{ FORM_syslog, TAKEN, "message", S("<34>Oct 11 22:14:15 a su: b"), 27 },
	{ FORM_syslog, REFUSED, "no priority", S("Oct 11 22:14:15 a su: b"), 27 },
	{ FORM_ike, TAKEN, "SA_INIT", S("\1\2\3\4\5\6\7\x08\0\0\0\0\0\0\0\0\x21\x20\x22\x08"),
		300 },
	{ FORM_ike, IN_FLOW, "ESP", S("\1\2\3\4\0\0\0\1"), 100 },
	{ FORM_ike, TAKEN, "main mode", S("\1\2\3\4\5\6\7\x08\0\0\0\0\0\0\0\0\1\x10\2\0"), 300 },
	{ FORM_ike, TAKEN, "SA_INIT, port 4500",
		S("\0\0\0\0\1\2\3\4\5\6\7\x08\0\0\0\0\0\0\0\0\x21\x20\x22\x08"), 300 },
	{ FORM_ike, REFUSED, "reply", S("\1\2\3\4\5\6\7\x08\1\2\3\4\5\6\7\x08\x21\x20\x22\x20"),
		300 },
	{ FORM_tls, TAKEN, "ClientHello", S("\x16\3\1\2\0\1\0\1\xfc\3\3"), 517 },
	{ FORM_tls, REFUSED, "ServerHello", S("\x16\3\3\2\0\2\0\1\xfc\3\3"), 517 },
	{ FORM_tls, REFUSED, "HTTP", S("GET / HTTP/1.1\r\n\r\n"), 18 },
	{ FORM_http, TAKEN, "GET", S("GET / HTTP/1.1\r\n\r\n"), 18 },
	{ FORM_http, TAKEN, "HTTP/2", S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 24 },
	{ FORM_http, REFUSED, "TLS", S("\x16\3\1\2\0\1"), 517 },
	{ FORM_http, REFUSED, "lower case", S("get / HTTP/1.1\r\n\r\n"), 18 },
	{ FORM_ssh, TAKEN, "identification", S("SSH-2.0-OpenSSH_9.2\r\n"), 21 },
	{ FORM_ssh, REFUSED, "TLS", S("\x16\3\1\2\0\1"), 517 },
	{ FORM_mqtt, TAKEN, "CONNECT", S("\x10\x10\0\4MQTT\4\2\0\x3c\0\4test"), 18 },
	{ FORM_mqtt, TAKEN, "CONNECT, 3.1", S("\x10\x12\0\6MQIsdp\3\2\0\x3c\0\4test"), 20 },
	{ FORM_mqtt, TAKEN, "CONNECT, long", S("\x10\x90\1\0\4MQTT\5"), 147 },
	{ FORM_mqtt, REFUSED, "PUBLISH", S("\x30\x10\0\4MQTT"), 18 },
	{ FORM_rdp, TAKEN, "request", S("\3\0\0\x13\x0e\xe0\0\0\0\0\0"), 19 },
	{ FORM_rdp, REFUSED, "confirm", S("\3\0\0\x13\x0e\xd0\0\0\0\0\0"), 19 },
};

static void check(const struct row *row, int version, struct wire *opener)
{
	struct wire w = client_of(row->form, version);
	uint8_t bytes[FRAME_MAX] = { 0 };
	bool passed;

	memcpy(bytes, row->bytes, row->size < row->length ? row->size : row->length);
	form_set(w.protocol, row->form + 1u);
	passed = passes_as(w, bytes, row->length);
	if (passed != (row->answer == TAKEN))
		fail_msg("%s, %s, IPv%d: passed %d", form_name[row->form], row->name, version,
			passed);
	if (row->answer == TAKEN)
		*opener = w;
	if (row->answer == IN_FLOW && !passes_as(*opener, bytes, row->length))
		fail_msg("%s, %s, IPv%d: refused in its flow", form_name[row->form], row->name,
			version);
}

static void test_rows(void **state)
{
	bool taken[FORM_COUNT] = { false }, refused[FORM_COUNT] = { false };

	(void)state;
	for (int version = 4; version <= 6; version += 2) {
		struct wire opener = from_client(version, IPPROTO_UDP);

		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			check(&rows[i], version, &opener);
			taken[rows[i].form] |= rows[i].answer == TAKEN;
			refused[rows[i].form] |= rows[i].answer == REFUSED;
		}
	}
	for (int i = 0; i < FORM_COUNT; i++)
		if (!taken[i] || !refused[i])
			fail_msg("%s has no row for both", form_name[i]);
}

/* The table keeps its own promises: terms lie before the least length, forms fit the walk. */
static void test_table(void **state)
{
	uint32_t count[FORM_COUNT] = { 0 };

	(void)state;
	for (size_t i = 0; i < TABLE_ROWS; i++) {
		for (int t = 0; t < 4; t++) {
			const struct term *term = &table[i].row.term[t];
			uint32_t end = 4;

			while (end > 0 && !(term->mask & 0xffu << 8 * (4 - end)))
				end--;
			assert_true(!term->mask || term->offset + end <= table[i].row.min);
			assert_int_equal(term->value & ~term->mask, 0);
			assert_true(term->offset <= 60);
		}
		assert_true(table[i].row.min <= table[i].row.max);
		for (int form = 0; form < FORM_COUNT; form++)
			count[form] += row_is_of(i, (enum payload_form)form);
	}
	for (int form = 0; form < FORM_COUNT; form++)
		assert_in_range(count[form], 1, 20);
}

/* Only the first bytes of a connection are asked; a form of UDP says nothing about TCP, no form nothing at all. */
static void test_scope(void **state)
{
	static const uint8_t junk[64] = { 1, 2, 3 };

	(void)state;
	for (int version = 4; version <= 6; version += 2) {
		struct wire w = from_client(version, IPPROTO_TCP);

		form_set(IPPROTO_TCP, FORM_http + 1u);
		assert_false(passes_as(w, junk, sizeof(junk)));
		w.sequence = ISN + 2;
		assert_true(passes_as(w, junk, sizeof(junk)));
		w.sequence = 0;
		form_set(IPPROTO_TCP, FORM_dns + 1u);
		assert_true(passes_as(w, junk, sizeof(junk)));
		form_set(IPPROTO_TCP, 0);
		assert_true(passes_as(w, junk, sizeof(junk)));
		form_set(IPPROTO_TCP, FORM_sip + 1u);
		assert_false(passes_as(w, junk, sizeof(junk)));
		form_set(IPPROTO_TCP, 255);
		assert_true(passes_as(w, junk, sizeof(junk)));
	}
	form_set(IPPROTO_TCP, 0);
}

/* Random payloads that begin like a row's, so that some are taken: the program says what the table says. */
static void test_random(void **state)
{
	uint32_t taken = 0, tries = 6000;

	(void)state;
	srandom(20261123);
	for (uint32_t n = 0; n < tries; n++) {
		size_t pick = (size_t)random() % TABLE_ROWS;
		const struct table_row *row = &table[pick].row;
		uint8_t bytes[FRAME_MAX];
		enum payload_form form = 0;
		uint32_t length;
		struct wire w;
		bool want;

		while (!row_is_of(pick, form))
			form++;
		length = row->min + (uint32_t)random() % 4;
		length -= length && random() % 8 == 0;
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)random();
		for (int t = 0; t < 4; t++) {
			const struct term *term = &row->term[t];

			if (term->mask && random() % 16)
				put32(bytes + term->offset,
					(get32(bytes + term->offset) & ~term->mask) | term->value);
		}
		w = client_of(form, random() % 2 ? 4 : 6);
		form_set(w.protocol, form + 1u);
		want = table_takes(form, bytes, length, false) ||
		       (!length && w.protocol == IPPROTO_TCP);
		if (passes_as(w, bytes, length) != want)
			fail_msg("%s, %u bytes: the program says %d", form_name[form], length,
				!want);
		taken += want;
	}
	assert_in_range(taken, tries / 10, tries * 9 / 10);
}

/* --- recordings */

static const struct {
	uint16_t port;
	uint8_t protocol;
	enum payload_form form;
} well_known[] = {
	{ 53, IPPROTO_UDP, FORM_dns },
	{ 123, IPPROTO_UDP, FORM_ntp },
	{ 443, IPPROTO_UDP, FORM_quic },
	{ 19132, IPPROTO_UDP, FORM_raknet },
	{ 51820, IPPROTO_UDP, FORM_wireguard },
	{ 5060, IPPROTO_UDP, FORM_sip },
	{ 9987, IPPROTO_UDP, FORM_teamspeak },
	{ 1194, IPPROTO_UDP, FORM_openvpn },
	{ 3478, IPPROTO_UDP, FORM_stun },
	{ 19302, IPPROTO_UDP, FORM_stun },
	{ 514, IPPROTO_UDP, FORM_syslog },
	{ 500, IPPROTO_UDP, FORM_ike },
	{ 27015, IPPROTO_UDP, FORM_a2s },
	{ 443, IPPROTO_TCP, FORM_tls },
	{ 80, IPPROTO_TCP, FORM_http },
	{ 22, IPPROTO_TCP, FORM_ssh },
	{ 1883, IPPROTO_TCP, FORM_mqtt },
	{ 3389, IPPROTO_TCP, FORM_rdp },
};

#define STREAM_MAX 4096
struct stream {
	uint8_t source[16];
	uint16_t port, to;
	uint32_t first; /* TCP: number of the first byte */
	bool open;
};
struct replay {
	const char *file;
	uint32_t taken[FORM_COUNT], refused[FORM_COUNT];
	uint32_t streams;
	struct stream stream[STREAM_MAX];
};

static struct stream *stream_of(
	struct replay *replay, const uint8_t *source, uint16_t port, uint16_t to)
{
	for (uint32_t i = 0; i < replay->streams; i++) {
		struct stream *stream = &replay->stream[i];

		if (stream->port == port && stream->to == to && !memcmp(stream->source, source, 16))
			return stream;
	}
	if (replay->streams == STREAM_MAX)
		return NULL;
	memcpy(replay->stream[replay->streams].source, source, 16);
	replay->stream[replay->streams].port = port;
	replay->stream[replay->streams].to = to;
	return &replay->stream[replay->streams++];
}

static void replay_payload(struct replay *replay, enum payload_form form, struct stream *stream,
	const uint8_t *bytes, uint32_t length)
{
	struct wire w = from_client(4, transport[form] & UDP ? IPPROTO_UDP : IPPROTO_TCP);

	w.source_port = (uint16_t)(1024 + (stream - replay->stream));
	form_set(w.protocol, form + 1u);
	if (passes_as(w, bytes, length)) {
		replay->taken[form]++;
		return;
	}
	replay->refused[form]++;
	if (getenv("POLDER_SHOW"))
		print_message("%s: %s, %u bytes: %08x %08x %08x\n", replay->file, form_name[form],
			length, get32(bytes), get32(bytes + 4), get32(bytes + 8));
}

static void replay_transport(struct replay *replay, const uint8_t *source, uint8_t protocol,
	const uint8_t *at, uint32_t size)
{
	uint32_t header = protocol == IPPROTO_TCP ? 20 : 8, number = 0;
	uint8_t padded[FRAME_MAX] = { 0 };
	struct stream *stream;

	if ((protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) || size < header)
		return;
	if (protocol == IPPROTO_TCP) {
		header = (at[12] >> 4) * 4u;
		number = get32(at + 4);
	}
	for (size_t i = 0; i < sizeof(well_known) / sizeof(well_known[0]); i++) {
		if (well_known[i].protocol != protocol || well_known[i].port != get16(at + 2) ||
			get16(at) == get16(at + 2) || header > size)
			continue;
		stream = stream_of(replay, source, (uint16_t)get16(at), (uint16_t)get16(at + 2));
		if (!stream)
			return;
		if (protocol == IPPROTO_TCP && at[13] & SYN) {
			stream->open = true;
			stream->first = number + 1;
		}
		if (size == header || size - header > 1460 ||
			(protocol == IPPROTO_TCP && (!stream->open || stream->first != number)))
			continue;
		memcpy(padded, at + header, size - header);
		replay_payload(replay, well_known[i].form, stream, padded, size - header);
		if (protocol == IPPROTO_TCP)
			stream->open = false;
	}
}

static void replay_packet(void *context, const uint8_t *ip, uint32_t size)
{
	uint8_t source[16] = { 0 };
	uint32_t length;

	if (size >= 20 && ip[0] >> 4 == 4 && !(get16(ip + 6) & 0x3fff)) {
		length = get16(ip + 2);
		memcpy(source, ip + 12, 4);
		if (length <= size && length >= (ip[0] & 15) * 4u)
			replay_transport(context, source, ip[9], ip + (ip[0] & 15) * 4,
				length - (ip[0] & 15) * 4u);
	} else if (size >= 40 && ip[0] >> 4 == 6) {
		length = get16(ip + 4);
		memcpy(source, ip + 8, 16);
		if (length <= size - 40)
			replay_transport(context, source, ip[6], ip + 40, length);
	}
}

/* What is rightly refused: ports are used for other things, and some things are no longer spoken. */
static const struct {
	const char *file;
	enum payload_form form;
	uint32_t refused;
	const char *why;
} refusals[] = {
	{ "youtube_quic.pcap", FORM_quic, 129, "Google's QUIC before Q046" },
	{ "quic_q39.pcap", FORM_quic, 27, "Google's QUIC before Q046" },
	{ "quic_q43.pcap", FORM_quic, 1, "Google's QUIC before Q046" },
	{ "quic_sh.pcap", FORM_quic, 17, "the recording has no beginning" },
	{ "quic_0RTT.pcap", FORM_quic, 2, "0-RTT without the Initial before it" },
	{ "stun_signal.pcapng", FORM_quic, 80, "STUN on port 443" },
	{ "viber.pcap", FORM_quic, 10, "STUN on port 443" },
	{ "dtls_mid_sessions.pcapng", FORM_quic, 31, "DTLS on port 443" },
	{ "anyconnect-vpn.pcap", FORM_quic, 14, "DTLS on port 443" },
	{ "protonvpn.pcap", FORM_quic, 9, "WireGuard on port 443" },
	{ "openvpn.pcap", FORM_quic, 31, "OpenVPN on port 443" },
	{ "openvpn.pcap", FORM_tls, 2, "OpenVPN on port 443" },
	{ "mullvad_wireguard.pcap", FORM_sip, 6, "WireGuard on port 5060" },
	{ "mongo_false_positive.pcapng", FORM_tls, 1, "another protocol on port 443" },
	{ "heuristic_tcp_ack_payload.pcap", FORM_tls, 5, "two bytes of 0" },
	{ "heuristic_tcp_ack_payload.pcap", FORM_http, 1, "two bytes of 0" },
	{ "anydesk.pcapng", FORM_http, 1, "TLS on port 80" },
	{ "dingtalk.pcap", FORM_tls, 1, "another protocol on port 443" },
	{ "Oscar.pcap", FORM_tls, 1, "OSCAR on port 443" },
	{ "dns_invert_query.pcapng", FORM_dns, 1, "inverse query, ended by RFC 3425" },
	{ "tunnelbear.pcap", FORM_wireguard, 1, "an initiation of another length" },
};

static void check_refusals(const struct replay *replay)
{
	for (int form = 0; form < FORM_COUNT; form++) {
		uint32_t want = 0;

		for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
			if (!strcmp(refusals[i].file, replay->file) &&
				refusals[i].form == (enum payload_form)form)
				want = refusals[i].refused;
		if (replay->refused[form] != want)
			fail_msg("%s: %u payloads are not %s, %u are known", replay->file,
				replay->refused[form], form_name[form], want);
	}
}

static void flows_forget(void)
{
	struct flow_key key;

	while (bpf_map_get_next_key(bpf_map__fd(skel->maps.flow_udp), NULL, &key) == 0)
		(void)bpf_map_delete_elem(bpf_map__fd(skel->maps.flow_udp), &key);
}

/* All legitimate recordings, by well-known ports. */
static void test_recordings(void **state)
{
	const char *folder = getenv("POLDER_CORPUS") ? getenv("POLDER_CORPUS") : "../shared/corpus";
	static struct replay replay;
	uint32_t taken[FORM_COUNT] = { 0 };
	struct dirent *entry;
	char path[512];
	DIR *directory;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/legit", folder);
	directory = opendir(path);
	if (!directory) {
		print_message("SKIP: no recordings at %s\n", path);
		skip();
		return;
	}
	while ((entry = readdir(directory))) {
		memset(&replay, 0, sizeof(replay));
		replay.file = entry->d_name;
		(void)snprintf(path, sizeof(path), "%s/legit/%s", folder, entry->d_name);
		flows_forget(); /* streams of another file are other streams */
		(void)recording_read(path, replay_packet, &replay);
		check_refusals(&replay);
		for (int i = 0; i < FORM_COUNT; i++)
			taken[i] += replay.taken[i];
	}
	(void)closedir(directory);
	for (int i = 0; i < FORM_COUNT; i++)
		if (taken[i])
			print_message("%s: %u payloads taken\n", form_name[i], taken[i]);
}

static int setup(void **state)
{
	(void)state;
	network_make();
	skel = world_with_forms();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_recordings),
	};

	return PACKET_TESTS(tests, setup, world_teardown);
}
