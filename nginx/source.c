/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts of sources. */
#include "nginx/source.h"

void source_release(struct polder_connection *connection)
{
	connection->counted = false;
}
