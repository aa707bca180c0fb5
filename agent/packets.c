/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps are pinned by their name, links as link_INTERFACE, in the directory of --pin. At start every pinned map
 * is compared with what the new object asks for: type, sizes, entries and flags. The same: it is taken
 * over with its content, so flows, counters and rules go on. Another: the pin is replaced by a new map;
 * the filter in force keeps the old one until it is replaced itself, which waits for the
 * first snapshot then (packets_are_new). A pin that is missing beside a filter in force is the same: an agent
 * that was killed in between, or an older one that knew no such map. The directory is locked, since two agents would fight.
 */
#include "agent/packets_internal.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/share.h"
#include "agent/steer.h"
#include "base/auto.h"
#include "base/log.h"
#include "base/text.h"
#include "polder.skel.h"

/* In the order of enum packet_map. */
static const char *const map_name[PACKET_MAP_COUNT] = {
	"settings",
	"vip",
	"vip_counter",
	"vip_reason",
	"reason_counter",
	"list_exact",
	"list_prefix",
	"service",
	"source",
	"flow_tcp",
	"flow_udp",
	"reverse_tcp",
	"reverse_udp",
	"flow_udp_kept",
	"reverse_udp_kept",
	"opening",
	"awaited",
	"transmit",
	"neighbour",
	"region_exact",
	"region_prefix",
	"region_policy",
	"reflection",
	"pattern",
	"service_state",
	"limit_tcp",
	"limit_udp",
	"auto_block",
	"offence",
	"capture",
	"sample",
	"sighting",
	"local_service",
	"local_cookie",
	"request_ban",
	"range",
};

void pin_path(const struct agent_settings *settings, const char *prefix, const char *name,
	char out[PIN_PATH_SIZE])
{
	(void)snprintf(out, PIN_PATH_SIZE, "%s/%s%s", settings->pin, prefix, name);
}

int packets_filter_fd(const struct packets *packets)
{
	return bpf_program__fd(packets->skeleton->progs.polder_filter);
}

int packets_handshake_fd(const struct packets *packets)
{
	return bpf_program__fd(packets->skeleton->progs.polder_handshake);
}

int packets_out_fd(const struct packets *packets)
{
	return bpf_program__fd(packets->skeleton->progs.polder_out);
}

/* libbpf's own words, for debugging: what matters to the operator is logged by the caller. A verifier's log
 * is long; its end says what is wrong. */
