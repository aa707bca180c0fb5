/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calendar arithmetic on the proleptic Gregorian calendar in UTC, without the C library's time zone
 * state. Days are counted from 1970-01-01 by the era method (a 400-year cycle has 146,097 days, years
 * begin in March so that the leap day is the last of its year).
 */
#include "base/clock.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SPAN_MAX_DAYS 36500

struct date {
	int64_t year;
	int month; /* 1..12 */
	int day;   /* 1..31 */
};

static int64_t read_clock(clockid_t id)
{
	struct timespec now;
	int rc = clock_gettime(id, &now);

	assert(rc == 0);
	(void)rc;
	return (int64_t)now.tv_sec * SECOND_MS + now.tv_nsec / 1000000;
}

int64_t clock_utc_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t clock_monotonic_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void clock_condition(pthread_cond_t *out)
{
	pthread_condattr_t attributes;

	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(out, &attributes);
	(void)pthread_condattr_destroy(&attributes);
}

struct timespec clock_deadline(int64_t wait_ms)
{
	struct timespec until;

	assert(wait_ms >= 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += wait_ms % SECOND_MS * 1000000;
	until.tv_sec += wait_ms / SECOND_MS + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	return until;
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int64_t year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static int64_t floor_divide(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t days_from_date(struct date date)
{
	int64_t year = date.year - (date.month <= 2);
	int64_t era = floor_divide(year, 400);
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year =
		(153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

static struct date date_from_days(int64_t days)
{
	int64_t shifted = days + 719468;
	int64_t era = floor_divide(shifted, 146097);
	int64_t day_of_era = shifted - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int month_of_march = (int)((5 * day_of_year + 2) / 153);
	struct date date;

	date.day = (int)(day_of_year - (153 * month_of_march + 2) / 5 + 1);
	date.month = month_of_march + (month_of_march < 10 ? 3 : -9);
	date.year = year_of_era + era * 400 + (date.month <= 2);
	return date;
}

/* Decimal number of exactly count digits at text. */
static int read_digits(const char *text, int count)
{
	int i, value = 0;

	for (i = 0; i < count; i++)
		value = value * 10 + (text[i] - '0');
	return value;
}

bool clock_parse_iso(const char *text, int64_t *out_ms)
{
	static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
	int hour, minute, second;
	struct date date;
	size_t i;

	for (i = 0; i < sizeof(form); i++) {
		if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
			return false;
	}
	date.year = read_digits(text, 4);
	date.month = read_digits(text + 5, 2);
	date.day = read_digits(text + 8, 2);
	hour = read_digits(text + 11, 2);
	minute = read_digits(text + 14, 2);
	second = read_digits(text + 17, 2);
	if (date.year < 1970 || date.month < 1 || date.month > 12 || date.day < 1 ||
		date.day > month_days(date.year, date.month))
		return false;
	if (hour > 23 || minute > 59 || second > 59)
		return false;
	*out_ms = days_from_date(date) * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS +
		  second * SECOND_MS;
	return true;
}

void clock_format_iso(int64_t ms, char out[CLOCK_ISO_SIZE])
{
	int64_t days = floor_divide(ms, DAY_MS);
	int second_of_day = (int)((ms - days * DAY_MS) / SECOND_MS);
	struct date date = date_from_days(days);
	/* The form has four digits for the year; what lies outside shows as its edge. */
	unsigned year = date.year < 0 ? 0 : date.year > 9999 ? 9999 : (unsigned)date.year;
	char wide[64];

	(void)snprintf(wide, sizeof(wide), "%04u-%02d-%02dT%02d:%02d:%02dZ", year, date.month,
		date.day, second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
	memcpy(out, wide, CLOCK_ISO_SIZE - 1);
	out[CLOCK_ISO_SIZE - 1] = '\0';
}

int64_t clock_add_months(int64_t ms, int months)
{
	int64_t days = floor_divide(ms, DAY_MS);
	int64_t rest_ms = ms - days * DAY_MS;
	struct date date = date_from_days(days);
	int64_t month = date.year * 12 + date.month - 1 + months;
	int last;

	date.year = floor_divide(month, 12);
	date.month = (int)(month - date.year * 12) + 1;
	last = month_days(date.year, date.month);
	if (date.day > last)
		date.day = last;
	return days_from_date(date) * DAY_MS + rest_ms;
}

int64_t clock_month_begin(int64_t ms)
{
	int64_t days = floor_divide(ms, DAY_MS);

	return (days - date_from_days(days).day + 1) * DAY_MS;
}

bool clock_parse_span(const char *text, int64_t *out_ms)
{
	int64_t sign = 1, number = 0, unit;

	if (*text == '+' || *text == '-')
		sign = *text++ == '-' ? -1 : 1;
	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text); text++) {
		number = number * 10 + (*text - '0');
		if (number > SPAN_MAX_DAYS * DAY_MS)
			return false;
	}
	switch (*text) {
	case 's':
		unit = SECOND_MS;
		break;
	case 'm':
		unit = MINUTE_MS;
		break;
	case 'h':
		unit = HOUR_MS;
		break;
	case 'd':
		unit = DAY_MS;
		break;
	default:
		return false;
	}
	if (text[1] != '\0' || number > SPAN_MAX_DAYS * DAY_MS / unit)
		return false;
	*out_ms = sign * number * unit;
	return true;
}
