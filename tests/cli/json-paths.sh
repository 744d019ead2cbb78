#!/usr/bin/env bash
# Paths need not be UTF-8: every --json prints them with question marks, and is
# JSON.
. "$(dirname "$0")/lib.sh"
odd=$'x\377'
trace_csv "$odd.csv" 400
db=$odd.db

# said PATH WORD: out is JSON, and has WORD there.
said() {
	is "$2" "$(json "$1")" "$1"
}

check "trace import"
echo "fio version 2 iolog" >io.log
printf '%s\n' "/f add" "/f open" "/f read 0 4096" "/f close" >>io.log
expect 0 trace import --format fio -o "$odd.uvt" io.log --json
said '$.trace' 'x?.uvt'

check "trace info"
expect 0 trace info --json "$odd.csv"
said '$.trace' 'x?.csv'

check "trace export"
expect 0 trace export --format fio -o "$odd.log" "$odd.csv" --json
said '$.output' 'x?.log'

check "trace plot"
expect 0 trace plot -o "$odd.svg" "$odd.csv" --json
said '$.trace' 'x?.csv'
said '$.picture' 'x?.svg'

check "record"
expect 0 record --mode preload -o "$odd-2.uvt" --json -- true
said '$.trace' 'x?-2.uvt'

check "replay"
for i in 1 2; do
	expect 0 replay "$odd.csv" --backend null --db "$db" --json
	said '$.trace' 'x?.csv'
	said '$.db' 'x?.db'
done

check "sweep"
expect 0 sweep "$odd.csv" --backend null --db "$db" --axis hash_penalty=1,2 \
    --json
said '$.db' 'x?.db'
said '$.traces[0].path' 'x?.csv'

check "figures"
expect 0 figures "$db" -o "$odd.figures" --json
said '$.database' 'x?.db'
said '$.folder' 'x?.figures'

check "report"
expect 0 report "$db" -o "$odd.html" --json
said '$.database' 'x?.db'
said '$.file' 'x?.html'

check "compare"
expect 0 compare "$db" 1,2 3 --json
said '$.db' 'x?.db'

check "calibrate"
expect 0 calibrate --quick --min 64 --max 64 --repeat 3 --db "$db" --json
said '$.db' 'x?.db'
is "uvn calibrate" "$(json '$.command' | cut -d' ' -f 1-2)" "the command"

check "doctor"
mkdir "$odd.dir"
expect 0 doctor --dir "$odd.dir" --json
said '$.dir' 'x?.dir'
