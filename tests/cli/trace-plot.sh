#!/usr/bin/env bash
# uvn trace plot: pictures, data and scripts, ranges, names, and what it refuses.
. "$(dirname "$0")/lib.sh"
command -v gnuplot >/dev/null || skip "no gnuplot"

kind_of() {
	case $1 in
	*.png) [ "$(head -c 4 "$1" | tail -c 3)" = PNG ] ;;
	*.pdf) [ "$(head -c 5 "$1")" = %PDF- ] && tail -c 6 "$1" | grep -q EOF ;;
	*.svg) grep -q '<svg' "$1" && grep -q '</svg>' "$1" ;;
	esac || fail "$1 is not what its name says"
}

# The variable NAME of a script.
fact() {
	sed -n "s/^$2 = //p" "$1"
}

# Block N of a data file, without comments.
block() {
	awk -v want="$2" '/^$/ { if (!gap++) next; if (gap == 2) n++; next }
	    /^#/ { next } { gap = 0; if (n == want) print }' "$1"
}

# A trace in the folder, with files of these names.
named() {
	local id=0 name seq=0 page

	printf '#uvn-trace 1\n#page 4096\n'
	for name; do
		id=$((id + 1))
		printf '#file %d size=40960 path=%s\n' $id "$name"
	done
	echo "seq,time_ns,pid,tid,op,file,map,offset,length,flags"
	for ((; id > 0; id--)); do
		for page in 0 1 2 3 4 5 6 7 8 9; do
			echo "$seq,$((seq * 10)),1,1,read,$id,$id,$((page * 4096)),4096,"
			seq=$((seq + 1))
		done
	done
}

check "a picture of the trace's name, with data and script beside it"
cp "$top/traces/samples/lld.uvt" .
expect 0 trace plot lld.uvt
printf '%s\n' lld.dat lld.gp lld.png >want
same want out
kind_of lld.png
[ ! -s err ] || fail "something on standard error"

check "the script draws it again, in all formats, and says nothing"
rm lld.png
gnuplot lld.gp >out 2>err || fail "gnuplot"
[ ! -s err ] || fail "gnuplot complains"
for ext in png svg pdf; do
	kind_of lld.$ext
	[ "$(wc -c <lld.$ext)" -lt 300000 ] || fail "lld.$ext is too large"
done
cp lld.png before.png
sed -i 's/0x8c, 0x2a/0xff, 0xff/' lld.gp
gnuplot -e "formats='png'" lld.gp 2>err || fail "gnuplot, edited"
cmp -s lld.png before.png && fail "other colours make no other picture"

accesses=$("$UVN" trace cat lld.uvt | awk -F, '$5 == "read" || $5 == "write" {
	n += int(($8 + $9 - 1) / 4096) - int($8 / 4096) + 1 } END { print n }')
files=$("$UVN" trace cat lld.uvt |
    awk -F, '$5 == "read" || $5 == "write" { print $6 }' | sort -u | wc -l)
check "the cells have all accesses, and the looks a number for each cell"
is "$accesses" "$(block lld.dat 5 | awk '{ n += $3 + $4 } END { print n }')" accesses
is "$(fact lld.gp columns) $(fact lld.gp rows)" \
    "$(block lld.dat 0 | awk '{ n = NF } END { print n, NR }')" "the matrix"
is "$files" "$(fact lld.gp files)" files

check "-o says the format; --json the rest"
expect 0 trace plot lld.uvt -o a.svg --json
kind_of a.svg
is a.svg "$(json '$.picture')" picture
is "$accesses" "$(json '$.accesses')" accesses
mkdir sub
expect 0 trace plot lld.uvt -o sub/b.pdf
prints sub/b.gp
kind_of sub/b.pdf

check "ranges, files, axes"
expect 0 trace gen hotcold --pages 3000 --events 40000 --files 3 --msync 500 \
    --sync 9000 -o h.uvt
expect 0 trace plot h.uvt --from 10000 --to 20000 --by event --json
is 10000. "$(fact h.gp x_from)" x_from
is 10000. "$(fact h.gp x_span)" x_span
expect 0 trace plot h.uvt --from-time 30ms --to-time 37ms --file 3 --file 1 --json
is 30000000. "$(fact h.gp x_from)" x_from
is "[1,3]" "$(json '$.files')" files
is 2 "$(fact h.gp lanes)" "kinds of sync"
expect 0 trace plot h.uvt --file 2 -o one.png
is 1 "$(fact one.gp files)" files
grep -q '^file_name\[1\] = "gen2"$' one.gp || fail "no name"
is 4 "$(block one.dat 4 | grep -cv NaN)" marks

check "pread and pwrite, if asked for"
cp "$top/traces/samples/sqlite.uvt" s.uvt
expect 0 trace plot s.uvt --json
without=$(json '$.accesses')
expect 0 trace plot s.uvt --calls --json
[ "$(json '$.accesses')" -gt "$((without + 15000))" ] || fail "no calls"

