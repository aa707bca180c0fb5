/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading and writing of documents that are all ours: an action has checked what is in them, so that what is missing or
 * of another type has the default's value, and only memory can be out.
 */
#include "control/model/website_setting.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/text.h"

DEFINE_AUTO(json, json_t *, json_decref);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* "" is an empty object, and so is what is none. */
static enum err parse(const char *text, json_t **out)
{
	json_error_t error = { 0 };

	*out = text[0] ? json_loads(text, 0, &error) : json_object();
	if (!*out && text[0] && json_error_code(&error) != json_error_out_of_memory)
		*out = json_object();
	return *out ? OK : ERR_MEMORY;
}

static int64_t int_of(const json_t *object, const char *key, int64_t fallback)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

static bool bool_of(const json_t *object, const char *key, bool fallback)
{
	const json_t *value = json_object_get(object, key);

	return json_is_boolean(value) ? json_is_true(value) : fallback;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* Row of the name in a table of names; false: none. */
static bool name_find(const char *const *names, size_t count, const char *name, int64_t *out)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0) {
			*out = (int64_t)i;
			return true;
		}
	}
	return false;
}

/* ---- TLS */

static const char *const class_names[] = { "all", "improved", "strong", "default" };
static_assert(COUNT(class_names) == CIPHER_CLASS_COUNT, "a name for each");
static const char *const version_names[] = { "", "tls1.0", "tls1.1", "tls1.2" };

/* Each suite belongs to its class and to those before it. */
static const struct {
	enum cipher_class class;
	bool old; /* exists before TLS 1.2 */
	const char *name;
} suites[] = {
	{ CIPHERS_STRONG, false, "ECDHE-ECDSA-AES128-GCM-SHA256" },
	{ CIPHERS_STRONG, false, "ECDHE-RSA-AES128-GCM-SHA256" },
	{ CIPHERS_STRONG, false, "ECDHE-ECDSA-AES256-GCM-SHA384" },
	{ CIPHERS_STRONG, false, "ECDHE-RSA-AES256-GCM-SHA384" },
	{ CIPHERS_STRONG, false, "ECDHE-ECDSA-CHACHA20-POLY1305" },
	{ CIPHERS_STRONG, false, "ECDHE-RSA-CHACHA20-POLY1305" },
	{ CIPHERS_STRONG, false, "ECDHE-ECDSA-AES128-SHA256" },
	{ CIPHERS_STRONG, false, "ECDHE-RSA-AES128-SHA256" },
	{ CIPHERS_STRONG, false, "ECDHE-ECDSA-AES256-SHA384" },
	{ CIPHERS_STRONG, false, "ECDHE-RSA-AES256-SHA384" },
	{ CIPHERS_IMPROVED, true, "ECDHE-ECDSA-AES128-SHA" },
	{ CIPHERS_IMPROVED, true, "ECDHE-RSA-AES128-SHA" },
	{ CIPHERS_IMPROVED, true, "ECDHE-ECDSA-AES256-SHA" },
	{ CIPHERS_IMPROVED, true, "ECDHE-RSA-AES256-SHA" },
	{ CIPHERS_ALL, false, "AES128-GCM-SHA256" },
	{ CIPHERS_ALL, false, "AES256-GCM-SHA384" },
	{ CIPHERS_ALL, false, "AES128-SHA256" },
	{ CIPHERS_ALL, false, "AES256-SHA256" },
	{ CIPHERS_ALL, true, "AES128-SHA" },
	{ CIPHERS_ALL, true, "AES256-SHA" },
};
static const char *const suites_tls13[] = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
	"TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256" };
static_assert(COUNT(suites) + COUNT(suites_tls13) <= CIPHER_LIST_MAX, "a list names them all");

struct tls_policy tls_policy_default(void)
{
	return (struct tls_policy){ .least = 1, .ciphers = CIPHERS_DEFAULT, .tls13 = true };
}

const char *cipher_class_name(enum cipher_class ciphers)
{
	return class_names[ciphers];
}

bool cipher_class_from_name(const char *name, enum cipher_class *out)
{
	int64_t row;

	if (!name_find(class_names, COUNT(class_names), name, &row))
		return false;
	*out = (enum cipher_class)row;
	return true;
}

const char *tls_version_name(int64_t least)
{
	assert(least >= 1 && least < (int64_t)COUNT(version_names));
	return version_names[least];
}

bool tls_version_from_name(const char *name, int64_t *out)
{
	return name[0] && name_find(version_names, COUNT(version_names), name, out);
}

bool cipher_known(const char *name, bool tls13)
{
	int64_t row;

	if (tls13)
		return name_find(suites_tls13, COUNT(suites_tls13), name, &row);
	for (size_t i = 0; i < COUNT(suites); i++) {
		if (strcmp(suites[i].name, name) == 0)
			return true;
	}
	return false;
}

