/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of web sites. A name is compared byte by byte wherever it is met, by the store as by nginx, so that it
 * has one spelling: lower case, international labels in their ASCII form. A label that only looks like such a form
 * would be a name that no browser asks for; it is decoded to know.
 */
#include "control/model/website.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define LABEL_MAX 63 /* RFC 1035 section 2.3.4 */

/* ---- RFC 3492 section 6: whether the digits of a label decode to a code point beyond ASCII */

enum {
	PUNY_BASE = 36,
	PUNY_TMIN = 1,
	PUNY_TMAX = 26,
	PUNY_SKEW = 38,
	PUNY_DAMP = 700,
	PUNY_BIAS = 72,
	PUNY_FIRST = 128,
	PUNY_LAST = 0x10ffff
};

static uint32_t puny_adapt(uint32_t delta, uint32_t points, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / PUNY_DAMP : delta / 2;
	for (delta += delta / points; delta > (PUNY_BASE - PUNY_TMIN) * PUNY_TMAX / 2;
		k += PUNY_BASE)
		delta /= PUNY_BASE - PUNY_TMIN;
	return k + (PUNY_BASE - PUNY_TMIN + 1) * delta / (delta + PUNY_SKEW);
}

static int puny_digit(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	return c >= '0' && c <= '9' ? c - '0' + 26 : -1;
}

/* One generalised integer from *at on; false: cut, or too large. */
static bool puny_number(const char **at, const char *end, uint32_t bias, uint32_t *out)
{
	uint64_t weight = 1, value = 0;

	for (uint32_t k = PUNY_BASE; *at < end; k += PUNY_BASE) {
		uint32_t t = k <= bias ? PUNY_TMIN : k - bias;
		int digit = puny_digit(*(*at)++);

		t = t > PUNY_TMAX ? PUNY_TMAX : t;
		if (digit < 0)
			return false;
		value += (uint64_t)digit * weight;
		if (value > UINT32_MAX || weight > UINT32_MAX)
			return false;
		if ((uint32_t)digit < t) {
			*out = (uint32_t)value;
			return true;
		}
		weight *= PUNY_BASE - t;
	}
	return false;
}

/* label is what follows "xn--". */
static bool puny_decodes(const char *label, size_t length)
{
	const char *end = label + length, *at = memrchr(label, '-', length);
	uint32_t points = at ? (uint32_t)(at - label) : 0, bias = PUNY_BIAS, i = 0, n = PUNY_FIRST;

	for (at = at ? at + 1 : label; at < end;) {
		uint32_t delta;
		bool first = n == PUNY_FIRST && i == 0;

		if (!puny_number(&at, end, bias, &delta))
			return false;
		points++;
		bias = puny_adapt(delta, points, first);
		/* Both stay below 2^33: delta has 32 bits, points are at most 63. */
		uint64_t position = (uint64_t)i + delta;

		if (n + position / points > PUNY_LAST)
			return false;
		n += (uint32_t)(position / points);
		i = (uint32_t)(position % points) + 1;
	}
	return n > PUNY_FIRST || i > 0;
}

/* ---- domains */

static enum err because(char why[WEBSITE_WHY_SIZE], const char *sentence)
{
	(void)snprintf(why, WEBSITE_WHY_SIZE, "%s", sentence);
	return ERR_INVALID_PARAMETER;
}

static enum err check_label(const char *label, size_t length, char why[WEBSITE_WHY_SIZE])
{
	if (length == 0)
		return because(why, "has an empty label");
	if (length > LABEL_MAX)
		return because(why, "has a label of more than 63 characters");
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)label[i] >= 128)
			return because(why,
				"must be written in ASCII: international labels begin with xn--");
		if (!islower((unsigned char)label[i]) && !isdigit((unsigned char)label[i]) &&
			label[i] != '-')
			return because(why,
				"may have letters, digits and hyphens, and a * as its first label");
	}
	if (label[0] == '-' || label[length - 1] == '-')
		return because(why, "has a label that begins or ends with a hyphen");
	if (length >= 4 && label[2] == '-' && label[3] == '-' &&
		(memcmp(label, "xn", 2) != 0 || !puny_decodes(label + 4, length - 4)))
		return because(why, "has a label that is no international one (xn--...)");
	return OK;
}

static bool is_number(const char *label)
{
	return label[strspn(label, "0123456789")] == '\0';
}

enum err website_domain(const char *text, char out[WEBSITE_DOMAIN_SIZE], char why[WEBSITE_WHY_SIZE])
{
	size_t length = strlen(text), labels = 0;
	const char *label = out;

	if (length == 0 || length > SITE_DOMAIN_MAX)
		return because(why, "must have 1..253 characters");
	for (size_t i = 0; i <= length; i++)
		out[i] = (char)tolower((unsigned char)text[i]);
	if (strncmp(label, "*.", 2) == 0)
		label += 2;
	for (;; label++) {
		size_t size = strcspn(label, ".");

		TRY(check_label(label, size, why));
		labels++;
		if (label[size] == '\0')
			break;
		label += size;
	}
	if (labels < 2)
		return because(why, "must have at least two labels below any *");
	if (is_number(label))
		return because(why, "must be a name, not an address");
	return OK;
}

bool website_covers(const char *pattern, const char *domain)
{
	const char *parent;

	if (strcmp(pattern, domain) == 0)
		return true;
	if (strncmp(pattern, "*.", 2) != 0 || strncmp(domain, "*.", 2) == 0)
		return false;
	parent = strchr(domain, '.');
	return parent && strcmp(parent, pattern + 1) == 0;
}

const char *website_site(const char *domain)
{
	const char *site = domain;

	for (const char *at = domain, *next = domain; (at = strchr(at, '.')); at++) {
		site = next;
		next = at + 1;
	}
	return site;
}

/* ---- schemes */

static const struct {
	enum site_scheme scheme;
	const char *name;
} schemes[] = {
	{ SITE_SCHEME_HTTP, "http" },
	{ SITE_SCHEME_HTTPS, "https" },
	{ SITE_SCHEME_WEBSOCKET, "websocket" },
	{ SITE_SCHEME_WEBSOCKETS, "websockets" },
};

const char *scheme_name(enum site_scheme scheme)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (schemes[i].scheme == scheme)
			return schemes[i].name;
	}
	return "";
}

bool scheme_from_name(const char *name, enum site_scheme *out)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (strcmp(schemes[i].name, name) == 0) {
			*out = schemes[i].scheme;
			return true;
		}
	}
	return false;
}
