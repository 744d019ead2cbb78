/*
 * perffake: a kernel and a processor for perf events, to order.
 */
#ifndef TESTS_REPLAY_PERFFAKE_H
#define TESTS_REPLAY_PERFFAKE_H

#include <sys/types.h>

/* As perf_name.c: the system's own header clashes with libpfm4's. */
#include <perfmon/perf_event.h>

#include "replay/perf.h"

#define FAKE_FDS 16

struct perf_fake {
	/* What to do. */
	int pf_open_error[FAKE_FDS]; /* of the n-th open; 0: it works */
	int pf_ioctl_error;	     /* of every ioctl */
	ssize_t pf_read_result;	     /* not 0: what read gives, -1 too */
	int pf_read_error;	     /* and errno */
	bool pf_read_nothing;	     /* read gives 0 */
	uint64_t pf_value[FAKE_FDS]; /* what read gives, then ... */
	uint64_t pf_step[FAKE_FDS];  /* ... added to it at each read */
	uint64_t pf_enabled[FAKE_FDS], pf_running[FAKE_FDS];
	uint64_t pf_enabled_step, pf_running_step;
	bool pf_mappable;
	struct perf_event_mmap_page pf_page; /* the one there is */
	/* Called by each rdpmc, with the page to change; NULL: pf_pmc. */
	uint64_t (*pf_rdpmc)(struct perf_fake *pf, uint32_t counter);
	uint64_t pf_pmc;
	long pf_paranoid, pf_rdpmc_setting; /* -1: there is no such file */

	/* What was done. */
	struct perf_event_attr pf_attr[FAKE_FDS];
	size_t pf_opens, pf_closes, pf_maps, pf_unmaps, pf_reads, pf_rdpmcs;
};

/* The one in use, between perf_fake_begin() and perf_fake_end(). */
extern struct perf_fake perf_fake;

/* A host where all works, without a page to read counters by. */
void perf_fake_begin(void);
void perf_fake_end(void);

#endif
