#!/usr/bin/env bash
# --threads trace: what happens in order nevertheless, and what is known of it.
. "$(dirname "$0")/lib.sh"

# What every trace here begins with: N files of 40 pages.
head_csv() {
	local i

	printf '#uvn-trace 1\n#page 4096\n'
	for ((i = 1; i <= $1; i++)); do
		echo "#file $i size=163840 path=/f$i"
	done
	echo seq,time_ns,pid,tid,op,file,map,offset,length,flags
}

# threaded TRACE ARG...: a replay by threads that has to end well.
threaded() {
	expect 0 replay --backend null --threads trace --json "$@"
}

check "an exit is over before its process number is another's"
{
	head_csv 1
	echo '0,0,1,1,attach,1,1,0,163840,r|w|shared'
	echo '1,1,2,2,attach,1,2,0,163840,r|w|shared'
	echo '2,2,1,1,exit,0,0,0,0,'
	echo '3,3,1,3,attach,1,3,0,163840,r|w|shared'
	for ((i = 4; i < 54; i++)); do
		echo "$i,$i,1,3,read,1,3,$((i % 40 * 4096)),4096,"
	done
} >exit.csv
for ((seed = 1; seed <= 20; seed++)); do
	threaded --no-db --chaos 300 --chaos_seed $seed exit.csv
	is 50 "$(json '$.counters.accesses')" "accesses with seed $seed"
done

check "a file is closed after it was opened"
# Else the close does nothing, and the vnode is held for ever.  The exit is
# waited for; what follows takes the vnode of every file that is not open.
{
	head_csv 610
	awk 'BEGIN {
		for (f = 1; f <= 300; f++) {
			print n++ "," n ",1,1,open," f ",0,0,0,"
			print n++ "," n ",1,2,close," f ",0,0,0,"
			print n++ "," n ",1,1,attach," f "," f \
			    ",0,163840,r|w|shared"
			print n++ "," n ",1,1,write," f "," f ",0,4096,"
			print n++ "," n ",1,1,detach," f "," f ",0,163840,"
		}
		print n++ "," n ",2,2,exit,0,0,0,0,"
		for (; f <= 610; f++)
			print n++ "," n ",1,1,attach," f "," f \
			    ",0,163840,r|w|shared"
	}'
} >open.csv
expect 0 replay --backend null --no-db --max_vnodes 310 --json open.csv
recycled=$(json '$.counters.vnodes_recycled')
[ "$recycled" -ge 300 ] || fail "only $recycled vnodes recycled by one thread"
threaded --no-db --max_vnodes 310 --chaos 100 open.csv
is "$recycled" "$(json '$.counters.vnodes_recycled')" "vnodes recycled"
