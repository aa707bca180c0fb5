/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The catalogue of errors: errors.def, and which actions give an error as found in the code by the build.
 */
#ifndef CONTROL_ACTIONS_ERROR_H
#define CONTROL_ACTIONS_ERROR_H

#include "control/action.h"

/* The whole catalogue as an array, or the entries of one code; owned by the caller. NULL when memory is out. */
json_t *errors_describe(const char *code);
/* Whether a call of the action can end with an error of this code, by the catalogue. */
bool action_gives(const char *action_name, const char *code);
/* The first error of this code; ERR_COUNT: none. */
enum err error_of_code(const char *code);

#endif
