/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sources lie in a ring: who is asked about takes the next place, unless a question about what is there goes on. Two questions
 * each: for the names of the address, then for the addresses of the first name that lies in one of the crawler's domains.
 * What is remembered of a source is when it may be asked about again; that it is verified is the table's to
 * know, and a worker asks anew before that ends.
 */
#include "agent/crawlers.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/text.h"

#define ADDRESS_MAX	  64 /* of one name that are looked at */
#define REVERSE_NAME_SIZE 80
#define CLASS_IN	  1
#define TYPE_PTR	  12

static const struct {
	const char *word, *domains;
} rows[] = {
#define CRAWLER(word, domains) { word, domains },
#include "shared/crawlers.def"
#undef CRAWLER
};
#define ROW_COUNT (sizeof(rows) / sizeof(*rows))

enum question_state {
	SOURCE_FREE,
	SOURCE_WAITS,
	SOURCE_RUNS,
	SOURCE_KNOWN /* up to due_ms nothing is asked */
};
struct source {
	struct crawlers *owner;
	struct address address;
	uint32_t crawler;
	enum question_state state;
	int64_t due_ms;
};

struct crawlers {
	struct name_server *server;
	struct request_table *table;
	uint32_t written; /* in the table, as last counted, and since */
	int64_t utc_now_ms;
	struct source source[CRAWLERS_SOURCE_MAX];
	uint32_t next;	  /* place for the next source */
	uint32_t waiting; /* sources */
	uint32_t cursor;  /* where the search for those goes on */
	uint32_t running;
	struct crawlers_counts counts;
};

/* --- answers ----------------------------------------------------------------------------------------------- */

bool crawlers_domain_fits(const char *name, const char *domains)
{
	size_t length = strlen(name);

	while (*domains) {
		size_t size = strcspn(domains, " ");
		const char *end = name + length - size;

		if (length > size && end[-1] == '.' && strncasecmp(end, domains, size) == 0)
			return true;
		domains += size;
		domains += *domains == ' ';
	}
	return false;
}

static void end(struct source *source, int64_t wait_ms)
{
	source->owner->running--;
	source->state = SOURCE_KNOWN;
	source->due_ms = name_server_now_ms(source->owner->server) + wait_ms;
}

static void end_refuted(struct source *source)
{
	source->owner->counts.refuted++;
	end(source, CRAWLERS_REFUTED_MS);
}

/* No such name is an answer; anything else may be different next time. */
static void end_failed(struct source *source, int status)
{
	if (status == ARES_ENOTFOUND || status == ARES_ENODATA) {
		end_refuted(source);
		return;
	}
	source->owner->counts.failed++;
	end(source, CRAWLERS_RETRY_MS);
}

static bool is_address(const struct ares_addrinfo_node *node, const struct address *address)
{
	const struct sockaddr_in6 *ipv6 = (const void *)node->ai_addr;
	const struct sockaddr_in *ipv4 = (const void *)node->ai_addr;

	if (node->ai_family == AF_INET6)
		return memcmp(&ipv6->sin6_addr, address->byte, 16) == 0;
	return node->ai_family == AF_INET && address_is_ipv4(address->byte) &&
	       memcmp(&ipv4->sin_addr, address->byte + 12, 4) == 0;
}

/* A put that fails was logged, and a worker asks again. */
static void write_verified(struct crawlers *crawlers, const struct source *source)
{
	const struct table_crawler body = { .until_ms = crawlers->utc_now_ms + CRAWLERS_VERIFIED_MS,
		.crawler = source->crawler };
	struct table_key key = { TABLE_CRAWLER, sizeof(source->address), &source->address };
	char text[ADDRESS_TEXT_SIZE];
	size_t length;

	bool is_new = !request_table_find(crawlers->table, &key, &length);

	if (is_new && crawlers->written >= CRAWLER_MAX) {
		crawlers->counts.dropped++;
		return;
	}
	if (request_table_put(crawlers->table, &key, &body, sizeof(body)) != OK || !is_new)
		return;
	crawlers->written++;
	address_format(source->address.byte, text);
	log_info("%s is the crawler %s", text, rows[source->crawler - 1].word);
}

static void take_addresses(void *context, int status, int timeouts, struct ares_addrinfo *result)
{
	struct source *source = context;
	bool found = false;
	unsigned looked = 0;

	(void)timeouts;
	if (status != ARES_SUCCESS || !result) {
		end_failed(source, status);
		return;
	}
	for (const struct ares_addrinfo_node *node = result->nodes;
		node && looked < ADDRESS_MAX && !found; node = node->ai_next, looked++)
		found = is_address(node, &source->address);
	ares_freeaddrinfo(result);
	if (!found) {
		end_refuted(source);
		return;
	}
	source->owner->counts.verified++;
	/* Workers ask again before its time in the table is over, and are heard. */
	end(source, CRAWLERS_RETRY_MS);
	write_verified(source->owner, source);
}

/* The first name in one of the domains; NULL: none. */
static const char *find_name(const struct hostent *host, const char *domains)
{
	if (host->h_name && crawlers_domain_fits(host->h_name, domains))
		return host->h_name;
	for (unsigned i = 0; host->h_aliases && host->h_aliases[i] && i < CRAWLERS_NAME_MAX; i++) {
		if (crawlers_domain_fits(host->h_aliases[i], domains))
			return host->h_aliases[i];
	}
	return NULL;
}

