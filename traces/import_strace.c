#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "traces/strace_i.h"

#define SECOND UINT64_C(1000000000)
#define DAY    (86400 * SECOND)

/* Times since 1970 are larger than this, those since the line before less. */
#define EPOCH_MIN (100000000 * SECOND)

int
strace_bad(struct strace *sr, const struct scan *sc, const char *what)
{
	char text[60];

	scan_show(sc, text, sizeof(text));
	return ERRMSG(sr->sr_em, EBADMSG, "%s: '%s'", what, text);
}

int
strace_no_memory(struct strace *sr)
{
	return ERRMSG(sr->sr_em, ENOMEM, "no memory to read it");
}

struct raw
strace_raw(const struct strace *sr, enum raw_kind kind)
{
	struct raw rw = sr->sr_raw;

	rw.rw_kind = (uint8_t)kind;
	return rw;
}

int
strace_put(struct strace *sr, const struct raw *rw)
{
	return raw_put(&sr->sr_out, rw, sr->sr_em);
}

struct st_proc *
strace_proc(struct strace *sr)
{
	return tids_get(&sr->sr_procs, sr->sr_raw.rw_pid);
}

int
strace_cwd(struct strace *sr, const char *path)
{
	struct st_proc *sp = strace_proc(sr);
	char *copy = strdup(path);

	if (sp == NULL || copy == NULL) {
		free(copy);
		return strace_no_memory(sr);
	}
	free(sp->sp_cwd);
	sp->sp_cwd = copy;
	return 0;
}

int
strace_thread(struct strace *sr, uint32_t tid, uint32_t pid, uint32_t parent)
{
	struct st_thread *st = tids_get(&sr->sr_threads, tid);
	struct st_proc *sp = tids_get(&sr->sr_procs, pid);
	const struct st_proc *from = tids_find(&sr->sr_procs, parent);

	if (st == NULL || sp == NULL)
		return strace_no_memory(sr);
	st->st_known = true;
	st->st_pid = pid;
	if (pid == parent)
		return 0;
	free(sp->sp_cwd);
	sp->sp_cwd = NULL;
	if (from == NULL || from->sp_cwd == NULL)
		return 0;
	sp->sp_cwd = strdup(from->sp_cwd);
	return sp->sp_cwd != NULL ? 0 : strace_no_memory(sr);
}

/* The call that a thread is in, from what has been printed of it. */
static enum raw_sysno
begun(const struct st_thread *st, struct scan_call *ca)
{
	const struct scan text = { st->st_text,
		st->st_text + strlen(st->st_text) };

	(void)scan_call(text, ca);
	return raw_sys_find(ca->sc_name.sc_p, scan_left(&ca->sc_name));
}

static void
due_remove(struct strace *sr, uint32_t tid)
{
	for (size_t i = 0; i < sr->sr_ndue; i++)
		if (sr->sr_due[i] == tid) {
			sr->sr_ndue--;
			memmove(&sr->sr_due[i], &sr->sr_due[i + 1],
			    (sr->sr_ndue - i) * sizeof(*sr->sr_due));
			return;
		}
}

static int
due_add(struct strace *sr, uint32_t tid)
{
	uint32_t *due;

	due_remove(sr, tid);
	due = realloc(sr->sr_due, (sr->sr_ndue + 1) * sizeof(*due));
	if (due == NULL)
		return strace_no_memory(sr);
	sr->sr_due = due;
	due[sr->sr_ndue++] = tid;
	return 0;
}

/*
 * A thread that nobody has made so far: if one is in a call that makes one, it
 * is that; else it was there before.
 */
static int
thread_new(struct strace *sr, uint32_t tid)
{
	const struct raw line = sr->sr_raw;
	struct st_thread *parent;
	struct scan_call ca;
	enum raw_sysno sys;
	int error;

	if (sr->sr_ndue == 0)
		return strace_thread(sr, tid, tid, 0);
	parent = tids_find(&sr->sr_threads, sr->sr_due[0]);
	sr->sr_raw.rw_tid = sr->sr_due[0];
	due_remove(sr, sr->sr_due[0]);
	if (parent == NULL || parent->st_text == NULL)
		return strace_thread(sr, tid, tid, 0);
	sr->sr_raw.rw_pid = parent->st_pid;
	sys = begun(parent, &ca);
	error = strace_made(sr, sys, &ca, tid);
	parent->st_child = tid;
	sr->sr_raw = line;
	return error;
}

