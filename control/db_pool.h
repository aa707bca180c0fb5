/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Database connections shared by threads: each is used by one at a time and opened when first needed.
 */
#ifndef CONTROL_DB_POOL_H
#define CONTROL_DB_POOL_H

#include <stddef.h>

#include "control/store/db.h"

struct db_pool;
/* At most size connections to url, which is kept by reference. NULL when memory is out. */
struct db_pool *db_pool_new(const char *url, size_t size);
void db_pool_free(struct db_pool *pool); /* all connections are back; NULL is fine */
/* Waits for a free connection. NULL: it cannot be opened (logged). */
struct db *db_pool_take(struct db_pool *pool);
void db_pool_give(struct db_pool *pool, struct db *db); /* NULL is fine */

#endif
