/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rows of errors.def as columns, indexed by enum err.
 */
#include "base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "base/log.h"

static const struct {
	const char *code;
	const char *sentence;
	int http;
	const char *cause, *remedy;
} rows[ERR_COUNT] = {
	[OK] = { "OK", "OK", 200, "", "" },
#define ERROR(symbol, code_text, status, text, why, what)                                          \
	[ERR_##symbol] = { (code_text), (text), (status), (why), (what) },
#include "base/errors.def"
#undef ERROR
};

const char *error_code(enum err err)
{
	assert((unsigned)err < ERR_COUNT);
	return rows[err].code;
}

const char *error_sentence(enum err err)
{
	assert((unsigned)err < ERR_COUNT);
	return rows[err].sentence;
}

int error_http(enum err err)
{
	assert((unsigned)err < ERR_COUNT);
	return rows[err].http;
}

const char *error_cause(enum err err)
{
	assert((unsigned)err < ERR_COUNT);
	return rows[err].cause;
}

const char *error_remedy(enum err err)
{
	assert((unsigned)err < ERR_COUNT);
	return rows[err].remedy;
}

enum err fail(enum err err, const char *format, ...)
{
	/* As much as log_line writes of a message. */
	char detail[1001];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(detail, sizeof(detail), format, arguments);
	va_end(arguments);
	log_error("%s", detail);
	return err;
}
