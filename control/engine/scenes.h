/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine does for web sites by itself: scene policies begin and end, rules that ended are pruned. Steps of its
 * table, see steps.c.
 */
#ifndef CONTROL_ENGINE_SCENES_H
#define CONTROL_ENGINE_SCENES_H

#include "control/engine/steps.h"

enum err scenes_begin_end_due(const struct tick *tick, bool *out) MUST_USE;
enum err scenes_begin_end_run(struct tick *tick) MUST_USE;
enum err rules_over_due(const struct tick *tick, bool *out) MUST_USE;
enum err rules_over_run(struct tick *tick) MUST_USE;

#endif
