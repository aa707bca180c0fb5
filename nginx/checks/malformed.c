/* SPDX-License-Identifier: BSD-2-Clause */
#include "nginx/checks.h"
ngx_int_t malformed_check(struct checks_request *state)
{
	(void)state;
	return NGX_DECLINED;
}
