#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A whole installation on a machine with systemd: make install, polder check, polder init --start; the API answers over TLS,
# packets and requests are forwarded, also after units and the machine were restarted; polder init --undo leaves nothing.
#
# The machine is this one seen through an overlay that is thrown away, with a systemd of its own as process 1, in namespaces of
# its own (processes, mounts, cgroups, network); a client and an origin are network namespaces with a line to it. What it
# could do to the kernel that both share is taken from it: of /proc/sys it may write net alone, its capabilities lack the clock,
# modules and raw access to devices, and no unit of this machine runs but those of systemd itself and nginx.
. "$(dirname "$0")/lib.sh"

if [ ! -x /lib/systemd/systemd ]; then
	echo "ok - an installation # SKIP systemd is not installed: ./setup"
	exit 0
fi
if ! grep -qw overlay /proc/filesystems && ! modprobe -q overlay; then
	echo "ok - an installation # SKIP this kernel has no overlay file system"
	exit 0
fi

NAME=polder-machine-$$
CLIENT=$NAME-c ORIGIN=$NAME-o
# The machine's lines. 192.0.2.0/24 and 198.51.100.0/24 are the networks of client and origin.
NEAR=192.0.2.1 FAR=198.51.100.2
NEAR6=2001:db8:1::1 FAR6=2001:db8:2::2

mend() {
	[ -z "${machine:-}" ] || end_machine
	for namespace in "$NAME" "$CLIENT" "$ORIGIN"; do ip netns delete "$namespace" 2>/dev/null; done
	[ -z "${server:-}" ] || kill "$server" 2>/dev/null
}

# ---- the network
line() { # line INTERFACE PEER ADDRESS PEER-ADDRESS ADDRESS6 PEER-ADDRESS6
	ip -n "$NAME" link add "$1" type veth peer name n0 netns "$2"
	ip -n "$NAME" link set "$1" up
	ip -n "$2" link set lo up
	ip -n "$2" link set n0 up
	ip -n "$NAME" address add "$3/24" dev "$1"
	ip -n "$NAME" address add "$5/64" dev "$1" nodad
	ip -n "$2" address add "$4/24" dev n0
	ip -n "$2" address add "$6/64" dev n0 nodad
	ip -n "$2" route add default via "$3"
	ip -n "$2" route add default via "$5"
	# A card checks sums and cuts packets; a veth leaves both to whoever receives.
	ip netns exec "$NAME" ethtool -K "$1" tx off tso off gso off gro on >/dev/null
	ip netns exec "$2" ethtool -K n0 tx off tso off gso off gro on >/dev/null
}
for namespace in "$NAME" "$CLIENT" "$ORIGIN"; do ip netns add "$namespace"; done
ip -n "$NAME" link set lo up
line w0 "$CLIENT" "$NEAR" 192.0.2.2 "$NEAR6" 2001:db8:1::2
line l0 "$ORIGIN" 198.51.100.1 "$FAR" 2001:db8:2::1 "$FAR6"
ip -n "$NAME" address add 198.51.100.8/32 dev l0
ip -n "$NAME" address add 2001:db8:2::8/128 dev l0 nodad preferred_lft 0
mkdir "$scratch/pages"
echo "a page of the origin" >"$scratch/pages/page"
ip netns exec "$ORIGIN" python3 -m http.server --directory "$scratch/pages" --bind :: 80 >/dev/null 2>&1 &
server=$!

