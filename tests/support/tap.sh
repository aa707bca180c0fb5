# SPDX-License-Identifier: BSD-2-Clause
# What shell tests say, in TAP. Sourced; test_failed is what the script ends with.
test_failed=0

ok() { echo "ok - $1"; }
not_ok() {
	echo "not ok - $1"
	shift
	[ $# -gt 0 ] && printf '    %s\n' "$@"
	test_failed=1
}
# check NAME COMMAND...: passes when the command succeeds.
check() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "$* said: $out"; fi
}
equal() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "expected $2" "got      $3"; fi; }
