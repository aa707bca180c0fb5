/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Floods at local services: cookies that the host's own stack would make, and what belongs to no socket. The
 * sockets are real ones of the test's network.
 */
#include "local.h"

#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "steering.skel.h"

#define SCALE	     10 /* of the client */
#define HOST_SCALE   7
#define HOST_WINDOW  29200
#define STAMP_SACK   0x10
#define STAMP_OPTION 0x3f
#define STAMP_NOTICE 0x0f /* no window scale */

static const struct local_cookie ready = {
	.until_ns = UINT64_MAX, .timestamps = 1, .sack = 1, .scale = HOST_SCALE
};

static void cookie_set(const struct local_cookie *value)
{
	uint32_t zero = 0;

	map_set(skel->maps.local_cookie, &zero, value);
}

static struct sockaddr_in6 name_of(const char *text, uint16_t port, socklen_t *size)
{
	struct sockaddr_in6 name = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in name4 = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (strchr(text, ':')) {
		assert_int_equal(inet_pton(AF_INET6, text, &name.sin6_addr), 1);
		*size = sizeof(name);
		return name;
	}
	assert_int_equal(inet_pton(AF_INET, text, &name4.sin_addr), 1);
	memcpy(&name, &name4, sizeof(name4));
	*size = sizeof(name4);
	return name;
}

static int socket_at(const char *text, uint16_t port)
{
	socklen_t size;
	struct sockaddr_in6 name = name_of(text, port, &size);
	int fd = socket(name.sin6_family, SOCK_STREAM, 0), on = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	/* On no interface. */
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, size), 0);
	return fd;
}

