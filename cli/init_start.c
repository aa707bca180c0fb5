/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last step of an installation: starting it. Somebody may also start it later by hand, so that what undoing has to know of units
 * is written into the journal either way. Started is what answers: a signed call over TLS whose reply shows the node up to date has
 * been through nginx, the control, the agent and the packet path.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "cli/action_list.h"
#include "cli/cli.h"
#include "cli/init.h"
#include "cli/process.h"
#include "cli/request.h"

#define ANSWER_LIMIT_MS 90000 /* a slow machine takes a minute to verify the packet programs */
#define CALL_LIMIT_MS	5000
#define NGINX		"nginx.service"

DEFINE_AUTO(document, json_t *, json_decref);

static const struct {
	const char *path, *value;
} switches[] = { { "/proc/sys/net/ipv4/ip_forward", "1\n" },
	{ "/proc/sys/net/ipv6/conf/all/forwarding", "1\n" } };
#define SWITCH_COUNT (sizeof(switches) / sizeof(switches[0]))

/* What units make when they run, as packaging/systemd says. */
static const char *const made_later[] = { "/run/polder", "/run/polder-edge", "/run/polder-requests",
	"/var/log/polder", "/var/cache/polder-edge" };

#define UNIT_COUNT 3
static bool unit_names(struct init *init, const char *out[UNIT_COUNT])
{
	out[0] = "polder-control.service";
	out[1] = arena_print(init->mem, "polder-agent@%s.service", init->node.item[0]);
	out[2] = "polder-edge.service";
	return out[1] != NULL;
}

/* Of an image nothing runs here. */
static bool is_image(const struct init *init)
{
	return *init->journal.root != '\0';
}

bool init_note_server(struct init *init)
{
	return is_image(init) || journal_server(&init->journal, NGINX);
}

void init_tell_start(const struct init *init)
{
	if (init->start)
		printf("START  polder-control, polder-agent@%s, polder-edge; nginx reads its "
		       "configuration again\n",
			init->node.item[0]);
	else
		printf("       nothing is started\n");
}

/* Undone from the last to the first: units end, then the agent's programs are taken off, then what is left is removed. */
static bool note_all(struct init *init, const char *const unit[UNIT_COUNT])
{
	char agent[PATH_MAX];
	bool good = init_program("polder-agent", agent);

	for (size_t i = 0; good && i < SWITCH_COUNT; i++)
		good = journal_switch(&init->journal, switches[i].path);
	for (size_t i = 0; good && i < sizeof(made_later) / sizeof(made_later[0]); i++)
		good = journal_later(&init->journal, made_later[i]);
	good = good && journal_attached(&init->journal, agent);
	for (size_t i = 0; good && i < UNIT_COUNT; i++)
		good = journal_unit(&init->journal, unit[i]);
	return good;
}

static bool systemctl(const char *verb, const char *unit)
{
	return process_run((const char *const[]){ "systemctl", "-q", verb, unit, NULL }, NULL,
		       false) == 0;
}

static bool is_current(struct init *init, struct arena *mem, const char **why)
{
	const struct endpoint endpoint = { .url = init_url(init),
		.key_id = init->key_id,
		.secret = init->key_secret,
		.ca_file = "/etc/polder/api.crt",
		.connect_to = "::127.0.0.1:",
		.timeout_ms = CALL_LIMIT_MS };
	AUTO(document)
	json_t *reply = request_json(mem, &endpoint, why, "2026-11-01", "DescribeNodes", NULL);

	if (!reply)
		return false;
	*why = "the node has not come yet";
	return json_is_true(
		json_object_get(json_array_get(json_object_get(reply, "Nodes"), 0), "UpToDate"));
}

static bool wait_for_answer(struct init *init)
{
	const int64_t until = clock_monotonic_ms() + ANSWER_LIMIT_MS;
	const char *why = "memory is out";
	bool good = false;

	while (!good && clock_monotonic_ms() < until) {
		struct arena *mem = arena_new(1 << 20);

		good = mem && is_current(init, mem, &why);
		why = good ? "" : arena_copy(init->mem, why);
		arena_free(mem);
		if (!good)
			sleep_ms(200);
	}
	return good || complain("%s: journalctl -u polder-control -u polder-agent@%s -u nginx "
				"tells more",
			       why ? why : "no answer", init->node.item[0]);
}

bool init_start(struct init *init)
{
	const char *unit[UNIT_COUNT];

	if (is_image(init))
		return true;
	if (!unit_names(init, unit) || !note_all(init, unit))
		return false;
	if (!init->start)
		return true;
	for (size_t i = 0; i < SWITCH_COUNT; i++)
		if (!file_set(switches[i].path, switches[i].value))
			return false;
	(void)process_run((const char *const[]){ "systemctl", "daemon-reload", NULL }, NULL, false);
	for (size_t i = 0; i < UNIT_COUNT; i++)
		if (!systemctl("enable", unit[i]) || !systemctl("start", unit[i]))
			return complain(
				"%s does not start: journalctl -u %s tells why", unit[i], unit[i]);
	if (!systemctl("enable", NGINX) || !systemctl("reload-or-restart", NGINX))
		return complain("nginx does not take its configuration: nginx -t tells why");
	return wait_for_answer(init);
}