static int PRINTF(2, 0)
	print_libbpf(enum libbpf_print_level level, const char *format, va_list list)
{
	static char text[64 << 10];
	const size_t shown_max = 4000;
	char *at = text, *save = NULL;
	int length;

	if (level == LIBBPF_DEBUG)
		return 0;
	length = vsnprintf(text, sizeof(text), format, list);
	if (length >= (int)sizeof(text))
		length = sizeof(text) - 1;
	if (length > (int)shown_max)
		at = text + length - shown_max;
	for (char *line = strtok_r(at, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		log_debug("%s", line);
	return 0;
}

/* --- the pin directory ----------------------------------------------------------------------- */

static enum err open_directory(struct packets *packets)
{
	const char *path = packets->settings->pin;
	struct statfs info;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return fail(ERR_SYSTEM, "make %s: %s", path, strerror(errno));
	if (statfs(path, &info) != 0)
		return fail(ERR_SYSTEM, "look at %s: %s", path, strerror(errno));
	if ((unsigned long)info.f_type != BPF_FS_MAGIC)
		return fail(ERR_SYSTEM, "%s is not on a bpf file system", path);
	packets->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (packets->lock < 0)
		return fail(ERR_SYSTEM, "open %s: %s", path, strerror(errno));
	if (flock(packets->lock, LOCK_EX | LOCK_NB) != 0)
		return fail(ERR_CONFLICT, "%s is in use by another agent", path);
	return OK;
}

/* --- maps ------------------------------------------------------------------------------------ */

bool packets_map_is_same(const struct bpf_map *map, int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0)
		return false;
	/* The kernel adds this flag to device maps by itself. */
	if (info.type == BPF_MAP_TYPE_DEVMAP_HASH)
		info.map_flags &= ~(uint32_t)BPF_F_RDONLY_PROG;
	return info.type == bpf_map__type(map) && info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       info.max_entries == bpf_map__max_entries(map) &&
	       info.map_flags == bpf_map__map_flags(map);
}

/* Maps that the packet path keeps for itself may be empty at any time. */
static bool is_filled_by_agent(const char *name)
{
	for (int i = 0; i < PACKET_MAP_COUNT; i++) {
		if (strcmp(map_name[i], name) == 0)
			return true;
	}
	return false;
}

static bool has_filter_in_force(const struct agent_settings *settings)
{
	char path[PIN_PATH_SIZE];

	for (size_t i = 0; i < settings->interface.count; i++) {
		pin_path(settings, LINK_PREFIX, settings->interface.item[i], path);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static bool has_flow_table(const struct agent_settings *settings)
{
	char path[PIN_PATH_SIZE];

	pin_path(settings, "", "flow_tcp", path);
	return access(path, F_OK) == 0;
}

static enum err reuse_map(struct packets *packets, struct bpf_map *map)
{
	char path[PIN_PATH_SIZE];
	AUTO(fd) int fd = -1;

	pin_path(packets->settings, "", bpf_map__name(map), path);
	fd = bpf_obj_get(path);
	if (fd < 0) {
		packets->replaced |= is_filled_by_agent(bpf_map__name(map)) &&
				     has_filter_in_force(packets->settings);
		return OK;
	}
	if (packets_map_is_same(map, fd)) {
		if (bpf_map__reuse_fd(map, fd) != 0)
			return fail(ERR_SYSTEM, "take over map %s: %s", path, strerror(errno));
		return OK;
	}
	log_warn("map %s has another definition: replaced, its content is lost", path);
	packets->replaced |= is_filled_by_agent(bpf_map__name(map));
	if (unlink(path) != 0)
		return fail(ERR_SYSTEM, "remove %s: %s", path, strerror(errno));
	return OK;
}

static bool is_flow_map(const char *name)
{
	return strncmp(name, "flow_tcp", 8) == 0 || strncmp(name, "flow_udp", 8) == 0 ||
	       strncmp(name, "reverse_tcp", 11) == 0 || strncmp(name, "reverse_udp", 11) == 0;
}

static bool has_regions(const struct agent_settings *settings)
{
	return settings->region_database || settings->region_override.count > 0;
}

static enum err prepare_maps(struct packets *packets)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, packets->skeleton->obj)
	{
		const char *name = bpf_map__name(map);

		/* Constants of the object: they belong to the program. */
		if (bpf_map__is_internal(map))
			continue;
		/* Those of UDP are in two pairs of tables. */
		if (is_flow_map(name))
			(void)bpf_map__set_max_entries(map, strstr(name, "udp")
								    ? packets->settings->flows / 2
								    : packets->settings->flows);
		/* Few enough not to crowd out connections. */
		if (strcmp(name, "opening") == 0 &&
			packets->settings->flows / OPENING_SHARE < NODE_OPENING_MAX)
			(void)bpf_map__set_max_entries(
				map, packets->settings->flows / OPENING_SHARE);
		if (strcmp(name, "region_exact") == 0 && !has_regions(packets->settings))
			(void)bpf_map__set_max_entries(map, 1);
		TRY(reuse_map(packets, map));
	}
	return OK;
}

static enum err pin_maps(struct packets *packets)
{
	struct bpf_map *map;
	char path[PIN_PATH_SIZE];

	bpf_object__for_each_map(map, packets->skeleton->obj)
	{
		if (bpf_map__is_internal(map))
			continue;
		pin_path(packets->settings, "", bpf_map__name(map), path);
		if (access(path, F_OK) == 0)
			continue;
		if (bpf_obj_pin(bpf_map__fd(map), path) != 0)
			return fail(ERR_SYSTEM, "pin %s: %s", path, strerror(errno));
	}
	return OK;
}

static enum err find_maps(struct packets *packets)
{
	for (int i = 0; i < PACKET_MAP_COUNT; i++) {
		packets->map[i] =
			bpf_object__find_map_fd_by_name(packets->skeleton->obj, map_name[i]);
		if (packets->map[i] < 0)
			return fail(ERR_SYSTEM, "the packet path has no map %s", map_name[i]);
	}
	return OK;
}

static int ring_record(void *context, void *data, size_t size)
{
	struct packets *packets = context;

	if (size >= sizeof(struct neighbour_wanted) && packets->wanted)
		packets->wanted(packets->wanted_context, data);
	return 0;
}

static int take_record(void *context, void *data, size_t size)
{
	const struct packet_reader *reader = context;

	if (size < reader->size || !reader->take)
		return 0;
	return reader->take(reader->context, data) ? 0 : -ENOSPC;
}

static enum err open_rings(struct packets *packets)
{
	static const struct {
		enum packet_map map;
		size_t size;
	} form[PACKET_RING_COUNT] = {
		[PACKET_RING_OFFENCE] = { PACKET_OFFENCE, sizeof(struct offence) },
		[PACKET_RING_SAMPLE] = { PACKET_SAMPLE, sizeof(struct packet_sample) },
		[PACKET_RING_SIGHTING] = { PACKET_SIGHTING, sizeof(struct sighting) },
	};

	for (int i = 0; i < PACKET_RING_COUNT; i++) {
		struct packet_reader *reader = &packets->reader[i];

		reader->size = form[i].size;
		reader->ring =
			ring_buffer__new(packets->map[form[i].map], take_record, reader, NULL);
		if (!reader->ring)
			return fail(ERR_SYSTEM, "open a ring buffer: %s", strerror(errno));
	}
	return OK;
}

static enum err load(struct packets *packets)
{
	int cpus = libbpf_num_possible_cpus();

	if (cpus < 1)
		return fail(ERR_SYSTEM, "count processors: %s", strerror(-cpus));
	packets->cpus = (uint32_t)cpus;
	packets->skeleton = polder__open();
	if (!packets->skeleton)
		return fail(ERR_SYSTEM, "open the packet path: %s", strerror(errno));
	packets->skeleton->rodata->flow_tables_new = !has_flow_table(packets->settings);
	/* Each CPU has source ports of its own. */
	packets->skeleton->rodata->cpu_count = packets->cpus;
	TRY(prepare_maps(packets));
	if (polder__load(packets->skeleton) != 0)
		return fail(ERR_SYSTEM, "load the packet path: %s (--log-level debug tells more)",
			strerror(errno));
	TRY(pin_maps(packets));
	TRY(share_bans(packets->settings));
	TRY(find_maps(packets));
	packets->ring =
		ring_buffer__new(packets->map[PACKET_NEIGHBOUR], ring_record, packets, NULL);
	if (!packets->ring)
		return fail(ERR_SYSTEM, "open the ring buffer: %s", strerror(errno));
	return open_rings(packets);
}

enum err packets_open(const struct agent_settings *settings, struct packets **out)
{
	struct packets *packets = calloc(1, sizeof(*packets));
	enum err err;

	if (!packets)
		return ERR_MEMORY;
	packets->settings = settings;
	packets->lock = -1;
	for (int i = 0; i < NODE_INTERFACE_MAX; i++)
		packets->attached[i].link = -1;
	(void)libbpf_set_print(print_libbpf);
	(void)libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	err = open_directory(packets);
	if (err == OK)
		err = load(packets);
	if (err != OK) {
		packets_close(packets);
		return err;
	}
	*out = packets;
	return OK;
}

void packets_close(struct packets *packets)
{
	if (!packets)
		return;
	for (int i = 0; i < NODE_INTERFACE_MAX; i++) {
		if (packets->attached[i].link >= 0)
			(void)close(packets->attached[i].link);
	}
	ring_buffer__free(packets->ring);
	for (int i = 0; i < PACKET_RING_COUNT; i++)
		ring_buffer__free(packets->reader[i].ring);
	if (packets->skeleton)
		polder__destroy(packets->skeleton);
	if (packets->lock >= 0)
		(void)close(packets->lock);
	free(packets);
}

bool packets_are_new(const struct packets *packets)
{
	return packets->replaced;
}

static enum err remove_pins(const struct agent_settings *settings)
{
	char path[PIN_PATH_SIZE];
	struct dirent *entry;
	DIR *directory = opendir(settings->pin);

	if (!directory)
		return fail(ERR_SYSTEM, "open %s: %s", settings->pin, strerror(errno));
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		pin_path(settings, "", entry->d_name, path);
		if (unlink(path) != 0 && rmdir(path) != 0)
			log_warn("remove %s: %s", path, strerror(errno));
	}
	(void)closedir(directory);
	if (rmdir(settings->pin) != 0)
		return fail(ERR_SYSTEM, "remove %s: %s", settings->pin, strerror(errno));
	return OK;
}

