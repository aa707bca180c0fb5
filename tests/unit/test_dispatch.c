/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gateway without sockets: the request forms of unmodified clients, signed anew, and every error that
 * comes before an action, with its code, its HTTP status and the parameter it names.
 *
 * Requests are templates: %K key id, %T timestamp, %N nonce, %S signature, %I an instance. V1 signatures
 * are made over what the template decodes to, as clients do over their own parameters.
 */
#include "base/clock.h"
#include "base/text.h"
#include "control/auth/nonce.h"
#include "control/auth/throttle.h"
#include "tests/support/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEADERS_MAX 12
#define FORM_TYPE                                                                                  \
	{                                                                                          \
		"Content-Type", "application/x-www-form-urlencoded"                                \
	}

struct sample {
	const char *name, *method, *query, *body;
	struct header
		header[HEADERS_MAX]; /* V3: x-acs-content-sha256 and Authorization are added */
	const char *signed_headers;  /* NULL: V1 */
	int status;
	const char *code;
};

/* What tests vary. */
struct signer {
	struct api *api;
	const char *key_id, *secret, *instance;
	const char *time, *nonce; /* NULL: now, a fresh one */
	const char *signature;	  /* NULL: the right one */
	const char *authorization;
	const char *claimed_hash; /* NULL: that of the body */
	uint64_t failing; /* allocation of the service that fails, and all after it; 0: none */
};

static const char *value_of(const struct signer *signer, char placeholder, const char *signature)
{
	char time[CLOCK_ISO_SIZE];

	switch (placeholder) {
	case 'K':
		return signer->key_id;
	case 'T':
		clock_format_iso(signer->api->clock_ms, time);
		return signer->time ? signer->time : arena_copy(signer->api->mem, time);
	case 'N':
		return signer->nonce;
	case 'I':
		return signer->instance;
	case 'S':
		return signature;
	default:
		return NULL;
	}
}

/* Fills the template; encoded: as part of a query. A '%' that begins no placeholder stays. */
static const char *fill(
	const struct signer *signer, const char *template, const char *signature, bool encoded)
{
	struct text out;
	const char *value;

	text_init(&out, signer->api->mem, 65536);
	text_add(&out, "");
	for (; *template; template ++) {
		value = *template == '%' ? value_of(signer, template[1], signature) : NULL;
		if (!value) {
			text_add_char(&out, *template);
			continue;
		}
		text_add(&out, encoded ? form_encode(signer->api->mem, value) : value);
		template ++;
	}
	assert_false(out.failed);
	return out.data;
}

static const char *v1_signature(const struct signer *signer, const struct sample *sample)
{
	struct arena *mem = signer->api->mem;
	const char *query = fill(signer, sample->query, "", true);
	const char *body = fill(signer, sample->body, "", true);
	char signature[SIGNATURE_V1_SIZE];
	struct form form = { 0 };

	if (signer->signature)
		return signer->signature;
	/* Broken encodings cannot be signed; they are refused before that. */
	if (form_decode(mem, query, strlen(query), &form) != OK ||
		form_decode(mem, body, strlen(body), &form) != OK)
		return "none";
	assert_true(signature_v1(
		signer->secret, signature_v1_string(mem, sample->method, &form), signature));
	return arena_copy(mem, signature);
}

static const char *v3_authorization(
	const struct signer *signer, const struct sample *sample, struct request *request)
{
	struct arena *mem = signer->api->mem;
	char hash[65], signature[SIGNATURE_V3_SIZE];
	struct form query = { 0 };
	struct v3_request canonical = { request->method, &query, request->header,
		request->header_count, sample->signed_headers, hash };
	char *string;

	if (signer->authorization)
		return signer->authorization;
	sha256_hex(request->body, request->body_size, hash);
	assert_int_equal(form_decode(mem, request->query, strlen(request->query), &query), OK);
	if (signature_v3_string(mem, &canonical, &string, NULL) != OK)
		string = arena_copy(mem, "");
	assert_true(signature_v3(signer->secret, string, signature));
	return arena_print(mem, "ACS3-HMAC-SHA256 Credential=%s,SignedHeaders=%s,Signature=%s",
		signer->key_id, sample->signed_headers,
		signer->signature ? signer->signature : signature);
}

