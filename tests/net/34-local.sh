#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The packet path of web sites: connections to their ports end on the node, at whose listening sockets are in its map.
# Here these are of an echo service in nginx's place, so that each byte is compared and connections stay open: bans,
# the life cycle, an agent that is killed, floods. In a lab of its own, since nginx loses its sockets.
OWN_LAB=1
. "$(dirname "$0")/lib.sh"
WEB=$(realpath "$O/tests/wire/web")
PIN=$(field .state)/bpf/node
NODE=/run/netns/$(field .namespaces.node)
PORT=80
LISTEN=7600 # and the next one

site() { # site ID DOMAIN PORT ORIGIN
	call CreateDomainResource --Domain "$2" --InstanceIds.1 "$1" --ProxyTypes.1.ProxyType http \
		--ProxyTypes.1.ProxyPorts.1 "$3" --RsType 0 --RealServers.1 "$4" >/dev/null && settled
}
worker() { # worker COMMAND...: with the rights of nginx's workers
	setpriv --reuid www-data --regid www-data --clear-groups --bounding-set -all "$@"
}
pid() { "$POLDER" lab status --json | jq -r ".pids.$1"; }
node() { nsenter --net="$NODE" "$@"; }
counter() { # counter NAME: of the node's stack
	node awk -v name="$1" '!seen[$1]++ { split($0, names); next }
		{ for (i = 2; i <= NF; i++) if (names[i] == name) print $i }' /proc/net/snmp /proc/net/netstat
}
received() { # bytes that connections that are open have brought the service
	node ss -Htin state established "sport = :$PORT" | grep -oE 'bytes_received:[0-9]+' | awk -F: '{ sum += $2 } END { print sum + 0 }'
}
moved() { # moved SECONDS: yes when more come within them
	local before end=$((SECONDS + $1))
	before=$(received)
	while sleep 0.2; do
		[ "$(received)" = "$before" ] || { echo yes; return; }
		[ $SECONDS -lt $end ] || return
	done
}
# what cookies keep: options of the connections that the service has now
options() { node ss -Htino state established "sport = :$PORT" | grep -oE '\b(ts|sack|wscale)\b' | sort -u | xargs; }
hold() { # hold VIP CONNECTIONS SECONDS: in the background
	inside client "$LOAD" hold "$1" $PORT "$2" "$3" >"$scratch/hold" 2>&1 &
	hold=$!
	sleep 1
}
held() { # held NAME CONNECTIONS
	wait "$hold"
	equal "$1: all went on" "$2 0" "$(jq -r '"\(.ok) \(.failed)"' "$scratch/hold")"
}
serve() {
	mkfifo "$scratch/end"
	node "$WEB" serve "$PIN" "$LISTEN" <"$scratch/end" >"$scratch/web" 2>&1 &
	exec 8>"$scratch/end"
	eventually grep -q ready "$scratch/web" || { cat "$scratch/web"; return 1; }
}

# not in a subshell, which would end it
if serve; then ok "the service takes nginx's place"; else not_ok "the service takes nginx's place"; fi
declare -A id vip
for version in 4 6; do
	origin=ORIGIN$version
	id[$version]=$(buy Ipv$version)
	vip[$version]=$(instance "${id[$version]}" Ip)
	check "nothing is there before, IPv$version" test "$(reaches tcp "${vip[$version]}" $PORT && echo yes)" = ""
	check "a web site, IPv$version" site "${id[$version]}" "v$version.example.com" $PORT "${!origin}"
	check "its port leads to the service, IPv$version" reaches tcp "${vip[$version]}" $PORT
	check "another port does not, IPv$version" test "$(reaches tcp "${vip[$version]}" 81 && echo yes)" = ""
	check "200 connections of 64 KiB, IPv$version" inside client "$LOAD" echo "${vip[$version]}" $PORT 200 20 65536
done
traffic_above() { [ "$(call DescribeTraffic --InstanceId "$1" | jq ".$2")" -gt "$3" ]; }
for version in 4 6; do
	check "they are traffic of the instance, IPv$version" eventually traffic_above "${id[$version]}" InPackets 400
	check "so is what is sent to them, IPv$version" eventually traffic_above "${id[$version]}" OutBytes $((200 * 65536))
done

