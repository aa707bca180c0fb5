/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One document, two spellings. JSON is the document itself, compact, members in the order in which the
 * handler put them. XML has the action's name as root and wraps each list: <Instances><Instance>..
 * </Instance></Instances>, with the item names of the action's row.
 *
 * Subtle: XML 1.0 cannot carry most control characters at all, not even escaped; they become U+FFFD, so
 * that a remark that holds one cannot make a whole list unreadable.
 */
#include "control/reply.h"

#include <libxml/tree.h>
#include <libxml/xmlwriter.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"

#define JSON_TYPE "application/json;charset=utf-8"
#define XML_TYPE  "text/xml;charset=utf-8"
/* Deeper than any reply of the published API. */
#define DEPTH_MAX 16

static const char fixed_body[] =
	"{\"Code\":\"ServiceUnavailable\",\"Message\":\"The request has failed "
	"due to a temporary failure of the server.\"}";

DEFINE_AUTO(json, json_t *, json_decref);
DEFINE_AUTO(xml_buffer, xmlBufferPtr, xmlBufferFree);
DEFINE_AUTO(xml_writer, xmlTextWriterPtr, xmlFreeTextWriter);

static const xmlChar *xml(const char *text)
{
	return (const xmlChar *)text;
}

static int add_json(const char *piece, size_t size, void *context)
{
	struct text *text = context;

	text_add_n(text, piece, size);
	return text->failed ? -1 : 0;
}

static enum err write_json(struct arena *mem, const json_t *document, struct response *out)
{
	struct text text;

	text_init(&text, mem, REPLY_BYTES_MAX);
	if (json_dump_callback(document, add_json, &text, JSON_COMPACT) != 0)
		return fail(ERR_MEMORY, "reply does not fit or is no JSON");
	out->content_type = JSON_TYPE;
	out->body = text.data;
	out->body_size = text.length;
	return OK;
}

/* Number of bytes of the character at text when XML 1.0 cannot carry it (section 2.2), else 0. */
static size_t forbidden(const char *text)
{
	unsigned char c = (unsigned char)text[0];

	if (c < 0x20)
		return c != '\t' && c != '\n' && c != '\r';
	/* U+FFFE and U+FFFF */
	if (c == 0xef && (unsigned char)text[1] == 0xbf && (unsigned char)text[2] >= 0xbe)
		return 3;
	return 0;
}

/* text with what XML cannot carry replaced; text itself when there is nothing. NULL: memory. */
static const char *xml_text(struct arena *mem, const char *text)
{
	struct text clean;
	size_t step;
	const char *c;

	for (c = text; *c && !forbidden(c); c++)
		;
	if (!*c)
		return text;
	/* Three bytes stand for one. */
	text_init(&clean, mem, 3 * strlen(text));
	for (c = text; *c; c += step ? step : 1) {
		step = forbidden(c);
		if (step)
			text_add(&clean, "\xef\xbf\xbd");
		else
			text_add_char(&clean, *c);
	}
	return clean.failed ? NULL : clean.data;
}

/* Members such as "95BurstBandwidthMode" begin as no XML name may. */
static const char *xml_name(struct arena *mem, const char *name)
{
	if (xmlValidateNCName(xml(name), 0) == 0)
		return name;
	return arena_print(mem, "_%s", name);
}

/* NULL: the items stand side by side under the list's own name. */
static const char *item_name(const struct reply_list *lists, const char *list)
{
	for (; lists && lists->list; lists++) {
		if (strcmp(lists->list, list) == 0)
			return lists->item;
	}
	return "Item";
}

struct xml_output {
	xmlTextWriterPtr writer;
	struct arena *mem;
	const struct reply_list *lists;
};

static enum err xml_value(
	struct xml_output *output, const char *name, const json_t *value, int depth);

static enum err xml_list(struct xml_output *output, const char *name, const json_t *list, int depth)
{
	const char *item = item_name(output->lists, name);
	size_t i;

	if (item && xmlTextWriterStartElement(output->writer, xml(name)) < 0)
		return ERR_MEMORY;
	for (i = 0; i < json_array_size(list); i++)
		TRY(xml_value(output, item ? item : name, json_array_get(list, i), depth + 1));
	/* The full form also when empty: some readers take a missing end tag for a missing list. */
	return !item || xmlTextWriterFullEndElement(output->writer) >= 0 ? OK : ERR_MEMORY;
}

static enum err xml_members(struct xml_output *output, const json_t *object, int depth)
{
	const char *name, *element;
	json_t *value;

	/* json_object_foreach asks for a mutable object but only reads. */
	void *at = json_object_iter((json_t *)(uintptr_t)object);

