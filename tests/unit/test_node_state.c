/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mirror of the node's state. The output is a small packet path of its own: tables with the keys and
 * values that were put and not deleted, compared after each snapshot with what must be in force;
 * and a record of whether a key was ever missing in between.
 */
#include "node_path.h"

/* --- instances, addresses, services ----------------------------------------------------------- */

static void test_full(void **state)
{
	struct fixture *f = *state;
	const struct vip *vip = vip_of(&f->path, "192.0.2.1");
	struct node_counts counts;

	assert_non_null(vip);
	assert_int_equal(vip->kind, VIP_PROTECTED);
	assert_int_equal(vip->instance, 1);
	assert_int_equal(vip->mitigation_until_ns, 1001 * 1000000);
	assert_int_equal(vip->forward_until_ns, 2001 * 1000000);
	assert_int_equal(vip->flags, VIP_HAS_EXACT | VIP_HAS_PREFIX);
	assert_int_equal(vip_of(&f->path, "192.0.2.2")->flags, 0);
	assert_int_not_equal(vip->slot, vip_of(&f->path, "2001:db8::1")->slot);
	assert_int_equal(f->path.fresh, 3);
	assert_int_equal(f->path.unwanted_calls, 1);
	assert_int_equal(service_of(&f->path, 1, 80)->id, 11);
	assert_int_equal(service_of(&f->path, 1, 80)->origin[0].port, htons(8080));
	assert_int_equal(exact_of(&f->path, 1, "203.0.113.1")->allow_until_ns, 5000000);
	assert_int_equal(prefix_of(&f->path, 1, "203.0.113.0", 120)->block_until_ns, 7000000);
	node_state_counts(f->state, &counts);
	assert_int_equal(counts.instances, 2);
	assert_int_equal(counts.vips, 3);
	assert_int_equal(counts.services, 2);
	assert_int_equal(counts.lists, 2);
	assert_int_equal(node_state_generation(f->state), 10);
}

static void test_wrong_base(void **state)
{
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 9, 11);

	add_remove(next, RECORD_INSTANCE, 1);
	assert_int_equal(apply(f->state, next, &f->path), ERR_CONFLICT);
	assert_non_null(vip_of(&f->path, "192.0.2.1"));
	assert_int_equal(node_state_generation(f->state), 10);
}

/* One address goes from a removed instance to a new one: one write, never a gap, fresh counters. */
static void test_vip_moves_on_removal(void **state)
{
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 10, 11);

	add_remove(next, RECORD_INSTANCE, 1);
	add_instance(next, 3, "192.0.2.1", NULL);
	f->path.fresh = f->path.vip.deletes = 0;
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(vip_of(&f->path, "192.0.2.1")->instance, 3);
	assert_int_equal(vip_of(&f->path, "192.0.2.1")->flags, 0);
	assert_null(vip_of(&f->path, "2001:db8::1"));
	assert_int_equal(f->path.vip.deletes, 1);
	assert_int_equal(f->path.fresh, 1);
	assert_null(service_of(&f->path, 1, 80));
	assert_int_equal(f->path.exact.count, 0);
	assert_int_equal(f->path.prefix.count, 0);
}

/* Two instances trade addresses within one difference, whichever record comes first. */
static void test_vips_are_traded(void **state)
{
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 10, 11);

	add_instance(next, 2, "192.0.2.1", NULL);
	add_instance(next, 1, "192.0.2.2", "2001:db8::1");
	f->path.vip.deletes = 0;
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(vip_of(&f->path, "192.0.2.1")->instance, 2);
	assert_int_equal(vip_of(&f->path, "192.0.2.2")->instance, 1);
	assert_int_equal(vip_of(&f->path, "192.0.2.2")->mitigation_until_ns, 1001 * 1000000);
	assert_int_equal(f->path.vip.deletes, 0);
}

