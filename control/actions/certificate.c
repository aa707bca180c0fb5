/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificates of web sites: brought with their key under a name of the account, or named by the number they got then.
 * What comes again under its name replaces what was there for every site that has it, which is how a certificate is
 * renewed; it must be for all of them. A certificate that no site has any more is gone, with its key.
 */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/actions/tables.h"
#include "control/actions/website.h"

#define REGION_HOME "cn-hangzhou"
#define REGIONS	    REGION_HOME " ap-southeast-1"

struct associate_args {
	const char *domain, *identifier, *name, *chain, *key, *region;
	int64_t number;
};
static const struct param associate_params[] = {
	PARAM_DOMAIN(associate_args, .required = true),
	PARAM(associate_args, number, "CertId", .kind = PARAM_INT, .empty_is_absent = true,
		.min = 0, .max = INT64_C(0xffffffff), .help = "number of a certificate"),
	PARAM(associate_args, identifier, "CertIdentifier", .kind = PARAM_TEXT,
		.empty_is_absent = true, .max = 64,
		.help = "number of a certificate with its region: 123-cn-hangzhou"),
	PARAM(associate_args, name, "CertName", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = CERTIFICATE_NAME_MAX, .help = "name of the certificate that is brought"),
	PARAM(associate_args, chain, "Cert", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = CERTIFICATE_CHAIN_MAX,
		.help = "the site's certificate and those of its issuers, PEM"),
	PARAM(associate_args, key, "Key", .kind = PARAM_TEXT, .empty_is_absent = true,
		.max = CERTIFICATE_KEY_MAX, .help = "private key, PEM"),
	PARAM(associate_args, region, "CertRegion", .kind = PARAM_CHOICE, .empty_is_absent = true,
		.choices = REGIONS, .fallback_text = REGION_HOME,
		.help = "told by clients; certificates here are everywhere"),
	PARAM_ROW_END,
};

static bool given(const char *text)
{
	return text && text[0];
}

/* ---- which certificate */

/* A key that is limited to instances sees the certificates of the sites it may use. */
static enum err may_use(struct call *call, const struct certificate_row *certificate, bool *out)
{
	struct website_filter filter = call_website_filter(call);
	const char **domain;
	size_t count;

	*out = true;
	if (call->key->instance_count == 0)
		return OK;
	filter.certificate = certificate->number;
	TRY(website_domains(call->db, call->mem, &filter, &domain, &count));
	*out = count > 0;
	return OK;
}

static enum err by_number(struct call *call, const struct website *website, const char *name,
	int64_t number, struct certificate_row *out)
{
	enum err err = certificate_load(call->db, call->mem, website->account, number, out);
	bool usable = false;

	if (err == OK)
		err = may_use(call, out, &usable);
	if (err == OK && !usable)
		err = ERR_CERTIFICATE_NOT_FOUND;
	if (err == ERR_CERTIFICATE_NOT_FOUND)
		return refuse(call, err, "%s %lld is no certificate.", name, (long long)number);
	return err;
}

static enum err by_identifier(struct call *call, const struct website *website,
	const char *identifier, struct certificate_row *out)
{
	const char *region = strchr(identifier, '-');
	const char *digits =
		region ? arena_copy_n(call->mem, identifier, (size_t)(region - identifier)) : "";
	int64_t number;

	if (!digits)
		return ERR_MEMORY;
	if (!region || !text_to_int(digits, &number) ||
		(strcmp(region, "-" REGION_HOME) != 0 && strcmp(region, "-ap-southeast-1") != 0))
		return refuse(call, ERR_INVALID_PARAMETER,
			"CertIdentifier must be a number and a region: 123-cn-hangzhou.");
	return by_number(call, website, "CertIdentifier", number, out);
}

/* ---- one that is brought */

/* All sites that have it must be the caller's, and must be in the new names. */
static enum err check_others(struct call *call, const struct certificate_row *certificate)
{
	struct website_filter filter = { .certificate = certificate->number };
	const char **all, **allowed;
	size_t all_count, allowed_count;

	TRY(website_domains(call->db, call->mem, &filter, &all, &all_count));
	filter = call_website_filter(call);
	filter.certificate = certificate->number;
	TRY(website_domains(call->db, call->mem, &filter, &allowed, &allowed_count));
	if (all_count != allowed_count)
		return refuse(call, ERR_CERTIFICATE_EXISTS,
			"CertName \"%.64s\" belongs to another certificate.", certificate->name);
	for (size_t i = 0; i < all_count; i++) {
		if (!certificate_covers(certificate, all[i]))
			return refuse(call, ERR_CERTIFICATE_EXISTS,
				"CertName \"%.64s\" belongs to the certificate of %.100s, which "
				"the new one is not for.",
				certificate->name, all[i]);
	}
	return OK;
}

static enum err is_same(struct call *call, const struct certificate_row *old,
	const struct certificate_row *brought, const char *key, bool *out)
{
	const char *old_key;

	*out = false;
	if (strcmp(old->chain, brought->chain) != 0)
		return OK;

	enum err err = certificate_open_key(call->db, call->vault, call->mem, old, &old_key);

	/* One whose key is damaged is replaced. */
	if (err == ERR_CERTIFICATE_INVALID)
		return OK;
	TRY(err);
	*out = strcmp(old_key, key) == 0;
	return OK;
}

static enum err store_brought(struct call *call, struct certificate_row *brought, const char *key)
{
	struct certificate_row old;
	enum err err =
		certificate_by_name(call->db, call->mem, brought->account, brought->name, &old);
	bool same;

