/*
 * perf_impl: between perf.c and perf_name.c.
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

#endif