static void test_vip_is_dropped(void **state)
{
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 10, 11);
	uint32_t slots[INSTANCE_VIP_MAX];

	add_instance(next, 1, "2001:db8::1", NULL);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_null(vip_of(&f->path, "192.0.2.1"));
	assert_int_equal(vip_of(&f->path, "2001:db8::1")->flags, VIP_HAS_EXACT | VIP_HAS_PREFIX);
	assert_int_equal(node_state_slots(f->state, 1, slots), 1);
	assert_int_equal(slots[0], vip_of(&f->path, "2001:db8::1")->slot);
	assert_int_equal(node_state_slot_instance(f->state, slots[0]), 1);
}

/* The addresses of an instance say whether any of its services bounds payloads. */
static void test_payload_bounds(void **state)
{
	static const struct {
		uint16_t id, min, max; /* of service id; 0: nothing is sent for it */
		uint16_t removed;
		uint32_t flags;
	} step[] = {
		{ 11, 0, 100, 0, MITIGATION_BIT(payload_length) },
		{ 13, 10, PAYLOAD_UNBOUNDED, 0, MITIGATION_BIT(payload_length) },
		{ 11, 0, PAYLOAD_UNBOUNDED, 0, MITIGATION_BIT(payload_length) },
		{ 13, 0, PAYLOAD_UNBOUNDED, 0, 0 },
		{ 13, 0, 0, 0, MITIGATION_BIT(payload_length) },
		{ 0, 0, 0, 13, 0 },
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
		struct draft *next = draft(&f->draft, 0, 10 + i, 11 + i);

		if (step[i].removed)
			add_remove(next, RECORD_SERVICE, step[i].removed);
		if (step[i].id) {
			uint16_t port = step[i].id == 11 ? 80 : 443;
			struct record_service *service = add_service(next, step[i].id, 1, port);

			service->persistence_seconds = 60 + i;
			service->payload_min = step[i].min;
			service->payload_max = step[i].max;
			assert_int_equal(apply(f->state, next, &f->path), OK);
			assert_int_equal(
				service_of(&f->path, 1, port)->persistence_seconds, 60 + i);
			assert_int_equal(service_of(&f->path, 1, port)->payload_min, step[i].min);
			assert_int_equal(service_of(&f->path, 1, port)->payload_max, step[i].max);
		} else {
			assert_int_equal(apply(f->state, next, &f->path), OK);
		}
		assert_int_equal(vip_of(&f->path, "192.0.2.1")->mitigation_on &
					 MITIGATION_BIT(payload_length),
			step[i].flags);
		assert_int_equal(vip_of(&f->path, "2001:db8::1")->mitigation_on &
					 MITIGATION_BIT(payload_length),
			step[i].flags);
		assert_int_equal(vip_of(&f->path, "192.0.2.2")->mitigation_on &
					 MITIGATION_BIT(payload_length),
			0);
	}
}

static void test_service_changes_hands(void **state)
{
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 10, 11);

	add_remove(next, RECORD_SERVICE, 11);
	add_service(next, 13, 1, 80);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(service_of(&f->path, 1, 80)->id, 13);
	assert_int_equal(f->path.service.deletes, 0);
	/* The same number at another port. */
	next = draft(&f->draft, 0, 11, 12);
	add_service(next, 13, 1, 443);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_null(service_of(&f->path, 1, 80));
	assert_int_equal(service_of(&f->path, 1, 443)->id, 13);
	/* A removal of what is not there is none. */
	next = draft(&f->draft, 0, 12, 13);
	add_remove(next, RECORD_SERVICE, 11);
	add_remove(next, RECORD_SERVICE, 999);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	assert_int_equal(f->path.service.count, 2);
}