	if (err == ERR_CERTIFICATE_NOT_FOUND)
		return certificate_insert(call->db, call->vault, call->mem, brought, key);
	TRY(err);
	brought->number = old.number;
	brought->version = old.version;
	TRY(is_same(call, &old, brought, key, &same));
	TRY(check_others(call, brought));
	return same ? OK : certificate_replace(call->db, call->vault, call->mem, brought, key);
}

static enum err bring(struct call *call, const struct website *website,
	const struct associate_args *args, struct certificate_row *out)
{
	char why[CERTIFICATE_WHY_SIZE];
	const char *key;
	enum err err;

	*out = (struct certificate_row){
		.account = website->account, .name = args->name, .create_ms = call->clock_ms
	};
	err = certificate_read(call->mem, args->chain, args->key, call->clock_ms, out, &key, why);
	if (err == ERR_CERTIFICATE_INVALID)
		return refuse(call, err, "%s", why);
	TRY(err);
	if (!certificate_covers(out, website->domain))
		return refuse(call, ERR_CERTIFICATE_INVALID,
			"Cert is not for %.100s: it is for %.200s.", website->domain, out->names);
	return store_brought(call, out, key);
}

/* ---- AssociateWebCert */

static enum err choose(struct call *call, const struct website *website,
	const struct associate_args *args, struct certificate_row *out)
{
	bool brought = given(args->chain) || given(args->key);
	const char *name = args->number ? "CertId" : "CertIdentifier";

	if ((args->number != 0) + given(args->identifier) + brought != 1)
		return refuse(call, ERR_INVALID_PARAMETER,
			"Exactly one of CertId, CertIdentifier, and CertName with Cert and Key "
			"must be given.");
	if (brought) {
		if (!given(args->name) || !given(args->chain) || !given(args->key))
			return refuse(call, ERR_MISSING_PARAMETER,
				"CertName, Cert and Key must be given together.");
		return bring(call, website, args, out);
	}
	if (args->number)
		TRY(by_number(call, website, name, args->number, out));
	else
		TRY(by_identifier(call, website, args->identifier, out));
	if (call->clock_ms >= out->until_ms)
		return refuse(
			call, ERR_CERTIFICATE_INVALID, "%s: the certificate has expired.", name);
	if (!certificate_covers(out, website->domain))
		return refuse(call, ERR_CERTIFICATE_INVALID,
			"%s: the certificate is not for %.100s.", name, website->domain);
	return OK;
}

static enum err associate_run(struct call *call, const void *raw)
{
	const struct associate_args *args = raw;
	struct certificate_row certificate = { .number = 0 };
	struct website website, changed;

	TRY(call_website(call, args->domain, &website));
	TRY(choose(call, &website, args, &certificate));
	changed = website;
	changed.certificate = certificate.number;
	TRY(website_update(call->db, &changed));
	TRY(website_record(call, &website, &changed));
	return put_int(json_object_get(call->change, "newEntity"), "certificateVersion",
		certificate.version);
}

/* ---- DescribeCerts */

struct describe_args {
	const char *domain, *resource_group;
};
static const struct param describe_params[] = {
	PARAM_DOMAIN(describe_args, .empty_is_absent = true),
	PARAM_RESOURCE_GROUP(describe_args),
	PARAM_ROW_END,
};

static enum err put_day(json_t *element, const char *name, int64_t ms)
{
	char text[CLOCK_ISO_SIZE];

	clock_format_iso(ms, text);
	text[strcspn(text, "T")] = '\0';
	return put_text(element, name, text);
}

static enum err put_certificate(
	json_t *list, const struct certificate_row *certificate, const struct website *website)
{
	json_t *element = json_object();
	bool related = !website || website->certificate == certificate->number;

	TRY(add(list, element));
	TRY(put_int(element, "Id", certificate->number));
	TRY(put(element, "CertIdentifier",
		json_sprintf("%lld-" REGION_HOME, (long long)certificate->number)));
	TRY(put_text(element, "Name", certificate->name));
	TRY(put_text(element, "Common", certificate->common));
	TRY(put_text(element, "Issuer", certificate->issuer));
	TRY(put_day(element, "StartDate", certificate->from_ms));
	TRY(put_day(element, "EndDate", certificate->until_ms));
	return put(element, "DomainRelated", json_boolean(related));
}

static enum err describe_run(struct call *call, const void *raw)
{
	const struct describe_args *args = raw;
	struct website found, *website = NULL;
	struct certificate_row *row;
	json_t *list;
	size_t count;

	if (given(args->domain)) {
		TRY(call_website(call, args->domain, &found));
		website = &found;
	}
	TRY(certificate_list(call->db, call->mem, website ? website->account : call_account(call),
		&row, &count));
	TRY(put_list(call->reply, "Certs", &list));
	for (size_t i = 0; i < count; i++) {
		bool usable;

		TRY(may_use(call, &row[i], &usable));
		if (usable && (!website || certificate_covers(&row[i], website->domain)))
			TRY(put_certificate(list, &row[i], website));
	}
	return OK;
}

static const struct reply_list describe_lists[] = {
	{ "Certs", "CertItem" },
	{ NULL, NULL },
};

const struct action certificate_actions[] = {
	{ VERSION_DDOSCOO, "AssociateWebCert", WRITE, PERMISSION_FULL, associate_params,
		sizeof(struct associate_args), associate_run, NULL,
		"gives a web site its certificate", 0 },
	{ VERSION_DDOSCOO, "DescribeCerts", READ, PERMISSION_READ, describe_params,
		sizeof(struct describe_args), describe_run, describe_lists,
		"lists certificates that are for a web site", 0 },
	{ 0 },
};