/* Sends the sample; the reply is in api. */
static int send(struct signer *signer, const struct sample *sample)
{
	struct api *api = signer->api;
	struct header header[HEADERS_MAX + 2];
	struct request request = {
		.method = sample->method, .path = "/", .header = header, .clock_ms = api->clock_ms
	};
	const char *signature, *nonce = signer->nonce;
	char hash[65];
	size_t i;

	arena_reset(api->mem);
	json_decref(api->reply);
	if (!nonce)
		signer->nonce = arena_print(api->fixture, "fresh-%u", ++api->nonce);
	signature = sample->signed_headers ? "" : v1_signature(signer, sample);
	request.query = fill(signer, sample->query, signature, true);
	request.body = fill(signer, sample->body, signature, true);
	request.body_size = strlen(request.body);
	for (i = 0; i < HEADERS_MAX && sample->header[i].name; i++) {
		header[i].name = sample->header[i].name;
		header[i].value = fill(signer, sample->header[i].value, "", false);
	}
	if (sample->signed_headers) {
		sha256_hex(request.body, request.body_size, hash);
		header[i++] = (struct header){ "x-acs-content-sha256",
			signer->claimed_hash ? signer->claimed_hash : hash };
		request.header_count = i;
		header[i++] = (struct header){ "Authorization",
			v3_authorization(signer, sample, &request) };
	}
	request.header_count = i;
	arena_torture(signer->failing, 1);
	dispatch_request(&api->gateway, api->db, api->mem, &request, &api->response);
	arena_torture(0, 0);
	api->reply = json_loadb(api->response.body, api->response.body_size, 0, NULL);
	signer->nonce = nonce;
	return api->response.status;
}

static struct signer signer_of(struct api *api)
{
	return (struct signer){ .api = api,
		.key_id = api->tenant.id,
		.secret = api->tenant.secret,
		.instance = "ddoscoo-cn-none" };
}

/* The answer, with a message that tells which case it was. */
static void expect(struct signer *signer, const struct sample *sample)
{
	int status = send(signer, sample);

	if (status != sample->status || strcmp(api_code(signer->api), sample->code) != 0)
		fail_msg("%s: %d %s", sample->name, status, signer->api->response.body);
}

#define V1_LIST                                                                                    \
	"AccessKeyId=%K&Action=DescribeInstances&Format=JSON&InstanceIds.1=%I&PageNumber=1&"       \
	"PageSize=10&"
#define V1_SIGN                                                                                    \
	"SignatureMethod=HMAC-SHA1&SignatureNonce=%N&SignatureVersion=1.0&Timestamp=%T&"           \
	"Version=2020-01-01&Signature=%S"
#define V1_RELEASE "AccessKeyId=%K&Action=ReleaseInstance&Format=JSON&InstanceId=%I&" V1_SIGN
#define V3_HEADERS(action)                                                                         \
	{ "host", "127.0.0.1:18103" }, { "x-acs-version", "2020-01-01" },                          \
		{ "x-acs-action", action }, { "x-acs-date", "%T" },                                \
		{ "x-acs-signature-nonce", "%N" }, { "accept", "application/json" },               \
	{                                                                                          \
		"x-acs-credentials-provider", "static_ak"                                          \
	}
#define V3_SIGNED                                                                                  \
	"host;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;"            \
	"x-acs-signature-nonce;x-acs-version"
#define NESTED                                                                                     \
	"Domain=www.example.com&RsType=0&RealServers.1=192.0.2.1&ProxyTypes.1.ProxyPorts.1=80&"    \
	"ProxyTypes.1.ProxyPorts.2=8080&ProxyTypes.1.ProxyType=http&"

