/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * polder lab: brings the whole system up on this machine and takes it down. The order of `up` is the list in
 * bring_up(); whatever fails is told with the end of its log, and everything is taken down again.
 * A lock file keeps two `up` or `down` from meeting. What they run inherits the lock, so that of an `up` that was
 * killed nothing is at work any more when the next one has it; the supervisor, which stays, gives it up.
 */
#include "cli/lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/process.h"
#include "cli/terminal.h"

#define UP_LIMIT_MS 90000 /* some seconds on an idle machine; who waits this long has a fault */
#define LOG_LINES   15

static int up_command(int argc, char **argv);
static int down_command(int argc, char **argv);
static int status_command(int argc, char **argv);
static int exec_command(int argc, char **argv);

const struct command lab_commands[] = {
	{ "up", "[--nodes N] [--acme] [--databases]", "start everything (1 to 4 scrubbing nodes)",
		up_command },
	{ "down", "", "end everything", down_command },
	{ "status", "[--json]", "endpoints, keys, namespaces, pids", status_command },
	{ "exec", "client|attacker|node|node2..|origin COMMAND...", "run a command in a namespace",
		exec_command },
	{ "clock", "[+8d|-1s|reset] [--json]", "move the life-cycle time (s, m, h, d)",
		lab_clock_command },
	{ "drill", "NAME [--seconds N] [--pps N] [--vip ADDRESS] [--json]",
		"a bounded attack inside the lab; without NAME: the list", lab_drill_command },
	{ NULL, NULL, NULL, NULL },
};

int lab_command(int argc, char **argv)
{
	const char *path = getenv("PATH");
	char with_system[4096];

	(void)snprintf(with_system, sizeof(with_system), "%s:/usr/sbin:/sbin:/usr/bin:/bin",
		path ? path : "");
	(void)setenv("PATH", with_system, 1);
	return command_run(lab_commands, "polder lab", argc - 1, argv + 1);
}

/* ---- down */

static void unmount(const struct lab *lab, const char *name)
{
	char path[PATH_MAX];

	lab_path(lab, name, path);
	while (umount2(path, MNT_DETACH) == 0)
		continue;
}

static void take_down(const struct lab *lab)
{
	lab_processes_down(lab);
	lab_network_down(lab);
	unmount(lab, "bpf");
	unmount(lab, "requests");
	tree_remove(lab->directory);
}

static void lock_path(const struct lab *lab, char out[PATH_MAX])
{
	(void)snprintf(out, PATH_MAX, "%s.lock", lab->directory);
}

/* `down` removes the file while it holds the lock: who waited for it meanwhile has a file without a
 * name and starts over. */
static int lock(const struct lab *lab)
{
	char path[PATH_MAX];
	struct stat named, held;

	lock_path(lab, path);
	for (;;) {
		const int fd = open(path, O_RDWR | O_CREAT, 0600); /* inherited */

		if (fd < 0 || flock(fd, LOCK_EX) < 0) {
			complain("lock %s: %s", path, strerror(errno));
			return -1;
		}
		if (stat(path, &named) == 0 && fstat(fd, &held) == 0 && named.st_ino == held.st_ino)
			return fd;
		(void)close(fd);
	}
}

static bool is_root(void)
{
	return geteuid() == 0 || complain("the lab needs root: it makes network namespaces");
}

static int down_command(int argc, char **argv)
{
	char path[PATH_MAX];
	struct lab lab;

	(void)argv;
	if (argc != 1) {
		printf("usage: polder lab down\n");
		return STATUS_USAGE;
	}
	if (!is_root() || !lab_settings(&lab))
		return STATUS_FAILED;
	AUTO(fd) int fd = lock(&lab);

	if (fd < 0)
		return STATUS_FAILED;
	take_down(&lab);
	lock_path(&lab, path);
	(void)unlink(path);
	return STATUS_DONE;
}

/* ---- up */

static bool port_is_free(int port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int on = 1;
	AUTO(fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return true;
	return complain("port %d of 127.0.0.1 is in use (%s); set POLDER_API_PORT to another", port,
		strerror(errno));
}

static bool programs_are_built(const struct lab *lab)
{
	static const char *const names[] = { "polder-control", "polder-agent",
		"ngx_http_polder_module.so" };
	char path[PATH_MAX + 32];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", lab->binaries, names[i]);
		if (access(path, R_OK) != 0)
			return complain("%s: %s", path, strerror(errno));
	}
	return true;
}

static bool make_state_folder(const struct lab *lab)
{
	if (mkdir(lab->directory, 0711) < 0 || chmod(lab->directory, 0711) < 0)
		return complain("make %s: %s", lab->directory, strerror(errno));
	return true;
}

