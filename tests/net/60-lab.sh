#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The lab keeps what it promises to scripts: the form of its status, the clock, the drills and their refusals;
# programs that die come back, and "down" leaves nothing behind whatever was broken before.
OWN_LAB=1
. "$(dirname "$0")/lib.sh"
DIRECTORY=$(field .state)

# status_of COMMAND...: its exit status; what it says is in $scratch/said.
status_of() {
	"$@" >"$scratch/said" 2>&1
	echo $?
}
said() { grep -qF -- "$1" "$scratch/said" || { cat "$scratch/said"; return 1; }; }
soon() { eventually "$@"; }

# ---- what it says about itself, at once after "up"
check "the nodes have confirmed what there is when lab up returns" \
	jq -e '.TotalCount == 1 and .Nodes[0].UpToDate' <<<"$(call DescribeNodes)"
check "status --json has every field that scripts rely on" jq -e '
	(.api | test("^http://127[.]0[.]0[.]1:[0-9]+/$")) and (.console | type == "string") and
	(.access_key_id | test("^[A-Za-z0-9]{20,}$")) and (.access_key_secret | length >= 30) and
	(.namespaces | keys == ["attacker", "client", "node", "origin"]) and
	(.vip_pool | length == 2 and all(.[]; test("/[0-9]+$"))) and
	(.origin | (.ipv4 | test("[.]")) and (.ipv6 | test(":"))) and
	(.origin | all(.http, .tcp_echo, .udp_echo; type == "number")) and
	(.pids | [has("supervisor", "control", "api", "origin", "echo", "agent")] | all) and
	all(.pids[]; . > 1)' <<<"$STATUS"
for role in client attacker node origin; do
	equal "the namespace of $role is named after the lab" "$POLDER_LAB_NAME-$role" "$(field ".namespaces.$role")"
	equal "exec $role works in it" "net:[$(stat -Lc %i "/run/netns/$POLDER_LAB_NAME-$role")]" \
		"$(inside $role readlink /proc/self/ns/net)"
done
for origin in "$ORIGIN4" "[$ORIGIN6]"; do
	for role in client node; do
		equal "/ of $origin from $role" 1024 "$(inside $role curl -s "http://$origin:$HTTP_PORT/" | wc -c)"
		equal "/1m of $origin from $role" 1048576 "$(inside $role curl -s "http://$origin:$HTTP_PORT/1m" | wc -c)"
	done
done
equal "exec hands on the exit status" 7 "$(status_of inside client sh -c 'exit 7')"
equal "exec in a role that is not there" 2 "$(status_of inside node2 true)"
check "the role is named" said '"node2"'
pids=$(field .pids)
equal "a second lab up changes nothing" 0 "$(status_of "$POLDER" lab up)"
check "and says so" said "already running"
look
equal "the same processes" "$pids" "$(field .pids)"
for nodes in 0 5 x; do
	equal "lab up --nodes $nodes is wrong usage" 2 "$(status_of "$POLDER" lab up --nodes $nodes)"
done

# ---- the clock: spans add up, and move nothing but the life cycle
ahead() { # how many seconds the clock is ahead, as "lab clock ..." prints it; status is the command's
	local told
	told=$("$POLDER" lab clock "$@") || return
	echo $(($(date -d "$told" +%s) - $(date +%s)))
}
moved() { # moved SECONDS ARGUMENTS...: within the second in which the two clocks were read
	local want=$1 got
	shift
	got=$(ahead "$@") && [ "$got" -ge $((want - 1)) ] && [ "$got" -le $((want + 1)) ] || { echo "$got"; return 1; }
}
check "clock +90s" moved 90 +90s
check "clock +2m adds" moved 210 +2m
check "clock +3h adds" moved 11010 +3h
check "clock +8d adds" moved 702210 +8d
check "clock -10s takes away" moved 702200 -10s
check "clock alone tells" moved 702200
for wrong in 5x +8 d ++1d "" +1d2h 99999999999999999999d; do
	equal "clock \"$wrong\" is wrong usage" 2 "$(status_of "$POLDER" lab clock "$wrong")"
	check "which is named" said "\"$wrong\""
