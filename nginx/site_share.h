/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many requests of one site a worker has under way while it has few connections left: a site that is flooded from very many
 * sources, or whose origin answers nobody, must not take the others' (docs/decisions/037).
 */
#ifndef NGINX_SITE_SHARE_H
#define NGINX_SITE_SHARE_H

#include "nginx/module.h"

/* A request is to go on to its origin. false: there are few connections left, and its site has its part of them. */
bool site_share_take(struct polder_request *request);
/* It is over, whether it was taken or not. */
void site_share_end(struct polder_request *request);

#endif
