#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "traces/lackey_i.h"

#define THREADS_MAX 65535 /* valgrind itself has 500, unless told */

int
lackey_no_memory(struct lackey *lk)
{
	return ERRMSG(lk->lk_em, ENOMEM, "no memory to read it");
}

int
lackey_bad(struct lackey *lk, const struct scan *sc, const char *what)
{
	char text[60];

	scan_show(sc, text, sizeof(text));
	return ERRMSG(lk->lk_em, EBADMSG, "%s: '%s'", what, text);
}

struct raw
lackey_raw(const struct lackey *lk, const struct lk_stream *ls,
    enum raw_kind kind)
{
	return (struct raw){ .rw_time = lk->lk_time,
		.rw_pid = ls->ls_access.rw_pid,
		.rw_tid = ls->ls_access.rw_tid,
		.rw_kind = (uint8_t)kind };
}

int
lackey_put(struct lackey *lk, const struct raw *rw)
{
	return raw_put(&lk->lk_out, rw, lk->lk_em);
}

static void
proc_fini(void *it)
{
	struct lk_proc *lp = it;

	for (size_t i = 0; i < lp->lp_n; i++)
		free(lp->lp_threads[i].lt_path);
	free(lp->lp_threads);
	free(lp->lp_new);
	free(lp->lp_cwd);
	*lp = (struct lk_proc){ .lp_pid = lp->lp_pid };
}

/* Room for threads up to this one. */
static bool
threads_grow(struct lk_proc *lp, uint32_t thread)
{
	const size_t n = thread > 2 * lp->lp_n ? thread : 2 * lp->lp_n;
	struct lk_thread *threads;

	if (thread <= lp->lp_n)
		return true;
	threads = realloc(lp->lp_threads, n * sizeof(*threads));
	if (threads == NULL)
		return false;
	memset(threads + lp->lp_n, 0, (n - lp->lp_n) * sizeof(*threads));
	lp->lp_threads = threads;
	lp->lp_n = n;
	return true;
}

/* The thread's number in the kernel: that of the oldest not heard of. */
static uint32_t
thread_tid(struct lk_proc *lp, uint32_t thread)
{
	uint32_t tid;

	if (thread == 1)
		return lp->lp_pid;
	/* One whose making was not seen gets a number that no other has. */
	if (lp->lp_nnew == 0)
		return thread << 22 | lp->lp_pid;
	tid = lp->lp_new[0];
	lp->lp_nnew--;
	memmove(lp->lp_new, lp->lp_new + 1, lp->lp_nnew * sizeof(*lp->lp_new));
	return tid;
}

/*
 * A process that nobody spoke of, after a fork that did not say its child's
 * number: it is that.
 */
static int
quick_child(struct lackey *lk, struct lk_stream *ls, uint32_t child)
{
	int error;

	error = lackey_switch(lk, ls, ls->ls_quick, ls->ls_quick_thread);
	if (error == 0 && ls->ls_proc != NULL) {
		lackey_thread(ls)->lt_forked = true;
		error = lackey_forked(lk, ls, child);
		/* Its result was the one that came first. */
		ls->ls_child_due = false;
	}
	ls->ls_quick = 0;
	return error;
}

int
lackey_switch(struct lackey *lk, struct lk_stream *ls, uint32_t pid,
    uint32_t thread)
{
	struct lk_proc *lp = tids_get(&lk->lk_procs, pid);
	struct lk_thread *lt;
	int error;

	if (lp != NULL && lp->lp_n == 0 && ls->ls_quick != 0 &&
	    pid != ls->ls_quick) {
		if ((error = quick_child(lk, ls, pid)) != 0)
			return error;
		lp = tids_get(&lk->lk_procs, pid);
	}
	ls->ls_proc = NULL;
	if (thread == 0 || thread > THREADS_MAX)
		return ERRMSG(lk->lk_em, EBADMSG,
		    "thread %u is none of valgrind's", (unsigned)thread);
	if (lp == NULL || !threads_grow(lp, thread))
		return lackey_no_memory(lk);
	lp->lp_pid = pid;
	if (lp->lp_dead)
		return 0;
	lt = &lp->lp_threads[thread - 1];
	if (lt->lt_tid == 0)
		lt->lt_tid = thread_tid(lp, thread);
	ls->ls_proc = lp;
	ls->ls_thread = thread;
	ls->ls_access = (struct raw){ .rw_pid = pid,
		.rw_tid = lt->lt_tid,
		.rw_kind = RAW_ACCESS,
		.rw_nargs = 2 };
	return 0;
}

