/*
 * scan_call: system calls as strace(1) and perf-trace(1) print them.
 *
 *	NAME(ARGUMENT, ARGUMENT) = RESULT
 *
 *	scan_call()		a call, cut into pieces
 *	scan_arg()		one argument
 *	scan_flags()		its value
 *	scan_path()		the path of its note: FD<PATH>
 *
 * Private to traces/.
 */
#ifndef TRACES_SCAN_CALL_H
#define TRACES_SCAN_CALL_H

#include "traces/scan.h"

#define SCAN_ARGS 8

/* A call, or its beginning. */
struct scan_call {
	struct scan sc_name;
	struct scan sc_arg[SCAN_ARGS];
	unsigned sc_n;
	bool sc_whole;	     /* the arguments ended, and there is a result */
	bool sc_outputs;     /* arguments that are printed at its end lack */
	bool sc_named;	     /* the result is no number; it is taken for 0 */
	int64_t sc_ret;	     /* -errno if it failed */
	struct scan sc_made; /* the result with its note, if it has one */
	uint64_t sc_took;    /* ns, of "<0.000342>" behind it; 0: not said */
};

/* NULL, or what is wrong with it. */
const char *scan_call(struct scan sc, struct scan_call *ca);

/* "= RESULT" alone, and what follows it. */
const char *scan_result(struct scan *sc, struct scan_call *ca);

#define SCAN_OTHER UINT64_MAX

/*
 * A|B|0x10|21<<C: prefix is put before names that lack it.
 *
 * => NULL, or what is wrong.  One word alone that does not matter
 *    is SCAN_OTHER
 */
const char *scan_flags(const struct scan *text, const char *prefix,
    uint64_t *vp);

/*
 * An argument of a list, which ends with , ) ] or }; what ends it is left.
 * Strings, structs, comments and notes on descriptors may hold any of these.
 *
 * => false: it is cut off
 */
bool scan_arg(struct scan *sc, struct scan *arg);

/*
 * The path in a descriptor's note, into buf of size bytes; "" if there is none.
 * A file that is gone has " (deleted)" behind it.
 */
void scan_path(const struct scan *arg, char *buf, size_t size);

#define SCAN_DELETED "(deleted)"

#endif
