#!/bin/sh
# run-tests sums what ran, shows the output of failures only, and fails when
# something failed, died, hung or did not run at all.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# program NAME EXIT-STATUS LINE...: prints the lines as cmocka would.
program() {
	name=$1 status=$2
	shift 2
	{
		echo '#!/bin/sh'
		printf "echo '%s' >&2\n" "$@"
		echo "exit $status"
	} >"$name"
	chmod +x "$name"
}
program t_good 0 'seed 42' 'quiet' '[  PASSED  ] 3 test(s).' \
    '[  SKIPPED ] 1 test(s), listed below:'
program t_twice 0 '[  PASSED  ] 3 test(s).' '[  PASSED  ] 4 test(s).'
program t_bad 2 'loud' '[  PASSED  ] 1 test(s).' \
    '[  FAILED  ] 2 test(s), listed below:'
program t_silent 0 'nothing tested'
program t_late 1 '[  PASSED  ] 5 test(s).'
printf '#!/bin/sh\nkill -9 $$\n' >t_killed
printf '#!/bin/sh\nexec sleep 60\n' >t_hung
chmod +x t_killed t_hung
echo 'exit 0' >good.sh
echo 'exit 77' >skip.sh
echo 'exit 1' >bad.sh

# expect EXIT-STATUS LAST-LINE PROGRAM...
expect() {
	want=$1 last=$2
	shift 2
	rc=0
	TEST_TIMEOUT=2 "$top/scripts/run-tests" "$@" >out 2>&1 || rc=$?
	if [ "$rc" -ne "$want" ] || [ "$(tail -n 1 out)" != "$last" ]; then
		echo "$*: exit status $rc, wanted $want; last line wanted: $last"
		cat out
		exit 1
	fi
}
expect 0 '3 passed, 0 failed, 1 skipped' ./t_good
grep -q 'seed 42' out
if grep -q 'quiet' out; then
	echo "output of a program that passed was shown"
	exit 1
fi
expect 0 '8 passed, 0 failed' ./t_twice good.sh
expect 1 '1 passed, 2 failed' t_bad
grep -q 'loud' out
expect 1 '0 passed, 1 failed' ./t_silent
expect 1 '5 passed, 1 failed' ./t_late
expect 1 '1 passed, 1 failed' ./t_killed good.sh
expect 1 '0 passed, 1 failed' ./t_hung
grep -q 'timed out' out
grep -q 'sleep 60' out
expect 1 '0 passed, 1 failed' ./t_absent
expect 1 '4 passed, 1 failed, 2 skipped' ./t_good good.sh skip.sh bad.sh
expect 1 '0 passed, 0 failed, 1 skipped' skip.sh
expect 1 '0 passed, 0 failed'