/* Which thread the line is of. */
static int
thread_switch(struct strace *sr, uint32_t tid, struct st_thread **stp)
{
	struct st_thread *st = tids_get(&sr->sr_threads, tid);
	int error = 0;

	if (st == NULL)
		return strace_no_memory(sr);
	if (!st->st_known)
		error = thread_new(sr, tid);
	sr->sr_raw.rw_tid = tid;
	sr->sr_raw.rw_pid = st->st_pid;
	*stp = st;
	return error;
}

/* A call on one line; or what it is known to be at its end. */
static int
whole_call(struct strace *sr, struct st_thread *st, const struct scan *sc)
{
	struct scan_call ca;
	const char *wrong = scan_call(*sc, &ca);
	const enum raw_sysno sys =
	    raw_sys_find(ca.sc_name.sc_p, scan_left(&ca.sc_name));
	const uint64_t now = sr->sr_raw.rw_time;
	uint64_t end = now;
	int error = 0;

	if (wrong != NULL && (!ca.sc_named || sys != RAW_NSYS))
		return strace_bad(sr, sc, wrong);
	if (!ca.sc_whole)
		return strace_bad(sr, sc, "the call has no end");
	if (sys == RAW_NSYS)
		return strace_other_put(sr, &ca);
	/* The line tells when it began, or when it was taken up again. */
	if (st->st_text == NULL)
		end = now + ca.sc_took;
	if (!st->st_called)
		error = strace_call_put(sr, sys, &ca);
	return error != 0 ? error : strace_return_put(sr, sys, &ca, end);
}

static void
forget(struct strace *sr, struct st_thread *st, uint32_t tid)
{
	due_remove(sr, tid);
	free(st->st_text);
	st->st_text = NULL;
	st->st_called = false;
	st->st_child = 0;
}

/* "NAME(ARGS <unfinished ...>": put it now if it is all there. */
static int
unfinished(struct strace *sr, struct st_thread *st, const struct scan *sc)
{
	struct scan_call ca;
	const char *wrong = scan_call(*sc, &ca);
	const enum raw_sysno sys =
	    raw_sys_find(ca.sc_name.sc_p, scan_left(&ca.sc_name));
	int error = 0;

	if (wrong != NULL)
		return strace_bad(sr, sc, wrong);
	st->st_text = strndup(sc->sc_p, scan_left(sc));
	if (st->st_text == NULL)
		return strace_no_memory(sr);
	if (sys == RAW_NSYS || ca.sc_outputs || raw_opens(sys))
		return 0;
	error = strace_call_put(sr, sys, &ca);
	st->st_called = error == 0;
	if (error == 0 && strace_makes(sys))
		error = due_add(sr, sr->sr_raw.rw_tid);
	return error;
}

/* "<... NAME resumed>REST" */
static int
resumed(struct strace *sr, struct st_thread *st, struct scan *sc)
{
	struct scan name, whole;
	char *text = NULL;
	int n, error;

	if (!scan_until(sc, " resumed>", &name))
		return strace_bad(sr, sc, "not strace's");
	/* execve(2) of another thread ends as the process's first one. */
	if (st->st_text == NULL && scan_is(&name, "execve")) {
		struct raw rw = strace_raw(sr, RAW_EXEC);

		whole = *sc;
		return scan_find(&whole, "= 0") != NULL ? strace_put(sr, &rw) :
							  0;
	}
	if (st->st_text == NULL)
		return 0;
	/* Old versions have a blank there, and it does no harm. */
	n = asprintf(&text, "%s%.*s", st->st_text, (int)scan_left(sc),
	    sc->sc_p);
	if (n == -1)
		return strace_no_memory(sr);
	whole = (struct scan){ text, text + n };
	error = whole_call(sr, st, &whole);
	free(text);
	forget(sr, st, sr->sr_raw.rw_tid);
	return error;
}

static int
exited(struct strace *sr, struct st_thread *st)
{
	const struct raw rw = strace_raw(sr, RAW_EXIT);

	forget(sr, st, rw.rw_tid);
	st->st_known = false;
	return strace_put(sr, &rw);
}

static int
event_line(struct strace *sr, struct st_thread *st, struct scan *sc)
{
	struct scan before, call = *sc;

	if (scan_text(sc, "--- "))
		return 0;
	if (scan_text(sc, "+++ exited") || scan_text(sc, "+++ killed") ||
	    scan_text(sc, "+++ superseded"))
		return exited(sr, st);
	if (scan_text(sc, "<... "))
		return resumed(sr, st, sc);
	forget(sr, st, sr->sr_raw.rw_tid);
	if (scan_until(sc, "<unfinished ...>", &before) ||
	    scan_until(sc, "<detached ...>", &before))
		return unfinished(sr, st, &before);
	return whole_call(sr, st, &call);
}

