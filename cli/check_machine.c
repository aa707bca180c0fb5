/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Facts about the machine as a whole: kernel, rights, memory, clock, nginx.
 */
#include <bpf/libbpf.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/text.h"
#include "cli/check.h"
#include "cli/process.h"

#define KERNEL_MAJOR 6
#define KERNEL_MINOR 1
/* Maps take about half a GiB with flows as by default; nginx, control and the system the rest. */
#define MEMORY_LEAST_MIB 1000
#define MEMORY_GOOD_MIB	 2000
#define FILES_GOOD	 65536
#define VALUE_SIZE	 240

/* What a file below /proc or /sys says, without the end of the line. false: it is not there. */
static bool read_line(const char *path, char out[VALUE_SIZE])
{
	if (file_read(path, out, VALUE_SIZE) < 0)
		return false;
	out[strcspn(out, "\n")] = '\0';
	return true;
}

static void check_kernel(struct check *check)
{
	struct utsname name;
	int major = 0, minor = 0;
	char *end;

	(void)uname(&name);
	major = (int)strtol(name.release, &end, 10);
	if (*end == '.')
		minor = (int)strtol(end + 1, NULL, 10);
	check_say(check,
		major > KERNEL_MAJOR || (major == KERNEL_MAJOR && minor >= KERNEL_MINOR) ? FACT_GOOD
											 : FACT_BAD,
		"kernel", name.release, "Linux 6.1 or later: Debian 12 has it");
}

static void check_btf(struct check *check)
{
	const bool there = access("/sys/kernel/btf/vmlinux", R_OK) == 0;

	check_say(check, there ? FACT_GOOD : FACT_CARE, "types of the kernel (BTF)",
		there ? "there" : "none",
		"a kernel with CONFIG_DEBUG_INFO_BTF=y, as Debian's: without it nothing can be "
		"traced");
}

static void check_bpffs(struct check *check)
{
	struct statfs where;
	const bool mounted = statfs("/sys/fs/bpf", &where) == 0 &&
			     where.f_type == (__typeof__(where.f_type))BPF_FS_MAGIC;

	check_say(check, mounted ? FACT_GOOD : FACT_BAD, "bpffs",
		mounted ? "mounted at /sys/fs/bpf" : "not mounted",
		"mount -t bpf bpf /sys/fs/bpf (systemd does it by sys-fs-bpf.mount)");
}

/* Capabilities that the agent needs, as packaging/systemd/polder-agent@.service gives them. */
static void check_capabilities(struct check *check)
{
	static const struct {
		int number;
		const char *name;
	} needed[] = { { CAP_BPF, "BPF" }, { CAP_NET_ADMIN, "NET_ADMIN" },
		{ CAP_PERFMON, "PERFMON" }, { CAP_DAC_OVERRIDE, "DAC_OVERRIDE" } };
	char status[8192], missing[VALUE_SIZE] = "";
	unsigned long long effective = 0;
	const char *at;
	size_t used = 0;

	if (file_read("/proc/self/status", status, sizeof(status)) > 0 &&
		(at = strstr(status, "CapEff:")) != NULL)
		effective = strtoull(at + strlen("CapEff:"), NULL, 16);
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!(effective >> needed[i].number & 1))
			used += (size_t)snprintf(
				missing + used, sizeof(missing) - used, " %s", needed[i].name);
	if (used) {
		char value[VALUE_SIZE + 20];

		(void)snprintf(value, sizeof(value), "missing:%s", missing);
		check_say(check, FACT_BAD, "capabilities", value,
			"as root; in a container, give it these capabilities");
		return;
	}
	check_say(check, FACT_GOOD, "capabilities", "all that the agent needs", "");
	/* The kernel or a filter may refuse all the same: a program that does nothing is loaded. */
	(void)libbpf_set_print(NULL);
	const bool loads = libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_XDP, NULL) == 1 &&
			   libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SK_LOOKUP, NULL) == 1;
	check_say(check, loads ? FACT_GOOD : FACT_BAD, "loading packet programs",
		loads ? "works" : "refused",
		"a kernel with CONFIG_BPF_SYSCALL and XDP; no seccomp filter that forbids bpf()");
}

/* A switch below /proc/sys and what it should be. */
static const struct {
	const char *path, *good; /* digits that are good */
	enum fact_level level;
	const char *remedy;
	bool init_mends;
} switches[] = {
	{ "net/ipv4/conf/all/forwarding", "1", FACT_BAD,
		"sysctl -w net.ipv4.ip_forward=1: routes are not looked up otherwise (polder init "
		"does it)",
		true },
	{ "net/ipv6/conf/all/forwarding", "1", FACT_CARE,
		"sysctl -w net.ipv6.conf.all.forwarding=1, for IPv6 origins", false },
	{ "net/core/bpf_jit_enable", "12", FACT_CARE,
		"sysctl -w net.core.bpf_jit_enable=1: packet programs are interpreted, some times "
		"slower",
		false },
	{ "net/ipv4/tcp_syncookies", "12", FACT_CARE,
		"sysctl -w net.ipv4.tcp_syncookies=1, for web sites under a flood of SYNs", false },
	{ "net/ipv4/conf/all/rp_filter", "02", FACT_CARE,
		"sysctl -w net.ipv4.conf.all.rp_filter=2: clients of web sites may come by another "
		"way "
		"than answers leave",
		false },
	{ "kernel/unprivileged_bpf_disabled", "12", FACT_CARE,
		"sysctl -w kernel.unprivileged_bpf_disabled=1", false },
};

