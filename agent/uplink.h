/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How full the node's lines are: speed and bytes of its interfaces.
 */
#ifndef AGENT_UPLINK_H
#define AGENT_UPLINK_H

#include <stddef.h>

#include "agent/settings.h"
#include "base/error.h"
#include "shared/snapshot_abi.h"

struct uplinks;

enum err uplinks_open(const struct agent_settings *settings, struct uplinks **out) MUST_USE;
void uplinks_close(struct uplinks *uplinks); /* NULL is fine */
/* Those that are there now, in the order of the settings; returns how many. */
size_t uplinks_read(struct uplinks *uplinks, struct record_uplink out[NODE_INTERFACE_MAX]);

#endif
