/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XDP is attached by a link that is pinned as link_INTERFACE: the kernel keeps the filter while the pin
 * stands, and replaces its program in one step, so no packet meets an interface without a filter.
 * The link of an interface that was deleted names index 0 and is thrown away. Generic XDP is the
 * fallback where the driver has none or refuses. The handshake program sits on clsact ingress of the
 * same interface under a fixed handle and priority, replaced in place likewise, and the one that counts what the host
 * sends on its egress. All are looked after: a
 * qdisc that something else on the node deletes would take every new TCP connection with it. An interface's
 * clsact qdisc that this agent made is remembered by a directory qdisc_INTERFACE (a bpffs holds nothing
 * else), so that the undo takes no qdisc away from others.
 */
#include "agent/packets_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/log.h"

#define QDISC_PREFIX "qdisc_"
/* One filter of ours per interface; the numbers only have to stay the same. */
#define TC_HANDLE   1
#define TC_PRIORITY 1

static unsigned link_ifindex(int fd)
{
	struct bpf_link_info info = { 0 };
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0 || info.type != BPF_LINK_TYPE_XDP)
		return 0;
	return info.xdp.ifindex;
}

static enum xdp_mode mode_of(unsigned ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, options);

	if (bpf_xdp_query((int)ifindex, 0, &options) != 0)
		return XDP_MODE_NONE;
	return options.attach_mode == XDP_ATTACHED_DRV	 ? XDP_MODE_NATIVE
	       : options.attach_mode == XDP_ATTACHED_SKB ? XDP_MODE_GENERIC
							 : XDP_MODE_NONE;
}

static int create_link(struct packets *packets, unsigned ifindex, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);

	return bpf_link_create(packets_filter_fd(packets), (int)ifindex, BPF_XDP, &options);
}

static int create_best_link(struct packets *packets, unsigned ifindex, const char *name)
{
	enum attach_mode mode = packets->settings->mode;
	int fd = -ENOTSUP;

	if (mode != ATTACH_GENERIC)
		fd = create_link(packets, ifindex, XDP_FLAGS_DRV_MODE);
	if (fd >= 0 || mode == ATTACH_NATIVE)
		return fd;
	if (mode == ATTACH_AUTO)
		log_warn("no native XDP on %s (%s): generic, which is slower", name, strerror(-fd));
	return create_link(packets, ifindex, XDP_FLAGS_SKB_MODE);
}

static enum err attach_xdp(
	struct packets *packets, struct attached *attached, unsigned ifindex, const char *name)
{
	char path[PIN_PATH_SIZE];
	int fd;

	pin_path(packets->settings, LINK_PREFIX, name, path);
	fd = bpf_obj_get(path);
	if (fd >= 0 && link_ifindex(fd) == ifindex) {
		int result = bpf_link_update(fd, packets_filter_fd(packets), NULL);

		if (result != 0) {
			(void)close(fd);
			return fail(ERR_SYSTEM, "replace the filter on %s: %s", name,
				strerror(-result));
		}
	} else {
		if (fd >= 0) {
			(void)close(fd);
			log_warn("the filter pinned for %s is not on it: attaching again", name);
			(void)unlink(path);
		}
		fd = create_best_link(packets, ifindex, name);
		if (fd < 0)
			return fail(ERR_SYSTEM, "attach the filter to %s: %s", name, strerror(-fd));
		if (bpf_obj_pin(fd, path) != 0) {
			(void)close(fd);
			return fail(ERR_SYSTEM, "pin %s: %s", path, strerror(errno));
		}
	}
	if (attached->link >= 0)
		(void)close(attached->link);
	attached->link = fd;
	attached->mode = mode_of(ifindex);
	return OK;
}

