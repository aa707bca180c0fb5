/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drills of a lab: bounded attacks that the console has a button for. This service sends no packet and may not: it asks the
 * lab's own service on a Unix socket (cli/drill_service.h), which is there when a lab started this control with drill-socket and
 * nowhere else. It is the one place where an action speaks to something outside of the store, so it waits for it no longer than
 * SERVICE_S.
 */
#include "control/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/auto.h"
#include "base/text.h"
#include "control/actions/tables.h"

#define SERVICE_S	  1
#define ANSWER_MAX	  65536
#define DRILL_NAME_BYTES  32
#define DRILL_SECONDS_MAX 60
#define DRILL_PPS_MAX	  1000000

DEFINE_AUTO(document, json_t *, json_decref);
DEFINE_AUTO(letters, char *, free);

/* ---- the lab's service */

static int connect_to(const char *path)
{
	const struct timeval limit = { .tv_sec = SERVICE_S };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0 &&
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0 &&
		connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* Sends the request and reads the answer, which is owned by the caller. */
static enum err exchange(struct call *call, const char *request, json_t **out)
{
	char *text = arena_take(call->mem, ANSWER_MAX);
	size_t length = 0;
	ssize_t got = 1;

	if (!text)
		return ERR_MEMORY;
	AUTO(fd) int fd = connect_to(call->drill_socket);

	if (fd < 0 || send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
		return fail(ERR_UNAVAILABLE, "service of drills at %s: %s", call->drill_socket,
			strerror(errno));
	while (got > 0 && length < ANSWER_MAX) {
		got = recv(fd, text + length, ANSWER_MAX - length, 0);
		length += got > 0 ? (size_t)got : 0;
	}
	*out = json_loadb(text, length, 0, NULL);
	if (!json_is_object(*out)) {
		json_decref(*out);
		return fail(ERR_UNAVAILABLE, "service of drills at %s gives no answer",
			call->drill_socket);
	}
	return OK;
}

/* request is taken over. What the service answers goes into the reply, and what it refuses is a refusal. */
static enum err ask_service(struct call *call, json_t *request)
{
	AUTO(document) json_t *wish = request;
	AUTO(document) json_t *answer = NULL;
	if (!call->drill_socket || !call->drill_socket[0])
		return ERR_DRILL_NOT_OFFERED;
	AUTO(letters) char *text = wish ? json_dumps(wish, JSON_COMPACT) : NULL;
	if (!text)
		return ERR_MEMORY;
	TRY(exchange(call, text, &answer));
	if (json_is_true(json_object_get(answer, "Busy")))
		return ERR_DRILL_RUNS;
	const char *error = json_string_value(json_object_get(answer, "Error"));
	if (error) {
		const char *sentence = arena_copy(call->mem, error);
		return sentence ? refuse(call, ERR_INVALID_PARAMETER, "Drill: %s.", sentence)
				: ERR_MEMORY;
	}
	return json_object_update(call->reply, answer) == 0 ? OK : ERR_MEMORY;
}

static enum err describe_drills_run(struct call *call, const void *raw)
{
	(void)raw;
	return ask_service(call, json_pack("{s:s}", "Do", "list"));
}

static enum err describe_drill_run(struct call *call, const void *raw)
{
	(void)raw;
	return ask_service(call, json_pack("{s:s}", "Do", "state"));
}

static enum err stop_drill_run(struct call *call, const void *raw)
{
	(void)raw;
	call->object = "drill";
	return ask_service(call, json_pack("{s:s}", "Do", "stop"));
}

struct start_drill {
	const char *id, *name;
	int64_t seconds, pps;
};
static const struct param start_drill_params[] = {
	PARAM_INSTANCE_ID(start_drill, .required = true),
	PARAM(start_drill, name, "DrillName", .kind = PARAM_TEXT, .required = true, .min = 1,
		.max = DRILL_NAME_BYTES, .help = "one that DescribeDrills lists"),
	PARAM(start_drill, seconds, "Seconds", .kind = PARAM_INT, .empty_is_absent = true, .min = 1,
		.max = DRILL_SECONDS_MAX, .fallback = 10, .help = "how long it lasts"),
	PARAM(start_drill, pps, "PacketsPerSecond", .kind = PARAM_INT, .empty_is_absent = true,
		.min = 1, .max = DRILL_PPS_MAX, .help = "how fast; the drill's own when absent"),
	PARAM_ROW_END,
};

static enum err start_drill_run(struct call *call, const void *raw)
{
	const struct start_drill *args = raw;
	struct instance instance;
	char vip[ADDRESS_TEXT_SIZE];
	if (!call->drill_socket || !call->drill_socket[0])
		return ERR_DRILL_NOT_OFFERED;
	TRY(call_instance(call, args->id, &instance));
	address_format(instance.vip, vip);
	return ask_service(
		call, json_pack("{s:s, s:s, s:s, s:I, s:I}", "Do", "start", "Name", args->name,
			      "Ip", vip, "Seconds", (json_int_t)args->seconds, "PacketsPerSecond",
			      (json_int_t)args->pps));
}

static const struct reply_list drills_lists[] = { { "Drills", "Drill" }, { NULL, NULL } };

const struct action drill_actions[] = {
	{ VERSION_POLDER, "DescribeDrills", READ, PERMISSION_OPERATOR, no_params, 0,
		describe_drills_run, drills_lists, "lists the drills of a lab", 0 },
	{ VERSION_POLDER, "StartDrill", WRITE, PERMISSION_OPERATOR, start_drill_params,
		sizeof(struct start_drill), start_drill_run, NULL,
		"attacks an instance of a lab, for some seconds", 0 },
	{ VERSION_POLDER, "DescribeDrill", READ, PERMISSION_OPERATOR, no_params, 0,
		describe_drill_run, NULL, "shows the drill that runs, or ran last", 0 },
	{ VERSION_POLDER, "StopDrill", WRITE, PERMISSION_OPERATOR, no_params, 0, stop_drill_run,
		NULL, "ends the drill that runs", 0 },
	{ 0 },
};
