# SPDX-License-Identifier: BSD-2-Clause
# Which site a request is for: its host, exactly or by the nearest wildcard, at an address of one of the site's instances
# and at one of its ports; else the connection is closed and counted.
. "$(dirname "$0")/lib.sh"
origins_start
table <<END
{$(vips), "sites":[
 {"domain":"one.test","number":1,"ports":[[80,$HTTP],[8080,$HTTP]],"origins":[{"address":"127.0.1.1","port":8000}]},
 {"domain":"*.test","number":2,"ports":[[80,$HTTP]],"origins":[{"address":"127.0.1.9","port":8000}]},
 {"domain":"*.wild.test","number":3,"ports":[[80,$HTTP]],"origins":[{"address":"127.0.1.2","port":8000}]},
 {"domain":"exact.wild.test","number":4,"ports":[[80,$HTTP]],"origins":[{"address":"127.0.1.3","port":8000}]},
 {"domain":"socket.test","number":5,"ports":[[80,$WS]],"origins":[{"address":"127.0.1.4","port":8000}]},
 {"domain":"second.test","number":6,"instances":[2],"ports":[[80,$HTTP]],"origins":[{"address":"127.0.1.5","port":8000}]},
 {"domain":"both.test","number":7,"instances":[1,2],"ports":[[80,$HTTP]],"origins":[{"address":"127.0.1.6","port":8000}]}]}
END
edge_start

origin_of() { get "$@" | word origin; }
equal "a name" 127.0.1.1:8000 "$(origin_of one.test)"
equal "in capitals, with the port and a final dot" 127.0.1.1:8000 "$(origin_of one.test / -H 'Host: ONE.Test.:80')"
equal "another of the site's ports" 127.0.1.1:8000 "$(curl -s -H 'Host: one.test' http://$VIP:8080/ | word origin)"
equal "by IPv6" 127.0.1.1:8000 "$(curl -s -H 'Host: one.test' "http://[$VIP6]/" | word origin)"
equal "a wildcard" 127.0.1.2:8000 "$(origin_of a.wild.test)"
equal "of any depth" 127.0.1.2:8000 "$(origin_of a.b.c.wild.test)"
equal "exact names win" 127.0.1.3:8000 "$(origin_of exact.wild.test)"
equal "the instance's own address" 127.0.1.5:8000 "$(curl -s -H 'Host: second.test' http://$OTHER/ | word origin)"
equal "a site of two instances" "127.0.1.6:8000 127.0.1.6:8000" \
	"$(origin_of both.test) $(curl -s -H 'Host: both.test' http://$OTHER/ | word origin)"
equal "host of a request in absolute form" "127.0.1.1:8000 one.test" \
	"$(get one.test / --request-target http://one.test/x | sed -E 's/.*origin=([^ ]*) host=([^ ]*).*/\1 \2/')"
equal "which its header does not contradict" closed \
	"$(gone get one.test / --request-target http://one.test/x -H 'Host: exact.wild.test')"

closed() { # closed NAME CURL-ARGUMENT...
	local before name=$1 status
	shift
	before=$(refused unknown_host)
	status=$(gone curl -s -m 5 --noproxy '*' "$@")
	equal "$name: closed without an answer, and counted" "closed 1" "$status $(($(refused unknown_host) - before))"
}
closed "a name that nobody has" -H 'Host: nobody.example' http://$VIP/
closed "a site at another instance's address" -H 'Host: one.test' http://$OTHER/
closed "a site of another instance" -H 'Host: second.test' http://$VIP/
closed "an address of no instance" -H 'Host: one.test' http://198.51.100.9/
closed "a port that is not the site's" -H 'Host: exact.wild.test' http://$VIP:8080/
closed "an ordinary request where only WebSocket is spoken" -H 'Host: socket.test' http://$VIP/
closed "no host" -0 -H 'Host:' http://$VIP/
equal "two hosts" 400 "$(printf 'GET / HTTP/1.1\r\nHost: one.test\r\nHost: a.wild.test\r\n\r\n' | timeout 3 curl -s telnet://$VIP:80 | head -n 1 | cut -d' ' -f2)"
equal "names of very many labels cost no more than others" closed \
	"$(gone curl -s -m 5 -H "Host: $(printf 'a.%.0s' $(seq 110))example" http://$VIP/)"
equal "beyond SITE_LABEL_MAX parents nobody looks" closed \
	"$(gone curl -s -m 5 -H "Host: $(printf 'a.%.0s' $(seq 30))wild.test" http://$VIP/)"

table <<<'{"life_offset_ms": 1000000000000, "vips":[{"address":"'$VIP'","forward_until_ms":2000000000000}]}'
closed "an instance whose forwarding is over" -H 'Host: one.test' http://$VIP/
table <<<"{\"life_offset_ms\": 0, $(vips)}"
equal "and one that was renewed" 127.0.1.1:8000 "$(origin_of one.test)"
done_testing
