/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening a pinned map (BPF_OBJ_GET) asks for no capability, only for the pin's mode, also where unprivileged bpf()
 * is switched off otherwise. So the one pin is chgrp'ed and 0660, all others stay 0600, and the group may walk
 * through the folder but not list it. The bpf file system itself is usually root's alone (0700): where its folders
 * above ours do not let the group through, they get execute permission for all, which shows nobody a name.
 */
#include "agent/share.h"

#include <errno.h>
#include <grp.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/packets_internal.h"
#include "base/log.h"

#define BAN_PIN	    "request_ban"
#define FOLDERS_MAX 32 /* of a path: more than anybody has */

static enum err permit(const char *path, gid_t group, mode_t mode)
{
	if (chown(path, (uid_t)-1, group) != 0 || chmod(path, mode) != 0)
		return fail(ERR_SYSTEM, "permissions of %s: %s", path, strerror(errno));
	return OK;
}

/* A folder of the bpf file system above ours. */
static enum err let_through(const char *path, gid_t group, bool *goes_on)
{
	struct statfs system;
	struct stat info;

	if (statfs(path, &system) != 0 || stat(path, &info) != 0)
		return fail(ERR_SYSTEM, "look at %s: %s", path, strerror(errno));
	*goes_on = (unsigned long)system.f_type == BPF_FS_MAGIC;
	if (!*goes_on || info.st_mode & S_IXOTH || (info.st_gid == group && info.st_mode & S_IXGRP))
		return OK;
	if (chmod(path, (info.st_mode & 07777) | S_IXOTH) != 0)
		return fail(ERR_SYSTEM, "permissions of %s: %s", path, strerror(errno));
	log_info("%s may be walked through from now on: --requests-group", path);
	return OK;
}

static enum err open_way(const struct agent_settings *settings, gid_t group)
{
	char path[PIN_PATH_SIZE];
	bool goes_on = true;
	char *slash;

	TRY(permit(settings->pin, group, 0710));
	pin_path(settings, "", "", path);
	/* It ends with a slash. */
	path[strlen(path) - 1] = '\0';
	for (int i = 0; goes_on && i < FOLDERS_MAX && (slash = strrchr(path, '/')) && slash != path;
		i++) {
		*slash = '\0';
		TRY(let_through(path, group, &goes_on));
	}
	return OK;
}

enum err share_bans(const struct agent_settings *settings)
{
	const struct group *group = NULL;
	char path[PIN_PATH_SIZE];
	struct stat info;

	pin_path(settings, "", BAN_PIN, path);
	if (stat(path, &info) != 0)
		return fail(ERR_SYSTEM, "look at %s: %s", path, strerror(errno));
	if (!settings->requests_group) {
		/* As made, or as an agent with the setting left it. */
		if (info.st_gid == 0)
			return OK;
		TRY(permit(settings->pin, 0, 0700));
		return permit(path, 0, 0600);
	}
	group = getgrnam(settings->requests_group);
	if (!group)
		return fail(ERR_INVALID_PARAMETER, "--requests-group: no group %s",
			settings->requests_group);
	TRY(permit(path, group->gr_gid, 0660));
	return open_way(settings, group->gr_gid);
}
