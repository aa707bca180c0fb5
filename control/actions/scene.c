/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scene policies. What is asked for while a policy's time runs is done at once, in the same transaction; when its time
 * comes or is over, the engine does it (engine/scenes.c). A policy is usable by who may use all its web sites.
 */
#include "control/store/scene.h"

#include <string.h>

#include <openssl/rand.h>

#include "base/text.h"
#include "control/actions/tables.h"
#include "control/actions/web.h"

#define OBJECTS_BYTES 16384
#define ID_BYTES      64
#define TIME_MAX      INT64_C(253402300799999) /* the last moment that times are written in */

static enum err record(json_t *entity, const struct scene *scene)
{
	TRY(put_text(entity, "policyId", scene->id));
	TRY(put_text(entity, "name", scene->name));
	TRY(put_text(entity, "template", scene_template_name(scene->template)));
	TRY(put_int(entity, "startTime", scene->from_ms));
	TRY(put_int(entity, "endTime", scene->until_ms));
	return put(entity, "enabled", json_boolean(scene->enabled));
}

struct loaded {
	struct scene scene;
	struct scene_object *object;
	size_t count;
};

static enum err load_objects(struct call *call, struct loaded *out)
{
	struct website website;
	const char *object = call->object;
	int64_t account = call->object_account;

	TRY(scene_object_list(call->db, call->mem, out->scene.number, &out->object, &out->count));
	for (size_t i = 0; i < out->count; i++) {
		enum err err = call_website(call, out->object[i].domain, &website);

		if (err != OK)
			return err == ERR_WEBSITE_NOT_FOUND ? ERR_SCENE_NOT_FOUND : err;
	}
	/* The audit record names the policy, not its sites. */
	call->object = object;
	call->object_account = account;
	call->several = false;
	return OK;
}

static enum err load(struct call *call, const char *id, struct loaded *out)
{
	TRY(scene_load(call->db, call->mem, call_account(call), id, &out->scene));
	TRY(load_objects(call, out));
	call->object = arena_copy(call->mem, out->scene.id);
	call->object_account = out->scene.account;
	return call->object ? OK : ERR_MEMORY;
}

/* Brings all objects to where they must be; off: none is in force. */
static enum err settle(struct call *call, struct loaded *loaded, bool off)
{
	bool wanted = !off && scene_status(&loaded->scene, call->clock_ms) == SCENE_ENABLED,
	     changed;

	for (size_t i = 0; i < loaded->count; i++)
		TRY(scene_settle(
			call->db, call->mem, &loaded->scene, wanted, &loaded->object[i], &changed));
	return OK;
}

static enum err check_overlap(
	struct call *call, const struct scene *scene, const struct scene_object *object)
{
	const char *name;

	TRY(scene_overlap(call->db, call->mem, scene, object->website, &name));
	return name ? refuse(call, ERR_SCENE_OVERLAP,
			      "%s has the policy %s of the same template in that time.",
			      object->domain, name)
		    : OK;
}

static enum err check_overlaps(struct call *call, const struct loaded *loaded)
{
	for (size_t i = 0; i < loaded->count; i++)
		TRY(check_overlap(call, &loaded->scene, &loaded->object[i]));
	return OK;
}

static enum err succeed(struct call *call)
{
	return put(call->reply, "Success", json_true());
}

/* ---- making and changing */

struct window {
	const char *id, *name, *template;
	int64_t from_ms, until_ms;
};
#define WINDOW_PARAMS                                                                              \
	PARAM(window, name, "Name", .kind = PARAM_TEXT, .required = true, .min = 1,                \
		.max = SCENE_NAME_MAX, .help = "name of the policy"),                              \
		PARAM(window, template, "Template", .kind = PARAM_CHOICE, .required = true,        \
			.choices = "promotion bypass",                                             \
			.help = "no frequency control and no rules of their own; no checks at "    \
				"all"),                                                            \
		PARAM(window, from_ms, "StartTime", .kind = PARAM_INT, .required = true, .min = 1, \
			.max = TIME_MAX, .type = "Long",                                           \
			.help = "begin, in milliseconds since 1970"),                              \
		PARAM(window, until_ms, "EndTime", .kind = PARAM_INT, .required = true, .min = 1,  \
			.max = TIME_MAX, .type = "Long",                                           \
			.help = "end, in milliseconds since 1970")
