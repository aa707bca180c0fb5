/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * polder-control: reads its settings, starts its parts in order, waits for a signal, stops them in the
 * opposite order.
 */
#include <errno.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/acme/worker.h"
#include "control/actions/error.h"
#include "control/auth/call_log.h"
#include "control/auth/login.h"
#include "control/auth/nonce.h"
#include "control/auth/password.h"
#include "control/auth/throttle.h"
#include "control/bootstrap.h"
#include "control/config.h"
#include "control/dns/publisher.h"
#include "control/export/export.h"
#include "control/http.h"
#include "control/json_memory.h"

#define EXIT_SETTING 2
#define START_MEMORY ((size_t)64 << 20)
/* Snapshots are built one at a time but for a few: they are what takes memory. */
#define NODE_CONNECTIONS_TO_STORE 4

struct control {
	struct config config;
	struct arena *mem;
	struct vault *vault;
	struct db *db; /* for the start only */
	struct nodes *nodes;
	struct life_clock *clock;
	struct nonces *nonces;
	struct throttle *throttle;
	struct login *login;
	struct call_log *calls;
	struct engine *engine;
	struct names_settings names;
	struct names_thread *names_thread;
	struct acme_thread *acme;
	struct export_thread *exports;
	struct db_pool *api_pool, *node_pool;
	struct node_api *node_api;
	struct gateway gateway;
	struct http *http;
	uint8_t cookie_secret[32], export_key[EXPORT_KEY_SIZE];
	const char *export_folder;
};

/* A new key beside an old store would open nothing in it, and stand where the right one belongs. */
static enum err start_vault(struct control *control)
{
	const char *path = control->config.key_file;

	if (access(path, F_OK) != 0 && errno == ENOENT && db_exists(control->config.database))
		return fail(ERR_SYSTEM,
			"key file %s is missing: without it the secrets in the store cannot be "
			"read, bring it back",
			path);
	return vault_open(control->config.key_file, &control->vault);
}

static enum err start_store(struct control *control)
{
	return db_open(control->config.database, true, &control->db);
}

static enum err start_vip_pool(struct control *control)
{
	enum err err;

	TRY(db_begin(control->db, DB_WRITE));
	err = vip_pool_sync(control->db, control->config.vip_pool);
	if (err == OK)
		return db_commit(control->db);
	db_rollback(control->db);
	return err;
}

static enum err start_first_key(struct control *control)
{
	return bootstrap_key(control->db, control->vault, control->mem,
		control->config.bootstrap_file, clock_utc_ms());
}

static enum err start_cookie_secret(struct control *control)
{
	return bootstrap_cookie_secret(
		control->db, control->vault, control->mem, control->cookie_secret);
}

static enum err start_export_key(struct control *control)
{
	TRY(export_folder(control->mem, control->config.database, &control->export_folder));
	return bootstrap_export_key(control->db, control->vault, control->mem, control->export_key);
}

static enum err start_nodes(struct control *control)
{
	enum err err;

	control->nodes = nodes_new();
	if (!control->nodes)
		return ERR_MEMORY;
	TRY(db_begin(control->db, DB_READ));
	err = nodes_restore(control->nodes, control->db, control->mem);
	db_rollback(control->db);
	return err;
}

static enum err start_clock(struct control *control)
{
	control->clock = life_clock_new(control->config.clock_offset_file);
	return control->clock ? OK : ERR_MEMORY;
}

static enum err start_auth(struct control *control)
{
	TRY(nonces_open(control->config.nonce_file, clock_utc_ms(), &control->nonces));
	control->login = login_new(PASSWORD_COST_LOG2);
	control->calls = call_log_new();
	if (!control->login || !control->calls)
		return ERR_MEMORY;
	if (control->config.calls_per_second == 0)
		return OK;
	control->throttle = throttle_new(control->config.calls_per_second);
	return control->throttle ? OK : ERR_MEMORY;
}

static enum err start_engine(struct control *control)
{
	const struct engine_settings settings = { .blackhole = control->config.blackhole,
		.blackhole_ms = control->config.blackhole_minutes * MINUTE_MS,
		.smart_rule_ms = control->config.smart_rule_seconds * SECOND_MS,
		.smart_learn_ms = control->config.smart_learn_seconds * SECOND_MS,
		.attack_packets = (uint64_t)control->config.attack_packets,
		.attack_connections = (uint64_t)control->config.attack_connections,
		.attack_requests = (uint64_t)control->config.attack_requests,
		.attack_share = (uint32_t)control->config.attack_share,
		.attack_quiet_ms = control->config.attack_quiet_seconds * SECOND_MS };

	return engine_start(control->config.database, control->clock, control->nodes, &settings,
		&control->engine);
}

static enum err start_names(struct control *control)
{
	const struct config *config = &control->config;

	if (config->dns_zone[0] == '\0')
		return OK;
	control->names = (struct names_settings){
		.zone = config->dns_zone, .socket = config->dns_socket, .ttl_s = config->dns_ttl_s
	};
	return names_thread_start(
		&control->names, config->database, control->clock, &control->names_thread);
}

static enum err start_acme(struct control *control)
{
	const struct config *config = &control->config;

	if (config->acme.directory[0] == '\0')
		return OK;
	return acme_thread_start(&config->acme, config->database, control->vault, control->nodes,
		control->clock, &control->acme);
}

