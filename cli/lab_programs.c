/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What runs in the lab, as a table, and the folders and files it needs:
 *
 *   DIR/bpf        the bpffs with the agents' pins
 *   DIR/control    polder-control: store, keys, sockets (of nobody)
 *   DIR/api        nginx before the control's socket
 *   DIR/origin     nginx as the protected server
 *   DIR/edge       nginx of the nodes; DIR/requests is what it shares with their agents (lab_edge.c)
 *   DIR/dns        Knot DNS with the names of instances (of nobody)
 *   DIR/bin        a copy of polder-control: nobody may not be able to enter the folder it was built in
 *   DIR/console    the console's files, where they were built
 *   DIR/city.mmdb, DIR/asn.mmdb  with --databases: where addresses are and whose; a test's
 *   DIR/acme.sock  with --acme: a relay to an ACME directory, DIR/acme-ca.pem vouches for it; both are a test's
 *   DIR/drill.sock the service that runs drills for the control (drill_service.c)
 *   DIR/clock      offset of the life-cycle clock, ms
 *   DIR/NAME.log   what each program says
 */
#include "cli/lab.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/process.h"
#include "nginx_console_conf.h"

/* The attackers' networks are documentation's, of no country: here they are Antarctica's. */
#define LAB_OVERRIDE_IPV4 "198.51.100.0/24=AQ"
#define LAB_OVERRIDE_IPV6 "2001:db8:a::/48=AQ"

/* As in packaging/systemd/polder-agent@.service. */
#define CAPABILITY(number) (UINT64_C(1) << (number))
#define AGENT_CAPABILITIES                                                                         \
	(CAPABILITY(CAP_BPF) | CAPABILITY(CAP_NET_ADMIN) | CAPABILITY(CAP_PERFMON) |               \
		CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_CHOWN))
/* To bind its port, to become nobody, and to look into nobody's folder before. */
#define DNS_CAPABILITIES                                                                           \
	(CAPABILITY(CAP_NET_BIND_SERVICE) | CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETGID) |      \
		CAPABILITY(CAP_SETPCAP) | CAPABILITY(CAP_DAC_OVERRIDE))

/* Bodies above 4 MiB reach the control, which refuses them in the API's own form; a request line of
 * 256 KiB is what the control accepts. Host and URI go through as they came: they are signed. Bodies are
 * handed on as they come, so that the control's deadline ends senders of single bytes. */
static const char api_configuration[] =
	"user nobody nogroup;\n"
	"worker_processes 1;\n"
	"pid %1$s/api/nginx.pid;\n"
	"error_log stderr warn;\n"
	"daemon off;\n"
	"events { worker_connections 4096; }\n"
	"http {\n"
	"	access_log off;\n"
	"	server_tokens off;\n"
	"	client_body_temp_path %1$s/api/body;\n"
	"	proxy_temp_path %1$s/api/proxy;\n"
	"	client_header_buffer_size 16k;\n"
	"	large_client_header_buffers 8 256k;\n"
	"	client_max_body_size 64m;\n"
	"	client_body_buffer_size 64k;\n"
	"	keepalive_requests 1000000;\n"
	"	upstream control {\n"
	"		server unix:%1$s/control/api.sock max_fails=0;\n"
	"		keepalive 32;\n"
	"		keepalive_requests 1000000;\n"
	"	}\n"
	"	server {\n"
	"		listen 127.0.0.1:%2$d backlog=1024;\n"
	"		set $polder_console %1$s;\n"
	"		include console.conf;\n"
	"		location / {\n"
	"			proxy_pass http://control;\n"
	"			proxy_http_version 1.1;\n"
	"			proxy_set_header Connection \"\";\n"
	"			proxy_set_header Host $http_host;\n"
	"			proxy_set_header X-Real-IP $remote_addr;\n"
	"			proxy_set_header X-Forwarded-Proto $scheme;\n"
	"			proxy_request_buffering off;\n"
	"			proxy_buffer_size 32k;\n"
	"			proxy_buffers 16 64k;\n"
	"			proxy_busy_buffers_size 128k;\n"
	"			error_page 502 504 =503 @unavailable;\n"
	"		}\n"
	"		location @unavailable {\n"
	"			default_type application/json;\n"
	"			return 503 '{\"RequestId\":\"$request_id\",\"Message\":\"The "
	"request has failed "
	"due to a temporary failure of the server.\",\"HostId\":\"polder\",\"Code\":"
	"\"ServiceUnavailable\"}';\n"
	"		}\n"
	"	}\n"
	"}\n";

