/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many sites for the benchmark of the request path, each with a certificate of its own and with rules that are asked
 * and not met: eight precise access rules and one of frequency.
 *
 *   request_sites TABLE_FOLDER COUNT ORIGIN ORIGIN_PORT PEER_FOLDER PORT TLS_PORT VIP
 *
 * Writes the table for nginx with the module, all sites reached at VIP (IPv4), and for the peers the same certificates:
 * PEER_FOLDER/siteN.pem (certificate and key in one file, for HAProxy), siteN.crt and siteN.key of the first, and
 * names.map with all of them, as nginx's "ssl_certificate data:$variable" wants them.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "agent/table.h"
#include "base/site.h"

#define INSTANCE  1
#define RULES	  8
#define PEM_BYTES 4096
#define FOR_EVER  INT64_MAX

static uint64_t site_memory[SITE_BYTES_MAX / 8];

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(2);
}

static long number(const char *text, long most)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end || value < 1 || value > most) {
		(void)fprintf(stderr, "request_sites: %s is not 1..%ld\n", text, most);
		exit(2);
	}
	return value;
}

static void put(struct request_table *table, uint16_t kind, const void *key, size_t key_length,
	const void *body, size_t length)
{
	struct table_key at = { kind, (uint16_t)key_length, key };

	must(request_table_put(table, &at, body, length) == OK, "put a record");
}

/* ---- certificates */

static X509 *certify(EVP_PKEY *key, const char *name, long serial)
{
	X509 *certificate = X509_new();
	X509_NAME *subject;
	X509V3_CTX context;
	X509_EXTENSION *names;
	char value[96];

	must(certificate != NULL, "X509_new");
	(void)X509_set_version(certificate, 2);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial + 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	(void)X509_gmtime_adj(X509_getm_notAfter(certificate), 86400L * 30);
	(void)X509_set_pubkey(certificate, key);
	subject = X509_get_subject_name(certificate);
	(void)X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	(void)X509_set_issuer_name(certificate, subject);
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	(void)snprintf(value, sizeof(value), "DNS:%s", name);
	names = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, value);
	must(names && X509_add_ext(certificate, names, -1) == 1, "subjectAltName");
	X509_EXTENSION_free(names);
	must(X509_sign(certificate, key, EVP_sha256()) > 0, "X509_sign");
	return certificate;
}

/* Certificate and key as PEM, one behind the other in out. */
static struct certificate make_certificate(long number, const char *name, char out[PEM_BYTES])
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate;
	BIO *memory = BIO_new(BIO_s_mem());
	struct certificate head = { .number = (uint32_t)number + 1, .version = 1 };
	char *data;

	must(key && memory, "EVP_EC_gen");
	certificate = certify(key, name, number);
	must(PEM_write_bio_X509(memory, certificate) == 1, "PEM_write_bio_X509");
	head.chain_length = (uint32_t)BIO_get_mem_data(memory, &data);
	must(PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) == 1,
		"PEM_write_bio_PrivateKey");
	head.key_length = (uint32_t)BIO_get_mem_data(memory, &data) - head.chain_length;
	must(head.chain_length + head.key_length < PEM_BYTES, "room for a certificate");
	memcpy(out, data, head.chain_length + head.key_length);
	(void)BIO_free(memory);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return head;
}

static void write_file(
	const char *folder, const char *name, const char *suffix, const void *data, size_t length)
{
	char path[4096];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s.%s", folder, name, suffix);
	file = fopen(path, "w");
	must(file && fwrite(data, 1, length, file) == length && fclose(file) == 0, path);
}

static void add_certificate(
	struct request_table *table, long number, const char *name, const char *folder, FILE *map)
{
	static uint64_t body[(sizeof(struct certificate) + PEM_BYTES) / 8];
	char pem[PEM_BYTES];
	struct certificate head = make_certificate(number, name, pem);
	size_t length = head.chain_length + head.key_length;

	memcpy(body, &head, sizeof(head));
	memcpy((char *)body + sizeof(head), pem, length);
	put(table, TABLE_CERTIFICATE, &head.number, sizeof(head.number), body,
		sizeof(head) + length);
	(void)fprintf(map, "%s \"data:%.*s\";\n", name, (int)length, pem);
	if (number > 0)
		return;
	write_file(folder, "site0", "pem", pem, length);
	write_file(folder, "site0", "crt", pem, head.chain_length);
	write_file(folder, "site0", "key", pem + head.chain_length, head.key_length);
}

/* ---- sites */

static struct site_text text(struct site_builder *builder, const char *value)
{
	return site_add_text(builder, value, strlen(value));
}

