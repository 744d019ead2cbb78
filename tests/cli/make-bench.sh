#!/usr/bin/env bash
# scripts/bench prints what it measured, stores every value of every round, and
# draws what has a goal.  How fast anything is is no matter of tests.
. "$(dirname "$0")/lib.sh"

bench() {
	(cd "$top" && UVN=$UVN SCALE=1000 ROUNDS=2 CACHESIM='' \
	    BENCH_DIR=$work/bench scripts/bench "$@") >out 2>err
	rc=$?
}
result() {
	sqlite3 -batch bench/results.db "$1"
}

check "values, ratios and a picture"
bench null hits grow
is 0 $rc "exit status: $(cat err)"
prints "null: zipf(0.9)"
grep -qE '^  ratio the longer / the shorter .*goal: at most 1.5$' out ||
    fail "no ratio"
is "1 2 1000" "$(result "SELECT id, rounds, scale FROM bench" | tr '|' ' ')" \
    "the session"
is 8 "$(result "SELECT count(*) FROM (SELECT 1 FROM value
    GROUP BY section, name, unit HAVING count(*) = 2 AND min(value) > 0)")" \
    "values with two rounds"
is 3 "$(result "SELECT count(*) FROM ratio WHERE goal LIKE 'at %' AND
    smallest <= median AND median <= largest")" "what has a goal"
[ -s bench/bench.svg ] && [ -s bench/bench.png ] || fail "no picture"
grep -q 'grow: the longer / the shorter' bench/bench.svg ||
    fail "it is not drawn"

check "a session more is a row more"
bench null
is 0 $rc "exit status: $(cat err)"
is "1,2" "$(result "SELECT group_concat(id) FROM bench")" "sessions"

check "what there is none of is refused"
bench nothing
is 1 $rc "exit status"
grep -q "unknown benchmark 'nothing'" err || fail "not said"
