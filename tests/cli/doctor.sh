#!/usr/bin/env bash
# uvn doctor tries things, says what is missing, and changes nothing.
. "$(dirname "$0")/lib.sh"

check "a line for every check, exit status 0"
expect 0 doctor
for name in O_DIRECT disk memory io_uring PMU "perf events" libpfm4 tracefs \
    userfaultfd gnuplot TSC; do
	grep -qE "^(ok|missing) +$name +[^ ]" out || fail "no line for $name"
done
awk 'length > 79 { bad = 1 } END { exit bad }' out || fail "a long line"
is "err out" "$(echo *)" "the folder"

check "--json: the same checks"
expect 0 doctor --json
is 1 "$(sqlite3 :memory: "SELECT json_valid(readfile('out'))")" "json_valid"
is 11 "$(sqlite3 :memory: "SELECT count(*)
    FROM json_each(readfile('out'), '\$.checks')
    WHERE json_extract(value, '\$.ok') IN (0, 1)")" "the number of checks"

check "what is missing is said with a remedy"
expect 0 doctor --dir "$work/nowhere"
grep -qE '^missing +O_DIRECT +.*nowhere' out || fail "nowhere"
prints "--dir"
(
	mkdir none
	export PATH=$work/none
	"$UVN" doctor >out
)
grep -qE '^missing +gnuplot ' out || fail "gnuplot"
prints "apt-get install gnuplot-nox"
