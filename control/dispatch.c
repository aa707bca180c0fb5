/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The steps of a request, in the order in which their errors are reported: method and path, encoding,
 * action, credentials, timestamp, key, signature, nonce, token, rate, permission, parameters, handler.
 * A nonce is taken only once the signature is proved, so that strangers cannot use up anyone's, and the rate allows the call,
 * so that nobody fills the table that all accounts share. One that was used is refused before it costs of the rate.
 *
 * One transaction holds all that a request reads. A WRITE authenticates in a reading one first: whoever
 * cannot sign never waits for, nor holds, the one writer's place. Its audit record is part of the
 * transaction, so there is no change without a record and no record without its change. What takes long
 * (passwords) an action does before its transaction.
 *
 * An action that is open has no credentials; who calls is found out by what it does before. Nothing else comes
 * without a signature: serve() reads credentials of all others, and transact() proves them.
 */
#include "control/dispatch.h"

#include <assert.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "control/auth/call_log.h"
#include "control/auth/credentials.h"
#include "control/auth/nonce.h"
#include "control/auth/throttle.h"
#include "control/call.h"
#include "control/reply.h"
#include "control/store/user.h"

#define REQUEST_ID_SIZE 37
/* A Host longer than a name of the DNS is not repeated in errors. */
#define HOST_BYTES_MAX 261
/* Longer values are recorded by their hash. */
#define AUDIT_VALUE_MAX 4096
/* Of one audit record: 50 instances with all their tags, before and after, are below. */
#define AUDIT_DETAIL_MAX ((size_t)7 << 19)

struct exchange {
	const struct gateway *gateway;
	const struct request *request;
	struct response *out;
	struct call call;
	struct form query; /* V3 signs it apart from the body */
	struct form all;
	enum reply_format format;
	struct credentials credentials;
	struct access_key key;
};

/* Random UUID (RFC 4122, version 4), upper case as the published service writes it. */
static bool make_request_id(char out[REQUEST_ID_SIZE])
{
	uint8_t b[16];

	if (RAND_bytes(b, sizeof(b)) != 1)
		return false;
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	(void)snprintf(out, REQUEST_ID_SIZE,
		"%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", b[0], b[1],
		b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		b[15]);
	return true;
}

static enum err check_method(const struct request *request)
{
	if (strcmp(request->path, "/") != 0)
		return ERR_ACTION_NOT_FOUND;
	if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "POST") != 0)
		return ERR_HTTP_METHOD;
	return OK;
}

static bool has_form_body(const struct request *request)
{
	return strcmp(request->method, "POST") == 0 && request->body_size > 0;
}

static enum err check_content_type(const struct request *request)
{
	static const char form_type[] = "application/x-www-form-urlencoded";
	const char *type = request_header(request, "Content-Type");
	size_t length;

	if (!has_form_body(request) || !type)
		return OK;
	length = strcspn(type, "; \t");
	if (length == sizeof(form_type) - 1 && strncasecmp(type, form_type, length) == 0)
		return OK;
	return ERR_CONTENT_TYPE;
}

/* A parameter that occurs twice could mean one thing to the signature and another to the handler. */
static enum err check_repeats(struct exchange *exchange)
{
	const struct form *form = &exchange->all;
	size_t i;

	form_sort(&exchange->all);
	for (i = 1; i < form->count; i++) {
		if (strcmp(form->pair[i].key, form->pair[i - 1].key) == 0)
			return refuse(&exchange->call, ERR_INVALID_PARAMETER,
				"The specified parameter \"%s\" is not valid: it is given more "
				"than "
				"once.",
				form->pair[i].key);
	}
	return OK;
}

static enum err decode_forms(struct exchange *exchange)
{
	const struct request *request = exchange->request;
	struct arena *mem = exchange->call.mem;

	TRY(form_decode(mem, request->query, strlen(request->query), &exchange->query));
	exchange->all = exchange->query;
	if (has_form_body(request))
		TRY(form_decode(mem, request->body, request->body_size, &exchange->all));
	return OK;
}

static enum err choose_format(struct exchange *exchange)
{
	const char *accept = request_header(exchange->request, "Accept");
	const char *format = form_get(&exchange->all, "Format");

	if (credentials_is_v3(exchange->request)) {
		if (accept && strcasestr(accept, "xml") && !strcasestr(accept, "json"))
			exchange->format = REPLY_XML;
		return OK;
	}
	if (!format || format[0] == '\0' || strcasecmp(format, "JSON") == 0)
		return OK;
	if (strcasecmp(format, "XML") == 0) {
		exchange->format = REPLY_XML;
		return OK;
	}
	return refuse(&exchange->call, ERR_INVALID_PARAMETER,
		"The specified parameter \"Format\" is not valid: it must be JSON or XML.");
}

