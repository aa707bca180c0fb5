/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The steps of an installation. Files are those of packaging/, with what was asked put in their place: a text to be replaced that
 * is not in them is an error, so that they cannot drift apart.
 *
 * The first access key is made by the control itself, which keeps it sealed: it runs for a moment with the store's final place,
 * but with its sockets in a folder of its own, where nobody can reach it. It runs as the owner of the installation; systemd gives
 * the folder to the unit's user when it starts it.
 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/action_list.h"
#include "cli/cli.h"
#include "cli/init.h"
#include "cli/process.h"

#include "packaging_files.h"

#define TEXT_MAX	 65536
#define STATE		 "/var/lib/polder"
#define FIRST_KEY	 STATE "/first-key.json"
#define UNITS		 "/etc/systemd/system/"
#define PACKAGED_PROGRAM "/usr/local/sbin"
#define CONTROL_LIMIT_MS 20000

DEFINE_AUTO(document, json_t *, json_decref);

/* ---- texts */

/* from, each time, by to. NULL: it is not there, or memory is out. */
static const char *replace(struct arena *mem, const char *text, const char *from, const char *to)
{
	struct text out;
	const char *at, *rest = text;

	text_init(&out, mem, TEXT_MAX);
	while (rest && (at = strstr(rest, from)) != NULL) {
		text_add_n(&out, rest, (size_t)(at - rest));
		text_add(&out, to);
		rest = at + strlen(from);
	}
	if (rest == text || out.failed) {
		complain("the packaged file has no \"%s\"", from);
		return NULL;
	}
	text_add(&out, rest);
	return out.failed ? NULL : out.data;
}

static const char *packaged(struct arena *mem, const unsigned char *data, unsigned length)
{
	return arena_copy_n(mem, (const char *)data, length);
}
#define PACKAGED(mem, name) packaged(mem, packaging_##name, packaging_##name##_len)

static const char *joined(struct arena *mem, const struct init_list *list, const char *before)
{
	struct text text;

	text_init(&text, mem, TEXT_MAX);
	for (size_t i = 0; i < list->count; i++)
		text_print(&text, "%s%s%s", i ? " " : "", before, list->item[i]);
	return text.failed || !text.data ? "" : text.data;
}

/* A program or file beside this one: as installed below a prefix, or as built. */
static bool find_beside(const char *const *places, const char *name, char out[PATH_MAX])
{
	char folder[PATH_MAX], path[PATH_MAX];
	char *slash;

	process_link(getpid(), "exe", folder, sizeof(folder));
	slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	for (; *places; places++) {
		if (snprintf(path, sizeof(path), "%s/%s/%s", folder, *places, name) <
				(int)sizeof(path) &&
			realpath(path, out))
			return true;
	}
	return false;
}

static bool beside(const char *const *places, const char *name, char out[PATH_MAX])
{
	return find_beside(places, name, out) ||
	       complain("%s is not beside this program: make install", name);
}

/* The folder that holds console/. Where it was not built, the place it would be installed at. */
static const char *console_folder(struct arena *mem)
{
	char path[PATH_MAX];

	if (!find_beside((const char *const[]){ "../share/polder", ".", NULL },
		    "console/index.html", path))
		return "/usr/local/share/polder";
	return arena_copy_n(mem, path, strlen(path) - strlen("/console/index.html"));
}

bool init_program(const char *name, char out[PATH_MAX])
{
	return beside((const char *const[]){ "../sbin", ".", NULL }, name, out);
}

/* ---- configuration */

static void tell_configuration(const struct init *init)
{
	printf("write  /etc/polder/control.conf       protected addresses %s, mitigations of new "
	       "instances %s\n"
	       "write  /etc/polder/agent-%s.conf  interfaces %s%s%s, origins reached from %s\n",
		joined(init->mem, &init->vip, ""),
		strcmp(init->mode.item[0], "monitor") == 0 ? "watch" : "block", init->node.item[0],
		init->wan.item[0], init->lan.count ? ", " : "",
		init->lan.count ? init->lan.item[0] : "", joined(init->mem, &init->origin, ""));
}

