/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of the nodes. One mutex guards all; nobody holds it for longer than a report takes
 * to be copied in. Waiting for news is one condition variable for all nodes.
 *
 * What each node measured is in measure.c, and sums over nodes are made when somebody asks; what all of them
 * counted at web sites goes on in statistics.c, and at protected addresses in volumes.c. What
 * somebody has to act on goes to the inbox, which has a lock of its own.
 *
 * An agent that starts again has another boot number, and the one before never comes back. If it does, two agents have one
 * name: the newer is believed alone. Their totals in turns would look like traffic that no node ever saw.
 *
 * What must be written is counted in versions, because a report may come between a write and its
 * commit, and the commit may fail.
 *
 * Subtle: a node may confirm a generation before it is announced, because it read the store right
 * after the commit. So confirmed generations are never compared with the announced one.
 */
#include "control/engine/nodes_inner.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "control/engine/report.h"
#include "control/model/lifecycle.h"

/* "Last seen" is written down this often when nothing else changes. */
#define SEEN_EVERY_MS MINUTE_MS
/* An agent that took another's place and is silent for so long is not there any more. */
#define TWIN_SILENT_MS	   MINUTE_MS
#define TWIN_TELL_EVERY_MS MINUTE_MS

struct nodes *nodes_new(void)
{
	struct nodes *nodes = calloc(1, sizeof(*nodes));

	if (!nodes)
		return NULL;
	nodes->inner = calloc(1, sizeof(*nodes->inner));
	if (nodes->inner) {
		nodes->inner->inbox = inbox_new();
		nodes->inner->answers = answers_new();
	}
	if (!nodes->inner || !nodes->inner->inbox || !nodes->inner->answers) {
		if (nodes->inner) {
			inbox_free(nodes->inner->inbox);
			answers_free(nodes->inner->answers);
		}
		free(nodes->inner);
		free(nodes);
		return NULL;
	}
	statistics_init(&nodes->inner->statistics);
	volumes_init(&nodes->inner->volumes);
	attackers_init(&nodes->inner->attackers);
	attackers_init(&nodes->inner->site_attackers);
	visits_init(&nodes->inner->visits);
	connections_init(&nodes->inner->connections);
	(void)pthread_mutex_init(&nodes->inner->lock, NULL);
	clock_condition(&nodes->inner->news);
	return nodes;
}

void nodes_free(struct nodes *nodes)
{
	if (!nodes)
		return;
	for (size_t i = 0; i < nodes->inner->count; i++)
		measures_free(&nodes->inner->node[i].measures);
	inbox_free(nodes->inner->inbox);
	answers_free(nodes->inner->answers);
	statistics_free(&nodes->inner->statistics);
	volumes_free(&nodes->inner->volumes);
	attackers_free(&nodes->inner->attackers);
	attackers_free(&nodes->inner->site_attackers);
	visits_free(&nodes->inner->visits);
	connections_free(&nodes->inner->connections);
	(void)pthread_cond_destroy(&nodes->inner->news);
	(void)pthread_mutex_destroy(&nodes->inner->lock);
	free(nodes->inner);
	free(nodes);
}

/* ---- with the lock held */

static struct node *node_find(struct inner *inner, const char *name)
{
	for (size_t i = 0; i < inner->count; i++)
		if (strcmp(inner->node[i].name, name) == 0)
			return &inner->node[i];
	return NULL;
}

/* A place for one more, first of all one that is free again; NULL: there is none. */
static struct node *node_place(struct inner *inner)
{
	struct node *node = node_find(inner, "");

	if (!node && inner->count < NODE_MAX)
		node = &inner->node[inner->count++];
	return node;
}

static enum err node_get(struct inner *inner, const char *name, struct node **out)
{
	struct node *node = node_find(inner, name);

	if (strlen(name) >= NODE_NAME_MAX || name[0] == '\0')
		return ERR_FORMAT;
	if (!node) {
		node = node_place(inner);
		if (!node)
			return ERR_LIMIT;
		memcpy(node->name, name, strlen(name) + 1);
		measures_init(&node->measures);
		node->version++;
	}
	*out = node;
	return OK;
}

static void node_seen(struct node *node, uint64_t generation, int64_t clock_ms)
{
	if (node->generation != generation || clock_ms < node->persisted_ms ||
		clock_ms - node->persisted_ms >= SEEN_EVERY_MS)
		node->version++;
	node->generation = generation;
	node->seen_ms = clock_ms;
}

