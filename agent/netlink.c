/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request that was given up on may still be answered: answers of other numbers are passed over, a bounded number of them.
 */
#include "agent/netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define STALE_ANSWERS_MAX 8

int netlink_open(int64_t patience_ms)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct timeval patience = { .tv_sec = patience_ms / SECOND_MS,
		.tv_usec = patience_ms % SECOND_MS * 1000 };
	int result = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int error;

	if (result < 0)
		return -1;
	if (connect(result, (struct sockaddr *)&kernel, sizeof(kernel)) == 0 &&
		setsockopt(result, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0)
		return result;
	error = errno;
	(void)close(result);
	errno = error;
	return -1;
}

void netlink_add(struct nlmsghdr *request, uint16_t type, const void *data, size_t size)
{
	struct rtattr *attribute = (void *)((uint8_t *)request + NLMSG_ALIGN(request->nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = (uint16_t)RTA_LENGTH(size);
	memcpy(RTA_DATA(attribute), data, size);
	request->nlmsg_len = (uint32_t)(NLMSG_ALIGN(request->nlmsg_len) + RTA_SPACE(size));
}

ssize_t netlink_receive(int socket, uint32_t sequence, void *answer, size_t size)
{
	const struct nlmsghdr *header = answer;

	for (int tries = 0; tries <= STALE_ANSWERS_MAX; tries++) {
		ssize_t length = recv(socket, answer, size, 0);

		if (length < 0)
			return -errno;
		if (NLMSG_OK(header, (size_t)length) && header->nlmsg_seq == sequence)
			return length;
	}
	return -EPROTO;
}
