#!/usr/bin/env bash
# uvn figures on what uvn replay stored: files, formats, runs, scripts, JSON.
. "$(dirname "$0")/lib.sh"
command -v gnuplot >/dev/null || skip "no gnuplot"

kind_of() {
	case $1 in
	*.png) [ "$(head -c 4 "$1" | tail -c 3)" = PNG ] ;;
	*.pdf) [ "$(head -c 5 "$1")" = %PDF- ] && tail -c 6 "$1" | grep -q EOF ;;
	*.svg) grep -q '<svg' "$1" && grep -q '</svg>' "$1" ;;
	*) [ -s "$1" ] ;;
	esac || fail "$1 is not what its name says"
}

trace_csv t.csv
expect 0 replay t.csv --backend buffered --memory 1M --db r.db --quiet

check "all figures of the newest run, in all formats"
expect 0 figures r.db --quiet
[ ! -s err ] || fail "something on standard error"
for name in latency rates threads clusters; do
	for ext in dat gp png svg pdf; do
		echo "figures/$name.$ext"
	done
done >want
same want out
while read -r file; do
	kind_of "$file"
done <out

check "the pictures can be drawn again by the scripts alone"
rm figures/*.png figures/*.svg figures/*.pdf
(cd figures && for script in *.gp; do gnuplot "$script" || exit; done) \
    >out 2>err || fail "gnuplot"
[ ! -s err ] || fail "gnuplot complains"
while read -r file; do
	kind_of "$file"
done <want

check "the data are what the view gives in sqlite3"
sqlite3 -separator ' ' r.db "SELECT time_ns, dirty, free, active, inactive
    FROM figure_8_rates WHERE run = 1 ORDER BY time_ns" >view
grep -v '^#' figures/rates.dat | cut -d ' ' -f 1,3-6 >rows
[ -s rows ] || fail "no rows"
same view rows

check "the counts of clusters are the I/Os of the run"
for direction in in out; do
	is "$(sql r.db "SELECT value FROM counter WHERE run = 1
	    AND name = 'page${direction}_ios'")" \
	    "$(sql r.db "SELECT sum(count) FROM figure_clusters WHERE run = 1
	    AND direction = '$direction'")" "page-$direction I/Os"
done

check "--only, --format, -o, --json"
expect 0 figures r.db --only rates,latency --format svg -o a/b --json
is 1 "$(json '$.run')" run
is complete "$(json '$.status')" status
is latency "$(json '$.figures[0].name')" "first name"
is a/b/rates.svg "$(json '$.figures[1].files[2]')" "last file"
is "latency.dat latency.gp latency.svg rates.dat rates.gp rates.svg " \
    "$(ls a/b | tr '\n' ' ')" "the folder"

check "a figure without data is skipped, with its reason, and is no failure"
{ sed -n 1,5p t.csv; sed -n '/^0,/p' t.csv; } >idle.csv
expect 0 replay idle.csv --backend null --db r.db --quiet
expect 0 figures r.db --only clusters -o idle
silent
says_one_line
says "run 2: clusters skipped: the run made no I/O"
expect 0 figures r.db --only clusters -o idle --quiet
[ ! -s err ] || fail "not quiet"

check "--run names another run"
expect 0 figures r.db --run 1 --only clusters -o idle
kind_of idle/clusters.png

check "a trace whose name is a command is drawn, not obeyed"
name='"; system("touch obeyed"); '\''`touch obeyed`'\''.csv'
cp t.csv "./$name"
expect 0 replay "$name" --backend null --db evil.db --quiet
expect 0 figures evil.db -o evil
kind_of evil/latency.pdf
[ -z "$(find . -name obeyed)" ] || fail "it was obeyed"
