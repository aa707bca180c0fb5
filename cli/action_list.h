/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of API actions as polder-control printed it when this program was built: an array of
 * {version, name, mode, summary, parameters: [{name, type, required, min, max, choices, help}]}.
 */
#ifndef CLI_ACTION_LIST_H
#define CLI_ACTION_LIST_H

#include <jansson.h>

/* The array; parsed once, owned by this file. Ends the program if it is damaged. */
const json_t *action_list(void);
/* The row of that name, or NULL. version NULL: any. */
const json_t *action_row(const char *name, const char *version);
/* A member as text; "" when it is absent. */
const char *action_text(const json_t *row, const char *member);
void action_print_all(void);
void action_print(const json_t *row);

#endif