static uint64_t confirmed(const struct inner *inner)
{
	uint64_t lowest = UINT64_MAX;

	for (size_t i = 0; i < inner->count; i++) {
		if (inner->node[i].name[0] != '\0' && inner->node[i].generation < lowest)
			lowest = inner->node[i].generation;
	}
	return lowest != UINT64_MAX ? lowest : 0;
}

/* ---- reports */

struct visit {
	struct node *node;
	size_t index; /* of the node */
	struct inner *inner;
	struct inbox *inbox;
	int64_t clock_ms;
	size_t refused_count;
	size_t prefix_count;
	struct prefix prefix[PREFIX_MAX];
};

/* A node of another version may have other reasons, or more than fit: names tell them apart. */
static void take_reason(struct node *node, const struct record_reason *record)
{
	for (size_t i = 0; i < REASON_COUNT; i++) {
		struct node_reason *reason = &node->reason[i];

		if (reason->name[0] != '\0' && strcmp(reason->name, record->name) != 0)
			continue;
		memcpy(reason->name, record->name, sizeof(reason->name));
		reason->counter = record->counter;
		return;
	}
}

static void take_site(struct visit *visit, const struct record_site_traffic *record)
{
	const struct measures *measures = &visit->node->measures;
	struct site_counter change;
	int64_t span_ms;

	if (measures_site_change(measures, record, &change, &span_ms))
		statistics_add(&visit->inner->statistics, &change, visit->clock_ms - span_ms,
			visit->clock_ms);
}

static void take_measure(struct visit *visit, const union report_record *record)
{
	bool refused;

	if (record->record.type == RECORD_SITE_TRAFFIC)
		take_site(visit, &record->site_traffic);
	inner_take_volume(visit->inner, visit->node, record, visit->clock_ms);
	measures_take(&visit->node->measures, record, &refused);
	if (refused && !inbox_put_refusal(visit->inbox, record->record.id, visit->clock_ms))
		log_warn("no room for the refusals of port rule %u", record->record.id);
}

/* To the engine a source is one that offended, whichever path said so. */
static void take_request_ban(struct inbox *inbox, const struct record_request_ban *ban)
{
	const struct record_offence offence = {
		.record = { RECORD_OFFENCE, sizeof(offence), ban->record.id },
		.source = ban->source,
		.mitigation = MITIGATION_request_ban,
		.until_ms = ban->until_ms,
		.check = ban->check + 1,
		.rule = ban->rule,
	};

	if (!inbox_put_offence(inbox, &offence))
		log_warn("no room for what the web sites of instance %u ban", ban->record.id);
}

static void visit_record(void *context, const union report_record *record)
{
	struct visit *visit = context;

	switch (record->record.type) {
	case RECORD_NODE:
		node_seen(visit->node, record->node.generation, visit->clock_ms);
		visit->node->facts = record->node;
		visit->node->reported = true;
		break;
	case RECORD_SPAN:
		measures_told(&visit->node->measures, &record->span);
		break;
	case RECORD_SOURCE:
		if (visit->prefix_count == PREFIX_MAX)
			break;
		memcpy(visit->prefix[visit->prefix_count].address, record->source.address.byte, 16);
		visit->prefix[visit->prefix_count++].bits = record->source.prefix_bits;
		break;
	case RECORD_REASON:
		take_reason(visit->node, &record->reason);
		break;
	case RECORD_OFFENCE:
		if (!inbox_put_offence(visit->inbox, &record->offence))
			log_warn("no room for what instance %u blocks", record->record.id);
		break;
	case RECORD_REQUEST_BAN:
		take_request_ban(visit->inbox, &record->request_ban);
		break;
	case RECORD_SITE_TOP:
		statistics_top_add(&visit->inner->statistics, &record->site_top);
		break;
	case RECORD_SIGHTED:
		attackers_add(&visit->inner->attackers, &record->sighted, visit->clock_ms);
		break;
	case RECORD_SITE_SIGHTED:
		attackers_add(&visit->inner->site_attackers, &record->sighted, visit->clock_ms);
		break;
	case RECORD_VISITORS:
		visits_add(&visit->inner->visits, &record->visitors, visit->clock_ms);
		break;
	case RECORD_REQUESTS:
		visit->node->requests = record->requests;
		break;
	case RECORD_LOG_LINE:
		answers_line(
			visit->inner->answers, visit->index, &record->log_line, visit->clock_ms);
		break;
	case RECORD_LOG_DONE:
		answers_done(
			visit->inner->answers, visit->index, &record->log_done, visit->clock_ms);
		break;
	case RECORD_SAMPLE:
		(void)inbox_put_sample(visit->inbox, &record->sample, visit->clock_ms);
		break;
	case RECORD_REFUSED:
		if (record->refused.refused_type == RECORD_INSTANCE &&
			visit->refused_count < REFUSED_MAX)
			visit->node->refused[visit->refused_count++] = record->record.id;
		log_warn("node %s refused object %u of type %u: %s", visit->node->name,
			record->record.id, record->refused.refused_type, record->refused.why);
		break;
	default:
		take_measure(visit, record);
		break;
	}
}

