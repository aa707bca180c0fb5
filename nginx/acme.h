/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an authority is answered that looks whether a site's domain is served here (RFC 8555, 8.3: HTTP-01).
 */
#ifndef NGINX_ACME_H
#define NGINX_ACME_H

#include "nginx/module.h"

/* Whether the request is for the challenge that is open at its site. */
bool acme_asked(const ngx_http_request_t *r, const struct polder_request *request);
/* Answers it: what the request's handler returns. */
ngx_int_t acme_answer(ngx_http_request_t *r, struct polder_request *request);

#endif
