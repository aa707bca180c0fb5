/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool of protected addresses. A prefix remembers how far it was handed out (next); what came
 * back is kept one by one (vip_free). The lowest free address of a prefix is therefore the lowest
 * returned one or, when there is none, the next never used: both are found in O(log n), with few
 * prefixes.
 *
 * Subtle: prefixes may overlap, for instance after an operator widened one. The counter of the
 * second then meets addresses in use and steps over them, once each. A prefix that left the
 * settings stays in the table, inactive: its addresses in use go on, return to it, and are handed
 * out again if it comes back.
 */
#include "control/store/vip.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "control/store/query.h"
#include "control/store/store.h"

/* Counters are 63 bits wide and nobody protects more addresses than this in one prefix. */
#define PREFIX_HOST_BITS_MAX 32
#define PREFIX_MAX	     256

struct prefix {
	int64_t number;
	uint8_t first[16];
	unsigned bits; /* of the mapped form */
	int64_t next, ends;
};

static void address_add(const uint8_t first[16], int64_t offset, uint8_t out[16])
{
	uint64_t carry = (uint64_t)offset;

	for (int i = 15; i >= 0; i--) {
		carry += first[i];
		out[i] = (uint8_t)carry;
		carry >>= 8;
	}
}

static bool prefix_holds(const struct prefix *prefix, const uint8_t address[16])
{
	unsigned whole = prefix->bits / 8, rest = prefix->bits % 8;
	uint8_t mask = (uint8_t)(0xff00u >> rest);

	if (memcmp(prefix->first, address, whole) != 0)
		return false;
	return rest == 0 || ((prefix->first[whole] ^ address[whole]) & mask) == 0;
}

/* ---- settings */

static enum err prefix_put(struct db *db, const char *text)
{
	struct prefix prefix = { 0 };

	if (!text_to_prefix(text, prefix.first, &prefix.bits))
		return fail(ERR_INVALID_PARAMETER, "not an address prefix: %s", text);

	bool ipv4 = address_is_ipv4(prefix.first);
	unsigned host_bits = 128 - prefix.bits;

	if ((ipv4 && prefix.bits < 96 + 8) || (!ipv4 && prefix.bits == 0))
		return fail(ERR_INVALID_PARAMETER, "address prefix is too large: %s", text);
	if (host_bits > PREFIX_HOST_BITS_MAX)
		host_bits = PREFIX_HOST_BITS_MAX;
	prefix.ends = INT64_C(1) << host_bits;
	/* IPv4: network and broadcast address; IPv6: the subnet-router anycast address (RFC
	 * 4291). */
	if (host_bits > 1)
		prefix.next = 1;
	if (host_bits > 1 && ipv4)
		prefix.ends--;
	return db_run(db,
		"INSERT INTO vip_prefix (first, bits, next, ends, active)"
		" VALUES ($1, $2, $3, $4, 1) ON CONFLICT (first, bits) DO UPDATE SET active = 1",
		(const struct value[]){ V_BLOB(prefix.first, 16), V_INT(prefix.bits),
			V_INT(prefix.next), V_INT(prefix.ends) },
		4, NULL);
}

enum err vip_pool_sync(struct db *db, const char *prefixes)
{
	int count = 0;

	TRY(db_run(db, "UPDATE vip_prefix SET active = 0", NULL, 0, NULL));
	for (const char *c = prefixes + strspn(prefixes, " "); *c; c += strspn(c, " ")) {
		char text[PREFIX_TEXT_SIZE];
		size_t length = strcspn(c, " ");

		if (length >= sizeof(text))
			return fail(ERR_INVALID_PARAMETER, "not an address prefix: %.60s", c);
		if (++count > PREFIX_MAX)
			return fail(ERR_LIMIT, "more than %d address prefixes", PREFIX_MAX);
		memcpy(text, c, length);
		text[length] = '\0';
		c += length;
		TRY(prefix_put(db, text));
	}
	return OK;
}

/* ---- taking */

static void prefix_load(const struct cursor *cursor, struct prefix *out)
{
	out->number = db_int(cursor, 0);
	address_column(cursor, 1, out->first);
	out->bits = (unsigned)db_int(cursor, 2);
	out->next = db_int(cursor, 3);
	out->ends = db_int(cursor, 4);
}

