/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How web sites speak TLS: HTTP/2, stapled answers of the certificate's authority, versions and cipher suites.
 */
#include <string.h>

#include "control/actions/json_param.h"
#include "control/actions/tables.h"
#include "control/actions/website.h"
#include "control/model/website_setting.h"

struct switch_args {
	const char *domain, *resource_group;
	int64_t enable;
};
#define PARAM_ENABLE(...)                                                                          \
	PARAM(switch_args, enable, "Enable", .kind = PARAM_INT, .required = true, .min = 0,        \
		.max = 1, __VA_ARGS__)
static const struct param http2_params[] = {
	PARAM_DOMAIN(switch_args, .required = true),
	PARAM_ENABLE(.help = "1: clients may speak HTTP/2"),
	PARAM_RESOURCE_GROUP(switch_args),
	PARAM_ROW_END,
};
static const struct param ocsp_params[] = {
	PARAM_DOMAIN(switch_args, .required = true),
	PARAM_ENABLE(.help = "1: handshakes carry the authority's word that the certificate holds"),
	PARAM_ROW_END,
};

static enum err change(struct call *call, const struct website *website, struct website *changed)
{
	TRY(website_update(call->db, changed));
	return website_record(call, website, changed);
}

static enum err http2_run(struct call *call, const void *raw)
{
	const struct switch_args *args = raw;
	struct website website, changed;

	TRY(call_website(call, args->domain, &website));
	changed = website;
	changed.http2 = args->enable == 1;
	return change(call, &website, &changed);
}

static enum err ocsp_run(struct call *call, const void *raw)
{
	const struct switch_args *args = raw;
	struct website website, changed;

	TRY(call_website(call, args->domain, &website));
	changed = website;
	changed.ocsp = args->enable == 1;
	return change(call, &website, &changed);
}

/* ---- ModifyTlsConfig */

#define TLS_BYTES 4096
#define TLS_KEYS                                                                                   \
	"ssl_protocols ssl_ciphers ssl_13_enabled ssl13_enabled custom_ciphers "                   \
	"tls_13_custom_ciphers"

struct tls_args {
	const char *domain, *config, *resource_group;
};
static const struct param tls_params[] = {
	PARAM_DOMAIN(tls_args, .required = true),
	PARAM(tls_args, config, "Config", .kind = PARAM_JSON, .required = true, .min = 1,
		.max = TLS_BYTES, .type = "String",
		.shape =
			"{ssl_protocols: tls1.0|tls1.1|tls1.2, ssl_ciphers: "
			"all|improved|strong|default, ssl_13_enabled?: bool, ssl13_enabled?: bool, "
			"custom_ciphers?: [text], tls_13_custom_ciphers?: [text]}",
		.help = "lowest version and cipher suites; custom_ciphers are for default"),
	PARAM_RESOURCE_GROUP(tls_args),
	PARAM_ROW_END,
};

static enum err read_ciphers(struct call *call, const struct json_element *element, const char *key,
	bool tls13, struct text_list *out)
{
	const json_t *list = json_object_get(element->object, key);

	*out = (struct text_list){ .item = arena_array(
					   call->mem, CIPHER_LIST_MAX, sizeof(char *)) };
	if (!out->item)
		return ERR_MEMORY;
	if (!list)
		return OK;
	if (!json_is_array(list) || json_array_size(list) > CIPHER_LIST_MAX)
		return refuse(call, ERR_INVALID_PARAMETER,
			"%s%s must be an array of at most %d names.", element->where, key,
			CIPHER_LIST_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));

		if (!name || !cipher_known(name, tls13))
			return refuse(call, ERR_INVALID_PARAMETER,
				"%s%s[%zu] must be a cipher suite of TLS 1.%s by its name in "
				"OpenSSL.",
				element->where, key, i, tls13 ? "3" : "2 or before");
		out->item[out->count++] = name;
	}
	return OK;
}

