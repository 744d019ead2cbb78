#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "traces/lackey_i.h"
#include "traces/preload/ring.h"

/* The arguments of a call, as printed. */
struct args {
	uint64_t ar_v[RAW_NARGS];
	unsigned ar_n;
	char ar_text[2][RAW_TEXT_MAX]; /* of its paths, in order */
	unsigned ar_paths;
};

/* ", NUMBER", as often as it stands there. */
static bool
numbers(struct scan *sc, unsigned max)
{
	uint64_t v;
	unsigned n = 0;

	for (; n < max && scan_text(sc, ","); n++) {
		scan_spaces(sc);
		if (!scan_number(sc, &v))
			return false;
	}
	return n > 0;
}

/*
 * Where the path ends that begins at sc: any character may be in it, so what
 * has to follow tells.  Another path follows, or numbers and the end.
 */
static const char *
path_end(const struct scan *sc, bool more)
{
	for (const char *p = sc->sc_p; more && p < sc->sc_end; p++) {
		struct scan rest = { p + 1, sc->sc_end };

		if (*p == ')' && numbers(&rest, 2) && scan_sees(&rest, '('))
			return p;
	}
	for (const char *p = sc->sc_end; !more && p-- > sc->sc_p;) {
		struct scan rest = { p + 1, sc->sc_end };

		if (*p != ')')
			continue;
		(void)numbers(&rest, RAW_NARGS);
		scan_spaces(&rest);
		if (scan_sees(&rest, ')'))
			return p;
	}
	return NULL;
}

/* "(PATH)", behind its address. */
static bool
path_read(struct scan *sc, struct args *ar, unsigned paths)
{
	const bool more = ar->ar_paths + 1 < paths;
	const char *end;

	if (ar->ar_paths == nitems(ar->ar_text))
		return false;
	sc->sc_p++;
	end = path_end(sc, more);
	if (end == NULL)
		return false;
	scan_copy(&(struct scan){ sc->sc_p, end }, ar->ar_text[ar->ar_paths++],
	    RAW_TEXT_MAX);
	sc->sc_p = end + 1;
	return true;
}

/*
 * "( ARG, ARG )"; hex: all numbers are hexadecimal, 0x or not, as valgrind
 * prints those of clone(2).
 */
static bool
args_read(struct scan *sc, struct args *ar, unsigned paths, bool hex)
{
	ar->ar_n = ar->ar_paths = 0;
	scan_spaces(sc);
	if (!scan_text(sc, "("))
		return false;
	scan_spaces(sc);
	while (!scan_text(sc, ")")) {
		uint64_t *v = &ar->ar_v[ar->ar_n];

		if (ar->ar_n > 0 && !scan_text(sc, ","))
			return false;
		scan_spaces(sc);
		if (ar->ar_n++ == RAW_NARGS)
			return false;
		if (hex)
			(void)scan_text(sc, "0x");
		if (!(hex ? scan_hex : scan_number)(sc, v))
			return false;
		if (scan_sees(sc, '(') && !path_read(sc, ar, paths))
			return false;
		scan_spaces(sc);
	}
	return true;
}

/* Put a path of the call into buf as it is seen from the root, if possible. */
static const char *
path_seen(const struct lk_stream *ls, enum raw_sysno sys, const struct args *ar,
    unsigned path, char *buf)
{
	unsigned i = 0;
	bool here = true;

	if (path >= ar->ar_paths)
		return NULL;
	for (unsigned left = path + 1; i < RAW_NARGS; i++)
		if ((raw_sys[sys].rs_paths >> i & 1) != 0 && --left == 0)
			break;
	if (raw_at(sys, i))
		here = (uint32_t)ar->ar_v[i - 1] == RAW_FDCWD;
	path_join(buf, RAW_TEXT_MAX, here ? ls->ls_proc->lp_cwd : NULL,
	    ar->ar_text[path]);
	return buf;
}

static int
remember(struct lackey *lk, struct lk_thread *lt, const char *path)
{
	free(lt->lt_path);
	lt->lt_path = strdup(path);
	return lt->lt_path != NULL ? 0 : lackey_no_memory(lk);
}

