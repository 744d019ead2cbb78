/*
 * record_valgrind.c: mode valgrind: lackey's output, as it comes.
 *
 * Each process writes a file of its own, in memory where the host has a file
 * system there (record_logs.h), which loses its pages once they are read.
 * Lines have no time, so processes are read by turns: a child's after its parent
 * has told of it, and all of a child's before its parent has waited for it.
 * What else is between processes is in order to some milliseconds.
 *
 * Repeats of the access before are left out here: they are most of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "traces/lackey.h"
#include "traces/record_i.h"
#include "traces/record_library.h"
#include "traces/record_logs.h"

#define BYTES	   (256U << 10) /* read at once */
#define LINE_MOST  4096		/* of one line */
#define NAP_NS	   2000000
#define ORPHAN_NS  2000000000U /* a child that no parent tells of by then */
#define DEPTH_MOST 64	       /* parents that wait for each other's children */

struct stream {
	uint32_t st_pid;
	int st_fd;
	bool st_due;	   /* its turn has come: a parent has told of it */
	uint64_t st_seen;  /* when the file was found */
	uint64_t st_pos;   /* read so far */
	uint64_t st_freed; /* of that, no longer in the file */
	size_t st_n;	   /* of a line that has not ended */
	char st_line[LINE_MOST];
	struct stream *st_next;
};

struct valgrind {
	struct library *va_library;
	struct lackey *va_lackey;
	char va_folder[RECORD_PATH];
	int va_dir;	      /* that folder */
	struct logs *va_logs; /* the files there */
	char **va_argv;
	struct stream *va_streams; /* in the order found */
	unsigned va_depth;
	uint32_t va_first;	/* the program itself */
	struct spool *va_spool; /* while draining */
	uint64_t va_n;
	/* The access before, of which repeats say nothing new. */
	uint32_t va_pid;
	uint64_t va_page;
	bool va_write;
	unsigned va_shift;
	uint8_t va_raw[RAW_MAX];
};

static int drain_pid(struct valgrind *va, uint32_t pid, struct errmsg *em);

static bool
repeats(struct valgrind *va, const struct raw *rw)
{
	const uint64_t page = rw->rw_arg[0] >> va->va_shift;
	const bool write = (rw->rw_flags & RAW_F_WRITE) != 0;

	if (rw->rw_kind != RAW_ACCESS) {
		va->va_page = UINT64_MAX;
		return false;
	}
	if (page == va->va_page && rw->rw_pid == va->va_pid &&
	    (va->va_write || !write) &&
	    (rw->rw_arg[0] + rw->rw_arg[1] - 1) >> va->va_shift == page)
		return true;
	va->va_page = page;
	va->va_pid = rw->rw_pid;
	va->va_write = write;
	return false;
}

static int
take_raw(void *arg, const struct raw *rw, struct errmsg *em)
{
	struct valgrind *va = arg;

	if (repeats(va, rw))
		return 0;
	va->va_n++;
	return spool_put(va->va_spool, 0, va->va_raw,
	    raw_encode(rw, va->va_raw), em);
}

/* The number behind what, in a line; 0: it is not there. */
static uint32_t
number_behind(const char *line, size_t len, const char *what, int base)
{
	const size_t n = strlen(what);
	const char *p = memmem(line, len, what, n);
	char digits[16] = "";

	if (p == NULL)
		return 0;
	p += n;
	for (size_t i = 0; i < sizeof(digits) - 1 && p < line + len; i++)
		digits[i] = *p++;
	return (uint32_t)strtoul(digits, NULL, base);
}

/* "created child 123": its lines may be read from now on. */
static void
child_told(struct valgrind *va, const char *line, size_t len)
{
	const uint32_t pid = number_behind(line, len, "created child ", 10);

	for (struct stream *st = va->va_streams; pid != 0 && st != NULL;
	     st = st->st_next)
		st->st_due |= st->st_pid == pid;
}

/* "SYSCALL[1,1](61) ... Success(0x7b)": that child has ended, and been waited
 * for; all it did came before. */
static uint32_t
child_waited(const char *line, size_t len)
{
	return memmem(line, len, "](61) ", 6) != NULL ?
	    number_behind(line, len, "Success(", 16) :
	    0;
}

/* Lines that are none of lackey's are the program's own business. */
static int
take_line(struct valgrind *va, uint32_t pid, const char *line, size_t len,
    struct errmsg *em)
{
	struct errmsg why = { .em_text = "" };
	const bool call = len > 0 && *line == 'S';
	int error = 0;

