/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conditions <-> JSON, and conditions -> byte-code.
 *
 * Byte-code: each value of a condition is a step. A condition with several values holds with the first one that does
 * ("hit" leads to the condition behind it, the last "miss" ends the rule). Its opposite is the same steps with hit and
 * miss exchanged: the first value that is met ends the rule. The last condition leads to STEP_MATCH instead. That a
 * header is absent makes "equal" fail and "nequal" hold.
 */
#include "control/model/web_condition.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "control/model/country.h"

#define METHODS_WITHIN (1u << METHOD_BELONG | 1u << METHOD_NBELONG)
#define METHODS_EQUAL  (1u << METHOD_EQUAL | 1u << METHOD_NEQUAL)
#define METHODS_CONTENT                                                                            \
	(METHODS_EQUAL | 1u << METHOD_CONTAIN | 1u << METHOD_NCONTAIN | 1u << METHOD_PREFIX |      \
		1u << METHOD_NPREFIX | 1u << METHOD_SUFFIX | 1u << METHOD_NSUFFIX)
#define METHODS_TEXT   (METHODS_CONTENT | METHODS_LENGTH)
#define METHODS_LENGTH (1u << METHOD_LLESS | 1u << METHOD_LEQUAL | 1u << METHOD_LGREAT)
#define METHODS_NUMBER (1u << METHOD_VLESS | 1u << METHOD_VEQUAL | 1u << METHOD_VGREAT)
#define METHODS_ABSENT (1u << METHOD_NEXIST | 1u << METHOD_EXIST)

static const struct {
	const char *name;
	enum step_field field;
	unsigned methods; /* bits of enum web_method */
	bool standard;
} fields[] = {
#define STANDARD				      true
#define ENHANCED				      false
#define WEB_FIELD(symbol, name, field, methods, plan) { name, FIELD_##field, methods, plan },
#include "control/model/web_fields.def"
#undef WEB_FIELD
#undef STANDARD
#undef ENHANCED
};

static const struct {
	const char *name;
	enum step_match match;
	bool opposite;
} methods[] = {
	[METHOD_BELONG] = { "belong", MATCH_WITHIN, false },
	[METHOD_NBELONG] = { "nbelong", MATCH_WITHIN, true },
	[METHOD_EQUAL] = { "equal", MATCH_EQUAL, false },
	[METHOD_NEQUAL] = { "nequal", MATCH_EQUAL, true },
	[METHOD_CONTAIN] = { "contain", MATCH_CONTAINS, false },
	[METHOD_NCONTAIN] = { "ncontain", MATCH_CONTAINS, true },
	[METHOD_PREFIX] = { "prefix", MATCH_PREFIX, false },
	[METHOD_NPREFIX] = { "nprefix", MATCH_PREFIX, true },
	[METHOD_SUFFIX] = { "suffix", MATCH_SUFFIX, false },
	[METHOD_NSUFFIX] = { "nsuffix", MATCH_SUFFIX, true },
	[METHOD_LLESS] = { "lless", MATCH_LENGTH_LESS, false },
	[METHOD_LEQUAL] = { "lequal", MATCH_LENGTH_EQUAL, false },
	[METHOD_LGREAT] = { "lgreat", MATCH_LENGTH_MORE, false },
	[METHOD_VLESS] = { "vless", MATCH_LESS, false },
	[METHOD_VEQUAL] = { "vequal", MATCH_SAME, false },
	[METHOD_VGREAT] = { "vgreat", MATCH_MORE, false },
	[METHOD_NEXIST] = { "nexist", MATCH_ABSENT, false },
	[METHOD_EXIST] = { "exist", MATCH_ABSENT, true },
};

const char *web_field_name(enum web_field field)
{
	return fields[field].name;
}

const char *web_method_name(enum web_method method)
{
	return methods[method].name;
}

bool web_field_standard(enum web_field field)
{
	return fields[field].standard;
}

