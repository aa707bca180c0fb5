/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lab's supervisor: a daemon that starts the programs of lab_programs.c and starts them again when
 * they end, as a service manager would: at once the first time, then after 100 ms, doubling to 1 s; a
 * program that ran for 5 s counts as new. Each program leads a process group, so that workers which outlive
 * their master go with it, and dies with the supervisor.
 *
 * Down is found from what exists, not from what was remembered: processes in the lab's namespaces, and lab
 * programs at work in its folder. So it also clears up after a crash of anything.
 */
#include "cli/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/process.h"

#define RESTART_FIRST_MS 100
#define RESTART_MAX_MS	 1000
#define SETTLED_MS	 5000 /* ran so long: its next end counts as the first */
#define STOP_MS		 3000 /* from SIGTERM to SIGKILL */

struct running {
	struct lab_program program;
	pid_t pid;	     /* 0: not running */
	int64_t started_ms;  /* monotonic */
	int64_t start_at_ms; /* when pid is 0 */
	int64_t delay_ms;    /* before the next restart */
};

static struct supervisor {
	struct lab lab;
	struct running running[LAB_PROGRAM_MAX];
	size_t count;
} supervisor;

/* ---- one program, in its child */

static bool drop_privileges(void)
{
	const struct passwd *nobody = getpwnam("nobody");

	return nobody && setgroups(0, NULL) == 0 &&
	       setresgid(nobody->pw_gid, nobody->pw_gid, nobody->pw_gid) == 0 &&
	       setresuid(nobody->pw_uid, nobody->pw_uid, nobody->pw_uid) == 0;
}

/* Takes all other capabilities out of what the program can ever have. */
static bool keep_capabilities(uint64_t kept)
{
	for (int number = 0; prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++)
		if (!(kept >> number & 1) && prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0)
			return false;
	return true;
}

static void child(const struct lab *lab, const struct lab_program *program, pid_t parent)
{
	char path[PATH_MAX], name[64];
	struct rlimit files;
	sigset_t none;
	int log;

	(void)setpgid(0, 0);
	(void)snprintf(name, sizeof(name), "%s.log", program->name);
	lab_path(lab, name, path);
	log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
		_exit(126);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	if (program->role >= 0) {
		lab_namespace(lab, program->role, name);
		if (!namespace_enter(name)) {
			complain("no network namespace %s", name);
			_exit(126);
		}
	}
	if (program->unprivileged && !drop_privileges()) {
		complain("cannot become nobody: %s", strerror(errno));
		_exit(126);
	}
	if (program->capabilities && !keep_capabilities(program->capabilities)) {
		complain("cannot give up capabilities: %s", strerror(errno));
		_exit(126);
	}
	/* After the change of user, which clears it. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(126);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execvp(program->argument[0], (char *const *)(const void *)program->argument);
	complain("start %s: %s", program->argument[0], strerror(errno));
	_exit(126);
}

static void save_pids(void)
{
	json_t *pids = json_pack("{s:i}", "supervisor", (int)getpid());
	char path[PATH_MAX], *text;

	for (size_t i = 0; i < supervisor.count; i++) {
		const struct running *one = &supervisor.running[i];

		if (one->pid)
			(void)json_object_set_new(pids, one->program.name, json_integer(one->pid));
	}
	text = json_dumps(pids, JSON_COMPACT);
	lab_path(&supervisor.lab, "pids.json", path);
	if (text)
		(void)file_write(path, 0644, text, strlen(text));
	free(text);
	json_decref(pids);
}

static void start(struct running *one)
{
	const pid_t parent = getpid();

	one->pid = fork();
	if (one->pid == 0)
		child(&supervisor.lab, &one->program, parent);
	one->started_ms = clock_monotonic_ms();
	if (one->pid < 0) {
		one->pid = 0;
		one->start_at_ms = one->started_ms + RESTART_MAX_MS;
		log_error("fork for %s: %s", one->program.name, strerror(errno));
		return;
	}
	(void)setpgid(one->pid, one->pid);
	log_info("%s started as %d", one->program.name, one->pid);
}

/* ---- the loop */

static void ended(struct running *one, int status)
{
	const int64_t now = clock_monotonic_ms();

	(void)kill(-one->pid, SIGKILL);
	if (now - one->started_ms >= SETTLED_MS)
		one->delay_ms = 0;
	log_warn("%s ended, %s %d; again in %lld ms", one->program.name,
		WIFSIGNALED(status) ? "signal" : "status",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		(long long)one->delay_ms);
	one->pid = 0;
	one->start_at_ms = now + one->delay_ms;
	one->delay_ms = one->delay_ms ? one->delay_ms * 2 : RESTART_FIRST_MS;
	if (one->delay_ms > RESTART_MAX_MS)
		one->delay_ms = RESTART_MAX_MS;
}

static bool reap(void)
{
	bool changed = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < supervisor.count; i++)
			if (supervisor.running[i].pid == pid) {
				ended(&supervisor.running[i], status);
				changed = true;
			}
	return changed;
}

/* Starts what is due; time until the next, at most a second. */
static int64_t start_due(bool *changed)
{
	const int64_t now = clock_monotonic_ms();
	int64_t wait = 1000;

	for (size_t i = 0; i < supervisor.count; i++) {
		struct running *one = &supervisor.running[i];

		if (one->pid)
			continue;
		if (one->start_at_ms <= now) {
			start(one);
			*changed = true;
		} else if (one->start_at_ms - now < wait) {
			wait = one->start_at_ms - now;
		}
	}
	return wait;
}

