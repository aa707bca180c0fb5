/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is never kept, whoever asks: what the origin calls private or forbids to store, what sets a cookie, what varies
 * by everything, what is encoded without saying that it depends on the client, and all statuses but those in
 * the table. A page that came for the name of a static type is not kept either: "/account/x.css" is answered by
 * many programs like "/account", and its asker wants it in the cache to read it there.
 *
 * A rule's time goes over what the origin says of times, "no-cache" among them. Else the origin's s-maxage, max-age or Expires
 * holds, less the age that the answer already has.
 *
 * "must-revalidate" forbids stale answers, but a flood on one address must reach the origin once at each renewal. So such an
 * answer is called stale a little before its end, and given as one up to its end.
 */
#include "nginx/freshness.h"

#include <string.h>
#include <strings.h>

static const char *const static_types[] = { "7z", "apk", "avi", "avif", "bin", "bmp", "bz2",
	"class", "css", "csv", "cur", "dmg", "doc", "docx", "eot", "eps", "exe", "flac", "gif",
	"gz", "ico", "iso", "jar", "jpeg", "jpg", "js", "mid", "midi", "mjs", "mkv", "mov", "mp3",
	"mp4", "mpeg", "mpg", "ogg", "ogv", "otf", "pdf", "png", "ppt", "pptx", "rar", "svg", "swf",
	"tar", "tif", "tiff", "ts", "ttf", "txt", "wasm", "wav", "webm", "webp", "woff", "woff2",
	"xls", "xlsx", "zip", "zst" };

bool freshness_is_static(const char *exten, size_t length)
{
	for (size_t i = 0; i < sizeof(static_types) / sizeof(static_types[0]); i++) {
		if (strlen(static_types[i]) == length &&
			strncasecmp(static_types[i], exten, length) == 0)
			return true;
	}
	return false;
}

/* ---- Cache-Control */

struct freshness_control freshness_begin(void)
{
	return (struct freshness_control){ .max_age = -1, .shared_max_age = -1 };
}

static bool is_word(const char *text, size_t length, const char *word)
{
	return strlen(word) == length && strncasecmp(text, word, length) == 0;
}

/* What is no number means that it is stale (RFC 9111 4.2.1). */
static int64_t seconds_of(const char *text, size_t length)
{
	int64_t seconds = 0;

	if (length >= 2 && text[0] == '"' && text[length - 1] == '"') {
		text++;
		length -= 2;
	}
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		if (seconds < FRESHNESS_MAX_SECONDS)
			seconds = seconds * 10 + (text[i] - '0');
	}
	return seconds < FRESHNESS_MAX_SECONDS ? seconds : FRESHNESS_MAX_SECONDS;
}

static void read_directive(struct freshness_control *control, const char *text, size_t length)
{
	const char *equals = memchr(text, '=', length);
	size_t name = equals ? (size_t)(equals - text) : length;
	const char *value = equals ? equals + 1 : text + length;
	size_t value_length = length - (size_t)(value - text);

	while (name > 0 && (text[name - 1] == ' ' || text[name - 1] == '\t'))
		name--;
	/* private="header" and no-cache="header" are read as if they said all: they are hardly ever written. */
	if (is_word(text, name, "no-store"))
		control->no_store = true;
	else if (is_word(text, name, "private"))
		control->is_private = true;
	else if (is_word(text, name, "no-cache"))
		control->no_cache = true;
	else if (is_word(text, name, "must-revalidate") || is_word(text, name, "proxy-revalidate"))
		control->must_revalidate = true;
	else if (is_word(text, name, "max-age"))
		control->max_age = seconds_of(value, value_length);
	else if (is_word(text, name, "s-maxage")) {
		control->shared_max_age = seconds_of(value, value_length);
		control->must_revalidate = true;
	}
}

/* The end of a directive: a comma that is not within quotes. */
static size_t directive_length(const char *text, size_t length)
{
	bool quoted = false;

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '"')
			quoted = !quoted;
		else if (text[i] == ',' && !quoted)
			return i;
	}
	return length;
}

