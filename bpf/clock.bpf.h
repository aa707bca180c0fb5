/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The clocks of the packet path, which nothing else reads. A test gives a time of its own instead, which goes on when
 * the test says so and not while it waits for a CPU; the verifier leaves that branch out of a program that is loaded
 * without.
 */
#ifndef BPF_CLOCK_BPF_H
#define BPF_CLOCK_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define CLOCK_GIVEN_TICK_NS 4000000

const volatile __u32 clock_is_given;
__u64 clock_given_ns;

/* The boot clock. */
static __always_inline __u64 clock_now_ns(void)
{
	return clock_is_given ? clock_given_ns : bpf_ktime_get_boot_ns();
}

/* The kernel's tick, 1 to 10 ms: costs much less to read. */
static __always_inline __u64 clock_tick(void)
{
	return clock_is_given ? clock_given_ns / CLOCK_GIVEN_TICK_NS : bpf_jiffies64();
}

#endif