static int
call_put(struct lackey *lk, struct lk_stream *ls, enum raw_sysno sys,
    const struct args *ar)
{
	struct raw rw = lackey_raw(lk, ls, RAW_CALL);
	struct lk_thread *lt = lackey_thread(ls);
	char text[2][RAW_TEXT_MAX];
	int error = 0;

	rw.rw_sys = lt->lt_sys = (uint8_t)sys;
	rw.rw_nargs = (uint8_t)ar->ar_n;
	memcpy(rw.rw_arg, ar->ar_v, ar->ar_n * sizeof(ar->ar_v[0]));
	rw.rw_text = path_seen(ls, sys, ar, 0, text[0]);
	rw.rw_text2 = path_seen(ls, sys, ar, 1, text[1]);
	lt->lt_call = LC_OURS;
	lt->lt_forked = false;
	lt->lt_flags = ar->ar_n > 0 ? ar->ar_v[0] : 0;
	/* The library says which file it is: it is not known by its path. */
	if (ls->ls_proc->lp_hinted && raw_opens(sys) && rw.rw_text != NULL) {
		error = remember(lk, lt, rw.rw_text);
		rw.rw_text = NULL;
	}
	return error != 0 ? error : lackey_put(lk, &rw);
}

/*
 * A FILE is whole.  The first one of a descriptor that was opened has the path
 * of that; what is said of the same number later may be of another.
 */
static int
file_put(struct lackey *lk, struct lk_thread *lt, struct raw *rw)
{
	int error;

	if (lt->lt_path == NULL || rw->rw_arg[0] != lt->lt_opened)
		return lackey_put(lk, rw);
	rw->rw_text = lt->lt_path;
	error = lackey_put(lk, rw);
	free(lt->lt_path);
	lt->lt_path = NULL;
	return error;
}

/* What the library says by prctl(2): preload/ring.h and raw.h. */
static int
hint(struct lackey *lk, struct lk_stream *ls, const struct args *ar)
{
	static const struct {
		uint8_t kind, from, n;
	} words[] = {
		[0] = { RAW_FILE, 0, 3 },
		[1] = { RAW_FILE, 3, 3 },
		[2] = { RAW_FILE, 6, 2 },
		[16] = { RAW_START, 0, 2 },
		[17] = { RAW_SHARED, 0, 1 },
		[18] = { RAW_NOTE, 0, 2 },
	};
	struct lk_thread *lt = lackey_thread(ls);
	const uint64_t word = ar->ar_v[1];
	struct raw rw;

	if (ar->ar_n < 5 || word >= nitems(words) || words[word].n == 0)
		return 0;
	rw = lackey_raw(lk, ls, (enum raw_kind)words[word].kind);
	if (rw.rw_kind == RAW_FILE)
		memcpy(rw.rw_arg, lt->lt_file.rw_arg, sizeof(rw.rw_arg));
	memcpy(&rw.rw_arg[words[word].from], &ar->ar_v[2],
	    words[word].n * sizeof(rw.rw_arg[0]));
	rw.rw_nargs = (uint8_t)(words[word].from + words[word].n);
	if (rw.rw_kind == RAW_START)
		ls->ls_proc->lp_hinted = true;
	if (rw.rw_kind == RAW_FILE) {
		lt->lt_file = rw;
		return rw.rw_nargs == RAW_NARGS ? file_put(lk, lt, &rw) : 0;
	}
	return lackey_put(lk, &rw);
}

/* A call of another name that matters all the same. */
static int
other_call(struct lackey *lk, struct lk_stream *ls, const struct scan *name,
    struct scan *sc)
{
	struct lk_thread *lt = lackey_thread(ls);
	char path[RAW_TEXT_MAX];
	struct args ar;

	if (scan_is(name, "exit") || scan_is(name, "exit_group"))
		return lackey_exit(lk, ls, scan_is(name, "exit_group"));
	if (!scan_is(name, "chdir") && !scan_is(name, "prctl"))
		return 0;
	if (!args_read(sc, &ar, 1, false))
		return lackey_bad(lk, sc, "arguments are not understood");
	if (scan_is(name, "prctl"))
		return ar.ar_n > 0 && ar.ar_v[0] == RING_PRCTL ?
		    hint(lk, ls, &ar) :
		    0;
	if (ar.ar_paths == 0)
		return 0;
	path_join(path, sizeof(path), ls->ls_proc->lp_cwd, ar.ar_text[0]);
	lt->lt_call = LC_CHDIR;
	return remember(lk, lt, path);
}