done
check "wrong ones moved nothing" moved 702200
check "clock reset" moved 0 reset
check "clock -1s" moved -1 -1s
for _ in 1 2 3 4 5 6; do "$POLDER" lab clock +10m >/dev/null & done
wait $(jobs -p)
check "six at the same time add up" moved 3599
clock reset
check "clock +400d" moved 34560000 +400d
check "calls signed with the true time are authentic at +400d" call DescribeInstances --PageNumber 1 --PageSize 1
check "an instance bought then expires a month after that" test \
	"$(instance "$(buy Ipv4)" ExpireTime)" -gt $((($(date +%s) + 428 * 86400) * 1000))
equal "the clock has a bound" 1 "$(status_of "$POLDER" lab clock +36500d)"
check "and stays" moved 34560000
clock reset

# ---- the command line
equal "call: done" 0 "$(status_of call DescribeNodes)"
equal "call: refused by the service" 1 "$(status_of call DescribeInstances)"
check "with the service's words" jq -e '.Code == "MissingParameter"' "$scratch/said"
equal "call: nobody answers" 2 "$(status_of call DescribeNodes --endpoint http://127.0.0.1:9/)"
equal "call: unknown option" 2 "$(status_of call DescribeNodes --fromat xml)"
check "which is named" said "--fromat"
equal "call: option without a value" 2 "$(status_of call DescribeNodes --format)"
equal "call: format" 2 "$(status_of call DescribeNodes --format yaml)"
equal "call: no parameter" 2 "$(status_of call DescribeNodes stray)"
equal "call: unknown action with --version" 1 "$(status_of call NoSuchAction --version 2020-01-01)"
check "reaches the service" jq -e '.Code == "InvalidAction.NotFound"' "$scratch/said"
equal "call: unknown version" 1 "$(status_of call DescribeNodes --version 1999-01-01)"
call DescribeNodes --format xml >"$scratch/xml"
check "XML is well-formed" python3 -c "
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
assert root.tag == 'DescribeNodesResponse' and root.find('Nodes/Node/NodeName').text == 'node', root.tag" "$scratch/xml"
equal "XML of a refusal is an Error" Error "$(call DescribeInstances --format xml |
	python3 -c 'import sys, xml.etree.ElementTree as tree; print(tree.parse(sys.stdin).getroot().tag)')"
"$POLDER" --help >"$scratch/help"
"$O/polder-control" --describe | jq -r '.[].name' | sort >"$scratch/actions"
equal "--help lists the actions of the service, all and no others" "$(cat "$scratch/actions")" \
	"$(sed -n '/^Protection/,$p' "$scratch/help" | awk '/^  / { print $1 }' | sort)"

# ---- completion
"$POLDER" completion bash >"$scratch/completion"
check "the completion script parses" bash -n "$scratch/completion"
completes() { # completes WORD...: what the last one becomes
	bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _polder; printf "%s\n" "${COMPREPLY[@]}"' \
		bash "$scratch/completion" "$@" | sort
}
equal "an action is completed" "$(grep '^DescribeInst' "$scratch/actions")" "$(completes polder call DescribeInst)"
equal "all actions are offered" "$(cat "$scratch/actions")" "$(completes polder call '')"
equal "a parameter is completed" "$(printf '%s\n' --FrontendPort --FrontendProtocol)" \
	"$(completes polder call CreatePort --Front)"
equal "commands are those of the help" "$(awk '/^Prot/ { exit } /^  [a-z]/ { print $1 }' "$scratch/help" | sort)" \
	"$(completes polder '')"
equal "commands of the lab too" "$("$POLDER" lab --help | awk '/^  [a-z]/ { print $1 }' | sort)" "$(completes polder lab '')"
equal "and drills" "$("$POLDER" lab drill 2>/dev/null | awk '/^  [a-z]/ { print $1 }' | sort)" \
	"$(completes polder lab drill '')"

