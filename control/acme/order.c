/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table: what each step asks, and what it makes of the answer. What the directory says is believed only as far as it is
 * about this order: its one domain, its own URLs. An authorization that is still good from before needs no challenge.
 */
#include "control/acme/order.h"

#include <string.h>

#include "control/acme/key.h"

static void copy_url(char out[ACME_URL_SIZE], const char *url)
{
	memcpy(out, url, strlen(url) + 1);
}

/* When to look again. */
static void wait_for(struct order *order, const struct acme_answer *answer, int64_t now_ms)
{
	int64_t pause_ms = answer->pause_ms > ACME_POLL_MS ? answer->pause_ms : ACME_POLL_MS;

	order->next_ms = now_ms + (pause_ms < ACME_POLL_LAST_MS ? pause_ms : ACME_POLL_LAST_MS);
}

static enum err because_invalid(
	struct acme_client *client, const char *what, const struct acme_problem *problem)
{
	if (problem->type[0])
		return acme_client_because(
			client, "%s: %s (%s)", what, problem->detail, problem->type);
	return acme_client_because(client, "%s, without a reason", what);
}

static enum err read_order(struct order *order, struct acme_client *client,
	const struct acme_answer *answer, struct acme_order_message *out)
{
	if (!acme_read_order(answer->bytes, answer->length, out))
		return acme_client_because(client, "the directory's answer is no order");
	if (out->status == ACME_INVALID)
		return because_invalid(client, "the authority gives no certificate", &out->problem);
	copy_url(order->finalize, out->finalize);
	return OK;
}

static enum err begin(
	struct order *order, struct acme_client *client, struct arena *mem, int64_t now_ms)
{
	const char *payload = arena_print(
		mem, "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"%s\"}]}", order->domain);
	struct acme_order_message message;
	struct acme_answer answer;

	(void)now_ms;
	if (!payload)
		return ERR_MEMORY;
	TRY(acme_client_post(client, mem, acme_client_new_order(client), payload, &answer));
	if (!answer.location[0])
		return acme_client_because(client, "the directory does not name the new order");
	copy_url(order->url, answer.location);
	TRY(read_order(order, client, &answer, &message));
	if (!message.authorization[0])
		return acme_client_because(
			client, "the directory wants other than one authorization for a domain");
	copy_url(order->authorization, message.authorization);
	order->step = message.status == ACME_READY ? ORDER_FINALIZE : ORDER_AUTHORIZE;
	return OK;
}

static enum err ask_authorization(struct order *order, struct acme_client *client,
	struct arena *mem, struct acme_answer *answer, struct acme_authorization *out)
{
	TRY(acme_client_post(client, mem, order->authorization, NULL, answer));
	if (!acme_read_authorization(answer->bytes, answer->length, out) ||
		strcmp(out->domain, order->domain) != 0)
		return acme_client_because(
			client, "the directory's answer is no authorization of the domain");
	if (out->status == ACME_INVALID)
		return because_invalid(client,
			"the authority did not find the answer at http port 80 of the domain",
			&out->problem);
	return OK;
}

static enum err authorize(
	struct order *order, struct acme_client *client, struct arena *mem, int64_t now_ms)
{
	struct acme_authorization authorization;
	struct acme_answer answer;
	const char *text;

	(void)now_ms;
	TRY(ask_authorization(order, client, mem, &answer, &authorization));
	if (authorization.status == ACME_VALID) {
		order->step = ORDER_FINALIZE;
		return OK;
	}
	if (!authorization.token[0])
		return acme_client_because(client, "the authority does not offer HTTP-01");
	text = acme_client_authorization(client, mem, authorization.token);
	if (!text)
		return ERR_MEMORY;
	memcpy(order->token, authorization.token, strlen(authorization.token) + 1);
	memcpy(order->answer, text, strlen(text) + 1);
	copy_url(order->challenge, authorization.challenge);
	order->step = ORDER_PUBLISH;
	return OK;
}

static enum err challenge(
	struct order *order, struct acme_client *client, struct arena *mem, int64_t now_ms)
{
	struct acme_answer answer;

	TRY(acme_client_post(client, mem, order->challenge, "{}", &answer));
	wait_for(order, &answer, now_ms);
	order->step = ORDER_VALIDATE;
	return OK;
}

static enum err validate(
	struct order *order, struct acme_client *client, struct arena *mem, int64_t now_ms)
{
	struct acme_authorization authorization;
	struct acme_answer answer;

	TRY(ask_authorization(order, client, mem, &answer, &authorization));
	if (authorization.status == ACME_VALID)
		order->step = ORDER_FINALIZE;
	else
		wait_for(order, &answer, now_ms);
	return OK;
}

static void take_issued(struct order *order, const struct acme_order_message *message,
	const struct acme_answer *answer, int64_t now_ms)
{
	order->step = ORDER_ISSUE;
	if (message->status != ACME_VALID || !message->certificate[0]) {
		wait_for(order, answer, now_ms);
		return;
	}
	copy_url(order->certificate, message->certificate);
	order->step = ORDER_DOWNLOAD;
}

static enum err finalize(
	struct order *order, struct acme_client *client, struct arena *mem, int64_t now_ms)
{
	struct acme_order_message message;
	struct acme_answer answer;
	const char *request = "", *payload;

	TRY(key_make(&order->key));
	TRY(key_request(mem, order->key, order->domain, &request));
	payload = arena_print(mem, "{\"csr\":\"%s\"}", request);
	if (!payload)
		return ERR_MEMORY;
	TRY(acme_client_post(client, mem, order->finalize, payload, &answer));
	TRY(read_order(order, client, &answer, &message));
	take_issued(order, &message, &answer, now_ms);
	return OK;
}

static enum err issue(
	struct order *order, struct acme_client *client, struct arena *mem, int64_t now_ms)
{
	struct acme_order_message message;
	struct acme_answer answer;

	TRY(acme_client_post(client, mem, order->url, NULL, &answer));
	TRY(read_order(order, client, &answer, &message));
	take_issued(order, &message, &answer, now_ms);
	return OK;
}

static enum err download(
	struct order *order, struct acme_client *client, struct arena *mem, int64_t now_ms)
{
	struct acme_answer answer;

	(void)now_ms;
	TRY(acme_client_post(client, mem, order->certificate, NULL, &answer));
	order->chain = arena_copy_n(mem, answer.bytes, answer.length);
	if (!order->chain)
		return ERR_MEMORY;
	TRY(key_write(mem, order->key, &order->key_pem));
	order->step = ORDER_DONE;
	return OK;
}

enum err order_step(
	struct order *order, struct acme_client *client, struct arena *mem, int64_t now_ms)
{
	static enum err (*const take[])(struct order * order, struct acme_client * client,
		struct arena * mem, int64_t now_ms) = {
		[ORDER_BEGIN] = begin,
		[ORDER_AUTHORIZE] = authorize,
		[ORDER_CHALLENGE] = challenge,
		[ORDER_VALIDATE] = validate,
		[ORDER_FINALIZE] = finalize,
		[ORDER_ISSUE] = issue,
		[ORDER_DOWNLOAD] = download,
	};

	if (now_ms - order->begin_ms > ACME_ORDER_MS)
		return acme_client_because(
			client, "the authority did not come to an end in ten minutes");
	return take[order->step](order, client, mem, now_ms);
}

void order_clear(struct order *order)
{
	EVP_PKEY_free(order->key);
	*order = (struct order){ .website = 0 };
}