static enum err find_action(struct exchange *exchange)
{
	struct credentials *credentials = &exchange->credentials;
	bool version_known = false;

	TRY(credentials_name(&exchange->call, exchange->request, credentials));
	exchange->call.action =
		action_find(credentials->version, credentials->action, &version_known);
	if (exchange->call.action)
		return OK;
	return version_known ? ERR_ACTION_NOT_FOUND : ERR_INVALID_VERSION;
}

static enum err check_token(const struct exchange *exchange)
{
	const char *token = exchange->credentials.token, *expected = exchange->key.token;
	size_t length;

	if (!token)
		return expected ? ERR_TOKEN_MISSING : OK;
	if (!expected)
		return ERR_TOKEN_MISMATCH;
	length = strlen(expected);
	if (strlen(token) != length)
		return ERR_TOKEN_MALFORMED;
	if (!text_equal_constant_time(token, expected, length))
		return ERR_TOKEN_MISMATCH;
	return exchange->call.clock_ms < exchange->key.expires_ms ? OK : ERR_TOKEN_EXPIRED;
}

static enum err check_rate(struct exchange *exchange, int64_t account)
{
	struct throttle *throttle = exchange->gateway->throttle;
	int64_t retry_ms = 0;

	if (!throttle || throttle_allow(throttle, account, exchange->call.action,
				 exchange->call.clock_ms, &retry_ms))
		return OK;
	exchange->call.retry_ms = retry_ms;
	return ERR_THROTTLED_USER;
}

/* The store is in a reading transaction. */
static enum err authenticate(struct exchange *exchange)
{
	const struct credentials *credentials = &exchange->credentials;
	struct nonces *nonces = exchange->gateway->nonces;
	struct call *call = &exchange->call;

	if (strlen(credentials->key_id) >= ACCESS_KEY_ID_SIZE)
		return ERR_ACCESS_KEY_NOT_FOUND;
	TRY(access_key_load(call->db, call->vault, call->mem, credentials->key_id, &exchange->key));
	if (!exchange->key.active)
		return ERR_ACCESS_KEY_INACTIVE;
	TRY(credentials_verify(call, exchange->request, credentials, exchange->key.secret,
		&exchange->query, &exchange->all));
	TRY(nonces_check(nonces, credentials->key_id, credentials->nonce, credentials->time_ms,
		call->clock_ms));
	TRY(check_token(exchange));
	TRY(check_rate(exchange, exchange->key.account));
	TRY(nonces_use(nonces, credentials->key_id, credentials->nonce, credentials->time_ms,
		call->clock_ms));
	if (exchange->key.permission < call->action->permission)
		return ERR_FORBIDDEN;
	call->key = &exchange->key;
	return OK;
}

/* What authenticates a request or is secret in itself never enters the audit log; nor does what the
 * action does not know, which has no effect and would let clients fill the log with anything. */
static bool is_recorded(const struct action *action, const char *name)
{
	static const char *const left_out[] = { "AccessKeyId", "AccessKeySecret", "Action", "Cert",
		"Format", "Key", "Password", "SecurityToken", "Signature", "SignatureMethod",
		"SignatureNonce", "SignatureType", "SignatureVersion", "TimeStamp", "Timestamp",
		"Version" };
	size_t i;

	for (i = 0; i < sizeof(left_out) / sizeof(*left_out); i++) {
		if (strcmp(name, left_out[i]) == 0)
			return false;
	}
	return action_takes(action, name);
}

static json_t *recorded_value(const char *value)
{
	char shown[80];
	char hash[65];

	if (strlen(value) <= AUDIT_VALUE_MAX)
		return json_string(value);
	sha256_hex(value, strlen(value), hash);
	(void)snprintf(shown, sizeof(shown), "sha256:%s", hash);
	return json_string(shown);
}

DEFINE_AUTO(json, json_t *, json_decref);

/* A change that no record can hold does not happen. */
static enum err write_detail(struct call *call, const json_t *detail, const char **out)
{
	struct json_sink output = { .asked = 0 };

	text_init(&output.text, call->mem, AUDIT_DETAIL_MAX);
	if (json_dump_callback(detail, json_sink_add, &output, JSON_COMPACT) != 0) {
		if (output.asked > AUDIT_DETAIL_MAX)
			return refuse(call, ERR_LIMIT,
				"The call changes more than one audit record can hold: make "
				"several calls of it.");
		return ERR_MEMORY;
	}
	*out = output.text.data;
	return OK;
}

/* {"parameters":{..}}, the members of call->change, and "several":true when it is about more instances
 * than the one that the record names. */
static enum err audit_detail(struct call *call, const char **out)
{
	AUTO(json) json_t *detail = json_object();
	json_t *parameters = json_object();
	const struct form *form = call->form;
	size_t i;

