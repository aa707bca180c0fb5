/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directory is the operator's word; whatever it names must be at the same place (scheme, host, port), so that it
 * cannot send this process anywhere else. Redirections are not followed, answers are bounded in bytes and time, and no
 * proxy of the environment is used.
 *
 * Each signed request needs a nonce: that of the last answer, or a new one. One that the directory does not know any more
 * is told by badNonce together with a good one, and the request is repeated with that.
 *
 * The account's key is stored before the directory hears of it: an account whose key were lost could not be used again.
 */
#include "control/acme/client.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "control/acme/key.h"
#include "control/model/certificate.h"

#define NONCE_SIZE 256
static_assert(CERTIFICATE_CHAIN_BYTES == CERTIFICATE_CHAIN_MAX, "what is fetched can be stored");

DEFINE_AUTO(headers, struct curl_slist *, curl_slist_free_all);

struct acme_client {
	const struct acme_settings *settings;
	const struct vault *vault;
	const bool *stop;
	CURL *easy;
	size_t place; /* bytes of the directory's URL that all others begin with */
	EVP_PKEY *key;
	char thumbprint[KEY_THUMBPRINT_SIZE];
	char account[ACME_URL_SIZE]; /* "": not known */
	struct acme_directory directory;
	bool known;		/* directory is */
	char nonce[NONCE_SIZE]; /* "": none */
	/* of the last answer */
	char body[ACME_BODY_MAX + 1];
	size_t length;
	bool too_long;
	long status;
	char location[ACME_URL_SIZE];
	int64_t answer_pause_ms;
	/* of the last failure */
	struct acme_problem problem;
	char why[ACME_REASON_MAX];
	int64_t pause_ms;
};

enum err acme_client_because(struct acme_client *client, const char *format, ...)
{
	char text[2 * ACME_REASON_MAX];
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	length = text_whole(text, sizeof(client->why) - 1);
	memcpy(client->why, text, length);
	client->why[length] = '\0';
	return ERR_UNAVAILABLE;
}

const char *acme_client_why(const struct acme_client *client)
{
	return client->why;
}

int64_t acme_client_pause_ms(const struct acme_client *client)
{
	return client->pause_ms;
}

const char *acme_client_new_order(const struct acme_client *client)
{
	return client->directory.new_order;
}

const char *acme_client_authorization(
	const struct acme_client *client, struct arena *mem, const char *token)
{
	return arena_print(mem, "%s.%s", token, client->thumbprint);
}

/* ---- settings */

/* Of "https://host:port", 0: it is no such URL. */
static size_t place_of(const char *url)
{
	static const char scheme[] = "https://";
	size_t host;

	if (strncmp(url, scheme, sizeof(scheme) - 1) != 0 || strlen(url) >= ACME_URL_SIZE)
		return 0;
	host = strcspn(url + sizeof(scheme) - 1, "/?#@");
	if (host == 0 || url[sizeof(scheme) - 1 + host] != '/')
		return 0;
	return sizeof(scheme) - 1 + host;
}

bool acme_directory_valid(const char *url)
{
	return !url[0] || place_of(url) != 0;
}

static bool is_ours(const struct acme_client *client, const char *url)
{
	return strncmp(url, client->settings->directory, client->place) == 0 &&
	       url[client->place] == '/';
}

/* ---- one exchange */

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
	struct acme_client *client = context;
	size_t bytes = size * count;

	if (bytes > ACME_BODY_MAX - client->length) {
		client->too_long = true;
		return 0;
	}
	memcpy(client->body + client->length, data, bytes);
	client->length += bytes;
	return bytes;
}

/* Seconds, or a moment of HTTP. */
static int64_t read_pause(const char *text)
{
	int64_t seconds;
	time_t moment;

	if (text_to_int(text, &seconds))
		return seconds > 0 && seconds <= ACME_RETRY_MOST_MS / SECOND_MS
			       ? seconds * SECOND_MS
			       : (seconds > 0 ? ACME_RETRY_MOST_MS : 0);
	moment = curl_getdate(text, NULL);
	seconds = moment > 0 ? (int64_t)moment - clock_utc_ms() / SECOND_MS : 0;
	return seconds > 0 ? seconds * SECOND_MS : 0;
}

static bool read_header(const char *line, size_t length, const char *name, char *out, size_t size)
{
	size_t skip = strlen(name);

	if (length < skip || strncasecmp(line, name, skip) != 0)
		return false;
	while (skip < length && (line[skip] == ' ' || line[skip] == '\t'))
		skip++;
	while (length > skip && strchr(" \t\r\n", line[length - 1]))
		length--;
	if (length - skip >= size || memchr(line + skip, '\0', length - skip))
		return false;
	memcpy(out, line + skip, length - skip);
	out[length - skip] = '\0';
	return true;
}

