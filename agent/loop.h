/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The agent's one loop: snapshots in, reports out, the second's chores between.
 */
#ifndef AGENT_LOOP_H
#define AGENT_LOOP_H

#include "agent/settings.h"
#include "base/error.h"

/* Runs until SIGTERM or SIGINT; everything stays in force then. */
enum err loop_run(const struct agent_settings *settings) MUST_USE;

#endif
