/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The strings are walked side by side. A hidden value of the server's is passed over together with what the client has up
 * to the end of a value. At the first difference the rows below are tried in turn: most look at the escape
 * sequence that the byte is within, the last ones at the parameter or line.
 */
#include "control/auth/difference.h"

#include <stdint.h>
#include <string.h>

static const struct {
	const char *name, *text;
} causes[DIFFERENCE_COUNT] = {
	[DIFFERENCE_NONE] = { "equal", "The strings are equal, so the secret is another one. Often "
				       "a space or a line break was "
				       "copied with it." },
	[DIFFERENCE_METHOD] = { "method", "The client signed another HTTP method than it sent." },
	[DIFFERENCE_SPACE_PLUS] = { "space-as-plus",
		"The client encoded a space as +. Signatures want %20: replace + by %20 after "
		"encoding." },
	[DIFFERENCE_STAR] = { "star-not-encoded",
		"The client left * as it is. Signatures want %2A." },
	[DIFFERENCE_TILDE] = { "tilde-encoded",
		"The client encoded ~. Signatures leave letters, digits and - _ . ~ as they are." },
	[DIFFERENCE_ENCODED_ONCE] = { "encoded-once", "The client encoded once where the string "
						      "has it twice: names and values first, and "
						      "then the whole query." },
	[DIFFERENCE_ENCODED_TWICE] = { "encoded-too-often",
		"The client encoded what was encoded already." },
	[DIFFERENCE_LOWER_CASE] = { "lower-case-hex",
		"The client wrote escapes in small letters. Signatures want capital ones: %2F, not "
		"%2f." },
	[DIFFERENCE_NOT_ENCODED] = { "not-encoded",
		"The client left a character as it is that signatures want encoded." },
	[DIFFERENCE_ENDS_EARLY] = { "ends-early",
		"The client's string ends where the server's goes on. What follows was added after "
		"signing, or the string was not copied whole." },
	[DIFFERENCE_GOES_ON] = { "goes-on", "The client's string goes on where the server's ends. "
					    "What follows was signed and not "
					    "sent." },
	[DIFFERENCE_ORDER] = { "order", "Parameters are in another order. They are sorted by name, "
					"byte by byte, capital letters "
					"before small ones." },
	[DIFFERENCE_MISSING] = { "missing", "The client did not sign this parameter but sent it. "
					    "Parameters with empty values are "
					    "signed too." },
	[DIFFERENCE_EXTRA] = { "extra", "The client signed this parameter but did not send it." },
	[DIFFERENCE_VALUE] = { "value", "The value that was signed is not the one that arrived. It "
					"was changed after signing, or "
					"is encoded in another character set than UTF-8." },
	[DIFFERENCE_HEADER] = { "header", "A header that was signed is not as it arrived. Proxies "
					  "change Host; spaces around values "
					  "are cut, names are small letters." },
	[DIFFERENCE_PAYLOAD] = { "payload", "The hash is of another body than the one that "
					    "arrived: the body was changed or encoded "
					    "anew after it was hashed." },
	[DIFFERENCE_OTHER] = { "other", "The strings differ here." },
};

const char *difference_name(enum difference_cause cause)
{
	return causes[cause].name;
}

const char *difference_text(enum difference_cause cause)
{
	return causes[cause].text;
}

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* The end of the value that begins at text. */
static const char *value_end(const char *text, bool v3)
{
	const char *at = text;

	for (; *at && *at != '\n'; at++) {
		if (v3 ? *at == '&' : starts(at, "%26"))
			break;
	}
	return at;
}

/* The hidden value at text, in the spelling of the string: its length; 0: there is none. */
static size_t hidden(const char *text, bool v3)
{
	static const char *const spellings[] = { DIFFERENCE_HIDDEN, "%2A%2A%2A",
		"%252A%252A%252A" };

	for (size_t i = 0; i < sizeof(spellings) / sizeof(*spellings); i++) {
		size_t length = strlen(spellings[i]);

		if (starts(text, spellings[i]) && value_end(text, v3) == text + length)
			return length;
	}
	return 0;
}

/* Where the escape sequence that at is within begins: at itself when it is within none. "%252F" is one. */
static size_t escape_start(const char *text, size_t at)
{
	size_t least = at > 4 ? at - 4 : 0, start = at;

	for (size_t i = at; i > least; i--) {
		size_t length = strncmp(text + i - 1, "%25", 3) == 0 ? 5 : 3;

		if (text[i - 1] == '%' && at < i - 1 + length)
			start = i - 1;
	}
	return start;
}

struct place {
	const char *server, *client; /* at the escape sequence */
	bool v3;
};

/* "%20" in V3 is "%2520" in V1. */
static bool has(const char *text, const char *escape, bool v3)
{
	return v3 ? starts(text, escape)
		  : starts(text, "%25") && strncmp(text + 3, escape + 1, 2) == 0;
}

static enum difference_cause escapes(const struct place *place)
{
	const char *server = place->server, *client = place->client;
	bool v3 = place->v3;

