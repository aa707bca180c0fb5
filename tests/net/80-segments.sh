#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Hand-made TCP segments through the whole node: tests/wire/scripts, one conversation each, all at a time,
# with a client and an origin that no stack has. tests/wire/segments says how to read them.
. "$(dirname "$0")/lib.sh"

FIRST_PORT=$((3000 + RANDOM % 400 * 100)) # what the node repeats of an earlier run is not of this one
CLIENT=(192.0.2.20 2001:db8:c::20)
MADE_ORIGIN=(203.0.113.5 2001:db8::5)
scripts=(tests/wire/scripts/*[!c])
[ $# -gt 0 ] && scripts=("$@")

for i in 0 1; do
	id=$(buy Ipv$((4 + 2 * i)))
	vip[i]=$(instance "$id" Ip)
	for ((n = 0; n < ${#scripts[@]}; n++)); do
		forward "$id" tcp $((FIRST_PORT + n)) $((FIRST_PORT + n)) "${MADE_ORIGIN[i]}"
		# The scripts are about the handshake with a cookie, which is else above a threshold only.
		call ModifyNetworkRuleAttribute --InstanceId "$id" --ForwardProtocol tcp \
			--FrontendPort $((FIRST_PORT + n)) --Config '{"Synproxy":"on"}' >/dev/null
	done
done
check "nodes confirm the rules" settled
# A script may say how the origin is told the client's address.
for ((n = 0; n < ${#scripts[@]}; n++)); do
	how=$(sed -n 's/^# client address: //p' "${scripts[n]}")
	[ -z "$how" ] || for i in 0 1; do
		"$O/tests/wire/service" "$(field .state)/bpf/node" "${vip[i]}" $((FIRST_PORT + n)) "$how" ||
			not_ok "client address: $how"
	done
done
tests/wire/segments --client "$(field .namespaces.client)" --origin "$(field .namespaces.origin)" \
	--node "$(field .namespaces.node)" \
	--client4 "${CLIENT[0]}" --client6 "${CLIENT[1]}" --vip4 "${vip[0]}" --vip6 "${vip[1]}" \
	--origin4 "${MADE_ORIGIN[0]}" --origin6 "${MADE_ORIGIN[1]}" --first-port $FIRST_PORT "${scripts[@]}" ||
	test_failed=1
done_testing
