#!/usr/bin/env bash
# What a browser shows of a page of uvn report: pictures, tables, widths.
. "$(dirname "$0")/lib.sh"
command -v gnuplot >/dev/null || skip "no gnuplot"
for browser in chromium chromium-browser google-chrome; do
	command -v "$browser" >/dev/null && break
	browser=
done
[ -n "$browser" ] || skip "no chromium"
export HOME=$work

# show PAGE WIDTH: what the page says of itself, into "found".
show() {
	timeout 60 "$browser" --headless --no-sandbox --disable-gpu \
	    --user-data-dir="$work/profile" --enable-logging=stderr \
	    --window-size="$2,900" --dump-dom "file://$work/$1" \
	    >dom 2>log </dev/null || fail "$browser: exit status $?"
	sed -n '/^<pre id="found">/,/^<\/pre>/p' dom | sed -e '1d' -e '$d' \
	    -e 's/&lt;/</g' -e 's/&gt;/>/g' -e 's/&nbsp;/ /g' \
	    -e 's/&amp;/\&/g' >found
	[ -s found ] || { cp log out; fail "nothing was shown"; }
	! grep -q 'CONSOLE.*rror' log || { cp log out; fail "an error"; }
}

# probe PAGE COPY: a copy that looks at itself.
probe() {
	awk -v js="$top/tests/cli/report-shown.js" '
	    /<meta charset/ && !nonce { charset = $0; next }
	    /Content-Security-Policy/ {
		match($0, /nonce-[0-9a-f]+/)
		nonce = substr($0, RSTART + 6, RLENGTH - 6)
		print charset; print
		print "<script nonce=\"" nonce "\">window.trouble = [];"
		print "addEventListener(\"securitypolicyviolation\","
		print "(e) => trouble.push(\"violation \" + e.effectiveDirective));"
		print "addEventListener(\"error\","
		print "(e) => trouble.push(\"bad error \" + e.message));</script>"
		next
	    }
	    /^<\/body>/ {
		print "<script nonce=\"" nonce "\">"
		while ((getline line <js) > 0)
			print line
		print "</script>"
	    }
	    { print }' "$1" >"$2"
}

# well: nothing in "found" is bad.
well() {
	! grep '^bad ' found >out || fail "the page is not well"
}

# rows KIND: the lines of that kind.
rows() {
	grep "^$1 " found | LC_ALL=C sort
}

evil='"><script>alert(1)</script>'
mkdir "${evil%/*}"
trace_csv "$evil" 2000
trace_csv t.csv 4000
expect 0 replay t.csv --backend buffered --memory 1M --db r.db --quiet
expect 0 replay "$evil" --backend null --memory 2M --db r.db --quiet
expect 0 sweep t.csv --axis hash_penalty=1/4,4,16,inf --axis cluster=4K,64K \
    --set backend=null --set memory=1M --db r.db --quiet
sql r.db "INSERT INTO sweep_cell SELECT sweep, 99, trace, digest, repeat,
    tunables, 'x', 'failed', NULL, 'it <broke>' FROM sweep_cell LIMIT 1"
sql r.db "UPDATE run SET command = 'uvn </pre><script>alert(2)</script>'
    WHERE id = 3"
expect 0 report r.db --run 1
is report.html "$(cat out)" "what is printed"

check "at 1280 pixels: pictures are seen, tables sort, nothing sticks out"
probe report.html wide.html
show wide.html 1280
well
rows width | grep -qx 'width 1280' || fail "$(rows width)"
is "$(expect 0 report r.db --run 1 --json; sqlite3 :memory: \
    "SELECT 'picture figure-' || json_extract(value, '\$.name')
     FROM json_each(json_extract(readfile('out'), '\$.figures'))
     WHERE json_extract(value, '\$.drawn') ORDER BY 1")" "$(rows picture)" \
    pictures
[ "$(rows picture | wc -l)" -ge 6 ] || fail "few pictures"
for table in Runs "Key counters" "Cells of sweep 1" Latencies "All counters"
do
	grep -qx "table $table: sorts" found || fail "$table do not sort"
done
! grep '^violation' found >out || fail "the policy is broken"

check "the numbers shown are those of the database"
sql r.db "SELECT 'counter ' || name || ' Value = ' || format('%,d', value)
    FROM counter WHERE run = 1" | LC_ALL=C sort >want
[ "$(wc -l <want)" -gt 30 ] || fail "few counters"
rows counter >got
same want got
sql r.db "SELECT printf('measure %d Hit rate %% = %.2f', run, 100.0 *
	sum(value) FILTER (WHERE name IN ('mapped_hits', 'resident_hits')) /
	sum(value) FILTER (WHERE name = 'accesses'))
    FROM counter GROUP BY run
    UNION ALL SELECT printf('measure %d Pages/write = %.2f', run, 1.0 *
	sum(value) FILTER (WHERE name = 'pageout_pages') /
	sum(value) FILTER (WHERE name = 'pageout_ios'))
    FROM counter GROUP BY run
    UNION ALL SELECT printf('measure %d Write amplification = %.2f', run, 1.0 *
	sum(value) FILTER (WHERE name = 'pageout_bytes') / 4096 /
	sum(value) FILTER (WHERE name = 'dirtied'))
    FROM counter GROUP BY run
    UNION ALL SELECT printf('measure %d Flush CPU ms = %.3f', run,
	sum(cpu_ns) / 1e6) FROM flush_total GROUP BY run" | LC_ALL=C sort >want
rows measure | grep -E ' (Hit rate|Pages/write|Write amp|Flush CPU)' >got
same want got

check "what is hostile is text"
rows run | grep -qxF "run 2 Trace = $evil" || fail "the trace is not shown"
rows command | grep -qxF 'command uvn </pre><script>alert(2)</script>' ||
    fail "the command is not shown"
rows cell | grep -qxF 'cell 99 Reason = it <broke>' ||
    fail "the failed cell is not shown"
is "scripts 3" "$(rows scripts)" "the number of scripts"

check "at 400 pixels: the page does not scroll sideways"
# A window of the browser's is not as narrow; a frame may be.
{
	echo '<!DOCTYPE html><meta charset="utf-8"><body>'
	printf '<iframe width="400" height="900" style="border: 0" srcdoc="'
	sed -e 's/&/\&amp;/g' -e 's/"/\&quot;/g' wide.html
	echo '"></iframe>'
	echo '</body>'
} >narrow.html
show narrow.html 500
well
rows width | grep -qx 'width 400' || fail "$(rows width)"

check "a script that comes from elsewhere would not run"
sed 's/^<main>/<main><script>trouble.push("bad ran")<\/script>/' wide.html \
    >foreign.html
show foreign.html 1280
grep -q '^violation script-src' found || fail "no violation"
well
