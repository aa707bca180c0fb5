/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file is made under a name of its own and renamed when its head is written: who opens it sees all of it or nothing.
 */
#include "nginx/shared_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "nginx/module.h"

#define SHARED_PATH_MAX 512

static int complain(ngx_cycle_t *cycle, const char *path, const char *what)
{
	ngx_log_error(NGX_LOG_EMERG, cycle->log, errno, "polder: %s \"%s\" failed", what, path);
	return -1;
}

/* The workers' group: 0 stays when they are not another user's. */
static gid_t workers_group(const ngx_cycle_t *cycle)
{
	const ngx_core_conf_t *core = (const void *)ngx_get_conf(cycle->conf_ctx, ngx_core_module);

	return geteuid() == 0 ? core->group : (gid_t)-1;
}

static int make(ngx_cycle_t *cycle, const char *path, const struct shared_head *head)
{
	char fresh[SHARED_PATH_MAX];
	int fd;

	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return complain(cycle, path, "name of");
	(void)unlink(fresh);
	fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0660);
	if (fd < 0)
		return complain(cycle, fresh, "making");
	if (ftruncate(fd, (off_t)head->size) != 0 || fchmod(fd, 0660) != 0 ||
		fchown(fd, (uid_t)-1, workers_group(cycle)) != 0 ||
		pwrite(fd, head, sizeof(*head), 0) != (ssize_t)sizeof(*head) ||
		rename(fresh, path) != 0) {
		(void)complain(cycle, fresh, "filling");
		(void)close(fd);
		(void)unlink(fresh);
		return -1;
	}
	return fd;
}

static bool is_as_given(int fd, const struct shared_head *head)
{
	struct shared_head found;
	struct stat status;

	return fstat(fd, &status) == 0 && (uint64_t)status.st_size == head->size &&
	       pread(fd, &found, sizeof(found), 0) == (ssize_t)sizeof(found) &&
	       memcmp(&found, head, sizeof(found)) == 0;
}

void *shared_file_map(
	ngx_cycle_t *cycle, const char *name, const struct shared_head *head, bool *out_new)
{
	const ngx_str_t *folder = &polder_main(cycle)->path;
	char path[SHARED_PATH_MAX];
	AUTO(fd) int fd = -1;
	bool found;
	void *bytes;

	if (snprintf(path, sizeof(path), "%s/%s", (const char *)folder->data, name) >=
		(int)sizeof(path)) {
		(void)complain(cycle, name, "name of");
		return NULL;
	}
	fd = open(path, O_RDWR | O_CLOEXEC);
	found = fd >= 0 && is_as_given(fd, head);
	if (!found) {
		if (fd >= 0)
			(void)close(fd);
		fd = make(cycle, path, head);
		if (fd < 0)
			return NULL;
	}
	if (out_new)
		*out_new = !found;
	bytes = mmap(NULL, head->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED) {
		(void)complain(cycle, path, "mapping");
		return NULL;
	}
	return bytes;
}

void *shared_memory_map(ngx_cycle_t *cycle, size_t size)
{
	void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (bytes == MAP_FAILED) {
		(void)complain(cycle, "memory", "mapping");
		return NULL;
	}
	return bytes;
}
