/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a web site is protected: modes of checks as checks.def has them, frequency control as it is by default.
 */
#include "control/engine/publish_site.h"

enum err site_policy_build(struct db *db, struct arena *mem, const struct website *website,
	struct site_builder *builder)
{
	static const uint8_t modes[CHECK_COUNT] = {
#define CHECK(name, mode, text) [CHECK_##name] = CHECK_##mode,
#include "shared/checks.def"
#undef CHECK
	};
	struct site *site = site_head(builder);

	(void)db, (void)mem, (void)website;
	for (size_t i = 0; i < CHECK_COUNT; i++)
		site->mode[i] = modes[i];
	site->pace = SITE_PACE_NORMAL;
	return OK;
}
