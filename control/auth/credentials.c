/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * V1 carries its credentials as parameters among the others, V3 as headers. Both end as one struct, so
 * that what follows (key, nonce, token, permission) exists once.
 *
 * Subtle: a V3 client says itself which headers it signed, and newer clients sign more than older
 * ones. Whatever decides about a request must be among them, or a proxy could exchange it. The payload
 * hash that goes into the signature is of the body as it arrived; a header that claims another is a
 * mismatch even if it was signed.
 */
#include "control/auth/credentials.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/text.h"
#include "control/auth/difference.h"
#include "control/auth/nonce.h"

/* Real nonces have 32 to 64 characters. */
#define NONCE_BYTES_MAX 256

static const char v3_scheme[] = "ACS3-HMAC-SHA256";

static const char *const v3_essential[] = { "host", "x-acs-action", "x-acs-version", "x-acs-date",
	"x-acs-signature-nonce", "x-acs-content-sha256" };

const char *request_header(const struct request *request, const char *name)
{
	size_t i;

	for (i = 0; i < request->header_count; i++) {
		if (strcasecmp(request->header[i].name, name) == 0)
			return request->header[i].value;
	}
	return NULL;
}

bool credentials_is_v3(const struct request *request)
{
	const char *value = request_header(request, "Authorization");

	return value && strncmp(value, v3_scheme, sizeof(v3_scheme) - 1) == 0;
}

/* value, which must not be absent or empty. */
static enum err need(struct call *call, const char *name, const char *value, const char **out)
{
	if (!value || value[0] == '\0')
		return refuse(call, ERR_MISSING_PARAMETER,
			"The input parameter \"%s\" that is mandatory for processing this request "
			"is "
			"not supplied.",
			name);
	*out = value;
	return OK;
}

static enum err need_parameter(struct call *call, const char *name, const char **out)
{
	return need(call, name, form_get(call->form, name), out);
}

static enum err need_header(
	struct call *call, const struct request *request, const char *name, const char **out)
{
	return need(call, name, request_header(request, name), out);
}

static enum err invalid(struct call *call, const char *name, const char *requirement)
{
	return refuse(call, ERR_INVALID_PARAMETER,
		"The specified parameter \"%s\" is not valid: %s.", name, requirement);
}

enum err credentials_name(struct call *call, const struct request *request, struct credentials *out)
{
	out->v3 = credentials_is_v3(request);
	if (out->v3) {
		TRY(need_header(call, request, "x-acs-version", &out->version));
		return need_header(call, request, "x-acs-action", &out->action);
	}
	TRY(need_parameter(call, "Version", &out->version));
	return need_parameter(call, "Action", &out->action);
}

static enum err read_time(struct call *call, const char *text, int64_t *out)
{
	int64_t time_ms;

	if (!clock_parse_iso(text, &time_ms))
		return ERR_TIMESTAMP_FORMAT;
	if (time_ms < call->clock_ms - TIMESTAMP_SKEW_MS ||
		time_ms > call->clock_ms + TIMESTAMP_SKEW_MS)
		return ERR_TIMESTAMP_EXPIRED;
	*out = time_ms;
	return OK;
}

static enum err read_nonce(struct call *call, const char *name, const char *nonce)
{
	if (strlen(nonce) > NONCE_BYTES_MAX)
		return invalid(call, name, "it is too long");
	return OK;
}

static enum err read_v1(struct call *call, struct credentials *out)
{
	const char *method = "", *version = "", *time, *type;

