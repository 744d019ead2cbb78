#!/usr/bin/env bash
# The same trace and tunables give the same counters: twice, and whatever the
# backend is.
. "$(dirname "$0")/lib.sh"
trace_csv t.csv 4000

run() {
	local rc

	"$UVN" replay --json --memory 1M --set hash_penalty=1/8 --no-db \
	    --backend "$@" t.csv >out 2>err
	rc=$?
	if [ $rc -eq 4 ] && grep -qF O_DIRECT err; then
		echo "  (the file system of $work has no O_DIRECT)"
		return 1
	fi
	[ $rc -eq 0 ] || fail "exit status $rc with backend $1"
	counters out >"counters.$1"
}

check "uvn replay --json --backend null --memory 64M --set hash_penalty=1/8"
expect 0 replay --json --backend null --memory 64M --set hash_penalty=1/8 t.csv
is 1/8 "$(json '$.tunables.hash_penalty')" hash_penalty

check "two runs"
run null
mv counters.null counters.first
run null
same counters.first counters.null
[ "$(wc -c <counters.null)" -gt 500 ] || fail "hardly a counter"

check "buffered"
run buffered
same counters.null counters.buffered

check "direct"
run direct && same counters.null counters.direct

check "with the verifier between, too"
run buffered --verify
same counters.null counters.buffered

check "with every operation logged, too"
run null --log ops
same counters.first counters.null

check "another penalty gives others"
expect 0 replay --json --memory 1M --hash-penalty inf --no-db --backend null t.csv
counters out >counters.inf
! cmp -s counters.inf counters.null || fail "the penalty changed nothing"
