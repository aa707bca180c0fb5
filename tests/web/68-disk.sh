# SPDX-License-Identifier: BSD-2-Clause
# What requests under way have on the disk is bounded, all together and of each site: answers on their way into the cache, whoever
# reads them or not, and bodies that a rule waits for. What finds no room is passed on, or refused with a reason.
. "$(dirname "$0")/lib.sh"
. tests/web/checks.sh
ORIGIN_EXTRA="client_max_body_size 0;"
origins_start
background /usr/bin/python3 tests/web/cache_origin.py 127.0.2.1 9000
# An origin whose answer has no end, but that of a test that fails; it writes down how much it could send.
background python3 -c '
import socketserver, sys
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        path = (self.rfile.readline().split() + [b"", b""])[1].decode()
        while self.rfile.readline().strip(): pass
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece, sent = b"10000\r\n" + bytes(65536) + b"\r\n", 0
        try:
            while sent < 300 << 20:
                self.wfile.write(piece); sent += 65536
        except OSError: pass
        open(sys.argv[1] + path.replace("/", "."), "w").write("%d\n" % (sent >> 20))
class Server(socketserver.ThreadingTCPServer): allow_reuse_address = daemon_threads = True
Server(("127.0.2.1", 9001), Handler).serve_forever()' "$scratch/sent"

site() { # site NUMBER DOMAIN PORT [MORE]
	echo '{"domain":"'$2'","number":'$1',"flags":'$((PLAIN | LOG | KEEPALIVE))',"ports":[[80,'$HTTP']],"origins":[{"address":"127.0.2.1","port":'$3'}],"cache":"standard"'${4:+,$4}'}'
}
RULE='"rules":[{"number":1,"steps":[{"field":"body","match":"contains","value":"attack"}]}]'
sites() {
	table <<<"{$(vips), \"sites\":[$(site 1 a.test 9000), $(site 2 b.test 9000), $(site 3 endless.test 9001 '"modes":{"slow_read":0}'),
		$(one_site 4 body.test "$RULE"), $(one_site 5 other.test "$RULE"), $(one_site 6 third.test "$RULE")]}"
}
restart() { # restart WORKERS: with DISK_MAX and DISK_FREE
	kill "$(cat "$scratch/edge.pid")"
	until_true bash -c "! kill -0 $(cat "$scratch/edge.pid") 2>/dev/null"
	rm -rf "$scratch/cache"
	edge_start "$1"
}
cache() {
	local said
	said=$(get "$@" -o /dev/null -D - | grep -oiP '^x-polder-cache: \K[A-Z]+')
	echo "${said:--}"
}
megabytes() { du -sm "$scratch/cache" | cut -f1; }
sent() { cat "$scratch/sent.$1" 2>/dev/null; }
has_sent() { [ -s "$scratch/sent.$1" ]; }
sites
edge_start 1
until_true bash -c ': </dev/tcp/127.0.2.1/9000'
until_true bash -c ': </dev/tcp/127.0.2.1/9001'

# One answer without end. Its client leaves, or stays and reads nothing.
exec 4<>"/dev/tcp/$VIP/80"
printf 'GET /stays.css HTTP/1.1\r\nHost: endless.test\r\n\r\n' >&4
exec 3<>"/dev/tcp/$VIP/80"
printf 'GET /leaves.css HTTP/1.1\r\nHost: endless.test\r\n\r\n' >&3
sleep 0.2
exec 3>&-
check "an answer without end is ended when its client is gone" until_true has_sent leaves.css
check "before it fills the disk" test "$(sent leaves.css)" -lt 100
sleep 1
equal "one whose client reads nothing has to wait" "" "$(sent stays.css)"
check "nothing of both is on the disk by name" test "$(megabytes)" -lt 10
exec 4>&-

# Little room: 4 MB, 2 of which a site may have.
DISK_MAX=4m restart 1
equal "an answer for which there is room" "MISS HIT" "$(cache a.test '/chunked|size=1500000/x.css') $(cache a.test '/chunked|size=1500000/x.css')"
large='/chunked|size=3000000/x.css'
whole() { [ "$(get "$@" | wc -c)" -gt 3000000 ]; }
check "one for which there is none comes whole" whole a.test "$large"
equal "and is not kept" - "$(cache a.test "$large")"

