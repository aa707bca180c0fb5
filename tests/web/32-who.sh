# SPDX-License-Identifier: BSD-2-Clause
# Who a request is from, under the names that proxies have for it; and requests that come from this deployment itself.
. "$(dirname "$0")/lib.sh"
. tests/web/checks.sh
ORIGIN_EXTRA="location /round { proxy_pass http://$VIP:80; proxy_set_header Host \$http_host; }
	location /round6 { proxy_pass http://[$VIP6]:80; proxy_set_header Host \$http_host; }"
origins_start
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=who.test \
	-keyout "$scratch/who.key" -out "$scratch/who.pem" 2>/dev/null
# Answers with the header lines that it was asked with.
background python3 -c 'import email.utils, socket
s = socket.create_server(("127.0.1.1", 7001))
while True:
	c, _ = s.accept()
	head = b""
	while b"\r\n\r\n" not in head:
		piece = c.recv(65536)
		if not piece: break
		head += piece
	body = head.split(b"\r\n", 1)[-1]
	c.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/css\r\nDate: %b\r\nCache-Control: max-age=60\r\nContent-Length: %d\r\n\r\n%s" % (email.utils.formatdate(usegmt=True).encode(), len(body), body)); c.close()'
until_true bash -c ': </dev/tcp/127.0.1.1/7001'
table <<END
{$(vips), "loop_mark":$((0x0a0b0c0d)), "proxies":["198.51.100.0/28"], "certificates":[{"number":1,"chain":"$scratch/who.pem","key":"$scratch/who.key"}],
 "sites":[{"domain":"who.test","number":1,"certificate":1,"flags":$((PLAIN | HTTP2)),"cache":"aggressive","ports":[[80,$HTTP],[443,$HTTPS]],"origins":[{"address":"127.0.1.1","port":7001}]},
  {"domain":"round.test","number":2,"ports":[[80,$HTTP]],"origins":[{"address":"127.0.1.2","port":8000}]}]}
END
edge_start 1

# ---- who the client is
mapfile -t names < <(grep -oP '^CLIENT_HEADER\("\K[^"]+' shared/client_headers.def)
check "there are names" [ "${#names[@]}" -ge 10 ]
forged=()
for name in "${names[@]}"; do
	forged+=(-H "$name: 203.0.113.99")
	equal "$name is hidden, also from origins by gRPC" 2 "$(grep -cE "(proxy|grpc)_set_header $name \"\";" packaging/nginx-edge.conf)"
done
told() { grep -c '203[.]0[.]113[.]99'; }
equal "what clients say is not handed on" 0 "$(get who.test /1 "${forged[@]}" | told)"
equal "nor over HTTP/2" 0 "$(gets who.test /2 --http2 "${forged[@]}" | told)"
check "others are" grep -q '^X-Own: mine' <(get who.test /3 -H 'X-Own: mine')
proxied=(--interface 198.51.100.1)
equal "what a trusted proxy says is" "${#names[@]}" "$(get who.test /4 "${proxied[@]}" "${forged[@]}" | told)"
equal "and over HTTP/2" "${#names[@]}" "$(gets who.test /5 --http2 "${proxied[@]}" "${forged[@]}" | told)"
cached() { get who.test "$@" -o /dev/null -D - | grep -ciE '^X-Polder-Cache: HIT'; }
equal "pages are kept" "0 1" "$(cached /6.css) $(cached /6.css)"
equal "also where somebody tried, by what others ask" "0 0 1" "$(cached /7.css "${forged[@]}") $(cached /7.css) $(cached /7.css)"
equal "but not what a proxy's word may have made" "0 0" \
	"$(cached /8.css "${proxied[@]}" -H 'Forwarded: for=203.0.113.99') $(cached /8.css "${proxied[@]}" -H 'Forwarded: for=203.0.113.99')"

# ---- round and round
equal "a request says that it was here" "CDN-Loop: polder-0a0b0c0d" "$(get who.test /9 | grep -i '^cdn-loop' | tr -d '\r')"
equal "behind what it says already" "CDN-Loop: other, polder-0a0b0c0d CDN-Loop: polder-0a0b0c0d" \
	"$(get who.test /10 -H 'CDN-Loop: other, polder-0a0b0c0d' | grep -i '^cdn-loop' | tr -d '\r' | xargs)"
for path in /round /round6; do
	before=$(site_count 2 requests) refused=$(site_count 2 refused loop)
	equal "$path: ends" 508 "$(code get round.test $path)"
	until_true [ "$(($(site_count 2 requests) - before))" = 4 ]
	equal "$path: after three times" "4 1" "$(($(site_count 2 requests) - before)) $(($(site_count 2 refused loop) - refused))"
done
for _ in $(seq 200); do get round.test /round; done >/dev/null
equal "its source, a proxy of others, is not banned for it" "0 0" "$(node_bans) $(node_bans_failed)"
mark='polder-0a0b0c0d'
equal "in one line or in many" "508 508" "$(code get who.test /11 -H "CDN-Loop: $mark,$mark;a=b, $mark") $(code get who.test /12 -H "CDN-Loop: $mark" -H "cdn-loop: $mark" -H "CDN-LOOP: $mark")"
equal "over HTTP/2" 508 "$(code gets who.test /13 --http2 -H "CDN-Loop: $mark, $mark, $mark")"
equal "twice may be meant so" 200 "$(code get who.test /14 -H "CDN-Loop: $mark, $mark")"
equal "another deployment's are not ours" 200 "$(code get who.test /15 -H "CDN-Loop: polder-1a0b0c0d, polder-1a0b0c0d, polder-1a0b0c0d, polder")"
table <<<'{"proxies":["198.51.100.0/28"]}'
equal "without a mark nothing is said" 0 "$(get who.test /16 | grep -ci '^cdn-loop')"
equal "and nothing refused" 200 "$(code get who.test /17 -H "CDN-Loop: $mark, $mark, $mark")"
done_testing
