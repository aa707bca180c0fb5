/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The origin's echo services.
 */
#ifndef CLI_ECHO_H
#define CLI_ECHO_H

/* Serves until the process is ended. Ports 1..65535, both IP versions. Returns an exit status when a port
 * cannot be had. */
int echo_run(int tcp, int udp, int banner);

#endif
