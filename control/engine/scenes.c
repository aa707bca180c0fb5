/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scene policy changes the policies of its sites when its time comes, and puts back what was when it is over. What has
 * been done is in the row of the object, written in the transaction that does it: a crash repeats nothing and forgets
 * nothing, and a clock that goes back ends a scene that has not begun.
 */
#include "control/engine/scenes.h"

#include "control/store/scene.h"

/* Of one transaction: each is a site's policy, read and written. */
#define SCENE_BATCH 200

enum err scenes_begin_end_due(const struct tick *tick, bool *out)
{
	return scenes_due(tick->db, tick->clock_ms, out);
}

static enum err settle(struct tick *tick, struct scene_due *due)
{
	bool changed;

	TRY(scene_settle(tick->db, tick->mem, &due->scene, due->wanted, &due->object, &changed));

	const char *detail = arena_print(tick->mem,
		"{\"oldEntity\":{\"inForce\":%s},\"newEntity\":{\"policyId\":\"%s\","
		"\"template\":\"%s\",\"inForce\":%s}}",
		due->wanted ? "false" : "true", due->scene.id,
		scene_template_name(due->scene.template), due->wanted ? "true" : "false");

	if (!detail)
		return ERR_MEMORY;
	return audit_append(
		tick->db, &(struct audit_row){ .time_ms = tick->clock_ms,
				  .account = due->scene.account,
				  .actor = "engine",
				  .request_id = "",
				  .action = due->wanted ? "engine.scene_begin" : "engine.scene_end",
				  .object = due->object.domain,
				  .detail = detail });
}

enum err scenes_begin_end_run(struct tick *tick)
{
	struct scene_due *due;
	size_t count;

	TRY(scenes_due_list(tick->db, tick->mem, tick->clock_ms, SCENE_BATCH, &due, &count));
	for (size_t i = 0; i < count; i++)
		TRY(settle(tick, &due[i]));
	tick->more = tick->more || count == SCENE_BATCH;
	return OK;
}

enum err rules_over_due(const struct tick *tick, bool *out)
{
	return web_rules_ended(tick->db, tick->clock_ms, out);
}

enum err rules_over_run(struct tick *tick)
{
	int64_t changed;

	TRY(web_rules_prune(tick->db, tick->clock_ms, ENGINE_BATCH, &changed));
	tick->more = tick->more || changed == ENGINE_BATCH;
	return OK;
}
