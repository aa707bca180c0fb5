/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An item is a head, addresses of IPv4 in 4 bytes each, and /64 of IPv6 in 8. Of many windows the first walk counts what
 * there is, so that the second knows which ones to pass over.
 */
#include "control/engine/visits.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "control/engine/nodes_inner.h"

/* Instances and sites that are remembered; a power of two. */
#define VISITS_SLOTS (2 * NODE_VIP_MAX)

struct packed {
	uint64_t total;
	uint32_t window_ms;
	uint8_t four, six; /* addresses of each version behind it */
	uint16_t reserved;
};
#define FOUR_BYTES 4u
#define SIX_BYTES  8u
static_assert(sizeof(struct packed) + VISITORS_SAMPLES * SIX_BYTES + 40 <= TRAIL_ITEM_MAX,
	"a window is one item");

void visits_init(struct visits *visits)
{
	trail_init(&visits->trail, VISITS_BYTES, VISITS_SLOTS);
}

void visits_free(struct visits *visits)
{
	trail_free(&visits->trail);
}

static uint64_t key_of(enum visitors_of of, int64_t number)
{
	return (uint64_t)number << 1 | of;
}

void visits_add(struct visits *visits, const struct record_visitors *visitors, int64_t clock_ms)
{
	uint8_t item[sizeof(struct packed) + VISITORS_SAMPLES * SIX_BYTES];
	struct packed head = { .total = visitors->total, .window_ms = visitors->window_ms };
	size_t used = sizeof(head);

	for (unsigned i = 0; i < visitors->sample_count; i++) {
		if (!address_is_ipv4(visitors->sample[i].byte))
			continue;
		memcpy(item + used, visitors->sample[i].byte + 12, FOUR_BYTES);
		used += FOUR_BYTES;
		head.four++;
	}
	for (unsigned i = 0; i < visitors->sample_count; i++) {
		if (address_is_ipv4(visitors->sample[i].byte))
			continue;
		memcpy(item + used, visitors->sample[i].byte, SIX_BYTES);
		used += SIX_BYTES;
		head.six++;
	}
	memcpy(item, &head, sizeof(head));
	/* Without memory it is not remembered. */
	(void)trail_add(&visits->trail, key_of((enum visitors_of)visitors->of, visitors->record.id),
		clock_ms, item, used);
}

struct look {
	int64_t from_ms, until_ms;
	size_t met;	   /* addresses so far */
	uint64_t step;	   /* one of so many is told; 0: they are only counted */
	uint64_t left_out; /* what those stand for that were passed over */
	struct visit_place *out;
	size_t used;
};

static void take(struct look *look, const uint8_t *bytes, bool four, uint64_t count)
{
	struct visit_place *place = &look->out[look->used];

	look->left_out += count;
	if (look->met++ % look->step != 0)
		return;
	*place = (struct visit_place){ .count = look->left_out };
	if (four) {
		place->source.byte[10] = place->source.byte[11] = 0xff;
		memcpy(place->source.byte + 12, bytes, FOUR_BYTES);
	} else {
		memcpy(place->source.byte, bytes, SIX_BYTES);
	}
	look->left_out = 0;
	look->used++;
}

static bool visit_window(void *context, int64_t time_ms, const uint8_t *data, size_t length)
{
	struct look *look = context;
	const uint8_t *bytes = data + sizeof(struct packed);
	struct packed head;
	unsigned count;

	memcpy(&head, data, sizeof(head));
	count = (unsigned)head.four + head.six;
	assert(length == sizeof(head) + head.four * FOUR_BYTES + head.six * SIX_BYTES);
	if (time_ms <= look->from_ms)
		return false;
	if (time_ms - (int64_t)head.window_ms >= look->until_ms)
		return true;
	if (look->step == 0) {
		look->met += count;
		return true;
	}
	for (unsigned i = 0; i < count; i++) {
		bool four = i < head.four;

		take(look, bytes, four,
			head.total * (i + 1) / count - head.total * (uint64_t)i / count);
		bytes += four ? FOUR_BYTES : SIX_BYTES;
	}
	return true;
}

size_t visits_get(const struct visits *visits, enum visitors_of of, int64_t number, int64_t from_ms,
	int64_t until_ms, struct visit_place *out, size_t max)
{
	struct look look = { .from_ms = from_ms, .until_ms = until_ms, .out = out };

	assert(max > 0);
	trail_walk(&visits->trail, key_of(of, number), visit_window, &look);
	if (look.met == 0)
		return 0;
	look.step = (look.met + max - 1) / max;
	look.met = 0;
	trail_walk(&visits->trail, key_of(of, number), visit_window, &look);
	/* Those behind the last one that is told. */
	out[look.used - 1].count += look.left_out;
	return look.used;
}

size_t nodes_visits(const struct nodes *nodes, enum visitors_of of, int64_t number, int64_t from_ms,
	int64_t until_ms, struct visit_place *out, size_t max)
{
	struct inner *inner = nodes_lock(nodes);
	size_t count = visits_get(&inner->visits, of, number, from_ms, until_ms, out, max);

	nodes_unlock(inner);
	return count;
}
