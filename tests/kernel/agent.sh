#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The agent itself on the kernel at hand, without a control: it attaches, what it attached outlives it,
# a second one takes that over, and --detach leaves nothing. Speaks TAP.
#
#   agent.sh AGENT INTERFACE
agent=$1
interface=$2
pin=/sys/fs/bpf/polder-k
log=/tmp/agent.log
status=0

say() { # say NAME COMMAND...
	name=$1
	shift
	if "$@"; then
		echo "ok - $name"
	else
		echo "not ok - $name"
		tail -n 40 "$log"
		status=1
	fi
}

# Waits for a line of the log: emulation takes a minute to verify, on a busy machine several.
logged() {
	tries=0
	until grep -q "$1" "$log"; do
		tries=$((tries + 1))
		[ "$tries" -lt 400 ] && kill -0 "$pid" 2>/dev/null || return 1
		sleep 1
	done
}

start() {
	: >"$log" # at once: the shell in the background may be late
	"$agent" --node polder-k --control unix:/run/nobody --interface "$interface" \
		--source 192.0.2.1 --source 2001:db8::1 --pin "$pin" --mode native >"$log" 2>&1 &
	pid=$!
}

stop() {
	kill "$pid"
	wait "$pid"
}

filtered() { # the id of the program in native mode, empty when there is none
	ip -d link show dev "$interface" | sed -nE 's/.*prog\/xdp id ([0-9]+).*/\1/p'
}
filters() { [ -n "$(filtered)" ]; }
native() { ip link show dev "$interface" | grep -q ' xdp '; }
replaced() { filters && [ "$(filtered)" != "$before" ]; }
nothing_left() { ! filters && [ ! -e "$pin" ]; }

start
say "the agent loads and attaches" logged "filtering on $interface, native XDP"
say "the interface has the filter, native" native
say "it ends when told" stop
say "the filter outlives it" filters
before=$(filtered)
start
say "a second agent attaches" logged "filtering on $interface, native XDP"
say "its program has replaced the first" replaced
say "no map was made anew" sh -c "! grep 'another definition' '$log'"
stop
say "--detach succeeds" "$agent" --pin "$pin" --detach
say "--detach leaves nothing" nothing_left
exit "$status"
