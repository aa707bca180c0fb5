/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exports from the order to the file that a link gives, what they may take, who sees them, and what is left of them when they
 * are deleted or the control ends while one is made.
 */
#include "tests/unit/web_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/export/export.h"

#define ABOUT_INSTANCE "{\"instanceId\":\"%s\"}"

static int folder_fd;
static char folder[128];
static struct db_pool *pool;
static struct response file;

static int export_setup(void **state)
{
	(void)web_setup(state);
	struct world *world = *state;
	struct api *api = &world->api;
	const char *url = arena_print(api->fixture, "sqlite:%s/control.db", api->folder), *path;

	assert_int_equal(export_folder(api->fixture, url, &path), OK);
	(void)snprintf(folder, sizeof(folder), "%s", path);
	assert_int_equal(export_open(folder, &folder_fd), OK);
	api->gateway.export_folder = folder;
	pool = db_pool_new(url, 1);
	assert_non_null(pool);
	return 0;
}

/* Files in the folder. */
static int file_count(void)
{
	DIR *list = opendir(folder);
	int count = 0;

	assert_non_null(list);
	for (const struct dirent *entry; (entry = readdir(list));)
		count += entry->d_name[0] != '.';
	(void)closedir(list);
	return count;
}

static int export_teardown(void **state)
{
	DIR *list = opendir(folder);

	assert_non_null(list);
	for (const struct dirent *entry; (entry = readdir(list));)
		if (entry->d_name[0] != '.')
			assert_int_equal(unlinkat(folder_fd, entry->d_name, 0), 0);
	(void)closedir(list);
	(void)close(folder_fd);
	assert_int_equal(rmdir(folder), 0);
	db_pool_free(pool);
	return teardown(state);
}

/* What the thread does in one round; how many turns there were, of which so many fail. */
static int work_with(struct api *api, int failures)
{
	struct arena *mem = arena_new((size_t)64 << 20);
	struct export_round round = { .failed = false };
	int turns = 0;

	assert_non_null(mem);
	for (bool more = true; more && turns < 1000; turns += more) {
		arena_reset(mem);
		failures -= export_tick(&api->gateway, folder_fd, api->db, mem, api->clock_ms,
				    &round, &more) != OK;
	}
	assert_int_equal(failures, 0);
	arena_free(mem);
	return turns;
}

static int work(struct api *api)
{
	return work_with(api, 0);
}

static int create(struct api *api, const char *type, const char *params)
{
	return CALL(api, "CreateAsyncTask", "TaskType", type, "TaskParams", params);
}

static int create_for(struct world *world, const char *type)
{
	char params[96];

	(void)snprintf(params, sizeof(params), ABOUT_INSTANCE, world->id);
	return create(&world->api, type, params);
}

static void list(struct api *api)
{
	assert_int_equal(CALL(api, "DescribeAsyncTasks", PAGE), 200);
}

/* The link in the result of the newest task. */
static const char *link_of(struct api *api)
{
	json_t *result = json_loads(api_text(api, "AsyncTasks.0.TaskResult"), 0, NULL);
	const char *link = json_string_value(json_object_get(result, "url"));

	if (link)
		link = arena_copy(api->fixture, link);
	json_decref(result);
	return link;
}

/* The status that a client gets who follows the link; what it says is in file. */
static int fetch(struct api *api, const char *link, const char *method)
{
	static const char site[] = "http://polder.test";
	char *path = arena_copy(api->fixture, link + sizeof(site) - 1), *question;
	struct request request = { .method = method, .body = "", .clock_ms = api->clock_ms };

	assert_memory_equal(link, site, sizeof(site) - 1);
	question = strchr(path, '?');
	request.query = question ? question + 1 : "";
	if (question)
		*question = '\0';
	request.path = path;
	assert_true(export_is_link(&request));
	export_serve(&api->gateway, pool, api->fixture, &request, &file);
	return file.status;
}

static json_t *content(struct api *api)
{
	json_t *document;

	list(api);
	assert_int_equal(api_int(api, "AsyncTasks.0.TaskStatus"), 2);
	assert_int_equal(fetch(api, link_of(api), "GET"), 200);
	assert_non_null(strstr(file.disposition, ".json\""));
	document = json_loadb(file.body, file.body_size, 0, NULL);
	assert_non_null(document);
	return document;
}

