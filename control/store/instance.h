/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a row of table instance is read; for the queries of this folder that give instances.
 */
#ifndef CONTROL_STORE_INSTANCE_H
#define CONTROL_STORE_INSTANCE_H

#include "control/store/store.h"

/* In the order in which instance_row reads them. */
#define INSTANCE_COLUMNS                                                                           \
	"number, id, account, product, edition, ipv6, vip, create_ms, expire_ms,"                  \
	" deadline_generation, previous_forward_until_ms, renewal, renewal_months,"                \
	" switch_back_origin, remark, resource_group, base_bandwidth_gbps,"                        \
	" elastic_bandwidth_gbps, clean_bandwidth_mbps, qps, ports, domains, function_version,"    \
	" product_plan, burst_mode, defense_count, burst_bandwidth_mbps, burst_mode_next,"         \
	" burst_mode_next_ms, burst_qps, burst_qps_mode"

enum err instance_row(struct cursor *cursor, struct arena *mem, struct instance *out) MUST_USE;

/* Tests: lists of this thread sort up to so many matches and walk above, so that both ways can
 * be tried on a few instances; negative: as measured. */
void instance_list_tune(int64_t sort_max);

#endif
