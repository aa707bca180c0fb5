/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One drill at a time, as a child that does what `polder lab drill` does: so its bounds, and the generator's refusal of any
 * interface that the lab did not make, hold here as there. What the child says is kept and shown with the state. A child that
 * does not end in time is ended, and it ends with this service.
 */
#include "cli/drill_service.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "cli/action_list.h"
#include "cli/cli.h"
#include "cli/generator.h"
#include "cli/live.h"
#include "cli/process.h"

#define REQUEST_MAX 4096
#define SAID_MAX    4096
#define ANSWER_S    1	  /* for a client to send and to take */
#define LATE_MS	    20000 /* a drill asks the API before and after, beside its seconds */
#define BEAT_MS	    100
#define SECONDS	    10 /* unless told */

static volatile sig_atomic_t ended;

static void end(int number)
{
	(void)number;
	ended = 1;
}

static struct service {
	struct lab lab;
	pid_t pid;	  /* of the drill; 0: none runs */
	int64_t until_ms; /* monotonic: it is ended then */
	int said;	  /* what it printed; -1: no drill was run yet */
	/* Of the drill that runs or ran last. */
	const struct drill *drill;
	char address[ADDRESS_TEXT_SIZE];
	int64_t seconds, pps, start_ms, end_ms;
	bool succeeded;
} service = { .said = -1 };

/* ---- the child */

static void reap(void)
{
	int status;

	if (!service.pid)
		return;
	if (clock_monotonic_ms() >= service.until_ms)
		(void)kill(-service.pid, SIGKILL);
	if (waitpid(service.pid, &status, WNOHANG) != service.pid)
		return;
	service.pid = 0;
	service.end_ms = clock_utc_ms();
	service.succeeded = WIFEXITED(status) && WEXITSTATUS(status) == STATUS_DONE;
}

static void child(pid_t parent)
{
	char program[PATH_MAX], seconds[24], pps[24];
	const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGTERM, SIG_DFL);
	process_link(getpid(), "exe", program, sizeof(program));
	(void)snprintf(seconds, sizeof(seconds), "%" PRId64, service.seconds);
	(void)snprintf(pps, sizeof(pps), "%" PRId64, service.pps);
	if (getppid() != parent || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
		dup2(service.said, STDOUT_FILENO) < 0 || dup2(service.said, STDERR_FILENO) < 0)
		_exit(126);
	(void)execl(program, "polder", "lab", "drill", service.drill->name, "--seconds", seconds,
		"--pps", pps, "--vip", service.address, NULL);
	_exit(127);
}

static const char *start(
	const struct drill *drill, const uint8_t address[16], int64_t seconds, int64_t pps)
{
	const pid_t parent = getpid();

	if (service.said >= 0)
		(void)close(service.said);
	service.said = memfd_create("drill", MFD_CLOEXEC);
	service.drill = drill;
	service.seconds = seconds;
	service.pps = pps;
	address_format(address, service.address);
	service.start_ms = clock_utc_ms();
	service.end_ms = 0;
	service.succeeded = false;
	service.until_ms = clock_monotonic_ms() + seconds * SECOND_MS + LATE_MS;
	service.pid = service.said < 0 ? -1 : fork();
	if (service.pid == 0)
		child(parent);
	if (service.pid > 0)
		return NULL;
	service.pid = 0;
	return "the drill could not be started";
}

/* ---- requests */

static json_t *list_answer(void)
{
	json_t *list = json_array();

	for (const struct drill *drill = drills; drill->name; drill++)
		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:I, s:i}", "Name", drill->name, "Summary",
				      drill->summary, "PacketsPerSecond", (json_int_t)drill->pps,
				      "IpVersion", drill->version));
	return json_pack("{s:o, s:i, s:i}", "Drills", list, "SecondsMax", GENERATOR_SECONDS_MAX,
		"PacketsPerSecondMax", GENERATOR_PPS_MAX);
}