#define PARAM_POLICY_ID(tag)                                                                       \
	PARAM(tag, id, "PolicyId", .kind = PARAM_TEXT, .required = true, .min = 1,                 \
		.max = ID_BYTES, .help = "policy, as DescribeSceneDefensePolicies shows it")
static const struct param create_params[] = { WINDOW_PARAMS, PARAM_ROW_END };
static const struct param modify_params[] = {
	PARAM_POLICY_ID(window),
	WINDOW_PARAMS,
	PARAM_ROW_END,
};

static enum err set_window(struct call *call, const struct window *args, struct scene *out)
{
	if (args->from_ms >= args->until_ms)
		return refuse(call, ERR_INVALID_PARAMETER, "EndTime must be after StartTime.");
	if (args->until_ms <= call->clock_ms)
		return refuse(call, ERR_INVALID_PARAMETER, "EndTime must be in the future.");
	if (!scene_template_from_name(args->template, &out->template))
		return ERR_INVALID_PARAMETER;
	out->name = args->name;
	out->from_ms = args->from_ms;
	out->until_ms = args->until_ms;
	return OK;
}

static enum err create_run(struct call *call, const void *raw)
{
	struct scene scene = { .account = call->key->account, .enabled = true }, *list;
	json_t *old_entity, *new_entity;
	uint8_t random[16];
	size_t count;

	TRY(set_window(call, raw, &scene));
	TRY(scene_list(call->db, call->mem, scene.account, &list, &count));
	if (count >= SCENE_MAX)
		return refuse(
			call, ERR_SCENE_LIMIT, "There can be at most %d policies.", SCENE_MAX);
	if (RAND_bytes(random, sizeof(random)) != 1)
		return fail(ERR_SYSTEM, "no random bytes for the id of a policy");
	scene_id_make(random, scene.id);
	TRY(scene_insert(call->db, &scene));
	call->object = arena_copy(call->mem, scene.id);
	call->object_account = scene.account;
	if (!call->object)
		return ERR_MEMORY;
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(record(new_entity, &scene));
	return succeed(call);
}

static enum err modify_run(struct call *call, const void *raw)
{
	const struct window *args = raw;
	json_t *old_entity, *new_entity;
	struct loaded loaded;

	TRY(load(call, args->id, &loaded));
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(record(old_entity, &loaded.scene));
	/* Back first: what the new template changes may be something else. */
	TRY(settle(call, &loaded, true));
	TRY(set_window(call, args, &loaded.scene));
	TRY(check_overlaps(call, &loaded));
	TRY(scene_update(call->db, &loaded.scene));
	TRY(record(new_entity, &loaded.scene));
	TRY(settle(call, &loaded, false));
	return succeed(call);
}

/* ---- by id alone */

struct policy_id {
	const char *id;
};
static const struct param id_params[] = { PARAM_POLICY_ID(policy_id), PARAM_ROW_END };

static enum err delete_run(struct call *call, const void *raw)
{
	const struct policy_id *args = raw;
	json_t *old_entity, *new_entity;
	struct loaded loaded;

	TRY(load(call, args->id, &loaded));
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(record(old_entity, &loaded.scene));
	TRY(settle(call, &loaded, true));
	TRY(scene_delete(call->db, &loaded.scene));
	return succeed(call);
}

static enum err enable(struct call *call, const char *id, bool on)
{
	json_t *old_entity, *new_entity;
	struct loaded loaded;

	TRY(load(call, id, &loaded));
	if (on && loaded.scene.until_ms <= call->clock_ms)
		return ERR_SCENE_OVER;
	TRY(call_change(call, &old_entity, &new_entity));
	TRY(record(old_entity, &loaded.scene));
	loaded.scene.enabled = on;
	TRY(scene_update(call->db, &loaded.scene));
	TRY(record(new_entity, &loaded.scene));
	TRY(settle(call, &loaded, false));
	return succeed(call);
}

static enum err enable_run(struct call *call, const void *raw)
{
	return enable(call, ((const struct policy_id *)raw)->id, true);
}

