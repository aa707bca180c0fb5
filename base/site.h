/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building, checking and reading struct site and struct certificate of shared/request_abi.h. Needs nothing else of
 * base/: the module of nginx is linked with it, too.
 */
#ifndef BASE_SITE_H
#define BASE_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/request_abi.h"

/* ---- building: in memory of the caller's, at most SITE_BYTES_MAX of it. After what did not fit, "full" stays true
 * and what the functions return is absent or NULL. */
struct site_builder {
	uint8_t *bytes;
	size_t used, size;
	bool full;
};
/* bytes are aligned to 8. Zeroes the head and returns it; NULL: size is less than a site's. */
struct site *site_begin(struct site_builder *builder, void *bytes, size_t size);
/* The head; valid as long as bytes are. */
struct site *site_head(struct site_builder *builder);
/* Copies the text; an empty one is absent. Longer than SITE_TEXT_MAX: full. */
struct site_text site_add_text(struct site_builder *builder, const void *text, size_t length);
/* Zeroed elements, whose place goes to list; NULL when count is 0 or they do not fit. Texts and lists may be added
 * while the elements are being filled: they stay where they are. */
void *site_add_list(
	struct site_builder *builder, struct site_list *list, size_t count, size_t element_bytes);
/* Ends the building; the length, a multiple of 8, also in head->length. 0: full. */
size_t site_end(struct site_builder *builder);

/* ---- checking: NULL when every offset, count and value is as request_abi.h says, else a sentence's part about what
 * is not. What was checked can be read without further looks at bounds. */
const char *site_check(const void *bytes, size_t length);
/* The same of the body of TABLE_RULES: a site whose rules are all such that others can choose them. */
const char *site_check_rules(const void *bytes, size_t length);
/* chain and key are not empty and fill length. */
const char *certificate_check(const void *bytes, size_t length);

/* ---- reading, of what was checked */
static inline const char *site_text_at(const struct site *site, struct site_text text)
{
	return (const char *)site + text.offset;
}
static inline const void *site_list_at(const struct site *site, struct site_list list)
{
	return (const uint8_t *)site + list.offset;
}
static inline const char *certificate_chain(const struct certificate *certificate)
{
	return (const char *)(certificate + 1);
}
static inline const char *certificate_key(const struct certificate *certificate)
{
	return (const char *)(certificate + 1) + certificate->chain_length;
}
/* NULL: the site has no such port. */
const struct site_port *site_port_find(const struct site *site, uint16_t port);
bool site_has_instance(const struct site *site, uint32_t instance);

/* Choices of a rule with RULE_CHOOSE, and the one at index. */
static inline unsigned site_choice_count(const struct site_rule *rule)
{
	return rule->name.length / sizeof(struct site_choice);
}
struct site_choice site_choice_at(
	const struct site *site, const struct site_rule *rule, unsigned index);

/* The key of the site that a host name asks for, next after "previous" (NULL: the first): the name itself, then
 * "*." with each parent, longest first. host: lower case, without port or final dot, at most SITE_DOMAIN_MAX. out gets
 * the key; the result is its length, 0: there is no further one. "*" alone is no key, nor is a parent of one label. */
size_t site_key_next(const char *host, size_t host_length, const char *previous,
	size_t previous_length, char out[SITE_DOMAIN_MAX + 3]);

#endif
