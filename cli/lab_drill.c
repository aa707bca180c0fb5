/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * polder lab drill: finds what to attack (the newest instance with a rule, or the one that owns --vip), asks the
 * API what it counted before and after, and lets the generator work in the attacker's namespace in
 * between.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>

#include "base/auto.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/generator.h"
#include "cli/process.h"

#define CALL_MEMORY_MAX (64u << 20)
#define DDOSCOO		"2020-01-01"
#define POLDER		"2026-11-01"
#define REPORT_MS	1500 /* nodes report their counters each second */
#define CONFIRM_MS	500  /* a list entry is in force well within this */

DEFINE_AUTO(document, json_t *, json_decref);

struct options {
	const struct drill *drill;
	int64_t seconds, pps;
	const char *vip;
	bool json;
};

struct drill_work {
	const struct lab *lab;
	const struct options *options;
	struct target target;
	struct generator_result *result; /* shared with the child */
};

struct api {
	struct arena *mem;
	struct endpoint endpoint;
	const char *why;
};

static int print_usage(void)
{
	printf("usage: polder lab drill NAME [--seconds 1..%d] [--pps 1..%d] [--vip ADDRESS] "
	       "[--json]\n",
		GENERATOR_SECONDS_MAX, GENERATOR_PPS_MAX);
	for (const struct drill *drill = drills; drill->name; drill++)
		printf("  %-15s %s (%" PRId64 "/s)\n", drill->name, drill->summary, drill->pps);
	return STATUS_USAGE;
}

/* Without a name. */
static int print_list(bool json)
{
	AUTO(document) json_t *list = json_array();

	if (!json)
		return print_usage();
	for (const struct drill *drill = drills; drill->name; drill++)
		(void)json_array_append_new(list,
			json_pack("{s:s, s:s, s:I}", "drill", drill->name, "summary",
				drill->summary, "packets_per_second", (json_int_t)drill->pps));
	(void)json_dumpf(list, stdout, JSON_INDENT(1));
	putchar('\n');
	return STATUS_DONE;
}

static bool parse(int argc, char **argv, struct options *out)
{
	bool missing = false, good = argc >= 2;

	*out = (struct options){
		.drill = good ? drill_find(argv[1]) : NULL, .seconds = 5, .json = out->json
	};
	if (!out->drill)
		return false;
	out->pps = out->drill->pps;
	for (int i = 2; good && i < argc; i++) {
		const char *value;

		if ((value = option_value(argc, argv, &i, "seconds", &missing)) != NULL)
			good = text_to_int(value, &out->seconds);
		else if ((value = option_value(argc, argv, &i, "pps", &missing)) != NULL)
			good = text_to_int(value, &out->pps);
		else if ((value = option_value(argc, argv, &i, "vip", &missing)) != NULL)
			out->vip = value;
		else
			good = false;
	}
	return good && !missing && out->seconds >= 1 && out->seconds <= GENERATOR_SECONDS_MAX &&
	       out->pps >= 1 && out->pps <= GENERATOR_PPS_MAX;
}

static const char *member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

/* Ports of the instance's rules into target. false: it has none. */
static bool find_ports(struct api *api, const char *instance, struct target *target)
{
	json_t *reply =
		request_json(api->mem, &api->endpoint, &api->why, DDOSCOO, "DescribeNetworkRules",
			(const char *[]){ "InstanceId", instance, "PageNumber", "1", "PageSize",
				"50", NULL });
	const json_t *rules = json_object_get(reply, "NetworkRules");
	bool found = false;

	target->tcp_port = 80;
	target->udp_port = 7000;
	for (size_t i = 0; i < json_array_size(rules); i++) {
		const json_t *rule = json_array_get(rules, i);
		const json_int_t port = json_integer_value(json_object_get(rule, "FrontendPort"));

		if (strcasecmp(member(rule, "Protocol"), "tcp") == 0)
			target->tcp_port = (uint16_t)port;
		else
			target->udp_port = (uint16_t)port;
		found = true;
	}
	json_decref(reply);
	return found;
}

/* The newest instance of the drill's IP version with a rule, or the one that owns the address asked for. */
static bool find_target(
	struct api *api, const struct options *options, const char **instance, struct target *out)
{
	json_t *reply =
		options->vip
			? request_json(api->mem, &api->endpoint, &api->why, DDOSCOO,
				  "DescribeInstances",
				  (const char *[]){ "PageNumber", "1", "PageSize", "50", "Ip",
					  options->vip, NULL })
			: request_json(api->mem, &api->endpoint, &api->why, DDOSCOO,
				  "DescribeInstances",
				  (const char *[]){ "PageNumber", "1", "PageSize", "50", NULL });
	const json_t *list = json_object_get(reply, "Instances");
	bool found = false;

	if (!reply)
		return complain("%s", api->why);
	for (size_t i = 0; i < json_array_size(list) && !found; i++) {
		const json_t *row = json_array_get(list, i);

		if (!text_to_address(member(row, "Ip"), out->address) ||
			address_is_ipv4(out->address) != (options->drill->version == 4))
			continue;
		*instance = arena_copy(api->mem, member(row, "InstanceId"));
		found = *instance && (find_ports(api, *instance, out) || options->vip);
	}
	json_decref(reply);
	return found ||
	       complain("no IPv%d instance with a port rule to attack", options->drill->version);
}

