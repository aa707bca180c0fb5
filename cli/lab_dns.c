/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lab's DNS server: Knot DNS in the first node's namespace, at that node's addresses toward the
 * client. Its zone begins with what a zone must have; all names come from the control, through the
 * control socket, and are kept nowhere else (no journal, no writing back): a server that was killed
 * starts empty and is filled again. It begins as root for its port and becomes nobody, as the control
 * is, who must be able to use the socket.
 *
 * A machine without Knot DNS has a lab without names.
 */
#include "cli/lab.h"

#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/process.h"

static const char configuration[] = "server:\n"
				    "    rundir: \"%1$s/dns\"\n"
				    "    user: nobody:nogroup\n"
				    "    listen: [ \"%2$s@%4$d\", \"%3$s@%4$d\" ]\n"
				    "    udp-workers: 1\n"
				    "    tcp-workers: 1\n"
				    "    background-workers: 1\n"
				    "control:\n"
				    "    listen: \"%1$s/dns/knot.sock\"\n"
				    "database:\n"
				    "    storage: \"%1$s/dns\"\n"
				    "log:\n"
				    "  - target: stderr\n"
				    "    any: warning\n"
				    "zone:\n"
				    "  - domain: " LAB_DNS_ZONE "\n"
				    "    storage: \"%1$s/dns\"\n"
				    "    file: \"zone\"\n"
				    "    journal-content: none\n"
				    "    zonefile-sync: -1\n"
				    "    zonefile-load: whole\n";

/* A name that is not there is asked for again after 5 s: the last number of the SOA (RFC 2308). */
static const char zone[] = "$ORIGIN " LAB_DNS_ZONE ".\n"
			   "$TTL 60\n"
			   "@ SOA ns hostmaster 1 3600 600 86400 5\n"
			   "@ NS ns\n"
			   "ns A %1$s\n"
			   "ns AAAA %2$s\n";

bool lab_dns_available(void)
{
	return access(LAB_DNS_PROGRAM, X_OK) == 0;
}

void lab_dns_address(int version, char out[ADDRESS_TEXT_SIZE])
{
	lab_node_address(LAB_CLIENT, 0, version, out);
}

static bool write_file(const struct lab *lab, const char *name, const char *text)
{
	char path[PATH_MAX];

	lab_path(lab, name, path);
	return text ? file_write(path, 0644, text, strlen(text)) : complain("memory is out");
}

bool lab_dns_prepare(const struct lab *lab, struct arena *mem)
{
	char ipv4[ADDRESS_TEXT_SIZE], ipv6[ADDRESS_TEXT_SIZE];

	lab_dns_address(4, ipv4);
	lab_dns_address(6, ipv6);
	return write_file(lab, "dns/knot.conf",
		       arena_print(mem, configuration, lab->directory, ipv4, ipv6, LAB_DNS_PORT)) &&
	       write_file(lab, "dns/zone", arena_print(mem, zone, ipv4, ipv6));
}
