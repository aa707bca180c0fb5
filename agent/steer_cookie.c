/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A listening socket looks at the cookie of an ACK only when it had to send cookies itself less than two minutes ago: that
 * is what its stack notes when its queue of half-open connections is full, or when net.ipv4.tcp_syncookies is 2.
 * Left at 2, every connection in peace would pay for it: who speaks no timestamps, as Windows does not, would
 * have neither window scale nor SACK. So the switch is at 2 only for the moment, microseconds, in which the program
 * polder_stamp asks each listener for a cookie; this is repeated each STAMP_ROUND_MS and when nginx has opened
 * another socket. The packet path sends cookies only while that is fresh.
 *
 * What the stack would offer is asked of it by a connection to itself: window scale and SACK depend on several
 * switches and on the kernel's version. Its timestamps must not have a secret offset by address, which the packet path
 * cannot know: net.ipv4.tcp_timestamps goes from 1 to 2, and a folder beside the pins (a bpffs holds nothing else)
 * remembers that it was 1. Connections that are open keep theirs. Where it is 0 cookies offer none.
 */
#include "agent/steer_cookie.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/packets_internal.h"
#include "agent/settle.h"
#include "base/auto.h"
#include "base/log.h"

#define SYNCOOKIES	"/proc/sys/net/ipv4/tcp_syncookies"
#define TIMESTAMPS	"/proc/sys/net/ipv4/tcp_timestamps"
#define TIMESTAMPS_MARK "sysctl_tcp_timestamps_1"
#define STAMP_ROUND_MS	30000
#define STAMP_LIFE_NS	(UINT64_C(100) * 1000000000) /* of the stack's 120 s; the ACK takes some */

/* The digit of a switch, or -1. */
static int switch_read(const char *path)
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char digit = 0;

	return fd >= 0 && read(fd, &digit, 1) == 1 && digit >= '0' && digit <= '9' ? digit - '0'
										   : -1;
}

static bool switch_write(const char *path, int value)
{
	AUTO(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
	char digit = (char)('0' + value);

	return fd >= 0 && write(fd, &digit, 1) == 1;
}

/* Once, until it is well again. */
static bool complain(struct steer_cookies *cookies, const char *why)
{
	if (!cookies->complained)
		log_warn("web sites have no SYN cookies but the stack's own: %s", why);
	cookies->complained = true;
	return false;
}

/* --- what the stack offers ------------------------------------------------------------------- */

/* May cookies offer timestamps? */
static bool timestamps_are_plain(struct steer_cookies *cookies)
{
	int now = switch_read(TIMESTAMPS);
	char mark[PIN_PATH_SIZE];

	if (now != 1)
		return now == 2;
	pin_path(cookies->settings, "", TIMESTAMPS_MARK, mark);
	if (mkdir(mark, 0700) != 0 && errno != EEXIST) {
		log_warn("make %s: %s", mark, strerror(errno));
		return false;
	}
	if (!switch_write(TIMESTAMPS, 2)) {
		log_warn("write " TIMESTAMPS ": %s: cookies for web sites keep no window scale",
			strerror(errno));
		(void)rmdir(mark);
		return false;
	}
	log_info("net.ipv4.tcp_timestamps is 2 from now on, for SYN cookies of web sites");
	return true;
}

/* The accepting end of a connection of the host with itself, or -1. */
static int accept_own(int listener, int client)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(name);
	/* It takes no time; a packet filter of the host's may make it take for ever. */
	struct timeval patience = { .tv_usec = 200000 };

	if (listener < 0 || client < 0 ||
		setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
		setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0 ||
		bind(listener, (struct sockaddr *)&name, sizeof(name)) != 0 ||
		listen(listener, 1) != 0 ||
		getsockname(listener, (struct sockaddr *)&name, &size) != 0 ||
		connect(client, (struct sockaddr *)&name, sizeof(name)) != 0)
		return -1;
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

static void ask_stack(struct local_cookie *out)
{
	AUTO(fd) int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTO(fd) int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTO(fd) int taken = accept_own(listener, client);
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	out->scale = LOCAL_SCALE_NONE;
	if (taken < 0 || getsockopt(taken, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
		!(info.tcpi_options & TCPI_OPT_TIMESTAMPS))
		return;
	out->timestamps = 1;
	out->sack = !!(info.tcpi_options & TCPI_OPT_SACK);
	if (info.tcpi_options & TCPI_OPT_WSCALE)
		out->scale = info.tcpi_rcv_wscale;
}

/* --- listeners ------------------------------------------------------------------------------- */

static bool stamp_listeners(struct steer_cookies *cookies)
{
	bool all = true;

	for (uint32_t i = 0; i < STEER_LISTENERS; i++) {
		uint64_t socket = steer_listener_cookie(cookies->program, i);
		bool done = socket != 0 && steer_program_stamp(cookies->program, i);

		cookies->stamped[i] = done ? socket : 0;
		all &= done || socket == 0;
	}
	return all;
}

/* false: some listener accepts no cookies now, or less long than before. */
static bool stamp(struct steer_cookies *cookies)
{
	int before = switch_read(SYNCOOKIES);
	bool all;

	if (before < 1)
		return complain(cookies, "net.ipv4.tcp_syncookies is 0");
	if (before != 2 && !switch_write(SYNCOOKIES, 2))
		return complain(cookies, "net.ipv4.tcp_syncookies cannot be written");
	all = stamp_listeners(cookies);
	if (before != 2 && !switch_write(SYNCOOKIES, before))
		log_warn("net.ipv4.tcp_syncookies is left at 2: %s", strerror(errno));
	cookies->complained = false;
	return all;
}

/* Is there a listener that is due? */
static bool is_due(const struct steer_cookies *cookies, int64_t now_ms)
{
	bool due = cookies->stamped_ms == 0 || now_ms - cookies->stamped_ms >= STAMP_ROUND_MS;
	bool any = false;

	for (uint32_t i = 0; i < STEER_LISTENERS; i++) {
		uint64_t socket = steer_listener_cookie(cookies->program, i);

		any |= socket != 0;
		due |= socket != cookies->stamped[i];
	}
	return any && due;
}

void steer_cookies_tick(struct steer_cookies *cookies, int64_t now_monotonic_ms)
{
	struct local_cookie value = { .scale = LOCAL_SCALE_NONE };
	uint32_t key = 0;
	int result;

	if (!is_due(cookies, now_monotonic_ms))
		return;
	value.until_ns = (uint64_t)boot_ns() + STAMP_LIFE_NS;
	/* One whose queue is full of connections cannot be asked: again in a second, and what was noted holds. */
	if (!stamp(cookies))
		return;
	cookies->stamped_ms = now_monotonic_ms;
	if (timestamps_are_plain(cookies))
		ask_stack(&value);
	result = packets_put(cookies->packets, PACKET_LOCAL_COOKIE, &key, &value);
	if (result != 0)
		log_warn("tell the packet path of cookies: %s", strerror(-result));
}

void steer_cookies_undo(const struct agent_settings *settings)
{
	char mark[PIN_PATH_SIZE];

	pin_path(settings, "", TIMESTAMPS_MARK, mark);
	if (access(mark, F_OK) != 0)
		return;
	if (switch_read(TIMESTAMPS) == 2 && !switch_write(TIMESTAMPS, 1))
		log_warn("put net.ipv4.tcp_timestamps back to 1: %s", strerror(errno));
	(void)rmdir(mark);
}