static size_t take_header(char *data, size_t size, size_t count, void *context)
{
	struct acme_client *client = context;
	size_t length = size * count;
	char pause[64];

	if (read_header(data, length, "Replay-Nonce:", client->nonce, NONCE_SIZE) &&
		strspn(client->nonce, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-_") != strlen(client->nonce))
		client->nonce[0] = '\0';
	if (read_header(data, length, "Location:", client->location, ACME_URL_SIZE) &&
		!is_ours(client, client->location))
		client->location[0] = '\0';
	if (read_header(data, length, "Retry-After:", pause, sizeof(pause)))
		client->answer_pause_ms = read_pause(pause);
	return length;
}

/* About once a second. */
static int go_on(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct acme_client *client = context;

	(void)a, (void)b, (void)c, (void)d;
	return __atomic_load_n(client->stop, __ATOMIC_RELAXED) ? 1 : 0;
}

static enum err perform(struct acme_client *client, const char *url, struct curl_slist *headers)
{
	CURLcode code = CURLE_OUT_OF_MEMORY;

	if (!is_ours(client, url))
		return acme_client_because(
			client, "the directory names a URL that is not its own: %.120s", url);
	client->length = 0;
	client->too_long = false;
	client->status = 0;
	client->location[0] = '\0';
	client->answer_pause_ms = 0;
	if (curl_easy_setopt(client->easy, CURLOPT_URL, url) == CURLE_OK &&
		curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK)
		code = curl_easy_perform(client->easy);
	(void)curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, NULL);
	(void)curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &client->status);
	client->body[client->length] = '\0';
	if (client->too_long)
		return acme_client_because(
			client, "the directory's answer has more than %d bytes", ACME_BODY_MAX);
	if (code != CURLE_OK)
		return acme_client_because(
			client, "the directory cannot be asked: %s", curl_easy_strerror(code));
	if (client->status / 100 == 3)
		return acme_client_because(client,
			"the directory redirects (status %ld), which is not followed",
			client->status);
	return OK;
}

/* GET, or HEAD. */
static enum err fetch(struct acme_client *client, const char *url, bool head)
{
	if (curl_easy_setopt(client->easy, CURLOPT_HTTPGET, 1L) != CURLE_OK ||
		curl_easy_setopt(client->easy, CURLOPT_NOBODY, head ? 1L : 0L) != CURLE_OK)
		return ERR_MEMORY;
	return perform(client, url, NULL);
}

static enum err send_signed(struct acme_client *client, const char *url, const char *body)
{
	AUTO(headers)
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/jose+json");

	if (!headers || curl_easy_setopt(client->easy, CURLOPT_NOBODY, 0L) != CURLE_OK ||
		curl_easy_setopt(client->easy, CURLOPT_POST, 1L) != CURLE_OK ||
		curl_easy_setopt(client->easy, CURLOPT_POSTFIELDS, body) != CURLE_OK ||
		curl_easy_setopt(client->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body)) !=
			CURLE_OK)
		return ERR_MEMORY;
	return perform(client, url, headers);
}

/* What the directory refused, and why. */
static enum err refused(struct acme_client *client)
{
	client->pause_ms = client->answer_pause_ms;
	if (!acme_read_problem(client->body, client->length, &client->problem))
		return acme_client_because(
			client, "the directory answers with status %ld", client->status);
	return acme_client_because(client, "the directory refuses: %s (%s)", client->problem.detail,
		client->problem.type);
}

/* ---- signed requests */

static enum err need_nonce(struct acme_client *client)
{
	if (client->nonce[0])
		return OK;
	TRY(fetch(client, client->directory.new_nonce, true));
	return client->nonce[0] ? OK : acme_client_because(client, "the directory gives no nonce");
}

static enum err sign(struct acme_client *client, struct arena *mem, const char *url,
	const char *payload, const char **out)
{
	const char *who, *head;

	if (client->account[0]) {
		who = arena_print(mem, "\"kid\":\"%s\"", client->account);
	} else {
		const char *jwk;

		TRY(key_jwk(mem, client->key, &jwk));
		who = arena_print(mem, "\"jwk\":%s", jwk);
	}
	if (!who)
		return ERR_MEMORY;
	head = arena_print(mem, "{\"alg\":\"ES256\",%s,\"nonce\":\"%s\",\"url\":\"%s\"}", who,
		client->nonce, url);
	client->nonce[0] = '\0';
	return head ? key_sign(mem, client->key, head, payload ? payload : "", out) : ERR_MEMORY;
}

enum err acme_client_post(struct acme_client *client, struct arena *mem, const char *url,
	const char *payload, struct acme_answer *out)
{
	memset(&client->problem, 0, sizeof(client->problem));
	client->pause_ms = 0;
	/* It is written into JSON as it is. */
	if (strpbrk(url, "\"\\"))
		return acme_client_because(client, "the directory names a URL that is none");
	for (int i = 0; i < ACME_NONCE_TRIES; i++) {
		const char *body;

		TRY(need_nonce(client));
		TRY(sign(client, mem, url, payload, &body));
		TRY(send_signed(client, url, body));
		if (client->status / 100 == 2) {
			*out = (struct acme_answer){ client->body, client->length, client->location,
				client->answer_pause_ms };
			return OK;
		}
		(void)refused(client);
		if (strcmp(client->problem.type, "badNonce") != 0)
			return ERR_UNAVAILABLE;
	}
	return ERR_UNAVAILABLE;
}

/* ---- directory and account */