# body HOST BYTES [FILE]: a body that does not say how long it is, and ends when the file is there; the status.
body() {
	python3 - "$VIP" "$@" <<-'END'
		import os, socket, sys, time
		address, host, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
		s = socket.create_connection((address, 80))
		s.sendall(b"POST / HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\n" % host.encode())
		try:
		    for _ in range(size // 65536):
		        s.sendall(b"10000\r\n" + b"a" * 65536 + b"\r\n")
		    for _ in range(60):
		        if len(sys.argv) < 5 or os.path.exists(sys.argv[4]): break
		        time.sleep(1); s.sendall(b"200\r\n" + b"a" * 512 + b"\r\n")
		    s.sendall(b"0\r\n\r\n")
		except OSError:
		    pass
		s.settimeout(10)
		try:
		    print((s.recv(100).split() + [b"", b"closed"])[1].decode())
		except OSError:
		    print("closed")
	END
}
# held BYTES: so much at least is in files of the one worker without a name.
held() {
	local file all=0
	for file in /proc/"$(workers | tr -d ' ')"/fd/*; do
		[[ $(readlink "$file") != *"/body/"*deleted* ]] || all=$((all + $(stat -Lc %s "$file")))
	done
	[ "$all" -ge "$1" ]
}
before=$(refused capacity)
equal "a body that fits" 200 "$(body body.test 1000000)"
equal "one that does not" 503 "$(body body.test 3000000)"
equal "the log says why" "$(($(place_of capacity) - 1)) 503" "$(logged check) $(logged status)"
equal "and it is counted" 1 $(($(refused capacity) - before))
equal "what it had is free again" 200 "$(body body.test 1900000)"
body body.test 1700000 "$scratch/enough" >"$scratch/one" &
one=$!
body other.test 1700000 "$scratch/enough" >"$scratch/two" &
two=$!
check "two that last have most of it" until_true held 3100000
equal "a site that has its part gets no more" 503 "$(body body.test 1000000)"
equal "another one still does" 200 "$(body third.test 200000)"
equal "but not more than there is" 503 "$(body third.test 1500000)"
equal "bodies that need no file pass" 200 "$(body body.test 0)"
page='/chunked|size=1500000/x.css'
equal "and pages that come meanwhile are not kept" "MISS -" "$(cache b.test "$page") $(cache b.test "$page")"
equal "what is kept is answered" HIT "$(cache a.test '/chunked|size=1500000/x.css')"
touch "$scratch/enough"
wait $one $two
equal "who had it is not harmed" "200 200" "$(cat "$scratch/one" "$scratch/two" | xargs)"
rm "$scratch/enough"
body body.test 1700000 "$scratch/enough" >"$scratch/one" &
one=$!
check "one more has its site's part" until_true held 1500000
equal "a part is in use" 503 "$(body body.test 1000000)"
worker=$(workers)
kill -9 $worker
changed() { workers_are 1 && [ "$(workers)" != "$worker" ]; }
until_true changed
equal "what a worker had that is gone is free" 200 "$(body body.test 1900000)"
wait $one

smuggled() { # smuggled HOST
	python3 - "$VIP" "$1" <<-'END'
		import socket, sys, time
		s = socket.create_connection((sys.argv[1], 80))
		s.sendall(b"POST / HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\n" % sys.argv[2].encode())
		piece = (b"GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n" * 4096)[:65536]
		got = b""
		try:
		    for _ in range(64):
		        s.sendall(b"10000\r\n" + piece + b"\r\n")
		except OSError:
		    pass
		s.settimeout(3)
		try:
		    while piece:
		        piece = s.recv(65536); got += piece
		except OSError:
		    pass
		print(got.count(b"HTTP/1.1 "), got.split()[1].decode())
	END
}
equal "the rest of a body that was refused is no request" "1 503" "$(smuggled body.test)"
equal "nor was it taken for one" 0 "$(journal | grep -c smuggled)"

# A disk that others have filled.
DISK_FREE=1000000g restart 2
equal "nearly full: pages are not kept, but come" "FULL FULL 200" "$(cache a.test /full/x.css) $(cache a.test /full/x.css) $(status a.test /full/x.css)"
equal "small bodies pass, others are refused" "200 503" "$(body body.test 0) $(body body.test 1000000)"
WORKERS_DIE=1 # of this script
done_testing
