#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The same conversations straight to the origin and through the node, over IPv4 and IPv6: what was heard must be
# the same, with sockets that do what few do (tests/wire/sockets) and with real servers and clients.
. "$(dirname "$0")/lib.sh"

export PYTHONDONTWRITEBYTECODE=1
servers=()
PYTHON=/usr/bin/python3 # Debian's, which has its packages
trap 'kill "${servers[@]}" 2>/dev/null; [ -z "${own_sshd_folder:-}" ] || rmdir /run/sshd; finish' EXIT
CLIENT_NETNS=$(field .namespaces.client) ORIGIN_NETNS=$(field .namespaces.origin)
PORTS=(8443 8081 2222 2526 3306 8765 2121 $(seq 30000 30004))
SOCKETS_PORT=9001

serve() { # serve NAME COMMAND...: in the origin's namespace until the end
	local name=$1
	shift
	"$POLDER" lab exec origin "$@" >"$scratch/$name.log" 2>&1 </dev/null &
	servers+=($!)
}
listening() { # listening PORT...: waits until all are
	local port i
	for port in "$@"; do
		for ((i = 0; i < 200; i++)); do
			[ -n "$(inside origin ss -Hltn "sport = :$port")" ] && continue 2
			sleep 0.1
		done
		not_ok "a server listens on $port" "$(tail -n 5 "$scratch"/*.log)"
	done
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=origin.test \
	-keyout "$scratch/key" -out "$scratch/certificate" 2>/dev/null
mkdir "$scratch"/{www,ftp,database}
chmod 711 "$scratch"
chmod 777 "$scratch/ftp"
for file in small:1000 large:3000000; do
	openssl enc -aes-128-ctr -K 0 -iv 0 -in /dev/zero 2>/dev/null | head -c "${file#*:}" >"$scratch/www/${file%:*}"
done
cp "$scratch/www/large" "$scratch/ftp/large"
cat >"$scratch/nginx.conf" <<CONF
user nobody nogroup;
daemon off;
worker_processes 1;
pid $scratch/nginx.pid;
error_log stderr warn;
events { worker_connections 256; }
http {
	access_log off;
	client_body_temp_path $scratch/body;
	server_tokens off;
	server {
		listen [::]:8443 ssl http2 ipv6only=off;
		listen [::]:8081 http2 ipv6only=off;
		ssl_certificate $scratch/certificate;
		ssl_certificate_key $scratch/key;
		root $scratch/www;
		client_max_body_size 8m;
		location = /post { proxy_pass http://127.0.0.1:8082; }
	}
}
CONF
serve nginx nginx -e stderr -p "$scratch" -c "$scratch/nginx.conf"

ssh-keygen -q -t ed25519 -N '' -f "$scratch/host"
ssh-keygen -q -t ed25519 -N '' -f "$scratch/login"
[ -d /run/sshd ] || { mkdir -m 755 /run/sshd && own_sshd_folder=1; }
printf '%s\n' "Port 2222" "HostKey $scratch/host" "AuthorizedKeysFile $scratch/login.pub" "PermitRootLogin yes" \
	"StrictModes no" "UsePAM no" "PasswordAuthentication no" "PidFile $scratch/sshd.pid" >"$scratch/sshd.conf"
serve ssh /usr/sbin/sshd -D -e -f "$scratch/sshd.conf"

mariadb-install-db --no-defaults --user=root --datadir="$scratch/database" --auth-root-authentication-method=normal \
	--skip-test-db >"$scratch/install-db.log" 2>&1
serve database mariadbd --no-defaults --user=root --datadir="$scratch/database" --socket="$scratch/database.sock" \
	--pid-file="$scratch/database.pid" --port=3306 --bind-address='*' --skip-grant-tables --skip-networking=0 \
	--skip-name-resolve --innodb-buffer-pool-size=16M

for version in 4 6; do
	origin=ORIGIN$version
	id=$(buy Ipv$version)
	vip[version]=$(instance "$id" Ip)
	for port in "${PORTS[@]}" $SOCKETS_PORT; do
		forward "$id" tcp "$port" "$port" "${!origin}"
	done
done
check "nodes confirm the rules" settled
serve sink $PYTHON tests/wire/servers.py "$scratch" sink 8082
serve smtp $PYTHON tests/wire/servers.py "$scratch" smtp 2526
serve websocket $PYTHON tests/wire/servers.py "$scratch" websocket 8765
# The address that passive mode names must be the one that the client can reach: two servers.
serve ftp $PYTHON tests/wire/servers.py "$scratch/ftp" ftp 2121 30000 30004 "${vip[4]}"
serve ftp-straight $PYTHON tests/wire/servers.py "$scratch/ftp" ftp 2120 30005 30009
listening 8443 8081 8082 2222 3306 2526 8765 2121 2120

url_of() { if [ "${1#*:}" = "$1" ]; then echo "$1"; else echo "[$1]"; fi; }
same() { # same NAME FUNCTION: its output with the origin's address and with the VIP, both versions
	local version origin straight through
	for version in 4 6; do
		origin=ORIGIN$version
		straight=$($2 "${!origin}" straight 2>&1)
		through=$($2 "${vip[version]}" through 2>&1)
		if [ "$straight" = "$through" ] && grep -q "${3:-.}" <<<"$straight"; then
			ok "$1, IPv$version"
		else
			not_ok "$1, IPv$version" "straight: ${straight:0:800}" "through: ${through:0:800}"
		fi
	done
}
fetch() { inside client curl -sS -k -m 30 "$@"; }
digest() { sha256sum | cut -c 1-32; }

http1() {
	local u
	u=https://$(url_of "$1"):8443
	fetch --http1.1 -w '%{http_version} %{http_code} %{num_connects}\n' "$u/small" "$u/large" "$u/none" "$u/large" | digest
	fetch --http1.1 -i -r 500-1499 "$u/large" | grep -av ^Date | digest
	fetch --http1.1 --data-binary "@$scratch/www/large" "$u/post"
}
http2() {
	local u
	u=https://$(url_of "$1"):8443
	fetch --http2 -Z -o /dev/null -o /dev/null -w '%{http_version} %{http_code} %{size_download}\n' "$u/large" "$u/small" 2>/dev/null | sort
	fetch --http2 "$u/large" | digest
	fetch --http2 --data-binary "@$scratch/www/large" "$u/post"
}
http2_plain() {
	local u
	u=http://$(url_of "$1"):8081
	fetch --http2-prior-knowledge -i "$u/small" | grep -av ^date | digest
	fetch --http2-prior-knowledge --data-binary "@$scratch/www/large" -w '%{http_version}\n' "$u/post"
	fetch --http2-prior-knowledge "$u/large" | digest
}
tls() {
	local version
	for version in -tls1_2 -tls1_3; do
		printf 'GET /small HTTP/1.0\r\n\r\n' | inside client timeout 20 openssl s_client $version -ign_eof -quiet \
			-servername origin.test -connect "$(url_of "$1"):8443" 2>"$scratch/tls" | grep -av ^Date | digest
		grep -a '^depth' "$scratch/tls"
	done
}
secure_shell() {
	local options=(-p 2222 -i "$scratch/login" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
		-o LogLevel=ERROR -o BatchMode=yes -o IdentitiesOnly=yes -F none)
	inside client ssh "${options[@]}" "root@$1" 'echo hello; cat >/dev/null; echo error >&2; exit 3' </dev/null
	echo "status $?"
	inside client ssh "${options[@]}" "root@$1" sha256sum <"$scratch/www/large"
	inside client ssh "${options[@]}" "root@$1" "cat $scratch/www/large" | digest
}
mail() {
	rm -f "$scratch/mailbox"
	inside client timeout 30 $PYTHON tests/wire/clients.py smtp "$1" 2526
	digest <"$scratch/mailbox"
}
web_socket() { inside client timeout 30 $PYTHON tests/wire/clients.py websocket "$1" 8765; }
database() {
	inside client timeout 30 mariadb --no-defaults -h "$1" -P 3306 -u root --batch -e "
		DROP DATABASE IF EXISTS test; CREATE DATABASE test; USE test;
		CREATE TABLE t (n INT PRIMARY KEY, s LONGTEXT);
		INSERT INTO t SELECT seq, REPEAT(MD5(seq), 200) FROM seq_1_to_500;
		SELECT COUNT(*), SUM(LENGTH(s)) FROM t; SELECT SHA2(GROUP_CONCAT(s), 256) FROM t; SELECT * FROM t;" >"$scratch/rows"
	echo "status $? $(digest <"$scratch/rows") $(wc -l <"$scratch/rows")"
	inside client timeout 30 mariadb --no-defaults -h "$1" -P 3306 -u root test -e 'SELECT * FROM missing'
	echo "status $?"
}
file_transfer() {
	local port=2121 u option
	[ "$2" = straight ] && port=2120
	u=ftp://polder:secret@$(url_of "$1"):$port
	for option in --disable-epsv --ftp-skip-pasv-ip; do
		[ "${1#*:}" != "$1" ] && [ "$option" = --disable-epsv ] && option=--no-disable-epsv
		fetch "$option" "$u/large" | digest
		fetch "$option" -T "$scratch/www/large" "$u/uploaded"
		digest <"$scratch/ftp/uploaded"
		fetch "$option" -l "$u/"
	done
}

same "HTTP/1.1 over TLS" http1 "sink 3000000"
same "HTTP/2 over TLS" http2 "sink 3000000"
same "HTTP/2 in the clear" http2_plain "sink 3000000"
same "TLS 1.2 and 1.3" tls origin.test
same "SSH with a key, commands and data" secure_shell "status 3"
same "SMTP" mail "250, b'taken'"
same "WebSocket" web_socket "closed 1000"
same "MariaDB" database "status 1"
same "FTP, passive" file_transfer uploaded
tests/wire/sockets "$CLIENT_NETNS" "$ORIGIN_NETNS" $SOCKETS_PORT "$ORIGIN4" $SOCKETS_PORT "$ORIGIN6" $SOCKETS_PORT \
	"${vip[4]}" $SOCKETS_PORT "${vip[6]}" $SOCKETS_PORT || test_failed=1
done_testing
