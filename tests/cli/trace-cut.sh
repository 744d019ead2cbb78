#!/usr/bin/env bash
# uvn trace cut and merge: what they leave is a valid trace.
. "$(dirname "$0")/lib.sh"

cat >t.csv <<EOF
#uvn-trace 1
#page 4096
#file 1 size=8192 path=/one
#note of the recorder
#file 2 size=0 path=/two
seq,time_ns,pid,tid,op,file,map,offset,length,flags
0,0,5,5,attach,1,1,0,65536,r|w|shared|maxw
1,10,5,5,attach,2,2,0,65536,shared|r
2,20,5,5,madvise,1,1,0,65536,random
3,30,5,5,detach,1,1,0,4096,
4,40,5,5,madvise,1,1,0,65536,sequential
5,50,5,5,detach,2,2,0,65536,
6,60,5,5,truncate,1,0,0,40960,
7,70,5,5,pwrite,2,0,100,50,
8,80,5,5,write,1,1,4096,4096,
9,90,5,5,read,1,1,8192,4096,
10,100,5,5,exit,0,0,0,0,
EOF

check "maps attached before are attached again, files have their sizes"
expect 0 trace cut t.csv --from 8 --to 10 -o c.csv
says "3 events"
cat >want <<EOF
#uvn-trace 1
#page 4096
#file 1 size=40960 path=/one
#note of the recorder
#file 2 size=150 path=/two
#cut from event 8 at 80 ns; maps attached before are attached again
seq,time_ns,pid,tid,op,file,map,offset,length,flags
0,80,5,5,attach,1,1,0,65536,r|w|shared|maxw
1,80,5,5,detach,1,1,0,4096,
2,80,5,5,madvise,1,1,0,65536,sequential
3,80,5,5,write,1,1,4096,4096,
4,90,5,5,read,1,1,8192,4096,
EOF
same c.csv want
expect 0 trace check c.csv

check "by time it is the same"
expect 0 trace cut t.csv --from-time 80ns --to-time 100ns -o d.csv --quiet
same c.csv d.csv
[ ! -s err ] || fail "--quiet says something"

check "a cut of everything is everything, and one of nothing is valid"
expect 0 trace cut t.csv -o all.csv
is "$(grep -c '^[0-9]' t.csv)" "$(grep -c '^[0-9]' all.csv)" events
expect 0 trace cut t.csv --from 100 -o none.csv
expect 0 trace check none.csv
expect 2 trace cut t.csv --from 9 --to 8 -o x.csv
says "ends before it begins"

check "any cut of a recorded trace is a valid trace"
for name in lld lmdb rrd sqlite; do
	for from in 1 500 1111; do
		expect 0 trace cut "$top/tests/traces/data/$name.csv.zst" \
		    --from $from --to $((from + 600)) -o r.uvt --quiet
		expect 0 trace check r.uvt
	done
done

check "a merge keeps files and maps apart, in order of time"
expect 0 trace merge t.csv c.csv -o m.csv
expect 0 trace check m.csv
is 16 "$(grep -c '^[0-9]' m.csv)" events
is 4 "$(grep -c '^#file' m.csv)" files
cut -d, -f2 m.csv | grep '^[0-9]' >times
sort -n times | cmp -s - times || fail "times out of order"
is 2 "$(grep -c '^#note of the recorder' m.csv)" "provenance"

check "--same-files wants the same size, --renumber-pids tells them apart"
expect 3 trace merge t.csv c.csv --same-files -o x.csv
says "/one has 40960 bytes here, and 8192"
expect 0 trace merge t.csv t.csv --same-files --renumber-pids -o m.csv
expect 0 trace check m.csv
is 2 "$(grep -c '^#file' m.csv)" files
is 2 "$(grep '^[0-9]' m.csv | cut -d, -f3 | sort -u | wc -l)" processes

check "traces of different page sizes do not merge"
sed 's/#page 4096/#page 8192/' t.csv >big.csv
expect 3 trace merge t.csv big.csv -o x.csv
says "big.csv"
expect 2 trace merge t.csv -o x.csv

check "a merge says what all say; the largest window, and all that was lost"
head='#uvn-trace 1\n#page 4096\n'
tail='#file 1 size=8192 path=/a\nseq,time_ns,pid,tid,op,file,map,offset,length,flags\n0,0,1,1,sync,0,0,0,0,\n'
printf "$head#window 64\n#mode kernel\n#clock real\n#lost 3\n$tail" >k.csv
printf "$head#window inf\n#mode kernel\n#clock real\n#lost 4\n$tail" >i.csv
printf "$head#mode valgrind\n#clock virtual\n$tail" >v.csv
expect 0 trace merge k.csv i.csv -o m.csv
for line in '#window inf' '#mode kernel' '#clock real' '#lost 7'; do
	is 1 "$(grep -cx "$line" m.csv)" "lines $line"
done
expect 0 trace merge k.csv v.csv -o m.csv
is 1 "$(grep -cx '#window 64' m.csv)" "windows"
is 1 "$(grep -cx '#lost 3' m.csv)" "lines of what was lost"
is 0 "$(grep -cE '^#(mode|clock)' m.csv)" "modes and clocks"
expect 0 trace merge k.csv i.csv -o m.uvt
expect 0 trace info m.uvt
prints "window       inf; first accesses"
prints "mode         kernel"
prints "clock        real"
prints "lost         7 records"
grep -q "#merged 1 of 2" out || fail "no provenance"
expect 0 trace info --json m.uvt
is "inf kernel real 7" "$(json '$.window') $(json '$.mode') $(json '$.clock') $(json '$.lost')" "what the preamble says"
expect 0 trace info --json v.csv
is "0 valgrind virtual 0" "$(json '$.window') $(json '$.mode') $(json '$.clock') $(json '$.lost')" "what the preamble says"
expect 0 trace cut i.csv -o cut.csv
is 4 "$(grep -cE '^#(window inf|mode kernel|clock real|lost 4)$' cut.csv)" "lines of a cut"
