/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets how a node tells an origin the client's address, in its maps: no order says it yet. It lasts until the port
 * rule changes.
 *
 *   service PIN-FOLDER VIP PORT toa|proxy
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "shared/packet_abi.h"

static int pinned(const char *folder, const char *name)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = bpf_obj_get(path);
	if (fd < 0) {
		fprintf(stderr, "service: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct address address = { .byte = { 0 } };
	struct service_key key = { .protocol = IPPROTO_TCP };
	struct service service;
	struct vip vip;
	int services;

	if (argc != 5) {
		fprintf(stderr, "usage: service PIN-FOLDER VIP PORT toa|proxy\n");
		return 2;
	}
	if (inet_pton(AF_INET6, argv[2], address.byte) != 1) {
		address.byte[10] = address.byte[11] = 0xff;
		if (inet_pton(AF_INET, argv[2], address.byte + 12) != 1)
			return 2;
	}
	services = pinned(argv[1], "service");
	if (bpf_map_lookup_elem(pinned(argv[1], "vip"), &address, &vip) != 0) {
		fprintf(stderr, "service: %s is not protected\n", argv[2]);
		return 1;
	}
	key.instance = vip.instance;
	key.port = htons((uint16_t)strtol(argv[3], NULL, 10));
	if (bpf_map_lookup_elem(services, &key, &service) != 0) {
		fprintf(stderr, "service: %s has no port rule for %s\n", argv[2], argv[3]);
		return 1;
	}
	service.client_address =
		strcmp(argv[4], "toa") == 0 ? CLIENT_ADDRESS_TOA : CLIENT_ADDRESS_PROXY;
	return bpf_map_update_elem(services, &key, &service, BPF_EXIST) != 0;
}
