# lib.sh: what tests of the command line share.  Source it first:
#
#	. "$(dirname "$0")/lib.sh"
#
# The test runs in a folder of its own, which is removed at its end; $top is
# the source tree and $UVN the program (the built ./uvn if not given).
#
#	check WHAT		say what is looked at next
#	uvn ARGS...		run the program: out, err, $rc; a replay by one
#				thread checks all invariants after every event,
#				--paranoid, unless paranoid= was set empty
#	expect RC ARGS...	the same, and it has to exit with RC
#	says TEXT		err has TEXT
#	says_one_line		err is one line, "uvn COMMAND: ..."
#	prints TEXT		out has TEXT
#	silent			out is empty
#	same FILE FILE		are equal
#	json PATH		the value at PATH ("$.counters.faults") in out
#	counters FILE		the counters object of a JSON summary
#	sql DB STATEMENT	the answer of the database
#	is WANT GOT WHAT	are equal
#	trace_csv FILE [N]	make a small trace of N events or so
#	wait_for SECONDS CMD...	until CMD succeeds
#	catches_int PID		the process is uvn by now, and handles SIGINT
#	skip WHY, fail WHY	end the test
set -u
export LC_ALL=C.UTF-8

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
UVN=${UVN:-$top/uvn}
case $UVN in
/*) ;;
*) UVN=$PWD/$UVN ;;
esac
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
what=
paranoid=--paranoid

fail() {
	echo "FAILED: $what: $1"
	for file in out err; do
		[ -s "$work/$file" ] && { echo "-- $file"; head -n 20 "$work/$file"; }
	done
	exit 1
}

skip() {
	echo "skipped: $1"
	exit 77
}

check() {
	what=$1
	echo "- $what"
}

uvn() {
	case "${1-} $*" in
	"replay "*threads*) ;;
	"replay "*) set -- "$1" ${paranoid:+"$paranoid"} "${@:2}" ;;
	esac
	"$UVN" "$@" >"$work/out" 2>"$work/err" </dev/null
	rc=$?
}

expect() {
	local want=$1

	shift
	uvn "$@"
	[ "$rc" -eq "$want" ] || fail "exit status $rc, not $want: uvn $*"
}

says() {
	grep -qF -e "$1" "$work/err" || fail "standard error lacks: $1"
}

says_one_line() {
	[ "$(wc -l <"$work/err")" -eq 1 ] || fail "not one line of complaint"
	grep -qE '^uvn( [a-z]+)*: .' "$work/err" || fail "not a complaint of uvn's"
}

prints() {
	grep -qF -e "$1" "$work/out" || fail "standard output lacks: $1"
}

silent() {
	[ ! -s "$work/out" ] || fail "something on standard output"
}

same() {
	cmp -s "$1" "$2" || { diff "$1" "$2" | head -n 20; fail "$1 differs from $2"; }
}

is() {
	[ "$1" = "$2" ] || fail "$3 is $2, not $1"
}

sql() {
	sqlite3 "$1" "$2"
}

json() {
	sqlite3 :memory: "SELECT json_extract(readfile('$work/out'), '$1')"
}

counters() {
	sqlite3 :memory: "SELECT json_extract(readfile('$1'), '\$.counters')"
}

wait_for() {
	local tries=$(($1 * 20))

	shift
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

# A shell's background jobs ignore SIGINT until they say otherwise: start them by
# env --default-signal=INT.
catches_int() {
	local mask

	[ "$(readlink "/proc/$1/exe" 2>/dev/null)" = "$(readlink -f "$UVN")" ] &&
	    mask=$(awk '$1 == "SigCgt:" { print $2 }' "/proc/$1/status" \
	    2>/dev/null) && [ $((0x${mask:-0} & 2)) -ne 0 ]
}

# Two files, two maps: reads, writes, msync, madvise, truncate, pwrite, sync.
# A generator of its own, so that a broken uvn trace does not hide a broken
# uvn replay; the same events for the same N.
trace_csv() {
	awk -v n="${2:-3000}" 'BEGIN {
		print "#uvn-trace 1"
		print "#page 4096"
		print "#file 1 size=2097152 path=/one"
		print "#file 2 size=1000000 path=/two"
		print "seq,time_ns,pid,tid,op,file,map,offset,length,flags"
		print "0,0,1,1,attach,1,1,0,2097152,r|w|shared|maxw"
		print "1,10,1,1,attach,2,2,0,1000000,r|w|shared|maxw"
		x = 12345
		for (i = 2; i < n; i++) {
			x = x * 16807 % 2147483647
			op = int(x / 65536) % 100
			x = x * 16807 % 2147483647
			page = int(x / 65536)
			file = op % 3 == 0 ? 2 : 1
			page %= file == 1 ? 511 : 240
			head = i "," i "000000,1,1,"
			where = file "," file "," page * 4096
			if (op < 55)
				print head "read," where ",4096,"
			else if (op < 94)
				print head "write," where ",8192,"
			else if (op < 96)
				print head "msync," file "," file ",0,901120,sync"
			else if (op < 97)
				print head "madvise," where ",65536,random"
			else if (op < 98)
				print head "pwrite," file ",0," page * 4096 ",100,"
			else if (op < 99)
				print head "truncate,2,0,0," 990000 + page ","
			else
				print head "sync,0,0,0,0,"
		}
	}' >"$1"
}
