#!/usr/bin/env bash
# Memory that runs out: a request for memory fails, alone or with all after it,
# in each command.  The command says so in one line and exits with status 4, or
# did without and tells what it tells else; nothing is left half written, the
# database is sound, and what it held is there.
#
#	NOMEM_ALL=1		every request, not some of them; hours
#	NOMEM_SAMPLES=N		of each command; 12, under AddressSanitizer 4
#	NOMEM_CASES="NAME..."	these commands only
. "$(dirname "$0")/lib.sh"
nomem=$(dirname "$UVN")/tests/programs/nomem
[ -f "$nomem" ] || skip "tests/programs/nomem is not built"
samples=${NOMEM_SAMPLES:-12}
! nm -D "$UVN" 2>/dev/null | grep -q __tsan_init ||
	skip "ThreadSanitizer gives up where it is denied memory itself"
# A sanitizer's allocator cannot come after another: what fails then is what uvn
# itself asks for, and what it leaks is told (exit status 23).
if nm -D "$UVN" 2>/dev/null | grep -q __asan_init; then
	wrapped=$(dirname "$UVN")/tests/uvn-nomem
	[ -x "$wrapped" ] || skip "tests/uvn-nomem is not built"
	nomem=
	samples=${NOMEM_SAMPLES:-4}
fi
[ "$(stat -f -c %T "$work")" != nfs ] || skip "$work is on NFS"
walk=$(dirname "$UVN")/tests/programs/walk

# nomem N ARGS...: as uvn ARGS, with the N-th request failing.
with_nomem() {
	local n=$1

	shift
	rm -f count
	timeout -s KILL 120 env NOMEM="$n" NOMEM_COUNT="$work/count" \
	    ${nomem:+LD_PRELOAD="$nomem"} "${wrapped:-$UVN}" "$@" >out 2>err </dev/null
	rc=$?
}

# What the command found: a folder "now" like "before".
renew() {
	rm -rf now && cp -a before now
}

