/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time. Milliseconds UTC in an int64_t everywhere; read once per request or tick and passed down.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <pthread.h>
#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>
#include <time.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS	  (60 * MINUTE_MS)
#define DAY_MS	  (24 * HOUR_MS)

int64_t clock_utc_ms(void);	  /* CLOCK_REALTIME */
int64_t clock_monotonic_ms(void); /* for time-outs only */
/* Waits that no jump of the machine's clock makes longer or shorter: a condition for them, and the moment wait_ms (not
 * negative) from now. */
void clock_condition(pthread_cond_t *out);
struct timespec clock_deadline(int64_t wait_ms);

/* "2026-01-02T03:04:05Z", exactly that form, years 1970..9999 -> ms. false: not of the form or no such
 * moment (a 31st of February, second 61). */
bool clock_parse_iso(const char *text, int64_t *out_ms);
/* Writes the form above (21 bytes with NUL). */
#define CLOCK_ISO_SIZE 21
void clock_format_iso(int64_t ms, char out[CLOCK_ISO_SIZE]);
/* ms plus so many calendar months (UTC): same day and time, the day clamped to the month's last. */
int64_t clock_add_months(int64_t ms, int months);
/* The begin of the calendar month (UTC) that ms is in. */
int64_t clock_month_begin(int64_t ms);
/* "+8d", "-1s", "90m", "1h" -> ms (units s, m, h, d; magnitude up to 36,500 days). false: bad form. */
bool clock_parse_span(const char *text, int64_t *out_ms);

#endif