static void test_refusals(void **state)
{
	struct fixture *f = *state;
	struct draft *next = draft(&f->draft, 0, 10, 11);
	const struct node_refused *refused;
	struct address source = ip("10.9.0.1");
	struct vip vip;
	uint32_t count;

	assert_int_equal(node_state_add_source(f->state, &source, &vip), OK);
	assert_int_equal(vip.kind, VIP_SOURCE);
	add_instance(next, 4, "10.9.0.1", "192.0.2.4");
	add_service(next, 14, 77, 80);
	add_list(next, 24, 77, LIST_BLOCK, "203.0.113.9", 128, 5);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	refused = node_state_refused(f->state, &count);
	assert_int_equal(count, 3);
	assert_int_equal(refused[0].type, RECORD_INSTANCE);
	assert_int_equal(refused[0].id, 4);
	assert_int_equal(refused[1].id, 24);
	assert_int_equal(refused[2].id, 14);
	assert_string_equal(refused[2].why, "no such instance");
	assert_int_equal(vip_of(&f->path, "192.0.2.4")->instance, 4);
	assert_null(vip_of(&f->path, "10.9.0.1"));
	/* What goes, or is mended, is no longer refused. */
	next = draft(&f->draft, 0, 11, 12);
	add_remove(next, RECORD_SERVICE, 14);
	add_remove(next, RECORD_LIST, 24);
	add_instance(next, 4, "192.0.2.4", NULL);
	assert_int_equal(apply(f->state, next, &f->path), OK);
	(void)node_state_refused(f->state, &count);
	assert_int_equal(count, 0);
}

/* A second full snapshot: what it does not name goes, what it names is written again. */
static void test_full_again(void **state)
{
	struct fixture *f = *state;
	uint32_t slot = vip_of(&f->path, "192.0.2.1")->slot;
	struct draft *full = draft(&f->draft, SNAPSHOT_FULL, 0, 20);
	struct node_counts counts;

	add_instance(full, 1, "192.0.2.1", NULL);
	add_service(full, 15, 1, 443);
	add_list(full, 22, 1, LIST_BLOCK, "203.0.113.0", 120, 9);
	f->path.fresh = 0;
	assert_int_equal(apply(f->state, full, &f->path), OK);
	assert_int_equal(f->path.vip.count, 1);
	assert_int_equal(f->path.service.count, 1);
	assert_int_equal(f->path.exact.count, 0);
	assert_int_equal(f->path.prefix.count, 1);
	assert_int_equal(vip_of(&f->path, "192.0.2.1")->slot, slot);
	assert_int_equal(vip_of(&f->path, "192.0.2.1")->flags, VIP_HAS_PREFIX);
	assert_int_equal(f->path.fresh, 0);
	assert_int_equal(prefix_of(&f->path, 1, "203.0.113.0", 120)->block_until_ns, 9000000);
	node_state_counts(f->state, &counts);
	assert_int_equal(counts.instances, 1);
	assert_int_equal(counts.lists, 1);
}

/* A new agent over old maps: slots stay, stale keys of every kind go, no key that stays is missing. */
static void test_takeover(void **state)
{
	struct fixture *f = *state;
	struct node_state *fresh = node_state_new();
	uint32_t slot = vip_of(&f->path, "2001:db8::1")->slot;
	struct draft *full = draft(&f->draft, SNAPSHOT_FULL, 0, 20);
	struct address source = ip("10.9.0.1");
	struct vip vip;

	for (unsigned i = 0; i < f->path.vip.count; i++)
		node_state_adopt(fresh, (void *)f->path.vip.key[i], (void *)f->path.vip.value[i]);
	node_state_adopted(fresh);
	assert_int_equal(node_state_add_source(fresh, &source, &vip), OK);
	table_put(&f->path.vip, &source, &vip);
	add_instance(full, 1, "192.0.2.9", "2001:db8::1");
	add_service(full, 11, 1, 80);
	f->path.fresh = f->path.vip.deletes = f->path.service.deletes = 0;
	assert_int_equal(apply(fresh, full, &f->path), OK);
	assert_int_equal(vip_of(&f->path, "2001:db8::1")->slot, slot);
	assert_int_equal(vip_of(&f->path, "2001:db8::1")->flags, 0);
	assert_int_equal(vip_of(&f->path, "10.9.0.1")->kind, VIP_SOURCE);
	assert_non_null(vip_of(&f->path, "192.0.2.9"));
	assert_int_not_equal(vip_of(&f->path, "192.0.2.9")->slot, slot);
	assert_int_equal(f->path.vip.count, 3);
	assert_int_equal(f->path.vip.deletes, 2);
	assert_int_equal(f->path.fresh, 1);
	assert_int_equal(f->path.service.count, 1);
	assert_int_equal(f->path.service.deletes, 1);
	assert_int_equal(f->path.exact.count + f->path.prefix.count, 0);
	node_state_free(fresh);
}

