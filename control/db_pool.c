/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stack under a mutex. Idle connections are taken from the top, so that under little load one warm
 * cache serves, and the rest are never opened.
 */
#include "control/db_pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct db_pool {
	const char *url;
	size_t size;
	size_t used; /* taken now */
	size_t idle_count;
	pthread_mutex_t lock;
	pthread_cond_t given;
	struct db *idle[];
};

struct db_pool *db_pool_new(const char *url, size_t size)
{
	struct db_pool *pool = calloc(1, sizeof(*pool) + size * sizeof(struct db *));

	if (!pool)
		return NULL;
	pool->url = url;
	pool->size = size;
	(void)pthread_mutex_init(&pool->lock, NULL);
	(void)pthread_cond_init(&pool->given, NULL);
	return pool;
}

void db_pool_free(struct db_pool *pool)
{
	if (!pool)
		return;
	assert(pool->used == 0);
	while (pool->idle_count > 0)
		db_close(pool->idle[--pool->idle_count]);
	(void)pthread_cond_destroy(&pool->given);
	(void)pthread_mutex_destroy(&pool->lock);
	free(pool);
}

static void give_back(struct db_pool *pool, struct db *db)
{
	(void)pthread_mutex_lock(&pool->lock);
	pool->used--;
	if (db)
		pool->idle[pool->idle_count++] = db;
	(void)pthread_cond_signal(&pool->given);
	(void)pthread_mutex_unlock(&pool->lock);
}

struct db *db_pool_take(struct db_pool *pool)
{
	struct db *db = NULL;

	(void)pthread_mutex_lock(&pool->lock);
	while (pool->used == pool->size)
		(void)pthread_cond_wait(&pool->given, &pool->lock);
	pool->used++;
	if (pool->idle_count > 0)
		db = pool->idle[--pool->idle_count];
	(void)pthread_mutex_unlock(&pool->lock);
	if (!db && db_open(pool->url, false, &db) != OK) {
		give_back(pool, NULL);
		return NULL;
	}
	return db;
}

void db_pool_give(struct db_pool *pool, struct db *db)
{
	if (db)
		give_back(pool, db);
}
