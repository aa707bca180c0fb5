/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A response is taken when it is signed by the leaf's issuer or by a responder that the issuer named, says "good" about
 * the leaf, and holds now. The issuer has to be in the chain; whether anybody trusts it is the clients' affair.
 * Everything else is no staple: clients then ask for themselves, or do not.
 *
 * Between half of a response's time and its end there is time for many tries. What could not be renewed ends with its time:
 * whoever keeps the table looks at staple_until_ms.
 *
 * Where to ask is written in the certificate, by whoever made it: so only http, no other port than 80 unless
 * local, no redirection, and no address of this host or its links.
 */
#include "agent/staple.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/ticker.h"

#define SKEW_SECONDS 300   /* between a responder's clock and this one's */
#define IDLE_MS	     60000 /* the thread looks at least so often */
#define CHAIN_MAX    16	   /* certificates that are looked at for the issuer */

DEFINE_AUTO(bio, BIO *, BIO_free_all);
DEFINE_AUTO(ocsp_response, OCSP_RESPONSE *, OCSP_RESPONSE_free);
DEFINE_AUTO(ocsp_basic, OCSP_BASICRESP *, OCSP_BASICRESP_free);
DEFINE_AUTO(ocsp_request, OCSP_REQUEST *, OCSP_REQUEST_free);
DEFINE_AUTO(x509_store, X509_STORE *, X509_STORE_free);

struct item {
	struct staple_wanted wanted;
	int64_t due_ms, retry_ms; /* UTC */
	bool failing;
};

struct staple {
	bool local;
	CURL *easy;
	struct ticker ticker;
	bool stop; /* ends what is being asked */

	/* The thread's own. */
	struct item *item;
	size_t item_count;
	uint8_t body[STAPLE_BYTES_MAX];
	size_t body_length;

	pthread_mutex_t lock; /* of all below */
	bool wanted_wait;
	struct staple_wanted *wanted;
	size_t wanted_count;
	struct staple_result *result; /* STAPLE_RESULT_MAX of them */
	size_t result_count;
};

/* --- a response -------------------------------------------------------------------------------------------- */

static int64_t time_ms(const ASN1_GENERALIZEDTIME *when)
{
	struct tm parts;

	if (!when || ASN1_TIME_to_tm(when, &parts) != 1)
		return 0;
	return (int64_t)timegm(&parts) * SECOND_MS;
}

static OCSP_BASICRESP *read_basic(const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	AUTO(ocsp_response)
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)length);

	if (!response || OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		return NULL;
	return OCSP_response_get1_basic(response);
}

int64_t staple_until_ms(const void *bytes, size_t length)
{
	AUTO(ocsp_basic) OCSP_BASICRESP *basic = read_basic(bytes, length);
	OCSP_SINGLERESP *single = basic ? OCSP_resp_get0(basic, 0) : NULL;
	ASN1_GENERALIZEDTIME *next = NULL;

	if (single)
		(void)OCSP_single_get0_status(single, NULL, NULL, NULL, &next);
	ERR_clear_error();
	return time_ms(next);
}

/* Signed by the issuer or by whom it named for this: OpenSSL looks at both. */
static bool is_signed(OCSP_BASICRESP *basic, X509 *issuer)
{
	AUTO(x509_store) X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *others = sk_X509_new_null();
	bool good = false;

	if (store && others && X509_STORE_add_cert(store, issuer) == 1 &&
		X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
		sk_X509_push(others, issuer) > 0)
		good = OCSP_basic_verify(basic, others, store, 0) == 1;
	sk_X509_free(others);
	return good;
}

/* NULL: it may be stapled, until then. */
static const char *check_response(
	const struct staple *staple, OCSP_CERTID *id, X509 *issuer, int64_t *until_ms)
{
	AUTO(ocsp_basic) OCSP_BASICRESP *basic = read_basic(staple->body, staple->body_length);
	ASN1_GENERALIZEDTIME *from = NULL, *next = NULL;
	int status = V_OCSP_CERTSTATUS_UNKNOWN;

	if (!basic)
		return "the answer is no response";
	if (!is_signed(basic, issuer))
		return "the response is not signed by the issuer";
	if (OCSP_resp_find_status(basic, id, &status, NULL, NULL, &from, &next) != 1)
		return "the response is about another certificate";
	if (status != V_OCSP_CERTSTATUS_GOOD)
		return "the responder does not say that the certificate is good";
	if (!next || OCSP_check_validity(from, next, SKEW_SECONDS, -1) != 1)
		return "the response does not hold now";
	*until_ms = time_ms(next);
	return NULL;
}

