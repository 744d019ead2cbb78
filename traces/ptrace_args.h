/*
 * ptrace_args: the arguments of system calls as perf trace names them.
 *
 * Private to import_ptrace.c.
 */
#ifndef TRACES_PTRACE_ARGS_H
#define TRACES_PTRACE_ARGS_H

#include "traces/raw.h"
#include "traces/scan.h"

/*
 * Where the argument of that name stands; RAW_NARGS: it does not matter.
 *
 * => *prefixp: what its constants begin with
 */
unsigned ptrace_arg(enum raw_sysno sys, const struct scan *name,
    const char **prefixp);

#endif
