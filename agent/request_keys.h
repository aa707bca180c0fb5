/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys of the request path that all nodes share, derived from the secret that each snapshot brings: so every node takes
 * the challenge cookies and the TLS session tickets of every other. Pure.
 */
#ifndef AGENT_REQUEST_KEYS_H
#define AGENT_REQUEST_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/request_abi.h"

/* So long tickets are made by one key; they are taken for one such time before and behind, where clocks of nodes may
 * be. */
#define TICKET_EPOCH_SECONDS 43200

/* Sets the loop mark, and the challenge keys with their epoch and the ticket keys for the moment. false: the library failed, which was
 * logged; out is as it was. */
bool request_keys_fill(const uint8_t secret[32], int64_t utc_now_ms, struct table_settings *out);

#endif