static enum err attach_tc_at(struct packets *packets, enum bpf_tc_attach_point point, int program,
	unsigned ifindex, const char *name)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = TC_HANDLE, .priority = TC_PRIORITY,
		.prog_fd = program, .flags = BPF_TC_F_REPLACE);
	char path[PIN_PATH_SIZE];
	int result = bpf_tc_hook_create(&hook);

	pin_path(packets->settings, QDISC_PREFIX, name, path);
	if (result == 0)
		(void)mkdir(path, 0700);
	else if (result != -EEXIST)
		return fail(ERR_SYSTEM, "make clsact on %s: %s", name, strerror(-result));
	result = bpf_tc_attach(&hook, &options);
	if (result != 0)
		return fail(ERR_SYSTEM, "attach the %s program to %s: %s",
			point == BPF_TC_INGRESS ? "handshake" : "counting", name,
			strerror(-result));
	return OK;
}

static enum err attach_tc(struct packets *packets, unsigned ifindex, const char *name)
{
	TRY(attach_tc_at(packets, BPF_TC_EGRESS, packets_out_fd(packets), ifindex, name));
	return attach_tc_at(packets, BPF_TC_INGRESS, packets_handshake_fd(packets), ifindex, name);
}

static uint32_t program_id(int fd)
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 ? info.id : 0;
}

static bool is_at(unsigned ifindex, enum bpf_tc_attach_point point, int program)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = TC_HANDLE, .priority = TC_PRIORITY);

	return bpf_tc_query(&hook, &options) == 0 && options.prog_id == program_id(program);
}

/* Whether all programs are still where they were put. */
static bool in_force(const struct packets *packets, const struct attached *attached)
{
	return link_ifindex(attached->link) == attached->ifindex &&
	       is_at(attached->ifindex, BPF_TC_INGRESS, packets_handshake_fd(packets)) &&
	       is_at(attached->ifindex, BPF_TC_EGRESS, packets_out_fd(packets));
}

/* The transmit map first: a filter in force may redirect at once. */
static enum err attach_one(
	struct packets *packets, struct attached *attached, unsigned ifindex, const char *name)
{
	uint32_t key = ifindex;
	int result = packets_put(packets, PACKET_TRANSMIT, &key, &key);

	if (result != 0)
		return fail(ERR_SYSTEM, "enter %s into transmit: %s", name, strerror(-result));
	/* Until all is done: a failure must not be taken for success by the next call. */
	attached->ifindex = 0;
	TRY(attach_tc(packets, ifindex, name));
	TRY(attach_xdp(packets, attached, ifindex, name));
	attached->ifindex = ifindex;
	attached->missed = false;
	log_info("filtering on %s, %s XDP", name,
		attached->mode == XDP_MODE_NATIVE ? "native" : "generic");
	return OK;
}

/* Entries of interfaces that are no more. */
static void prune_transmit(struct packets *packets)
{
	uint32_t key, gone[NODE_INTERFACE_MAX];
	unsigned count = 0;
	const uint32_t *previous = NULL;

	while (count < NODE_INTERFACE_MAX &&
		packets_next_key(packets, PACKET_TRANSMIT, previous, &key) == 0) {
		bool used = false;

		for (size_t i = 0; i < packets->settings->interface.count; i++)
			used |= packets->attached[i].ifindex == key;
		if (!used)
			gone[count++] = key;
		previous = &key;
	}
	while (count > 0)
		(void)packets_delete(packets, PACKET_TRANSMIT, &gone[--count]);
}

/* Every interface may be sent to before the first filter is in force. */
static void fill_transmit(struct packets *packets)
{
	for (size_t i = 0; i < packets->settings->interface.count; i++) {
		uint32_t key = if_nametoindex(packets->settings->interface.item[i]);

		if (key != 0)
			(void)packets_put(packets, PACKET_TRANSMIT, &key, &key);
	}
}

static void detach_tc_at(unsigned ifindex, enum bpf_tc_attach_point point, const char *name)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = TC_HANDLE, .priority = TC_PRIORITY);
	int result = bpf_tc_detach(&hook, &options);

	if (result != 0 && result != -ENOENT && result != -EINVAL)
		log_warn("detach from clsact of %s: %s", name, strerror(-result));
}

