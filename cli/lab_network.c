/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Namespaces, links, addresses, routes. Each node has a direct veth pair to the client, the attacker
 * and the origin; nothing is bridged, so a packet's path is the one in lab.h's picture.
 *
 *   side      node n (0..3)         IPv4                          IPv6
 *   client    cN - nN               192.0.2.(64n)/26    .1 - .2   2001:db8:c:n::/64   ::1 - ::2
 *   attacker  aN - nN               198.51.100.(64n)/26 .1 - .2   2001:db8:a:n::/64   ::1 - ::2
 *   origin    oN - nN               203.0.113.(32n)/27  .1 - .2   2001:db8:0:n::/64   ::1 - ::2
 *             back-to-origin pool   .8 to .23                     ::100 to ::10f
 *   origin    lo                    203.0.113.200                 2001:db8:0:ff::200
 *
 * Client and attacker reach the protected addresses through all nodes (multipath by L4 hash). They
 * know the nodes' link-layer addresses; the nodes do not know anybody's: resolving is the agent's.
 * XDP redirects into a veth need NAPI at its peer, which the peer's GRO setting switches on; what is
 * sent back by XDP_TX even needs a program there (passive_attach). And veth hands over packets
 * without checksums, which a program cannot pass on: so tx off, GRO on.
 */
#include "cli/lab.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "cli/cli.h"
#include "cli/generator.h"
#include "cli/process.h"

#define SCRIPT_MEMORY_MAX (1u << 20)

static const char *const ip_network[] = { "192.0.2", "198.51.100", "203.0.113" };
static const char *const ipv6_network[] = { "2001:db8:c", "2001:db8:a", "2001:db8:0" };
static const int ip_step[] = { 64, 64, 32 };
static const int ip_bits[] = { 26, 26, 27 };
static const char side_letter[] = { 'c', 'a', 'o' };

struct setting {
	const char *path, *value;
};
/* Before links exist, so that "default" is what they start with. */
static const struct setting all_settings[] = {
	{ "ipv4/conf/all/rp_filter", "0" },
	{ "ipv4/conf/default/rp_filter", "0" },
	{ "ipv6/conf/all/accept_dad", "0" },
	{ "ipv6/conf/default/accept_dad", "0" },
	{ "ipv6/conf/default/accept_ra", "0" },
	{ "ipv6/conf/default/router_solicitations", "0" },
	{ NULL, NULL },
};
static const struct setting node_settings[] = {
	{ "ipv4/ip_forward", "1" },
	{ "ipv6/conf/all/forwarding", "1" },
	{ "ipv6/conf/default/forwarding", "1" },
	{ "ipv4/conf/all/send_redirects", "0" },
	{ "ipv4/conf/default/send_redirects", "0" },
	{ NULL, NULL },
};
static const struct setting sender_settings[] = {
	{ "ipv4/fib_multipath_hash_policy", "1" },
	{ "ipv6/fib_multipath_hash_policy", "1" },
	{ "ipv4/ip_local_port_range", "1024 65535" },
	{ NULL, NULL },
};
static const struct setting origin_settings[] = {
	{ "core/somaxconn", "16384" },
	{ "ipv4/tcp_max_syn_backlog", "16384" },
	{ NULL, NULL },
};

void lab_link(int side, int node, struct lab_link *out)
{
	*out = (struct lab_link){
		.node_mac = { 2, 0, 0, (uint8_t)side, (uint8_t)node, 1 },
		.peer_mac = { 2, 0, 0, (uint8_t)side, (uint8_t)node, 2 },
	};
	(void)snprintf(
		out->node_interface, sizeof(out->node_interface), "%c%d", side_letter[side], node);
	(void)snprintf(out->peer_interface, sizeof(out->peer_interface), "n%d", node);
}

void lab_interfaces(const struct lab *lab, int role, char out[64])
{
	size_t at = 0;

	out[0] = '\0';
	if (role >= LAB_NODE) {
		(void)snprintf(
			out, 64, "c%d a%d o%d", role - LAB_NODE, role - LAB_NODE, role - LAB_NODE);
		return;
	}
	for (int node = 0; node < lab->node_count; node++)
		at += (size_t)snprintf(out + at, 64 - at, "%sn%d", node ? " " : "", node);
	if (role == LAB_ATTACKER)
		(void)snprintf(out + at, 64 - at, " " LAB_SPARE_INTERFACE);
}