enum err packets_detach(const struct agent_settings *settings)
{
	struct packets packets = { .settings = settings, .lock = -1 };
	enum err err;

	(void)libbpf_set_print(print_libbpf);
	if (access(settings->pin, F_OK) != 0) {
		log_info("nothing is pinned at %s", settings->pin);
		return OK;
	}
	err = open_directory(&packets);
	if (err == OK)
		err = steer_detach(settings);
	if (err == OK)
		err = attach_detach_all(settings);
	if (err == OK)
		err = remove_pins(settings);
	if (packets.lock >= 0)
		(void)close(packets.lock);
	return err;
}

/* --- entries --------------------------------------------------------------------------------- */

int packets_put(struct packets *packets, enum packet_map map, const void *key, const void *value)
{
	return bpf_map_update_elem(packets->map[map], key, value, BPF_ANY);
}

int packets_get(struct packets *packets, enum packet_map map, const void *key, void *value)
{
	return bpf_map_lookup_elem(packets->map[map], key, value);
}

int packets_delete(struct packets *packets, enum packet_map map, const void *key)
{
	return bpf_map_delete_elem(packets->map[map], key);
}

int packets_next_key(struct packets *packets, enum packet_map map, const void *key, void *next)
{
	return bpf_map_get_next_key(packets->map[map], key, next);
}

