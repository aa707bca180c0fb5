# SPDX-License-Identifier: BSD-2-Clause
# Shared by the tests against the running lab: TAP output, calls, clock, traffic. Sourced. A script that
# damages its lab sets OWN_LAB before, to the number of nodes: it gets a lab beside the one that is up,
# which ends with the script. LAB_OPTIONS: more words for "lab up".
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
O=${O:-build}
POLDER=$O/polder
LOAD=$(realpath "$O/tests/net/load")
API_LOAD=$(realpath "$O/tests/net/api_load")
scratch=$(mktemp -d) || exit 1
. tests/support/tap.sh
trap 'finish' EXIT
trap 'exit 130' INT TERM

finish() {
	! declare -F mend >/dev/null || mend
	if [ -n "${OWN_LAB:-}" ]; then
		"$POLDER" lab down >/dev/null 2>&1
	else
		"$POLDER" lab clock reset >/dev/null 2>&1
	fi
	rm -rf "$scratch"
}
field() { jq -r "$1" <<<"$STATUS"; }
# look: takes over what the lab says about itself, which is new after each "lab up".
look() {
	STATUS=$("$POLDER" lab status --json) || { echo "not ok - the lab is not running"; exit 1; }
	ORIGIN4=$(field .origin.ipv4) ORIGIN6=$(field .origin.ipv6)
	HTTP_PORT=$(field .origin.http) TCP_ECHO=$(field .origin.tcp_echo) UDP_ECHO=$(field .origin.udp_echo)
	TCP_BANNER=$(field .origin.tcp_banner)
	API=$(field .api) KEY=$(field .access_key_id) SECRET=$(field .access_key_secret)
}
port_is_taken() { : 2>/dev/null <"/dev/tcp/127.0.0.1/$1"; }
if [ -n "${OWN_LAB:-}" ]; then
	export POLDER_LAB_NAME=${POLDER_LAB_NAME:-polder}-own POLDER_API_PORT
	for POLDER_API_PORT in $(seq 18300 18399); do
		port_is_taken "$POLDER_API_PORT" || break
	done
	"$POLDER" lab down
	"$POLDER" lab up --nodes "$OWN_LAB" ${LAB_OPTIONS:-} >/dev/null || { echo "not ok - lab up --nodes $OWN_LAB"; exit 1; }
fi
look

done_testing() { exit $test_failed; }

call() { "$POLDER" call "$@"; }
code_of() { call "$@" | jq -r '.Code // "OK"'; }
inside() { # inside ROLE COMMAND...
	"$POLDER" lab exec "$@"
}
clock() { "$POLDER" lab clock "$@" >/dev/null || not_ok "lab clock $*"; }

# buy Ipv4|Ipv6: prints the new instance's id.
buy() {
	call CreateInstance --ProductCode ddos --ProductType ddoscoo --SubscriptionType Subscription \
		--Period 1 --Parameter.1.Code AddressType --Parameter.1.Value "$1" \
		--Parameter.2.Code PortCount --Parameter.2.Value 50 | jq -r .Data.InstanceId
}
instance() { # instance ID FIELD
	call DescribeInstances --PageNumber 1 --PageSize 10 --InstanceIds.1 "$1" | jq -r ".Instances[0].$2"
}
forward() { # forward ID tcp|udp FRONTEND BACKEND ORIGIN
	call CreatePort --InstanceId "$1" --FrontendProtocol "$2" --FrontendPort "$3" --BackendPort "$4" \
		--RealServers.1 "$5" >/dev/null
}
# always_cookies ID: each SYN is answered with one, however few there are.
always_cookies() { call ModifyInstanceLimits --InstanceId "$1" --SynThreshold 0 >/dev/null; }
# eventually COMMAND...: until it succeeds. How soon things happen is said by benchmarks; a busy machine is no failure.
PATIENCE=30
eventually() {
	local end=$((SECONDS + PATIENCE))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { "$@"; return; }
		sleep 0.05
	done
}
# settled: all nodes confirmed everything that was ordered.
confirmed() { call DescribeNodes | jq -e '.TotalCount > 0 and all(.Nodes[]; .UpToDate)'; }
settled() { eventually confirmed >/dev/null || { echo "the nodes did not confirm"; return 1; }; }
# put the life cycle at ExpireTime of instance ID plus SECONDS
at_expiry_plus() {
	local now expire
	clock reset
	expire=$(instance "$1" ExpireTime)
	now=$(date +%s%3N)
	clock "+$(((expire - now) / 1000 + $2))s"
}
# impair ROLE DROP DUPLICATE LATE: the role's line is bad, both ways, until mend; of 1,000 packets of TCP.
bad=()
impair() {
	local n
	"$O/tests/wire/impair" "$(field ".namespaces.$1")" n0 "$2" "$3" "$4" 5 >"$scratch/impair-$1" &
	bad+=($!)
	for ((n = 0; n < 200; n++)); do
		inside "$1" tc filter show dev n0 egress | grep -q impair_out && return
		sleep 0.05
	done
	not_ok "the line of $1 did not turn bad"
}
mend() { # sets lost: how many packets were
	[ ${#bad[@]} -gt 0 ] || return 0
	kill "${bad[@]}" && wait "${bad[@]}"
	bad=()
	lost=$(cat "$scratch"/impair-* | jq -s '[.[] | .in.dropped + .out.dropped] | add')
}
client_address() { # client_address 4|6: the client's address toward the VIPs
	inside client ip -j -"$1" route get "$2" | jq -r '.[0].prefsrc'
}
# reaches PROTOCOL VIP PORT: one echo through the VIP, at most half a second.
reaches() {
	case $1 in
	tcp) inside client timeout 0.5 "$LOAD" echo "$2" "$3" 1 1 64 >/dev/null 2>&1 ;;
	udp)
		echo "$2" >"$scratch/vip-$2"
		[ "$(inside client "$LOAD" each "$scratch/vip-$2" "$3" 500 2>&1 | jq .answered)" = 1 ]
		;;
	esac
}
