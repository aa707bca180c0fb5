/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * polder audit verify: walks the hash chain of the audit log with the store's own code, in one read
 * transaction, so it may run beside the service.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/lab.h"
#include "control/store/store.h"

static int verify(const char *path, bool json)
{
	char url[PATH_MAX + 16];
	int64_t count = 0, broken = 0;
	struct db *db = NULL;
	bool whole = false;
	enum err err;

	(void)snprintf(url, sizeof(url), "sqlite:%s", path);
	err = db_open(url, false, &db);
	if (err == OK)
		err = db_begin(db, DB_READ);
	if (err == OK)
		err = audit_verify(db, &whole, &count, &broken);
	if (db)
		db_rollback(db);
	db_close(db);
	if (err != OK) {
		complain("cannot read the audit log in %s", path);
		return STATUS_USAGE;
	}
	if (json) {
		printf("{\"whole\":%s,\"records\":%" PRId64 ",\"broken\":%" PRId64 "}\n",
			whole ? "true" : "false", count, whole ? 0 : broken);
		return whole ? STATUS_DONE : STATUS_FAILED;
	}
	if (!whole) {
		printf("the audit log is broken at record %" PRId64 "; %" PRId64
		       " records before it are whole\n",
			broken, count);
		return STATUS_FAILED;
	}
	printf("the audit log is whole: %" PRId64 " records\n", count);
	return STATUS_DONE;
}

int audit_command(int argc, char **argv)
{
	const char *database = NULL;
	char path[PATH_MAX];
	bool missing = false, json = false;
	struct lab lab;

	for (int i = 2; i < argc; i++) {
		const char *value = option_value(argc, argv, &i, "database", &missing);

		if (value)
			database = value;
		else if (strcmp(argv[i], "--json") == 0)
			json = true;
		else
			missing = true;
	}
	if (argc < 2 || strcmp(argv[1], "verify") != 0 || missing) {
		printf("usage: polder audit verify [--database PATH] [--json]\n");
		return STATUS_USAGE;
	}
	if (!database) {
		if (!lab_settings(&lab) || !lab_load(&lab)) {
			complain("no --database given, and no lab is running");
			return STATUS_USAGE;
		}
		lab_path(&lab, "control/control.db", path);
		database = path;
	}
	return verify(database, json);
}
