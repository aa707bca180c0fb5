#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# kill -9 of the control and of the agent, and replacement of the packet program, lose no datagram and
# reset no connection.
. "$(dirname "$0")/lib.sh"

pid() { "$POLDER" lab status --json | jq -r ".pids.$1"; }
back() { # back NAME OLD: a new pid
	local end=$((SECONDS + 15))
	while [ $SECONDS -lt $end ]; do
		[ "$(pid "$1")" != "$2" ] && [ "$(pid "$1")" != null ] && return 0
		sleep 0.02
	done
	echo "$1 was not restarted"
	return 1
}
id=$(buy Ipv4)
vip=$(instance "$id" Ip)
forward "$id" tcp 7000 "$TCP_ECHO" "$ORIGIN4"
forward "$id" udp 7000 "$UDP_ECHO" "$ORIGIN4"
check "nodes confirm the rules" settled

inside client "$LOAD" udp "$vip" 7000 200000 20000 >"$scratch/udp" 2>&1 &
udp=$!
inside client "$LOAD" hold "$vip" 7000 100 10 >"$scratch/tcp" 2>&1 &
tcp=$!
sleep 1
# replaced OLD: the interface has another program within 20 s: the verifier reads it first.
replaced() {
	local end=$((SECONDS + 20))
	while [ "$(program)" = "$1" ] && [ $SECONDS -lt $end ]; do sleep 0.1; done
	[ "$(program)" != "$1" ]
}
program() { bpftool -j link show pinned "$(field .state)/bpf/node/link_c0" | jq .prog_id; }
for turn in 1 2; do
	for name in control agent; do
		old=$(pid $name)
		program_before=$(program)
		kill -9 "$old"
		check "$name is back, turn $turn" back $name "$old"
		# How long that takes is the machine's; the supervisor's own pause is none, and 100 ms when it has just ended before.
		check "without waiting" grep -qE 'again in (0|100) ms' <<<"$(grep "$name ended" "$(field .state)/supervisor.log" | tail -n 1)"
		sleep 1
		[ $name = agent ] && check "the packet program was replaced, turn $turn" replaced "$program_before"
	done
done
wait $udp
equal "200,000 numbered datagrams: none lost" "0" "$(jq .lost "$scratch/udp")"
wait $tcp
equal "100 open connections: none failed" "0" "$(jq .failed "$scratch/tcp")"
equal "100 open connections: all went on" "100" "$(jq .ok "$scratch/tcp")"
check "the API answers" call DescribeNodes
check "the audit log is whole" "$POLDER" audit verify
check "a rule made after all this reaches the packets" bash -c "
	'$POLDER' call CreatePort --InstanceId $id --FrontendProtocol udp --FrontendPort 7001 \
		--BackendPort $UDP_ECHO --RealServers.1 $ORIGIN4 >/dev/null"
check "nodes confirm it" settled
check "and it forwards" reaches udp "$vip" 7001
done_testing
