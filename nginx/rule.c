/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interpreter goes from step to step, only ever forward, so that a rule ends after at most as many steps as it has,
 * whatever they hold: site_check has seen to the distances, and a distance of 0 or one that leads out of the rule would
 * end it as not met.
 *
 * What a request does not have is the empty text to every match but MATCH_ABSENT, so that "is not equal to" holds for it.
 * "Contains" is memmem, which is linear; without regard to case, text and value are folded piece by piece
 * into memory of a fixed size, with pieces that overlap by one byte less than the value: still linear, so that nobody
 * can choose a text that is dear.
 */
#include "nginx/rule.h"

#include <string.h>

#include "base/site.h"
#include "base/text.h"

const char rule_unread[1];

/* Folded at a time; longer than a value can be, so that each piece goes forward. */
#define FOLD_BYTES ((size_t)2 * SITE_TEXT_MAX)

static inline char fold(char c)
{
	return (char)(c | ((unsigned char)(c - 'A') < 26 ? 0x20 : 0));
}

static void fold_text(char *out, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		out[i] = fold(text[i]);
}

static bool same(const char *a, const char *b, size_t length, bool any_case)
{
	if (!any_case)
		return memcmp(a, b, length) == 0;
	for (size_t i = 0; i < length; i++) {
		if (fold(a[i]) != fold(b[i]))
			return false;
	}
	return true;
}

/* By itself, so that nobody else carries its memory. */
static __attribute__((noinline)) bool contains_any_case(
	struct rule_text text, struct rule_text value)
{
	char haystack[FOLD_BYTES], needle[SITE_TEXT_MAX];

	if (value.length > sizeof(needle))
		return false;
	fold_text(needle, value.data, value.length);
	while (text.length >= value.length) {
		size_t piece = text.length < sizeof(haystack) ? text.length : sizeof(haystack);
		size_t step = piece - (value.length - 1);

		fold_text(haystack, text.data, piece);
		if (memmem(haystack, piece, needle, value.length))
			return true;
		text.data += step;
		text.length -= step;
	}
	return false;
}

/* text is not shorter than value. */
static bool contains(struct rule_text text, struct rule_text value, bool any_case)
{
	if (value.length == 0)
		return true;
	return any_case ? contains_any_case(text, value)
			: memmem(text.data, text.length, value.data, value.length) != NULL;
}

bool rule_number(struct rule_text text, int64_t *out)
{
	bool negative = text.length > 0 && text.data[0] == '-';
	size_t i = negative;
	int64_t value = 0;

	if (i == text.length)
		return false;
	for (; i < text.length; i++) {
		int digit = text.data[i] - '0';

		if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, digit, &value))
			return false;
	}
	*out = negative ? -value : value;
	return true;
}

static bool compare_numbers(
	const struct site_step *step, const struct rule_subject *subject, struct rule_text text)
{
	int64_t value = subject->content_length;

	if (step->field != FIELD_CONTENT_LENGTH && !rule_number(text, &value))
		return false;
	if (step->match == MATCH_LESS)
		return value < step->number;
	return step->match == MATCH_SAME ? value == step->number : value > step->number;
}

static inline bool compare(const struct site *site, const struct site_step *step,
	const struct rule_subject *subject, struct rule_text text)
{
	struct rule_text value = { site_text_at(site, step->value), step->value.length };
	bool any_case = step->flags & STEP_ANY_CASE, longer = text.length >= value.length;
	int64_t length = (int64_t)text.length;

	switch ((enum step_match)step->match) {
	case MATCH_EQUAL:
		return text.length == value.length &&
		       same(text.data, value.data, value.length, any_case);
	case MATCH_CONTAINS:
		return longer && contains(text, value, any_case);
	case MATCH_PREFIX:
		return longer && same(text.data, value.data, value.length, any_case);
	case MATCH_SUFFIX:
		return longer && same(text.data + (text.length - value.length), value.data,
					 value.length, any_case);
	case MATCH_LENGTH_LESS:
		return length < step->number;
	case MATCH_LENGTH_EQUAL:
		return length == step->number;
	case MATCH_LENGTH_MORE:
		return length > step->number;
	case MATCH_LESS:
	case MATCH_SAME:
	case MATCH_MORE:
		return compare_numbers(step, subject, text);
	case MATCH_ABSENT:
	case MATCH_WITHIN:
	case MATCH_COUNT:
		break;
	}
	return false;
}

static inline struct rule_text find_text(
	const struct site *site, const struct site_step *step, struct rule_subject *subject)
{
	struct rule_text text, name = { NULL, 0 };
	unsigned field = step->field;

	subject->asked |= 1u << field;
	if (subject->known >> field & 1)
		return subject->text[field];
	if (field == FIELD_HEADER)
		name = (struct rule_text){ site_text_at(site, step->name), step->name.length };
	text = subject->ask(subject->context, (enum step_field)field, name);
	if (field != FIELD_HEADER && text.data != rule_unread) {
		subject->text[field] = text;
		subject->known |= 1u << field;
	}
	return text;
}

static inline enum rule_answer ask_step(
	const struct site *site, const struct site_step *step, struct rule_subject *subject)
{
	struct rule_text text;
	bool holds;

	if (step->match == MATCH_WITHIN) {
		holds = prefix_covers((const uint8_t *)site_text_at(site, step->value),
			(unsigned)step->number, subject->client.byte);
	} else {
		text = find_text(site, step, subject);
		if (text.data == rule_unread)
			return RULE_WANTS_BODY;
		if (step->match == MATCH_ABSENT) {
			holds = !text.data;
		} else {
			text.data = text.data ? text.data : "";
			holds = compare(site, step, subject, text);
		}
	}
	return holds != (bool)(step->flags & STEP_NOT) ? RULE_MET : RULE_NOT_MET;
}

enum rule_answer rule_ask(
	const struct site *site, const struct site_rule *rule, struct rule_subject *subject)
{
	const struct site_step *step = site_list_at(site, site->steps);
	const struct site_step *end = step + rule->first_step + rule->step_count;

	step += rule->first_step;
	if (step == end)
		return RULE_MET;
	while (step < end) {
		enum rule_answer answer = ask_step(site, step, subject);
		uint8_t distance = answer == RULE_MET ? step->hit : step->miss;

		if (answer == RULE_WANTS_BODY)
			return answer;
		if (distance == STEP_MATCH)
			return RULE_MET;
		if (distance == STEP_NO_MATCH || distance == 0)
			break;
		step += distance;
	}
	return RULE_NOT_MET;
}