/* "HH:MM:SS.FRACTION" */
static bool
clock_read(struct strace *sr, struct scan *sc, uint64_t *nsp)
{
	uint64_t hours, minutes, ns;

	if (!scan_dec(sc, &hours) || !scan_text(sc, ":") ||
	    !scan_dec(sc, &minutes) || !scan_text(sc, ":") ||
	    !scan_fixed(sc, SECOND, &ns) || hours > 24 || minutes > 60 ||
	    ns > 61 * SECOND)
		return false;
	ns += (hours * 60 + minutes) * 60 * SECOND + sr->sr_days * DAY;
	/* Midnight has passed. */
	if (ns + DAY / 2 < sr->sr_time) {
		sr->sr_days++;
		ns += DAY;
	}
	*nsp = ns;
	return true;
}

/* The time of -ttt, -tt or -r. */
static bool
time_read(struct strace *sr, struct scan *sc, uint64_t *nsp)
{
	struct scan try = *sc;
	uint64_t ns;

	if (clock_read(sr, &try, nsp)) {
		*sc = try;
		return true;
	}
	try = *sc;
	if (!scan_dec(&try, &ns) || !scan_sees(&try, '.') ||
	    !scan_fixed(sc, SECOND, &ns))
		return false;
	*nsp = ns >= EPOCH_MIN ? ns : sr->sr_time + ns;
	return true;
}

/* "[pid 7] " or "7 ", or nothing where there is one process only. */
static bool
tid_read(struct scan *sc, uint32_t *tidp)
{
	struct scan try = *sc;

	*tidp = 1;
	if (scan_text(&try, "[pid")) {
		scan_spaces(&try);
		if (!scan_dec32(&try, tidp) || !scan_text(&try, "]"))
			return false;
		*sc = try;
		return true;
	}
	if (!scan_dec32(&try, tidp))
		return true;
	if (scan_sees(&try, ' '))
		*sc = try;
	else
		*tidp = 1;
	return true;
}

static int
strace_line(void *parser, const char *line, size_t len, struct errmsg *em)
{
	struct strace *sr = parser;
	struct scan sc = { line, line + len };
	struct st_thread *st;
	uint32_t tid;
	uint64_t ns;
	int error;

	sr->sr_em = em;
	if (len == 0 || scan_text(&sc, "strace: "))
		return 0;
	if (!tid_read(&sc, &tid))
		return strace_bad(sr, &sc, "not strace's");
	scan_spaces(&sc);
	if (!time_read(sr, &sc, &ns))
		return strace_bad(sr, &sc,
		    "there is no time, which strace -ttt prints");
	scan_spaces(&sc);
	sr->sr_time = ns;
	sr->sr_raw = (struct raw){ .rw_time = ns };
	error = thread_switch(sr, tid, &st);
	return error != 0 ? error : event_line(sr, st, &sc);
}

static int
strace_end(void *parser, struct errmsg *em)
{
	(void)parser;
	(void)em;
	return 0;
}

static int
strace_create(const struct raw_out *ro, bool code, void **parserp,
    struct errmsg *em)
{
	struct strace *sr = calloc(1, sizeof(*sr));

	(void)code;
	if (sr == NULL)
		return ERRMSG(em, ENOMEM, "no memory to read it");
	sr->sr_out = *ro;
	sr->sr_threads = TIDS_OF(struct st_thread);
	sr->sr_procs = TIDS_OF(struct st_proc);
	*parserp = sr;
	return 0;
}

static void
thread_fini(void *it)
{
	struct st_thread *st = it;

	free(st->st_text);
}

static void
proc_fini(void *it)
{
	struct st_proc *sp = it;

	free(sp->sp_cwd);
}

static void
strace_destroy(void *parser)
{
	struct strace *sr = parser;

	if (sr == NULL)
		return;
	tids_fini(&sr->sr_threads, thread_fini);
	tids_fini(&sr->sr_procs, proc_fini);
	free(sr->sr_due);
	free(sr);
}

const struct text_format text_strace = {
	.tf_create = strace_create,
	.tf_line = strace_line,
	.tf_end = strace_end,
	.tf_destroy = strace_destroy,
	/* There are no accesses; populating ones are of no use without. */
	.tf_param = { .ap_window = 0 },
	.tf_clock = TRACE_CLOCK_REAL,
	.tf_window = TRACE_INF,
};