check "nothing, one event, one page, thousands of files"
printf '#uvn-trace 1\n#file 1 size=0 path=f\n%s\n' \
    "seq,time_ns,pid,tid,op,file,map,offset,length,flags" >empty.csv
expect 0 trace plot empty.csv
kind_of empty.png
{ cat empty.csv; echo "0,12345678901,1,1,read,1,1,4096,4096,"; } >one.csv
expect 0 trace plot one.csv -o one-event.png
kind_of one-event.png
is 1 "$(fact one-event.gp cells)" cells
expect 0 trace plot one.csv --by event -o one-event.png
expect 0 trace gen sequential --pages 1 --events 500 -o page.uvt
expect 0 trace plot page.uvt -o page.svg
kind_of page.svg
expect 0 trace gen uniform --pages 3 --files 4000 --events 200000 -o many.uvt
expect 0 trace plot many.uvt
kind_of many.png
is 4000 "$(fact many.gp files)" files
is 24 "$(fact many.gp names)" "names that fit"
for script in empty one-event page many; do
	gnuplot $script.gp >out 2>err || fail "gnuplot $script.gp"
	[ ! -s err ] || fail "gnuplot $script.gp complains"
done

check "standard input and pipes are read once"
expect 2 trace plot - -o x.gif
expect 2 trace plot -
says "-o FILE.png"
export TMPDIR=$work/tmp
mkdir tmp
"$UVN" trace plot - -o in.png <lld.uvt >out || fail "standard input"
same lld.dat <(sed 's/"-"/"lld.uvt"/; s/"in"/"lld"/' in.dat)
"$UVN" trace plot <(cat lld.uvt) -o pipe.png >out || fail "a pipe"
kind_of pipe.png
[ -z "$(ls tmp)" ] || fail "something is left: $(ls tmp)"
unset TMPDIR

check "names of files are text, whatever they look like"
named '"; system("touch obeyed"); x="' '`touch obeyed`' \
    "'.system('touch obeyed').'" 'größe %d %s 100%' '<b>&amp;' \
    "$(printf 'tab\there\033[31m\377')" '{/Symbol a}^2_3' '日本語' \
    '@x $(y)' 'a\nb\\' >t.csv
expect 0 trace plot t.csv -o t.svg
kind_of t.svg
grep -qF '<b>&amp;' t.svg && fail "a name is markup"
grep -qE '&lt;b(>|&gt;)&amp;amp;' t.svg || fail "a name is not there"
grep -qF '…e %d %s 100%' t.svg || fail "a name with per cent is not there"
grep -qF '@x $(y)' t.svg || fail "a name with macros is not there"
grep -qF '日本語' t.dat || fail "the data lack a name"
is 23 "$(grep -c . <(sed -n '/^array file_name/,/^names/p' t.gp))" \
    "lines of names in the script"
expect 0 trace plot t.csv -o t.png
[ ! -e obeyed ] || fail "it was obeyed"

check "names of traces are names, too"
for name in '|touch obeyed;' '<touch obeyed' "'; system('touch obeyed'); '" \
    '%d%s' '-e' 'naïve ü' '"`touch obeyed`"' 'a.b' "$(printf 'two\nlines')" \
    '@x $y' '\n'; do
	cp t.csv "./$name.csv"
	expect 0 trace plot "./$name.csv"
	kind_of "./$name.png"
done
[ -z "$(find . -name obeyed)" ] || fail "it was obeyed"

check "wrong usage"
refused() {
	silent
	says_one_line
	says "$1"
}
expect 2 trace plot lld.uvt -o lld.gif
refused "name the picture .png, .svg or .pdf"
expect 2 trace plot lld.uvt --by page
refused "neither time nor event"
expect 2 trace plot lld.uvt --file 99
refused "the trace has no file 99"
expect 2 trace plot lld.uvt --file one
refused "'one' is no number of a file"
expect 2 trace plot lld.uvt --from 5 --to 4
refused "ends before it begins"
expect 2 trace plot
refused "TRACE"

check "a trace that cannot be read"
expect 3 trace plot nothing.uvt
refused "nothing.uvt"
head -c 3000 lld.uvt >cut.uvt
expect 3 trace plot cut.uvt
refused "cut.uvt"
[ ! -e cut.png ] && [ ! -e cut.dat ] || fail "something was made"

check "what was not made by us is not replaced, least of all the trace"
cp t.csv data.dat
expect 2 trace plot data.dat -o data.png
refused "data.dat: is there and was not made by uvn trace plot"
same t.csv data.dat
echo "my own" >own.gp
expect 2 trace plot t.csv -o own.png
refused "own.gp"
[ ! -e own.dat ] || fail "own.dat was made"

check "a folder that is not there, and no gnuplot"
expect 4 trace plot t.csv -o no/such/folder.png
refused "no/such/folder.dat"
mkdir bin
PATH=$work/bin "$UVN" trace plot t.csv -o without.png >out 2>err
is 4 $? "exit status"
refused "install the package gnuplot-nox"
[ -s without.dat ] && [ -s without.gp ] || fail "no data and script"
