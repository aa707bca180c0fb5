/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AUTO(json) json_t *x = NULL; gives the reference back at the end of its scope.
 */
#ifndef CONTROL_MODEL_JSON_AUTO_H
#define CONTROL_MODEL_JSON_AUTO_H

#include <jansson.h>

#include "base/auto.h"

DEFINE_AUTO(json, json_t *, json_decref);

#endif
