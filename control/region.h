/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The country of an address, from the database and the networks that nodes are given, too: for explanations. Nodes decide.
 */
#ifndef CONTROL_REGION_H
#define CONTROL_REGION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct region_data {
	const char *database;  /* path of a file in the MaxMind format; "": none */
	const char *overrides; /* "PREFIX=CC PREFIX=CC": later ones win; "": none */
};

/* Whether the text is one or more overrides with countries of shared/countries.def, or empty. */
bool region_overrides_are_valid(const char *overrides);

/*
 * Index in countries[], or -1: of none that is known. *loaded: there is a database, so that to be of none means something.
 * The file is opened anew each time: it may be another. A file that cannot be read is none; it is logged.
 */
int region_find(const struct region_data *data, const uint8_t address[16], bool *loaded);

#endif