	for (; at; at = json_object_iter_next((json_t *)(uintptr_t)object, at)) {
		name = json_object_iter_key(at);
		value = json_object_iter_value(at);
		element = xml_name(output->mem, name);
		if (!element)
			return ERR_MEMORY;
		TRY(xml_value(output, element, value, depth + 1));
	}
	return OK;
}

static enum err xml_plain(struct xml_output *output, const json_t *value)
{
	const char *text = "";

	if (json_is_string(value))
		text = xml_text(output->mem, json_string_value(value));
	else if (json_is_integer(value))
		text = arena_print(output->mem, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		text = arena_print(output->mem, "%.15g", json_real_value(value));
	else if (json_is_boolean(value))
		text = json_is_true(value) ? "true" : "false";
	if (!text || xmlTextWriterWriteString(output->writer, xml(text)) < 0)
		return ERR_MEMORY;
	return OK;
}

static enum err xml_value(
	struct xml_output *output, const char *name, const json_t *value, int depth)
{
	if (depth > DEPTH_MAX)
		return fail(ERR_INTERNAL, "reply is nested too deeply");
	if (json_is_array(value))
		return xml_list(output, name, value, depth);
	if (xmlTextWriterStartElement(output->writer, xml(name)) < 0)
		return ERR_MEMORY;
	if (json_is_object(value))
		TRY(xml_members(output, value, depth));
	else
		TRY(xml_plain(output, value));
	return xmlTextWriterEndElement(output->writer) >= 0 ? OK : ERR_MEMORY;
}

static enum err write_xml(struct arena *mem, const char *root, const struct reply_list *lists,
	const json_t *document, struct response *out)
{
	AUTO(xml_buffer) xmlBufferPtr buffer = xmlBufferCreate();
	AUTO(xml_writer)
	xmlTextWriterPtr writer = buffer ? xmlNewTextWriterMemory(buffer, 0) : NULL;
	struct xml_output output = { writer, mem, lists };
	enum err err;
	int size;

	if (!writer || xmlTextWriterStartDocument(writer, NULL, "UTF-8", NULL) < 0)
		return ERR_MEMORY;
	err = xml_value(&output, root, document, 0);
	if (err == OK && (xmlTextWriterEndDocument(writer) < 0 || xmlTextWriterFlush(writer) < 0))
		err = ERR_MEMORY;
	if (err != OK)
		return err;
	size = xmlBufferLength(buffer);
	if (size < 0 || (size_t)size > REPLY_BYTES_MAX)
		return fail(ERR_MEMORY, "reply does not fit");
	out->body = arena_copy_n(mem, (const char *)xmlBufferContent(buffer), (size_t)size);
	if (!out->body)
		return ERR_MEMORY;
	out->content_type = XML_TYPE;
	out->body_size = (size_t)size;
	return OK;
}

enum err reply_success(struct arena *mem, enum reply_format format, const struct action *action,
	const json_t *document, struct response *out)
{
	char *root;

	out->status = error_http(OK);
	if (format == REPLY_JSON)
		return write_json(mem, document, out);
	root = arena_print(mem, "%sResponse", action->name);
	return root ? write_xml(mem, root, action->lists, document, out) : ERR_MEMORY;
}

/* The members of an error in the order in which the published service writes them. */
static json_t *error_document(
	struct arena *mem, enum reply_format format, const struct reply_error *error)
{
	const char *code = error_code(error->err);
	const char *message = error->message ? error->message : error_sentence(error->err);
	const char *recommend = arena_print(mem, "%s/console/#/errors/%s", error->site, code);

	if (!recommend)
		return NULL;
	if (format == REPLY_JSON)
		return json_pack("{s:s,s:s,s:s,s:s,s:s}", "RequestId", error->request_id, "Message",
			message, "Recommend", recommend, "HostId", error->host_id, "Code", code);
	return json_pack("{s:s,s:s,s:s,s:s,s:s}", "RequestId", error->request_id, "HostId",
		error->host_id, "Code", code, "Message", message, "Recommend", recommend);
}

void reply_error(struct arena *mem, enum reply_format format, const struct reply_error *error,
	struct response *out)
{
	AUTO(json) json_t *document = error_document(mem, format, error);
	enum err err = ERR_MEMORY;

	out->status = error_http(error->err);
	if (document && format == REPLY_JSON)
		err = write_json(mem, document, out);
	else if (document)
		err = write_xml(mem, "Error", NULL, document, out);
	if (err == OK)
		return;
	out->status = error_http(ERR_MEMORY);
	out->content_type = JSON_TYPE;
	out->body = fixed_body;
	out->body_size = sizeof(fixed_body) - 1;
}

int json_sink_add(const char *piece, size_t size, void *context)
{
	struct json_sink *sink = context;

	sink->asked += size;
	text_add_n(&sink->text, piece, size);
	return sink->text.failed ? -1 : 0;
}