static enum err in_use(struct db *db, const uint8_t address[16], bool *out)
{
	int64_t count;

	TRY(select_int(db, "SELECT count(*) FROM instance WHERE vip = $1",
		(const struct value[]){ V_BLOB(address, 16) }, 1, &count));
	*out = count > 0;
	return OK;
}

static enum err lowest_returned(
	struct db *db, const struct prefix *prefix, uint8_t out[16], bool *found)
{
	struct cursor cursor;

	TRY(db_select(db, "SELECT address FROM vip_free WHERE prefix = $1 ORDER BY address LIMIT 1",
		(const struct value[]){ V_INT(prefix->number) }, 1, &cursor));
	*found = db_next(&cursor);
	if (*found)
		address_column(&cursor, 0, out);
	db_done(&cursor);
	return cursor.err;
}

static enum err lowest_of(struct db *db, struct prefix *prefix, uint8_t out[16], bool *found)
{
	int64_t next = prefix->next;
	bool used = true;

	TRY(lowest_returned(db, prefix, out, found));
	if (*found)
		return OK;
	for (; next < prefix->ends; next++) {
		address_add(prefix->first, next, out);
		TRY(in_use(db, out, &used));
		if (!used)
			break;
	}
	*found = next < prefix->ends;
	if (next == prefix->next)
		return OK;
	return db_run(db, "UPDATE vip_prefix SET next = $2 WHERE number = $1",
		(const struct value[]){ V_INT(prefix->number), V_INT(next) }, 2, NULL);
}

static enum err prefixes_active(
	struct db *db, bool ipv6, struct prefix prefix[PREFIX_MAX], size_t *count)
{
	struct cursor cursor;

	*count = 0;
	TRY(db_select(db,
		"SELECT number, first, bits, next, ends FROM vip_prefix"
		" WHERE active = 1 ORDER BY first, bits",
		NULL, 0, &cursor));
	while (*count < PREFIX_MAX && db_next(&cursor)) {
		prefix_load(&cursor, &prefix[*count]);
		if (address_is_ipv4(prefix[*count].first) != ipv6)
			(*count)++;
	}
	db_done(&cursor);
	return cursor.err;
}

/* The address leaves every list of returned ones, also that of an overlapping prefix; a counter
 * that points at it will step over it. */
static enum err vip_mark(struct db *db, const uint8_t address[16])
{
	return db_run(db, "DELETE FROM vip_free WHERE address = $1",
		(const struct value[]){ V_BLOB(address, 16) }, 1, NULL);
}

enum err vip_take(struct db *db, bool ipv6, uint8_t out[16])
{
	struct prefix prefix[PREFIX_MAX];
	size_t count;
	bool any = false;

	TRY(prefixes_active(db, ipv6, prefix, &count));
	for (size_t i = 0; i < count; i++) {
		uint8_t address[16];
		bool found;

		TRY(lowest_of(db, &prefix[i], address, &found));
		if (!found || (any && memcmp(address, out, 16) >= 0))
			continue;
		memcpy(out, address, 16);
		any = true;
	}
	return any ? vip_mark(db, out) : ERR_VIP_EXHAUSTED;
}

/* ---- giving back */

enum err vip_give(struct db *db, const uint8_t address[16])
{
	struct cursor cursor;
	int64_t owner = 0;

	/* Inactive prefixes too; of several, an active one. */
	TRY(db_select(db,
		"SELECT number, first, bits, next, ends FROM vip_prefix"
		" ORDER BY active DESC, number",
		NULL, 0, &cursor));
	while (owner == 0 && db_next(&cursor)) {
		struct prefix prefix;

		prefix_load(&cursor, &prefix);
		if (prefix_holds(&prefix, address))
			owner = prefix.number;
	}
	db_done(&cursor);
	TRY(cursor.err);
	if (owner == 0)
		return OK;
	return db_run(db,
		"INSERT INTO vip_free (prefix, address) VALUES ($1, $2)"
		" ON CONFLICT (prefix, address) DO NOTHING",
		(const struct value[]){ V_INT(owner), V_BLOB(address, 16) }, 2, NULL);
}