# ---- drills: what is sent arrives, and has the end that it should have
for version in 4 6; do
	origin=ORIGIN$version
	id[version]=$(buy Ipv$version)
	forward "${id[version]}" tcp 80 "$HTTP_PORT" "${!origin}"
	forward "${id[version]}" udp 7000 "$UDP_ECHO" "${!origin}"
	always_cookies "${id[version]}" # counted below
done
check "nodes confirm the rules" settled
vip=$(instance "${id[4]}" Ip)
reasons() { call DescribeNodes | jq '[.Nodes[0].Reasons[] | {(.Name): .Packets}] | add'; }
traffic() { call DescribeTraffic --InstanceId "$1" | jq '{InPackets, DroppedPackets, OutPackets}'; }
sent() { awk '$1 == "sent" && $3 == "packets," { print $2 }' "$scratch/said"; }
# drill NAME VERSION DROPPED OUT REASONS...: so many of each sent packet are dropped and answered; the reasons add up to the rest.
drill() {
	local name=$1 version=$2 dropped=$3 out=$4 expected=$5 before after was now
	was=$(traffic "${id[$version]}") before=$(reasons)
	equal "drill $name" 0 "$(status_of "$POLDER" lab drill "$name" --seconds 1 --pps 3000)"
	now=$(traffic "${id[$version]}") after=$(reasons)
	check "$name: traffic of the instance" jq -ne --argjson was "$was" --argjson now "$now" --argjson sent "$(sent)" "
		\$sent >= 100 and \$now.InPackets - \$was.InPackets == \$sent and
		\$now.DroppedPackets - \$was.DroppedPackets == \$sent * $dropped and
		\$now.OutPackets - \$was.OutPackets == \$sent * $out or error(\"\(\$was) \(\$now) \(\$sent)\")"
	check "$name: packets by reason" jq -ne --argjson was "$before" --argjson now "$after" --argjson sent "$(sent)" "
		(\$now | with_entries(.value -= \$was[.key]) | del(.host) | with_entries(select(.value != 0))) as \$change |
		$expected or error(\"\(\$change) \(\$sent)\")"
}
one() { echo "\$change == {\"$1\": \$sent}"; }
opened='($change | keys) == ["flow_opened", "forwarded_udp"] and ($change | add) == 2 * $sent'
equal "a drill that is not there" 2 "$(status_of "$POLDER" lab drill no-such)"
check "is named" said '"no-such"'
equal "a drill has a bound" 2 "$(status_of "$POLDER" lab drill syn-flood --seconds 61)"
equal "a drill to an address outside the pool" 1 "$(status_of "$POLDER" lab drill syn-flood --seconds 1 --vip "$ORIGIN4")"
drill syn-flood 4 0 1 "$(one cookie_sent)"
drill syn-flood-ipv6 6 0 1 "$(one cookie_sent)"
drill ack-flood 4 1 0 "$(one cookie_invalid)"
drill udp-flood 4 0 1 "$opened"
drill udp-flood-ipv6 6 0 1 "$opened"
drill udp-reflection 4 0 1 "$opened"
drill fragment-flood 4 1 0 "$(one fragment_unknown)"
drill malformed 4 1 0 '($change | keys) == ["malformed", "tcp_flags"] and ($change | add) == $sent'
drill block-listed 4 1 0 "$(one block_list)"
equal "the drill took its entry off the block-list again" 0 \
	"$(call DescribeAutoCcBlacklist --InstanceId "${id[4]}" --PageNumber 1 --PageSize 10 | jq .TotalCount)"

# ---- a client under a flood
"$POLDER" lab drill syn-flood --seconds 4 --pps 50000 >"$scratch/said" 2>&1 &
flood=$!
sleep 1
check "200 connections in a row under a flood of SYNs" inside client "$LOAD" get "$vip" 80 200 1 / 1024
check "500 more, 10 at a time" inside client "$LOAD" get "$vip" 80 500 10 / 1024
check "the flood was still going on" kill -0 $flood
wait $flood
equal "the flood ended well" 0 $?
check "and was one" test "$(sent)" -ge 50000

# ---- the generator works nowhere else: other namespaces under the attacker's name
attacker=/run/netns/$POLDER_LAB_NAME-attacker
foreign=$POLDER_LAB_NAME-foreign
transmitted() { nsenter --net="$1" cat /proc/net/dev | awk 'NR > 2 { sum += $3 + $11 } END { print sum + 0 }'; }
refused() { # refused WHAT NAMESPACE
	local before
	before=$(transmitted "$2")
	mount --bind "$2" "$attacker" || { not_ok "mount $1"; return; }
	equal "a drill in $1 is refused" 1 "$(status_of "$POLDER" lab drill syn-flood --seconds 1 --pps 1000)"
	check "because the lab did not make it" said "the generator refuses: this network namespace was not made by the lab"
	check "and nothing was sent" bash -c "! grep -q ' sent ' '$scratch/said'"
	umount "$attacker"
	[ "$1" = "the machine's own namespace" ] && return # others send there
	equal "not a packet in $1" "$before" "$(transmitted "$2")"
}
imitate() { # imitate NAMESPACE: makes it, with interfaces named as the attacker's
	ip netns add "$1"
	ip -n "$1" link add n0 type veth peer name other
	ip -n "$1" link add spare0 type veth peer name spare1
	for link in n0 other spare0 spare1; do
		ip -n "$1" link set "$link" addrgenmode none up
	done
	# Or what the generator sends would be lost uncounted.
	nsenter --net="/run/netns/$1" ethtool -K other gro on
}
imitate "$foreign"
refused "a namespace with interfaces of the same names" "/run/netns/$foreign"
refused "the client's namespace" "/run/netns/$POLDER_LAB_NAME-client"
refused "the machine's own namespace" "/proc/$$/ns/net"
inside attacker ip link set n0 name n9
equal "a drill on an interface that the lab did not make is refused" 1 \
	"$(status_of "$POLDER" lab drill syn-flood --seconds 1 --pps 1000)"
check "and the interface is named" said "n0"
inside attacker ip link set n9 name n0
ip netns delete "$foreign"
number=$(stat -Lc %i "$attacker")
for _ in 1 2 3 4 5; do # the kernel frees the old one a little later
	ip netns delete "$POLDER_LAB_NAME-attacker"
	sleep 0.1
	imitate "$POLDER_LAB_NAME-attacker"
	[ "$(stat -Lc %i "$attacker")" = "$number" ] && break
done
equal "a drill in a namespace made anew, number and all, is refused" 1 \
	"$(status_of "$POLDER" lab drill syn-flood --seconds 1 --pps 1000)"
check "because the lab did not make that one" said "this network namespace was not made by the lab"
equal "not a packet there" 0 "$(transmitted "$attacker")"

# ---- programs that die are back
clean_start() {
	equal "$1: lab up" 0 "$(status_of "$POLDER" lab up)"
	look
	check "$1: it serves" settled
}
"$POLDER" lab down
clean_start "programs that die"
pid_of() { jq -r ".$1 // 0" "$DIRECTORY/pids.json"; }
back() { # back NAME OLD: there is another process of that name
	[ "$(pid_of "$1")" -gt 0 ] && [ "$(pid_of "$1")" != "$2" ] && kill -0 "$(pid_of "$1")"
}
serves() {
	case $1 in
	control | api) call DescribeNodes ;;
	origin) inside client curl -sf -m 1 "http://$ORIGIN4:$HTTP_PORT/" ;;
	echo) inside client timeout 1 "$LOAD" echo "$ORIGIN4" "$TCP_ECHO" 1 1 64 ;;
	agent) settled && "$POLDER" lab clock +1s ;;
	dns) inside client kdig +timeout=1 +retry=0 -p "$(field .dns.port)" "@$(field .dns.ipv4)" "$(field .dns.zone)" SOA |
		grep -q NOERROR ;;
	esac
}
for name in control api origin echo agent dns; do
	old=$(pid_of $name)
	if [ "$old" = 0 ]; then
		ok "$name # SKIP is not installed"
		continue
	fi
	kill -9 "$old"
	check "$name is started again" soon back $name "$old"
	check "at once" grep -q "$name ended.*again in 0 ms" "$DIRECTORY/supervisor.log"
	check "$name serves again" soon serves $name
