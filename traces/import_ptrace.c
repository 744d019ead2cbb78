#include <errno.h>
#include <fnmatch.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "traces/import_raw.h"
#include "traces/ptrace_args.h"
#include "traces/scan_call.h"
#include "traces/tids.h"

#define MILLISECOND UINT64_C(1000000)

/* A call is printed at its end, with the time of its beginning. */
#define ORDER 4096

struct pt_thread {
	uint32_t pt_pid; /* 0: not known yet */
	bool pt_called;	 /* its call has begun, and not ended */
	uint8_t pt_sys;
};

struct ptrace {
	struct raw_out pt_out;
	struct tids pt_threads;
	uint32_t pt_root; /* the first process */
	uint64_t pt_time; /* of the last line that told one */
	uint64_t pt_took; /* what the line says of it */
	struct errmsg *pt_em;
	struct raw pt_raw; /* thread and time of the line */
	struct pt_thread *pt_thread;
	struct scan pt_comm; /* its command */
};

static int
bad(struct ptrace *pt, const struct scan *sc, const char *what)
{
	char text[60];

	scan_show(sc, text, sizeof(text));
	return ERRMSG(pt->pt_em, EBADMSG, "%s: '%s'", what, text);
}

static int
no_memory(struct ptrace *pt)
{
	return ERRMSG(pt->pt_em, ENOMEM, "no memory to read it");
}

static int
put(struct ptrace *pt, const struct raw *rw)
{
	return raw_put(&pt->pt_out, rw, pt->pt_em);
}

static struct raw
line_raw(const struct ptrace *pt, enum raw_kind kind, uint8_t nargs)
{
	struct raw rw = pt->pt_raw;

	rw.rw_kind = (uint8_t)kind;
	rw.rw_nargs = nargs;
	return rw;
}

/* The line's thread has made this one. */
static int
made(struct ptrace *pt, uint32_t tid, uint64_t flags)
{
	struct raw rw = line_raw(pt, RAW_FORK, 3);
	struct pt_thread *child = tids_get(&pt->pt_threads, tid);

	if (child == NULL)
		return no_memory(pt);
	if (child->pt_pid != 0)
		return 0;
	child->pt_pid = (flags & CLONE_THREAD) != 0 ? rw.rw_pid : tid;
	rw.rw_arg[0] = rw.rw_pid;
	rw.rw_arg[1] = rw.rw_tid;
	rw.rw_arg[2] = flags;
	rw.rw_pid = child->pt_pid;
	rw.rw_tid = tid;
	return put(pt, &rw);
}

/*
 * What a call makes, if it does: false.  The flags of clone3(2) are not
 * printed; the C library makes threads by it, and processes by the others.
 */
static bool
makes(enum raw_sysno sys, uint64_t clone_flags, uint64_t *flagsp)
{
	switch ((int)sys) {
	case RAW_SYS_FORK:
		*flagsp = 0;
		return true;
	case RAW_SYS_VFORK:
		*flagsp = CLONE_VM | CLONE_VFORK;
		return true;
	case RAW_SYS_CLONE:
		*flagsp = clone_flags;
		return true;
	case RAW_SYS_CLONE3:
		*flagsp = CLONE_VM | CLONE_THREAD;
		return true;
	default:
		return false;
	}
}

/* A descriptor that is printed with its path: "fd: 4</data/store>". */
static int
guess(struct ptrace *pt, const struct scan *value, uint64_t fd)
{
	struct raw rw = line_raw(pt, RAW_FILE, 8);
	char path[RAW_TEXT_MAX];

	scan_path(value, path, sizeof(path));
	if (path[0] == '\0')
		return 0;
	rw.rw_flags = RAW_F_UNKNOWN;
	rw.rw_arg[0] = fd;
	rw.rw_arg[4] = rw.rw_arg[5] = rw.rw_arg[6] = RAW_UNKNOWN;
	rw.rw_arg[7] = 1;
	rw.rw_text = path;
	return put(pt, &rw);
}

/*
 * The dynamic linker maps a library.  perf looks up what a descriptor is when it
 * prints, and until a close(2) only once: it may be something else by then.
 */
static bool
library(enum raw_sysno sys, const struct raw *rw)
{
	return sys == RAW_SYS_MMAP && (rw->rw_arg[3] & MAP_DENYWRITE) != 0;
}

