#!/usr/bin/env bash
# Damage to a .uvt is found, and --salvage goes on behind it.
. "$(dirname "$0")/lib.sh"

expect 0 trace gen uniform --events 200000 --pages 5000 -o good.uvt
expect 0 trace cat good.uvt
cp out good.csv

cp good.uvt bad.uvt
printf '\377\0\377\0' |
    dd of=bad.uvt bs=1 seek=$(($(stat -c %s good.uvt) / 2)) conv=notrunc \
	2>/dev/null

check "info, cat, import and check refuse it, and say where"
for verb in "info bad.uvt" "cat bad.uvt" "import bad.uvt -o x.uvt" \
    "check bad.uvt"; do
	# shellcheck disable=SC2086
	expect 3 trace $verb
	says "bad.uvt: block "
	says "event "
	says "--salvage"
done
[ ! -e x.uvt ] || fail "x.uvt was made"

check "--salvage leaves out one block"
expect 0 trace export bad.uvt --salvage -o x.csv
says "1 damaged blocks with 65536 events"
is 134464 "$(grep -c '^[0-9]' x.csv)" events
expect 0 trace check x.csv --quiet
cut -d, -f2- good.csv | sort >a
cut -d, -f2- x.csv | sort >b
is 0 "$(comm -13 a b | wc -l)" "events that were not in the trace"

check "check says that something is wrong all the same"
expect 3 trace check bad.uvt --salvage

check "a trace that is well formed and makes no sense"
cat >odd.csv <<EOF
#uvn-trace 1
#file 1 size=8192 path=x
#file 2 size=8192 path=y
seq,time_ns,pid,tid,op,file,map,offset,length,flags
0,0,1,1,attach,1,1,0,8192,r|shared
1,0,1,1,read,1,1,4096,8192,
2,0,1,1,read,1,9,0,4096,
3,0,1,1,read,2,1,0,4096,
4,0,1,1,attach,1,1,0,8192,r|shared
5,0,1,1,detach,1,1,0,4096,
6,0,1,1,read,1,1,4096,4096,
7,0,1,1,read,1,1,0,4096,
8,0,1,1,detach,1,1,0,0,
9,0,1,1,read,1,1,4096,4096,
EOF
expect 3 trace check odd.csv
silent
for event in 1 2 3 4 7 9; do
	says "odd.csv: event $event: "
done
is 6 "$(wc -l <err)" "complaints"
