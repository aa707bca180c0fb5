/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Web sites and certificates as nodes get them. A site is built in a piece of memory of its own, checked as nodes will,
 * and copied; what an order made too large is refused there (site_build), so that here nothing should be left out. One
 * that is wrong all the same is left out and logged: the others must reach their nodes.
 */
#include "control/engine/publish_records.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "control/engine/engine.h"
#include "control/engine/publish_site.h"
#include "control/model/web_global.h"
#include "control/model/website_setting.h"
#include "control/store/acme.h"
#include "control/store/query.h"

/* ---- parts */

static void add_places(const struct website *website, struct site_builder *builder)
{
	struct site *site = site_head(builder);
	uint32_t *instance = site_add_list(
		builder, &site->instances, website->instance_count, sizeof(*instance));
	struct site_port *port =
		site_add_list(builder, &site->ports, website->port_count, sizeof(*port));

	for (size_t i = 0; instance && i < website->instance_count; i++)
		instance[i] = (uint32_t)website->instance[i].number;
	for (size_t i = 0; port && i < website->port_count; i++)
		port[i] = (struct site_port){
			.port = (uint16_t)website->port[i].port,
			.schemes = (uint16_t)website->port[i].schemes,
		};
}

static void fill_origin(const struct website *website, const struct website_origin *from,
	struct site_builder *builder, struct site_origin *out)
{
	if (website->named)
		out->name = site_add_text(builder, from->name, strlen(from->name));
	else
		(void)text_to_address(from->name, out->address.byte);
	out->weight = (uint8_t)from->attributes.weight;
	out->backup = from->backup;
	out->connect_timeout_seconds = (uint16_t)from->attributes.connect_timeout;
	out->read_timeout_seconds = (uint16_t)from->attributes.read_timeout;
	out->send_timeout_seconds = (uint16_t)from->attributes.send_timeout;
	out->fail_timeout_seconds = (uint16_t)from->attributes.fail_timeout;
	out->max_fails = (uint16_t)from->attributes.max_fails;
}

static enum err add_origins(struct arena *mem, const char *json, const struct website *website,
	struct site_builder *builder)
{
	struct site *site = site_head(builder);
	struct site_origin *origin =
		site_add_list(builder, &site->origins, website->origin_count, sizeof(*origin));
	struct origin_policy policy;

	TRY(origin_policy_parse(mem, json, &policy));
	site->balance = (uint8_t)policy.balance;
	site->flags |= policy.retry ? SITE_RETRY : 0;
	for (size_t i = 0; origin && i < website->origin_count; i++) {
		struct website_origin from = origin_policy_find(&policy, website->origin[i]);

		fill_origin(website, &from, builder, &origin[i]);
	}
	return OK;
}

static enum err add_tls(struct arena *mem, const char *json, struct site_builder *builder)
{
	struct site *site = site_head(builder);
	const char *ciphers, *tls13;
	struct tls_policy policy;

	TRY(tls_policy_parse(mem, json, &policy));
	ciphers = tls_policy_ciphers(mem, &policy);
	tls13 = tls_policy_ciphers_tls13(mem, &policy);
	if (!ciphers || !tls13)
		return ERR_MEMORY;
	site->tls_min = (uint8_t)policy.least;
	site->flags |= policy.tls13 ? SITE_TLS13 : 0;
	site->ciphers = site_add_text(builder, ciphers, strlen(ciphers));
	site->ciphers_tls13 = site_add_text(builder, tls13, strlen(tls13));
	return OK;
}

static enum err add_headers(struct arena *mem, const char *json, struct site_builder *builder)
{
	struct site *site = site_head(builder);
	struct website_headers headers;
	struct site_header *header;

	TRY(website_headers_parse(mem, json, &headers));
	site->flags |= headers.ports ? SITE_HEADER_PORTS : 0;
	header = site_add_list(builder, &site->headers, headers.count, sizeof(*header));
	for (size_t i = 0; header && i < headers.count; i++) {
		const struct website_header *from = &headers.header[i];

		header[i].name = site_add_text(builder, from->name, strlen(from->name));
		header[i].value = site_add_text(builder, from->value, strlen(from->value));
	}
	return OK;
}

static enum err add_keepalive(const char *json, struct site *site)
{
	struct keepalive keepalive;

	TRY(keepalive_parse(json, &keepalive));
	site->flags |= keepalive.enabled ? SITE_KEEPALIVE : 0;
	site->keepalive_requests = (uint32_t)keepalive.requests;
	site->keepalive_seconds = (uint32_t)keepalive.seconds;
	return OK;
}

/* ---- a site */

/* What nodes answer to an authority that asks whether the domain is served here. */
static enum err add_acme(
	struct db *db, struct arena *mem, int64_t number, struct site_builder *builder)
{
	struct site *site = site_head(builder);
	struct website_acme acme;
	enum err err = website_acme_load(db, mem, number, &acme);

	if (err == ERR_NOT_FOUND)
		return OK;
	TRY(err);
	site->acme_token = site_add_text(builder, acme.token, strlen(acme.token));
	site->acme_answer = site_add_text(builder, acme.answer, strlen(acme.answer));
	return OK;
}