/* A call whose arguments valgrind does not print. */
static int
nameless_call(struct lackey *lk, const struct lk_stream *ls, uint64_t nr,
    const struct scan *sc)
{
	struct raw rw = lackey_raw(lk, ls, RAW_NOTE);
	struct scan rest = *sc;

	scan_spaces(&rest);
	/* It is one that valgrind does not know, and which fails. */
	if (!scan_text(&rest, "-->") || nr > INT32_MAX ||
	    raw_sys_number((long)nr) == RAW_NSYS)
		return 0;
	rw.rw_arg[0] = RECORD_UNKNOWN_CALLS;
	rw.rw_arg[1] = 1;
	rw.rw_nargs = 2;
	return lackey_put(lk, &rw);
}

static int
begin(struct lackey *lk, struct lk_stream *ls, uint64_t nr, struct scan *sc)
{
	struct scan name, suffix;
	enum raw_sysno sys;
	struct args ar;

	lackey_thread(ls)->lt_call = LC_NONE;
	ls->ls_proc->lp_fresh = false;
	(void)scan_text(sc, "sys_");
	if (!scan_word(sc, &name))
		return nameless_call(lk, ls, nr, sc);
	/* As in fcntl[ARG3=='arg']. */
	if (scan_sees(sc, '['))
		(void)scan_until(sc, "]", &suffix);
	sys = raw_sys_find(name.sc_p, scan_left(&name));
	if (sys == RAW_NSYS)
		return other_call(lk, ls, &name, sc);
	if (!args_read(sc, &ar,
		(unsigned)__builtin_popcount(raw_sys[sys].rs_paths),
		sys == RAW_SYS_CLONE))
		return lackey_bad(lk, sc, "arguments are not understood");
	return call_put(lk, ls, sys, &ar);
}

/* The call that the stream's thread is in has ended. */
static int
finish(struct lackey *lk, struct lk_stream *ls, int64_t ret)
{
	struct raw rw = lackey_raw(lk, ls, RAW_RETURN);
	struct lk_proc *lp = ls->ls_proc;
	struct lk_thread *lt = lackey_thread(ls);
	const enum lackey_call call = lt->lt_call;
	int error = 0;

	lt->lt_call = LC_NONE;
	if (call == LC_CHDIR && ret == 0) {
		free(lp->lp_cwd);
		lp->lp_cwd = lt->lt_path;
		lt->lt_path = NULL;
	}
	if (call != LC_OURS)
		return 0;
	if (raw_opens((enum raw_sysno)lt->lt_sys))
		lt->lt_opened = (uint64_t)ret;
	rw.rw_sys = lt->lt_sys;
	rw.rw_arg[0] = (uint64_t)ret;
	rw.rw_nargs = 1;
	if (lt->lt_sys == RAW_SYS_CLONE && !lt->lt_forked && ret > 0)
		error = lackey_made(lk, ls, (uint32_t)ret, lt->lt_flags);
	return error != 0 ? error : lackey_put(lk, &rw);
}

static bool
forks(const struct lk_thread *lt)
{
	return lt->lt_call == LC_OURS &&
	    (lt->lt_sys == RAW_SYS_FORK || lt->lt_sys == RAW_SYS_VFORK ||
		lt->lt_sys == RAW_SYS_CLONE);
}

/*
 * Whose is a result that does not say so?  Parent and child of a fork both go
 * on where they were: 0 is the child's.
 */
static int
whose(struct lackey *lk, struct lk_stream *ls, uint64_t ret)
{
	if (ls->ls_child == 0)
		return 0;
	if (ret == ls->ls_child)
		return lackey_switch(lk, ls, ls->ls_parent,
		    ls->ls_parent_thread);
	if (ret != 0 || !ls->ls_child_due)
		return 0;
	ls->ls_child_due = false;
	return lackey_switch(lk, ls, ls->ls_child, 1);
}

/* "[sync] --> ", which has been read, and what the call came to. */
static int
result(struct lackey *lk, struct lk_stream *ls, struct scan *sc, bool bare)
{
	struct scan how;
	uint64_t v = 0;
	int error;

	scan_spaces(sc);
	if (scan_text(sc, "["))
		(void)scan_until(sc, "]", &how);
	scan_spaces(sc);
	if (scan_text(sc, "Failure(0x")) {
		if (!scan_hex(sc, &v) || v > 4095)
			return lackey_bad(lk, sc, "no result of a call");
		return ls->ls_proc != NULL ? finish(lk, ls, -(int64_t)v) : 0;
	}
	/* "...", or none at all. */
	if (!scan_text(sc, "Success(0x"))
		return 0;
	if (!scan_hex(sc, &v))
		return lackey_bad(lk, sc, "no result of a call");
	error = bare ? whose(lk, ls, v) : 0;
	if (error != 0 || ls->ls_proc == NULL)
		return error;
	/* The child was quicker than its parent to say so. */
	if (v == 0 && forks(lackey_thread(ls)) &&
	    !lackey_thread(ls)->lt_forked) {
		ls->ls_quick = ls->ls_proc->lp_pid;
		ls->ls_quick_thread = ls->ls_thread;
		return 0;
	}
	return finish(lk, ls, (int64_t)v);
}

