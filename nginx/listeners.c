/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new connection is first looked at here, and handed to nginx as if it came from the kernel; one that is refused is closed
 * before nginx has done anything for it. Behind a PROXY header nobody knows yet who it is from: it is counted when that was
 * read.
 *
 * The packet path steers connections to sockets that it finds in a SOCKMAP (shared/packet_abi.h). The master puts
 * them there, which is all that it must be root for; a reload does it again, with the same sockets.
 */
#include "nginx/listeners.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/syscall.h>

#include "base/auto.h"
#include "nginx/counters.h"
#include "nginx/fingerprint.h"
#include "nginx/source.h"

/* Of the server that a socket's connections go to first; NULL: not "polder on". */
static const struct polder_server_conf *conf_of(const ngx_listening_t *listening)
{
	const ngx_http_port_t *port = listening->servers;
	const ngx_http_core_srv_conf_t *server;
	const struct polder_server_conf *conf;

	if (listening->handler != ngx_http_init_connection || !port || port->naddrs == 0)
		return NULL;
	if (listening->sockaddr->sa_family == AF_INET6)
		server = ((const ngx_http_in6_addr_t *)port->addrs)[0].conf.default_server;
	else
		server = ((const ngx_http_in_addr_t *)port->addrs)[0].conf.default_server;
	conf = server->ctx->srv_conf[ngx_http_polder_module.ctx_index];
	return conf->enable ? conf : NULL;
}

static void connection_begin(ngx_connection_t *c, bool told_later)
{
	struct polder_connection *connection = polder_connection_get(c);
	const struct table_vip *vip;
	struct table *table;
	bool admitted = true;

	counter_add(&counters_node()->connections, 1);
	if (connection && !told_later) {
		table = table_pin(polder_now_ms());
		admitted =
			polder_connection_settle(connection, table, table_settings(table), &vip) &&
			source_admit(connection);
		table_unpin(table);
	}
	if (!connection || !admitted) {
		ngx_http_close_connection(c);
		return;
	}
	lines_watch(connection);
	ngx_http_init_connection(c);
}

static void connection_direct(ngx_connection_t *c)
{
	connection_begin(c, false);
}

static void connection_proxied(ngx_connection_t *c)
{
	connection_begin(c, true);
}

void listeners_watch(ngx_cycle_t *cycle)
{
	ngx_listening_t *listening = cycle->listening.elts;

	for (ngx_uint_t i = 0; i < cycle->listening.nelts; i++) {
		const struct polder_server_conf *conf = conf_of(&listening[i]);

		if (conf)
			listening[i].handler = conf->listener == STEER_PLAIN_PROXY ||
							       conf->listener == STEER_TLS_PROXY
						       ? connection_proxied
						       : connection_direct;
	}
}

static int bpf(enum bpf_cmd command, union bpf_attr *attributes)
{
	return (int)syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

static ngx_int_t publish(const ngx_listening_t *listening, uint32_t kind, int map, ngx_log_t *log)
{
	uint32_t key = 2 * kind + (listening->sockaddr->sa_family == AF_INET6);
	uint64_t socket = (uint64_t)listening->fd;
	union bpf_attr attributes = { 0 };

	attributes.map_fd = (uint32_t)map;
	attributes.key = (uintptr_t)&key;
	attributes.value = (uintptr_t)&socket;
	attributes.flags = BPF_ANY;
	if (bpf(BPF_MAP_UPDATE_ELEM, &attributes) == 0)
		return NGX_OK;
	ngx_log_error(
		NGX_LOG_EMERG, log, errno, "listener %ud cannot be named to the packet path", key);
	return NGX_ERROR;
}

ngx_int_t listeners_publish(ngx_cycle_t *cycle)
{
	const ngx_str_t *path = &polder_main(cycle)->listener_map;
	const ngx_listening_t *listening = cycle->listening.elts;
	union bpf_attr attributes = { 0 };
	AUTO(fd) int map = -1;

	if (path->len == 0)
		return NGX_OK;
	attributes.pathname = (uintptr_t)path->data;
	map = bpf(BPF_OBJ_GET, &attributes);
	if (map < 0) {
		ngx_log_error(NGX_LOG_EMERG, cycle->log, errno,
			"map of listeners \"%V\" cannot be opened", path);
		return NGX_ERROR;
	}
	for (ngx_uint_t i = 0; i < cycle->listening.nelts; i++) {
		const struct polder_server_conf *conf = conf_of(&listening[i]);

		if (conf &&
			publish(&listening[i], (uint32_t)conf->listener, map, cycle->log) != NGX_OK)
			return NGX_ERROR;
	}
	return NGX_OK;
}