bool cipher_is_old(const char *name)
{
	for (size_t i = 0; i < COUNT(suites); i++) {
		if (strcmp(suites[i].name, name) == 0)
			return suites[i].old;
	}
	return false;
}

#define CIPHERS_BYTES_MAX 4096
static void add_suite(struct text *text, const char *name)
{
	if (text->length > 0)
		text_add_char(text, ':');
	text_add(text, name);
}

const char *tls_policy_ciphers(struct arena *mem, const struct tls_policy *policy)
{
	/* DEFAULT without a list is what IMPROVED is. */
	enum cipher_class class =
		policy->ciphers == CIPHERS_DEFAULT ? CIPHERS_IMPROVED : policy->ciphers;
	struct text text;

	text_init(&text, mem, CIPHERS_BYTES_MAX);
	for (size_t i = 0; i < policy->custom.count; i++)
		add_suite(&text, policy->custom.item[i]);
	for (size_t i = 0; policy->custom.count == 0 && i < COUNT(suites); i++) {
		if (suites[i].class >= class)
			add_suite(&text, suites[i].name);
	}
	/* OpenSSL 3 speaks TLS 1.0 and 1.1 at its lowest level only, since their signatures are SHA-1. */
	if (policy->least < 3)
		text_add(&text, ":@SECLEVEL=0");
	return text.failed ? NULL : text.data;
}

const char *tls_policy_ciphers_tls13(struct arena *mem, const struct tls_policy *policy)
{
	struct text text;

	text_init(&text, mem, CIPHERS_BYTES_MAX);
	text_add(&text, "");
	for (size_t i = 0; i < policy->custom_tls13.count; i++)
		add_suite(&text, policy->custom_tls13.item[i]);
	return text.failed ? NULL : text.data;
}

static enum err parse_texts(struct arena *mem, const json_t *list, struct text_list *out)
{
	*out = (struct text_list){ .item = arena_array(
					   mem, json_array_size(list), sizeof(char *)) };
	if (!out->item)
		return ERR_MEMORY;
	for (size_t i = 0; i < json_array_size(list) && i < CIPHER_LIST_MAX; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text)
			continue;
		out->item[out->count] = arena_copy(mem, text);
		if (!out->item[out->count++])
			return ERR_MEMORY;
	}
	return OK;
}

enum err tls_policy_parse(struct arena *mem, const char *json, struct tls_policy *out)
{
	AUTO(json) json_t *object = NULL;

	TRY(parse(json, &object));
	*out = tls_policy_default();
	(void)tls_version_from_name(text_of(object, "ssl_protocols"), &out->least);
	(void)cipher_class_from_name(text_of(object, "ssl_ciphers"), &out->ciphers);
	out->tls13 = bool_of(object, "ssl_13_enabled", out->tls13);
	TRY(parse_texts(mem, json_object_get(object, "custom_ciphers"), &out->custom));
	return parse_texts(
		mem, json_object_get(object, "tls_13_custom_ciphers"), &out->custom_tls13);
}

