#!/usr/bin/env bash
# uvn doctor tries things, says what is missing, and changes nothing.
. "$(dirname "$0")/lib.sh"

check "a line for every check, exit status 0"
expect 0 doctor
for name in O_DIRECT disk memory io_uring PMU "perf events" rdpmc libpfm4 \
    tracefs userfaultfd "record kernel" "record preload" "record valgrind" \
    gnuplot TSC; do
	grep -qE "^(ok|missing) +$name +[^ ]" out || fail "no line for $name"
done
awk 'length > 79 { bad = 1 } END { exit bad }' out || fail "a long line"
is "err out" "$(echo *)" "the folder"

check "--json: the same checks"
expect 0 doctor --json
is 1 "$(sqlite3 :memory: "SELECT json_valid(readfile('out'))")" "json_valid"
is 15 "$(sqlite3 :memory: "SELECT count(*)
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

check "what libpfm4 takes the processor for; one that it does not know"
(
	unset LIBPFM_FORCE_PMU
	"$UVN" doctor >out
)
grep -qE '^(ok +libpfm4 +this processor is [a-z0-9_]+ to it|missing +libpfm4 )' \
    out || fail "libpfm4"
LIBPFM_FORCE_PMU=skl "$UVN" doctor >out
grep -qE '^ok +libpfm4 +this processor is skl to it \(Intel Skylake, [0-9]+ events\)' \
    <(tr -s '\n ' ' ' <out | sed 's/ ok /\nok /g') || fail "forced"

check "--events: every generic event once, and whether it can be counted"
expect 0 doctor --events
for name in cycles instructions LLC-load-misses task-clock page-faults \
    context-switches; do
	is 1 "$(grep -cE "^(ok|missing) +$name(:|$)" out)" "lines for $name"
done
if grep -q '^missing  ' out; then
	grep -qE '^missing: ' out || fail "no reason"
fi

check "--events --json: the same events, a reason where one is missing"
grep -cE '^(ok|missing)  ' out >lines
expect 0 doctor --events --json
is "$(cat lines)" "$(sqlite3 :memory: "SELECT count(*)
    FROM json_each(readfile('out'), '\$.events')
    WHERE json_extract(value, '\$.ok') + (json_extract(value, '\$.reason')
    IS NOT NULL) = 1 AND json_extract(value, '\$.name') IS NOT NULL")" "events"

check "the list is what uvn replay takes"
trace_csv t.csv 10
# Twenty spread over the list: a tracepoint takes the kernel 0.2 s.
for name in $(sqlite3 :memory: "SELECT json_extract(value, '\$.name')
    FROM json_each(readfile('out'), '\$.events')
    WHERE key % max($(cat lines) / 20, 1) = 0"); do
	expect 0 replay t.csv --backend null --no-db --quiet --events "$name"
done