static void take_prefixes(struct node *node, const struct visit *visit)
{
	bool same = node->prefix_count == visit->prefix_count;

	for (size_t i = 0; same && i < visit->prefix_count; i++)
		same = node->prefix[i].bits == visit->prefix[i].bits &&
		       memcmp(node->prefix[i].address, visit->prefix[i].address, 16) == 0;
	if (same)
		return;
	memcpy(node->prefix, visit->prefix, sizeof(node->prefix));
	node->prefix_count = visit->prefix_count;
	node->version++;
}

/* The boot number of the agent, from the record that every report begins with. */
static void visit_boot(void *context, const union report_record *record)
{
	if (record->record.type == RECORD_NODE)
		*(uint64_t *)context = record->node.agent_boot;
}

/* Whose report it is. ERR_CONFLICT: of an agent that another one of the name took the place of. */
static enum err take_agent(struct node *node, uint64_t boot, int64_t clock_ms)
{
	int64_t silent_ms = clock_ms - node->report_ms;

	if (node->reported && boot != node->facts.agent_boot) {
		if (boot == node->boot_before && silent_ms >= 0 && silent_ms < TWIN_SILENT_MS) {
			if (clock_ms < node->twin_told_ms ||
				clock_ms - node->twin_told_ms >= TWIN_TELL_EVERY_MS) {
				node->twin_told_ms = clock_ms;
				log_warn("two agents say that they are node %s: the one that "
					 "started later is believed",
					node->name);
			}
			return ERR_CONFLICT;
		}
		node->boot_before = node->facts.agent_boot;
		measures_anew(&node->measures);
	}
	node->report_ms = clock_ms;
	return OK;
}

enum err nodes_report(
	struct nodes *nodes, const char *name, const void *data, size_t size, int64_t clock_ms)
{
	struct visit visit = { .clock_ms = clock_ms };
	uint64_t boot = 0;

	/* Before the node is looked up: a broken report does not even make a node known. */
	TRY(report_decode(data, size, visit_boot, &boot));

	struct inner *inner = nodes_lock(nodes);
	enum err err = node_get(inner, name, &visit.node);

	if (err == OK)
		err = take_agent(visit.node, boot, clock_ms);
	if (err == OK) {
		visit.inner = inner;
		visit.index = (size_t)(visit.node - inner->node);
		visit.inbox = inner->inbox;
		measures_begin(&visit.node->measures, clock_ms);
		err = report_decode(data, size, visit_record, &visit);
	}
	if (err == OK) {
		take_prefixes(visit.node, &visit);
		visit.node->refused_count = visit.refused_count;
	}
	nodes_unlock(inner);
	return err;
}

enum err nodes_confirm(struct nodes *nodes, const char *name, uint64_t generation, int64_t clock_ms)
{
	struct inner *inner = nodes_lock(nodes);
	struct node *node;
	enum err err = node_get(inner, name, &node);

	if (err == OK)
		node_seen(node, generation, clock_ms);
	nodes_unlock(inner);
	return err;
}

enum err nodes_forget(const struct nodes *nodes, const char *name, int64_t clock_ms)
{
	struct inner *inner = nodes_lock(nodes);
	struct node *node = name[0] != '\0' ? node_find(inner, name) : NULL;
	enum err err = node ? OK : ERR_NODE_NOT_FOUND;

	if (node && clock_ms - node->seen_ms < PRESENT_MS && node->seen_ms - clock_ms < PRESENT_MS)
		err = ERR_NODE_PRESENT;
	if (err == OK) {
		measures_free(&node->measures);
		memset(node, 0, sizeof(*node));
		measures_init(&node->measures);
	}
	nodes_unlock(inner);
	return err;
}

/* ---- the store */

static enum err restore_row(struct inner *inner, const struct node_row *row, struct arena *mem)
{
	struct node *node;

