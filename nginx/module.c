/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The module: directives, phases, variables; nothing else. What a request meets, in this order: an open challenge of ACME
 * (acme.c), the checks (run.c), the redirect to HTTPS, what origins are to be told (headers.c), the cache (cache.c), its
 * origin (origin.c), and when it is over the counters and the log (journal.c). All of it is known from the table; nginx.conf
 * is fixed.
 */
#include "nginx/module.h"

#include <malloc.h>

#include "nginx/acme.h"
#include "nginx/cache.h"
#include "nginx/cache_share.h"
#include "nginx/counters.h"
#include "nginx/disk.h"
#include "nginx/headers.h"
#include "nginx/origin.h"
#include "nginx/origin_state.h"
#include "nginx/journal.h"
#include "nginx/listeners.h"
#include "nginx/run.h"
#include "nginx/site_share.h"
#include "nginx/source.h"
#include "nginx/tls.h"

/* ---- configuration */

static ngx_conf_enum_t listeners[] = {
	{ ngx_string("plain"), STEER_PLAIN },
	{ ngx_string("tls"), STEER_TLS },
	{ ngx_string("plain_proxy"), STEER_PLAIN_PROXY },
	{ ngx_string("tls_proxy"), STEER_TLS_PROXY },
	{ ngx_null_string, 0 },
};

static char *cached_directive(ngx_conf_t *cf, ngx_command_t *command, void *data)
{
	static char duplicate[] = "is duplicate";
	ngx_http_conf_ctx_t *ctx = cf->ctx;
	struct polder_server_conf *conf =
		ngx_http_conf_get_module_srv_conf(cf, ngx_http_polder_module);

	(void)command;
	(void)data;
	if (conf->cached)
		return duplicate;
	conf->cached = ctx->loc_conf;
	return NGX_CONF_OK;
}

