# SPDX-License-Identifier: BSD-2-Clause
# What tests of checks share, besides lib.sh. Sourced after it.

place_of() { grep -oP '^CHECK\(\K[a-z_0-9]+' shared/checks.def | grep -nx "$1" | cut -d: -f1; }
# site_count NUMBER FIELD [CHECK]: of a site: requests challenged passed refused watched, the last two of a check.
site_count() {
	local offset
	case $2 in
	requests) offset=8 ;;
	challenged) offset=152 ;;
	passed) offset=160 ;;
	refused) offset=$((168 + 8 * ($(place_of "$3") - 1))) ;;
	watched) offset=$((424 + 8 * ($(place_of "$3") - 1))) ;;
	esac
	# Where sites begin is said behind magic, version and size.
	od -An -t u8 -j $(($(od -An -t u8 -j 16 -N 8 "$FOLDER/counters") + $1 * 888 + offset)) -N 8 "$FOLDER/counters" | tr -d ' '
}
# bans: written to the packet path, and that could not be.
node_bans() { od -An -t u8 -j $((32 + 8 * (3 + 32))) -N 8 "$FOLDER/counters" | tr -d ' '; }
node_bans_failed() { od -An -t u8 -j $((32 + 8 * (3 + 33))) -N 8 "$FOLDER/counters" | tr -d ' '; }

# counts NAME FIELD CHECK NUMBER EXPECTED COMMAND...: the site's counter goes up by so much.
counts() {
	local name=$1 field=$2 check=$3 number=$4 expected=$5 before
	shift 5
	before=$(site_count "$number" "$field" "$check")
	"$@" >/dev/null 2>&1
	equal "$name" "$expected" $(($(site_count "$number" "$field" "$check") - before))
}
# goes_up NAME EXPECTED BEFORE COMMAND...: the number that the command prints goes up by so much, within a moment.
goes_up() {
	local name=$1 expected=$2 before=$3 i
	shift 3
	for i in $(seq 30); do
		[ $(($("$@") - before)) = "$expected" ] && break
		sleep 0.1
	done
	equal "$name" "$expected" $(($("$@") - before))
}
# raw TEXT: sends what printf makes of it to port 80; prints the status, or "closed" when nothing came.
raw() {
	local line=
	# In one piece: bash itself would send it line by line. shellcheck disable=SC2059 # it is a format
	printf "$1" >"$scratch/raw"
	{
		cat "$scratch/raw" >&3
		read -r -t 3 line <&3
	} 3<>"/dev/tcp/$VIP/80" 2>/dev/null
	set -- $line
	echo "${2:-closed}"
}
# status HOST [PATH [CURL-OPTION...]]: 000 when the connection was closed.
status() {
	local host=$1 path=${2:-/}
	shift $(($# > 2 ? 2 : $#))
	get "$host" "$path" "$@" -o /dev/null -w '%{http_code}'
}
# one_site NUMBER DOMAIN MEMBERS: a site for the list of a table.
one_site() {
	echo "{\"domain\":\"$2\",\"number\":$1,\"ports\":[[80,$HTTP],[443,$HTTPS]],\"origins\":[{\"address\":\"127.0.1.1\",\"port\":8000}]${3:+,$3}}"
}
