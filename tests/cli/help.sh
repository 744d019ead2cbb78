#!/usr/bin/env bash
# --help and --version: golden where the text is fixed, complete where it
# follows from tables.
. "$(dirname "$0")/lib.sh"

golden() {
	local name=$1

	shift
	check "uvn $* prints help-$name.txt"
	expect 0 "$@"
	same "$top/tests/cli/help-$name.txt" out
	[ ! -s err ] || fail "something on standard error"
}
golden uvn --help
golden params params --help
golden doctor doctor --help

check "help and --version work wherever they stand"
expect 0 help
same "$top/tests/cli/help-uvn.txt" out
for args in --version "replay --version" "params --version" "doctor --version"
do
	# shellcheck disable=SC2086
	expect 0 $args
	grep -qE '^uvn [0-9]+\.[0-9]+$' out || fail "no version: $args"
done

check "the help of replay names every tunable and fits 80 columns"
expect 0 params
sed 1d out | grep -oE '^[a-z0-9_]+' >names
[ -s names ] || fail "no tunables"
expect 0 replay --help
while read -r name; do
	prints "--$name "
done <names
awk 'length > 79 { bad = 1 } END { exit bad }' out || fail "a long line"

check "the manual page of tunables is what uvn params writes"
expect 0 params --mdoc
same "$top/docs/man/uvn-tunables.7" out

check "the manual pages have nothing mandoc warns of"
if command -v mandoc >/dev/null; then
	for page in uvn uvn-replay uvn-params uvn-doctor; do
		mandoc -Tlint -Wwarning "$top/docs/man/$page.1" >out ||
		    fail "$page.1"
	done
	mandoc -Tlint -Wwarning "$top/docs/man/uvn-tunables.7" >out ||
	    fail "uvn-tunables.7"
fi

check "the manual of replay has every option that is no tunable"
expect 0 replay --help
sed -n '/^options:/,/^tunables/p' out | grep -oE -- '--[a-z-]+' | sort -u |
    while read -r option; do
	grep -qE -- "Fl -.*${option#--}\\b" "$top/docs/man/uvn-replay.1" \
	    "$top/docs/man/uvn.1" || echo "$option"
done >missing
[ ! -s missing ] || fail "uvn-replay(1) lacks $(tr '\n' ' ' <missing)"
