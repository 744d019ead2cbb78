#!/usr/bin/env bash
# spin: the model of the pager's protocol in tests/spin/ holds, and each mutant
# of it fails.  docs/concurrency.md says what that proves and what not.
#
#	SPIN_OPS	operations of three threads; 3.  4: 24.3 million states,
#			within 4 GiB, a minute or two
. "$(dirname "$0")/lib.sh"

model=$top/tests/spin/pager.pml
ops=${SPIN_OPS:-3}
cc=
for name in ${CC:-} cc gcc clang-14 clang; do
	command -v "$name" >/dev/null && { cc=$name; break; }
done
command -v spin >/dev/null || skip "no spin: scripts/bootstrap --group test"
[ -n "$cc" ] || skip "no C compiler"
# The build that is tested makes no difference to a model.
case $UVN in
*-address* | *-thread*) skip "the same for every build" ;;
esac

# build OPT DEFINES...: ./pan for a model.  Each state is kept, as it is.
build() {
	local opt=$1

	shift
	rm -f pan pan.* ./*.trail
	spin -a -P"$cc -E -x c" "$@" "$model" >out 2>err ||
	    fail "spin -a $*"
	[ ! -s out ] || fail "spin -a $* complains"
	"$cc" -w "$opt" -DSAFETY -o pan pan.c >out 2>err || fail "$cc of pan.c"
}

# search DEPTH LOG2: run it within 4 GiB; a search that a limit cut short is no
# search, and is told from one that found an error.
search() {
	(ulimit -v $((4096 * 1024)) && exec ./pan -m"$1" -w"$2") >out 2>err ||
	    fail "pan: exit status $?"
	grep -q "max search depth too small" out && fail "deeper than $1"
	grep -q "out of memory" out && fail "out of memory"
	grep -qE "^State-vector .* errors: [01]$" out || fail "no result"
}

# proves WHAT OPT DEPTH LOG2 DEFINES...
proves() {
	local states

	check "$1"
	build "$2" "${@:5}"
	search "$3" "$4"
	grep -q "errors: 0$" out || fail "$(grep '^pan:' out)"
	grep -q "Search not completed" out && fail "not exhaustive"
	states=$(sed -n 's/^ *\([0-9]*\) states, stored$/\1/p' out)
	echo "  $states states, none wrong"
	[ "$states" -gt 1000000 ] || fail "the model does next to nothing"
}

proves "three threads, $ops operations in all, any state of rest" \
    -O2 100000 25 -DOPS="$ops"
grep -qF "(0 of " out || fail "no word of what is unreached"
grep -E '^	\([0-9]+ of [0-9]+ states\)$' out | grep -qvF "(0 of " &&
    fail "parts of the model are never reached"
proves "two threads, any number of operations" -O0 1000000 22 -DNT=2
proves "two threads, two operations, each statement a step of its own" \
    -O0 100000 22 -DNT=2 -DOPS=2 -DFINE

# What each mutant does wrong, and what spin has to say of it: all of them are
# refuted by two threads with three operations.
mutants() {
	cat <<'TABLE'
GETPAGE_SILENT	sleeps on a page without WANTED	invalid end state
UNBUSY_SILENT	un-busies a WANTED page and wakes nobody	invalid end state
SLEEP_GAP	unlocks, and then goes to sleep	invalid end state
AIODONE_SILENT	aiodone does not wake who drains	invalid end state
SYNC_SILENT	a synchronous I/O does not wake who drains	invalid end state
RELEASE_SILENT	the last page does not wake terminate	invalid end state
RELKILL_SILENT	RELKILL ends an object and wakes no attacher	invalid end state
IOSYNC_SILENT	the end of IOSYNC wakes no I/O	invalid end state
IOSYNC_LEFT	IOSYNC is never cleared	assertion violated
DETACH_LEAVES	detach leaves BUSY pages, and no RELKILL	assertion violated
RELKILL_LEAK	RELKILL keeps the hold on the vnode	assertion violated
FLUSH_FREES	flush frees a BUSY page	assertion violated
FAULT_IGNORES	a fault un-busies a RELEASED page and leaves it	assertion violated
FAULT_UNHELD	a mapping goes away under a fault	assertion violated
HOLD_RECYCLED	sync and uncache hold a vnode that is recycled	assertion violated
UNCACHE_COUNTED	a write is in u_nio when it uncaches	invalid end state
AGAIN_UNLOCKS	the object is unlocked before a refused page is kept	assertion violated
UNCACHE_REFUSES	a write whose uncache ended the object is refused	assertion violated
RETRY_REFUSES	a RELEASED page is refused when it is tried alone	assertion violated
TERMINATE_HOLDS	terminate holds off the I/O of pages it waits for	invalid end state
BUSY_IS_WRITTEN	a flush takes a fault's page for one that is written	assertion violated
IO_LOCKS_VNODE	an I/O in u_nio waits for the vnode's lock	invalid end state
TABLE
}

refuted=0
while IFS=$'\t' read -r name wrong verdict; do
	check "mutant $name: $wrong"
	grep -qE "#if.*\b$name\b" "$top"/tests/spin/*.pml ||
	    fail "the model has no such mutant"
	build -O0 -DNT=2 -DOPS=3 -D"$name"
	search 100000 20
	grep -q "errors: 1$" out || fail "it passes"
	grep -q "^pan:1: $verdict" out || fail "it fails otherwise"
	[ -s pager.pml.trail ] || fail "there is no trail"
	refuted=$((refuted + 1))
done < <(mutants)

check "every mutant of the model is in the table"
is "$(grep -ohE '(#ifn?def|defined\() *[A-Z_]+' "$top"/tests/spin/*.pml |
    grep -oE '[A-Z_]+$' | grep -vxE 'NT|OPS|FINE' | sort -u | wc -l)" \
    "$refuted" "number of mutants"
