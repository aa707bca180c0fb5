/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzzer's entry point once over each file of the folders (or files) named as arguments: what a
 * fuzzer ever found is tried again in every build, without a fuzzer.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_BYTES_MAX ((size_t)1 << 20)
#define PATH_BYTES_MAX	4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* false: not readable. */
static int replay_file(const char *path)
{
	static uint8_t data[INPUT_BYTES_MAX];
	FILE *file = fopen(path, "re");
	uint8_t *copy;
	size_t size;

	if (!file)
		return 0;
	size = fread(data, 1, sizeof(data), file);
	(void)fclose(file);
	/* On the heap, so that a sanitizer sees what is read behind its end. */
	copy = malloc(size ? size : 1);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	(void)LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	return 1;
}

/* Number of files; -1: one cannot be read. */
static int replay_folder(const char *folder)
{
	char path[PATH_BYTES_MAX];
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int count = 0;

	if (!dir)
		return errno == ENOTDIR && replay_file(folder) ? 1 : -1;
	while (count >= 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		count = replay_file(path) ? count + 1 : -1;
	}
	(void)closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	int i, count, total = 0;

	for (i = 1; i < argc; i++) {
		count = replay_folder(argv[i]);
		if (count < 0) {
			(void)fprintf(stderr, "cannot read %s\n", argv[i]);
			return EXIT_FAILURE;
		}
		total += count;
	}
	(void)printf("%d inputs\n", total);
	/* A corpus that went missing must not pass for one without findings. */
	return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
