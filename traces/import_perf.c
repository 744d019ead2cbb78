#include <errno.h>
#include <stdlib.h>

#include "traces/import_perf_i.h"

int
perf_bad(struct perf *pf, const struct perf_line *pl, const char *what)
{
	char text[60];

	scan_show(&pl->pl_rest, text, sizeof(text));
	return ERRMSG(pf->pf_em, EBADMSG, "%s: '%s'", what, text);
}

int
perf_put(struct perf *pf, const struct raw *rw)
{
	return raw_put(&pf->pf_out, rw, pf->pf_em);
}

/* system calls */

static int
enter(struct perf *pf, struct perf_line *pl, enum raw_sysno sys)
{
	struct raw *rw = &pl->pl_raw;

	pl->pl_thread->pt_where = AT_CALL;
	pl->pl_thread->pt_sys = sys;
	pl->pl_thread->pt_fault.fl_until = 0;
	if (sys == RAW_NSYS)
		return 0;
	rw->rw_kind = RAW_CALL;
	rw->rw_sys = (uint8_t)sys;
	rw->rw_nargs = raw_sys[sys].rs_nargs;
	for (unsigned i = rw->rw_nargs; i < RAW_NARGS; i++)
		rw->rw_arg[i] = 0;
	return perf_put(pf, rw);
}

static int
leave(struct perf *pf, struct perf_line *pl, enum raw_sysno sys, uint64_t ret)
{
	struct raw *rw = &pl->pl_raw;

	pl->pl_thread->pt_where = AT_USER;
	if (sys == RAW_NSYS)
		return 0;
	rw->rw_kind = RAW_RETURN;
	rw->rw_sys = (uint8_t)sys;
	rw->rw_nargs = 1;
	rw->rw_arg[0] = ret;
	return perf_put(pf, rw);
}

/* "9 (0, 10000, 3, 1, 4, 0)" */
static int
numbered_enter(struct perf *pf, struct perf_line *pl)
{
	struct scan *sc = &pl->pl_rest;
	uint64_t nr;

	if (!scan_dec(sc, &nr) || nr > INT32_MAX || !scan_text(sc, " ("))
		return perf_bad(pf, pl, "no system call");
	for (unsigned i = 0; i < 6; i++)
		if ((i > 0 && !scan_text(sc, ", ")) ||
		    !scan_hex(sc, &pl->pl_raw.rw_arg[i]))
			return perf_bad(pf, pl, "no argument of a system call");
	if (!scan_text(sc, ")"))
		return perf_bad(pf, pl, "too many arguments");
	pf->pf_calls = true;
	return enter(pf, pl, raw_sys_number((long)nr));
}

/* "9 = -22" */
static int
numbered_exit(struct perf *pf, struct perf_line *pl)
{
	struct scan *sc = &pl->pl_rest;
	uint64_t nr, ret;

	/* -1 is the number of what rt_sigreturn(2) goes back into. */
	if (!scan_number(sc, &nr) || !scan_text(sc, " = ") ||
	    !scan_number(sc, &ret))
		return perf_bad(pf, pl, "no result of a system call");
	return leave(pf, pl, raw_sys_number((long)nr), ret);
}

/* "mmap: ", and which it is; the kernel has names of its own for a few. */
static bool
call_name(struct scan *sc, enum raw_sysno *sysp)
{
	struct scan name;

	if (!scan_word(sc, &name) || !scan_text(sc, ":"))
		return false;
	*sysp = scan_is(&name, "sendfile64") ?
	    RAW_SYS_SENDFILE :
	    raw_sys_find(name.sc_p, scan_left(&name));
	return true;
}

/* "msync: start: 0x7fa9fcdc2000, len: 0x00004000, flags: 0x00000004" */
static int
named_enter(struct perf *pf, struct perf_line *pl)
{
	struct scan *sc = &pl->pl_rest, name;
	enum raw_sysno sys;

	if (!call_name(sc, &sys))
		return perf_bad(pf, pl, "no system call");
	for (unsigned i = 0; sys != RAW_NSYS && i < raw_sys[sys].rs_nargs;
	     i++) {
		if (i > 0 && !scan_text(sc, ","))
			return perf_bad(pf, pl, "an argument is missing");
		scan_spaces(sc);
		if (!scan_word(sc, &name) || !scan_text(sc, ": ") ||
		    !scan_number(sc, &pl->pl_raw.rw_arg[i]))
			return perf_bad(pf, pl, "no argument of a system call");
	}
	pf->pf_calls |= sys == RAW_SYS_MMAP;
	return enter(pf, pl, sys);
}

