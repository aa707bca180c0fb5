/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The country of an address, from the database and the networks that nodes are given, too, and its provider: for explanations
 * and lists. Nodes decide.
 */
#ifndef CONTROL_REGION_H
#define CONTROL_REGION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

#define REGION_CODE_SIZE  3
#define PROVIDER_SIZE	  16
#define ORGANISATION_SIZE 64

struct region_data {
	const char *database;  /* path of a file in the MaxMind format; "": none */
	const char *overrides; /* "PREFIX=CC PREFIX=CC": later ones win; "": none */
	const char *
		providers; /* a database of autonomous systems in the MaxMind format; "" or NULL: none */
};

/* Whether the text is one or more overrides with countries of shared/countries.def, or empty. */
bool region_overrides_are_valid(const char *overrides);

/*
 * Index in countries[], or -1: of none that is known. *loaded: there is a database, so that to be of none means something.
 * The file is opened anew each time: it may be another. A file that cannot be read is none; it is logged.
 */
int region_find(const struct region_data *data, const uint8_t address[16], bool *loaded);

/* The same for many addresses: the databases are opened once. data may be NULL; NULL: no memory. */
struct region_reader;
struct region_reader *region_reader_open(const struct region_data *data, struct arena *mem);
void region_reader_close(struct region_reader *reader);
/* In small letters, as published; "": not known. */
void region_country(
	const struct region_reader *reader, const uint8_t address[16], char out[REGION_CODE_SIZE]);
/* Of an address of that country: code of its administrative region of China, as province_name; 0: not known. */
int64_t region_province(
	const struct region_reader *reader, const uint8_t address[16], const char *country);
/* "AS64500"; "": not known. organisation: cut to its room. */
void region_provider(const struct region_reader *reader, const uint8_t address[16],
	char out[PROVIDER_SIZE], char organisation[ORGANISATION_SIZE]);

#endif
