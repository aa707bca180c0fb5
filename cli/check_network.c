/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Facts about interfaces, ports and what else handles packets here.
 *
 * Whether a driver runs packet programs itself (native) is asked of the kernel by the generic netlink family "netdev", which is
 * there since Linux 6.3; before, it is told from the driver's name. Nothing is attached to find out: on many cards that resets
 * the link.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/text.h"
#include "cli/check.h"
#include "cli/cli.h"
#include "cli/process.h"

/* linux/netdev.h of Linux 6.3. */
#define NETDEV_DEV_GET	       1
#define NETDEV_IFINDEX	       1
#define NETDEV_XDP_FEATURES    3
#define NETDEV_XDP_BASIC       1
#define NETDEV_XDP_REDIRECT    2
#define MTU_NATIVE_MAX	       3498 /* what one page holds beside headroom; more needs fragments */
#define CONNTRACK_FULL_PERCENT 50
#define ATTRIBUTE_HEAD	       sizeof(struct nlattr) /* NLA_HDRLEN, without a sign */
#define ALIGNED(size)	       (((size_t)(size) + NLA_ALIGNTO - 1) & ~((size_t)NLA_ALIGNTO - 1))
#define VALUE_SIZE	       240
#define REPLY_SIZE	       8192

/* Drivers of Linux 6.1 that run packet programs themselves. */
static const char *const native_drivers[] = { "veth", "virtio_net", "i40e", "ice", "ixgbe",
	"ixgbevf", "igb", "igc", "mlx4_en", "mlx5_core", "bnxt_en", "ena", "sfc", "nfp", "qede",
	"tun", "hv_netvsc", "mvneta", "stmmac", "cpsw", "dpaa2-eth", "thunder-nicvf",
	"xen_netfront", "funeth", "tsnep", "mana" };

enum native {
	NATIVE_NO,
	NATIVE_YES,
	NATIVE_LIKELY /* by the driver's name */
};

/* ---- netlink */

struct request {
	struct nlmsghdr head;
	struct genlmsghdr generic;
	char attributes[64];
};

static void add_attribute(struct request *request, uint16_t type, const void *data, size_t size)
{
	struct nlattr attribute = { .nla_type = type,
		.nla_len = (uint16_t)(ATTRIBUTE_HEAD + size) };
	char *at = (char *)request + NLMSG_ALIGN(request->head.nlmsg_len);

	memcpy(at, &attribute, sizeof(attribute));
	memcpy(at + ATTRIBUTE_HEAD, data, size);
	request->head.nlmsg_len =
		NLMSG_ALIGN(request->head.nlmsg_len) + (uint32_t)ALIGNED(ATTRIBUTE_HEAD + size);
}

/* Sends and finds one attribute of the answer; how many bytes of it there are, at most size. 0: none. */
static size_t ask_netlink(int fd, struct request *request, uint16_t wanted, void *out, size_t size)
{
	_Alignas(8) char reply[REPLY_SIZE];
	const struct nlmsghdr *head = (const struct nlmsghdr *)(const void *)reply;
	ssize_t got;

	if (send(fd, request, request->head.nlmsg_len, 0) < 0)
		return 0;
	got = recv(fd, reply, sizeof(reply), 0);
	if (got < (ssize_t)(NLMSG_HDRLEN + GENL_HDRLEN) || head->nlmsg_type == NLMSG_ERROR ||
		head->nlmsg_len > (size_t)got)
		return 0;
	for (size_t at = NLMSG_HDRLEN + GENL_HDRLEN; at + ATTRIBUTE_HEAD <= head->nlmsg_len;) {
		struct nlattr attribute;
		size_t length;

		memcpy(&attribute, reply + at, sizeof(attribute));
		if (attribute.nla_len < ATTRIBUTE_HEAD || at + attribute.nla_len > head->nlmsg_len)
			return 0;
		length = (size_t)attribute.nla_len - ATTRIBUTE_HEAD;
		if ((attribute.nla_type & NLA_TYPE_MASK) == wanted && length >= size) {
			memcpy(out, reply + at + ATTRIBUTE_HEAD, size);
			return size;
		}
		at += ALIGNED(attribute.nla_len);
	}
	return 0;
}

static void begin(struct request *request, uint16_t family, uint8_t command)
{
	*request = (struct request){
		.head = { .nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN,
			.nlmsg_type = family,
			.nlmsg_flags = NLM_F_REQUEST },
		.generic = { .cmd = command, .version = 1 },
	};
}

