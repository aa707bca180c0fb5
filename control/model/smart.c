/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A key of the attack's requests (an address, a browser's name) is one of the attack when it has a good part of what came on
 * top, comes many times as often as usual, and is rare among usual requests: what more than one in twenty of them has
 * is never met. Its count is taken for as small as it can be, since who has no place in a node's list inherits another's
 * count.
 *
 * Addresses go first: a rule of addresses meets nobody else. Then comes what the requests have in common. When nothing tells
 * them apart, each source is held to some times of what the busiest usual one has.
 */
#include "control/model/smart.h"

#include <string.h>

#include "base/text.h"

#define USUAL_SHARE_MAX	 5  /* per cent of usual requests: who has more is never met */
#define SOURCE_SHARE_MIN 2  /* per cent of the attack: of one source beside others */
#define SOURCE_RATE_MIN	 5  /* requests a second */
#define ENOUGH		 80 /* per cent: so much of the attack is met, and no more is looked for */
#define RATE_SECONDS	 10
#define RATE_TTL	 300
#define RATE_FACTOR	 4
#define SOURCE_BITS_IPV6 64

static const struct smart_level levels[WEB_AI_COUNT] = {
	[WEB_AI_LOOSE] = { 80, 100, 30, 10, RULE_CHALLENGE },
	[WEB_AI_NORMAL] = { 40, 50, 20, 6, RULE_CHALLENGE },
	[WEB_AI_STRICT] = { 25, 20, 10, 4, RULE_BLOCK },
};
static const struct {
	enum top_kind top;
	enum web_field field;
	const char *name;
} kinds[SMART_KIND_COUNT] = {
	[SMART_SOURCE] = { TOP_SOURCE, WEB_ip, "source" },
	[SMART_JA4] = { TOP_JA4, WEB_ja4, "ja4" },
	[SMART_HTTP2] = { TOP_HTTP2, WEB_http2, "http2" },
	[SMART_USER_AGENT] = { TOP_USER_AGENT, WEB_user_agent, "user-agent" },
	[SMART_URL] = { TOP_URL, WEB_uri, "url" },
};

const struct smart_level *smart_level(enum web_ai_level level)
{
	return &levels[level];
}

uint64_t smart_threshold(enum web_ai_level level, uint32_t usual_a_minute)
{
	uint64_t scaled = (uint64_t)usual_a_minute * levels[level].factor / 600;

	return scaled > levels[level].requests ? scaled : levels[level].requests;
}

enum top_kind smart_top(enum smart_kind kind)
{
	return kinds[kind].top;
}

const char *smart_name(enum smart_kind kind)
{
	return kinds[kind].name;
}

/* ---- keys */

static uint64_t surely(const struct top_entry *entry)
{
	return entry->count - entry->error;
}

/* At most so many of the usual requests had the key: one that is not in the list may have as many as the last there. */
static uint64_t usual_count(const struct smart_view *usual, const struct top_entry *key)
{
	for (size_t i = 0; i < usual->count; i++) {
		const struct top_entry *entry = &usual->entry[i];

		if (entry->length == key->length && memcmp(entry->key, key->key, key->length) == 0)
			return entry->count;
	}
	return usual->count >= TOP_REPORT_KEYS ? usual->entry[usual->count - 1].count : 0;
}

/* Requests in a thousand seconds. */
static uint64_t rate_of(uint64_t count, uint64_t total, uint64_t rate)
{
	return total ? count * rate * 1000 / total : 0;
}

struct excess {
	uint64_t rate;	/* of the key, on top of its usual one; in a thousand seconds */
	uint32_t share; /* per cent of all that came on top */
	bool strange;
};

static struct excess excess_of(
	const struct smart_input *input, enum smart_kind kind, const struct top_entry *key)
{
	/* All requests have a URL; not all have what is counted here. */
	uint64_t attack_total = input->attack[SMART_URL].total;
	uint64_t usual_total = input->usual[SMART_URL].total;
	uint64_t before = usual_count(&input->usual[kind], key);
	uint64_t now = rate_of(surely(key), attack_total, input->attack_rate);
	uint64_t usual = rate_of(before, usual_total, input->usual_rate);
	uint64_t more = (input->attack_rate - input->usual_rate) * 1000;
	struct excess out = { 0 };

	if (now <= usual || more == 0)
		return out;
	out.rate = now - usual;
	out.share = (uint32_t)(out.rate * 100 / more);
	out.share = out.share > 100 ? 100 : out.share;
	out.strange = before * 100 <= usual_total * USUAL_SHARE_MAX &&
		      now >= usual * levels[input->level].ratio;
	return out;
}

static bool is_text(const struct top_entry *key)
{
	return text_is_utf8(key->key, key->length);
}

static bool address_of(const struct top_entry *key, uint8_t out[16])
{
	char text[TOP_KEY_MAX + 1] = "";

	memcpy(text, key->key, key->length);
	return text_to_address(text, out);
}

/* ---- choosing */

static bool choose_sources(const struct smart_input *input, struct smart_choice *out)
{
	const struct smart_view *view = &input->attack[SMART_SOURCE];
	uint8_t address[16];

	*out = (struct smart_choice){ .kind = SMART_SOURCE };
	for (size_t i = 0; i < view->count && out->keys < SMART_SOURCES_MAX; i++) {
		const struct top_entry *key = &view->entry[i];
		struct excess excess = excess_of(input, SMART_SOURCE, key);

		if (!excess.strange || excess.share < SOURCE_SHARE_MIN ||
			excess.rate < SOURCE_RATE_MIN * 1000 || !address_of(key, address) ||
			input->is_allowed(input->context, address))
			continue;
		out->key[out->keys++] = key;
		out->share += excess.share;
	}
	out->share = out->share > 100 ? 100 : out->share;
	return out->keys > 0 && out->share >= levels[input->level].share;
}