/* "NAME: VALUE" into its place; a path that is printed into text. */
static int
arg_read(struct ptrace *pt, enum raw_sysno sys, const struct scan *arg,
    struct raw *rw, char *text)
{
	struct scan sc = *arg, name;
	const char *wrong, *prefix;
	unsigned i;

	if (!scan_word(&sc, &name) || !scan_text(&sc, ":"))
		return bad(pt, arg, "an argument has no name");
	i = ptrace_arg(sys, &name, &prefix);
	if (i == RAW_NARGS)
		return 0;
	scan_spaces(&sc);
	/* It has no word for the value. */
	if (scan_done(&sc)) {
		rw->rw_arg[i] = RAW_UNKNOWN;
		return 0;
	}
	if ((raw_sys[sys].rs_paths >> i & 1) != 0 &&
	    scan_quoted(&sc, text, RAW_TEXT_MAX)) {
		rw->rw_arg[i] = 1;
		if (rw->rw_text == NULL)
			rw->rw_text = text;
		else
			rw->rw_text2 = text;
		return 0;
	}
	if (scan_sees(&sc, '"') || scan_sees(&sc, '{') || scan_sees(&sc, '['))
		return 0;
	wrong = scan_flags(&sc, prefix, &rw->rw_arg[i]);
	if (wrong != NULL)
		return bad(pt, arg, wrong);
	return library(sys, rw) ? 0 : guess(pt, &sc, rw->rw_arg[i]);
}

static int
begin(struct ptrace *pt, enum raw_sysno sys, const struct scan_call *ca,
    struct raw *rw)
{
	char text[2][RAW_TEXT_MAX];
	int error = 0;

	*rw = line_raw(pt, RAW_CALL, raw_sys[sys].rs_nargs);
	rw->rw_sys = (uint8_t)sys;
	if (sys == RAW_SYS_MMAP)
		rw->rw_arg[4] = RAW_UNKNOWN;
	for (unsigned i = 0; error == 0 && i < ca->sc_n; i++)
		error = arg_read(pt, sys, &ca->sc_arg[i], rw,
		    text[rw->rw_text != NULL]);
	/* Faults name libraries by themselves. */
	if (library(sys, rw))
		rw->rw_arg[3] |= MAP_ANONYMOUS;
	pt->pt_thread->pt_called = true;
	pt->pt_thread->pt_sys = (uint8_t)sys;
	if (error == 0)
		error = put(pt, rw);
	rw->rw_text = rw->rw_text2 = NULL;
	return error;
}

static int
end(struct ptrace *pt, enum raw_sysno sys, int64_t ret, uint64_t clone_flags)
{
	struct raw rw = line_raw(pt, RAW_RETURN, 1);
	uint64_t flags;
	int error = 0;

	pt->pt_thread->pt_called = false;
	if (makes(sys, clone_flags, &flags) && ret > 0)
		error = made(pt, (uint32_t)ret, flags);
	rw.rw_time += pt->pt_took;
	rw.rw_sys = (uint8_t)sys;
	rw.rw_arg[0] = (uint64_t)ret;
	if ((sys == RAW_SYS_EXECVE || sys == RAW_SYS_EXECVEAT) && ret == 0) {
		rw.rw_kind = RAW_EXEC;
		rw.rw_sys = rw.rw_nargs = 0;
	}
	return error != 0 ? error : put(pt, &rw);
}

/* "... [continued]: NAME()) = RESULT" */
static int
continued(struct ptrace *pt, struct scan *sc)
{
	struct scan_call ca;
	struct scan name, before;
	enum raw_sysno sys;
	const char *wrong;

	/* One parenthesis too many. */
	if (!scan_word(sc, &name) || !scan_until(sc, "())", &before))
		return bad(pt, sc, "no end of a call");
	sys = raw_sys_find(name.sc_p, scan_left(&name));
	if (sys == RAW_NSYS || !pt->pt_thread->pt_called ||
	    pt->pt_thread->pt_sys != sys)
		return 0;
	wrong = scan_result(sc, &ca);
	if (wrong != NULL)
		return bad(pt, sc, wrong);
	return end(pt, sys, ca.sc_ret, 0);
}

