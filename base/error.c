/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rows of errors.def as three columns, indexed by enum err.
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
} rows[ERR_COUNT] = {
	[OK] = { "OK", "OK", 200 },
#define ERROR(symbol, code_text, status, text)                                                     \
	[ERR_##symbol] = { .code = (code_text), .sentence = (text), .http = (status) },
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
