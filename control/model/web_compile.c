/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules -> what nodes obey. A program is complete but for the places of its texts, so that its size is known before
 * anything is added to a site.
 */
#include "control/model/web_compile.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

static const char *lower(struct arena *mem, const char *text)
{
	char *copy = arena_copy(mem, text);

	for (char *at = copy; at && *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return copy;
}

static void set_rate(const struct web_rule *rule, struct site_rule *out)
{
	out->target = rule->rate.by_header ? TARGET_HEADER : TARGET_ADDRESS;
	out->interval_seconds = (uint32_t)rule->rate.interval;
	out->threshold = (uint32_t)rule->rate.threshold;
	out->ttl_seconds = (uint32_t)rule->rate.ttl;
	if (!rule->status.enabled)
		return;
	out->status = (uint16_t)rule->status.code;
	if (!rule->status.use_ratio) {
		/* Nodes act above the threshold, "reaches" is one less. */
		out->threshold = (uint32_t)rule->status.count - 1;
		return;
	}
	/* More than the threshold in all, of which at least the ratio: as many are more than this share of it. */
	out->ratio = (uint8_t)rule->status.ratio;
	out->threshold = (uint32_t)(rule->rate.threshold * rule->status.ratio / 100);
	if (out->threshold == 0)
		out->threshold = 1;
}

static void set_statistics(const struct web_rule *rule, struct site_rule *out)
{
	static const uint8_t fields[] = {
		[WEB_DISTINCT_IP] = FIELD_ADDRESS,
		[WEB_DISTINCT_HEADER] = FIELD_HEADER,
		[WEB_DISTINCT_URI] = FIELD_URI,
	};

	if (!rule->statistics.distinct)
		return;
	out->statistics = STATISTICS_DISTINCT;
	out->distinct = fields[rule->statistics.field];
}

static size_t text_bytes(const struct web_program *program)
{
	size_t bytes = strlen(program->name) + strlen(program->target_header) +
		       strlen(program->distinct_header);

	for (size_t i = 0; i < program->step_count; i++)
		bytes += strlen(program->step[i].name) + program->step[i].value_length;
	return bytes;
}

enum err web_rule_compile(
	struct arena *mem, const struct web_rule *rule, enum check check, struct web_program *out)
{
	*out = (struct web_program){ .rule = { .check = (uint8_t)check,
					     .action = (uint8_t)rule->action,
					     .until_ms = INT64_MAX },
		.name = rule->name };
	if (rule->rate.given)
		set_rate(rule, &out->rule);
	if (rule->rate.given)
		set_statistics(rule, &out->rule);
	out->target_header = lower(mem, rule->rate.header);
	out->distinct_header = lower(mem, rule->statistics.header);
	for (size_t i = 0; i < rule->condition_count; i++)
		out->step_count += web_condition_steps(&rule->condition[i]);
	out->step = arena_array(mem, out->step_count, sizeof(*out->step));
	if (!out->target_header || !out->distinct_header || !out->step)
		return ERR_MEMORY;
	TRY(web_conditions_compile(mem, rule->condition, rule->condition_count, out->step));
	out->bytes = sizeof(struct site_rule) + out->step_count * sizeof(struct site_step) +
		     text_bytes(out);
	return OK;
}

/* ---- into a site */

static struct site_text add_text(struct site_builder *builder, const char *text)
{
	return site_add_text(builder, text, strlen(text));
}

static void add_rule(struct site_builder *builder, const struct web_program *program,
	uint16_t first_step, struct site_rule *out)
{
	*out = program->rule;
	if (out->action == RULE_CHOOSE)
		out->name = site_add_text(
			builder, program->choice, program->choice_count * sizeof(*program->choice));
	else
		out->name = add_text(builder, program->name);
	if (out->target == TARGET_HEADER)
		out->target_header = add_text(builder, program->target_header);
	if (out->distinct == FIELD_HEADER)
		out->distinct_header = add_text(builder, program->distinct_header);
	out->first_step = first_step;
	out->step_count = (uint16_t)program->step_count;
}

static void add_step(
	struct site_builder *builder, const struct web_step *step, struct site_step *out)
{
	*out = step->step;
	out->name = add_text(builder, step->name);
	out->value = site_add_text(builder, step->value, step->value_length);
}

bool web_programs_add(struct site_builder *builder, const struct web_program *program, size_t count)
{
	struct site *site = site_head(builder);
	size_t steps = 0, at = 0;
	struct site_rule *rule;
	struct site_step *step;

	for (size_t i = 0; i < count; i++)
		steps += program[i].step_count;
	assert(count <= SITE_RULE_MAX && steps <= SITE_STEP_MAX);
	rule = site_add_list(builder, &site->rules, count, sizeof(*rule));
	step = site_add_list(builder, &site->steps, steps, sizeof(*step));
	for (size_t i = 0; i < count && !builder->full; i++) {
		add_rule(builder, &program[i], (uint16_t)at, &rule[i]);
		for (size_t j = 0; j < program[i].step_count; j++)
			add_step(builder, &program[i].step[j], &step[at++]);
	}
	return !builder->full;
}