static void add_rules(struct world *world)
{
	char port[8];

	for (int i = 0; i < 45; i++) {
		(void)snprintf(port, sizeof(port), "%d", 7000 + i);
		assert_int_equal(CALL(&world->api, "CreatePort", "InstanceId", world->id,
					 "FrontendProtocol", i % 2 ? "udp" : "tcp", "FrontendPort",
					 port, "BackendPort", "80", "RealServers.1", "10.0.0.1"),
			200);
	}
}

/* Type, member of the file, how many it has there; 0: that it is there. */
static void test_types(void **state)
{
	static const struct {
		const char *type, *member;
		size_t count;
	} rows[] = { { "1", "NetworkRules", 45 }, { "2", "WebRules", 2 },
		{ "3", "NetworkRuleAttributes", 45 }, { "3", "HealthCheckList", 45 },
		{ "4", "NetworkRuleAttributes", 45 }, { "4", "Mitigations", MITIGATION_COUNT },
		{ "4", "Limits", 0 }, { "4", "PortAutoCcStatus", 1 }, { "4", "Config", 0 },
		{ "4", "UdpSports", 0 }, { "4", "Patterns", 0 }, { "5", "AutoCcBlacklist", 120 },
		{ "6", "AutoCcWhitelist", 1 } };
	struct world *world = *state;
	struct api *api = &world->api;
	char text[64];

	add_rules(world);
	for (int i = 0; i < 120; i++) {
		(void)snprintf(text, sizeof(text), "[{\"src\":\"203.0.113.%d\"}]", i);

		assert_int_equal(CALL(api, "AddAutoCcBlacklist", "InstanceId", world->id,
					 "ExpireTime", "3600", "Blacklist", text),
			200);
	}
	assert_int_equal(CALL(api, "AddAutoCcWhitelist", "InstanceId", world->id, "Whitelist",
				 "[{\"src\":\"198.51.100.77\"}]"),
		200);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const json_t *member;
		json_t *document;

		if (rows[i].type[0] == '2')
			assert_int_equal(create(api, "2", "{}"), 200);
		else
			assert_int_equal(create_for(world, rows[i].type), 200);
		EMPTY_REPLY(api);
		assert_int_equal(work(api), 1);
		document = content(api);
		member = json_object_get(document, rows[i].member);
		if (!member || (rows[i].count && json_array_size(member) != rows[i].count))
			fail_msg("type %s: %s has %zu", rows[i].type, rows[i].member,
				json_array_size(member));
		assert_null(json_object_get(document, "RequestId"));
		json_decref(document);
	}
	assert_int_equal(create(api, "2", "{\"domain\":\"WWW.example.com\"}"), 200);
	assert_int_equal(work(api), 1);
	json_t *document = content(api);
	assert_int_equal(json_array_size(json_object_get(document, "WebRules")), 1);
	assert_string_equal(json_string_value(json_object_get(document, "Domain")), DOMAIN);
	json_decref(document);
	expect_json(api, "AsyncTasks.0.TaskParams", "\"{\\\"domain\\\":\\\"" DOMAIN "\\\"}\"");
}

static void test_refused(void **state)
{
	static const struct {
		const char *type, *params, *code, *named;
	} rows[] = { { "0", "{}", "InvalidParameter", "TaskType" },
		{ "7", "{}", "InvalidParameter", "TaskType" },
		{ "1", "{}", "MissingParameter", "TaskParams.instanceId" },
		{ "1", "x", "InvalidParameter", "TaskParams" },
		{ "1", "[]", "InvalidParameter", "TaskParams" },
		{ "5", "{\"domain\":\"" DOMAIN "\"}", "InvalidParameter", "domain" },
		{ "2", "{\"instanceId\":\"a\"}", "InvalidParameter", "instanceId" },
		{ "1", "{\"instanceId\":\"../../etc\"}", "InstanceNotFound", "" },
		{ "2", "{\"domain\":\"../../etc\"}", "DomainNotExist", "" },
		{ "2", "{\"domain\":7}", "InvalidParameter", "domain" } };
	struct world *world = *state;
	struct api *api = &world->api;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(create(api, rows[i].type, rows[i].params), 400);
		expect(api, api_code(api), rows[i].named);
		if (!strstr(api_code(api), rows[i].code))
			fail_msg("row %zu: %s", i, api_code(api));
	}
	list(api);
	assert_int_equal(api_int(api, "TotalCount"), 0);
	assert_int_equal(CALL(api, "DeleteAsyncTask", "TaskId", "1"), 400);
	expect(api, "TaskNotExist", "");
}

