#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "traces/fault.h"
#include "traces/import_raw.h"
#include "traces/scan.h"
#include "traces/tids.h"

#define MINOR_BITS 20 /* of a device, as the kernel has it */

/* Records of several processors may be so much out of order. */
#define ORDER 4096

struct bf_thread {
	char *bf_path[2]; /* of its next call, or of the open(2) it is in */
	bool bf_opens;	  /* what that has opened is to be told */
	struct fault_last bf_fault;
};

struct bpf {
	struct raw_out bp_out;
	struct tids bp_threads;
	struct errmsg *bp_em;
	struct raw bp_raw; /* thread and time of the line */
	struct bf_thread *bp_thread;
};

static int
bad(struct bpf *bp, const struct scan *sc, const char *what)
{
	char text[60];

	scan_show(sc, text, sizeof(text));
	return ERRMSG(bp->bp_em, EBADMSG, "%s: '%s'", what, text);
}

static int
put(struct bpf *bp, const struct raw *rw)
{
	return raw_put(&bp->bp_out, rw, bp->bp_em);
}

static struct raw
line_raw(const struct bpf *bp, enum raw_kind kind, uint8_t nargs)
{
	struct raw rw = bp->bp_raw;

	rw.rw_kind = (uint8_t)kind;
	rw.rw_nargs = nargs;
	return rw;
}

/* Hexadecimal numbers, each behind a blank. */
static bool
numbers(struct scan *sc, uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!scan_text(sc, " ") || !scan_hex(sc, &v[i]))
			return false;
	return true;
}

static void
paths_clear(struct bf_thread *bf)
{
	for (size_t i = 0; i < nitems(bf->bf_path); i++) {
		free(bf->bf_path[i]);
		bf->bf_path[i] = NULL;
	}
}

static int
fault(struct bpf *bp, struct scan *sc, bool kernel)
{
	struct raw rw = bp->bp_raw;
	uint64_t v[2];

	if (!numbers(sc, v, nitems(v)))
		return bad(bp, sc, "no page fault");
	if (!raw_fault(&rw, v[0], v[1], kernel) ||
	    fault_again(&bp->bp_thread->bf_fault, &rw))
		return 0;
	return put(bp, &rw);
}

static uint64_t
device(uint64_t kernel)
{
	return kernel >> MINOR_BITS << 32 |
	    (kernel & (((uint64_t)1 << MINOR_BITS) - 1));
}

/* Pages around a fault: the one that it was for is told by the fault. */
static int
around(struct bpf *bp, struct scan *sc)
{
	struct raw rw = line_raw(bp, RAW_NOTE, 4);
	uint64_t v[4];

	if (!numbers(sc, v, nitems(v)) || v[3] < v[2])
		return bad(bp, sc, "no pages around a fault");
	rw.rw_arg[0] = RECORD_MAPPED_AROUND;
	rw.rw_arg[1] = v[3] - v[2];
	rw.rw_arg[2] = device(v[0]);
	rw.rw_arg[3] = v[1];
	return v[1] != 0 ? put(bp, &rw) : 0;
}

static int
enter(struct bpf *bp, struct scan *sc)
{
	struct raw rw = line_raw(bp, RAW_CALL, 0);
	struct bf_thread *bf = bp->bp_thread;
	enum raw_sysno sys;
	uint64_t v[7];
	int error;

	if (!numbers(sc, v, nitems(v)))
		return bad(bp, sc, "no system call");
	bf->bf_fault.fl_until = 0;
	sys = raw_sys_number((long)v[0]);
	if (sys == RAW_NSYS)
		return 0;
	rw.rw_sys = (uint8_t)sys;
	rw.rw_nargs = raw_sys[sys].rs_nargs;
	memcpy(rw.rw_arg, v + 1, rw.rw_nargs * sizeof(v[0]));
	/* What open(2) opens is told by inode: it is not known by its path. */
	bf->bf_opens = raw_opens(sys);
	if (bf->bf_opens)
		return put(bp, &rw);
	if (raw_sys[sys].rs_paths != 0) {
		rw.rw_text = bf->bf_path[0];
		rw.rw_text2 = bf->bf_path[1];
	}
	error = put(bp, &rw);
	paths_clear(bf);
	return error;
}

