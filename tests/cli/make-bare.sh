#!/bin/sh
# Where there is not even a compiler, make installs what it needs before it
# compiles anything; and what another build left behind is not taken for its
# own.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
unset MAKEFLAGS MAKELEVEL MFLAGS CC O SAN COV V WERROR
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cp "$top/Makefile" "$top/warnings.mk" .
mkdir -p base pager traces analysis replay scripts tests/base
echo 'int main(void) { return 0; }' >replay/main.c
: >base/base.c
: >tests/base/t_base.c
: >scripts/bootstrap

for target in all test demo bench lint; do
	make -n -j2 CC=no-such-compiler $target >out.txt
	first=$(grep -nE 'scripts/bootstrap --group|no-such-compiler .* -c ' \
	    out.txt | head -n 1)
	case $first in
	*'scripts/bootstrap --group build') ;;
	*)
		echo "make $target begins with: $first"
		exit 1
		;;
	esac
done
grep -q 'scripts/bootstrap --group lint' out.txt

# A compiler that says what it was asked for.
mkdir bin
cat >bin/fakecc <<'SH'
#!/bin/sh
echo "$*" >>"$FAKE_LOG"
while [ $# -gt 0 ]; do
	case $1 in
	-o) : >"$2" ;;
	-MF) : >"$2" ;;
	esac
	shift
done
SH
chmod +x bin/fakecc
export FAKE_LOG="$dir/log" PATH="$dir/bin:$PATH"
mkdir -p out
for group in build test lint; do : >"out/.deps-$group"; done
touch -d '1 hour ago' scripts/bootstrap

# compiles COUNT MAKE-ARG...
compiles() {
	want=$1
	shift
	: >log
	make -j2 CC=fakecc "$@" >out.txt 2>&1 || { cat out.txt; exit 1; }
	got=$(grep -c -- ' -c ' log || :)
	if [ "$got" -ne "$want" ]; then
		echo "make $*: $got files compiled, wanted $want"
		exit 1
	fi
}
compiles 2 all
compiles 0 all
compiles 2 WERROR=1 all
grep -q -- -Werror log
compiles 0 WERROR=1 all

# What a source embeds makes it anew.
echo >analysis/views.c
echo >analysis/views.sql
compiles 1 WERROR=1 all
touch analysis/views.sql
compiles 1 WERROR=1 all
rm analysis/views.*

compiles 2 SAN=thread all
compiles 0 WERROR=1 all
cmp uvn out/fakecc-O3/uvn
