/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jansson reads JSON; what counts of it is copied into structs of fixed size. A text that does not fit is as if it were
 * not there, but for what people read, which is cut.
 */
#include "control/acme/message.h"

#include <jansson.h>
#include <string.h>

#include "base/text.h"

#define CHALLENGES_MAX 16 /* that an authorization offers */

static const char error_space[] = "urn:ietf:params:acme:error:";

static json_t *read_object(const char *bytes, size_t length)
{
	json_t *root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(root))
		return root;
	json_decref(root);
	return NULL;
}

/* false: absent, no text, empty or too long. */
static bool read_text(const json_t *object, const char *name, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(object, name));

	if (!text || !text[0] || strlen(text) >= size)
		return false;
	memcpy(out, text, strlen(text) + 1);
	return true;
}

/* For people: cut to whole characters, without what is not printable. */
static void read_words(const char *text, char *out, size_t size)
{
	size_t length = text ? text_whole(text, size - 1) : 0;

	for (size_t i = 0; i < length; i++)
		out[i] = (unsigned char)text[i] < ' ' || text[i] == 127 ? ' ' : text[i];
	out[length] = '\0';
}

static void read_problem(const json_t *object, struct acme_problem *out)
{
	const char *type = json_string_value(json_object_get(object, "type"));

	if (type && strncmp(type, error_space, sizeof(error_space) - 1) == 0)
		type += sizeof(error_space) - 1;
	read_words(type, out->type, sizeof(out->type));
	read_words(json_string_value(json_object_get(object, "detail")), out->detail,
		sizeof(out->detail));
}

static bool read_status(const json_t *object, enum acme_status *out)
{
	static const char *const names[] = { "pending", "ready", "processing", "valid" };
	const char *status = json_string_value(json_object_get(object, "status"));

	*out = ACME_INVALID;
	for (size_t i = 0; status && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(status, names[i]) == 0)
			*out = (enum acme_status)i;
	return status != NULL;
}

bool acme_read_directory(const char *bytes, size_t length, struct acme_directory *out)
{
	json_t *root = read_object(bytes, length);
	bool good;

	memset(out, 0, sizeof(*out));
	good = read_text(root, "newNonce", out->new_nonce, ACME_URL_SIZE) &&
	       read_text(root, "newAccount", out->new_account, ACME_URL_SIZE) &&
	       read_text(root, "newOrder", out->new_order, ACME_URL_SIZE);
	out->external_account = json_is_true(
		json_object_get(json_object_get(root, "meta"), "externalAccountRequired"));
	json_decref(root);
	if (!good)
		memset(out, 0, sizeof(*out));
	return good;
}

bool acme_read_order(const char *bytes, size_t length, struct acme_order_message *out)
{
	json_t *root = read_object(bytes, length);
	const json_t *list = json_object_get(root, "authorizations");
	const char *first = json_string_value(json_array_get(list, 0));
	bool good;

	memset(out, 0, sizeof(*out));
	if (first && json_array_size(list) == 1 && strlen(first) < ACME_URL_SIZE)
		memcpy(out->authorization, first, strlen(first) + 1);
	good = read_status(root, &out->status) &&
	       read_text(root, "finalize", out->finalize, ACME_URL_SIZE);
	(void)read_text(root, "certificate", out->certificate, ACME_URL_SIZE);
	read_problem(json_object_get(root, "error"), &out->problem);
	json_decref(root);
	if (!good)
		memset(out, 0, sizeof(*out));
	return good;
}

/* The first challenge over HTTP that is whole. */
static void read_challenges(const json_t *list, struct acme_authorization *out)
{
	for (size_t i = 0; i < json_array_size(list) && i < CHALLENGES_MAX; i++) {
		const json_t *challenge = json_array_get(list, i);
		const char *type = json_string_value(json_object_get(challenge, "type"));

		if (!type || strcmp(type, "http-01") != 0)
			continue;
		if (read_text(challenge, "token", out->token, sizeof(out->token)) &&
			acme_token_valid(out->token) &&
			read_text(challenge, "url", out->challenge, ACME_URL_SIZE)) {
			read_problem(json_object_get(challenge, "error"), &out->problem);
			return;
		}
		out->token[0] = out->challenge[0] = '\0';
	}
}

bool acme_read_authorization(const char *bytes, size_t length, struct acme_authorization *out)
{
	json_t *root = read_object(bytes, length);
	const json_t *identifier = json_object_get(root, "identifier");
	bool good;

	memset(out, 0, sizeof(*out));
	good = read_status(root, &out->status) &&
	       read_text(identifier, "value", out->domain, sizeof(out->domain));
	if (good)
		read_challenges(json_object_get(root, "challenges"), out);
	json_decref(root);
	if (!good)
		memset(out, 0, sizeof(*out));
	return good;
}

bool acme_read_problem(const char *bytes, size_t length, struct acme_problem *out)
{
	json_t *root = read_object(bytes, length);

	memset(out, 0, sizeof(*out));
	read_problem(root, out);
	json_decref(root);
	return out->type[0] != '\0';
}