bool web_header_valid(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length <= WEB_HEADER_MAX &&
	       strspn(name, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == length;
}

static bool has_values(enum web_method method)
{
	return method <= METHOD_NSUFFIX;
}

/* ---- reading */

static enum err read_kind(
	struct web_reader *reader, const struct web_object *object, struct web_condition *out)
{
	const char *field, *method;
	unsigned i = 0, j = 0;

	TRY(web_text(reader, object, "field", 1, WEB_HEADER_MAX, &field));
	TRY(web_text(reader, object, "match_method", 1, WEB_HEADER_MAX, &method));
	while (i < WEB_FIELD_COUNT && strcmp(fields[i].name, field) != 0)
		i++;
	if (i == WEB_FIELD_COUNT)
		return web_refuse(reader, ERR_INVALID_PARAMETER, "%sfield: \"%s\" is not known.",
			object->where, field);
	if (strcmp(method, "regular") == 0)
		return web_refuse(reader, ERR_NOT_ENFORCEABLE,
			"%smatch_method: regular expressions are not supported.", object->where);
	while (j < METHOD_COUNT && strcmp(methods[j].name, method) != 0)
		j++;
	if (j == METHOD_COUNT)
		return web_refuse(reader, ERR_INVALID_PARAMETER,
			"%smatch_method: \"%s\" is not known.", object->where, method);
	if (!(fields[i].methods >> j & 1))
		return web_refuse(reader, ERR_INVALID_PARAMETER,
			"%smatch_method: \"%s\" is not for the field %s.", object->where, method,
			field);
	out->field = (enum web_field)i;
	out->method = (enum web_method)j;
	return OK;
}

static enum err read_list(
	struct web_reader *reader, const struct web_object *object, struct web_condition *out)
{
	const json_t *list;

	TRY(web_array(reader, object, "content_list", 0, WEB_VALUE_MAX, &list));
	if (!list || json_array_size(list) == 0)
		return OK;
	if (!has_values(out->method))
		return web_refuse(reader, ERR_INVALID_PARAMETER,
			"%scontent_list is not for the match_method %s.", object->where,
			methods[out->method].name);
	out->value = arena_array(reader->mem, json_array_size(list), sizeof(*out->value));
	if (!out->value)
		return ERR_MEMORY;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *value = json_array_get(list, i);
		size_t length = json_string_length(value);

		if (!json_is_string(value) || length == 0 || length > WEB_CONTENT_MAX)
			return web_refuse(reader, ERR_INVALID_PARAMETER,
				"%scontent_list[%zu] must be a string of 1..%d bytes.",
				object->where, i, WEB_CONTENT_MAX);
		out->value[i] = arena_copy(reader->mem, json_string_value(value));
		if (!out->value[i])
			return ERR_MEMORY;
		out->value_count++;
	}
	return OK;
}

static enum err read_header(
	struct web_reader *reader, const struct web_object *object, struct web_condition *out)
{
	TRY(web_text(reader, object, "header_name", 0, WEB_HEADER_MAX, &out->header));
	if (out->field != WEB_header && out->header[0])
		return web_refuse(reader, ERR_INVALID_PARAMETER,
			"%sheader_name is for the field header only.", object->where);
	if (out->field == WEB_header && !out->header[0])
		return web_refuse(reader, ERR_MISSING_PARAMETER,
			"%sheader_name is mandatory for the field header.", object->where);
	if (out->field == WEB_header && !web_header_valid(out->header))
		return web_refuse(reader, ERR_INVALID_PARAMETER,
			"%sheader_name is no name of a header.", object->where);
	return OK;
}

/* One address or prefix of content; *at moves behind it. */
static bool next_prefix(const char **at, uint8_t address[16], unsigned *bits)
{
	char text[PREFIX_TEXT_SIZE];
	size_t length = strcspn(*at, ",");

	if (length == 0 || length >= sizeof(text))
		return false;
	memcpy(text, *at, length);
	text[length] = '\0';
	*at += length + ((*at)[length] == ',');
	return text_to_prefix(text, address, bits);
}

