/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Knot DNS through its control protocol; the only file that includes libknot. A command is one data
 * unit and the end of a block; the reply is any number of units up to the end of a block. A unit may
 * carry an error and still be followed by others, so a reply is always read to its end and the first
 * error is kept.
 *
 * Subtle: knotd answers one connection at a time and leaves a transaction open when its connection
 * ends. Closing therefore aborts, and beginning aborts what a control that was killed left behind.
 * A further record of the name and type last seen comes as an "extra" unit with its data alone.
 */
#include "control/dns/dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libknot/libknot.h>

#include "base/text.h"

/* A healthy server answers in microseconds, a commit to a zone of 100,000 names takes less than 100 ms;
 * and no longer than this may the end of the control be held up. */
#define ANSWER_MS 2000

struct dns_server {
	knot_ctl_t *control;
	const struct dns_place *place;
	char *why;
	bool transaction;
	bool broken; /* out of step with the server: no more commands */
};

/* What a command's reply brings, and where it goes. */
struct reply {
	struct dns_server *server;
	dns_seen seen; /* NULL: nothing is expected */
	void *context;
	char error[DNS_WHY_SIZE];
	char label[DNS_LABEL_SIZE], type[16];
	int64_t ttl_s;
	bool named;   /* label, type and ttl_s are those of the last data unit */
	bool stopped; /* seen wanted no more */
};

static enum err unavailable(struct dns_server *server, const char *doing, const char *reason)
{
	(void)snprintf(server->why, DNS_WHY_SIZE, "%.40s: %.110s", doing, reason);
	return ERR_UNAVAILABLE;
}

/* "name.zone." -> "name", "zone." -> "". false: not a name directly below the zone. */
static bool owner_label(const char *owner, const char *zone, char out[DNS_LABEL_SIZE])
{
	size_t size = strlen(owner), zone_size = strlen(zone), label_size;

	if (size > 0 && owner[size - 1] == '.')
		size--;
	if (size < zone_size || strncasecmp(owner + size - zone_size, zone, zone_size) != 0)
		return false;
	label_size = size - zone_size;
	if (label_size > 0 && owner[--label_size] != '.')
		return false;
	if (label_size >= DNS_LABEL_SIZE || memchr(owner, '.', label_size))
		return false;
	memcpy(out, owner, label_size);
	out[label_size] = '\0';
	return true;
}

/* Takes over who the record is about. */
static void take_name(struct reply *reply, const char *const *data)
{
	const char *owner = data[KNOT_CTL_IDX_OWNER], *type = data[KNOT_CTL_IDX_TYPE];
	const char *ttl = data[KNOT_CTL_IDX_TTL];

	reply->named = owner && type && ttl && strlen(type) < sizeof(reply->type) &&
		       owner_label(owner, reply->server->place->zone, reply->label) &&
		       text_to_int(ttl, &reply->ttl_s);
	if (reply->named)
		(void)snprintf(reply->type, sizeof(reply->type), "%s", type);
}

static void take_unit(struct reply *reply, knot_ctl_type_t type, const char *const *data)
{
	if (data[KNOT_CTL_IDX_ERROR] && reply->error[0] == '\0')
		(void)snprintf(reply->error, sizeof(reply->error), "%s", data[KNOT_CTL_IDX_ERROR]);
	if (!reply->seen || reply->stopped)
		return;
	if (type == KNOT_CTL_TYPE_DATA)
		take_name(reply, data);
	if (reply->named && data[KNOT_CTL_IDX_DATA])
		reply->stopped = !reply->seen(reply->context, reply->label, reply->type,
			reply->ttl_s, data[KNOT_CTL_IDX_DATA]);
}

/* Reads to the end of the block, whatever it holds: the next reply begins behind it. */
static int read_reply(struct reply *reply)
{
	knot_ctl_data_t data;
	knot_ctl_type_t type;
	int code;

	do {
		code = knot_ctl_receive(reply->server->control, &type, &data);
		if (code == KNOT_EOK && (type == KNOT_CTL_TYPE_DATA || type == KNOT_CTL_TYPE_EXTRA))
			take_unit(reply, type, data);
	} while (code == KNOT_EOK && type != KNOT_CTL_TYPE_BLOCK && type != KNOT_CTL_TYPE_END);
	return code;
}

/* Sends one command and reads its reply. The server's own refusal is in reply->error. */
static enum err command(struct dns_server *server, knot_ctl_data_t *data, struct reply *reply)
{
	const char *name = (*data)[KNOT_CTL_IDX_CMD];
	int code;

