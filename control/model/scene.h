/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scene policy: for a time, some web sites are protected otherwise. "promotion" switches frequency control and
 * intelligent protection off, so that an expected rush is not taken for an attack; "bypass" lets all requests pass. What
 * was in force before is in force again afterwards. No I/O, no clock.
 */
#ifndef CONTROL_MODEL_SCENE_H
#define CONTROL_MODEL_SCENE_H

#include "control/model/web_policy.h"

#define SCENE_ID_SIZE	 37  /* "321a-..." as a UUID is written */
#define SCENE_NAME_MAX	 128 /* bytes */
#define SCENE_MAX	 100 /* of an account: a list has no pages */
#define SCENE_OBJECT_MAX 200 /* web sites of one, as in other lists of domains */

enum scene_template {
	SCENE_PROMOTION,
	SCENE_BYPASS,
	SCENE_TEMPLATE_COUNT
};
enum scene_status { /* published */
	SCENE_DISABLED,
	SCENE_PENDING,
	SCENE_ENABLED,
	SCENE_EXPIRED
};
struct scene {
	int64_t number, account;
	char id[SCENE_ID_SIZE];
	const char *name;
	enum scene_template template;
	int64_t from_ms, until_ms; /* machine time */
	bool enabled;
};
struct scene_object {
	int64_t scene, website;
	const char *domain;
	bool in_force;	   /* the site's policy has been changed */
	bool cc_on, ai_on; /* of the site before */
};

const char *scene_template_name(enum scene_template template); /* "promotion", "bypass" */
bool scene_template_from_name(const char *name, enum scene_template *out);
void scene_id_make(const uint8_t random[16], char out[SCENE_ID_SIZE]);
enum scene_status scene_status(const struct scene *scene, int64_t clock_ms);

/* Changes the policy and keeps what was, or puts it back; false: it is so already. What somebody switched on again while
 * the scene was in force stays on. */
bool scene_apply(const struct scene *scene, bool wanted, struct scene_object *object,
	struct web_policy *policy);

#endif