/* Other output of valgrind may begin anywhere in the line. */
static int
glued(struct lackey *lk, struct lk_stream *ls, struct scan *sc)
{
	for (; scan_left(sc) > 4; sc->sc_p++) {
		const char c = *sc->sc_p;
		struct scan own = *sc;
		uint32_t pid;

		if ((c != '-' && c != '=') || sc->sc_p[1] != c)
			continue;
		own.sc_p += 2;
		if (scan_dec32(&own, &pid) &&
		    scan_text(&own, c == '-' ? "--" : "=="))
			return lackey_own(lk, ls, sc);
	}
	return 0;
}

/* "clone(fork): process PID created child CHILD", behind something or not. */
static bool
created(struct scan *sc, uint32_t *pidp, uint32_t *childp)
{
	struct scan before, pid;

	if (!scan_until(sc, " created child ", &before) ||
	    !scan_dec32(sc, childp))
		return false;
	return pidp == NULL ||
	    (scan_until(&before, ": process ", &pid) &&
		scan_dec32(&before, pidp) && scan_done(&before));
}

bool
lackey_is_created(struct scan sc)
{
	uint32_t pid, child;

	return created(&sc, &pid, &child);
}

int
lackey_created(struct lackey *lk, struct lk_stream *ls, struct scan *sc)
{
	uint32_t pid, child;
	int error;

	if (!created(sc, &pid, &child))
		return lackey_bad(lk, sc, "not lackey's");
	error = lackey_switch(lk, ls, pid, 1);
	if (error != 0 || ls->ls_proc == NULL || !forks(lackey_thread(ls)))
		return error;
	lackey_thread(ls)->lt_forked = true;
	return lackey_forked(lk, ls, child);
}

/* What stands behind the arguments. */
static int
tail(struct lackey *lk, struct lk_stream *ls, struct scan *sc)
{
	struct scan before, word;
	uint32_t child;
	int error = 0;

	if (scan_until(sc, "--> ", &before)) {
		if (ls->ls_proc != NULL)
			error = result(lk, ls, sc, false);
		return error != 0 ? error : glued(lk, ls, sc);
	}
	if (ls->ls_proc == NULL)
		return glued(lk, ls, sc);
	word = *sc;
	if (forks(lackey_thread(ls)) && created(&word, NULL, &child)) {
		lackey_thread(ls)->lt_forked = true;
		return lackey_forked(lk, ls, child);
	}
	/* An execve(2) that works does not return. */
	if (lackey_thread(ls)->lt_call == LC_OURS &&
	    (lackey_thread(ls)->lt_sys == RAW_SYS_EXECVE ||
		lackey_thread(ls)->lt_sys == RAW_SYS_EXECVEAT))
		error = lackey_exec(lk, ls);
	return error != 0 ? error : glued(lk, ls, sc);
}

int
lackey_call(struct lackey *lk, struct lk_stream *ls, struct scan *sc)
{
	uint32_t pid, thread;
	uint64_t nr;
	int error;

	if (!scan_dec32(sc, &pid) || !scan_text(sc, ",") ||
	    !scan_dec32(sc, &thread) || !scan_text(sc, "](") ||
	    !scan_dec(sc, &nr) || !scan_text(sc, ") "))
		return lackey_bad(lk, sc, "no system call");
	lk->lk_calls = true;
	error = lackey_switch(lk, ls, pid, thread);
	if (error != 0 || ls->ls_proc == NULL)
		return error;
	if (!scan_text(sc, "... "))
		error = begin(lk, ls, nr, sc);
	return error != 0 ? error : tail(lk, ls, sc);
}

int
lackey_result(struct lackey *lk, struct lk_stream *ls, struct scan *sc)
{
	const int error = result(lk, ls, sc, true);

	return error != 0 ? error : glued(lk, ls, sc);
}
