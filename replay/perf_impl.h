/*
 * perf_impl: the parts of perf, for perf*.c alone.
 *
 *	perf.c		opened, read, scaled
 *	perf_name.c	names, by libpfm4
 *	perf_why.c	why not
 */
#ifndef REPLAY_PERF_IMPL_H
#define REPLAY_PERF_IMPL_H

#include "replay/perf.h"

#define PERF_REASON 224

/*
 * Ask libpfm4 what name means.
 *
 * => 0: attr is filled to count it, disabled
 * => ENOTSUP: a good name that cannot be counted here; why says so
 * => EINVAL: a mistake, named by em
 */
int perf_encode(const char *name, struct perf_event_attr *attr,
    char why[PERF_REASON], struct errmsg *em) mustcheck;

/* Is it counted by the processor rather than by the kernel's code? */
bool perf_of_processor(const struct perf_event_attr *attr);

/* In words, why perf_event_open(2) gave error for attr, and what to do. */
void perf_why_not(const struct perf_event_attr *attr, int error,
    char why[PERF_REASON]);

#endif
