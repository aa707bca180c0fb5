# SPDX-License-Identifier: BSD-2-Clause
# Slow clients: heads, bodies and answers that take too long are cut off after five seconds, those that only pause or go
# slowly on a poor line are not; the three modes; WebSockets; slowhttptest.
. "$(dirname "$0")/lib.sh"
. tests/web/checks.sh
mkdir -p "$scratch/origin/files"
head -c $((9 << 20)) /dev/zero >"$scratch/origin/files/big"
chmod -R a+rX "$scratch/origin"
ORIGIN_EXTRA="location /big { root $scratch/origin/files; } client_max_body_size 0;"
origins_start
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=a.test \
	-keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>/dev/null
# An origin that answers after eight seconds, or when it has the whole body, which it may be slow to begin with.
background python3 -c '
import http.server, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(8); self.send_response(200); self.end_headers()
    def do_POST(self):
        if self.path == "/busy": time.sleep(36)
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/late": time.sleep(8)
        self.send_response(200); self.end_headers()
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer.request_queue_size = 128
http.server.ThreadingHTTPServer(("127.0.1.2", 9000), Handler).serve_forever()'
body_site() { one_site "$@" | sed 's/127.0.1.1","port":8000/127.0.1.2","port":9000/'; }
table <<END
{$(vips), "certificates":[{"number":1,"chain":"$scratch/cert.pem","key":"$scratch/key.pem"}],
 "sites":[$(body_site 9 rule.test "\"flags\":$((TLS13 | HTTP2 | PLAIN)),\"certificate\":1,\"rules\":[{\"number\":1,\"steps\":[{\"field\":\"body\",\"match\":\"contains\",\"value\":\"attack\"}]}]"), $(one_site 1 a.test "\"flags\":$((TLS13 | HTTP2 | PLAIN)),\"certificate\":1"), $(one_site 7 $VIP), $(body_site 8 $OTHER '"instances":[2]'), $(body_site 2 body.test "\"flags\":$((TLS13 | HTTP2 | PLAIN)),\"certificate\":1"),
 $(one_site 3 watch.test '"modes":{"slow_read":1}'), $(body_site 4 body-watch.test '"modes":{"slow_body":1}'),
 $(one_site 5 off.test '"modes":{"slow_read":0}'), $(body_site 10 long.test), $(body_site 6 body-off.test '"modes":{"slow_body":0}')]}
END
edge_start
until_true bash -c ': </dev/tcp/127.0.1.2/9000'

# As long as the origin takes nothing, nobody is slow who sends it much: longer than anybody may pause.
head -c 40000000 /dev/zero >"$scratch/much"
status body.test /busy -m 100 -H Expect: --data-binary "@$scratch/much" >"$scratch/busy" &
busy=$!
gets body.test /busy -m 100 -H Expect: --data-binary "@$scratch/much" -o /dev/null -w '%{http_code}' --http1.1 >"$scratch/busy-tls" &
busy_tls=$!
gets body.test /busy -m 100 -H Expect: --data-binary "@$scratch/much" -o /dev/null -w '%{http_code}' --http2 >"$scratch/busy-http2" &
busy_http2=$!

# Sixty bodies of one source, each a little faster than the least rate, for longer than half a minute: how many are left.
python3 - "$VIP" >"$scratch/lingering" <<'END' &
import socket, sys, time
clients = []
for _ in range(60):
    s = socket.create_connection((sys.argv[1], 80), source_address=("198.51.100.5", 0))
    s.sendall(b"POST / HTTP/1.1\r\nHost: long.test\r\nContent-Length: 1000000\r\n\r\n")
    s.setblocking(False)
    clients.append(s)
begin = time.time()
def is_open(s):
    try:
        return s.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
while time.time() < begin + 40:
    for s in clients:
        try:
            s.send(b"a" * 900)
        except OSError:
            pass
    time.sleep(1)
    if time.time() < begin + 25:
        early = sum(map(is_open, clients))
print(early, sum(map(is_open, clients)))
END
lingering=$!

# within NAME RESULT: five seconds, and what a busy machine adds.
within() { if [[ $2 =~ ^[0-9.]+$ ]] && awk "BEGIN { exit !($2 >= 4.5 && $2 <= 9) }"; then ok "$1"; else not_ok "$1" "after $2"; fi; }
before_header=$(refused slow_header)
python3 tests/web/slow_clients.py $VIP a.test:header body.test:body a.test:read body.test:http2-body a.test:http2-read body.test:steady-body \
	a.test:steady-read body.test:pause-body a.test:pause-read body-watch.test:body watch.test:read body-off.test:body \
	off.test:read body.test:idle-origin body.test:idle-post rule.test:http2-idle-post rule.test:steady-body \
	body.test:small-body body.test:http2-small-body rule.test:body rule.test:http2-body >"$scratch/slow" 2>&1
read -r header body read http2_body http2_read fair <"$scratch/slow"
within "a head that takes too long" "$header"
within "a body that takes too long" "$body"
within "an answer that is read too slowly" "$read"
within "a body over HTTP/2" "$http2_body"
within "an answer over HTTP/2 whose window does not open" "$http2_read"
read -r steady_body steady_read pause_body pause_read left <<<"$fair"
read -r small http2_small rule http2_rule <<<"$(cut -d' ' -f9- <<<"$left")"
left=$(cut -d' ' -f1-8 <<<"$left")
within "a small body" "$small"
within "a small one over HTTP/2" "$http2_small"
within "a body that a rule waits for" "$rule"
within "and over HTTP/2" "$http2_rule"
equal "slowly, but faster than the limit" "open whole" "$steady_body $steady_read"
equal "pauses of who was quick before" "open whole" "$pause_body $pause_read"
equal "watched and off: left alone; and who waits for the origin is not slow" "open open open open answered answered answered open" "$left"
equal "and counted, once each" "1 1" "$(site_count 4 watched slow_body) $(site_count 3 watched slow_read)"
equal "refusals are counted" "4 2 2" "$(site_count 2 refused slow_body) $(site_count 9 refused slow_body) $(site_count 1 refused slow_read)"
goes_up "heads for the node" 1 "$before_header" refused slow_header

# slowhttptest, in three ways at once: all its connections are closed in its time, and the site answers meanwhile.
slow() { # slow NAME OPTION...
	timeout 60 slowhttptest -c 30 -r 30 -i 3 -l 14 "${@:2}" >"$scratch/slowhttptest-$1" 2>&1 &
	slow+=($!)
}
slow=()
slow heads -H -u "http://$VIP/"
slow bodies -B -s 100000 -u "http://$OTHER/"
slow answers -X -w 512 -y 1024 -n 1 -z 200 -k 1 -u "http://$VIP/big"
sleep 3
equal "slowhttptest: others are served" 200 "$(status a.test)"
wait "${slow[@]}"
for kind in heads bodies answers; do
	check "slowhttptest, $kind: all are closed before its time is over" grep -aq 'No open connections left' "$scratch/slowhttptest-$kind"
done
wait $busy $busy_tls $busy_http2 $lingering
equal "nor who has to wait for a busy origin" "200 200 200" "$(cat "$scratch/busy") $(cat "$scratch/busy-tls") $(cat "$scratch/busy-http2")"
equal "of bodies that would go on for days a source has some, and no more" "60 50 10" "$(cat "$scratch/lingering") $(site_count 10 refused slow_body)"
bans=$(($(node_bans) + $(node_bans_failed)))
if [ "$bans" -gt 0 ]; then ok "and whoever does it again and again is to be banned"; else not_ok "whoever does it again and again is to be banned"; fi
done_testing