# What was told, and stored, but for what differs from run to run.
told() {
	local db

	[ "$plain" -eq 0 ] || cat out
	for db in now/*.db; do
		[ ! -s "$db" ] || sql "$db" "SELECT id, status, reason, trace,
		    digest, command, repeat, seed, dir, device, file_system,
		    mount_options, host, kernel, cpu, clock, version, compiler,
		    boot, events, accesses, verify, tunables, sweep, cell,
		    (SELECT count(*) FROM counter WHERE run = id),
		    (SELECT sum(value) FROM counter WHERE run = id),
		    (SELECT count(*) FROM op WHERE run = id),
		    (SELECT count(*) FROM flush WHERE run = id),
		    (SELECT count(*) FROM latency WHERE run = id),
		    (SELECT count(*) FROM cluster WHERE run = id) FROM run;
		    SELECT id, status, command, axes, traces, cells, definition
		    FROM sweep; SELECT n, status, cell, run FROM sweep_cell
		    ORDER BY n; SELECT pages, frames, present FROM calibration"
	done
	ls now
}

# What a recorder without memory has left is a trace all the same, if it came to
# something.
salvages() {
	grep -q -- "--salvage" err || fail "request $1: no word of what is left"
	"$UVN" record --salvage now/new.uvt.recording -o now/salvaged.uvt \
	    >/dev/null 2>salvage || grep -q 'holds nothing\|no records' salvage ||
	    fail "request $1: $(cat salvage)"
}

# sound N: after the N-th request failed.
sound() {
	local db

	case $rc in
	0)	told >again
		cmp -s told again || grep -q "$unknown" again ||
		    { diff told again; fail "request $1: success, and another output"; } ;;
	1)	# What fails within a run, which is stored as failed, or a cell.
		grep -qE '(calls|cells) failed.*(memory|threads? cannot be made)' \
		    err ||
		    fail "request $1: exit status 1" ;;
	4)	[ "$(grep -c . err)" -ge 1 ] || fail "request $1: not a word"
		grep -q '^uvn' err && grep -qiE 'memory|threads? cannot be made' err ||
		    fail "request $1: no word of memory" ;;
	*)	fail "request $1: exit status $rc" ;;
	esac
	is "" "$(find now -name '*.tmp' -o -name '.uvn-*' -o -name 'new.*.*' \
	    ! -name new.csv.zst ! -name new.uvt.recording)" \
	    "request $1: files beside"
	for db in now/*.db; do
		[ -s "$db" ] || continue
		is ok "$(sql "$db" "PRAGMA integrity_check")" \
		    "request $1: the database"
		[ ! -s before/${db#now/} ] || is "$(cat kept)" "$(sql "$db" "SELECT id,
		    status, (SELECT count(*) FROM counter WHERE run = id)
		    FROM run WHERE id = 1")" "request $1: the run before"
		[ $rc -eq 0 ] || [ $name = sweep ] || is 0 "$(sql "$db" "SELECT count(*) FROM run
		    WHERE id > 2 AND status = 'complete'" 2>/dev/null ||
		    echo 0)" "request $1: complete runs"
	done
	for file in now/new.*; do
		case $file in
		*.recording)
			salvages "$1"
			continue ;;
		esac
		[ $rc -eq 0 ] || [ ! -e "$file" ] ||
		    fail "request $1: failed, and $file is there"
	done
}

# It says so where memory is too little to know all, and goes on.
unknown='more than \|, or more\|not known\|left out: \|first ones only'

# faults NAME PLAIN ARGS...: PLAIN 1 if it prints the same each time.
faults() {
	local name=$1 total step n how

	plain=$2
	shift 2
	case " ${NOMEM_CASES-$name} " in
	*" $name "*) ;;
	*) return ;;
	esac
	check "$name"
	renew
	with_nomem 0 "$@"
	[ $rc -eq 0 ] || fail "exit status $rc with all the memory"
	told >told
	total=$(cat count)
	step=$(((total + samples - 1) / samples))
	[ -z "${NOMEM_ALL-}" ] || step=1
	n=1
	while [ $n -le "$total" ]; do
		for how in "" +; do
			renew
			with_nomem $n$how "$@"
			sound $n$how
		done
		n=$((n + step))
	done
	echo "  $total requests, each ${step}th"
}

mkdir before
expect 0 trace gen zipf --pages 64 --events 300 --msync 50 --seed 1 \
    -o before/t.uvt
expect 0 trace gen zipf --pages 64 --events 300 --msync 50 --seed 1 \
    --threads 3 -o before/threads.uvt
expect 0 trace export before/t.uvt -o before/t.csv
printf '%s\n' 128166372003061629,h,0,Read,0,4096,10 \
    128166372013061629,h,0,Write,8192,4096,10 >before/t.msr
expect 0 replay before/t.uvt --backend null --db before/old.db --quiet \
    --log ops
expect 0 replay before/t.uvt --backend null --db before/old.db --quiet \
    --hash_penalty 1
sql before/old.db "PRAGMA journal_mode = DELETE" >/dev/null
sql before/old.db "SELECT id, status, (SELECT count(*) FROM counter
    WHERE run = id) FROM run WHERE id = 1" >kept

faults usage 1 --help
faults params 1 params
faults info 1 trace info now/t.uvt
faults csv 1 trace export now/t.uvt -o now/new.csv.zst
faults back 1 trace import now/t.csv -o now/new.uvt
faults import 1 trace import --format msr now/t.msr -o now/new.uvt
faults export 1 trace export --format fio now/t.uvt -o now/new.log
faults gen 1 trace gen zipf --pages 64 --events 300 -o now/new.uvt
faults cut 1 trace cut now/t.uvt --from 10 --to 100 -o now/new.uvt
faults merge 1 trace merge now/t.uvt now/t.csv -o now/new.uvt
faults check 1 trace check now/t.uvt
faults bare 0 replay now/t.uvt --backend null --no-db
faults direct 0 replay now/t.uvt --backend buffered --dir now/d --no-db --verify
faults uring 0 replay now/t.uvt --backend uring --dir now/d --no-db --verify
faults threads 0 replay now/threads.uvt --backend null --no-db --threads trace
faults replay 0 replay now/t.uvt --backend null --db now/old.db --log ops
faults fresh 0 replay now/t.uvt --backend null --db now/x.db
faults like 0 replay now/t.uvt --like 1 --backend null --db now/old.db
faults sweep 0 sweep now/t.uvt --backend null --db now/old.db --jobs 1 \
    --axis hash_penalty=1,4 --no-progress
faults report 0 report now/old.db -o now/new.html
faults figures 0 figures now/old.db -o now/new.figures --only heat --format svg
faults compare 0 compare now/old.db 1 2
faults calibrate 0 calibrate --quick --max 64 --repeat 1 --db now/old.db
[ ! -x "$walk" ] || faults record 0 record --mode preload -o now/new.uvt -- \
    "$walk" now 10 100 1
exit 0
