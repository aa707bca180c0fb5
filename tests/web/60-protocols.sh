# SPDX-License-Identifier: BSD-2-Clause
# HTTPS and WebSocket through to origins, HTTP/2 from clients, the redirect to HTTPS.
. "$(dirname "$0")/lib.sh"
ORIGIN_EXTRA='listen 127.0.1.3:7200 http2; listen 127.0.1.3:7201 ssl http2;
	location /call { add_header grpc-status 0; default_type application/grpc; return 200 "protocol=$server_protocol https=$https sni=$ssl_server_name host=$http_host for=$http_x_forwarded_for requests=$connection_requests conn=$http_connection"; }'
origins_start
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test \
	-keyout "$scratch/one.key" -out "$scratch/one.pem" 2>/dev/null
site() { # site DOMAIN NUMBER FLAGS PORTS ORIGIN [MORE]
	echo '{"domain":"'$1'","number":'$2',"certificate":1,"flags":'$(($3 | TLS13))',"ports":['$4'],"origins":['$5'],"keepalive_requests":100,"keepalive_seconds":60'"${6:+,$6}"'}'
}
both="[80,$HTTP],[443,$HTTPS]"
at1='{"address":"127.0.1.1"}'
table <<END
{$(vips), "certificates":[{"number":1,"chain":"$scratch/one.pem","key":"$scratch/one.key"}],
 "sites":[
 $(site secure.test 1 $((KEEPALIVE | VERIFY)) "$both" "$at1"),
 $(site unknown.test 2 $((KEEPALIVE | VERIFY)) "$both" "$at1"),
 $(site trusting.test 3 $KEEPALIVE "$both" "$at1"),
 $(site plain.test 4 $((KEEPALIVE | PLAIN)) "$both" "$at1"),
 $(site eight.test 5 $((PLAIN | HTTP2 | KEEPALIVE)) "$both,[8443,$HTTPS]" '{"address":"127.0.1.1","port":8000}'),
 $(site to.test 6 $TO_HTTPS "$both" "$at1"),
 $(site to8443.test 7 $TO_HTTPS "[80,$HTTP],[8080,$HTTP],[8443,$HTTPS]" "$at1"),
 $(site socket.test 8 $((PLAIN | HTTP2 | TO_HTTPS)) "[80,$((HTTP | WS))],[443,$((HTTPS | WSS))]" '{"address":"127.0.1.2","port":7100}'),
 $(site grpc.test 10 $((HTTP2 | PLAIN | GRPC | KEEPALIVE | LOG)) "[443,$HTTPS]" '{"address":"127.0.1.3","port":7200}'),
 $(site grpcs.test 11 $((HTTP2 | GRPC)) "[443,$HTTPS]" '{"address":"127.0.1.3","port":7201}'),
 $(site again.test 12 0 "$both" "$at1"), $(site another.test 13 0 "$both" "$at1"), $(site wrong.test 14 0 "$both" "$at1"),
 $(site switch.test 15 $((HTTP2 | PLAIN | KEEPALIVE)) "[80,$HTTP],[443,$((HTTPS | WSS))]" '{"address":"127.0.1.2","port":7101}' '"cache":"aggressive","modes":{"malformed":0}'),
 $(site nosocket.test 9 0 "[80,$HTTP]" '{"address":"127.0.1.1","port":8000}')]}
END
edge_start 1

gets secure.test >"$scratch/said"
equal "HTTPS to an origin, by the name that was asked for" "127.0.1.1:443 on secure.test" \
	"$(word origin <"$scratch/said") $(word https <"$scratch/said") $(word sni <"$scratch/said")"
equal "a certificate of another name is refused where it is verified" 502 "$(code gets unknown.test /)"
equal "and taken where it is not" "200 trusting.test" "$(code gets trusting.test /) $(gets trusting.test | word sni)"
gets secure.test >/dev/null
equal "kept connections are not shared between names" "secure.test trusting.test secure.test" \
	"$(gets secure.test | word sni) $(gets trusting.test | word sni) $(gets secure.test | word sni)"
check "though they are kept" [ "$(gets secure.test | word requests)" -gt 2 ]
# Sessions of TLS: by address, name and whether the certificate was verified; the worker met each of these names above.
new() { gets "$1" | word reused; }
equal "a new connection resumes the session" "r r" "$(new again.test >/dev/null; new again.test) $(new again.test)"
equal "but not that of another name" ". r" "$(new another.test) $(new another.test)"
equal "nor one that was not verified" ". 502 502" "$(new wrong.test) $(table <<<"{\"sites\":[$(site wrong.test 14 $VERIFY "$both" "$at1")]}"; code gets wrong.test /) $(code gets wrong.test /)"

equal "plain HTTP where the site says so, then on port 80" "127.0.1.1:80 ''" \
	"$(gets plain.test | word origin) '$(gets plain.test | word https)'"