	TRY(need_parameter(call, "AccessKeyId", &out->key_id));
	TRY(need_parameter(call, "Signature", &out->signature));
	TRY(need_parameter(call, "SignatureMethod", &method));
	TRY(need_parameter(call, "SignatureVersion", &version));
	TRY(need_parameter(call, "SignatureNonce", &out->nonce));
	time = form_get(call->form, "Timestamp");
	if (!time)
		/* Published samples spell it so. */
		time = form_get(call->form, "TimeStamp");
	TRY(need(call, "Timestamp", time, &time));
	if (strcmp(method, "HMAC-SHA1") != 0)
		return invalid(call, "SignatureMethod", "it must be HMAC-SHA1");
	if (strcmp(version, "1.0") != 0)
		return invalid(call, "SignatureVersion", "it must be 1.0");
	type = form_get(call->form, "SignatureType");
	if (type && type[0] != '\0')
		return invalid(call, "SignatureType", "it must be empty");
	out->token = form_get(call->form, "SecurityToken");
	TRY(read_nonce(call, "SignatureNonce", out->nonce));
	return read_time(call, time, &out->time_ms);
}

/* Whether name is one of the words of a ';' list, any case. */
static bool is_listed(const char *list, const char *name)
{
	size_t length, name_length = strlen(name);

	for (;;) {
		length = strcspn(list, ";");
		if (length == name_length && strncasecmp(list, name, length) == 0)
			return true;
		if (list[length] == '\0')
			return false;
		list += length + 1;
	}
}

static enum err read_v3(struct call *call, const struct request *request, struct credentials *out)
{
	const char *claimed, *time, *value;
	size_t i;

	for (i = 0; i < sizeof(v3_essential) / sizeof(*v3_essential); i++)
		TRY(need_header(call, request, v3_essential[i], &value));
	TRY(authorization_parse(
		call->mem, request_header(request, "Authorization"), &out->authorization));
	for (i = 0; i < sizeof(v3_essential) / sizeof(*v3_essential); i++) {
		if (!is_listed(out->authorization.signed_headers, v3_essential[i]))
			return refuse(call, ERR_INCOMPLETE_SIGNATURE,
				"The request signature does not conform to Aliyun standards: "
				"header "
				"\"%s\" is not signed.",
				v3_essential[i]);
	}
	out->key_id = out->authorization.credential;
	out->signature = out->authorization.signature;
	out->nonce = request_header(request, "x-acs-signature-nonce");
	time = request_header(request, "x-acs-date");
	claimed = request_header(request, "x-acs-accesskey-id");
	if (claimed && strcmp(claimed, out->key_id) != 0)
		return invalid(
			call, "x-acs-accesskey-id", "it differs from the signature's credential");
	out->token = request_header(request, "x-acs-security-token");
	if (out->token && !is_listed(out->authorization.signed_headers, "x-acs-security-token"))
		return refuse(call, ERR_INCOMPLETE_SIGNATURE,
			"The request signature does not conform to Aliyun standards: header "
			"\"x-acs-security-token\" is not signed.");
	TRY(read_nonce(call, "x-acs-signature-nonce", out->nonce));
	return read_time(call, time, &out->time_ms);
}

enum err credentials_read(struct call *call, const struct request *request, struct credentials *out)
{
	TRY(out->v3 ? read_v3(call, request, out) : read_v1(call, out));
	if (out->token && out->token[0] == '\0')
		out->token = NULL;
	return OK;
}

/* Values that are secret in themselves, of parameters and of headers. */
static bool is_secret(const char *name)
{
	static const char *const names[] = { "AccessKeySecret", "Key", "Password", "SecurityToken",
		"x-acs-security-token" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcasecmp(names[i], name) == 0)
			return true;
	}
	return false;
}

/* The form itself when nothing in it is secret. NULL: memory is out. */
static struct form *without_secrets(struct arena *mem, struct form *form)
{
	struct form *out;
	bool secret = false;

	for (size_t i = 0; i < form->count; i++)
		secret = secret || is_secret(form->pair[i].key);
	if (!secret)
		return form;
	out = arena_take(mem, sizeof(*out));
	if (!out)
		return NULL;
	out->count = form->count;
	out->pair = arena_array(mem, form->count, sizeof(*out->pair));
	for (size_t i = 0; out->pair && i < form->count; i++) {
		out->pair[i] = form->pair[i];
		if (is_secret(form->pair[i].key))
			out->pair[i].value = DIFFERENCE_HIDDEN;
	}
	return out->pair ? out : NULL;
}