static size_t alive(void)
{
	size_t count = 0;

	for (size_t i = 0; i < supervisor.count; i++)
		count += supervisor.running[i].pid != 0;
	return count;
}

static void signal_all(int number)
{
	for (size_t i = 0; i < supervisor.count; i++)
		if (supervisor.running[i].pid)
			(void)kill(number == SIGKILL ? -supervisor.running[i].pid
						     : supervisor.running[i].pid,
				number);
}

static void stop_all(const sigset_t *signals)
{
	const int64_t until = clock_monotonic_ms() + STOP_MS;
	const struct timespec step = { .tv_nsec = 50 * 1000000 };

	signal_all(SIGTERM);
	while (alive() && clock_monotonic_ms() < until) {
		(void)sigtimedwait(signals, NULL, &step);
		(void)reap();
	}
	signal_all(SIGKILL);
}

static void supervise(void)
{
	sigset_t signals;
	int number = 0;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGCHLD);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	while (number != SIGTERM && number != SIGINT) {
		bool changed = reap();
		const int64_t wait = start_due(&changed);
		const struct timespec time = { .tv_sec = wait / 1000,
			.tv_nsec = wait % 1000 * 1000000 };

		if (changed)
			save_pids();
		number = sigtimedwait(&signals, NULL, &time);
	}
	stop_all(&signals);
}

/* The daemon: a session of its own, its folder as working folder (which is how it is recognised), its log. */
static void become_daemon(void)
{
	char path[PATH_MAX];
	const int silent = open("/dev/null", O_RDWR | O_CLOEXEC);
	int log;

	(void)setsid();
	if (fork() != 0)
		_exit(0);
	lab_path(&supervisor.lab, "supervisor.log", path);
	log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (silent < 0 || log < 0 || chdir(supervisor.lab.directory) < 0)
		_exit(126);
	(void)dup2(silent, STDIN_FILENO);
	(void)dup2(log, STDOUT_FILENO);
	(void)dup2(log, STDERR_FILENO);
	(void)close_range(3, ~0U, 0);
	log_open("supervisor", LOG_LEVEL_INFO);
	supervise();
	_exit(0);
}

bool lab_supervise(const struct lab *lab)
{
	struct arena *mem = arena_new(1 << 20);
	struct lab_program program[LAB_PROGRAM_MAX];
	pid_t pid;

	if (!mem)
		return complain("memory is out");
	supervisor.lab = *lab;
	supervisor.count = lab_programs(lab, mem, program);
	for (size_t i = 0; i < supervisor.count; i++)
		supervisor.running[i].program = program[i];
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0)
		become_daemon();
	arena_free(mem);
	if (pid < 0)
		return complain("fork: %s", strerror(errno));
	(void)waitpid(pid, NULL, 0);
	for (int i = 0; i < 200; i++) {
		if (lab_supervisor_pid(lab))
			return true;
		sleep_ms(10);
	}
	return complain("the supervisor did not start; see %s/supervisor.log", lab->directory);
}

/* ---- down */

static bool is_lab_program(const char *path)
{
	static const char *const names[] = { "polder", "polder-control", "polder-agent", "nginx",
		"knotd" };
	const char *name = strrchr(path, '/');

	for (size_t i = 0; name && i < sizeof(names) / sizeof(names[0]); i++) {
		const size_t length = strlen(names[i]);

		/* A replaced program reads "... (deleted)". */
		if (strncmp(name + 1, names[i], length) == 0 &&
			(name[1 + length] == '\0' || name[1 + length] == ' '))
			return true;
	}
	return false;
}

/* Whether link, a process's working folder, is the lab's; also after that was removed. */
static bool is_lab_folder(const struct lab *lab, const char *link)
{
	const size_t length = strlen(lab->directory);

	return strncmp(link, lab->directory, length) == 0 &&
	       (link[length] == '\0' || strcmp(link + length, " (deleted)") == 0);
}

static bool is_ours(const struct lab *lab, pid_t pid)
{
	char link[PATH_MAX], own[64], name[64];

	process_link(pid, "ns/net", link, sizeof(link));
	for (int role = 0; role < LAB_ROLE_COUNT; role++) {
		uint64_t inode;

		lab_namespace(lab, role, name);
		inode = namespace_inode(name);
		(void)snprintf(own, sizeof(own), "net:[%llu]", (unsigned long long)inode);
		if (inode && strcmp(link, own) == 0)
			return true;
	}
	process_link(pid, "cwd", link, sizeof(link));
	if (!is_lab_folder(lab, link))
		return false;
	process_link(pid, "exe", link, sizeof(link));
	return is_lab_program(link);
}

struct ending {
	const struct lab *lab;
	int found;
};

static void end_if_ours(pid_t pid, void *user)
{
	struct ending *ending = user;

	if (!is_ours(ending->lab, pid))
		return;
	ending->found++;
	if (!process_end(pid, 1000))
		complain("process %d of the lab does not end", pid);
}

/* More than once: a supervisor whose pid is not known starts again what ends before it does. */
void lab_processes_down(const struct lab *lab)
{
	struct ending ending = { .lab = lab, .found = 1 };
	const pid_t pid = lab_supervisor_pid(lab);

	if (pid)
		(void)process_end(pid, STOP_MS + 2000);
	for (int pass = 0; pass < 3 && ending.found; pass++) {
		ending.found = 0;
		process_each(end_if_ours, &ending);
	}
}
