/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one packet costs the packet path, in nanoseconds of its program.
 *
 *   packet_cost in-place [SECONDS [CASE...]]  in a network of its own, under a paced flood, by the kernel's statistics
 *   packet_cost test-run               by BPF_PROG_TEST_RUN: valid for programs that leave the packet alone
 *   packet_cost sighting [ROUNDS]      the same, of refused packets with and without samples of them, by turns
 *   packet_cost statistics COMMAND...  runs the command while the kernel keeps run-time statistics
 *
 * The first three print a line "NAME NANOSECONDS" per case, in-place also "NAME-cpu NANOSECONDS" of CPU per packet of
 * the thread that receives the flood: the driver's part and sending the answer are in that. A case whose packets did not end as they should is an
 * error, not a figure. POLDER_BENCH_ORIGINALS may name a directory of originals to measure beside their
 * stand-ins (originals.h). In place, "floor" is a program that drops at once, in the same place under the same flood:
 * what the statistics themselves cost. Polder's programs and maps are the product's, in their full size.
 *
 *   spare0 - spare1    the generator's program stays attached here, or each of its calls would cost 25 ms
 *   w1     - w0        the flood; what comes back to w1 is dropped
 *   l1     - l0        toward the origin; what comes to l1 is dropped
 */
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <dirent.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/generator_abi.h"
#include "generator.skel.h"
#include "originals.h"
#include "subjects.h"

#define PPS	    200000
#define REPEAT	    1000000
#define SECONDS_MAX 10
#define VIP_MANY    1000
#define RULE_MANY   10000
#define COUNTRY	    5 /* any */
#define LIST_MANY   100000
#define PREFIX_MANY 1000
#define LOCAL_PORT  20000
#define THREAD_MAX  64 /* of the same name, of other runs */

static const char *const origin_text[] = { "10.201.2.2", "fd02::2" };
static const char *const source_text[] = { "10.201.3.1", "fd03::1" };

enum subject {
	SUBJECT_FLOOR,
	SUBJECT_POLDER,	    /* among many addresses, rules and list entries */
	SUBJECT_POLDER_ONE, /* with what the packet needs only */
	SUBJECT_XDP_FILTER,
	SUBJECT_SYNPROXY,
	SUBJECT_BALANCER,
	SUBJECT_ORIGINAL, /* xdp_synproxy itself */
	SUBJECT_COUNT
};

struct bench {
	struct polder *polder[SUBJECT_COUNT]; /* of the two subjects */
	struct peers *peers;		      /* NULL: the kernel does not take them */
	struct original original;
	struct generator *generator;
	int program[SUBJECT_COUNT]; /* file descriptors; -1: not to be had */
	int link;		    /* of the program on w0 */
	uint32_t w0, w1, l0, spare0;
	long receiver; /* pid of the thread that receives on w0 */
};

/* ---- what Polder knows */

/* What a case asks for beside VIP_HAS_*. */
#define REGION (1u << 8) /* not of struct vip: refuse the flood's country */
#define ASKED  (1u << 9) /* likewise: no refusal is kept, each packet asks the lists */

static struct polder *load_polder(bool sighting)
{
	struct polder *skel = polder__open();

	must(skel != NULL, "open the packet path");
	skel->rodata->cpu_count = (uint32_t)libbpf_num_possible_cpus();
	skel->rodata->flow_tables_new = 1;
	skel->rodata->sighting_is_on = sighting;
	must(polder__load(skel) == 0, "load the packet path");
	return skel;
}

static void edition_set(struct polder *skel, uint32_t edition)
{
	struct settings settings = settings_default();

	settings.edition = edition;
	settings_set(skel, &settings);
}

static void fill_vip(struct polder *skel, uint32_t flags)
{
	struct vip vip = vip_protected();

	vip.flags = flags;
	/* Countries are asked about where lists are: what else is measured has peers that ask neither. */
	if (flags)
		vip.mitigation_on = MITIGATION_BIT(block_list) | MITIGATION_BIT(region);
	vip_set(skel, vip_text[0], &vip);
	vip_set(skel, vip_text[1], &vip);
	edition_set(skel, flags & ASKED ? 0 : 1);
}

