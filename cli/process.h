/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small services around processes, files and network namespaces for the lab.
 */
#ifndef CLI_PROCESS_H
#define CLI_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* Runs argv[0] (found by PATH) with input on its standard input (NULL: nothing) and waits. quiet: its
 * output goes to /dev/null. Exit status; 127 when it cannot be started. */
int process_run(const char *const *argv, const char *input, bool quiet);
/* Runs work(user) in a child inside the network namespace of that name ("ip netns" name; NULL: this one)
 * and waits; its return value is the exit status. -1: no such namespace. */
int process_in_namespace(const char *name, int (*work)(void *user), void *user);
/* Moves the calling process into the namespace. */
bool namespace_enter(const char *name);
/* Inode of the namespace, 0 if there is none. Another namespace may have it later. */
uint64_t namespace_inode(const char *name);
/* The kernel's number of the namespace, which no other gets until the machine starts again; 0: there is none,
 * or it cannot be entered. */
uint64_t namespace_cookie(const char *name);
uint64_t namespace_cookie_own(void);
uint64_t namespace_cookie_first(void); /* of process 1 */

/* Calls found(pid, user) for every process of this machine but the caller. */
void process_each(void (*found)(pid_t pid, void *user), void *user);
/* Target of /proc/PID/name ("exe", "cwd", "ns/net"); empty when it cannot be read. */
void process_link(pid_t pid, const char *name, char *out, size_t size);
/* Asks pid to end and, after limit_ms, ends it. false: it is still there. Only for processes that the
 * caller did not fork. */
bool process_end(pid_t pid, int64_t limit_ms);

/* Whole files. file_write replaces atomically (a temporary file, then rename). */
bool file_write(const char *path, mode_t mode, const char *data, size_t length);
bool file_set(const char *path,
	const char *text); /* at once, into a file that is there: a switch of the kernel */
/* Up to size - 1 bytes and a NUL; -1 when it cannot be read. */
ssize_t file_read(const char *path, char *out, size_t size);
bool file_copy(const char *from, const char *to, mode_t mode);
void tree_remove(const char *path); /* a folder and all in it, on its own file system */
void tail_print(const char *path, int lines);
void sleep_ms(int64_t ms);

#endif
