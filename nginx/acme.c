/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The answer is in the site, so all nodes and workers know it and only this site gives it. It comes before checks,
 * redirects and cache: whoever asks is an authority at an address that nobody knows beforehand, and what he gets is no
 * secret. A path that is not exactly the open challenge's goes on to the origin like any other.
 */
#include "nginx/acme.h"

#include "base/site.h"

static const char folder[] = "/.well-known/acme-challenge/";
#define FOLDER_LENGTH (sizeof(folder) - 1)

bool acme_asked(const ngx_http_request_t *r, const struct polder_request *request)
{
	const struct site *site = request->site;

	return site && site->acme_token.length > 0 && request->scheme == SITE_SCHEME_HTTP &&
	       (r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) &&
	       r->uri.len == FOLDER_LENGTH + site->acme_token.length &&
	       memcmp(r->uri.data, folder, FOLDER_LENGTH) == 0 &&
	       memcmp(r->uri.data + FOLDER_LENGTH, site_text_at(site, site->acme_token),
		       site->acme_token.length) == 0;
}

ngx_int_t acme_answer(ngx_http_request_t *r, struct polder_request *request)
{
	static ngx_str_t type = ngx_string("application/octet-stream");
	const struct site *site = request->site;
	ngx_http_complex_value_t value;
	ngx_int_t result;

	request->passed = true;
	ngx_memzero(&value, sizeof(value));
	value.value.len = site->acme_answer.length;
	value.value.data = ngx_pnalloc(r->pool, value.value.len);
	if (!value.value.data)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	memcpy(value.value.data, site_text_at(site, site->acme_answer), value.value.len);
	result = ngx_http_discard_request_body(r);
	if (result != NGX_OK)
		return result;
	ngx_http_finalize_request(r, ngx_http_send_response(r, NGX_HTTP_OK, &type, &value));
	return NGX_DONE;
}