static const char *const versions[] = { "1.0", "1.1", "2.0" };

/* What value a field can have at all; NULL: it can have this one. */
static const char *value_fault(enum web_field field, const char *value)
{
	uint8_t address[16];
	unsigned bits;
	size_t length = strlen(value);

	if (field == WEB_ip)
		return next_prefix(&value, address, &bits) && !*value
			       ? NULL
			       : "must be an address, or a prefix without bits beyond its length";
	if (field == WEB_country)
		return length == 2 && country_by_code(value, 2) >= 0
			       ? NULL
			       : "must be the two letters of a country";
	if (field == WEB_method)
		return length <= 32 && strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") == length
			       ? NULL
			       : "must be a method in capitals";
	if (field == WEB_ja3)
		return length == 32 && strspn(value, "0123456789abcdef") == length
			       ? NULL
			       : "must be 32 hexadecimal digits in lower case";
	for (size_t i = 0; field == WEB_version && i < 3; i++) {
		if (strcmp(versions[i], value) == 0)
			return NULL;
	}
	return field == WEB_version ? "must be 1.0, 1.1 or 2.0" : NULL;
}

/* How many addresses content holds; 0: something in it is none. */
static size_t count_addresses(const char *content)
{
	uint8_t address[16];
	unsigned bits;
	size_t count = 0;

	while (*content) {
		if (!next_prefix(&content, address, &bits))
			return 0;
		count++;
	}
	return count;
}

static enum err check_values(
	struct web_reader *reader, const char *where, const struct web_condition *condition)
{
	const char *fault;

	for (size_t i = 0; i < condition->value_count; i++) {
		fault = value_fault(condition->field, condition->value[i]);
		if (fault)
			return web_refuse(reader, ERR_INVALID_PARAMETER, "%scontent_list[%zu] %s.",
				where, i, fault);
	}
	if (condition->value_count)
		return OK;
	if (!condition->content[0])
		return web_refuse(reader, ERR_MISSING_PARAMETER, "%scontent is mandatory.", where);
	if (condition->field != WEB_ip) {
		fault = value_fault(condition->field, condition->content);
		return fault ? web_refuse(
				       reader, ERR_INVALID_PARAMETER, "%scontent %s.", where, fault)
			     : OK;
	}
	size_t count = count_addresses(condition->content);
	if (count == 0 || count > WEB_VALUE_MAX)
		return web_refuse(reader, ERR_INVALID_PARAMETER,
			"%scontent must be 1..%d addresses or prefixes, separated by commas, "
			"without bits beyond their length.",
			where, WEB_VALUE_MAX);
	return OK;
}

static enum err check_number(
	struct web_reader *reader, const char *where, const struct web_condition *condition)
{
	int64_t number, most = condition->method <= METHOD_LGREAT ? WEB_LENGTH_MAX : INT32_MAX;

	if (!condition->content[0])
		return web_refuse(reader, ERR_MISSING_PARAMETER, "%scontent is mandatory.", where);
	if (!text_to_int(condition->content, &number) || number < 0 || number > most)
		return web_refuse(reader, ERR_INVALID_PARAMETER,
			"%scontent must be a number from 0 to %lld in a string.", where,
			(long long)most);
	return OK;
}

enum err web_condition_read(
	struct web_reader *reader, const json_t *json, const char *where, struct web_condition *out)
{
	struct web_object object;

	*out = (struct web_condition){ .header = "", .content = "" };
	TRY(web_object(reader, json, where, "field match_method content content_list header_name",
		&object));
	TRY(read_kind(reader, &object, out));
	TRY(web_text(reader, &object, "content", 0, WEB_CONTENT_MAX, &out->content));
	TRY(read_list(reader, &object, out));
	TRY(read_header(reader, &object, out));
	if (has_values(out->method))
		return check_values(reader, object.where, out);
	return out->method < METHOD_NEXIST ? check_number(reader, object.where, out) : OK;
}