	reply->server = server;
	if (server->broken)
		return ERR_UNAVAILABLE;
	(*data)[KNOT_CTL_IDX_ZONE] = server->place->zone;
	code = knot_ctl_send(server->control, KNOT_CTL_TYPE_DATA, data);
	if (code == KNOT_EOK)
		code = knot_ctl_send(server->control, KNOT_CTL_TYPE_BLOCK, NULL);
	if (code == KNOT_EOK)
		code = read_reply(reply);
	if (code != KNOT_EOK) {
		server->broken = true;
		return unavailable(server, name, knot_strerror(code));
	}
	if (reply->stopped)
		return unavailable(server, name, "reading was given up");
	return OK;
}

/* A command that must succeed and brings nothing. */
static enum err order(struct dns_server *server, knot_ctl_data_t *data)
{
	struct reply reply = { 0 };

	TRY(command(server, data, &reply));
	if (reply.error[0] != '\0')
		return unavailable(server, (*data)[KNOT_CTL_IDX_CMD], reply.error);
	return OK;
}

static enum err order_plain(struct dns_server *server, const char *name)
{
	knot_ctl_data_t data = { [KNOT_CTL_IDX_CMD] = name };

	return order(server, &data);
}

static void knot_close(struct dns_server *server)
{
	if (!server)
		return;
	if (server->transaction)
		(void)order_plain(server, "zone-abort");
	if (!server->broken)
		(void)knot_ctl_send(server->control, KNOT_CTL_TYPE_END, NULL);
	knot_ctl_close(server->control);
	knot_ctl_free(server->control);
	free(server);
}

static enum err knot_open(
	const struct dns_place *place, char why[DNS_WHY_SIZE], struct dns_server **out)
{
	struct dns_server *server = calloc(1, sizeof(*server));
	enum err err;
	int code;

	if (!server)
		return ERR_MEMORY;
	server->place = place;
	server->why = why;
	server->control = knot_ctl_alloc();
	if (!server->control) {
		free(server);
		return ERR_MEMORY;
	}
	knot_ctl_set_timeout(server->control, ANSWER_MS);
	code = knot_ctl_connect(server->control, place->socket);
	if (code == KNOT_EOK) {
		*out = server;
		return OK;
	}
	server->broken = true;
	err = unavailable(server, "connect", knot_strerror(code));
	knot_close(server);
	return err;
}

static enum err knot_read(
	struct dns_server *server, const char *label, dns_seen seen, void *context)
{
	struct reply reply = { .seen = seen, .context = context };
	knot_ctl_data_t data = {
		[KNOT_CTL_IDX_CMD] = server->transaction ? "zone-get" : "zone-read",
		[KNOT_CTL_IDX_OWNER] = label,
	};

	TRY(command(server, &data, &reply));
	/* A name that is not there is an error to the server, and an empty answer here. */
	if (reply.error[0] != '\0' && !(label && strstr(reply.error, knot_strerror(KNOT_ENONODE))))
		return unavailable(server, data[KNOT_CTL_IDX_CMD], reply.error);
	return OK;
}

static enum err knot_begin(struct dns_server *server)
{
	enum err err = order_plain(server, "zone-begin");

	if (err != OK && !server->broken && order_plain(server, "zone-abort") == OK)
		err = order_plain(server, "zone-begin");
	server->transaction = err == OK;
	return err;
}

static enum err knot_remove(struct dns_server *server, const char *label)
{
	struct reply reply = { 0 };
	knot_ctl_data_t data = {
		[KNOT_CTL_IDX_CMD] = "zone-unset",
		[KNOT_CTL_IDX_OWNER] = label,
	};

	TRY(command(server, &data, &reply));
	if (reply.error[0] != '\0' && !strstr(reply.error, knot_strerror(KNOT_ENONODE)))
		return unavailable(server, "zone-unset", reply.error);
	return OK;
}

static enum err knot_set(
	struct dns_server *server, const char *label, const struct dns_records *records)
{
	char ttl[24];

	if (!records->fresh && !records->further)
		TRY(knot_remove(server, label));
	(void)snprintf(ttl, sizeof(ttl), "%lld", (long long)records->ttl_s);
	for (size_t i = 0; i < records->count; i++) {
		knot_ctl_data_t data = {
			[KNOT_CTL_IDX_CMD] = "zone-set",
			[KNOT_CTL_IDX_OWNER] = label,
			[KNOT_CTL_IDX_TTL] = ttl,
			[KNOT_CTL_IDX_TYPE] = records->type,
			[KNOT_CTL_IDX_DATA] = records->data[i],
		};

		TRY(order(server, &data));
	}
	return OK;
}

static enum err knot_commit(struct dns_server *server)
{
	enum err err = order_plain(server, "zone-commit");

	if (err == OK)
		server->transaction = false;
	return err;
}

const struct dns_driver dns_knot = {
	.open = knot_open,
	.close = knot_close,
	.read = knot_read,
	.begin = knot_begin,
	.set = knot_set,
	.remove = knot_remove,
	.commit = knot_commit,
};