static void fill_polder(struct polder *skel)
{
	fill_vip(skel, 0);
	for (int i = 0; i < 2; i++)
		source_set(skel, source_text[i]);
	service_set(skel, IPPROTO_TCP, TCP_PORT, origin_text[0], origin_text[1], TCP_PORT);
	service_set(skel, IPPROTO_UDP, UDP_PORT, origin_text[0], origin_text[1], UDP_PORT);
}

static void list_exact(struct polder *skel, struct address source)
{
	struct list_exact_key key = { .instance = INSTANCE, .source = source };
	struct list_entry entry = { .block_until_ns = INT64_MAX };

	map_set(skel->maps.list_exact, &key, &entry);
}

static void list_prefix(struct polder *skel, uint32_t address, uint32_t bits)
{
	struct list_prefix_key key = { .prefix_bits = 32 + 96 + bits,
		.instance = htonl(INSTANCE),
		.source = address_of("0.0.0.0") };
	struct list_entry entry = { .block_until_ns = INT64_MAX };

	key.source.word[3] = htonl(address);
	map_set(skel->maps.list_prefix, &key, &entry);
}

/* 10.0.0.0/8 is a country that the instance refuses, or it is not. */
static void fill_region(struct polder *skel, bool refused)
{
	static struct region_block block;
	struct region_policy policy = { .blocked = { 0 } };
	uint32_t instance = INSTANCE;

	memset(block.country, COUNTRY, sizeof(block.country));
	if (refused)
		policy.blocked[COUNTRY / 64] |= 1ull << COUNTRY % 64;
	else
		policy.blocked[COUNTRY / 64] |= 1ull << (COUNTRY + 1) % 64;
	for (uint32_t i = 10 << 8; i < 11 << 8; i++)
		map_set(skel->maps.region_exact, &i, &block);
	map_set(skel->maps.region_policy, &instance, &policy);
}

/* Other instances' addresses and rules, and as many entries as one node's lists are made for. */
static void fill_many(struct polder *skel)
{
	struct address address = address_of("198.19.0.0");
	struct vip vip = vip_protected();

	for (uint32_t i = 1; i < VIP_MANY; i++) {
		address.word[3] = htonl(0xc6130000u + i); /* 198.19.0.0/16 */
		vip.instance = INSTANCE + i;
		vip.slot = VIP_SLOT + i;
		map_set(skel->maps.vip, &address, &vip);
	}
	for (uint32_t i = 1; i < RULE_MANY; i++) {
		struct service_key key = {
			.instance = INSTANCE + 1 + i % VIP_MANY,
			.port = htons((uint16_t)(1 + i / VIP_MANY)),
			.protocol = IPPROTO_TCP,
		};
		struct service rule = { .id = 1 + i };

		map_set(skel->maps.service, &key, &rule);
	}
	for (uint32_t i = 1; i < LIST_MANY; i++) {
		address.word[3] = htonl(0xac100000u + i); /* 172.16.0.0/12 */
		list_exact(skel, address);
	}
	for (uint32_t i = 1; i < PREFIX_MANY; i++)
		list_prefix(skel, 0x64400000u + (i << 8), 24); /* 100.64.0.0/10 */
}

static struct flow_key frame_key(struct frame *frame)
{
	const struct iphdr *ip = frame_at(frame, ETH_HLEN);
	const struct ipv6hdr *ipv6 = frame_at(frame, ETH_HLEN);
	const struct udphdr *ports = frame_at(frame, frame->shape.transport);
	struct flow_key key = { .source_port = ports->source, .destination_port = ports->dest };

	if (frame->shape.ip_version == 4) {
		key.source = key.destination = address_of("0.0.0.0");
		key.source.word[3] = ip->saddr;
		key.destination.word[3] = ip->daddr;
	} else {
		memcpy(&key.source, &ipv6->saddr, sizeof(key.source));
		memcpy(&key.destination, &ipv6->daddr, sizeof(key.destination));
	}
	return key;
}

