#!/usr/bin/env bash
# uvn report: what is in the page, and what it is made of.
. "$(dirname "$0")/lib.sh"

# has TEXT: the page has it, as it stands there.
has() {
	grep -qF -e "$1" report.html || fail "the page lacks: $1"
}

hasnt() {
	! grep -qF -e "$1" report.html || fail "the page has: $1"
}

report() {
	rm -f report.html
	expect 0 report "$@"
	is report.html "$(cat out)" "what is printed"
	is '<!DOCTYPE html>' "$(head -n 1 report.html)" "first line"
	is '</html>' "$(tail -n 1 report.html)" "last line"
	iconv -f UTF-8 -t UTF-8 report.html >/dev/null || fail "not UTF-8"
	[ -z "$(find "$work/tmp" . -name 'uvn-report-*' -o \
	    -name 'report.html.*')" ] || fail "something was left behind"
}

mkdir tmp
export TMPDIR=$work/tmp
trace_csv t.csv 1500
for penalty in 4 1/4; do
	expect 0 replay t.csv --backend buffered --memory 1M --db r.db \
	    --hash-penalty $penalty --quiet
done

check "runs, counters, latencies, environment and commands are in it"
report r.db --quiet
[ ! -s err ] || fail "something on standard error"
is "$(sql r.db "SELECT '<td class=\"n\" data-v=\"' || value || '\">' ||
    format('%,d', value) || '</td>' FROM counter
    WHERE run = 2 AND name = 'accesses'")" \
    "$(grep -oE '<code>accesses</code></td><td[^/]*/td>' report.html |
    sed 's,^<code>accesses</code></td>,,')" "the row of accesses"
has '<tr id="run-1">'
has 'hash_penalty=1/4'
has '<h2>Run 2 in detail</h2>'
has "$(sql r.db "SELECT cpu FROM run WHERE id = 1")"
has "<pre class=\"command\">$(sql r.db "SELECT command FROM run
    WHERE id = 2")</pre>"
has 'The database holds no sweep'
has 'The database holds no calibration'
hasnt 'http:'
hasnt 'https:'

check "a page is replaced, with the rights that files have"
echo '<!doctype HTML><p>old' >page.html
(umask 027 && "$UVN" report r.db -o page.html --run 1 >out) || fail "exit status"
is page.html "$(cat out)" "what is printed"
grep -q 'Run 1 in detail' page.html || fail "run 1 is not in it"
is 640 "$(stat -c %a page.html)" "mode"

check "--json"
expect 0 report r.db --json
is "r.db report.html 2 0 2" "$(json '$.database') $(json '$.file') $(
    json '$.runs') $(json '$.sweeps') $(json '$.run')" "the object"
is "" "$(json '$.sweep')" sweep
is "$(stat -c %s report.html)" "$(json '$.bytes')" bytes
is "$(expect 0 figures r.db --json -o f; json '$.figures[#-1].name')" \
    "$(expect 0 report r.db --json; json '$.figures[#-1].name')" "last figure"