/* From waiting to gone, with the same numbers and links after the control began anew. */
static void test_life(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	struct export_task task;
	const char *link;
	struct stat status;
	char number[24];

	assert_int_equal(create_for(world, "5"), 200);
	list(api);
	assert_int_equal(api_int(api, "AsyncTasks.0.TaskStatus"), 0);
	assert_int_equal(api_int(api, "AsyncTasks.0.StartTime"), api->clock_ms);
	assert_int_equal(api_int(api, "AsyncTasks.0.EndTime"), 0);
	assert_null(link_of(api));
	/* The control ended while it made the file, and left a part of it. */
	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	assert_int_equal(export_next(api->db, api->fixture, 0, &task), OK);
	task.state = EXPORT_RUNNING;
	assert_int_equal(export_update(api->db, &task), OK);
	assert_int_equal(db_commit(api->db), OK);
	(void)snprintf(number, sizeof(number), "%lld.new", (long long)task.number);
	int fd = openat(folder_fd, number, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "half", 4), 4);
	(void)close(fd);
	list(api);
	assert_int_equal(api_int(api, "AsyncTasks.0.TaskStatus"), 1);
	assert_int_equal(work(api), 1);
	assert_int_equal(work(api), 0);
	json_decref(content(api));
	assert_int_equal(file_count(), 1);
	assert_int_equal(api_int(api, "AsyncTasks.0.EndTime"), api->clock_ms);
	(void)snprintf(number, sizeof(number), "%lld", (long long)task.number);
	assert_int_equal(fstatat(folder_fd, number, &status, 0), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	link = link_of(api);
	assert_int_equal(CALL(api, "DeleteAsyncTask", "TaskId", number), 200);
	EMPTY_REPLY(api);
	/* At once for everybody, and then on the disk. */
	assert_int_equal(fetch(api, link, "GET"), 404);
	list(api);
	assert_int_equal(api_int(api, "TotalCount"), 0);
	assert_int_equal(CALL(api, "DeleteAsyncTask", "TaskId", number), 400);
	assert_int_equal(file_count(), 1);
	assert_int_equal(work(api), 1);
	assert_int_equal(file_count(), 0);
	assert_int_equal(work(api), 0);
	assert_int_equal(OWN(api, "DescribeAuditLog", "ActionName", "CreateAsyncTask"), 200);
	assert_int_equal(api_int(api, "TotalCount"), 1);
	assert_string_equal(api_text(api, "Records.0.Object"), world->id);
}

/* What it is about can be gone before its turn, as can be the folder. */
static void test_failed(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	struct arena *mem = arena_new((size_t)64 << 20);
	struct export_round round = { .failed = false };
	bool more;

	assert_int_equal(create_for(world, "5"), 200);
	assert_int_equal(export_tick(&api->gateway, -1, api->db, mem, api->clock_ms, &round, &more),
		ERR_SYSTEM);
	list(api);
	assert_int_equal(api_int(api, "AsyncTasks.0.TaskStatus"), 1);
	assert_int_equal(CALL(api, "DeleteDomainResource", "Domain", DOMAIN), 200);
	api_move_life(api, 40 * DAY_MS);
	assert_int_equal(CALL(api, "ReleaseInstance", "InstanceId", world->id), 200);
	assert_int_equal(work(api), 1);
	list(api);
	assert_int_equal(api_int(api, "AsyncTasks.0.TaskStatus"), 3);
	assert_non_null(strstr(api_text(api, "AsyncTasks.0.TaskResult"), "does not exist"));
	assert_null(link_of(api));
	assert_int_equal(file_count(), 0);
	arena_free(mem);
}

static int64_t newest_task(struct api *api)
{
	list(api);
	return api_int(api, "AsyncTasks.0.TaskId");
}

/* A file that cannot be written, or removed, keeps none of the others waiting and leaves nothing behind. Here because a folder
 * has its name, as else because the disk is full. */
