/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of every kind, at their bounds and one beyond.
 */
#include "base/spec.h"
#include "base/json_array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct args {
	int64_t number, any, fallback, optional, flag;
	const char *text, *choice, *json;
	struct text_list names;
	struct int_list numbers;
	struct pair_list tags;
	struct object_list ports;
};

#define ROW(member, published, ...) PARAM(args, member, published, __VA_ARGS__)

static const struct param number_row[] = {
	ROW(number, "Number", .kind = PARAM_INT, .required = true, .min = 1, .max = 50),
	ROW(any, "Any", .kind = PARAM_INT),
	ROW(fallback, "Fallback", .kind = PARAM_INT, .min = 5, .max = 9, .fallback = 7),
	ROW(optional, "Optional", .kind = PARAM_INT, .max = 9, .empty_is_absent = true,
		.fallback = 3),
	{ .kind = PARAM_END },
};
static const struct param text_row[] = {
	ROW(text, "Text", .kind = PARAM_TEXT, .min = 1, .max = 4),
	ROW(choice, "Choice", .kind = PARAM_CHOICE, .choices = "tcp udp icmp",
		.fallback_text = "udp"),
	ROW(flag, "Flag", .kind = PARAM_BOOL, .fallback = 1),
	ROW(json, "Json", .kind = PARAM_JSON),
	{ .kind = PARAM_END },
};
static const struct param list_row[] = {
	ROW(names, "Name", .kind = PARAM_TEXT_LIST, .max = 3, .item_min = 1, .item_max = 4),
	ROW(numbers, "Number", .kind = PARAM_INT_LIST, .max = 3, .item_min = 1, .item_max = 9),
	ROW(tags, "Tag", .kind = PARAM_PAIR_LIST, .max = 3, .item_max = 4, .choices = "Key Value"),
	ROW(ports, "Proxy", .kind = PARAM_OBJECT_LIST, .max = 2, .item_max = 4,
		.choices = "Type Ports.N"),
	{ .kind = PARAM_END },
};
static const struct param required_list_row[] = {
	ROW(names, "Name", .kind = PARAM_TEXT_LIST, .required = true),
	{ .kind = PARAM_END },
};
static const struct param required_text_row[] = {
	ROW(text, "Text", .kind = PARAM_TEXT, .required = true, .empty_is_absent = true),
	{ .kind = PARAM_END },
};