static const struct header *headers_without_secrets(
	struct arena *mem, const struct header *header, size_t count)
{
	struct header *out = arena_array(mem, count, sizeof(*out));

	for (size_t i = 0; out && i < count; i++) {
		out[i] = header[i];
		if (is_secret(header[i].name))
			out[i].value = DIFFERENCE_HIDDEN;
	}
	return out;
}

static enum err remember_v1(
	struct call *call, const struct request *request, struct form *all, const char *string)
{
	struct form *shown = call->calls ? without_secrets(call->mem, all) : NULL;

	if (!call->calls)
		return OK;
	if (!shown)
		return ERR_MEMORY;
	call->signed_string =
		shown == all ? string : signature_v1_string(call->mem, request->method, shown);
	return call->signed_string ? OK : ERR_MEMORY;
}

/* The string of V3 has but the hash of the canonical request. */
static enum err remember_v3(
	struct call *call, const struct v3_request *canonical, const char *string)
{
	struct v3_request shown = *canonical;
	char *request, *ignored;

	if (!call->calls)
		return OK;
	shown.query = without_secrets(call->mem, canonical->query);
	shown.header =
		headers_without_secrets(call->mem, canonical->header, canonical->header_count);
	if (!shown.query || !shown.header)
		return ERR_MEMORY;
	TRY(signature_v3_string(call->mem, &shown, &ignored, &request));
	call->signed_string = string;
	call->signed_canonical = request;
	return OK;
}

/* A sentence without a bound: clients compare the string in it with their own. */
static enum err mismatch(struct call *call, const char *string)
{
	char *sentence =
		arena_print(call->mem, "%s%s", error_sentence(ERR_SIGNATURE_MISMATCH), string);

	if (!sentence)
		return ERR_MEMORY;
	call->refusal = sentence;
	return ERR_SIGNATURE_MISMATCH;
}

static enum err verify_v1(struct call *call, const struct request *request,
	const struct credentials *credentials, const char *secret, struct form *all)
{
	char *string = signature_v1_string(call->mem, request->method, all);
	char expected[SIGNATURE_V1_SIZE];

	if (!string)
		return ERR_MEMORY;
	TRY(remember_v1(call, request, all, string));
	if (!signature_v1(secret, string, expected))
		return fail(ERR_INTERNAL, "cannot compute a signature");
	if (strlen(credentials->signature) != SIGNATURE_V1_SIZE - 1 ||
		!text_equal_constant_time(credentials->signature, expected, SIGNATURE_V1_SIZE - 1))
		return mismatch(call, string);
	return OK;
}

static enum err verify_v3(struct call *call, const struct request *request,
	const struct credentials *credentials, const char *secret, struct form *query)
{
	char payload_hash[65], expected[SIGNATURE_V3_SIZE], *string;
	struct v3_request canonical = {
		.method = request->method,
		.query = query,
		.header = request->header,
		.header_count = request->header_count,
		.signed_headers = credentials->authorization.signed_headers,
		.payload_hash = payload_hash,
	};

	sha256_hex(request->body, request->body_size, payload_hash);
	TRY(signature_v3_string(call->mem, &canonical, &string, NULL));
	TRY(remember_v3(call, &canonical, string));
	if (!signature_v3(secret, string, expected))
		return fail(ERR_INTERNAL, "cannot compute a signature");
	if (!text_equal_constant_time(credentials->signature, expected, SIGNATURE_V3_SIZE - 1) ||
		strcasecmp(request_header(request, "x-acs-content-sha256"), payload_hash) != 0)
		return mismatch(call, string);
	return OK;
}

enum err credentials_verify(struct call *call, const struct request *request,
	const struct credentials *credentials, const char *secret, struct form *query,
	struct form *all)
{
	if (credentials->v3)
		return verify_v3(call, request, credentials, secret, query);
	return verify_v1(call, request, credentials, secret, all);
}
