#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Health checks on the wire: new connections avoid an origin that is down, the ones it has go on, an origin that
# comes back is used again, and when all are down all are used.
OWN_LAB=1
. "$(dirname "$0")/lib.sh"
PORT=7500 CHECK_PORT=7501

# Says its name for each line it gets; as a check's target it only has to listen.
cat >"$scratch/server.py" <<'END'
import socketserver, socket, sys
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            while self.rfile.readline():
                self.wfile.write(sys.argv[3].encode() + b"\n")
        except OSError:
            pass
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 200
    address_family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
Server((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
END
# COUNT connections: prints how many names there are and, once the file "go" is there, whether all still answer.
cat >"$scratch/client.py" <<'END'
import os, socket, sys, time
held = []
for i in range(int(sys.argv[3])):
    s = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5)
    s.sendall(b"\n")
    held.append((s, s.recv(100)))
print(" ".join(sorted({name.decode().strip() for _, name in held})), flush=True)
if len(sys.argv) > 4:
    while not os.path.exists(sys.argv[4]):
        time.sleep(0.05)
    for s, name in held:
        s.sendall(b"\n")
        if s.recv(100) != name:
            sys.exit("another origin answers")
    print("all still answer", flush=True)
END
declare -A pid
serve() { # serve NAME ADDRESS PORT
	"$POLDER" lab exec origin python3 "$scratch/server.py" "$2" "$3" "$1" 2>/dev/null &
	pid[$1]=$!
}
end_server() {
	# "lab exec" becomes the program: the process is the server.
	kill "${pid[$1]}" 2>/dev/null
	wait "${pid[$1]}" 2>/dev/null
}
names() { inside client python3 "$scratch/client.py" "$vip" 80 40; }
state() { # state: of the first and of the second
	call DescribeHealthCheckStatus --NetworkRules \
		"[{\"InstanceId\":\"$id\",\"Protocol\":\"tcp\",\"FrontendPort\":80}]" |
		jq -r --arg a "$first" --arg b "$second" '.HealthCheckStatus[0].RealServerStatusList |
			map({ (.Address): .Status }) | add | "\(.[$a]) \(.[$b])"'
}
becomes() { # becomes WANTED COMMAND...: within twice the PATIENCE: probes take their time
	local wanted=$1 end=$((SECONDS + 2 * PATIENCE)) got
	shift
	while [ $SECONDS -lt $end ]; do
		got=$("$@" 2>/dev/null)
		[ "$got" = "$wanted" ] && return 0
		sleep 0.2
	done
	echo "still: $got"
	return 1
}

for version in 4 6; do
	origin=ORIGIN$version
	first=${!origin}
	# The origin's own address on the link; the one above is behind it.
	second=$(inside origin ip -j -$version addr show dev n0 scope global | jq -r '.[0].addr_info[0].local')
	serve a "$first" $PORT
	serve b "$second" $PORT
	serve check_a "$first" $CHECK_PORT
	serve check_b "$second" $CHECK_PORT
	id=$(buy Ipv$version)
	vip=$(instance "$id" Ip)
	call CreatePort --InstanceId "$id" --FrontendProtocol tcp --FrontendPort 80 --BackendPort $PORT \
		--RealServers.1 "$first" --RealServers.2 "$second" >/dev/null
	check "nodes confirm a rule of two origins, IPv$version" settled
	check "both are used, IPv$version" becomes "a b" names
	call ModifyHealthCheckConfig --InstanceId "$id" --ForwardProtocol tcp --FrontendPort 80 --HealthCheck \
		"{\"Type\":\"tcp\",\"Port\":$CHECK_PORT,\"Timeout\":1,\"Interval\":1,\"Up\":1,\"Down\":2}" >/dev/null
	check "nodes confirm a check, IPv$version" settled
	check "both are well, IPv$version" becomes "normal normal" state

	rm -f "$scratch/go"
	inside client python3 "$scratch/client.py" "$vip" 80 20 "$scratch/go" >"$scratch/held" &
	held=$!
	check "connections to both are open, IPv$version" becomes "a b" cat "$scratch/held"
	end_server check_b
	check "new connections avoid an origin that is down, IPv$version" becomes a names
	equal "all of them, IPv$version" a "$(names)"
	check "its status says so, IPv$version" becomes "normal abnormal" state
	touch "$scratch/go"
	wait $held
	equal "those that it has go on, IPv$version" "all still answer" "$(tail -n 1 "$scratch/held")"
	serve check_b "$second" $CHECK_PORT
	check "back, and used again, IPv$version" becomes "a b" names

	end_server check_a
	check "the other one down, IPv$version" becomes b names
	end_server check_b
	check "all down: all are used, IPv$version" becomes "a b" names
	check "and the status says that they are down, IPv$version" becomes "abnormal abnormal" state
	for name in a b; do end_server $name; done
done
done_testing
