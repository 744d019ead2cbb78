#!/usr/bin/env bash
# What is the user's stays the user's: nothing is written but in --dir, --db and
# the outputs; no device, and no file that uvn did not make, is overwritten; no
# path of a trace is written to; names from traces and databases are text.
. "$(dirname "$0")/lib.sh"
expect 0 trace gen zipf --pages 64 --events 300 --msync 50 --seed 1 -o t.uvt
expect 0 replay t.uvt --backend null --db r.db --quiet

# kept FILE: it holds what precious does.
printf 'my thesis\n' >precious
kept() {
	cmp -s precious "$1" || fail "$1 is not what it was"
	[ -z "$(find . -name '*.tmp' -o -name '*.recording')" ] ||
	    fail "something was left beside"
}

check "a folder with files of such names, but no run's"
mkdir d
cp precious d/file-1.dat
expect 2 replay t.uvt --backend buffered --dir d --no-db
says "d/file-1.dat: is there"
says_one_line
kept d/file-1.dat
[ ! -e d/.lock ] || fail "a lock was made"
expect 2 replay t.uvt --backend buffered --dir d --no-db
kept d/file-1.dat
expect 1 sweep t.uvt --backend buffered --dir d --db s.db --axis hash_penalty=1
kept d/file-1.dat
expect 0 replay t.uvt --backend buffered --dir d --no-db --overwrite
! cmp -s precious d/file-1.dat || fail "--overwrite did not"
expect 0 replay t.uvt --backend buffered --dir d --no-db
mkdir other
cp precious other/notes.txt
expect 0 replay t.uvt --backend buffered --dir other --no-db
kept other/notes.txt
mkdir locked
cp precious locked/.lock
expect 2 replay t.uvt --backend buffered --dir locked --no-db
kept locked/.lock

check "a link in a folder of runs leads nowhere"
ln -sf "$work/precious2" d/file-1.dat
cp precious precious2
expect 4 replay t.uvt --backend buffered --dir d --no-db
says "is a symbolic link"
kept precious2

check "a file of the user's wants --overwrite"
cp precious mine
expect 2 replay t.uvt --backend buffered --dir d2 --no-db --file 1=mine
kept mine

check "an output that is there, and is no trace"
program=$(dirname "$UVN")/tests/programs/walk
for out in o.uvt o.csv o.csv.zst; do
	cp precious $out
	expect 2 trace gen zipf --pages 64 --events 300 -o $out
	says "$out: is there, and is no trace"
	says_one_line
	kept $out
	expect 2 trace cut t.uvt --to 10 -o $out
	kept $out
	expect 2 trace merge t.uvt t.uvt -o $out
	kept $out
done
cp precious o.uvt
expect 0 trace export t.uvt -o c.csv
expect 2 trace import c.csv -o o.uvt
kept o.uvt
expect 2 trace export t.uvt -o o.csv
kept o.csv
printf '%s\n' 128166372003061629,h,0,Read,0,4096,10 >t.msr
expect 2 trace import --format msr t.msr -o o.uvt
kept o.uvt
if [ -x "$program" ]; then
	expect 2 record --mode preload -o o.uvt -- "$program" . 10 100 1
	kept o.uvt
	[ ! -e walk ] || fail "the program was run"
fi
expect 2 trace plot t.uvt -o o.csv
cp precious p.dat
expect 2 trace plot t.uvt -o p.png
kept p.dat
expect 2 report r.db -o o.csv
kept o.csv
mkdir f
cp precious f/flush.png
expect 2 figures r.db -o f --only flush
says "f/flush.png: is there"
kept f/flush.png
expect 3 replay t.uvt --backend null --db precious
kept precious
sqlite3 foreign.db "CREATE TABLE thesis(t); INSERT INTO thesis VALUES(1)"
cp foreign.db foreign.was
expect 3 replay t.uvt --backend null --db foreign.db
same foreign.db foreign.was

check "a trace may be replaced by a trace, not by another tool's"
cp t.uvt o.uvt
expect 0 trace cut t.uvt --to 10 -o o.uvt
! cmp -s t.uvt o.uvt || fail "not replaced"
cp t.uvt o.uvt
expect 2 trace export --format fio o.uvt -o o.uvt
says "o.uvt: is there, and is a trace"
same t.uvt o.uvt

check "block devices"
if mknod block b 7 250 2>/dev/null; then
	expect 2 replay t.uvt --backend buffered --no-db --file 1=block \
	    --overwrite
	says "block device"
	expect 3 replay t.uvt --backend null --db block
	says "block: opening: it is no regular file"
	cp -a block block.uvt
	cp -a block block.png
	for args in "trace gen zipf" "trace cut t.uvt --to 10" \
	    "trace merge t.uvt t.uvt" "trace import c.csv" \
	    "trace export --format fio t.uvt"; do
		# shellcheck disable=SC2086
		expect 2 $args -o block.uvt
		says "block.uvt: is a block device"
	done || exit 1
	expect 2 report r.db -o block
	expect 2 trace plot t.uvt -o block.png
	[ -b block ] && [ -b block.uvt ] && [ -b block.png ] ||
	    fail "a device was replaced"
	rm -f block block.uvt block.png