	TRY(put(detail, "parameters", parameters));
	for (i = 0; i < form->count; i++) {
		if (is_recorded(call->action, form->pair[i].key))
			TRY(put(parameters, form->pair[i].key,
				recorded_value(form->pair[i].value)));
	}
	if (call->change && json_object_update(detail, call->change) != 0)
		return ERR_MEMORY;
	if (call->several)
		TRY(put(detail, "several", json_true()));
	return write_detail(call, detail, out);
}

/* In the log of whose instance it is, so that he also sees what operators did to it. A call about several
 * may show one customer's to another and stays with the caller. */
static enum err record(struct call *call)
{
	bool of_owner = call->object_account && !call->several;
	struct audit_row row = {
		.time_ms = call->clock_ms,
		.account = of_owner ? call->object_account : call->key->account,
		.actor = call_actor(call),
		.request_id = call->request_id,
		.action = call->action->name,
		.object = call->object ? call->object : "",
	};

	TRY(audit_detail(call, &row.detail));
	return audit_append(call->db, &row);
}

/* Does what comes before the transaction of the action: the one that authenticated is over by then. */
static enum err prepare(struct exchange *exchange, const void *args)
{
	struct call *call = &exchange->call;
	const struct action *action = call->action;

	if (action->mode == WRITE || action->before)
		db_rollback(call->db);
	if (action->before)
		TRY(action->before(call, args));
	assert(call->key);
	if (action->is_open)
		TRY(check_rate(exchange, call->key->account));
	if (action->mode == WRITE || action->before)
		TRY(db_begin(call->db, action->mode == WRITE ? DB_WRITE : DB_READ));
	return OK;
}

/* Decodes, prepares and runs; leaves the transaction that the action asks for. */
static enum err run(struct exchange *exchange)
{
	struct call *call = &exchange->call;
	const struct action *action = call->action;
	char why[SPEC_WHY_SIZE];
	void *args = arena_take(call->mem, action->args_size);
	enum err err;

	if (!args)
		return ERR_MEMORY;
	err = spec_decode(call->mem, action->params, call->form, args, action->args_size, why);
	if (err != OK)
		return why[0] ? refuse(call, err, "%s", why) : err;
	TRY(prepare(exchange, args));
	TRY(action->run(call, args));
	if (action->mode == WRITE && !action->unrecorded)
		TRY(record(call));
	/* Built before the commit: nothing may fail for want of memory after it. */
	return reply_success(call->mem, exchange->format, action, call->reply, exchange->out);
}

static enum err transact(struct exchange *exchange)
{
	struct call *call = &exchange->call;
	enum err err = OK;

	TRY(db_begin(call->db, DB_READ));
	if (!call->action->is_open)
		err = authenticate(exchange);
	if (err == OK)
		err = run(exchange);
	if (err != OK) {
		db_rollback(call->db);
		return err;
	}
	TRY(db_commit(call->db));
	if (call->action->mode == WRITE && !call->action->unrecorded && exchange->gateway->engine)
		engine_wake(exchange->gateway->engine);
	return OK;
}

static enum err serve(struct exchange *exchange)
{
	struct call *call = &exchange->call;

	if (!call->site)
		return ERR_MEMORY;
	TRY(check_method(exchange->request));
	TRY(check_content_type(exchange->request));
	TRY(decode_forms(exchange));
	TRY(choose_format(exchange));
	TRY(check_repeats(exchange));
	TRY(find_action(exchange));
	if (!call->action->is_open)
		TRY(credentials_read(call, exchange->request, &exchange->credentials));
	if (!call->db)
		return ERR_UNAVAILABLE;
	call->reply = json_object();
	TRY(put(call->reply, "RequestId", json_string(call->request_id)));
	return transact(exchange);
}

/* HostId of errors: the name the client used. */
static const char *host_id(const struct gateway *gateway, const struct request *request)
{
	const char *host = request_header(request, "Host");
	size_t length = host ? strlen(host) : 0;

	if (length == 0 || length > HOST_BYTES_MAX || !text_is_utf8(host, length))
		return gateway->host_id;
	return host;
}

/* Where the client reaches us; NULL: no memory. The proxy in front says by which scheme; a name that is none goes into no
 * link. */
static const char *site_of(struct arena *mem, const struct gateway *gateway, const char *host,
	const struct request *request)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_:[]";
	const char *scheme = request_header(request, "X-Forwarded-Proto");
	bool secure = scheme && strcmp(scheme, "https") == 0;

	if (host[strspn(host, allowed)] != '\0')
		host = gateway->host_id;
	return arena_print(mem, "%s://%s", secure ? "https" : "http", host);
}