static const struct {
	const struct param *rows;
	const char *form;
	enum err err;
	const char *named; /* in why */
} cases[] = {
	{ number_row, "", ERR_MISSING_PARAMETER, "\"Number\"" },
	{ number_row, "Number=1", OK, "" },
	{ number_row, "Number=50", OK, "" },
	{ number_row, "Number=0", ERR_INVALID_PARAMETER, "1..50" },
	{ number_row, "Number=51", ERR_INVALID_PARAMETER, "\"Number\"" },
	{ number_row, "Number=", ERR_INVALID_PARAMETER, "\"Number\"" },
	{ number_row, "Number=1&Number=1", ERR_INVALID_PARAMETER, "\"Number\"" },
	{ number_row, "number=1", ERR_MISSING_PARAMETER, "\"Number\"" },
	{ number_row, "Number=1&Unknown=1&Unknown=2", OK, "" },
	{ number_row, "Number=1&Any=-9223372036854775808", OK, "" },
	{ number_row, "Number=1&Any=x", ERR_INVALID_PARAMETER, "\"Any\"" },
	{ number_row, "Number=1&Optional=", OK, "" },
	{ number_row, "Number=1&Optional=9", OK, "" },
	{ number_row, "Number=1&Optional=10", ERR_INVALID_PARAMETER, "0..9" },
	{ number_row, "Number=1&Fallback=", ERR_INVALID_PARAMETER, "\"Fallback\"" },
	{ text_row, "Text=", ERR_INVALID_PARAMETER, "\"Text\"" },
	{ text_row, "Text=abcd", OK, "" },
	{ text_row, "Text=abcde", ERR_INVALID_PARAMETER, "1..4" },
	{ text_row, "Choice=tcp", OK, "" },
	{ text_row, "Choice=icmp", OK, "" },
	{ text_row, "Choice=TCP", ERR_INVALID_PARAMETER, "\"Choice\"" },
	{ text_row, "Choice=", ERR_INVALID_PARAMETER, "\"Choice\"" },
	{ text_row, "Choice=tcp+udp", ERR_INVALID_PARAMETER, "\"Choice\"" },
	{ text_row, "Flag=TRUE", OK, "" },
	{ text_row, "Flag=0", OK, "" },
	{ text_row, "Flag=1", OK, "" },
	{ text_row, "Flag=yes", ERR_INVALID_PARAMETER, "\"Flag\"" },
	{ list_row, "", OK, "" },
	{ list_row, "Name.2=b&Name.1=a&Name.3=c", OK, "" },
	{ list_row, "Name.1=a&Name.3=c", ERR_INVALID_PARAMETER, "\"Name\"" },
	{ list_row, "Name.0=a", ERR_INVALID_PARAMETER, "\"Name\"" },
	{ list_row, "Name.01=a", ERR_INVALID_PARAMETER, "\"Name\"" },
	{ list_row, "Name.x=a", ERR_INVALID_PARAMETER, "\"Name\"" },
	{ list_row, "Name.=a", ERR_INVALID_PARAMETER, "\"Name\"" },
	{ list_row, "Name.99999999999=a", ERR_INVALID_PARAMETER, "\"Name\"" },
	{ list_row, "Name.1=a&Name.1=b", ERR_INVALID_PARAMETER, "\"Name\"" },
	{ list_row, "Name.1.Part=a", ERR_INVALID_PARAMETER, "\"Name\"" },
	{ list_row, "Name.4=a", ERR_INVALID_PARAMETER, "at most 3" },
	{ list_row, "Name.1=", ERR_INVALID_PARAMETER, "\"Name\"" },
	{ list_row, "Name.1=abcde", ERR_INVALID_PARAMETER, "\"Name\"" },
	{ list_row, "Name=[\"a\",\"b\",\"c\"]", OK, "" },
	{ list_row, "Name=[]", OK, "" },
	{ list_row, "Name=a", ERR_INVALID_PARAMETER, "JSON" },
	{ list_row, "Name=[\"a\",\"b\",\"c\",\"d\"]", ERR_INVALID_PARAMETER, "too many" },
	{ list_row, "Name=[\"a\"]&Name.1=b", ERR_INVALID_PARAMETER, "\"Name\"" },
	{ list_row, "Names.1=b", OK, "" },
	{ list_row, "Number.1=9", OK, "" },
	{ list_row, "Number.1=10", ERR_INVALID_PARAMETER, "1..9" },
	{ list_row, "Number.1=x", ERR_INVALID_PARAMETER, "\"Number\"" },
	{ list_row, "Number=[1,2]", OK, "" },
	{ list_row, "Tag.1.Key=k&Tag.1.Value=v", OK, "" },
	{ list_row, "Tag.1.Key=k", OK, "" },
	{ list_row, "Tag.1.Value=v", ERR_INVALID_PARAMETER, "\"Tag\"" },
	{ list_row, "Tag.2.Key=k", ERR_INVALID_PARAMETER, "\"Tag\"" },
	{ list_row, "Tag.1.Key=a&Tag.1.Key=b", ERR_INVALID_PARAMETER, "\"Tag\"" },
	{ list_row, "Tag.1.Other=a", ERR_INVALID_PARAMETER, "\"Tag\"" },
	{ list_row, "Proxy.1.Type=http&Proxy.1.Ports.2=81&Proxy.1.Ports.1=80", OK, "" },
	{ list_row, "Proxy.2.Type=a&Proxy.1.Type=b&Proxy.2.Ports.1=1", OK, "" },
	{ list_row, "Proxy=[]", OK, "" },
	{ list_row, "Proxy=[]&Proxy.1.Type=a", ERR_INVALID_PARAMETER, "\"Proxy\"" },
	{ list_row, "Proxy.1.Ports.2=81", ERR_INVALID_PARAMETER, "gaps" },
	{ list_row, "Proxy.2.Type=a", ERR_INVALID_PARAMETER, "gaps" },
	{ list_row, "Proxy.3.Type=a", ERR_INVALID_PARAMETER, "at most 2" },
	{ list_row, "Proxy.1.Type=a&Proxy.1.Type=b", ERR_INVALID_PARAMETER, "\"Proxy\"" },
	{ list_row, "Proxy.1.Ports.1=a&Proxy.1.Ports.1=b", ERR_INVALID_PARAMETER, "\"Proxy\"" },
	{ list_row, "Proxy.1.Ports=a", ERR_INVALID_PARAMETER, "\"Proxy\"" },
	{ list_row, "Proxy.1.Ports.=a", ERR_INVALID_PARAMETER, "\"Proxy\"" },
	{ list_row, "Proxy.1.Ports.0=a", ERR_INVALID_PARAMETER, "\"Proxy\"" },
	{ list_row, "Proxy.1.Ports.201=a", ERR_INVALID_PARAMETER, "200" },
	{ list_row, "Proxy.1.Ports.1.x=a", ERR_INVALID_PARAMETER, "\"Proxy\"" },
	{ list_row, "Proxy.1.Ports.1=abcde", ERR_INVALID_PARAMETER, "length" },
	{ list_row, "Proxy.1.Type=abcde", ERR_INVALID_PARAMETER, "length" },
	{ list_row, "Proxy.1.Other=a", ERR_INVALID_PARAMETER, "\"Proxy\"" },
	{ list_row, "Proxy.1=a", ERR_INVALID_PARAMETER, "\"Proxy\"" },
	{ list_row, "Tag.1=a", ERR_INVALID_PARAMETER, "\"Tag\"" },
	{ list_row, "Tag.1.Key=abcde", ERR_INVALID_PARAMETER, "\"Tag\"" },
	{ list_row, "Tag.4.Key=k", ERR_INVALID_PARAMETER, "at most 3" },
	{ list_row, "Tag.1.Kex=a", ERR_INVALID_PARAMETER, "\"Tag\"" },
	{ list_row, "Name=[]&Name=[]", ERR_INVALID_PARAMETER, "\"Name\"" },
	{ required_list_row, "Name.1=a", OK, "" },
	{ required_list_row, "", ERR_MISSING_PARAMETER, "\"Name\"" },
	{ required_list_row, "Name=[]", ERR_MISSING_PARAMETER, "\"Name\"" },
	{ required_list_row, "Name.200=a", ERR_INVALID_PARAMETER, "\"Name\"" },
	{ required_list_row, "Name.201=a", ERR_INVALID_PARAMETER, "at most 200" },
	{ required_text_row, "Text=", ERR_MISSING_PARAMETER, "\"Text\"" },
};