equal "the origin is told that it was HTTPS" https "$(gets plain.test | word proto)"

equal "HTTP/2" "2 eight.test" "$(gets eight.test / --http2 -o "$scratch/h2" -w '%{http_version}') $(word host <"$scratch/h2")"
equal "of many streams" 40 "$(gets eight.test '/[1-40]' --http2 -Z --no-progress-meter --parallel-max 20 | grep -c 'host=eight.test')"
head -c 300000 /dev/zero >"$scratch/zeros"
equal "with a body" 200 "$(code gets eight.test / --http2 --data-binary @"$scratch/zeros")"
equal "a stream for a name that nobody has gets nothing, others go on" "000 200" \
	"$(code gets eight.test / --http2 -H 'Host: nobody.test') $(code gets eight.test / --http2)"

call() { gets "$1" /call --http2 -H 'Content-Type: application/grpc' -H 'TE: trailers' "${@:2}"; }
call grpc.test >/dev/null
said=$(call grpc.test)
equal "gRPC over HTTP/2 to the origin, over a kept connection" "HTTP/2.0 grpc.test $VIP 2" \
	"$(word protocol <<<"$said") $(word host <<<"$said") $(word for <<<"$said") $(word requests <<<"$said")"
equal "is counted and logged" "2 2 127.0.1.3:7200" "$(journal site 10 | word requests) $(journal site 10 | word origin_requests) $(logged origin)"
said=$(call grpcs.test)
equal "under TLS" "HTTP/2.0 on grpcs.test" "$(word protocol <<<"$said") $(word https <<<"$said") $(word sni <<<"$said")"
equal "where connections are not kept, too, no call has a header of HTTP/1" "''" "'$(word conn <<<"$said")'"

location() { curl -s -m 5 --connect-to "::$VIP:" -o /dev/null -w '%{http_code} %{redirect_url}' "$@"; }
equal "to HTTPS" "301 https://to.test/a%20b?c=d" "$(location 'http://to.test/a%20b?c=d')"
equal "to the site's own port" "301 https://to8443.test:8443/" "$(location http://to8443.test:8080/)"
check "HTTPS is not redirected" grep -q host=to.test <<<"$(gets to.test)"

background /usr/bin/python3 tests/web/upgrade.py serve 127.0.1.2 7100
until_true bash -c ': </dev/tcp/127.0.1.2/7100'
equal "WebSocket" "one by socket.test; two by socket.test; 100015; echo" "$(/usr/bin/python3 tests/web/upgrade.py ask $VIP 80 socket.test)"
equal "under TLS" "one by socket.test; two by socket.test; 100015; echo" "$(/usr/bin/python3 tests/web/upgrade.py ask $VIP 443 socket.test tls)"
equal "by IPv6" "one by socket.test; two by socket.test; 100015; echo" "$(/usr/bin/python3 tests/web/upgrade.py ask $VIP6 80 socket.test)"
equal "not where the site has none" "failed: InvalidStatusCode" "$(/usr/bin/python3 tests/web/upgrade.py ask $VIP 80 nosocket.test)"
equal "the origin then is not asked for it" "''" "'$(get nosocket.test / -H 'Upgrade: websocket' -H 'Connection: Upgrade' | word upgrade)'"

# Switches whenever it is asked to, and at /always without having been asked.
background /usr/bin/python3 -c '
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(101 if self.path == "/always" or "Upgrade" in self.headers else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.1.2", 7101), Handler).serve_forever()'
until_true bash -c ': </dev/tcp/127.0.1.2/7101'
before=$(workers)
get switch.test /always >/dev/null
equal "an origin that switches unasked, where pages are kept" "200 $before" "$(code get switch.test /) $(workers)"
equal "a stream of HTTP/2 becomes no WebSocket, also where nobody looks for its headers" "200 $before" \
	"$("$O/tests/web/http2_flood" $VIP 443 switch.test request upgrade websocket) $(sleep 1; workers)"

# One that lasts lets the table go, and outlives its site.
mkfifo "$scratch/go"
exec 9<>"$scratch/go"
/usr/bin/python3 tests/web/upgrade.py keep $VIP 80 socket.test <"$scratch/go" >"$scratch/kept" &
kept=$!
until_true grep -q echo "$scratch/kept"
table <<<'{"superseded":true,"removed":["socket.test"]}'
get nosocket.test >/dev/null
check "an upgraded connection lets a table go" until_true bash -c "! grep -q 'requests/table.*deleted' /proc/$(workers | tr -d ' ')/maps"
echo >&9
wait $kept
equal "and lives on" "last by socket.test" "$(tail -n 1 "$scratch/kept")"
equal "it is counted when it ends" 1 "$(journal site 8 | word requests | grep -c '[4-9]')"
done_testing
