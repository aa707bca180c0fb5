/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmdb FILE NETWORKS: writes a database of addresses (tests/support/mmdb.h).
 */
#include "tests/support/mmdb.h"

#include <stdio.h>

int main(int count, char **word)
{
	if (count != 3 || !mmdb_write_text(word[1], word[2])) {
		(void)fprintf(stderr, "usage: mmdb FILE NETWORKS\n");
		return 1;
	}
	return 0;
}