else
	echo "  no right to make one"
fi

# What is traced lies outside, and may be written by us.
mkdir res in tmp
cp precious "$work/victim"
evil='"; system("touch pwned"); "`touch pwned`$(touch pwned)@pwned<script>'
{
	echo "#uvn-trace 1"
	echo "#page 4096"
	echo "#file 1 size=40960 path=$work/victim"
	echo "#file 2 size=40960 path=/$evil"
	echo "seq,time_ns,pid,tid,op,file,map,offset,length,flags"
	echo "0,0,1,1,attach,1,1,0,40960,r|w|shared|maxw"
	echo "1,0,1,1,attach,2,2,0,40960,r|w|shared|maxw"
	for i in $(seq 2 40); do
		echo "$i,${i}000,1,1,write,$((i % 2 + 1)),$((i % 2 + 1)),$((i % 10 * 4096)),4096,"
	done
	echo "41,50000,1,1,truncate,1,0,0,4096,"
	echo "42,60000,1,1,unlink,1,0,0,0,"
} >"in/$evil.csv" 2>/dev/null || {
	# A name may not have a slash; the path in the trace has.
	fail "the trace cannot be written"
}
cp "in/$evil.csv" in/t.csv
export TMPDIR=$work/tmp HOME=$work/tmp XDG_CACHE_HOME=$work/tmp

# strays LOG: what was opened for writing, made, renamed or removed elsewhere;
# but for what a program built with COV=1 counts.
strays() {
	awk -v work="$work" '
		/ENOENT|ENXIO|= -1/ { next }
		/open(at)?\(.*O_(WRONLY|RDWR|CREAT)/ ||
		/ (renameat2?|rename|unlink|unlinkat|mkdir|mkdirat|rmdir|creat)\(/ ||
		/ (truncate|link|linkat|symlink|symlinkat|mknod|mknodat)\(/ ||
		/ (chmod|fchmodat|chown|fchownat|utimensat)\(/ {
			n = split($0, part, "\"")
			for (i = 2; i < n; i += 2)
				print part[i]
		}' "$1" | sort -u | grep -vE \
	    "^(res/|$work/res/|$work/tmp/|/dev/null$|/dev/tty$|/var/cache/fontconfig/|\./)" |
	    grep -vE "^[a-z]+\.(dat|gp|png|svg|pdf)$|^$top/out/.*\.gcda$"
}

check "nothing is written elsewhere, whatever a trace's paths are"
if strace -f -o log true 2>/dev/null; then
	strace -f -qq -e trace=%file -o log "$UVN" trace cut t.uvt --to 9 \
	    -o in/cut.uvt
	strays log | grep -q 'in/cut.uvt' || fail "this test sees nothing"
	for args in "replay in/t.csv --backend buffered --dir res/d --db res/x.db" \
	    "replay in/t.csv --backend null --db res/x.db --log ops" \
	    "sweep in/t.csv --backend null --db res/x.db --axis hash_penalty=1,4" \
	    "sweep in/t.csv --backend direct --dir res/d --db res/x.db --axis cluster=16K,64K --jobs 2" \
	    "trace import in/t.csv -o res/t.uvt" "trace info in/t.csv" \
	    "trace export in/t.csv -o res/t2.csv" \
	    "trace export --format fio in/t.csv -o res/t.log" \
	    "trace plot in/t.csv -o res/plot.png" "trace check in/t.csv" \
	    "report res/x.db -o res/r.html" "figures res/x.db -o res/f" \
	    "compare res/x.db 1 2"; do
		# shellcheck disable=SC2086
		strace -f -qq -e trace=%file -o log "$UVN" $args >out 2>err
		rc=$?
		[ $rc -le 1 ] || fail "exit status $rc: $args"
		strays log >stray
		[ ! -s stray ] || fail "$args: $(cat stray)"
	done || exit 1
	grep -q victim log && fail "the traced file was looked at"
	kept victim
else
	echo "  strace is not allowed"
fi

check "a file called \"; system(\"x\") is a name, in each kind of picture"
expect 0 replay "in/$evil.csv" --backend null --db evil.db --quiet
sql evil.db "UPDATE run SET host = trace, cpu = trace, kernel = trace"
expect 0 figures evil.db -o ef --quiet --format svg
expect 0 report evil.db -o e.html --quiet
! grep -q '<script>' e.html || fail "a name is markup in the page"
expect 0 trace plot "in/$evil.csv" -o ep.png
expect 0 trace plot "in/$evil.csv" -o "in/$evil.png"
for script in ef/*.gp ep.gp; do
	(cd "$(dirname "$script")" && gnuplot "$(basename "$script")" \
	    >/dev/null 2>&1) || fail "$script cannot be drawn again"
done || exit 1
[ -z "$(find . -name pwned)" ] || fail "a name was executed"
exit 0