static const char origin_configuration[] = "user nobody nogroup;\n"
					   "worker_processes 1;\n"
					   "worker_rlimit_nofile 20000;\n"
					   "pid %1$s/origin/nginx.pid;\n"
					   "error_log stderr warn;\n"
					   "daemon off;\n"
					   "events { worker_connections 16384; }\n"
					   "http {\n"
					   "	access_log off;\n"
					   "	server_tokens off;\n"
					   "	sendfile on;\n"
					   "	tcp_nopush on;\n"
					   "	keepalive_requests 1000000;\n"
					   "	client_body_temp_path %1$s/origin/body;\n"
					   "	proxy_temp_path %1$s/origin/proxy;\n"
					   "	server {\n"
					   "		listen %2$d backlog=16384;\n"
					   "		listen [::]:%2$d backlog=16384;\n"
					   "		listen 8080;\n"
					   "		listen [::]:8080;\n"
					   "		root %1$s/origin/www;\n"
					   "		location = / { try_files /1k =404; }\n"
					   "	}\n"
					   "}\n";

static bool make_folder(const struct lab *lab, const char *name, mode_t mode, uid_t owner)
{
	char path[PATH_MAX];

	lab_path(lab, name, path);
	if (mkdir(path, mode) < 0 || chmod(path, mode) < 0 || chown(path, owner, (gid_t)-1) < 0)
		return complain("make %s: %s", path, strerror(errno));
	return true;
}

static bool write_random(const struct lab *lab, const char *name, size_t length)
{
	static char data[1 << 20];
	char path[PATH_MAX];

	for (size_t at = 0; at < length; at += 256)
		if (getrandom(data + at, 256, 0) != 256)
			return complain("no random bytes");
	lab_path(lab, name, path);
	return file_write(path, 0644, data, length);
}

static bool write_configuration(const struct lab *lab, const char *name, const char *text)
{
	char path[PATH_MAX];

	lab_path(lab, name, path);
	return file_write(path, 0644, text, strlen(text));
}

static bool prepare_origin(const struct lab *lab, struct arena *mem)
{
	const char *text = arena_print(mem, origin_configuration, lab->directory, LAB_ORIGIN_HTTP);

	return text && make_folder(lab, "origin", 0755, 0) &&
	       make_folder(lab, "origin/www", 0755, 0) &&
	       write_random(lab, "origin/www/1k", 1024) &&
	       write_random(lab, "origin/www/1m", 1 << 20) &&
	       write_configuration(lab, "origin/nginx.conf", text);
}

/* Copies a folder's files, not its folders, into one of the lab. A folder that is not there is empty. */
static bool copy_files(const struct lab *lab, const char *from, const char *name)
{
	DIR *folder = opendir(from);
	char source[PATH_MAX], target[PATH_MAX];
	const struct dirent *entry;
	bool done = make_folder(lab, name, 0755, 0);

	lab_path(lab, name, target);
	while (folder && done && (entry = readdir(folder))) {
		char path[PATH_MAX + NAME_MAX + 2];

		if (entry->d_type != DT_REG)
			continue;
		(void)snprintf(source, sizeof(source), "%.*s/%s", PATH_MAX - NAME_MAX - 2, from,
			entry->d_name);
		(void)snprintf(path, sizeof(path), "%s/%s", target, entry->d_name);
		done = file_copy(source, path, 0644);
	}
	if (folder)
		(void)closedir(folder);
	return done;
}

static bool prepare_console(const struct lab *lab)
{
	char from[PATH_MAX];

	(void)snprintf(from, sizeof(from), "%.*s/console", PATH_MAX - 20, lab->binaries);
	if (!copy_files(lab, from, "console"))
		return false;
	(void)snprintf(from, sizeof(from), "%.*s/console/assets", PATH_MAX - 20, lab->binaries);
	return copy_files(lab, from, "console/assets");
}

static bool prepare_api(const struct lab *lab, struct arena *mem)
{
	const char *text = arena_print(mem, api_configuration, lab->directory, lab->api_port);
	char path[PATH_MAX];

	lab_path(lab, "api/console.conf", path);
	return text && make_folder(lab, "api", 0755, 0) &&
	       write_configuration(lab, "api/nginx.conf", text) &&
	       file_write(path, 0644, (const char *)nginx_console_conf, nginx_console_conf_len) &&
	       write_configuration(lab, "clock", "0\n") && prepare_console(lab);
}

