#!/usr/bin/env bash
# A full disk: exit status 4 before a run can begin, and no run is taken for
# complete; a database that fills up says so.
. "$(dirname "$0")/lib.sh"

# A file system of 4 MiB, in a mount namespace of our own.
if [ -z "${UVN_IN_NAMESPACE-}" ]; then
	for how in "--mount" "--user --map-root-user --mount"; do
		# shellcheck disable=SC2086
		unshare $how mount -t tmpfs -o size=64k none "$work" \
		    2>/dev/null || continue
		# shellcheck disable=SC2086
		UVN_IN_NAMESPACE=1 UVN=$UVN unshare $how \
		    bash "$top/tests/cli/replay-full-disk.sh"
		exit $?
	done
	skip "no right to mount a small file system"
fi
mkdir small
mount -t tmpfs -o size=4m none small || skip "tmpfs cannot be mounted"
trap 'umount "$work/small"; rm -rf "$work"' EXIT
trace_csv t.csv

check "room enough"
expect 0 replay t.csv --no-db --backend buffered --dir small/data --memory 1M \
    --quiet
rm -rf small/data

check "no room for the backing files"
head -c 3500K /dev/zero >small/ballast
expect 4 replay t.csv --no-db --backend buffered --dir small/data
silent
says_one_line
says "small/data"
says "No space left on device"
rm -rf small/data

check "no room for the database"
head -c 4M /dev/zero >>small/ballast 2>/dev/null
expect 4 replay t.csv --db small/x.db --backend null --quiet
silent
says_one_line
says "small/x.db"
rm -f small/ballast small/x.db*

check "a database that fills up while the run is on"
trace_csv long.csv 200000
expect 4 replay long.csv --db small/x.db --backend null --log ops --quiet
silent
says_one_line
says "small/x.db"
is 0 "$(sqlite3 small/x.db "SELECT count(*) FROM run
    WHERE status = 'complete'" 2>/dev/null || echo 0)" "the complete runs"