for version in 4 6; do
	v=${vip[$version]}
	source=$(client_address $version "$v")
	number=$("$WEB" instance "$PIN" "$v")
	hold "$v" 20 7
	equal "connections are in use, IPv$version" yes "$(moved 5)"
	check "a worker bans the client, IPv$version" worker "$WEB" ban "$PIN" "$number" "$source" 60 9 12
	check "it reaches nothing from then on, IPv$version" test "$(reaches tcp "$v" $PORT && echo yes)" = ""
	equal "nor on connections that are open, IPv$version" "" "$(moved 1)"
	check "and is let go, IPv$version" worker "$WEB" unban "$PIN" "$number" "$source"
	held "connections that were open, IPv$version" 20
	check "new ones, IPv$version" reaches tcp "$v" $PORT
	check "a ban of two seconds, IPv$version" worker "$WEB" ban "$PIN" "$number" "$source" 2 9 12
	check "it is in force, IPv$version" test "$(reaches tcp "$v" $PORT && echo yes)" = ""
	sleep 2
	check "and over, IPv$version" reaches tcp "$v" $PORT
	call AddAutoCcWhitelist --InstanceId "${id[$version]}" --Whitelist "[{\"src\":\"$source\"}]" >/dev/null
	check "nodes confirm the allow-list, IPv$version" settled
	check "a ban of who is allowed, IPv$version" worker "$WEB" ban "$PIN" "$number" "$source" 600 9 12
	check "does nothing, IPv$version" reaches tcp "$v" $PORT
	call DeleteAutoCcWhitelist --InstanceId "${id[$version]}" --Whitelist "[{\"src\":\"$source\"}]" >/dev/null
	check "nodes confirm that it is not allowed, IPv$version" settled
	check "and then it counts, IPv$version" test "$(reaches tcp "$v" $PORT && echo yes)" = ""
	call AddAutoCcBlacklist --InstanceId "${id[$version]}" --Blacklist "[{\"src\":\"$source\"}]" --ExpireTime 600 >/dev/null
	check "nodes confirm a block, IPv$version" settled
	call DeleteAutoCcBlacklist --InstanceId "${id[$version]}" --Blacklist "[{\"src\":\"$source\"}]" >/dev/null
	check "and its end, IPv$version" settled
	check "which ends the ban, too, IPv$version" reaches tcp "$v" $PORT
	worker "$WEB" ban "$PIN" "$number" "$source" 600 9 12
	check "a ban of ten minutes, IPv$version" test "$(reaches tcp "$v" $PORT && echo yes)" = ""
	at_expiry_plus "${id[$version]}" 1
	check "bans end with the instance, IPv$version" reaches tcp "$v" $PORT
	at_expiry_plus "${id[$version]}" $((7 * 86400 + 1))
	check "seven days later nothing passes, IPv$version" test "$(reaches tcp "$v" $PORT && echo yes)" = ""
	clock reset
	worker "$WEB" unban "$PIN" "$number" "$source"
	sleep 0.3
	check "in time all is as before, IPv$version" reaches tcp "$v" $PORT
	check "no other right comes with that" test "$(worker bpftool map dump pinned "$PIN/vip" 2>/dev/null)" = ""
done

hold "${vip[4]}" 50 5
old=$(pid agent)
kill -9 "$old"
check "new connections while no agent runs" inside client "$LOAD" echo "${vip[4]}" $PORT 20 5 1000
another_agent() { [ "$(pid agent)" != "$old" ]; }
check "another agent is there" eventually another_agent
check "and has its orders" settled
check "new connections then" inside client "$LOAD" echo "${vip[4]}" $PORT 20 5 1000
check "IPv6, too" inside client "$LOAD" echo "${vip[6]}" $PORT 20 5 1000
held "connections over that" 50

# Floods: above the threshold SYNs get cookies of the node's stack, and segments of nobody end.
for version in 4 6; do
	v=${vip[$version]} drill=syn-flood
	[ $version = 6 ] && drill=syn-flood-ipv6
	accepted=$(counter SyncookiesRecv) failed=$(counter SyncookiesFailed)
	(timeout 60 "$POLDER" lab drill $drill --vip "$v" --seconds 8 --pps 5000 >"$scratch/drill" 2>&1) &
	drilled=$!
	sleep 2
	check "500 connections under a flood of SYNs, IPv$version" inside client "$LOAD" echo "$v" $PORT 500 20 1000
	hold "$v" 10 2
	equal "they keep SACK, timestamps and window scale, IPv$version" "sack ts wscale" "$(options)"
	held "connections by cookies, IPv$version" 10
	wait "$drilled"
	check "they came by cookies, IPv$version" test "$(counter SyncookiesRecv)" -ge $((accepted + 510))
	equal "of which the stack refused none, IPv$version" "$failed" "$(counter SyncookiesFailed)"
done
equal "the switch of cookies is as it was" 1 "$(node cat /proc/sys/net/ipv4/tcp_syncookies)"
resets=$(counter OutRsts)
(timeout 60 "$POLDER" lab drill ack-flood --vip "${vip[4]}" --seconds 3 --pps 20000 >"$scratch/drill" 2>&1) &
drilled=$!
sleep 1
check "100 connections under a flood of ACKs" inside client "$LOAD" echo "${vip[4]}" $PORT 100 10 1000
wait "$drilled"
check "which the stack hardly answers" test $(($(counter OutRsts) - resets)) -lt 3000

call DeleteDomainResource --Domain v4.example.com >/dev/null
check "the web site is deleted" settled
check "its port leads nowhere" test "$(reaches tcp "${vip[4]}" $PORT && echo yes)" = ""
equal "and its address is not the node's any more" "" "$(node ip route show table local proto 80)"
check "the other's does" reaches tcp "${vip[6]}" $PORT
exec 8>&-
done_testing
