/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fixture behind api.h. Calls are signed in the V1 form with fresh nonces and the fixture's own
 * clock. The dump reads the database by a second connection, table by table as the schema has them, so
 * that a table added later is compared too.
 */
#include "tests/support/api.h"

#include "base/clock.h"
#include "base/form.h"
#include "base/signature.h"
#include "base/text.h"
#include "control/actions/error.h"
#include "control/auth/call_log.h"
#include "control/auth/login.h"
#include "control/auth/nonce.h"
#include "control/store/attack.h"
#include "control/store/policy.h"
#include "control/store/query.h"
#include "shared/snapshot_abi.h"

/* cmocka has a fail() of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#define MEMORY_MAX ((size_t)64 << 20)
#define PAIRS_MAX  64
#define DUMP_MAX   ((size_t)16 << 20)

static const char *path_of(struct api *api, const char *name)
{
	const char *path = arena_print(api->fixture, "%s/%s", api->folder, name);
	assert_non_null(path);
	return path;
}

static void make_key(struct api *api, struct api_key *out, int64_t account,
	enum permission permission, const char *const *instances, size_t count)
{
	unsigned serial = ++api->nonce;
	const char **ids = arena_array(api->fixture, count, sizeof(*ids));
	for (size_t i = 0; i < count; i++)
		ids[i] = instances[i];
	(void)snprintf(out->id, sizeof(out->id), "LTAITEST%012u", serial);
	(void)snprintf(out->secret, sizeof(out->secret), "secret-of-key-%08u", serial);
	out->account = account;
	struct access_key key = {
		.account = account,
		.permission = permission,
		.active = true,
		.secret = out->secret,
		.instance_count = count,
		.instance = ids,
		.create_ms = api->clock_ms,
		.remark = "",
	};
	memcpy(key.id, out->id, sizeof(key.id));
	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	assert_int_equal(access_key_insert(api->db, api->vault, &key), OK);
	assert_int_equal(db_commit(api->db), OK);
}

struct api_key *api_make_key(struct api *api, int64_t account, enum permission permission,
	const char *const *instances, size_t count)
{
	struct api_key *key = arena_take(api->fixture, sizeof(*key));
	assert_non_null(key);
	make_key(api, key, account, permission, instances, count);
	return key;
}

static int64_t make_account(struct api *api, const char *name)
{
	int64_t account;
	assert_int_equal(account_insert(api->db, name, api->clock_ms, &account), OK);
	return account;
}

/* The server's threads count too. */
static _Atomic uint64_t json_nth, json_asked;

static void *json_allocate(size_t size)
{
	return ++json_asked == json_nth ? NULL : malloc(size);
}

void api_open(struct api *api)
{
	json_set_alloc_funcs(json_allocate, free);
	memset(api, 0, sizeof(*api));
	(void)snprintf(api->folder, sizeof(api->folder), "/tmp/polder-test-XXXXXX");
	assert_non_null(mkdtemp(api->folder));
	api->clock_ms = API_CLOCK_MS;
	api->mem = arena_new(MEMORY_MAX);
	api->fixture = arena_new(MEMORY_MAX);
	api->dumps[0] = arena_new(MEMORY_MAX);
	api->dumps[1] = arena_new(MEMORY_MAX);
	assert_non_null(api->mem);
	assert_non_null(api->fixture);
	assert_non_null(api->dumps[0]);
	assert_non_null(api->dumps[1]);
	const char *url = arena_print(api->fixture, "sqlite:%s/control.db", api->folder);
	assert_int_equal(db_open(url, true, &api->db), OK);
	assert_int_equal(vault_open(path_of(api, "key"), &api->vault), OK);
	api->gateway.vault = api->vault;
	api->gateway.nodes = nodes_new();
	api->gateway.clock = life_clock_new(path_of(api, "clock"));
	api->gateway.host_id = "polder.test";
	api->gateway.export_key = (const uint8_t *)"a key of thirty-two bytes, no less";
	assert_non_null(api->gateway.nodes);
	assert_non_null(api->gateway.clock);
	assert_int_equal(
		nonces_open(path_of(api, "nonces"), api->clock_ms, &api->gateway.nonces), OK);
	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	assert_int_equal(vip_pool_sync(api->db, "198.51.100.0/24 2001:db8:1::/112"), OK);
	api->gateway.login = login_new(1);
	api->gateway.calls = call_log_new();
	assert_non_null(api->gateway.login);
	assert_non_null(api->gateway.calls);
	int64_t root = make_account(api, "root");
	int64_t tenant = make_account(api, "tenant"), other = make_account(api, "other");
	assert_int_equal(db_commit(api->db), OK);
	make_key(api, &api->root, root, PERMISSION_OPERATOR, NULL, 0);
	make_key(api, &api->tenant, tenant, PERMISSION_FULL, NULL, 0);
	make_key(api, &api->other, other, PERMISSION_FULL, NULL, 0);
	api->caller = &api->tenant;
	api->version = VERSION_DDOSCOO;
	api->format = "JSON";
}