static const struct sample client_forms[] = {
	{ "pop-core GET", "GET", V1_LIST "x*y=v%2A~%C3%A9&" V1_SIGN, "", { { 0 } }, NULL, 200, "" },
	{ "pop-core GET, an error", "GET", V1_RELEASE, "", { { 0 } }, NULL, 400,
		"InstanceNotExpire" },
	{ "pop-core POST, all in the body", "POST", "", V1_LIST V1_SIGN, { FORM_TYPE }, NULL, 200,
		"" },
	{ "pop-core POST, an error", "POST", "", V1_RELEASE, { FORM_TYPE }, NULL, 400,
		"InstanceNotExpire" },
	{ "Python: POST, all in the query, empty SignatureType", "POST",
		V1_LIST NESTED "SignatureType=&RegionId=cn-hangzhou&" V1_SIGN, "", { { 0 } }, NULL,
		200, "" },
	{ "CLI: '+' for a space, content type without a body", "POST",
		V1_LIST
		"Tag=k+1&Other=%5B%7B%22ProxyType%22%3A%22http%22%7D%5D&SignatureType=&" V1_SIGN,
		"", { FORM_TYPE }, NULL, 200, "" },
	{ "Java: another order", "POST",
		"Action=DescribeInstances&PageSize=10&Timestamp=%T&SignatureVersion=1.0&Format="
		"JSON&"
		"SignatureNonce=%N&Version=2020-01-01&PageNumber=1&AccessKeyId=%K&Signature=%S&"
		"SignatureMethod=HMAC-SHA1&RegionId=cn-hangzhou&InstanceIds.1=%I",
		"", { FORM_TYPE, { "Accept", "application/json" } }, NULL, 200, "" },
	{ "Terraform: split between query and body", "POST",
		"Action=DescribeInstances&Format=json&Timestamp=%T&Version=2020-01-01&"
		"SignatureNonce=%N&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&AccessKeyId=%K&"
		"Signature=%S",
		"InstanceIds.1=%I&PageSize=20&PageNumber=1&RegionId=cn-hangzhou&" NESTED,
		{ FORM_TYPE }, NULL, 200, "" },
	{ "Terraform: an error", "POST",
		"Action=ReleaseInstance&Format=json&Timestamp=%T&Version=2020-01-01&"
		"SignatureNonce=%N&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&AccessKeyId=%K&"
		"Signature=%S",
		"RegionId=cn-hangzhou&InstanceId=%I", { FORM_TYPE }, NULL, 400,
		"InstanceNotExpire" },
	{ "V1 as the documents spell it", "GET",
		"AccessKeyId=%K&Action=DescribeInstances&PageNumber=1&PageSize=10&"
		"SignatureMethod=HMAC-SHA1&SignatureNonce=%N&SignatureVersion=1.0&TimeStamp=%T&"
		"Version=2020-01-01&Signature=%S",
		"", { { 0 } }, NULL, 200, "" },
	{ "V3, openapi-client: raw '*' in the query", "POST",
		"PageNumber=1&PageSize=10&InstanceIds.1=%I&Other=v*~%C3%A9", "",
		{ V3_HEADERS("DescribeInstances") }, V3_SIGNED, 200, "" },
	{ "V3, Go: '+' for a space", "POST",
		"InstanceIds.1=%I&PageNumber=1&PageSize=10&Other=k+1&" NESTED, "",
		{ V3_HEADERS("DescribeInstances"), { "Accept-Encoding", "gzip" } }, V3_SIGNED, 200,
		"" },
	{ "V3, an error", "POST", "InstanceId=%I", "", { V3_HEADERS("ReleaseInstance") }, V3_SIGNED,
		400, "InstanceNotExpire" },
	{ "V3, a form in the body", "POST", "", "InstanceId=%I&CertName=a%20b*c~d",
		{ V3_HEADERS("ReleaseInstance"), FORM_TYPE }, "content-type;" V3_SIGNED, 400,
		"InstanceNotExpire" },
	{ "V3 by GET", "GET", "PageNumber=1&PageSize=10", "", { V3_HEADERS("DescribeInstances") },
		V3_SIGNED, 200, "" },
};

static void client_forms_are_served(void **state)
{
	struct signer signer = signer_of(*state);
	size_t i;

	signer.instance = api_buy(signer.api, "ddoscoo", "Ipv4");
	for (i = 0; i < sizeof(client_forms) / sizeof(*client_forms); i++) {
		expect(&signer, &client_forms[i]);
		assert_int_equal(strlen(signer.api->response.request_id), 36);
		assert_string_equal(
			api_text(signer.api, "RequestId"), signer.api->response.request_id);
		if (client_forms[i].status == 200)
			assert_string_equal(
				api_text(signer.api, "Instances.0.InstanceId"), signer.instance);
	}
}