static void fill_head(const struct website *website, struct site_builder *builder)
{
	struct site *site = site_head(builder);

	site->number = (uint32_t)website->number;
	site->generation = (uint32_t)website->generation;
	site->flags = (website->http_to_https ? SITE_HTTP_TO_HTTPS : 0) |
		      (website->https_to_http ? SITE_ORIGIN_PLAIN : 0) |
		      (website->http2 ? SITE_HTTP2 : 0) | (website->ocsp ? SITE_OCSP : 0) |
		      (website->named ? SITE_NAMES : 0);
	site->certificate = (uint32_t)website->certificate;
	site->account = (uint32_t)website->account;
	site->domain = site_add_text(builder, website->domain, strlen(website->domain));
}

static enum err setting(struct db *db, struct arena *mem, const struct website *website,
	const char *name, const char **out)
{
	return website_setting_load(db, mem, website->number, name, out);
}

static enum err fill(struct db *db, struct arena *mem, const struct website *website,
	struct site_builder *builder)
{
	const char *origins, *tls, *headers, *keepalive;

	TRY(setting(db, mem, website, SETTING_ORIGINS, &origins));
	TRY(setting(db, mem, website, SETTING_TLS, &tls));
	TRY(setting(db, mem, website, SETTING_HEADERS, &headers));
	TRY(setting(db, mem, website, SETTING_KEEPALIVE, &keepalive));
	fill_head(website, builder);
	add_places(website, builder);
	TRY(add_acme(db, mem, website->number, builder));
	TRY(add_origins(mem, origins, website, builder));
	TRY(add_tls(mem, tls, builder));
	TRY(add_headers(mem, headers, builder));
	TRY(add_keepalive(keepalive, site_head(builder)));
	return site_policy_build(db, mem, website, builder);
}

enum err site_build(
	struct db *db, struct arena *mem, const struct website *website, void *out, size_t *length)
{
	struct site_builder builder;
	const char *why;

	(void)site_begin(&builder, out, SITE_BYTES_MAX);
	TRY(fill(db, mem, website, &builder));
	*length = site_end(&builder);
	if (*length == 0)
		return ERR_LIMIT;
	why = site_check(out, *length);
	return why ? fail(ERR_LIMIT, "%s: %s", website->domain, why) : OK;
}

/* Before the first site, in each snapshot that has any: so a control of another release brings its own rules. */
static enum err add_rules_once(struct draft *draft)
{
	struct record_rules *record;
	size_t length;
	uint8_t *rules;

	if (draft->rules)
		return OK;
	rules = arena_take(draft->scratch, SITE_BYTES_MAX);
	if (!rules)
		return ERR_MEMORY;
	TRY(global_rules_build(draft->scratch, rules, SITE_BYTES_MAX, &length));
	TRY(draft_room(draft, sizeof(*record) + length));
	record = draft_take(draft, RECORD_RULES, RULES_ID, sizeof(*record) + length);
	if (!record)
		return draft_full();
	memcpy(record->site, rules, length);
	draft->rules = true;
	return OK;
}

const char site_select[] = "SELECT w.number FROM website w";

enum err add_site(struct draft *draft, const struct cursor *cursor)
{
	int64_t number = db_int(cursor, 0);
	struct website website;
	struct record_site *record;
	size_t length;
	uint8_t *site;
	enum err err;

	arena_reset(draft->scratch);
	TRY(add_rules_once(draft));
	site = arena_take(draft->scratch, SITE_BYTES_MAX);
	if (!site)
		return ERR_MEMORY;
	TRY(website_load_number(draft->db, draft->scratch, number, &website));
	err = site_build(draft->db, draft->scratch, &website, site, &length);
	if (err == ERR_LIMIT) {
		log_error("%s is left out: it is more than nodes take", website.domain);
		return OK;
	}
	TRY(err);
	length += sizeof(*record);
	TRY(draft_room(draft, length));
	record = draft_take(draft, RECORD_SITE, number, length);
	if (!record)
		return draft_full();
	memcpy(record->site, site, length - sizeof(*record));
	return OK;
}

/* ---- certificates */

const char certificate_select[] = "SELECT c.number FROM certificate c";

static void fill_certificate(
	struct certificate *out, const struct certificate_row *row, const char *key)
{
	char *text = (char *)(out + 1);

	out->number = (uint32_t)row->number;
	out->version = (uint32_t)row->version;
	out->chain_length = (uint32_t)strlen(row->chain);
	out->key_length = (uint32_t)strlen(key);
	memcpy(text, row->chain, out->chain_length);
	memcpy(text + out->chain_length, key, out->key_length);
}

enum err add_certificate(struct draft *draft, const struct cursor *cursor)
{
	int64_t number = db_int(cursor, 0);
	struct record_certificate *record;
	struct certificate_row row;
	const char *key;
	size_t length;
	enum err err;

	arena_reset(draft->scratch);
	TRY(certificate_load(draft->db, draft->scratch, 0, number, &row));
	err = certificate_open_key(draft->db, draft->vault, draft->scratch, &row, &key);
	if (err == ERR_CERTIFICATE_INVALID) {
		log_error("certificate %lld is left out: its key cannot be opened",
			(long long)number);
		return OK;
	}
	TRY(err);
	length = sizeof(struct certificate) + strlen(row.chain) + strlen(key);
	assert(length <= CERTIFICATE_BYTES_MAX);
	length = (sizeof(*record) + length + 7) & ~(size_t)7;
	TRY(draft_room(draft, length));
	record = draft_take(draft, RECORD_CERTIFICATE, number, length);
	if (!record)
		return draft_full();
	fill_certificate((struct certificate *)(void *)record->certificate, &row, key);
	return OK;
}
