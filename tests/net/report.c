/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report SOCKET NODE RUN GENERATION INSTANCE MBPS: tells a control, as the node and that run of its agent (AgentRun), that so
 * much came to the instance: two reports, half a second apart. Tests of what no lab can send for real.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "shared/snapshot_abi.h"

#define SPAN_MS	      500
#define BYTES_OF_MBPS UINT64_C(125000)

struct report {
	struct snapshot_header header;
	struct record_node node;
	struct record_traffic traffic;
};

static struct report make(uint64_t run, uint32_t instance, uint64_t generation, uint64_t bytes)
{
	return (struct report){
		.header = { .magic = SNAPSHOT_MAGIC,
			.version = SNAPSHOT_VERSION,
			.record_count = 2,
			.byte_count = sizeof(struct report) - sizeof(struct snapshot_header) },
		.node = { .record = { RECORD_NODE, sizeof(struct record_node), 1 },
			.generation = generation,
			.agent_boot = run },
		.traffic = { .record = { RECORD_TRAFFIC, sizeof(struct record_traffic), instance },
			.in = { bytes / 1000, bytes },
			.dropped = { bytes / 1000, bytes } },
	};
}

/* True: the control took it. */
static int post(const char *path, const char *node, const struct report *report)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char request[1024], answer[64] = "";
	int length;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	length = snprintf(request, sizeof(request) - sizeof(*report),
		"POST /v1/report?node=%s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", node,
		sizeof(*report));
	memcpy(request + length, report, sizeof(*report));
	length += (int)sizeof(*report);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		write(fd, request, (size_t)length) != length ||
		read(fd, answer, sizeof(answer) - 1) <= 0)
		return 0;
	(void)close(fd);
	return strncmp(answer, "HTTP/1.1 204", 12) == 0;
}

int main(int argc, char **argv)
{
	struct report report;

	if (argc != 7) {
		(void)fprintf(stderr, "usage: report SOCKET NODE RUN GENERATION INSTANCE MBPS\n");
		return 2;
	}

	uint64_t run = strtoull(argv[3], NULL, 16);
	uint64_t generation = strtoull(argv[4], NULL, 10);
	uint32_t instance = (uint32_t)strtoul(argv[5], NULL, 10);

	report = make(run, instance, generation, 0);
	if (!post(argv[1], argv[2], &report))
		return 1;
	(void)nanosleep(&(struct timespec){ .tv_nsec = SPAN_MS * 1000000L }, NULL);
	report = make(run, instance, generation,
		strtoull(argv[6], NULL, 10) * BYTES_OF_MBPS * SPAN_MS / 1000);
	return post(argv[1], argv[2], &report) ? 0 : 1;
}