/* V1 without one of its parameters each. */
static void each_parameter_is_needed(void **state)
{
	static const char *const parameters[] = { "Action=DescribeInstanceIds",
		"Version=2020-01-01", "AccessKeyId=%K", "SignatureMethod=HMAC-SHA1",
		"SignatureVersion=1.0", "SignatureNonce=%N", "Timestamp=%T", "Signature=%S" };
	struct signer signer = signer_of(*state);
	char query[512], name[64];
	size_t left_out, i, form;

	for (left_out = 0; left_out < 8; left_out++) {
		(void)snprintf(name, sizeof(name), "\"%.*s\"",
			(int)strcspn(parameters[left_out], "="), parameters[left_out]);
		/* Absent, then present but empty. */
		for (form = 0; form < 2; form++) {
			query[0] = '\0';
			for (i = 0; i < 8; i++) {
				(void)strncat(query, parameters[i],
					i != left_out ? 100
					: form	      ? strcspn(parameters[i], "=") + 1
						      : 0);
				(void)strncat(query, "&", 2);
			}
			struct sample sample = { name, "GET", query, "", { { 0 } }, NULL, 400,
				"MissingParameter" };
			expect(&signer, &sample);
			assert_non_null(strstr(api_text(signer.api, "Message"), name));
		}
	}
}

#define V1(rest) "AccessKeyId=%K&" rest "&" V1_SIGN
#define IDS	 "Action=DescribeInstanceIds"

static const struct {
	struct sample sample;
	const char *named; /* in Message */
} errors[] = {
	{ { "unknown action", "GET", V1("Action=Nothing"), "", { { 0 } }, NULL, 404,
		  "InvalidAction.NotFound" },
		"api is not found" },
	{ { "action of another case", "GET", V1("Action=describeInstanceIds"), "", { { 0 } }, NULL,
		  404, "InvalidAction.NotFound" },
		"" },
	{ { "unknown version", "GET",
		  "AccessKeyId=%K&" IDS "&SignatureMethod=HMAC-SHA1&SignatureNonce=%N&"
		  "SignatureVersion=1.0&Timestamp=%T&Version=2020-01-02&Signature=%S",
		  "", { { 0 } }, NULL, 400, "InvalidVersion" },
		"Version" },
	{ { "method", "PUT", V1(IDS), "", { { 0 } }, NULL, 403, "UnsupportedHTTPMethod" },
		"method" },
	{ { "format", "GET", V1(IDS "&Format=YAML"), "", { { 0 } }, NULL, 400, "InvalidParameter" },
		"\"Format\"" },
	{ { "JSON body", "POST", V1(IDS), "{\"a\":1}", { { "content-type", "application/json" } },
		  NULL, 400, "InvalidParameter.ContentType" },
		"Content-Type" },
	{ { "form type with a charset", "POST", V1(IDS), "a=1",
		  { { "content-type", "Application/X-WWW-Form-Urlencoded; charset=UTF-8" } }, NULL,
		  200, "" },
		"" },
	{ { "no type", "POST", V1(IDS), "a=1", { { 0 } }, NULL, 200, "" }, "" },
	{ { "broken escape", "GET", V1(IDS "&a=%"), "", { { 0 } }, NULL, 400,
		  "InvalidParameter.Format" },
		"encoding" },
	{ { "NUL", "POST", V1(IDS), "a=%00", { { 0 } }, NULL, 400, "InvalidParameter.Format" },
		"" },
	{ { "not UTF-8", "GET", V1(IDS "&a=%ff"), "", { { 0 } }, NULL, 400,
		  "InvalidParameter.Format" },
		"UTF-8" },
	{ { "parameter twice", "GET", V1(IDS "&Edition=9&Edition=9"), "", { { 0 } }, NULL, 400,
		  "InvalidParameter" },
		"\"Edition\"" },
	{ { "parameter in query and body", "POST", V1(IDS "&Edition=9"), "Edition=9", { { 0 } },
		  NULL, 400, "InvalidParameter" },
		"\"Edition\"" },
	{ { "action twice", "POST", V1(IDS), "Action=ReleaseInstance", { { 0 } }, NULL, 400,
		  "InvalidParameter" },
		"\"Action\"" },
	{ { "signature method", "GET",
		  "AccessKeyId=%K&" IDS "&SignatureMethod=SHA256withRSA&SignatureNonce=%N&"
		  "SignatureVersion=1.0&Timestamp=%T&Version=2020-01-01&Signature=%S",
		  "", { { 0 } }, NULL, 400, "InvalidParameter" },
		"\"SignatureMethod\"" },
	{ { "signature version", "GET",
		  "AccessKeyId=%K&" IDS "&SignatureMethod=HMAC-SHA1&SignatureNonce=%N&"
		  "SignatureVersion=2.0&Timestamp=%T&Version=2020-01-01&Signature=%S",
		  "", { { 0 } }, NULL, 400, "InvalidParameter" },
		"\"SignatureVersion\"" },
	{ { "bearer token", "GET", V1(IDS "&SignatureType=BEARERTOKEN"), "", { { 0 } }, NULL, 400,
		  "InvalidParameter" },
		"\"SignatureType\"" },
	{ { "parameter of the action", "GET",
		  V1("Action=DescribeInstances&PageNumber=1&PageSize=51"), "", { { 0 } }, NULL, 400,
		  "InvalidParameter" },
		"\"PageSize\"" },
	{ { "required parameter of the action", "GET", V1("Action=DescribeInstances&PageNumber=1"),
		  "", { { 0 } }, NULL, 400, "MissingParameter" },
		"\"PageSize\"" },
	{ { "operator's action", "GET",
		  "AccessKeyId=%K&Action=CreateAccount&Name=x&SignatureMethod=HMAC-SHA1&"
		  "SignatureNonce=%N&SignatureVersion=1.0&Timestamp=%T&Version=2026-11-01&"
		  "Signature=%S",
		  "", { { 0 } }, NULL, 403, "Forbidden.RAM" },
		"not authorized" },
	{ { "V3, other hash of the body", "POST", "", "a=1",
		  { V3_HEADERS("DescribeInstanceIds"), { "x-acs-content-sha256", "00" } },
		  V3_SIGNED, 400, "IncompleteSignature" },
		"" },
	{ { "V3, header not signed", "POST", "", "", { V3_HEADERS("DescribeInstanceIds") },
		  "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-version", 400,
		  "IncompleteSignature" },
		"\"x-acs-signature-nonce\"" },
	{ { "V3, signed header absent", "POST", "", "", { V3_HEADERS("DescribeInstanceIds") },
		  V3_SIGNED ";x-acs-other", 400, "IncompleteSignature" },
		"" },
	{ { "V3, token not signed", "POST", "", "",
		  { V3_HEADERS("DescribeInstanceIds"), { "x-acs-security-token", "STS.x" } },
		  V3_SIGNED, 400, "IncompleteSignature" },
		"\"x-acs-security-token\"" },
	{ { "V3, other key id", "POST", "", "",
		  { V3_HEADERS("DescribeInstanceIds"), { "x-acs-accesskey-id", "other" } },
		  V3_SIGNED ";x-acs-accesskey-id", 400, "InvalidParameter" },
		"\"x-acs-accesskey-id\"" },
	{ { "V3, no date", "POST", "", "",
		  { { "host", "a" }, { "x-acs-version", "2020-01-01" },
			  { "x-acs-action", "DescribeInstanceIds" },
			  { "x-acs-signature-nonce", "%N" } },
		  V3_SIGNED, 400, "MissingParameter" },
		"\"x-acs-date\"" },
	{ { "V3, no action", "POST", "Action=DescribeInstanceIds", "",
		  { { "host", "a" }, { "x-acs-version", "2020-01-01" } }, V3_SIGNED, 400,
		  "MissingParameter" },
		"\"x-acs-action\"" },
};

