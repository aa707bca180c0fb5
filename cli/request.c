/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signing (V1, HMAC-SHA1) and sending by libcurl. All parameters go into the body: a 4 MiB batch of
 * rules does not fit a request line. The reply is bounded by API_REPLY_MAX.
 */
#include "cli/request.h"

#include <curl/curl.h>
#include <string.h>
#include <sys/random.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/signature.h"
#include "base/text.h"

DEFINE_AUTO(curl, CURL *, curl_easy_cleanup);
DEFINE_AUTO(slist, struct curl_slist *, curl_slist_free_all);

bool request_form(struct arena *mem, struct form *out)
{
	out->count = 0;
	out->pair = arena_array(mem, FORM_PAIR_MAX, sizeof(*out->pair));
	return out->pair != NULL;
}

bool request_add(struct form *form, const char *key, const char *value)
{
	if (form->count >= FORM_PAIR_MAX)
		return false;
	form->pair[form->count++] = (struct pair){ .key = key, .value = value };
	return true;
}

static size_t keep(char *data, size_t size, size_t count, void *user)
{
	struct text *body = user;

	text_add_n(body, data, size * count);
	return body->failed ? 0 : size * count;
}

static bool sign(struct arena *mem, const struct endpoint *endpoint, struct form *form)
{
	uint8_t random[16];
	char nonce[33], timestamp[CLOCK_ISO_SIZE], signature[SIGNATURE_V1_SIZE];
	const char *string;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	text_hex(random, sizeof(random), nonce);
	clock_format_iso(clock_utc_ms(), timestamp);
	if (!form_get(form, "Format") && !request_add(form, "Format", "JSON"))
		return false;
	if (!request_add(form, "AccessKeyId", endpoint->key_id) ||
		!request_add(form, "SignatureMethod", "HMAC-SHA1") ||
		!request_add(form, "SignatureVersion", "1.0") ||
		!request_add(form, "SignatureNonce", arena_copy(mem, nonce)) ||
		!request_add(form, "Timestamp", arena_copy(mem, timestamp)))
		return false;
	if (endpoint->token && !request_add(form, "SecurityToken", endpoint->token))
		return false;
	string = signature_v1_string(mem, "POST", form);
	if (!string || !signature_v1(endpoint->secret, string, signature))
		return false;
	return request_add(form, "Signature", arena_copy(mem, signature));
}

bool request_send(struct arena *mem, const struct endpoint *endpoint, struct form *form,
	struct api_reply *out, const char **why)
{
	AUTO(curl) CURL *curl = curl_easy_init();
	AUTO(slist)
	struct curl_slist *place =
		endpoint->connect_to ? curl_slist_append(NULL, endpoint->connect_to) : NULL;
	struct text body;
	const char *post;
	CURLcode code;

	*why = "memory is out";
	text_init(&body, mem, API_REPLY_MAX);
	if (!curl || (endpoint->connect_to && !place) || !sign(mem, endpoint, form))
		return false;
	post = form_canonical(mem, form, NULL);
	if (!post)
		return false;
	(void)curl_easy_setopt(curl, CURLOPT_URL, endpoint->url);
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	if (endpoint->ca_file)
		(void)curl_easy_setopt(curl, CURLOPT_CAINFO, endpoint->ca_file);
	(void)curl_easy_setopt(curl, CURLOPT_NOPROXY, place ? "*" : "127.0.0.1,::1,localhost");
	(void)curl_easy_setopt(curl, CURLOPT_CONNECT_TO, place);
	(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, post);
	(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(post));
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(
		curl, CURLOPT_TIMEOUT_MS, endpoint->timeout_ms ? endpoint->timeout_ms : 30000L);
	code = curl_easy_perform(curl);
	if (code != CURLE_OK) {
		*why = arena_print(mem, "%s: %s", endpoint->url, curl_easy_strerror(code));
		return false;
	}
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out->status);
	out->body = body.data ? body.data : "";
	out->size = body.length;
	return true;
}

json_t *request_json(struct arena *mem, const struct endpoint *endpoint, const char **why,
	const char *version, const char *action, const char *const *parameters)
{
	struct form form;
	struct api_reply reply;
	json_t *document;
	bool fits;

	*why = "memory is out";
	if (!request_form(mem, &form))
		return NULL;
	fits = request_add(&form, "Action", action) && request_add(&form, "Version", version);
	for (; fits && parameters && parameters[0]; parameters += 2)
		fits = request_add(&form, parameters[0], parameters[1]);
	if (!fits || !request_send(mem, endpoint, &form, &reply, why))
		return NULL;
	document = json_loadb(reply.body, reply.size, 0, NULL);
	if (reply.status >= 400 || !document) {
		const char *message = json_string_value(json_object_get(document, "Message"));

		*why = arena_print(mem, "%s: HTTP %ld%s%s", action, reply.status,
			message ? ", " : "", message ? message : "");
		json_decref(document);
		return NULL;
	}
	return document;
}