struct lk_thread *
lackey_thread(const struct lk_stream *ls)
{
	return &ls->ls_proc->lp_threads[ls->ls_thread - 1];
}

int
lackey_exec(struct lackey *lk, struct lk_stream *ls)
{
	const struct raw rw = lackey_raw(lk, ls, RAW_EXEC);
	struct lk_proc *lp = ls->ls_proc;

	for (size_t i = 1; i < lp->lp_n; i++)
		lp->lp_threads[i].lt_tid = 0;
	lp->lp_nnew = 0;
	lp->lp_hinted = false;
	lp->lp_fresh = true;
	lackey_thread(ls)->lt_call = LC_NONE;
	return lackey_put(lk, &rw);
}

int
lackey_exit(struct lackey *lk, struct lk_stream *ls, bool group)
{
	struct raw rw = lackey_raw(lk, ls, RAW_EXIT);

	lackey_thread(ls)->lt_call = LC_NONE;
	lackey_thread(ls)->lt_tid = 0;
	if (group) {
		rw.rw_flags = RAW_F_GROUP;
		proc_fini(ls->ls_proc);
		ls->ls_proc->lp_dead = true;
	}
	ls->ls_proc = NULL;
	return lackey_put(lk, &rw);
}

int
lackey_made(struct lackey *lk, struct lk_stream *ls, uint32_t tid,
    uint64_t flags)
{
	struct raw rw = lackey_raw(lk, ls, RAW_FORK);
	struct lk_proc *lp = ls->ls_proc;
	uint32_t *new =
	    realloc(lp->lp_new, (lp->lp_nnew + 1) * sizeof(*lp->lp_new));

	if (new == NULL)
		return lackey_no_memory(lk);
	lp->lp_new = new;
	lp->lp_new[lp->lp_nnew++] = tid;
	rw.rw_arg[0] = rw.rw_pid;
	rw.rw_arg[1] = rw.rw_tid;
	rw.rw_arg[2] = flags;
	rw.rw_nargs = 3;
	rw.rw_tid = tid;
	return lackey_put(lk, &rw);
}

int
lackey_forked(struct lackey *lk, struct lk_stream *ls, uint32_t child)
{
	struct raw rw = lackey_raw(lk, ls, RAW_FORK);
	const struct lk_proc *parent = ls->ls_proc;
	struct lk_proc *lp = tids_get(&lk->lk_procs, child);

	if (lp == NULL)
		return lackey_no_memory(lk);
	ls->ls_parent = parent->lp_pid;
	ls->ls_parent_thread = ls->ls_thread;
	ls->ls_child = child;
	ls->ls_quick = 0;
	/* It was heard of before, and its result with it. */
	ls->ls_child_due = lp->lp_n == 0;
	if (lp->lp_n > 0)
		return 0;
	proc_fini(lp);
	if (!threads_grow(lp, 1))
		return lackey_no_memory(lk);
	lp->lp_pid = child;
	lp->lp_hinted = parent->lp_hinted;
	/* A file of its own begins as a new image's does: that is no execve. */
	lp->lp_fresh = true;
	if (parent->lp_cwd != NULL) {
		lp->lp_cwd = strdup(parent->lp_cwd);
		if (lp->lp_cwd == NULL)
			return lackey_no_memory(lk);
	}
	/* Valgrind makes a fork(2) of a vfork(2). */
	rw.rw_arg[0] = rw.rw_pid;
	rw.rw_arg[1] = rw.rw_tid;
	rw.rw_arg[2] = 0;
	rw.rw_nargs = 3;
	rw.rw_pid = rw.rw_tid = child;
	return lackey_put(lk, &rw);
}

