/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of shared/request_abi.h as a worker sees it: mapped read-only, looked up without locks. What is returned
 * lies in the mapping, was checked, and stays until the pin it was found under is given back.
 */
#ifndef NGINX_TABLE_H
#define NGINX_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/request_abi.h"

struct table;
struct table_record;

/* Where a record was found, so that who asks for the same again need not look for it; all 0 at first. */
struct table_hint {
	uint64_t serial; /* of the mapping; 0: nothing is known */
	const struct table_slot *slot;
	uint64_t offset;
	const struct table_record *record;
};

/* Where the file is; path is kept by reference. */
void table_open(const char *path);
/* The file in force; NULL: there is none that can be used. Follows a file that was superseded. now_ms: any clock; a
 * missing file is looked for at most once in TABLE_RETRY_MS. */
struct table *table_pin(int64_t now_ms);
void table_unpin(struct table *table); /* accepts NULL */
/* Is it the file in force? Others are wanted back. */
bool table_is_in_force(const struct table *table);
#define TABLE_RETRY_MS 20

/* NULL: absent, deleted, or not as request_abi.h says. Length of the body in *out_length, may be NULL. */
const void *table_find(const struct table *table, uint16_t kind, const void *key, size_t key_length,
	size_t *out_length);
const struct table_settings *table_settings(
	const struct table *table); /* never NULL; all 0: none */
const struct table_vip *table_vip(
	const struct table *table, const struct address *address, struct table_hint *hint);
/* Of a name exactly, or by the nearest wildcard; of names of more than SITE_LABEL_MAX labels only so many
 * parents are asked for, since clients choose the names. host: lower case, without port. hint may be NULL. */
#define SITE_LABEL_MAX 16
const struct site *table_site(
	struct table *table, const char *host, size_t length, struct table_hint *hint);
/* Those that sites choose from; NULL: there are none. */
const struct site *table_rules(struct table *table);
/* certificate: its length of chain and key are within the record. The key may be overwritten with zeros. */
const struct certificate *table_certificate(struct table *table, uint32_t number);
const struct table_name *table_name(const struct table *table, const char *name, size_t length);
/* NULL: connections to origins leave from wherever the host chooses. */
const struct table_sources *table_sources(const struct table *table);
/* Row of countries.def + 1, by the operator's word; 0: it says nothing about that address. */
uint8_t table_region(const struct table *table, const struct address *address);
/* The crawler (row of crawlers.def + 1) that the source was found to be; CRAWLER_NONE: none, or not known. *until_ms: up to when. */
uint32_t table_crawler(
	const struct table *table, const struct address *source, int64_t now_ms, int64_t *until_ms);
uint64_t table_generation(const struct table *table);

#endif