/* The TCP flow of a frame, as a handshake leaves it behind. */
static void frame_flow(struct polder *polder, struct frame *frame)
{
	const int six = frame->shape.ip_version == 6;
	struct flow_key key = frame_key(frame), reply = { .source_port = htons(TCP_PORT) };
	struct flow flow = { .origin = address_of(origin_text[six]),
		.local = address_of(source_text[six]),
		.origin_port = htons(TCP_PORT),
		.local_port = htons(LOCAL_PORT),
		.instance = INSTANCE,
		.seen_ns = (uint64_t)boot_ns(),
		.idle_seconds = 300,
		.state = FLOW_OPEN,
		.sequence_delta = 12345,
		.timestamp_delta = 6789,
		.slot = VIP_SLOT };

	reply.source = flow.origin;
	reply.destination = flow.local;
	reply.destination_port = flow.local_port;
	known_everywhere(polder);
	map_set(polder->maps.flow_tcp, &key, &flow);
	map_set(polder->maps.reverse_tcp, &reply, &key);
}

/* ---- cases */

struct cost_case {
	const char *name;
	void (*frame)(int version, struct frame *out);
	enum subject subject;
	int version;
	uint32_t list;	 /* VIP_HAS_* or REGION while it runs */
	uint32_t reason; /* how every packet must end; of Polder only */
};
#define EXACT  VIP_HAS_EXACT
#define PREFIX VIP_HAS_PREFIX
static const struct cost_case cases[] = {
	{ "floor", block_listed, SUBJECT_FLOOR, 4, 0, 0 },
	{ "xdp-filter-block-listed", block_listed, SUBJECT_XDP_FILTER, 4, 0, 0 },
	{ "block-listed-one", block_listed, SUBJECT_POLDER_ONE, 4, EXACT, REASON_block_list },
	{ "block-listed-asked", block_listed, SUBJECT_POLDER, 4, EXACT | ASKED, REASON_block_list },
	{ "block-listed", block_listed, SUBJECT_POLDER, 4, EXACT, REASON_block_list },
	{ "block-listed-both", block_listed, SUBJECT_POLDER, 4, EXACT | PREFIX, REASON_block_list },
	{ "prefix-listed", prefix_listed, SUBJECT_POLDER, 4, EXACT | PREFIX, REASON_block_list },
	{ "region", prefix_listed, SUBJECT_POLDER, 4, REGION, REASON_region },
	{ "synproxy-syn", syn, SUBJECT_SYNPROXY, 4, 0, 0 },
	{ "original-syn", syn, SUBJECT_ORIGINAL, 4, 0, 0 },
	{ "syn-one", syn, SUBJECT_POLDER_ONE, 4, 0, REASON_cookie_sent },
	{ "syn", syn, SUBJECT_POLDER, 4, 0, REASON_cookie_sent },
	{ "synproxy-syn-ipv6", syn, SUBJECT_SYNPROXY, 6, 0, 0 },
	{ "original-syn-ipv6", syn, SUBJECT_ORIGINAL, 6, 0, 0 },
	{ "syn-ipv6", syn, SUBJECT_POLDER, 6, 0, REASON_cookie_sent },
	{ "synproxy-ack", ack, SUBJECT_SYNPROXY, 4, 0, 0 },
	{ "original-ack", ack, SUBJECT_ORIGINAL, 4, 0, 0 },
	{ "ack", ack, SUBJECT_POLDER, 4, 0, REASON_cookie_invalid },
	{ "synproxy-ack-ipv6", ack, SUBJECT_SYNPROXY, 6, 0, 0 },
	{ "original-ack-ipv6", ack, SUBJECT_ORIGINAL, 6, 0, 0 },
	{ "ack-ipv6", ack, SUBJECT_POLDER, 6, 0, REASON_cookie_invalid },
	{ "balancer-udp-known", udp_known, SUBJECT_BALANCER, 4, 0, 0 },
	{ "udp-known-one", udp_known, SUBJECT_POLDER_ONE, 4, 0, REASON_forwarded_udp },
	{ "udp-known", udp_known, SUBJECT_POLDER, 4, 0, REASON_forwarded_udp },
	{ "balancer-udp-known-ipv6", udp_known, SUBJECT_BALANCER, 6, 0, 0 },
	{ "udp-known-ipv6", udp_known, SUBJECT_POLDER, 6, 0, REASON_forwarded_udp },
	{ "tcp-known", tcp_known, SUBJECT_POLDER, 4, 0, REASON_forwarded_tcp },
	{ "tcp-known-ipv6", tcp_known, SUBJECT_POLDER, 6, 0, REASON_forwarded_tcp },
};
#define CASE_COUNT (sizeof(cases) / sizeof(cases[0]))

