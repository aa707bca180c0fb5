# SPDX-License-Identifier: BSD-2-Clause
# A change of the table is there for the next request, by the same workers; ten thousand of them under load fail none.
. "$(dirname "$0")/lib.sh"
origins_start
site() { # site DOMAIN NUMBER ORIGIN
	echo '{"domain":"'$1'","number":'$2',"flags":'$((KEEPALIVE | RETRY))',"keepalive_requests":1000,"ports":[[80,'$HTTP']],"origins":[{"address":"'$3'","port":8000}]}'
}
edge_start 2
before=$(workers)
equal "without a table everything is refused" closed "$(gone get one.test /)"
table <<<"{$(vips), \"sites\":[$(site one.test 1 127.0.1.1)]}"
equal "the first table" 127.0.1.1:8000 "$(get one.test | word origin)"
table <<<"{\"sites\":[$(site one.test 1 127.0.1.2)]}"
equal "another origin" 127.0.1.2:8000 "$(get one.test | word origin)"
table <<<"{\"sites\":[$(site two.test 2 127.0.1.3)]}"
equal "another site" 127.0.1.3:8000 "$(get two.test | word origin)"
table <<<'{"removed":["two.test"]}'
equal "removed" closed "$(gone get two.test /)"
inode=$(stat -c %i "$FOLDER/table")
table <<<"{\"superseded\":true,\"sites\":[$(site one.test 1 127.0.1.4)]}"
check "another file takes the table's place" [ "$inode" != "$(stat -c %i "$FOLDER/table")" ]
equal "and is followed" 127.0.1.4:8000 "$(get one.test | word origin)"

# A request that began before a change of files ends by what it began with.
cat >"$scratch/slow.py" <<'END'
import socket, sys
server = socket.create_server(("127.0.1.9", 7000))
print("listening", flush=True)
connection, _ = server.accept()
connection.recv(65536)
print("asked", flush=True)
sys.stdin.readline()
connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nslow\n")
END
mkfifo "$scratch/go"
exec 9<>"$scratch/go"
python3 "$scratch/slow.py" <"$scratch/go" >"$scratch/asked" &
children+=($!)
until_true grep -q listening "$scratch/asked"
table <<<'{"sites":[{"domain":"slow.test","number":9,"ports":[[80,'$HTTP']],"origins":[{"address":"127.0.1.9","port":7000}]}]}'
get slow.test >"$scratch/slow" &
waiting=$!
until_true grep -q asked "$scratch/asked"
for i in 1 2 3; do
	table <<<'{"superseded":true,"removed":["slow.test"]}'
	get one.test >/dev/null
done
echo >&9
wait $waiting
equal "a request that outlives its table" slow "$(cat "$scratch/slow")"
get one.test >/dev/null
check "old files go when nobody uses them" until_true bash -c "! grep -q 'requests/table.*deleted' /proc/$(workers | cut -d' ' -f1)/maps /proc/$(workers | cut -d' ' -f2)/maps"

# An answer that has begun needs no table any more: one that lasts keeps none.
cat >"$scratch/long.py" <<'END'
import socket, sys
listener = socket.create_server(("127.0.1.9", 7001))
print("listening", flush=True)
connection, _ = listener.accept()
connection.recv(65536)
connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nbegun ")
sys.stdin.readline()
connection.sendall(b"over\n")
END
python3 "$scratch/long.py" <"$scratch/go" >"$scratch/asked" &
children+=($!)
until_true grep -q listening "$scratch/asked"
table <<<'{"sites":[{"domain":"long.test","number":9,"flags":'$LOG',"headers":[["X-Custom","theirs"]],"ports":[[80,'$HTTP']],"origins":[{"address":"127.0.1.9","port":7001}],
 "rules":[{"check":"frequency","target":"address","threshold":100,"status":200,"steps":[{"field":"header","name":"x-custom","match":"absent","not":true}]}]}]}'
get long.test / -N -m 60 -H 'X-Custom: mine' >"$scratch/long" &
waiting=$!
until_true grep -q begun "$scratch/long"
table <<<'{"superseded":true,"removed":["long.test"]}'
get one.test >/dev/null
check "a lasting answer keeps no table" until_true bash -c "! grep -q 'requests/table.*deleted' /proc/$(workers | cut -d' ' -f1)/maps /proc/$(workers | cut -d' ' -f2)/maps"
echo >&9
wait $waiting
equal "and ends well" "begun over" "$(cat "$scratch/long")"
equal "and in the log, with its site" 200 "$(journal | grep '^site=9 ' | tail -n 1 | word status)"