static enum err decode(struct arena *mem, const struct param *rows, const char *query,
	struct args *args, char why[SPEC_WHY_SIZE])
{
	struct form form = { 0 };

	assert_int_equal(form_decode(mem, query, strlen(query), &form), OK);
	return spec_decode(mem, rows, &form, args, sizeof(*args), why);
}

static void bounds(void **state)
{
	struct arena *mem = arena_new((size_t)4 << 20);
	char why[SPEC_WHY_SIZE];
	struct args args;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (decode(mem, cases[i].rows, cases[i].form, &args, why) != cases[i].err ||
			!strstr(why, cases[i].named) || (cases[i].err == OK && why[0]))
			fail_msg("%s: %s", cases[i].form, why);
	}
	arena_free(mem);
}

static void values(void **state)
{
	struct arena *mem = arena_new((size_t)4 << 20);
	char why[SPEC_WHY_SIZE];
	struct args args;

	(void)state;
	memset(&args, 0xff, sizeof(args));
	assert_int_equal(decode(mem, number_row, "Number=5&Any=-3", &args, why), OK);
	assert_true(args.number == 5 && args.any == -3 && args.fallback == 7 && args.optional == 3);
	assert_null(args.text);
	assert_int_equal(args.names.count, 0);
	assert_int_equal(decode(mem, text_row, "Json=%7B%7D&Flag=False", &args, why), OK);
	assert_null(args.text);
	assert_string_equal(args.choice, "udp");
	assert_string_equal(args.json, "{}");
	assert_true(args.flag == 0);
	assert_int_equal(decode(mem, list_row,
				 "Name.2=b&Number=+[ 3 , 4]&Name.1=a&Tag.2.Key=y&Tag.1.Value=v&"
				 "Tag.1.Key=x&Tag.2.Value=",
				 &args, why),
		OK);
	assert_int_equal(args.names.count, 2);
	assert_string_equal(args.names.item[0], "a");
	assert_string_equal(args.names.item[1], "b");
	assert_int_equal(args.numbers.count, 2);
	assert_true(args.numbers.item[0] == 3 && args.numbers.item[1] == 4);
	assert_int_equal(args.tags.count, 2);
	assert_string_equal(args.tags.item[0].key, "x");
	assert_string_equal(args.tags.item[0].value, "v");
	assert_string_equal(args.tags.item[1].value, "");
	assert_int_equal(decode(mem, list_row, "Tag.1.Key=x", &args, why), OK);
	assert_null(args.tags.item[0].value);
	arena_free(mem);
}

