/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where protected addresses lie (--protected): what is for one that no instance has ends at the node.
 */
#ifndef AGENT_RANGES_H
#define AGENT_RANGES_H

#include "agent/packets.h"
#include "agent/settings.h"

/* Makes map "range" what the settings say; another agent's ranges leave it. */
enum err ranges_write(struct packets *packets, const struct agent_settings *settings) MUST_USE;

#endif
