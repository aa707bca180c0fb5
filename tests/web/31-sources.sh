# SPDX-License-Identifier: BSD-2-Clause
# Where requests to origins leave from: the addresses and ports that the table says, chosen by the client; another table is in
# force for the next request; and what the host chooses when none of them can be had.
. "$(dirname "$0")/lib.sh"
for i in 1 2 3 4; do ip address add 198.51.100.10$i/32 dev lo; ip address add 2001:db8:5::$i/128 dev lo nodad; done
origins_start
POOL='"198.51.100.101","198.51.100.102","198.51.100.103","198.51.100.104"'
POOL6='"2001:db8:5::1","2001:db8:5::2","2001:db8:5::3","2001:db8:5::4"'
sources() { # sources ADDRESSES PORTS
	table <<<'{"sources":{"addresses":['$1'],"ports":['$2']}}'
}
from() { get "$@" | word from; }
# as CLIENT HOST: what the origin sees of a client behind a trusted proxy
as() { get "$2" / --interface 198.51.100.1 -H "X-Forwarded-For: $1" | word from; }
missed() { od -An -t u8 -j $((32 + 8 * (3 + 32 + 5))) -N 8 "$FOLDER/counters" | tr -d ' '; }

four='{"address":"127.0.1.1","port":8000}' six='{"address":"::1","port":8000}'
site() { echo '{"domain":"'$1'","number":'$2',"flags":'$3',"ports":[[80,'$HTTP']],"origins":['$4'],"keepalive_requests":1000,"keepalive_seconds":30}'; }
table <<END
{$(vips), "proxies":["198.51.100.0/28"], "sites":[$(site four.test 1 0 "$four"), $(site six.test 2 0 "$six"),
 $(site keep.test 3 $KEEPALIVE "$four"), $(site other.test 4 0 "{\"address\":\"127.0.1.2\",\"port\":8000}")]}
END
edge_start 1

equal "without addresses the host chooses" 127.0.0.1 "$(from four.test)"
equal "and nothing was missed" 0 "$(missed)"
sources "$POOL,$POOL6" "[60000,5536],[10240,9760]"
for client in $(seq 60); do as 203.0.113.$client four.test; done | sort >"$scratch/four"
equal "of the addresses each has clients" "198.51.100.101 198.51.100.102 198.51.100.103 198.51.100.104" "$(uniq "$scratch/four" | xargs)"
for client in $(seq 60); do as 203.0.113.$client six.test; done | sort >"$scratch/six"
equal "for an IPv6 origin those of IPv6" "2001:db8:5::1 2001:db8:5::2 2001:db8:5::3 2001:db8:5::4" "$(uniq "$scratch/six" | xargs)"
equal "a client keeps its address" "$(as 203.0.113.9 four.test)" "$(as 203.0.113.9 four.test)"
check "an IPv6 client of an IPv4 origin has one of IPv4" grep -q '^198\.51\.100\.10' <<<"$(as 2001:db8:9::1 four.test)"
equal "by its /64" "$(as 2001:db8:9:7::1 four.test)" "$(as 2001:db8:9:7:8::2 four.test)"
ports() { curl -s -m 20 --connect-to "::$VIP:" "http://$1/[1-$2]" | grep -oP ' fromport=\K\d+'; }
equal "ports are those beside the flows'" 0 "$(ports four.test 300 | awk '$1 < 10240 || ($1 >= 20000 && $1 < 60000)' | wc -l)"

# Kept connections: any client may use them, while their address is one that is left from.
first=$(get keep.test | grep -oP ' connection=\K\d+')
equal "a kept connection is any client's" "$first" \
	"$(get keep.test / --interface 198.51.100.1 -H "X-Forwarded-For: 203.0.113.77" | grep -oP ' connection=\K\d+')"
workers=$(workers)
sources '"198.51.100.102"' "[60000,5536]"
equal "another table is in force for the next request" 198.51.100.102 "$(from keep.test)"
equal "which is kept as well" "$(get keep.test | grep -oP ' connection=\K\d+')" "$(get keep.test | grep -oP ' connection=\K\d+')"
equal "and nothing was loaded anew" "$workers" "$(workers)"
# A port may be had toward each origin.
sources '"198.51.100.103"' "[60000,1]"
equal "one port" "198.51.100.103 60000" "$(get keep.test | grep -oP ' from(port)?=\K\S+' | xargs)"
equal "toward another origin, too" "198.51.100.103 60000" "$(get other.test | grep -oP ' from(port)?=\K\S+' | xargs)"
equal "nothing was missed" 0 "$(missed)"
equal "no port left: the host chooses" 127.0.0.1 "$(from four.test)"
equal "which is counted" 1 "$(missed)"

# An address that is not on the node.
sources '"198.51.100.200","198.51.100.104"' "[60000,5536]"
for client in $(seq 20); do as 203.0.113.$client four.test; done | sort -u >"$scratch/left"
equal "one that is not there is passed over" 198.51.100.104 "$(cat "$scratch/left")"
equal "without a miss" 1 "$(missed)"
sources '"198.51.100.201"' "[60000,5536]"
equal "none is there: the host chooses" 127.0.0.1 "$(from keep.test)"
check "which is counted each time, since it is not kept" [ "$(from keep.test >/dev/null; missed)" = 3 ]
equal "and said once" 1 "$(grep -c 'no back-to-origin address' "$scratch/error.log")"
equal "IPv6 has none at all, and misses none" "::1 3" "$(from six.test | tr -d '[]') $(missed)"
ip address add 198.51.100.201/32 dev lo
until_true bash -c "[ \"\$(curl -s -m 5 --noproxy '*' --connect-to ::$VIP: http://keep.test/ | grep -oP ' from=\K\S+')\" = 198.51.100.201 ]"
equal "when it comes it is used" 198.51.100.201 "$(from keep.test)"
done_testing