static bool write_configuration(struct init *init)
{
	const bool watch = strcmp(init->mode.item[0], "monitor") == 0;
	const char *control = PACKAGED(init->mem, control_conf), *agent;
	const char *path = arena_print(init->mem, "/etc/polder/agent-%s.conf", init->node.item[0]);

	control =
		control ? replace(init->mem, control, "vip-pool = 198.51.100.0/24 2001:db8:1::/120",
				  arena_print(init->mem, "vip-pool = %s",
					  joined(init->mem, &init->vip, "")))
			: NULL;
	/* The key is made here and told once. */
	control = control ? replace(init->mem, control, "\nbootstrap-file", "\n#bootstrap-file")
			  : NULL;
	control = control ? replace(init->mem, control, "#new-instances = block",
				    watch ? "new-instances = watch" : "new-instances = block")
			  : NULL;
	agent = arena_print(init->mem,
		"# Options of polder-agent@%s; see polder-agent(8). The addresses of --source must "
		"be\n"
		"# assigned to an interface of this node.\n"
		"OPTIONS=%s %s %s %s --requests /run/polder-requests --requests-group www-data "
		"--request-log /var/log/polder/requests\n",
		init->node.item[0], joined(init->mem, &init->wan, "--interface "),
		joined(init->mem, &init->lan, "--interface "),
		joined(init->mem, &init->origin, "--source "),
		joined(init->mem, &init->vip, "--protected "));
	return control && agent && path && init_note_server(init) &&
	       journal_folder(&init->journal, "/etc/polder", 0755) &&
	       journal_file(&init->journal, "/etc/polder/control.conf", 0644, control) &&
	       journal_file(&init->journal, path, 0644, agent);
}

/* ---- the web servers */

static void tell_servers(const struct init *init)
{
	printf("make   /etc/polder/api.key, api.crt   a self-signed certificate for %s\n"
	       "write  /etc/nginx/conf.d/polder-api.conf  the API, port %s\n"
	       "write  /etc/polder/nginx-console.conf the console, at /console/\n"
	       "write  /etc/polder/nginx-edge.conf    web sites of the node\n",
		init->name.item[0], init->listen.item[0]);
}

static bool write_edge(struct init *init)
{
	const char *text = PACKAGED(init->mem, nginx_edge_conf);
	char module[PATH_MAX];

	if (!text || !beside((const char *const[]){ "../lib/polder", ".", NULL },
			     "ngx_http_polder_module.so", module))
		return false;
	text = replace(init->mem, text, "modules/ngx_http_polder_module.so", module);
	return text && journal_file(&init->journal, "/etc/polder/nginx-edge.conf", 0644, text);
}

static bool write_servers(struct init *init)
{
	const char *key, *certificate, *console, *text = PACKAGED(init->mem, nginx_api_conf);

	if (!text || !certificate_make(
			     init->mem, init->name.item[0], &key, &certificate, &init->fingerprint))
		return false;
	text = replace(init->mem, text, "api.example.com", init->name.item[0]);
	text = text ? replace(init->mem, text, "443 ssl",
			      arena_print(init->mem, "%s ssl", init->listen.item[0]))
		    : NULL;
	console = console_folder(init->mem);
	text = text && console ? replace(init->mem, text, "/usr/local/share/polder", console)
			       : NULL;
	console = PACKAGED(init->mem, nginx_console_conf);
	return text && console && journal_file(&init->journal, "/etc/polder/api.key", 0600, key) &&
	       journal_file(&init->journal, "/etc/polder/api.crt", 0644, certificate) &&
	       write_edge(init) &&
	       journal_file(&init->journal, "/etc/polder/nginx-console.conf", 0644, console) &&
	       journal_file(&init->journal, "/etc/nginx/conf.d/polder-api.conf", 0644, text);
}

/* ---- units and switches */

static const struct {
	const char *name;
	const unsigned char *data;
	const unsigned *length;
	const char *program; /* NULL: none of ours */
} units[] = {
	{ "polder-control.service", packaging_control_service, &packaging_control_service_len,
		"polder-control" },
	{ "polder-agent@.service", packaging_agent_service, &packaging_agent_service_len,
		"polder-agent" },
	{ "polder-edge.service", packaging_edge_service, &packaging_edge_service_len, NULL },
};
#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

static const char switches_text[] = "# What the packet path needs of the host.\n"
				    "net.ipv4.ip_forward = 1\n"
				    "net.ipv6.conf.all.forwarding = 1\n";
static void tell_units(const struct init *init)
{
	(void)init;
	printf("write  %s   polder-control, polder-agent@, polder-edge\n"
	       "write  /etc/sysctl.d/60-polder.conf   forwarding of IPv4 and IPv6\n",
		UNITS);
}

static bool write_unit(struct init *init, size_t i)
{
	const char *text = packaged(init->mem, units[i].data, *units[i].length);
	const char *path = arena_print(init->mem, "%s%s", UNITS, units[i].name);
	char program[PATH_MAX];

	if (text && units[i].program) {
		if (!init_program(units[i].program, program))
			return false;
		text = replace(init->mem, text,
			arena_print(init->mem, "%s/%s", PACKAGED_PROGRAM, units[i].program),
			program);
	}
	return text && path && journal_file(&init->journal, path, 0644, text);
}