	if (has(server, "%20", v3) && (*client == '+' || starts(client, "%2B")))
		return DIFFERENCE_SPACE_PLUS;
	if (has(server, "%2A", v3) && (*client == '*' || (!v3 && starts(client, "%2A"))))
		return DIFFERENCE_STAR;
	if (*server == '~' && (has(client, "%7E", v3) || has(client, "%7e", v3)))
		return DIFFERENCE_TILDE;
	if (!v3 && starts(server, "%25") && *client == '%' && !starts(client, "%25") &&
		strncmp(server + 3, client + 1, 2) == 0)
		return DIFFERENCE_ENCODED_ONCE;
	if (*server == '%' && starts(client, "%25") && strncmp(client + 3, server + 1, 2) == 0)
		return DIFFERENCE_ENCODED_TWICE;
	if (*server == '%' && *client == '%' && strncasecmp(server, client, 3) == 0 &&
		strncmp(server, client, 3) != 0)
		return DIFFERENCE_LOWER_CASE;
	/* Within the second escape of V1: "%252F" against "%252f". */
	if (!v3 && starts(server, "%25") && starts(client, "%25") &&
		strncasecmp(server, client, 5) == 0)
		return DIFFERENCE_LOWER_CASE;
	if (*server == '%' && *client != '%' && *client != '\0' && *client != '&')
		return DIFFERENCE_NOT_ENCODED;
	return DIFFERENCE_OTHER;
}

/* The parameter that a string is at: where its name begins and how long it is. */
struct parameter {
	const char *name;
	size_t length;
	bool in_name; /* the place is within the name */
};

static struct parameter parameter_at(const char *text, size_t at, bool v3)
{
	const char *between = v3 ? "&" : "%26", *is = v3 ? "=" : "%3D";
	struct parameter out = { .name = text };
	size_t i;

	for (i = at; i > 0; i--) {
		if (text[i - 1] == '\n' || text[i - 1] == '&')
			break;
		if (!v3 && i >= 3 && strncmp(text + i - 3, between, 3) == 0)
			break;
	}
	out.name = text + i;
	while (out.name[out.length] && out.name[out.length] != '\n' &&
		!starts(out.name + out.length, is) && !starts(out.name + out.length, between))
		out.length++;
	out.in_name = text + at <= out.name + out.length;
	return out;
}

/* Whether text has a parameter of this name from there on. */
static bool has_parameter(const char *text, const struct parameter *wanted, bool v3)
{
	const char *between = v3 ? "&" : "%26", *is = v3 ? "=" : "%3D";

	while (*text && *text != '\n') {
		if (strncmp(text, wanted->name, wanted->length) == 0 &&
			starts(text + wanted->length, is))
			return true;
		text = strstr(text, between);
		if (!text)
			return false;
		text += strlen(between);
	}
	return false;
}

static enum difference_cause parameters(
	const char *server, const char *client, const struct difference *found, bool v3)
{
	struct parameter of_server = parameter_at(server, found->server_at, v3);
	struct parameter of_client = parameter_at(client, found->client_at, v3);
	bool client_has, server_has;

	if (of_server.length == of_client.length &&
		strncmp(of_server.name, of_client.name, of_server.length) == 0)
		return DIFFERENCE_VALUE;
	client_has = has_parameter(of_client.name, &of_server, v3);
	server_has = has_parameter(of_server.name, &of_client, v3);
	if (client_has && server_has)
		return DIFFERENCE_ORDER;
	if (client_has)
		return DIFFERENCE_EXTRA;
	return server_has ? DIFFERENCE_MISSING : DIFFERENCE_OTHER;
}

/* Lines of a canonical request: method, path, query, headers, an empty one, names of the signed headers, hash. */
static enum difference_cause lines(const char *server, const struct difference *found)
{
	const char *last = strrchr(server, '\n');

	if (found->line == 1)
		return DIFFERENCE_METHOD;
	if (last && server + found->server_at > last)
		return DIFFERENCE_PAYLOAD;
	return found->line > 3 ? DIFFERENCE_HEADER : DIFFERENCE_OTHER;
}

static enum difference_cause judge(
	const char *server, const char *client, const struct difference *found, bool v3)
{
	size_t back = found->server_at - escape_start(server, found->server_at);
	struct place place = { server + found->server_at, client + found->client_at, v3 };
	enum difference_cause cause;

	if (v3 && found->line != 3)
		return lines(server, found);
	if (!v3 && (memchr(server, '&', found->server_at) == NULL))
		return DIFFERENCE_METHOD;
	if (client[found->client_at] == '\0')
		return DIFFERENCE_ENDS_EARLY;
	if (back <= found->client_at) {
		place.server -= back;
		place.client -= back;
	}
	cause = escapes(&place);
	if (cause != DIFFERENCE_OTHER)
		return cause;
	if (server[found->server_at] == '\0')
		return DIFFERENCE_GOES_ON;
	return parameters(server, client, found, v3);
}

void difference_find(const char *server, const char *client, bool v3, struct difference *out)
{
	size_t s = 0, c = 0;

	*out = (struct difference){ .cause = DIFFERENCE_NONE, .line = 1, .column = 1 };
	while (server[s] || client[c]) {
		size_t length = hidden(server + s, v3);

		if (length > 0) {
			s += length;
			c += (size_t)(value_end(client + c, v3) - (client + c));
			out->column += length;
			continue;
		}
		if (server[s] != client[c])
			break;
		out->column++;
		if (server[s] == '\n') {
			out->line++;
			out->column = 1;
		}
		s++;
		c++;
	}
	out->server_at = s;
	out->client_at = c;
	if (server[s] || client[c])
		out->cause = judge(server, client, out, v3);
}