static int
leave(struct bpf *bp, struct scan *sc)
{
	struct raw rw = line_raw(bp, RAW_RETURN, 1);
	enum raw_sysno sys;
	uint64_t v[2];

	if (!numbers(sc, v, nitems(v)))
		return bad(bp, sc, "no result of a call");
	sys = raw_sys_number((long)v[0]);
	if (sys == RAW_NSYS)
		return 0;
	/* It has been told as it happened. */
	if ((sys == RAW_SYS_EXECVE || sys == RAW_SYS_EXECVEAT) && v[1] == 0)
		return 0;
	if ((int64_t)v[1] < 0)
		bp->bp_thread->bf_opens = false;
	rw.rw_sys = (uint8_t)sys;
	rw.rw_arg[0] = v[1];
	return put(bp, &rw);
}

static int
path_line(struct bpf *bp, struct scan *sc)
{
	struct bf_thread *bf = bp->bp_thread;
	char path[RAW_TEXT_MAX];
	uint64_t which;

	if (!numbers(sc, &which, 1) || which >= nitems(bf->bf_path) ||
	    !scan_text(sc, " "))
		return bad(bp, sc, "no path");
	scan_copy(sc, path, sizeof(path));
	if (which == 0)
		paths_clear(bf);
	free(bf->bf_path[which]);
	bf->bf_path[which] = NULL;
	/* Where the page was not in memory the kernel could not look. */
	if (path[0] == '\0')
		return 0;
	bf->bf_path[which] = strdup(path);
	return bf->bf_path[which] != NULL ?
	    0 :
	    ERRMSG(bp->bp_em, ENOMEM, "no memory to read it");
}

/* The path that ends in the name, if it is known. */
static const char *
full_name(const struct bf_thread *bf, const char *name)
{
	const char *path = bf->bf_path[0], *slash;

	if (path == NULL)
		return name;
	slash = strrchr(path, '/');
	return strcmp(slash != NULL ? slash + 1 : path, name) == 0 ? path :
								     name;
}

/*
 * FD DEV INO MODE SIZE POS FLAGS LINKS NAME: of what was opened, or of what is
 * about to be mapped.  The latter has lost its path, if it ever had one.
 */
static int
file_line(struct bpf *bp, struct scan *sc)
{
	struct raw rw = line_raw(bp, RAW_FILE, 8);
	struct bf_thread *bf = bp->bp_thread;
	const bool opened = bf->bf_opens;
	char name[RAW_TEXT_MAX];
	uint64_t v[8];
	int error;

	if (!numbers(sc, v, nitems(v)) || !scan_text(sc, " "))
		return bad(bp, sc, "no file");
	scan_copy(sc, name, sizeof(name));
	rw.rw_arg[0] = v[0];
	rw.rw_arg[1] = device(v[1]);
	rw.rw_arg[2] = v[2];
	memcpy(&rw.rw_arg[4], &v[4], 4 * sizeof(v[0]));
	bf->bf_opens = false;
	if (!S_ISREG((mode_t)v[3]) || v[2] == 0)
		return 0;
	rw.rw_text = opened ? full_name(bf, name) : name;
	rw.rw_flags = opened ? 0 : RAW_F_UNKNOWN;
	error = put(bp, &rw);
	if (opened || error != 0)
		return error;
	rw.rw_text = NULL;
	rw.rw_flags = 0;
	return put(bp, &rw);
}

static int
made(struct bpf *bp, struct scan *sc)
{
	struct raw rw = line_raw(bp, RAW_FORK, 3);
	uint32_t tid;
	uint64_t flags;

	if (!scan_text(sc, " ") || !scan_dec32(sc, &tid) ||
	    !numbers(sc, &flags, 1))
		return bad(bp, sc, "no thread");
	rw.rw_arg[0] = rw.rw_pid;
	rw.rw_arg[1] = rw.rw_tid;
	rw.rw_arg[2] = flags;
	rw.rw_tid = tid;
	if ((flags & CLONE_THREAD) == 0)
		rw.rw_pid = tid;
	return put(bp, &rw);
}

