/* SPDX-License-Identifier: BSD-2-Clause */
/* tcpi_rwnd_limited: Linux 4.10. */
#include "nginx/window.h"

#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/in.h>
#include <linux/sockios.h>
#include <linux/tcp.h>

bool window_read(int fd, struct window *out)
{
	const size_t needed = offsetof(struct tcp_info, tcpi_rwnd_limited) + sizeof(__u64);
	struct tcp_info info;
	socklen_t length = sizeof(info);
	int queued = 0;

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0 || length < needed ||
		ioctl(fd, SIOCOUTQ, &queued) != 0 || queued < 0)
		return false;
	*out = (struct window){ .acked_bytes = info.tcpi_bytes_acked,
		.closed_ms = info.tcpi_rwnd_limited / 1000,
		.queued_bytes = (uint64_t)queued,
		.drained = queued == 0 };
	return true;
}
