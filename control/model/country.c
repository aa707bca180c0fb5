/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of shared/countries.def, walked: they are asked for by orders, not by packets.
 */
#include "control/model/country.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct country countries[] = {
#define COUNTRY(code, number, name) { code, number, name },
#include "shared/countries.def"
#undef COUNTRY
};
const size_t country_count = sizeof(countries) / sizeof(countries[0]);
static_assert(sizeof(countries) / sizeof(countries[0]) < REGION_FINER,
	"a country is one byte in the packet path");

/* Codes as the published example has them: the first two digits of GB/T 2260; and those of ISO 3166-2:CN. */
static const struct {
	int64_t number;
	const char *code, *name, *country;
} provinces[] = {
	{ 11, "BJ", "Beijing", NULL },
	{ 12, "TJ", "Tianjin", NULL },
	{ 13, "HE", "Hebei", NULL },
	{ 14, "SX", "Shanxi", NULL },
	{ 15, "NM", "Inner Mongolia", NULL },
	{ 21, "LN", "Liaoning", NULL },
	{ 22, "JL", "Jilin", NULL },
	{ 23, "HL", "Heilongjiang", NULL },
	{ 31, "SH", "Shanghai", NULL },
	{ 32, "JS", "Jiangsu", NULL },
	{ 33, "ZJ", "Zhejiang", NULL },
	{ 34, "AH", "Anhui", NULL },
	{ 35, "FJ", "Fujian", NULL },
	{ 36, "JX", "Jiangxi", NULL },
	{ 37, "SD", "Shandong", NULL },
	{ 41, "HA", "Henan", NULL },
	{ 42, "HB", "Hubei", NULL },
	{ 43, "HN", "Hunan", NULL },
	{ 44, "GD", "Guangdong", NULL },
	{ 45, "GX", "Guangxi", NULL },
	{ 46, "HI", "Hainan", NULL },
	{ 50, "CQ", "Chongqing", NULL },
	{ 51, "SC", "Sichuan", NULL },
	{ 52, "GZ", "Guizhou", NULL },
	{ 53, "YN", "Yunnan", NULL },
	{ 54, "XZ", "Tibet", NULL },
	{ 61, "SN", "Shaanxi", NULL },
	{ 62, "GS", "Gansu", NULL },
	{ 63, "QH", "Qinghai", NULL },
	{ 64, "NX", "Ningxia", NULL },
	{ 65, "XJ", "Xinjiang", NULL },
	{ 71, "TW", "Taiwan", "TW" },
	{ 81, "HK", "Hong Kong", "HK" },
	{ 82, "MO", "Macao", "MO" },
};
#define PROVINCE_COUNT (sizeof(provinces) / sizeof(provinces[0]))
/* Names that databases have besides. */
static const struct {
	const char *name;
	int64_t number;
} other_names[] = { { "Nei Mongol", 15 }, { "Xizang", 54 } };

int country_by_code(const char *code, size_t length)
{
	for (size_t i = 0; i < country_count; i++)
		if (strlen(countries[i].code) == length &&
			memcmp(countries[i].code, code, length) == 0)
			return (int)i;
	return -1;
}

int country_by_number(int64_t number)
{
	for (size_t i = 0; number > 0 && i < country_count; i++)
		if (countries[i].number == number)
			return (int)i;
	return -1;
}

static void set(uint64_t bits[4], size_t index)
{
	bits[(index + 1) / 64] |= UINT64_C(1) << (index + 1) % 64;
}

void countries_to_bits(const char *codes, uint64_t bits[4])
{
	while (*codes) {
		size_t length = strcspn(codes, " ");
		int index = country_by_code(codes, length);

		if (index >= 0)
			set(bits, (size_t)index);
		codes += length;
		codes += strspn(codes, " ");
	}
}

void countries_abroad(uint64_t bits[4])
{
	for (size_t i = 0; i < country_count; i++)
		if (strcmp(countries[i].code, "CN") != 0)
			set(bits, i);
}

const char *province_name(int64_t number)
{
	for (size_t i = 0; i < PROVINCE_COUNT; i++)
		if (provinces[i].number == number)
			return provinces[i].name;
	return NULL;
}

/* "Guangxi" is meant by "Guangxi Zhuang Autonomous Region", "Hebei" not by "Hebeiqu". */
static bool begins(const char *text, size_t length, const char *name)
{
	size_t size = strlen(name);

	return length >= size && strncasecmp(text, name, size) == 0 &&
	       (length == size || text[size] == ' ');
}

static int64_t province_by_code(const char *text, size_t length)
{
	if (length == 5 && strncasecmp(text, "CN-", 3) == 0) {
		text += 3;
		length -= 3;
	}
	if (length != 2)
		return 0;
	for (size_t i = 0; i < PROVINCE_COUNT; i++)
		if (strncasecmp(provinces[i].code, text, 2) == 0 ||
			(text[0] == '0' + provinces[i].number / 10 &&
				text[1] == '0' + provinces[i].number % 10))
			return provinces[i].number;
	return 0;
}

int64_t province_by_subdivision(const char *text, size_t length)
{
	int64_t number = province_by_code(text, length);

	for (size_t i = 0; number == 0 && i < PROVINCE_COUNT; i++)
		if (begins(text, length, provinces[i].name))
			number = provinces[i].number;
	for (size_t i = 0; number == 0 && i < sizeof(other_names) / sizeof(other_names[0]); i++)
		if (begins(text, length, other_names[i].name))
			number = other_names[i].number;
	return number;
}

int64_t province_by_country(const char *code)
{
	for (size_t i = 0; i < PROVINCE_COUNT; i++)
		if (provinces[i].country && strcasecmp(provinces[i].country, code) == 0)
			return provinces[i].number;
	return 0;
}

const char *province_country(int64_t number)
{
	for (size_t i = 0; i < PROVINCE_COUNT; i++)
		if (provinces[i].number == number)
			return provinces[i].country;
	return NULL;
}

void provinces_to_bits(const char *numbers, uint64_t bits[4])
{
	char *end;

	for (const char *at = numbers; *at; at = end) {
		const char *country = province_country(strtol(at, &end, 10));

		if (end == at)
			return;
		if (country)
			countries_to_bits(country, bits);
	}
}