void api_close(struct api *api)
{
	static const char *const names[] = { "control.db", "control.db-wal", "control.db-shm",
		"key", "clock", "nonces" };
	json_decref(api->reply);
	db_close(api->db);
	vault_close(api->vault);
	nodes_free(api->gateway.nodes);
	life_clock_free(api->gateway.clock);
	nonces_close(api->gateway.nonces);
	login_free(api->gateway.login);
	call_log_free(api->gateway.calls);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)remove(path_of(api, names[i]));
	(void)remove(api->folder);
	arena_free(api->fixture);
	arena_free(api->dumps[0]);
	arena_free(api->dumps[1]);
	arena_free(api->mem);
}

int api_setup(void **state)
{
	struct api *api = calloc(1, sizeof(*api));

	if (!api)
		return -1;
	api_open(api);
	*state = api;
	return 0;
}

int api_teardown(void **state)
{
	api_close(*state);
	free(*state);
	return 0;
}

static void add_pair(struct form *form, const char *key, const char *value)
{
	form->pair[form->count].key = key;
	form->pair[form->count++].value = value;
}

static const char *signed_query(
	struct api *api, const char *action, const struct pair *pairs, size_t count)
{
	char time[CLOCK_ISO_SIZE], signature[SIGNATURE_V1_SIZE];
	struct form form = { arena_array(api->mem, count + 16, sizeof(struct pair)), 0 };
	for (size_t i = 0; i < count; i++)
		add_pair(&form, pairs[i].key, pairs[i].value);
	add_pair(&form, "Action", action);
	add_pair(&form, "Version", api->version);
	add_pair(&form, "Format", api->format);
	if (!api->caller)
		return form_canonical(api->mem, &form, NULL);
	clock_format_iso(api->clock_ms, time);
	const char *nonce = arena_print(api->mem, "nonce-%u", ++api->nonce);
	add_pair(&form, "AccessKeyId", api->caller->id);
	add_pair(&form, "SignatureMethod", "HMAC-SHA1");
	add_pair(&form, "SignatureVersion", "1.0");
	add_pair(&form, "SignatureNonce", nonce);
	add_pair(&form, "Timestamp", time);
	if (api->token)
		add_pair(&form, "SecurityToken", api->token);
	const char *string = signature_v1_string(api->mem, "GET", &form);
	assert_non_null(string);
	assert_true(signature_v1(api->caller->secret, string, signature));
	return arena_print(api->mem, "%s&Signature=%s", form_canonical(api->mem, &form, NULL),
		form_encode(api->mem, signature));
}

/* What an action answers is in the catalogue of errors, or tools/errors_of_actions has missed it. */
static void expect_known_error(const struct api *api, const char *action)
{
	const char *code = api_code(api);
	bool known;

	if (!action_find(api->version, action, &known) || code[0] == '\0')
		return;
	if (!action_gives(action, code))
		fail_msg("the catalogue of errors has no %s for %s", code, action);
}

int api_call_pairs(struct api *api, const char *action, const struct pair *pairs, size_t count)
{
	arena_reset(api->mem);
	json_decref(api->reply);
	const struct header source = { "X-Real-IP", api->source };
	struct request request = {
		.method = "GET",
		.path = "/",
		.query = signed_query(api, action, pairs, count),
		.body = "",
		.header = &source,
		.header_count = api->source != NULL,
		.clock_ms = api->clock_ms,
	};
	arena_torture(api->fail_allocation, 0);
	db_torture(api->fail_store);
	json_nth = api->fail_json;
	json_asked = 0;
	dispatch_request(&api->gateway, api->db, api->mem, &request, &api->response);
	api->failed_as_told =
		(api->fail_allocation && arena_torture_count() >= api->fail_allocation) ||
		(api->fail_store && db_torture_count() >= api->fail_store) ||
		(api->fail_json && json_asked >= api->fail_json);
	api->fail_allocation = api->fail_store = api->fail_json = 0;
	json_nth = 0;
	arena_torture(0, 0);
	db_torture(0);
	api->reply = json_loadb(api->response.body, api->response.body_size, 0, NULL);
	expect_known_error(api, action);
	return api->response.status;
}

int api_call_texts(
	struct api *api, const char *version, const char *action, const char *const *texts)
{
	const char *before = api->version;
	struct pair pairs[PAIRS_MAX];
	size_t count = 0;
	for (; texts[0]; texts += 2) {
		assert_true(count < PAIRS_MAX);
		pairs[count++] = (struct pair){ texts[0], texts[1] };
	}
	api->version = version;
	int status = api_call_pairs(api, action, pairs, count);
	api->version = before;
	return status;
}