/* --- asking ------------------------------------------------------------------------------------------------ */

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
	struct staple *staple = context;
	size_t bytes = size * count;

	if (bytes > sizeof(staple->body) - staple->body_length)
		return 0;
	memcpy(staple->body + staple->body_length, data, bytes);
	staple->body_length += bytes;
	return bytes;
}

static bool is_elsewhere(const struct sockaddr *address)
{
	const struct in6_addr *ipv6 =
		&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
	uint32_t ipv4;

	if (address->sa_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(ipv6))
		return !IN6_IS_ADDR_UNSPECIFIED(ipv6) && !IN6_IS_ADDR_LOOPBACK(ipv6) &&
		       !IN6_IS_ADDR_LINKLOCAL(ipv6) && !IN6_IS_ADDR_MULTICAST(ipv6);
	if (address->sa_family == AF_INET)
		ipv4 = ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr);
	else if (address->sa_family == AF_INET6)
		ipv4 = ntohl(ipv6->s6_addr32[3]);
	else
		return false;
	return ipv4 >> 24 != 0 && ipv4 >> 24 != 127 && ipv4 >> 16 != 0xa9fe && ipv4 >> 28 < 0xe;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	const struct staple *staple = context;

	(void)purpose;
	if (!staple->local && !is_elsewhere(&address->addr))
		return CURL_SOCKET_BAD;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* About once a second: whoever ends the agent does not wait for a responder. */
static int go_on(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct staple *staple = context;

	(void)a, (void)b, (void)c, (void)d;
	return __atomic_load_n(&staple->stop, __ATOMIC_RELAXED) ? 1 : 0;
}

static bool is_asked(const struct staple *staple, const char *text)
{
	CURLU *url = curl_url();
	char *port = NULL;
	bool good;

	good = url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
	       curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
	       (staple->local || strcmp(port, "80") == 0);
	curl_free(port);
	curl_url_cleanup(url);
	return good;
}

/* NULL: the answer is in body. */
static const char *ask(
	struct staple *staple, const char *url, const uint8_t *request, size_t length)
{
	struct curl_slist *headers =
		curl_slist_append(NULL, "Content-Type: application/ocsp-request");
	CURLcode code = CURLE_OUT_OF_MEMORY;
	long status = 0;