static bool choose_key(
	const struct smart_input *input, enum smart_kind kind, struct smart_choice *out)
{
	const struct smart_view *view = &input->attack[kind];

	*out = (struct smart_choice){ .kind = kind };
	for (size_t i = 0; i < view->count; i++) {
		struct excess excess = excess_of(input, kind, &view->entry[i]);

		if (!excess.strange || excess.share <= out->share || !is_text(&view->entry[i]))
			continue;
		out->key[0] = &view->entry[i];
		out->keys = 1;
		out->share = excess.share;
	}
	return out->keys > 0 && out->share >= levels[input->level].share;
}

/* The busiest usual source's requests in so many seconds. */
static uint64_t usual_of_source(const struct smart_input *input)
{
	const struct smart_view *view = &input->usual[SMART_SOURCE];
	uint64_t total = input->usual[SMART_URL].total;

	if (view->count == 0)
		return 0;
	return rate_of(view->entry[0].count, total, input->usual_rate) * RATE_SECONDS / 1000;
}

static void choose_rate(const struct smart_input *input, struct smart_choice *out)
{
	uint64_t least = levels[input->level].requests;
	uint64_t threshold = (usual_of_source(input) + 1) * RATE_FACTOR;

	threshold = threshold < least ? least : threshold;
	*out = (struct smart_choice){ .kind = SMART_SOURCE,
		.by_rate = true,
		.threshold =
			(uint32_t)(threshold < WEB_THRESHOLD_MAX ? threshold : WEB_THRESHOLD_MAX) };
}

size_t smart_choose(const struct smart_input *input, struct smart_choice out[SMART_CHOICES_MAX])
{
	size_t count = 0;

	if (input->usual[SMART_URL].total < SMART_USUAL_LEAST ||
		input->attack[SMART_URL].total == 0 || input->attack_rate <= input->usual_rate)
		return 0;
	if (choose_sources(input, &out[count]))
		count++;
	for (unsigned kind = SMART_JA4; kind < SMART_KIND_COUNT && count < SMART_CHOICES_MAX - 1;
		kind++) {
		if (count > 0 && out[count - 1].share >= ENOUGH)
			return count;
		if (choose_key(input, (enum smart_kind)kind, &out[count]))
			count++;
	}
	if (count == 0)
		choose_rate(input, &out[count++]);
	return count;
}

/* ---- rules */

/* Who has one address of IPv6 has all of its network. */
void smart_source(const uint8_t address[16], char *out)
{
	uint8_t source[16] = { 0 };
	bool ipv4 = address_is_ipv4(address);

	memcpy(source, address, ipv4 ? 16 : SOURCE_BITS_IPV6 / 8);
	prefix_format(source, ipv4 ? 128 : SOURCE_BITS_IPV6, out);
}

static enum err add_sources(
	struct arena *mem, const struct smart_choice *choice, struct web_condition *out)
{
	out->value = arena_array(mem, choice->keys, sizeof(*out->value));
	if (!out->value)
		return ERR_MEMORY;
	for (size_t i = 0; i < choice->keys; i++) {
		char text[PREFIX_TEXT_SIZE];
		uint8_t address[16] = { 0 };

		(void)address_of(choice->key[i], address);
		smart_source(address, text);
		out->value[i] = arena_copy(mem, text);
		if (!out->value[i])
			return ERR_MEMORY;
	}
	out->value_count = choice->keys;
	out->method = METHOD_BELONG;
	return OK;
}

static enum err fill_condition(
	struct arena *mem, const struct smart_choice *choice, struct web_condition *out)
{
	const struct top_entry *key = choice->key[0];
	const char *text;

	*out = (struct web_condition){
		.field = WEB_uri, .method = METHOD_PREFIX, .header = "", .content = "/"
	};
	if (choice->by_rate)
		return OK;
	out->field = kinds[choice->kind].field;
	out->content = "";
	if (choice->kind == SMART_SOURCE)
		return add_sources(mem, choice, out);
	/* A text that was cut is known by how it begins. */
	text = arena_copy_n(mem, key->key, key->length);
	if (!text)
		return ERR_MEMORY;
	out->method = key->length < TOP_KEY_MAX ? METHOD_EQUAL : METHOD_PREFIX;
	out->content = text;
	return OK;
}

enum err smart_rule(struct arena *mem, const struct smart_choice *choice, enum web_ai_level level,
	const char *const *allowed, size_t allowed_count, struct web_rule *out)
{
	struct web_condition *condition = arena_array(mem, 2, sizeof(*condition));

	*out = (struct web_rule){ .name = "",
		.action = levels[level].action,
		.condition = condition,
		.condition_count = 1,
		.rate = { .header = "" },
		.statistics = { .header = "" } };
	if (!condition)
		return ERR_MEMORY;
	TRY(fill_condition(mem, choice, &condition[0]));
	if (allowed_count > 0 && (choice->by_rate || choice->kind != SMART_SOURCE)) {
		condition[out->condition_count++] = (struct web_condition){ .field = WEB_ip,
			.method = METHOD_NBELONG,
			.header = "",
			.content = "",
			.value = (const char **)(uintptr_t)allowed,
			.value_count = allowed_count };
	}
	if (choice->by_rate) {
		out->rate.given = true;
		out->rate.interval = RATE_SECONDS;
		out->rate.threshold = choice->threshold;
		out->rate.ttl = RATE_TTL;
	}
	return OK;
}
