/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes, files, namespaces. A network namespace is entered by setns on its name below
 * /run/netns, never by `ip netns exec`: that command also remounts /sys and so hides the pinned maps.
 */
#include "cli/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"

DEFINE_AUTO(directory, DIR *, closedir);

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int process_run(const char *const *argv, const char *input, bool quiet)
{
	AUTO(fd) int given = memfd_create("input", MFD_CLOEXEC);
	const size_t length = input ? strlen(input) : 0;
	pid_t pid;

	if (given < 0 || (length && write(given, input, length) != (ssize_t)length) ||
		lseek(given, 0, SEEK_SET) != 0)
		return 127;
	pid = fork();
	if (pid < 0)
		return 127;
	if (pid == 0) {
		const int silent = open("/dev/null", O_WRONLY | O_CLOEXEC);

		(void)dup2(given, STDIN_FILENO);
		if (quiet && silent >= 0) {
			(void)dup2(silent, STDOUT_FILENO);
			(void)dup2(silent, STDERR_FILENO);
		}
		(void)execvp(argv[0], (char *const *)(const void *)argv);
		_exit(127);
	}
	return wait_for(pid);
}

static void namespace_path(const char *name, char *out, size_t size)
{
	(void)snprintf(out, size, "/run/netns/%s", name);
}

bool namespace_enter(const char *name)
{
	char path[PATH_MAX];
	AUTO(fd) int fd = -1;

	namespace_path(name, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && setns(fd, CLONE_NEWNET) == 0;
}

uint64_t namespace_inode(const char *name)
{
	char path[PATH_MAX];
	struct stat file;

	namespace_path(name, path, sizeof(path));
	return stat(path, &file) == 0 ? file.st_ino : 0;
}

/* A socket knows its namespace for ever, so it is asked after the way back. */
static uint64_t cookie_of(const char *path)
{
	AUTO(fd) int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	AUTO(fd) int there = open(path, O_RDONLY | O_CLOEXEC);
	AUTO(fd) int fd = -1;
	socklen_t length = sizeof(uint64_t);
	uint64_t cookie = 0;

	if (own < 0 || there < 0 || setns(there, CLONE_NEWNET) < 0)
		return 0;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (setns(own, CLONE_NEWNET) < 0) {
		complain("return to the own network namespace: %s", strerror(errno));
		exit(STATUS_FAILED);
	}
	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) < 0)
		return 0;
	return cookie;
}

uint64_t namespace_cookie(const char *name)
{
	char path[PATH_MAX];

	namespace_path(name, path, sizeof(path));
	return cookie_of(path);
}

uint64_t namespace_cookie_own(void)
{
	return cookie_of("/proc/self/ns/net");
}

uint64_t namespace_cookie_first(void)
{
	return cookie_of("/proc/1/ns/net");
}

int process_in_namespace(const char *name, int (*work)(void *user), void *user)
{
	pid_t pid;

	if (name && namespace_inode(name) == 0)
		return -1;
	(void)fflush(NULL);
	pid = fork();
	if (pid < 0)
		return -1;
	if (pid == 0) {
		int status = 127;

		if (!name || namespace_enter(name))
			status = work(user);
		(void)fflush(NULL);
		_exit(status);
	}
	return wait_for(pid);
}

void process_each(void (*found)(pid_t pid, void *user), void *user)
{
	AUTO(directory) DIR *folder = opendir("/proc");
	const struct dirent *entry;
	int64_t pid;

	while (folder && (entry = readdir(folder)) != NULL)
		if (text_to_int(entry->d_name, &pid) && pid > 0 && pid != getpid())
			found((pid_t)pid, user);
}

void process_link(pid_t pid, const char *name, char *out, size_t size)
{
	char path[64];
	ssize_t length;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	length = readlink(path, out, size - 1);
	out[length > 0 ? length : 0] = '\0';
}

bool process_end(pid_t pid, int64_t limit_ms)
{
	AUTO(fd) int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	if (fd < 0)
		return errno == ESRCH;
	(void)syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0);
	if (poll(&wait, 1, (int)limit_ms) == 1)
		return true;
	(void)syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
	return poll(&wait, 1, 2000) == 1;
}

bool file_write(const char *path, mode_t mode, const char *data, size_t length)
{
	char temporary[PATH_MAX];
	AUTO(fd) int fd = -1;

	(void)snprintf(temporary, sizeof(temporary), "%s.new.%d", path, getpid());
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0 || fchmod(fd, mode) < 0)
		return complain("write %s: %s", path, strerror(errno));
	if (write(fd, data, length) != (ssize_t)length || rename(temporary, path) < 0) {
		(void)unlink(temporary);
		return complain("write %s: %s", path, strerror(errno));
	}
	return true;
}

bool file_set(const char *path, const char *text)
{
	AUTO(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);

	return (fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text)) ||
	       complain("set %s: %s", path, strerror(errno));
}

ssize_t file_read(const char *path, char *out, size_t size)
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t got;

	out[0] = '\0';
	if (fd < 0)
		return -1;
	while (length < size - 1 && (got = read(fd, out + length, size - 1 - length)) > 0)
		length += (size_t)got;
	out[length] = '\0';
	return (ssize_t)length;
}

bool file_copy(const char *from, const char *to, mode_t mode)
{
	AUTO(fd) int in = open(from, O_RDONLY | O_CLOEXEC);
	AUTO(fd) int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	ssize_t got = -1;

	if (in < 0 || out < 0 || fchmod(out, mode) < 0)
		return complain("copy %s to %s: %s", from, to, strerror(errno));
	do
		got = sendfile(out, in, NULL, 1 << 20);
	while (got > 0);
	return got == 0 || complain("copy %s to %s: %s", from, to, strerror(errno));
}

/* fts compares file systems of folders alone: on an overlay, files may say another one than the folder that they are in. */
void tree_remove(const char *path)
{
	char *const roots[] = { (char *)(uintptr_t)path, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	FTSENT *at;

	while (tree && (at = fts_read(tree)) != NULL)
		if (at->fts_info != FTS_D)
			(void)remove(at->fts_path);
	if (tree)
		(void)fts_close(tree);
}

void tail_print(const char *path, int lines)
{
	static char text[16384];
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = -1;
	char *from;

	if (fd >= 0) {
		(void)lseek(fd, 0, SEEK_END);
		if (lseek(fd, -(off_t)(sizeof(text) - 1), SEEK_CUR) < 0)
			(void)lseek(fd, 0, SEEK_SET);
		length = read(fd, text, sizeof(text) - 1);
	}
	if (length <= 0) {
		fprintf(stderr, "  (%s is empty)\n", path);
		return;
	}
	text[length] = '\0';
	for (from = text + length - 1; from > text; from--)
		if (from[-1] == '\n' && --lines == 0)
			break;
	fprintf(stderr, "  %s ends:\n%s\n", path, from);
}

void sleep_ms(int64_t ms)
{
	const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&time, NULL);
}
