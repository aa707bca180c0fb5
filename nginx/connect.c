/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nginx itself binds to an address with a port of the host's choosing, or to a port that nobody else may have: neither will do
 * (nginx/outgoing.c). So the socket comes from there, and what follows is what ngx_event_connect_peer does with its own; epoll
 * tells of a socket that it is given late all the same.
 */
#include "nginx/connect.h"

#include "nginx/counters.h"
#include "nginx/outgoing.h"

#define COMPLAIN_EVERY_MS 60000

static struct outgoing outgoing;

static void missed(const ngx_peer_connection_t *peer)
{
	static ngx_msec_t last_ms;
	static bool said;

	counter_add(&counters_node()->sources_missed, 1);
	if (said && ngx_current_msec - last_ms < COMPLAIN_EVERY_MS)
		return;
	said = true;
	last_ms = ngx_current_msec;
	ngx_log_error(NGX_LOG_WARN, peer->log, 0,
		"no back-to-origin address for a connection to %V: the host chooses", peer->name);
}

static ngx_int_t adopt(ngx_peer_connection_t *peer, int fd)
{
	ngx_connection_t *c = ngx_get_connection(fd, peer->log);

	if (!c) {
		(void)ngx_close_socket(fd);
		return NGX_ERROR;
	}
	c->type = SOCK_STREAM;
	c->recv = ngx_recv;
	c->send = ngx_send;
	c->recv_chain = ngx_recv_chain;
	c->send_chain = ngx_send_chain;
	c->sendfile = 1;
	c->log_error = peer->log_error;
	c->read->log = peer->log;
	c->write->log = peer->log;
	c->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);
	c->start_time = ngx_current_msec;
	if (ngx_add_conn(c) == NGX_ERROR) {
		ngx_close_connection(c);
		return NGX_ERROR;
	}
	peer->connection = c;
	return NGX_AGAIN;
}

ngx_int_t connect_from_source(ngx_peer_connection_t *peer, const struct table_sources *sources,
	const struct address *client)
{
	const ngx_core_conf_t *core =
		(const void *)ngx_get_conf(ngx_cycle->conf_ctx, ngx_core_module);
	int fd;

	outgoing.worker = (uint32_t)ngx_worker;
	outgoing.workers = (uint32_t)core->worker_processes;
	fd = outgoing_open(&outgoing, sources, client, peer->sockaddr, peer->socklen,
		(int64_t)ngx_current_msec);
	if (fd >= 0)
		return adopt(peer, fd);
	missed(peer);
	return NGX_DECLINED;
}