void freshness_read(struct freshness_control *control, const char *text, size_t length)
{
	while (length > 0) {
		size_t piece = directive_length(text, length), begin = 0, end = piece;

		while (begin < end && (text[begin] == ' ' || text[begin] == '\t'))
			begin++;
		while (end > begin && (text[end - 1] == ' ' || text[end - 1] == '\t'))
			end--;
		read_directive(control, text + begin, end - begin);
		piece += piece < length;
		text += piece;
		length -= piece;
	}
}

/* ---- how long */

enum kind {
	NEVER,
	USUAL,	 /* also when nothing says how long */
	MISSING, /* likewise, but for a short time */
	ASKED	 /* only when the origin says how long */
};

static enum kind kind_of(unsigned status)
{
	switch (status) {
	case 200:
	case 203:
	case 300:
	case 301:
	case 308:
		return USUAL;
	case 404:
	case 410:
		return MISSING;
	case 302:
	case 307:
		return ASKED;
	default:
		return NEVER;
	}
}

/* -1: the origin says nothing. */
static int64_t said_by_origin(const struct freshness_answer *answer)
{
	const struct freshness_control *control = &answer->control;
	int64_t seconds = -1;

	if (control->no_cache)
		return 0;
	if (control->shared_max_age >= 0)
		seconds = control->shared_max_age;
	else if (control->max_age >= 0)
		seconds = control->max_age;
	else if (answer->expires != FRESHNESS_ABSENT)
		seconds = answer->expires -
			  (answer->date != FRESHNESS_ABSENT ? answer->date : answer->now);
	else
		return -1;
	seconds -= answer->age > 0 ? answer->age : 0;
	return seconds > 0 ? seconds : 0;
}

static int64_t usual_seconds(
	const struct freshness_answer *answer, const struct freshness_wish *wish)
{
	switch (kind_of(answer->status)) {
	case USUAL:
		return wish->is_static ? FRESHNESS_STATIC_SECONDS : FRESHNESS_OTHER_SECONDS;
	case MISSING:
		return FRESHNESS_MISSING_SECONDS;
	case NEVER:
	case ASKED:
	default:
		return 0;
	}
}

static int64_t wished_seconds(
	const struct freshness_answer *answer, const struct freshness_wish *wish)
{
	enum kind kind = kind_of(answer->status);
	int64_t seconds = said_by_origin(answer);

	if (wish->seconds && kind == USUAL)
		return wish->seconds;
	if (wish->seconds && kind == MISSING)
		return FRESHNESS_MISSING_SECONDS;
	return seconds >= 0 ? seconds : usual_seconds(answer, wish);
}

static bool is_kept(const struct freshness_answer *answer, const struct freshness_wish *wish)
{
	const struct freshness_control *control = &answer->control;

	return kind_of(answer->status) != NEVER && !control->no_store && !control->is_private &&
	       !answer->sets_cookie && !answer->varies_wholly &&
	       (!answer->encoded || answer->varies_coding) &&
	       !(wish->is_static && answer->is_page && answer->status < 300);
}

struct freshness freshness_of(
	const struct freshness_answer *answer, const struct freshness_wish *wish)
{
	struct freshness out = { 0 };
	int64_t seconds;

	if (!is_kept(answer, wish))
		return out;
	seconds = wished_seconds(answer, wish);
	out.seconds = seconds < FRESHNESS_MAX_SECONDS ? seconds : FRESHNESS_MAX_SECONDS;
	if (out.seconds == 0)
		return out;
	out.update_seconds = FRESHNESS_UPDATE_SECONDS;
	if (!answer->control.must_revalidate) {
		out.failed_seconds = FRESHNESS_FAILED_SECONDS;
		return out;
	}
	if (out.seconds <= FRESHNESS_UPDATE_SECONDS)
		out.update_seconds = out.seconds / 2;
	out.seconds -= out.update_seconds;
	return out;
}
