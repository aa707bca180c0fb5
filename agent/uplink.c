/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes by RTM_GETSTATS, speed by ethtool: sysfs may be that of another network namespace. Interfaces are looked up by name
 * each time, as they may be made anew. The old ethtool request is enough: its speed has 32 bits, and the kernel answers it
 * for all drivers.
 */
#include "agent/uplink.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/netlink.h"
#include "base/log.h"

#define ANSWER_SIZE 1024
#define PATIENCE_MS 100

struct uplinks {
	const struct agent_settings *settings;
	int netlink, control;
	uint32_t sequence;
};

static bool read_bytes(struct uplinks *uplinks, uint32_t ifindex, struct record_uplink *out)
{
	struct {
		struct nlmsghdr header;
		struct if_stats_msg stats;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
			.nlmsg_type = RTM_GETSTATS,
			.nlmsg_flags = NLM_F_REQUEST,
			.nlmsg_seq = ++uplinks->sequence },
		.stats = { .ifindex = ifindex,
			.filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64) },
	};
	_Alignas(NLMSG_ALIGNTO) uint8_t answer[ANSWER_SIZE];
	const struct nlmsghdr *header = (const void *)answer;
	const size_t head = NLMSG_LENGTH(sizeof(struct if_stats_msg));
	struct rtattr *attribute =
		(void *)(answer + NLMSG_ALIGN(head)); /* RTA_DATA takes no const */
	struct rtnl_link_stats64 stats;
	ssize_t size;

	if (send(uplinks->netlink, &request, sizeof(request), 0) < 0)
		return false;
	size = netlink_receive(uplinks->netlink, uplinks->sequence, answer, sizeof(answer));
	if (size < (ssize_t)(NLMSG_ALIGN(head) + RTA_LENGTH(sizeof(stats))) ||
		header->nlmsg_type != RTM_NEWSTATS || attribute->rta_type != IFLA_STATS_LINK_64 ||
		attribute->rta_len < RTA_LENGTH(sizeof(stats)))
		return false;
	memcpy(&stats, RTA_DATA(attribute), sizeof(stats));
	out->in_bytes = stats.rx_bytes;
	out->out_bytes = stats.tx_bytes;
	return true;
}

/* Mbit/s; 0: the driver does not know. */
static uint32_t read_speed(const struct uplinks *uplinks, const char *name)
{
	struct ethtool_cmd command = { .cmd = ETHTOOL_GSET };
	struct ifreq request = { .ifr_data = (void *)&command };
	uint32_t speed;

	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	if (ioctl(uplinks->control, SIOCETHTOOL, &request) != 0)
		return 0;
	speed = ethtool_cmd_speed(&command);
	return speed == (uint32_t)SPEED_UNKNOWN || speed == UINT16_MAX ? 0 : speed;
}

size_t uplinks_read(struct uplinks *uplinks, struct record_uplink out[NODE_INTERFACE_MAX])
{
	const struct text_list *interface = &uplinks->settings->interface;
	size_t count = 0;

	for (size_t i = 0; i < interface->count && i < NODE_INTERFACE_MAX; i++) {
		const char *name = interface->item[i];
		const unsigned ifindex = if_nametoindex(name);
		struct record_uplink *uplink = &out[count];

		*uplink = (struct record_uplink){ .record = { RECORD_UPLINK, sizeof(*uplink),
							  (uint32_t)i + 1 } };
		if (ifindex == 0 || !read_bytes(uplinks, ifindex, uplink))
			continue;
		strncpy(uplink->name, name, sizeof(uplink->name) - 1);
		uplink->speed_mbps = read_speed(uplinks, name);
		if (uplink->speed_mbps == 0)
			uplink->speed_mbps = uplinks->settings->uplink_mbps;
		count++;
	}
	return count;
}

enum err uplinks_open(const struct agent_settings *settings, struct uplinks **out)
{
	struct uplinks *uplinks = calloc(1, sizeof(*uplinks));

	if (!uplinks)
		return ERR_MEMORY;
	uplinks->settings = settings;
	uplinks->netlink = netlink_open(PATIENCE_MS);
	uplinks->control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (uplinks->netlink < 0 || uplinks->control < 0) {
		int error = errno;

		uplinks_close(uplinks);
		return fail(
			ERR_SYSTEM, "open sockets for interfaces' counters: %s", strerror(error));
	}
	*out = uplinks;
	return OK;
}

void uplinks_close(struct uplinks *uplinks)
{
	if (!uplinks)
		return;
	if (uplinks->netlink >= 0)
		(void)close(uplinks->netlink);
	if (uplinks->control >= 0)
		(void)close(uplinks->control);
	free(uplinks);
}
