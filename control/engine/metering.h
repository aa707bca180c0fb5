/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine does about metering: a step of its table, see steps.c.
 */
#ifndef CONTROL_ENGINE_METERING_H
#define CONTROL_ENGINE_METERING_H

#include "control/engine/steps.h"

enum err metering_due(const struct tick *tick, bool *out) MUST_USE;
enum err metering_run(struct tick *tick) MUST_USE;

#endif
