/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Only heads of frames are looked at, nine bytes each, which may come in pieces; payloads are skipped by their length. What
 * is wrong with a frame is nginx's to say: here it is counted for what it says it is.
 *
 * A reset is early when its stream is among the last FRAMES_STREAMS opened and was opened less than FRAMES_EARLY_MS ago. A flood
 * by resets has to open streams as fast as it resets them, so its own are always among them.
 */
#include "nginx/frames.h"

#include <string.h>

#define PREFACE_BYTES 24
#define FRAME_BYTES   9

enum frame {
	FRAME_DATA,
	FRAME_HEADERS,
	FRAME_PRIORITY,
	FRAME_RESET,
	FRAME_SETTINGS,
	FRAME_PUSH,
	FRAME_PING,
	FRAME_GOAWAY,
	FRAME_WINDOW_UPDATE,
	FRAME_CONTINUATION
};
#define FLAG_END_STREAM 1

static uint32_t number_at(const uint8_t *bytes, unsigned count)
{
	uint32_t number = 0;

	for (unsigned i = 0; i < count; i++)
		number = number << 8 | bytes[i];
	return number;
}

static bool is_early(const struct frames *frames, uint32_t stream, int64_t now_ms)
{
	unsigned place = (stream >> 1) % FRAMES_STREAMS;

	return frames->open[place].stream == stream &&
	       (uint32_t)now_ms - frames->open[place].opened_ms < FRAMES_EARLY_MS;
}

static void count(struct frames *frames, int64_t now_ms)
{
	uint32_t length = number_at(frames->head, 3), stream = number_at(frames->head + 5, 4);
	unsigned place;

	stream &= 0x7fffffff;
	place = (stream >> 1) % FRAMES_STREAMS;
	switch (frames->head[3]) {
	case FRAME_HEADERS:
		frames->continued = 0;
		frames->priorities = 0;
		/* Trailers do not open it again. */
		if (frames->open[place].stream != stream) {
			frames->open[place].stream = stream;
			frames->open[place].opened_ms = (uint32_t)now_ms;
		}
		break;
	case FRAME_RESET:
		frames->resets = (uint16_t)(frames->resets + is_early(frames, stream, now_ms));
		break;
	case FRAME_CONTINUATION:
		if (frames->continued <= FRAMES_CONTINUED_MAX)
			frames->continued++;
		break;
	case FRAME_PRIORITY:
		if (frames->priorities <= FRAMES_PRIORITY_MAX)
			frames->priorities++;
		break;
	case FRAME_DATA:
		if (length == 0 && !(frames->head[4] & FLAG_END_STREAM))
			frames->controls++;
		break;
	case FRAME_WINDOW_UPDATE: /* comes with every answer that is read */
		break;
	default:
		frames->controls++;
	}
}

static enum frames_verdict judge(const struct frames *frames)
{
	if (frames->resets > FRAMES_RESET_MAX)
		return FRAMES_RESETS;
	if (frames->controls > FRAMES_CONTROL_MAX || frames->continued > FRAMES_CONTINUED_MAX ||
		frames->priorities > FRAMES_PRIORITY_MAX)
		return FRAMES_FLOOD;
	return FRAMES_FINE;
}

enum frames_verdict frames_feed(
	struct frames *frames, const uint8_t *bytes, size_t length, int64_t now_ms)
{
	if (now_ms - frames->interval_ms >= FRAMES_INTERVAL_MS) {
		frames->interval_ms = now_ms;
		frames->resets = frames->controls = 0;
	}
	while (length > 0) {
		size_t piece;

		if (frames->preface < PREFACE_BYTES) {
			piece = PREFACE_BYTES - (size_t)frames->preface;
			piece = piece < length ? piece : length;
			frames->preface = (uint8_t)(frames->preface + piece);
		} else if (frames->skip > 0) {
			piece = frames->skip < length ? frames->skip : length;
			frames->skip -= (uint32_t)piece;
		} else {
			piece = FRAME_BYTES - (size_t)frames->head_used;
			piece = piece < length ? piece : length;
			memcpy(frames->head + frames->head_used, bytes, piece);
			frames->head_used = (uint8_t)(frames->head_used + piece);
		}
		bytes += piece;
		length -= piece;
		if (frames->head_used < FRAME_BYTES)
			continue;
		frames->head_used = 0;
		frames->skip = number_at(frames->head, 3);
		count(frames, now_ms);
		if (judge(frames) != FRAMES_FINE)
			return judge(frames);
	}
	return FRAMES_FINE;
}