static bool prepare_control(const struct lab *lab)
{
	const struct passwd *nobody = getpwnam("nobody");
	char from[PATH_MAX], to[PATH_MAX];

	if (!nobody)
		return complain("there is no user nobody");
	(void)snprintf(from, sizeof(from), "%.*s/polder-control", PATH_MAX - 20, lab->binaries);
	lab_path(lab, "bin/polder-control", to);
	return make_folder(lab, "bin", 0755, 0) && file_copy(from, to, 0755) &&
	       make_folder(lab, "control", 0700, nobody->pw_uid);
}

static bool prepare_dns(const struct lab *lab, struct arena *mem)
{
	const struct passwd *nobody = getpwnam("nobody");

	if (!lab_dns_available())
		return true;
	if (!nobody)
		return complain("there is no user nobody");
	return make_folder(lab, "dns", 0755, nobody->pw_uid) && lab_dns_prepare(lab, mem);
}

bool lab_programs_prepare(const struct lab *lab)
{
	struct arena *mem = arena_new(1 << 20);
	char path[PATH_MAX];
	bool done;

	if (!mem)
		return complain("memory is out");
	lab_path(lab, "bpf", path);
	done = make_folder(lab, "bpf", 0700, 0) && prepare_origin(lab, mem) &&
	       prepare_api(lab, mem) && prepare_control(lab) && prepare_dns(lab, mem) &&
	       lab_edge_prepare(lab, mem);
	if (done && mount("bpffs", path, "bpf", 0, "mode=0700") < 0)
		done = complain("mount a bpffs on %s: %s", path, strerror(errno));
	arena_free(mem);
	return done;
}

/* ---- the table */

static struct lab_program *add_program(
	struct lab_program *out, size_t *count, const char *name, int role)
{
	struct lab_program *program = &out[(*count)++];

	memset(program, 0, sizeof(*program));
	(void)snprintf(program->name, sizeof(program->name), "%s", name);
	program->role = role;
	return program;
}

/* Ends the list of arguments with NULL; NULL among them would cut it, so the caller checks texts. */
static void add_arguments(struct lab_program *program, const char *const *argument)
{
	size_t count = 0;

	while (program->argument[count])
		count++;
	for (; *argument && count + 1 < LAB_ARGUMENT_MAX; argument++)
		program->argument[count++] = *argument;
}

static void add_control(
	const struct lab *lab, struct arena *mem, struct lab_program *out, size_t *count)
{
	struct lab_program *program = add_program(out, count, "control", -1);
	const char *d = lab->directory;

	program->unprivileged = true;
	add_arguments(program,
		(const char *[]){ arena_print(mem, "%s/bin/polder-control", d), "--socket",
			arena_print(mem, "%s/control/api.sock", d), "--node-socket",
			arena_print(mem, "%s/control/node.sock", d), "--database",
			arena_print(mem, "sqlite:%s/control/control.db", d), "--key-file",
			arena_print(mem, "%s/control/vault.key", d), "--nonce-file",
			arena_print(mem, "%s/control/nonces", d), "--bootstrap-file",
			arena_print(mem, "%s/control/bootstrap.json", d), "--clock-offset-file",
			arena_print(mem, "%s/clock", d), "--vip-pool",
			arena_print(mem, "%s %s", LAB_VIP_IPV4, LAB_VIP_IPV6), "--calls-per-second",
			"0", "--smart-rule-seconds", LAB_SMART_SECONDS, "--smart-learn-seconds",
			LAB_LEARN_SECONDS, "--region-override",
			arena_print(mem, "%s %s", LAB_OVERRIDE_IPV4, LAB_OVERRIDE_IPV6),
			"--drill-socket", arena_print(mem, "%s/%s", d, LAB_DRILL_SOCKET), NULL });
	if (lab->databases)
		add_arguments(
			program, (const char *[]){ "--region-database",
					 arena_print(mem, "%s/" LAB_CITIES, d), "--asn-database",
					 arena_print(mem, "%s/" LAB_PROVIDERS, d), NULL });
	if (lab->acme)
		add_arguments(program,
			(const char *[]){ "--acme-directory", LAB_ACME_DIRECTORY, "--acme-socket",
				arena_print(mem, "%s/" LAB_ACME_SOCKET, d), "--acme-ca-file",
				arena_print(mem, "%s/" LAB_ACME_CA, d), NULL });
	if (lab_dns_available())
		add_arguments(program, (const char *[]){ "--dns-zone", LAB_DNS_ZONE, "--dns-socket",
					       arena_print(mem, "%s/dns/knot.sock", d), NULL });
}

