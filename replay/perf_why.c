/*
 * perf_why.c: why an event cannot be counted, in words.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

/* libpfm4's; it clashes with linux/perf_event.h. */
#include <perfmon/perf_event.h>

#include "replay/perf_impl.h"

#define SYS_PARANOID "/proc/sys/kernel/perf_event_paranoid"
#define SYS_PMU	     "/sys/bus/event_source/devices/"

long
perf_paranoid(void)
{
	long level;

	return perf_os->po_number(SYS_PARANOID, &level) ? level : LONG_MIN;
}

long
perf_rdpmc_setting(void)
{
	long setting;

	if (perf_os->po_number(SYS_PMU "cpu/rdpmc", &setting) ||
	    perf_os->po_number(SYS_PMU "cpu_core/rdpmc", &setting))
		return setting;
	return -1;
}

bool
perf_of_processor(const struct perf_event_attr *attr)
{

	return attr->type == PERF_TYPE_HARDWARE ||
	    attr->type == PERF_TYPE_HW_CACHE || attr->type == PERF_TYPE_RAW;
}

/* Not permitted: by the sysctl, or by something above it. */
static void
why_forbidden(const struct perf_event_attr *attr, char why[PERF_REASON])
{
	const long level = perf_paranoid();
	const long enough = attr->exclude_kernel ? 2 : 1;

	if (level == LONG_MIN || level <= enough)
		(void)snprintf(why, PERF_REASON,
		    "not permitted: a container or a security module forbids "
		    "perf_event_open; permit it, or run outside");
	else
		(void)snprintf(why, PERF_REASON,
		    "not permitted with kernel.perf_event_paranoid at %ld; "
		    "sysctl kernel.perf_event_paranoid=%ld, or run with "
		    "CAP_PERFMON",
		    level, enough);
}

static void
why_missing(const struct perf_event_attr *attr, char why[PERF_REASON])
{

	if (!perf_of_processor(attr))
		(void)snprintf(why, PERF_REASON,
		    "this kernel does not count it; choose another of uvn "
		    "doctor --events");
	else if (perf_rdpmc_setting() != -1)
		(void)snprintf(why, PERF_REASON,
		    "this processor has no counter for it, or the kernel does "
		    "not know which; choose another of uvn doctor --events");
	else
		(void)snprintf(why, PERF_REASON,
		    "no hardware counters on this host; run on bare metal, or "
		    "on a virtual machine with a PMU");
}

void
perf_why_not(const struct perf_event_attr *attr, int error,
    char why[PERF_REASON])
{

	switch (error) {
	case ENOENT:
	case ENODEV:
	case EOPNOTSUPP:
		why_missing(attr, why);
		break;
	case EACCES:
	case EPERM:
		why_forbidden(attr, why);
		break;
	case EINVAL:
		(void)snprintf(why, PERF_REASON,
		    "the kernel cannot count it for one thread with these "
		    "modifiers; leave some out, or choose another event");
		break;
	case EMFILE:
	case ENFILE:
		(void)snprintf(why, PERF_REASON,
		    "too many open files; name fewer events, or raise "
		    "ulimit -n");
		break;
	case EBUSY:
		(void)snprintf(why, PERF_REASON,
		    "another program has the counters for itself; end it");
		break;
	case ENOSYS:
		(void)snprintf(why, PERF_REASON,
		    "this kernel has no perf events; use one with "
		    "CONFIG_PERF_EVENTS");
		break;
	default:
		(void)snprintf(why, PERF_REASON, "perf_event_open: %s",
		    errno_text(error));
		break;
	}
}
