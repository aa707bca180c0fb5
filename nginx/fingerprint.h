/* SPDX-License-Identifier: BSD-2-Clause */
/* Fingerprints of a client's connection, as texts; empty: there is none. Worked out when they are asked for first. */
#ifndef NGINX_FINGERPRINT_H
#define NGINX_FINGERPRINT_H

#include "nginx/nginx.h"

struct polder_fingerprint;
struct polder_connection;

/* In the master, before hooks are set: whether they do what they are expected to; else they stay off. */
void fingerprint_test(ngx_log_t *log);
/* Hooks into a listener's SSL_CTX. */
void fingerprint_hook(SSL_CTX *ctx);

/* All accept NULL. Valid as long as the connection. */
ngx_str_t fingerprint_ja3(struct polder_fingerprint *print);
ngx_str_t fingerprint_ja4(struct polder_fingerprint *print);
ngx_str_t fingerprint_http2(struct polder_fingerprint *print);

/* From now on what the client sends is looked through for lines that end with LF behind a space. Before nginx
 * reads any of it; connections of HTTP/1 under TLS are so by themselves. Not when memory is out. */
void lines_watch(struct polder_connection *connection);
/* Does the header of this request have one? Before any of its body was taken. */
bool lines_in_header(const struct polder_connection *connection, const ngx_http_request_t *r);

#endif
