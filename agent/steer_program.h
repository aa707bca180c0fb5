/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program that steers connections (bpf/steer.bpf.c): loaded, pinned beside the packet path, attached to this network
 * namespace.
 */
#ifndef AGENT_STEER_PROGRAM_H
#define AGENT_STEER_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/settings.h"
#include "base/error.h"
#include "shared/packet_abi.h"

struct steer_program;

/* Takes over what is pinned, replaces the program in force in one step. */
enum err steer_program_open(
	const struct agent_settings *settings, struct steer_program **out) MUST_USE;
void steer_program_close(struct steer_program *program); /* leaves all in force; NULL is fine */

/* Looks whether the program is still attached, and attaches it if it is not. */
enum err steer_program_attach(struct steer_program *program) MUST_USE;

/* Of map "steer_port". 0 or a negative errno; next: key NULL for the first, -ENOENT at the end. */
int steer_port_put(struct steer_program *program, const struct steer_key *key, uint32_t listener);
int steer_port_delete(struct steer_program *program, const struct steer_key *key);
int steer_port_next(
	struct steer_program *program, const struct steer_key *key, struct steer_key *next);

/* The cookie (SO_COOKIE) of the socket at an index of map "steer_listener"; 0: there is none. */
uint64_t steer_listener_cookie(const struct steer_program *program, uint32_t index);

/* Runs polder_stamp for an index. false: no listener there, or it cannot be asked now. */
bool steer_program_stamp(struct steer_program *program, uint32_t index);

/* Takes the program off; its maps' pins stay. */
void steer_program_detach(const struct agent_settings *settings);

#endif
