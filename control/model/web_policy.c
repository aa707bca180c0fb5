/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The document is all ours: an action has checked what is in it, so that what is missing or of another type has the
 * fallback's value, and only memory can be out.
 */
#include "control/model/web_policy.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "control/model/country.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DOMESTIC     "CN-"

/* Published names, in the order of their enums; "" is no choice. */
static const char *const pace_names[] = { "", "default", "gf_under_attack", "gf_sos_verify",
	"gf_sos_enhance" };
static const char *const level_names[] = { "weak", "default", "hard" };
static const char *const ai_names[] = { "level30", "level60", "level90" };
static const char *const cache_names[] = { "", "standard", "aggressive", "bypass" };
static const char *const mode_names[] = { "off", "watch", "block" };
static_assert(
	COUNT(level_names) == WEB_LEVEL_COUNT && COUNT(ai_names) == WEB_AI_COUNT, "one for each");

static bool name_find(const char *const *names, size_t count, const char *name, unsigned *out)
{
	for (unsigned i = 0; name[0] && i < count; i++) {
		if (strcmp(names[i], name) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}
#define NAMES(type, function, names)                                                               \
	const char *function##_name(enum type value)                                               \
	{                                                                                          \
		return names[value];                                                               \
	}                                                                                          \
	bool function##_from_name(const char *name, enum type *out)                                \
	{                                                                                          \
		unsigned row;                                                                      \
		if (!name_find(names, COUNT(names), name, &row))                                   \
			return false;                                                              \
		*out = (enum type)row;                                                             \
		return true;                                                                       \
	}
NAMES(site_pace, web_pace, pace_names)
NAMES(web_level, web_level, level_names)
NAMES(web_ai_level, web_ai_level, ai_names)
NAMES(site_cache, web_cache, cache_names)

/* ---- checks */

static const struct {
	const char *name, *text;
	enum check_mode mode;
} checks[] = {
#define CHECK(name, mode, text) { #name, text, CHECK_##mode },
#include "shared/checks.def"
#undef CHECK
};

const char *web_check_name(enum check check)
{
	return checks[check].name;
}

const char *web_check_text(enum check check)
{
	return checks[check].text;
}

enum check_mode web_check_default(enum check check)
{
	return checks[check].mode;
}

bool web_check_from_name(const char *name, enum check *out)
{
	for (unsigned i = 0; i < CHECK_COUNT; i++) {
		if (strcmp(checks[i].name, name) == 0) {
			*out = (enum check)i;
			return true;
		}
	}
	return false;
}

bool web_check_of_site(enum check check)
{
	return check > CHECK_http2_flood && check != CHECK_unknown_host && check != CHECK_capacity;
}

const char *check_mode_name(enum check_mode mode)
{
	return mode_names[mode];
}

enum check_mode web_check_mode(const struct web_policy *policy, enum check check)
{
	if (policy->check[check] != CHECK_UNSET)
		return (enum check_mode)policy->check[check];
	if (check == CHECK_smart && policy->ai_defense)
		return CHECK_BLOCK;
	return checks[check].mode;
}

/* ---- entries of lists */

bool web_prefix(const char *text, uint8_t out[16], unsigned *out_bits)
{
	char address[ADDRESS_TEXT_SIZE];
	size_t length = strcspn(text, "/");
	int64_t bits = 128;

	if (length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	if (!text_to_address(address, out))
		return false;
	if (text[length] == '/') {
		int64_t most = address_is_ipv4(out) && !strchr(address, ':') ? 32 : 128;

		if (!text_to_int(text + length + 1, &bits) || bits < 0 || bits > most)
			return false;
		bits += 128 - most;
	}
	for (int64_t i = bits; i < 128; i++)
		out[i / 8] &= (uint8_t) ~(0x80u >> (i % 8));
	*out_bits = (unsigned)bits;
	return true;
}

/* ---- regions */

/* "Inner Mongolia" and "INNERMONGOLIA". */
static bool same_region(const char *name, const char *text)
{
	for (; *name; name++) {
		if (*name == ' ')
			continue;
		if (toupper((unsigned char)*name) != *text)
			return false;
		text++;
	}
	return !*text;
}

static int64_t province_by_name(const char *text)
{
	for (int64_t number = 1; number <= 99; number++) {
		if (province_name(number) && same_region(province_name(number), text))
			return number;
	}
	return 0;
}

enum err web_region(const char *text, char out[WEB_REGION_SIZE])
{
	int64_t number;
	int country;

	if (strncmp(text, DOMESTIC, strlen(DOMESTIC)) == 0) {
		number = province_by_name(text + strlen(DOMESTIC));
		if (!number || strlen(text) >= WEB_REGION_SIZE)
			return ERR_INVALID_PARAMETER;
		if (!province_country(number))
			return ERR_NOT_ENFORCEABLE;
		memcpy(out, text, strlen(text) + 1);
		return OK;
	}
	country = text_to_int(text, &number) ? country_by_number(number)
					     : country_by_code(text, strlen(text));
	if (country < 0)
		return ERR_INVALID_PARAMETER;
	memcpy(out, countries[country].code, strlen(countries[country].code) + 1);
	return OK;
}

void web_region_set(const char *region, uint64_t bits[4])
{
	const char *code = region;

	if (strncmp(region, DOMESTIC, strlen(DOMESTIC)) == 0)
		code = province_country(province_by_name(region + strlen(DOMESTIC)));
	if (code)
		countries_to_bits(code, bits);
}

/* ---- the document */

struct web_policy web_policy_fallback(void)
{
	struct web_policy policy = {
		.cc_open = true,
		.cc_on = true,
		.cc_rules_on = true,
		.pace = SITE_PACE_NORMAL,
		.precise_on = true,
		.lists_on = true,
		.ai_on = true,
		.ai_level = WEB_AI_NORMAL,
		.global_on = true,
		.global_level = WEB_LEVEL_DEFAULT,
		.cache = SITE_CACHE_STATIC,
	};

	memset(policy.check, CHECK_UNSET, sizeof(policy.check));
	return policy;
}

/* Members that are switches. */
static const struct {
	const char *key;
	size_t offset;
} switches[] = {
#define SWITCH(member)                                                                             \
	{                                                                                          \
#member, offsetof(struct web_policy, member)                                       \
	}
	SWITCH(cc_open),
	SWITCH(cc_on),
	SWITCH(cc_rules_on),
	SWITCH(precise_on),
	SWITCH(lists_on),
	SWITCH(area_on),
	SWITCH(ai_on),
	SWITCH(ai_defense),
	SWITCH(global_on),
	SWITCH(cache_on),
	SWITCH(log_on),
	SWITCH(bypass),
};
/* Members that are lists of texts. */
static const struct {
	const char *key;
	size_t offset, most;
} lists[] = {
	{ "black", offsetof(struct web_policy, black), WEB_LIST_MAX },
	{ "white", offsetof(struct web_policy, white), WEB_LIST_MAX },
	{ "regions", offsetof(struct web_policy, regions), WEB_REGION_MAX },
};

static const char *text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

static enum err read_list(
	struct arena *mem, const json_t *list, size_t most, struct web_prefixes *out)
{
	size_t count = json_array_size(list);

	out->text = arena_array(mem, count, sizeof(*out->text));
	if (!out->text)
		return ERR_MEMORY;
	for (size_t i = 0; i < count && i < most; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text)
			continue;
		out->text[out->count] = arena_copy(mem, text);
		if (!out->text[out->count++])
			return ERR_MEMORY;
	}
	return OK;
}

static void read_checks(const json_t *json, struct web_policy *out)
{
	const char *name;
	json_t *value;
	enum check check;
	unsigned mode;

	json_object_foreach((json_t *)(uintptr_t)json, name, value)
	{
		const char *text = json_string_value(value);

		if (text && web_check_from_name(name, &check) &&
			name_find(mode_names, COUNT(mode_names), text, &mode))
			out->check[check] = (uint8_t)mode;
	}
}

enum err web_policy_parse(struct arena *mem, const char *text, struct web_policy *out)
{
	AUTO(json) json_t *json = text[0] ? json_loads(text, 0, NULL) : json_object();

	if (!json)
		return ERR_MEMORY;
	*out = web_policy_fallback();
	for (size_t i = 0; i < COUNT(switches); i++) {
		const json_t *value = json_object_get(json, switches[i].key);

		if (json_is_boolean(value))
			*(bool *)((char *)out + switches[i].offset) = json_is_true(value);
	}
	for (size_t i = 0; i < COUNT(lists); i++)
		TRY(read_list(mem, json_object_get(json, lists[i].key), lists[i].most,
			(struct web_prefixes *)(void *)((char *)out + lists[i].offset)));
	(void)web_pace_from_name(text_of(json, "pace"), &out->pace);
	(void)web_ai_level_from_name(text_of(json, "ai_level"), &out->ai_level);
	(void)web_level_from_name(text_of(json, "global_level"), &out->global_level);
	(void)web_cache_from_name(text_of(json, "cache"), &out->cache);
	out->cache_edition = (uint32_t)json_integer_value(json_object_get(json, "cache_edition"));
	read_checks(json_object_get(json, "checks"), out);
	return OK;
}

static enum err put_list(json_t *json, const char *key, const struct web_prefixes *list)
{
	json_t *array = json_array();

	TRY(web_put(json, key, array));
	for (size_t i = 0; i < list->count; i++)
		TRY(web_append(array, json_string(list->text[i])));
	return OK;
}

static enum err put_checks(json_t *json, const struct web_policy *policy)
{
	json_t *object = json_object();

	TRY(web_put(json, "checks", object));
	for (unsigned i = 0; i < CHECK_COUNT; i++) {
		if (policy->check[i] != CHECK_UNSET)
			TRY(web_put(
				object, checks[i].name, json_string(mode_names[policy->check[i]])));
	}
	return OK;
}

enum err web_policy_format(struct arena *mem, const struct web_policy *policy, const char **out)
{
	AUTO(json)
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:I}", "pace", pace_names[policy->pace],
		"ai_level", ai_names[policy->ai_level], "global_level",
		level_names[policy->global_level], "cache", cache_names[policy->cache],
		"cache_edition", (json_int_t)policy->cache_edition);

	if (!json)
		return ERR_MEMORY;
	for (size_t i = 0; i < COUNT(switches); i++)
		TRY(web_put(json, switches[i].key,
			json_boolean(*(const bool *)((const char *)policy + switches[i].offset))));
	for (size_t i = 0; i < COUNT(lists); i++)
		TRY(put_list(json, lists[i].key,
			(const struct web_prefixes *)(const void *)((const char *)policy +
								    lists[i].offset)));
	TRY(put_checks(json, policy));
	return web_dump(mem, json, out);
}
