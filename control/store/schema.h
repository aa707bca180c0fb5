/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The schema as numbered steps. Steps are only ever added at the end: a released step never
 * changes.
 */
#ifndef CONTROL_STORE_SCHEMA_H
#define CONTROL_STORE_SCHEMA_H

/* SQL of step i + 1, run in a transaction of its own; schema_count steps. */
extern const char *const schema_steps[];
extern const int schema_count;

/* schema_web.c: steps among these. */
extern const char schema_websites[], schema_web_policies[], schema_log_queries[], schema_acme[];

#endif
