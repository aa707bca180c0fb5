/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of web sites: which there are, in which spelling, and what a wildcard stands for. Documents of settings that were
 * damaged.
 */
#include "control/model/website.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/model/website_setting.h"

#define LABEL_63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

static void test_domains(void **state)
{
	static const struct {
		const char *text, *domain; /* NULL: refused */
	} cases[] = {
		{ "www.example.com", "www.example.com" },
		{ "WWW.Example.COM", "www.example.com" },
		{ "*.example.com", "*.example.com" },
		{ "a.b", "a.b" },
		{ "1.example", "1.example" },
		{ "a--b.example", "a--b.example" },
		{ LABEL_63 ".com", LABEL_63 ".com" },
		{ "xn--bcher-kva.example.com", "xn--bcher-kva.example.com" },
		{ "XN--BCHER-KVA.example.com", "xn--bcher-kva.example.com" },
		{ "www.xn--fiqs8s", "www.xn--fiqs8s" },
		{ "xn--80ak6aa92e.com", "xn--80ak6aa92e.com" },
		{ "", NULL },
		{ "com", NULL },
		{ "*.com", NULL },
		{ "*", NULL },
		{ "*.", NULL },
		{ "a.*.com", NULL },
		{ "w*.example.com", NULL },
		{ "**.example.com", NULL },
		{ "*.*.example.com", NULL },
		{ ".example.com", NULL },
		{ "example.com.", NULL },
		{ "a..b", NULL },
		{ "-a.com", NULL },
		{ "a-.com", NULL },
		{ "a_b.com", NULL },
		{ "a b.com", NULL },
		{ "a.com/", NULL },
		{ "a.com:80", NULL },
		{ "b\xc3\xbc"
		  "cher.com",
			NULL },
		{ "10.0.0.1", NULL },
		{ "[::1]", NULL },
		{ LABEL_63 "a.com", NULL },
		/* not the form of an international label: cut, no digits, another prefix, beyond Unicode */
		{ "xn--0.com", NULL },
		{ "xn--.com", NULL },
		{ "xn--abc-.com", NULL },
		{ "ab--cd.com", NULL },
		{ "xn--99999999.com", NULL },
		{ "xn--bcher-kv.com", NULL },
	};
	char out[WEBSITE_DOMAIN_SIZE], why[WEBSITE_WHY_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum err err = website_domain(cases[i].text, out, why);

		if (!cases[i].domain != (err != OK) ||
			(err == OK && strcmp(out, cases[i].domain) != 0))
			fail_msg("\"%s\": %s", cases[i].text, err == OK ? out : why);
	}
}

static void test_length(void **state)
{
	char text[SITE_DOMAIN_MAX + 2], out[WEBSITE_DOMAIN_SIZE], why[WEBSITE_WHY_SIZE];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t i = 50; i < sizeof(text); i += 50)
		text[i] = '.';
	text[SITE_DOMAIN_MAX] = '\0';
	assert_int_equal(website_domain(text, out, why), OK);
	text[SITE_DOMAIN_MAX] = 'a';
	text[SITE_DOMAIN_MAX + 1] = '\0';
	assert_int_equal(website_domain(text, out, why), ERR_INVALID_PARAMETER);
	assert_non_null(strstr(why, "253"));
}

static void test_covers(void **state)
{
	static const struct {
		const char *pattern, *domain;
		bool covers;
	} cases[] = {
		{ "a.example.com", "a.example.com", true },
		{ "a.example.com", "b.example.com", false },
		{ "*.example.com", "a.example.com", true },
		{ "*.example.com", "*.example.com", true },
		{ "*.example.com", "example.com", false },
		{ "*.example.com", "a.b.example.com", false },
		{ "*.example.com", "aexample.com", false },
		{ "*.example.com", "*.a.example.com", false },
		{ "a.example.com", "*.example.com", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (website_covers(cases[i].pattern, cases[i].domain) != cases[i].covers)
			fail_msg("%s, %s", cases[i].pattern, cases[i].domain);
	}
	assert_string_equal(website_site("a.b.example.com"), "example.com");
	assert_string_equal(website_site("*.example.com"), "example.com");
	assert_string_equal(website_site("example.com"), "example.com");
	assert_string_equal(website_site(""), "");
}

static void test_cnames(void **state)
{
	static const char *const bad[] = { "", "web-", "web-0123456789abcde",
		"web-0123456789abcdefg", "web-0123456789ABCDEF", "xyz-0123456789abcdef",
		"ddoscoo-cn-abcdefghij0" };
	uint8_t random[16];
	char label[CNAME_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(random); i++)
		random[i] = (uint8_t)(i * 17);
	cname_make(CNAME_WEBSITE, random, label);
	assert_true(cname_valid(CNAME_WEBSITE, label));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(cname_valid(CNAME_WEBSITE, bad[i]));
}

/* Whatever stands in the store, a document gives values within their bounds. */
static void test_damaged_documents(void **state)
{
	static const char *const damaged[] = { "", "{", "[]", "7", "{\"ssl_protocols\":7}",
		"{\"ssl_protocols\":\"tls9\",\"custom_ciphers\":[7]}",
		"{\"Attributes\":[7,{\"Attribute\":7}],\"ProxyMode\":[]}", "{\"enabled\":7}",
		"{\"X\":7}" };
	struct arena *mem = arena_new(1 << 20);

	(void)state;
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		struct tls_policy tls;
		struct origin_policy origins;
		struct keepalive keepalive;
		struct website_headers headers;

		assert_int_equal(tls_policy_parse(mem, damaged[i], &tls), OK);
		assert_int_equal(tls.least, 1);
		assert_int_equal(tls.custom.count, 0);
		assert_int_equal(origin_policy_parse(mem, damaged[i], &origins), OK);
		assert_int_equal(origins.balance, SITE_IP_HASH);
		assert_int_equal(keepalive_parse(damaged[i], &keepalive), OK);
		assert_int_equal(keepalive.requests, 1000);
		assert_int_equal(website_headers_parse(mem, damaged[i], &headers), OK);
		assert_true(headers.count <= SITE_HEADER_MAX);
	}
	arena_free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_covers),
		cmocka_unit_test(test_cnames),
		cmocka_unit_test(test_damaged_documents),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
