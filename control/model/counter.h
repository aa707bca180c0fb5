/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sums and peaks of what nodes count.
 */
#ifndef CONTROL_MODEL_COUNTER_H
#define CONTROL_MODEL_COUNTER_H

#include "shared/packet_abi.h"

static inline void counter_add(struct counter *sum, const struct counter *more)
{
	sum->packets += more->packets;
	sum->bytes += more->bytes;
}

/* Packets and bytes each by themselves. */
static inline void counter_raise(struct counter *peak, const struct counter *to)
{
	if (to->packets > peak->packets)
		peak->packets = to->packets;
	if (to->bytes > peak->bytes)
		peak->bytes = to->bytes;
}

#endif
