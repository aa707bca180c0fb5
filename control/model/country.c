/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of shared/countries.def, walked: they are asked for by orders, not by packets.
 */
#include "control/model/country.h"

#include <stdlib.h>
#include <string.h>

const struct country countries[] = {
#define COUNTRY(code, number, name) { code, number, name },
#include "shared/countries.def"
#undef COUNTRY
};
const size_t country_count = sizeof(countries) / sizeof(countries[0]);
static_assert(sizeof(countries) / sizeof(countries[0]) < REGION_FINER,
	"a country is one byte in the packet path");

/* Codes as the published example has them: the first two digits of GB/T 2260. */
static const struct {
	int64_t number;
	const char *name, *country;
} provinces[] = {
	{ 11, "Beijing", NULL },
	{ 12, "Tianjin", NULL },
	{ 13, "Hebei", NULL },
	{ 14, "Shanxi", NULL },
	{ 15, "Inner Mongolia", NULL },
	{ 21, "Liaoning", NULL },
	{ 22, "Jilin", NULL },
	{ 23, "Heilongjiang", NULL },
	{ 31, "Shanghai", NULL },
	{ 32, "Jiangsu", NULL },
	{ 33, "Zhejiang", NULL },
	{ 34, "Anhui", NULL },
	{ 35, "Fujian", NULL },
	{ 36, "Jiangxi", NULL },
	{ 37, "Shandong", NULL },
	{ 41, "Henan", NULL },
	{ 42, "Hubei", NULL },
	{ 43, "Hunan", NULL },
	{ 44, "Guangdong", NULL },
	{ 45, "Guangxi", NULL },
	{ 46, "Hainan", NULL },
	{ 50, "Chongqing", NULL },
	{ 51, "Sichuan", NULL },
	{ 52, "Guizhou", NULL },
	{ 53, "Yunnan", NULL },
	{ 54, "Tibet", NULL },
	{ 61, "Shaanxi", NULL },
	{ 62, "Gansu", NULL },
	{ 63, "Qinghai", NULL },
	{ 64, "Ningxia", NULL },
	{ 65, "Xinjiang", NULL },
	{ 71, "Taiwan", "TW" },
	{ 81, "Hong Kong", "HK" },
	{ 82, "Macao", "MO" },
};
#define PROVINCE_COUNT (sizeof(provinces) / sizeof(provinces[0]))

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
