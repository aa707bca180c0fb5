/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life-cycle clock's offset, read from a file that tests and the lab write. The file is looked
 * at (one stat) whenever the offset is asked for, so that an order given right after the clock was
 * moved already sees the new time. A file that cannot be read as a number changes nothing: a writer
 * may be in the middle of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "control/engine/engine.h"

/* A hundred years either way. */
#define OFFSET_MS_MAX (36500 * DAY_MS)

struct life_clock {
	pthread_mutex_t lock;
	char path[PATH_MAX]; /* "": none */
	int64_t offset_ms;
	struct stat seen; /* of the file that offset_ms was read from; zero: there was none */
	bool warned;	  /* about the content as it is now */
};

struct life_clock *life_clock_new(const char *offset_path)
{
	struct life_clock *clock = calloc(1, sizeof(*clock));

	if (!clock)
		return NULL;
	(void)pthread_mutex_init(&clock->lock, NULL);
	if (offset_path && strlen(offset_path) < sizeof(clock->path))
		memcpy(clock->path, offset_path, strlen(offset_path) + 1);
	else if (offset_path)
		log_warn("path of the clock offset is too long: not used");
	(void)life_clock_refresh(clock);
	return clock;
}

void life_clock_free(struct life_clock *clock)
{
	if (!clock)
		return;
	(void)pthread_mutex_destroy(&clock->lock);
	free(clock);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool read_offset(const char *path, int64_t *out)
{
	char text[32] = "";
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;

	ssize_t length = read(fd, text, sizeof(text) - 1);

	if (length <= 0)
		return false;
	text[strcspn(text, "\r\n")] = '\0';

	int64_t offset;

	if (!text_to_int(text, &offset) || offset > OFFSET_MS_MAX || offset < -OFFSET_MS_MAX)
		return false;
	*out = offset;
	return true;
}

/* With the lock held. */
static bool refresh(struct life_clock *clock)
{
	struct stat now = { 0 };
	int64_t offset = 0;

	if (clock->path[0] == '\0')
		return false;
	if (stat(clock->path, &now) != 0 && errno != ENOENT)
		return false;
	if (same_file(&now, &clock->seen))
		return false;
	if (now.st_ino != 0 && !read_offset(clock->path, &offset)) {
		if (!clock->warned)
			log_warn("clock offset in %s is not a number of milliseconds: not used",
				clock->path);
		clock->warned = true;
		return false;
	}
	clock->seen = now;
	clock->warned = false;
	if (offset == clock->offset_ms)
		return false;
	clock->offset_ms = offset;
	log_info("life-cycle clock is now offset by %lld ms", (long long)offset);
	return true;
}

bool life_clock_refresh(struct life_clock *clock)
{
	(void)pthread_mutex_lock(&clock->lock);

	bool changed = refresh(clock);

	(void)pthread_mutex_unlock(&clock->lock);
	return changed;
}

int64_t life_clock_offset_ms(struct life_clock *clock)
{
	(void)pthread_mutex_lock(&clock->lock);
	(void)refresh(clock);

	int64_t offset = clock->offset_ms;

	(void)pthread_mutex_unlock(&clock->lock);
	return offset;
}
