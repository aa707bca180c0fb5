/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bans written by who is nobody but a member of a group: a process without capabilities opens the pinned map, also where
 * unprivileged bpf() is switched off, and nothing else. Needs root and says so otherwise.
 */
#include <grp.h>
#include <sys/stat.h>

#include "node_world.h"

#define NOBODY 65534u
#define GROUP  "www-data" /* of Debian's nginx; base-passwd has it */

static const struct list_exact_key key = { .instance = 7,
	.source = { { { [10] = 0xff, 0xff, 192, 0, 2, 3 } } } };

/* As who has only this group: 0, or errno of the first step that failed. */
static int write_ban(gid_t group, const char *map)
{
	const struct request_ban ban = { .until_ns = 99, .check = 1, .rule = 2 };
	char path[100];
	int status, fd;
	pid_t child;

	(void)snprintf(path, sizeof(path), "%s/%s", pin, map);
	child = fork();
	if (child == 0) {
		if (setgroups(0, NULL) != 0 || setgid(group) != 0 || setuid(NOBODY) != 0)
			_exit(255);
		fd = bpf_obj_get(path);
		if (fd < 0)
			_exit(errno);
		_exit(bpf_map_update_elem(fd, &key, &ban, BPF_ANY) == 0 ? 0 : errno);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int list_folder(gid_t group)
{
	char command[200];

	(void)snprintf(command, sizeof(command),
		"setpriv --reuid %u --regid %u --clear-groups ls %s >/dev/null 2>&1", NOBODY, group,
		pin);
	return run(command);
}

static void reopen(struct node *node, const char *group)
{
	packets_close(node->packets);
	node->packets = NULL;
	node->settings.requests_group = group;
	assert_int_equal(packets_open(&node->settings, &node->packets), OK);
}

static void test_group(void **state)
{
	const struct group *group = getgrnam(GROUP);
	struct request_ban ban;
	struct node node;
	struct stat info;

	(void)state;
	NEED_WORLD();
	assert_non_null(group);
	/* As systemd mounts it. */
	assert_int_equal(chmod(directory, 0700), 0);
	node_up(&node);
	assert_int_equal(write_ban(group->gr_gid, "request_ban"), EACCES);
	reopen(&node, GROUP);
	assert_int_equal(write_ban(group->gr_gid, "request_ban"), 0);
	assert_int_equal(packets_get(node.packets, PACKET_REQUEST_BAN, &key, &ban), 0);
	assert_int_equal(ban.until_ns, 99);
	assert_int_equal(write_ban(group->gr_gid, "list_exact"), EACCES);
	assert_int_equal(write_ban(group->gr_gid, "settings"), EACCES);
	assert_int_not_equal(list_folder(group->gr_gid), 0);
	assert_int_equal(write_ban(NOBODY, "request_ban"), EACCES);
	assert_int_equal(stat(directory, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0701);
	/* Another agent takes it over, and one without the setting takes it back. */
	reopen(&node, GROUP);
	assert_int_equal(write_ban(group->gr_gid, "request_ban"), 0);
	reopen(&node, NULL);
	assert_int_equal(write_ban(group->gr_gid, "request_ban"), EACCES);
	node_down(&node);
}

static void test_no_group(void **state)
{
	struct node node;
	struct packets *packets;

	(void)state;
	NEED_WORLD();
	node_up(&node);
	packets_close(node.packets);
	node.packets = NULL;
	node.settings.requests_group = "no-such-group";
	assert_int_equal(packets_open(&node.settings, &packets), ERR_INVALID_PARAMETER);
	node_down(&node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_no_group),
	};

	return cmocka_run_group_tests(tests, world_up, world_down);
}