#define UP_STEPS 5

/* Always true, to stand among the steps. */
static bool at_step(int number, const char *what)
{
	progress(number, UP_STEPS, "%s", what);
	return true;
}

static bool bring_up(struct lab *lab)
{
	const int64_t start = clock_monotonic_ms();
	struct lab_fault fault;
	char path[PATH_MAX];

	if (!programs_are_built(lab) || !port_is_free(lab->api_port) || !make_state_folder(lab) ||
		!at_step(1, "network namespaces") || !lab_network_up(lab) || !lab_save(lab) ||
		!at_step(2, "files") || !lab_programs_prepare(lab) || !at_step(3, "programs") ||
		!lab_network_attach(lab) || !lab_supervise(lab))
		return false;
	(void)at_step(4, "until everything answers");
	if (lab_healthy(lab, UP_LIMIT_MS - 1000 - (clock_monotonic_ms() - start), &fault)) {
		lab->complete = true;
		return lab_save(lab);
	}
	complain("%s", fault.part);
	lab_path(lab, fault.log, path);
	tail_print(path, LOG_LINES);
	lab_path(lab, "supervisor.log", path);
	tail_print(path, LOG_LINES);
	return false;
}

static int already_up(const struct lab *lab)
{
	struct lab_fault fault;

	if (lab_healthy(lab, 2000, &fault)) {
		printf("the lab is already running, %d node%s, API at http://127.0.0.1:%d/\n",
			lab->node_count, lab->node_count > 1 ? "s" : "", lab->api_port);
		return STATUS_DONE;
	}
	complain("the lab is running, but: %s", fault.part);
	return STATUS_FAILED;
}

static bool parse_up(int argc, char **argv, struct lab *out)
{
	bool missing = false;
	int64_t number = 1;

	out->acme = out->databases = false;
	for (int i = 1; i < argc; i++) {
		const char *value;

		if (strcmp(argv[i], "--acme") == 0) {
			out->acme = true;
			continue;
		}
		if (strcmp(argv[i], "--databases") == 0) {
			out->databases = true;
			continue;
		}
		value = option_value(argc, argv, &i, "nodes", &missing);

		if (!value || !text_to_int(value, &number) || number < 1 || number > LAB_NODE_MAX) {
			printf("usage: polder lab up [--nodes 1..%d] [--acme] [--databases]\n",
				LAB_NODE_MAX);
			return false;
		}
	}
	out->node_count = (int)number;
	return true;
}

static int up_command(int argc, char **argv)
{
	struct lab lab, found, asked = { .name = "" };
	char path[PATH_MAX];

	if (!parse_up(argc, argv, &asked))
		return STATUS_USAGE;
	if (!is_root() || !lab_settings(&lab))
		return STATUS_FAILED;
	lab.node_count = asked.node_count;
	lab.acme = asked.acme;
	lab.databases = asked.databases;
	AUTO(fd) int fd = lock(&lab);

	if (fd < 0)
		return STATUS_FAILED;
	found = lab;
	if (lab_load(&found) && found.complete && lab_supervisor_pid(&found))
		return already_up(&found);
	take_down(&lab);
	const bool is_up = bring_up(&lab);

	progress_end();
	if (!is_up) {
		take_down(&lab);
		lock_path(&lab, path);
		(void)unlink(path);
		return STATUS_FAILED;
	}
	printf("the lab is up, API at http://127.0.0.1:%d/; `polder lab status` tells more\n",
		lab.api_port);
	return STATUS_DONE;
}

/* ---- status */

/* null: names are off. */
static json_t *dns_document(const struct lab *lab)
{
	char ipv4[ADDRESS_TEXT_SIZE], ipv6[ADDRESS_TEXT_SIZE], path[PATH_MAX];

	lab_path(lab, "dns/knot.conf", path);
	if (access(path, F_OK) < 0)
		return json_null();
	lab_dns_address(4, ipv4);
	lab_dns_address(6, ipv6);
	return json_pack("{s:s, s:s, s:i, s:s}", "ipv4", ipv4, "ipv6", ipv6, "port", LAB_DNS_PORT,
		"zone", LAB_DNS_ZONE);
}

struct lab_access { /* how to call the API, and to log in */
	struct endpoint endpoint;
	const char *user, *password;
};