static void check_switches(struct check *check)
{
	char path[128], name[128], value[VALUE_SIZE];

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		enum fact_level level = switches[i].level;
		bool good;

		if (check->for_init && switches[i].init_mends)
			level = FACT_CARE;
		(void)snprintf(path, sizeof(path), "/proc/sys/%s", switches[i].path);
		(void)snprintf(name, sizeof(name), "%s", switches[i].path);
		for (char *at = name; *at; at++)
			*at = *at == '/' ? '.' : *at;
		if (!read_line(path, value))
			continue; /* this kernel has no such switch */
		good = value[0] && strchr(switches[i].good, value[0]) != NULL;
		check_say(check, good ? FACT_GOOD : level, name, value, switches[i].remedy);
	}
}

static void check_ipv6(struct check *check)
{
	char value[VALUE_SIZE];
	const bool on =
		read_line("/proc/sys/net/ipv6/conf/all/disable_ipv6", value) && value[0] == '0';

	check_say(check, on ? FACT_GOOD : FACT_CARE, "IPv6", on ? "on" : "off",
		"sysctl -w net.ipv6.conf.all.disable_ipv6=0, for IPv6 addresses");
}

static void check_memory(struct check *check)
{
	struct sysinfo info;
	uint64_t mib;
	char value[VALUE_SIZE];

	(void)sysinfo(&info);
	mib = (uint64_t)info.totalram * info.mem_unit >> 20;
	(void)snprintf(value, sizeof(value), "%llu MiB, %d processors", (unsigned long long)mib,
		get_nprocs());
	check_say(check,
		mib < MEMORY_LEAST_MIB	? FACT_BAD
		: mib < MEMORY_GOOD_MIB ? FACT_CARE
					: FACT_GOOD,
		"memory", value,
		"2 GiB, or smaller flow tables: --flows 65536 in the agent's options");
}

static void check_limits(struct check *check)
{
	struct rlimit files;
	char value[VALUE_SIZE];

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	(void)snprintf(value, sizeof(value), "up to %llu", (unsigned long long)files.rlim_max);
	check_say(check, files.rlim_max >= FILES_GOOD ? FACT_GOOD : FACT_CARE, "open files", value,
		"LimitNOFILE=65536, as the units say; without it web sites have fewer connections");
}

static void check_clock(struct check *check)
{
	struct timex state = { .modes = 0 };
	const bool synchronised = adjtimex(&state) != TIME_ERROR && !(state.status & STA_UNSYNC);

	check_say(check, synchronised ? FACT_GOOD : FACT_CARE, "clock",
		synchronised ? "synchronised" : "not synchronised",
		"apt install chrony: instances expire to the second, and calls more than 15 "
		"minutes off "
		"are refused");
}

static bool is_program(const char *name)
{
	char path[128];

	for (const char *folder = "/usr/sbin\0/usr/bin\0"; *folder; folder += strlen(folder) + 1) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

/* Where our module lies beside this program: as installed, or as built. */
static bool find_module(char out[PATH_MAX])
{
	static const char *const places[] = { "../lib/polder", "." };
	char folder[PATH_MAX];
	char *slash;

	process_link(getpid(), "exe", folder, sizeof(folder));
	slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const int length = snprintf(
			out, PATH_MAX, "%s/%s/ngx_http_polder_module.so", folder, places[i]);

		if (length < PATH_MAX && access(out, R_OK) == 0)
			return true;
	}
	return false;
}

static void check_nginx(struct check *check)
{
	char module[PATH_MAX], setting[PATH_MAX + 64];
	const char *const test[] = { "/usr/sbin/nginx", "-t", "-q", "-e", "stderr", "-g", setting,
		"-c", "/dev/stdin", NULL };

	if (!is_program("nginx")) {
		check_say(check, FACT_BAD, "nginx", "not installed",
			"apt install nginx-light: it stands before the API and serves web sites");
		return;
	}
	if (!find_module(module)) {
		check_say(check, FACT_CARE, "nginx", "there, without our module",
			"make install: web sites need ngx_http_polder_module.so");
		return;
	}
	(void)snprintf(setting, sizeof(setting), "load_module %s; pid /dev/null;", module);
	const bool loads = process_run(test, "events {}\n", true) == 0;
	check_say(check, loads ? FACT_GOOD : FACT_BAD, "nginx",
		loads ? "loads our module" : "does not load our module",
		"build the module against the nginx that is installed: make, with its nginx-dev");
}

void check_machine(struct check *check)
{
	check_kernel(check);
	check_btf(check);
	check_bpffs(check);
	check_capabilities(check);
	check_memory(check);
	check_limits(check);
	check_clock(check);
	check_nginx(check);
	check_switches(check);
	check_ipv6(check);
}
