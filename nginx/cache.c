/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request has to do with the cache when its site and the rule for its path say so and nothing in it can make the answer one
 * for its sender alone: no Authorization, no body, no upgrade; no cookie but the challenge's, unless a static type
 * is asked for or a rule names the path; none of the headers by which many programs build what they answer although no Vary
 * says so. Paths are compared decoded, since origins decode them.
 *
 * The key has all that the origin is told and may answer by: the site's number, which is never used again, the edition, the
 * scheme, the port, Host and URI as they were sent. So nothing is ever found for another site or another order than those
 * in force; what nobody can find any more, nginx deletes when it was not used for a time ("inactive").
 *
 * What is cached has a location of its own with "proxy_cache", into which a request is put as "if" in nginx.conf puts one: asking
 * for the zone by a variable would cost those that have nothing to do with it. nginx looks the key up, and otherwise asks
 * the origin; many that ask for the same wait for one (proxy_cache_lock). It calls the header filter with each answer before it decides whether to keep it:
 * there its times are set (freshness.c). Waiting for one another is bad where nothing is kept: so a worker remembers keys whose
 * answers were not kept, and leaves the cache out for them; one request in REFUSED_SECONDS tries again.
 *
 * When the cache is nearly full, each site has a share of what may be new in it (cache_share.c).
 *
 * What is on its way into the cache is a file already, of which nginx bounds nothing, and which goes on when the client is gone: an
 * answer that turns out to be longer than ANSWER_BYTES_MAX, or that the disk has no more room for (disk.c), is kept no
 * longer while it comes.
 *
 * An URL with a query is kept when it is asked for the second time: floods of queries that nobody asks twice fill no disk.
 */
#include "nginx/cache.h"

#include "base/site.h"
#include "base/text.h"
#include "nginx/cache_share.h"
#include "nginx/challenge.h"
#include "nginx/checks.h"
#include "nginx/counters.h"
#include "nginx/disk.h"
#include "nginx/freshness.h"
#include "nginx/headers.h"

/* Longest answer that is kept. */
#define ANSWER_BYTES_MAX (64 << 20)
/* Of URI and Host together: longer ones are not what many ask for. */
#define KEY_TEXT_MAX 2048
/* So long a key whose answer was not kept is left out, by a worker. */
#define REFUSED_SECONDS 60
#define REFUSED_SLOTS	16384 /* a power of two; one key each, the last that was put there */

struct polder_cache {
	ngx_str_t key;
	uint64_t hash; /* of the key */
	struct freshness_wish wish;
	bool left_out; /* the site's share is used up */
	bool counted;  /* its place is */
	/* nginx's own, in whose place what comes of the origin is seen; NULL: not */
	ngx_int_t (*input_begin)(void *data);
	ngx_event_pipe_input_filter_pt input;
};
static const ngx_str_t zone_name = ngx_string("polder"); /* of nginx.conf */

static struct {
	uint64_t hash;
	time_t until; /* seconds */
} refused[REFUSED_SLOTS];

/* ---- keys whose answers were not kept */

static bool is_refused(uint64_t hash)
{
	if (refused[hash % REFUSED_SLOTS].hash != hash)
		return false;
	if (ngx_time() < refused[hash % REFUSED_SLOTS].until)
		return true;
	/* This one tries; others go on without the cache until it is known. */
	refused[hash % REFUSED_SLOTS].until = ngx_time() + REFUSED_SECONDS;
	return false;
}

static void refuse_key(uint64_t hash)
{
	refused[hash % REFUSED_SLOTS].hash = hash;
	refused[hash % REFUSED_SLOTS].until = ngx_time() + REFUSED_SECONDS;
}

static void allow_key(uint64_t hash)
{
	if (refused[hash % REFUSED_SLOTS].hash == hash)
		refused[hash % REFUSED_SLOTS].hash = 0;
}

/* ---- what requests may be answered */

static const struct site_cache_rule *rule_of(const ngx_http_request_t *r, const struct site *site)
{
	const struct site_cache_rule *rule = site_list_at(site, site->caches);

	for (unsigned i = 0; i < site->caches.count; i++) {
		if (rule[i].path.length <= r->uri.len &&
			memcmp(site_text_at(site, rule[i].path), r->uri.data,
				rule[i].path.length) == 0)
			return &rule[i];
	}
	return NULL;
}