static int listen_at(int version)
{
	int fd = socket_at(version == 4 ? VIP4 : VIP6, WEB_PORT);

	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static void threshold_begin(uint32_t threshold, uint32_t cookies_until)
{
	struct plan_state state = { .cookies_until = cookies_until };
	uint64_t none[HARNESS_CPU_MAX];
	struct vip vip = vip_of_web(0);
	uint32_t slot = VIP_SLOT, zero = 0;

	local_begin(0);
	vip.syn_threshold = threshold;
	vips_put(&vip);
	map_set(skel->maps.plan_state, &slot, &state);
	memset(none, 0, sizeof(none));
	map_set(skel->maps.local_load, &zero, none);
	cookie_set(&ready);
}

/* The instance is above its threshold. */
static void cookie_begin(void)
{
	threshold_begin(0, (uint32_t)(boot_ns() / SECOND_NS) + 1000);
}

static struct parsed answer_to(struct frame *f, const struct wire *syn)
{
	uint64_t before = reason_packets(skel, REASON_cookie_sent);

	*f = frame_build(syn);
	assert_int_equal(frame_run(skel, f), XDP_REDIRECT);
	assert_int_equal(reason_packets(skel, REASON_cookie_sent) - before, 1);
	return frame_parse(f);
}

static uint32_t clock_ms(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return (uint32_t)(t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

static void answers(int version)
{
	int listener = listen_at(version);
	struct wire w = to_web(version, SYN);
	uint32_t before, stamp;
	struct parsed out;
	struct frame f;

	cookie_begin();
	offer(&w, 1400, SCALE, 1, 1);
	w.payload = 100;
	before = clock_ms();
	out = answer_to(&f, &w);
	assert_address(&out.source, w.destination);
	assert_address(&out.destination, w.source);
	assert_int_equal(out.source_port, WEB_PORT);
	assert_int_equal(out.destination_port, w.source_port);
	assert_int_equal(out.flags, SYN | ACK);
	assert_int_equal(out.acknowledgement, ISN + 1);
	assert_int_equal(out.window, HOST_WINDOW);
	assert_int_equal(out.payload_length, 0);
	assert_int_equal(out.option_length, 20);
	assert_int_equal(get32(out.option), 0x02040000 | (version == 4 ? 1460 : 1440));
	assert_int_equal(get32(out.option + 4), 0x0402080a);
	stamp = get32(out.option + 8);
	assert_int_equal(stamp & STAMP_OPTION, STAMP_SACK | SCALE);
	assert_true((int32_t)(clock_ms() - stamp) >= 0);
	assert_true((int32_t)(stamp - (before - 128)) > 0);
	assert_int_equal(get32(out.option + 12), CLIENT_TS);
	assert_int_equal(get32(out.option + 16), 0x01030300 | HOST_SCALE);
	assert_memory_equal(out.ethernet, CLIENT_MAC, 6);
	assert_memory_equal(out.ethernet + 6, WAN_MAC, 6);
	close(listener);
}

static void offers(int version)
{
	int listener = listen_at(version);
	struct local_cookie value = ready;
	struct wire w = to_web(version, SYN);
	struct parsed out;
	struct frame f;

	cookie_begin();
	/* The client offers no timestamps, no scale, nothing. */
	offer(&w, 1400, SCALE, 1, 0);
	out = answer_to(&f, &w);
	assert_int_equal(out.option_length, 4);
	offer(&w, 1400, -1, 0, 1);
	out = answer_to(&f, &w);
	assert_int_equal(out.option_length, 16);
	assert_int_equal(get32(out.option + 4), 0x0101080a);
	assert_int_equal(get32(out.option + 8) & STAMP_OPTION, STAMP_NOTICE);
	w.option_length = 0;
	out = answer_to(&f, &w);
	assert_int_equal(out.option_length, 0);
	/* The host's stack does not. */
	offer(&w, 1400, SCALE, 1, 1);
	value.scale = LOCAL_SCALE_NONE;
	cookie_set(&value);
	out = answer_to(&f, &w);
	assert_int_equal(out.option_length, 16);
	assert_int_equal(get32(out.option + 8) & STAMP_OPTION, STAMP_SACK | STAMP_NOTICE);
	value.sack = 0;
	cookie_set(&value);
	out = answer_to(&f, &w);
	assert_int_equal(get32(out.option + 4), 0x0101080a);
	value.timestamps = 0;
	cookie_set(&value);
	out = answer_to(&f, &w);
	assert_int_equal(out.option_length, 4);
	close(listener);
}

static struct wire ack_of(int version, uint32_t cookie)
{
	struct wire w = to_web(version, ACK);

	w.sequence = ISN + 1;
	w.acknowledgement = cookie + 1;
	return w;
}

/* What the ACK of a cookie may be, and what it may not. */
static void proves(int version)
{
	int listener = listen_at(version);
	struct wire syn = to_web(version, SYN), w;
	struct frame f;
	uint32_t cookie;
	uint64_t opened;

	cookie_begin();
	offer(&syn, 1400, SCALE, 1, 1);
	cookie = answer_to(&f, &syn).sequence;
	w = ack_of(version, cookie);
	opened = vip_place_packets(skel, VIP_PLACE_FLOW_OPENED);
	ends_by(&w, XDP_PASS, REASON_local);
	assert_int_equal(vip_place_packets(skel, VIP_PLACE_FLOW_OPENED), opened + 1);
	w.payload = 300;
	w.flags = ACK | PSH;
	ends_by(&w, XDP_PASS, REASON_local);
	w.flags = ACK | FIN;
	ends_by(&w, XDP_PASS, REASON_local);
	w.flags = ACK;
	w.acknowledgement = cookie + 1000; /* the next ones would say another MSS */
	ends_by(&w, XDP_DROP, REASON_cookie_invalid);
	w = ack_of(version, cookie);
	w.source_port++;
	ends_by(&w, XDP_DROP, REASON_cookie_invalid);
	w = ack_of(version, cookie);
	w.source = version == 4 ? "10.201.1.3" : "fd01::3";
	ends_by(&w, XDP_DROP, REASON_cookie_invalid);
	w = ack_of(version, cookie);
	w.flags = RST;
	ends_by(&w, XDP_DROP, REASON_reset_unknown);
	w.flags = RST | ACK;
	ends_by(&w, XDP_DROP, REASON_reset_unknown);
	w.flags = FIN | ACK;
	w.acknowledgement = 1;
	ends_by(&w, XDP_DROP, REASON_fin_unknown);
	close(listener);
}

static void nobody_listens(int version)
{
	cookie_begin();
	web_ends_by(version, SYN, XDP_DROP, REASON_no_service);
	web_ends_by(version, ACK, XDP_DROP, REASON_cookie_invalid);
}

/* A connection's segments pass whatever their numbers, and so does a SYN on what is left of it. */
static void connections(int version)
{
	const char *client = version == 4 ? CLIENT4 : CLIENT6;
	int listener = listen_at(version), fd = socket_at(client, 40000), taken;
	socklen_t size;
	struct sockaddr_in6 name = name_of(version == 4 ? VIP4 : VIP6, WEB_PORT, &size);

	cookie_begin();
	assert_int_equal(connect(fd, (struct sockaddr *)&name, size), 0);
	taken = accept(listener, NULL, NULL);
	assert_true(taken >= 0);
	web_ends_by(version, ACK, XDP_PASS, REASON_local);
	web_ends_by(version, ACK | FIN, XDP_PASS, REASON_local);
	web_ends_by(version, RST, XDP_PASS, REASON_local);
	web_ends_by(version, SYN, XDP_PASS, REASON_local);
	/* The side that closes first keeps it for a minute. */
	close(taken);
	close(fd);
	web_ends_by(version, ACK, XDP_PASS, REASON_local);
	web_ends_by(version, SYN, XDP_PASS, REASON_local);
	close(listener);
}

/* How many pass before the first that does not; the others by the instance's state or by the CPU's. */
static int pass_until(const struct wire *w)
{
	struct frame f;
	int passed = 0;

	for (;; passed++) {
		f = frame_build(w);
		if (frame_run(skel, &f) != XDP_PASS)
			return passed;
		assert_in_range(passed, 0, 100000);
	}
}

/* Up to the threshold all pass; once above, SYNs get cookies and strangers end, for ten seconds more. */
static void thresholds(int version)
{
	static const struct {
		uint8_t flags;
		uint32_t threshold;
		int passed;
	} cases[] = { { SYN, 0, 500 }, { SYN, 700, 700 }, { ACK, 0, 500 } };
	int listener = listen_at(version);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct wire w = to_web(version, cases[i].flags);

		threshold_begin(cases[i].threshold, 0);
		w.source_port = 50000; /* of no connection of before */
		assert_int_equal(pass_until(&w), cases[i].passed);
		for (int seconds = 0; seconds < 2; seconds++) {
			w.flags = SYN;
			ends_by(&w, XDP_REDIRECT, REASON_cookie_sent);
			w.flags = ACK;
			ends_by(&w, XDP_DROP, REASON_cookie_invalid);
			time_pass(skel, SECOND_NS * 11 / 10);
		}
	}
	close(listener);
}

/* Many instances below their thresholds are not too much together: a CPU passes 4,000 a second. */
static void busy(int version)
{
	struct wire w = to_web(version, SYN);
	int listener = listen_at(version);
	uint32_t zero = 0;

	threshold_begin(THRESHOLD_OFF, 0);
	w.source_port = 50000;
	for (uint32_t passed = 3999; passed <= 4000; passed++) {
		struct {
			uint32_t second, passed;
		} load[HARNESS_CPU_MAX];
		struct frame f;

		for (int i = 0; i < HARNESS_CPU_MAX; i++) {
			load[i].second = (uint32_t)(boot_ns() / SECOND_NS);
			load[i].passed = passed;
		}
		map_set(skel->maps.local_load, &zero, load);
		f = frame_build(&w);
		assert_int_equal(frame_run(skel, &f), passed == 4000 ? XDP_REDIRECT : XDP_PASS);
	}
	close(listener);
}

static uint32_t send_error(int version)
{
	struct frame f = error_about(version, WEB_PORT, (version == 4 ? 20 : 40) + 20);

	return frame_run(skel, &f);
}

/* Errors of no connection's packet count like segments of none: the stack would look at each, and do nothing. */
static void errors(int version)
{
	const char *client = version == 4 ? CLIENT4 : CLIENT6;
	int listener = listen_at(version), fd, passed = 0;
	socklen_t size;
	struct sockaddr_in6 name = name_of(version == 4 ? VIP4 : VIP6, WEB_PORT, &size);
	struct vip vip = vip_of_web(0);

	threshold_begin(0, 0);
	for (; send_error(version) == XDP_PASS; passed++)
		assert_in_range(passed, 0, 1000);
	assert_int_equal(passed, 500);
	fd = socket_at(client, 40000);
	assert_int_equal(connect(fd, (struct sockaddr *)&name, size), 0);
	assert_int_equal(send_error(version), XDP_PASS);
	/* Its other end is reset: nothing is left of it. */
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
				 sizeof(struct linger)),
		0);
	close(fd);
	assert_int_equal(send_error(version), XDP_DROP);
	vip.mitigation_until_ns = boot_ns() - 1;
	vips_put(&vip);
	assert_int_equal(send_error(version), XDP_PASS);
	close(listener);
}