static void errors_are_named(void **state)
{
	struct signer signer = signer_of(*state);
	struct api *api = signer.api;
	char recommend[200];
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		expect(&signer, &errors[i].sample);
		if (!strstr(api_text(api, "Message"), errors[i].named))
			fail_msg("%s: %s", errors[i].sample.name, api->response.body);
		if (errors[i].sample.status == 200)
			continue;
		(void)snprintf(recommend, sizeof(recommend), "http://%s/console/#/errors/%s",
			api_text(api, "HostId"), errors[i].sample.code);
		assert_string_equal(api_text(api, "Recommend"), recommend);
	}
}

static const struct sample list_v1 = { "V1", "GET", V1(IDS), "", { { 0 } }, NULL, 200, "" };
static const struct sample list_v3 = { "V3", "POST", "", "", { V3_HEADERS("DescribeInstanceIds") },
	V3_SIGNED, 200, "" };

static void expect_code(
	struct signer *signer, const struct sample *sample, int status, const char *code)
{
	struct sample changed = *sample;

	changed.status = status;
	changed.code = code;
	expect(signer, &changed);
}

static void other_paths_are_not_found(void **state)
{
	struct api *api = *state;
	struct request request = { .method = "GET",
		.path = "/other",
		.query = "",
		.body = "",
		.clock_ms = api->clock_ms };

	arena_reset(api->mem);
	dispatch_request(&api->gateway, api->db, api->mem, &request, &api->response);
	assert_int_equal(api->response.status, 404);
	request.path = "/";
	/* No connection to the store: still an answer. */
	request.query = "AccessKeyId=a&" IDS "&SignatureMethod=HMAC-SHA1&SignatureNonce=n&"
			"SignatureVersion=1.0&Timestamp=2026-11-23T10:00:00Z&Version=2020-01-01&"
			"Signature=s";
	dispatch_request(&api->gateway, NULL, api->mem, &request, &api->response);
	assert_int_equal(api->response.status, 503);
}