/* What the kernel says of the interface. false: it does not say (before 6.3). */
static bool kernel_features(unsigned index, uint64_t *out)
{
	const struct timeval limit = { .tv_sec = 1 };
	AUTO(fd) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	const uint32_t number = index;
	struct request request;
	uint16_t family;

	if (fd < 0)
		return false;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	begin(&request, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	add_attribute(&request, CTRL_ATTR_FAMILY_NAME, "netdev", sizeof("netdev"));
	if (!ask_netlink(fd, &request, CTRL_ATTR_FAMILY_ID, &family, sizeof(family)))
		return false;
	begin(&request, family, NETDEV_DEV_GET);
	add_attribute(&request, NETDEV_IFINDEX, &number, sizeof(number));
	return ask_netlink(fd, &request, NETDEV_XDP_FEATURES, out, sizeof(*out)) > 0;
}

/* ---- one interface */

static bool ask_ethtool(const char *interface, void *command)
{
	struct ifreq request = { .ifr_data = command };
	AUTO(fd) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	return fd >= 0 && ioctl(fd, SIOCETHTOOL, &request) == 0;
}

static int mtu_of(const char *interface)
{
	struct ifreq request = { .ifr_mtu = 0 };
	AUTO(fd) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	return fd >= 0 && ioctl(fd, SIOCGIFMTU, &request) == 0 ? request.ifr_mtu : 0;
}

static enum native native_of(const char *interface, const char *driver)
{
	uint64_t features;

	if (kernel_features(if_nametoindex(interface), &features))
		return features & NETDEV_XDP_BASIC ? NATIVE_YES : NATIVE_NO;
	for (size_t i = 0; i < sizeof(native_drivers) / sizeof(native_drivers[0]); i++)
		if (strcmp(native_drivers[i], driver) == 0)
			return NATIVE_LIKELY;
	return NATIVE_NO;
}

static void say_of(struct check *check, enum fact_level level, const char *interface,
	const char *what, const char *value, const char *remedy)
{
	char name[IF_NAMESIZE + 40];

	(void)snprintf(name, sizeof(name), "%s: %s", interface, what);
	check_say(check, level, name, value, remedy);
}

static void check_mode(struct check *check, const char *interface)
{
	struct ethtool_drvinfo driver = { .cmd = ETHTOOL_GDRVINFO };
	char value[VALUE_SIZE];
	enum native native;

	(void)ask_ethtool(interface, &driver);
	native = native_of(interface, driver.driver);
	(void)snprintf(value, sizeof(value), "%s (driver %s)",
		native == NATIVE_YES	  ? "native"
		: native == NATIVE_LIKELY ? "native, by the driver's name"
					  : "generic",
		driver.driver[0] ? driver.driver : "unknown");
	say_of(check, native == NATIVE_NO ? FACT_CARE : FACT_GOOD, interface, "XDP", value,
		"generic works, with several times fewer packets a second, since the kernel makes "
		"a "
		"socket buffer of each; a card whose driver knows XDP does not");
}

static void check_queues(struct check *check, const char *interface)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	const uint32_t processors = (uint32_t)get_nprocs();
	uint32_t queues, most;
	char value[VALUE_SIZE], remedy[VALUE_SIZE];

	if (!ask_ethtool(interface, &channels))
		return;
	queues = channels.combined_count + channels.rx_count;
	most = channels.max_combined + channels.max_rx;
	(void)snprintf(
		value, sizeof(value), "%u of %u, for %u processors", queues, most, processors);
	(void)snprintf(remedy, sizeof(remedy),
		most > queues
			? "ethtool -L %s combined %u: one processor takes all packets of a queue"
			: "a card with more queues than %s has: one processor takes all packets of "
			  "a queue",
		interface, most < processors ? most : processors);
	say_of(check, queues >= processors || queues >= 8 ? FACT_GOOD : FACT_CARE, interface,
		"receive queues", value, remedy);
}

static void check_offloads(struct check *check, const char *interface)
{
	struct ethtool_value flags = { .cmd = ETHTOOL_GFLAGS };
	const int mtu = mtu_of(interface);
	char value[VALUE_SIZE], remedy[VALUE_SIZE];
	const bool lro = ask_ethtool(interface, &flags) && flags.data & ETH_FLAG_LRO;

	(void)snprintf(remedy, sizeof(remedy),
		"ethtool -K %s lro off: merged segments cannot be forwarded, and drivers refuse "
		"XDP with it",
		interface);
	say_of(check, lro ? FACT_BAD : FACT_GOOD, interface, "large receive offload",
		lro ? "on" : "off", remedy);
	(void)snprintf(value, sizeof(value), "%d", mtu);
	(void)snprintf(remedy, sizeof(remedy),
		"ip link set %s mtu 1500: many drivers run no program natively above %d", interface,
		MTU_NATIVE_MAX);
	say_of(check, mtu > MTU_NATIVE_MAX ? FACT_CARE : FACT_GOOD, interface, "MTU", value,
		remedy);
}