static void frame_send(struct bench *bench, struct frame *frame, uint32_t count)
{
	struct generator_shape *shape = &bench->generator->bss->shape;
	struct xdp_md context = { .data_end = frame->length, .ingress_ifindex = bench->spare0 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->data,
		.data_size_in = frame->length, .ctx_in = &context, .ctx_size_in = sizeof(context),
		.repeat = (int)count, .batch_size = 64, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	*shape = frame->shape;
	memcpy(shape->header, frame->data, sizeof(shape->header));
	shape->ifindex = bench->w1;
	must(bpf_prog_test_run_opts(
		     bpf_program__fd(bench->generator->progs.polder_generator), &options) == 0,
		"send");
}

static void flood(struct bench *bench, struct frame *frame, int seconds)
{
	const struct timespec step = { .tv_nsec = 500000 };
	const int64_t start = boot_ns(), total = (int64_t)seconds * PPS;

	for (int64_t sent = 0; sent < total;) {
		int64_t due = (boot_ns() - start) / 1000 * PPS / 1000000 - sent;

		/* A ring of a veth holds 256 frames. What a late turn cannot send follows at once. */
		due = due > 192 ? 192 : due;
		due = due > total - sent ? total - sent : due;
		if (due > 0)
			frame_send(bench, frame, (uint32_t)due);
		sent += due > 0 ? due : 0;
		if (due < 192)
			(void)nanosleep(&step, NULL);
	}
}

static struct bpf_prog_info program_info(int fd)
{
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);

	must(bpf_obj_get_info_by_fd(fd, &info, &length) == 0, "statistics of a program");
	return info;
}

static uint64_t cpu_ns(long pid)
{
	unsigned long long ns = 0;
	char path[64], line[96];
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%ld/schedstat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fgets(line, sizeof(line), file))
		ns = strtoull(line, NULL, 10);
	(void)fclose(file);
	return ns;
}

/* How many packets have ended as the case wants; of peers as far as they count. */
static uint64_t ended(struct bench *bench, const struct cost_case *of, const struct frame *frame)
{
	if (bench->polder[of->subject])
		return reason_packets(bench->polder[of->subject], of->reason);
	if (of->subject == SUBJECT_SYNPROXY || of->subject == SUBJECT_BALANCER)
		return peer_counted(bench->peers, frame);
	if (of->subject == SUBJECT_ORIGINAL)
		return original_counted(&bench->original);
	return 0;
}

