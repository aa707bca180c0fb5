/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is read of interfaces, from the loopback interface of this machine.
 */
#include "agent/uplink.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PAYLOAD 1000

/* Whether anybody listens or not, it goes through the interface. */
static void send_to_self(void)
{
	struct sockaddr_in self = { .sin_family = AF_INET, .sin_port = htons(9) };
	char payload[PAYLOAD] = "";
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(
		sendto(fd, payload, sizeof(payload), 0, (struct sockaddr *)&self, sizeof(self)),
		sizeof(payload));
	(void)close(fd);
}

static void test_read(void **state)
{
	const char *names[] = { "nothing0", "lo" };
	const struct agent_settings settings = { .interface = { names, 2 }, .uplink_mbps = 25 };
	struct record_uplink before[NODE_INTERFACE_MAX], after[NODE_INTERFACE_MAX];
	struct uplinks *uplinks;

	(void)state;
	assert_int_equal(uplinks_open(&settings, &uplinks), OK);
	/* What is not there is left out; the others keep their place. */
	assert_int_equal(uplinks_read(uplinks, before), 1);
	assert_int_equal(before[0].record.type, RECORD_UPLINK);
	assert_int_equal(before[0].record.length, sizeof(before[0]));
	assert_int_equal(before[0].record.id, 2);
	assert_string_equal(before[0].name, "lo");
	assert_int_equal(before[0].speed_mbps, 25); /* its driver does not tell */
	send_to_self();
	assert_int_equal(uplinks_read(uplinks, after), 1);
	assert_true(after[0].in_bytes >= before[0].in_bytes + PAYLOAD);
	assert_true(after[0].out_bytes >= before[0].out_bytes + PAYLOAD);
	uplinks_close(uplinks);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_read) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