	TRY(node_get(inner, row->name, &node));
	node->generation = (uint64_t)row->generation;
	node->seen_ms = node->persisted_ms = row->seen_ms;
	node->written = node->durable = node->version;
	node->prefix_count = 0;
	for (const char *c = row->sources + strspn(row->sources, " "); *c; c += strspn(c, " ")) {
		size_t length = strcspn(c, " ");
		const char *text = arena_copy_n(mem, c, length);
		struct prefix prefix;

		if (!text)
			return ERR_MEMORY;
		c += length;
		if (node->prefix_count < PREFIX_MAX &&
			text_to_prefix(text, prefix.address, &prefix.bits))
			node->prefix[node->prefix_count++] = prefix;
	}
	return OK;
}

enum err nodes_restore(struct nodes *nodes, struct db *db, struct arena *mem)
{
	struct node_row *rows;
	enum err err = OK;
	size_t count;

	TRY(node_list(db, mem, &rows, &count));

	struct inner *inner = nodes_lock(nodes);

	for (size_t i = 0; i < count && err == OK; i++)
		err = restore_row(inner, &rows[i], mem);
	nodes_unlock(inner);
	return err;
}

bool nodes_dirty(const struct nodes *nodes)
{
	struct inner *inner = nodes_lock(nodes);
	bool dirty = false;

	for (size_t i = 0; i < inner->count && !dirty; i++)
		dirty = inner->node[i].version != inner->node[i].durable;
	nodes_unlock(inner);
	return dirty;
}

/* Node i as a row; text holds its sources. False: there is nothing to write for it. */
static bool take_row(
	const struct nodes *nodes, size_t i, struct node_row *row, char *text, size_t size)
{
	struct inner *inner = nodes_lock(nodes);
	bool take = i < inner->count && inner->node[i].version != inner->node[i].durable;
	size_t used = 0;

	text[0] = '\0';
	if (take) {
		struct node *node = &inner->node[i];

		memcpy(row->name, node->name, sizeof(row->name));
		row->generation = (int64_t)node->generation;
		row->seen_ms = node->written_ms = node->seen_ms;
		row->sources = text;
		node->written = node->version;
		for (size_t p = 0; p < node->prefix_count; p++) {
			char prefix[PREFIX_TEXT_SIZE];

			prefix_format(node->prefix[p].address, node->prefix[p].bits, prefix);
			assert(used + sizeof(prefix) + 1 < size);
			if (used > 0)
				text[used++] = ' ';
			memcpy(text + used, prefix, strlen(prefix) + 1);
			used += strlen(prefix);
		}
	}
	nodes_unlock(inner);
	return take;
}

enum err nodes_persist(struct nodes *nodes, struct db *db)
{
	for (size_t i = 0; i < NODE_MAX; i++) {
		char text[PREFIX_MAX * (PREFIX_TEXT_SIZE + 2)];
		struct node_row row;

		if (!take_row(nodes, i, &row, text, sizeof(text)))
			continue;
		TRY(node_put(db, &row));
	}
	return OK;
}

void nodes_persisted(struct nodes *nodes)
{
	struct inner *inner = nodes_lock(nodes);

	for (size_t i = 0; i < inner->count; i++) {
		struct node *node = &inner->node[i];

		if (node->written == node->durable)
			continue;
		node->durable = node->written;
		node->persisted_ms = node->written_ms;
	}
	nodes_unlock(inner);
}

/* ---- questions */

uint64_t nodes_confirmed(const struct nodes *nodes)
{
	struct inner *inner = nodes_lock(nodes);
	uint64_t generation = confirmed(inner);

	nodes_unlock(inner);
	return generation;
}

static bool refused(const struct inner *inner, int64_t number)
{
	for (size_t i = 0; i < inner->count; i++)
		for (size_t r = 0; r < inner->node[i].refused_count; r++)
			if (inner->node[i].refused[r] == number)
				return true;
	return false;
}

bool nodes_forwarding(const struct nodes *nodes, const struct instance *instance, int64_t now_ms)
{
	struct inner *inner = nodes_lock(nodes);
	uint64_t generation = confirmed(inner);
	bool refuses = refused(inner, instance->number);

	nodes_unlock(inner);
	if (generation == 0 || refuses)
		return false; /* no node, one that has nothing yet, or one without room */
	if ((uint64_t)instance->deadline_generation <= generation)
		return now_ms < lifecycle_forward_until(instance->expire_ms);
	return now_ms < instance->previous_forward_until_ms;
}

