/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a document to the bytes of a response, as JSON or XML.
 */
#ifndef CONTROL_REPLY_H
#define CONTROL_REPLY_H

#include "base/text.h"
#include "control/dispatch.h"

enum reply_format {
	REPLY_JSON,
	REPLY_XML
};

/* Larger replies are an error of the service: no list of the API comes near. */
#define REPLY_BYTES_MAX ((size_t)16 << 20)

/* Fills status, content_type, body and body_size of out. document: the reply of action. */
enum err reply_success(struct arena *mem, enum reply_format format, const struct action *action,
	const json_t *document, struct response *out) MUST_USE;

struct reply_error {
	enum err err;
	const char *message; /* NULL: the sentence of err */
	const char *request_id;
	const char *host_id;
	const char *
		site; /* where the console is, as the client reaches it: "https://polder.example" */
};
/* The same for an error; Recommend is its page in the console. Without memory the body is a fixed one. */
void reply_error(struct arena *mem, enum reply_format format, const struct reply_error *error,
	struct response *out);

/* Where json_dump_callback writes; begun by text_init. */
struct json_sink {
	struct text text;
	size_t asked; /* bytes that were to be written, also when they did not fit */
};
int json_sink_add(const char *piece, size_t size, void *sink);

#endif