static json_t *state_answer(void)
{
	char said[SAID_MAX + 1] = "";
	const ssize_t length = service.said < 0 ? 0 : pread(service.said, said, SAID_MAX, 0);

	said[length > 0 ? length : 0] = '\0';
	return json_pack("{s:b, s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:s}", "Running",
		service.pid != 0, "Name", service.drill ? service.drill->name : "", "Ip",
		service.address, "Seconds", (json_int_t)service.seconds, "PacketsPerSecond",
		(json_int_t)service.pps, "StartTime", (json_int_t)service.start_ms, "EndTime",
		(json_int_t)service.end_ms, "Succeeded", service.succeeded, "Said", said);
}

/* NULL: it runs. */
static const char *start_asked(const json_t *request)
{
	const struct drill *drill = drill_find(action_text(request, "Name"));
	int64_t seconds = live_int(request, "Seconds"), pps = live_int(request, "PacketsPerSecond");
	uint8_t address[16];

	if (!drill)
		return "there is no drill of that name";
	if (!text_to_address(action_text(request, "Ip"), address) ||
		!generator_target_permitted(address))
		return "that is no protected address of the lab";
	if (address_is_ipv4(address) != (drill->version == 4))
		return "the drill is of another IP version than the address";
	seconds = seconds ? seconds : SECONDS;
	pps = pps ? pps : drill->pps;
	if (seconds < 1 || seconds > GENERATOR_SECONDS_MAX)
		return "a drill lasts 1 to 60 seconds";
	if (pps < 1 || pps > GENERATOR_PPS_MAX)
		return "a drill sends 1 to 1,000,000 packets a second";
	return start(drill, address, seconds, pps);
}

static json_t *answer(const json_t *request)
{
	const char *wish = action_text(request, "Do"), *why;

	reap();
	if (strcmp(wish, "list") == 0)
		return list_answer();
	if (strcmp(wish, "start") == 0) {
		if (service.pid)
			return json_pack("{s:b, s:s}", "Busy", 1, "Error", "a drill runs already");
		why = start_asked(request);
		return why ? json_pack("{s:s}", "Error", why) : state_answer();
	}
	if (strcmp(wish, "stop") == 0 && service.pid)
		(void)kill(-service.pid, SIGTERM);
	else if (strcmp(wish, "stop") != 0 && strcmp(wish, "state") != 0)
		return json_pack("{s:s}", "Error", "that is no request");
	return state_answer();
}

static void serve(int fd)
{
	const struct timeval limit = { .tv_sec = ANSWER_S };
	char text[REQUEST_MAX];
	size_t length = 0;
	ssize_t got = 1;
	json_t *request = NULL, *reply;
	char *out;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	while (!request && got > 0 && length < sizeof(text)) {
		got = recv(fd, text + length, sizeof(text) - length, 0);
		length += got > 0 ? (size_t)got : 0;
		request = json_loadb(text, length, 0, NULL);
	}
	reply = answer(request);
	out = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
	if (out)
		(void)send(fd, out, strlen(out), MSG_NOSIGNAL);
	free(out);
	json_decref(reply);
	json_decref(request);
}

/* The control, which is nobody, may use it, and nobody else but root. */
static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct passwd *nobody = getpwnam("nobody");
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)unlink(path);
	(void)umask(0177);
	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >=
			sizeof(address.sun_path) ||
		!nobody || fd < 0 ||
		bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
		chown(path, nobody->pw_uid, (gid_t)-1) != 0 || listen(fd, 8) != 0) {
		complain("listen at %s: %s", path, strerror(errno));
		return -1;
	}
	return fd;
}

int drill_service_run(void)
{
	const struct sigaction action = { .sa_handler = end };
	char path[PATH_MAX];

	if (!lab_settings(&service.lab))
		return STATUS_FAILED;
	lab_path(&service.lab, LAB_DRILL_SOCKET, path);
	(void)sigaction(SIGTERM, &action, NULL);
	AUTO(fd) int fd = listen_at(path);
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	while (fd >= 0 && !ended) {
		if (poll(&wait, 1, BEAT_MS) == 1) {
			AUTO(fd) int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

			if (client >= 0)
				serve(client);
		}
		reap();
	}
	if (service.pid)
		(void)kill(-service.pid, SIGKILL);
	return ended ? STATUS_DONE : STATUS_FAILED;
}
