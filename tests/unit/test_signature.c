/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both signatures against vectors that published clients produce, and the parser of V3's header.
 */
#include "base/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MEM_MAX ((size_t)4 << 20)

#define V1_COMMON                                                                                  \
	"Format=JSON&Version=2020-01-01&AccessKeyId=testid&SignatureMethod=HMAC-SHA1&"             \
	"SignatureVersion=1.0&SignatureNonce=f00dfeed00000000000000000000000a&"                    \
	"Timestamp=2026-01-02T03:04:05Z&"
#define V1_SAMPLE                                                                                  \
	"Format=XML&AccessKeyId=testid&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&"            \
	"SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf&"

static const struct {
	const char *name, *method, *form, *string, *signature;
} v1_cases[] = {
	{ "release by GET", "GET",
		V1_COMMON "Action=ReleaseInstance&InstanceId=ddoscoo-cn-mp91j1ao0001&"
			  "RegionId=cn-hangzhou",
		"GET&%2F&AccessKeyId%3Dtestid%26Action%3DReleaseInstance%26Format%3DJSON%26"
		"InstanceId%3Dddoscoo-cn-mp91j1ao0001%26RegionId%3Dcn-hangzhou%26SignatureMethod%"
		"3DHMAC-SHA1%26SignatureNonce%3Df00dfeed00000000000000000000000a%26"
		"SignatureVersion%3D1.0%26Timestamp%3D2026-01-02T03%253A04%253A05Z%26Version%"
		"3D2020-01-01",
		"tOD6AFDPpVKa7rFXYwWCb20uIVM=" },
	{ "release by POST; the signature itself is left out", "POST",
		V1_COMMON "Action=ReleaseInstance&InstanceId=ddoscoo-cn-mp91j1ao0001&"
			  "Signature=anything&RegionId=cn-hangzhou",
		NULL, "7xcjkr8ZDxWvWD7xlKvLIVnMuBE=" },
	{ "lists, tags, characters of every class, an empty parameter", "POST",
		V1_COMMON "Action=DescribeInstances&PageNumber=1&PageSize=10&"
			  "InstanceIds.1=ddoscoo-cn-mp91j1ao0001&"
			  "InstanceIds.2=ddoscoo-cn-mp91j1ao0002&Tag.1.Key=k+1&"
			  "Tag.1.Value=v*~%C3%A9/'()!%26%3D%2B%25&SecurityToken=STS.tok%2Ben/%3D&"
			  "SignatureType=",
		NULL, "fdbwKBKGM9Dl2jtwN4ZFgP9GEkI=" },
	{ "XML", "GET",
		V1_SAMPLE "Timestamp=2020-01-01T12:00:00Z&Action=DescribeInstanceIds&"
			  "Version=2020-01-01",
		NULL, "See6gAao4jkOjQStAWi1O8fhnr8=" },
	{ "published sample", "GET",
		V1_SAMPLE
		"Timestamp=2016-02-23T12:46:24Z&Action=DescribeRegions&Version=2014-05-26",
		NULL, "OLeaidS1JvxuMvnyHOwuJ+uX5qY=" },
};

static void v1_vectors(void **state)
{
	struct arena *mem = arena_new(MEM_MAX);
	char signature[SIGNATURE_V1_SIZE];
	struct form form;
	char *string;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(v1_cases) / sizeof(*v1_cases); i++) {
		memset(&form, 0, sizeof(form));
		assert_int_equal(
			form_decode(mem, v1_cases[i].form, strlen(v1_cases[i].form), &form), OK);
		string = signature_v1_string(mem, v1_cases[i].method, &form);
		assert_non_null(string);
		if (v1_cases[i].string)
			assert_string_equal(string, v1_cases[i].string);
		assert_true(signature_v1("testsecret", string, signature));
		assert_string_equal(signature, v1_cases[i].signature);
	}
	arena_free(mem);
}

#define DATE                                                                                       \
	{                                                                                          \
		"X-Acs-Date", "2026-01-02T03:04:05Z"                                               \
	}
#define NONCE                                                                                      \
	{                                                                                          \
		"x-acs-signature-nonce", "f00dfeed00000000000000000000000a"                        \
	}
#define HOST                                                                                       \
	{                                                                                          \
		"Host", " ddoscoo.cn-hangzhou.aliyuncs.com "                                       \
	}
#define VERSION                                                                                    \
	{                                                                                          \
		"x-acs-version", "2020-01-01"                                                      \
	}
#define PLAIN                                                                                      \
	"host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"

