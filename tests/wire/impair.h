/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What impair.c and its packet program agree on. */
#ifndef TESTS_WIRE_IMPAIR_H
#define TESTS_WIRE_IMPAIR_H

#define IMPAIR_MARK 0x1a7e

enum impair_kind {
	IMPAIR_SEEN,
	IMPAIR_DROPPED,
	IMPAIR_DUPLICATED,
	IMPAIR_LATE,
	IMPAIR_COUNT
};

#endif
