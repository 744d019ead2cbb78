#!/usr/bin/env bash
# uvn trace import: lackey, perf script, perf trace, strace, bpftrace, from what
# these tools have written to the events of the trace.
. "$(dirname "$0")/lib.sh"

data=$top/tests/traces/data/import
samples="lackey:lackey.txt.zst perf-script:perf.txt perf-script:perf-named.txt
    perf-trace:perf-trace.txt strace:strace.txt bpftrace:bpftrace.txt"

# What a trace holds but for the times and numbers of a recording.
events() {
	grep -v '^#' "$1" | cut -d, -f5-
}

for sample in $samples; do
	format=${sample%%:*}
	file=${sample#*:}
	name=${file%%.*}
	check "$file is these events"
	expect 0 trace import --format "$format" -o "$name.csv" "$data/$file"
	same "$name.csv" "$data/$name.csv"

	check "$file can be replayed"
	expect 0 trace import --format "$format" -o "$name.uvt" "$data/$file"
	expect 0 trace check "$name.uvt"
	expect 0 replay "$name.uvt" --set backend=null --db uvn.db

	check "$file from standard input, and without its end"
	if [ "${file##*.}" = zst ]; then
		zstd -qdc "$data/$file" >text
	else
		cp "$data/$file" text
	fi
	"$UVN" trace import --quiet --format "$format" -o - - <text |
	    "$UVN" trace cat - >piped.csv || fail "import - -o -"
	is "$(events "$name.csv" | md5sum)" "$(events piped.csv | md5sum)" events
	head -n $(($(wc -l <text) * 2 / 3)) text >short
	expect 0 trace import --format "$format" -o short.csv short

	check "a line that $format has not is refused, or counted"
	{
		cat text
		echo 'what is this?'
	} >bad
	rm -f bad.uvt
	expect 3 trace import --format "$format" -o bad.uvt bad
	says "bad: line $(wc -l <bad): "
	says "--lenient"
	is 1 "$(wc -l <err)" "lines of complaint"
	[ ! -e bad.uvt ] || fail "bad.uvt was made"
	expect 0 trace import --format "$format" --lenient --json -o bad.uvt bad
	is 1 "$(json '$.counts.malformed')" "lines malformed"
	expect 0 trace cat bad.uvt
	prints "#unseen malformed 1"
	is "$(events "$name.csv" | md5sum)" "$(events out | md5sum)" events
done

check "all of them tell of the same calls"
# The rest is what not all see: accesses, paths, what came before a map.
for name in lackey strace bpftrace perf perf-named; do
	events "$name.csv" |
	    grep -vE '^(read|write|open|close|rename|unlink|op),' |
	    sed '1{/^truncate/d}' >"$name.calls"
	same "$name.calls" lackey.calls
done

# Accesses of the program, each where it belongs: page faults are some of them.
accesses() {
	events "$1.csv" | grep -E '^(read|write),' | grep -v kernel |
	    cut -d, "-f$2" >"$1.acc"
}

check "where pages faulted lackey has seen an access"
accesses lackey 1-
for name in bpftrace perf perf-named; do
	accesses $name 1-
	[ "$(wc -l <$name.acc)" -ge 10 ] || fail "few accesses in $name"
	diff lackey.acc $name.acc | grep '^>' && fail "$name has seen others"
done

check "perf trace sees no writes"
accesses lackey 4
accesses perf-trace 4
[ "$(wc -l <perf-trace.acc)" -ge 10 ] || fail "few accesses"
diff lackey.acc perf-trace.acc | grep '^>' && fail "others"
grep -q ',write,' perf-trace.csv && fail "a write"

check "lackey: time is virtual, and a window thins accesses out"
expect 0 trace cat lackey.uvt
prints "#clock virtual"
prints "#window 1"
before=$(grep -cE ',(read|write),' out)
expect 0 trace import --format lackey --window inf -o inf.csv \
    "$data/lackey.txt.zst"
grep -q '^#window inf' inf.csv || fail "no #window inf"
[ "$(grep -cE ',(read|write),' inf.csv)" -le "$before" ] ||
    fail "more accesses than before"

check "files are chosen by their names"
expect 0 trace import --format strace --code --unmapped -o all.csv \
    "$data/strace.txt"
expect 3 trace import --format strace --except '*.db' -o none.csv \
    "$data/strace.txt"
says "no event of a file that is wanted"
expect 0 trace import --format strace --only 'kept.*' --base-names -o kept.csv \
    "$data/strace.txt"
grep -q '^#file 1 size=0 path=kept.db$' kept.csv || fail "no kept.db"

check "maps have their own size of a page"
expect 2 trace import --format strace --page 8K -o no.uvt "$data/strace.txt"
says "page"

check "what a tool was not told to print is missed"
zstd -qdc "$data/lackey.txt.zst" | grep -av '^SYSCALL' >text
expect 3 trace import --format lackey -o no.uvt text
says "--trace-syscalls=yes"
grep -v MMAP2 "$data/perf.txt" >text
expect 3 trace import --format perf-script -o no.uvt text
says "--show-mmap-events"
sed 's/^\([0-9]*\) [0-9.]* /\1 /' "$data/strace.txt" >text
expect 3 trace import --format strace -o no.uvt text
says "strace -ttt"
sed 's,/[0-9]* , ,' "$data/perf.txt" >text
expect 3 trace import --format perf-script -o no.uvt text
says "comm,pid,tid,time,event,trace"

# The tools of this host say what those of the samples have said.
cc=$(command -v cc || command -v gcc) || cc=
if [ -n "$cc" ]; then
	mkdir live
	"$cc" -O1 -static -o live/sample "$data/sample.c" || fail "sample.c"
fi

if [ -n "$cc" ] && command -v valgrind >/dev/null; then
	check "valgrind of this host"
	# Parent and child write one file at once: now and then a line of one
	# ends up within one of the other, and is refused.
	for try in 1 2 3 4 5; do
		(cd live && valgrind --tool=lackey --trace-mem=yes \
		    --trace-syscalls=yes --trace-sched=yes \
		    --trace-children=yes ./sample 2>../live.txt) ||
		    fail "the sample"
		uvn trace import --format lackey -o live.csv live.txt
		[ $rc -eq 0 ] && break
		says "live.txt: line"
		says "not lackey's"
	done
	[ $rc -eq 0 ] || fail "valgrind's lines were mixed up $try times"
	events live.csv >live.events
	events lackey.csv >lackey.events
	same live.events lackey.events

	# There each process writes a file of its own.
	check "uvn record --mode valgrind"
	(cd live && "$UVN" record --quiet --mode valgrind -o ../own.csv -- \
	    ./sample) || fail "the sample"
	events own.csv >own.events
	same own.events lackey.events
fi

if [ -n "$cc" ] && (cd live && strace -f -ttt -y -T -o ../live.txt ./sample) \
    2>/dev/null; then
	check "strace of this host"
	expect 0 trace import --format strace -o live.csv live.txt
	events live.csv >live.events
	events strace.csv >strace.events
	same live.events strace.events
fi