static void measure(struct bench *bench, const struct cost_case *of, int seconds)
{
	const int fd = bench->program[of->subject];
	struct polder *polder = bench->polder[of->subject];
	struct bpf_prog_info before, after;
	struct frame frame;
	uint64_t counted, runs, cpu;

	if (fd < 0)
		return;
	of->frame(of->version, &frame);
	frame_finish(&frame);
	if (polder) {
		fill_vip(polder, of->list);
		fill_region(polder, of->list == REGION);
	}
	if (of->subject == SUBJECT_BALANCER)
		fill_balancer(bench->peers, &frame);
	must(bpf_link_update(bench->link, fd, NULL) == 0, "attach");
	if (polder && of->reason == REASON_forwarded_tcp)
		frame_flow(polder, &frame);
	/* The first opens a flow and finds its route. */
	frame_send(bench, &frame, 64);
	(void)usleep(20000);
	counted = ended(bench, of, &frame);
	before = program_info(fd);
	cpu = cpu_ns(bench->receiver);
	flood(bench, &frame, seconds);
	(void)usleep(20000);
	after = program_info(fd);
	cpu = cpu_ns(bench->receiver) - cpu;
	runs = after.run_cnt - before.run_cnt;
	counted = ended(bench, of, &frame) - counted;
	if (polder)
		known_fill(polder, 0);
	if (of->frame == ack && !polder)
		counted = runs - counted; /* it counts what it answers, and must not */
	else if (of->subject == SUBJECT_FLOOR || of->subject == SUBJECT_XDP_FILTER)
		counted = runs;
	if (runs < (uint64_t)seconds * PPS / 2 || counted + 16 < runs) {
		fprintf(stderr, "packet_cost: %s: %llu packets came, %llu ended as they should\n",
			of->name, (unsigned long long)runs, (unsigned long long)counted);
		exit(1);
	}
	printf("%s %.1f\n", of->name,
		(double)(after.run_time_ns - before.run_time_ns) / (double)runs);
	if (bench->receiver)
		printf("%s-cpu %.1f\n", of->name, (double)cpu / (double)runs);
}

/* The threads that receive on an interface, of whatever namespace. Returns how many. */
static size_t receivers_of(const char *interface, long out[THREAD_MAX])
{
	char name[64], path[300], want[32];
	struct dirent *entry;
	size_t count = 0;
	DIR *all = opendir("/proc");

	(void)snprintf(want, sizeof(want), "napi/%s-", interface);
	while (all && count < THREAD_MAX && (entry = readdir(all))) {
		long pid = strtol(entry->d_name, NULL, 10);
		FILE *file;

		(void)snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		file = pid ? fopen(path, "re") : NULL;
		if (!file)
			continue;
		if (fgets(name, sizeof(name), file) && strncmp(name, want, strlen(want)) == 0)
			out[count++] = pid;
		(void)fclose(file);
	}
	if (all)
		(void)closedir(all);
	return count;
}

/* The one that receives on the interface since then. Before all other programs, or a busy machine would not let it. */
static long receiver_new(const char *interface, const long *before, size_t count)
{
	const struct sched_param priority = { .sched_priority = 1 };
	long now[THREAD_MAX];
	size_t total = receivers_of(interface, now);

	for (size_t i = 0; i < total; i++) {
		bool old = false;

		for (size_t k = 0; k < count; k++)
			old |= now[i] == before[k];
		if (!old)
			return sched_setscheduler((pid_t)now[i], SCHED_FIFO, &priority) == 0
				       ? now[i]
				       : 0;
	}
	return 0;
}

/*
 * Each end receives in a thread of its own, so that schedstat tells the work of w0 from the sink's. After the
 * programs are attached: before, veth has nothing that a thread could do.
 */
static long make_threads(void)
{
	static const char *const name[] = { "w0", "w1", "l0", "l1" };
	static long before[4][THREAD_MAX];
	size_t count[4];
	long receiver = 0;

	for (int i = 0; i < 4; i++)
		count[i] = receivers_of(name[i], before[i]);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("sysfs", "/sys", "sysfs", 0, NULL) < 0 ||
		system("for i in w0 w1 l0 l1; do echo 1 >/sys/class/net/$i/threaded || exit; "
		       "done") != 0)
		return 0;
	(void)usleep(100000);
	for (int i = 3; i >= 0; i--)
		receiver = receiver_new(name[i], before[i], count[i]);
	return receiver;
}

static void make_network(struct bench *bench)
{
	must(unshare(CLONE_NEWNET | CLONE_NEWNS) == 0, "a network namespace");
	must(system("set -e; ip link add w0 address 02:00:00:00:00:02 type veth peer w1;"
		    "ip link add l0 address 02:00:00:00:00:03 type veth peer l1;"
		    "ip link add spare0 type veth peer spare1;"
		    "ip addr add 10.201.2.1/24 dev l0; ip addr add fd02::1/64 dev l0 nodad;"
		    "for i in w0 w1 l0 l1 spare0 spare1; do ip link set $i up; done;"
		    "ip neigh add 10.201.2.2 lladdr 02:00:00:00:00:04 dev l0;"
		    "ip neigh add fd02::2 lladdr 02:00:00:00:00:04 dev l0;"
		    "echo 1 >/proc/sys/net/ipv4/ip_forward;"
		    "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding") == 0,
		"make the network");
	bench->w0 = if_nametoindex("w0");
	bench->w1 = if_nametoindex("w1");
	bench->l0 = if_nametoindex("l0");
	bench->spare0 = if_nametoindex("spare0");
}