static void test_no_room(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	char in_the_way[24], gone[24];

	assert_int_equal(create_for(world, "5"), 200);
	(void)snprintf(gone, sizeof(gone), "%lld", (long long)newest_task(api));
	assert_int_equal(CALL(api, "DeleteAsyncTask", "TaskId", gone), 200);
	EMPTY_REPLY(api);
	assert_int_equal(create_for(world, "5"), 200);
	(void)snprintf(in_the_way, sizeof(in_the_way), "%lld", (long long)newest_task(api));
	assert_int_equal(create_for(world, "6"), 200);
	assert_int_equal(mkdirat(folder_fd, gone, 0700), 0);
	assert_int_equal(mkdirat(folder_fd, in_the_way, 0700), 0);
	assert_int_equal(work_with(api, 2), 3);
	list(api);
	assert_int_equal(api_int(api, "AsyncTasks.0.TaskStatus"), 2);
	assert_int_equal(api_int(api, "AsyncTasks.1.TaskStatus"), 1);
	assert_int_equal(file_count(), 3); /* both folders and the file: nothing ends in .new */
	assert_int_equal(unlinkat(folder_fd, gone, AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(folder_fd, in_the_way, AT_REMOVEDIR), 0);
	assert_int_equal(work(api), 2);
	list(api);
	assert_int_equal(api_int(api, "AsyncTasks.1.TaskStatus"), 2);
	assert_int_equal(file_count(), 2);
}

/* Whatever fails in turn while a task is made: it is done, failed or made anew, and there are files of what is done alone. */
static void torture(struct world *world, bool store)
{
	struct api *api = &world->api;
	struct arena *mem = arena_new((size_t)64 << 20);
	int64_t done = 0;
	bool met = true, more;
	enum err err;

	for (uint64_t nth = 1; met && nth < EXPORT_TASKS_MAX; nth++) {
		assert_int_equal(create_for(world, "3"), 200);
		arena_reset(mem);
		if (store)
			db_torture(nth);
		else
			arena_torture(nth, false);
		struct export_round round = { .failed = false };

		err = export_tick(
			&api->gateway, folder_fd, api->db, mem, api->clock_ms, &round, &more);
		met = store ? db_torture_count() >= nth : arena_torture_count() >= nth;
		db_torture(0);
		arena_torture(0, false);
		assert_true(err == OK || met);
		(void)work(api);
		list(api);
		assert_in_range(api_int(api, "AsyncTasks.0.TaskStatus"), 2, 3);
		done += api_int(api, "AsyncTasks.0.TaskStatus") == 2;
		assert_int_equal(file_count(), done);
	}
	assert_false(met);
	assert_int_equal(api_int(api, "AsyncTasks.0.TaskStatus"), 2);
	arena_free(mem);
}

static void test_store_torture(void **state)
{
	torture(*state, true);
}

static void test_memory_torture(void **state)
{
	torture(*state, false);
}

static void test_links(void **state)
{
	static const char *const wrong[] = { "/export/", "/export/1", "/export/1?",
		"/export/../control.db?Expires=1", "/export/x?Expires=1&Signature=",
		"/export/99999999999999999999?Expires=99999999999&Signature=a" };
	struct world *world = *state;
	struct api *api = &world->api;
	const char *link;
	char changed[200];

	assert_int_equal(create_for(world, "5"), 200);
	assert_int_equal(create_for(world, "6"), 200);
	assert_int_equal(work(api), 2);
	list(api);
	link = link_of(api);
	assert_int_equal(fetch(api, link, "GET"), 200);
	assert_int_equal(fetch(api, link, "POST"), 405);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)snprintf(changed, sizeof(changed), "http://polder.test%s", wrong[i]);
		assert_int_equal(fetch(api, changed, "GET"), 403);
	}
	/* Every byte of it is part of what is signed. */
	for (size_t i = strlen("http://polder.test/export/"); link[i]; i++) {
		(void)snprintf(changed, sizeof(changed), "%s", link);
		changed[i] = changed[i] == '1' ? '2' : '1';
		assert_int_equal(fetch(api, changed, "GET"), 403);
	}
	(void)snprintf(changed, sizeof(changed), "%s0", link);
	assert_int_equal(fetch(api, changed, "GET"), 403);
	api->clock_ms += EXPORT_LINK_MS - SECOND_MS;
	assert_int_equal(fetch(api, link, "GET"), 200);
	api->clock_ms += SECOND_MS;
	assert_int_equal(fetch(api, link, "GET"), 403);
	list(api);
	assert_int_equal(fetch(api, link_of(api), "GET"), 200);
	api->gateway.export_key = (const uint8_t *)"another key, also of thirty-two..";
	assert_int_equal(fetch(api, link, "GET"), 403);
}

