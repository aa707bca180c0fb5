# SPDX-License-Identifier: BSD-2-Clause
# Connections of one source: so many at a time, over all workers; a source behind a PROXY header by what that says; counts go
# with the connections, also with those of a worker that crashed.
. "$(dirname "$0")/lib.sh"
origins_start
table <<END
{$(vips), "proxies":["198.51.100.1/32"],
 "sites":[{"domain":"one.test","number":1,"ports":[[80,$HTTP],[81,$HTTP]],"origins":[{"address":"127.0.1.1","port":8000}]}]}
END
edge_start 2
most=$(grep -oP 'define SOURCE_CONNECTIONS_MAX \K\d+' nginx/source.h)
ulimit -n 4096

# hold SOURCE PORT COUNT [PROXIED]: opens so many connections, asks for a page on each, says how many gave one, and keeps them
# open until its input ends.
cat >"$scratch/hold.py" <<'END'
import socket, sys
source, vip, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
head = f"PROXY TCP4 {sys.argv[5]} 192.0.2.1 1000 81\r\n" if len(sys.argv) > 5 else ""
held, pages = [], 0
for _ in range(count):
    connection = socket.create_connection((vip, port), timeout=20, source_address=(source, 0))
    held.append(connection)
    try:
        connection.sendall((head + "GET / HTTP/1.1\r\nHost: one.test\r\n\r\n").encode())
        pages += connection.recv(12) == b"HTTP/1.1 200"
    except OSError:
        pass
print(pages, flush=True)
sys.stdin.readline()
END
hold() { # hold NAME SOURCE PORT COUNT [PROXIED]
	local name=$1
	shift
	mkfifo "$scratch/$name"
	python3 "$scratch/hold.py" "$1" $VIP "${@:2}" <>"$scratch/$name" >"$scratch/$name.said" &
	children+=($!)
	until_true grep -q . "$scratch/$name.said"
	until_true grep -q . "$scratch/$name.said"
}
let_go() {
	echo >"$scratch/$1"
	sleep 0.5
}
hold a 198.51.100.9 80 $((most + 5))
equal "no more than SOURCE_CONNECTIONS_MAX of one source, the rest counted" "$most 5" "$(cat "$scratch/a.said") $(refused connections)"
equal "another source" 200 "$(code get one.test / --interface 198.51.100.8)"
equal "the same one" 000 "$(code get one.test / --interface 198.51.100.9)"
let_go a
equal "when they are closed" 200 "$(code get one.test / --interface 198.51.100.9)"
hold b 198.51.100.1 80 $((most + 5))
equal "a trusted proxy may have more" $((most + 5)) "$(cat "$scratch/b.said")"
let_go b
hold c 198.51.100.1 81 $((most + 5)) 203.0.113.9
equal "who is behind its PROXY header may not" "$most" "$(cat "$scratch/c.said")"
WORKERS_DIE=1
victim=$(workers | cut -d' ' -f1)
kill -SEGV "$victim"
until_true grep -q "worker $victim is gone" "$scratch/error.log"
hold d 198.51.100.1 81 3 203.0.113.9
equal "a worker that crashed leaves no counts" 3 "$(cat "$scratch/d.said")"
let_go c
let_go d
done_testing
