/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Bans of the request path: entries as its workers write them, obeyed from the next packet on and not beyond
 * their time, also where refusals are kept.
 */
#include "local.h"

#define BAN MITIGATION_BIT(request_ban)

static int64_t now_utc(void)
{
	return boot_ns(); /* the offsets of the tests are 0 */
}

static struct list_exact_key ban_key(int version)
{
	struct list_exact_key key = { .instance = INSTANCE,
		.source = address_of(version == 4 ? CLIENT4 : CLIENT6) };

	if (version == 6)
		memset(key.source.byte + 8, 0, 8);
	return key;
}

static void ban(int version, int64_t until_ns)
{
	struct list_exact_key key = ban_key(version);
	struct request_ban value = { .until_ns = until_ns, .check = 9, .rule = 12 };

	map_set(skel->maps.request_ban, &key, &value);
}

static void unban(int version)
{
	struct list_exact_key key = ban_key(version);

	assert_int_equal(bpf_map_delete_elem(bpf_map__fd(skel->maps.request_ban), &key), 0);
}

/* One that no test had before: what was kept is void. */
static void another_edition(void)
{
	static uint32_t newest;
	struct settings settings = settings_default();

	settings.edition = ++newest;
	settings_set(skel, &settings);
}

static void obeyed(int version)
{
	local_begin(BAN);
	web_passes(version);
	ban(version, INT64_MAX);
	web_ends_by(version, ACK | PSH, XDP_DROP, REASON_request_ban);
	web_ends_by(version, SYN, XDP_DROP, REASON_request_ban);
	web_ends_by(version, RST, XDP_DROP, REASON_request_ban);
	assert_int_equal(counted(REASON_request_ban), 3);
	unban(version);
	web_passes(version);
	ban(version, now_utc() - 1);
	web_passes(version);
}

/* Who is banned of IPv6 is the /64, of IPv4 the address; at one instance. */
static void whom(int version)
{
	struct wire w = to_web(version, ACK);
	struct vip vip = vip_of_web(BAN);
	struct service_key key = service_key_of(IPPROTO_TCP, WEB_PORT);
	uint32_t one = 1;

	local_begin(BAN);
	ban(version, INT64_MAX);
	w.source = version == 4 ? "10.201.1.3" : "fd01::9999";
	if (version == 4)
		ends_by(&w, XDP_PASS, REASON_local);
	else
		ends_by(&w, XDP_DROP, REASON_request_ban);
	w.source = version == 4 ? "10.201.2.2" : "fd01:0:0:1::2";
	ends_by(&w, XDP_PASS, REASON_local);
	vip.instance = key.instance = INSTANCE + 1;
	map_set(skel->maps.local_service, &key, &one);
	vips_put(&vip);
	web_passes(version);
}

/* To the port rules of an instance with web sites, too; but where it has none the map is not asked. */
static void where(int version)
{
	struct wire w = to_web(version, SYN);
	struct vip vip = vip_of_web(BAN);

	local_begin(BAN);
	ban(version, INT64_MAX);
	w.destination_port = 80;
	ends_by(&w, XDP_DROP, REASON_request_ban);
	vip.flags &= ~VIP_HAS_LOCAL;
	vips_put(&vip);
	ends_by(&w, XDP_REDIRECT, REASON_syn_passed);
}

static void modes(int version)
{
	struct vip vip = vip_of_web(BAN);

	local_begin(BAN);
	ban(version, INT64_MAX);
	allow(version == 4 ? CLIENT4 : CLIENT6, INT64_MAX);
	web_passes(version);
	map_clear(skel->maps.list_exact);
	vip.mitigation_watch = BAN;
	vips_put(&vip);
	web_passes(version);
	assert_int_equal(counted(REASON_WATCHED | REASON_request_ban), 1);
	vip.mitigation_on = vip.mitigation_watch = 0;
	vips_put(&vip);
	web_passes(version);
	vip = vip_of_web(BAN);
	vip.mitigation_until_ns = boot_ns() - 1;
	vips_put(&vip);
	web_passes(version);
}

/* A ban that is soon over is not kept; another is, until another edition or for a quarter of a second. */
static void kept(int version)
{
	local_begin(BAN);
	another_edition();
	ban(version, now_utc() + SECOND_NS / 5);
	web_ends_by(version, ACK, XDP_DROP, REASON_request_ban);
	unban(version);
	web_passes(version);
	ban(version, now_utc() + SECOND_NS * 60);
	for (int i = 0; i < 3; i++)
		web_ends_by(version, ACK, XDP_DROP, REASON_request_ban);
	assert_int_equal(counted(REASON_request_ban), 4);
	unban(version);
	web_ends_by(version, ACK, XDP_DROP, REASON_request_ban);
	another_edition();
	web_passes(version);
	ban(version, now_utc() + SECOND_NS * 60);
	web_ends_by(version, ACK, XDP_DROP, REASON_request_ban);
	unban(version);
	time_pass(skel, SECOND_NS * 3 / 10);
	web_passes(version);
}

/* To the moment, also while packets come all the time. */
static void ends(int version)
{
	struct wire w = to_web(version, ACK);
	struct frame f;
	int64_t until;

	local_begin(BAN);
	another_edition();
	until = now_utc() + SECOND_NS * 6 / 10;
	ban(version, until);
	for (; now_utc() < until - SECOND_NS / 100; time_pass(skel, SECOND_NS / 1000)) {
		f = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), XDP_DROP);
	}
	time_pass(skel, until - 1 - now_utc());
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_DROP);
	time_pass(skel, 1);
	f = frame_build(&w);
	assert_int_equal(frame_run(skel, &f), XDP_PASS);
}

TEST(obeyed)
TEST(whom)
TEST(where)
TEST(modes)
TEST(kept)
TEST(ends)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_obeyed),
		cmocka_unit_test(test_whom),
		cmocka_unit_test(test_where),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_ends),
	};

	return PACKET_TESTS(tests, world_setup, world_teardown);
}