const json_t *api_get(const struct api *api, const char *path)
{
	const json_t *at = api->reply;
	char key[128];
	while (at && *path) {
		size_t length = strcspn(path, ".");
		assert_true(length < sizeof(key));
		memcpy(key, path, length);
		key[length] = '\0';
		path += length + (path[length] == '.');
		at = json_is_array(at) ? json_array_get(at, strtoul(key, NULL, 10))
				       : json_object_get(at, key);
	}
	return at;
}

const char *api_text(const struct api *api, const char *path)
{
	const char *text = json_string_value(api_get(api, path));
	return text ? text : "";
}

int64_t api_int(const struct api *api, const char *path)
{
	const json_t *value = api_get(api, path);
	return json_is_integer(value) ? json_integer_value(value) : -1;
}

const char *api_code(const struct api *api)
{
	return api->response.status == 200 ? "" : api_text(api, "Code");
}

const char *api_buy(struct api *api, const char *type, const char *address_type)
{
	int status = api_call_version(api, VERSION_BSS, "CreateInstance", "ProductCode", "ddos",
		"ProductType", type, "SubscriptionType", "Subscription", "Period", "1",
		"Parameter.1.Code", "AddressType", "Parameter.1.Value", address_type, NULL);
	if (status != 200)
		print_error("%.*s\n", (int)api->response.body_size, api->response.body);
	assert_int_equal(status, 200);
	const char *id = arena_copy(api->fixture, api_text(api, "Data.InstanceId"));
	assert_non_null(id);
	return id;
}

void api_move_life(struct api *api, int64_t span_ms)
{
	api->life_offset_ms += span_ms;
	FILE *file = fopen(path_of(api, "clock"), "w");
	assert_non_null(file);
	(void)fprintf(file, "%lld\n", (long long)api->life_offset_ms);
	(void)fclose(file);
	(void)life_clock_refresh(api->gateway.clock);
	assert_int_equal(life_clock_offset_ms(api->gateway.clock), api->life_offset_ms);
}

static void dump_table(sqlite3 *handle, const char *table, struct text *text)
{
	sqlite3_stmt *statement;
	char *sql = sqlite3_mprintf("SELECT * FROM \"%w\"", table);
	assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
	text_print(text, "%s\n", table);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(statement); i++) {
			char hex[33];
			if (sqlite3_column_type(statement, i) != SQLITE_BLOB) {
				const unsigned char *value = sqlite3_column_text(statement, i);
				text_print(text, "|%s", value ? (const char *)value : "NULL");
				continue;
			}
			int size = sqlite3_column_bytes(statement, i);
			text_hex(sqlite3_column_blob(statement, i), size < 16 ? (size_t)size : 16,
				hex);
			text_print(text, "|%s", hex);
		}
		text_add_char(text, '\n');
	}
	(void)sqlite3_finalize(statement);
	sqlite3_free(sql);
}

const char *api_dump(struct api *api)
{
	sqlite3 *handle;
	sqlite3_stmt *tables;
	struct text text;
	struct arena *mem = api->dumps[0];
	api->dumps[0] = api->dumps[1];
	api->dumps[1] = mem;
	arena_reset(mem);
	text_init(&text, mem, DUMP_MAX);
	assert_int_equal(sqlite3_open(path_of(api, "control.db"), &handle), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(handle,
			"SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE "
			"'audit%' AND name <> 'node' ORDER BY name",
			-1, &tables, NULL),
		SQLITE_OK);
	while (sqlite3_step(tables) == SQLITE_ROW)
		dump_table(handle, (const char *)sqlite3_column_text(tables, 0), &text);
	(void)sqlite3_finalize(tables);
	assert_int_equal(sqlite3_close(handle), SQLITE_OK);
	assert_false(text.failed);
	return text.data;
}

bool api_audit_whole(struct api *api)
{
	bool whole = false;
	int64_t count, broken;
	assert_int_equal(db_begin(api->db, DB_READ), OK);
	assert_int_equal(audit_verify(api->db, &whole, &count, &broken), OK);
	db_rollback(api->db);
	return whole;
}