json_t *web_condition_json(const struct web_condition *condition)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "field", fields[condition->field].name,
		"match_method", methods[condition->method].name, "content", condition->content,
		"header_name", condition->header);
	json_t *list = condition->value_count ? json_array() : NULL;
	enum err err = json ? OK : ERR_MEMORY;

	for (size_t i = 0; i < condition->value_count && err == OK; i++)
		err = web_append(list, json_string(condition->value[i]));
	if (condition->value_count && err == OK) {
		err = web_put(json, "content_list", list);
		list = NULL;
	}
	json_decref(list);
	if (err == OK)
		return json;
	json_decref(json);
	return NULL;
}

/* ---- byte-code */

size_t web_condition_steps(const struct web_condition *condition)
{
	if (condition->value_count)
		return condition->value_count;
	return condition->field == WEB_ip ? count_addresses(condition->content) : 1;
}

static enum step_field field_of(const struct web_condition *condition, const char *value)
{
	bool path = condition->method < METHOD_LLESS && condition->method != METHOD_CONTAIN &&
		    condition->method != METHOD_NCONTAIN;

	if (condition->field == WEB_uri && (!path || strchr(value, '?')))
		return FIELD_URI_PARAMS;
	return fields[condition->field].field;
}

static enum err set_address(struct arena *mem, const char **at, struct web_step *out)
{
	uint8_t *address = arena_take(mem, sizeof(struct address));
	unsigned bits = 0;

	if (!address)
		return ERR_MEMORY;
	if (!next_prefix(at, address, &bits))
		return ERR_FORMAT;
	out->value = (const char *)address;
	out->value_length = sizeof(struct address);
	out->step.number = bits;
	return OK;
}

static enum err set_header(
	struct arena *mem, const struct web_condition *condition, struct web_step *out)
{
	char *name = arena_copy(mem, condition->header);

	if (!name)
		return ERR_MEMORY;
	for (char *at = name; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	out->name = name;
	return OK;
}

static enum err set_value(struct arena *mem, const struct web_condition *condition, const char **at,
	struct web_step *out)
{
	const char *value = *at;
	bool number = condition->method >= METHOD_LLESS && condition->method <= METHOD_VGREAT;

	*out = (struct web_step){ .step = { .match = (uint8_t)methods[condition->method].match,
					  .flags = condition->any_case ? STEP_ANY_CASE : 0,
					  .field = (uint8_t)field_of(condition, value) },
		.name = "",
		.value = "" };
	if (condition->field == WEB_header)
		TRY(set_header(mem, condition, out));
	if (condition->field == WEB_ip)
		return set_address(mem, at, out);
	if (number)
		return text_to_int(value, &out->step.number) ? OK : ERR_FORMAT;
	if (has_values(condition->method)) {
		out->value = value;
		out->value_length = strlen(value);
	}
	return OK;
}

/* left: steps of the condition from this one on. */
static void set_jumps(struct site_step *step, bool opposite, bool last, size_t left)
{
	uint8_t held = last ? STEP_MATCH : (uint8_t)left;
	uint8_t next = left > 1 ? 1 : STEP_NO_MATCH;

	if (!opposite) {
		step->hit = held;
		step->miss = next;
		return;
	}
	step->hit = STEP_NO_MATCH;
	step->miss = left > 1 ? 1 : held;
}

static enum err compile(
	struct arena *mem, const struct web_condition *condition, bool last, struct web_step *step)
{
	size_t count = web_condition_steps(condition);
	const char *at = condition->content;

	for (size_t i = 0; i < count; i++) {
		if (condition->value_count)
			at = condition->value[i];
		TRY(set_value(mem, condition, &at, &step[i]));
		set_jumps(&step[i].step, methods[condition->method].opposite, last, count - i);
	}
	return OK;
}

enum err web_conditions_compile(struct arena *mem, const struct web_condition *condition,
	size_t count, struct web_step *step)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		TRY(compile(mem, &condition[i], i + 1 == count, step + used));
		used += web_condition_steps(&condition[i]);
		assert(used <= WEB_STEPS_MAX);
	}
	return OK;
}
