# SPDX-License-Identifier: BSD-2-Clause
# Origins: who gets a request, what happens when one fails, connections that are kept, TLS to them, what they are told.
. "$(dirname "$0")/lib.sh"
ORIGIN_EXTRA='location /slow { return 200; limit_rate 1; }'
origins_start
origin() { echo '{"address":"127.0.1.'$1'","port":8000'${2:-}'}'; }
site() { # site DOMAIN NUMBER BALANCE FLAGS ORIGINS [MORE]: 0 ip_hash, 1 rr, 2 least_time
	echo '{"domain":"'$1'","number":'$2',"balance":'$3',"flags":'$4',"ports":[[80,'$HTTP']],"origins":['$5']'${6:-}'}'
}
dead='{"address":"127.0.1.1","port":9,"max_fails":2,"fail_timeout":2}'
table <<END
{$(vips), "proxies":["198.51.100.0/28"], "names":[{"name":"origin.example","addresses":["127.0.1.5","127.0.1.6"]},{"name":"six.example","addresses":["::1"]},{"name":"loop.example","addresses":["$VIP6"]}],
 "sites":[
 $(site rr.test 1 1 0 "$(origin 1 ',"weight":30'),$(origin 2 ',"weight":10')"),
 $(site hash.test 2 0 0 "$(origin 1),$(origin 2),$(origin 3),$(origin 4)"),
 $(site less.test 3 0 0 "$(origin 1),$(origin 2),$(origin 3)"),
 $(site time.test 4 2 0 "$(origin 1),$(origin 2)"),
 $(site backup.test 5 1 $RETRY "$dead,$(origin 2 ',"backup":1')"),
 $(site once.test 6 1 0 "$dead,$(origin 2)"),
 $(site retry.test 7 1 $RETRY "$dead,$(origin 2)"),
 $(site name.test 8 1 $((1 << 11)) '{"name":"origin.example","port":8000}'),
 $(site nobody.test 9 1 $((1 << 11)) '{"name":"unknown.example","port":8000}'),
 $(site six.test 10 1 $((1 << 11)) '{"name":"six.example","port":8000}'),
 $(site port.test 11 1 0 '{"address":"127.0.1.7"}'),
 $(site keep.test 12 1 $KEEPALIVE "$(origin 8)" ',"keepalive_requests":3,"keepalive_seconds":30'),
 $(site mine.test 30 1 $KEEPALIVE "$(origin 8)" ',"keepalive_requests":9,"account":7'),
 $(site also-mine.test 31 1 $KEEPALIVE "$(origin 8)" ',"keepalive_requests":9,"account":7'),
 $(site yours.test 32 1 $KEEPALIVE "$(origin 8)" ',"keepalive_requests":9,"account":8'),
 $(site close.test 13 1 0 "$(origin 8)"),
 $(site short.test 14 1 $KEEPALIVE "$(origin 9)" ',"keepalive_requests":100,"keepalive_seconds":1'),
 $(site slow.test 15 1 0 '{"address":"127.0.1.1","port":7000,"read":1}'),
 $(site raw.test 17 1 $KEEPALIVE '{"address":"127.0.1.1","port":7001}'),
 $(site rawown.test 18 1 $KEEPALIVE '{"address":"127.0.1.1","port":7001}' ',"headers":[["X-Custom","mine"]]'),
 $(site loop.test 27 1 0 '{"address":"'$VIP'","port":80}'), $(site loop6.test 28 1 $((1 << 11)) '{"name":"loop.example","port":80}'),
 $(site aside.test 29 1 $((RETRY | KEEPALIVE)) '{"address":"'$OTHER'","port":80}'",$(origin 2)" ',"keepalive_requests":9,"keepalive_seconds":9'),
 $(site head.test 16 1 $PORTS "$(origin 1)" ',"headers":[["X-Custom","mine"],["X-Other","two"]]')]}
END
edge_start 1

many() { # many HOST COUNT: how many requests each origin got
	curl -s -m 20 --connect-to "::$VIP:" "http://$1/[1-$2]" | word_all origin | sort | uniq -c | awk '{print $2"="$1}' | tr '\n' ' '
}
word_all() { grep -oE "(^| )$1=[^ ]*" | sed 's/^[^=]*=//'; }
equal "turns by weight" "127.0.1.1:8000=30 127.0.1.2:8000=10 " "$(many rr.test 40)"

# Clients behind a trusted proxy stand for many addresses.
by_client() { # by_client HOST: of 64 clients, their origins in order
	local i
	for i in $(seq 64); do echo "url=http://$1/"; echo "header=\"X-Forwarded-For: 203.0.113.$i\""; [ $i = 64 ] || echo next; done |
		sed "1i interface=198.51.100.1\nconnect-to=\"::$VIP:\"\nsilent" | sed "s/^next/next\ninterface=198.51.100.1\nconnect-to=\"::$VIP:\"\nsilent/" |
		curl -s -K - | word_all origin
}
by_client hash.test >"$scratch/all"
equal "a client keeps its origin" "$(cat "$scratch/all")" "$(by_client hash.test)"
check "all origins have clients" [ "$(sort "$scratch/all" | uniq | wc -l)" = 4 ]
by_client less.test >"$scratch/less"
equal "when one goes, only its clients move" 0 \
	"$(paste "$scratch/all" "$scratch/less" | awk '$1 !~ /\.4:/ && $1 != $2' | wc -l)"
six() { get hash.test / --interface 198.51.100.1 -H "X-Forwarded-For: $1" | word origin; }
equal "an IPv6 client by its /64" "$(six 2001:db8:1:2::1)" "$(six 2001:db8:1:2:ffff::9)"
equal "least time asks all" 2 "$(many time.test 20 | wc -w)"

