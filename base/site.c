/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A site is one piece of memory: the head, then texts and lists in the order in which they were added. Offsets are 16
 * bits, so that a site is smaller than 64 KiB, which is also what a record of a snapshot can hold.
 *
 * The check is the only guard between a file and workers that read without looking at bounds: it looks at each
 * text, list, element and step once. Overlaps are no fault: two may well share a text.
 */
#include "base/site.h"

#include <string.h>

struct site *site_head(struct site_builder *builder)
{
	return (struct site *)(void *)builder->bytes;
}

struct site *site_begin(struct site_builder *builder, void *bytes, size_t size)
{
	*builder = (struct site_builder){ .bytes = bytes };
	if (size > SITE_BYTES_MAX)
		size = SITE_BYTES_MAX;
	builder->size = size & ~(size_t)7;
	if (builder->size < sizeof(struct site)) {
		builder->full = true;
		return NULL;
	}
	builder->used = sizeof(struct site);
	memset(bytes, 0, sizeof(struct site));
	return bytes;
}

static uint8_t *take(struct site_builder *builder, size_t length)
{
	uint8_t *at = builder->bytes + builder->used;

	if (builder->full || length > builder->size - builder->used) {
		builder->full = true;
		return NULL;
	}
	builder->used += length;
	return at;
}

struct site_text site_add_text(struct site_builder *builder, const void *text, size_t length)
{
	struct site_text out = { 0, 0 };
	uint8_t *at;

	if (length == 0)
		return out;
	if (length > SITE_TEXT_MAX)
		builder->full = true;
	at = take(builder, length);
	if (!at)
		return out;
	memcpy(at, text, length);
	out.offset = (uint16_t)(at - builder->bytes);
	out.length = (uint16_t)length;
	return out;
}

static bool align(struct site_builder *builder)
{
	size_t odd = builder->used & 7;
	uint8_t *at;

	if (odd == 0)
		return !builder->full;
	at = take(builder, 8 - odd);
	if (at)
		memset(at, 0, 8 - odd);
	return at != NULL;
}

void *site_add_list(
	struct site_builder *builder, struct site_list *list, size_t count, size_t element_bytes)
{
	uint8_t *at;

	*list = (struct site_list){ 0, 0 };
	if (count == 0 || !align(builder))
		return NULL;
	if (count > SITE_BYTES_MAX / element_bytes)
		builder->full = true;
	at = take(builder, count * element_bytes);
	if (!at)
		return NULL;
	memset(at, 0, count * element_bytes);
	list->offset = (uint16_t)(at - builder->bytes);
	list->count = (uint16_t)count;
	return at;
}

size_t site_end(struct site_builder *builder)
{
	if (!align(builder))
		return 0;
	site_head(builder)->length = (uint32_t)builder->used;
	return builder->used;
}

/* ---- checking */

static bool text_fits(const struct site *site, struct site_text text)
{
	return text.length == 0 || (text.length <= SITE_TEXT_MAX && text.offset >= sizeof(*site) &&
					   (uint32_t)text.offset + text.length <= site->length);
}

static bool list_fits(
	const struct site *site, struct site_list list, size_t element_bytes, size_t most)
{
	return list.count == 0 ||
	       (list.count <= most && (list.offset & 7) == 0 && list.offset >= sizeof(*site) &&
		       list.offset + list.count * element_bytes <= site->length);
}

/* Tables of what a site has, so that a new list or text cannot be forgotten in one of the loops. */
#define LIST(member, type, most)                                                                   \
	{                                                                                          \
		offsetof(struct site, member), sizeof(type), most, #member                         \
	}
static const struct {
	size_t offset, element_bytes, most;
	const char *name;
} lists[] = {
	LIST(instances, uint32_t, SITE_INSTANCE_MAX),
	LIST(ports, struct site_port, SITE_PORT_MAX),
	LIST(origins, struct site_origin, SITE_ORIGIN_MAX),
	LIST(headers, struct site_header, SITE_HEADER_MAX),
	LIST(prefixes, struct table_prefix, SITE_PREFIX_MAX),
	LIST(rules, struct site_rule, SITE_RULE_MAX),
	LIST(steps, struct site_step, SITE_STEP_MAX),
	LIST(caches, struct site_cache_rule, SITE_CACHE_MAX),
};