int packets_put_batch(struct packets *packets, enum packet_map map, const void *keys,
	const void *values, uint32_t count, uint32_t *done)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	uint32_t handled = count;
	int result = bpf_map_update_batch(packets->map[map], keys, values, &handled, &options);

	/* A kernel that has no batches for this type leaves the count as it was. */
	*done = result == 0 ? count : handled >= count ? 0 : handled;
	return result;
}

int packets_read(struct packets *packets, enum packet_map map, struct packet_cursor *cursor,
	void *keys, void *values, uint32_t *count)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	struct packet_cursor next = { .started = true };
	int result = bpf_map_lookup_batch(packets->map[map], cursor->started ? &cursor->at : NULL,
		&next.at, keys, values, count, &options);

	if (result != 0 && result != -ENOENT)
		*count = 0;
	else
		*cursor = next;
	return result;
}

uint32_t packets_room(const struct packets *packets, enum packet_map map)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(packets->map[map], &info, &size) == 0 ? info.max_entries : 0;
}

int packets_adjust(struct packets *packets, const struct adjust *change)
{
	struct adjust context = *change;
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &context, .ctx_size_in = sizeof(context));

	return bpf_prog_test_run_opts(
		bpf_program__fd(packets->skeleton->progs.polder_adjust), &run);
}

/* Runs a program with the frame that polder_retry and polder_end take: a type of Ethernet, and the key. */
static int run_for_flow(const struct bpf_program *program, const struct flow_key *key)
{
	uint8_t frame[ETH_HLEN + sizeof(*key)] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame));

	frame[12] = address_is_ipv4(key->source.byte) ? ETH_P_IP >> 8 : ETH_P_IPV6 >> 8;
	frame[13] = address_is_ipv4(key->source.byte) ? ETH_P_IP & 255 : ETH_P_IPV6 & 255;
	memcpy(frame + ETH_HLEN, key, sizeof(*key));
	return bpf_prog_test_run_opts(bpf_program__fd(program), &run);
}

int packets_retry(struct packets *packets, const struct flow_key *key)
{
	return run_for_flow(packets->skeleton->progs.polder_retry, key);
}

int packets_end(struct packets *packets, const struct flow_key *key)
{
	return run_for_flow(packets->skeleton->progs.polder_end, key);
}

uint32_t packets_cpus(const struct packets *packets)
{
	return packets->cpus;
}

static uint64_t map_bytes(int fd)
{
	static const char label[] = "memlock:";
	char path[64], line[128];
	uint64_t bytes = 0;
	AUTO(file) FILE *file = NULL;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, label, strlen(label))) {
			bytes = strtoull(line + strlen(label), NULL, 10);
			break;
		}
	}
	return bytes;
}

uint64_t packets_bytes(const struct packets *packets)
{
	const struct bpf_map *map;
	uint64_t bytes = 0;

	bpf_object__for_each_map(map, packets->skeleton->obj) bytes += map_bytes(bpf_map__fd(map));
	return bytes;
}

int packets_neighbour_fd(const struct packets *packets)
{
	return ring_buffer__epoll_fd(packets->ring);
}

void packets_neighbours(struct packets *packets,
	void (*wanted)(void *context, const struct neighbour_wanted *wanted), void *context)
{
	packets->wanted = wanted;
	packets->wanted_context = context;
	(void)ring_buffer__consume(packets->ring);
}

void packets_take(struct packets *packets, enum packet_ring ring,
	bool (*take)(void *context, const void *record), void *context)
{
	struct packet_reader *reader = &packets->reader[ring];

	reader->take = take;
	reader->context = context;
	(void)ring_buffer__consume(reader->ring);
}
