# SPDX-License-Identifier: BSD-2-Clause
# Requests of one source that are under way are bounded over all its connections: HTTP/2 has many on each. Those of one site are when
# a worker has few connections left.
. "$(dirname "$0")/lib.sh"
. tests/web/checks.sh
origins_start
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=a.test \
	-keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>/dev/null
# An origin that takes connections and says nothing: nobody accepts them.
background python3 -c 'import socket, time
s = socket.create_server(("127.0.1.2", 9000), backlog=8192); time.sleep(300)'
[ "$(cat /proc/sys/net/core/somaxconn)" -ge 4096 ] || sysctl -qw net.core.somaxconn=8192 # of this namespace
table <<<"{$(vips), \"certificates\":[{\"number\":1,\"chain\":\"$scratch/cert.pem\",\"key\":\"$scratch/key.pem\"}],
 \"sites\":[$(one_site 1 a.test "\"flags\":$((TLS13 | HTTP2 | PLAIN)),\"certificate\":1,\"modes\":{\"pace\":0}" | sed 's/127.0.1.1","port":8000/127.0.1.2","port":9000/'),
 $(one_site 2 other.test)]}"
edge_start 2
until_true bash -c ': </dev/tcp/127.0.1.2/9000'
# streams ADDRESS CONNECTIONS: 125 requests on each, from that address; how many were reset in a moment. It then holds the others until it
# gets a line.
cat >"$scratch/streams.py" <<'END'
import socket, ssl, sys, threading
vip, source, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
context.set_alpn_protocols(["h2"])
open_ones, resets = [], [0]
def run():
    try:
        s = context.wrap_socket(socket.create_connection((vip, 443), source_address=(source, 0)), server_hostname="a.test")
        open_ones.append(s)
        head = b"\x82\x84\x87\x01\x06a.test"
        s.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") + b"".join(frame(1, 5, 2 * i + 1, head) for i in range(125)))
        s.settimeout(4)
        data = b""
        while True:
            data += s.recv(65536)
            while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3], "big"):
                resets[0] += data[3] == 3
                data = data[9 + int.from_bytes(data[:3], "big"):]
    except OSError:
        pass
for _ in range(0, count, 8):
    threads = [threading.Thread(target=run) for _ in range(min(8, count - len(open_ones)))]
    [t.start() for t in threads]; [t.join() for t in threads]
print(resets[0], flush=True)
sys.stdin.readline()
END
coproc STREAMS { python3 "$scratch/streams.py" $VIP 198.51.100.5 34; }
children+=($STREAMS_PID)
read -r -t 120 resets <&"${STREAMS[0]}"
equal "4,250 requests of a source at once: 4,000 are its part" 250 "$resets"
equal "the others are refused as what they are" "$(($(place_of connections) - 1)) refused" "$(logged check) $(logged verdict)"
equal "another source is served meanwhile" 200 "$(status other.test)"
echo >&"${STREAMS[1]}"
wait "$STREAMS_PID"
equal "and when they are over it has its part again" 0 "$(echo | python3 "$scratch/streams.py" $VIP 198.51.100.5 1)"

# A worker of 400 connections, and a site whose origin answers nobody.
kill "$(cat "$scratch/edge.pid")"
until_true bash -c "! kill -0 $(cat "$scratch/edge.pid") 2>/dev/null"
CONNECTIONS=400 edge_start 1
before=$(refused capacity)
cat >"$scratch/crowd.py" <<'END'
import select, socket, sys, time
clients = []
for i in range(200):
    s = socket.create_connection((sys.argv[1], 80), source_address=("198.51.100.%d" % (i % 9 + 1), 0))
    s.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
    clients.append(s)
time.sleep(1)
print(sum(s.recv(20).startswith(b"HTTP/1.1 503") for s in select.select(clients, [], [], 0)[0]), flush=True)
time.sleep(60)
END
coproc CROWD { exec python3 "$scratch/crowd.py" $VIP; }
crowd=$CROWD_PID
children+=($crowd)
read -r -t 60 crowded <&"${CROWD[0]}"
some() { [ "$crowded" -ge 40 ] && [ "$crowded" -le 80 ]; }
check "who asks a site that has taken most of a worker is refused ($crowded of 200)" some
equal "the log says why" "$(($(place_of capacity) - 1)) 503" "$(logged check) $(logged status)"
equal "and it is counted" "$crowded" $(($(refused capacity) - before))
equal "other sites are served" "200 200 200" "$(for i in 1 2 3; do status other.test; echo; done | xargs)"
kill $crowd
sleep 1
equal "and when they are gone it is asked again" "$(refused capacity)" "$(status a.test / -m 1 >/dev/null; refused capacity)"
done_testing