/* "mmap: 0x7fa9fcdc2000" */
static int
named_exit(struct perf *pf, struct perf_line *pl)
{
	struct scan *sc = &pl->pl_rest;
	enum raw_sysno sys;
	uint64_t ret;

	if (!call_name(sc, &sys))
		return perf_bad(pf, pl, "no system call");
	scan_spaces(sc);
	if (!scan_number(sc, &ret))
		return perf_bad(pf, pl, "no result of a system call");
	return leave(pf, pl, sys, ret);
}

/* page faults */

static int
fault(struct perf *pf, struct perf_line *pl, uint64_t address, uint64_t code,
    bool kernel)
{
	struct raw *rw = &pl->pl_raw;

	pf->pf_faults = true;
	if (!kernel && pl->pl_thread->pt_where == AT_EXEC)
		pl->pl_thread->pt_where = AT_USER;
	if (!raw_fault(rw, address, code, kernel) ||
	    ((rw->rw_flags & RAW_F_IFETCH) != 0 && !pf->pf_code) ||
	    fault_again(&pl->pl_thread->pt_fault, rw))
		return 0;
	return perf_put(pf, rw);
}

/* "address=0x4bd2b0 ip=elf_load error_code=0x2" */
static int
traced_fault(struct perf *pf, struct perf_line *pl, bool kernel)
{
	struct scan *sc = &pl->pl_rest, ip;
	uint64_t address, code;

	if (!scan_text(sc, "address="))
		return perf_bad(pf, pl, "no page fault");
	/* The name of something in the kernel. */
	if (!scan_text(sc, "0x"))
		return 0;
	if (!scan_hex(sc, &address) || !scan_text(sc, " ip=") ||
	    !scan_until(sc, " error_code=", &ip) || !scan_number(sc, &code))
		return perf_bad(pf, pl, "no page fault");
	return fault(pf, pl, address, code, kernel);
}

static int
user_fault(struct perf *pf, struct perf_line *pl)
{
	return traced_fault(pf, pl, false);
}

static int
kernel_fault(struct perf *pf, struct perf_line *pl)
{
	return traced_fault(pf, pl, true);
}

/* "u:      401540": who did what is not known, so the program read. */
static int
counted_fault(struct perf *pf, struct perf_line *pl)
{
	struct scan *sc = &pl->pl_rest, try = *sc, modifiers;
	uint64_t address;

	if (scan_word(&try, &modifiers) && scan_text(&try, ":"))
		*sc = try;
	scan_spaces(sc);
	if (!scan_hex(sc, &address))
		return perf_bad(pf, pl,
		    "no address: perf record wants -d, perf script -F "
		    "comm,pid,tid,time,event,addr");
	return fault(pf, pl, address, 0, false);
}

static int
lost(struct perf *pf, struct perf_line *pl)
{
	pl->pl_raw.rw_kind = RAW_LOST;
	pl->pl_raw.rw_nargs = 1;
	if (!scan_dec(&pl->pl_rest, &pl->pl_raw.rw_arg[0]))
		return perf_bad(pf, pl, "no count of lost records");
	return perf_put(pf, &pl->pl_raw);
}

/* What lines say, by how they go on behind the time; others say nothing. */
static const struct {
	const char *text;
	int (*read)(struct perf *pf, struct perf_line *pl);
} events[] = {
	{ "exceptions:page_fault_user: ", user_fault },
	{ "exceptions:page_fault_kernel: ", kernel_fault },
	{ "raw_syscalls:sys_enter: NR ", numbered_enter },
	{ "raw_syscalls:sys_exit: NR ", numbered_exit },
	{ "syscalls:sys_enter_", named_enter },
	{ "syscalls:sys_exit_", named_exit },
	{ "PERF_RECORD_MMAP2 ", perf_map },
	{ "PERF_RECORD_COMM exec: ", perf_exec },
	{ "PERF_RECORD_FORK(", perf_fork },
	{ "PERF_RECORD_EXIT(", perf_exit },
	{ "PERF_RECORD_LOST lost ", lost },
	{ "page-faults:", counted_fault },
	{ "minor-faults:", counted_fault },
	{ "major-faults:", counted_fault },
};