static void test_quota(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	struct export_task task = { .account = api->tenant.account,
		.type = EXPORT_BLOCK_LIST,
		.instance_id = world->id,
		.domain = "" };

	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	for (int i = 0; i < EXPORT_TASKS_MAX - 1; i++)
		assert_int_equal(export_insert(api->db, &task), OK);
	assert_int_equal(db_commit(api->db), OK);
	assert_int_equal(create_for(world, "5"), 200);
	assert_int_equal(create_for(world, "5"), 400);
	expect(api, "QuotaExceeded", "DeleteAsyncTask");
	list(api);
	assert_int_equal(api_int(api, "TotalCount"), EXPORT_TASKS_MAX);
	assert_int_equal(json_array_size(api_get(api, "AsyncTasks")), 10);
	assert_int_equal(CALL(api, "DeleteAsyncTask", "TaskId",
				 arena_print(api->fixture, "%lld", (long long)task.number)),
		200);
	/* All that the account may have is taken: what waits fails, and nothing more is begun. */
	task.state = EXPORT_DONE;
	task.number--;
	task.bytes = (int64_t)EXPORT_ACCOUNT_MAX;
	task.reason = "";
	assert_int_equal(db_begin(api->db, DB_WRITE), OK);
	assert_int_equal(export_update(api->db, &task), OK);
	assert_int_equal(db_commit(api->db), OK);
	assert_int_equal(create_for(world, "5"), 400);
	expect(api, "QuotaExceeded", "files");
	(void)work(api);
	list(api);
	assert_int_equal(api_int(api, "AsyncTasks.0.TaskStatus"), 3);
	assert_int_equal(file_count(), 0);
}

static void test_who(void **state)
{
	struct world *world = *state;
	struct api *api = &world->api;
	const char *second = api_buy(api, "ddoscoo", "Ipv6"), *number;

	assert_int_equal(create_for(world, "1"), 200);
	assert_int_equal(create(api, "2", "{}"), 200);
	assert_int_equal(create(api, "2", "{\"domain\":\"" DOMAIN "\"}"), 200);
	list(api);
	number = arena_print(api->fixture, "%lld", (long long)api_int(api, "AsyncTasks.2.TaskId"));
	/* Another tenant. */
	api->caller = &api->other;
	assert_int_equal(create_for(world, "1"), 400);
	expect(api, "InstanceNotFound", "");
	list(api);
	assert_int_equal(api_int(api, "TotalCount"), 0);
	assert_int_equal(CALL(api, "DeleteAsyncTask", "TaskId", number), 400);
	expect(api, "TaskNotExist", "");
	/* A key of another instance, and of this one: what is about all sites is not for it. */
	api->caller = api_make_key(api, api->tenant.account, PERMISSION_FULL, &second, 1);
	list(api);
	assert_int_equal(api_int(api, "TotalCount"), 0);
	assert_int_equal(CALL(api, "DeleteAsyncTask", "TaskId", number), 400);
	assert_int_equal(create(api, "2", "{}"), 400);
	expect(api, "InvalidParameter", "TaskParams.domain");
	assert_int_equal(create(api, "2", "{\"domain\":\"" DOMAIN "\"}"), 400);
	api->caller = api_make_key(api, api->tenant.account, PERMISSION_FULL, &world->id, 1);
	list(api);
	assert_int_equal(api_int(api, "TotalCount"), 2);
	assert_int_equal(json_array_size(api_get(api, "AsyncTasks")), 2);
	/* An operator exports for the account whose instance it is. */
	api->caller = &api->root;
	assert_int_equal(create_for(world, "6"), 200);
	list(api);
	assert_int_equal(api_int(api, "TotalCount"), 4);
	api->caller = &api->tenant;
	list(api);
	assert_int_equal(api_int(api, "TotalCount"), 4);
	assert_int_equal(work(api), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_types, export_setup, export_teardown),
		cmocka_unit_test_setup_teardown(test_refused, export_setup, export_teardown),
		cmocka_unit_test_setup_teardown(test_life, export_setup, export_teardown),
		cmocka_unit_test_setup_teardown(test_failed, export_setup, export_teardown),
		cmocka_unit_test_setup_teardown(test_no_room, export_setup, export_teardown),
		cmocka_unit_test_setup_teardown(test_store_torture, export_setup, export_teardown),
		cmocka_unit_test_setup_teardown(test_memory_torture, export_setup, export_teardown),
		cmocka_unit_test_setup_teardown(test_links, export_setup, export_teardown),
		cmocka_unit_test_setup_teardown(test_quota, export_setup, export_teardown),
		cmocka_unit_test_setup_teardown(test_who, export_setup, export_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