static enum err disable_run(struct call *call, const void *raw)
{
	return enable(call, ((const struct policy_id *)raw)->id, false);
}

/* ---- objects */

struct objects {
	const char *id, *type, *objects;
};
#define PARAM_OBJECTS(tag)                                                                         \
	PARAM(tag, objects, "Objects", .kind = PARAM_TEXT, .required = true, .min = 1,             \
		.max = OBJECTS_BYTES, .help = "domains, separated by commas")
#define PARAM_OBJECT_TYPE(tag, ...)                                                                \
	PARAM(tag, type, "ObjectType", .kind = PARAM_CHOICE, .choices = "Domain",                  \
		.help = "Domain", __VA_ARGS__)
static const struct param attach_params[] = {
	PARAM_POLICY_ID(objects),
	PARAM_OBJECT_TYPE(objects, .required = true),
	PARAM_OBJECTS(objects),
	PARAM_ROW_END,
};
static const struct param detach_params[] = {
	PARAM_POLICY_ID(objects),
	PARAM_OBJECT_TYPE(objects, .empty_is_absent = true),
	PARAM_OBJECTS(objects),
	PARAM_ROW_END,
};

static struct scene_object *find(const struct loaded *loaded, int64_t website)
{
	for (size_t i = 0; i < loaded->count; i++) {
		if (loaded->object[i].website == website)
			return &loaded->object[i];
	}
	return NULL;
}

static enum err attach(
	struct call *call, struct loaded *loaded, const struct website *website, bool *changed)
{
	struct scene_object *object;

	*changed = !find(loaded, website->number);
	if (!*changed)
		return OK;
	if (website->account != loaded->scene.account)
		return ERR_WEBSITE_NOT_FOUND;
	if (loaded->count == SCENE_OBJECT_MAX)
		return refuse(call, ERR_SCENE_LIMIT, "A policy can have at most %d objects.",
			SCENE_OBJECT_MAX);
	object = &loaded->object[loaded->count++];
	*object = (struct scene_object){
		.scene = loaded->scene.number, .website = website->number, .domain = website->domain
	};
	TRY(check_overlap(call, &loaded->scene, object));
	return scene_object_put(call->db, object);
}

static enum err detach(
	struct call *call, struct loaded *loaded, const struct website *website, bool *changed)
{
	struct scene_object *object = find(loaded, website->number);

	*changed = object != NULL;
	if (!object)
		return OK;
	TRY(scene_settle(call->db, call->mem, &loaded->scene, false, object, changed));
	*changed = true;
	return scene_object_delete(call->db, object);
}

typedef enum err (*object_step)(
	struct call *call, struct loaded *loaded, const struct website *website, bool *changed);

/* Each domain of "a.example,b.example", which are members of the change under key. */
static enum err for_each_object(
	struct call *call, const struct objects *args, struct loaded *loaded, object_step step)
{
	json_t *old_entity, *new_entity, *list;
	size_t seen = 0;

	TRY(call_change(call, &old_entity, &new_entity));
	TRY(put_list(step == attach ? new_entity : old_entity, "objects", &list));
	for (const char *at = args->objects; *at;) {
		size_t length = strcspn(at, ",");
		const char *domain = arena_copy_n(call->mem, at, length);
		struct website website;
		bool changed;

		if (!domain)
			return ERR_MEMORY;
		if (++seen > SCENE_OBJECT_MAX)
			return refuse(call, ERR_SCENE_LIMIT, "Objects can have at most %d domains.",
				SCENE_OBJECT_MAX);
		TRY(call_website(call, domain, &website));
		TRY(step(call, loaded, &website, &changed));
		if (changed)
			TRY(add(list, json_string(website.domain)));
		at += length + (at[length] == ',');
	}
	call->object = arena_copy(call->mem, loaded->scene.id);
	call->object_account = loaded->scene.account;
	call->several = false;
	return call->object ? OK : ERR_MEMORY;
}

static enum err attach_run(struct call *call, const void *raw)
{
	const struct objects *args = raw;
	struct loaded loaded;

	TRY(load(call, args->id, &loaded));
	TRY(for_each_object(call, args, &loaded, attach));
	TRY(settle(call, &loaded, false));
	return succeed(call);
}