static void add_dns(
	const struct lab *lab, struct arena *mem, struct lab_program *out, size_t *count)
{
	struct lab_program *program = add_program(out, count, "dns", LAB_NODE);

	program->capabilities = DNS_CAPABILITIES;
	add_arguments(
		program, (const char *[]){ LAB_DNS_PROGRAM, "-c",
				 arena_print(mem, "%s/dns/knot.conf", lab->directory), NULL });
}

static void add_nginx(const struct lab *lab, struct arena *mem, struct lab_program *out,
	size_t *count, const char *name)
{
	struct lab_program *program =
		add_program(out, count, name, strcmp(name, "origin") == 0 ? LAB_ORIGIN : -1);

	add_arguments(program, (const char *[]){ "nginx", "-e", "stderr", "-p",
				       arena_print(mem, "%s/%s", lab->directory, name), "-c",
				       "nginx.conf", NULL });
}

static void add_agent(
	const struct lab *lab, struct arena *mem, struct lab_program *out, size_t *count, int node)
{
	char role[16], name[24], address[ADDRESS_TEXT_SIZE];
	struct lab_program *program;
	struct lab_link link;

	lab_role_name(LAB_NODE + node, role);
	(void)snprintf(name, sizeof(name), "agent%s", role + strlen("node"));
	program = add_program(out, count, name, LAB_NODE + node);
	program->capabilities = AGENT_CAPABILITIES;
	add_arguments(program,
		(const char *[]){ arena_print(mem, "%s/polder-agent", lab->binaries), "--node",
			arena_copy(mem, role), "--control",
			arena_print(mem, "unix:%s/control/node.sock", lab->directory), "--pin",
			arena_print(mem, "%s/bpf/%s", lab->directory, role), "--requests",
			arena_print(mem, "%s/requests/%s", lab->directory, role),
			"--requests-group", LAB_EDGE_GROUP, "--request-log",
			arena_print(mem, "%s/edge/%s/log", lab->directory, role),
			"--request-log-quota", "256", "--resolver", LAB_RESOLVER, NULL });
	for (int side = LAB_CLIENT; side <= LAB_ORIGIN; side++) {
		lab_link(side, node, &link);
		add_arguments(program, (const char *[]){ "--interface",
					       arena_copy(mem, link.node_interface), NULL });
	}
	add_arguments(program, (const char *[]){ "--region-override", LAB_OVERRIDE_IPV4,
				       "--region-override", LAB_OVERRIDE_IPV6, NULL });
	for (int i = 0; i < 2 * LAB_SOURCE_COUNT; i++) {
		lab_source(node, i / 2, i % 2 ? 6 : 4, address);
		add_arguments(
			program, (const char *[]){ "--source", arena_copy(mem, address), NULL });
	}
}

static void add_edge(
	const struct lab *lab, struct arena *mem, struct lab_program *out, size_t *count, int node)
{
	char role[16], name[24];
	struct lab_program *program;

	lab_role_name(LAB_NODE + node, role);
	(void)snprintf(name, sizeof(name), "edge%s", role + strlen("node"));
	program = add_program(out, count, name, LAB_NODE + node);
	add_arguments(program, (const char *[]){ "nginx", "-e", "stderr", "-p",
				       arena_print(mem, "%s/edge/%s", lab->directory, role), "-c",
				       "nginx.conf", NULL });
}

size_t lab_programs(const struct lab *lab, struct arena *mem, struct lab_program *out)
{
	struct lab_program *echo;
	size_t count = 0;

	add_control(lab, mem, out, &count);
	add_nginx(lab, mem, out, &count, "api");
	add_nginx(lab, mem, out, &count, "origin");
	echo = add_program(out, &count, "echo", LAB_ORIGIN);
	add_arguments(
		echo, (const char *[]){ arena_print(mem, "%s/polder", lab->binaries), "lab-service",
			      "echo", "--tcp", arena_print(mem, "%d", LAB_ORIGIN_ECHO), "--udp",
			      arena_print(mem, "%d", LAB_ORIGIN_ECHO), "--banner",
			      arena_print(mem, "%d", LAB_ORIGIN_BANNER), NULL });
	add_arguments(add_program(out, &count, "drills", -1),
		(const char *[]){ arena_print(mem, "%s/polder", lab->binaries), "lab-service",
			"drills", NULL });
	for (int node = 0; node < lab->node_count; node++)
		add_agent(lab, mem, out, &count, node);
	for (int node = 0; node < lab->node_count; node++)
		add_edge(lab, mem, out, &count, node);
	if (lab_dns_available())
		add_dns(lab, mem, out, &count);
	return count;
}
