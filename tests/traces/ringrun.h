/*
 * ringrun: run a program of tests/programs/ with the library loaded, and have
 * its records.
 *
 * All of it is below the folder that tracetest_setup() has made.
 */
#ifndef TESTS_TRACES_RINGRUN_H
#define TESTS_TRACES_RINGRUN_H

#include "tests/test.h"
#include "traces/ring.h"

struct ringrun {
	struct raw *rr_raws; /* in order of time */
	size_t rr_n;
	int rr_status; /* of the program, as waitpid(2) has it */
	uint64_t rr_lost;
	char *rr_out, *rr_err; /* what it said */
	char *rr_arena;	       /* of the records' texts */
};

/* Where the host does not allow the mode: why.  NULL: it does. */
const char *ringrun_why_not(enum ring_mode mode);

/*
 * Run it under a ring that is drained as it runs; argv[0] is the program's
 * name, the rest its arguments, NULL-ended.
 */
void ringrun(enum ring_mode mode, uint64_t window, const char *const *argv,
    struct ringrun *rr);
void ringrun_fini(struct ringrun *rr);

/* The same without a ring: UVN_RECORD is env, if it is not NULL. */
void ringrun_plain(const char *env, const char *const *argv,
    struct ringrun *rr);

/* It has ended well, said "ok", and lost nothing. */
void ringrun_good(const struct ringrun *rr);

/* How many records of that kind there are; the i-th of them. */
size_t ringrun_count(const struct ringrun *rr, enum raw_kind kind);
const struct raw *ringrun_nth(const struct ringrun *rr, enum raw_kind kind,
    size_t i);

/* The number behind "WORD " in what it said. */
long ringrun_number(const struct ringrun *rr, const char *word);

#endif
