# SPDX-License-Identifier: BSD-2-Clause
# What is told about requests: counters of the site, records of those that are logged or refused, fingerprints in them.
. "$(dirname "$0")/lib.sh"
origins_start
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=one.test \
	-keyout "$scratch/one.key" -out "$scratch/one.pem" 2>/dev/null
table <<END
{$(vips), "proxies":["198.51.100.0/29"],
 "certificates":[{"number":1,"chain":"$scratch/one.pem","key":"$scratch/one.key"}],
 "sites":[
 {"domain":"one.test","number":1,"certificate":1,"flags":$((LOG | HTTP2 | TLS13 | PLAIN)),"ports":[[80,$HTTP],[81,$HTTP],[443,$HTTPS],[444,$HTTPS]],"origins":[{"address":"127.0.1.1","port":8000}]},
 {"domain":"quiet.test","number":2,"ports":[[80,$HTTP]],"origins":[{"address":"127.0.1.1","port":8000}]},
 {"domain":"dead.test","number":3,"flags":$LOG,"ports":[[80,$HTTP]],"origins":[{"address":"127.0.1.1","port":9}]}]}
END
edge_start 2
equal "a ring for each worker" "$(workers)" "$(journal rings | tr ' ' '\n' | sort | tr '\n' ' ')"

get one.test '/a?b=c' -A agent -e 'http://from/' -b k=v -H 'Content-Type: text/x' >/dev/null
record=$(journal | tail -n 1)
for part in site=1 client=$VIP peer=$VIP vip=$VIP:80 instance=1 verdict=passed scheme=1 version=11 status=200 origin_status=200 cut=0 \
	"method='GET'" "host='one.test'" "uri='/a?b=c'" "referer='http://from/'" "agent='agent'" "cookie='k=v'" "type='text/x'" "origin='127.0.1.1:8000'"; do
	check "a record has $part" grep -qF " $part" <<<" $record "
done
get quiet.test >/dev/null
equal "one of a site without a log is a sample" "2 passed 1" "$(logged site) $(logged verdict) $(logged weight)"
get nobody.test >/dev/null
equal "what is refused has" "refused 7 0 0" "$(logged verdict) $(logged check) $(logged status) $(logged site)"
long=$(printf 'a%.0s' $(seq 5000))
get one.test "/$long" -X "$(printf 'M%.0s' $(seq 900))" -A hidden -e http://from/ -H "Cookie: k=$long" >/dev/null
equal "a long path hides nobody, nor a long method or cookie" "one.test hidden http://from/ 127.0.1.1:8000" \
	"$(logged host) $(logged agent) $(logged referer) $(logged origin)"
equal "what is cut is marked" $(((1 << 2) + (1 << 6))) "$(logged cut)"
get dead.test / >/dev/null
equal "an origin that does not answer" "502 0" "$(logged status) $(logged origin_status)"

counted() { journal site "$1" | word "$2"; }
for i in 1 2 3; do get quiet.test / -X POST -d 12345 >/dev/null; done
equal "counters of a site" "4 4 4 4" "$(counted 2 requests) $(counted 2 status2) $(counted 2 origin_requests) $(counted 2 origin_status2)"
equal "of one with a dead origin" "1 1 1" "$(counted 3 requests) $(counted 3 status5) $(counted 3 origin_status0)"
check "bytes both ways" [ "$(counted 2 in)" -gt 100 ] && check "and out" [ "$(counted 2 out)" -gt 400 ]