void acme_client_forget(struct acme_client *client)
{
	client->known = false;
	client->nonce[0] = client->account[0] = '\0';
	EVP_PKEY_free(client->key);
	client->key = NULL;
}

static enum err learn(struct acme_client *client)
{
	TRY(fetch(client, client->settings->directory, false));
	if (client->status != 200)
		return refused(client);
	if (!acme_read_directory(client->body, client->length, &client->directory))
		return acme_client_because(client, "the directory's answer is no directory");
	if (client->directory.external_account)
		return acme_client_because(client, "the directory gives accounts only to who is "
						   "known to it already, which is not supported");
	client->known = true;
	return OK;
}

static enum err make_account(struct acme_client *client, struct db *db, struct arena *mem)
{
	const char *directory = client->settings->directory, *pem;
	enum err err;

	TRY(key_make(&client->key));
	TRY(key_write(mem, client->key, &pem));
	TRY(db_begin(db, DB_WRITE));
	err = acme_account_insert(db, client->vault, mem, directory, pem);
	if (err == OK)
		return db_commit(db);
	db_rollback(db);
	return err;
}

static enum err load_account(struct acme_client *client, struct db *db, struct arena *mem)
{
	struct acme_account account = { NULL, "" };
	enum err err;

	TRY(db_begin(db, DB_READ));
	err = acme_account_load(db, client->vault, mem, client->settings->directory, &account);
	db_rollback(db);
	if (err == ERR_NOT_FOUND)
		return make_account(client, db, mem);
	TRY(err);
	if (strlen(account.name) < sizeof(client->account))
		memcpy(client->account, account.name, strlen(account.name) + 1);
	return key_read(account.key, &client->key);
}

static enum err write_name(struct acme_client *client, struct db *db, const char *name)
{
	enum err err;

	TRY(db_begin(db, DB_WRITE));
	err = acme_account_name(db, client->settings->directory, name);
	if (err == OK)
		return db_commit(db);
	db_rollback(db);
	return err;
}

/* The same answer comes for a key that has an account already. */
static enum err enroll(struct acme_client *client, struct db *db, struct arena *mem)
{
	const char *contact = client->settings->contact, *payload;
	struct acme_answer answer = { .location = "" };

	if (strpbrk(contact, "\"\\"))
		return acme_client_because(client, "acme-contact is no address");
	payload = contact[0]
			  ? arena_print(mem, "{\"termsOfServiceAgreed\":true,\"contact\":[\"%s\"]}",
				    contact)
			  : "{\"termsOfServiceAgreed\":true}";
	if (!payload)
		return ERR_MEMORY;
	TRY(acme_client_post(client, mem, client->directory.new_account, payload, &answer));
	if (!answer.location[0])
		return acme_client_because(client, "the directory does not name the new account");
	TRY(write_name(client, db, answer.location));
	memcpy(client->account, answer.location, strlen(answer.location) + 1);
	log_info("the ACME directory %s knows this control now", client->settings->directory);
	return OK;
}

enum err acme_client_begin(struct acme_client *client, struct db *db, struct arena *mem)
{
	bool unknown = strcmp(client->problem.type, "accountDoesNotExist") == 0;

	client->pause_ms = 0;
	if (unknown) {
		memset(&client->problem, 0, sizeof(client->problem));
		acme_client_forget(client);
		TRY(write_name(client, db, ""));
	}
	if (!client->known)
		TRY(learn(client));
	if (!client->key)
		TRY(load_account(client, db, mem));
	TRY(key_thumbprint(mem, client->key, client->thumbprint));
	return client->account[0] ? OK : enroll(client, db, mem);
}

/* ---- beginning and end */

static bool set_place(struct acme_client *client)
{
	const struct acme_settings *settings = client->settings;
	CURL *easy = client->easy;
	long timeout_ms = (long)(settings->timeout_ms ? settings->timeout_ms : ACME_TIMEOUT_MS);

	return curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms) == CURLE_OK &&
	       (!settings->ca_file[0] ||
		       curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca_file) == CURLE_OK) &&
	       (!settings->socket[0] || curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH,
						settings->socket) == CURLE_OK);
}

static bool set_up(struct acme_client *client)
{
	CURL *easy = client->easy = curl_easy_init();

	return easy && curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_USERAGENT, "polder") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, go_on) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_XFERINFODATA, client) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERDATA, client) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, client) == CURLE_OK && set_place(client);
}

enum err acme_client_new(const struct acme_settings *settings, const struct vault *vault,
	const bool *stop, struct acme_client **out)
{
	struct acme_client *client = calloc(1, sizeof(*client));

	if (!client)
		return ERR_MEMORY;
	client->settings = settings;
	client->vault = vault;
	client->stop = stop;
	client->place = place_of(settings->directory);
	if (!set_up(client)) {
		acme_client_free(client);
		return fail(ERR_SYSTEM, "set up libcurl for ACME");
	}
	*out = client;
	return OK;
}

void acme_client_free(struct acme_client *client)
{
	if (!client)
		return;
	EVP_PKEY_free(client->key);
	curl_easy_cleanup(client->easy);
	free(client);
}
