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
	if [ $rc -eq 4 ] && grep -qE 'O_DIRECT|io_uring' err; then
		echo "  ($(cat err))"
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

check "uring, which makes no ring for synchronous I/O"
run uring && same counters.null counters.uring

check "the same in profile modern, with asynchronous I/O off"
run null --profile modern
mv counters.null counters.modern
! cmp -s counters.first counters.modern || fail "the profile changed nothing"
for backend in buffered direct; do
	run $backend --profile modern && same counters.modern "counters.$backend"
done
run uring --profile modern --async_put off --readahead none &&
    same counters.modern counters.uring

check "asynchronous I/O without a device: twice the same"
async=(--profile modern --async_put on --readahead fixed --io_depth 4)
run null "${async[@]}"
mv counters.null counters.async
run null "${async[@]}"
same counters.async counters.null
[ "$(json '$.counters.aiodones')" -gt 100 ] || fail "hardly any was asynchronous"

check "durability changes what is asked of the file, and no counter but one"
run null
for durability in none fdatasync dsync; do
	run null --durability $durability
	grep -oE '"[a-z_]+":[0-9]+' counters.null | grep -v file_syncs >other
	grep -oE '"[a-z_]+":[0-9]+' counters.first | grep -v file_syncs >first
	same first other
done
run null
same counters.first counters.null

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
