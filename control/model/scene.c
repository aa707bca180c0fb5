/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Of a site's policy only what the template changes is kept, in the object; a scene can so be put
 * back however much else of the policy was changed meanwhile. What is in force is a column of the
 * object: to ask twice changes nothing.
 */
#include "control/model/scene.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = { "promotion", "bypass" };

const char *scene_template_name(enum scene_template template)
{
	return names[template];
}

bool scene_template_from_name(const char *name, enum scene_template *out)
{
	for (unsigned i = 0; i < SCENE_TEMPLATE_COUNT; i++) {
		if (strcmp(names[i], name) == 0) {
			*out = (enum scene_template)i;
			return true;
		}
	}
	return false;
}

void scene_id_make(const uint8_t random[16], char out[SCENE_ID_SIZE])
{
	char *at = out;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		at += snprintf(at, 3, "%02x", random[i]);
	}
}

enum scene_status scene_status(const struct scene *scene, int64_t clock_ms)
{
	if (scene->until_ms <= clock_ms)
		return SCENE_EXPIRED;
	if (!scene->enabled)
		return SCENE_DISABLED;
	return scene->from_ms <= clock_ms ? SCENE_ENABLED : SCENE_PENDING;
}

static void put_in_force(
	const struct scene *scene, struct scene_object *object, struct web_policy *policy)
{
	object->cc_on = policy->cc_on;
	object->ai_on = policy->ai_on;
	if (scene->template == SCENE_BYPASS)
		policy->bypass = true;
	else
		policy->cc_on = policy->ai_on = false;
}

static void put_back(
	const struct scene *scene, const struct scene_object *object, struct web_policy *policy)
{
	if (scene->template == SCENE_BYPASS) {
		policy->bypass = false;
		return;
	}
	policy->cc_on = policy->cc_on || object->cc_on;
	policy->ai_on = policy->ai_on || object->ai_on;
}

bool scene_apply(const struct scene *scene, bool wanted, struct scene_object *object,
	struct web_policy *policy)
{
	if (object->in_force == wanted)
		return false;
	if (wanted)
		put_in_force(scene, object, policy);
	else
		put_back(scene, object, policy);
	object->in_force = wanted;
	return true;
}
