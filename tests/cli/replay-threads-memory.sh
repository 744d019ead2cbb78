#!/usr/bin/env bash
# Threads that are short of memory: no store is lost, nobody gives up early, and
# a private page is copied once.
. "$(dirname "$0")/lib.sh"

# events FILES...: the head of a trace; lines "tid,op,file,map,offset,length,flags"
# of standard input become its events.
events() {
	echo "#uvn-trace 1"
	echo "#page 4096"
	printf '#file %s\n' "$@"
	echo "seq,time_ns,pid,tid,op,file,map,offset,length,flags"
	awk '{ print NR - 1 "," NR - 1 ",1," $0 }'
}

trace_csv t.csv 10
backend=direct
uvn replay t.csv --no-db --quiet --backend direct --dir d0
if [ "$rc" -eq 4 ] && grep -qF O_DIRECT err; then
	backend=buffered
else
	is 0 "$rc" "exit status"
fi

# short: the run before was short of memory.
short() {
	[ "$(json '$.counters.pgswapout')" -gt 0 ] ||
	    fail "the daemon wrote nothing"
	[ "$(json '$.counters.memory_waits')" -gt 0 ] ||
	    fail "nobody waited for memory"
}

check "the daemon's pages are written though the last mapping goes, and no I/O may start"
awk 'BEGIN {
	print "3,attach,2,1,0,16384000,r|w|shared|maxw"
	for (round = 0; round < 40; round++) {
		map = 11 + round
		print "1,attach,1," map ",0,245760,r|w|shared|maxw"
		for (i = 0; i < 60; i++) {
			print "1,write,1," map "," i * 4096 ",4096,"
			for (k = 0; k < 2; k++) {
				page = (page + 7) % 4000
				print "3,read,2,1," page * 4096 ",4096,"
			}
			if (i % 6 == 0)
				print "2,pread,1,0,0,245760,"
		}
		print "1,detach,1," map ",0,245760,"
	}
}' | events "1 size=245760 path=f1" "2 size=16384000 path=f2" >loss.csv
for seed in 1 2 3; do
	expect 0 replay loss.csv --no-db --json --threads trace \
	    --backend $backend --memory 400K --cluster 4K --pager_map 4K --verify --dir d \
	    --chaos 30 --chaos_seed $seed
	short
done

check "turns that find a file held off are not the end of memory"
awk 'BEGIN {
	for (tid = 1; tid <= 3; tid++)
		print tid ",attach,1," tid ",0,134217728,r|w|shared|maxw"
	for (i = 0; i < 2000; i++) {
		for (tid = 1; tid <= 3; tid++)
			print tid ",write,1," tid "," (i * 9 + tid * 4000) % 32768 * 4096 ",4096,"
		if (i % 700 == 300)
			print "4,pread,1,0,0,134217728,"
	}
}' | events "1 size=134217728 path=f1" >held.csv
expect 0 replay held.csv --no-db --json --threads trace --backend $backend \
    --memory 400K --daemon_limit 50 --dir d2
short

check "two threads that fault one private page have one copy"
awk 'BEGIN {
	print "1,attach,1,1,0,8192000,r|w|private"
	for (i = 0; i < 2000; i++) {
		page = i * 8 % 2000 + int(i * 8 / 2000) % 8
		print "1,write,1,1," page * 4096 ",4096,"
		print "2,read,1,1," page * 4096 ",4096,"
	}
}' | events "1 size=8192000 path=f1" >private.csv
for threads in one trace trace trace; do
	expect 0 replay private.csv --no-db --json --threads $threads \
	    --backend null
	is 2000 "$(json '$.counters.flt_prcopy')" "copies, threads=$threads"
done