	if (!is_asked(staple, url)) {
		curl_slist_free_all(headers);
		return "its responder's address is not one that is asked";
	}
	staple->body_length = 0;
	if (headers && curl_easy_setopt(staple->easy, CURLOPT_URL, url) == CURLE_OK &&
		curl_easy_setopt(staple->easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
		curl_easy_setopt(staple->easy, CURLOPT_POSTFIELDS, request) == CURLE_OK &&
		curl_easy_setopt(staple->easy, CURLOPT_POSTFIELDSIZE, (long)length) == CURLE_OK)
		code = curl_easy_perform(staple->easy);
	(void)curl_easy_getinfo(staple->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_setopt(staple->easy, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
	if (code != CURLE_OK)
		return curl_easy_strerror(code);
	return status == 200 ? NULL : "its responder does not answer with status 200";
}

struct question {
	X509 *leaf, *issuer;
	OCSP_CERTID *id;
	char url[512];
};

static void question_done(struct question *question)
{
	X509_free(question->leaf);
	X509_free(question->issuer);
	OCSP_CERTID_free(question->id);
}

/* The leaf, and the certificate of the chain that signed it. */
static const char *read_chain(const struct staple_wanted *wanted, struct question *out)
{
	AUTO(bio) BIO *bio = BIO_new_mem_buf(wanted->chain, (int)wanted->chain_length);

	if (!bio)
		return "no memory";
	out->leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	if (!out->leaf)
		return "the certificate cannot be read";
	for (int i = 0; i < CHAIN_MAX && !out->issuer; i++) {
		X509 *next = PEM_read_bio_X509(bio, NULL, NULL, NULL);

		if (!next)
			return "its issuer is not in the chain";
		if (X509_check_issued(next, out->leaf) == X509_V_OK)
			out->issuer = next;
		else
			X509_free(next);
	}
	return out->issuer ? NULL : "its issuer is not in the chain";
}

static const char *make_question(const struct staple_wanted *wanted, struct question *out)
{
	const char *why = read_chain(wanted, out);
	STACK_OF(OPENSSL_STRING) * urls;

	if (why)
		return why;
	urls = X509_get1_ocsp(out->leaf);
	out->url[0] = '\0';
	if (sk_OPENSSL_STRING_num(urls) > 0 &&
		strlen(sk_OPENSSL_STRING_value(urls, 0)) < sizeof(out->url))
		memcpy(out->url, sk_OPENSSL_STRING_value(urls, 0),
			strlen(sk_OPENSSL_STRING_value(urls, 0)) + 1);
	X509_email_free(urls);
	if (out->url[0] == '\0')
		return "it names no responder";
	out->id = OCSP_cert_to_id(EVP_sha1(), out->leaf, out->issuer);
	return out->id ? NULL : "no memory";
}

static const char *send_question(struct staple *staple, const struct question *question)
{
	AUTO(ocsp_request) OCSP_REQUEST *request = OCSP_REQUEST_new();
	OCSP_CERTID *copy = OCSP_CERTID_dup(question->id);
	uint8_t *bytes = NULL;
	const char *why;
	int length;

	if (!request || !copy || !OCSP_request_add0_id(request, copy)) {
		OCSP_CERTID_free(copy);
		return "no memory";
	}
	length = i2d_OCSP_REQUEST(request, &bytes);
	if (length <= 0)
		return "no memory";
	why = ask(staple, question->url, bytes, (size_t)length);
	OPENSSL_free(bytes);
	return why;
}

static const char *fetch(
	struct staple *staple, const struct staple_wanted *wanted, int64_t *until_ms)
{
	struct question question = { .leaf = NULL };
	const char *why = make_question(wanted, &question);

	if (!why)
		why = send_question(staple, &question);
	if (!why)
		why = check_response(staple, question.id, question.issuer, until_ms);
	question_done(&question);
	ERR_clear_error();
	return why;
}

/* --- the thread -------------------------------------------------------------------------------------------- */

static void free_wanted(struct staple_wanted *wanted, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(wanted[i].chain);
	free(wanted);
}

static void free_items(struct staple *staple)
{
	for (size_t i = 0; i < staple->item_count; i++)
		free(staple->item[i].wanted.chain);
	free(staple->item);
	staple->item = NULL;
	staple->item_count = 0;
}

static int compare(const void *a, const void *b)
{
	const struct item *left = a, *right = b;

	return left->wanted.number < right->wanted.number
		       ? -1
		       : left->wanted.number > right->wanted.number;
}

/* With the lock. Those that are wanted as before keep their times. */
static void take_wanted(struct staple *staple)
{
	struct item *next;

	if (!staple->wanted_wait)
		return;
	next = calloc(staple->wanted_count ? staple->wanted_count : 1, sizeof(*next));
	if (!next)
		return; /* the next look tries again */
	for (size_t i = 0; i < staple->wanted_count; i++) {
		const struct item key = { .wanted = staple->wanted[i] }, *old = NULL;

		if (staple->item_count > 0)
			old = bsearch(&key, staple->item, staple->item_count, sizeof(key), compare);
		if (old && old->wanted.version == key.wanted.version)
			next[i] = *old;
		next[i].wanted = staple->wanted[i];
	}
	free_items(staple);
	staple->item = next;
	staple->item_count = staple->wanted_count;
	qsort(staple->item, staple->item_count, sizeof(*staple->item), compare);
	free(staple->wanted); /* the chains are the items' now */
	staple->wanted = NULL;
	staple->wanted_count = 0;
	staple->wanted_wait = false;
}

/* With the lock. */
static void give_result(struct staple *staple, const struct item *item)
{
	struct staple_result *result = &staple->result[staple->result_count++];

	result->number = item->wanted.number;
	result->version = item->wanted.version;
	result->length = staple->body_length;
	memcpy(result->bytes, staple->body, staple->body_length);
}

/* Without the lock. true: there is a response. */
static bool renew(struct staple *staple, struct item *item, int64_t now_ms)
{
	int64_t until_ms = 0;
	const char *why = fetch(staple, &item->wanted, &until_ms);

	if (why) {
		if (!item->failing)
			log_warn("no OCSP response for certificate %u: %s", item->wanted.number,
				why);
		item->failing = true;
		item->retry_ms = item->retry_ms == 0 ? STAPLE_RETRY_MS : 2 * item->retry_ms;
		if (item->retry_ms > STAPLE_LONGEST_MS)
			item->retry_ms = STAPLE_LONGEST_MS;
		item->due_ms = now_ms + item->retry_ms;
		return false;
	}
	item->failing = false;
	item->retry_ms = 0;
	item->due_ms = now_ms + (until_ms - now_ms) / 2;
	if (item->due_ms > now_ms + STAPLE_LONGEST_MS)
		item->due_ms = now_ms + STAPLE_LONGEST_MS;
	if (item->due_ms < now_ms + STAPLE_RETRY_MS)
		item->due_ms = now_ms + STAPLE_RETRY_MS;
	return true;
}

static struct item *find_due(struct staple *staple, int64_t now_ms, int64_t *wait_ms)
{
	*wait_ms = IDLE_MS;
	for (size_t i = 0; i < staple->item_count; i++) {
		int64_t left = staple->item[i].due_ms - now_ms;

		if (left <= 0)
			return &staple->item[i];
		if (left < *wait_ms)
			*wait_ms = left;
	}
	return NULL;
}

static int64_t turn(void *context)
{
	struct staple *staple = context;
	int64_t now_ms = clock_utc_ms(), wait_ms;
	struct item *item;
	bool room;

	(void)pthread_mutex_lock(&staple->lock);
	take_wanted(staple);
	room = staple->result_count < STAPLE_RESULT_MAX;
	(void)pthread_mutex_unlock(&staple->lock);
	item = find_due(staple, now_ms, &wait_ms);
	if (!item || !room)
		return wait_ms;
	if (renew(staple, item, now_ms)) {
		(void)pthread_mutex_lock(&staple->lock);
		give_result(staple, item);
		(void)pthread_mutex_unlock(&staple->lock);
	}
	return 0;
}

/* --- beginning and end ------------------------------------------------------------------------------------- */

static bool set_up(struct staple *staple)
{
	CURL *easy = staple->easy = curl_easy_init();

	return easy && curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)STAPLE_TIMEOUT_MS) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, go_on) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_XFERINFODATA, staple) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, staple) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, staple) == CURLE_OK;
}

