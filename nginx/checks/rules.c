/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The four checks that a site has rules for: precise, global, frequency, smart. Rules lie in the order of checks and, of each
 * check, of their priority; state->rule goes through the list once, whatever waits in between.
 *
 * A rule without a rate is met by meeting its conditions. One with a rate counts those that meet them, apart for each
 * target; more than its threshold in its interval, and the action lasts for that target for ttl_seconds, in which nothing more
 * is counted. What is counted by answers' status is counted when the answer is there (rules_log), and so meets
 * the requests behind it.
 *
 * Shipped rules lie in the table once. A site has one rule in their place, which says which of them it has and what each does
 * there; they have no rates.
 *
 * Path and query can be spelled in many ways that origins read as one. So who spells them otherwise is asked about twice, as sent and as
 * read: a rule is met when either meets it, but one that accepts, of a path that is read as another one, only when both do.
 *
 * While a check is only watched, nothing that its rules do changes what becomes of the request: an accepting one then ends its own
 * check, and no more.
 */
#include "base/site.h"
#include "nginx/checks.h"
#include "nginx/counters.h"
#include "nginx/slow.h"

/* ---- rates */

static struct rule_text text_of(
	struct checks_request *state, enum step_field field, const struct site_text *header)
{
	const struct site *site = state->request->site;
	struct rule_text name = { site_text_at(site, *header), header->length };
	struct rule_text text = state->subject.ask(state, field, name);

	return text.data == rule_unread ? (struct rule_text){ NULL, 0 } : text;
}

/* false: the request has no such target, and is not counted. */
static bool target_key(struct checks_request *state, const struct site_rule *rule, uint64_t *out)
{
	const struct rates *rates = checks_rates();
	uint32_t generation = state->request->site->generation;
	struct rule_text text;

	if (!rates)
		return false;
	if (rule->target == TARGET_ADDRESS) {
		struct address source = checks_source(&state->request->client);

		*out = rate_key(rates, rule->number, generation, &source, sizeof(source));
		return true;
	}
	text = text_of(state, FIELD_HEADER, &rule->target_header);
	if (!text.data)
		return false;
	*out = rate_key(rates, rule->number, generation, text.data, text.length);
	return true;
}

static uint32_t count_different(struct checks_request *state, const struct site_rule *rule,
	uint64_t key, uint32_t interval_ms)
{
	const struct rates *rates = checks_rates();
	struct address source = checks_source(&state->request->client);
	struct rule_text text = { (const char *)&source, sizeof(source) };

	if (rule->distinct != FIELD_ADDRESS)
		text = text_of(state, (enum step_field)rule->distinct, &rule->distinct_header);
	if (!text.data)
		return 0;
	return rate_distinct(rates, key, rate_hash(rates->secret, text.data, text.length),
		interval_ms, state->request->now_ms);
}

static bool counts_answers(const struct site_rule *rule)
{
	return rule->status != 0 || rule->ratio != 0;
}

static uint32_t interval_of(const struct site_rule *rule)
{
	return rule->interval_seconds < UINT32_MAX / 1000 ? rule->interval_seconds * 1000
							  : UINT32_MAX;
}

/* Is the target over the rule's rate, with this request? */
static bool is_over(struct checks_request *state, const struct site_rule *rule, unsigned index)
{
	const struct rates *rates = checks_rates();
	int64_t now_ms = state->request->now_ms;
	struct rate_slot *slot;
	uint32_t count;
	uint64_t key;

	if (!target_key(state, rule, &key))
		return false;
	slot = rate_find(rates, key, now_ms, !counts_answers(rule));
	if (slot && rate_until(slot, now_ms))
		return true;
	if (counts_answers(rule)) {
		state->count_later[index / 64] |= UINT64_C(1) << index % 64;
		return false;
	}
	if (!slot)
		return false;
	if (rule->statistics == STATISTICS_DISTINCT)
		count = count_different(state, rule, key, interval_of(rule));
	else
		count = rate_add(&slot->state, 1, interval_of(rule), now_ms);
	if (count <= rule->threshold)
		return false;
	rate_hold(slot, now_ms + (int64_t)rule->ttl_seconds * 1000);
	return true;
}

static void count_answer(struct checks_request *state, const struct site_rule *rule)
{
	const struct rates *rates = checks_rates();
	int64_t now_ms = polder_now_ms();
	ngx_uint_t status = state->r->headers_out.status;
	bool counts = rule->status == 0 || status == rule->status;
	struct rate_slot *slot;
	uint64_t all, met, key;

	if (!target_key(state, rule, &key))
		return;
	slot = rate_find(rates, key, now_ms, true);
	if (!slot || rate_until(slot, now_ms))
		return;
	all = rate_add(&slot->state, 1, interval_of(rule), now_ms);
	met = rate_add(&slot->state2, counts, interval_of(rule), now_ms);
	if (counts && met > rule->threshold && met * 100 >= all * rule->ratio)
		rate_hold(slot, now_ms + (int64_t)rule->ttl_seconds * 1000);
}

void rules_log(struct checks_request *state)
{
	const struct site *site = state->request->site;
	const struct site_rule *rule = site_list_at(site, site->rules);

	for (unsigned word = 0; word < SITE_RULE_MAX / 64; word++) {
		for (uint64_t bits = state->count_later[word]; bits; bits &= bits - 1)
			count_answer(state, &rule[word * 64 + (unsigned)__builtin_ctzll(bits)]);
		state->count_later[word] = 0;
	}
}

/* ---- the body that a rule wants */

static void body_read(ngx_http_request_t *r)
{
	struct polder_request *request = polder_request_find(r);
	struct checks_request *state = request->checks;

	state->body = BODY_READ;
	r->preserve_body = 1;
	r->write_event_handler = ngx_http_core_run_phases;
	ngx_http_core_run_phases(r);
}

