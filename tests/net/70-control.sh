#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A control by itself, in a folder of its own: what it refuses to start with, a full disk, being killed while
# it writes, and that no secret lies about. Needs no lab; calls go to its socket.
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
folder=$(mktemp -d) || exit 1
disk=$folder/disk
failed=0 pid='' mounted=0

end() {
	[ -n "$pid" ] && kill "$pid" 2>/dev/null && wait "$pid"
	[ $mounted = 1 ] && umount "$disk"
	rm -rf "$folder"
}
trap end EXIT
trap 'exit 130' INT TERM

equal() { # equal NAME EXPECTED GOT
	if [ "$2" = "$3" ]; then
		echo "ok - $1"
	else
		printf 'not ok - %s\n    expected %s\n    got      %s\n' "$1" "$2" "$3"
		failed=1
	fi
}
run() { # run POOL SOCKET: a control in the background; its log starts anew
	"$O/polder-control" --socket "$folder/$2" --node-socket "$folder/$2.node" \
		--database "sqlite:$disk/control.db" --key-file "$folder/key" --nonce-file "$folder/nonces" \
		--bootstrap-file "$folder/first.json" --vip-pool "$1" --calls-per-second 0 2>"$folder/$2.log" &
	pid=$!
}
start() {
	run 198.51.100.0/24 api
	for _ in $(seq 200); do
		grep -q ready "$folder/api.log" && break
		sleep 0.02
	done
	KEY=$(jq -r .access_key_id "$folder/first.json") SECRET=$(jq -r .access_key_secret "$folder/first.json")
}
stop() {
	kill "$pid"
	wait "$pid"
	pid=''
}
# refused WORDS: the control that was just run ended by itself, with an error, and said WORDS.
refused() {
	wait "$pid"
	status=$?
	pid=''
	equal "$1" "1 told" "$status $(grep -q "$2" "$folder/$3.log" && echo told || tail -n 1 "$folder/$3.log")"
}
# call VERSION ACTION [NAME=VALUE]...: signed (V1); names and values are of unreserved characters.
call() {
	local query signature now
	now=$(date -u +%Y-%m-%dT%H%%3A%M%%3A%SZ)
	query=$(printf '%s\n' "Version=$1" "Action=$2" "${@:3}" "Format=JSON" "AccessKeyId=$KEY" \
		SignatureMethod=HMAC-SHA1 SignatureVersion=1.0 "SignatureNonce=$(cat /proc/sys/kernel/random/uuid)" \
		"Timestamp=$now" | LC_ALL=C sort | paste -sd '&')
	signature=$(printf 'GET&%%2F&%s' "$(sed 's/%/%25/g; s/=/%3D/g; s/&/%26/g' <<<"$query")" |
		openssl dgst -sha1 -hmac "$SECRET&" -binary | base64 | sed 's/+/%2B/g; s/=/%3D/g; s,/,%2F,g')
	curl -sS -m 20 --unix-socket "$folder/api" "http://polder/?$query&Signature=$signature" 2>/dev/null
}
buy() { call 2017-12-14 CreateInstance ProductCode=ddos SubscriptionType=Subscription Period=1; }
count() { call 2020-01-01 DescribeInstances PageNumber=1 PageSize=1 | jq -r .TotalCount; }
intact() { call 2026-11-01 VerifyAuditLog | jq -c '[.Intact, .Checked]'; }

mkdir "$disk"
if mount -t tmpfs -o size=8m tmpfs "$disk" 2>/dev/null; then mounted=1; fi

start
equal "an order is taken" Success "$(buy | jq -r .Code)"

# A second control on the same files, with another pool, changes nothing of the first.
first=$pid
run 203.0.113.0/24 second
refused "a second control is refused" "another control uses" second
pid=$first
equal "and leaves the pool of the first alone" 198.51.100 \
	"$(buy >/dev/null && call 2020-01-01 DescribeInstances PageNumber=1 PageSize=1 | jq -r '.Instances[0].Ip[:10]')"

# No secret is in the store or in the log as it is.
token=$(call 2026-11-01 CreateSecurityToken)
for secret in "$SECRET" "$(jq -r .Credentials.AccessKeySecret <<<"$token")" \
	"$(jq -r .Credentials.SecurityToken <<<"$token")"; do
	[ ${#secret} -ge 30 ] || equal "a secret to look for" "30 characters" "$secret"
	equal "a secret is nowhere in the clear" 1 "$(
		cat "$disk"/control.db* "$folder/api.log" | grep -qaF "$secret"
		echo $?
	)"
done

if [ $mounted = 1 ]; then
	before=$(count)
	# Leaves some pages, which the log of the store uses up.
	head -c "$(($(df --output=avail -B1 "$disk" | tail -n 1) - 200000))" /dev/zero >"$disk/filler"
	for _ in $(seq 60); do
		reply=$(buy)
		[ "$(jq -r .Code <<<"$reply")" = Success ] || break
		before=$((before + 1))
	done
	equal "a write without room is refused for now" ServiceUnavailable "$(jq -r .Code <<<"$reply")"
	equal "the next one too" ServiceUnavailable "$(buy | jq -r .Code)"
	equal "reads go on, and nothing of it happened" "$before" "$(count)"
	rm "$disk/filler"
	equal "writes go on when there is room" Success "$(buy | jq -r .Code)"
	equal "and count" "$((before + 1))" "$(count)"
else
	echo "ok - full disk # SKIP needs a file system of its own"
fi

# Killed while it writes: what was answered is there, and the chain is whole.
told=$(count)
for round in 1 2 3 4 5 6; do
	(
		while buy | jq -r .Code; do :; done
	) >"$folder/orders" 2>/dev/null &
	writer=$!
	sleep "0.$((round * 13 % 40 + 15))"
	kill -9 "$pid"
	wait "$pid" 2>/dev/null
	kill "$writer" 2>/dev/null
	wait "$writer" 2>/dev/null
	told=$((told + $(grep -c Success "$folder/orders")))
	start
	now=$(count)
	# One order may have been committed without its answer having been read.
	[ "$now" -ge "$told" ] && [ "$now" -le $((told + 1)) ] || equal "round $round: orders" "$told" "$now"
	told=$now
done
records=$(call 2026-11-01 DescribeAuditLog ActionName=CreateInstance PageSize=1 | jq -r .TotalCount)
equal "every order has its record" "$told" "$records"
equal "the chain of records is whole" true "$(intact | jq '.[0]')"
stop

mv "$folder/key" "$folder/key.kept"
run 198.51.100.0/24 api
refused "a store without its key file is refused" "is missing" api
equal "and no other key is made in its place" no "$([ -e "$folder/key" ] && echo yes || echo no)"
head -c 32 /dev/urandom >"$folder/key"
chmod 600 "$folder/key"
run 198.51.100.0/24 api
refused "a wrong key file is refused" "does not open with this key file" api
mv "$folder/key.kept" "$folder/key"
start
equal "the right one opens it again" "$told" "$(count)"
stop
exit $failed
