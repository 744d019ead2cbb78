#!/usr/bin/env bash
# uvn record: what it takes and refuses, what it leaves when it is stopped, and
# what can be made of that.
. "$(dirname "$0")/lib.sh"
programs=$(dirname "$UVN")/tests/programs
[ -x "$programs/walk" ] || skip "the programs to record are not built"
mkdir d

check "usage"
expect 2 record
says_one_line
says "uvn record -o FILE.uvt -- COMMAND"
expect 2 record --mode kernal -- true
says "did you mean 'kernel'?"
for window in 0 x 1.5 9999999; do
	expect 2 record --window $window -- true
	says "'$window' is no window: pages from 1 to 1048576, or inf"
done
expect 2 record -o t.txt -- true
says "name the output .uvt, .csv or .csv.zst"
expect 2 record --salvage x -- true
says "leave out 'true'"
is "" "$(ls -- *.uvt *.recording 2>/dev/null)" "what was left"

# What works without privilege is looked at in detail; the others, if they work.
mode=preload
[ "$(uname -m)" = x86_64 ] || mode=kernel

check "the program's own options are its own, with -- and without"
expect 0 record --mode $mode -o t.csv -- "$programs/walk" d
says "exit status 0"
[ -s t.csv ] || fail "no trace"
expect 0 record --mode $mode -o t.csv "$programs/walk" d
expect 0 record --mode $mode -o t.csv sh -c 'exit 3'
says "exit status 3"

check "the trace is named after the program unless it is told otherwise"
expect 0 record --mode $mode -- "$programs/walk" d 10 100 1
says "walk.uvt"
expect 0 trace check walk.uvt
prints "walk.uvt: good"

check "what the preamble says"
expect 0 trace export walk.uvt -o w.csv
for line in "#window 256" "#mode $mode" "#clock real" "#lost 0" \
    "#command $programs/walk d 10 100 1"; do
	grep -qxF -- "$line" w.csv || fail "no line $line"
done
grep -qE '^#recorder uvn [0-9]' w.csv || fail "no recorder"
grep -qE '^#date 20[0-9-]+T[0-9:]+Z$' w.csv || fail "no date"
grep -qE "^#file 1 size=0 path=.*/d/walk$" w.csv || fail "no file"
expect 0 record --mode $mode --window inf -o w.csv -- sh -c "\"\$1\" d 10 100 '1
2'" 'it is' "$programs/walk"
grep -qxF '#window inf' w.csv || fail "no window inf"
grep -qF "'it is'" w.csv || fail "no quotes"

check "standard output is the program's, but with --json and -o -"
expect 0 record --mode $mode -o w.csv -- echo hello
is hello "$(cat out)" "standard output"
expect 0 record --mode $mode -o - -- "$programs/walk" d 10 100 1
says ok
cp out w.uvt
expect 0 trace check w.uvt

check "--json"
expect 0 record --json --mode $mode -o w.uvt -- "$programs/walk" d 10 100 1
is 0 "$(json '$.exit')" "exit"
is 1 "$(json '$.files')" "files"
is $mode "$(json '$.mode')" mode
is 0 "$(json '$.unseen.lost')" lost
is "$(json '$.events')" "$(sqlite3 :memory: "SELECT $("$UVN" trace info \
    --json w.uvt | grep -oE '"events": [0-9]+' | tr -dc 0-9)")" events

check "--only and --except, --base-names"
expect 0 record --mode $mode --base-names --only 'w?lk' -o w.csv -- \
    "$programs/walk" d 10 100 1
grep -q '^#file 1 .* path=walk$' w.csv || fail "no base name"
expect 0 record --mode $mode --except '*/walk' -o w.csv -- \
    "$programs/walk" d 10 100 1
says "no file was mapped that could be recorded"

check "a file that is never mapped is left out unless asked for"
expect 0 record --mode $mode -o w.csv -- sh -c 'echo x >d/x'
! grep -q '^#file' w.csv || fail "a file"

