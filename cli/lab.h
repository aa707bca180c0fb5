/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lab: the whole system on one machine, in network namespaces of its own.
 *
 *   client   --+                   +-- origin (nginx, echo services)
 *              +-- node, node2... -+
 *   attacker --+   (polder-agent)
 *
 * polder-control and the API's nginx run in the machine's own namespace, on a Unix socket and on
 * 127.0.0.1. All addresses are documentation and benchmark ranges (RFC 5737, RFC 2544, RFC 3849).
 */
#ifndef CLI_LAB_H
#define CLI_LAB_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"
#include "cli/request.h"

#define LAB_NODE_MAX  4
#define LAB_NAME_SIZE 24
#define LAB_PATH_SIZE 128

enum lab_role {
	LAB_CLIENT,
	LAB_ATTACKER,
	LAB_ORIGIN,
	LAB_NODE,
	LAB_ROLE_COUNT = LAB_NODE + LAB_NODE_MAX
};

struct lab {
	char name[LAB_NAME_SIZE];      /* first word of the namespaces' names */
	char directory[LAB_PATH_SIZE]; /* state: /run/NAME-lab */
	char binaries[PATH_MAX];       /* folder of the running program */
	int node_count;
	int api_port;
	bool complete;	/* its `lab up` came to its end */
	bool acme;	/* the control gets certificates from LAB_ACME_DIRECTORY */
	bool databases; /* the control knows places by LAB_CITIES and LAB_PROVIDERS */
	uint64_t cookie[LAB_ROLE_COUNT]; /* of the namespaces, as lab up made them; 0: none */
};

/* What the world outside must know of the address plan. */
#define LAB_VIP_IPV4	  "198.18.0.0/15"
#define LAB_VIP_IPV6	  "2001:db8:5610::/108"
#define LAB_ORIGIN_IPV4	  "203.0.113.200"
#define LAB_ORIGIN_IPV6	  "2001:db8:0:ff::200"
#define LAB_ORIGIN_HTTP	  80
#define LAB_ORIGIN_ECHO	  7
#define LAB_ORIGIN_BANNER 2525
/* Whom the lab's agents ask for names: whoever listens there in a node, which a test may. The lab reaches no name server. */
#define LAB_RESOLVER "127.0.0.1:5300"
#define LAB_DNS_ZONE "polder.test"
/* Where an ACME directory of a test's own is asked, through a relay at DIR/LAB_ACME_SOCKET, and who vouches for it. */
#define LAB_ACME_DIRECTORY "https://127.0.0.1:14000/dir"
#define LAB_ACME_SOCKET	   "acme.sock"
#define LAB_ACME_CA	   "acme-ca.pem"
#define LAB_CITIES	   "city.mmdb"
#define LAB_PROVIDERS	   "asn.mmdb"
#define LAB_SMART_SECONDS  "15" /* so that one sees them end */
#define LAB_LEARN_SECONDS  "10" /* and made */
#define LAB_DNS_PORT	   53
#define LAB_DNS_PROGRAM	   "/usr/sbin/knotd"
#define LAB_SOURCE_COUNT   16 /* back-to-origin addresses of a node, per IP version */

/* ---- lab_state.c */
/* Name, folder and port from the environment (POLDER_LAB_NAME, POLDER_API_PORT). false: said why. */
bool lab_settings(struct lab *lab);
/* Reads the state of a lab that was brought up. false: there is none. */
bool lab_load(struct lab *lab);
bool lab_save(const struct lab *lab);
/* "client", "node", "node2"; the namespace's name is lab->name-role. */
void lab_role_name(int role, char out[16]);
void lab_namespace(const struct lab *lab, int role, char out[64]);
bool lab_has_role(const struct lab *lab, int role);
void lab_path(const struct lab *lab, const char *file, char out[PATH_MAX]);
/* Endpoint and keys of the running lab. false: none is running. */
bool lab_endpoint(struct arena *mem, struct endpoint *out);
bool lab_endpoint_of(const struct lab *lab, struct arena *mem, struct endpoint *out);
/* The user that the control made at its first start, in mem; false: there is none. */
bool lab_user_of(
	const struct lab *lab, struct arena *mem, const char **name, const char **password);
