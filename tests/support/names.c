/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stores and publishers for tests of names.
 */
#include "tests/support/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static struct names_settings settings = { .zone = NAMES_TEST_ZONE, .ttl_s = NAMES_TEST_TTL };

void names_address(const char *text, uint8_t out[16])
{
	assert_true(text_to_address(text, out));
}

size_t names_split(const char *text, uint8_t out[][16], size_t max)
{
	char copy[256], *rest = copy, *word;
	size_t count = 0;

	(void)snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strsep(&rest, " ")) && *word) {
		assert_true(count < max);
		names_address(word, out[count++]);
	}
	return count;
}

struct names_fixture *names_open(void)
{
	struct names_fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	test_store_open(&f->store);
	f->tick_mem = arena_new((size_t)32 << 20);
	assert_non_null(f->tick_mem);
	f->now_ms = T0;
	return f;
}

void names_close(struct names_fixture *f)
{
	publisher_free(f->publisher);
	arena_free(f->tick_mem);
	test_store_close(&f->store);
	free(f);
}

void names_publisher(struct names_fixture *f, const struct dns_driver *driver, const char *socket)
{
	publisher_free(f->publisher);
	f->publisher = NULL;
	settings.socket = socket;
	assert_int_equal(publisher_new(driver, &settings, NAMES_TEST_MAX, &f->publisher), OK);
}

struct instance names_add(struct names_fixture *f, bool ipv6, int64_t expire_ms, bool switch_back)
{
	struct instance instance = { .account = f->store.account,
		.product = ipv6 ? PRODUCT_DDOSDIP : PRODUCT_DDOSCOO,
		.edition = 9,
		.ipv6 = ipv6,
		.create_ms = T0,
		.expire_ms = expire_ms,
		.switch_back_origin = switch_back,
		.remark = "",
		.resource_group = "" };
	uint8_t random[16] = { 0 };

	memcpy(random, &f->made, sizeof(f->made));
	random[0] = (uint8_t)(f->made % 36);
	random[1] = (uint8_t)(f->made / 36 % 36);
	random[2] = (uint8_t)(f->made / 1296 % 36);
	random[3] = 0;
	f->made++;
	instance_id_make(instance.product, random, instance.id);
	assert_int_equal(instance_insert(f->store.db, &instance), OK);
	return instance;
}

struct instance names_buy(struct names_fixture *f, bool ipv6, int64_t expire_ms, bool switch_back)
{
	struct instance instance;

	assert_int_equal(db_begin(f->store.db, DB_WRITE), OK);
	instance = names_add(f, ipv6, expire_ms, switch_back);
	assert_int_equal(db_commit(f->store.db), OK);
	return instance;
}

struct port_rule names_rule(
	struct names_fixture *f, const struct instance *instance, int64_t port, const char *origins)
{
	struct port_rule made = { .instance_number = instance->number,
		.protocol = PROTOCOL_TCP,
		.frontend_port = port,
		.backend_port = port,
		.remark = "" };
	uint8_t origin[ORIGIN_MAX][16];

	made.origin_count = names_split(origins, origin, ORIGIN_MAX);
	for (size_t i = 0; i < made.origin_count; i++) {
		memcpy(made.origin[i].address, origin[i], 16);
		made.origin[i].weight = 100;
	}
	assert_int_equal(db_begin(f->store.db, DB_WRITE), OK);
	assert_int_equal(port_rule_insert(f->store.db, &made), OK);
	assert_int_equal(db_commit(f->store.db), OK);
	return made;
}

void names_release(struct names_fixture *f, const struct instance *instance)
{
	assert_int_equal(db_begin(f->store.db, DB_WRITE), OK);
	assert_int_equal(instance_release(f->store.db, instance, f->now_ms), OK);
	assert_int_equal(db_commit(f->store.db), OK);
}

bool names_step(struct names_fixture *f)
{
	bool more;
	enum err err;

	f->monotonic_ms += ENGINE_TICK_MS;
	arena_reset(f->tick_mem);
	err = publisher_tick(
		f->publisher, f->store.db, f->tick_mem, f->now_ms, f->monotonic_ms, &more);
	assert_true(err == OK || err == ERR_UNAVAILABLE);
	return more;
}

unsigned names_settle(struct names_fixture *f, unsigned ticks_max)
{
	bool more = true;
	unsigned ticks = 0;

	while (more || !publisher_settled(f->publisher)) {
		if (++ticks > ticks_max)
			fail_msg("not settled after %u ticks", ticks_max);
		more = names_step(f);
	}
	return ticks;
}

void names_tick(struct names_fixture *f)
{
	(void)names_settle(f, 200);
}

const char *names_vip(const struct instance *instance)
{
	static char text[ADDRESS_TEXT_SIZE];

	address_format(instance->vip, text);
	return text;
}
