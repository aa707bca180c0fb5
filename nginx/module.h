/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of nginx/ share: the configuration of the module, and what is known about a client's connection and
 * about a request. Every worker is one thread: nothing here needs a lock. Memory is of the pool that each struct
 * names, and goes with it.
 */
#ifndef NGINX_MODULE_H
#define NGINX_MODULE_H

#include "nginx/nginx.h"
#include "nginx/table.h"
#include "shared/request_abi.h"

extern ngx_module_t ngx_http_polder_module;

/* ---- configuration; of the cycle's pool */
struct polder_main_conf {
	ngx_str_t path;		    /* polder_path: folder of table, counters and log */
	ngx_str_t ban_map;	    /* polder_ban_map: pinned map "request_ban"; empty: none */
	ngx_str_t country_database; /* polder_country_database: MaxMind's format; empty: none */
	ngx_str_t listener_map; /* polder_listener_map: pinned map "steer_listener"; empty: none */
	off_t disk_max, disk_free; /* polder_disk_max, polder_disk_free: bytes (nginx/disk.h) */
};
struct polder_server_conf {
	ngx_flag_t enable;   /* polder on */
	ngx_uint_t listener; /* polder_listener: enum steer_listener */
	void **cached;	     /* of the location with polder_cached; NULL: nothing is cached here */
};
struct polder_main_conf *polder_main(const ngx_cycle_t *cycle);

/* ---- a client's connection; of the connection's pool. Connections of a stream of HTTP/2 share the one below. */
struct polder_fingerprint;
struct polder_gather;
struct polder_source;
struct polder_connection {
	ngx_connection_t *nginx;
	struct address peer;   /* the other end of the TCP connection */
	struct address local;  /* this end: the VIP */
	struct address client; /* as told by the PROXY header of a trusted proxy; else peer */
	uint16_t peer_port, local_port, client_port; /* host order */
	bool proxied; /* client is not peer: what bans packets cannot tell it from others behind that proxy */
	bool trusted;	/* client is a trusted proxy: it is never counted against, nor banned */
	bool ready;	/* all above is known: not before the PROXY header was read */
	bool mitigated; /* the address's instance has mitigation: node-wide checks apply */
	bool counted;	/* was met by source_admit */
	struct polder_source *source; /* counts it (nginx/source.h); NULL: not counted */
	uint32_t certificate,
		site_flags; /* under TLS: of the site that was asked for by server name */
	uint32_t instance;  /* of the VIP; 0: of none, or not known yet */
	struct polder_fingerprint *fingerprint; /* NULL: none (nginx/fingerprint.h) */
	struct polder_lines *lines;		/* of HTTP/1; NULL: not watched (likewise) */
	struct polder_gather *gather;		/* of HTTP/2; NULL at first (nginx/gather.h) */
	struct table_hint vip_hint, site_hint;	/* of this end, and of the last request's site */
	void *checks; /* of run.c and checks/ alone, from the connection's pool; NULL at first */
};
/* That of a request's or a TLS connection's; NULL: memory is out. */
struct polder_connection *polder_connection_get(ngx_connection_t *c);
/* Fills what is "ready", once the PROXY header was read; trusted, instance and mitigated by this table (NULL: none) and its
 * settings; *out_vip lies in the table, NULL: the address is no instance's. false: the connection is gone. */
bool polder_connection_settle(struct polder_connection *connection, const struct table *table,
	const struct table_settings *settings, const struct table_vip **out_vip);

/* ---- a request; of the request's pool */
struct polder_origin;
struct polder_cache;
struct disk_use;
struct polder_request {
	struct polder_connection *connection;
	ngx_http_request_t *nginx; /* the main one */
	ngx_queue_t holding;	   /* of those that have a table; meaningless without one */
	struct table *table;	   /* pinned until the answer begins, or the end; NULL: none */
	const struct table_settings *settings; /* never NULL: all 0 when the table has none */
	const struct table_vip *vip;	       /* NULL: the address is no instance's */
	const struct site *site;	       /* NULL: no site of that name here */
	const struct site_port *port;	       /* of site; NULL without one */
	uint32_t site_number, site_flags;      /* of site, also when it was let go; 0: none */
	uint8_t mode[CHECK_MAX];	       /* of site, likewise; without one all block */
	uint32_t instance;		       /* of vip, likewise */
	struct site_counter *counter;	       /* NULL: no site, or no counters */
	int64_t now_ms;			       /* machine UTC when the request came */
	int64_t life_ms;		       /* the same in life-cycle time */
	struct address client;		       /* behind trusted proxies */
	uint16_t client_port;  /* host order; 0: not known (X-Forwarded-For has none) */
	uint8_t scheme;	       /* enum site_scheme: one bit */
	bool mitigated;	       /* the instance's mitigation is on: checks apply */
	bool trusted;	       /* client is itself a trusted proxy: no source to count against */
	bool redirected;       /* a 301 to HTTPS is what it gets when it passes all checks */
	bool shares;	       /* counted in its site's part (nginx/site_share.h) */
	bool passed;	       /* checks were asked, and it goes on: not asked again */
	uint8_t verdict;       /* enum log_verdict */
	uint8_t check;	       /* enum check that decided, or would have; CHECK_COUNT: none */
	uint32_t rule;	       /* that decided, or would have, by number; 0: none */
	struct disk_use *disk; /* NULL: it has nothing in files (nginx/disk.h) */
	struct polder_source *source; /* counts it (nginx/source.h); NULL: not counted */
	struct polder_cache *cache; /* NULL: it has nothing to do with the cache (nginx/cache.h) */
	struct polder_origin *origin; /* where it went (nginx/origin.h); NULL: nowhere */
	void *checks; /* of run.c and checks/ alone, from the request's pool; NULL at first */
};
/* The main request's; made and filled when asked for first. NULL: memory is out. */
struct polder_request *polder_request_get(ngx_http_request_t *r);
/* Before the request goes to another location, where nginx forgets what modules knew of it: it is still found. */
ngx_int_t polder_request_keep(ngx_http_request_t *r);
/* Lets the table go before the request is over: table, site, port and vip are NULL then, and what follows stays. */
void polder_request_release(struct polder_request *request);
/* In a worker that starts, and from its timer: requests that hold an older table go over to the one in force. So what points into
 * a table must not be kept while a request waits, but for what is in struct polder_request. */
void polder_requests_start(void);
void polder_requests_renew(void);
/* The same when it was made before, else NULL. */
struct polder_request *polder_request_find(ngx_http_request_t *r);

static inline int64_t polder_now_ms(void)
{
	return (int64_t)ngx_timeofday()->sec * 1000 + (int64_t)ngx_timeofday()->msec;
}

#endif