static int attach(int program, uint32_t ifindex)
{
	int link = bpf_link_create(program, (int)ifindex, BPF_XDP, NULL);

	must(link >= 0, "attach");
	return link;
}

static void open_bench(struct bench *bench)
{
	static const enum subject ours[] = { SUBJECT_POLDER, SUBJECT_POLDER_ONE };

	for (size_t i = 0; i < 2; i++) {
		struct polder *polder = load_polder(true);

		fill_polder(polder);
		list_exact(polder, address_of(BLOCKED));
		bench->polder[ours[i]] = polder;
		bench->program[ours[i]] = bpf_program__fd(polder->progs.polder_filter);
	}
	fill_many(bench->polder[SUBJECT_POLDER]);
	bench->program[SUBJECT_FLOOR] = load_drop();
	bench->program[SUBJECT_XDP_FILTER] = load_xdp_filter();
	bench->original = load_synproxy();
	bench->program[SUBJECT_ORIGINAL] = bench->original.program;
	bench->peers = peers__open_and_load();
	bench->program[SUBJECT_SYNPROXY] = bench->program[SUBJECT_BALANCER] = -1;
	if (!bench->peers)
		return;
	bench->program[SUBJECT_SYNPROXY] = bpf_program__fd(bench->peers->progs.peer_synproxy);
	bench->program[SUBJECT_BALANCER] = bpf_program__fd(bench->peers->progs.peer_balancer);
}

static bool wanted(const char *name, char **names)
{
	for (char **one = names; *one; one++)
		if (strcmp(*one, name) == 0)
			return true;
	return !*names;
}

/* names: of the cases that are wanted; none: all. */
static int in_place(int seconds, char **names)
{
	static struct bench bench;
	int sink;

	make_network(&bench);
	open_bench(&bench);
	list_prefix(bench.polder[SUBJECT_POLDER], 0x0a000000, 8);
	for (int i = 0; i < SUBJECT_COUNT; i++) {
		if (!bench.polder[i])
			continue;
		transmit_set(bench.polder[i], bench.w0);
		transmit_set(bench.polder[i], bench.l0);
	}
	bench.generator = generator__open_and_load();
	must(bench.generator != NULL, "load the generator");
	(void)attach(bpf_program__fd(bench.generator->progs.polder_generator), bench.spare0);
	sink = load_drop(); /* not the floor's: that counts its own runs */
	(void)attach(sink, bench.w1);
	(void)attach(sink, if_nametoindex("l1"));
	(void)attach(bench.program[SUBJECT_POLDER], bench.l0);
	bench.link = attach(bench.program[SUBJECT_FLOOR], bench.w0);
	bench.receiver = make_threads();
	must(bpf_enable_stats(BPF_STATS_RUN_TIME) >= 0, "switch statistics on");
	for (size_t i = 0; i < CASE_COUNT; i++)
		if (wanted(cases[i].name, names))
			measure(&bench, &cases[i], seconds);
	return 0;
}

/* CPU time of this thread, ns. */
static int64_t thread_ns(void)
{
	struct timespec now;

	must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0, "the thread's clock");
	return now.tv_sec * SECOND_NS + now.tv_nsec;
}

/* Returns the CPU time of each run in ns, the kernel's own part of it included. */
static double test_run(int program, struct frame *frame, const char *name, uint32_t *wall_ns)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame->data, .data_size_in = frame->length,
		.repeat = REPEAT);
	const int64_t start = thread_ns();

	must(bpf_prog_test_run_opts(program, &run) == 0, "test-run");
	if (run.retval != XDP_DROP) {
		fprintf(stderr, "packet_cost: %s: the packet was not dropped\n", name);
		exit(1);
	}
	*wall_ns = run.duration;
	return (double)(thread_ns() - start) / REPEAT;
}