static ngx_int_t wait_for_body(struct checks_request *state)
{
	ngx_int_t result;

	state->body = BODY_COMING;
	slow_watch(state, true);
	result = ngx_http_read_client_request_body(state->r, body_read);
	if (result >= NGX_HTTP_SPECIAL_RESPONSE)
		return result;
	ngx_http_finalize_request(state->r, NGX_DONE);
	return NGX_DONE;
}

/* ---- what a rule does */

static void watched(struct checks_request *state, const struct site_rule *rule)
{
	struct polder_request *request = state->request;

	if (request->verdict == LOG_PASSED) {
		request->verdict = LOG_WATCHED;
		request->check = rule->check;
		request->rule = rule->number;
	}
	if (request->counter)
		counter_add(&request->counter->watched[rule->check], 1);
}

static ngx_int_t act(struct checks_request *state, const struct site_rule *rule)
{
	bool blocks = state->request->site->mode[rule->check] == CHECK_BLOCK;

	switch ((enum rule_action)rule->action) {
	case RULE_ACCEPT:
		/* Past this check's other rules, and all checks before the plan's quota. */
		state->next = blocks ? CHECK_quota : (uint8_t)(rule->check + 1);
		return NGX_DECLINED;
	case RULE_BLOCK:
		return checks_refuse(state, (enum check)rule->check, rule->number);
	case RULE_CHALLENGE:
		if (blocks && state->challenge_by == CHECK_COUNT) {
			state->challenge_by = rule->check;
			state->challenge_rule = rule->number;
		} else if (!blocks) {
			watched(state, rule);
		}
		return NGX_DECLINED;
	case RULE_WATCH:
	case RULE_CHOOSE: /* never acts itself */
		break;
	}
	watched(state, rule);
	return NGX_DECLINED;
}

static inline enum rule_answer ask_rule(struct checks_request *state, const struct site *site,
	const struct site_rule *rule, uint16_t action)
{
	bool accepts = action == RULE_ACCEPT;
	enum rule_answer answer;

	if (!state->respelled)
		return rule_ask(site, rule, &state->subject);
	state->subject.asked = 0;
	answer = rule_ask(site, rule, &state->subject);
	if (!(state->subject.asked & state->respelled) || answer == RULE_WANTS_BODY ||
		(answer == RULE_MET) != accepts || (accepts && !state->elsewhere))
		return answer;
	subject_read(state, true);
	answer = rule_ask(site, rule, &state->subject);
	subject_read(state, false);
	return answer;
}

/* Choices are in the order of the rules: the next one is the next there, or not far behind. NULL: there is none of that number. */
static const struct site_rule *find_chosen(struct checks_request *state, uint16_t number)
{
	const struct site_rule *rule = site_list_at(state->shipped, state->shipped->rules);
	unsigned count = state->shipped->rules.count;

	for (unsigned i = 0; i < count; i++) {
		unsigned at = (state->chosen + i) % count;

		if (rule[at].number != CHOICE_NUMBER(number))
			continue;
		state->chosen = (uint16_t)(at + 1);
		return &rule[at];
	}
	return NULL;
}

/* The rules that "choosing" lists, each with the action that it says. NGX_DECLINED: all were asked, or one has moved
 * state->next on. */
static ngx_int_t ask_chosen(struct checks_request *state, const struct site_rule *choosing)
{
	const struct polder_request *request = state->request;
	uint8_t check = state->next;

	if (!state->shipped)
		state->shipped = table_rules(request->table);
	if (!state->shipped)
		return NGX_DECLINED;
	while (state->choice < site_choice_count(choosing) && state->next == check) {
		struct site_choice choice = site_choice_at(request->site, choosing, state->choice);
		const struct site_rule *found = find_chosen(state, choice.number);
		struct site_rule own;
		enum rule_answer answer = RULE_NOT_MET;
		ngx_int_t result;

		if (found)
			answer = ask_rule(state, state->shipped, found, choice.action);
		if (answer == RULE_WANTS_BODY) {
			state->chosen--; /* it is asked again */
			return wait_for_body(state);
		}
		state->choice++;
		if (answer == RULE_NOT_MET)
			continue;
		own = *found;
		own.action = (uint8_t)choice.action;
		result = act(state, &own);
		if (result != NGX_DECLINED)
			return result;
	}
	return NGX_DECLINED;
}

ngx_int_t rules_check(struct checks_request *state)
{
	const struct site *site = state->request->site;
	const struct site_rule *first = site_list_at(site, site->rules);
	const struct site_rule *end = first + site->rules.count, *at = first + state->rule;
	const int64_t now_ms = state->request->now_ms;
	const uint8_t check = state->next;

	for (; at < end && at->check <= check && state->next == check; at++) {
		enum rule_answer answer;
		ngx_int_t result;

		if (at->check < check || at->until_ms <= now_ms)
			continue;
		if (at->action == RULE_CHOOSE) {
			state->rule = (uint16_t)(at - first);
			result = ask_chosen(state, at);
			if (result != NGX_DECLINED)
				return result;
			state->choice = 0;
			continue;
		}
		answer = ask_rule(state, site, at, at->action);
		if (answer == RULE_NOT_MET)
			continue;
		state->rule = (uint16_t)(at - first);
		if (answer == RULE_WANTS_BODY)
			return wait_for_body(state);
		if (at->target != TARGET_NONE && !is_over(state, at, state->rule))
			continue;
		/* An answer may have ended the request, and state with it. */
		state->rule++;
		result = act(state, at);
		if (result != NGX_DECLINED)
			return result;
	}
	state->rule = (uint16_t)(at - first);
	return NGX_DECLINED;
}