/* Pids as the supervisor wrote them, owned by the caller; NULL: no supervisor. */
json_t *lab_pids(const struct lab *lab);
/* The supervisor, if it is alive; 0. */
pid_t lab_supervisor_pid(const struct lab *lab);

/* ---- lab_network.c */
bool lab_network_up(struct lab *lab);
/* Packet programs at the far ends of the nodes' links; needs the bpffs. */
bool lab_network_attach(const struct lab *lab);
void lab_network_down(const struct lab *lab); /* finds what is there by name */
/* The link of a node toward a side: interface names and link-layer addresses. */
struct lab_link {
	char node_interface[16], peer_interface[16];
	uint8_t node_mac[6], peer_mac[6];
};
void lab_link(int side /* LAB_CLIENT, LAB_ATTACKER, LAB_ORIGIN */, int node, struct lab_link *out);
#define LAB_SPARE_INTERFACE "spare0" /* attacker: where the generator's program stays attached */
/* Interfaces that the lab made in the role's namespace, space-separated. */
void lab_interfaces(const struct lab *lab, int role, char out[64]);
/* The i-th back-to-origin address of a node, of IP version 4 or 6. */
void lab_source(int node, int i, int version, char out[ADDRESS_TEXT_SIZE]);
/* A node's own address on its link toward a side. */
void lab_node_address(int side, int node, int version, char out[ADDRESS_TEXT_SIZE]);

/* ---- lab_programs.c */
#define LAB_PROGRAM_MAX	 (6 + 2 * LAB_NODE_MAX)
#define LAB_ARGUMENT_MAX 96
struct lab_program {
	char name[24];				/* as in status: "control", "agent2" */
	int role;				/* namespace; -1: the machine's own */
	bool unprivileged;			/* runs as nobody */
	uint64_t capabilities;			/* root with these alone, as bits; 0: all */
	const char *argument[LAB_ARGUMENT_MAX]; /* argument[0]: path of the program */
};
/* Folders, configuration, content. */
bool lab_programs_prepare(const struct lab *lab);
/* Fills the table; texts live in mem. 0: memory is out. */
size_t lab_programs(const struct lab *lab, struct arena *mem, struct lab_program *out);

/* ---- lab_dns.c: the server of instances' names */
bool lab_dns_available(void); /* whether the machine has one */
void lab_dns_address(int version, char out[ADDRESS_TEXT_SIZE]);
/* Files in the folder DIR/dns, which is there. */
bool lab_dns_prepare(const struct lab *lab, struct arena *mem);

/* ---- lab_edge.c: nginx of the nodes, for web sites */
#define LAB_EDGE_GROUP "www-data" /* its workers' */
#define LAB_EDGE_PLAIN 7001	  /* of its listeners, as in packaging/nginx-edge.conf */
/* Folders, a tmpfs at DIR/requests, and configurations. */
bool lab_edge_prepare(const struct lab *lab, struct arena *mem);

#define LAB_DRILL_SOCKET "drill.sock" /* of the service that runs drills for the control */

/* ---- lab_supervisor.c */
/* Starts the daemon that starts and restarts the programs; returns when it runs. */
bool lab_supervise(const struct lab *lab);
/* Ends the supervisor and whatever of the lab still runs. */
void lab_processes_down(const struct lab *lab);

/* ---- lab_health.c */
/* Waits until everything answers, at most wait_ms (0: looks once). false: what fails is in part (as
 * prose) and log (file name). */
struct lab_fault {
	char part[200];
	char log[32];
};
bool lab_healthy(const struct lab *lab, int64_t wait_ms, struct lab_fault *out);

/* ---- lab_clock.c */
int lab_clock_command(int argc, char **argv);
/* Offset in force in the packet path of a node; false: not readable. */
bool lab_node_offset_ms(const struct lab *lab, int node, int64_t *out);

/* ---- lab_drill.c */
int lab_drill_command(int argc, char **argv);

#endif
