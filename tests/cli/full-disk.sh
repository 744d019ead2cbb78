#!/usr/bin/env bash
# A disk that is full, or fills up: outputs and databases.  A clear line, exit
# status 4, what was there before is there after, and nothing is left beside.
# (Before a run, and backing files: replay-full-disk.sh.)
. "$(dirname "$0")/lib.sh"

# A small file system, in a mount namespace of our own.
if [ -z "${UVN_IN_NAMESPACE-}" ]; then
	for how in "--mount" "--user --map-root-user --mount"; do
		# shellcheck disable=SC2086
		unshare $how mount -t tmpfs -o size=64k none "$work" \
		    2>/dev/null || continue
		# shellcheck disable=SC2086
		UVN_IN_NAMESPACE=1 UVN=$UVN unshare $how \
		    bash "$top/tests/cli/full-disk.sh"
		exit $?
	done
	skip "no right to mount a small file system"
fi
mkdir small
mount -t tmpfs -o size=4m none small || skip "tmpfs cannot be mounted"
trap 'umount "$work/small"; rm -rf "$work"' EXIT
walk=$(dirname "$UVN")/tests/programs/walk

expect 0 trace gen uniform --pages 100000 --events 400000 --seed 1 -o big.uvt
expect 0 trace gen uniform --pages 1000 --events 1000 --seed 1 -o small.uvt
expect 0 trace export small.uvt -o t.csv

# left KIBIBYTES: so much room.
left() {
	rm -f small/ballast
	head -c $(((4096 - $(du -sk small | cut -f 1) - $1) * 1024)) \
	    /dev/zero >small/ballast
}

# full ARGS: no room for it.
full() {
	expect 4 "$@"
	says_one_line
	says "small/"
	says "$nospace"
	is "$listing" "$(ls -A small)" "what is there"
	same old.uvt small/o.uvt
}
nospace="No space left on device"

check "traces: the old one stays, and nothing beside it"
cp small.uvt old.uvt
cp small.uvt small/o.uvt
cp t.csv small/t.csv
left 8
listing=$(ls -A small)
full trace cut big.uvt --from 5 -o small/o.uvt
full trace merge big.uvt small.uvt -o small/o.uvt
full trace gen uniform --pages 100000 --events 400000 -o small/o.uvt
full trace export big.uvt -o small/n.csv
full trace export big.uvt -o small/n.csv.zst
full trace export --format fio big.uvt -o small/n.log
printf '128166372003061629,h,0,Read,%d,4096,10\n' \
    $(seq 0 4096 1000000000 | head -n 200000) >t.msr
full trace import --format msr t.msr -o small/o.uvt

check "no room at all"
head -c 1M /dev/zero >>small/ballast 2>/dev/null
full trace cut small.uvt --from 5 -o small/n.uvt
full trace import small/t.csv -o small/o.uvt

check "a recording: what there was room for is a trace"
if [ -x "$walk" ] && [ "$(uname -m)" = x86_64 ]; then
	left 100
	uvn record --mode preload -o small/r.uvt -- "$walk" . 20000 2000000 1
	case $rc in
	4)	says "small/r.uvt.recording: cannot write"
		says "$nospace"
		says "--salvage"
		expect 0 record --salvage small/r.uvt.recording -o r.uvt
		expect 0 trace check r.uvt ;;
	*)	fail "exit status $rc" ;;
	esac
	rm -f small/r.uvt* walk
fi

check "a database that fills up: its earlier runs are there"
rm -f small/ballast
expect 0 replay small.uvt --backend null --log ops --db small/x.db --quiet
sql small/x.db "SELECT r.*, (SELECT sum(value) FROM counter WHERE run = 1),
    (SELECT count(*) FROM op WHERE run = 1) FROM run r WHERE id = 1" >run-1
left 300
nospace="no space left on its file system"
expect 4 replay big.uvt --backend null --log ops --db small/x.db --quiet
says_one_line
says "small/x.db"
says "$nospace"
# To read it SQLite wants room for its log's index.
intact() {
	rm -f small/ballast
	is ok "$(sql small/x.db "PRAGMA integrity_check")" "the database"
	sql small/x.db "SELECT r.*, (SELECT sum(value) FROM counter
	    WHERE run = 1), (SELECT count(*) FROM op WHERE run = 1)
	    FROM run r WHERE id = 1" | cmp -s - run-1 || fail "run 1 has changed"
	is 1 "$(sql small/x.db "SELECT count(*) FROM run
	    WHERE status = 'complete'")" "complete runs"
}
intact
left 20
uvn sweep small.uvt --backend null --db small/x.db --axis hash_penalty=1,2 \
    --axis cluster=16K,64K --quiet
[ $rc -eq 4 ] || [ $rc -eq 1 ] || fail "exit status $rc"
says "$nospace"
intact

check "and goes on when there is room"
expect 0 replay small.uvt --backend null --log ops --db small/x.db --quiet
is 2 "$(sql small/x.db "SELECT count(*) FROM run WHERE status = 'complete'")" \
    "complete runs"
is 0 "$(sql small/x.db "SELECT count(*) FROM run WHERE status = 'running'")" \
    "runs under way"

check "a page and figures"
nospace="No space left on device"
expect 0 report small/x.db -o small/p.html --quiet
cp small/p.html p.html
left 4
expect 4 report small/x.db -o small/p.html
says "small/p.html: cannot be written: $nospace"
same p.html small/p.html
[ -z "$(find small -name 'p.html.*')" ] || fail "something was left beside"
if command -v gnuplot >/dev/null; then
	head -c 1M /dev/zero >>small/ballast 2>/dev/null
	uvn figures small/x.db -o small/f
	is 4 "$rc" "exit status of figures"
	grep -qE 'small/f.*(No space left|gnuplot cannot draw)' err ||
	    fail "no word of it"
	expect 4 trace plot small.uvt -o small/plot.png
fi
exit 0