void api_node_reports(struct api *api, int64_t instance_number)
{
	struct report {
		struct snapshot_header header;
		struct record_node node;
		struct record_source source;
		struct record_traffic traffic;
	} report;
	int64_t newest;
	memset(&report, 0, sizeof(report));
	assert_int_equal(db_begin(api->db, DB_READ), OK);
	assert_int_equal(change_generation(api->db, &newest), OK);
	db_rollback(api->db);
	report.header.magic = SNAPSHOT_MAGIC;
	report.header.version = SNAPSHOT_VERSION;
	report.header.record_count = instance_number ? 3 : 2;
	report.header.byte_count = (uint32_t)(sizeof(report.node) + sizeof(report.source) +
					      (instance_number ? sizeof(report.traffic) : 0));
	report.node.record = (struct record){ RECORD_NODE, sizeof(report.node), 1 };
	report.node.generation = (uint64_t)newest;
	report.node.life_offset_ms = api->life_offset_ms;
	report.source.record = (struct record){ RECORD_SOURCE, sizeof(report.source), 1 };
	uint8_t source[16];
	assert_true(text_to_address("192.0.2.16", source));
	memcpy(&report.source.address, source, sizeof(source));
	report.source.prefix_bits = 96 + 28;
	report.traffic.record = (struct record){ RECORD_TRAFFIC, sizeof(report.traffic),
		(uint32_t)instance_number };
	report.traffic.in = (struct counter){ 7, 700 };
	report.traffic.dropped = (struct counter){ 2, 200 };
	report.traffic.out = (struct counter){ 5, 500 };
	report.traffic.last_in_ms = api->clock_ms;
	assert_int_equal(
		nodes_confirm(api->gateway.nodes, "node-1", (uint64_t)newest, api->clock_ms), OK);
	assert_int_equal(nodes_report(api->gateway.nodes, "node-1", &report,
				 sizeof(report.header) + report.header.byte_count, api->clock_ms),
		OK);
	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	assert_int_equal(nodes_persist(api->gateway.nodes, api->db), OK);
	assert_int_equal(db_commit(api->db), OK);
}

static int64_t number_of(struct api *api, const char *id)
{
	struct instance instance;
	assert_int_equal(instance_load(api->db, api->fixture, id, &instance), OK);
	return instance.number;
}

void api_blackhole(struct api *api, const char *id, int64_t span_ms)
{
	struct protection protection;
	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	assert_int_equal(
		protection_load(api->db, api->fixture, number_of(api, id), &protection), OK);
	protection.blackhole_from_ms = api->clock_ms;
	protection.blackhole_until_ms = api->clock_ms + span_ms;
	assert_int_equal(protection_put(api->db, api->fixture, &protection), OK);
	assert_int_equal(db_commit(api->db), OK);
}

void api_limit_event(struct api *api, const char *id, int64_t from_ms, int64_t until_ms)
{
	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	assert_int_equal(
		limit_event_put(api->db, number_of(api, id), from_ms, until_ms, SECOND_MS), OK);
	assert_int_equal(db_commit(api->db), OK);
}

void api_attack(struct api *api, const char *id, const char *domain, enum attack_kind kind,
	const struct attack *attack)
{
	struct attack_row row = { .kind = kind,
		.subject = number_of(api, id),
		.domain = domain ? domain : "",
		.attack = *attack };
	uint64_t packets = attack->refused.packets;
	struct instance instance;

	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	assert_int_equal(instance_load(api->db, api->fixture, id, &instance), OK);
	row.account = instance.account;
	row.product = instance.product;
	memcpy(row.instance_id, instance.id, sizeof(row.instance_id));
	memcpy(row.vip, instance.vip, sizeof(row.vip));
	if (kind == ATTACK_WEB_CC) {
		row.attack.part[ATTACK_WEB_REFUSED].packets = packets;
	} else if (kind == ATTACK_DEFENSE) {
		row.attack.part[REASON_cookie_sent].packets = packets - packets / 10;
		row.attack.part[REASON_tcp_flags].packets = packets / 10;
	}
	assert_int_equal(attack_insert(api->db, api->fixture, &row), OK);
	assert_int_equal(db_commit(api->db), OK);
}

size_t api_audit_rows(struct api *api, struct audit_row **rows)
{
	struct audit_filter filter = { .account = 0, .limit = 0 };
	size_t count;

	assert_int_equal(db_begin(api->db, DB_READ), OK);
	assert_int_equal(audit_list(api->db, api->fixture, &filter, rows, &count, NULL), OK);
	db_rollback(api->db);
	return count;
}

int64_t api_count(struct api *api, const char *sql)
{
	int64_t count;

	assert_int_equal(db_begin(api->db, DB_READ), OK);
	assert_int_equal(select_int(api->db, sql, NULL, 0, &count), OK);
	db_rollback(api->db);
	return count;
}

void api_attack_top(
	struct api *api, const char *id, enum attack_kind kind, const struct attack_top *top)
{
	const struct attack_filter filter = {
		.ids = &id, .id_count = 1, .kinds = 1u << kind, .limit = 1
	};
	struct attack_row *rows;
	size_t count;

	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	assert_int_equal(attack_list(api->db, api->fixture, &filter, &rows, &count, NULL), OK);
	assert_int_equal(count, 1);
	assert_int_equal(
		attack_top_write(api->db, api->fixture, rows[0].number, rows[0].kind, top), OK);
	assert_int_equal(db_commit(api->db), OK);
}