static const char *check_head(const struct site *site)
{
	if (site->number == 0 || site->domain.length == 0 || site->domain.length > SITE_DOMAIN_MAX)
		return "site without number or domain";
	if (!text_fits(site, site->domain) || !text_fits(site, site->ciphers) ||
		!text_fits(site, site->ciphers_tls13))
		return "site with a text outside of it";
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct site_list list;

		memcpy(&list, (const uint8_t *)site + lists[i].offset, sizeof(list));
		if (!list_fits(site, list, lists[i].element_bytes, lists[i].most))
			return "site with a list that is too long or outside of it";
	}
	for (size_t i = 0; i < CHECK_MAX; i++) {
		if (site->mode[i] > CHECK_BLOCK)
			return "site with an unknown mode of a check";
	}
	if (site->balance > SITE_LEAST_TIME || site->pace > SITE_PACE_ENHANCE ||
		site->cache > SITE_CACHE_BYPASS || site->tls_min > 4)
		return "site with an unknown choice";
	return NULL;
}

static const char *check_places(const struct site *site)
{
	const uint32_t *instance = site_list_at(site, site->instances);
	const struct site_port *port = site_list_at(site, site->ports);

	for (unsigned i = 0; i < site->instances.count; i++) {
		if (instance[i] == 0 || (i > 0 && instance[i] <= instance[i - 1]))
			return "site whose instances do not ascend";
	}
	for (unsigned i = 0; i < site->ports.count; i++) {
		if (port[i].port == 0 || port[i].schemes == 0 ||
			port[i].schemes >= 2 * SITE_SCHEME_WEBSOCKETS ||
			(i > 0 && port[i].port <= port[i - 1].port))
			return "site whose ports do not ascend or have no scheme";
		/* One listener serves a port: it asks for TLS, or it does not. */
		if ((port[i].schemes & SITE_SCHEME_TLS) && (port[i].schemes & ~SITE_SCHEME_TLS))
			return "site with a port with and without TLS";
	}
	return NULL;
}

static const char *check_acme(const struct site *site)
{
	if (!text_fits(site, site->acme_token) || !text_fits(site, site->acme_answer) ||
		(site->acme_token.length == 0) != (site->acme_answer.length == 0))
		return "site with a challenge that is outside of it or has no answer";
	return NULL;
}

static bool is_zero(const struct address *address)
{
	static const struct address none;

	return memcmp(address, &none, sizeof(none)) == 0;
}

static const char *check_origins(const struct site *site)
{
	const struct site_origin *origin = site_list_at(site, site->origins);
	const struct site_header *header = site_list_at(site, site->headers);

	for (unsigned i = 0; i < site->origins.count; i++) {
		if (!text_fits(site, origin[i].name) || origin[i].name.length >= TABLE_KEY_MAX)
			return "origin with a name outside of the site";
		if (is_zero(&origin[i].address) == (origin[i].name.length == 0))
			return "origin with both or none of address and name";
		if (origin[i].weight == 0 || origin[i].weight > 100)
			return "origin with a weight that is not 1..100";
		if (!origin[i].connect_timeout_seconds || !origin[i].read_timeout_seconds ||
			!origin[i].send_timeout_seconds)
			return "origin without a time-out";
	}
	for (unsigned i = 0; i < site->headers.count; i++) {
		if (header[i].name.length == 0 || !text_fits(site, header[i].name) ||
			!text_fits(site, header[i].value))
			return "header without name or outside of the site";
	}
	return NULL;
}

