/*
 * What the files of the parser of strace's output share.
 *
 *	import_strace.c		lines, times, threads
 *	strace_put.c		records of them
 *
 * Private to these.
 */
#ifndef TRACES_STRACE_I_H
#define TRACES_STRACE_I_H

#include "traces/import_raw.h"
#include "traces/scan_call.h"
#include "traces/tids.h"

/* A thread; strace prints no process. */
struct st_thread {
	bool st_known;
	uint32_t st_pid;
	char *st_text;	/* of the call it is in, as far as printed; NULL */
	bool st_called; /* that call has been put */
	uint32_t
	    st_child; /* what it has made, if that was seen before its end */
};

struct st_proc {
	char *sp_cwd; /* NULL: not known */
};

struct strace {
	struct raw_out sr_out;
	struct tids sr_threads, sr_procs;
	uint32_t *sr_due; /* threads in a call that makes one not yet seen */
	size_t sr_ndue;
	uint64_t sr_time; /* of the line before */
	uint64_t sr_days; /* that have passed, where only the hour is said */
	struct errmsg *sr_em;
	struct raw sr_raw; /* thread and time of the line */
};

/* import_strace.c */

/* EBADMSG, said with a part of the text. */
int strace_bad(struct strace *sr, const struct scan *sc, const char *what)
    mustcheck;
int strace_no_memory(struct strace *sr) mustcheck;

/* A record of the line's thread and time. */
struct raw strace_raw(const struct strace *sr, enum raw_kind kind);
int strace_put(struct strace *sr, const struct raw *rw) mustcheck;

/* The line's process; NULL: no memory. */
struct st_proc *strace_proc(struct strace *sr);
int strace_cwd(struct strace *sr, const char *path) mustcheck;

/* A thread is of this process; one of its own has its parent's folder. */
int strace_thread(struct strace *sr, uint32_t tid, uint32_t pid,
    uint32_t parent) mustcheck;

/* strace_put.c */

/* Does it make a thread or process? */
bool strace_makes(enum raw_sysno sys);

/* The line's thread has made this one, unless that is known already. */
int strace_made(struct strace *sr, enum raw_sysno sys,
    const struct scan_call *ca, uint32_t tid) mustcheck;

/* Put the call itself, and the files of its descriptors before it. */
int strace_call_put(struct strace *sr, enum raw_sysno sys,
    const struct scan_call *ca) mustcheck;
int strace_return_put(struct strace *sr, enum raw_sysno sys,
    const struct scan_call *ca, uint64_t time) mustcheck;

/* A call that leaves no event, but may say something. */
int strace_other_put(struct strace *sr, const struct scan_call *ca) mustcheck;

#endif