	if (call) {
		const uint32_t child = child_waited(line, len);

		if (child != 0)
			error = drain_pid(va, child, em);
	}
	if (error != 0)
		return error;
	error = lackey_line(va->va_lackey, pid, line, len, &why);
	if (call)
		child_told(va, line, len);
	return error == 0 || error == EBADMSG ?
	    0 :
	    ERRMSG(em, error, "%s", why.em_text);
}

static int
take_bytes(struct valgrind *va, struct stream *st, const char *p, size_t len,
    struct errmsg *em)
{
	int error = 0;

	while (error == 0 && len > 0) {
		const char *nl = memchr(p, '\n', len);
		const size_t n = nl != NULL ? (size_t)(nl - p) : len;

		if (nl != NULL && st->st_n == 0) {
			error = take_line(va, st->st_pid, p, n, em);
		} else {
			const size_t room = LINE_MOST - st->st_n;
			const size_t take = n < room ? n : room;

			memcpy(st->st_line + st->st_n, p, take);
			st->st_n += take;
			if (nl != NULL) {
				const size_t whole = st->st_n;

				st->st_n = 0;
				error = take_line(va, st->st_pid, st->st_line,
				    whole, em);
			}
		}
		p += n + (nl != NULL);
		len -= n + (nl != NULL);
	}
	return error;
}

/* Read what the stream has now. */
static int
stream_drain(struct valgrind *va, struct stream *st, struct errmsg *em)
{
	char *buf = malloc(BYTES);
	ssize_t n;
	int error = 0;

	if (buf == NULL)
		return ERRMSG(em, ENOMEM, "no memory to record");
	while (error == 0 &&
	    (n = pread(st->st_fd, buf, BYTES, (off_t)st->st_pos)) > 0) {
		/* First: taking a line may come back to this stream. */
		st->st_pos += (uint64_t)n;
		error = take_bytes(va, st, buf, (size_t)n, em);
	}
	free(buf);
	if (st->st_pos - st->st_freed >= BYTES) {
		(void)fallocate(st->st_fd,
		    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		    (off_t)(st->st_pos & ~(uint64_t)4095));
		st->st_freed = st->st_pos;
	}
	return error;
}

static void
stream_add(struct valgrind *va, uint32_t pid, int fd)
{
	struct stream **link = &va->va_streams, *st = calloc(1, sizeof(*st));

	if (st == NULL) {
		(void)close(fd);
		return;
	}
	st->st_fd = fd;
	st->st_pid = pid;
	st->st_seen = record_clock();
	st->st_due = pid == va->va_first;
	/* Another image of a process comes after the one before it. */
	for (; *link != NULL; link = &(*link)->st_next)
		if ((*link)->st_pid == pid)
			st->st_due = (*link)->st_due;
	*link = st;
}

static void
streams_find(struct valgrind *va)
{
	uint32_t pid;
	int fd;

	while (logs_take(va->va_logs, &pid, &fd))
		stream_add(va, pid, fd);
}

/* Nobody writes it any more: the process is gone, or has another. */
static bool
stream_ended(const struct stream *st)
{
	for (const struct stream *later = st->st_next; later != NULL;
	     later = later->st_next)
		if (later->st_pid == st->st_pid)
			return true;
	return kill((pid_t)st->st_pid, 0) != 0 && errno == ESRCH;
}

static void
stream_free(struct stream *st)
{
	if (st->st_fd != -1)
		(void)close(st->st_fd);
	free(st);
}

/* All that a process has written. */
static int
drain_pid(struct valgrind *va, uint32_t pid, struct errmsg *em)
{
	int error = 0;

	streams_find(va);
	if (va->va_depth == DEPTH_MOST)
		return 0;
	va->va_depth++;
	for (struct stream *st = va->va_streams; error == 0 && st != NULL;
	     st = st->st_next)
		if (st->st_pid == pid) {
			st->st_due = true;
			error = stream_drain(va, st, em);
		}
	va->va_depth--;
	return error;
}

static int
valgrind_drain(void *state, struct spool *sp, uint64_t *np, struct errmsg *em)
{
	struct valgrind *va = state;
	struct stream **link = &va->va_streams, *st;
	int error = 0;

	va->va_spool = sp;
	va->va_n = 0;
	streams_find(va);
	while (error == 0 && (st = *link) != NULL) {
		const bool ended = stream_ended(st);

		if (!st->st_due)
			st->st_due = record_clock() - st->st_seen > ORPHAN_NS;
		if (st->st_due)
			error = stream_drain(va, st, em);
		if (ended && st->st_due) {
			*link = st->st_next;
			stream_free(st);
		} else {
			link = &st->st_next;
		}
	}
	*np = va->va_n;
	return error;
}