static const char *check_lists(const struct site *site)
{
	const struct table_prefix *prefix = site_list_at(site, site->prefixes);
	const struct site_cache_rule *cache = site_list_at(site, site->caches);

	for (unsigned i = 0; i < site->prefixes.count; i++) {
		if (prefix[i].bits > 128 ||
			(prefix[i].flags != SITE_WHITE && prefix[i].flags != SITE_BLACK))
			return "list entry of an unknown kind";
	}
	for (unsigned i = 0; i < site->caches.count; i++) {
		if (!text_fits(site, cache[i].path) || cache[i].mode > SITE_CACHE_BYPASS)
			return "cache rule outside of the site or of an unknown mode";
	}
	return NULL;
}

/* left: steps behind this one in the rule. */
static bool jump_ends(uint8_t distance, unsigned left)
{
	return distance == STEP_MATCH || distance == STEP_NO_MATCH ||
	       (distance >= 1 && distance <= left);
}

static const char *check_step(const struct site *site, const struct site_step *step, unsigned left)
{
	if (step->field >= FIELD_COUNT || step->match >= MATCH_COUNT ||
		(step->flags & ~(STEP_NOT | STEP_ANY_CASE)))
		return "step of an unknown kind";
	if (!jump_ends(step->hit, left) || !jump_ends(step->miss, left))
		return "step that leads out of its rule";
	if (!text_fits(site, step->name) || !text_fits(site, step->value))
		return "step with a text outside of the site";
	if (step->field == FIELD_HEADER && step->name.length == 0)
		return "step about a header without its name";
	if ((step->field == FIELD_ADDRESS) != (step->match == MATCH_WITHIN))
		return "step whose match is not for its field";
	if (step->match == MATCH_WITHIN && (step->value.length != sizeof(struct address) ||
						   step->number < 0 || step->number > 128))
		return "step with a bad prefix";
	return NULL;
}

struct site_choice site_choice_at(
	const struct site *site, const struct site_rule *rule, unsigned index)
{
	struct site_choice out;

	memcpy(&out, site_text_at(site, rule->name) + index * sizeof(out), sizeof(out));
	return out;
}

static const char *check_choices(const struct site *site, const struct site_rule *rule)
{
	if (rule->check != CHECK_global || rule->target != TARGET_NONE || rule->step_count != 0)
		return "choice of rules with conditions or a rate";
	if (rule->name.length % sizeof(struct site_choice) != 0)
		return "choice of rules that is cut short";
	for (unsigned i = 0; i < site_choice_count(rule); i++) {
		if (site_choice_at(site, rule, i).action >= RULE_CHOOSE)
			return "choice of a rule with an unknown action";
	}
	return NULL;
}

static const char *check_rule(const struct site *site, const struct site_rule *rule)
{
	if (rule->number == 0 ||
		(rule->check != CHECK_precise && rule->check != CHECK_global &&
			rule->check != CHECK_frequency && rule->check != CHECK_smart))
		return "rule without number or of an unknown check";
	if (rule->action > RULE_CHOOSE || rule->target > TARGET_HEADER ||
		rule->statistics > STATISTICS_DISTINCT || rule->ratio > 100)
		return "rule with an unknown choice";
	if (!text_fits(site, rule->name) || !text_fits(site, rule->target_header) ||
		!text_fits(site, rule->distinct_header))
		return "rule with a text outside of the site";
	if ((uint32_t)rule->first_step + rule->step_count > site->steps.count ||
		rule->step_count >= STEP_MATCH)
		return "rule with steps that the site does not have";
	if (rule->target != TARGET_NONE && (rule->interval_seconds == 0 || rule->threshold == 0))
		return "rule with a rate without interval or threshold";
	if (rule->target == TARGET_HEADER && rule->target_header.length == 0)
		return "rule that counts by a header without its name";
	if (rule->statistics == STATISTICS_DISTINCT && rule->distinct != FIELD_ADDRESS &&
		rule->distinct != FIELD_URI &&
		(rule->distinct != FIELD_HEADER || rule->distinct_header.length == 0))
		return "rule that counts different values of an unknown field";
	return rule->action == RULE_CHOOSE ? check_choices(site, rule) : NULL;
}

