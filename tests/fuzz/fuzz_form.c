/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Forms: whatever decodes has a canonical form that decodes to the same pairs again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/form.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void check(struct arena *mem, struct form *form)
{
	struct form again = { 0 };
	char *canonical;
	size_t i;

	form_sort(form);
	canonical = form_canonical(mem, form, NULL);
	if (!canonical)
		return;
	if (form_decode(mem, canonical, strlen(canonical), &again) != OK)
		abort();
	require(again.count == form->count);
	for (i = 0; i < form->count; i++) {
		require(text_is_utf8(form->pair[i].key, strlen(form->pair[i].key)));
		require(strcmp(again.pair[i].key, form->pair[i].key) == 0);
		require(strcmp(again.pair[i].value, form->pair[i].value) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new((size_t)64 << 20);
	struct form form = { 0 };

	if (mem && form_decode(mem, (const char *)data, size, &form) == OK)
		check(mem, &form);
	arena_free(mem);
	return 0;
}
