#!/bin/sh
#
# layers.sh: includes name their folder, reach only what a folder offers, and
# point down.
#
#	base <- pager, traces, analysis <- replay
#
# tests/FOLDER/ may look into FOLDER, tests/mp/ into FOLDER/mp/, tests/fuzz/
# into all.  Prints FILE:LINE: what, one a line; exit status 1 if there was any.
set -u
cd "$(dirname "$0")/.." || exit 1

find base pager traces analysis replay tests -name '*.[ch]' -o -name '*.def' |
    LC_ALL=C sort | xargs awk '
function public(inc) {
	return inc ~ /^base\/[a-z_]+\.h$/ || inc == "pager/uvm.h" ||
	    inc == "pager/uvm_backend.h" || inc == "pager/uvm_run.h" ||
	    inc == "pager/backend_inject.h" || inc == "traces/trace.h" ||
	    inc == "traces/record.h" || inc == "traces/stats.h" ||
	    inc == "analysis/analysis.h"
}
function complain(what) {
	print FILENAME ":" FNR ": " what
	bad = 1
}
BEGIN {
	n = split("base pager traces analysis replay", folder, " ")
	below["base"] = " "
	below["pager"] = below["traces"] = below["analysis"] = " base "
	below["replay"] = " base pager traces analysis "
	below["tests"] = " base pager traces analysis replay "
}
/^[ \t]*#[ \t]*include[ \t]*</ {
	inc = $0
	sub(/^[^<]*</, "", inc)
	sub(/>.*/, "", inc)
	for (i = 1; i <= n; i++)
		if (index(inc, folder[i] "/") == 1)
			complain("<" inc "> is ours: write \"" inc "\"")
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
	inc = $0
	sub(/^[^"]*"/, "", inc)
	sub(/".*/, "", inc)
	split(FILENAME, from, "/")
	split(inc, to, "/")
	if (inc !~ /\//)
		complain("\"" inc "\" does not name its folder")
	else if (to[1] == from[1] ||
	    (from[1] == "tests" && to[1] == from[2]) ||
	    (from[1] == "tests" && from[2] == "fuzz") ||
	    (from[1] == "tests" && from[2] == "mp" && to[2] == "mp"))
		next
	else if (index(below[from[1]], " " to[1] " ") == 0)
		complain(from[1] "/ must not include " to[1] "/: \"" inc "\"")
	else if (!public(inc))
		complain("\"" inc "\" is private to " to[1] "/")
}
END { exit bad }
'
