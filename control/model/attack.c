/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seconds come in order; the last one may come again with more in it, and then only the difference is added. What is
 * decided about a second as a whole (what is usual, whether a run of refused seconds is broken) is decided when the next
 * one comes.
 *
 * A run of seconds with half the threshold or more is remembered before it is an attack, so that a flood that swells has its
 * beginning. What passed before the run, if it was far over the usual, was the attack before it was known: then it begins
 * there, and the difference is the time to mitigate. Counters are of a second: what was mitigated within one has 0.
 */
#include "control/model/attack.h"

#include <string.h>

#include "base/text.h"
#include "control/model/counter.h"

#define SECOND_MS 1000
/* A second may be empty because reports come a little early or late. */
#define GAP_MS (2 * SECOND_MS)
/* More passes than so many times the usual, and the threshold on top: unusual. For so long, then it is usual. */
#define SURGE_FACTOR	  4
#define SURGE_MAX_MS	  (60 * SECOND_MS)
#define QUIET_SECONDS_MAX 64 /* of silence: by then nothing is usual */

static const char *const kind_names[ATTACK_KIND_COUNT] = {
	[ATTACK_DEFENSE] = "defense",
	[ATTACK_BLACKHOLE] = "blackhole",
	[ATTACK_CC] = "cc",
	[ATTACK_WEB_CC] = "web-cc",
};

/* Reasons that mean an attack; the rest do not. */
static const struct {
	bool counts;
	enum attack_kind kind;
	const char *type; /* NULL: it does not tell */
} rows[REASON_COUNT] = {
	[REASON_cookie_sent] = { true, ATTACK_DEFENSE, "Tcp-Syn" },
	[REASON_malformed] = { true, ATTACK_DEFENSE, NULL },
	[REASON_source_impossible] = { true, ATTACK_DEFENSE, NULL },
	[REASON_blackhole] = { true, ATTACK_BLACKHOLE, NULL },
	[REASON_block_list] = { true, ATTACK_DEFENSE, NULL },
	[REASON_auto_block] = { true, ATTACK_DEFENSE, NULL },
	[REASON_request_ban] = { true, ATTACK_DEFENSE, NULL },
	[REASON_region] = { true, ATTACK_DEFENSE, NULL },
	[REASON_bogon] = { true, ATTACK_DEFENSE, NULL },
	[REASON_ip_options] = { true, ATTACK_DEFENSE, NULL },
	[REASON_fragment_tiny] = { true, ATTACK_DEFENSE, NULL },
	[REASON_fragment_overlap] = { true, ATTACK_DEFENSE, NULL },
	[REASON_fragment] = { true, ATTACK_DEFENSE, NULL },
	[REASON_icmp] = { true, ATTACK_DEFENSE, "Icmp" },
	[REASON_reflection] = { true, ATTACK_DEFENSE, "Udp-None" },
	[REASON_payload_match] = { true, ATTACK_DEFENSE, NULL },
	[REASON_payload_length] = { true, ATTACK_DEFENSE, NULL },
	[REASON_payload_form] = { true, ATTACK_DEFENSE, NULL },
	[REASON_source_packets] = { true, ATTACK_DEFENSE, NULL },
	[REASON_source_bytes] = { true, ATTACK_DEFENSE, NULL },
	[REASON_source_rate] = { true, ATTACK_CC, NULL },
	[REASON_source_connections] = { true, ATTACK_CC, NULL },
	[REASON_service_rate] = { true, ATTACK_CC, NULL },
	[REASON_service_connections] = { true, ATTACK_CC, NULL },
	[REASON_unproven] = { true, ATTACK_DEFENSE, "Udp-None" },
	[REASON_answer_bytes] = { true, ATTACK_DEFENSE, "Udp-None" },
	[REASON_reset_window] = { true, ATTACK_DEFENSE, "Tcp-Rst" },
	[REASON_empty_connection] = { true, ATTACK_CC, NULL },
	[REASON_no_service] = { true, ATTACK_DEFENSE, NULL },
	[REASON_fragment_unknown] = { true, ATTACK_DEFENSE, NULL },
	[REASON_tcp_flags] = { true, ATTACK_DEFENSE, "Tcp-Other" },
	[REASON_cookie_invalid] = { true, ATTACK_DEFENSE, "Tcp-Ack" },
	[REASON_reset_unknown] = { true, ATTACK_DEFENSE, "Tcp-Rst" },
	[REASON_fin_unknown] = { true, ATTACK_DEFENSE, "Tcp-Fin" },
	[REASON_syn_ack_unknown] = { true, ATTACK_DEFENSE, "Tcp-Synack" },
};

static const char *const reason_names[REASON_COUNT] = {
#define REASON(name, verdict, text) #name,
#include "shared/reasons.def"
#undef REASON
};

/* ---- names */

const char *attack_kind_name(enum attack_kind kind)
{
	return kind_names[kind];
}