/* By the scheme that the proxy in front tells, and only to names that can be in a link. */
static void errors_link_to_their_page(void **state)
{
	static const struct {
		const char *scheme, *host, *link;
	} cases[] = {
		{ "https", "api.example:8443", "https://api.example:8443/console/#/errors/" },
		{ "http", "[2001:db8::1]", "http://[2001:db8::1]/console/#/errors/" },
		{ "javascript", "api.example", "http://api.example/console/#/errors/" },
		{ "https", "evil.example/#", "https://polder.test/console/#/errors/" },
		{ "https", "a b", "https://polder.test/console/#/errors/" },
	};
	struct api *api = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct header header[] = { { "X-Forwarded-Proto", cases[i].scheme },
			{ "Host", cases[i].host } };
		const struct request request = { .method = "GET",
			.path = "/",
			.query = "",
			.body = "",
			.header = header,
			.header_count = 2,
			.clock_ms = api->clock_ms };

		arena_reset(api->mem);
		dispatch_request(&api->gateway, api->db, api->mem, &request, &api->response);
		json_decref(api->reply);
		api->reply = json_loadb(api->response.body, api->response.body_size, 0, NULL);
		assert_memory_equal(
			api_text(api, "Recommend"), cases[i].link, strlen(cases[i].link));
		assert_string_equal(
			api_text(api, "Recommend") + strlen(cases[i].link), "MissingParameter");
	}
}

static void mismatch_shows_the_string(void **state)
{
	static const char sentence[] = "Specified signature is not matched with our calculation. "
				       "server string to sign is:";
	struct signer signer = signer_of(*state);
	const char *message;

	signer.secret = "another secret";
	expect_code(&signer, &list_v1, 400, "SignatureDoesNotMatch");
	message = api_text(signer.api, "Message");
	assert_memory_equal(message, sentence, sizeof(sentence) - 1);
	assert_memory_equal(message + sizeof(sentence) - 1, "GET&%2F&AccessKeyId%3D", 22);
	expect_code(&signer, &list_v3, 400, "SignatureDoesNotMatch");
	message = api_text(signer.api, "Message");
	assert_memory_equal(message + sizeof(sentence) - 1, "ACS3-HMAC-SHA256\n", 17);
	/* A body that is not the one whose hash the client claims, although all is signed. */
	signer = signer_of(*state);
	signer.claimed_hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b856";
	expect_code(&signer, &list_v3, 400, "SignatureDoesNotMatch");
	signer = signer_of(*state);
	signer.signature = "short";
	expect_code(&signer, &list_v1, 400, "SignatureDoesNotMatch");
	expect_code(&signer, &list_v3, 400, "IncompleteSignature");
	signer.authorization = "ACS3-HMAC-SHA256 nonsense";
	expect_code(&signer, &list_v3, 400, "IncompleteSignature");
}