void lab_source(int node, int i, int version, char out[ADDRESS_TEXT_SIZE])
{
	if (version == 4)
		(void)snprintf(out, ADDRESS_TEXT_SIZE, "%s.%d", ip_network[LAB_ORIGIN],
			ip_step[LAB_ORIGIN] * node + 8 + i);
	else
		(void)snprintf(out, ADDRESS_TEXT_SIZE, "%s:%d::1%02x", ipv6_network[LAB_ORIGIN],
			node, (unsigned)i);
}

/* Addresses of a link: end 0 is its network, 1 the node's end, 2 the peer's. */
static void end_address(int side, int node, int end, int version, char out[ADDRESS_TEXT_SIZE])
{
	if (version == 4)
		(void)snprintf(out, ADDRESS_TEXT_SIZE, "%s.%d", ip_network[side],
			ip_step[side] * node + end);
	else
		(void)snprintf(out, ADDRESS_TEXT_SIZE, "%s:%d::%d", ipv6_network[side], node, end);
}

void lab_node_address(int side, int node, int version, char out[ADDRESS_TEXT_SIZE])
{
	end_address(side, node, 1, version, out);
}

static void add_mac(struct text *script, const uint8_t mac[6])
{
	text_print(script, " %02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		mac[5]);
}

/* ---- settings below /proc/sys/net and offloads: done from inside the namespace */

static bool write_settings(const struct setting *setting)
{
	char path[128];

	for (; setting->path; setting++) {
		(void)snprintf(path, sizeof(path), "/proc/sys/net/%s", setting->path);
		if (!file_set(path, setting->value))
			return false;
	}
	return true;
}

static int settings_work(void *user)
{
	const int role = *(const int *)user;
	const struct setting *own = role >= LAB_NODE	 ? node_settings
				    : role == LAB_ORIGIN ? origin_settings
							 : sender_settings;

	return write_settings(all_settings) && write_settings(own) ? 0 : 1;
}

static bool set_offload(int fd, const char *interface, uint32_t command, uint32_t value)
{
	struct ethtool_value request = { .cmd = command, .data = value };
	struct ifreq ifreq = { .ifr_data = (void *)&request };

	(void)snprintf(ifreq.ifr_name, sizeof(ifreq.ifr_name), "%s", interface);
	return ioctl(fd, SIOCETHTOOL, &ifreq) == 0 ||
	       complain("offloads of %s: %s", interface, strerror(errno));
}

static int offload_work(void *user)
{
	AUTO(fd) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char *rest = user, *interface;

	while ((interface = strsep(&rest, " ")) != NULL)
		if (!set_offload(fd, interface, ETHTOOL_STXCSUM, 0) ||
			!set_offload(fd, interface, ETHTOOL_STSO, 0) ||
			!set_offload(fd, interface, ETHTOOL_SGSO, 0) ||
			!set_offload(fd, interface, ETHTOOL_SGRO, 1))
			return 1;
	return 0;
}

/* ---- scripts for `ip -batch` */

static void link_script(const struct lab *lab, struct text *script)
{
	char node_namespace[64], peer_namespace[64];
	struct lab_link link;

	for (int node = 0; node < lab->node_count; node++)
		for (int side = LAB_CLIENT; side <= LAB_ORIGIN; side++) {
			lab_namespace(lab, LAB_NODE + node, node_namespace);
			lab_namespace(lab, side, peer_namespace);
			lab_link(side, node, &link);
			text_print(script, "link add name %s netns %s address", link.node_interface,
				node_namespace);
			add_mac(script, link.node_mac);
			text_print(script, " type veth peer name %s netns %s address",
				link.peer_interface, peer_namespace);
			add_mac(script, link.peer_mac);
			text_add(script, "\n");
		}
	lab_namespace(lab, LAB_ATTACKER, peer_namespace);
	text_print(script, "link add name %s netns %s type veth peer name spare1 netns %s\n",
		LAB_SPARE_INTERFACE, peer_namespace, peer_namespace);
}

static void node_script(int node, struct text *script)
{
	char address[ADDRESS_TEXT_SIZE];
	struct lab_link link;

	text_add(script, "link set lo up\n");
	for (int side = LAB_CLIENT; side <= LAB_ORIGIN; side++) {
		lab_link(side, node, &link);
		text_print(script, "link set %s up\n", link.node_interface);
		end_address(side, node, 1, 4, address);
		text_print(script, "addr add %s/%d dev %s\n", address, ip_bits[side],
			link.node_interface);
		end_address(side, node, 1, 6, address);
		text_print(script, "addr add %s/64 dev %s nodad\n", address, link.node_interface);
	}
	lab_link(LAB_ORIGIN, node, &link);
	for (int i = 0; i < LAB_SOURCE_COUNT; i++) {
		lab_source(node, i, 4, address);
		text_print(script, "addr add %s/32 dev %s\n", address, link.node_interface);
		lab_source(node, i, 6, address);
		/* Deprecated, so that the node's own traffic does not choose it. */
		text_print(script, "addr add %s/128 dev %s nodad preferred_lft 0\n", address,
			link.node_interface);
	}
	end_address(LAB_ORIGIN, node, 2, 4, address);
	text_print(script, "route add %s/32 via %s\n", LAB_ORIGIN_IPV4, address);
	end_address(LAB_ORIGIN, node, 2, 6, address);
	text_print(script, "route add %s/128 via %s\n", LAB_ORIGIN_IPV6, address);
}

/* Links of client, attacker or origin, with the nodes as static neighbours. */
static void peer_script(const struct lab *lab, int side, struct text *script)
{
	char address[ADDRESS_TEXT_SIZE];
	struct lab_link link;

	text_add(script, "link set lo up\n");
	for (int node = 0; node < lab->node_count; node++) {
		lab_link(side, node, &link);
		text_print(script, "link set %s up\n", link.peer_interface);
		for (int version = 4; version <= 6; version += 2) {
			end_address(side, node, 2, version, address);
			text_print(script, "addr add %s/%d dev %s%s\n", address,
				version == 4 ? ip_bits[side] : 64, link.peer_interface,
				version == 4 ? "" : " nodad");
			if (side == LAB_ORIGIN)
				continue;
			end_address(side, node, 1, version, address);
			text_print(script, "neigh replace %s lladdr", address);
			add_mac(script, link.node_mac);
			text_print(script, " dev %s nud permanent\n", link.peer_interface);
		}
	}
}

static void multipath(
	const struct lab *lab, int side, int version, const char *target, struct text *script)
{
	char address[ADDRESS_TEXT_SIZE];
	struct lab_link link;

	text_print(script, "route add %s", target);
	for (int node = 0; node < lab->node_count; node++) {
		lab_link(side, node, &link);
		end_address(side, node, 1, version, address);
		text_print(script, "%s via %s dev %s", lab->node_count > 1 ? " nexthop" : "",
			address, link.peer_interface);
	}
	text_add(script, "\n");
}

/* The origin's own address, and ways back to clients that come without a node's translation: each
 * link's network through the node that it ends at. */
static void origin_script(const struct lab *lab, struct text *script)
{
	char address[ADDRESS_TEXT_SIZE], network[ADDRESS_TEXT_SIZE];

	text_print(script, "addr add %s/32 dev lo\naddr add %s/128 dev lo nodad\n", LAB_ORIGIN_IPV4,
		LAB_ORIGIN_IPV6);
	for (int node = 0; node < lab->node_count; node++)
		for (int side = LAB_CLIENT; side <= LAB_ATTACKER; side++) {
			end_address(side, node, 0, 4, network);
			end_address(LAB_ORIGIN, node, 1, 4, address);
			text_print(script, "route add %s/%d via %s\n", network, ip_bits[side],
				address);
			end_address(side, node, 0, 6, network);
			end_address(LAB_ORIGIN, node, 1, 6, address);
			text_print(script, "route add %s/64 via %s\n", network, address);
		}
}

static void route_script(const struct lab *lab, int side, struct text *script)
{
	if (side == LAB_ORIGIN) {
		origin_script(lab, script);
		return;
	}
	multipath(lab, side, 4, LAB_VIP_IPV4, script);
	multipath(lab, side, 6, LAB_VIP_IPV6, script);
	multipath(lab, side, 4, "203.0.113.0/24", script);
	multipath(lab, side, 6, "2001:db8::/48", script);
	if (side == LAB_ATTACKER)
		text_add(script, "link set " LAB_SPARE_INTERFACE " up\nlink set spare1 up\n");
}

static int script_work(void *user)
{
	return process_run((const char *[]){ "ip", "-batch", "-", NULL }, user, false);
}

/* namespace NULL: this one. ip's own -n remounts /sys, which a changed root does not allow: the namespace is
 * entered here. */
static bool run_script(const char *namespace, const struct text *script)
{
	if (script->failed || !script->data)
		return complain("memory is out");
	return process_in_namespace(namespace, script_work, script->data) == 0 ||
	       complain("ip refused the lab's network%s%s", namespace ? " in " : "",
		       namespace ? namespace : "");
}

static bool make_namespaces(struct lab *lab)
{
	char name[64];

	for (int role = 0; lab_has_role(lab, role); role++) {
		lab_namespace(lab, role, name);
		const char *argv[] = { "ip", "netns", "add", name, NULL };

		if (process_run(argv, NULL, false) != 0)
			return complain("cannot make the network namespace %s", name);
		lab->cookie[role] = namespace_cookie(name);
		if (process_in_namespace(name, settings_work, &role) != 0)
			return false;
	}
	return true;
}

static bool configure(const struct lab *lab, int role, struct arena *mem)
{
	struct text script;
	char name[64], interfaces[64];

	text_init(&script, mem, SCRIPT_MEMORY_MAX);
	lab_namespace(lab, role, name);
	lab_interfaces(lab, role, interfaces);
	if (process_in_namespace(name, offload_work, interfaces) != 0)
		return complain("cannot set the offloads in %s", name);
	if (role >= LAB_NODE) {
		node_script(role - LAB_NODE, &script);
	} else {
		peer_script(lab, role, &script);
		route_script(lab, role, &script);
	}
	return run_script(name, &script);
}

bool lab_network_up(struct lab *lab)
{
	struct arena *mem = arena_new(SCRIPT_MEMORY_MAX);
	struct text script;
	bool up = false;

	if (!mem)
		return complain("memory is out");
	text_init(&script, mem, SCRIPT_MEMORY_MAX);
	link_script(lab, &script);
	up = make_namespaces(lab) && run_script(NULL, &script);
	for (int role = 0; up && lab_has_role(lab, role); role++)
		up = configure(lab, role, mem);
	arena_free(mem);
	return up;
}

struct passive {
	const struct lab *lab;
	int role;
};

static int passive_work(void *user)
{
	const struct passive *passive = user;
	char role[16], file[64], path[PATH_MAX];
	struct lab_link link;

	lab_role_name(passive->role, role);
	for (int node = 0; node < passive->lab->node_count; node++) {
		lab_link(passive->role, node, &link);
		(void)snprintf(file, sizeof(file), "bpf/%s_%s", role, link.peer_interface);
		lab_path(passive->lab, file, path);
		if (!passive_attach(link.peer_interface, path))
			return 1;
	}
	return 0;
}

bool lab_network_attach(const struct lab *lab)
{
	char name[64];

	for (int role = LAB_CLIENT; role <= LAB_ORIGIN; role++) {
		struct passive passive = { .lab = lab, .role = role };

		lab_namespace(lab, role, name);
		if (process_in_namespace(name, passive_work, &passive) != 0)
			return complain("cannot prepare the links in %s", name);
	}
	return true;
}

/* Links end with their namespaces. */
void lab_network_down(const struct lab *lab)
{
	char name[64];

	for (int role = 0; role < LAB_ROLE_COUNT; role++) {
		lab_namespace(lab, role, name);
		const char *argv[] = { "ip", "netns", "delete", name, NULL };
		char path[PATH_MAX];

		(void)snprintf(path, sizeof(path), "/run/netns/%s", name);
		if (access(path, F_OK) == 0 && process_run(argv, NULL, true) != 0)
			(void)unlink(path);
	}
}
