/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * polder init: asks, shows what it will do, does it, and remembers how to take it back. Options are rows: the same row checks
 * what was given on the command line and what was answered. Nothing is started unless --start says so, and nothing is done
 * without a yes: at a terminal it is asked for, elsewhere --yes is it.
 */
#include "cli/init.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/text.h"
#include "cli/check.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "shared/limits.h"

#define MEMORY_MAX   (4u << 20)
#define ANSWERS_MAX  5 /* wrong ones in a row */
#define NAME_MAX_DNS 253

/* ---- what a value must be; why says what it is not */

static bool is_interface(const struct init *init, const char *value, const char **why)
{
	(void)init;
	*why = "no such interface is on this machine";
	return if_nametoindex(value) != 0;
}

static bool is_vip(const struct init *init, const char *value, const char **why)
{
	uint8_t address[16];
	unsigned bits;

	(void)init;
	*why = "must be an address or a prefix as 203.0.113.16/28, without bits behind its length";
	return text_to_prefix(value, address, &bits);
}

/* At most NODE_SOURCE_MAX addresses of an IP version, as the agent takes them. */
static bool is_origin(const struct init *init, const char *value, const char **why)
{
	uint8_t address[16];
	unsigned bits, all[2] = { 0, 0 };

	if (!is_vip(init, value, why))
		return false;
	*why = "gives more than 64 addresses of one IP version";
	for (size_t i = 0; i <= init->origin.count; i++) {
		const char *item = i < init->origin.count ? init->origin.item[i] : value;

		(void)text_to_prefix(item, address, &bits);
		if (bits < 128 - 6)
			return false;
		all[address_is_ipv4(address)] += 1u << (128 - bits);
	}
	return all[0] <= NODE_SOURCE_MAX && all[1] <= NODE_SOURCE_MAX;
}

static bool is_made_of(const char *value, const char *others, size_t most)
{
	const size_t length = strlen(value);

	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)value[i]) && !strchr(others, value[i]))
			return false;
	return length >= 1 && length <= most;
}

static bool is_node(const struct init *init, const char *value, const char **why)
{
	(void)init;
	*why = "must be letters, digits, '.', '_' or '-', up to 64";
	return is_made_of(value, "._-", NODE_NAME_MAX);
}

static bool is_name(const struct init *init, const char *value, const char **why)
{
	(void)init;
	*why = "must be a host name or an address";
	return is_made_of(value, ".-:", NAME_MAX_DNS);
}

static bool is_port(const struct init *init, const char *value, const char **why)
{
	int64_t number;

	(void)init;
	*why = "must be a port, 1 to 65535";
	return text_to_int(value, &number) && number >= 1 && number <= 65535;
}

static bool is_mode(const struct init *init, const char *value, const char **why)
{
	(void)init;
	*why = "must be monitor or enforce";
	return strcmp(value, "monitor") == 0 || strcmp(value, "enforce") == 0;
}

static bool is_root(const struct init *init, const char *value, const char **why)
{
	(void)init;
	*why = "must be a folder that is there, from the root on";
	return value[0] == '/' && access(value, X_OK) == 0;
}

/* ---- options */

static const char *host_name(struct init *init)
{
	char name[256] = "";

	(void)gethostname(name, sizeof(name) - 1);
	return is_made_of(name, ".-", NAME_MAX_DNS) ? arena_copy(init->mem, name) : "polder";
}
static const char *port_standard(struct init *init)
{
	(void)init;
	return "443";
}
static const char *mode_standard(struct init *init)
{
	(void)init;
	return "monitor";
}
/* The interface toward clients serves both sides when there is no other. */
static const char *nothing(struct init *init)
{
	(void)init;
	return "";
}