static enum err read_tls13(struct call *call, const struct json_element *element, bool *out)
{
	static const char *const keys[] = { "ssl_13_enabled", "ssl13_enabled" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const json_t *value = json_object_get(element->object, keys[i]);

		if (value && !json_is_boolean(value))
			return refuse(call, ERR_INVALID_PARAMETER, "%s%s must be true or false.",
				element->where, keys[i]);
		if (value)
			*out = json_is_true(value);
	}
	return OK;
}

/* TLS 1.0 and 1.1 need a suite that they have. */
static enum err check_old(
	struct call *call, const struct json_element *element, const struct tls_policy *policy)
{
	if (policy->least >= 3)
		return OK;
	if (policy->ciphers == CIPHERS_STRONG)
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sssl_ciphers strong needs ssl_protocols tls1.2.", element->where);
	for (size_t i = 0; i < policy->custom.count; i++) {
		if (cipher_is_old(policy->custom.item[i]))
			return OK;
	}
	if (policy->custom.count == 0)
		return OK;
	return refuse(call, ERR_INVALID_PARAMETER,
		"%scustom_ciphers must hold one that exists before TLS 1.2, or ssl_protocols be "
		"tls1.2.",
		element->where);
}

static enum err read_policy(
	struct call *call, const struct json_element *element, struct tls_policy *out)
{
	const char *protocols, *ciphers;

	TRY(json_param_text(call, element, "ssl_protocols", 16, true, &protocols));
	TRY(json_param_text(call, element, "ssl_ciphers", 16, true, &ciphers));
	if (!tls_version_from_name(protocols, &out->least))
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sssl_protocols must be one of: tls1.0 tls1.1 tls1.2.", element->where);
	if (!cipher_class_from_name(ciphers, &out->ciphers))
		return refuse(call, ERR_INVALID_PARAMETER,
			"%sssl_ciphers must be one of: all improved strong default.",
			element->where);
	TRY(read_tls13(call, element, &out->tls13));
	TRY(read_ciphers(call, element, "custom_ciphers", false, &out->custom));
	TRY(read_ciphers(call, element, "tls_13_custom_ciphers", true, &out->custom_tls13));
	if (out->custom.count > 0 && out->ciphers != CIPHERS_DEFAULT)
		return refuse(call, ERR_INVALID_PARAMETER,
			"%scustom_ciphers are in force when ssl_ciphers is default.",
			element->where);
	return check_old(call, element, out);
}

static enum err put_policy(struct call *call, const struct website *website, const char *before,
	const struct json_element *element)
{
	struct tls_policy policy;
	const char *json;

	TRY(tls_policy_parse(call->mem, before, &policy));
	TRY(read_policy(call, element, &policy));
	TRY(json_text(call->mem, tls_policy_json(&policy), &json));
	TRY(website_setting_put(call->db, website, SETTING_TLS, json));
	TRY(website_fits(call, website));
	return website_record_setting(call, "tls", before, json);
}

static enum err tls_run(struct call *call, const void *raw)
{
	const struct tls_args *args = raw;
	AUTO(json) json_t *object = NULL;
	struct json_element element;
	struct website website;
	const char *before;

	TRY(call_website(call, args->domain, &website));
	TRY(json_param_object(call, "Config", args->config, TLS_KEYS, &object, &element));
	TRY(website_setting_load(call->db, call->mem, website.number, SETTING_TLS, &before));
	return put_policy(call, &website, before, &element);
}

const struct action website_https_actions[] = {
	{ VERSION_DDOSCOO, "ModifyHttp2Enable", WRITE, PERMISSION_FULL, http2_params,
		sizeof(struct switch_args), http2_run, NULL, "switches HTTP/2 of a web site", 0 },
	{ VERSION_DDOSCOO, "ModifyOcspStatus", WRITE, PERMISSION_FULL, ocsp_params,
		sizeof(struct switch_args), ocsp_run, NULL, "switches OCSP stapling of a web site",
		0 },
	{ VERSION_DDOSCOO, "ModifyTlsConfig", WRITE, PERMISSION_FULL, tls_params,
		sizeof(struct tls_args), tls_run, NULL,
		"sets versions and cipher suites of TLS of a web site", 0 },
	{ 0 },
};
