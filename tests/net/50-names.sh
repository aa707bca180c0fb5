#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Names of instances, asked for by the client: they follow forwarding, switch back to the origin where that
# is wished, and are right again soon after the DNS server or the control was killed.
. "$(dirname "$0")/lib.sh"

if [ "$(field .dns)" = null ] || ! command -v kdig >/dev/null; then
	echo "ok - names # SKIP Knot DNS or kdig is not installed"
	exit 0
fi
DNS4=$(field .dns.ipv4) DNS6=$(field .dns.ipv6) DNS_PORT=$(field .dns.port) ZONE=$(field .dns.zone)
declare -A id vip name origin=([4]=$ORIGIN4 [6]=$ORIGIN6) type=([4]=A [6]=AAAA)

# asks SERVER NAME TYPE: "STATUS: ADDRESS ..." as the client gets it.
asks() {
	inside client kdig +noidn +timeout=1 +retry=0 -p "$DNS_PORT" "@$1" "$2" "$3" 2>/dev/null |
		awk -v type="$3" '/status:/ { sub(/;$/, "", $6); status = $6 }
			$1 != ";;" && $3 == "IN" && $4 == type { address = address " " $5 }
			END { print status ":" address }'
}
# becomes NAME EXPECTED KEY [DEADLINE]: the name of instance KEY answers so until then (in 3 s), over
# both IP versions.
becomes() {
	local server got deadline=${4:-$(($(date +%s%3N) + PATIENCE * 1000))}
	for server in "$DNS4" "$DNS6"; do
		got=$(asks "$server" "${name[$3]}" "${type[${3:0:1}]}")
		while [ "$got" != "$2" ] && [ "$(date +%s%3N)" -lt "$deadline" ]; do
			sleep 0.05
			got=$(asks "$server" "${name[$3]}" "${type[${3:0:1}]}")
		done
		equal "$1 (asked at $server)" "$2" "$got"
	done
}
# Keys: IP version and "s" for an instance that switches back.
all() { # all NAME PLAIN4 PLAIN6 BACK4 BACK6
	local deadline=$(($(date +%s%3N) + 3000))
	becomes "$1: IPv4" "$2" 4 $deadline
	becomes "$1: IPv6" "$3" 6 $deadline
	becomes "$1: IPv4, switching back" "$4" 4s $deadline
	becomes "$1: IPv6, switching back" "$5" 6s $deadline
}
addresses() { all "$1" "NOERROR: ${vip[4]}" "NOERROR: ${vip[6]}" "NOERROR: ${vip[4s]}" "NOERROR: ${vip[6s]}"; }
told() { call DescribeSwitchBack --InstanceId "${id[$1]}" | jq -r "$2"; }

for key in 4 6 4s 6s; do
	version=${key:0:1}
	id[$key]=$(buy "Ipv$version")
	vip[$key]=$(instance "${id[$key]}" Ip)
	name[$key]=$(told $key .Name)
	forward "${id[$key]}" tcp 7000 "$TCP_ECHO" "${origin[$version]}"
	forward "${id[$key]}" udp 7000 "$UDP_ECHO" "${origin[$version]}"
done
equal "a name is the instance's id in the zone" "${id[4]}.$ZONE" "${name[4]}"
for key in 4s 6s; do
	equal "SwitchBack of $key is set" OK \
		"$(code_of ConfigSwitchBack --InstanceId "${id[$key]}" --SwitchBack origin)"
done
addresses "a new instance answers its protected address"
equal "its TTL" 60 "$(inside client kdig +noall +answer -p "$DNS_PORT" "@$DNS4" "${name[4]}" A | awk '{ print $2 }')"
equal "a name that never was" "NXDOMAIN:" "$(asks "$DNS4" "ddoscoo-cn-00000000000.$ZONE" A)"

at_expiry_plus "${id[4]}" 60
addresses "expired: it is still forwarded, and answers"
at_expiry_plus "${id[4]}" $((7 * 86400 + 60))
stopped() { all "$1" "NXDOMAIN:" "NXDOMAIN:" "NOERROR: $ORIGIN4" "NOERROR: $ORIGIN6"; }
stopped "seven days after expiry"
equal "the API tells the same" "$ORIGIN4" "$(told 4s '.Answers | join(" ")')"
equal "the API tells the same of one that does not switch back" "" "$(told 4 '.Answers | join(" ")')"

# A rule more is an origin more; without rules there is nothing to switch back to.
forward "${id[4s]}" tcp 7001 "$TCP_ECHO" 203.0.113.201
becomes "an origin more" "NOERROR: $ORIGIN4 203.0.113.201" 4s
call DeletePort --InstanceId "${id[4s]}" --FrontendProtocol tcp --FrontendPort 7001 --BackendPort "$TCP_ECHO" \
	--RealServers.1 203.0.113.201 >/dev/null
becomes "and one less" "NOERROR: $ORIGIN4" 4s

clock reset
addresses "the clock back before the deadline"
at_expiry_plus "${id[4]}" $((7 * 86400 + 60))
stopped "and forth again"

# One by one: what is killed comes back, and the names with it.
killed() {
	local pid
	for _ in $(seq 60); do # it may be between two lives
		pid=$("$POLDER" lab status --json | jq -r ".pids.$1 // empty")
		[ -n "$pid" ] && kill -9 "$pid" 2>/dev/null && return
		sleep 0.05
	done
	not_ok "$1 runs and can be killed"
}
killed dns
stopped "the DNS server was killed"
killed control
stopped "the control was killed"
killed dns
killed control
stopped "both were killed"
for _ in $(seq 100); do
	call DescribeNodes >/dev/null 2>&1 && break
	sleep 0.1
done
killed dns
for key in 4 6 4s 6s; do
	equal "renewal of $key while the DNS server is away" Success \
		"$(code_of RenewInstance --InstanceId "${id[$key]}" --ProductCode ddos --RenewPeriod 1)"
done
addresses "renewed: the protected address again"

# Released: gone, even if the control is killed in the same moment.
at_expiry_plus "${id[4]}" $((7 * 86400 + 60))
for key in 4 6 4s 6s; do
	equal "release of $key" OK "$(code_of ReleaseInstance --InstanceId "${id[$key]}")"
done
killed control
all "released" "NXDOMAIN:" "NXDOMAIN:" "NXDOMAIN:" "NXDOMAIN:"
done_testing
