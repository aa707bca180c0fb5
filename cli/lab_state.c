/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a lab remembers: lab.json (written by `lab up`: nodes, port, cookies of the
 * namespaces; at its end, that it came there) and pids.json (rewritten by the supervisor at every start and end of a program). The folder
 * can be entered by all, since the unprivileged programs have theirs in it; what is secret is
 * readable by its owner alone.
 */
#include "cli/lab.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/process.h"

#define API_PORT_DEFAULT 8080

static bool name_is_valid(const char *name)
{
	const size_t length = strlen(name);

	if (length == 0 || length >= LAB_NAME_SIZE)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!islower((unsigned char)name[i]) && !isdigit((unsigned char)name[i]) &&
			name[i] != '-')
			return false;
	return true;
}

bool lab_settings(struct lab *lab)
{
	const char *name = getenv("POLDER_LAB_NAME");
	const char *port = getenv("POLDER_API_PORT");
	int64_t number = API_PORT_DEFAULT;
	char *slash;

	memset(lab, 0, sizeof(*lab));
	if (name && !name_is_valid(name))
		return complain("POLDER_LAB_NAME: 1 to %d lower-case letters, digits, dashes",
			LAB_NAME_SIZE - 1);
	if (port && (!text_to_int(port, &number) || number < 1 || number > 65535))
		return complain("POLDER_API_PORT: 1..65535");
	(void)snprintf(lab->name, sizeof(lab->name), "%s", name ? name : "polder");
	(void)snprintf(lab->directory, sizeof(lab->directory), "/run/%s-lab", lab->name);
	lab->api_port = (int)number;
	lab->node_count = 1;
	process_link(getpid(), "exe", lab->binaries, sizeof(lab->binaries));
	slash = strrchr(lab->binaries, '/');
	if (!slash)
		return complain("cannot tell where this program lies");
	*slash = '\0';
	return true;
}

void lab_role_name(int role, char out[16])
{
	static const char *const name[] = { "client", "attacker", "origin", "node" };

	if (role <= LAB_NODE)
		(void)snprintf(out, 16, "%s", name[role]);
	else
		(void)snprintf(out, 16, "node%d", role - LAB_NODE + 1);
}

void lab_namespace(const struct lab *lab, int role, char out[64])
{
	char name[16];

	lab_role_name(role, name);
	(void)snprintf(out, 64, "%s-%s", lab->name, name);
}

bool lab_has_role(const struct lab *lab, int role)
{
	return role >= 0 && role < LAB_NODE + lab->node_count;
}

void lab_path(const struct lab *lab, const char *file, char out[PATH_MAX])
{
	(void)snprintf(out, PATH_MAX, "%s/%s", lab->directory, file);
}

bool lab_save(const struct lab *lab)
{
	json_t *state = json_pack("{s:i, s:i, s:b, s:b, s:b, s:{}}", "nodes", lab->node_count,
		"api_port", lab->api_port, "acme", lab->acme, "databases", lab->databases,
		"complete", lab->complete, "namespaces");
	char path[PATH_MAX], role[16];
	char *text;
	bool saved;

	for (int i = 0; i < LAB_ROLE_COUNT; i++) {
		lab_role_name(i, role);
		if (lab->cookie[i])
			(void)json_object_set_new(json_object_get(state, "namespaces"), role,
				json_integer((json_int_t)lab->cookie[i]));
	}
	text = json_dumps(state, JSON_INDENT(1));
	json_decref(state);
	if (!text)
		return complain("memory is out");
	lab_path(lab, "lab.json", path);
	saved = file_write(path, 0600, text, strlen(text));
	free(text);
	return saved;
}

static json_t *load_json(const struct lab *lab, const char *file)
{
	char path[PATH_MAX];

	lab_path(lab, file, path);
	return json_load_file(path, 0, NULL);
}

bool lab_load(struct lab *lab)
{
	json_t *state = load_json(lab, "lab.json");
	char role[16];

	if (!state)
		return false;
	lab->node_count = (int)json_integer_value(json_object_get(state, "nodes"));
	lab->api_port = (int)json_integer_value(json_object_get(state, "api_port"));
	lab->acme = json_is_true(json_object_get(state, "acme"));
	lab->databases = json_is_true(json_object_get(state, "databases"));
	lab->complete = json_is_true(json_object_get(state, "complete"));
	for (int i = 0; i < LAB_ROLE_COUNT; i++) {
		lab_role_name(i, role);
		lab->cookie[i] = (uint64_t)json_integer_value(
			json_object_get(json_object_get(state, "namespaces"), role));
	}
	json_decref(state);
	return lab->node_count >= 1 && lab->node_count <= LAB_NODE_MAX;
}

json_t *lab_pids(const struct lab *lab)
{
	return load_json(lab, "pids.json");
}

/* A pid alone proves nothing after a crash: the process must also be this program at work in the lab's
 * folder. */
pid_t lab_supervisor_pid(const struct lab *lab)
{
	json_t *pids = lab_pids(lab);
	const pid_t pid = (pid_t)json_integer_value(json_object_get(pids, "supervisor"));
	char folder[PATH_MAX];

	json_decref(pids);
	if (pid <= 0)
		return 0;
	process_link(pid, "cwd", folder, sizeof(folder));
	return strcmp(folder, lab->directory) == 0 ? pid : 0;
}

bool lab_endpoint_of(const struct lab *lab, struct arena *mem, struct endpoint *out)
{
	json_t *keys = load_json(lab, "control/bootstrap.json");
	const char *id = json_string_value(json_object_get(keys, "access_key_id"));
	const char *secret = json_string_value(json_object_get(keys, "access_key_secret"));

	memset(out, 0, sizeof(*out));
	if (id && secret) {
		out->url = arena_print(mem, "http://127.0.0.1:%d/", lab->api_port);
		out->key_id = arena_copy(mem, id);
		out->secret = arena_copy(mem, secret);
	}
	json_decref(keys);
	return out->url && out->key_id && out->secret;
}

bool lab_user_of(const struct lab *lab, struct arena *mem, const char **name, const char **password)
{
	json_t *keys = load_json(lab, "control/bootstrap.json");
	const char *user = json_string_value(json_object_get(keys, "user"));
	const char *word = json_string_value(json_object_get(keys, "password"));

	*name = user ? arena_copy(mem, user) : NULL;
	*password = word ? arena_copy(mem, word) : NULL;
	json_decref(keys);
	return *name && *password;
}

bool lab_endpoint(struct arena *mem, struct endpoint *out)
{
	struct lab lab;

	return lab_settings(&lab) && lab_load(&lab) && lab_endpoint_of(&lab, mem, out);
}