/* Lackey presents itself: the process begins, or has called execve(2). */
static int
banner(struct lackey *lk, struct lk_stream *ls, uint32_t pid)
{
	struct lk_proc *lp = tids_get(&lk->lk_procs, pid);
	bool again;
	int error;

	if (lp == NULL)
		return lackey_no_memory(lk);
	again = !lp->lp_dead && lp->lp_n > 0 && !lp->lp_fresh;
	lp->lp_dead = false;
	error = lackey_switch(lk, ls, pid, 1);
	if (error == 0 && again && ls->ls_proc != NULL)
		error = lackey_exec(lk, ls);
	return error;
}

/* "SCHED[thread]:  acquired lock": that thread runs now. */
static int
scheduled(struct lackey *lk, struct lk_stream *ls, uint32_t pid,
    struct scan *sc)
{
	uint32_t thread;

	if (!scan_dec32(sc, &thread) || !scan_text(sc, "]:"))
		return lackey_bad(lk, sc, "no line of the scheduler");
	scan_spaces(sc);
	return scan_text(sc, "acquired lock") ?
	    lackey_switch(lk, ls, pid, thread) :
	    0;
}

int
lackey_own(struct lackey *lk, struct lk_stream *ls, struct scan *sc)
{
	const char *mark = scan_sees(sc, '=') ? "==" : "--";
	uint32_t pid;
	int error;

	if (!scan_text(sc, mark) || !scan_dec32(sc, &pid) ||
	    !scan_text(sc, mark))
		return lackey_bad(lk, sc, "not lackey's");
	scan_spaces(sc);
	if (scan_text(sc, "SCHED["))
		return scheduled(lk, ls, pid, sc);
	if (scan_text(sc, "Lackey, an example"))
		return banner(lk, ls, pid);
	if (!scan_text(sc, "Process terminating"))
		return 0;
	error = lackey_switch(lk, ls, pid, 1);
	if (error == 0 && ls->ls_proc != NULL)
		error = lackey_exit(lk, ls, true);
	return error;
}

/* One more than what a digit of hexadecimal is worth; 0: it is none. */
static const uint8_t hex_worth[256] = { ['0'] = 1,
	['1'] = 2,
	['2'] = 3,
	['3'] = 4,
	['4'] = 5,
	['5'] = 6,
	['6'] = 7,
	['7'] = 8,
	['8'] = 9,
	['9'] = 10,
	['a'] = 11,
	['b'] = 12,
	['c'] = 13,
	['d'] = 14,
	['e'] = 15,
	['f'] = 16,
	['A'] = 11,
	['B'] = 12,
	['C'] = 13,
	['D'] = 14,
	['E'] = 15,
	['F'] = 16 };

/* "ADDRESS,BYTES" from p on. */
static bool
operand(const char *p, const char *end, uint64_t *addrp, uint64_t *bytesp)
{
	const char *from = p;
	uint64_t addr = 0, bytes = 0;
	unsigned d;

	for (; p < end && (d = hex_worth[(uint8_t)*p]) != 0; p++)
		addr = addr << 4 | (d - 1);
	if (p == from || p - from > 16 || p == end || *p != ',')
		return false;
	from = ++p;
	for (; p < end && (d = (unsigned)*p - '0') < 10; p++)
		bytes = bytes * 10 + d;
	*addrp = addr;
	*bytesp = bytes;
	return p > from && p - from < 10 && p == end;
}

/* " L 1234,8", "I  1234,8": the letter is what. */
static int
access_line(struct lackey *lk, struct lk_stream *ls, char what,
    const char *line, size_t len)
{
	struct raw *rw = &ls->ls_access;

	if (unlikely(
		!operand(line + 3, line + len, &rw->rw_arg[0], &rw->rw_arg[1])))
		return lackey_bad(lk, &(struct scan){ line, line + len },
		    "no access to memory");
	rw->rw_time = lk->lk_time++;
	if (unlikely(ls->ls_proc == NULL) || (what == 'I' && !lk->lk_code))
		return 0;
	/* What is read and written by one instruction faults once, as a write. */
	rw->rw_flags = what == 'I' ? RAW_F_IFETCH :
	    what == 'L'		   ? 0 :
				     RAW_F_WRITE;
	return lackey_put(lk, rw);
}

