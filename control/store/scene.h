/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queries about scene policies. As in store.h: inside the caller's transaction.
 */
#ifndef CONTROL_STORE_SCENE_H
#define CONTROL_STORE_SCENE_H

#include "control/model/scene.h"
#include "control/store/web_policy.h"

/* Sets number. */
enum err scene_insert(struct db *db, struct scene *scene) MUST_USE;
/* Writes name, template, times and enabled. */
enum err scene_update(struct db *db, const struct scene *scene) MUST_USE;
/* Its objects must not be in force. */
enum err scene_delete(struct db *db, const struct scene *scene) MUST_USE;
/* account 0: any; ERR_SCENE_NOT_FOUND. */
enum err scene_load(struct db *db, struct arena *mem, int64_t account, const char *id,
	struct scene *out) MUST_USE;
/* Oldest first; account 0: all. */
enum err scene_list(struct db *db, struct arena *mem, int64_t account, struct scene **out,
	size_t *count) MUST_USE;

/* By domain. */
enum err scene_object_list(struct db *db, struct arena *mem, int64_t scene,
	struct scene_object **out, size_t *count) MUST_USE;
enum err scene_object_put(struct db *db, const struct scene_object *object) MUST_USE;
enum err scene_object_delete(struct db *db, const struct scene_object *object) MUST_USE;
/* Name of another scene of the template for the same site, not over and in any part of the time; NULL: there is none. */
enum err scene_overlap(struct db *db, struct arena *mem, const struct scene *scene, int64_t website,
	const char **out) MUST_USE;

/* Brings the object's site to where it must be at that time, in this transaction. changed: it was not there. */
enum err scene_settle(struct db *db, struct arena *mem, const struct scene *scene, bool wanted,
	struct scene_object *object, bool *changed) MUST_USE;
/* Objects that are not where they must be, with their scenes; at most limit. */
struct scene_due {
	struct scene scene;
	struct scene_object object;
	bool wanted;
};
enum err scenes_due(struct db *db, int64_t clock_ms, bool *out) MUST_USE;
enum err scenes_due_list(struct db *db, struct arena *mem, int64_t clock_ms, int64_t limit,
	struct scene_due **out, size_t *count) MUST_USE;

#endif
