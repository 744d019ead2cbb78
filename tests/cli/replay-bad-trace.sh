#!/usr/bin/env bash
# Traces that contradict themselves or are damaged: exit status 3, one line
# that names the file and the event or the place, and what was done is kept.
. "$(dirname "$0")/lib.sh"

head='#uvn-trace 1
#page 4096
#file 1 size=65536 path=/one
seq,time_ns,pid,tid,op,file,map,offset,length,flags
0,0,1,1,attach,1,1,0,65536,r|w|shared|maxw
1,10,1,1,write,1,1,0,4096,'

# bad WHAT EVENT LINE...: the last line is at fault
bad() {
	local what=$1 event=$2

	shift 2
	check "$what"
	printf '%s\n' "$head" "$@" >bad.csv
	rm -f bad.db
	expect 3 replay bad.csv --backend null --quiet --db bad.db
	silent
	says_one_line
	says "bad.csv: event $event: "
	is "failed|1" "$(sql bad.db "SELECT status, reason LIKE
	    '%event $event: %' FROM run")" "the run's row"
	is "$event" "$(sql bad.db "SELECT events FROM run")" "events"
}

bad "a read behind the end of its mapping" 2 "2,20,1,1,read,1,1,65536,4096,"
bad "a write that begins inside and ends outside" 2 \
    "2,20,1,1,write,1,1,61440,8192,"
bad "a read through an unknown map" 2 "2,20,1,1,read,1,9,0,4096,"
bad "a read after detach" 3 "2,20,1,1,detach,1,1,0,65536," \
    "3,30,1,1,read,1,1,0,4096,"
bad "a write in the detached part" 3 "2,20,1,1,detach,1,1,0,4096," \
    "3,30,1,1,write,1,1,0,4096,"
bad "a map detached twice" 3 "2,20,1,1,detach,1,1,0,65536," \
    "3,30,1,1,detach,1,1,0,65536,"
bad "a map number used twice" 2 "2,20,1,1,attach,1,1,0,4096,r|shared"
bad "msync of an unknown map" 2 "2,20,1,1,msync,1,9,0,4096,sync"

check "an unknown file"
printf '%s\n' "$head" "2,20,1,1,truncate,7,0,0,4096," >bad.csv
expect 3 replay bad.csv --backend null --no-db --quiet
says_one_line
says "bad.csv"

check "what follows what was detached in part is still there"
printf '%s\n' "$head" "2,20,1,1,detach,1,1,0,4096," \
    "3,30,1,1,write,1,1,4096,4096," >good.csv
expect 0 replay good.csv --backend null --no-db --quiet

# form WHAT TEXT LINE...: not well-formed, the message has TEXT
form() {
	local what=$1 text=$2

	shift 2
	check "$what"
	printf '%s\n' "$@" >form.csv
	expect 3 replay form.csv --backend null --no-db --quiet
	silent
	says_one_line
	says "form.csv"
	says "$text"
}
form "a line that is no event" 7 "$head" "2,20,1,1,read,1"
form "an unknown op" 7 "$head" "2,20,1,1,raed,1,1,0,4096,"
form "an unknown flag" 7 "$head" "2,20,1,1,read,1,1,0,4096,fast"
form "a number that does not fit" 7 "$head" \
    "2,20,1,1,read,1,1,99999999999999999999,4096,"
form "time that runs backwards" 7 "$head" "2,5,1,1,read,1,1,0,4096,"
form "a newer version" version "${head/uvn-trace 1/uvn-trace 2}"
form "text that is no trace" "trace" "hello, world"

check "an empty file"
: >empty.csv
expect 3 replay empty.csv --backend null --no-db
says_one_line
says empty.csv

check "a file that is not there, a folder"
expect 3 replay nothing.uvt --backend null --no-db
says_one_line
says "nothing.uvt"
expect 3 replay . --backend null --no-db
says_one_line