/* The library's search by address would not tell a server that failed from a name that is not there. */
static void take_names(void *context, int status, int timeouts, unsigned char *bytes, int length)
{
	const struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM
	};
	struct source *source = context;
	ares_channel channel = name_server_channel(source->owner->server);
	struct hostent *host = NULL;
	const char *name = NULL;

	(void)timeouts;
	if (status == ARES_SUCCESS)
		status = ares_parse_ptr_reply(
			bytes, length, source->address.byte, 16, AF_INET6, &host);
	if (status != ARES_SUCCESS || !channel) {
		end_failed(source, status);
	} else {
		name = find_name(host, rows[source->crawler - 1].domains);
		if (!name)
			end_refuted(source);
	}
	if (name)
		ares_getaddrinfo(channel, name, NULL, &hints, take_addresses, source);
	if (host)
		ares_free_hostent(host);
}

/* --- questions --------------------------------------------------------------------------------------------- */

static struct source *find(struct crawlers *crawlers, const struct address *address)
{
	for (uint32_t i = 0; i < CRAWLERS_SOURCE_MAX; i++) {
		struct source *source = &crawlers->source[i];

		if (source->state != SOURCE_FREE &&
			memcmp(&source->address, address, sizeof(*address)) == 0)
			return source;
	}
	return NULL;
}

/* A place where no question goes on; NULL: there is none in the next few. */
static struct source *take_place(struct crawlers *crawlers)
{
	for (unsigned tries = 0; tries < 2 * CRAWLERS_RUNNING_MAX; tries++) {
		struct source *source = &crawlers->source[crawlers->next];

		crawlers->next = (crawlers->next + 1) % CRAWLERS_SOURCE_MAX;
		if (source->state == SOURCE_FREE || source->state == SOURCE_KNOWN)
			return source;
	}
	return NULL;
}

void crawlers_ask(struct crawlers *crawlers, const struct address *address, uint32_t crawler)
{
	struct source *source;

	if (crawler == CRAWLER_NONE || crawler > ROW_COUNT)
		return;
	source = find(crawlers, address);
	if (source && (source->state != SOURCE_KNOWN ||
			      (source->crawler == crawler &&
				      source->due_ms > name_server_now_ms(crawlers->server))))
		return;
	if (!source)
		source = take_place(crawlers);
	if (!source) {
		crawlers->counts.dropped++;
		return;
	}
	*source = (struct source){
		.owner = crawlers, .address = *address, .crawler = crawler, .state = SOURCE_WAITS
	};
	crawlers->waiting++;
}

/* RFC 1035, 3.5; RFC 3596, 2.5. */
static void reverse_name(const struct address *address, char out[REVERSE_NAME_SIZE])
{
	const uint8_t *byte = address->byte;
	size_t at = 0;

	if (address_is_ipv4(byte)) {
		(void)snprintf(out, REVERSE_NAME_SIZE, "%u.%u.%u.%u.in-addr.arpa", byte[15],
			byte[14], byte[13], byte[12]);
		return;
	}
	for (int i = 15; i >= 0; i--)
		at += (size_t)snprintf(
			out + at, REVERSE_NAME_SIZE - at, "%x.%x.", byte[i] & 15, byte[i] >> 4);
	(void)snprintf(out + at, REVERSE_NAME_SIZE - at, "ip6.arpa");
}

static void start(struct crawlers *crawlers, struct source *source, ares_channel channel)
{
	char name[REVERSE_NAME_SIZE];

	source->state = SOURCE_RUNS;
	crawlers->waiting--;
	crawlers->running++;
	reverse_name(&source->address, name);
	ares_query(channel, name, CLASS_IN, TYPE_PTR, take_names, source);
}

void crawlers_turn(struct crawlers *crawlers, int64_t utc_now_ms)
{
	ares_channel channel = name_server_channel(crawlers->server);

	crawlers->utc_now_ms = utc_now_ms;
	if (!channel)
		return;
	for (uint32_t looked = 0; looked < CRAWLERS_SOURCE_MAX && crawlers->waiting > 0 &&
				  crawlers->running < CRAWLERS_RUNNING_MAX;
		looked++) {
		struct source *source = &crawlers->source[crawlers->cursor];

		crawlers->cursor = (crawlers->cursor + 1) % CRAWLERS_SOURCE_MAX;
		if (source->state == SOURCE_WAITS)
			start(crawlers, source, channel);
	}
}

void crawlers_age(struct crawlers *crawlers, int64_t utc_now_ms)
{
	const struct table_record *record;
	uint64_t cursor = 0;

	crawlers->written = 0;
	while ((record = request_table_next(crawlers->table, &cursor))) {
		struct table_key key = { record->kind, record->key_length, record->key };
		const struct table_crawler *body = request_table_body(record);

		if (record->kind != TABLE_CRAWLER)
			continue;
		if (record->body_length != sizeof(*body) || body->until_ms <= utc_now_ms)
			(void)request_table_delete(crawlers->table, &key);
		else
			crawlers->written++;
	}
}

/* --- beginning and end ------------------------------------------------------------------------------------- */

struct crawlers *crawlers_new(struct name_server *server, struct request_table *table)
{
	struct crawlers *crawlers = calloc(1, sizeof(*crawlers));

	if (!crawlers)
		return NULL;
	crawlers->server = server;
	crawlers->table = table;
	return crawlers;
}

void crawlers_free(struct crawlers *crawlers)
{
	assert(!crawlers || crawlers->running == 0);
	free(crawlers);
}

void crawlers_counts(const struct crawlers *crawlers, struct crawlers_counts *out)
{
	*out = crawlers->counts;
}