check "a program that cannot be run"
if command -v valgrind >/dev/null; then
	expect 4 record --mode valgrind -o n.uvt -- ./nowhere
	says "./nowhere: cannot be run: No such file or directory"
	expect 4 record --mode valgrind -o n.uvt -- ./d
	says "cannot be run: Permission denied"
	expect 4 record --mode valgrind -o n.uvt -- no-such-program
	says "no-such-program: cannot be run"
	is "" "$(ls -d n.uvt* 2>/dev/null)" "what was left"
fi
expect 4 record -o n.uvt -- ./nowhere
says_one_line
says "./nowhere: cannot be run: No such file or directory"
expect 4 record -o n.uvt -- ./d
says "cannot be run: Permission denied"
is "" "$(ls -d n.uvt* 2>/dev/null)" "what was left"

check "an output that cannot be written"
expect 4 record --mode $mode -o nowhere/t.uvt -- "$programs/walk" d 10 10 1
says "nowhere/t.uvt"

check "a program that is killed leaves a trace that is good up to then"
expect 0 record --mode $mode -o k.uvt -- "$programs/killed" d 300
says "killed by signal 9 (Killed)"
expect 0 trace info --json k.uvt
is 300 "$(json '$.pages_written')" "pages written"

# A program that goes on until it is told to stop.
begin() {
	rm -f go out err
	env --default-signal=INT,TERM "$UVN" record --quiet --mode $mode \
	    -o s.uvt -- sh -c "trap 'exit 5' INT TERM; '$programs/walk' d; echo \$\$ >go.new;
	    mv go.new go;
	    while :; do sleep 0.05; done" >out 2>err &
	pid=$!
	wait_for 20 [ -f go ] || fail "the program does not begin"
}
env --default-signal=INT true 2>/dev/null || skip "env has no --default-signal"

check "the first signal ends the program, and there is a trace"
for sig in INT TERM; do
	rm -f s.uvt
	begin
	kill -$sig $pid
	wait $pid
	is 0 $? "exit status after SIG$sig"
	expect 0 trace check s.uvt
	[ ! -e s.uvt.recording ] || fail "s.uvt.recording was left"
done

check "a recorder that is killed leaves what it had, which makes a trace"
# It takes a moment for all to leave the ring.
settled() {
	local size=$now

	sleep 0.5
	now=$(stat -c %s s.uvt.recording)
	[ "$now" = "$size" ] && [ "$now" -gt 0 ]
}
begin
now=
wait_for 20 settled || fail "it writes for ever"
kill -KILL $pid
wait $pid 2>/dev/null
kill -TERM "$(cat go)" 2>/dev/null || true
[ -s s.uvt.recording ] || fail "nothing was left"
rm -f s.uvt
expect 0 record --salvage s.uvt.recording -o s.uvt
expect 0 trace check s.uvt
expect 0 trace info --json s.uvt
is 1000 "$(json '$.footprint_pages')" "pages"
[ -s s.uvt.recording ] || fail "it is gone"

check "which nothing is recorded over"
expect 4 record --mode $mode -o s.uvt -- true
says "s.uvt.recording: is there already"
says "--salvage"

check "what is none of ours is not salvaged"
expect 3 record --salvage s.uvt -o x.uvt
says "s.uvt: is not what uvn record leaves when it is killed"
expect 3 record --salvage nowhere -o x.uvt
says "nowhere"
head -c 1000 s.uvt.recording >cut
expect 0 record --salvage cut -o x.uvt

check "the next recorder removes what a killed one left in /tmp"
# Any recorder on this host does: the one above may have left nothing by now.
mkdir -p /tmp/uvn-record-"$pid"-killed || fail "mkdir"
: >/tmp/uvn-record-"$pid"-killed/ring
expect 0 record --mode $mode -o x.uvt -- true
! ls -d /tmp/uvn-record-"$pid"-* >left 2>/dev/null || fail "$(cat left)"

check "a static program is refused where a library is needed"
if printf 'int main(void) { return 0; }' >static.c &&
    cc -static -o static static.c 2>/dev/null; then
	expect 4 record --mode preload -o x.uvt -- ./static
	says "./static: is linked statically"
fi