enum err nodes_facts(
	const struct nodes *nodes, struct arena *mem, struct node_facts **out, size_t *count)
{
	struct node_facts *facts = arena_array(mem, NODE_MAX, sizeof(*facts));

	if (!facts)
		return ERR_MEMORY;

	struct inner *inner = nodes_lock(nodes);

	*count = 0;
	for (size_t i = 0; i < inner->count; i++) {
		const struct node *node = &inner->node[i];
		struct node_facts *one = &facts[*count];

		if (node->name[0] == '\0')
			continue;
		(*count)++;
		memcpy(one->name, node->name, sizeof(one->name));
		one->generation = node->generation;
		one->seen_ms = node->seen_ms;
		one->reported = node->reported;
		one->report = node->facts;
		one->refused_instances = node->refused_count;
		memcpy(one->reason, node->reason, sizeof(node->reason));
		one->has_requests = node->requests.record.id != 0;
		one->requests = node->requests;
		memcpy(one->uplink, node->measures.uplink, sizeof(one->uplink));
	}
	nodes_unlock(inner);
	*out = facts;
	return OK;
}

static int prefix_compare(const void *a, const void *b)
{
	const struct prefix *left = a, *right = b;
	int order = memcmp(left->address, right->address, 16);

	return order != 0 ? order : (int)left->bits - (int)right->bits;
}

/* Copies what nodes reported, of one IP version or of both (0). */
static struct prefix *prefixes_copy(
	const struct nodes *nodes, struct arena *mem, int version, size_t *count)
{
	struct prefix *prefix = arena_array(mem, NODE_MAX * PREFIX_MAX, sizeof(*prefix));
	struct inner *inner = nodes_lock(nodes);

	*count = 0;
	for (size_t i = 0; prefix && i < inner->count; i++)
		for (size_t p = 0; p < inner->node[i].prefix_count; p++) {
			const struct prefix *one = &inner->node[i].prefix[p];

			if (version != 0 && (version == 4) != address_is_ipv4(one->address))
				continue;
			prefix[(*count)++] = *one;
		}
	nodes_unlock(inner);
	return prefix;
}

enum err nodes_sources(
	const struct nodes *nodes, struct arena *mem, int version, const char ***out, size_t *count)
{
	size_t all, used = 0;
	struct prefix *prefix = prefixes_copy(nodes, mem, version, &all);
	const char **text = prefix ? arena_array(mem, all, sizeof(*text)) : NULL;

	if (!text)
		return ERR_MEMORY;
	qsort(prefix, all, sizeof(*prefix), prefix_compare);
	for (size_t i = 0; i < all; i++) {
		char form[PREFIX_TEXT_SIZE];

		if (i > 0 && prefix_compare(&prefix[i - 1], &prefix[i]) == 0)
			continue;
		prefix_format(prefix[i].address, prefix[i].bits, form);
		text[used] = arena_copy(mem, form);
		if (!text[used++])
			return ERR_MEMORY;
	}
	*out = text;
	*count = used;
	return OK;
}

/* ---- news */

void nodes_announce(struct nodes *nodes, uint64_t newest, int64_t life_offset_ms)
{
	struct inner *inner = nodes_lock(nodes);

	if (newest != inner->newest || life_offset_ms != inner->offset_ms) {
		inner->newest = newest;
		inner->offset_ms = life_offset_ms;
		(void)pthread_cond_broadcast(&inner->news);
	}
	nodes_unlock(inner);
}

uint64_t nodes_newest(const struct nodes *nodes)
{
	struct inner *inner = nodes_lock(nodes);
	uint64_t newest = inner->newest;

	nodes_unlock(inner);
	return newest;
}

bool nodes_wait(struct nodes *nodes, uint64_t generation, int64_t offset_ms, int64_t wait_ms)
{
	struct timespec until = clock_deadline(wait_ms > 0 ? wait_ms : 0);
	struct inner *inner = nodes_lock(nodes);
	bool news;

	while (true) {
		news = inner->newest > generation || inner->offset_ms != offset_ms;
		if (news || inner->closed)
			break;
		if (pthread_cond_timedwait(&inner->news, &inner->lock, &until) != 0)
			break;
	}
	nodes_unlock(inner);
	return news;
}

void nodes_close(struct nodes *nodes)
{
	struct inner *inner = nodes_lock(nodes);

	inner->closed = true;
	(void)pthread_cond_broadcast(&inner->news);
	nodes_unlock(inner);
}