# ---- the machine. Mounts are made in a namespace that ends with its last process, so nothing has to be unmounted here.
cat >"$scratch/lay" <<'LAY'
# lay FOLDER: the machine's files, and what keeps them there; says when it is ready
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root" "$1/cgroup"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t cgroup2 cgroup2 "$1/cgroup"
cd "$1/root"
rm -rf etc/systemd/system etc/polder var/lib/polder* etc/nginx/conf.d/polder* etc/sysctl.d/* var/log/journal
find usr/local -path '*polder*' -delete
mkdir -p etc/systemd/system/multi-user.target.wants
# As Debian's package of nginx leaves it.
ln -s /lib/systemd/system/nginx.service etc/systemd/system/multi-user.target.wants/
echo 0123456789abcdef0123456789abcdef >etc/machine-id
touch "$1/ready"
exec setpriv --pdeathsig KILL sleep infinity
LAY
cat >"$scratch/boot" <<'BOOT'
# boot ROOT: becomes process 1 of the machine
set -e
cd "$1"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount --bind proc/sys/net proc/sys/net
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t bpf bpf sys/fs/bpf
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do
	: >"dev/$node"
	mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/shm dev/pts
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
pivot_root . mnt
umount -l /mnt
exec setpriv --bounding-set=-sys_time,-sys_module,-sys_rawio,-wake_alarm,-syslog \
	env -i container=polder-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin /lib/systemd/systemd
BOOT
mkdir "$scratch/machine"
unshare --mount --propagation private bash "$scratch/lay" "$scratch/machine" &
holder=$!
machine=$scratch/machine booted=
inside_mounts=(nsenter --target "$holder" --mount --wd=/ --)
group=$machine/cgroup/$NAME
eventually "${inside_mounts[@]}" test -e "$machine/ready" || { not_ok "the machine's files are laid"; exit 1; }
boot() {
	"${inside_mounts[@]}" mkdir -p "$group"
	(exec "${inside_mounts[@]}" bash -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' bash "$group" \
		nsenter --net="/run/netns/$NAME" setpriv --pdeathsig KILL \
		unshare --cgroup --mount --propagation private --pid --uts --ipc --fork --kill-child bash "$scratch/boot" "$machine/root" >>"$scratch/console" 2>&1 </dev/null) &
	booted=$!
	eventually is_up
}
# there COMMAND...: on the machine
there() {
	local init
	init=$(ps --no-headers -o pid --ppid "$booted" | tr -d ' ')
	[ -n "$init" ] && nsenter --target "$init" --mount --pid --net --uts --ipc --cgroup --root --wd=/ -- timeout -k 5 120 env -i HOME=/root \
		LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin "$@" </dev/null
}
is_up() { [ "$(there systemctl is-system-running)" = running ]; }
has_ended() { ! kill -0 "$booted" 2>/dev/null; }
power_off() {
	there systemctl poweroff 2>/dev/null
	eventually has_ended
}
end_machine() {
	[ -z "$booted" ] || kill -KILL "$(ps --no-headers -o pid --ppid "$booted" | tr -d ' ')" 2>/dev/null
	wait "$booted" 2>/dev/null
	"${inside_mounts[@]}" find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
	kill "$holder"
	wait "$holder" 2>/dev/null
}
at_client() { ip netns exec "$CLIENT" "$@"; }
status_of() {
	"$@" >"$scratch/said" 2>&1
	echo $?
}
said() { grep -qF -- "$1" "$scratch/said" || { cat "$scratch/said"; return 1; }; }

"${inside_mounts[@]}" make -s -C "$PWD" O="$O" install DESTDIR="$machine/root" >"$scratch/said" 2>&1 || not_ok "make install" "$(cat "$scratch/said")"
boot && ok "the machine is up" || { not_ok "the machine is up" "$(cat "$scratch/console")"; exit 1; }

# ---- check
equal "check: the machine is fit, but for forwarding" 1 "$(status_of there polder check --wan w0 --lan l0)"
check "which is what it says" said "1 to mend before Polder works here"

# ---- install
# state: what an installation can leave, as text. Logs and caches of others go on.
state() {
	there find /etc /usr/local /var /run /sys/fs/bpf \( -path '/run/systemd' -o -path /var/log/journal -o -path /var/lib/systemd -o \
		-path '/var/l*/nginx/*' -o -path '/run/log' -o -path /run/user -o -path '/var/tmp/systemd-private-*' -o -name wtmp -o -path /var/cache/man -o \
		-path '/run/udev' \) -prune -o -type f -printf '%p %M %u %s\n' -o -printf '%p %M %u %l\n' | sort
	there ip -d link show | grep -oE 'prog/xdp.*'
	there tc filter show dev w0 ingress
	there sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding net.ipv4.tcp_syncookies
	there systemctl list-units --all --no-legend --plain 'polder*' nginx.service | awk '{ print $1, $2, $3, $4 }'
	there ss -Hltn | awk '{ print $4 }' | sort
}
options=(--wan w0 --lan l0 --vip 203.0.113.16/28 --vip 2001:db8:5::/120 --origin-pool 198.51.100.8 --origin-pool 2001:db8:2::8
	--name "$NEAR" --node edge1 --mode enforce --yes)
# What another test's nginx left on this machine would be kept, with whatever owner.
there rm -rf /var/cache/polder-edge
state >"$scratch/before"
equal "init --start" 0 "$(status_of there polder init "${options[@]}" --start)"
cp "$scratch/said" "$scratch/installed"
there cat /etc/polder/api.crt >"$scratch/ca"
as_installed() { # calls from the client's side
	at_client "$POLDER" "$@" --endpoint "https://$NEAR/" --ca-file "$scratch/ca" \
		--access-key-id "$(awk '/access key id/ { print $4 }' "$scratch/installed")" \
		--access-key-secret "$(awk '/access key secret/ { print $4 }' "$scratch/installed")"
}
fetch() { at_client curl -s -m 2 "$@" | grep -qx 'a page of the origin'; }
serves() { fetch "http://$vip:81/page" && fetch "http://[$vip6]:81/page" && fetch --resolve "www.example.com:80:$vip" http://www.example.com/page; }
node_is_current() { as_installed nodes --json >"$scratch/nodes" && jq -e 'all(.Nodes[]; .UpToDate) and .TotalCount == 1' "$scratch/nodes"; }

equal "the API answers over TLS, and the node is there" edge1 "$(as_installed nodes --json | jq -r '.Nodes[].NodeName')"
if [ -e "$O/console/index.html" ]; then
	check "the console is there" sh -c "ip netns exec $CLIENT curl -s --cacert $scratch/ca https://$NEAR/console/ | cmp - $O/console/index.html"
else
	ok "the console is there # SKIP it was not built"
fi
id=$(as_installed buy --json | jq -r .Data.InstanceId)
id6=$(as_installed buy --ipv6 --json | jq -r .Data.InstanceId)
vip=$(as_installed instances --json | jq -r ".Instances[] | select(.InstanceId == \"$id\").Ip")
vip6=$(as_installed instances --json | jq -r ".Instances[] | select(.InstanceId == \"$id6\").Ip")
check "a port is forwarded" as_installed forward "$id" tcp 81 80 "$FAR"
check "and one of IPv6" as_installed forward "$id6" tcp 81 80 "$FAR6"
check "a web site is served" as_installed serve www.example.com "$id" "$FAR"
check "packets and requests are forwarded" eventually serves

# ---- what is started again is as it was
there systemctl restart polder-control 'polder-agent@edge1' polder-edge nginx
check "after a restart of all units it is forwarded" eventually serves
check "and the node is current" eventually node_is_current
there systemctl kill --signal KILL polder-control 'polder-agent@edge1'
check "after a kill it is forwarded" eventually serves
check "and the node is current again" eventually node_is_current
power_off || not_ok "the machine ends"
boot || not_ok "the machine starts again" "$(there systemctl --no-pager --failed)"
check "after a start of the machine it is forwarded" eventually serves
check "and the node is current" eventually node_is_current
equal "nothing has failed" "" "$(there systemctl --failed --no-legend --plain)"

# ---- what runs has few rights
equal "the control runs without rights, and not as root" "0000000000000000 yes" "$(there sh -c '
	process=/proc/$(systemctl show -P MainPID polder-control) && awk "/CapBnd/ { printf \"%s \", \$2 }" $process/status &&
	[ "$(stat -c %u $process)" != 0 ] && echo yes')"
equal "systemd finds no fault with the units" "" "$(there systemd-analyze verify /etc/systemd/system/polder-control.service \
	'/etc/systemd/system/polder-agent@edge1.service' /etc/systemd/system/polder-edge.service 2>&1)"

# ---- taken back
equal "init --undo" 0 "$(status_of there polder init --undo --yes)"
check "it is taken back" said "taken back"
state >"$scratch/after"
check "nothing is left" diff "$scratch/before" "$scratch/after"

# ---- started by hand, as init says; and taken back all the same
equal "init without --start" 0 "$(status_of there polder init "${options[@]}")"
cp "$scratch/said" "$scratch/installed"
sed -n '/^Start it:/,/^Tell/p' "$scratch/installed" | grep '^  ' >"$scratch/start"
equal "it says what to start" 3 "$(wc -l <"$scratch/start")"
check "which works" there sh -ec "$(cat "$scratch/start")"
there cat /etc/polder/api.crt >"$scratch/ca"
check "the node comes" eventually node_is_current
equal "init --undo" 0 "$(status_of there polder init --undo --yes)"
check "it is taken back" said "taken back"
state >"$scratch/after"
check "nothing is left" diff "$scratch/before" "$scratch/after"

done_testing