enum err staple_open(bool local, struct staple **out)
{
	struct staple *staple = calloc(1, sizeof(*staple));
	enum err err = OK;

	if (!staple)
		return ERR_MEMORY;
	staple->local = local;
	(void)pthread_mutex_init(&staple->lock, NULL);
	staple->result = calloc(STAPLE_RESULT_MAX, sizeof(*staple->result));
	if (!staple->result)
		err = ERR_MEMORY;
	if (err == OK && !set_up(staple))
		err = fail(ERR_SYSTEM, "set up libcurl for OCSP");
	if (err == OK)
		err = ticker_start(&staple->ticker, "OCSP", turn, staple);
	if (err != OK) {
		staple_close(staple);
		return err;
	}
	*out = staple;
	return OK;
}

void staple_close(struct staple *staple)
{
	if (!staple)
		return;
	__atomic_store_n(&staple->stop, true, __ATOMIC_RELAXED);
	ticker_stop(&staple->ticker);
	(void)pthread_mutex_destroy(&staple->lock);
	free_items(staple);
	free_wanted(staple->wanted, staple->wanted_count);
	free(staple->result);
	curl_easy_cleanup(staple->easy);
	free(staple);
}

void staple_want(struct staple *staple, struct staple_wanted *wanted, size_t count)
{
	(void)pthread_mutex_lock(&staple->lock);
	free_wanted(staple->wanted, staple->wanted_count);
	staple->wanted = wanted;
	staple->wanted_count = count;
	staple->wanted_wait = true;
	(void)pthread_mutex_unlock(&staple->lock);
	ticker_wake(&staple->ticker);
}

bool staple_take(struct staple *staple, struct staple_result *out)
{
	bool there;

	(void)pthread_mutex_lock(&staple->lock);
	there = staple->result_count > 0;
	if (there) {
		*out = staple->result[0];
		staple->result_count--;
		memmove(staple->result, staple->result + 1,
			staple->result_count * sizeof(*staple->result));
	}
	(void)pthread_mutex_unlock(&staple->lock);
	if (there)
		ticker_wake(&staple->ticker);
	return there;
}
