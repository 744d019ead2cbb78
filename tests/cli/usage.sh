#!/usr/bin/env bash
# Wrong usage is exit status 2 and one line that says what was meant.
. "$(dirname "$0")/lib.sh"

wrong() {
	local text=$1

	shift
	check "uvn $*"
	expect 2 "$@"
	says "$text"
	says_one_line
	silent
}

check "no command at all"
expect 2
says "usage: uvn COMMAND"
silent

wrong "unknown command 'repaly'; did you mean 'replay'?" repaly
wrong "unknown command 'xyzzy'; uvn --help lists them" xyzzy
wrong "TRACE expected" replay
wrong "'b.uvt' is one operand too many" replay a.uvt b.uvt
wrong "unknown option --verfy; did you mean --verify?" replay t.csv --verfy
wrong "unknown option --hash-penlaty; did you mean --hash-penalty?" \
    replay t.csv --hash-penlaty 1
wrong "unknown option -x" replay t.csv -x
wrong "--memory needs a value" replay t.csv --memory
wrong "--verify takes no value" replay t.csv --verify=1
wrong "'memory' is not NAME=VALUE" replay t.csv --set memory
wrong "--seed: 'x' is not a number" replay t.csv --seed x
wrong "--history: '-1' is not a count" replay t.csv --history -1
wrong "'x' is not ID=PATH" replay t.csv --file x
wrong "'0=x' is not ID=PATH" replay t.csv --file 0=x
wrong "file 1 is given twice" replay t.csv --file 1=a --file 1=b --overwrite
wrong "one operand too many" params x
wrong "one operand too many" doctor x
wrong "unknown option --mdok; did you mean --mdoc?" params --mdok

check "no wrong usage makes a file"
is "err out" "$(echo *)" "the folder"