static enum err detach_run(struct call *call, const void *raw)
{
	const struct objects *args = raw;
	struct loaded loaded;

	TRY(load(call, args->id, &loaded));
	TRY(for_each_object(call, args, &loaded, detach));
	return succeed(call);
}

/* ---- showing */

struct describe {
	const char *resource_group, *status, *template;
};
static const struct param describe_params[] = {
	PARAM_RESOURCE_GROUP(describe),
	PARAM(describe, status, "Status", .kind = PARAM_CHOICE, .empty_is_absent = true,
		.choices = "0 1 2 3", .help = "disabled, pending, enabled, over"),
	PARAM(describe, template, "Template", .kind = PARAM_CHOICE, .empty_is_absent = true,
		.choices = "promotion bypass", .help = "only policies of that template"),
	PARAM_ROW_END,
};

/* Published numbers. */
enum runtime_status {
	RUNTIME_IDLE,
	RUNTIME_PENDING,
	RUNTIME_IN_FORCE = 3
};
enum runtime_type {
	RUNTIME_CC = 1,
	RUNTIME_AI = 2
};
#define DONE	1
#define RUNNING 0

static size_t count_in_force(const struct loaded *loaded)
{
	size_t count = 0;

	for (size_t i = 0; i < loaded->count; i++)
		count += loaded->object[i].in_force;
	return count;
}

/* What a template changes, and what it was where it is in force: on, as soon as one of the sites had it on. */
static enum err put_runtime(struct call *call, json_t *item, const struct loaded *loaded)
{
	enum scene_status status = scene_status(&loaded->scene, call->clock_ms);
	int runtime = count_in_force(loaded)	? RUNTIME_IN_FORCE
		      : status == SCENE_PENDING ? RUNTIME_PENDING
						: RUNTIME_IDLE;
	bool cc_on = runtime != RUNTIME_IN_FORCE, ai_on = cc_on;
	json_t *list;

	TRY(put_list(item, "RuntimePolicies", &list));
	if (loaded->scene.template != SCENE_PROMOTION)
		return OK;
	for (size_t i = 0; i < loaded->count; i++) {
		cc_on = cc_on || (loaded->object[i].in_force && loaded->object[i].cc_on);
		ai_on = ai_on || (loaded->object[i].in_force && loaded->object[i].ai_on);
	}
	TRY(add(list,
		json_pack("{s:i, s:i, s:s, s:s}", "PolicyType", RUNTIME_CC, "Status", runtime,
			"NewValue", "{\"cc_rule_enable\": false}", "oldValue",
			cc_on ? "{\"cc_rule_enable\": true}" : "{\"cc_rule_enable\": false}")));
	return add(list, json_pack("{s:i, s:i, s:s, s:s}", "PolicyType", RUNTIME_AI, "Status",
				 runtime, "NewValue", "{\"ai_rule_enable\": 0}", "oldValue",
				 ai_on ? "{\"ai_rule_enable\": 1}" : "{\"ai_rule_enable\": 0}"));
}

static enum err put_policy(struct call *call, json_t *list, const struct loaded *loaded)
{
	const struct scene *scene = &loaded->scene;
	json_t *item = json_object();

	TRY(add(list, item));
	TRY(put_text(item, "PolicyId", scene->id));
	TRY(put_text(item, "Name", scene->name));
	TRY(put_text(item, "Template", scene_template_name(scene->template)));
	TRY(put_int(item, "StartTime", scene->from_ms));
	TRY(put_int(item, "EndTime", scene->until_ms));
	TRY(put_int(item, "Status", scene_status(scene, call->clock_ms)));
	TRY(put_int(item, "Done", count_in_force(loaded) ? RUNNING : DONE));
	TRY(put_int(item, "ObjectCount", (int64_t)loaded->count));
	return put_runtime(call, item, loaded);
}

static bool is_asked(
	const struct call *call, const struct describe *args, const struct scene *scene)
{
	if (args->template && strcmp(args->template, scene_template_name(scene->template)) != 0)
		return false;
	return !args->status || args->status[0] - '0' == (int)scene_status(scene, call->clock_ms);
}

static enum err describe_run(struct call *call, const void *raw)
{
	const struct describe *args = raw;
	struct scene *scene;
	size_t count;
	json_t *list;