/* The qdisc goes only if it is ours; with it goes every filter on it, ours too. */
static void detach_tc(const struct agent_settings *settings, unsigned ifindex, const char *name)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex,
		.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	char path[PIN_PATH_SIZE];
	int result;

	detach_tc_at(ifindex, BPF_TC_INGRESS, name);
	detach_tc_at(ifindex, BPF_TC_EGRESS, name);
	pin_path(settings, QDISC_PREFIX, name, path);
	if (access(path, F_OK) != 0)
		return;
	result = bpf_tc_hook_destroy(&hook);
	if (result != 0)
		log_warn("remove clsact of %s: %s", name, strerror(-result));
}

static void detach_one(const struct agent_settings *settings, const char *name)
{
	char path[PIN_PATH_SIZE];
	unsigned ifindex = if_nametoindex(name);
	AUTO(fd) int fd = -1;

	pin_path(settings, LINK_PREFIX, name, path);
	fd = bpf_obj_get(path);
	if (fd >= 0)
		(void)bpf_link_detach(fd);
	if (ifindex != 0)
		detach_tc(settings, ifindex, name);
	(void)unlink(path);
	pin_path(settings, QDISC_PREFIX, name, path);
	(void)rmdir(path);
	log_info("filter taken off %s", name);
}

/* The interfaces that have a pinned link; how many. */
static unsigned read_links(
	const struct agent_settings *settings, char name[NODE_INTERFACE_MAX][IF_NAMESIZE])
{
	const size_t skip = strlen(LINK_PREFIX);
	DIR *directory = opendir(settings->pin);
	struct dirent *entry;
	unsigned count = 0;

	if (!directory) {
		log_warn("open %s: %s", settings->pin, strerror(errno));
		return 0;
	}
	while (count < NODE_INTERFACE_MAX && (entry = readdir(directory))) {
		if (strncmp(entry->d_name, LINK_PREFIX, skip) == 0)
			(void)snprintf(name[count++], IF_NAMESIZE, "%.15s", entry->d_name + skip);
	}
	(void)closedir(directory);
	return count;
}

/* What an agent with other settings left: nobody would ever replace that program. */
static void detach_unlisted(const struct agent_settings *settings)
{
	char name[NODE_INTERFACE_MAX][IF_NAMESIZE];
	unsigned count = read_links(settings, name);

	for (unsigned i = 0; i < count; i++) {
		bool listed = false;

		for (size_t j = 0; j < settings->interface.count; j++)
			listed |= strcmp(settings->interface.item[j], name[i]) == 0;
		if (!listed)
			detach_one(settings, name[i]);
	}
}

enum err packets_attach(struct packets *packets, bool *changed)
{
	enum err err = OK;

	*changed = false;
	for (size_t i = 0; i < packets->settings->interface.count; i++) {
		struct attached *attached = &packets->attached[i];
		const char *name = packets->settings->interface.item[i];
		unsigned ifindex = if_nametoindex(name);

		if (ifindex == 0) {
			if (!attached->missed)
				log_warn("no interface %s: waiting for it", name);
			attached->missed = true;
			attached->ifindex = 0;
			continue;
		}
		if (ifindex == attached->ifindex) {
			if (in_force(packets, attached))
				continue;
			log_warn("something took the programs off %s: attaching again", name);
		}
		if (!*changed)
			fill_transmit(packets);
		*changed = true;
		if (attach_one(packets, attached, ifindex, name) != OK)
			err = ERR_SYSTEM;
	}
	if (*changed && err == OK) {
		detach_unlisted(packets->settings);
		prune_transmit(packets);
	}
	return err;
}

enum xdp_mode packets_mode(const struct packets *packets)
{
	enum xdp_mode worst = XDP_MODE_NONE;

	for (size_t i = 0; i < packets->settings->interface.count; i++) {
		if (packets->attached[i].ifindex && packets->attached[i].mode > worst)
			worst = packets->attached[i].mode;
	}
	return worst;
}

uint32_t packets_attached(const struct packets *packets)
{
	uint32_t count = 0;

	for (size_t i = 0; i < packets->settings->interface.count; i++)
		count += packets->attached[i].ifindex != 0;
	return count;
}

enum err attach_detach_all(const struct agent_settings *settings)
{
	char name[NODE_INTERFACE_MAX][IF_NAMESIZE];
	unsigned count = read_links(settings, name);

	while (count > 0)
		detach_one(settings, name[--count]);
	return OK;
}
