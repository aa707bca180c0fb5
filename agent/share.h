/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who beside root may open a pinned map: the group of the request path's workers may write bans.
 */
#ifndef AGENT_SHARE_H
#define AGENT_SHARE_H

#include "agent/settings.h"
#include "base/error.h"

/* Gives the pin of map "request_ban" to the group of --requests-group, and a way to it; without that setting it is root's
 * alone. ERR_INVALID_PARAMETER: there is no such group. */
enum err share_bans(const struct agent_settings *settings) MUST_USE;

#endif
