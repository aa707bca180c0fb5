/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two queues of fixed size and a few lists of packets, under one mutex. What is taken is at the front of its
 * queue and stays there until it is done, so that what arrives meanwhile only adds at the end; a refusal
 * that is being written is therefore never extended, a new one is begun.
 */
#include "control/engine/inbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct capture_packets {
	int64_t capture; /* 0: free */
	int64_t last_ms;
	size_t count;
	struct arena *mem; /* of the packets */
	struct record_sample *packet;
};

struct inbox {
	pthread_mutex_t lock;
	size_t offence_count, refusal_count;
	size_t refusal_taken; /* at the front, being written */
	struct record_offence offence[INBOX_OFFENCE_MAX];
	struct refusal refusal[INBOX_REFUSAL_MAX];
	struct capture_packets capture[CAPTURE_MAX];
};

struct inbox *inbox_new(void)
{
	struct inbox *inbox = calloc(1, sizeof(*inbox));

	if (inbox)
		(void)pthread_mutex_init(&inbox->lock, NULL);
	return inbox;
}

void inbox_free(struct inbox *inbox)
{
	if (!inbox)
		return;
	for (size_t i = 0; i < CAPTURE_MAX; i++)
		arena_free(inbox->capture[i].mem);
	(void)pthread_mutex_destroy(&inbox->lock);
	free(inbox);
}

static void lock(struct inbox *inbox)
{
	(void)pthread_mutex_lock(&inbox->lock);
}

static void unlock(struct inbox *inbox)
{
	(void)pthread_mutex_unlock(&inbox->lock);
}

/* ---- sources and refusals */

bool inbox_put_offence(struct inbox *inbox, const struct record_offence *offence)
{
	lock(inbox);

	bool room = inbox->offence_count < INBOX_OFFENCE_MAX;

	if (room)
		inbox->offence[inbox->offence_count++] = *offence;
	unlock(inbox);
	return room;
}

bool inbox_put_refusal(struct inbox *inbox, int64_t service, int64_t clock_ms)
{
	lock(inbox);

	struct refusal *refusal = NULL;

	for (size_t i = inbox->refusal_taken; i < inbox->refusal_count && !refusal; i++)
		if (inbox->refusal[i].service == service)
			refusal = &inbox->refusal[i];
	if (!refusal && inbox->refusal_count < INBOX_REFUSAL_MAX) {
		refusal = &inbox->refusal[inbox->refusal_count++];
		*refusal = (struct refusal){ .service = service, .first_ms = clock_ms };
	}
	if (refusal)
		refusal->last_ms = clock_ms;
	unlock(inbox);
	return refusal != NULL;
}

bool inbox_has_offences(struct inbox *inbox)
{
	lock(inbox);

	bool any = inbox->offence_count > 0;

	unlock(inbox);
	return any;
}

bool inbox_has_refusals(struct inbox *inbox)
{
	lock(inbox);

	bool any = inbox->refusal_count > 0;

	unlock(inbox);
	return any;
}

size_t inbox_offences(struct inbox *inbox, struct record_offence *out, size_t max)
{
	lock(inbox);

	size_t count = inbox->offence_count < max ? inbox->offence_count : max;

	memcpy(out, inbox->offence, count * sizeof(*out));
	unlock(inbox);
	return count;
}

size_t inbox_refusals(struct inbox *inbox, struct refusal *out, size_t max)
{
	lock(inbox);

	size_t count = inbox->refusal_count < max ? inbox->refusal_count : max;

	memcpy(out, inbox->refusal, count * sizeof(*out));
	inbox->refusal_taken = count;
	unlock(inbox);
	return count;
}

void inbox_done_offences(struct inbox *inbox, size_t count)
{
	lock(inbox);
	inbox->offence_count -= count;
	memmove(inbox->offence, inbox->offence + count,
		inbox->offence_count * sizeof(*inbox->offence));
	unlock(inbox);
}

void inbox_done_refusals(struct inbox *inbox, size_t count)
{
	lock(inbox);
	inbox->refusal_count -= count;
	inbox->refusal_taken = 0;
	memmove(inbox->refusal, inbox->refusal + count,
		inbox->refusal_count * sizeof(*inbox->refusal));
	unlock(inbox);
}

/* ---- packets of captures */

static void forget(struct capture_packets *capture)
{
	arena_free(capture->mem);
	*capture = (struct capture_packets){ 0 };
}

/* The capture's list; a new one takes the place of the one that was silent for longest. */
static struct capture_packets *list_of(struct inbox *inbox, int64_t number)
{
	struct capture_packets *oldest = &inbox->capture[0];
	size_t bytes = CAPTURE_PACKETS * sizeof(struct record_sample);

	for (size_t i = 0; i < CAPTURE_MAX; i++) {
		if (inbox->capture[i].capture == number)
			return &inbox->capture[i];
		if (inbox->capture[i].last_ms < oldest->last_ms)
			oldest = &inbox->capture[i];
	}
	forget(oldest);
	oldest->mem = arena_new(bytes + 4096);
	oldest->packet = oldest->mem ? arena_take(oldest->mem, bytes) : NULL;
	if (!oldest->packet) {
		forget(oldest);
		return NULL;
	}
	oldest->capture = number;
	return oldest;
}

bool inbox_put_sample(struct inbox *inbox, const struct record_sample *sample, int64_t clock_ms)
{
	lock(inbox);

	struct capture_packets *list = list_of(inbox, sample->record.id);
	bool room = list && list->count < CAPTURE_PACKETS;

	if (room) {
		list->packet[list->count++] = *sample;
		list->last_ms = clock_ms;
	}
	unlock(inbox);
	return room;
}

struct record_sample *inbox_samples(struct inbox *inbox, struct arena *mem, int64_t capture,
	size_t offset, size_t max, size_t *count, size_t *total)
{
	struct record_sample *out;

	*count = *total = 0;
	lock(inbox);
	for (size_t i = 0; i < CAPTURE_MAX; i++) {
		const struct capture_packets *list = &inbox->capture[i];

		if (list->capture != capture)
			continue;
		*total = list->count;
		*count = offset < list->count ? list->count - offset : 0;
		*count = *count < max ? *count : max;
	}
	out = arena_array(mem, *count, sizeof(*out));
	for (size_t i = 0; i < CAPTURE_MAX && out && *count > 0; i++)
		if (inbox->capture[i].capture == capture)
			memcpy(out, inbox->capture[i].packet + offset, *count * sizeof(*out));
	unlock(inbox);
	return out;
}

void inbox_prune(struct inbox *inbox, int64_t clock_ms)
{
	lock(inbox);
	for (size_t i = 0; i < CAPTURE_MAX; i++)
		if (inbox->capture[i].capture != 0 &&
			clock_ms - inbox->capture[i].last_ms > CAPTURE_KEEP_MS)
			forget(&inbox->capture[i]);
	unlock(inbox);
}
