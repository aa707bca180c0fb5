/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many requests a web site usually has, learned by hour of the day (docs/decisions/021). No I/O, no clock.
 */
#ifndef CONTROL_MODEL_USUAL_H
#define CONTROL_MODEL_USUAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USUAL_HOURS	    24
#define USUAL_MINUTES	    60
#define USUAL_MINUTES_LEAST 2 /* until then nothing is known of a new site */

struct usual {
	uint32_t hour[USUAL_HOURS];	/* requests a minute; 0: not known */
	uint32_t minute[USUAL_MINUTES]; /* of the hour at hand */
	uint32_t minutes;
	int64_t hour_ms; /* begin of it; 0: none */
};

/* A minute is over in which the site had requests. attacked: it is not taken for more than what is usual. true: an hour was
 * learned, and hour[] is worth to be kept. */
bool usual_minute(struct usual *usual, int64_t minute_ms, uint64_t requests, bool attacked);
/* Requests a minute that are usual at this time; 0: not known. */
uint32_t usual_at(const struct usual *usual, int64_t time_ms);

/* hour[] as text, and back; a text that is none gives what is known of nothing. */
#define USUAL_TEXT_SIZE (USUAL_HOURS * 11 + 1)
void usual_format(const struct usual *usual, char out[USUAL_TEXT_SIZE]);
void usual_parse(const char *text, struct usual *out);

#endif
