/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker moves "head" with release when a record is whole; here it is loaded with acquire, the record is copied out
 * of the ring (it may wrap around its end), and "tail" is moved. Workers are less trusted than the agent: every length
 * is checked on the copy, which they cannot change any more, and a ring that holds no records is emptied.
 *
 * A file that is truncated while it is mapped would end the agent: the folder is root's, workers can write what is in
 * the file, but not its size, which root's permissions alone allow.
 */
#include "agent/log_ring.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/log.h"

#define PATH_SIZE 300

static struct log_ring *ring_at(const struct log_rings *rings, uint32_t index)
{
	return (struct log_ring *)(void *)((uint8_t *)rings->header + LOG_RINGS) + index;
}

void log_rings_close(struct log_rings *rings)
{
	if (rings->header)
		(void)munmap(rings->header, LOG_FILE_BYTES);
	rings->header = NULL;
}

bool log_rings_open(struct log_rings *rings, const char *folder)
{
	char path[PATH_SIZE];
	AUTO(fd) int file = -1;
	struct stat info;
	void *data;

	(void)snprintf(path, sizeof(path), "%.250s/log", folder);
	file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (file < 0 || fstat(file, &info) != 0)
		return rings->header != NULL;
	if (rings->header && rings->device == info.st_dev && rings->inode == info.st_ino)
		return true;
	if (info.st_size != (off_t)LOG_FILE_BYTES)
		return rings->header != NULL;
	data = mmap(NULL, LOG_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (data == MAP_FAILED)
		return rings->header != NULL;
	if (((struct log_header *)data)->magic != LOG_MAGIC ||
		((struct log_header *)data)->version != LOG_VERSION) {
		(void)munmap(data, LOG_FILE_BYTES);
		return rings->header != NULL;
	}
	log_rings_close(rings);
	rings->header = data;
	rings->device = info.st_dev;
	rings->inode = info.st_ino;
	return true;
}

static void copy_out(const struct log_ring *ring, uint64_t at, void *out, size_t length)
{
	size_t place = at & (LOG_RING_BYTES - 1);
	size_t first = length < LOG_RING_BYTES - place ? length : LOG_RING_BYTES - place;

	memcpy(out, &ring->data[place], first);
	memcpy((uint8_t *)out + first, ring->data, length - first);
}

bool log_record_check(const void *bytes, size_t length)
{
	const struct log_record *record = bytes;
	const struct log_request *request = bytes;
	size_t texts = 0;

	if (length < sizeof(*record) || record->length > length ||
		record->length < sizeof(*record) || record->length % 8 != 0)
		return false;
	if (record->kind == LOG_BAN)
		return record->length == sizeof(struct log_ban) &&
		       ((const struct log_ban *)bytes)->check < CHECK_COUNT;
	if (record->kind == LOG_CRAWLER)
		return record->length == sizeof(struct log_crawler);
	if (record->kind != LOG_REQUEST || record->length < sizeof(*request))
		return false;
	for (int i = 0; i < LOG_TEXT_COUNT; i++)
		texts += request->text_length[i];
	return texts <= record->length - offsetof(struct log_request, text) &&
	       request->check <= CHECK_COUNT && request->verdict <= LOG_CACHED;
}

/* One record; 0: the ring is empty, or was emptied. */
static bool take(struct log_rings *rings, struct log_ring *ring, void *out)
{
	uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
	uint64_t tail = __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);
	struct log_record record;

	if (head == tail)
		return false;
	if (head - tail <= LOG_RING_BYTES && head - tail >= sizeof(record)) {
		copy_out(ring, tail, &record, sizeof(record));
		if (record.length >= sizeof(record) && record.length <= head - tail) {
			copy_out(ring, tail, out, record.length);
			/* A worker that overwrites what is being read breaks this one record alone. */
			((struct log_record *)out)->length = record.length;
			if (log_record_check(out, record.length)) {
				__atomic_store_n(
					&ring->tail, tail + record.length, __ATOMIC_RELEASE);
				return true;
			}
		}
	}
	rings->broken++;
	__atomic_store_n(&ring->tail, head, __ATOMIC_RELEASE);
	return false;
}

size_t log_rings_read(struct log_rings *rings, size_t count_max, log_visit visit, void *context)
{
	static _Thread_local uint64_t record[(UINT16_MAX + 1) / 8];
	size_t count = 0;

	for (uint32_t i = 0; rings->header && i < WORKER_MAX; i++) {
		/* Each ring its share, so that a busy worker does not hide the others. */
		for (size_t j = 0; j < count_max / WORKER_MAX + 1; j++) {
			if (!take(rings, ring_at(rings, i), record))
				break;
			visit(context, (const void *)record);
			count++;
		}
	}
	return count;
}

uint64_t log_rings_lost(const struct log_rings *rings)
{
	uint64_t lost = 0;

	for (uint32_t i = 0; rings->header && i < WORKER_MAX; i++)
		lost += __atomic_load_n(&ring_at(rings, i)->lost, __ATOMIC_RELAXED);
	return lost;
}

void log_view_of(const struct log_request *request, struct log_view *out)
{
	const char *at = (const char *)request->text;

	out->request = request;
	for (int i = 0; i < LOG_TEXT_COUNT; i++) {
		out->text[i] = (struct log_text_at){ at, request->text_length[i] };
		at += request->text_length[i];
	}
}