# Nor do uploads that take hours: they go over to the table that is in force, however many there are.
cat >"$scratch/uploads.py" <<'END'
import socket, sys
def begin(host, size, part):
    s = socket.create_connection((sys.argv[1], 80), 10)
    s.sendall(b"POST /up HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (host.encode(), size, b"x" * part))
    return s, size - part
def end(upload, last):
    s, rest = upload
    answer = b""
    try:
        s.sendall(b"y" * (rest - len(last)) + last.encode())
        while piece := s.recv(65536):
            answer += piece
    except OSError:
        pass
    return answer.split(b" ")[1].decode() if answer else "closed"
uploads = []
for line in sys.stdin: # "begin HOST SIZE PART" one more; "end LAST" of all, in their order
    word = line.split()
    if word[0] == "begin":
        uploads.append(begin(word[1], int(word[2]), int(word[3])))
        print("begun", flush=True)
    else:
        print(*[end(upload, word[1]) for upload in uploads], flush=True)
        uploads = []
END
mkfifo "$scratch/wish"
python3 "$scratch/uploads.py" $VIP <"$scratch/wish" >"$scratch/uploads" &
children+=($!)
exec 8>"$scratch/wish"
upload() { # upload WORDS...: and waits for its answer, the last line of "uploads" then
	local before
	before=$(wc -l <"$scratch/uploads")
	echo "$*" >&8
	until_true bash -c "[ \$(wc -l <'$scratch/uploads') -gt $before ]"
}
without_old() { ! grep -q 'requests/table.*deleted' $(for worker in $(workers); do echo /proc/$worker/maps; done); }
# Answers when all is there.
background python3 -c 'import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        length = len(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"%6d" % length)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.1.9", 7003), Handler).serve_forever()'
until_true bash -c ': </dev/tcp/127.0.1.9/7003'
table <<<'{"sites":[{"domain":"up.test","number":15,"ports":[[80,'$HTTP']],"origins":[{"address":"127.0.1.9","port":7003}],"headers":[["X-Custom","theirs"]]}]}'
for i in 1 2 3 4 5 6; do
	upload begin up.test 100000 70000
	table <<<"{\"superseded\":true,\"sites\":[$(site one.test 1 127.0.1.$((i % 2 + 1)))]}"
	get one.test >/dev/null
done
check "six uploads of six tables keep none" until_true without_old
upload end z
equal "and end well" "200 200 200 200 200 200" "$(tail -n 1 "$scratch/uploads")"

# Those that a rule waits for: by the same rules they go on where they were, by others from the first, and without a site not at all.
rule() { echo '{"check":"precise","action":"block","target":"none","steps":[{"field":"body","match":"contains","value":"'$1'"}]}'; }
ruled() { # ruled DOMAIN NUMBER GENERATION RULES
	echo '{"domain":"'$1'","number":'$2',"generation":'$3',"ports":[[80,'$HTTP']],"origins":[{"address":"127.0.1.3","port":8000}],"rules":['$4']}'
}
table <<<"{\"sites\":[$(ruled same.test 11 1 "$(rule bad)"), $(ruled other.test 12 1 "$(rule good),$(rule none)"), $(ruled gone.test 13 1 "$(rule bad)")]}"
for host in same.test same.test other.test gone.test; do upload begin $host 1000 500; done
table <<<"{\"superseded\":true,\"removed\":[\"gone.test\"],\"sites\":[$(ruled other.test 12 2 "$(rule nothing),$(rule bad)")]}"
get one.test >/dev/null
check "bodies that are waited for keep no table" until_true without_old
upload begin same.test 1000 500
upload end bad
equal "the rules in force are asked" "closed closed closed closed closed" "$(tail -n 1 "$scratch/uploads" | sed 's/403/closed/g')"
for host in same.test other.test; do upload begin $host 1000 500; done
table <<<'{"superseded":true}'
get one.test >/dev/null
check "again none is kept" until_true without_old
upload end good
equal "and pass what they do not mean" "200 200" "$(tail -n 1 "$scratch/uploads")"
exec 8>&-

# A site that goes while the first origin thinks has no second, also when another one of its name has come.
cat >"$scratch/fails.py" <<'END'
import socket, sys
listener = socket.create_server(("127.0.1.9", 7002))
print("listening", flush=True)
connection, _ = listener.accept()
connection.recv(65536)
print("asked", flush=True)
sys.stdin.readline()
END
python3 "$scratch/fails.py" <"$scratch/go" >"$scratch/asked" &
children+=($!)
until_true grep -q listening "$scratch/asked"
table <<<'{"sites":[{"domain":"fails.test","number":14,"flags":'$RETRY',"ports":[[80,'$HTTP']],"origins":[{"address":"127.0.1.9","port":7002},{"address":"127.0.1.4","port":8000,"backup":1}]}]}'
code get fails.test / -m 20 >"$scratch/fails" &
waiting=$!
until_true grep -q asked "$scratch/asked"
table <<<'{"superseded":true,"removed":["fails.test"]}'
table <<<'{"sites":[{"domain":"fails.test","number":16,"flags":'$RETRY',"ports":[[80,'$HTTP']],"origins":[{"address":"127.0.1.4","port":8000}]}]}'
get one.test >/dev/null
check "an answer that is waited for keeps no table" until_true without_old
echo >&9
wait $waiting
equal "when its site is gone it has no other origin" 502 "$(cat "$scratch/fails")"
equal "the other site has" 127.0.1.4:8000 "$(get fails.test | word origin)"

# Load: as fast as it comes for as long as the changes take.
cat >"$scratch/count.lua" <<'END'
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init() bad_count = 0 end
function response(status) if status ~= 200 then bad_count = bad_count + 1 end end
function done(summary)
	local bad = 0
	for _, thread in ipairs(threads) do bad = bad + thread:get("bad_count") end
	local e = summary.errors
	print("requests=" .. summary.requests .. " failed=" .. bad + e.connect + e.read + e.write + e.timeout)
end
END
wrk -t1 -c16 -d300s -s "$scratch/count.lua" -H 'Host: one.test' http://$VIP/ >"$scratch/wrk" 2>&1 &
load=$!
until_true bash -c "[ \"$(journal site 1 | word requests)\" -gt 10 ]"
table change 10000 <<<"{\"sites\":[$(site one.test 1 127.0.1.5), $(site other.test 3 127.0.1.5)],\"alternative\":[$(site one.test 1 127.0.1.6), $(site other.test 3 127.0.1.6)]}"
kill -INT $load
wait $load
said=$(cat "$scratch/wrk")
equal "ten thousand changes fail no request" 0 "$(word failed <<<"$said")"
check "of many" [ "$(word requests <<<"$said")" -gt 100 ]
equal "the last one holds" 127.0.1.5:8000 "$(get one.test | word origin)"
equal "by the same workers" "$before" "$(workers)"
done_testing