equal "the backup, when the others failed" 127.0.1.2:8000 "$(get backup.test | word origin)"
codes() { curl -s -m 20 --connect-to "::$VIP:" "http://$1/[1-$2]" -o /dev/null -w '%{http_code} '; }
equal "without retry a failure is the client's, until the origin is out" "502 200 502 200 200 200 200 200 " "$(codes once.test 8)"
equal "with retry it is nobody's" "200 200 200 200 200 200 " "$(codes retry.test 6)"
sleep 2.2
equal "then it is asked again, and is out at once" 1 "$(codes once.test 6 | grep -o 502 | wc -l)"
equal "all addresses of a name" "127.0.1.5:8000=4 127.0.1.6:8000=4 " "$(many name.test 8)"
equal "a name without address" 502 "$(code get nobody.test /)"
equal "an IPv6 origin" "::1:8000" "$(get six.test | word origin | tr -d '[]')"
equal "the client's port when the origin has none" 127.0.1.7:80 "$(get port.test | word origin)"

requests() { curl -s -m 20 --connect-to "::$VIP:" "http://$1/[1-$2]" | word_all requests | tr '\n' ' '; }
equal "connections are kept for so many requests" "1 2 3 1 2 3 1 " "$(requests keep.test 7)"
equal "or not at all" "1 1 1 " "$(requests close.test 3)"
equal "by all sites of an account, and by no other's" "1 2 1 3 2" "$(for host in mine also-mine yours mine yours; do get $host.test | word requests; done | xargs)"
get short.test >/dev/null
sleep 1.5
equal "or for so long" 1 "$(get short.test | word requests)"
equal "the origin is told so" "close" "$(get close.test | word conn)"

# An origin that ends a kept connection: the next request gets another one, and the origin is not blamed.
get keep.test >/dev/null
nginx -c "$scratch/origin/nginx.conf" -s reload
sleep 0.5
equal "a kept connection that the origin ended" 200 "$(code get keep.test /)"

background python3 -c 'import socket,time
s = socket.create_server(("127.0.1.1", 7000)); time.sleep(60)'
until_true bash -c ': </dev/tcp/127.0.1.1/7000'
equal "an origin that does not answer in its time" 504 "$(code get slow.test /)"

said=$(get head.test / -H 'X-Custom: forged' -H 'x-other: forged' -H 'X-Real-IP: 6.6.6.6' -H 'X-Forwarded-Proto: https' -H 'X-Forwarded-ClientSrcPort: 1')
equal "headers of the site, not the client's" "mine $VIP http $VIP 80" \
	"$(word custom <<<"$said") $(word real <<<"$said") $(word proto <<<"$said") $(word for <<<"$said") $(word proxyport <<<"$said")"
check "the client's port" [ "$(word clientport <<<"$said")" -gt 1024 ]
said=$(get rr.test / -H 'X-Forwarded-For: 6.6.6.6' -H 'X-Forwarded-ProxyPort: 6' -H 'X-Custom: own')
equal "nobody can forge them" "$VIP '' own" "$(word for <<<"$said") '$(word proxyport <<<"$said")' $(word custom <<<"$said")"
equal "a trusted proxy's is gone on with" "203.0.113.7, 198.51.100.1" \
	"$(get rr.test / --interface 198.51.100.1 -H 'X-Forwarded-For: 203.0.113.7' | grep -oP 'for=\K.*(?= proto)')"
equal "Host as it came" rr.TEST:80 "$(get rr.test / -H 'Host: rr.TEST:80' | word host)"
# What an origin gets, as it stands: names of the lines in their order.
background python3 -c 'import socket
s = socket.create_server(("127.0.1.1", 7001))
while True:
	c, _ = s.accept()
	head = b""
	while b"\r\n\r\n" not in head:
		piece = c.recv(65536)
		if not piece: break
		head += piece
	names = ",".join(l.split(":")[0] if l[:5].lower() != "host:" else l for l in head.decode().split("\r\n")[1:] if l)
	c.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(names), names.encode())); c.close()'
until_true bash -c ': </dev/tcp/127.0.1.1/7001'
equal "Host comes first, and once" "Host: raw.test,User-Agent,Accept,X-Real-IP,X-Forwarded-For,X-Forwarded-Proto" "$(get raw.test /)"
equal "beside headers of the site" "Host: RawOwn.test:80,User-Agent,Accept,X-Custom,X-Real-IP,X-Forwarded-For,X-Forwarded-Proto" \
	"$(get rawown.test / -H 'Host: RawOwn.test:80' -H 'X-Custom: forged')"
exec 3<>/dev/tcp/$VIP/80
printf 'GET http://raw.test/ HTTP/1.1\r\nAccept: *\r\nhost: raw.test\r\nConnection: close\r\n\r\n' >&3
equal "the host of an absolute URI, where the client wrote it" "Accept,Host: raw.test,X-Real-IP,X-Forwarded-For,X-Forwarded-Proto" "$(tail -n 1 <&3)"
exec 3>&-

# An origin that is a protected address would have the same request come again, and again.
while read -r host number; do
	status=$(code get "$host" /)
	until_true [ "$(journal site "$number" | word requests)" -gt 0 ]
	equal "what would go round is not asked: $host" "502 1" "$status $(journal site "$number" | word requests)"
done <<<"loop.test 27
loop6.test 18"
equal "but another origin" "200 200" "$(code get aside.test /) $(code get aside.test /)"

# Bodies: small ones at once, great ones as they come, whole.
head -c 300000 /dev/zero >"$scratch/zeros"
equal "a great body" 200 "$(code get rr.test / --data-binary @"$scratch/zeros")"
equal "in chunks" 200 "$(code get rr.test / -H 'Transfer-Encoding: chunked' --data-binary @"$scratch/zeros")"
done_testing