static void answer_error(struct exchange *exchange, enum err err)
{
	struct reply_error error = {
		.err = err,
		.message = exchange->call.refusal,
		.request_id = exchange->call.request_id,
		.host_id = host_id(exchange->gateway, exchange->request),
	};

	error.site = exchange->call.site ? exchange->call.site : "";
	log_debug("request refused with %s", error_code(err));
	if (exchange->call.retry_ms > 0)
		exchange->out->retry_after_ms =
			arena_print(exchange->call.mem, "%lld", (long long)exchange->call.retry_ms);
	reply_error(exchange->call.mem, exchange->format, &error, exchange->out);
}

/* The address that the proxy in front saw; it writes the header anew, so that no client can. */
static const char *source_of(const struct request *request)
{
	const char *source = request_header(request, "X-Real-IP");
	uint8_t address[16];

	return source && text_to_address(source, address) ? source : "";
}

static int64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void copy_name(char *out, size_t size, const char *text)
{
	size_t length = text ? text_whole(text, strnlen(text, size - 1)) : 0;

	if (length > 0)
		memcpy(out, text, length);
	out[length] = '\0';
}

/* What a mismatch says holds what was signed, which may be secret: of that the sentence alone is kept. */
static const char *kept_message(const struct call *call, enum err err)
{
	if (err == OK)
		return "";
	return err == ERR_SIGNATURE_MISMATCH || !call->refusal ? error_sentence(err)
							       : call->refusal;
}

/* A key that was claimed is the caller as far as the log of calls goes, proved or not. */
static void log_call(const struct exchange *exchange, enum err err, int64_t began_us)
{
	const struct credentials *credentials = &exchange->credentials;
	const struct call *call = &exchange->call;
	const struct access_key *key = call->key ? call->key : &exchange->key;
	struct call_record record = {
		.time_ms = call->clock_ms,
		.took_us = now_us() - began_us,
		.account = key->account,
		.form = credentials->v3	      ? "V3"
			: credentials->key_id ? "V1"
					      : "none",
		.status = exchange->out->status,
	};

	if (!call->calls)
		return;
	copy_name(record.call_id, sizeof(record.call_id), call->request_id);
	copy_name(record.version, sizeof(record.version), credentials->version);
	copy_name(record.action, sizeof(record.action), credentials->action);
	copy_name(record.method, sizeof(record.method), exchange->request->method);
	copy_name(record.key_id, sizeof(record.key_id), credentials->key_id);
	copy_name(record.user, sizeof(record.user), user_of_parent(key->parent));
	copy_name(record.source, sizeof(record.source), call->source);
	copy_name(record.code, sizeof(record.code), err == OK ? "" : error_code(err));
	copy_name(record.message, sizeof(record.message), kept_message(call, err));
	if (call->object_account)
		copy_name(record.object, sizeof(record.object), call->object);
	call_log_add(call->calls, &record, call->signed_string, call->signed_canonical);
}

/* The request id, which outlives the exchange as part of the response. */
static const char *new_request_id(struct arena *mem)
{
	char *id = arena_take(mem, REQUEST_ID_SIZE);

	if (!id || !make_request_id(id))
		return "00000000-0000-0000-0000-000000000000";
	return id;
}

void dispatch_request(const struct gateway *gateway, struct db *db, struct arena *mem,
	const struct request *request, struct response *out)
{
	struct exchange exchange = { .gateway = gateway, .request = request, .out = out };
	struct call *call = &exchange.call;
	int64_t began_us = now_us();
	enum err err;

	memset(out, 0, sizeof(*out));
	call->mem = mem;
	call->db = db;
	call->vault = gateway->vault;
	call->nodes = gateway->nodes;
	call->dns_zone = gateway->dns_zone;
	call->login = gateway->login;
	call->calls = gateway->calls;
	call->source = source_of(request);
	call->site = site_of(mem, gateway, host_id(gateway, request), request);
	call->export_key = gateway->export_key;
	call->watch_first = gateway->watch_first;
	call->acme_directory = gateway->acme_directory;
	call->drill_socket = gateway->drill_socket;
	call->regions = gateway->regions;
	call->clock_ms = request->clock_ms;
	call->now_ms = request->clock_ms + life_clock_offset_ms(gateway->clock);
	call->form = &exchange.all;
	call->request_id = out->request_id = new_request_id(mem);
	log_request(call->request_id);
	err = serve(&exchange);
	if (err != OK)
		answer_error(&exchange, err);
	log_call(&exchange, err, began_us);
	json_decref(call->reply);
	json_decref(call->change);
	log_request(NULL);
}

void dispatch_refuse(const struct gateway *gateway, struct arena *mem,
	const struct request *request, enum err err, struct response *out)
{
	struct exchange exchange = { .gateway = gateway, .request = request, .out = out };

	memset(out, 0, sizeof(*out));
	exchange.call.mem = mem;
	exchange.call.request_id = out->request_id = new_request_id(mem);
	exchange.call.site = site_of(mem, gateway, host_id(gateway, request), request);
	answer_error(&exchange, err);
}
