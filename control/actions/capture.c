/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Captures: what packets to an instance looked like, with the reason each ended by. Nodes copy the first bytes of
 * packets whose reason is asked for, until there are enough or the time is over; they look for one capture at a
 * time, so that there is one at a time here. Packets are kept in memory for an hour.
 */
#include "control/call.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/actions/tables.h"
#include "control/engine/inbox.h"
#include "control/store/policy.h"

#define SECONDS_MAX	600
#define SECONDS_DEFAULT 60
#define PACKETS_DEFAULT 100
#define NANOSECONDS_MS	INT64_C(1000000)

static const char *const reason_names[REASON_COUNT] = {
#define REASON(name, verdict, text) #name,
#include "shared/reasons.def"
#undef REASON
};
static_assert(REASON_COUNT <= 64, "reasons of a capture are 64 bits");

struct start {
	const char *id;
	struct text_list reasons;
	int64_t packets, seconds;
};
static const struct param start_params[] = {
	PARAM_INSTANCE_ID(start, .required = true),
	PARAM(start, reasons, "Reasons", .kind = PARAM_TEXT_LIST, .max = REASON_COUNT,
		.item_max = 32,
		.help = "reasons to look for, as DescribeReasons names them; without: all that "
			"drop"),
	PARAM(start, packets, "Packets", .kind = PARAM_INT, .empty_is_absent = true, .min = 1,
		.max = CAPTURE_PACKETS, .fallback = PACKETS_DEFAULT, .help = "packets to keep"),
	PARAM(start, seconds, "Seconds", .kind = PARAM_INT, .empty_is_absent = true, .min = 1,
		.max = SECONDS_MAX, .fallback = SECONDS_DEFAULT, .help = "time to look for them"),
	PARAM_ROW_END,
};

static enum err read_reasons(struct call *call, const struct text_list *names, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < names->count; i++) {
		unsigned reason = 0;
		while (reason < REASON_COUNT && strcmp(reason_names[reason], names->item[i]) != 0)
			reason++;
		if (reason == REASON_COUNT)
			return refuse(call, ERR_INVALID_PARAMETER,
				"Reasons: no reason is named %s.", names->item[i]);
		*out |= UINT64_C(1) << reason;
	}
	for (unsigned i = REASON_DROP_FIRST; names->count == 0 && i < REASON_COUNT; i++)
		*out |= UINT64_C(1) << i;
	return OK;
}

static enum err check_none_runs(struct call *call)
{
	struct capture_row running;
	enum err err = capture_newest(call->db, 0, &running);
	if (err == ERR_NOT_FOUND)
		return OK;
	TRY(err);
	return call->clock_ms < running.until_ms ? ERR_CAPTURE_RUNS : OK;
}

static enum err start_run(struct call *call, const void *raw)
{
	const struct start *args = raw;
	struct capture_row capture;
	struct instance instance;
	TRY(call_instance(call, args->id, &instance));
	capture = (struct capture_row){
		.instance_number = instance.number,
		.packets = args->packets,
		.from_ms = call->clock_ms,
		.until_ms = call->clock_ms + args->seconds * SECOND_MS,
	};
	TRY(read_reasons(call, &args->reasons, &capture.reasons));
	TRY(check_none_runs(call));
	TRY(capture_insert(call->db, &capture));
	TRY(put_int(call->reply, "CaptureId", capture.number));
	return put_int(call->reply, "EndTime", capture.until_ms);
}

struct stop {
	const char *id;
	int64_t page_number, page_size;
};
static const struct param stop_params[] = {
	PARAM_INSTANCE_ID(stop, .required = true),
	PARAM_ROW_END,
};
static const struct param describe_params[] = {
	PARAM_INSTANCE_ID(stop, .required = true),
	PARAM_PAGE_NUMBER(stop),
	PARAM_PAGE_SIZE(stop, LIST_PAGE_MAX, LIST_PAGE_MAX),
	PARAM_ROW_END,
};

static enum err newest(struct call *call, const char *id, struct capture_row *out)
{
	struct instance instance;
	TRY(call_instance(call, id, &instance));
	enum err err = capture_newest(call->db, instance.number, out);
	return err == ERR_NOT_FOUND ? ERR_CAPTURE_NOT_FOUND : err;
}

static enum err stop_run(struct call *call, const void *raw)
{
	const struct stop *args = raw;
	struct capture_row capture;
	TRY(newest(call, args->id, &capture));
	return capture_stop(call->db, &capture, call->clock_ms);
}

static enum err put_packet(json_t *list, const struct record_sample *packet)
{
	char frame[BASE64_TEXT_SIZE(SAMPLE_BYTES)];
	json_t *item = json_object();
	uint32_t reason = packet->reason & ~REASON_WATCHED;
	TRY(add(list, item));
	text_base64(packet->frame, packet->captured, frame);
	TRY(put_int(item, "Time", packet->time_ns / NANOSECONDS_MS));
	TRY(put_text(item, "Reason", reason_names[reason]));
	TRY(put(item, "Watched", json_boolean(packet->reason & REASON_WATCHED)));
	TRY(put_int(item, "Length", packet->length));
	return put_text(item, "Frame", frame);
}

static enum err describe_run(struct call *call, const void *raw)
{
	const struct stop *args = raw;
	size_t count, total, offset = (size_t)page_offset(args->page_number, args->page_size);
	struct record_sample *packets;
	struct capture_row capture;
	json_t *list;
	TRY(newest(call, args->id, &capture));
	packets = inbox_samples(nodes_inbox(call->nodes), call->mem, capture.number, offset,
		(size_t)args->page_size, &count, &total);
	if (!packets)
		return ERR_MEMORY;
	TRY(put_int(call->reply, "CaptureId", capture.number));
	TRY(put_int(call->reply, "StartTime", capture.from_ms));
	TRY(put_int(call->reply, "EndTime", capture.until_ms));
	TRY(put(call->reply, "Running",
		json_boolean(
			call->clock_ms < capture.until_ms && total < (size_t)capture.packets)));
	TRY(put_int(call->reply, "TotalCount", (int64_t)total));
	TRY(put_list(call->reply, "Packets", &list));
	for (size_t i = 0; i < count; i++)
		TRY(put_packet(list, &packets[i]));
	return OK;
}

static const struct reply_list packet_lists[] = { { "Packets", "Packet" }, { NULL, NULL } };

const struct action capture_actions[] = {
	{ VERSION_POLDER, "StartCapture", WRITE, PERMISSION_FULL, start_params,
		sizeof(struct start), start_run, NULL,
		"keeps packets to an instance, with the reason that each ended by", 0 },
	{ VERSION_POLDER, "StopCapture", WRITE, PERMISSION_FULL, stop_params, sizeof(struct stop),
		stop_run, NULL, "ends the newest capture of an instance", 0 },
	{ VERSION_POLDER, "DescribeCapture", READ, PERMISSION_READ, describe_params,
		sizeof(struct stop), describe_run, packet_lists,
		"shows the packets of the newest capture of an instance, for an hour", 0 },
	{ 0 },
};