done

# ---- down, after whatever happened
# The kernel gives numbers of namespaces again at once: what counts is who was in them before.
remember() {
	local process link
	for process in /proc/[0-9]*; do
		link=$(readlink "$process/ns/net") && grep -qxF "$link" <(
			stat -Lc 'net:[%i]' "/run/netns/$POLDER_LAB_NAME"-*) && echo "$process $link"
	done >"$scratch/processes"
}
left() { # what is left of the lab, and of who was in its namespaces when they were remembered
	local process link
	ls -d "$DIRECTORY" "$DIRECTORY.lock" "/run/netns/$POLDER_LAB_NAME"-* 2>/dev/null
	grep -F "$DIRECTORY" /proc/mounts
	for process in /proc/[0-9]*; do
		link=$(readlink "$process/cwd") && [[ $link == "$DIRECTORY"* ]] && echo "$process $(readlink "$process/exe")"
	done
	while read -r process link; do
		[ "$(readlink "$process/ns/net")" = "$link" ] && echo "$process $(readlink "$process/exe") in $link"
	done <"$scratch/processes"
	return 0
}
down() { # down AFTER_WHAT: ends everything, twice
	equal "$1: lab down" 0 "$(status_of "$POLDER" lab down)"
	equal "$1: it says nothing" "" "$(cat "$scratch/said")"
	equal "$1: nothing is left" "" "$(left)"
	equal "$1: a second lab down" 0 "$(status_of "$POLDER" lab down)"
	equal "$1: nothing is left by that either" "" "$(left)"
	equal "$1: status" '1 {"running":false}' "$(status_of "$POLDER" lab status --json) $(cat "$scratch/said")"
}
kill_all() { jq -r '.[]' "$DIRECTORY/pids.json" | xargs kill -9; }
remember
down "in good order"

