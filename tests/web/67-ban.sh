# SPDX-License-Identifier: BSD-2-Clause
# Who is refused again and again is written into the packet path's map, and into the log; never a white-listed source, a
# trusted proxy, the peer of a PROXY listener, or an address that a proxy named.
. "$(dirname "$0")/lib.sh"
. tests/web/checks.sh
PIN=/sys/fs/bpf/polder-web-$$
bpftool map create "$PIN" type lru_hash key 24 value 16 entries 1024 name request_ban >/dev/null 2>&1 || {
	echo "ok - bans # SKIP no map of BPF can be made here"
	exit 0
}
trap 'finish; rm -f "$PIN"' EXIT
origins_start
LIST='"prefixes":[["192.0.2.0/24",2],["2001:db8::/32",2],["203.0.113.0/24",2],["192.0.2.66",1]]'
site() { one_site "$@" | sed "s/\[80,$HTTP\]/[80,$HTTP],[81,$HTTP]/"; }
sites() { echo "\"sites\":[$(site 1 a.test "$LIST"), $(site 2 watch.test "$LIST"',"modes":{"black_list":1}')]"; }
table <<<"{$(vips), $(sites)}"
EDGE_EXTRA="polder_ban_map $PIN;"
edge_start

# entries: "instance address check rule" of each, from the map as it is.
entries() {
	bpftool -j map dump pinned "$PIN" 2>/dev/null | python3 -c '
import ipaddress, json, struct, sys, time
for entry in json.load(sys.stdin):
    key = bytes(int(b, 16) for b in entry["key"]); value = bytes(int(b, 16) for b in entry["value"])
    until, check, rule = struct.unpack("=qII", value)
    left = until / 1e9 - time.time()
    address = ipaddress.IPv6Address(key[8:])
    print(struct.unpack("=I", key[:4])[0], address.ipv4_mapped or address, check, rule, "soon" if 250 < left <= 301 else left)' | sort
}
clear() { for key in $(bpftool -j map dump pinned "$PIN" | jq -r '.[].key | join(",")'); do bpftool map delete pinned "$PIN" key ${key//,/ }; done; }
many() { # SITE=a.test many COUNT URL CURL-OPTION...
	local i
	# One process: they count within ten seconds.
	for i in $(seq "$1"); do echo "url=\"$2\""; done |
		curl -s -m 5 -K - --noproxy '*' -H "Host: ${SITE:-a.test}" "${@:3}" >"$scratch/many"
}
black=$(($(place_of black_list) - 1))
bans=$(node_bans)
many 20 http://$VIP/
equal "a few refusals are no reason" "" "$(entries)"
many 20 http://$VIP/
equal "many are: until when, by which check" "1 192.0.2.1 $black 0 soon" "$(entries)"
equal "it is counted" 1 $(($(node_bans) - bans))
check "and logged, for the agent" python3 - "$FOLDER/log" "$black" <<'END'
import struct, sys
data = open(sys.argv[1], "rb").read()
place = 4096
while place < len(data):
    pid, = struct.unpack_from("=I", data, place)
    head, tail = struct.unpack_from("=Q", data, place + 64)[0], struct.unpack_from("=Q", data, place + 128)[0]
    at = tail
    ring = data[place + 192:place + 192 + (1 << 20)]
    while at < head:
        length, kind, site = struct.unpack_from("=HHI", ring, at & ((1 << 20) - 1))
        if kind == 2:
            instance, check, rule, seconds = struct.unpack_from("=IIII", ring, (at & ((1 << 20) - 1)) + 32)
            if (instance, check, seconds, site) == (1, int(sys.argv[2]), 300, 1):
                sys.exit(0)
        at += length
    place += 192 + (1 << 20)
sys.exit("no record of it")
END
clear
many 40 "http://[$VIP6]/"
equal "of IPv6 the /64" "1 2001:db8:: $black 0 soon" "$(entries)"
clear
SITE=watch.test many 40 http://$VIP/
equal "what is only watched bans nobody" "" "$(entries)"
ip address add 192.0.2.66/32 dev lo
SITE=nobody.test many 120 http://$VIP/ --interface 192.0.2.66
equal "a name that nobody has, very often" "1 192.0.2.66 $(($(place_of unknown_host) - 1)) 0 soon" "$(entries)"
clear
sleep 1.1
many 40 http://$VIP/ --interface 192.0.2.66
equal "a white-listed source is not even refused" "" "$(entries)"
# On one connection: once it was seen to be white-listed, what is refused of it bans nobody.
{
	printf 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'
	for i in $(seq 5); do printf 'GET / HTTP/1.1\r\nHost: a.test\r\nX-A: \013\r\n\r\n'; done
} >"$scratch/raw"
before=$(site_count 1 refused malformed)
for i in $(seq 40); do timeout 3 curl -s --interface 192.0.2.66 telnet://$VIP:80 <"$scratch/raw" >/dev/null; done
equal "white-listed: refused for what its requests are" 40 $(($(site_count 1 refused malformed) - before))
equal "nor banned for what else it does" "" "$(entries)"
SITE=nobody.test many 120 http://$VIP/ --interface 192.0.2.66
equal "also on connections of which nobody knows for which site they are" "" "$(entries)"

table <<<'{"proxies":["192.0.2.1/32"]}'
sleep 1.1
many 60 http://$VIP/ -H 'X-Forwarded-For: 203.0.113.9'
SITE=nobody.test many 150 http://$VIP/
equal "neither a trusted proxy nor whom it names" "" "$(entries)"
table <<<'{"proxies":[]}'
sleep 1.1
many 60 http://$VIP:81/ --haproxy-protocol
equal "nor the peer of a PROXY listener" "" "$(entries)"

# A reload keeps the map; one that was made anew is found by it.
kill -HUP "$(cat "$scratch/edge.pid")"
sleep 1
rm -f "$PIN"
bpftool map create "$PIN" type lru_hash key 24 value 16 entries 1024 name request_ban
kill -HUP "$(cat "$scratch/edge.pid")"
sleep 1
ip address add 192.0.2.77/32 dev lo
many 40 http://$VIP/ --interface 192.0.2.77
equal "after the map was made anew, and a reload" "1 192.0.2.77 $black 0 soon" "$(entries)"
equal "descriptors of it in the master" 1 "$(find /proc/"$(cat "$scratch/edge.pid")"/fd -lname 'anon_inode:bpf-map' | wc -l)"
done_testing
