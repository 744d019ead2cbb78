/*
 * What lackey.c (lines, processes) and lackey_call.c (system calls) share.
 *
 * Private to lackey*.c.
 */
#ifndef TRACES_LACKEY_I_H
#define TRACES_LACKEY_I_H

#include "traces/lackey.h"
#include "traces/scan.h"
#include "traces/tids.h"

/* What a thread is in. */
enum lackey_call {
	LC_NONE, /* nothing that matters */
	LC_OURS, /* a call of raw_sys[] */
	LC_CHDIR,
};

struct lk_thread {
	uint32_t lt_tid; /* 0: not known yet */
	enum lackey_call lt_call;
	uint8_t lt_sys;
	bool lt_forked;	    /* by this call a process was made */
	uint64_t lt_flags;  /* of this clone(2) */
	char *lt_path;	    /* of this open(2) or chdir(2), or the last one */
	uint64_t lt_opened; /* the descriptor that open(2) made */
	struct raw lt_file; /* a FILE, as far as it has come */
};

struct lk_proc {
	uint32_t lp_pid;
	struct lk_thread *lp_threads; /* by valgrind's number - 1 */
	size_t lp_n;
	uint32_t *lp_new; /* threads made, that have no such number yet */
	size_t lp_nnew;
	bool lp_hinted; /* the library tells of files */
	bool lp_fresh;	/* a new image, or process, that has made no call */
	bool lp_dead;
	char *lp_cwd; /* NULL: not known */
};

struct lk_stream {
	struct lk_proc *ls_proc; /* whose memory lines come now; NULL */
	uint32_t ls_thread;
	struct raw ls_access; /* one of these, but for time and arguments */
	/* The last fork: the lines of both go on without saying whose. */
	uint32_t ls_parent, ls_parent_thread, ls_child;
	bool ls_child_due; /* the child has not been heard of */
	/* A fork whose child goes on before its number was said; 0: none. */
	uint32_t ls_quick, ls_quick_thread;
};

struct lackey {
	struct raw_out lk_out;
	bool lk_code;
	bool lk_calls; /* there was a line of a call */
	uint64_t lk_time;
	struct tids lk_procs, lk_streams;
	struct lk_stream *lk_last;
	uint32_t lk_last_id;
	struct errmsg *lk_em; /* of the line at hand */
};

/* lackey.c */

int lackey_no_memory(struct lackey *lk) mustcheck;

/* EBADMSG, said with what is left. */
int lackey_bad(struct lackey *lk, const struct scan *sc, const char *what)
    mustcheck;

/* A record of the stream's thread, as of now. */
struct raw lackey_raw(const struct lackey *lk, const struct lk_stream *ls,
    enum raw_kind kind);
int lackey_put(struct lackey *lk, const struct raw *rw) mustcheck;

/*
 * From now on the stream's lines are of this thread.
 *
 * => ls_proc is NULL if the process has ended
 */
int lackey_switch(struct lackey *lk, struct lk_stream *ls, uint32_t pid,
    uint32_t thread) mustcheck;

/* The stream's thread; ls_proc is not NULL. */
struct lk_thread *lackey_thread(const struct lk_stream *ls);

/* The process has another image. */
int lackey_exec(struct lackey *lk, struct lk_stream *ls) mustcheck;
int lackey_exit(struct lackey *lk, struct lk_stream *ls, bool group) mustcheck;

/* The stream's thread has made a thread, or a process. */
int lackey_made(struct lackey *lk, struct lk_stream *ls, uint32_t tid,
    uint64_t flags) mustcheck;
int lackey_forked(struct lackey *lk, struct lk_stream *ls, uint32_t child)
    mustcheck;

/* Valgrind's own line, or what is left of one that it has cut into. */
int lackey_own(struct lackey *lk, struct lk_stream *ls, struct scan *sc)
    mustcheck;

/* lackey_call.c */

/* "SYSCALL[" has been read; or "-->", on a line of its own. */
int lackey_call(struct lackey *lk, struct lk_stream *ls, struct scan *sc)
    mustcheck;
int lackey_result(struct lackey *lk, struct lk_stream *ls, struct scan *sc)
    mustcheck;

/*
 * That a process forked, on a line of its own: the child's output may come
 * between the call and this.
 */
bool lackey_is_created(struct scan sc);
int lackey_created(struct lackey *lk, struct lk_stream *ls, struct scan *sc)
    mustcheck;

#endif
