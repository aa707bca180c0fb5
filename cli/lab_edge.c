/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nginx of each node, with the module: what is shipped as packaging/nginx-edge.conf, but for the places of files. So the
 * lab shows that configuration at work, and no second one has to follow it.
 *
 *   DIR/requests        a tmpfs
 *   DIR/requests/NODE   what agent and nginx share
 *   DIR/edge/NODE       configuration and temporary files; in log/, access logs of sites
 */
#include "cli/lab.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/process.h"
#include "nginx_edge_conf.h"

#define CONFIGURATION_MAX 65536

/* A line of the shipped configuration that begins like this is replaced. In the new one @ stands for the lab's folder, # for
 * the node, and % for the folder of what was built. */
static const struct {
	const char *word, *line;
} lines[] = {
	{ "load_module ", "load_module %/ngx_http_polder_module.so;\ndaemon off;\n" },
	{ "worker_processes ", "worker_processes 2;\n" },
	{ "worker_rlimit_nofile ", "" }, /* as many as the supervisor may have */
	{ "pid ", "pid @/edge/#/nginx.pid;\n" },
	{ "http {", "http {\n\tclient_body_temp_path @/edge/#/body;\n"
		    "\tproxy_temp_path @/edge/#/proxy;\n" },
	{ "proxy_cache_path ", "\tproxy_cache_path @/edge/#/cache levels=1:2 use_temp_path=off "
			       "keys_zone=polder:4m max_size=256m inactive=1d;\n" },
	{ "polder_path ", "\tpolder_path @/requests/#;\n" },
	{ "polder_ban_map ", "\tpolder_ban_map @/bpf/#/request_ban;\n" },
	{ "polder_listener_map ", "\tpolder_listener_map @/bpf/#/steer_listener;\n" },
};
#define LINE_COUNT (sizeof(lines) / sizeof(lines[0]))

static void fill_line(struct text *out, const struct lab *lab, const char *node, const char *line)
{
	for (; *line; line++) {
		if (*line == '@')
			text_add(out, lab->directory);
		else if (*line == '#')
			text_add(out, node);
		else if (*line == '%')
			text_add(out, lab->binaries);
		else
			text_add_char(out, *line);
	}
}

static void write_line(
	struct text *out, const struct lab *lab, const char *node, const char *line, size_t length)
{
	size_t blank = 0;

	while (blank < length && line[blank] == '\t')
		blank++;
	for (size_t i = 0; i < LINE_COUNT; i++) {
		size_t word = strlen(lines[i].word);

		if (length - blank < word || strncmp(line + blank, lines[i].word, word) != 0)
			continue;
		fill_line(out, lab, node, lines[i].line);
		return;
	}
	text_add_n(out, line, length);
}

static bool write_configuration(const struct lab *lab, struct arena *mem, const char *node)
{
	const char *line = (const char *)nginx_edge_conf;
	size_t left = nginx_edge_conf_len;
	char path[PATH_MAX];
	struct text out;

	text_init(&out, mem, CONFIGURATION_MAX);
	while (left > 0) {
		const char *end = memchr(line, '\n', left);
		size_t length = end ? (size_t)(end - line) + 1 : left;

		write_line(&out, lab, node, line, length);
		line += length;
		left -= length;
	}
	(void)snprintf(path, sizeof(path), "%s/edge/%s/nginx.conf", lab->directory, node);
	return !out.failed && file_write(path, 0644, out.data, out.length);
}

static bool make_folder(const struct lab *lab, const char *name, mode_t mode, gid_t group)
{
	char path[PATH_MAX];

	lab_path(lab, name, path);
	if (mkdir(path, mode) < 0 || chmod(path, mode) < 0 || chown(path, 0, group) < 0)
		return complain("make %s: %s", path, strerror(errno));
	return true;
}

bool lab_edge_prepare(const struct lab *lab, struct arena *mem)
{
	const struct passwd *user = getpwnam(LAB_EDGE_GROUP);
	char path[PATH_MAX], role[16];

	if (!user)
		return complain("there is no user " LAB_EDGE_GROUP);
	if (!make_folder(lab, "edge", 0755, 0) || !make_folder(lab, "requests", 0755, 0))
		return false;
	lab_path(lab, "requests", path);
	if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755") < 0)
		return complain("mount a tmpfs on %s: %s", path, strerror(errno));
	for (int node = 0; node < lab->node_count; node++) {
		lab_role_name(LAB_NODE + node, role);
		(void)snprintf(path, sizeof(path), "requests/%s", role);
		if (!make_folder(lab, path, 0750, user->pw_gid))
			return false;
		(void)snprintf(path, sizeof(path), "edge/%s", role);
		if (!make_folder(lab, path, 0755, 0) || !write_configuration(lab, mem, role))
			return false;
	}
	return true;
}
