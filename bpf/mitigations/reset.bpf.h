/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A RST that is outside the window of whom it is for is forged, or too late to matter: it need not be
 * carried on. What the receiver expects next is what it last acknowledged; the packet path sees that go
 * by. It is written down only when it has moved by RESET_GRAIN, since the flow's memory is shared by
 * CPUs: the window begins so much earlier than it does. Windows are the largest seen, so that one
 * that opened without a trace costs nobody a RST that is right.
 *
 * An acknowledgement moves it only as far as it can have moved: forged ones have to guess as much as a RST
 * has. Receivers check more strictly themselves (RFC 5961 section 3.2); old ones do not.
 */
#ifndef BPF_MITIGATIONS_RESET_BPF_H
#define BPF_MITIGATIONS_RESET_BPF_H

#include "bpf/mitigation.bpf.h"

#define RESET_GRAIN 32768u

static __always_inline __u32 reset_window(__u32 window)
{
	return RESET_GRAIN + 2 * window;
}

/*
 * A segment of the side whose window is in *window acknowledges, and says its window anew. *next is what
 * it has acknowledged so far.
 */
static __always_inline void reset_note(
	__u32 *next, __u32 *window, __u32 acknowledged, __u32 window_now)
{
	__u32 moved = acknowledged - *next;

	if (moved >= RESET_GRAIN && moved <= reset_window(*window))
		*next = acknowledged;
	if (window_now > *window + *window / 4)
		*window = window_now;
}

/* Is the RST to be dropped? number: of its first byte, as its receiver counts. */
static __always_inline int reset_refused(struct packet *p, __u32 number, __u32 next, __u32 window)
{
	return mitigation_wants(p, reset_window) && number - next > reset_window(window) &&
	       mitigation_met(p, reset_window);
}

#endif
