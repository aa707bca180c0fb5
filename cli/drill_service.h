/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lab's service that runs drills for whoever may use its socket: the control, for the console's button.
 *
 * A connection carries one request and one answer, each a JSON object. {"Do": "list" | "state" | "start" | "stop"}; start also has
 * Name, Ip (which has to be protected), and Seconds and PacketsPerSecond, 0 for the drill's own. An answer with the member Error,
 * a sentence, says why nothing was done; with Busy, that another drill runs.
 */
#ifndef CLI_DRILL_SERVICE_H
#define CLI_DRILL_SERVICE_H

/* Serves until SIGTERM, at drill.sock in the state folder of the lab of this environment. Exit status. */
int drill_service_run(void);

#endif
