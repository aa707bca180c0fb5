/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Whether a payload has the form that its port rule names: the rows of shared/forms.def, walked from the
 * form's first to the next form's first. A row for open flows is only kept in mind: the flow is looked for
 * when no other row took the payload.
 */
#ifndef BPF_MITIGATIONS_FORM_BPF_H
#define BPF_MITIGATIONS_FORM_BPF_H

#include "../flow.bpf.h"
#include "../payload.bpf.h"

#define FORM_ROWS_MAX  24 /* of one form */
#define FORM_TERMS     4
#define FORM_TERM_LAST 63 /* largest offset of a term */

enum form_transport {
	FORM_UDP = 1,
	FORM_TCP = 2,
	FORM_BOTH = 3,
};
enum form_when {
	FORM_ANY,
	FORM_FLOW,
};

struct form_term {
	__u32 offset;
	__be32 mask, value;
};
struct form_row {
	__u16 min, max;
	__u32 when;
	struct form_term term[FORM_TERMS];
};

/* The numbers of rows are counted by an enum: each line of the table is an enumerator. */
enum form_at {
#define FORM(name, transport, text) FORM_AT_##name, FORM_BEFORE_##name = FORM_AT_##name - 1,
#define FORM_LINE_(line)	    FORM_ROW_OF_LINE_##line,
#define FORM_LINE(line)		    FORM_LINE_(line)
#define ROW(...)		    FORM_LINE(__LINE__)
#include "shared/forms.def"
	FORM_ROWS
};

#define TERM(at, m, v)                                                                             \
	{                                                                                          \
		.offset = (at), .mask = __builtin_bswap32(m), .value = __builtin_bswap32(v)        \
	}
static const volatile struct form_row form_row[] = {
#define FORM(name, transport, text)
#define ROW(at, least, most, ...)                                                                  \
	{ .min = (least), .max = (most), .when = FORM_##at, .term = { __VA_ARGS__ } },
#include "shared/forms.def"
};
_Static_assert(sizeof(form_row) / sizeof(form_row[0]) == FORM_ROWS, "each row was counted");

struct form_entry {
	__u16 first; /* row; the next form's first is behind the last */
	__u16 transport;
};
static const volatile struct form_entry form_entry[FORM_COUNT + 1] = {
#define FORM(name, transport, text) { FORM_AT_##name, FORM_##transport },
#include "shared/forms.def"
	{ FORM_ROWS, 0 },
};

/* Element of a table, or NULL: one 64-bit register holds what is checked and then, not before, what is used. */
#define TABLE_AT(table, index)                                                                     \
	({                                                                                         \
		__u64 at_ = (index);                                                               \
		typeof(&(table)[0]) found_ = NULL;                                                 \
                                                                                                   \
		asm volatile("" : "+r"(at_));                                                      \
		if (at_ < sizeof(table) / sizeof((table)[0])) {                                    \
			asm volatile("" : "+r"(at_));                                              \
			found_ = &(table)[at_];                                                    \
		}                                                                                  \
		found_;                                                                            \
	})

static __always_inline int form_row_takes(
	const volatile struct form_row *row, const struct payload *payload)
{
	if (payload->length < row->min || payload->length > row->max)
		return 0;
	for (int i = 0; i < FORM_TERMS; i++) {
		__u32 at = row->term[i].offset & FORM_TERM_LAST;

		if ((*(const __be32 *)&payload->head[at] & row->term[i].mask) != row->term[i].value)
			return 0;
	}
	return 1;
}

/* Segments behind the first bytes of a connection, and those of none, are not asked. */
static __always_inline int form_asks_segment(struct packet *p)
{
	struct flow *flow = flow_of_client(p, IPPROTO_TCP);

	return flow && p->sequence == flow->client_isn + 1;
}

/* form: enum payload_form + 1. */
static __noinline int form_meets(struct packet *p, struct payload *payload, __u32 form)
{
	const volatile struct form_entry *entry = TABLE_AT(form_entry, form - 1);
	const volatile struct form_entry *next = TABLE_AT(form_entry, form);
	__u32 in_flow = 0;

	if (!p || !payload || !entry || !next)
		return 0;
	if (!(entry->transport & (p->protocol == IPPROTO_TCP ? FORM_TCP : FORM_UDP)))
		return 0;
	if (p->protocol == IPPROTO_TCP && !form_asks_segment(p))
		return 0;
	for (__u32 i = 0; i < FORM_ROWS_MAX; i++) {
		__u32 at = entry->first + i;
		const volatile struct form_row *row = TABLE_AT(form_row, at);

		if (at >= next->first || !row)
			break;
		if (!form_row_takes(row, payload))
			continue;
		if (row->when == FORM_ANY)
			return 0;
		in_flow = 1;
	}
	return !(in_flow && flow_of_client(p, IPPROTO_UDP));
}

#endif