bool attack_kind_from_name(const char *name, enum attack_kind *out)
{
	for (unsigned kind = 0; kind < ATTACK_KIND_COUNT; kind++) {
		if (strcmp(kind_names[kind], name) == 0) {
			*out = (enum attack_kind)kind;
			return true;
		}
	}
	return false;
}

bool attack_reason(enum attack_kind kind, uint32_t reason)
{
	return reason < REASON_COUNT && rows[reason].counts && rows[reason].kind == kind;
}

const char *attack_part_name(enum attack_kind kind, uint32_t part)
{
	if (kind == ATTACK_WEB_CC)
		return part == ATTACK_WEB_REFUSED      ? "refused"
		       : part == ATTACK_WEB_CHALLENGED ? "challenged"
						       : NULL;
	return attack_reason(kind, part) ? reason_names[part] : NULL;
}

const char *attack_part_type(enum attack_kind kind, uint32_t part)
{
	return kind != ATTACK_WEB_CC && attack_reason(kind, part) && rows[part].type
		       ? rows[part].type
		       : "other";
}

/* ---- counters */

/* Never below 0: what came back later may make less of what was counted before. */
static struct counter counter_less(const struct counter *now, const struct counter *before)
{
	return (struct counter){
		.packets = now->packets > before->packets ? now->packets - before->packets : 0,
		.bytes = now->bytes > before->bytes ? now->bytes - before->bytes : 0,
	};
}

/* SYNs whose senders have not come back. Frames differ in size, so bytes are by their mean. */
static struct counter unanswered(const struct counter *sent, const struct counter *back)
{
	uint64_t packets = sent->packets > back->packets ? sent->packets - back->packets : 0;

	return (struct counter){
		.packets = packets,
		.bytes = sent->packets > 0 ? sent->bytes / sent->packets * packets : 0,
	};
}

struct counter attack_parts(enum attack_kind kind, const struct counter reason[REASON_COUNT],
	struct counter part[ATTACK_PARTS])
{
	struct counter sum = { 0, 0 };

	for (uint32_t i = 0; i < REASON_COUNT; i++) {
		part[i] = (struct counter){ 0, 0 };
		if (!attack_reason(kind, i))
			continue;
		part[i] = i == REASON_cookie_sent
				  ? unanswered(&reason[i], &reason[REASON_flow_opened])
				  : reason[i];
		counter_add(&sum, &part[i]);
	}
	return sum;
}

static struct counter rate_of(const struct counter *counter, int64_t span_ms)
{
	uint64_t span = span_ms > SECOND_MS ? (uint64_t)span_ms : SECOND_MS;

	return (struct counter){
		.packets = counter->packets / span * SECOND_MS +
			   counter->packets % span * SECOND_MS / span,
		.bytes = counter->bytes / span * SECOND_MS +
			 counter->bytes % span * SECOND_MS / span,
	};
}

/* ---- seconds */

void attack_watch_init(struct attack_watch *watch, int64_t since_ms)
{
	*watch = (struct attack_watch){ .known_ms = since_ms + ATTACK_LEARN_MS };
}

static bool goes_on(const struct attack_second *second, const struct attack_terms *terms)
{
	return rate_of(&second->refused, second->span_ms).packets * 2 >= terms->refused;
}

static bool is_attack(const struct attack_second *second, const struct attack_terms *terms)
{
	struct counter refused = rate_of(&second->refused, second->span_ms);

	return refused.packets >= terms->refused &&
	       second->refused.packets * 100 >= second->in.packets * terms->share;
}

/* What passed in the second that is over. */
static void learn(struct attack_watch *watch, const struct attack_terms *terms)
{
	const struct attack_second *second = &watch->current;
	uint64_t passed = rate_of(&second->passed, second->span_ms).packets;
	uint64_t usual = watch->usual / ATTACK_USUAL_SCALE;
	bool surge = second->time_ms >= watch->known_ms &&
		     passed > usual * SURGE_FACTOR + terms->refused;

	if (surge && watch->surge_ms != 0 && second->time_ms - watch->surge_ms < SURGE_MAX_MS) {
		watch->surge_last_ms = second->time_ms;
		return;
	}
	if (surge && watch->surge_ms == 0) {
		watch->surge_ms = watch->surge_last_ms = second->time_ms;
		return;
	}
	watch->surge_ms = 0;
	if (surge || second->time_ms < watch->known_ms) /* it has become so */
		watch->usual = passed * ATTACK_USUAL_SCALE;
	else
		watch->usual = watch->usual - usual + passed;
}

static void forget_run(struct attack_watch *watch)
{
	watch->attack = (struct attack){ 0 };
}

/* The second before is over; the next one is at time_ms. */
static void settle(struct attack_watch *watch, const struct attack_terms *terms, int64_t time_ms)
{
	int64_t gap_ms = time_ms - watch->current.time_ms;

	if (watch->current.time_ms == 0)
		return;
	learn(watch, terms);
	for (int64_t i = 1; i < gap_ms / SECOND_MS && i < QUIET_SECONDS_MAX; i++)
		watch->usual -= watch->usual / ATTACK_USUAL_SCALE;
	if (gap_ms > GAP_MS)
		watch->surge_ms = 0;
	if (!watch->open && (gap_ms > GAP_MS || !goes_on(&watch->current, terms)))
		forget_run(watch);
}

