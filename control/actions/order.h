/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the actions of BssOpenApi share: parameters and the frame of their replies.
 */
#ifndef CONTROL_ACTIONS_ORDER_H
#define CONTROL_ACTIONS_ORDER_H

#include "control/call.h"

#define PRODUCT_CODE	"ddos"
#define ORDER_IDS_MAX	100 /* published for InstanceIDs */
#define ORDER_IDS_BYTES (ORDER_IDS_MAX * INSTANCE_ID_BYTES)

#define PARAM_PRODUCT_CODE(tag, ...)                                                               \
	PARAM(tag, product_code, "ProductCode", .kind = PARAM_TEXT, .max = 64, .help = "ddos",     \
		__VA_ARGS__)
#define PARAM_PRODUCT_TYPE(tag)                                                                    \
	PARAM(tag, product_type, "ProductType", .kind = PARAM_TEXT, .empty_is_absent = true,       \
		.max = 64, .help = "ddoscoo or ddoscoo_intl (Pro), ddosDip (Premium)")
#define PARAM_SUBSCRIPTION(tag, ...)                                                               \
	PARAM(tag, subscription_type, "SubscriptionType", .kind = PARAM_CHOICE,                    \
		.choices = "Subscription PayAsYouGo", .help = "Subscription", __VA_ARGS__)

/* Code, Message and Success of a reply; out (may be NULL) is its new Data. */
enum err order_success(struct call *call, json_t **out) MUST_USE;
/* "a,b,c" -> list of 1..ORDER_IDS_MAX ids; refuses by the name InstanceIDs. */
enum err order_ids(struct call *call, const char *text, struct text_list *out) MUST_USE;

#endif
