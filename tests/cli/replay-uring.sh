#!/usr/bin/env bash
# Backend uring where io_uring cannot be had, where settings contradict it, and
# what durability asks of the file.
. "$(dirname "$0")/lib.sh"
ringless=$(dirname "$UVN")/tests/programs/ringless
trace_csv t.csv 2000

direct=1
uvn replay t.csv --no-db --quiet --backend direct
if [ "$rc" -eq 4 ] && grep -qF O_DIRECT err; then
	direct=
else
	is 0 "$rc" "exit status of --backend direct"
fi

refused() {
	[ "$rc" -ne 77 ] || skip "the kernel takes no filters of system calls"
	[ "$rc" -eq 4 ] || fail "exit status $rc, not 4"
	says_one_line
	says "io_uring"
	says "--backend direct"
	silent
}

if [ -n "$direct" ] && [ -x "$ringless" ]; then
	for error in EPERM ENOSYS; do
		check "io_uring fails with $error: the cause, the remedy, exit 4"
		"$ringless" $error "$UVN" replay t.csv --no-db --quiet \
		    --backend uring --profile modern >out 2>err
		rc=$?
		refused
		grep -qE 'seccomp|kernel.io_uring_disabled' err || fail "no cause"
		check "what wants no ring runs all the same: $error"
		"$ringless" $error "$UVN" replay t.csv --no-db --quiet \
		    --backend uring >out 2>err || fail "exit status $?"
		check "uvn doctor tells the same: $error"
		"$ringless" $error "$UVN" doctor >out 2>err ||
		    fail "exit status $?"
		grep -qE '^missing +io_uring ' out || fail "no row"
		grep -qE 'seccomp|kernel.io_uring_disabled' out || fail "no cause"
	done
else
	echo "  (no O_DIRECT in $work, or the program ringless is not built)"
fi

check "asynchronous I/O with a backend that has none"
for settings in "--async_put on" "--readahead fixed"; do
	# shellcheck disable=SC2086
	expect 2 replay t.csv --no-db --backend direct $settings
	says_one_line
	says "--backend uring"
	silent
done

check "q11 as it was, which is not safe with it"
for settings in "--backend null --async_put on" "--backend null --readahead fixed" \
    "--backend uring --profile modern"; do
	# shellcheck disable=SC2086
	expect 2 replay t.csv --no-db $settings --q11_wlist_unlocked faithful
	says_one_line
	says "q11_wlist_unlocked=faithful"
	says "--async_put off"
	silent
done
expect 0 replay t.csv --no-db --quiet --backend null --profile modern \
    --q11_wlist_unlocked faithful

check "durability: the value and q2's follow each other"
while read -r settings durability q2; do
	# shellcheck disable=SC2086
	expect 0 replay t.csv --no-db --json --backend null ${settings//+/ }
	is "$durability" "$(json '$.tunables.durability')" "durability ($settings)"
	is "$q2" "$(json '$.tunables.q2_not_durable')" "q2 ($settings)"
done <<'TABLE'
--profile+1998 1998 faithful
--profile+modern fdatasync fixed
--durability+dsync dsync fixed
--profile+modern+--durability+none none faithful
--q2_not_durable+fixed fdatasync fixed
TABLE

check "durability and q2 contradict each other"
expect 2 replay t.csv --no-db --backend null --durability fdatasync \
    --q2_not_durable faithful
says_one_line
says "q2_not_durable"

check "durability: how often the file was put on stable storage"
msyncs=$(grep -c ',msync,' t.csv)
[ "$msyncs" -gt 10 ] || fail "hardly an msync in the trace"
for want in none=0 1998=0 fdatasync=$msyncs dsync=0; do
	expect 0 replay t.csv --no-db --json --backend null \
	    --durability "${want%=*}"
	is "${want#*=}" "$(json '$.counters.file_syncs')" "file_syncs"
done