/* A value as challenges have it: an origin may take a comma, too, for the end of a cookie. */
static bool is_token(const u_char *at, const u_char *end)
{
	while (at < end && text_is_unreserved(*at))
		at++;
	return at == end || *at == ';';
}

/* Only cookies of the challenge, which the origin has no use for. */
static bool has_own_cookies(ngx_http_request_t *r)
{
	static const char own[] = CHALLENGE_PASS "=";
	const size_t length = sizeof(own) - 1;
	ngx_table_elt_t **header = r->headers_in.cookies.elts;

	for (ngx_uint_t i = 0; i < r->headers_in.cookies.nelts; i++) {
		const u_char *at = header[i]->value.data, *end = at + header[i]->value.len;

		while (at < end) {
			const u_char *semicolon = memchr(at, ';', (size_t)(end - at));
			const u_char *next = semicolon ? semicolon + 1 : end;

			while (at < next && (*at == ' ' || *at == '\t'))
				at++;
			if (at < next && *at != ';' &&
				((size_t)(next - at) < length || memcmp(at, own, length) != 0 ||
					!is_token(at + length, next)))
				return true;
			at = next;
		}
	}
	return false;
}

/* Origins may answer by these though no Vary says so; whoever could have such an answer kept would give it to all. */
static bool is_unkeyed(const ngx_table_elt_t *header)
{
	static const char *const names[] = { "forwarded", "front-end-https", "x-forwarded-host",
		"x-forwarded-port", "x-forwarded-prefix", "x-forwarded-protocol",
		"x-forwarded-scheme", "x-forwarded-server", "x-forwarded-ssl", "x-host",
		"x-http-host-override", "x-http-method", "x-http-method-override",
		"x-method-override", "x-original-host", "x-original-url", "x-rewrite-url",
		"x-url-scheme" };

	/* Few requests have any header that begins like one of them. By the key, as those handed on have another name for look-ups
	 * (headers.c). */
	if (header->key.len < 6 ||
		((header->key.data[0] | 0x20) != 'x' && (header->key.data[0] | 0x20) != 'f'))
		return false;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (header->key.len == strlen(names[i]) &&
			ngx_strncasecmp(header->key.data, (u_char *)(uintptr_t)names[i],
				header->key.len) == 0)
			return true;
	}
	return false;
}

static bool has_unkeyed_header(ngx_http_request_t *r)
{
	for (ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
		const ngx_table_elt_t *header = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			if (is_unkeyed(&header[i]))
				return true;
		}
	}
	return false;
}

static bool is_wished(ngx_http_request_t *r, const struct site *site, struct freshness_wish *out)
{
	const struct site_cache_rule *rule = rule_of(r, site);
	uint8_t mode = rule ? rule->mode : site->cache;

	out->seconds = rule ? rule->seconds : 0;
	out->is_static = freshness_is_static((const char *)r->exten.data, r->exten.len);
	if (mode == SITE_CACHE_STATIC)
		return out->is_static;
	return mode == SITE_CACHE_ALL && (out->is_static || rule || !has_own_cookies(r));
}

static bool is_cacheable(ngx_http_request_t *r, const struct polder_request *request)
{
	return (r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) && request->mitigated &&
	       request->scheme < SITE_SCHEME_WEBSOCKET && !r->headers_in.authorization &&
	       !r->headers_in.chunked && r->headers_in.content_length_n <= 0 &&
	       !has_unkeyed_header(r);
}

/* Codings in one of few spellings, so that there are few variants of an answer. */
static void coding_simplify(ngx_http_request_t *r)
{
	static const ngx_str_t codings[2][2] = { { ngx_string("identity"), ngx_string("gzip") },
		{ ngx_string("br"), ngx_string("gzip, br") } };
	ngx_table_elt_t *header = r->headers_in.accept_encoding;
	u_char *text;
	size_t length;
	bool gzip, brotli;

	if (!header)
		return;
	text = header->value.data;
	length = header->value.len;
	/* Whoever weighs them is taken at its word. */
	if (ngx_strlchr(text, text + length, ';'))
		return;
	gzip = ngx_strlcasestrn(text, text + length, (u_char *)"gzip", 3) != NULL;
	brotli = ngx_strlcasestrn(text, text + length, (u_char *)"br", 1) != NULL;
	header->value = codings[brotli][gzip];
}