clean_start "the supervisor is killed"
remember
kill -9 "$(pid_of supervisor)"
equal "status without a supervisor" 1 "$(status_of "$POLDER" lab status --json)"
clean_start "lab up after that"
remember
kill_all
down "everything is killed"

clean_start "namespaces lose their names"
remember
ip netns delete "$POLDER_LAB_NAME-client"
ip netns delete "$POLDER_LAB_NAME-node"
equal "lab up tells" 1 "$(status_of "$POLDER" lab up)"
check "which namespace" said "$POLDER_LAB_NAME-client is gone"
kill -9 "$(pid_of supervisor)"
umount "/run/netns/$POLDER_LAB_NAME-origin"
down "namespaces without names, names without namespaces"

clean_start "the folder is removed"
remember
umount -l "$DIRECTORY/bpf"
rm -rf "$DIRECTORY"
down "the folder was removed"

: >"$scratch/processes"
for delay in 0.02 0.05 0.1 0.2 0.3 0.4 0.5 0.7 0.9; do # the last ones when programs are at work already
	"$POLDER" lab up >/dev/null 2>&1 &
	sleep $delay
	kill -9 $! 2>/dev/null
	wait $! 2>/dev/null
done
clean_start "nine times killed on its way up"
remember
down "killed on its way up"
python3 -c 'import socket, sys, time
taken = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(60)' "$POLDER_API_PORT" &
taken=$!
soon port_is_taken "$POLDER_API_PORT"
equal "lab up with its port taken" 1 "$(status_of "$POLDER" lab up)"
check "names the port" said "port $POLDER_API_PORT"
kill $taken
equal "and leaves nothing" "" "$(left)"
done_testing
