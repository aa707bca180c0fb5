/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terms are kept by account, in order. Numbers of queries only grow: those up to the newest one were asked for.
 */
#include "agent/request_logged.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/site.h"

struct request_logged {
	struct request_table *table;
	struct node_state *state;
	struct request_log *log;
	struct log_term *term; /* by account, as snapshots said; LOG_ACCOUNT_MAX */
	size_t terms;
	bool terms_changed;
	uint32_t newest_query;
};

static size_t list_logged(const struct request_logged *logged, struct logged_site *out)
{
	const struct table_record *record;
	uint64_t cursor = 0;
	size_t count = 0;

	while ((record = request_table_next(logged->table, &cursor))) {
		const struct site *site = request_table_body(record);

		if (record->kind != TABLE_SITE || !(site->flags & SITE_LOG))
			continue;
		if (out) {
			out[count].number = site->number;
			out[count].account = site->account;
			memcpy(out[count].domain, site_text_at(site, site->domain),
				site->domain.length);
		}
		count++;
	}
	return count;
}

void request_logged_follow(struct request_logged *logged)
{
	size_t count = list_logged(logged, NULL);
	struct logged_site *sites = calloc(count ? count : 1, sizeof(*sites));

	if (!sites) {
		log_error("no memory for the list of sites with access logs");
		return;
	}
	(void)list_logged(logged, sites);
	request_log_sites(logged->log, sites, count);
}

static size_t find_term(const struct request_logged *logged, uint32_t account)
{
	size_t i = 0;

	while (i < logged->terms && logged->term[i].account < account)
		i++;
	return i;
}

static void put_term(struct request_logged *logged, const struct record_log_store *store)
{
	const struct log_term term = { store->record.id, store->days, store->emptied_ms };
	size_t i = find_term(logged, term.account);

	if (i == logged->terms || logged->term[i].account != term.account) {
		if (logged->terms == LOG_ACCOUNT_MAX) {
			node_state_refuse(logged->state, RECORD_LOG_STORE, term.account,
				"more accounts keep access logs than there is room for");
			return;
		}
		memmove(logged->term + i + 1, logged->term + i,
			(logged->terms - i) * sizeof(logged->term[0]));
		logged->terms++;
	} else if (memcmp(&logged->term[i], &term, sizeof(term)) == 0) {
		return;
	}
	logged->term[i] = term;
	logged->terms_changed = true;
}

static void remove_term(struct request_logged *logged, uint32_t account)
{
	size_t i = find_term(logged, account);

	if (i == logged->terms || logged->term[i].account != account)
		return;
	logged->terms--;
	memmove(logged->term + i, logged->term + i + 1,
		(logged->terms - i) * sizeof(logged->term[0]));
	logged->terms_changed = true;
}

static void tell_terms(struct request_logged *logged)
{
	struct log_term *copy = calloc(logged->terms ? logged->terms : 1, sizeof(*copy));

	logged->terms_changed = false;
	if (!copy) {
		log_error("no memory for how long access logs are kept");
		return;
	}
	memcpy(copy, logged->term, logged->terms * sizeof(*copy));
	request_log_terms(logged->log, copy, logged->terms);
}

/* How long logs are kept, and who looks for something in them. A term that a full snapshot does not name any more stays until
 * it is named again: nothing is kept longer for it. */
void request_logged_apply(struct request_logged *logged, const struct snapshot *snapshot)
{
	const struct record *record;
	size_t offset = 0;

	/* A store that was put back from a backup gives numbers again; who is answered twice does not mind. */
	if (snapshot_is_full(snapshot))
		logged->newest_query = 0;
	while ((record = snapshot_next(snapshot, &offset))) {
		const struct record_remove *remove = (const void *)record;

		if (record->type == RECORD_LOG_STORE)
			put_term(logged, (const void *)record);
		else if (record->type == RECORD_REMOVE && remove->removed_type == RECORD_LOG_STORE)
			remove_term(logged, record->id);
		if (record->type != RECORD_LOG_QUERY || record->id <= logged->newest_query)
			continue;
		logged->newest_query = record->id;
		request_log_query(logged->log, (const void *)record);
	}
	if (logged->terms_changed)
		tell_terms(logged);
}

struct request_logged *request_logged_new(
	struct request_table *table, struct node_state *state, struct request_log *log)
{
	struct request_logged *logged = calloc(1, sizeof(*logged));

	if (!logged)
		return NULL;
	*logged = (struct request_logged){ .table = table, .state = state, .log = log };
	logged->term = calloc(LOG_ACCOUNT_MAX, sizeof(*logged->term));
	if (logged->term)
		return logged;
	free(logged);
	return NULL;
}

void request_logged_free(struct request_logged *logged)
{
	if (!logged)
		return;
	free(logged->term);
	free(logged);
}