ngx_int_t cache_prepare(ngx_http_request_t *r, struct polder_request *request)
{
	const struct polder_server_conf *conf =
		ngx_http_get_module_srv_conf(r, ngx_http_polder_module);
	const struct site *site = request->site;
	struct freshness_wish wish;
	struct polder_cache *cache;
	ngx_str_t host, key;
	uint64_t hash;

	if (site->cache == SITE_CACHE_OFF || !conf->cached)
		return NGX_OK;
	host = headers_host(r);
	if (!is_cacheable(r, request) || !is_wished(r, site, &wish) ||
		host.len + r->unparsed_uri.len > KEY_TEXT_MAX)
		return NGX_OK;
	key.data = ngx_pnalloc(r->pool, host.len + r->unparsed_uri.len + 64);
	if (!key.data)
		return NGX_ERROR;
	key.len = (size_t)(ngx_sprintf(key.data, "%uD %uD %s:%ud %V %V", site->number,
				   site->cache_edition, r->connection->ssl ? "https" : "http",
				   request->connection->local_port, &host, &r->unparsed_uri) -
			   key.data);
	hash = table_hash(0, key.data, key.len);
	if (is_refused(hash))
		return NGX_OK;
	cache = ngx_palloc(r->pool, sizeof(*cache));
	if (!cache)
		return NGX_ERROR;
	*cache = (struct polder_cache){ .key = key,
		.hash = hash,
		.wish = wish,
		.left_out = !cache_share_allows(site->number, &zone_name, &key) };
	request->cache = cache;
	if (cache->left_out)
		return NGX_OK;
	coding_simplify(r);
	r->loc_conf = conf->cached;
	ngx_http_update_location_config(r);
	return NGX_OK;
}

/* ---- variable */

static ngx_int_t key_get(ngx_http_request_t *r, ngx_http_variable_value_t *value, uintptr_t data)
{
	const struct polder_request *request = polder_request_find(r);
	const struct polder_cache *cache = request ? request->cache : NULL;

	(void)data;
	value->data = cache ? cache->key.data : NULL;
	value->len = cache ? (unsigned)cache->key.len & 0xfffffff : 0;
	value->valid = 1;
	value->no_cacheable = 1;
	value->not_found = 0;
	return NGX_OK;
}

ngx_int_t cache_variables(ngx_conf_t *cf)
{
	static ngx_str_t name = ngx_string("polder_cache_key");
	ngx_http_variable_t *added = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);

	if (!added)
		return NGX_ERROR;
	added->get_handler = key_get;
	return NGX_OK;
}

/* ---- answers of origins */

static bool begins(const ngx_str_t *text, const char *word)
{
	size_t length = strlen(word);

	return text->len >= length &&
	       ngx_strncasecmp(text->data, (u_char *)(uintptr_t)word, length) == 0;
}

/* JSON has many names: text/json, application/problem+json and more. */
static bool is_page(const ngx_table_elt_t *type)
{
	static u_char json[] = "json";

	/* No type at all: browsers may take it for a page. */
	return !type || begins(&type->value, "text/html") ||
	       begins(&type->value, "application/xhtml") ||
	       ngx_strlcasestrn(type->value.data, type->value.data + type->value.len, json,
		       sizeof(json) - 2);
}

static bool names_coding(const ngx_str_t *vary)
{
	static const char name[] = "accept-encoding";

	return ngx_strlcasestrn(vary->data, vary->data + vary->len, (u_char *)name,
		       sizeof(name) - 2) != NULL;
}

static int64_t time_of(const ngx_table_elt_t *header, int64_t otherwise)
{
	time_t time;

	if (!header)
		return FRESHNESS_ABSENT;
	time = ngx_parse_http_time(header->value.data, header->value.len);
	return time == NGX_ERROR ? otherwise : time;
}

static ngx_table_elt_t *answer_header(ngx_list_t *list, const char *name)
{
	for (ngx_list_part_t *part = &list->part; part; part = part->next) {
		ngx_table_elt_t *header = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			if (header[i].hash && header[i].key.len == strlen(name) &&
				ngx_strncasecmp(header[i].key.data, (u_char *)(uintptr_t)name,
					header[i].key.len) == 0)
				return &header[i];
		}
	}
	return NULL;
}

