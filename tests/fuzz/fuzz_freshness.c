/* SPDX-License-Identifier: BSD-2-Clause */
/* Cache-Control as origins send it: what comes of it is within its bounds, and nothing private is ever kept. */
#include <stdlib.h>

#include "nginx/freshness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct freshness_wish wish = { .seconds = size & 1 ? 3600 : 0 };
	struct freshness_answer answer = { .status = 200,
		.control = freshness_begin(),
		.expires = FRESHNESS_ABSENT,
		.date = FRESHNESS_ABSENT,
		.now = 1000000 };
	struct freshness freshness;

	freshness_read(&answer.control, (const char *)data, size);
	if (answer.control.max_age < -1 || answer.control.max_age > FRESHNESS_MAX_SECONDS ||
		answer.control.shared_max_age < -1 ||
		answer.control.shared_max_age > FRESHNESS_MAX_SECONDS)
		abort();
	freshness = freshness_of(&answer, &wish);
	if (freshness.seconds < 0 || freshness.seconds + freshness.update_seconds >
					     FRESHNESS_MAX_SECONDS + FRESHNESS_UPDATE_SECONDS)
		abort();
	freshness_read(&answer.control, ",private", 8);
	if (size < 4096 && freshness_of(&answer, &wish).seconds != 0)
		abort();
	return 0;
}
