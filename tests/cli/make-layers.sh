#!/bin/sh
# layers.sh finds each kind of include that breaks the layering, and no other.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir -p scripts base pager traces analysis replay tests/pager
cp "$top/scripts/layers.sh" scripts/

cat >pager/good.c <<'C'
#include <stdio.h>

#include "base/base.h"
#include "pager/private.h"
C
cat >replay/good.c <<'C'
#include "analysis/analysis.h"
#include "pager/uvm.h"
#include "traces/trace.h"
C
echo '#include "pager/private.h"' >tests/pager/good.c
scripts/layers.sh >out || { cat out; exit 1; }
[ ! -s out ]

# FOLDER/FILE:LINE LINE-OF-CODE
refuse() {
	mkdir -p "$(dirname "$1")"
	printf '\n%s\n' "$2" >"$1"
	if scripts/layers.sh >out; then
		echo "not refused: $1: $2"
		exit 1
	fi
	grep -q "^$1:2: " out || { cat out; exit 1; }
	rm "$1"
}
refuse base/bad.h '#include "pager/uvm.h"'
refuse pager/bad.c '#include "traces/trace.h"'
refuse pager/bad.c '#include "private.h"'
refuse pager/bad.c '#include <pager/uvm.h>'
refuse traces/bad.c '#include "pager/uvm.h"'
refuse analysis/bad.c '# include "replay/db.h"'
refuse replay/bad.c '#include "pager/private.h"'
refuse replay/bad.c '#include "tests/test.h"'
refuse tests/traces/bad.c '#include "pager/private.h"'
scripts/layers.sh