static const char *check_rules(const struct site *site)
{
	const struct site_rule *rule = site_list_at(site, site->rules);
	const struct site_step *step = site_list_at(site, site->steps);
	const char *why;

	for (unsigned i = 0; i < site->rules.count; i++) {
		why = check_rule(site, &rule[i]);
		if (why)
			return why;
		if (i > 0 && rule[i].check < rule[i - 1].check)
			return "site whose rules are not in the order of checks";
		for (unsigned j = 0; j < rule[i].step_count; j++) {
			why = check_step(
				site, &step[rule[i].first_step + j], rule[i].step_count - j - 1u);
			if (why)
				return why;
		}
	}
	return NULL;
}

const char *site_check(const void *bytes, size_t length)
{
	static const char *(*const part[])(const struct site *site) = {
		check_head,
		check_places,
		check_acme,
		check_origins,
		check_lists,
		check_rules,
	};
	const struct site *site = bytes;

	if (((uintptr_t)bytes & 7) || length < sizeof(*site) || length > SITE_BYTES_MAX ||
		(length & 7) || site->length != length)
		return "site of a wrong length";
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		const char *why = part[i](site);

		if (why)
			return why;
	}
	return NULL;
}

const char *site_check_rules(const void *bytes, size_t length)
{
	const char *why = site_check(bytes, length);
	const struct site *site = bytes;
	const struct site_rule *rule;

	if (why)
		return why;
	rule = site_list_at(site, site->rules);
	for (unsigned i = 0; i < site->rules.count; i++) {
		if (rule[i].check != CHECK_global || rule[i].target != TARGET_NONE ||
			rule[i].action == RULE_CHOOSE)
			return "rule that sites cannot choose";
	}
	return NULL;
}

const char *certificate_check(const void *bytes, size_t length)
{
	const struct certificate *certificate = bytes;

	if (length < sizeof(*certificate) || length > CERTIFICATE_BYTES_MAX ||
		((uintptr_t)bytes & 7))
		return "certificate of a wrong length";
	if (certificate->number == 0)
		return "certificate without number";
	if (certificate->chain_length == 0 || certificate->key_length == 0 ||
		certificate->chain_length > length || certificate->key_length > length ||
		sizeof(*certificate) + certificate->chain_length + certificate->key_length > length)
		return "certificate whose parts are empty or too long";
	return NULL;
}

/* ---- reading */

const struct site_port *site_port_find(const struct site *site, uint16_t port)
{
	const struct site_port *first = site_list_at(site, site->ports);
	unsigned low = 0, high = site->ports.count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (first[middle].port == port)
			return &first[middle];
		if (first[middle].port < port)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

bool site_has_instance(const struct site *site, uint32_t instance)
{
	const uint32_t *first = site_list_at(site, site->instances);

	for (unsigned i = 0; i < site->instances.count; i++) {
		if (first[i] == instance)
			return true;
	}
	return false;
}

size_t site_key_next(const char *host, size_t host_length, const char *previous,
	size_t previous_length, char out[SITE_DOMAIN_MAX + 3])
{
	const char *dot;
	size_t rest;

	if (host_length == 0 || host_length > SITE_DOMAIN_MAX)
		return 0;
	if (!previous) {
		memcpy(out, host, host_length);
		return host_length;
	}
	/* The part behind the dot that the next key begins with: of "*.b.c", the one behind "b". */
	rest = previous[0] == '*' ? previous_length - 2 : host_length;
	if (rest > host_length)
		return 0;
	dot = memchr(host + host_length - rest, '.', rest);
	if (!dot)
		return 0;
	rest = (size_t)(host + host_length - dot) - 1;
	if (rest == 0 || !memchr(dot + 1, '.', rest))
		return 0;
	out[0] = '*';
	out[1] = '.';
	memcpy(out + 2, dot + 1, rest);
	return rest + 2;
}