static const struct {
	const char *name, *method, *query, *body, *signed_headers, *secret;
	struct header header[8];
	const char *canonical_hash, *signature;
} v3_cases[] = {
	{ "published sample", "POST",
		"ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai",
		"", PLAIN, "YourAccessKeySecret",
		{ { "host", "ecs.cn-shanghai.aliyuncs.com" }, { "x-acs-action", "RunInstances" },
			{ "x-acs-version", "2014-05-26" }, { "x-acs-date", "2023-10-26T10:22:32Z" },
			{ "x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d" } },
		NULL, "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0" },
	{ "A: release", "POST", "InstanceId=ddoscoo-cn-mp91j1ao0001", "", PLAIN, "testsecret",
		{ DATE, NONCE, HOST, VERSION, { "x-acs-action", "ReleaseInstance" } },
		"756d320e119161d996ae9689893d0c6438b76f7a69bfb5900414b34377a26adf",
		"28600b01cd42a3948f32fed8a6e72c286d5e891507a9fbc506d3f5bbfcb1eeb7" },
	{ "B: list with a security token", "GET",
		"PageSize=10&PageNumber=1&InstanceIds.1=ddoscoo-cn-mp91j1ao0001&Tag.1.Key=k+1&"
		"Tag.1.Value=v*~%c3%a9/",
		"",
		"host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-security-token;"
		"x-acs-signature-nonce;x-acs-version",
		"testsecret",
		{ DATE, NONCE, HOST, VERSION, { "x-acs-action", "DescribeInstances" },
			{ "x-acs-security-token", "STS.tok+en/=" } },
		"4f57478e402115e672223cce957d043f1c45a0aadbce87870663039426b01241",
		"9e2bee5085dd392255aab6c7b3931f821a170c687a3f14a0ed82c01767cccd96" },
	{ "C: form in the body", "POST", "", "Domain=www.example.com&CertName=a%20b*c~d",
		"content-type;" PLAIN, "testsecret",
		{ DATE, NONCE, HOST, VERSION, { "x-acs-action", "AssociateWebCert" },
			{ "content-type", "application/x-www-form-urlencoded" } },
		"214812c4f018adaa0f2c4e7c81054cde6611036a5a0fd1675248f0e06f968aee",
		"e030807b65bae2c490cc98496e36414c3cb14c71158fcf78857c2275cb91c306" },
};

static void v3_vectors(void **state)
{
	struct arena *mem = arena_new(MEM_MAX);
	char hash[65], canonical_hash[65], signature[SIGNATURE_V3_SIZE];
	char *string, *canonical;
	struct header header[9];
	struct form query;
	size_t i, count;

	(void)state;
	for (i = 0; i < sizeof(v3_cases) / sizeof(*v3_cases); i++) {
		memset(&query, 0, sizeof(query));
		assert_int_equal(
			form_decode(mem, v3_cases[i].query, strlen(v3_cases[i].query), &query), OK);
		sha256_hex(v3_cases[i].body, strlen(v3_cases[i].body), hash);
		for (count = 0; count < 8 && v3_cases[i].header[count].name; count++)
			header[count] = v3_cases[i].header[count];
		header[count++] = (struct header){ "x-acs-content-sha256", hash };
		struct v3_request request = { v3_cases[i].method, &query, header, count,
			v3_cases[i].signed_headers, hash };
		assert_int_equal(signature_v3_string(mem, &request, &string, &canonical), OK);
		sha256_hex(canonical, strlen(canonical), canonical_hash);
		if (v3_cases[i].canonical_hash)
			assert_string_equal(canonical_hash, v3_cases[i].canonical_hash);
		assert_true(signature_v3(v3_cases[i].secret, string, signature));
		assert_string_equal(signature, v3_cases[i].signature);
	}
	arena_free(mem);
}

static void v3_signed_headers(void **state)
{
	static const struct header twice[] = { { "host", "a" }, { "HOST", "b" }, { "x", "y" } };
	static const char *const refused[] = { "host", "x;missing", "", "x;", ";x", "x;;x" };
	struct arena *mem = arena_new(MEM_MAX);
	struct form query = { 0 };
	struct v3_request request = { "GET", &query, twice, 3, NULL, "00" };
	char *string, *canonical;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		request.signed_headers = refused[i];
		assert_int_equal(signature_v3_string(mem, &request, &string, NULL),
			ERR_INCOMPLETE_SIGNATURE);
	}
	request.signed_headers = "X";
	assert_int_equal(signature_v3_string(mem, &request, &string, &canonical), OK);
	assert_string_equal(canonical, "GET\n/\n\nx:y\n\nX\n00");
	arena_free(mem);
}

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void authorization_forms(void **state)
{
	static const char *const refused[] = {
		"",
		"ACS3-HMAC-SHA256",
		"ACS3-HMAC-SHA256 ",
		"ACS3-HMAC-SHA1 Credential=a,SignedHeaders=b,Signature=" HEX64,
		"ACS3-HMAC-SHA256Credential=a,SignedHeaders=b,Signature=" HEX64,
		"ACS3-HMAC-SHA256 Credential=a,SignedHeaders=b",
		"ACS3-HMAC-SHA256 Credential=a,Signature=" HEX64,
		"ACS3-HMAC-SHA256 SignedHeaders=b,Signature=" HEX64,
		"ACS3-HMAC-SHA256 Credential=a,SignedHeaders=b,Signature=" HEX64 "0",
		"ACS3-HMAC-SHA256 Credential=,SignedHeaders=b,Signature=" HEX64,
		"ACS3-HMAC-SHA256 Credential=a,Credential=a,SignedHeaders=b,Signature=" HEX64,
		"ACS3-HMAC-SHA256 Credential=a,SignedHeaders=b,Signature=0" HEX64,
		"ACS3-HMAC-SHA256 Credential=a,SignedHeaders=b,Signature=xyz",
		"ACS3-HMAC-SHA256 Credential=a,SignedHeaders=b,Signature=" HEX64 ",",
		"ACS3-HMAC-SHA256 Credential=a,SignedHeaders=b,Signature=" HEX64 " x",
		"ACS3-HMAC-SHA256 Credential=a,SignedHeaders=b,Signature=" HEX64 ",Other=1",
	};
	struct arena *mem = arena_new(MEM_MAX);
	struct authorization parsed;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		assert_int_equal(
			authorization_parse(mem, refused[i], &parsed), ERR_INCOMPLETE_SIGNATURE);
	assert_int_equal(
		authorization_parse(mem,
			"ACS3-HMAC-SHA256 Credential=testid, SignedHeaders=host;x-acs-date,"
			"Signature=" HEX64,
			&parsed),
		OK);
	assert_string_equal(parsed.credential, "testid");
	assert_string_equal(parsed.signed_headers, "host;x-acs-date");
	assert_string_equal(parsed.signature, HEX64);
	arena_free(mem);
}

