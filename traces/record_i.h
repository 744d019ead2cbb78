/*
 * What the files of the recorder share.
 *
 *	record.c		a recording from start to end
 *	record_child.c		a program that waits to be let go
 *	record_kernel.c		mode kernel: perf and the library together
 *	record_perf.c		rings of the kernel's tracepoints
 *	record_tracefs.c	where the tracepoints are described
 *	record_proc.c		what /proc says of processes without the library
 *	record_preload.c	mode preload: the library alone
 *	record_library.c	the library and its rings in a folder of their own
 *	record_folder.c		folders that are made, and removed
 *	record_valgrind.c	mode valgrind: the output of lackey, as it runs
 *	ring_embed.c		the library, as part of the program
 *	record_check.c		what works here
 *	record_finish.c		a spool made a trace
 *	ring.c			rings of the preloaded library
 *	spool.c			records on disk
 *	preload/		the library
 *
 * Private to traces/.
 */
#ifndef TRACES_RECORD_I_H
#define TRACES_RECORD_I_H

#include <sys/types.h>

#include "traces/raw.h"
#include "traces/record.h"
#include "traces/record_child.h"
#include "traces/spool.h"

/*
 * A mode at work.
 *
 * rc_open:	start the program, waiting, and make ready to hear of it.
 * rc_wait:	until there is something to drain, or for ms.
 * rc_drain:	move what there is into the spool; *np: records.
 * rc_stop:	hear no more; what was heard can be drained.
 */
struct recorder {
	bool rc_virtual; /* its clock counts accesses */
	int (*rc_open)(const struct record_param *rp, struct child *ch,
	    void **statep, struct errmsg *em);
	void (*rc_wait)(void *state, int ms);
	int (*rc_drain)(void *state, struct spool *sp, uint64_t *np,
	    struct errmsg *em);
	void (*rc_stop)(void *state);
	void (*rc_close)(void *state);
};

extern const struct recorder recorder_kernel, recorder_preload,
    recorder_valgrind;

/* CLOCK_MONOTONIC in ns. */
uint64_t record_clock(void);

/* record_finish.c: a spool made the trace rp_to; the spool stays. */
int record_finish(const char *spool, const struct record_param *rp,
    struct record_done *rd, struct errmsg *em) mustcheck;

/* Folders of the recorder begin so, wherever they are; its pid follows. */
#define RECORD_NAME   "uvn-record-"
#define RECORD_FOLDER "/tmp/" RECORD_NAME

#define RECORD_PATH 96 /* bytes of a name in /tmp or /dev/shm */

/* Call fn for each name in a folder that begins with prefix, and not with a
 * dot. */
int record_list(int folder, const char *prefix,
    void (*fn)(void *arg, int folder, const char *name), void *arg);

/*
 * Make a folder of our own in where, after removing those of recorders that were
 * killed.
 *
 * => path is where its name goes, of RECORD_PATH bytes
 */
int record_folder(const char *where, char *path, struct errmsg *em) mustcheck;

/* record_tracefs.c: tracefs, mounted or not. */

/*
 * A descriptor of tracefs's root.
 *
 * => ENOENT: the kernel has none; EPERM, EACCES; em says what to do
 */
int tracefs_open(int *fdp, struct errmsg *em) mustcheck;

/* A tracepoint: its number, and the places of its fields. */
struct tracepoint {
	uint32_t tp_id;
	uint32_t tp_off[3]; /* in the raw data, of the fields asked for */
};

/*
 * => name is GROUP/NAME; each of the n fields is 8 bytes, or an array of these
 * => ENOENT: there is no such tracepoint or field
 */
int tracefs_point(int fd, const char *name, const char *const *fields, size_t n,
    struct tracepoint *tp, struct errmsg *em) mustcheck;

/* record_perf.c */

struct perfrec;

/*
 * Let the kernel tell of a process that is about to call execve(2), and of all
 * that come from it: calls of raw_sys[], page faults, maps, forks and exits.
 * Nothing is told before the execve.
 *
 * => EPERM, EACCES, ENOSYS, ENOENT: the host does not allow it, em says why
 */
int perfrec_open(pid_t pid, struct perfrec **prp, struct errmsg *em) mustcheck;

/* Sources in the spool: one a processor, from 0. */
unsigned perfrec_sources(const struct perfrec *pr);

/* Wait until there is something to read, or for ms. */
void perfrec_wait(const struct perfrec *pr, int ms);

/*
 * Move what there is into the spool.
 *
 * => *np: records moved
 */
int perfrec_drain(struct perfrec *pr, struct spool *sp, uint64_t *np,
    struct errmsg *em) mustcheck;

/* Tell no more; what has been told can be drained. */
void perfrec_stop(struct perfrec *pr);
void perfrec_close(struct perfrec *pr);

/* record_proc.c */

/*
 * Can the program of that name be run, as execvp(3) finds it?  For those that
 * others run for us.
 *
 * => ENOENT, EACCES: not; em says so
 */
int program_runs(const char *name, struct errmsg *em) mustcheck;

/*
 * Can the library be loaded into the program of that name, as execvp(3) finds
 * it?
 *
 * => ENOEXEC, EACCES: not; em says why, and what to do
 */
int program_check(const char *name, struct errmsg *em) mustcheck;

/* Has the process's program an interpreter, which would load the library? */
bool proc_dynamic(uint32_t pid);

/*
 * What file a descriptor of a process is now, as a FILE.
 *
 * => false: it is no regular file, or gone; rw's text is in path
 */
bool proc_file(uint32_t pid, uint64_t fd, struct raw *rw, char *path,
    size_t size);

#endif