static ngx_command_t commands[] = {
	{ ngx_string("polder_path"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_str_slot,
		NGX_HTTP_MAIN_CONF_OFFSET, offsetof(struct polder_main_conf, path), NULL },
	{ ngx_string("polder_ban_map"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_str_slot,
		NGX_HTTP_MAIN_CONF_OFFSET, offsetof(struct polder_main_conf, ban_map), NULL },
	{ ngx_string("polder_country_database"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
		ngx_conf_set_str_slot, NGX_HTTP_MAIN_CONF_OFFSET,
		offsetof(struct polder_main_conf, country_database), NULL },
	{ ngx_string("polder_listener_map"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
		ngx_conf_set_str_slot, NGX_HTTP_MAIN_CONF_OFFSET,
		offsetof(struct polder_main_conf, listener_map), NULL },
	{ ngx_string("polder_disk_max"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_off_slot,
		NGX_HTTP_MAIN_CONF_OFFSET, offsetof(struct polder_main_conf, disk_max), NULL },
	{ ngx_string("polder_disk_free"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
		ngx_conf_set_off_slot, NGX_HTTP_MAIN_CONF_OFFSET,
		offsetof(struct polder_main_conf, disk_free), NULL },
	{ ngx_string("polder"), NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_CONF_FLAG,
		ngx_conf_set_flag_slot, NGX_HTTP_SRV_CONF_OFFSET,
		offsetof(struct polder_server_conf, enable), NULL },
	{ ngx_string("polder_listener"), NGX_HTTP_SRV_CONF | NGX_CONF_TAKE1, ngx_conf_set_enum_slot,
		NGX_HTTP_SRV_CONF_OFFSET, offsetof(struct polder_server_conf, listener),
		listeners },
	{ ngx_string("polder_cached"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS, cached_directive, 0, 0,
		NULL },
	{ ngx_string("polder_origin"), NGX_HTTP_UPS_CONF | NGX_CONF_NOARGS, origin_directive, 0, 0,
		NULL },
	ngx_null_command,
};

static void *main_create(ngx_conf_t *cf)
{
	struct polder_main_conf *conf = ngx_pcalloc(cf->pool, sizeof(*conf));

	if (conf)
		conf->disk_max = conf->disk_free = NGX_CONF_UNSET;
	return conf;
}

static void *server_create(ngx_conf_t *cf)
{
	struct polder_server_conf *conf = ngx_pcalloc(cf->pool, sizeof(*conf));

	if (conf) {
		conf->enable = NGX_CONF_UNSET;
		conf->listener = NGX_CONF_UNSET_UINT;
	}
	return conf;
}

static char *server_merge(ngx_conf_t *cf, void *parent, void *child)
{
	const struct polder_server_conf *above = parent;
	struct polder_server_conf *conf = child;

	(void)cf;
	ngx_conf_merge_value(conf->enable, above->enable, 0);
	ngx_conf_merge_uint_value(conf->listener, above->listener, STEER_PLAIN);
	return NGX_CONF_OK;
}

struct polder_main_conf *polder_main(const ngx_cycle_t *cycle)
{
	return ngx_http_cycle_get_module_main_conf(cycle, ngx_http_polder_module);
}

/* ---- phases */

/* By another location, since nginx speaks gRPC to origins by another module than HTTP. */
static ngx_int_t to_grpc(ngx_http_request_t *r)
{
	static ngx_str_t location = ngx_string("@grpc");

	if (polder_request_keep(r) != NGX_OK)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	ngx_http_finalize_request(r, ngx_http_named_location(r, &location));
	return NGX_DONE;
}

static ngx_int_t preaccess(ngx_http_request_t *r)
{
	const struct polder_server_conf *conf =
		ngx_http_get_module_srv_conf(r, ngx_http_polder_module);
	struct polder_request *request;
	ngx_int_t result;

	if (!conf->enable || r != r->main)
		return NGX_DECLINED;
	request = polder_request_get(r);
	if (!request)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	if (request->passed)
		return NGX_DECLINED;
	/* Behind a PROXY header the source is known only now. */
	if (!source_admit(request->connection)) {
		request->verdict = LOG_REFUSED;
		request->check = CHECK_connections;
		return NGX_HTTP_CLOSE;
	}
	if (!request->source && !source_request(request->connection, &request->source)) {
		polder_refuse_node(request, CHECK_connections);
		return NGX_HTTP_CLOSE;
	}
	if (acme_asked(r, request))
		return acme_answer(r, request);
	result = polder_checks_run(r, request);
	if (result != NGX_DECLINED)
		return result;
	request->passed = true;
	if (request->redirected) {
		result = headers_redirect(r, request);
		if (result != NGX_DECLINED)
			return result;
	}
	if (!site_share_take(request)) {
		polder_refuse_node(request, CHECK_capacity);
		r->keepalive = request->connection->trusted && r->keepalive;
		return NGX_HTTP_SERVICE_UNAVAILABLE;
	}
	if (headers_prepare(r, request) != NGX_OK)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	if (headers_is_grpc(r, request))
		return to_grpc(r);
	return cache_prepare(r, request) == NGX_OK ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
}

static ngx_int_t logging(ngx_http_request_t *r)
{
	struct polder_request *request = polder_request_find(r);

	if (r != r->main)
		return NGX_OK;
	if (!request) {
		polder_checks_log_unread(r);
		return NGX_OK;
	}
	polder_checks_log(r, request);
	cache_done(r, request);
	journal_request(r, request);
	source_request_end(request->source);
	site_share_end(request);
	polder_request_release(request);
	return NGX_OK;
}

static ngx_int_t phase_add(ngx_conf_t *cf, ngx_http_phases phase, ngx_http_handler_pt handler)
{
	ngx_http_core_main_conf_t *core =
		ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
	ngx_http_handler_pt *place = ngx_array_push(&core->phases[phase].handlers);

	if (!place)
		return NGX_ERROR;
	*place = handler;
	return NGX_OK;
}

static ngx_int_t variables(ngx_conf_t *cf)
{
	return headers_variables(cf) == NGX_OK ? cache_variables(cf) : NGX_ERROR;
}

static ngx_int_t configured(ngx_conf_t *cf)
{
	if (phase_add(cf, NGX_HTTP_PREACCESS_PHASE, preaccess) != NGX_OK ||
		phase_add(cf, NGX_HTTP_LOG_PHASE, logging) != NGX_OK)
		return NGX_ERROR;
	if (tls_configure(cf) != NGX_OK)
		return NGX_ERROR;
	polder_checks_filter();
	return headers_filter(cf);
}

/* ---- processes */

#define TABLE_LOOK_MS 1000
static ngx_event_t look;

/* In the master. nginx runs it for "nginx -t" too, which must leave everything as it is. */
static ngx_int_t master_start(ngx_cycle_t *cycle)
{
	const struct polder_main_conf *conf = polder_main(cycle);

	if (ngx_test_config || !conf || conf->path.len == 0)
		return NGX_OK;
	if (counters_open(cycle) != NGX_OK || origin_state_open(cycle) != NGX_OK ||
		cache_share_open(cycle) != NGX_OK || disk_open(cycle) != NGX_OK ||
		source_open(cycle) != NGX_OK || journal_open(cycle) != NGX_OK ||
		listeners_publish(cycle) != NGX_OK || polder_checks_open(cycle) != NGX_OK)
		return NGX_ERROR;
	return NGX_OK;
}

/* A worker that gets no requests must let a superseded table go, too, and those requests that wait. */
static void table_look(ngx_event_t *event)
{
	table_unpin(table_pin(polder_now_ms()));
	polder_requests_renew();
	ngx_add_timer(event, TABLE_LOOK_MS);
}

static void table_watch(ngx_cycle_t *cycle)
{
	static ngx_connection_t nowhere = { .fd = (ngx_socket_t)-1 };

	polder_requests_start();
	look = (ngx_event_t){ .handler = table_look, .data = &nowhere, .log = cycle->log };
	look.cancelable = 1;
	ngx_add_timer(&look, TABLE_LOOK_MS);
}

static void worker_stop(ngx_cycle_t *cycle)
{
	(void)cycle;
	source_stop();
	disk_stop();
	journal_stop();
}

/* What many requests have freed at once is wanted again by the next ones: given back to the kernel and faulted in again, each
 * page costs as much as a thousand instructions. But no more than caches hold: with 16 MiB handshakes went round in cold
 * memory and took a quarter longer. Set by hand, none of these follows what is asked for: so all three are. */
#define FREED_KEPT (1 << 20)

static ngx_int_t worker_start(ngx_cycle_t *cycle)
{
	const struct polder_main_conf *conf = polder_main(cycle);
	char *path;

	if (!conf || conf->path.len == 0)
		return NGX_OK;
	path = ngx_palloc(cycle->pool, conf->path.len + sizeof("/table"));
	if (!path)
		return NGX_ERROR;
	(void)ngx_sprintf((u_char *)path, "%V/table%Z", &conf->path);
	table_open(path);
	if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
		return NGX_OK;
	source_start(cycle);
	disk_start(cycle);
	journal_start(cycle);
	(void)mallopt(M_TRIM_THRESHOLD, FREED_KEPT);
	(void)mallopt(M_MMAP_THRESHOLD, FREED_KEPT);
	(void)mallopt(M_TOP_PAD, FREED_KEPT / 4);
	if (origin_start(cycle) != NGX_OK || tls_start(cycle) != NGX_OK)
		return NGX_ERROR;
	listeners_watch(cycle);
	table_watch(cycle);
	return polder_checks_start(cycle);
}

static ngx_http_module_t context = {
	.preconfiguration = variables,
	.postconfiguration = configured,
	.create_main_conf = main_create,
	.create_srv_conf = server_create,
	.merge_srv_conf = server_merge,
};

ngx_module_t ngx_http_polder_module = {
	NGX_MODULE_V1,
	&context,
	commands,
	NGX_HTTP_MODULE,
	NULL,
	master_start,
	worker_start,
	NULL,
	NULL,
	worker_stop,
	NULL,
	NGX_MODULE_V1_PADDING,
};

/* What nginx looks for in a file that it loads. */
#define LOADED extern __attribute__((visibility("default")))
LOADED ngx_module_t *ngx_modules[];
LOADED char *ngx_module_names[];
LOADED char *ngx_module_order[];
ngx_module_t *ngx_modules[] = { &ngx_http_polder_module, NULL };
static char module_name[] = "ngx_http_polder_module";
char *ngx_module_names[] = { module_name, NULL };
char *ngx_module_order[] = { NULL };