static void
valgrind_wait(void *state, int ms)
{
	const struct timespec nap = { 0, NAP_NS };

	(void)state;
	(void)ms;
	(void)nanosleep(&nap, NULL);
}

/* All processes have ended: whatever is left may be read. */
static void
valgrind_stop(void *state)
{
	struct valgrind *va = state;

	streams_find(va);
	for (struct stream *st = va->va_streams; st != NULL; st = st->st_next)
		st->st_due = true;
}

static void
valgrind_close(void *state)
{
	struct valgrind *va = state;

	if (va == NULL)
		return;
	for (struct stream *st = va->va_streams, *next; st != NULL; st = next) {
		next = st->st_next;
		stream_free(st);
	}
	logs_destroy(va->va_logs);
	if (va->va_dir > 0)
		(void)close(va->va_dir);
	if (va->va_folder[0] != '\0')
		(void)rmdir(va->va_folder);
	lackey_destroy(va->va_lackey);
	library_remove(va->va_library);
	free(va->va_argv);
	free(va);
}

/* valgrind, its options, and the program behind them. */
static int
argv_make(struct valgrind *va, char *const *program, char *log,
    struct errmsg *em)
{
	static char dashes[] = "--";
	static char head[][24] = { "valgrind", "--tool=lackey",
		"--basic-counts=no", "--trace-mem=yes", "--trace-syscalls=yes",
		"--trace-sched=yes", "--trace-children=yes" };
	size_t n = 0, k = 0;

	while (program[n] != NULL)
		n++;
	va->va_argv = calloc(nitems(head) + n + 3, sizeof(*va->va_argv));
	if (va->va_argv == NULL)
		return ERRMSG(em, ENOMEM, "no memory to record");
	for (size_t i = 0; i < nitems(head); i++)
		va->va_argv[k++] = head[i];
	va->va_argv[k++] = log;
	va->va_argv[k++] = dashes;
	for (size_t i = 0; i < n; i++)
		va->va_argv[k++] = program[i];
	return 0;
}

static int
start(struct valgrind *va, const struct record_param *rp, struct child *ch,
    struct errmsg *em)
{
	const struct raw_out ro = { take_raw, va };
	struct child_param cp = { .cp_to_stderr = rp->rp_to_stderr };
	char log[RECORD_PATH + 24];
	int error = program_runs(rp->rp_argv[0], em);

	if (error == 0)
		error = library_make(RING_VALGRIND, RECORD_INF, &va->va_library,
		    em);
	if (error == 0)
		error = lackey_create(&ro, rp->rp_select.rs_code,
		    &va->va_lackey, em);
	if (error == 0)
		error = record_folder(access("/dev/shm", W_OK | X_OK) == 0 ?
			"/dev/shm" :
			"/tmp",
		    va->va_folder, em);
	if (error == 0)
		va->va_dir =
		    open(va->va_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (error == 0 && va->va_dir == -1)
		error = ERRMSG(em, errno, "%s: %s", va->va_folder,
		    errno_text(errno));
	if (error == 0)
		error =
		    logs_create(va->va_folder, va->va_dir, &va->va_logs, em);
	(void)snprintf(log, sizeof(log), "--log-file=%s/%%p.%%n",
	    va->va_folder);
	if (error == 0)
		error = argv_make(va, rp->rp_argv, log, em);
	if (error == 0) {
		cp.cp_argv = va->va_argv;
		cp.cp_env = library_env(va->va_library);
		error = child_start(&cp, ch, em);
	}
	if (error == 0)
		va->va_first = (uint32_t)ch->ch_pid;
	return error;
}

static int
valgrind_open(const struct record_param *rp, struct child *ch, void **statep,
    struct errmsg *em)
{
	struct valgrind *va = calloc(1, sizeof(*va));
	int error;

	if (va == NULL)
		return ERRMSG(em, ENOMEM, "no memory to record");
	va->va_page = UINT64_MAX;
	va->va_shift =
	    (unsigned)__builtin_ctzl((unsigned long)sysconf(_SC_PAGESIZE));
	error = start(va, rp, ch, em);
	if (error != 0) {
		valgrind_close(va);
		return error;
	}
	*statep = va;
	return 0;
}

const struct recorder recorder_valgrind = {
	.rc_virtual = true,
	.rc_open = valgrind_open,
	.rc_wait = valgrind_wait,
	.rc_drain = valgrind_drain,
	.rc_stop = valgrind_stop,
	.rc_close = valgrind_close,
};
