/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each worker adds up what its requests have, in a slot that the others read: so a worker that crashes leaves nothing counted
 * for ever, as the next one to start finds its process gone and clears the slot. Files without a name went with it. The sum of
 * the slots is made once in a turn of the event loop.
 *
 * A site may have SITE_PART of it, so that who floods one with bodies does not keep all others from what they need it for; counted by
 * each worker for itself, which has its part of that. Sites whose numbers are NODE_SITE_MAX apart have one together.
 *
 * How full the disk itself is, is looked at once in LOOK_MS: others write there, too.
 */
#include "nginx/disk.h"

#include <errno.h>
#include <signal.h>

#include "nginx/shared_file.h"

#define SLOTS	  (WORKER_MAX + 1) /* the last one is of all that found none */
#define SITE_PART 4
/* Never less than one body that a rule waits for, as far as half of all reaches. */
#define SITE_BYTES_MIN (INT64_C(64) << 20)
#define LOOK_MS	       1000

struct disk_use { /* of a request */
	uint32_t site;
	off_t bytes;
};

struct slot {
	uint64_t bytes;
	int32_t pid; /* 0: nobody's */
	uint32_t reserved;
};
static struct slot *slots; /* SLOTS, shared */
static struct slot *own;
static int64_t of_site[NODE_SITE_MAX]; /* this worker's */
static int64_t bytes_max, free_min, site_max;
static struct {
	ngx_msec_t looked_ms;
	bool looked, is_full;
} places[DISK_PLACES];

#define LOAD(place)	    __atomic_load_n(&(place), __ATOMIC_RELAXED)
#define STORE(place, value) __atomic_store_n(&(place), value, __ATOMIC_RELAXED)

ngx_int_t disk_open(ngx_cycle_t *cycle)
{
	if (!slots)
		slots = shared_memory_map(cycle, SLOTS * sizeof(*slots));
	return slots ? NGX_OK : NGX_ERROR;
}

static void limits_set(const ngx_cycle_t *cycle)
{
	const ngx_core_conf_t *core = (const void *)ngx_get_conf(cycle->conf_ctx, ngx_core_module);
	const struct polder_main_conf *conf = polder_main(cycle);
	int64_t least;

	bytes_max = conf->disk_max != NGX_CONF_UNSET ? conf->disk_max : DISK_BYTES_MAX;
	free_min = conf->disk_free != NGX_CONF_UNSET ? conf->disk_free : DISK_FREE_BYTES;
	site_max = bytes_max / SITE_PART / ngx_max(core->worker_processes, 1);
	least = ngx_min(SITE_BYTES_MIN, bytes_max / 2);
	site_max = ngx_max(site_max, least);
}

void disk_start(ngx_cycle_t *cycle)
{
	limits_set(cycle);
	own = &slots[WORKER_MAX];
	for (unsigned i = 0; i < WORKER_MAX; i++) {
		int32_t pid = LOAD(slots[i].pid);
		bool gone = pid && kill(pid, 0) != 0 && errno == ESRCH;

		if (pid && !gone)
			continue;
		if (!__atomic_compare_exchange_n(&slots[i].pid, &pid,
			    own == &slots[WORKER_MAX] ? ngx_pid : 0, false, __ATOMIC_ACQ_REL,
			    __ATOMIC_RELAXED))
			continue;
		STORE(slots[i].bytes, 0);
		if (own == &slots[WORKER_MAX])
			own = &slots[i];
	}
}

void disk_stop(void)
{
	if (!own || own == &slots[WORKER_MAX])
		return;
	STORE(own->bytes, 0);
	STORE(own->pid, 0);
	own = NULL;
}

static int64_t sum(void)
{
	static ngx_msec_t made_ms;
	static int64_t others;

	if (made_ms != ngx_current_msec) {
		made_ms = ngx_current_msec;
		others = 0;
		for (unsigned i = 0; i < SLOTS; i++)
			others += &slots[i] == own ? 0 : (int64_t)LOAD(slots[i].bytes);
	}
	return others + (int64_t)LOAD(own->bytes);
}

static bool is_full(enum disk_place place, const ngx_str_t *folder)
{
	if (!places[place].looked || ngx_current_msec - places[place].looked_ms >= LOOK_MS) {
		places[place].looked = true;
		places[place].looked_ms = ngx_current_msec;
		places[place].is_full = ngx_fs_available(folder->data) < free_min;
	}
	return places[place].is_full;
}

bool disk_allows(enum disk_place place, const ngx_str_t *folder, uint32_t site)
{
	if (!own)
		return true;
	return sum() < bytes_max && of_site[site % NODE_SITE_MAX] < site_max &&
	       !is_full(place, folder);
}

static void add(struct disk_use *use, off_t bytes)
{
	use->bytes += bytes;
	of_site[use->site % NODE_SITE_MAX] += bytes;
	(void)__atomic_add_fetch(&own->bytes, (uint64_t)bytes, __ATOMIC_RELAXED);
}

static void release(void *data)
{
	struct disk_use *use = data;

	if (own)
		add(use, -use->bytes);
}

bool disk_hold(ngx_http_request_t *r, struct polder_request *request, enum disk_place place,
	const ngx_str_t *folder, off_t bytes)
{
	ngx_pool_cleanup_t *cleanup;

	if (!own)
		return true;
	if (!request->disk) {
		cleanup = ngx_pool_cleanup_add(r->pool, sizeof(*request->disk));
		if (!cleanup)
			return false;
		request->disk = cleanup->data;
		*request->disk = (struct disk_use){ .site = request->site_number };
		cleanup->handler = release;
	}
	add(request->disk, bytes - request->disk->bytes);
	return disk_allows(place, folder, request->site_number);
}