static const struct option_row {
	const char *name, *value, *question, *help;
	size_t offset;
	bool (*check)(const struct init *init, const char *value, const char **why);
	const char *(*standard)(struct init *init); /* NULL: must be given */
	bool several, asked;
} rows[] = {
	{ "wan", "INTERFACE", "Interface toward clients", "toward clients",
		offsetof(struct init, wan), is_interface, NULL, false, true },
	{ "lan", "INTERFACE", "Interface toward origins (empty: the same)",
		"toward origins, when it is another", offsetof(struct init, lan), is_interface,
		nothing, false, true },
	{ "vip", "ADDRESS[/LENGTH]", "Protected addresses, separated by blanks",
		"protected addresses that are routed here; repeatable", offsetof(struct init, vip),
		is_vip, NULL, true, true },
	{ "origin-pool", "ADDRESS[/LENGTH]",
		"Addresses of this node from which origins are reached",
		"this node's own, from which origins are reached; repeatable",
		offsetof(struct init, origin), is_origin, NULL, true, true },
	{ "name", "HOST", "Name or address of the API and the console",
		"of the API, in its certificate (this machine's)", offsetof(struct init, name),
		is_name, host_name, false, true },
	{ "node", "NAME", NULL, "of this node (this machine's)", offsetof(struct init, node),
		is_node, host_name, false, false },
	{ "listen", "PORT", NULL, "of the API (443)", offsetof(struct init, listen), is_port,
		port_standard, false, false },
	{ "mode", "monitor|enforce", NULL,
		"whether mitigations of new instances watch (so by default) or block",
		offsetof(struct init, mode), is_mode, mode_standard, false, false },
	{ "root", "FOLDER", NULL, "all files below this folder, for an image; not with --start",
		offsetof(struct init, root), is_root, nothing, false, false },
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static struct init_list *list_of(struct init *init, const struct option_row *row)
{
	return (struct init_list *)(void *)((char *)init + row->offset);
}

static bool take_value(struct init *init, const struct option_row *row, const char *value)
{
	struct init_list *list = list_of(init, row);
	const char *why;

	if (list->count == (row->several ? INIT_LIST_MAX : 1))
		return complain("--%s is given too often", row->name);
	if (!row->check(init, value, &why))
		return complain("--%s \"%s\": %s", row->name, value, why);
	list->item[list->count++] = value;
	return true;
}

static int usage(void)
{
	char shown[64];

	printf("usage: polder init [options]       asks for what is missing, at a terminal\n"
	       "       polder init --undo [--root FOLDER] [--yes]\n\n");
	for (size_t i = 0; i < ROW_COUNT; i++) {
		(void)snprintf(shown, sizeof(shown), "%s %s", rows[i].name, rows[i].value);
		printf("  --%-30s %s\n", shown, rows[i].help);
	}
	printf("  --%-30s start the services, too\n  --%-30s show what would be done, and end\n"
	       "  --%-30s do not ask whether to go on\n  --%-30s take an installation back, "
	       "exactly\n",
		"start", "plan", "yes", "undo");
	return STATUS_USAGE;
}

static bool take_option(struct init *init, int argc, char **argv, int *at)
{
	const struct {
		const char *name;
		bool *to;
	} switches[] = { { "--yes", &init->yes }, { "--start", &init->start },
		{ "--undo", &init->undo }, { "--plan", &init->plan } };
	const char *argument = argv[*at];

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		if (strcmp(argument, switches[i].name) == 0)
			return *switches[i].to = true;
	for (size_t i = 0; i < ROW_COUNT; i++) {
		bool missing = false;
		const char *value = option_value(argc, argv, at, rows[i].name, &missing);

		if (missing)
			return complain("--%s needs a value", rows[i].name);
		if (value)
			return take_value(init, &rows[i], value);
	}
	return complain("unknown option %s; polder init --help lists them", argument);
}

/* ---- questions */

static void say_interfaces(void)
{
	struct if_nameindex *list = if_nameindex();

	printf("Interfaces here:");
	for (struct if_nameindex *at = list; at && at->if_index; at++)
		if (strcmp(at->if_name, "lo") != 0)
			printf(" %s", at->if_name);
	printf("\n");
	if_freenameindex(list);
}

/* All words of an answer. false: one is wrong, which was said; none of them is taken then. */
static bool take_answer(struct init *init, const struct option_row *row, char *answer)
{
	struct init_list *list = list_of(init, row);
	char *word;

	while ((word = strsep(&answer, " ,")) != NULL) {
		const char *copy;

		if (!*word)
			continue;
		copy = arena_copy(init->mem, word);
		if (!copy || !take_value(init, row, copy)) {
			list->count = 0;
			return false;
		}
	}
	return true;
}

static bool ask_for(struct init *init, const struct option_row *row)
{
	const char *standard = row->standard ? row->standard(init) : "";
	char answer[ANSWER_SIZE];

	for (int i = 0; i < ANSWERS_MAX; i++) {
		if (!ask(row->question, standard, answer))
			return complain("nothing was done");
		if (!answer[0] && row->standard)
			return true;
		if (!answer[0])
			complain("--%s is needed: %s", row->name, row->help);
		else if (take_answer(init, row, answer))
			return true;
	}
	return complain("--%s: no answer that can be used; nothing was done", row->name);
}

/* Asks for, or sets, what was not given. */
static bool complete(struct init *init)
{
	const bool asking = can_ask() && !init->yes;
	bool told = false;

	for (size_t i = 0; i < ROW_COUNT; i++) {
		const struct option_row *row = &rows[i];
		struct init_list *list = list_of(init, row);

		if (list->count)
			continue;
		if (asking && row->asked) {
			if (!told)
				say_interfaces();
			told = true;
			if (!ask_for(init, row))
				return false;
		} else if (!row->standard) {
			return complain("--%s is missing: %s", row->name, row->help);
		}
		if (!list->count && row->standard && *row->standard(init) &&
			!take_value(init, row, row->standard(init)))
			return false;
	}
	return true;
}

/* ---- doing */

static bool machine_is_fit(struct init *init)
{
	static struct check check;
	bool good;

	check = (struct check){ .mem = init->mem,
		.for_init = true,
		.interface = { init->wan.item[0], init->lan.count ? init->lan.item[0] : NULL } };
	good = check_all(&check);
	printf("%s%s%s\n", colour(COLOUR_BOLD), "What this machine offers", colour(COLOUR_PLAIN));
	check_print(&check);
	/* An image is made on another machine than it runs on. */
	return good || init->root.count ||
	       complain("mend what is BAD, then come again: nothing was done");
}

static bool may_go_on(const struct init *init)
{
	if (init->yes)
		return true;
	if (!can_ask())
		return complain("say --yes to do it: nothing was done");
	return ask_yes("Go on?") || complain("nothing was done");
}

static void last_words(struct init *init)
{
	printf("\n%sInstalled.%s\n\n"
	       "  API                 %s\n"
	       "  console             %sconsole/\n"
	       "  access key id       %s\n"
	       "  access key secret   %s     (shown this once)\n"
	       "  TLS fingerprint     %s\n\n",
		colour(COLOUR_GOOD), colour(COLOUR_PLAIN), init_url(init), init_url(init),
		init->key_id, init->key_secret, init->fingerprint);
	if (!init->start)
		printf("Start it:\n"
		       "  sysctl -p /etc/sysctl.d/60-polder.conf && systemctl daemon-reload\n"
		       "  systemctl enable --now polder-control polder-agent@%s polder-edge nginx\n"
		       "  systemctl reload nginx\n",
			init->node.item[0]);
	printf("Tell this tool where to call, and with which key:\n"
	       "  export POLDER_ENDPOINT=%s POLDER_CA_FILE=/etc/polder/api.crt\n"
	       "  export POLDER_ACCESS_KEY_ID=%s POLDER_ACCESS_KEY_SECRET=...\n",
		init_url(init), init->key_id);
	printf("Then: polder buy, polder forward INSTANCE tcp PORT ORIGIN-PORT ORIGIN; in mode %s "
	       "mitigations of new instances %s.\n"
	       "Take all of it back: polder init --undo\n",
		init->mode.item[0],
		strcmp(init->mode.item[0], "monitor") == 0
			? "only watch: polder watch INSTANCE, then polder mode INSTANCE NAME block"
			: "block");
}

static int install(struct init *init)
{
	if (init->start && (init->root.count || access("/run/systemd/system", F_OK) != 0)) {
		complain("--start: %s", init->root.count ? "not below a root"
							 : "systemd does not run this machine");
		return STATUS_USAGE;
	}
	if (!complete(init))
		return STATUS_USAGE;
	if (journal_exists(&init->journal)) {
		complain("Polder was installed here, or half of it: polder init --undo first");
		return STATUS_FAILED;
	}
	if (!machine_is_fit(init))
		return STATUS_FAILED;
	printf("\n%sWhat will be done%s%s%s\n", colour(COLOUR_BOLD), colour(COLOUR_PLAIN),
		init->root.count ? ", below " : "", init->journal.root);
	for (size_t i = 0; i < init_step_count; i++)
		init_steps[i].tell(init);
	if (init->plan)
		return STATUS_DONE;
	if (!may_go_on(init) || !journal_begin(&init->journal))
		return STATUS_FAILED;
	for (size_t i = 0; i < init_step_count; i++) {
		progress((int64_t)i, (int64_t)init_step_count, "installing");
		if (init_steps[i].run(init))
			continue;
		progress_end();
		journal_end(&init->journal);
		complain("stopped half-way; take back what was done: polder init --undo");
		return STATUS_FAILED;
	}
	progress_end();
	journal_end(&init->journal);
	last_words(init);
	return STATUS_DONE;
}

static int take_back(struct init *init)
{
	if (!journal_exists(&init->journal)) {
		printf("nothing was installed by polder init%s%s\n",
			init->root.count ? " below " : "", init->journal.root);
		return STATUS_DONE;
	}
	printf("What will be taken back:\n");
	journal_tell(&init->journal);
	if (!may_go_on(init) || !journal_undo(&init->journal))
		return STATUS_FAILED;
	printf("taken back\n");
	return STATUS_DONE;
}

int init_command(int argc, char **argv)
{
	static struct init init;
	int status = STATUS_USAGE;

	init.mem = arena_new(MEMORY_MAX);
	if (!init.mem)
		goto out;
	init.journal = (struct journal){ .mem = init.mem, .root = "" };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			(void)usage();
			status = STATUS_DONE;
			goto out;
		}
		if (!take_option(&init, argc, argv, &i))
			goto out;
	}
	if (init.root.count && strcmp(init.root.item[0], "/") != 0)
		init.journal.root = init.root.item[0];
	if (geteuid() != 0) {
		complain("needs root: it writes below %s/etc", init.journal.root);
		status = STATUS_FAILED;
		goto out;
	}
	status = init.undo ? take_back(&init) : install(&init);
out:
	arena_free(init.mem);
	return status;
}