/* Whose program is attached: ours, nobody's, somebody's. */
static void check_programs(struct check *check, const char *interface)
{
	const int index = (int)if_nametoindex(interface);
	struct bpf_prog_info info = { 0 };
	uint32_t id = 0, size = sizeof(info);
	char value[VALUE_SIZE], remedy[VALUE_SIZE];

	if (bpf_xdp_query_id(index, 0, &id) != 0 || id == 0) {
		say_of(check, FACT_GOOD, interface, "other XDP programs", "none", "");
		return;
	}
	AUTO(fd) int fd = bpf_prog_get_fd_by_id(id);

	if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 &&
		strncmp(info.name, "polder", strlen("polder")) == 0) {
		say_of(check, FACT_GOOD, interface, "other XDP programs", "none: Polder's own runs",
			"");
		return;
	}
	(void)snprintf(
		value, sizeof(value), "%s, number %u", info.name[0] ? info.name : "a program", id);
	(void)snprintf(remedy, sizeof(remedy),
		"end what put it there, or: ip link set %s xdp off (`bpftool net` tells more)",
		interface);
	say_of(check, FACT_BAD, interface, "other XDP programs", value, remedy);
}

static void check_link(struct check *check, const char *interface)
{
	struct ifreq request = { .ifr_flags = 0 };
	AUTO(fd) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up, runs;
	char remedy[VALUE_SIZE];

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) != 0)
		return;
	up = request.ifr_flags & IFF_UP;
	runs = request.ifr_flags & IFF_RUNNING;
	(void)snprintf(remedy, sizeof(remedy), up ? "look at the cable of %s" : "ip link set %s up",
		interface);
	say_of(check, up && runs ? FACT_GOOD : FACT_BAD, interface, "link",
		!up    ? "down"
		: runs ? "up"
		       : "up, without a carrier",
		remedy);
}

/* ---- the rest of the machine's network */

static bool is_free(int type, uint16_t port)
{
	const struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	const struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	AUTO(fd) int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
	AUTO(fd) int fd4 = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	return (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0 ||
		       errno != EADDRINUSE) &&
	       (fd4 < 0 || fd >= 0 ||
		       bind(fd4, (const struct sockaddr *)&any4, sizeof(any4)) == 0 ||
		       errno != EADDRINUSE);
}

static void check_ports(struct check *check)
{
	static const struct {
		int type;
		uint16_t port;
		const char *name, *remedy;
	} rows[] = {
		{ SOCK_DGRAM, 53, "port 53 (names of instances)",
			"ss -lunp sport = :53 tells whose it is; only needed with dns-zone" },
		{ SOCK_STREAM, 80, "port 80",
			"ss -ltnp sport = :80 tells whose it is; protected addresses are not "
			"affected" },
		{ SOCK_STREAM, 443, "port 443 (API and console)",
			"ss -ltnp sport = :443 tells whose it is; polder init --listen takes "
			"another port" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const bool free_port = is_free(rows[i].type, rows[i].port);

		check_say(check, free_port ? FACT_GOOD : FACT_CARE, rows[i].name,
			free_port ? "free" : "taken", rows[i].remedy);
	}
}

static void check_conntrack(struct check *check)
{
	char text[64], value[VALUE_SIZE];
	int64_t count = 0, most = 0;

	if (file_read("/proc/sys/net/netfilter/nf_conntrack_count", text, sizeof(text)) <= 0) {
		check_say(check, FACT_GOOD, "connection tracking", "off", "");
		return;
	}
	text[strcspn(text, "\n")] = '\0';
	(void)text_to_int(text, &count);
	if (file_read("/proc/sys/net/netfilter/nf_conntrack_max", text, sizeof(text)) > 0) {
		text[strcspn(text, "\n")] = '\0';
		(void)text_to_int(text, &most);
	}
	(void)snprintf(value, sizeof(value), "on, %lld of %lld entries", (long long)count,
		(long long)most);
	check_say(check, count * 100 >= most * CONNTRACK_FULL_PERCENT ? FACT_BAD : FACT_CARE,
		"connection tracking", value,
		"forwarded ports pass beside it; for web sites take their ports out with `notrack` "
		"in a "
		"raw table, or raise net.netfilter.nf_conntrack_max: a flood fills it");
}

void check_network(struct check *check)
{
	for (size_t i = 0; i < INTERFACE_MAX; i++) {
		const char *interface = check->interface[i];

		if (!interface ||
			(i && check->interface[0] && strcmp(interface, check->interface[0]) == 0))
			continue;
		check_link(check, interface);
		check_mode(check, interface);
		check_queues(check, interface);
		check_offloads(check, interface);
		check_programs(check, interface);
	}
	if (!check->interface[0])
		check_say(check, FACT_CARE, "interfaces", "not looked at",
			"polder check --wan INTERFACE [--lan INTERFACE]");
	check_ports(check);
	check_conntrack(check);
}