	TRY(scene_list(call->db, call->mem, call_account(call), &scene, &count));
	TRY(put_list(call->reply, "Policies", &list));
	for (size_t i = 0; i < count; i++) {
		struct loaded loaded = { .scene = scene[i] };
		enum err err;

		if (!is_asked(call, args, &scene[i]))
			continue;
		err = load_objects(call, &loaded);
		if (err == ERR_SCENE_NOT_FOUND)
			continue;
		TRY(err);
		TRY(put_policy(call, list, &loaded));
	}
	return succeed(call);
}

struct describe_objects {
	const char *id, *resource_group;
};
static const struct param describe_objects_params[] = {
	PARAM_POLICY_ID(describe_objects),
	PARAM_RESOURCE_GROUP(describe_objects),
	PARAM_ROW_END,
};

/* Vip is of the first of the site's instances. */
static enum err put_object_item(
	struct call *call, json_t *list, const struct loaded *loaded, size_t index)
{
	char vip[ADDRESS_TEXT_SIZE];
	struct instance instance;
	struct website website;

	TRY(website_load_number(call->db, call->mem, loaded->object[index].website, &website));
	TRY(instance_load_number(call->db, call->mem, website.instance[0].number, &instance));
	address_format(instance.vip, vip);
	return add(list, json_pack("{s:s, s:s, s:s}", "Domain", website.domain, "PolicyId",
				 loaded->scene.id, "Vip", vip));
}

static enum err describe_objects_run(struct call *call, const void *raw)
{
	const struct describe_objects *args = raw;
	struct loaded loaded;
	json_t *list;

	TRY(load(call, args->id, &loaded));
	TRY(put_list(call->reply, "Objects", &list));
	for (size_t i = 0; i < loaded.count; i++)
		TRY(put_object_item(call, list, &loaded, i));
	return succeed(call);
}

static const struct reply_list policy_lists[] = {
	{ "Policies", "Policy" },
	{ "RuntimePolicies", "Policy" },
	{ NULL, NULL },
};
static const struct reply_list object_lists[] = { { "Objects", "Object" }, { NULL, NULL } };

#define SCENE_ID_WRITE(name, run, summary)                                                         \
	{                                                                                          \
		VERSION_DDOSCOO, name, WRITE, PERMISSION_FULL, id_params,                          \
			sizeof(struct policy_id), run, NULL, summary, 0                            \
	}
const struct action scene_actions[] = {
	{ VERSION_DDOSCOO, "CreateSceneDefensePolicy", WRITE, PERMISSION_FULL, create_params,
		sizeof(struct window), create_run, NULL, "makes a policy for a time", 0 },
	{ VERSION_DDOSCOO, "ModifySceneDefensePolicy", WRITE, PERMISSION_FULL, modify_params,
		sizeof(struct window), modify_run, NULL, "changes a policy for a time", 0 },
	SCENE_ID_WRITE("DeleteSceneDefensePolicy", delete_run,
		"deletes a policy for a time; what was before is in force again"),
	SCENE_ID_WRITE("EnableSceneDefensePolicy", enable_run, "enables a policy for a time"),
	SCENE_ID_WRITE("DisableSceneDefensePolicy", disable_run,
		"disables a policy for a time; what was before is in force again"),
	{ VERSION_DDOSCOO, "DescribeSceneDefensePolicies", READ, PERMISSION_READ, describe_params,
		sizeof(struct describe), describe_run, policy_lists, "shows policies for a time",
		0 },
	{ VERSION_DDOSCOO, "AttachSceneDefenseObject", WRITE, PERMISSION_FULL, attach_params,
		sizeof(struct objects), attach_run, NULL, "adds web sites to a policy for a time",
		0 },
	{ VERSION_DDOSCOO, "DetachSceneDefenseObject", WRITE, PERMISSION_FULL, detach_params,
		sizeof(struct objects), detach_run, NULL,
		"takes web sites out of a policy for a time", 0 },
	{ VERSION_DDOSCOO, "DescribeSceneDefenseObjects", READ, PERMISSION_READ,
		describe_objects_params, sizeof(struct describe_objects), describe_objects_run,
		object_lists, "shows the web sites of a policy for a time", 0 },
	{ 0 },
};
