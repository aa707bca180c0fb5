/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a web site gets its certificate by itself, and how that goes. What is asked for here control/acme/ does.
 */
#include <string.h>

#include "control/actions/tables.h"
#include "control/actions/website.h"
#include "control/store/acme.h"

struct config_args {
	const char *domain;
	int64_t enable;
};
static const struct param config_params[] = {
	PARAM_DOMAIN(config_args, .required = true),
	PARAM(config_args, enable, "Enable", .kind = PARAM_INT, .required = true, .min = 0,
		.max = 1,
		.help = "1: the site gets a certificate now, and another one when a third of its "
			"time is left"),
	PARAM_ROW_END,
};

/* What an authority needs to find out that the domain is served here. */
static enum err check_reach(struct call *call, const struct website *website)
{
	if (!call->acme_directory || !call->acme_directory[0])
		return ERR_ACME_NOT_OFFERED;
	if (website->domain[0] == '*')
		return refuse(call, ERR_INVALID_PARAMETER,
			"Domain: certificates of wildcards need records in the domain's DNS, which "
			"is not served here. Bring one with AssociateWebCert.");
	for (size_t i = 0; i < website->port_count; i++)
		if (website->port[i].port == ACME_PORT &&
			(website->port[i].schemes & SITE_SCHEME_HTTP))
			return OK;
	return refuse(call, ERR_INVALID_PARAMETER,
		"Domain: the site must be served over http at port 80, where authorities look. "
		"With "
		"Http2https all other requests there are sent to https.");
}

static enum err config_run(struct call *call, const void *raw)
{
	const struct config_args *args = raw;
	struct website_acme before;
	struct website website;
	enum err err;

	TRY(call_website(call, args->domain, &website));
	err = website_acme_load(call->db, call->mem, website.number, &before);
	if (err != OK && err != ERR_NOT_FOUND)
		return err;
	if (args->enable) {
		TRY(check_reach(call, &website));
		TRY(website_acme_enable(call->db, website.number));
	} else if (err == OK) {
		TRY(website_acme_disable(call->db, website.number));
	}
	return website_record_setting(call, "acme",
		err == OK ? "{\"enabled\":1}" : "{\"enabled\":0}",
		args->enable ? "{\"enabled\":1}" : "{\"enabled\":0}");
}

struct describe_args {
	const char *domain;
};
static const struct param describe_params[] = {
	PARAM_DOMAIN(describe_args, .required = true),
	PARAM_ROW_END,
};

static enum err put_state(struct call *call, const struct website_acme *acme, bool on,
	const struct certificate_row *certificate)
{
	bool any = certificate->number != 0;
	const char *state = on ? acme_state(acme, any) : "off";
	int64_t next_ms = !on || acme->ordered_ms > 0
				  ? 0
				  : acme_next_ms(acme, any, certificate->from_ms,
					    certificate->until_ms, call->clock_ms);

	TRY(put(call->reply, "Enabled", json_boolean(on)));
	TRY(put_text(call->reply, "State", state));
	TRY(put_text(call->reply, "LastError", on ? acme->error : ""));
	TRY(put_int(call->reply, "Failures", on ? acme->tries : 0));
	TRY(put_int(call->reply, "NextTry", next_ms));
	TRY(put_text(call->reply, "CertName", any ? certificate->name : ""));
	TRY(put_text(call->reply, "Issuer", any ? certificate->issuer : ""));
	return put_int(call->reply, "ExpireTime", any ? certificate->until_ms : 0);
}

static enum err describe_run(struct call *call, const void *raw)
{
	const struct describe_args *args = raw;
	struct certificate_row certificate = { .number = 0 };
	struct website_acme acme = { .website = 0 };
	struct website website;
	enum err err;

	TRY(call_website(call, args->domain, &website));
	err = website_acme_load(call->db, call->mem, website.number, &acme);
	if (err != OK && err != ERR_NOT_FOUND)
		return err;
	if (website.certificate)
		TRY(certificate_load(
			call->db, call->mem, website.account, website.certificate, &certificate));
	TRY(put_text(call->reply, "Domain", website.domain));
	TRY(put(call->reply, "Available",
		json_boolean(call->acme_directory && call->acme_directory[0])));
	TRY(put_text(call->reply, "Directory", call->acme_directory));
	return put_state(call, &acme, err == OK, &certificate);
}

const struct action web_acme_actions[] = {
	{ VERSION_POLDER, "ConfigWebAcme", WRITE, PERMISSION_FULL, config_params,
		sizeof(struct config_args), config_run, NULL,
		"lets a web site get and renew its certificate by itself, or not", 0 },
	{ VERSION_POLDER, "DescribeWebAcme", READ, PERMISSION_READ, describe_params,
		sizeof(struct describe_args), describe_run, NULL,
		"shows whether a web site gets its certificate by itself, and how that goes", 0 },
	{ 0 },
};