static int
exits(struct ptrace *pt, bool group)
{
	struct raw rw = line_raw(pt, RAW_EXIT, 0);

	rw.rw_flags = group ? RAW_F_GROUP : 0;
	pt->pt_thread->pt_pid = 0;
	return put(pt, &rw);
}

/* "NAME(NAME: VALUE, ...) = RESULT", or "..." where it has not ended. */
static int
call_line(struct ptrace *pt, const struct scan *sc)
{
	const bool unfinished =
	    scan_left(sc) > 4 && memcmp(sc->sc_end - 4, " ...", 4) == 0;
	struct scan call = *sc;
	struct scan_call ca;
	enum raw_sysno sys;
	const char *wrong;
	struct raw rw;
	int error;

	if (unfinished)
		call.sc_end -= 4;
	wrong = scan_call(call, &ca);
	/* Some results are printed by a name, or not at all. */
	if (wrong != NULL && !ca.sc_named && !(unfinished && ca.sc_whole))
		return bad(pt, sc, wrong);
	if (scan_is(&ca.sc_name, "exit") || scan_is(&ca.sc_name, "exit_group"))
		return exits(pt, scan_is(&ca.sc_name, "exit_group"));
	sys = raw_sys_find(ca.sc_name.sc_p, scan_left(&ca.sc_name));
	if (sys == RAW_NSYS)
		return 0;
	error = begin(pt, sys, &ca, &rw);
	if (error != 0 || unfinished)
		return error;
	return end(pt, sys, ca.sc_ret, rw.rw_arg[0]);
}

/*
 * Is it a program or library?  What kind of map it was is not told: names of
 * libraries tell, and programs are named as their command is.
 */
static bool
code_name(const struct ptrace *pt, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;

	return fnmatch("*.so", name, 0) == 0 ||
	    fnmatch("*.so[.-]*", name, 0) == 0 ||
	    (scan_left(&pt->pt_comm) > 0 &&
		strncmp(name, pt->pt_comm.sc_p, scan_left(&pt->pt_comm)) == 0 &&
		strlen(name) == scan_left(&pt->pt_comm));
}

/* "PATH@0xOFFSET", or "0xADDRESS" where it did not know of a map. */
static int
target(struct ptrace *pt, struct scan *sc, bool kernel)
{
	struct raw rw = line_raw(pt, RAW_ACCESS, 2);
	char path[RAW_TEXT_MAX];
	const char *at = NULL;

	rw.rw_flags = kernel ? RAW_F_KERNEL : 0;
	rw.rw_arg[1] = 1;
	if (scan_number(sc, &rw.rw_arg[0]))
		return put(pt, &rw);
	/* The path may have it, too: the last one counts. */
	for (const char *p = sc->sc_p; p + 3 < sc->sc_end; p++)
		if (memcmp(p, "@0x", 3) == 0)
			at = p;
	if (at == NULL)
		return bad(pt, sc, "no place of a fault");
	scan_copy(&(struct scan){ sc->sc_p, at }, path, sizeof(path));
	sc->sc_p = at + 1;
	if (!scan_number(sc, &rw.rw_arg[0]))
		return bad(pt, sc, "no place of a fault");
	/* Anonymous memory, the stack, ... */
	if (path[0] != '/' || path[1] == '/')
		return 0;
	if (code_name(pt, path))
		rw.rw_flags |= RAW_F_IFETCH;
	rw.rw_text = path;
	return put(pt, &rw);
}

/* "[SYMBOL] => TARGET (TL)": type of the map, and level. */
static int
fault_line(struct ptrace *pt, struct scan *sc)
{
	struct scan before;
	bool kernel;

	if (!scan_until(sc, "] => ", &before) || scan_left(sc) < 5 ||
	    sc->sc_end[-1] != ')' || sc->sc_end[-4] != '(')
		return bad(pt, sc, "no page fault");
	kernel = sc->sc_end[-2] == 'k';
	sc->sc_end -= 5;
	return target(pt, sc, kernel);
}