static void clock_skew(void **state)
{
	static const struct {
		int64_t span_ms;
		const char *code;
	} spans[] = {
		{ 0, "" },
		{ TIMESTAMP_SKEW_MS, "" },
		{ -TIMESTAMP_SKEW_MS, "" },
		{ TIMESTAMP_SKEW_MS + SECOND_MS, "InvalidTimeStamp.Expired" },
		{ -TIMESTAMP_SKEW_MS - SECOND_MS, "InvalidTimeStamp.Expired" },
	};
	static const char *const malformed[] = { "2026-11-23 10:00:00", "2026-11-23T10:00:00",
		"yesterday", "1795428000" };
	struct signer signer = signer_of(*state);
	char time[CLOCK_ISO_SIZE];
	size_t i;

	/* The fixture's nonces are as old as its clock: older timestamps are tried later. */
	signer.api->clock_ms += 2 * TIMESTAMP_SKEW_MS;
	for (i = 0; i < sizeof(spans) / sizeof(*spans); i++) {
		clock_format_iso(signer.api->clock_ms + spans[i].span_ms, time);
		signer.time = time;
		expect_code(&signer, &list_v1, spans[i].code[0] ? 400 : 200, spans[i].code);
		expect_code(&signer, &list_v3, spans[i].code[0] ? 400 : 200, spans[i].code);
	}
	for (i = 0; i < sizeof(malformed) / sizeof(*malformed); i++) {
		signer.time = malformed[i];
		expect_code(&signer, &list_v1, 400, "InvalidTimeStamp.Format");
		expect_code(&signer, &list_v3, 400, "InvalidTimeStamp.Format");
	}
}

static void nonces_are_used_once(void **state)
{
	struct signer signer = signer_of(*state), other = signer_of(*state);
	struct signer stranger = signer_of(*state);

	signer.nonce = "the-nonce";
	/* Whoever cannot sign does not use up a nonce. */
	stranger.nonce = "the-nonce";
	stranger.secret = "wrong";
	expect_code(&stranger, &list_v1, 400, "SignatureDoesNotMatch");
	expect(&signer, &list_v1);
	expect_code(&signer, &list_v1, 400, "SignatureNonceUsed");
	expect_code(&signer, &list_v3, 400, "SignatureNonceUsed");
	/* Another key has nonces of its own. */
	other.key_id = signer.api->other.id;
	other.secret = signer.api->other.secret;
	other.nonce = "the-nonce";
	expect(&other, &list_v3);
	expect_code(&other, &list_v1, 400, "SignatureNonceUsed");
}

static void unknown_keys(void **state)
{
	static const char long_id[] = "LTAI0123456789012345678901234567890123456789";
	struct signer signer = signer_of(*state);

	signer.key_id = "LTAINOBODY";
	expect_code(&signer, &list_v1, 404, "InvalidAccessKeyId.NotFound");
	expect_code(&signer, &list_v3, 404, "InvalidAccessKeyId.NotFound");
	signer.key_id = long_id;
	expect_code(&signer, &list_v1, 404, "InvalidAccessKeyId.NotFound");
}

static void xml_is_the_same_document(void **state)
{
	static const struct sample xml = { "XML", "GET",
		V1("Action=DescribeInstances&PageNumber=1&PageSize=10&Format=xml"), "", { { 0 } },
		NULL, 200, "" };
	static const struct sample remark = { "remark", "POST",
		V1("Action=ModifyInstanceRemark&InstanceId=%I"), "Remark=a%01b%20%3C%26%3E",
		{ FORM_TYPE }, NULL, 200, "" };
	static const struct sample wrong = { "XML", "GET", V1("Action=Nothing&Format=XML"), "",
		{ { 0 } }, NULL, 404, "" };
	struct signer signer = signer_of(*state);
	const char *body;

	expect(&signer, &xml);
	assert_non_null(strstr(signer.api->response.body, "<Instances></Instances>"));
	signer.instance = api_buy(signer.api, "ddoscoo", "Ipv4");
	expect(&signer, &remark);
	expect(&signer, &xml);
	body = signer.api->response.body;
	assert_string_equal(signer.api->response.content_type, "text/xml;charset=utf-8");
	assert_non_null(strstr(body, "<DescribeInstancesResponse><RequestId>"));
	assert_non_null(strstr(body, "<Instances><Instance>"));
	assert_non_null(strstr(body, "<Remark>a\xef\xbf\xbd"
				     "b &lt;&amp;&gt;</Remark>"));
	expect(&signer, &wrong);
	body = signer.api->response.body;
	assert_non_null(strstr(body, "<Error><RequestId>"));
	assert_non_null(
		strstr(body, "<HostId>polder.test</HostId><Code>InvalidAction.NotFound</Code>"
			     "<Message>"));
}