static json_t *status_document(const struct lab *lab, const struct lab_access *access, json_t *pids)
{
	const struct endpoint *endpoint = &access->endpoint;
	json_t *namespaces = json_object();
	char role[16], name[64];

	for (int i = 0; lab_has_role(lab, i); i++) {
		lab_role_name(i, role);
		lab_namespace(lab, i, name);
		(void)json_object_set_new(namespaces, role, json_string(name));
	}
	return json_pack(
		"{s:b, s:s, s:s+, s:s, s:s, s:o, s:[s,s], s:{s:s, s:s, s:i, s:i, s:i, s:i}, "
		"s:s, s:o, s:o, s:s, s:s}",
		"running", 1, "api", endpoint->url, "console", endpoint->url, "console/",
		"access_key_id", endpoint->key_id, "access_key_secret", endpoint->secret,
		"namespaces", namespaces, "vip_pool", LAB_VIP_IPV4, LAB_VIP_IPV6, "origin", "ipv4",
		LAB_ORIGIN_IPV4, "ipv6", LAB_ORIGIN_IPV6, "http", LAB_ORIGIN_HTTP, "tcp_echo",
		LAB_ORIGIN_ECHO, "udp_echo", LAB_ORIGIN_ECHO, "tcp_banner", LAB_ORIGIN_BANNER,
		"state", lab->directory, "dns", dns_document(lab), "pids", pids, "user",
		access->user, "password", access->password);
}

static void print_status(const struct lab *lab, const struct lab_access *access, json_t *pids)
{
	const struct endpoint *endpoint = &access->endpoint;
	const char *name;
	json_t *pid;
	char text[64];

	printf("console            %sconsole/\nAPI                %s\naccess key         "
	       "%s\naccess key secret  %s\n",
		endpoint->url, endpoint->url, endpoint->key_id, endpoint->secret);
	printf("user               %s\npassword           %s\n", access->user, access->password);
	printf("protected pool     %s %s\n", LAB_VIP_IPV4, LAB_VIP_IPV6);
	printf("origin             %s %s: HTTP %d, TCP and UDP echo %d, banner %d\n",
		LAB_ORIGIN_IPV4, LAB_ORIGIN_IPV6, LAB_ORIGIN_HTTP, LAB_ORIGIN_ECHO,
		LAB_ORIGIN_BANNER);
	printf("namespaces        ");
	for (int i = 0; lab_has_role(lab, i); i++) {
		lab_namespace(lab, i, text);
		printf(" %s", text);
	}
	printf("\nprocesses         ");
	json_object_foreach(pids, name, pid)
		printf(" %s %lld", name, (long long)json_integer_value(pid));
	printf("\nstate and logs     %s\n", lab->directory);
}

static int status_command(int argc, char **argv)
{
	const bool json = option_take(&argc, argv, "--json");
	struct arena *mem = arena_new(1 << 20);
	struct lab_access access;
	struct lab lab;
	int status = STATUS_USAGE;
	json_t *pids = NULL;

	if (!mem || argc != 1) {
		printf("usage: polder lab status [--json]\n");
		goto out;
	}
	status = STATUS_FAILED;
	if (!lab_settings(&lab))
		goto out;
	if (lab_load(&lab) && lab_supervisor_pid(&lab) &&
		lab_endpoint_of(&lab, mem, &access.endpoint) &&
		lab_user_of(&lab, mem, &access.user, &access.password))
		pids = lab_pids(&lab);
	if (!pids) {
		printf(json ? "{\"running\":false}\n" : "the lab is not running\n");
		goto out;
	}
	if (json) {
		json_t *document = status_document(&lab, &access, json_incref(pids));

		(void)json_dumpf(document, stdout, JSON_INDENT(2));
		printf("\n");
		json_decref(document);
	} else {
		print_status(&lab, &access, pids);
	}
	status = STATUS_DONE;
out:
	json_decref(pids);
	arena_free(mem);
	return status;
}

/* ---- exec */

static int exec_command(int argc, char **argv)
{
	char role[16], name[64];
	struct lab lab;

	if (argc < 3) {
		printf("usage: polder lab exec client|attacker|node|origin COMMAND...\n");
		return STATUS_USAGE;
	}
	if (!lab_settings(&lab) || !lab_load(&lab)) {
		complain("the lab is not running");
		return STATUS_USAGE;
	}
	for (int i = 0; lab_has_role(&lab, i); i++) {
		lab_role_name(i, role);
		if (strcmp(role, argv[1]) != 0)
			continue;
		lab_namespace(&lab, i, name);
		if (!namespace_enter(name)) {
			complain("cannot enter %s: %s", name, strerror(errno));
			return STATUS_USAGE;
		}
		(void)execvp(argv[2], argv + 2);
		complain("%s: %s", argv[2], strerror(errno));
		return 127;
	}
	complain("the lab has no role \"%s\"", argv[1]);
	return STATUS_USAGE;
}