# Fingerprints as published for these clients (Debian 12's curl and OpenSSL).
gets one.test / --http1.1 >/dev/null
equal "JA4 of curl" t13d3112h1_e8f1e7e78f70 "$(logged ja4 | cut -d_ -f1,2)"
gets one.test / --http2 >/dev/null
equal "JA4 of curl with HTTP/2" t13d3112h2_e8f1e7e78f70_b26ce05bbdd6 "$(logged ja4)"
equal "JA3 of curl" 0149f47eabf9a20d0893e2a44e5a6323 "$(logged ja3)"
equal "how curl opens HTTP/2" '3:100;4:33554432;2:0|33488897|0|m,p,s,a' "$(logged http2)"
for i in $(seq 60); do echo "url=https://one.test/many$i"; [ "$i" = 60 ] || echo next; done >"$scratch/many"
sed -i "s|^url|connect-to=\"::$VIP:\"\ninsecure\nsilent\nhttp2\noutput=/dev/null\nurl|" "$scratch/many"
curl -K "$scratch/many"
equal "of every connection, however fast the client's answer was" "60 60" \
	"$(journal | grep -c "uri='/many") $(journal | grep "uri='/many" | grep -c "http2='3:100;")"
(printf 'GET / HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n'; sleep 0.5) |
	timeout 5 openssl s_client -connect $VIP:443 -servername one.test >/dev/null 2>&1
equal "JA4 of openssl" t13d311000_e8f1e7e78f70_1f22a2ca17c4 "$(logged ja4)"
gets one.test / --tls-max 1.2 >/dev/null
equal "of TLS 1.2" t12d "$(logged ja4 | cut -c1-4)"
get one.test >/dev/null
check "none without TLS" grep -qv 'ja4=' <<<"$(journal | tail -n 1)"

# Whose request it is: PROXY headers and X-Forwarded-For are believed from trusted proxies alone.
get one.test / -H 'X-Forwarded-For: 203.0.113.7' >/dev/null
equal "X-Forwarded-For of anybody" $VIP "$(logged client)"
proxied() { get one.test / --interface "$1" "${@:2}"; }
proxied 198.51.100.1 -H 'X-Forwarded-For: 203.0.113.66, 203.0.113.7' >/dev/null
equal "of a trusted proxy, its last element" "203.0.113.7 198.51.100.1" "$(logged client) $(logged peer)"
proxied 198.51.100.1 -H 'X-Forwarded-For: 203.0.113.66, 203.0.113.7:999, 198.51.100.2' >/dev/null
equal "through two trusted proxies" "203.0.113.7 999" "$(logged client) $(logged client_port)"
proxied 198.51.100.1 -H 'X-Forwarded-For: 203.0.113.66' -H 'X-Forwarded-For: [2001:db8:7::1]:5, 198.51.100.3' >/dev/null
equal "in two headers" "2001:db8:7::1" "$(logged client)"
proxied 198.51.100.1 -H 'X-Forwarded-For: 203.0.113.66, nonsense' >/dev/null
equal "what is no address ends the chain" 198.51.100.1 "$(logged client)"
proxied 198.51.100.9 -H 'X-Forwarded-For: 203.0.113.7' >/dev/null
equal "beside the trusted prefix" 198.51.100.9 "$(logged client)"
header() { # header SOURCE PORT TEXT: a request behind a PROXY header
	python3 - "$1" "$2" "$3" "$VIP" <<-'END'
		import socket, sys
		s = socket.create_connection((sys.argv[4], int(sys.argv[2])), timeout=5, source_address=(sys.argv[1], 0))
		s.sendall((sys.argv[3] + "\r\nGET / HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n").encode())
		while s.recv(4096):
		    pass
	END
}
header 198.51.100.1 81 "PROXY TCP4 203.0.113.8 192.0.2.9 4444 80"
equal "a PROXY header of a trusted proxy" "203.0.113.8 4444 $VIP:81" "$(logged client) $(logged client_port) $(logged vip)"
header 198.51.100.9 81 "PROXY TCP4 203.0.113.8 192.0.2.9 4444 80"
equal "of anybody else" 198.51.100.9 "$(logged client)"
curl -sk -m 5 --haproxy-protocol --interface 198.51.100.1 --connect-to "::$VIP:" https://one.test:444/ >/dev/null
equal "before TLS" "198.51.100.1 2 200" "$(logged client) $(logged scheme) $(logged status)"

