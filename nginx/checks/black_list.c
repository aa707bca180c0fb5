/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The site's lists: at most SITE_PREFIX_MAX prefixes, looked at one after the other, two words each: less than
 * 1 us when all are there, which is less than keeping them in an order would ask of whoever writes them. White wins.
 */
#include <endian.h>

#include "base/site.h"
#include "nginx/checks.h"

static uint64_t mask_of(unsigned bits)
{
	return bits == 0 ? 0 : UINT64_MAX << (64 - bits);
}

uint8_t list_flags(const struct site *site, const struct address *address)
{
	const struct table_prefix *prefix = site_list_at(site, site->prefixes);
	uint64_t high = be64toh(address->half[0]), low = be64toh(address->half[1]);
	uint32_t flags = 0;

	for (unsigned i = 0; i < site->prefixes.count; i++) {
		unsigned bits = prefix[i].bits;
		uint64_t other_high = high ^ be64toh(prefix[i].address.half[0]);
		uint64_t other_low = low ^ be64toh(prefix[i].address.half[1]);

		if (bits < 64 ? !(other_high & mask_of(bits))
			      : !other_high && !(other_low & mask_of(bits - 64)))
			flags |= prefix[i].flags;
	}
	return (uint8_t)flags;
}

ngx_int_t black_list_check(struct checks_request *state)
{
	if (!(state->listed & SITE_BLACK))
		return NGX_DECLINED;
	return checks_refuse(state, CHECK_black_list, 0);
}
