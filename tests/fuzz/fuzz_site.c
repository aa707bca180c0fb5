/* SPDX-License-Identifier: BSD-2-Clause */
/* What site_check takes can be read without a look at bounds: each text, list and step of it is touched. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/site.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned touch(const struct site *site, struct site_text text)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < text.length; i++)
		sum += (unsigned char)site_text_at(site, text)[i];
	return sum;
}

static unsigned touch_rules(const struct site *site)
{
	const struct site_rule *rule = site_list_at(site, site->rules);
	const struct site_step *step = site_list_at(site, site->steps);
	unsigned sum = 0;

	for (unsigned i = 0; i < site->rules.count; i++) {
		sum += touch(site, rule[i].name) + touch(site, rule[i].target_header);
		for (unsigned j = 0;
			rule[i].action == RULE_CHOOSE && j < site_choice_count(&rule[i]); j++)
			sum += site_choice_at(site, &rule[i], j).number;
		for (unsigned j = 0, at = rule[i].first_step; j < rule[i].step_count; j++) {
			sum += touch(site, step[at].name) + touch(site, step[at].value);
			if (step[at].miss >= STEP_MATCH)
				break;
			at += step[at].miss;
			assert(at < (unsigned)rule[i].first_step + rule[i].step_count);
		}
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	volatile unsigned sum = 0;
	/* Of the exact size, so that a sanitizer sees a byte too far. */
	uint8_t *copy = aligned_alloc(8, size ? (size + 7) & ~(size_t)7 : 8);

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (!site_check(copy, size)) {
		const struct site *site = (const void *)copy;
		const struct site_origin *origin = site_list_at(site, site->origins);

		for (unsigned i = 0; i < site->origins.count; i++)
			sum += touch(site, origin[i].name);
		sum += touch(site, site->domain) + touch(site, site->ciphers) + touch_rules(site);
		sum += touch(site, site->acme_token) + touch(site, site->acme_answer);
		(void)site_port_find(site, 443);
		(void)site_has_instance(site, 7);
		(void)site_check_rules(copy, size);
	}
	if (!certificate_check(copy, size)) {
		const struct certificate *certificate = (const void *)copy;

		sum += (unsigned char)certificate_chain(certificate)[certificate->chain_length - 1];
		sum += (unsigned char)certificate_key(certificate)[certificate->key_length - 1];
	}
	free(copy);
	return 0;
}