static int
other_line(struct lackey *lk, struct lk_stream *ls, const char *line,
    size_t len)
{
	struct scan sc = { line, line + len };

	if (scan_text(&sc, "SYSCALL["))
		return lackey_call(lk, ls, &sc);
	if (scan_sees(&sc, '=') || scan_sees(&sc, '-'))
		return lackey_own(lk, ls, &sc);
	if (scan_text(&sc, "SCHEDSETJMP("))
		return 0;
	scan_spaces(&sc);
	if (scan_done(&sc))
		return 0;
	if (scan_text(&sc, "-->"))
		return lackey_result(lk, ls, &sc);
	if (lackey_is_created(sc))
		return lackey_created(lk, ls, &sc);
	return lackey_bad(lk, &sc, "not lackey's");
}

static int
stream_find(struct lackey *lk, uint32_t stream)
{
	lk->lk_last = tids_get(&lk->lk_streams, stream);
	lk->lk_last_id = stream;
	return lk->lk_last != NULL ? 0 : lackey_no_memory(lk);
}

int
lackey_line(struct lackey *lk, uint32_t stream, const char *line, size_t len,
    struct errmsg *em)
{
	struct lk_stream *ls;
	int error = 0;

	lk->lk_em = em;
	if (unlikely(lk->lk_last == NULL || lk->lk_last_id != stream))
		error = stream_find(lk, stream);
	if (error != 0)
		return error;
	ls = lk->lk_last;
	if (likely(len > 3 && line[2] == ' ')) {
		if (line[0] == 'I' && line[1] == ' ')
			return access_line(lk, ls, 'I', line, len);
		if (line[0] == ' ' &&
		    (line[1] == 'L' || line[1] == 'S' || line[1] == 'M'))
			return access_line(lk, ls, line[1], line, len);
	}
	return other_line(lk, ls, line, len);
}

int
lackey_end(struct lackey *lk, struct errmsg *em)
{
	if (lk->lk_time > 0 && !lk->lk_calls)
		return ERRMSG(em, EBADMSG,
		    "there are no system calls, and so no maps: run valgrind "
		    "with --trace-syscalls=yes");
	return 0;
}

uint64_t
lackey_time(const struct lackey *lk)
{
	return lk->lk_time;
}

int
lackey_create(const struct raw_out *ro, bool code, struct lackey **lkp,
    struct errmsg *em)
{
	struct lackey *lk = calloc(1, sizeof(*lk));

	if (lk == NULL)
		return ERRMSG(em, ENOMEM, "no memory to read it");
	lk->lk_out = *ro;
	lk->lk_code = code;
	lk->lk_procs = TIDS_OF(struct lk_proc);
	lk->lk_streams = TIDS_OF(struct lk_stream);
	*lkp = lk;
	return 0;
}

void
lackey_destroy(struct lackey *lk)
{
	if (lk == NULL)
		return;
	tids_fini(&lk->lk_procs, proc_fini);
	tids_fini(&lk->lk_streams, NULL);
	free(lk);
}

/* As a format of a file. */

static int
text_create(const struct raw_out *ro, bool code, void **parserp,
    struct errmsg *em)
{
	struct lackey *lk = NULL;
	const int error = lackey_create(ro, code, &lk, em);

	*parserp = lk;
	return error;
}

static int
text_line(void *parser, const char *line, size_t len, struct errmsg *em)
{
	return lackey_line(parser, 0, line, len, em);
}

static int
text_end(void *parser, struct errmsg *em)
{
	return lackey_end(parser, em);
}

static void
text_destroy(void *parser)
{
	lackey_destroy(parser);
}

const struct text_format text_lackey = {
	.tf_create = text_create,
	.tf_line = text_line,
	.tf_end = text_end,
	.tf_destroy = text_destroy,
	/* What the kernel does for a program is in no line of its own. */
	.tf_param = { .ap_window = 1, .ap_buffers = true, .ap_gup = true },
	.tf_clock = TRACE_CLOCK_VIRTUAL,
	.tf_window = 1,
};
