# SPDX-License-Identifier: BSD-2-Clause
# A site that fetches more than the cache holds does not drive out the pages of another: neither by keys nor by bytes. What is kept
# of it goes on being answered.
. "$(dirname "$0")/lib.sh"
background /usr/bin/python3 tests/web/cache_origin.py 127.0.2.1 9000
site() { # site NUMBER DOMAIN
	echo '{"domain":"'$2'","number":'$1',"flags":'$((PLAIN | KEEPALIVE))',"ports":[[80,'$HTTP']],"origins":[{"address":"127.0.2.1","port":9000}],"cache":"standard"}'
}
touch "$scratch/empty"
mkdir -p "$scratch/origin" && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test \
	-keyout "$scratch/origin/key.pem" -out "$scratch/origin/cert.pem" 2>/dev/null
until_true bash -c ': </dev/tcp/127.0.2.1/9000'

# many HOST PATH..: what X-Polder-Cache says of each, by one connection; a path may have [N-M].
many() {
	local host=$1
	shift
	curl -s -m 100 --noproxy '*' --connect-to "::$VIP:" -o /dev/null -D - "${@/#/http://$host}" |
		grep -oiP '^x-polder-cache: \K[A-Z]+'
}
said() { sort | uniq -c | awk '{ printf "%s%s %s", (NR > 1 ? ", " : ""), $1, $2 }'; }
stop() {
	kill "$(cat "$scratch/edge.pid")"
	until_true bash -c "! kill -0 $(cat "$scratch/edge.pid") 2>/dev/null"
}
asked() { many quiet.test '/page[1-20]/x.css' | said; }

begin() { # begin KEYS SIZE
	rm -rf "$scratch/cache"
	table <<<"{$(vips), \"sites\":[$(site 1 quiet.test),$(site 2 loud.test)]}"
	CACHE_KEYS=$1 CACHE_SIZE=$2 edge_start 2
	many quiet.test '/page[1-20]/x.css' >/dev/null
	equal "pages of a site are kept" "20 HIT" "$(asked)"
	many loud.test /hot/x.css >/dev/null
}

# Keys: of 64 KiB some hundred.
begin 64k 1g
many loud.test '/none[1-900]/x.css?a=1' >"$scratch/loud"
equal "another site asks for what nobody asks twice" 900 "$(wc -l <"$scratch/loud")"
few() { [ "$(tail -n 50 "$scratch/loud" | grep -c FULL)" -ge 40 ]; } # in a minute it may have two more
check "it gets hardly any more keys when there are few left" few
equal "the first site's pages are still there" "20 HIT" "$(asked)"
equal "and what is kept of the second" "1 HIT" "$(many loud.test /hot/x.css | said)"
stop

# Bytes: 200 KB each, into 16 MB: 60 to three quarters, and 10 of a share.
kept() {
	local count
	count=$(grep -c MISS "$scratch/loud")
	[ "$count" -ge 55 ] && [ "$count" -le 78 ] || { echo "$count of 150"; return 1; }
}
begin 1m 16m
many loud.test '/size=200000|[1-150]/x.css' >"$scratch/loud"
equal "another site fetches twice what there is room for" 150 "$(wc -l <"$scratch/loud")"
check "three quarters of it, and a share, are kept" kept
equal "the first site's pages are still there" "20 HIT" "$(asked)"
equal "and what is kept of the second" "1 HIT" "$(many loud.test /hot/x.css | said)"
equal "another site may still have something new kept" "MISS HIT" "$(many quiet.test /new/x.css /new/x.css | xargs)"
stop
begin 1m 16m
many loud.test '/chunked|size=200000|[1-150]/x.css' >"$scratch/loud"
check "so it is with answers whose length nobody tells" kept
equal "the first site's pages are still there" "20 HIT" "$(asked)"
done_testing
