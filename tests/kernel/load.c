/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads BPF objects whole, as the agent does, and says what the running kernel's verifier thought of
 * each program: TAP, one line a program. With an interface, every program for one is also attached to
 * it and detached again: XDP by a link in native mode, traffic control on clsact ingress. A program that looks up
 * sockets is attached to the network namespace.
 *
 *   load [-i INTERFACE] OBJECT...
 *
 * Subtle: a program is verified with the sizes and flags of its maps, so loading one program alone
 * would prove less than loading the object. What the verifier says of a refusal is printed by libbpf
 * as one very long message; its end names the instruction, so the end is what is kept.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Lines of a refusal: the last instructions with their registers, and the verdict. */
#define TAIL_LINES 80
/* The verifier gives up after so many instructions (BPF_COMPLEXITY_LIMIT_INSNS since Linux 5.2). */
#define VERIFIED_MAX 1000000u

static bool failed;

static void say(bool good, const char *object, const char *program, const char *what)
{
	printf("%sok - %s: %s: %s\n", good ? "" : "not ", object, program, what);
	failed |= !good;
}

/* Text as comment lines of TAP, its last TAIL_LINES only. */
static void print_tail(const char *text)
{
	const char *start = text + strlen(text);
	int lines = 0;

	while (start > text && lines <= TAIL_LINES) {
		start--;
		if (*start == '\n')
			lines++;
	}
	while (*start) {
		size_t length = strcspn(start, "\n");

		if (length > 0)
			printf("# %.*s\n", (int)length, start);
		start += length;
		start += *start == '\n';
	}
}

__attribute__((format(printf, 2, 0))) static int print_libbpf(
	enum libbpf_print_level level, const char *format, va_list arguments)
{
	char *text = NULL;

	if (level != LIBBPF_WARN)
		return 0;
	if (vasprintf(&text, format, arguments) < 0)
		return 0;
	print_tail(text);
	free(text);
	return 0;
}

static void report_program(const char *object, struct bpf_program *program)
{
	const char *name = bpf_program__name(program);
	struct bpf_prog_info info = { 0 };
	__u32 length = sizeof(info);
	char what[128];

	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length) != 0) {
		snprintf(what, sizeof(what), "no information: %s", strerror(errno));
		say(false, object, name, what);
		return;
	}
	snprintf(what, sizeof(what), "verified, %u of %u instructions seen, %u long, %s",
		info.verified_insns, VERIFIED_MAX, info.xlated_prog_len / 8,
		info.jited_prog_len > 0 ? "compiled" : "interpreted");
	say(true, object, name, what);
}

/* Returns 0 or a negative errno. */
static int attach_xdp(struct bpf_program *program, int ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
	int link = bpf_link_create(bpf_program__fd(program), ifindex, BPF_XDP, &options);

	if (link < 0)
		return link;
	close(link);
	return 0;
}

static int attach_ingress(struct bpf_program *program, int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = bpf_program__fd(program));
	int status = bpf_tc_hook_create(&hook);

	if (status != 0)
		return status;
	status = bpf_tc_attach(&hook, &options);
	hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS; /* the whole qdisc */
	(void)bpf_tc_hook_destroy(&hook);
	return status;
}

static int attach_lookup(struct bpf_program *program)
{
	int namespace = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), link;

	if (namespace < 0)
		return -errno;
	link = bpf_link_create(bpf_program__fd(program), namespace, BPF_SK_LOOKUP, NULL);
	close(namespace);
	if (link < 0)
		return link;
	close(link);
	return 0;
}

static void attach_program(const char *object, struct bpf_program *program, int ifindex)
{
	const char *how;
	char what[128];
	int status;

	if (bpf_program__expected_attach_type(program) == BPF_XDP) {
		how = "attaches to a device in native mode";
		status = attach_xdp(program, ifindex);
	} else if (bpf_program__type(program) == BPF_PROG_TYPE_SK_LOOKUP) {
		how = "attaches to a network namespace";
		status = attach_lookup(program);
	} else if (bpf_program__type(program) == BPF_PROG_TYPE_SCHED_CLS) {
		how = "attaches to clsact ingress";
		status = attach_ingress(program, ifindex);
	} else {
		return;
	}
	snprintf(what, sizeof(what), "%s%s%s", how, status ? ": " : "",
		status ? strerror(-status) : "");
	say(status == 0, object, bpf_program__name(program), what);
}

static void load_object(const char *path, int ifindex)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	struct bpf_object *object;
	struct bpf_program *program;
	int status;

	object = bpf_object__open_file(path, NULL);
	if (!object) {
		say(false, name, "opens", strerror(errno));
		return;
	}
	status = bpf_object__load(object);
	if (status != 0) {
		say(false, name, "loads", strerror(-status));
		bpf_object__close(object);
		return;
	}
	bpf_object__for_each_program(program, object)
	{
		report_program(name, program);
		if (ifindex != 0)
			attach_program(name, program, ifindex);
	}
	bpf_object__close(object);
}

int main(int argc, char **argv)
{
	int ifindex = 0, option;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((option = getopt(argc, argv, "i:")) != -1) {
		ifindex = option == 'i' ? (int)if_nametoindex(optarg) : 0;
		if (ifindex == 0) {
			fprintf(stderr, "usage: load [-i INTERFACE] OBJECT...\n");
			return 2;
		}
	}
	if (optind == argc) {
		fprintf(stderr, "usage: load [-i INTERFACE] OBJECT...\n");
		return 2;
	}
	libbpf_set_print(print_libbpf);
	for (int i = optind; i < argc; i++)
		load_object(argv[i], ifindex);
	return failed ? 1 : 0;
}