/* "PID/TID [CPU] SECONDS: ", the processor if it is there. */
static bool
head_read(struct scan *sc, struct raw *rw)
{
	uint64_t cpu;

	if (!scan_dec32(sc, &rw->rw_pid) || !scan_text(sc, "/") ||
	    !scan_dec32(sc, &rw->rw_tid) || !scan_sees(sc, ' '))
		return false;
	scan_spaces(sc);
	if (scan_text(sc, "[") && (!scan_dec(sc, &cpu) || !scan_text(sc, "]")))
		return false;
	scan_spaces(sc);
	if (!scan_fixed(sc, 1000000000, &rw->rw_time) || !scan_text(sc, ":"))
		return false;
	scan_spaces(sc);
	return true;
}

/* The name in front of it may hold anything. */
static bool
head_find(struct scan *sc, struct raw *rw)
{
	for (scan_spaces(sc); !scan_done(sc); sc->sc_p++) {
		struct scan try = *sc;

		if (!head_read(&try, rw))
			continue;
		*sc = try;
		return true;
	}
	return false;
}

/*
 * What is known of before the recording has the time 0: let it begin there.
 */
static uint64_t
since(struct perf *pf, uint64_t time)
{
	if (pf->pf_begin == 0)
		pf->pf_begin = time;
	return time > pf->pf_begin ? time - pf->pf_begin : 0;
}

static int
perf_line(void *parser, const char *line, size_t len, struct errmsg *em)
{
	struct perf *pf = parser;
	struct perf_line pl = { .pl_rest = { line, line + len } };

	pf->pf_em = em;
	scan_spaces(&pl.pl_rest);
	if (scan_done(&pl.pl_rest) || scan_sees(&pl.pl_rest, '#'))
		return 0;
	if (!head_find(&pl.pl_rest, &pl.pl_raw)) {
		pl.pl_rest = (struct scan){ line, line + len };
		return perf_bad(pf, &pl,
		    "not as of perf script -F comm,pid,tid,time,event,trace");
	}
	pl.pl_raw.rw_time = since(pf, pl.pl_raw.rw_time);
	for (size_t i = 0; i < nitems(events); i++) {
		if (!scan_text(&pl.pl_rest, events[i].text))
			continue;
		pl.pl_thread = tids_get(&pf->pf_threads, pl.pl_raw.rw_tid);
		if (pl.pl_thread == NULL)
			return ERRMSG(em, ENOMEM, "no memory to read it");
		return events[i].read(pf, &pl);
	}
	return 0;
}

static int
perf_end(void *parser, struct errmsg *em)
{
	const struct perf *pf = parser;

	if (pf->pf_faults && !pf->pf_maps)
		return ERRMSG(em, EBADMSG,
		    "there are page faults, but no maps: run perf script with "
		    "--show-mmap-events --show-task-events");
	return 0;
}

static int
perf_create(const struct raw_out *ro, bool code, void **parserp,
    struct errmsg *em)
{
	struct perf *pf = calloc(1, sizeof(*pf));

	if (pf == NULL)
		return ERRMSG(em, ENOMEM, "no memory to read it");
	pf->pf_out = *ro;
	pf->pf_code = code;
	pf->pf_threads = TIDS_OF(struct perf_thread);
	*parserp = pf;
	return 0;
}

static void
perf_destroy(void *parser)
{
	struct perf *pf = parser;

	if (pf == NULL)
		return;
	tids_fini(&pf->pf_threads, NULL);
	free(pf);
}

const struct text_format text_perf = {
	.tf_create = perf_create,
	.tf_line = perf_line,
	.tf_end = perf_end,
	.tf_destroy = perf_destroy,
	.tf_param = { .ap_gup = true, .ap_resident = true },
	.tf_clock = TRACE_CLOCK_REAL,
	.tf_window = TRACE_INF,
};
