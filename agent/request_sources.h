/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where nginx's connections to origins leave from, by the node's settings.
 */
#ifndef AGENT_REQUEST_SOURCES_H
#define AGENT_REQUEST_SOURCES_H

#include "agent/settings.h"
#include "shared/request_abi.h"

/* Below these ports services listen: the host's are taken from there only where flows leave none above. */
#define HOST_PORT_FIRST 10240

/* Pure. No ports: flows may use every port. */
void request_sources_fill(const struct agent_settings *settings, struct table_sources *out);

#endif
