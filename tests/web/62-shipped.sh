# SPDX-License-Identifier: BSD-2-Clause
# Shipped rules lie in the table once: sites choose from them, each does with a rule what it says, and they stand where the
# site's list has them.
. "$(dirname "$0")/lib.sh"
. tests/web/checks.sh
origins_start
step() { echo "{\"field\":\"$1\",\"match\":\"$2\",\"value\":\"$3\"}"; }
# shipped NUMBER STEP: as CHOICE_NUMBER in shared/request_abi.h
shipped() { echo "{\"number\":$((0xffff0000 + $1)),\"action\":\"block\",\"check\":\"global\",\"steps\":[$2]}"; }
RULES="$(shipped 1 "$(step uri equal /one)"),$(shipped 2 "$(step uri prefix /two)"),$(shipped 3 "$(step body contains attack)"),$(shipped 5 "$(step uri equal /five)")"
choose() { echo "{\"number\":4294901760,\"choose\":[$1]}"; }
own() { echo "{\"number\":$1,\"action\":\"$2\",\"check\":\"$3\",\"steps\":[$(step uri prefix "$4")]}"; }
all="$(choose '[1,"block"],[2,"block"],[3,"block"],[5,"block"]')"
table <<END
{$(vips), "proxies":["192.0.2.1/32"], "shipped":{"rules":[$RULES]}, "sites":[
 $(one_site 1 all.test "\"rules\":[$all]"),
 $(one_site 2 some.test "\"rules\":[$(choose '[1,"watch"],[3,"block"],[4,"block"],[5,"block"]')]"),
 $(one_site 3 none.test '"rules":[]'),
 $(one_site 4 watch.test "\"rules\":[$all],\"modes\":{\"global\":1}"),
 $(one_site 5 off.test "\"rules\":[$all],\"modes\":{\"global\":0}"),
 $(one_site 6 order.test "\"rules\":[$(own 1 accept precise /two/open),$all,$(own 2 block smart /smart)],\"modes\":{\"smart\":2}"),
 $(one_site 7 back.test "\"rules\":[$(choose '[5,"block"],[1,"block"],[2,"block"]')]"),
 $(one_site 8 challenge.test "\"rules\":[$(choose '[1,"watch"],[2,"challenge"]')]")]}
END
edge_start 1

# SITE|PATH|EXPECTED[|CURL ARGUMENTS]
while IFS='|' read -r site path expected arguments; do
	# shellcheck disable=SC2086 # arguments are words
	equal "$site $path $arguments" "$expected" "$(status "$site.test" "$path" $arguments)"
done <<'END'
all|/|200
all|/one|403
all|/two/2|403
all|/five|403
all|/four|200
all|/|403|--data x-attack-x
all|/|200|--data x-defence-x
all|/five|403|--data x-defence-x
some|/one|200
some|/two/2|200
some|/five|403
some|/|403|--data attack
some|/five|403|--data defence
none|/one|200
none|/|200|--data attack
watch|/one|200
watch|/five|200
off|/one|200
order|/two/open|200
order|/two|403
order|/smart|403|-H X-Forwarded-For:203.0.113.9
back|/five|403
back|/one|403
back|/two|403
back|/six|200
challenge|/one|200
END
counts "a rule that only watches counts" watched global 2 1 status some.test /one
counts "one that blocks, too" refused global 2 1 status some.test /five
counts "a check that only watches" watched global 4 1 status watch.test /two
counts "one that challenges does" challenged global 8 1 get challenge.test /two -H X-Forwarded-For:203.0.113.10
status some.test /five >/dev/null
equal "the log has the shipped number" $((0xffff0005)) "$(logged rule)"

# The rules change at once for all, as one record.
table <<<'{"shipped":{"rules":['"$(shipped 1 "$(step uri equal /uno)")"']}}'
equal "another release of the rules" "200 403" "$(status all.test /one) $(status all.test /uno)"
equal "what it has no more is not asked" 200 "$(status all.test /five)"
# Damaged ones are not used, and take nothing else along.
table <<<'{"shipped":{"bytes":"these are no rules, whatever else they may be: nobody is to follow them anywhere at all"}}'
equal "damaged rules are not used" "200 403" \
	"$(status all.test /uno) $(status order.test /smart -H X-Forwarded-For:203.0.113.9)"
equal "which is said once" 1 "$(grep -c 'site "": .*: not served' "$scratch/error.log")"
table <<<'{"shipped":{"rules":['"$RULES"']}}'
equal "good ones are used again" 403 "$(status all.test /one)"
done_testing