/* A thread that nobody has been seen to make. */
static int
thread_new(struct ptrace *pt, uint32_t tid, const struct scan *sc)
{
	struct scan rest = *sc;

	if (pt->pt_root == 0)
		pt->pt_root = tid;
	pt->pt_raw.rw_pid = pt->pt_raw.rw_tid = pt->pt_root;
	/* Its first line may be the end of what has made it. */
	if (tid == pt->pt_root)
		pt->pt_thread->pt_pid = tid;
	else if (scan_text(&rest, "... [continued]: ") &&
	    (scan_text(&rest, "clone(") || scan_text(&rest, "fork(") ||
		scan_text(&rest, "vfork(")))
		return made(pt, tid, 0);
	return made(pt, tid, CLONE_VM | CLONE_THREAD);
}

static int
thread_line(struct ptrace *pt, struct scan *sc, uint32_t tid)
{
	int error = 0;

	pt->pt_thread = tids_get(&pt->pt_threads, tid);
	if (pt->pt_thread == NULL)
		return no_memory(pt);
	if (pt->pt_thread->pt_pid == 0)
		error = thread_new(pt, tid, sc);
	if (error != 0)
		return error;
	pt->pt_raw.rw_pid = pt->pt_thread->pt_pid;
	pt->pt_raw.rw_tid = tid;
	if (scan_text(sc, "minfault [") || scan_text(sc, "majfault ["))
		return fault_line(pt, sc);
	if (scan_text(sc, "... [continued]: "))
		return continued(pt, sc);
	return call_line(pt, sc);
}

/* "COMMAND/TID ": a command's name may hold anything. */
static bool
command(struct ptrace *pt, struct scan *sc, uint32_t *tidp)
{
	struct scan try = *sc;

	while (scan_until(&try, "/", &pt->pt_comm)) {
		pt->pt_comm.sc_p = sc->sc_p;
		if (!scan_dec32(&try, tidp) || !scan_sees(&try, ' '))
			continue;
		*sc = try;
		return true;
	}
	return false;
}

/* "12.433 ( 0.026 ms): COMMAND/TID ..."; "?" where it has not seen it. */
static int
ptrace_line(void *parser, const char *line, size_t len, struct errmsg *em)
{
	struct ptrace *pt = parser;
	const struct scan whole = { line, line + len };
	struct scan sc = whole;
	uint32_t tid;

	pt->pt_em = em;
	pt->pt_took = 0;
	scan_spaces(&sc);
	if (scan_done(&sc))
		return 0;
	if (!scan_text(&sc, "?") && !scan_fixed(&sc, MILLISECOND, &pt->pt_time))
		return bad(pt, &whole, "no line of perf trace");
	scan_spaces(&sc);
	if (!scan_text(&sc, "("))
		return bad(pt, &whole, "no line of perf trace");
	scan_spaces(&sc);
	if (scan_fixed(&sc, MILLISECOND, &pt->pt_took) &&
	    !scan_text(&sc, " ms"))
		return bad(pt, &whole, "no line of perf trace");
	if (!scan_text(&sc, "): ") || !command(pt, &sc, &tid))
		return bad(pt, &whole, "no line of perf trace");
	scan_spaces(&sc);
	pt->pt_raw = (struct raw){ .rw_time = pt->pt_time };
	return thread_line(pt, &sc, tid);
}

static int
ptrace_end(void *parser, struct errmsg *em)
{
	(void)parser;
	(void)em;
	return 0;
}

static int
ptrace_create(const struct raw_out *ro, bool code, void **parserp,
    struct errmsg *em)
{
	struct ptrace *pt = calloc(1, sizeof(*pt));

	(void)code;
	if (pt == NULL)
		return ERRMSG(em, ENOMEM, "no memory to read it");
	pt->pt_out = *ro;
	pt->pt_threads = TIDS_OF(struct pt_thread);
	*parserp = pt;
	return 0;
}

static void
ptrace_destroy(void *parser)
{
	struct ptrace *pt = parser;

	if (pt == NULL)
		return;
	tids_fini(&pt->pt_threads, NULL);
	free(pt);
}

const struct text_format text_ptrace = {
	.tf_create = ptrace_create,
	.tf_line = ptrace_line,
	.tf_end = ptrace_end,
	.tf_destroy = ptrace_destroy,
	.tf_param = { .ap_window = 0, .ap_gup = true },
	.tf_clock = TRACE_CLOCK_REAL,
	.tf_window = TRACE_INF,
	.tf_order = ORDER,
};
