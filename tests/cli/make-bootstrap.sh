#!/bin/sh
# bootstrap asks apt nothing when all is there; names what is missing or too
# old, and the command, when it may not install; and installs just that.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
command -v dpkg >/dev/null || exit 77
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir bin

# A package system of three files: what is there, who we are, what apt did.
cat >bin/dpkg-query <<'SH'
#!/bin/sh
cat "$FAKE/installed"
SH
cat >bin/id <<'SH'
#!/bin/sh
cat "$FAKE/uid"
SH
cat >bin/apt-get <<'SH'
#!/bin/sh
echo "$*" >>"$FAKE/apt"
[ "$1" = update ] || cp "$FAKE/full" "$FAKE/installed"
SH
chmod +x bin/*
export FAKE="$dir" PATH="$dir/bin:$PATH"
"$top/scripts/bootstrap" --list |
    awk '{ print $2, "installed", $3 "-1" }' >full

# expect EXIT-STATUS ARG...
expect() {
	want=$1
	shift
	rc=0
	rm -f apt
	"$top/scripts/bootstrap" "$@" >out 2>&1 </dev/null || rc=$?
	if [ "$rc" -ne "$want" ]; then
		echo "bootstrap $*: exit status $rc, wanted $want"
		cat out
		exit 1
	fi
}

echo 0 >uid
cp full installed
expect 0 --group all
[ ! -s out ] && [ ! -e apt ]

echo 1000 >uid
sed -e '/^libzstd-dev /d' -e 's/^sqlite3 .*/sqlite3 installed 3.1-1/' full \
    >installed
expect 4
grep -q 'libzstd-dev: .* none is installed' out
grep -q 'sqlite3: 3.37 or newer is needed, 3.1-1 is installed' out
grep -q 'apt-get install .* libzstd-dev sqlite3$' out
[ ! -e apt ]

echo 0 >uid
expect 4 --check
[ ! -e apt ]
expect 0
[ "$(head -n 1 apt)" = update ]
grep -q '^install .*libzstd-dev sqlite3 ' apt
[ "$(wc -l <apt)" -eq 2 ]

grep -v '^clang-14 ' full >installed
expect 0 --group test --group build
[ ! -e apt ]
expect 4 --check --group lint
grep -v '^fio ' full >installed
for group in test bench; do
	expect 4 --check --group $group
done
expect 0 --check --group build
expect 2 --group nonsense
expect 2 --nonsense