static enum err start_http(struct control *control)
{
	const struct config *config = &control->config;
	struct http_settings settings = { .socket = config->socket,
		.node_socket = config->node_socket,
		.threads = (unsigned)config->threads,
		.gateway = &control->gateway };
	uint64_t boot;

	if (RAND_bytes((unsigned char *)&boot, sizeof(boot)) != 1)
		return fail(ERR_SYSTEM, "no random bytes for the boot number");
	control->gateway = (struct gateway){ .vault = control->vault,
		.nodes = control->nodes,
		.clock = control->clock,
		.engine = control->engine,
		.nonces = control->nonces,
		.throttle = control->throttle,
		.login = control->login,
		.calls = control->calls,
		.dns_zone = config->dns_zone,
		.watch_first = config->watch_first,
		.acme_directory = config->acme.directory,
		.drill_socket = config->drill_socket,
		.regions = &config->regions,
		.export_key = control->export_key,
		.export_folder = control->export_folder,
		.host_id = config->host_id };
	control->api_pool = db_pool_new(config->database, (size_t)config->threads);
	control->node_pool = db_pool_new(config->database, NODE_CONNECTIONS_TO_STORE);
	if (!control->api_pool || !control->node_pool)
		return ERR_MEMORY;
	control->node_api =
		node_api_new(&control->gateway, control->node_pool, boot, control->cookie_secret);
	if (!control->node_api)
		return ERR_MEMORY;
	settings.api_pool = control->api_pool;
	settings.node_pool = control->node_pool;
	settings.node_api = control->node_api;
	return http_start(&settings, &control->http);
}

static enum err start_exports(struct control *control)
{
	return export_thread_start(&control->gateway, control->config.database, &control->exports);
}

static const struct {
	const char *name;
	enum err (*start)(struct control *control);
} parts[] = {
	/* First, since its lock keeps a second control from touching anything of the one that runs. */
	{ "replay protection", start_auth },
	{ "key file", start_vault },
	{ "store", start_store },
	{ "address pool", start_vip_pool },
	{ "first access key", start_first_key },
	{ "cookie secret", start_cookie_secret },
	{ "key of exports", start_export_key },
	{ "nodes", start_nodes },
	{ "clock", start_clock },
	{ "engine", start_engine },
	{ "names", start_names },
	{ "certificates by ACME", start_acme },
	{ "sockets", start_http },
	{ "exports", start_exports },
};

static void stop(struct control *control)
{
	if (control->nodes)
		/* Long polls end, so that their threads do. */
		nodes_close(control->nodes);
	http_stop(control->http);
	export_thread_stop(control->exports);
	acme_thread_stop(control->acme);
	names_thread_stop(control->names_thread);
	engine_stop(control->engine);
	node_api_free(control->node_api);
	db_pool_free(control->node_pool);
	db_pool_free(control->api_pool);
	call_log_free(control->calls);
	login_free(control->login);
	throttle_free(control->throttle);
	nonces_close(control->nonces);
	life_clock_free(control->clock);
	nodes_free(control->nodes);
	db_close(control->db);
	vault_close(control->vault);
	explicit_bzero(control->cookie_secret, sizeof(control->cookie_secret));
	explicit_bzero(control->export_key, sizeof(control->export_key));
	arena_free(control->mem);
}

static bool start(struct control *control)
{
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (parts[i].start(control) == OK)
			continue;
		log_error("cannot start: %s", parts[i].name);
		return false;
	}
	db_close(control->db);
	control->db = NULL;
	return true;
}

/* Owns table. */
static int describe(json_t *table)
{
	int rc = table ? json_dumpf(table, stdout, JSON_COMPACT) : -1;

	json_decref(table);
	if (rc == 0)
		rc = puts("") < 0 || fflush(stdout) != 0;
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Signals are taken by sigwait in the main thread; threads inherit the mask. */
static void block_signals(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGTERM);
	(void)sigaddset(set, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

static int serve(struct control *control)
{
	int received = 0, code = EXIT_FAILURE;
	sigset_t set;

	log_open("control", control->config.log_level);
	(void)umask(077);
	block_signals(&set);
	if (start(control)) {
		log_info("ready");
		(void)sigwait(&set, &received);
		log_info("stopping on signal %d", received);
		code = EXIT_SUCCESS;
	}
	stop(control);
	return code;
}

int main(int argc, char **argv)
{
	struct control control = { .mem = arena_new(START_MEMORY) };
	char why[SPEC_WHY_SIZE];

	json_memory_start();
	if (!control.mem)
		return EXIT_FAILURE;
	if (!config_read(control.mem, argc, argv, &control.config, why)) {
		(void)fprintf(stderr, "polder-control: %s\n", why);
		arena_free(control.mem);
		return EXIT_SETTING;
	}
	if (control.config.command == CONFIG_RUN)
		return serve(&control);
	if (control.config.command == CONFIG_DESCRIBE) {
		arena_free(control.mem);
		return describe(action_describe());
	}
	if (control.config.command == CONFIG_DESCRIBE_ERRORS) {
		arena_free(control.mem);
		return describe(errors_describe(NULL));
	}
	config_help(stdout);
	arena_free(control.mem);
	return EXIT_SUCCESS;
}