static void test_run_say(int program, struct frame *frame, const char *name)
{
	uint32_t wall_ns;

	(void)test_run(program, frame, name, &wall_ns);
	printf("%s %u\n", name, wall_ns);
}

static int test_runs(void)
{
	static struct bench bench;
	struct frame frame;
	int many, one;

	open_bench(&bench);
	many = bench.program[SUBJECT_POLDER];
	one = bench.program[SUBJECT_POLDER_ONE];
	block_listed(4, &frame);
	frame_finish(&frame);
	test_run_say(bench.program[SUBJECT_FLOOR], &frame, "run-floor");
	if (bench.program[SUBJECT_XDP_FILTER] >= 0)
		test_run_say(bench.program[SUBJECT_XDP_FILTER], &frame, "run-xdp-filter");
	fill_vip(bench.polder[SUBJECT_POLDER_ONE], EXACT);
	test_run_say(one, &frame, "run-block-listed-one");
	fill_vip(bench.polder[SUBJECT_POLDER], EXACT);
	test_run_say(many, &frame, "run-block-listed");
	fill_vip(bench.polder[SUBJECT_POLDER], EXACT | PREFIX);
	test_run_say(many, &frame, "run-block-listed-both");
	return 0;
}

/* A round of each, by turns, so that what else the machine does meets all alike; CPU time. */
static int sightings(int rounds)
{
	static struct frame frame[2];
	struct polder *polder[2];
	uint32_t wall_ns;
	char name[64];

	for (int on = 0; on < 2; on++) {
		polder[on] = load_polder(on);
		fill_polder(polder[on]);
	}
	for (int six = 0; six < 2; six++) {
		block_listed(six ? 6 : 4, &frame[six]);
		frame_finish(&frame[six]);
		for (int on = 0; on < 2; on++)
			list_exact(polder[on], frame_key(&frame[six]).source);
	}
	for (int i = 0; i < rounds * 8; i++) {
		const int on = i & 1, six = i >> 1 & 1, asked = i >> 2 & 1;

		fill_vip(polder[on], asked ? EXACT | ASKED : EXACT);
		(void)snprintf(name, sizeof(name), "sighting-%s-%s-%s", six ? "6" : "4",
			asked ? "asked" : "kept", on ? "on" : "off");
		printf("%s %.2f\n", name,
			test_run(bpf_program__fd(polder[on]->progs.polder_filter), &frame[six],
				name, &wall_ns));
	}
	return 0;
}

/* The kernel keeps statistics while this process holds them open. */
static int with_statistics(char **command)
{
	const int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	int status = -1;
	pid_t child;

	must(fd >= 0, "switch statistics on");
	child = fork();
	if (child == 0) {
		(void)execvp(command[0], command);
		_exit(127);
	}
	must(child > 0 && waitpid(child, &status, 0) == child, command[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	int seconds = 1;

	(void)setrlimit(RLIMIT_MEMLOCK, &all);
	if (argc > 2 && strcmp(argv[1], "statistics") == 0)
		return with_statistics(argv + 2);
	if (argc == 2 && strcmp(argv[1], "test-run") == 0)
		return test_runs();
	if (argc >= 2 && strcmp(argv[1], "sighting") == 0)
		return sightings(argc > 2 ? (int)strtol(argv[2], NULL, 10) : 1);
	if (argc > 2)
		seconds = (int)strtol(argv[2], NULL, 10);
	if (argc >= 2 && strcmp(argv[1], "in-place") == 0 && seconds >= 1 && seconds <= SECONDS_MAX)
		return in_place(seconds, argc > 3 ? argv + 3 : argv + argc);
	fprintf(stderr,
		"usage: packet_cost in-place [1..%d [CASE...]] | test-run | sighting [ROUNDS] | "
		"statistics COMMAND...\n",
		SECONDS_MAX);
	return 2;
}
