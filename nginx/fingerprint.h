/* SPDX-License-Identifier: BSD-2-Clause */
/* Fingerprints of a client's connection, as texts; empty: there is none. Worked out when they are asked for first. */
#ifndef NGINX_FINGERPRINT_H
#define NGINX_FINGERPRINT_H

#include "nginx/nginx.h"

struct polder_fingerprint;

/* In the master, before hooks are set: whether they do what they are expected to; else they stay off. */
void fingerprint_test(ngx_log_t *log);
/* Hooks into a listener's SSL_CTX. */
void fingerprint_hook(SSL_CTX *ctx);

/* All accept NULL. Valid as long as the connection. */
ngx_str_t fingerprint_ja3(struct polder_fingerprint *print);
ngx_str_t fingerprint_ja4(struct polder_fingerprint *print);
ngx_str_t fingerprint_http2(struct polder_fingerprint *print);

#endif