static json_t *texts_json(const struct text_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < list->count; i++) {
		if (json_array_append_new(array, json_string(list->item[i])) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

json_t *tls_policy_json(const struct tls_policy *policy)
{
	return json_pack("{s:s, s:s, s:b, s:o, s:o}", "ssl_protocols",
		tls_version_name(policy->least), "ssl_ciphers", cipher_class_name(policy->ciphers),
		"ssl_13_enabled", policy->tls13, "custom_ciphers", texts_json(&policy->custom),
		"tls_13_custom_ciphers", texts_json(&policy->custom_tls13));
}

/* ---- origins */

static const char *const balance_names[] = { "ip_hash", "rr", "least_time" };
static_assert(COUNT(balance_names) == SITE_LEAST_TIME + 1, "a name for each");

/* In the order of struct origin_attributes. */
const struct origin_attribute origin_attribute_rows[] = {
	{ "Weight", 1, 100, 100 },
	{ "ConnectTimeout", 1, 10, 5 },
	{ "FailTimeout", 1, 3600, 10 },
	{ "MaxFails", 1, 10, 3 },
	{ "ReadTimeout", 10, 300, 120 },
	{ "SendTimeout", 10, 300, 120 },
};

int64_t *origin_attribute_at(struct origin_attributes *attributes, size_t row)
{
	assert(row < ORIGIN_ATTRIBUTE_COUNT);
	return (int64_t *)(void *)attributes + row;
}

struct website_origin website_origin_default(const char *name)
{
	struct website_origin origin = { .name = name };

	for (size_t row = 0; row < ORIGIN_ATTRIBUTE_COUNT; row++)
		*origin_attribute_at(&origin.attributes, row) = origin_attribute_rows[row].fallback;
	return origin;
}

struct origin_policy origin_policy_default(void)
{
	return (struct origin_policy){ .balance = SITE_IP_HASH, .retry = true };
}

struct website_origin origin_policy_find(const struct origin_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->origin_count; i++) {
		if (strcmp(policy->origin[i].name, name) == 0)
			return policy->origin[i];
	}
	return website_origin_default(name);
}

const char *balance_name(enum site_balance balance)
{
	return balance_names[balance];
}

bool balance_from_name(const char *name, enum site_balance *out)
{
	int64_t row;

	if (!name_find(balance_names, COUNT(balance_names), name, &row))
		return false;
	*out = (enum site_balance)row;
	return true;
}

static enum err parse_origin(struct arena *mem, const json_t *element, struct website_origin *out)
{
	const json_t *attribute = json_object_get(element, "Attribute");

	*out = website_origin_default(arena_copy(mem, text_of(element, "RealServer")));
	if (!out->name)
		return ERR_MEMORY;
	for (size_t row = 0; row < ORIGIN_ATTRIBUTE_COUNT; row++) {
		int64_t *value = origin_attribute_at(&out->attributes, row);

		*value = int_of(attribute, origin_attribute_rows[row].name, *value);
	}
	out->backup = strcmp(text_of(attribute, "Mode"), "backup") == 0;
	return OK;
}

enum err origin_policy_parse(struct arena *mem, const char *json, struct origin_policy *out)
{
	AUTO(json) json_t *object = NULL;

	TRY(parse(json, &object));

	const json_t *list = json_object_get(object, "Attributes");

	*out = origin_policy_default();
	(void)balance_from_name(text_of(object, "ProxyMode"), &out->balance);
	out->retry = int_of(object, "UpstreamRetry", out->retry) != 0;
	for (size_t i = 0; i < json_array_size(list) && i < SITE_ORIGIN_MAX; i++)
		TRY(parse_origin(mem, json_array_get(list, i), &out->origin[out->origin_count++]));
	return OK;
}

static json_t *origin_json(const struct website_origin *origin)
{
	struct origin_attributes attributes = origin->attributes;
	json_t *object = json_pack("{s:s}", "Mode", origin->backup ? "backup" : "active");

	for (size_t row = 0; object && row < ORIGIN_ATTRIBUTE_COUNT; row++) {
		if (json_object_set_new(object, origin_attribute_rows[row].name,
			    json_integer(*origin_attribute_at(&attributes, row))) != 0) {
			json_decref(object);
			return NULL;
		}
	}
	return json_pack("{s:s, s:o}", "RealServer", origin->name, "Attribute", object);
}

json_t *origin_policy_json(const struct origin_policy *policy)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < policy->origin_count; i++) {
		if (json_array_append_new(list, origin_json(&policy->origin[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return json_pack("{s:s, s:i, s:o}", "ProxyMode", balance_name(policy->balance),
		"UpstreamRetry", policy->retry, "Attributes", list);
}

/* ---- keep-alive */

struct keepalive keepalive_default(void)
{
	return (struct keepalive){ .enabled = true, .requests = 1000, .seconds = 30 };
}

enum err keepalive_parse(const char *json, struct keepalive *out)
{
	AUTO(json) json_t *object = NULL;

	TRY(parse(json, &object));
	*out = keepalive_default();
	out->enabled = bool_of(object, "enabled", out->enabled);
	out->requests = int_of(object, "keepalive_requests", out->requests);
	out->seconds = int_of(object, "keepalive_timeout", out->seconds);
	return OK;
}

json_t *keepalive_json(const struct keepalive *keepalive)
{
	return json_pack("{s:b, s:I, s:I}", "enabled", keepalive->enabled, "keepalive_requests",
		(json_int_t)keepalive->requests, "keepalive_timeout",
		(json_int_t)keepalive->seconds);
}

/* ---- headers: the customer's own object, as it came */

enum err website_headers_parse(struct arena *mem, const char *json, struct website_headers *out)
{
	AUTO(json) json_t *object = NULL;
	const char *name;
	json_t *value;

	*out = (struct website_headers){ 0 };
	TRY(parse(json, &object));
	json_object_foreach(object, name, value)
	{
		const char *text = json_string_value(value);
		struct website_header *header = &out->header[out->count];

		/* What the node writes of itself. */
		if (strcasecmp(name, "X-Forwarded-ClientSrcPort") == 0 ||
			strcasecmp(name, "X-Forwarded-ProxyPort") == 0) {
			out->ports = true;
			continue;
		}
		if (!text || out->count == SITE_HEADER_MAX)
			continue;
		*header = (struct website_header){ arena_copy(mem, name), arena_copy(mem, text) };
		if (!header->name || !header->value)
			return ERR_MEMORY;
		out->count++;
	}
	return OK;
}