static void rates_are_held(void **state)
{
	struct signer signer = signer_of(*state), other = signer_of(*state);
	struct throttle *throttle = throttle_new(10);
	int i;

	assert_non_null(throttle);
	signer.api->gateway.throttle = throttle;
	for (i = 0; i < 10; i++)
		expect(&signer, &list_v1);
	expect_code(&signer, &list_v1, 400, "Throttling.User");
	assert_string_equal(signer.api->response.retry_after_ms, "100");
	/* Another account, and another action, have their own. */
	other.key_id = signer.api->other.id;
	other.secret = signer.api->other.secret;
	expect(&other, &list_v3);
	signer.api->clock_ms += 99;
	expect_code(&signer, &list_v1, 400, "Throttling.User");
	signer.api->clock_ms += 1;
	expect(&signer, &list_v1);
	assert_null(signer.api->response.retry_after_ms);
	expect_code(&signer, &list_v1, 400, "Throttling.User");
	signer.api->clock_ms += HOUR_MS;
	for (i = 0; i < 10; i++)
		expect(&signer, &list_v1);
	/* A call that is one too many uses up no nonce: all accounts share their table. */
	signer.nonce = "once more";
	expect_code(&signer, &list_v1, 400, "Throttling.User");
	signer.api->clock_ms += 100;
	expect(&signer, &list_v1);
	/* One that comes again costs nothing of the rate. */
	signer.api->clock_ms += 100;
	for (i = 0; i < 3; i++)
		expect_code(&signer, &list_v1, 400, "SignatureNonceUsed");
	signer.nonce = NULL;
	expect(&signer, &list_v1);
	throttle_free(throttle);
	signer.api->gateway.throttle = NULL;
}

/* However many actions there are, an account has a bound, and others have their own. */
static void rates_of_accounts_are_held(void **state)
{
	static const struct action actions[THROTTLE_ACCOUNT_TIMES + 1];
	struct throttle *throttle = throttle_new(1);
	int64_t retry_ms;

	(void)state;
	assert_non_null(throttle);
	for (int i = 0; i < THROTTLE_ACCOUNT_TIMES; i++)
		assert_true(throttle_allow(throttle, 1, &actions[i], SECOND_MS, &retry_ms));
	assert_false(throttle_allow(
		throttle, 1, &actions[THROTTLE_ACCOUNT_TIMES], SECOND_MS, &retry_ms));
	assert_int_equal(retry_ms, 1000 / THROTTLE_ACCOUNT_TIMES);
	assert_true(throttle_allow(
		throttle, 2, &actions[THROTTLE_ACCOUNT_TIMES], SECOND_MS, &retry_ms));
	/* The action itself was not used. */
	assert_true(throttle_allow(throttle, 1, &actions[THROTTLE_ACCOUNT_TIMES],
		SECOND_MS + 1000 / THROTTLE_ACCOUNT_TIMES, &retry_ms));
	throttle_free(throttle);
}

/* Whatever fails for want of memory: an answer that is JSON, and nothing changed. */
static void every_allocation_fails(void **state)
{
	static const struct sample write = { "write", "GET",
		"AccessKeyId=%K&Action=CreateAccount&Name=x&SignatureMethod=HMAC-SHA1&"
		"SignatureNonce=%N&SignatureVersion=1.0&Timestamp=%T&Version=2026-11-01&"
		"Signature=%S",
		"", { { 0 } }, NULL, 200, "" };
	struct signer signer = signer_of(*state);
	const char *before;
	int status = 0;

	signer.key_id = signer.api->root.id;
	signer.secret = signer.api->root.secret;
	while (status != 200) {
		signer.failing++;
		assert_true(signer.failing < 1000);
		before = api_dump(signer.api);
		status = send(&signer, &write);
		assert_non_null(signer.api->reply);
		if (status == 200)
			break;
		assert_int_equal(status, 503);
		assert_string_equal(api_code(signer.api), "ServiceUnavailable");
		assert_string_equal(api_dump(signer.api), before);
	}
	assert_true(signer.failing > 30);
	assert_true(api_audit_whole(signer.api));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(client_forms_are_served),
		API_CASE(each_parameter_is_needed),
		API_CASE(errors_are_named),
		API_CASE(other_paths_are_not_found),
		API_CASE(errors_link_to_their_page),
		API_CASE(mismatch_shows_the_string),
		API_CASE(clock_skew),
		API_CASE(nonces_are_used_once),
		API_CASE(unknown_keys),
		API_CASE(xml_is_the_same_document),
		API_CASE(rates_are_held),
		cmocka_unit_test(rates_of_accounts_are_held),
		API_CASE(every_allocation_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
