/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * polder lab clock: moves the life-cycle time. The offset is a file that the control reads; it is in force
 * when the settings map of every node's packet path has it, which is where this looks.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/lab.h"
#include "cli/process.h"
#include "shared/packet_abi.h"

#define IN_FORCE_MS   5000
#define OFFSET_MS_MAX (36500 * DAY_MS) /* a hundred years: the control takes no more */

bool lab_node_offset_ms(const struct lab *lab, int node, int64_t *out)
{
	char path[PATH_MAX], role[16], file[64];
	struct settings settings;
	const uint32_t key = 0;
	AUTO(fd) int fd = -1;

	lab_role_name(LAB_NODE + node, role);
	(void)snprintf(file, sizeof(file), "bpf/%s/settings", role);
	lab_path(lab, file, path);
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_map_lookup_elem(fd, &key, &settings) < 0 || settings.utc_offset_ns == 0)
		return false;
	*out = (settings.life_offset_ns - settings.utc_offset_ns) / 1000000;
	return true;
}

static bool in_force(const struct lab *lab, int64_t offset_ms)
{
	int64_t found;

	for (int node = 0; node < lab->node_count; node++)
		if (!lab_node_offset_ms(lab, node, &found) || found != offset_ms)
			return false;
	return true;
}

static int64_t read_offset(const char *path)
{
	char text[32];
	int64_t offset = 0;

	if (file_read(path, text, sizeof(text)) > 0) {
		text[strcspn(text, "\n")] = '\0';
		(void)text_to_int(text, &offset);
	}
	return offset;
}

static int set_offset(const struct lab *lab, const char *path, int64_t offset)
{
	const int64_t until = clock_monotonic_ms() + IN_FORCE_MS;
	char text[32];

	if (offset > OFFSET_MS_MAX || offset < -OFFSET_MS_MAX) {
		complain("the clock moves a hundred years at most, either way");
		return STATUS_FAILED;
	}
	(void)snprintf(text, sizeof(text), "%" PRId64 "\n", offset);
	if (!file_write(path, 0644, text, strlen(text)))
		return STATUS_FAILED;
	while (!in_force(lab, offset)) {
		if (clock_monotonic_ms() >= until) {
			complain("the nodes did not take over the offset within %d s",
				IN_FORCE_MS / 1000);
			return STATUS_FAILED;
		}
		sleep_ms(2);
	}
	return STATUS_DONE;
}

/* By span, or to 0 when it is NULL. Spans add up, so who moves the clock holds a lock. */
static int move_clock(const struct lab *lab, const int64_t *span)
{
	char path[PATH_MAX];
	AUTO(fd) int fd = open(lab->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX) < 0) {
		complain("lock %s: %s", lab->directory, strerror(errno));
		return STATUS_FAILED;
	}
	lab_path(lab, "clock", path);
	return set_offset(lab, path, span ? read_offset(path) + *span : 0);
}

int lab_clock_command(int argc, char **argv)
{
	const bool json = option_take(&argc, argv, "--json");
	const bool reset = argc == 2 && strcmp(argv[1], "reset") == 0;
	char path[PATH_MAX], now[CLOCK_ISO_SIZE];
	int64_t span = 0, offset;
	struct lab lab;
	int status = STATUS_DONE;

	if (argc > 2 || (argc == 2 && !reset && !clock_parse_span(argv[1], &span))) {
		if (argc == 2)
			complain("\"%s\" is not a span of time", argv[1]);
		printf("usage: polder lab clock [+8d|-1s|+90m|+1h|reset] [--json]\n");
		return STATUS_USAGE;
	}
	if (!lab_settings(&lab) || !lab_load(&lab) || !lab_supervisor_pid(&lab)) {
		complain("the lab is not running");
		return STATUS_FAILED;
	}
	if (argc == 2)
		status = move_clock(&lab, reset ? NULL : &span);
	lab_path(&lab, "clock", path);
	offset = read_offset(path);
	clock_format_iso(clock_utc_ms() + offset, now);
	if (json)
		printf("{\"now\":\"%s\",\"offset_ms\":%" PRId64 "}\n", now, offset);
	else
		printf("%s\n", now);
	return status;
}
