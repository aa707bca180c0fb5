/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A JSON document without memory ends the process, by a signal, before anything is made of it.
 */
#include "control/json_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void documents_are_made_as_before(void **state)
{
	char *text;

	(void)state;
	json_memory_start();
	json_t *document = json_pack("{s:s, s:[i]}", "a", "b", "c", 1);

	text = json_dumps(document, JSON_COMPACT);
	assert_string_equal(text, "{\"a\":\"b\",\"c\":[1]}");
	json_decref(document);
	json_free_t release;

	json_get_alloc_funcs(NULL, &release);
	release(text);
}

/* In a process of its own: more than there is. */
static void ask_for_too_much(void)
{
	const struct rlimit no_core = { 0, 0 };
	json_malloc_t take;

	(void)setrlimit(RLIMIT_CORE, &no_core);
	json_memory_start();
	json_get_alloc_funcs(&take, NULL);
	(void)take(SIZE_MAX / 4);
	_exit(0);
}

static void without_memory_the_process_ends(void **state)
{
	pid_t child = fork();
	int status = 0;

	(void)state;
	if (child == 0)
		ask_for_too_much();
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_are_made_as_before),
		cmocka_unit_test(without_memory_the_process_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
