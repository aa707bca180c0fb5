/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tokens. MAC = the first 16 bytes of HMAC-SHA256(key of the token's epoch, token | address or zeros | user agent). The
 * epoch follows from the time of issue, so it needs no field; this epoch's and the last one's keys count, which all
 * nodes have alike: any node takes any node's pass. One whose agent is away goes on with the keys that it has. The MAC is compared in constant time before anything in the
 * token is believed.
 *
 * Work is done over the last WORK_CHARACTERS of the question, which are part of its MAC, so nobody can choose them
 * or begin before he was asked, and the hashed text fits one block. All letters of the page's script are ASCII and its
 * constants are computed, which keeps it small.
 *
 * The page takes nothing from other hosts, and its policy allows nothing but the script and the style with the nonce.
 * Whatever comes from the request (the URI) is percent-encoded into it but for unreserved characters: it can neither leave
 * its attribute nor, read back, name another host.
 */
#include "nginx/challenge.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "base/text.h"

#define TOKEN_VERSION	1
#define MAC_BYTES	16
#define TOKEN_BYTES	(sizeof(struct challenge_token) + MAC_BYTES)
#define TEXT_LENGTH	(CHALLENGE_TEXT_SIZE - 1)
#define WORK_CHARACTERS 20
#define NUMBER_MAX	16 /* digits; with the question's part and ':' less than a block */
/* Of a user agent so much is bound. */
#define AGENT_BYTES_MAX 1024
static_assert((TOKEN_BYTES * 8 + 5) / 6 == TEXT_LENGTH, "text of a token");

/* ---- base64url without padding: the usual Base64 with two other letters */

#define PADDED_LENGTH (TEXT_LENGTH + 1) /* of TOKEN_BYTES, one '=' at the end */
static_assert(BASE64_TEXT_SIZE(TOKEN_BYTES) == PADDED_LENGTH + 1, "text of a token");

static void replace(char *text, const char from[2], const char to[2])
{
	for (; *text; text++) {
		if (*text == from[0])
			*text = to[0];
		else if (*text == from[1])
			*text = to[1];
	}
}

static void encode(const uint8_t bytes[TOKEN_BYTES], char out[CHALLENGE_TEXT_SIZE])
{
	char padded[PADDED_LENGTH + 1];

	text_base64(bytes, TOKEN_BYTES, padded);
	replace(padded, "+/", "-_");
	memcpy(out, padded, TEXT_LENGTH);
	out[TEXT_LENGTH] = '\0';
}

/* false: not such a text. Each token has one text: what it is written as again is what came. */
static bool decode(const char *text, size_t length, uint8_t out[TOKEN_BYTES])
{
	char padded[PADDED_LENGTH + 1], again[CHALLENGE_TEXT_SIZE];

	if (length != TEXT_LENGTH)
		return false;
	memcpy(padded, text, TEXT_LENGTH);
	memcpy(padded + TEXT_LENGTH, "=", 2);
	replace(padded, "-_", "+/");
	if (text_from_base64(padded, out, TOKEN_BYTES) != (int)TOKEN_BYTES)
		return false;
	encode(out, again);
	return memcmp(again, text, TEXT_LENGTH) == 0;
}

/* ---- tokens */

bool challenge_ready(const struct table_settings *settings)
{
	static const uint8_t none[32];

	return settings && memcmp(settings->challenge_key[settings->challenge_epoch & 1], none,
				   sizeof(none)) != 0;
}

static void sign(const uint8_t key[32], const struct challenge_token *token,
	const struct challenge_client *client, uint8_t out[MAC_BYTES])
{
	uint8_t message[sizeof(*token) + sizeof(struct address) + AGENT_BYTES_MAX] = { 0 };
	uint8_t *address = message + sizeof(*token), *agent = address + sizeof(struct address);
	size_t length = client->user_agent_length < AGENT_BYTES_MAX ? client->user_agent_length
								    : AGENT_BYTES_MAX;
	uint8_t mac[EVP_MAX_MD_SIZE];

	memcpy(message, token, sizeof(*token));
	if (token->networks & CHALLENGE_EXACT)
		memcpy(address, &client->address, address_is_ipv4(client->address.byte) ? 16 : 8);
	if (length > 0)
		memcpy(agent, client->user_agent, length);
	memset(mac, 0, sizeof(mac));
	(void)HMAC(EVP_sha256(), key, 32, message, (size_t)(agent - message) + length, mac, NULL);
	memcpy(out, mac, MAC_BYTES);
}

struct challenge_token challenge_make(enum challenge_kind kind,
	const struct challenge_client *client, const struct challenge_token *previous,
	const uint8_t id[8])
{
	struct challenge_token token = { .version = TOKEN_VERSION,
		.kind = (uint8_t)kind,
		.site = client->site,
		.issued_seconds = (uint32_t)(client->now_ms / 1000) };
	bool ipv4 = address_is_ipv4(client->address.byte);

	memcpy(token.id, id, sizeof(token.id));
	if (kind == CHALLENGE_QUESTION)
		token.bits = client->enhanced ? CHALLENGE_BITS_ENHANCED : CHALLENGE_BITS;
	if (client->enhanced) {
		token.networks = CHALLENGE_EXACT;
		return token;
	}
	token.networks = ipv4 ? CHALLENGE_IPV4 : CHALLENGE_IPV6;
	if (ipv4)
		memcpy(token.network4, client->address.byte + 12, sizeof(token.network4));
	else
		memcpy(token.network6, client->address.byte, sizeof(token.network6));
	if (!previous)
		return token;
	if (ipv4 && (previous->networks & CHALLENGE_IPV6)) {
		token.networks |= CHALLENGE_IPV6;
		memcpy(token.network6, previous->network6, sizeof(token.network6));
	} else if (!ipv4 && (previous->networks & CHALLENGE_IPV4)) {
		token.networks |= CHALLENGE_IPV4;
		memcpy(token.network4, previous->network4, sizeof(token.network4));
	}
	return token;
}

void challenge_write(const struct challenge_token *token, const struct challenge_client *client,
	char out[CHALLENGE_TEXT_SIZE])
{
	uint64_t epoch = (uint64_t)client->now_ms / 1000 / CHALLENGE_EPOCH_SECONDS;
	uint8_t bytes[TOKEN_BYTES];

	memcpy(bytes, token, sizeof(*token));
	sign(client->settings->challenge_key[epoch & 1], token, client, bytes + sizeof(*token));
	encode(bytes, out);
}

static uint32_t life_seconds(const struct challenge_token *token)
{
	if (token->kind == CHALLENGE_QUESTION)
		return CHALLENGE_QUESTION_SECONDS;
	if (token->kind == CHALLENGE_PLAIN)
		return CHALLENGE_PLAIN_SECONDS;
	return token->networks & CHALLENGE_EXACT ? CHALLENGE_ENHANCED_SECONDS
						 : CHALLENGE_WORK_SECONDS;
}

static bool is_timely(const struct challenge_token *token, const struct challenge_client *client)
{
	uint64_t epoch = token->issued_seconds / CHALLENGE_EPOCH_SECONDS;
	int64_t age = client->now_ms / 1000 - (int64_t)token->issued_seconds;

	/* Nodes' clocks may differ by a few seconds. Settings may be older than tokens, while no agent is there to change them:
	 * then the two keys that there are take turns. */
	return age >= -5 && age <= life_seconds(token) &&
	       epoch + 1 >= client->settings->challenge_epoch;
}

static bool is_from_here(const struct challenge_token *token, const struct challenge_client *client)
{
	const uint8_t *byte = client->address.byte;

	if (token->networks & CHALLENGE_EXACT)
		return true; /* signed */
	if (address_is_ipv4(client->address.byte))
		return (token->networks & CHALLENGE_IPV4) &&
		       memcmp(token->network4, byte + 12, sizeof(token->network4)) == 0;
	return (token->networks & CHALLENGE_IPV6) &&
	       memcmp(token->network6, byte, sizeof(token->network6)) == 0;
}

enum challenge_state challenge_read(const char *text, size_t length, enum challenge_kind kind,
	const struct challenge_client *client, struct challenge_token *out)
{
	uint8_t bytes[TOKEN_BYTES], mac[MAC_BYTES];
	struct challenge_token token;
	uint64_t epoch;

	if (!challenge_ready(client->settings) || !decode(text, length, bytes))
		return CHALLENGE_BAD;
	memcpy(&token, bytes, sizeof(token));
	epoch = token.issued_seconds / CHALLENGE_EPOCH_SECONDS;
	sign(client->settings->challenge_key[epoch & 1], &token, client, mac);
	if (CRYPTO_memcmp(mac, bytes + sizeof(token), MAC_BYTES) != 0)
		return CHALLENGE_BAD;
	if (token.version != TOKEN_VERSION || token.site != client->site ||
		(token.kind == CHALLENGE_QUESTION) != (kind == CHALLENGE_QUESTION) ||
		!is_timely(&token, client))
		return CHALLENGE_BAD;
	if (client->enhanced &&
		(token.kind == CHALLENGE_PLAIN || !(token.networks & CHALLENGE_EXACT)))
		return CHALLENGE_BAD;
	*out = token;
	return is_from_here(&token, client) ? CHALLENGE_GOOD : CHALLENGE_OTHER_NETWORK;
}

/* ---- answers */

bool challenge_answer_split(const char *text, size_t length, size_t *question_length)
{
	if (length < TEXT_LENGTH + 2 || length > TEXT_LENGTH + 1 + NUMBER_MAX ||
		text[TEXT_LENGTH] != '.')
		return false;
	*question_length = TEXT_LENGTH;
	return true;
}

bool challenge_solved(const char *question, size_t question_length, const char *number,
	size_t number_length, unsigned bits)
{
	uint8_t message[WORK_CHARACTERS + 1 + NUMBER_MAX], hash[SHA256_DIGEST_LENGTH];
	uint32_t head;

	if (question_length < WORK_CHARACTERS || number_length == 0 || number_length > NUMBER_MAX ||
		bits > 32)
		return false;
	for (size_t i = 0; i < number_length; i++) {
		if (number[i] < '0' || number[i] > '9')
			return false;
	}
	memcpy(message, question + question_length - WORK_CHARACTERS, WORK_CHARACTERS);
	message[WORK_CHARACTERS] = ':';
	memcpy(message + WORK_CHARACTERS + 1, number, number_length);
	(void)SHA256(message, WORK_CHARACTERS + 1 + number_length, hash);
	head = (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
	return (bits == 0 || head >> (32 - bits) == 0);
}

bool challenge_cookie_next(const char *header, size_t length, const char *name, size_t *offset,
	const char **value, size_t *value_length)
{
	size_t name_length = strlen(name), at = *offset;

	while (at < length) {
		const char *semicolon = memchr(header + at, ';', length - at);
		size_t end = semicolon ? (size_t)(semicolon - header) : length;

		while (at < end && (header[at] == ' ' || header[at] == '\t'))
			at++;
		*offset = end + 1;
		if (end - at > name_length && header[at + name_length] == '=' &&
			memcmp(header + at, name, name_length) == 0) {
			*value = header + at + name_length + 1;
			*value_length = end - at - name_length - 1;
			return true;
		}
		at = end + 1;
	}
	*offset = length;
	return false;
}

/* ---- requests */

static bool text_is(const char *text, size_t length, const char *value)
{
	return text && length == strlen(value) && memcmp(text, value, length) == 0;
}

bool challenge_shows_page(const struct challenge_request *request)
{
	if (!text_is(request->method, request->method_length, "GET"))
		return false;
	if (text_is(request->requested_with, request->requested_with_length, "XMLHttpRequest"))
		return false;
	/* Browsers say what they want it for; what is no document cannot show a page. */
	if (request->destination &&
		!text_is(request->destination, request->destination_length, "document") &&
		!text_is(request->destination, request->destination_length, "iframe") &&
		!text_is(request->destination, request->destination_length, "frame"))
		return false;
	if (!request->accept)
		return true;
	return memmem(request->accept, request->accept_length, "text/html", 9) ||
	       memmem(request->accept, request->accept_length, "application/xhtml", 17) ||
	       text_is(request->accept, request->accept_length, "*/*");
}

/* ---- page */

static const char page_head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\"><meta name=\"robots\" "
	"content=\"noindex\">\n"
	"<title>One moment</title>\n";

static const char page_style[] = "<style nonce=\"%s\">body{font:1.1em "
				 "sans-serif;max-width:32em;margin:15vh auto;padding:0 1em}"
				 "</style></head><body>\n<h1>One moment</h1>\n"
				 "<p id=\"m\">This site checks that you are no attack. You will be "
				 "sent on by yourself.</p>\n";

static const char page_script[] =
	"var again=%d,bits=%u,question=\"%s\";\n"
	"(function(){\n"
	"var seed=question.slice(-20)+\":\",key=[],start=[],w=new "
	"Int32Array(64),number=0,count=0,p=2,i;\n"
	"function part(x){return(x-Math.floor(x))*4294967296|0}\n"
	"for(;count<64;p++){for(i=2;i*i<=p&&p%%i;i++);if(i*i>p){"
	"if(count<8)start[count]=part(Math.sqrt(p));key[count++]=part(Math.cbrt(p))}}\n"
	"function r(x,n){return x>>>n|x<<32-n}\n"
	"function zeros(s){var n=s.length,v=start.slice(),x,y,t,i;w.fill(0,0,16);\n"
	"for(i=0;i<n;i++)w[i>>2]|=s.charCodeAt(i)<<24-8*(i&3);\n"
	"w[n>>2]|=128<<24-8*(n&3);w[15]=n*8;\n"
	"for(i=16;i<64;i++){x=w[i-15];y=w[i-2];"
	"w[i]=w[i-16]+w[i-7]+(r(x,7)^r(x,18)^x>>>3)+(r(y,17)^r(y,19)^y>>>10)|0}\n"
	"for(i=0;i<64;i++){x=v[4];y=v[0];"
	"t=v[7]+(r(x,6)^r(x,11)^r(x,25))+(x&v[5]^~x&v[6])+key[i]+w[i]|0;\n"
	"x=(r(y,2)^r(y,13)^r(y,22))+(y&v[1]^y&v[2]^v[1]&v[2])|0;\n"
	"v[7]=v[6];v[6]=v[5];v[5]=v[4];v[4]=v[3]+t|0;v[3]=v[2];v[2]=v[1];v[1]=y;v[0]=t+x|0}\n"
	"return Math.clz32(start[0]+v[0]|0)}\n"
	"function say(s){document.getElementById(\"m\").textContent=s}\n"
	"function work(){for(var end=Date.now()+50;Date.now()<end;)for(i=0;i<200;i++)"
	"if(zeros(seed+ ++number)>=bits)return done();setTimeout(work,0)}\n"
	"function done(){document.cookie=\"" CHALLENGE_ANSWER "=\"+question+\".\"+number+"
	"\"; path=/; max-age=60; samesite=lax\";\n"
	"if(document.cookie.indexOf(\"" CHALLENGE_ANSWER "=\")<0)"
	"say(\"This site needs cookies. Allow them and load the page again.\");"
	"else location.reload()}\n"
	"setTimeout(work,again?3000:0)})();\n";

struct writer {
	char *out;
	size_t used, size;
	bool full;
};

static void put(struct writer *writer, const char *text, size_t length)
{
	if (length > writer->size - writer->used) {
		writer->full = true;
		return;
	}
	memcpy(writer->out + writer->used, text, length);
	writer->used += length;
}

static void __attribute__((format(printf, 2, 3)))
put_format(struct writer *writer, const char *format, ...)
{
	size_t left = writer->size - writer->used;
	__builtin_va_list arguments;
	int length;

	__builtin_va_start(arguments, format);
	length = vsnprintf(writer->out + writer->used, left, format, arguments);
	__builtin_va_end(arguments);
	if (length < 0 || (size_t)length >= left)
		writer->full = true;
	else
		writer->used += (size_t)length;
}

static void put_encoded(struct writer *writer, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (text_is_unreserved((unsigned char)c))
			put(writer, &c, 1);
		else
			put_format(writer, "%%%02X", (unsigned char)c);
	}
}

static void put_target(struct writer *writer, const struct challenge_page *page)
{
	put_format(writer, CHALLENGE_PATH "?t=%s&amp;u=", page->question);
	if (page->uri_length > CHALLENGE_URI_MAX)
		put_encoded(writer, "/", 1);
	else
		put_encoded(writer, page->uri, page->uri_length);
}

size_t challenge_page_write(const struct challenge_page *page, char *out, size_t size)
{
	struct writer writer = { .out = out, .size = size };

	put(&writer, page_head, sizeof(page_head) - 1);
	if (page->plain) {
		/* A second more than must be waited for: clients round. */
		put_format(&writer, "<noscript><meta http-equiv=\"refresh\" content=\"%d;url=",
			CHALLENGE_DELAY_SECONDS + 1);
		put_target(&writer, page);
		put_format(&writer, "\"></noscript>\n");
	}
	put_format(&writer, page_style, page->nonce);
	put_format(&writer, "<noscript>");
	if (page->plain) {
		put_format(&writer,
			"<p>Without JavaScript this takes %d seconds. If nothing happens then: <a "
			"href=\"",
			CHALLENGE_DELAY_SECONDS + 1);
		put_target(&writer, page);
		put_format(&writer, "\">go on</a></p>");
	} else {
		put_format(&writer, "<p>This site needs JavaScript at present.</p>");
	}
	put_format(&writer, "</noscript>\n<script nonce=\"%s\">\n", page->nonce);
	put_format(&writer, page_script, page->again, page->bits, page->question);
	put_format(&writer, "</script></body></html>\n");
	return writer.full ? 0 : writer.used;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* false: not a path of this site, or longer than CHALLENGE_URI_MAX. */
static bool decode_uri(const char *text, size_t length, char *out, size_t *out_length)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		int c = (unsigned char)text[i];

		if (c == '%') {
			int high = i + 2 < length ? hex_value(text[i + 1]) : -1;
			int low = i + 2 < length ? hex_value(text[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = high << 4 | low;
			i += 2;
		}
		/* What a Location header must not hold, and the backslash, which browsers take for a slash. */
		if (c <= ' ' || c >= 0x7f || c == '\\' || used == CHALLENGE_URI_MAX)
			return false;
		out[used++] = (char)c;
	}
	*out_length = used;
	return used > 0 && out[0] == '/' && !(used > 1 && out[1] == '/');
}

bool challenge_query_read(const char *query, size_t length, const char **token,
	size_t *token_length, char *out_uri, size_t *uri_length)
{
	const char *uri = query + 2 + TEXT_LENGTH;

	if (length < 2 + TEXT_LENGTH || memcmp(query, "t=", 2) != 0)
		return false;
	*token = query + 2;
	*token_length = TEXT_LENGTH;
	length -= 2 + TEXT_LENGTH;
	if (length < 3 || memcmp(uri, "&u=", 3) != 0 ||
		!decode_uri(uri + 3, length - 3, out_uri, uri_length)) {
		out_uri[0] = '/';
		*uri_length = 1;
	}
	return true;
}