static void bounds(void **state)
{
	struct arena *mem = arena_new(MEM_MAX);
	static const struct header header[] = { { "x", "\ty \t" }, { "xy", "z" } };
	char secret[256], out[SIGNATURE_V1_SIZE], list[140] = "x", *long_value, *string, *canonical;
	struct form query = { 0 };
	struct v3_request request = { "GET", &query, header, 2, list, "00" };
	struct authorization parsed;
	size_t i;

	(void)state;
	memset(secret, 's', sizeof(secret));
	secret[255] = '\0';
	assert_false(signature_v1(secret, "text", out));
	secret[254] = '\0';
	assert_true(signature_v1(secret, "text", out));
	/* 64 signed headers, then one more. */
	for (i = 1; i < 64; i++)
		(void)snprintf(list + 2 * i - 1, 3, ";x");
	assert_int_equal(signature_v3_string(mem, &request, &string, &canonical), OK);
	assert_memory_equal(canonical, "GET\n/\n\nx:y\nx:y\n", 15);
	(void)snprintf(list + 127, 3, ";x");
	assert_int_equal(
		signature_v3_string(mem, &request, &string, NULL), ERR_INCOMPLETE_SIGNATURE);
	long_value = arena_print(
		mem, "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=%*s,Signature=" HEX64, 4097, "b");
	assert_int_equal(authorization_parse(mem, long_value, &parsed), ERR_INCOMPLETE_SIGNATURE);
	arena_torture(1, 0);
	assert_int_equal(
		authorization_parse(mem,
			"ACS3-HMAC-SHA256 Credential=a,SignedHeaders=b,Signature=" HEX64, &parsed),
		ERR_MEMORY);
	arena_torture(0, 0);
	arena_free(mem);
}

static void every_allocation_fails(void **state)
{
	struct arena *mem = arena_new(MEM_MAX);
	static const struct header header[] = { { "host", "a" } };
	struct form query = { 0 };
	struct v3_request request = { "GET", &query, header, 1, "host", "00" };
	uint64_t n, asked = 1;
	char *string;

	(void)state;
	assert_int_equal(form_decode(mem, "a=b&c=d", 7, &query), OK);
	for (n = 1; n <= asked; n++) {
		arena_torture(n, 1);
		assert_int_equal(signature_v3_string(mem, &request, &string, NULL), ERR_MEMORY);
		arena_torture(n, 1);
		if (signature_v1_string(mem, "GET", &query))
			assert_true(n > 3);
		arena_torture(0, 0);
		assert_int_equal(signature_v3_string(mem, &request, &string, NULL), OK);
		asked = arena_torture_count();
	}
	assert_true(asked >= 3);
	arena_free(mem);
}

static void hmac_of_rfc_4231(void **state)
{
	static const char expected[] =
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
	uint8_t mac[32], wanted[32];
	char text[65];
	size_t i;

	(void)state;
	/* Test case 2. */
	hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac);
	for (i = 0; i < 32; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", mac[i]);
	assert_string_equal(text, expected);
	sha256("abc", 3, wanted);
	assert_int_equal(wanted[0], 0xba);
	assert_int_equal(wanted[31], 0xad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v1_vectors),
		cmocka_unit_test(v3_vectors),
		cmocka_unit_test(v3_signed_headers),
		cmocka_unit_test(authorization_forms),
		cmocka_unit_test(bounds),
		cmocka_unit_test(every_allocation_fails),
		cmocka_unit_test(hmac_of_rfc_4231),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
