/*
 * ringtest: programs of tests/programs with the library in them, and the
 * records that come of it.
 */
#ifndef TESTS_TRACES_RINGTEST_H
#define TESTS_TRACES_RINGTEST_H

#include <sys/types.h>

#include "tests/test.h"
#include "traces/ring.h"

struct rtest {
	char rt_folder[32];
	char rt_path[48]; /* of the ring */
	struct ring *rt_ring;
	struct ring_file *rt_file; /* as a program has it */
	struct raw *rt_raws;	   /* in the order of slots, then of time */
	uint32_t *rt_slots;	   /* of each */
	size_t rt_n, rt_cap;
	char *rt_out; /* what the last program printed */
};

/* In a folder of its own; a ring with no records. */
void rtest_begin(struct rtest *rt, enum ring_mode mode, uint64_t window);
void rtest_end(struct rtest *rt);

/* Start tests/programs/ARGV[0]; "" in it stands for the folder. */
pid_t rtest_start(struct rtest *rt, const char *const *argv);

/* Take what there is; => records taken. */
size_t rtest_drain(struct rtest *rt);

/*
 * Drain until the program has ended, and once more.
 *
 * => its status, as waitpid(2) has it
 */
int rtest_wait(struct rtest *rt, pid_t pid);

/* Start and wait for it; it has to print "ok" and exit with 0. */
void rtest_run(struct rtest *rt, const char *const *argv);
#define RTEST_RUN(rt, ...)                                                     \
	rtest_run(rt, (const char *const[]){ __VA_ARGS__, NULL })

/*
 * The same in mode kernel with what the kernel tells, all in the order of time.
 * Skips the test where the host does not allow it.
 */
void rtest_run_kernel(struct rtest *rt, const char *const *argv);
#define RTEST_RUN_KERNEL(rt, ...)                                              \
	rtest_run_kernel(rt, (const char *const[]){ __VA_ARGS__, NULL })

/*
 * All that behave, each the same with and without: it prints "ok" and exits
 * with 0.
 */
extern const char *const rtest_programs[];
extern const size_t rtest_nprograms;

/* Forget the records so far. */
void rtest_clear(struct rtest *rt);

/* All records by time. */
void rtest_sort(struct rtest *rt);

/* How many slots have an owner. */
unsigned rtest_owned(const struct rtest *rt);

/* tests/programs/NAME; the library; both of this build.  Static. */
const char *rtest_program(const char *name);
const char *rtest_library(void);

#endif
