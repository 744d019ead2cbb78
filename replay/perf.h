/*
 * perf: events of processor and kernel, counted on the calling thread.
 *
 *	struct perf_set		the events of one --events, in its order
 *	struct perf_reading	what one had counted at some moment
 *	struct perf_os		the system calls beneath; tests put in their own
 *	perf_each()		every event that libpfm4 knows here
 *
 * Typical use:
 *
 *	if ((error = perf_open("cycles,page-faults", &ps, &em)) != 0)
 *		return error;
 *	perf_enable(ps);
 *	(void)perf_read(ps, 0, &before);
 *	...
 *	if (perf_read(ps, 0, &after))
 *		...
 *	perf_close(ps);
 *
 * Each event has a file descriptor of its own and is in no group: a group is
 * counted whole or not at all, and one event too many would blind all of it.
 * What is short of counters is counted part of the time and scaled instead.
 *
 * Used by the thread that opened it, and by no other.
 */
#ifndef REPLAY_PERF_H
#define REPLAY_PERF_H

#include <sys/types.h>

#include "base/base.h"

struct perf_event_attr;
struct perf_set;

/* What an event had counted since it was opened. */
struct perf_reading {
	uint64_t pr_value;   /* while it was on a counter */
	uint64_t pr_enabled; /* ns that it was to be counted */
	uint64_t pr_running; /* ns of these that it was on a counter */
};

/*
 * The system calls.
 *
 * po_open:	a descriptor that counts the calling thread on any CPU, but not
 *		its children; or -1 and errno.
 * po_map:	the first page of a descriptor, or NULL.
 * po_rdpmc:	the processor's own counter.
 * po_number:	the number in a file of /proc or /sys; false: there is none.
 * The others as the calls of their names.
 */
struct perf_os {
	int (*po_open)(struct perf_event_attr *attr);
	ssize_t (*po_read)(int fd, void *buf, size_t size);
	int (*po_ioctl)(int fd, unsigned long request);
	int (*po_close)(int fd);
	void *(*po_map)(int fd, size_t size);
	int (*po_unmap)(void *map, size_t size);
	uint64_t (*po_rdpmc)(uint32_t counter);
	bool (*po_number)(const char *path, long *numberp);
};

extern const struct perf_os perf_os_host;

/* The one in use; changed by tests alone, and while no set is open. */
extern const struct perf_os *perf_os;

/*
 * Open the events of list, names of libpfm4 with commas between.  User mode
 * alone is counted unless a name says otherwise (:u, :k), or is that of an
 * event that happens in the kernel only, as context-switches.
 *
 * => the caller owns *psp and ends it with perf_close()
 * => an event that this host cannot count is no error: perf_reason() says why
 * => EINVAL: em names the mistake in list; ENOMEM
 */
int perf_open(const char *list, struct perf_set **psp, struct errmsg *em)
    mustcheck;
void perf_close(struct perf_set *ps);

size_t perf_count(const struct perf_set *ps);

/* The name of event i as it was given. */
const char *perf_name(const struct perf_set *ps, size_t i);

/* Why event i is not counted, and what to do; NULL: it is. */
const char *perf_reason(const struct perf_set *ps, size_t i);

/* Is event i read without a system call? */
bool perf_by_rdpmc(const struct perf_set *ps, size_t i);

/* Count from here to there. */
void perf_enable(struct perf_set *ps);
void perf_disable(struct perf_set *ps);

/*
 * What event i has counted.
 *
 * => true between perf_enable() and perf_disable(), while it is counted
 * => false: *pr is zero; perf_reason() has the reason
 */
bool perf_read(struct perf_set *ps, size_t i, struct perf_reading *pr);

/* since is an earlier reading of the same event. */
struct perf_reading perf_since(const struct perf_reading *pr,
    const struct perf_reading *since);

/*
 * The value that the whole time enabled would have had.
 *
 * => false: it was enabled and never ran, so that nobody knows
 */
bool perf_scaled(const struct perf_reading *pr, uint64_t *valuep);

/* ---- what there is ---- */

struct perf_known {
	const char *pk_name; /* that perf_open() takes: EVENT or EVENT:MASK */
	const char *pk_pmu;  /* "perf" for the generic ones */
	const char *pk_text;
};

/*
 * Call for each event that libpfm4 knows on this host, or, if it has unit
 * masks, for each of these.
 *
 * => false: it knows none
 */
bool perf_each(void (*each)(void *arg, const struct perf_known *pk), void *arg);

/* What libpfm4 takes this host's processor for. */
struct perf_model {
	char pm_name[64]; /* "" if it knows no such processor */
	char pm_text[96];
	int pm_events;
};
void perf_model(struct perf_model *pm);

/* Of /proc/sys/kernel/perf_event_paranoid; LONG_MIN if unknown. */
long perf_paranoid(void);

/* Of the processor's counters in /sys; -1: there are none. */
long perf_rdpmc_setting(void);

#endif