binary() { # binary SOURCE PORT CLIENT|local: the same behind a header of version 2, with a TLV behind the addresses
	python3 - "$1" "$2" "$3" "$VIP" <<-'END'
		import ipaddress, socket, ssl, struct, sys
		s = socket.create_connection((sys.argv[4], int(sys.argv[2])), timeout=5, source_address=(sys.argv[1], 0))
		if sys.argv[3] == "local":
		    kind, body = b"\x20\x00", b""
		else:
		    client = ipaddress.ip_address(sys.argv[3])
		    vip = ipaddress.ip_address("192.0.2.9" if client.version == 4 else "2001:db8::9")
		    kind = b"\x21\x11" if client.version == 4 else b"\x21\x21"
		    body = client.packed + vip.packed + struct.pack("!HH", 4445, 80) + b"\x04\x00\x03abc"
		s.sendall(b"\r\n\r\n\x00\r\nQUIT\n" + kind + struct.pack("!H", len(body)) + body)
		if sys.argv[2] == "444":
		    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
		    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
		    s = context.wrap_socket(s, server_hostname="one.test")
		s.sendall(b"GET / HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n")
		while s.recv(4096):
		    pass
	END
}
for port in 81 444; do
	binary 198.51.100.1 $port 203.0.113.11
	equal "a PROXY header of version 2, port $port" "203.0.113.11 4445 198.51.100.1 200" "$(logged client) $(logged client_port) $(logged peer) $(logged status)"
	binary 198.51.100.1 $port 2001:db8:7::5
	equal "with IPv6, port $port" "2001:db8:7::5 4445" "$(logged client) $(logged client_port)"
	binary 198.51.100.1 $port local
	equal "of the proxy's own connection, port $port" 198.51.100.1 "$(logged client)"
	binary 198.51.100.9 $port 203.0.113.11
	equal "of anybody else, port $port" 198.51.100.9 "$(logged client)"
done

before=$(counted 2 requests)
sampled() { # many at a time: also a busy machine answers hundreds in a second then
	wrk -t1 -c100 -d1s -H 'Host: quiet.test' "http://$VIP/?many" >"$scratch/wrk"
	[ "$(journal | grep -c "site=2 .*uri='/?many")" -lt $(($(counted 2 requests) - before)) ] &&
		grep -q "site=2 .* weight=16 .*uri='/?many" <<<"$(journal)"
}
check "of many in a second, some are recorded, which stand for more" until_true sampled

# A full ring loses records and says so; nothing waits.
for i in $(seq 16); do curl -s -m 20 --connect-to "::$VIP:" -A "$(printf 'x%.0s' $(seq 4000))" "http://one.test/[1-40]" -o /dev/null; done
check "a full ring counts what it loses" [ "$(od -An -t u8 -j $((4096 + 8)) -N 8 "$FOLDER/log")" -gt 0 -o "$(od -An -t u8 -j $((4096 + 1048768 + 8)) -N 8 "$FOLDER/log")" -gt 0 ]
equal "and requests go on" 200 "$(code get one.test /)"

# One worker crashes: its ring goes to its successor, counters stay.
WORKERS_DIE=1
before=$(counted 2 requests)
victim=$(workers | cut -d' ' -f1) other=$(workers | cut -d' ' -f2)
kill -SEGV "$victim"
until_true workers_are 2
check "the other worker is still there" kill -0 "$other"
check "all answer" get quiet.test
equal "counters are intact" $((before + 1)) "$(counted 2 requests)"
equal "rings are those of the workers there are" "$(workers)" "$(journal rings | tr ' ' '\n' | sort | tr '\n' ' ')"
kill -HUP "$(cat "$scratch/edge.pid")"
until_true grep -q 'gracefully shutting down' "$scratch/error.log"
sleep 0.5
equal "and after a reload" "$(workers)" "$(journal rings | tr ' ' '\n' | sort | tr '\n' ' ')"
done_testing