static int64_t age_of(ngx_list_t *list)
{
	const ngx_table_elt_t *header = answer_header(list, "Age");
	ngx_int_t age = header ? ngx_atoi(header->value.data, header->value.len) : 0;

	return age > 0 && age < FRESHNESS_MAX_SECONDS ? age : 0;
}

static void answer_read(ngx_http_request_t *r, struct freshness_answer *out)
{
	ngx_http_upstream_headers_in_t *head = &r->upstream->headers_in;
	ngx_table_elt_t **control = head->cache_control.elts;

	*out = (struct freshness_answer){
		.status = (unsigned)head->status_n,
		.control = freshness_begin(),
		.expires = time_of(head->expires, 0),
		.date = time_of(head->date, FRESHNESS_ABSENT),
		.age = age_of(&head->headers),
		.now = ngx_time(),
		.is_page = is_page(head->content_type),
		.sets_cookie = head->cookies.nelts > 0,
		.encoded = head->content_encoding != NULL,
		.varies_coding = head->vary && names_coding(&head->vary->value),
		.varies_wholly =
			head->vary &&
			(head->vary->value.len > NGX_HTTP_CACHE_VARY_LEN ||
				ngx_strlchr(head->vary->value.data,
					head->vary->value.data + head->vary->value.len, '*')),
	};
	for (ngx_uint_t i = 0; i < head->cache_control.nelts; i++)
		freshness_read(
			&out->control, (const char *)control[i]->value.data, control[i]->value.len);
}

/* nginx has followed one Vary header, the last: with several of them it does not know all that matters. */
static bool has_many_varies(ngx_list_t *list, const ngx_table_elt_t *followed)
{
	const ngx_table_elt_t *first = answer_header(list, "Vary");

	return first && first != followed;
}

static void keep(ngx_http_request_t *r, const struct polder_cache *cache)
{
	ngx_http_upstream_t *u = r->upstream;
	struct freshness_answer answer;
	struct freshness freshness;

	answer_read(r, &answer);
	if (has_many_varies(&u->headers_in.headers, u->headers_in.vary))
		answer.varies_wholly = true;
	if (u->headers_in.content_length_n > ANSWER_BYTES_MAX)
		answer.control.no_store = true;
	freshness = freshness_of(&answer, &cache->wish);
	if (freshness.seconds == 0) {
		/* What fails now may be kept soon. */
		if (answer.status < NGX_HTTP_INTERNAL_SERVER_ERROR)
			refuse_key(cache->hash);
		u->cacheable = 0;
		return;
	}
	allow_key(cache->hash);
	r->cache->valid_sec = ngx_time() + freshness.seconds;
	r->cache->updating_sec = freshness.update_seconds;
	r->cache->error_sec = freshness.update_seconds + freshness.failed_seconds;
	if (r->args.len && r->cache->node && !r->cache->node->exists && r->cache->node->uses < 2) {
		u->cacheable = 0;
		r->cache->min_uses = 2; /* so that nginx remembers that it was asked for */
	}
}

/* ---- how much comes */

/* It is not kept after all. Its parts in the file so far are still sent from there: it has lost its name only. */
static void keep_no_longer(ngx_http_request_t *r, struct polder_cache *cache)
{
	ngx_http_upstream_t *u = r->upstream;

	u->cacheable = 0;
	u->pipe->cacheable = 0;
	ngx_http_file_cache_free(r->cache, u->pipe->temp_file);
	refuse_key(cache->hash);
}

/* Sees what has come of the origin, in place of nginx's own filter, which it asks first: whatever becomes of the client, who may
 * read nothing, or be gone. What is kept goes to the file piece by piece; the head is there when anything is. */
static ngx_int_t take(ngx_event_pipe_t *pipe, ngx_buf_t *buffer)
{
	ngx_http_request_t *r = pipe->input_ctx;
	struct polder_request *request = polder_request_find(r);
	off_t held = pipe->temp_file->offset;
	bool fits;

	if (request->cache->input(pipe, buffer) == NGX_ERROR)
		return NGX_ERROR;
	if (!pipe->cacheable || held == 0)
		return NGX_OK;
	fits = disk_hold(r, request, DISK_PAGES, &r->cache->file_cache->path->name, held);
	if (!fits || held > ANSWER_BYTES_MAX)
		keep_no_longer(r, request->cache);
	return NGX_OK;
}

