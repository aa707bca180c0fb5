/* SPDX-License-Identifier: BSD-2-Clause */
/* What is told about requests that are over: counters of their site, and a record in this worker's ring of the file "log". */
#ifndef NGINX_JOURNAL_H
#define NGINX_JOURNAL_H

#include "nginx/module.h"

ngx_int_t journal_open(ngx_cycle_t *cycle); /* master */
void journal_start(ngx_cycle_t *cycle);	    /* worker: claims a ring */
void journal_stop(void);		    /* worker that ends as it should: gives it back */

/* Counts and, when its site has SITE_LOG or the request was refused, watched or challenged, records it. */
void journal_request(ngx_http_request_t *r, const struct polder_request *request);
/* source was banned by the packet path for so long. */
void journal_ban(const struct address *source, uint32_t instance, uint32_t site, enum check check,
	uint32_t rule, uint32_t seconds);
/* Asks the agent whether source is the crawler (row of crawlers.def + 1). */
void journal_crawler(const struct address *source, uint32_t crawler);

#endif
