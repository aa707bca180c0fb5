/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * As for the packet path: maps are pinned by their name, the link as "steer", and the next agent takes them over, so that
 * ports and nginx's sockets stay known while no agent runs. A link belongs to one network namespace; one that was
 * pinned in another, or in one that is gone, is thrown away.
 */
#include "agent/steer_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/packets_internal.h"
#include "base/auto.h"
#include "base/log.h"
#include "steering.skel.h"

#define LINK_NAME "steer"
#define NAMESPACE "/proc/self/ns/net"

struct steer_program {
	const struct agent_settings *settings;
	struct steering *skeleton;
	int link; /* descriptor, or -1 */
};

static enum err reuse_map(const struct agent_settings *settings, struct bpf_map *map)
{
	char path[PIN_PATH_SIZE];
	AUTO(fd) int fd = -1;

	pin_path(settings, "", bpf_map__name(map), path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return OK;
	if (packets_map_is_same(map, fd))
		return bpf_map__reuse_fd(map, fd) == 0
			       ? OK
			       : fail(ERR_SYSTEM, "take over map %s: %s", path, strerror(errno));
	log_warn("map %s has another definition: replaced, nginx must put its sockets in again",
		path);
	return unlink(path) == 0 ? OK : fail(ERR_SYSTEM, "remove %s: %s", path, strerror(errno));
}

static enum err pin_map(const struct agent_settings *settings, struct bpf_map *map)
{
	char path[PIN_PATH_SIZE];

	pin_path(settings, "", bpf_map__name(map), path);
	if (access(path, F_OK) == 0 || bpf_obj_pin(bpf_map__fd(map), path) == 0)
		return OK;
	return fail(ERR_SYSTEM, "pin %s: %s", path, strerror(errno));
}

static enum err load(struct steer_program *program)
{
	struct bpf_map *map;

	program->skeleton = steering__open();
	if (!program->skeleton)
		return fail(ERR_SYSTEM, "open the steering program: %s", strerror(errno));
	bpf_object__for_each_map(map, program->skeleton->obj)
	{
		if (!bpf_map__is_internal(map))
			TRY(reuse_map(program->settings, map));
	}
	if (steering__load(program->skeleton) != 0)
		return fail(ERR_SYSTEM,
			"load the steering program: %s (--log-level debug tells more)",
			strerror(errno));
	bpf_object__for_each_map(map, program->skeleton->obj)
	{
		if (!bpf_map__is_internal(map))
			TRY(pin_map(program->settings, map));
	}
	return OK;
}

static bool is_attached_here(int link)
{
	struct bpf_link_info info = { 0 };
	uint32_t size = sizeof(info);
	struct stat here;

	return link >= 0 && bpf_obj_get_info_by_fd(link, &info, &size) == 0 &&
	       info.type == BPF_LINK_TYPE_NETNS && stat(NAMESPACE, &here) == 0 &&
	       info.netns.netns_ino == (uint32_t)here.st_ino;
}

static enum err attach_anew(struct steer_program *program, int filter, const char *path)
{
	AUTO(fd) int namespace = open(NAMESPACE, O_RDONLY | O_CLOEXEC);
	int link;

	if (namespace < 0)
		return fail(ERR_SYSTEM, "open " NAMESPACE ": %s", strerror(errno));
	if (unlink(path) != 0 && errno != ENOENT)
		return fail(ERR_SYSTEM, "remove %s: %s", path, strerror(errno));
	link = bpf_link_create(filter, namespace, BPF_SK_LOOKUP, NULL);
	if (link < 0)
		return fail(ERR_SYSTEM, "attach the steering program: %s", strerror(-link));
	program->link = link;
	if (bpf_obj_pin(link, path) != 0)
		return fail(ERR_SYSTEM, "pin %s: %s", path, strerror(errno));
	return OK;
}

static enum err attach_first(struct steer_program *program)
{
	int filter = bpf_program__fd(program->skeleton->progs.polder_steer), result;
	char path[PIN_PATH_SIZE];

	pin_path(program->settings, "", LINK_NAME, path);
	program->link = bpf_obj_get(path);
	if (is_attached_here(program->link)) {
		result = bpf_link_update(program->link, filter, NULL);
		return result == 0 ? OK
				   : fail(ERR_SYSTEM, "replace the steering program: %s",
					     strerror(-result));
	}
	if (program->link >= 0)
		(void)close(program->link);
	program->link = -1;
	return attach_anew(program, filter, path);
}

enum err steer_program_attach(struct steer_program *program)
{
	if (is_attached_here(program->link))
		return OK;
	log_warn("something took the steering program off: attaching again");
	if (program->link >= 0)
		(void)close(program->link);
	return attach_first(program);
}

enum err steer_program_open(const struct agent_settings *settings, struct steer_program **out)
{
	struct steer_program *program = calloc(1, sizeof(*program));
	enum err err;

	if (!program)
		return ERR_MEMORY;
	program->settings = settings;
	program->link = -1;
	err = load(program);
	if (err == OK)
		err = attach_first(program);
	if (err != OK) {
		steer_program_close(program);
		return err;
	}
	*out = program;
	return OK;
}

void steer_program_close(struct steer_program *program)
{
	if (!program)
		return;
	if (program->link >= 0)
		(void)close(program->link);
	if (program->skeleton)
		steering__destroy(program->skeleton);
	free(program);
}

int steer_port_put(struct steer_program *program, const struct steer_key *key, uint32_t listener)
{
	return bpf_map_update_elem(
		bpf_map__fd(program->skeleton->maps.steer_port), key, &listener, BPF_ANY);
}

int steer_port_delete(struct steer_program *program, const struct steer_key *key)
{
	return bpf_map_delete_elem(bpf_map__fd(program->skeleton->maps.steer_port), key);
}

int steer_port_next(
	struct steer_program *program, const struct steer_key *key, struct steer_key *next)
{
	return bpf_map_get_next_key(bpf_map__fd(program->skeleton->maps.steer_port), key, next);
}

uint64_t steer_listener_cookie(const struct steer_program *program, uint32_t index)
{
	uint64_t cookie = 0;

	return bpf_map_lookup_elem(
		       bpf_map__fd(program->skeleton->maps.steer_listener), &index, &cookie) == 0
		       ? cookie
		       : 0;
}

bool steer_program_stamp(struct steer_program *program, uint32_t index)
{
	uint8_t frame[ETH_HLEN] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame));

	memcpy(frame, &index, sizeof(index));
	return bpf_prog_test_run_opts(
		       bpf_program__fd(program->skeleton->progs.polder_stamp), &run) == 0 &&
	       run.retval == XDP_PASS;
}

void steer_program_detach(const struct agent_settings *settings)
{
	char path[PIN_PATH_SIZE];
	AUTO(fd) int link = -1;

	pin_path(settings, "", LINK_NAME, path);
	link = bpf_obj_get(path);
	if (link >= 0)
		(void)bpf_link_detach(link);
	(void)unlink(path);
}
