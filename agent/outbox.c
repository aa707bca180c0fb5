/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two arrays, filled at the end and emptied at the front. What a report carries is at the front, so what comes
 * in while the report is under way does not get lost between the two. A report that was accepted without
 * the node hearing of it is sent twice: an offence names one source and a moment, which the control enters once.
 */
#include "agent/outbox.h"

#include <stdlib.h>
#include <string.h>

struct outbox {
	struct packets *packets;
	struct record_offence offence[OUTBOX_OFFENCES];
	struct record_sample sample[OUTBOX_SAMPLES];
	uint32_t offences, samples;
	uint32_t offences_sent, samples_sent;
	int64_t utc_now_ms;
};

static bool take_offence(void *context, const void *data)
{
	struct outbox *outbox = context;
	const struct offence *from = data;

	outbox->offence[outbox->offences++] = (struct record_offence){
		.record = { RECORD_OFFENCE, sizeof(struct record_offence), from->instance },
		.source = from->source,
		.service = from->service,
		.mitigation = from->mitigation,
		.until_ms = outbox->utc_now_ms + (int64_t)from->seconds * 1000,
	};
	return outbox->offences < OUTBOX_OFFENCES;
}

static bool take_sample(void *context, const void *data)
{
	struct outbox *outbox = context;
	const struct packet_sample *from = data;
	struct record_sample *to = &outbox->sample[outbox->samples];

	/* Nobody asked, or not any more. */
	if (from->capture == 0 || from->captured > SAMPLE_BYTES)
		return true;
	memset(to, 0, sizeof(*to));
	to->record = (struct record){ RECORD_SAMPLE, sizeof(*to), from->capture };
	to->time_ns = from->time_ns;
	to->instance = from->instance;
	to->reason = from->reason;
	to->length = from->length;
	to->captured = from->captured;
	memcpy(to->frame, from->frame, from->captured);
	return ++outbox->samples < OUTBOX_SAMPLES;
}

bool outbox_fill(struct outbox *outbox, int64_t utc_now_ms)
{
	outbox->utc_now_ms = utc_now_ms;
	if (outbox->offences < OUTBOX_OFFENCES)
		packets_take(outbox->packets, PACKET_RING_OFFENCE, take_offence, outbox);
	if (outbox->samples < OUTBOX_SAMPLES)
		packets_take(outbox->packets, PACKET_RING_SAMPLE, take_sample, outbox);
	return outbox->offences + outbox->samples > 0;
}

const struct record_offence *outbox_offences(struct outbox *outbox, uint32_t *count)
{
	*count = outbox->offences_sent = outbox->offences;
	return outbox->offence;
}

const struct record_sample *outbox_samples(struct outbox *outbox, uint32_t *count)
{
	*count = outbox->samples_sent = outbox->samples;
	return outbox->sample;
}

void outbox_sent(struct outbox *outbox, bool accepted)
{
	if (accepted) {
		outbox->offences -= outbox->offences_sent;
		memmove(outbox->offence, outbox->offence + outbox->offences_sent,
			outbox->offences * sizeof(outbox->offence[0]));
		outbox->samples -= outbox->samples_sent;
		memmove(outbox->sample, outbox->sample + outbox->samples_sent,
			outbox->samples * sizeof(outbox->sample[0]));
	}
	outbox->offences_sent = outbox->samples_sent = 0;
}

struct outbox *outbox_new(struct packets *packets)
{
	struct outbox *outbox = calloc(1, sizeof(*outbox));

	if (outbox)
		outbox->packets = packets;
	return outbox;
}

void outbox_free(struct outbox *outbox)
{
	free(outbox);
}
