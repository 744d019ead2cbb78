#!/usr/bin/env bash
# uvn figures on what uvn sweep stored: which sweep, which cells, what is said.
. "$(dirname "$0")/lib.sh"

trace_csv t.csv
trace_csv u.csv 1000
common=(--db s.db --set backend=null --set memory=1M --quiet)
expect 0 sweep t.csv "${common[@]}" --axis hash_penalty=0,1/4,4,inf --repeat 2
expect 0 sweep t.csv "${common[@]}" --axis hash_penalty=1/4,4 \
    --axis cluster=4K,64K
expect 0 sweep t.csv u.csv "${common[@]}" --axis cluster=4K..64K*4 \
    --axis cluster_policy=forward,around --axis hash_penalty=1,4
expect 0 sweep t.csv "${common[@]}" --axis fault_back=0,3 \
    --axis fault_forward=0,4,16 --repeat 6

number() {
	json "$.figures[$1].number"
}

check "each figure shows the sweep with its axes and no others"
expect 0 figures s.db --only penalty,heat,cluster,faultahead,rates --json \
    --format svg
for i in 0 1 2 3; do
	is sweep "$(json "$.figures[$i].scope")" "scope"
done
is "penalty heat cluster faultahead" "$(json "$.figures[0].name") $(json \
    "$.figures[1].name") $(json "$.figures[2].name") $(json \
    "$.figures[3].name")" "names"
is "1 2 3 4" "$(number 0) $(number 1) $(number 2) $(number 3)" "sweeps"
is run "$(json '$.figures[4].scope')" "scope of a run's"
is 4 "$(json '$.sweep')" "newest sweep"
is "" "$(json '$.calibration')" "calibration"

check "what is to be known is said"
says "sweep 1: penalty: intervals are ranges: fewer than 6 repeats"
says "sweep 2: heat: one repeat: there are no intervals"
says "sweep 3: cluster: drawn at hash_penalty 4, trace t.csv; one repeat"
grep -q faultahead err && fail "six repeats are no reason to complain"
expect 0 figures s.db --only penalty --quiet
[ ! -s err ] || fail "not quiet"

check "the data are what the view gives in sqlite3, and what the runs have"
sqlite3 -separator ' ' s.db "SELECT CASE hash_penalty WHEN 9e999 THEN 'inf'
    ELSE printf('%.9g', hash_penalty) END, printf('%g', writes), repeats
    FROM figure_2_penalty WHERE sweep = 1 ORDER BY hash_penalty" >view
grep -v '^#' figures/penalty.dat | cut -d ' ' -f 1,5,8 >rows
same view rows
is 4 "$(wc -l <rows)" "rows"
is "$(sql s.db "SELECT value FROM counter JOIN run ON run.id = run
    WHERE sweep = 1 AND hash_penalty = 4 AND name = 'pageout_ios' LIMIT 1")" \
    "$(awk '$1 == 4 { print $2 }' rows)" "writes"
head -n 2 figures/penalty.dat | grep -qF '# sweep 1 (complete) of trace "t.csv"' ||
    fail "the data do not say what they are of"

check "--only penalty,cluster --format pdf of a sweep that is named"
expect 0 figures s.db --sweep 2 --only penalty,cluster --format pdf -o two
is "cluster.dat cluster.gp cluster.pdf penalty.dat penalty.gp penalty.pdf " \
    "$(ls two | tr '\n' ' ')" "the folder"
says "sweep 2: penalty: drawn at cluster 64K; one repeat"
says "sweep 2: cluster: drawn at hash_penalty 4; one repeat"
for file in two/*.pdf; do
	[ "$(head -c 5 "$file")" = %PDF- ] || fail "$file is no PDF"
done

check "a figure whose axes the sweep lacks is skipped"
expect 0 figures s.db --sweep 4 --only penalty,cluster -o four
silent
says "sweep 4: penalty skipped: no finished cell along an axis hash_penalty"
says "sweep 4: cluster skipped: no finished cell along an axis cluster"

check "a run of its own goes before cells of sweeps"
expect 0 figures s.db --only rates --json --format svg
is "$(sql s.db "SELECT max(id) FROM run")" "$(json '$.run')" "newest cell"
expect 0 replay u.csv --db s.db --backend null --quiet
own=$(sql s.db "SELECT max(id) FROM run")
expect 0 sweep u.csv "${common[@]}" --axis hash_penalty=1
expect 0 figures s.db --only rates --json --format svg
is "$own" "$(json '$.run')" "run"

check "no such sweep, no such calibration"
expect 3 figures s.db --sweep 9
silent
says_one_line
says "holds no sweep 9; its newest is 5"
expect 3 figures s.db --session 1
says_one_line
says "holds no calibration 1, and no other"

check "without a sweep, one line says so for all of its figures"
expect 0 replay u.csv --db r.db --backend null --quiet
expect 0 figures r.db --only penalty,heat,cluster,rates --format svg -o r
is 1 "$(wc -l <err)" "lines"
says "uvn figures: penalty, heat, cluster skipped: the database has no sweep"

check "a database of the first schema is drawn, its sweeps are missing"
sqlite3 old.db <"$top/tests/cli/schema-1.sql" >/dev/null
expect 0 figures old.db --format svg -o old
says "the database has no sweep with a finished cell; uvn sweep adds one"
[ -s old/clusters.svg ] || fail "its run is not drawn"