static json_t *traffic(struct api *api, const char *instance)
{
	json_t *reply = request_json(api->mem, &api->endpoint, &api->why, POLDER, "DescribeTraffic",
		(const char *[]){ "InstanceId", instance, NULL });

	if (!reply)
		complain("%s", api->why);
	return reply;
}

static int64_t change(const json_t *before, const json_t *after, const char *name)
{
	return json_integer_value(json_object_get(after, name)) -
	       json_integer_value(json_object_get(before, name));
}

static void print_result(const struct drill_work *work, const char *instance, const char *address,
	const json_t *before, const json_t *after)
{
	const struct generator_result *sent = work->result;
	const int64_t arrived = change(before, after, "InPackets");
	const int64_t dropped = change(before, after, "DroppedPackets");
	const int64_t answered = change(before, after, "OutPackets");
	AUTO(document) json_t *document = NULL;

	if (!work->options->json) {
		printf("  %-28s %" PRIu64 " packets, %" PRIu64 " bytes, %" PRId64 " ms\n", "sent",
			sent->packets, sent->bytes, sent->took_ms);
		printf("  %-28s %" PRId64 "\n", "arrived at the address", arrived);
		printf("  %-28s %" PRId64 "\n", "of them dropped", dropped);
		printf("  %-28s %" PRId64 "\n", "sent to clients meanwhile", answered);
		return;
	}
	document = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "drill",
		work->options->drill->name, "instance", instance, "address", address,
		"sent_packets", (json_int_t)sent->packets, "sent_bytes", (json_int_t)sent->bytes,
		"took_ms", (json_int_t)sent->took_ms, "arrived_packets", (json_int_t)arrived,
		"dropped_packets", (json_int_t)dropped, "answered_packets", (json_int_t)answered);
	(void)json_dumpf(document, stdout, JSON_COMPACT);
	putchar('\n');
}

static int send_work(void *user)
{
	struct drill_work *work = user;
	const struct options *options = work->options;

	return generator_run(work->lab, options->drill, &work->target, options->seconds,
		       options->pps, work->result)
		       ? STATUS_DONE
		       : STATUS_FAILED;
}

/* Puts the drill's source on the block-list, or takes it off again. */
static bool block_list(struct api *api, const char *instance, const struct drill *drill, bool add)
{
	const char *entries = arena_print(api->mem, "[{\"src\":\"%s\"}]", drill->block_source);
	json_t *reply = add ? request_json(api->mem, &api->endpoint, &api->why, DDOSCOO,
				      "AddAutoCcBlacklist",
				      (const char *[]){ "InstanceId", instance, "ExpireTime", "300",
					      "Blacklist", entries, NULL })
			    : request_json(api->mem, &api->endpoint, &api->why, DDOSCOO,
				      "DeleteAutoCcBlacklist",
				      (const char *[]){
					      "InstanceId", instance, "Blacklist", entries, NULL });

	if (!reply)
		return complain("%s", api->why);
	json_decref(reply);
	sleep_ms(CONFIRM_MS);
	return true;
}

static int run_drill(struct api *api, struct drill_work *work)
{
	const struct drill *drill = work->options->drill;
	char address[ADDRESS_TEXT_SIZE], name[64];
	json_t *before, *after = NULL;
	const char *instance = NULL;
	int status = STATUS_FAILED;

	if (!find_target(api, work->options, &instance, &work->target))
		return STATUS_FAILED;
	if (drill->block_source && !block_list(api, instance, drill, true))
		return STATUS_FAILED;
	address_format(work->target.address, address);
	if (!work->options->json)
		printf("%s: %s, to %s (%s), %" PRId64 "/s for %" PRId64 " s\n", drill->name,
			drill->summary, address, instance, work->options->pps,
			work->options->seconds);
	lab_namespace(work->lab, LAB_ATTACKER, name);
	before = traffic(api, instance);
	if (before)
		status = process_in_namespace(name, send_work, work);
	if (status == STATUS_DONE) {
		sleep_ms(REPORT_MS);
		after = traffic(api, instance);
	}
	if (after)
		print_result(work, instance, address, before, after);
	if (drill->block_source)
		(void)block_list(api, instance, drill, false);
	json_decref(before);
	json_decref(after);
	return after ? STATUS_DONE : STATUS_FAILED;
}

int lab_drill_command(int argc, char **argv)
{
	struct options options = { .json = option_take(&argc, argv, "--json") };
	struct api api = { .mem = NULL };
	struct drill_work work = { .options = &options };
	struct lab lab;
	int status = STATUS_FAILED;

	if (argc == 1)
		return print_list(options.json);
	if (!parse(argc, argv, &options)) {
		if (argc > 1 && !options.drill)
			complain("no drill is called \"%s\"", argv[1]);
		return print_usage();
	}
	api.mem = arena_new(CALL_MEMORY_MAX);
	work.lab = &lab;
	work.result = mmap(NULL, sizeof(*work.result), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!api.mem || work.result == MAP_FAILED)
		complain("memory is out");
	else if (!lab_settings(&lab) || !lab_load(&lab) ||
		 !lab_endpoint_of(&lab, api.mem, &api.endpoint))
		complain("the lab is not running");
	else
		status = run_drill(&api, &work);
	arena_free(api.mem);
	return status;
}
