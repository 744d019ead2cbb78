/*
 * record_valgrind.c: mode valgrind: lackey's output, as it comes.
 *
 * All processes write into one socket, which they inherit; each message tells
 * who has sent it, so that lines of several do not mix.  Repeats of the access
 * before are left out here: they are most of it.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "traces/lackey.h"
#include "traces/record_i.h"
#include "traces/record_library.h"

#define BYTES	   (256U << 10) /* received at once */
#define LINE_MOST  4096		/* of one line that has not ended yet */
#define SOCKET_BUF (4 << 20)
#define DRAIN_MOST 64 /* receptions, before others have their turn */

/* The beginning of a line that a process has not finished. */
struct part {
	uint32_t pa_pid;
	size_t pa_n;
	char pa_line[LINE_MOST];
	struct part *pa_next;
};

struct valgrind {
	struct library *va_library;
	struct lackey *va_lackey;
	int va_sock; /* -1: nobody writes any more */
	char **va_argv;
	struct part *va_parts;
	struct spool *va_spool; /* while draining */
	uint64_t va_n;
	/* The access before, of which repeats say nothing new. */
	uint32_t va_pid;
	uint64_t va_page;
	bool va_write;
	unsigned va_shift;
	char va_buf[BYTES];
	uint8_t va_raw[RAW_MAX];
};

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

static struct part *
part_of(struct valgrind *va, uint32_t pid)
{
	struct part *pa = va->va_parts;

	while (pa != NULL && pa->pa_pid != pid)
		pa = pa->pa_next;
	if (pa == NULL && (pa = calloc(1, sizeof(*pa))) != NULL) {
		pa->pa_pid = pid;
		pa->pa_next = va->va_parts;
		va->va_parts = pa;
	}
	return pa;
}

/* Lines that are none of lackey's are the program's own business. */
static int
take_line(struct valgrind *va, uint32_t pid, const char *line, size_t len,
    struct errmsg *em)
{
	struct errmsg why = { .em_text = "" };
	const int error = lackey_line(va->va_lackey, pid, line, len, &why);

	return error == 0 || error == EBADMSG ?
	    0 :
	    ERRMSG(em, error, "%s", why.em_text);
}

static int
take_bytes(struct valgrind *va, uint32_t pid, const char *p, size_t len,
    struct errmsg *em)
{
	struct part *pa = part_of(va, pid);
	int error = 0;

	if (pa == NULL)
		return ERRMSG(em, ENOMEM, "no memory to record");
	while (error == 0 && len > 0) {
		const char *nl = memchr(p, '\n', len);
		const size_t n = nl != NULL ? (size_t)(nl - p) : len;

		if (nl != NULL && pa->pa_n == 0) {
			error = take_line(va, pid, p, n, em);
		} else {
			const size_t room = LINE_MOST - pa->pa_n;
			const size_t take = n < room ? n : room;

			memcpy(pa->pa_line + pa->pa_n, p, take);
			pa->pa_n += take;
			if (nl != NULL) {
				error = take_line(va, pid, pa->pa_line,
				    pa->pa_n, em);
				pa->pa_n = 0;
			}
		}
		p += n + (nl != NULL);
		len -= n + (nl != NULL);
	}
	return error;
}

/* Bytes of one sender; 0 at the end, or if there are none now. */
static size_t
receive(struct valgrind *va, uint32_t *pidp)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec iov = { va->va_buf, sizeof(va->va_buf) };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	const ssize_t n = recvmsg(va->va_sock, &msg, MSG_DONTWAIT);
	const struct cmsghdr *cm;
	struct ucred uc = { .pid = 0 };

	if (n == 0) {
		(void)close(va->va_sock);
		va->va_sock = -1;
	}
	if (n <= 0)
		return 0;
	cm = CMSG_FIRSTHDR(&msg);
	if (cm != NULL && cm->cmsg_type == SCM_CREDENTIALS)
		memcpy(&uc, CMSG_DATA(cm), sizeof(uc));
	*pidp = (uint32_t)uc.pid;
	return (size_t)n;
}

static int
valgrind_drain(void *state, struct spool *sp, uint64_t *np, struct errmsg *em)
{
	struct valgrind *va = state;
	int error = 0;

	va->va_spool = sp;
	va->va_n = 0;
	for (unsigned i = 0; error == 0 && i < DRAIN_MOST && va->va_sock != -1;
	     i++) {
		uint32_t pid;
		const size_t n = receive(va, &pid);

		if (n == 0)
			break;
		error = take_bytes(va, pid, va->va_buf, n, em);
		/* There may be more, though nothing of it was news. */
		va->va_n += va->va_n == 0;
	}
	*np = va->va_n;
	return error;
}

static void
valgrind_wait(void *state, int ms)
{
	const struct valgrind *va = state;
	struct pollfd pfd = { .fd = va->va_sock, .events = POLLIN };

	(void)poll(&pfd, 1, ms);
}

static void
valgrind_stop(void *state)
{
	(void)state;
}

static void
valgrind_close(void *state)
{
	struct valgrind *va = state;

	if (va == NULL)
		return;
	for (struct part *pa = va->va_parts, *next; pa != NULL; pa = next) {
		next = pa->pa_next;
		free(pa);
	}
	if (va->va_sock != -1)
		(void)close(va->va_sock);
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

/* Two ends: the one that is read tells who wrote. */
static int
sockets(int fds[2], struct errmsg *em)
{
	const int one = 1, size = SOCKET_BUF;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0 ||
	    setsockopt(fds[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) != 0)
		return ERRMSG(em, errno, "socketpair: %s", errno_text(errno));
	(void)setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

static int
start(struct valgrind *va, const struct record_param *rp, struct child *ch,
    struct errmsg *em)
{
	const struct raw_out ro = { take_raw, va };
	char log[32];
	int fds[2] = { -1, -1 };
	int error =
	    library_make(RING_VALGRIND, RECORD_INF, &va->va_library, em);

	if (error == 0)
		error = lackey_create(&ro, rp->rp_select.rs_code,
		    &va->va_lackey, em);
	if (error == 0)
		error = sockets(fds, em);
	va->va_sock = fds[0];
	(void)snprintf(log, sizeof(log), "--log-fd=%d", fds[1]);
	if (error == 0)
		error = argv_make(va, rp->rp_argv, log, em);
	if (error == 0)
		error = child_start(va->va_argv, library_env(va->va_library),
		    fds[1], ch, em);
	if (fds[1] != -1)
		(void)close(fds[1]);
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
	va->va_sock = -1;
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