static int
plain(struct bpf *bp, enum raw_kind kind)
{
	const struct raw rw = line_raw(bp, kind, 0);

	return put(bp, &rw);
}

static int
letter_line(struct bpf *bp, char letter, struct scan *sc)
{
	switch (letter) {
	case 'U':
		return fault(bp, sc, false);
	case 'K':
		return fault(bp, sc, true);
	case 'A':
		return around(bp, sc);
	case 'E':
		return enter(bp, sc);
	case 'P':
		return path_line(bp, sc);
	case 'R':
		return leave(bp, sc);
	case 'F':
		return file_line(bp, sc);
	case 'N':
		return made(bp, sc);
	case 'C':
		return plain(bp, RAW_EXEC);
	case 'X':
		return plain(bp, RAW_EXIT);
	default:
		return bad(bp, sc, "no line of scripts/page-faults.bt");
	}
}

/* What bpftrace says itself. */
static int
other_line(struct bpf *bp, struct scan *sc)
{
	struct raw rw = { .rw_time = bp->bp_raw.rw_time,
		.rw_kind = RAW_LOST,
		.rw_nargs = 1 };

	if (scan_done(sc) || scan_text(sc, "Attaching "))
		return 0;
	if (scan_text(sc, "Lost ") && scan_dec(sc, &rw.rw_arg[0]))
		return put(bp, &rw);
	return bad(bp, sc, "no line of scripts/page-faults.bt");
}

static int
bpf_line(void *parser, const char *line, size_t len, struct errmsg *em)
{
	struct bpf *bp = parser;
	struct scan sc = { line, line + len };
	struct raw rw = { .rw_pid = 0 };
	char letter;

	bp->bp_em = em;
	if (!scan_dec(&sc, &rw.rw_time))
		return other_line(bp, &sc);
	if (!scan_text(&sc, " ") || !scan_dec32(&sc, &rw.rw_pid) ||
	    !scan_text(&sc, " ") || !scan_dec32(&sc, &rw.rw_tid) ||
	    !scan_text(&sc, " ") || scan_done(&sc))
		return bad(bp, &sc, "no line of scripts/page-faults.bt");
	letter = *sc.sc_p++;
	bp->bp_raw = rw;
	bp->bp_thread = tids_get(&bp->bp_threads, rw.rw_tid);
	if (bp->bp_thread == NULL)
		return ERRMSG(em, ENOMEM, "no memory to read it");
	return letter_line(bp, letter, &sc);
}

static int
bpf_end(void *parser, struct errmsg *em)
{
	(void)parser;
	(void)em;
	return 0;
}

static int
bpf_create(const struct raw_out *ro, bool code, void **parserp,
    struct errmsg *em)
{
	struct bpf *bp = calloc(1, sizeof(*bp));

	(void)code;
	if (bp == NULL)
		return ERRMSG(em, ENOMEM, "no memory to read it");
	bp->bp_out = *ro;
	bp->bp_threads = TIDS_OF(struct bf_thread);
	*parserp = bp;
	return 0;
}

static void
thread_fini(void *it)
{
	paths_clear(it);
}

static void
bpf_destroy(void *parser)
{
	struct bpf *bp = parser;

	if (bp == NULL)
		return;
	tids_fini(&bp->bp_threads, thread_fini);
	free(bp);
}

const struct text_format text_bpf = {
	.tf_create = bpf_create,
	.tf_line = bpf_line,
	.tf_end = bpf_end,
	.tf_destroy = bpf_destroy,
	.tf_param = { .ap_window = 0, .ap_gup = true },
	.tf_clock = TRACE_CLOCK_REAL,
	.tf_window = TRACE_INF,
	.tf_order = ORDER,
};
