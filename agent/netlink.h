/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to rtnetlink and their answers, one at a time over one socket.
 */
#ifndef AGENT_NETLINK_H
#define AGENT_NETLINK_H

#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A socket that is connected to the kernel; -1 and errno. The kernel answers within the call: patience_ms is for a full buffer
 * only. */
int netlink_open(int64_t patience_ms);
/* Appends an attribute to a request, which has the room. */
void netlink_add(struct nlmsghdr *request, uint16_t type, const void *data, size_t size);
/* Reads the next answer to the request of this number into answer, which is aligned as a header; its length, or a negative
 * errno. */
ssize_t netlink_receive(int socket, uint32_t sequence, void *answer, size_t size);

#endif