static void add_parts(struct counter sum[ATTACK_PARTS], const struct counter more[ATTACK_PARTS])
{
	for (uint32_t i = 0; i < ATTACK_PARTS; i++)
		counter_add(&sum[i], &more[i]);
}

static void take(struct attack_watch *watch, const struct attack_second *more)
{
	const struct attack_second *now = &watch->current;
	struct counter in = rate_of(&now->in, now->span_ms);
	struct counter refused = rate_of(&now->refused, now->span_ms);
	struct attack *attack = &watch->attack;

	counter_add(&attack->in, &more->in);
	counter_add(&attack->refused, &more->refused);
	add_parts(attack->part, more->part);
	counter_raise(&attack->peak_in, &in);
	counter_raise(&attack->peak_refused, &refused);
}

static void difference(const struct attack_second *now, const struct attack_second *before,
	struct attack_second *out)
{
	*out = *now;
	out->in = counter_less(&now->in, &before->in);
	out->refused = counter_less(&now->refused, &before->refused);
	for (uint32_t i = 0; i < ATTACK_PARTS; i++)
		out->part[i] = counter_less(&now->part[i], &before->part[i]);
}

/* What passed before was of the attack only if most of what comes is refused now. */
static void open_attack(struct attack_watch *watch)
{
	struct attack *attack = &watch->attack;

	watch->open = true;
	if (watch->current.refused.packets * 2 > watch->current.in.packets &&
		watch->surge_ms != 0 && watch->surge_ms < attack->begin_ms &&
		attack->begin_ms - watch->surge_last_ms <= GAP_MS)
		attack->begin_ms = watch->surge_ms;
}

bool attack_feed(struct attack_watch *watch, const struct attack_terms *terms,
	const struct attack_second *second)
{
	struct attack_second more = *second;
	struct attack *attack = &watch->attack;

	if (second->time_ms < watch->current.time_ms)
		return false;
	if (second->time_ms > watch->current.time_ms) {
		settle(watch, terms, second->time_ms);
		watch->taken = false;
	} else if (watch->taken) {
		difference(second, &watch->current, &more);
	}
	watch->current = *second;
	if (!watch->open && !goes_on(second, terms))
		return false;
	if (attack->mitigated_ms == 0)
		attack->begin_ms = attack->mitigated_ms = second->time_ms;
	take(watch, &more);
	watch->taken = true;
	if (goes_on(second, terms))
		attack->last_ms = second->time_ms + SECOND_MS;
	if (watch->open || !is_attack(second, terms))
		return false;
	open_attack(watch);
	return true;
}

bool attack_over(struct attack_watch *watch, const struct attack_terms *terms, int64_t heard_ms,
	struct attack *out)
{
	if (!watch->open || heard_ms - watch->attack.last_ms < terms->quiet_ms)
		return false;
	*out = watch->attack;
	out->end_ms = out->last_ms;
	watch->open = watch->taken = false;
	watch->surge_ms = 0;
	forget_run(watch);
	return true;
}

/* ---- text */

const char *attack_parts_format(
	struct arena *mem, enum attack_kind kind, const struct counter part[ATTACK_PARTS])
{
	const char *text = "";

	for (uint32_t i = 0; i < ATTACK_PARTS && text; i++) {
		const char *name = attack_part_name(kind, i);

		if (name && part[i].packets > 0)
			text = arena_print(mem, "%s%s%s %llu %llu", text, *text ? " " : "", name,
				(unsigned long long)part[i].packets,
				(unsigned long long)part[i].bytes);
	}
	return text;
}

/* The next word, at most size - 1 bytes of it. */
static const char *word(const char *text, char *out, size_t size)
{
	size_t length = strcspn(text, " ");
	size_t taken = length < size ? length : size - 1;

	memcpy(out, text, taken);
	out[taken] = '\0';
	return text + length + strspn(text + length, " ");
}

void attack_parts_read(enum attack_kind kind, const char *text, struct counter part[ATTACK_PARTS])
{
	char name[32], packets[24], bytes[24];
	int64_t packet_count, byte_count;

	memset(part, 0, ATTACK_PARTS * sizeof(part[0]));
	while (*text) {
		text = word(text, name, sizeof(name));
		text = word(text, packets, sizeof(packets));
		text = word(text, bytes, sizeof(bytes));
		if (!text_to_int(packets, &packet_count) || !text_to_int(bytes, &byte_count))
			continue;
		for (uint32_t i = 0; i < ATTACK_PARTS; i++) {
			const char *known = attack_part_name(kind, i);

			if (known && strcmp(known, name) == 0)
				part[i] = (struct counter){ (uint64_t)packet_count,
					(uint64_t)byte_count };
		}
	}
}