/* An address that an instance had becomes this node's own. */
static void test_source_takes_adopted(void **state)
{
	struct fixture *f = *state;
	struct node_state *fresh = node_state_new();
	struct address address = ip("192.0.2.2");
	struct draft *full = draft(&f->draft, SNAPSHOT_FULL, 0, 20);
	struct vip vip;

	node_state_adopt(fresh, &address, vip_of(&f->path, "192.0.2.2"));
	node_state_adopted(fresh);
	assert_int_equal(node_state_add_source(fresh, &address, &vip), OK);
	table_put(&f->path.vip, &address, &vip);
	add_instance(full, 1, "192.0.2.1", NULL);
	assert_int_equal(apply(fresh, full, &f->path), OK);
	assert_int_equal(vip_of(&f->path, "192.0.2.2")->kind, VIP_SOURCE);
	assert_int_equal(f->path.vip.count, 2);
	node_state_free(fresh);
}

/* --- limits ----------------------------------------------------------------------------------- */

static unsigned puts_counted;

static void count_vip(void *context, const struct address *key, const struct vip *vip, bool fresh)
{
	(void)context, (void)key, (void)vip, (void)fresh;
	puts_counted++;
}

static void ignore_address(void *context, const struct address *key)
{
	(void)context, (void)key;
}

static void ignore_state(void *context, const struct node_state *state)
{
	(void)context, (void)state;
}

/* As many instances as fit, then one more; then all others instead, in one snapshot. */
static void test_full_tables(void **state)
{
	const struct node_output output = {
		.vip_put = count_vip, .vip_delete = ignore_address, .delete_unwanted = ignore_state
	};
	const uint32_t count = NODE_VIP_MAX + 1;
	size_t size = sizeof(struct snapshot_header) + count * sizeof(struct record_instance);
	struct snapshot_header *header = calloc(1, size);
	struct record_instance *record = (void *)(header + 1);
	struct node_state *fresh = node_state_new();
	struct snapshot snapshot;
	struct node_counts counts;
	const char *why;
	uint32_t refused;

	(void)state;
	*header = draft(&((struct fixture *)*state)->draft, SNAPSHOT_FULL, 0, 1)->header;
	header->record_count = count;
	header->byte_count = (uint32_t)(size - sizeof(*header));
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < count; i++) {
			uint32_t number = 1 + i + round * count;

			record[i].record.type = RECORD_INSTANCE;
			record[i].record.length = sizeof(*record);
			record[i].record.id = number;
			record[i].vip_count = 1;
			memcpy(record[i].vip[0].byte, &number, sizeof(number));
		}
		puts_counted = 0;
		assert_int_equal(snapshot_decode(header, size, &snapshot, &why), OK);
		assert_int_equal(node_state_apply(fresh, &snapshot, &output), OK);
		node_state_counts(fresh, &counts);
		assert_int_equal(counts.vips, NODE_VIP_MAX);
		assert_int_equal(puts_counted, NODE_VIP_MAX);
		(void)node_state_refused(fresh, &refused);
		assert_int_equal(refused, 1);
	}
	node_state_free(fresh);
	free(header);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_full),
		WITH(test_wrong_base),
		WITH(test_vip_moves_on_removal),
		WITH(test_vips_are_traded),
		WITH(test_vip_is_dropped),
		WITH(test_payload_bounds),
		WITH(test_service_changes_hands),
		WITH(test_refusals),
		WITH(test_full_again),
		WITH(test_takeover),
		WITH(test_source_takes_adopted),
		WITH(test_full_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