static ngx_int_t take_begin(void *data)
{
	ngx_http_request_t *r = data;
	struct polder_cache *cache = polder_request_find(r)->cache;
	ngx_int_t result = cache->input_begin(data);

	/* Which one it is is known only now. */
	cache->input = r->upstream->pipe->input_filter;
	r->upstream->pipe->input_filter = take;
	return result;
}

static void take_prepare(ngx_http_request_t *r, struct polder_request *request)
{
	ngx_http_upstream_t *u = r->upstream;
	const ngx_str_t *folder = &r->cache->file_cache->path->name;

	if (!disk_allows(DISK_PAGES, folder, request->site_number)) {
		u->cacheable = 0;
		return;
	}
	if (u->input_filter_init != take_begin) {
		request->cache->input_begin = u->input_filter_init;
		u->input_filter_init = take_begin;
	}
}

/* ---- what clients are told */

static ngx_int_t age_tell(ngx_http_request_t *r)
{
	int64_t age = age_of(&r->headers_out.headers) + ngx_time() - r->cache->date;
	ngx_table_elt_t *header = answer_header(&r->headers_out.headers, "Age");
	u_char *text = ngx_pnalloc(r->pool, NGX_INT64_LEN);

	if (!text)
		return NGX_ERROR;
	if (!header) {
		if (!checks_header(r, "Age", text, 0))
			return NGX_ERROR;
		header = answer_header(&r->headers_out.headers, "Age");
	}
	header->value.data = text;
	header->value.len = (size_t)(ngx_sprintf(text, "%L", age > 0 ? age : (int64_t)0) - text);
	return NGX_OK;
}

/* What is new takes the place of a key, and, kept, of so many bytes; of a length that is not told, when it is there. */
static void charge(ngx_http_request_t *r, struct polder_request *request)
{
	off_t length = r->upstream->headers_in.content_length_n;

	if (r->cached || r->cache->exists)
		return;
	cache_share_charge(request->site_number, r->cache->file_cache,
		r->upstream->cacheable && length > 0 ? length : 0);
	request->cache->counted = length >= 0;
}

void cache_done(ngx_http_request_t *r, struct polder_request *request)
{
	const ngx_http_upstream_t *u = r->upstream;

	if (!request->cache || request->cache->counted || !u || !r->cache || r->cached ||
		!u->cacheable || !u->pipe || !u->pipe->temp_file)
		return;
	cache_share_charge(request->site_number, r->cache->file_cache, u->pipe->temp_file->offset);
}

static bool status_tell(ngx_http_request_t *r)
{
	static const char *const names[] = { "MISS", "MISS", "BYPASS", "EXPIRED", "STALE",
		"UPDATING", "REVALIDATED", "HIT", "MISS" };
	ngx_uint_t status = r->upstream->cache_status;
	const char *name = names[status < sizeof(names) / sizeof(names[0]) ? status : 0];

	return checks_header(r, "X-Polder-Cache", (const u_char *)name, strlen(name));
}

ngx_int_t cache_head(ngx_http_request_t *r, struct polder_request *request)
{
	const struct polder_cache *cache = request->cache;

	if (cache && cache->left_out)
		return checks_header(r, "X-Polder-Cache", (const u_char *)"FULL", 4) ? NGX_OK
										     : NGX_ERROR;
	if (!cache || !r->upstream || !r->cache)
		return NGX_OK;
	/* One whose origin says "not modified" begins its time anew. */
	if (!r->cached || r->upstream->cache_status == NGX_HTTP_CACHE_REVALIDATED)
		keep(r, cache);
	if (!r->cached && r->upstream->cacheable && r->upstream->input_filter_init)
		take_prepare(r, request);
	charge(r, request);
	if (request->counter)
		counter_add(
			r->cached ? &request->counter->cache_hits : &request->counter->cache_misses,
			1);
	if (!status_tell(r))
		return NGX_ERROR;
	if (!r->cached)
		return NGX_OK;
	if (request->verdict == LOG_PASSED)
		request->verdict = LOG_CACHED;
	return age_tell(r);
}
