/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hash table with linear probing, at most half full, so that runs stay short. Dropping moves later
 * entries of the run back (Knuth, TAOCP volume 3, section 6.4, algorithm R) instead of leaving marks: a
 * table that lives for months would fill up with them.
 */
#include "control/dns/known.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct known {
	size_t slots, count, count_max;
	struct known_name slot[];
};

struct known *known_new(size_t names_max)
{
	size_t slots = 16;
	struct known *known;

	while (slots < 2 * names_max)
		slots *= 2;
	known = calloc(1, sizeof(*known) + slots * sizeof(known->slot[0]));
	if (!known)
		return NULL;
	known->slots = slots;
	known->count_max = names_max;
	return known;
}

void known_free(struct known *known)
{
	free(known);
}

void known_clear(struct known *known)
{
	/* An untouched table costs no memory. */
	if (known->count > 0)
		memset(known->slot, 0, known->slots * sizeof(known->slot[0]));
	known->count = 0;
}

size_t known_count(const struct known *known)
{
	return known->count;
}

/* Labels are ids that we made at random: nobody can aim at one slot. */
static size_t home(const struct known *known, const char *label)
{
	uint64_t state = UINT64_C(0xcbf29ce484222325);

	for (; *label; label++)
		state = (state ^ (uint8_t)*label) * UINT64_C(0x100000001b3);
	return (size_t)(state ^ (state >> 32)) & (known->slots - 1);
}

static size_t after(const struct known *known, size_t at)
{
	return (at + 1) & (known->slots - 1);
}

/* Its slot, or the free one where it belongs. */
static size_t place(const struct known *known, const char *label)
{
	size_t at = home(known, label);

	while (known->slot[at].label[0] && strcmp(known->slot[at].label, label) != 0)
		at = after(known, at);
	return at;
}

struct known_name *known_find(struct known *known, const char *label)
{
	struct known_name *name = &known->slot[place(known, label)];

	return name->label[0] ? name : NULL;
}

struct known_name *known_add(struct known *known, const char *label)
{
	struct known_name *name = &known->slot[place(known, label)];

	assert(label[0] && strlen(label) < sizeof(name->label));
	if (name->label[0])
		return name;
	if (known->count == known->count_max)
		return NULL;
	known->count++;
	memcpy(name->label, label, strlen(label) + 1);
	return name;
}

bool known_may_have(struct known *known, const char *label)
{
	return known->count == known->count_max || known_find(known, label);
}

void known_drop(struct known *known, const char *label)
{
	size_t hole = place(known, label), at, wish;

	if (!known->slot[hole].label[0])
		return;
	known->count--;
	for (at = after(known, hole); known->slot[at].label[0]; at = after(known, at)) {
		wish = home(known, known->slot[at].label);
		/* May move if its home is not cyclically within (hole, at]. */
		if (((at - wish) & (known->slots - 1)) < ((at - hole) & (known->slots - 1)))
			continue;
		known->slot[hole] = known->slot[at];
		hole = at;
	}
	memset(&known->slot[hole], 0, sizeof(known->slot[hole]));
}

struct known_name *known_next(struct known *known, size_t *at)
{
	while (*at < known->slots) {
		struct known_name *name = &known->slot[(*at)++];

		if (name->label[0])
			return name;
	}
	return NULL;
}