static void json_arrays(void **state)
{
	static const struct {
		const char *json;
		enum err err;
		const char *first;
	} arrays[] = {
		{ " [ \"a\" , \"b\" ] ", OK, "a" },
		{ "[\"\\u00e9\\ud83d\\ude00\\n\\\\\\\"\\/\"]", OK,
			"\xc3\xa9\xf0\x9f\x98\x80\n\\\"/" },
		{ "[\"\\u0041\\u07ff\\uffff\"]", OK, "A\xdf\xbf\xef\xbf\xbf" },
		{ "[-12]", OK, "-12" },
		{ "[1,2]", OK, "1" },
		{ "[\"\"]", OK, "" },
		{ "", ERR_FORMAT, NULL },
		{ "[", ERR_FORMAT, NULL },
		{ "[1", ERR_FORMAT, NULL },
		{ "[1,", ERR_FORMAT, NULL },
		{ "[1,]", ERR_FORMAT, NULL },
		{ "[,1]", ERR_FORMAT, NULL },
		{ "[1]x", ERR_FORMAT, NULL },
		{ "[1 2]", ERR_FORMAT, NULL },
		{ "[\"a]", ERR_FORMAT, NULL },
		{ "[\"a\\", ERR_FORMAT, NULL },
		{ "[\"\\x\"]", ERR_FORMAT, NULL },
		{ "[\"\\u12\"]", ERR_FORMAT, NULL },
		{ "[\"\\u0000\"]", ERR_FORMAT, NULL },
		{ "[\"\\ud83d\"]", ERR_FORMAT, NULL },
		{ "[\"\\ude00\"]", ERR_FORMAT, NULL },
		{ "[\"\\ud83d\\u0041\"]", ERR_FORMAT, NULL },
		{ "[\"a\nb\"]", ERR_FORMAT, NULL },
		{ "[[1]]", ERR_FORMAT, NULL },
		{ "[true]", ERR_FORMAT, NULL },
		{ "{\"a\":1}", ERR_FORMAT, NULL },
		{ "[1,2,3]", ERR_LIMIT, NULL },
	};
	struct arena *mem = arena_new((size_t)1 << 20);
	struct text_list list;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(arrays) / sizeof(*arrays); i++) {
		if (json_plain_array(mem, arrays[i].json, 2, &list) != arrays[i].err)
			fail_msg("%s", arrays[i].json);
		if (arrays[i].first)
			assert_string_equal(list.item[0], arrays[i].first);
	}
	arena_free(mem);
}

static void every_allocation_fails(void **state)
{
	static const char query[] = "Name=[\"a\"]&Number.1=3&Tag.1.Key=k";
	struct arena *mem = arena_new((size_t)1 << 20);
	char why[SPEC_WHY_SIZE];
	struct form form = { 0 };
	struct args args;
	uint64_t n, asked = 1;

	(void)state;
	assert_int_equal(form_decode(mem, query, strlen(query), &form), OK);
	for (n = 1; n <= asked; n++) {
		arena_torture(n, 0);
		assert_int_equal(
			spec_decode(mem, list_row, &form, &args, sizeof(args), why), ERR_MEMORY);
		arena_torture(0, 0);
		assert_int_equal(spec_decode(mem, list_row, &form, &args, sizeof(args), why), OK);
		asked = arena_torture_count();
	}
	assert_true(asked >= 5);
	arena_free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds),
		cmocka_unit_test(values),
		cmocka_unit_test(json_arrays),
		cmocka_unit_test(every_allocation_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
