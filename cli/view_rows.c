/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of commands that are one call each, of the rows in views.def, and what several of them share.
 */
#include "cli/view.h"

#define DDOSCOO "2020-01-01"
#define ORDERS	"2017-12-14"
#define OWN	"2026-11-01"

#define INSTANCE                                                                                   \
	{                                                                                          \
		.name = "INSTANCE", .parameter = "InstanceId", .instance = true                    \
	}
#define PROTOCOL(to)                                                                               \
	{                                                                                          \
		.name = "tcp|udp", .parameter = to, .choices = "tcp udp"                           \
	}
#define SOURCES(list)                                                                              \
	{                                                                                          \
		.name = "SOURCE", .parameter = list, .form = "[{\"src\":%s}]"                      \
	}
#define ONE_OF                                                                                     \
	{                                                                                          \
		.name = "INSTANCE", .parameter = "InstanceIds.1", .instance = true                 \
	}
#define TAGGED                                                                                     \
	{                                                                                          \
		.name = "INSTANCE", .parameter = "ResourceIds.1", .instance = true                 \
	}
#define SITE                                                                                       \
	{                                                                                          \
		.name = "DOMAIN", .parameter = "Domain"                                            \
	}
#define RULE_KIND                                                                                  \
	{                                                                                          \
		.name = "2|3|5|6|8", .parameter = "RuleType", .choices = "2 3 5 6 8"               \
	}
#define TAGS "RegionId", "cn-hangzhou", "ResourceType", "INSTANCE"
#define DDOS "ProductCode", "ddos", "ProductType", "ddoscoo"

const struct view views[] = {
#include "cli/views.def"
	{ 0 },
};