/* Without an agent that keeps listeners ready, and after the end of mitigation, the stack helps itself. */
static void unguarded(int version)
{
	struct vip vip = vip_of_web(0);
	int listener = listen_at(version);
	struct local_cookie value = ready;

	cookie_begin();
	value.until_ns = (uint64_t)boot_ns() - 1;
	cookie_set(&value);
	web_ends_by(version, SYN, XDP_PASS, REASON_local);
	cookie_set(&ready);
	vip.mitigation_until_ns = boot_ns() - 1;
	vips_put(&vip);
	web_ends_by(version, SYN, XDP_PASS, REASON_local);
	web_ends_by(version, ACK, XDP_PASS, REASON_local);
	close(listener);
}

/* --- what the stack makes of it ---------------------------------------------------------------- */

static void switch_set(const char *name, int value)
{
	char command[100];

	(void)snprintf(command, sizeof(command), "echo %d >/proc/sys/net/ipv4/%s", value, name);
	assert_int_equal(system(command), 0);
}

/* As from the wire, where no program is attached. */
static void arrive(const struct frame *f)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex("w1") };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	assert_true(fd >= 0);
	assert_int_equal(
		sendto(fd, f->byte, f->size, 0, (struct sockaddr *)&to, sizeof(to)), f->size);
	close(fd);
}

