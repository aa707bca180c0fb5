/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first installation on a machine: what is asked, and the steps that follow from it.
 */
#ifndef CLI_INIT_H
#define CLI_INIT_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/journal.h"

#define INIT_LIST_MAX 16

struct init_list {
	const char *item[INIT_LIST_MAX];
	size_t count;
};
struct init {
	struct arena *mem;
	/* Each option is a list, also those that take one value; see the rows in init.c. */
	struct init_list root, wan, lan, vip, origin, node, name, listen, mode;
	bool yes, start, undo, plan;
	struct journal journal;
	/* What the steps found out, for the last words. */
	const char *key_id, *key_secret, *fingerprint;
};

/* ---- init_steps.c */
struct init_step {
	/* What it will do, a line each by printf; does nothing. */
	void (*tell)(const struct init *init);
	bool (*run)(struct init *init);
};
extern const struct init_step init_steps[];
extern const size_t init_step_count;
const char *init_url(struct init *init);
/* A program of ours, as installed beside this one or as built. false: said that it is not there. */
bool init_program(const char *name, char out[PATH_MAX]);

/* ---- init_start.c */
/* Remembers how nginx was; comes before the first file. */
bool init_note_server(struct init *init);
void init_tell_start(const struct init *init);
/* Remembers what units will leave, and with --start starts them and waits until the API answers and the node has all. */
bool init_start(struct init *init);

/* ---- init_certificate.c */
/* A self-signed certificate for a name or an address, for ten years, and its key: PEM in mem. fingerprint: SHA-256 as "AB:CD..". */
bool certificate_make(struct arena *mem, const char *name, const char **out_key,
	const char **out_certificate, const char **out_fingerprint);

#endif
