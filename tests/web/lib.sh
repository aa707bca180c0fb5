# SPDX-License-Identifier: BSD-2-Clause
# Shared by the tests of nginx with the module. Sourced. Each script runs in a network namespace of its own in which
# there is only loopback, with protected addresses on it, so that ports are free and nothing gets out; nginx reads
# packaging/nginx-edge.conf, but for paths and listeners: there is no packet path that steers here, so they are on the
# protected addresses and on the ports that clients ask for. Origins are a second nginx, without the module, on 127.0.1.1 - .9.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
if [ "${WEB_NAMESPACE:-}" != 1 ]; then
	[ "$(id -u)" = 0 ] || { echo "ok - $0 # SKIP needs root"; exit 0; }
	WEB_NAMESPACE=1 exec unshare -n bash "$0" "$@"
fi
O=${O:-build}
O=$(realpath "$O")
scratch=$(mktemp -d /tmp/polder-web.XXXXXX) || exit 1
. tests/support/tap.sh
children=()
trap 'finish' EXIT
trap 'exit 130' INT TERM
finish() {
	local child
	for child in "${children[@]}" $(cat "$scratch"/*.pid 2>/dev/null); do kill "$child" 2>/dev/null; done
	wait 2>/dev/null
	rm -rf "$scratch"
}

done_testing() {
	# Whatever a script did, no worker may have ended by a fault, unless it was the script's doing.
	[ -n "${WORKERS_DIE:-}" ] || equal "no worker ended by a fault" 0 \
		"$(grep -cE 'exited (on signal|with code [1-9])|runtime error|AddressSanitizer' "$scratch/error.log")"
	[ "$test_failed" = 0 ] || tail -n 15 "$scratch/error.log" | sed 's/^/    /'
	exit $test_failed
}
until_true() { # until_true COMMAND...: within ten seconds
	local i
	for i in $(seq 100); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	return 1
}
background() { # background COMMAND...: ends with the script
	"$@" &
	children+=($!)
}

ip link set lo up
VIP=192.0.2.1 VIP6=2001:db8::1 OTHER=192.0.2.2
for address in $VIP $OTHER 198.51.100.{1..9}; do ip address add $address/32 dev lo; done
ip address add $VIP6/128 dev lo nodad
FOLDER=$scratch/requests
mkdir "$FOLDER" && chmod 711 "$scratch" && chmod 755 "$FOLDER"
touch "$scratch/error.log"

# Schemes and flags as in shared/request_abi.h.
HTTP=1 HTTPS=2 WS=4 WSS=8
TO_HTTPS=1 PLAIN=2 HTTP2=4 OCSP=8 RETRY=16 KEEPALIVE=32 LOG=64 GRPC=128 TLS13=256 VERIFY=512 PORTS=4096

GROUP=$(id -g www-data)
table() { # table [change N]: the description comes by standard input
	"$O/tests/web/site_table" "$FOLDER" "$GROUP" "$@" || not_ok "site_table $*"
}
vips() { echo '"vips":[{"address":"'$VIP'"},{"address":"'$VIP6'"},{"address":"'$OTHER'","instance":2}]'; }

# Origins: say which they are, and what they were told.
origins_start() {
	mkdir -p "$scratch/origin"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=origin.test \
		-addext subjectAltName=DNS:origin.test,DNS:secure.test \
		-keyout "$scratch/origin/key.pem" -out "$scratch/origin/cert.pem" 2>/dev/null
	cat >"$scratch/origin/nginx.conf" <<-END
		worker_processes 1;
		pid $scratch/origin.pid;
		error_log $scratch/origin/error.log;
		events { worker_connections 4096; }
		http {
			access_log off;
			client_body_temp_path $scratch/origin/body;
			keepalive_requests 1000000;
			ssl_certificate $scratch/origin/cert.pem;
			ssl_certificate_key $scratch/origin/key.pem;
			server {
				$(for i in 1 2 3 4 5 6 7 8 9; do echo "listen 127.0.1.$i:80; listen 127.0.1.$i:8000; listen 127.0.1.$i:443 ssl; listen 127.0.1.$i:8443 ssl;"; done)
				listen [::1]:8000;
				${ORIGIN_EXTRA:-}
				location / {
					return 200 "origin=\$server_addr:\$server_port host=\$http_host uri=\$request_uri https=\$https sni=\$ssl_server_name reused=\$ssl_session_reused connection=\$connection requests=\$connection_requests for=\$http_x_forwarded_for proto=\$http_x_forwarded_proto real=\$http_x_real_ip clientport=\$http_x_forwarded_clientsrcport proxyport=\$http_x_forwarded_proxyport custom=\$http_x_custom from=\$remote_addr fromport=\$remote_port upgrade=\$http_upgrade conn=\$http_connection\n";
				}
			}
		}
	END
	nginx -c "$scratch/origin/nginx.conf" || not_ok "origins start"
}

# edge_start [WORKERS]: CACHE_KEYS and CACHE_SIZE are what the cache has, DISK_MAX and DISK_FREE what requests under way may have of the disk, CONNECTIONS each worker's; PLAIN_PORTS and TLS_PORTS are where it listens; behind PROXY headers PLAIN_PROXY_PORTS and TLS_PROXY_PORTS.
edge_conf() {
	local plain='' tls='' plain_proxy='' tls_proxy='' port address
	for address in $VIP $OTHER 198.51.100.9 "[$VIP6]"; do
		for port in ${PLAIN_PORTS:-80 8080}; do plain+="listen $address:$port backlog=1000; "; done
		for port in ${TLS_PORTS:-443 8443}; do tls+="listen $address:$port ssl http2 backlog=1000; "; done
		for port in ${PLAIN_PROXY_PORTS:-81}; do plain_proxy+="listen $address:$port proxy_protocol backlog=1000; "; done
		for port in ${TLS_PROXY_PORTS:-444}; do tls_proxy+="listen $address:$port ssl http2 proxy_protocol backlog=1000; "; done
	done
	sed -E -e "s|modules/ngx_http_polder_module.so|$O/ngx_http_polder_module.so|" \
		-e "s|worker_processes auto|worker_processes ${1:-2}|" \
		-e "s|^pid .*|pid $scratch/edge.pid;|" -e "s|^error_log .*|error_log $scratch/error.log info;|" \
		-e "s|polder_path .*|polder_path $FOLDER;|" -e '/polder_(ban|listener)_map/d' \
		-e "s|/etc/ssl/certs/ca-certificates.crt|$scratch/origin/cert.pem|" \
		-e "s|client_max_body_size 0;|&\n\tclient_body_temp_path $scratch/body; proxy_temp_path $scratch/proxy;|" \
		-e "s|proxy_cache_path [^ ]*|proxy_cache_path $scratch/cache|; s| min_free=1g||" \
		-e "s|keys_zone=polder:32m max_size=4g|keys_zone=polder:${CACHE_KEYS:-32m} max_size=${CACHE_SIZE:-4g}|" \
		-e "s|polder_disk_max .*|polder_disk_max ${DISK_MAX:-1g};|; s|polder_disk_free .*|polder_disk_free ${DISK_FREE:-1m};|" \
		-e '/listen \[::1\]/d' -e '/worker_rlimit_nofile/d' -e "s|worker_connections .*|worker_connections ${CONNECTIONS:-16384};|" \
		-e "s|listen 127.0.0.1:7001 .*|$plain|" -e "s|listen 127.0.0.1:7002 .*|$tls|" \
		-e "s|listen 127.0.0.1:7003 .*|$plain_proxy|" -e "s|listen 127.0.0.1:7004 .*|$tls_proxy|" \
		packaging/nginx-edge.conf >"$scratch/edge.conf"
	[ -z "${EDGE_EXTRA:-}" ] || sed -i "s|^\tpolder on;|&\n\t$EDGE_EXTRA|" "$scratch/edge.conf"
}
edge_start() {
	edge_conf "$@"
	local preload
	preload=$(ldd "$O/ngx_http_polder_module.so" | grep -o '/[^ ]*lib[at]san[^ ]*' | head -n 1)
	LD_PRELOAD=$preload ASAN_OPTIONS=detect_leaks=0 nginx -c "$scratch/edge.conf" || { not_ok "nginx starts"; exit 1; }
	until_true workers_are "${1:-2}"
}
workers() { pgrep -f "nginx: worker process" -P "$(cat "$scratch/edge.pid")" | sort | tr '\n' ' '; }
workers_are() { [ "$(workers | wc -w)" = "$1" ]; }

# get HOST [PATH [CURL-OPTION...]]: the body, by plain HTTP on port 80 of the VIP.
get() {
	local host=$1 path=${2:-/}
	shift $(($# > 2 ? 2 : $#))
	curl -s -m 5 --noproxy '*' --connect-to "::$VIP:" "$@" "http://$host$path"
}
gets() { # the same by HTTPS
	local host=$1 path=${2:-/}
	shift $(($# > 2 ? 2 : $#))
	curl -sk -m 5 --noproxy '*' --connect-to "::$VIP:" "$@" "https://$host$path"
}
code() { "$@" -o /dev/null -w '%{http_code}'; }
word() { grep -oE "(^| )$1=[^ ]*" | head -n 1 | sed 's/^[^=]*=//'; }
# counter NAME: of the node's; refused CHECK by its place in checks.def.
refused() {
	local place
	place=$(grep -oP '^CHECK\(\K[a-z_0-9]+' shared/checks.def | grep -nx "$1" | cut -d: -f1)
	# The node's counters begin behind the head of 32 bytes: three totals, then refused[].
	od -An -t u8 -j $((32 + 8 * (3 + place - 1))) -N 8 "$FOLDER/counters" | tr -d ' '
}
journal() { python3 tests/web/journal.py "$FOLDER" "$@"; }
# logged NAME [N]: field of the N-th last record, 1 unless said.
logged() { journal | tail -n "${2:-1}" | head -n 1 | grep -oP "(^| )$1='?\K[^' ]*"; }
# gone COMMAND...: "closed" when curl got no answer at all but the connection's end; else its status.
gone() {
	local status
	"$@" >/dev/null
	status=$?
	# Which of the two it is depends on what curl sees first.
	case $status in 52 | 56) echo closed ;; *) echo $status ;; esac
}
