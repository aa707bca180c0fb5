/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One error type. errors.def holds for each error the code a client sees, its HTTP status, its sentence, why it
 * comes and what to do about it. OK is 0. Whoever turns a foreign failure (errno, SQLite, libbpf, ...) into an enum err
 * logs it once with fail(); everyone above only passes it on with TRY.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

enum err {
	OK = 0,
#define ERROR(symbol, code, http, sentence, cause, remedy) ERR_##symbol,
#include "errors.def"
#undef ERROR
	ERR_COUNT
};

#define MUST_USE     __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Returns from the caller when expression is not OK: the one macro that hides a return. */
#define TRY(expression)                                                                            \
	do {                                                                                       \
		enum err try_err_ = (expression);                                                  \
		if (try_err_ != OK)                                                                \
			return try_err_;                                                           \
	} while (0)

/* What a client sees of err: never NULL; HTTP status 200 for OK. */
const char *error_code(enum err err);
const char *error_sentence(enum err err);
int error_http(enum err err);
/* For whoever sees it: why it comes, and what to do about it. "" for OK. */
const char *error_cause(enum err err);
const char *error_remedy(enum err err);

/* Logs the detail of a foreign failure at level error, with the current request's id if the thread has
 * one (log_request), and returns err. */
enum err fail(enum err err, const char *format, ...) PRINTF(2, 3);

#endif