/* A handshake whose SYN the stack has not seen: the connection, or -1. */
static int shake(int version, int listener, uint16_t port, int patience_ms)
{
	struct pollfd wait = { .fd = listener, .events = POLLIN };
	struct wire w = to_web(version, SYN);
	struct parsed out;
	struct frame f;

	/* An address that is not the node's own. */
	w.source = version == 4 ? "10.201.1.50" : "fd01::50";
	w.source_port = port;
	offer(&w, 1400, SCALE, 1, 1);
	out = answer_to(&f, &w);
	w.flags = ACK;
	w.sequence = ISN + 1;
	w.acknowledgement = out.sequence + 1;
	stamp(&w, CLIENT_TS + 1, get32(out.option + 8));
	f = frame_build(&w);
	arrive(&f);
	return poll(&wait, 1, patience_ms) == 1 ? accept(listener, NULL, NULL) : -1;
}

/*
 * Linux takes no cookie on a listener that had to send none, whatever tcp_syncookies says; polder_stamp changes that, and
 * only while it is 2. The options of the client's SYN come out of the timestamp.
 */
static void stack_takes(int version)
{
	struct steering *steering = steering__open_and_load();
	int listener = listen_at(version), taken, listeners;
	uint32_t index = version == 6;
	uint64_t value = (uint64_t)listener;
	uint8_t frame[14] = { (uint8_t)index };
	struct tcp_info info;
	socklen_t size = sizeof(info);
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame));

	assert_non_null(steering);
	cookie_begin();
	listeners = bpf_map__fd(steering->maps.steer_listener);
	assert_int_equal(bpf_map_update_elem(listeners, &index, &value, BPF_ANY), 0);
	switch_set("tcp_timestamps", 2);
	assert_int_equal(shake(version, listener, 50001, 300), -1);
	run.retval = 0;
	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(steering->progs.polder_stamp), &run), 0);
	assert_int_equal(run.retval, XDP_DROP);
	switch_set("tcp_syncookies", 2);
	assert_int_equal(shake(version, listener, 50002, 300), -1);
	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(steering->progs.polder_stamp), &run), 0);
	assert_int_equal(run.retval, XDP_PASS);
	switch_set("tcp_syncookies", 1);
	taken = shake(version, listener, 50003, 5000);
	assert_true(taken >= 0);
	assert_int_equal(getsockopt(taken, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	assert_int_equal(
		info.tcpi_options & (TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE),
		TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE);
	assert_int_equal(info.tcpi_snd_wscale, SCALE);
	assert_in_range(info.tcpi_snd_mss, 1000, 1400);
	close(taken);
	close(listener);
	steering__destroy(steering);
}

TEST(answers)
TEST(offers)
TEST(proves)
TEST(nobody_listens)
TEST(connections)
TEST(thresholds)
TEST(busy)
TEST(errors)
TEST(unguarded)
TEST(stack_takes)

static int setup(void **state)
{
	(void)state;
	network_make();
	assert_int_equal(system("set -e; ip link set lo up;"
				"for i in " VIP4 " " CLIENT4 " " VIP6 " " CLIENT6 ";"
				"do ip route add local $i dev lo table local; done"),
		0);
	skel = world_make();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_offers),
		cmocka_unit_test(test_proves),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_errors), /* before one has left a connection behind */
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_thresholds),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_unguarded),
		cmocka_unit_test(test_stack_takes),
	};

	return PACKET_TESTS(tests, setup, world_teardown);
}
