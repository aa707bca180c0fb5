/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AUTO(type): a variable that is closed when it leaves its scope. Each foreign handle has one
 * cleanup function here or beside its only user: DEFINE_AUTO(name, type, close_function).
 */
#ifndef BASE_AUTO_H
#define BASE_AUTO_H

#include <stdio.h>
#include <unistd.h>

#define AUTO(name) __attribute__((cleanup(auto_close_##name)))

#define DEFINE_AUTO(name, type, close_function)                                                    \
	static inline void auto_close_##name(type *handle)                                         \
	{                                                                                          \
		if (*handle)                                                                       \
			close_function(*handle);                                                   \
	}                                                                                          \
	struct auto_needs_semicolon_##name

/* File descriptors: -1 is none. */
static inline void auto_close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

DEFINE_AUTO(file, FILE *, fclose);

#endif