check "text from the database is text, whatever its bytes"
cp r.db evil.db
sql evil.db "UPDATE run SET trace = '\"><script>alert(1)</script>',
	host = CAST(x'3cff41c0afeda080e282' AS TEXT),
	command = '</pre>' || char(8238, 7, 9, 10) || '''&amp;'
    WHERE id = 2;
    UPDATE run SET status = '<b>', reason = '<i>', tunables = '{' WHERE id = 1"
report evil.db --quiet --run 2
is 1 "$(grep -c '<script' report.html)" "lines with a script"
has '&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;'
has '&lt;/pre&gt;[U+202E]&#x2407;'
has '&#39;&amp;amp;</pre>'
has '<dd>&lt;&#xfffd;A&#xfffd;&#xfffd;&#xfffd;&#xfffd;&#xfffd;&#xfffd;&#xfffd;</dd>'
hasnt '<b>'
hasnt '<i>'

check "a database in a file of an odd name"
mkdir -p '<b>&'
cp r.db "<b>&/it's \"\$(x)\".db"
report "<b>&/it's \"\$(x)\".db" --quiet
has '<h1>it&#39;s &quot;$(x)&quot;.db</h1>'
has "sqlite3 -header &#39;&lt;b&gt;&amp;/it&#39;\\&#39;&#39;s &quot;\$(x)&quot;.db&#39;"
hasnt '<b>'

check "a sweep: its axes, cells with numbers, failed ones first"
cp r.db s.db
sql s.db "INSERT INTO sweep(id, status, started, axes, traces, repeats, seed,
	jobs, cells, definition, version, pid, pid_start, command) VALUES(7,
	'failed', '2026-11-23T01:02:03.456Z',
	'[{\"name\":\"hash_penalty\",\"values\":[\"1/4\",\"inf\"]},
	  {\"name\":\"a\\\"|b\",\"values\":[\"16K\"]}]',
	'[{\"path\":\"t.csv\",\"digest\":\"x\"}]', 1, 1, 1, 3, 'd', '0', 1, 1,
	'uvn sweep t.csv');
    INSERT INTO sweep_cell VALUES
	(7, 0, 't.csv', 'x', 0, '{\"hash_penalty\":\"1/4\"}', 'c0',
	'complete', 2, NULL),
	(7, 1, 't.csv', 'x', 0, '{\"hash_penalty\":\"inf\"}', 'c1', 'failed',
	NULL, 'it <broke>'),
	(7, 2, 't.csv', 'x', 0, '{', 'c2', 'planned', NULL, NULL);
    UPDATE run SET sweep = 7, cell = 'c0' WHERE id = 2" ||
    fail "sqlite3"
report s.db --quiet --sweep 7
has '<h3>Cells of sweep 7</h3>'
has 'hash_penalty: 1/4, inf'
has '2026-11-23 01:02:03'
has '<td class="n" data-v="0.25">1/4</td>'
has '<td class="n" data-v="inf">inf</td>'
has 'it &lt;broke&gt;'
has '<a href="#run-2">2</a>'
has '<pre class="command">uvn sweep t.csv</pre>'
is failed "$(sed -n '/Cells of sweep 7/,/<\/table>/p' report.html |
    grep -oE 'failed|complete|planned' | head -n 1)" "the first cell"

check "calibrations and performance events, with reasons"
cp r.db c.db
sql c.db "INSERT INTO calibration(session, started, host, version, compiler,
	seed, pages, frames, present, caches, repeats, list_ns, list_low,
	list_high, lookup_ns, lookup_low, lookup_high, break_even,
	break_even_low, break_even_high)
	SELECT 3, '2026-11-23T01:02:03Z', 'h', '0', 'cc', 1, column1, column2,
	column3, column4, 5, 31, 30, 32, 3.5, 3, 4, column5, column5 / 2,
	column5 * 2 FROM (VALUES
	(65536, 'shuffled', 'present', 'cold', 0.112903),
	(64, 'aged', 'present', 'warm', 2.5), (64, 'aged', 'quarter', 'warm', 3),
	(256, 'aged', 'present', 'warm', 0.5),
	(256, 'aged', 'quarter', 'warm', 0.75));
    INSERT INTO event VALUES
	(2, 'run', 'page-faults', 1234, 200, 100, NULL),
	(2, 'run', 'cycles', NULL, NULL, NULL, 'no PMU <here>')" ||
    fail "sqlite3"
report c.db --quiet
has '<td class="n" data-v="65536">65,536</td>'
has '>0.113</td>'
is '>64< >2.50< >256< >0.750<' "$(sed -n '/Recommended penalty by/,/<\/table>/p' \
    report.html | grep -oE '^<tr><td[^>]*>[0-9]+</td><td[^>]*>[0-9.]+<' |
    grep -oE '>[0-9.]+<' | tr '\n' ' ' | sed 's/ $//')" "what is recommended"
has '<td class="n" data-v="1234">1,234</td><td class="n" data-v="50">50.0</td>'
has 'no PMU &lt;here&gt;'

check "more runs than a page shows"
cp r.db many.db
sql many.db "CREATE TEMP TABLE r AS SELECT * FROM run WHERE id = 1;
    WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n
	WHERE i < 300)
    INSERT INTO run SELECT i, $(sql many.db "SELECT group_concat('\"' || name ||
	'\"') FROM pragma_table_info('run') WHERE name <> 'id'") FROM n, r" ||
    fail "sqlite3"
report many.db --quiet --run 1
has '201 of 300: the newest are shown'
has '<tr id="run-1">'
has '<tr id="run-300">'
hasnt '<tr id="run-99">'

check "a run whose numbers are damaged does not hide the others"
cp r.db bad.db
sql bad.db "UPDATE latency SET histogram = '80:1 90' || char(34) WHERE run = 2"
report bad.db --quiet
has '<dt id="figure-latency">'
has 'malformed JSON'

check "no run with an end, and no run at all, have pages"
sql bad.db "UPDATE run SET status = 'failed', reason = 'it broke'"
report bad.db --quiet
has 'it broke'
has 'Run 2 in detail'
sql bad.db "PRAGMA foreign_keys = ON; DELETE FROM run"
report bad.db --quiet
has 'The database holds no run.'
hasnt 'in detail'

check "a database of schema 1 has a page, and stays as it is"
sqlite3 old.db <"$top/tests/cli/schema-1.sql" >/dev/null
cp old.db kept.db
report old.db --quiet
cmp -s old.db kept.db || fail "the database was changed"
has 'Run 1 in detail'