static void add_rules(struct site_builder *builder)
{
	static const struct {
		uint8_t field, match;
		const char *value;
	} wish[RULES] = {
		{ FIELD_URI, MATCH_PREFIX, "/wp-admin" },
		{ FIELD_USER_AGENT, MATCH_CONTAINS, "sqlmap" },
		{ FIELD_REFERER, MATCH_CONTAINS, "casino" },
		{ FIELD_METHOD, MATCH_EQUAL, "TRACE" },
		{ FIELD_PARAMS, MATCH_CONTAINS, "union select" },
		{ FIELD_COOKIE, MATCH_CONTAINS, "debug=1" },
		{ FIELD_URI, MATCH_EQUAL, "/xmlrpc.php" },
		{ FIELD_HEADER, MATCH_EQUAL, "scanner" },
	};
	struct site *site = site_head(builder);
	struct site_rule *rule = site_add_list(builder, &site->rules, RULES + 1, sizeof(*rule));
	struct site_step *step = site_add_list(builder, &site->steps, RULES, sizeof(*step));

	must(rule && step, "room for rules");
	for (uint16_t i = 0; i < RULES; i++) {
		rule[i] = (struct site_rule){ .number = i + 1u,
			.check = CHECK_precise,
			.action = RULE_BLOCK,
			.until_ms = FOR_EVER,
			.first_step = i,
			.step_count = 1 };
		step[i] = (struct site_step){ .field = wish[i].field,
			.match = wish[i].match,
			.hit = STEP_MATCH,
			.miss = STEP_NO_MATCH,
			.value = text(builder, wish[i].value) };
		if (wish[i].field == FIELD_HEADER)
			step[i].name = text(builder, "x-tool");
	}
	rule[RULES] = (struct site_rule){ .number = RULES + 1,
		.check = CHECK_frequency,
		.action = RULE_BLOCK,
		.target = TARGET_ADDRESS,
		.until_ms = FOR_EVER,
		.interval_seconds = 10,
		.threshold = 2000000000,
		.ttl_seconds = 60 };
}

struct wish {
	struct address origin;
	uint16_t origin_port, port, tls_port;
};

static void add_site(
	struct request_table *table, long number, const char *name, const struct wish *wish)
{
	struct site_builder builder;
	struct site *site = site_begin(&builder, site_memory, sizeof(site_memory));
	struct site_port *port;
	struct site_origin *origin;
	uint32_t *instance;
	size_t length;

	site->number = (uint32_t)number + 1;
	site->generation = 1;
	site->flags = SITE_HTTP2 | SITE_TLS13 | SITE_KEEPALIVE | SITE_RETRY;
	site->certificate = (uint32_t)number + 1;
	site->balance = SITE_ROUND_ROBIN;
	site->tls_min = 3;
	site->keepalive_requests = 1000000;
	site->keepalive_seconds = 60;
	memset(site->mode, CHECK_BLOCK, CHECK_COUNT);
	/* What a load generator from one address is refused by; what they cost is asked all the same. */
	site->pace = SITE_PACE_OFF;
	site->domain = text(&builder, name);
	instance = site_add_list(&builder, &site->instances, 1, sizeof(*instance));
	port = site_add_list(&builder, &site->ports, 2, sizeof(*port));
	origin = site_add_list(&builder, &site->origins, 1, sizeof(*origin));
	must(instance && port && origin, "room for a site");
	*instance = INSTANCE;
	port[0] = (struct site_port){ wish->port, SITE_SCHEME_HTTP };
	port[1] = (struct site_port){ wish->tls_port, SITE_SCHEME_HTTPS };
	*origin = (struct site_origin){ .address = wish->origin,
		.port = wish->origin_port,
		.weight = 100,
		.connect_timeout_seconds = 5,
		.read_timeout_seconds = 120,
		.send_timeout_seconds = 120,
		.fail_timeout_seconds = 10,
		.max_fails = 3 };
	add_rules(&builder);
	site->flags |= SITE_ORIGIN_PLAIN;
	length = site_end(&builder);
	must(length > 0 && !site_check(site, length), "build a site");
	put(table, TABLE_SITE, name, strlen(name), site, length);
}

static void add_places(struct request_table *table, const char *text_of_vip)
{
	struct address address = { .byte = { [10] = 0xff, [11] = 0xff } };
	struct table_vip vip = {
		.instance = INSTANCE, .mitigation_until_ms = FOR_EVER, .forward_until_ms = FOR_EVER
	};
	struct table_settings settings = { 0 };

	must(inet_pton(AF_INET, text_of_vip, address.byte + 12) == 1, text_of_vip);
	put(table, TABLE_VIP, &address, sizeof(address), &vip, sizeof(vip));
	put(table, TABLE_SETTINGS, NULL, 0, &settings, sizeof(settings));
}

int main(int argc, char **argv)
{
	struct request_table *table;
	struct wish wish = { 0 };
	char path[4096], name[64];
	FILE *map;
	long count;

	if (argc != 9) {
		(void)fprintf(stderr, "usage: request_sites TABLE_FOLDER COUNT ORIGIN ORIGIN_PORT "
				      "PEER_FOLDER PORT TLS_PORT VIP\n");
		return 2;
	}
	count = number(argv[2], NODE_SITE_MAX);
	wish.origin.byte[10] = wish.origin.byte[11] = 0xff;
	must(inet_pton(AF_INET, argv[3], wish.origin.byte + 12) == 1, argv[3]);
	wish.origin_port = (uint16_t)number(argv[4], UINT16_MAX);
	wish.port = (uint16_t)number(argv[6], UINT16_MAX);
	wish.tls_port = (uint16_t)number(argv[7], UINT16_MAX);
	(void)snprintf(path, sizeof(path), "%s/names.map", argv[5]);
	map = fopen(path, "w");
	must(map != NULL, path);
	must(request_table_open(argv[1], (gid_t)-1, &table) == OK, argv[1]);
	add_places(table, argv[8]);
	for (long i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "site%ld.bench.example", i);
		add_certificate(table, i, name, argv[5], map);
		add_site(table, i, name, &wish);
	}
	request_table_set_generation(table, 1);
	must(request_table_publish(table) == OK && fclose(map) == 0, "publish");
	request_table_close(table);
	return 0;
}
