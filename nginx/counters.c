/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A site's slot is looked for in a window behind its place, and the first free one taken only when it is not there: the
 * agent clears slots of sites that are gone, and a site behind such a gap must not get a second slot.
 */
#include "nginx/counters.h"

#include "nginx/shared_file.h"

#define WINDOW 64 /* slots; numbers are given in a row, so that most sites lie at their place */

static_assert(NODE_SITE_MAX % WINDOW == 0, "windows cover all slots");
static_assert(offsetof(struct counters_header, size) == offsetof(struct shared_head, size),
	"counters begin like other shared files");

static struct counters_header *counters;
static struct node_counter uncounted;

/* Offsets of the parts, each at a page of its own. */
#define PAGE	     4096u
#define SITES_OFFSET ((sizeof(struct counters_header) + PAGE - 1) / PAGE * PAGE)
#define RATES_OFFSET                                                                               \
	(SITES_OFFSET + (NODE_SITE_MAX * sizeof(struct site_counter) + PAGE - 1) / PAGE * PAGE)
#define COUNTERS_SIZE (RATES_OFFSET + RATE_SLOTS * sizeof(struct rate_slot))

ngx_int_t counters_open(ngx_cycle_t *cycle)
{
	const struct shared_head head = { COUNTERS_MAGIC, COUNTERS_VERSION, COUNTERS_SIZE };

	if (counters)
		return NGX_OK;
	counters = shared_file_map(cycle, "counters", &head, NULL);
	if (!counters)
		return NGX_ERROR;
	counters->sites = SITES_OFFSET;
	counters->rates = RATES_OFFSET;
	return NGX_OK;
}

static struct site_counter *site_at(uint32_t index)
{
	return (struct site_counter *)(void *)((uint8_t *)counters + SITES_OFFSET) +
	       index % NODE_SITE_MAX;
}

/* NULL: neither the number's slot nor a free one is in this window. */
static struct site_counter *window_search(uint32_t first, uint32_t number)
{
	for (;;) {
		struct site_counter *vacant = NULL;
		uint32_t none = 0;

		for (uint32_t i = 0; i < WINDOW; i++) {
			struct site_counter *slot = site_at(first + i);
			uint32_t owner = __atomic_load_n(&slot->number, __ATOMIC_RELAXED);

			if (owner == number)
				return slot;
			if (owner == 0 && !vacant)
				vacant = slot;
		}
		if (!vacant)
			return NULL;
		/* Who loses the slot to another worker looks again; slots only fill up meanwhile. */
		if (__atomic_compare_exchange_n(&vacant->number, &none, number, false,
			    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return vacant;
	}
}

struct site_counter *counters_site(uint32_t number)
{
	if (!counters || number == 0)
		return NULL;
	for (uint32_t done = 0; done < NODE_SITE_MAX; done += WINDOW) {
		struct site_counter *found = window_search(number % NODE_SITE_MAX + done, number);

		if (found)
			return found;
	}
	return NULL;
}

struct node_counter *counters_node(void)
{
	return counters ? &counters->node : &uncounted;
}

struct rate_slot *counters_rates(void)
{
	return counters ? (struct rate_slot *)(void *)((uint8_t *)counters + RATES_OFFSET) : NULL;
}
