#!/usr/bin/env bash
# uvn record: programs that would notice if something were not as without it.
# Each looks at its own results and prints "ok"; and the trace has the events
# that the program is known to make, the same in all modes.
. "$(dirname "$0")/lib.sh"
programs=$(dirname "$UVN")/tests/programs
[ -x "$programs/walk" ] || skip "the programs to record are not built"

# PROGRAM, and how often the trace has each op: OP=N, or OP>=N.  Of a child by
# posix_spawn(3) the kernel does not tell whether it has maps of its own: one
# that is slow to execute passes for forked.
table() {
	cat <<'TABLE'
buffers		attach=2 detach=1 protect=2 truncate=1 read>=1000 write>=1000
cancels		attach=1 truncate=1 exit=1 read>=3000 write>=3000
cleared		attach>=21 fork>=9 truncate=1 write>=3300
closes		attach=5 detach=3 fork=1 truncate=1 read=5700 write=5700
descriptors	attach=17 detach=17 fork=1 rename=2 unlink=3 write=68
direct		attach=1 truncate=1 read>=256 write>=256
forks		attach=60 fork=17 exit=18 write>=4800
locks		attach=6 fork=5 exit=6 truncate=1
mappers		attach>=481 detach=720 fork=19 msync=240 protect=240 pwrite=240
memory		attach=6 detach=6 msync=9 truncate=3 write=2700
populate	attach=2 fsync=3 madvise=7 msync=1 read>=600 write>=301
private		attach=6 fork=1 msync=4 protect=3 write>=900
readonly	attach=9 detach=2 fork=1 msync=1 protect=3 write=1201
remap		attach=10 detach=3 truncate=2 read>=1000 write>=1000
segv		attach=8 detach=1 fork=6 exit=7
signals		attach>=3 fork=1 exit=2 pread>=3 pwrite=100
sizes		attach=1 fallocate=2 pwrite=1 truncate=304
spawns		attach>=6 truncate=1 write>=900
streams		attach=4 read>=1200 write>=1200
syncs		attach=1 detach=1 msync=2 fsync=3 sync=1 write=70
threads		attach=201 detach=200 exit=1 read>=1600 write>=800
trap		attach=4 fork=3 exit=4
unmap		attach=4 detach=7 protect=5 truncate=4
walk		attach=1 detach=1 truncate=1 read>=9000 write>=4000
TABLE
}

# count OP TRACE: how often it has the op.
count() {
	awk -F, -v op="$1" '$5 == op { n++ } END { print n + 0 }' "$2"
}

# expectations TRACE OP=N...
expectations() {
	local trace=$1 want op n have

	shift
	for want; do
		op=${want%%[=>]*} n=${want##*=}
		have=$(count "$op" "$trace")
		case $want in
		*'>='*) [ "$have" -ge "$n" ] ||
		    fail "$op: $have events, fewer than $n" ;;
		*) is "$n" "$have" "number of $op" ;;
		esac
	done
}

# record MODE WINDOW PROGRAM: a whole trace of it is in t.csv.
record() {
	rm -rf d && mkdir d
	uvn record --mode "$1" --window "$2" -o t.csv -- "$programs/$3" d
	is 0 "$rc" "exit status"
	grep -q '^#lost 0$' t.csv || fail "records were lost"
	"$UVN" trace check t.csv >/dev/null || fail "the trace is not good"
}

ran=
for mode in kernel preload; do
	uvn record --quiet --mode $mode -o t.csv -- true
	if [ "$rc" -ne 0 ]; then
		echo "- not in mode $mode: $(cat err)"
		continue
	fi
	ran=1
	while read -r program wants; do
		check "mode $mode: $program"
		record $mode 64 "$program"
		is ok "$(cat out)" "what the program printed"
		says "exit status 0"
		# shellcheck disable=SC2086
		expectations t.csv $wants
	done < <(table)

	check "mode $mode: a program that is killed"
	record $mode 64 killed
	says "killed by signal 9"
	expectations t.csv attach=1 write=500
done
[ -n "$ran" ] || skip "no mode of recording works here"

check "every program is in the table"
for program in "$top"/tests/programs/*.c; do
	name=$(basename "$program" .c)
	case $name in
	killed | nomem | ringless | seeks | store_*) continue ;;
	esac
	table | grep -q "^$name	" || fail "$name is not"
done