static bool write_units(struct init *init)
{
	for (size_t i = 0; i < UNIT_COUNT; i++)
		if (!write_unit(init, i))
			return false;
	return journal_file(&init->journal, "/etc/sysctl.d/60-polder.conf", 0644, switches_text);
}

/* ---- the first key */

static void tell_key(const struct init *init)
{
	(void)init;
	printf("make   %s                the store, its key and the first access key\n"
	       "                                      (polder-control runs for a moment, "
	       "unreachable)\n",
		STATE);
}

/* Waits until the file is there, the control ended, or the time is over. */
static bool wait_for_key(pid_t pid, const char *file, const char *socket, bool *ended)
{
	const int64_t until = clock_monotonic_ms() + CONTROL_LIMIT_MS;

	while (clock_monotonic_ms() < until) {
		/* The socket comes last: then all is written. */
		if (access(file, R_OK) == 0 && access(socket, F_OK) == 0)
			return true;
		if (waitpid(pid, NULL, WNOHANG) == pid) {
			*ended = true;
			return false;
		}
		sleep_ms(20);
	}
	return false;
}

static bool run_control(struct init *init, const char *const *argument, const char *file,
	const char *socket, const char *log)
{
	const pid_t parent = getpid();
	bool ended = false, good;
	pid_t pid;

	(void)init;
	(void)fflush(NULL);
	pid = fork();
	if (pid < 0)
		return complain("fork: %s", strerror(errno));
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent || !freopen(log, "we", stderr))
			_exit(126);
		(void)execv(argument[0], (char *const *)(const void *)argument);
		_exit(127);
	}
	good = wait_for_key(pid, file, socket, &ended);
	if (!ended) {
		(void)kill(pid, SIGTERM);
		(void)waitpid(pid, NULL, 0);
	}
	if (!good) {
		complain("polder-control does not start:");
		tail_print(log, 15);
	}
	return good;
}

static bool read_key(struct init *init, const char *file)
{
	AUTO(document) json_t *keys = json_load_file(file, 0, NULL);

	init->key_id = arena_copy(init->mem, action_text(keys, "access_key_id"));
	init->key_secret = arena_copy(init->mem, action_text(keys, "access_key_secret"));
	(void)unlink(file);
	return (init->key_id && init->key_secret && *init->key_id) ||
	       complain("polder-control made no access key");
}

static const char *rooted(struct init *init, const char *path)
{
	return arena_print(init->mem, "%s%s", init->journal.root, path);
}

static bool make_key(struct init *init)
{
	char folder[PATH_MAX], program[PATH_MAX];
	const char *file = rooted(init, FIRST_KEY), *socket, *log;
	bool good;

	if (!init_program("polder-control", program) || !journal_state(&init->journal, STATE, 0700))
		return false;
	journal_path(&init->journal, JOURNAL_FOLDER "/run", folder);
	if (strlen(folder) + sizeof("/node") > sizeof(((struct sockaddr_un *)0)->sun_path))
		return complain("--root: a path too long for sockets");
	if (mkdir(folder, 0700) != 0)
		return complain("make %s: %s", folder, strerror(errno));
	socket = arena_print(init->mem, "%s/api", folder);
	log = arena_print(init->mem, "%s/log", folder);
	good = file && socket && log &&
	       run_control(init,
		       (const char *const[]){ program, "--config",
			       rooted(init, "/etc/polder/control.conf"), "--socket", socket,
			       "--node-socket", arena_print(init->mem, "%s/node", folder),
			       "--database",
			       arena_print(init->mem, "sqlite:%s%s/control.db", init->journal.root,
				       STATE),
			       "--key-file", rooted(init, STATE "/control.key"), "--nonce-file",
			       rooted(init, STATE "/control.nonces"), "--bootstrap-file", file,
			       NULL },
		       file, socket, log);
	good = good && read_key(init, file);
	tree_remove(folder);
	return good;
}

const char *init_url(struct init *init)
{
	const bool usual = strcmp(init->listen.item[0], "443") == 0;
	const bool ipv6 = strchr(init->name.item[0], ':') != NULL;
	const char *url =
		arena_print(init->mem, "https://%s%s%s%s%s/", ipv6 ? "[" : "", init->name.item[0],
			ipv6 ? "]" : "", usual ? "" : ":", usual ? "" : init->listen.item[0]);

	return url ? url : "";
}

const struct init_step init_steps[] = {
	{ tell_configuration, write_configuration },
	{ tell_servers, write_servers },
	{ tell_units, write_units },
	{ tell_key, make_key },
	{ init_tell_start, init_start },
};
const size_t init_step_count = sizeof(init_steps) / sizeof(init_steps[0]);
