#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "traces/record_i.h"

#define RING_MOST  (64U << 20) /* bytes a processor, where they can be had */
#define RING_LEAST (1U << 20)
#define FILTER_MAX 4096

/* Where a kernel or its perf is older than the headers' names. */
#ifndef PERF_RECORD_MISC_COMM_EXEC
#define PERF_RECORD_MISC_COMM_EXEC (1 << 13)
#endif

enum point { ENTER, EXIT, FAULT_USER, FAULT_KERNEL, NPOINTS };

static const struct {
	const char *name;
	const char *fields[3];
	size_t nfields;
	bool filtered;
} points[NPOINTS] = {
	[ENTER] = { "raw_syscalls/sys_enter", { "id", "args" }, 2, true },
	[EXIT] = { "raw_syscalls/sys_exit", { "id", "ret" }, 2, true },
	[FAULT_USER] = { "exceptions/page_fault_user",
	    { "address", "error_code" }, 2, false },
	[FAULT_KERNEL] = { "exceptions/page_fault_kernel",
	    { "address", "error_code" }, 2, false },
};

struct cpu {
	int cp_fd[1 + NPOINTS]; /* the ring's owner, and the tracepoints */
	struct perf_event_mmap_page *cp_page;
	size_t cp_size; /* of the data */
};

struct perfrec {
	struct cpu *pr_cpus;
	struct pollfd *pr_poll;
	unsigned pr_ncpus;
	struct tracepoint pr_points[NPOINTS];
	size_t pr_page;
	uint8_t *pr_copy; /* a record that wraps around */
	uint8_t pr_raw[RAW_MAX];
	uint64_t *pr_dynamic; /* a bit a pid: its program loads libraries */
};

#define PIDS (1U << 22)

/* Every record ends with this, but for samples, which begin with it. */
struct sample_id {
	uint32_t sm_pid, sm_tid;
	uint64_t sm_time;
};

/* A record's reader. */
struct cursor {
	const uint8_t *cu_p, *cu_end;
};

static uint64_t
take(struct cursor *cu, size_t n)
{
	uint64_t v = 0;

	if ((size_t)(cu->cu_end - cu->cu_p) < n) {
		cu->cu_p = cu->cu_end;
		return 0;
	}
	memcpy(&v, cu->cu_p, n);
	cu->cu_p += n;
	return v;
}

static void
attr_init(struct perf_event_attr *pa)
{
	memset(pa, 0, sizeof(*pa));
	pa->size = sizeof(*pa);
	pa->sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW;
	pa->sample_id_all = 1;
	pa->disabled = 1;
	pa->enable_on_exec = 1;
	pa->inherit = 1;
	pa->use_clockid = 1;
	pa->clockid = CLOCK_MONOTONIC;
	pa->watermark = 1;
	pa->wakeup_watermark = RING_LEAST / 4;
}

static int
event_open(struct perf_event_attr *pa, pid_t pid, int cpu)
{
	return (int)syscall(SYS_perf_event_open, pa, pid, cpu, -1,
	    PERF_FLAG_FD_CLOEXEC);
}

/* "id==0||id==1||...": of all calls, those of raw_sys[]. */
static void
filter_text(char *buf, size_t size)
{
	size_t n = 0;

	for (unsigned i = 0; i < RAW_NSYS && n + 16 < size; i++)
		if (raw_sys[i].rs_nr >= 0)
			n += (size_t)snprintf(buf + n, size - n, "id==%d||",
			    raw_sys[i].rs_nr);
	buf[n - 2] = '\0';
}

static int
ring_map(struct perfrec *pr, struct cpu *cp)
{
	for (size_t size = RING_MOST; size >= RING_LEAST; size /= 2) {
		void *map = mmap(NULL, pr->pr_page + size,
		    PROT_READ | PROT_WRITE, MAP_SHARED, cp->cp_fd[0], 0);

		if (map != MAP_FAILED) {
			cp->cp_page = map;
			cp->cp_size = size;
			return 0;
		}
		if (errno != EPERM && errno != ENOMEM)
			break;
	}
	return errno;
}

static int
leader_open(struct perfrec *pr, struct cpu *cp, pid_t pid, int cpu)
{
	struct perf_event_attr pa;

	attr_init(&pa);
	pa.type = PERF_TYPE_SOFTWARE;
	pa.config = PERF_COUNT_SW_DUMMY;
	pa.mmap = pa.mmap2 = pa.mmap_data = 1;
	pa.comm = pa.comm_exec = 1;
	pa.task = 1;
	cp->cp_fd[0] = event_open(&pa, pid, cpu);
	return cp->cp_fd[0] == -1 ? errno : ring_map(pr, cp);
}

static int
point_open(struct perfrec *pr, struct cpu *cp, enum point i, pid_t pid, int cpu,
    const char *filter)
{
	struct perf_event_attr pa;
	int *fdp = &cp->cp_fd[1 + i];

	attr_init(&pa);
	pa.type = PERF_TYPE_TRACEPOINT;
	pa.config = pr->pr_points[i].tp_id;
	pa.sample_period = 1;
	*fdp = event_open(&pa, pid, cpu);
	if (*fdp == -1)
		return errno;
	if (points[i].filtered &&
	    ioctl(*fdp, PERF_EVENT_IOC_SET_FILTER, filter) != 0)
		return errno;
	return ioctl(*fdp, PERF_EVENT_IOC_SET_OUTPUT, cp->cp_fd[0]) != 0 ?
	    errno :
	    0;
}

static int
cpu_open(struct perfrec *pr, struct cpu *cp, pid_t pid, int cpu,
    const char *filter)
{
	int error = leader_open(pr, cp, pid, cpu);

	for (enum point i = 0; error == 0 && i < NPOINTS; i++)
		error = point_open(pr, cp, i, pid, cpu, filter);
	return error;
}

static int
points_find(struct perfrec *pr, struct errmsg *em)
{
	int fd = -1, error = tracefs_open(&fd, em);

	for (enum point i = 0; error == 0 && i < NPOINTS; i++)
		error = tracefs_point(fd, points[i].name, points[i].fields,
		    points[i].nfields, &pr->pr_points[i], em);
	if (fd != -1)
		(void)close(fd);
	return error;
}

static int
open_error(int error, struct errmsg *em)
{
	if (error == EPERM || error == EACCES)
		return ERRMSG(em, error,
		    "perf_event_open: %s: tracepoints want root, or "
		    "CAP_PERFMON and a tracefs that can be read",
		    errno_text(error));
	return ERRMSG(em, error, "perf_event_open: %s", errno_text(error));
}

static int
cpus_open(struct perfrec *pr, pid_t pid, struct errmsg *em)
{
	const long conf = sysconf(_SC_NPROCESSORS_CONF);
	char filter[FILTER_MAX];
	int error = 0;

	filter_text(filter, sizeof(filter));
	for (int cpu = 0; error == 0 && cpu < conf; cpu++) {
		struct cpu *cp = &pr->pr_cpus[pr->pr_ncpus];

		for (size_t i = 0; i < nitems(cp->cp_fd); i++)
			cp->cp_fd[i] = -1;
		pr->pr_ncpus++;
		error = cpu_open(pr, cp, pid, cpu, filter);
		/* One that is there but not online. */
		if (error == ENODEV && cp->cp_fd[0] == -1) {
			pr->pr_ncpus--;
			error = 0;
			continue;
		}
		pr->pr_poll[pr->pr_ncpus - 1] =
		    (struct pollfd){ .fd = cp->cp_fd[0], .events = POLLIN };
	}
	return error != 0 ? open_error(error, em) : 0;
}

int
perfrec_open(pid_t pid, struct perfrec **prp, struct errmsg *em)
{
	struct perfrec *pr = calloc(1, sizeof(*pr));
	const long conf = sysconf(_SC_NPROCESSORS_CONF);
	int error;

	if (pr == NULL || conf <= 0)
		goto no_memory;
	pr->pr_page = (size_t)sysconf(_SC_PAGESIZE);
	pr->pr_cpus = calloc((size_t)conf, sizeof(*pr->pr_cpus));
	pr->pr_poll = calloc((size_t)conf, sizeof(*pr->pr_poll));
	pr->pr_copy = malloc(UINT16_MAX + 1);
	pr->pr_dynamic = calloc(PIDS / 64, sizeof(*pr->pr_dynamic));
	if (pr->pr_cpus == NULL || pr->pr_poll == NULL || pr->pr_copy == NULL ||
	    pr->pr_dynamic == NULL)
		goto no_memory;
	error = points_find(pr, em);
	if (error == 0)
		error = cpus_open(pr, pid, em);
	if (error != 0) {
		perfrec_close(pr);
		return error;
	}
	*prp = pr;
	return 0;
no_memory:
	perfrec_close(pr);
	return ERRMSG(em, ENOMEM, "no memory to record");
}

unsigned
perfrec_sources(const struct perfrec *pr)
{
	return pr->pr_ncpus;
}

void
perfrec_wait(const struct perfrec *pr, int ms)
{
	(void)poll(pr->pr_poll, pr->pr_ncpus, ms);
}

/* What a record becomes goes to the spool through here. */
struct out {
	struct perfrec *ou_pr;
	struct spool *ou_spool;
	uint32_t ou_source;
	uint64_t ou_n;
	struct errmsg *ou_em;
};

static int
out_raw(struct out *ou, const struct raw *rw)
{
	const size_t n = raw_encode(rw, ou->ou_pr->pr_raw);

	ou->ou_n++;
	return spool_put(ou->ou_spool, ou->ou_source, ou->ou_pr->pr_raw, n,
	    ou->ou_em);
}

static uint64_t
field(const uint8_t *data, size_t size, uint32_t off)
{
	uint64_t v = 0;

	if (off + sizeof(v) <= size)
		memcpy(&v, data + off, sizeof(v));
	return v;
}

static bool
dynamic_get(const struct perfrec *pr, uint32_t pid)
{
	return pid >= PIDS || (pr->pr_dynamic[pid / 64] >> pid % 64 & 1) != 0;
}

static void
dynamic_set(struct perfrec *pr, uint32_t pid, bool dynamic)
{
	if (pid >= PIDS)
		return;
	pr->pr_dynamic[pid / 64] &= ~((uint64_t)1 << pid % 64);
	pr->pr_dynamic[pid / 64] |= (uint64_t)dynamic << pid % 64;
}

static bool
opens(enum raw_sysno sys)
{
	return sys == RAW_SYS_OPEN || sys == RAW_SYS_OPENAT ||
	    sys == RAW_SYS_OPENAT2 || sys == RAW_SYS_CREAT;
}

static int
exit_sample(struct out *ou, struct raw *rw, uint64_t ret)
{
	char path[RAW_TEXT_MAX];
	struct raw file;
	int error;

	rw->rw_kind = RAW_RETURN;
	rw->rw_nargs = 1;
	rw->rw_arg[0] = ret;
	error = out_raw(ou, rw);
	/* Without the library nobody else says what has been opened. */
	if (error != 0 || (int64_t)ret < 0 ||
	    !opens((enum raw_sysno)rw->rw_sys) ||
	    dynamic_get(ou->ou_pr, rw->rw_pid) ||
	    !proc_file(rw->rw_pid, ret, &file, path, sizeof(path)))
		return error;
	file.rw_time = rw->rw_time;
	file.rw_tid = rw->rw_tid;
	return out_raw(ou, &file);
}

static int
fault_sample(struct out *ou, struct raw *rw, uint64_t address, uint64_t code,
    bool kernel)
{
	return raw_fault(rw, address, code, kernel) ? out_raw(ou, rw) : 0;
}

static int
call_sample(struct out *ou, struct raw *rw, enum point i, const uint8_t *data,
    size_t size)
{
	const struct tracepoint *tp = &ou->ou_pr->pr_points[i];
	const enum raw_sysno sys =
	    raw_sys_number((long)field(data, size, tp->tp_off[0]));

	if (sys == RAW_NSYS)
		return 0;
	rw->rw_sys = (uint8_t)sys;
	if (i == EXIT)
		return exit_sample(ou, rw, field(data, size, tp->tp_off[1]));
	rw->rw_kind = RAW_CALL;
	rw->rw_nargs = raw_sys[sys].rs_nargs;
	for (uint32_t k = 0; k < rw->rw_nargs; k++)
		rw->rw_arg[k] = field(data, size, tp->tp_off[1] + 8 * k);
	return out_raw(ou, rw);
}

static int
sample(struct out *ou, struct cursor *cu)
{
	struct raw rw = { .rw_pid = (uint32_t)take(cu, 4) };
	const uint8_t *data;
	uint16_t type;
	size_t size;

	rw.rw_tid = (uint32_t)take(cu, 4);
	rw.rw_time = take(cu, 8);
	size = (size_t)take(cu, 4);
	data = cu->cu_p;
	if (size < sizeof(type) || size > (size_t)(cu->cu_end - data))
		return 0;
	memcpy(&type, data, sizeof(type));
	for (enum point i = 0; i < NPOINTS; i++) {
		const struct tracepoint *tp = &ou->ou_pr->pr_points[i];

		if (tp->tp_id != type)
			continue;
		if (i == ENTER || i == EXIT)
			return call_sample(ou, &rw, i, data, size);
		return fault_sample(ou, &rw, field(data, size, tp->tp_off[0]),
		    field(data, size, tp->tp_off[1]), i == FAULT_KERNEL);
	}
	return 0;
}

/* Process and time of a record that is no sample. */
static struct raw
side_raw(const struct cursor *cu, enum raw_kind kind)
{
	struct sample_id sm = { 0, 0, 0 };

	if ((size_t)(cu->cu_end - cu->cu_p) >= sizeof(sm))
		memcpy(&sm, cu->cu_end - sizeof(sm), sizeof(sm));
	return (struct raw){ .rw_time = sm.sm_time,
		.rw_pid = sm.sm_pid,
		.rw_tid = sm.sm_tid,
		.rw_kind = (uint8_t)kind };
}

static int
mmap2(struct out *ou, struct cursor *cu)
{
	struct raw rw = side_raw(cu, RAW_MAP);
	char path[RAW_TEXT_MAX];
	size_t n;

	rw.rw_pid = (uint32_t)take(cu, 4);
	rw.rw_tid = (uint32_t)take(cu, 4);
	rw.rw_arg[0] = take(cu, 8);
	rw.rw_arg[1] = take(cu, 8);
	rw.rw_arg[2] = take(cu, 8);
	rw.rw_arg[3] = take(cu, 4) << 32;
	rw.rw_arg[3] |= take(cu, 4);
	rw.rw_arg[4] = take(cu, 8);
	(void)take(cu, 8); /* the inode's generation */
	rw.rw_arg[5] = take(cu, 4);
	rw.rw_arg[6] = take(cu, 4);
	rw.rw_nargs = 7;
	n = strnlen((const char *)cu->cu_p, (size_t)(cu->cu_end - cu->cu_p));
	if (n >= sizeof(path))
		n = sizeof(path) - 1;
	memcpy(path, cu->cu_p, n);
	path[n] = '\0';
	if (n > 10 && strcmp(path + n - 10, " (deleted)") == 0)
		path[n - 10] = '\0';
	rw.rw_text = path;
	return out_raw(ou, &rw);
}

static int
task(struct out *ou, struct cursor *cu, enum raw_kind kind)
{
	struct raw rw = side_raw(cu, kind);
	uint32_t pid, ppid, tid, ptid;

	pid = (uint32_t)take(cu, 4);
	ppid = (uint32_t)take(cu, 4);
	tid = (uint32_t)take(cu, 4);
	ptid = (uint32_t)take(cu, 4);
	rw.rw_time = take(cu, 8);
	rw.rw_pid = pid;
	rw.rw_tid = tid;
	if (kind == RAW_EXIT)
		return out_raw(ou, &rw);
	dynamic_set(ou->ou_pr, pid, dynamic_get(ou->ou_pr, ppid));
	rw.rw_nargs = 3;
	rw.rw_arg[0] = ppid;
	rw.rw_arg[1] = ptid;
	rw.rw_arg[2] = RAW_UNKNOWN;
	return out_raw(ou, &rw);
}

static int
lost(struct out *ou, struct cursor *cu)
{
	struct raw rw = side_raw(cu, RAW_LOST);

	(void)take(cu, 8); /* the event's number */
	rw.rw_arg[0] = take(cu, 8);
	rw.rw_nargs = 1;
	return out_raw(ou, &rw);
}

static int
comm(struct out *ou, struct cursor *cu, uint16_t misc)
{
	struct raw rw = side_raw(cu, RAW_EXEC);

	if ((misc & PERF_RECORD_MISC_COMM_EXEC) == 0)
		return 0;
	dynamic_set(ou->ou_pr, rw.rw_pid, proc_dynamic(rw.rw_pid));
	return out_raw(ou, &rw);
}

static int
record(struct out *ou, const struct perf_event_header *eh)
{
	const uint8_t *p = (const uint8_t *)eh;
	struct cursor cu = { p + sizeof(*eh), p + eh->size };

	switch (eh->type) {
	case PERF_RECORD_SAMPLE:
		return sample(ou, &cu);
	case PERF_RECORD_MMAP2:
		return mmap2(ou, &cu);
	case PERF_RECORD_COMM:
		return comm(ou, &cu, eh->misc);
	case PERF_RECORD_FORK:
		return task(ou, &cu, RAW_FORK);
	case PERF_RECORD_EXIT:
		return task(ou, &cu, RAW_EXIT);
	case PERF_RECORD_LOST:
		return lost(ou, &cu);
	default:
		return 0;
	}
}

/* The record at tail, in one piece. */
static const struct perf_event_header *
whole(struct perfrec *pr, const struct cpu *cp, uint64_t tail)
{
	const uint8_t *data = (const uint8_t *)cp->cp_page + pr->pr_page;
	const size_t at = tail & (cp->cp_size - 1);
	struct perf_event_header eh;
	size_t first;

	/* A header does not wrap: records are multiples of 8 bytes. */
	memcpy(&eh, data + at, sizeof(eh));
	if (at + eh.size <= cp->cp_size)
		return (const void *)(data + at);
	first = cp->cp_size - at;
	memcpy(pr->pr_copy, data + at, first);
	memcpy(pr->pr_copy + first, data, eh.size - first);
	return (const void *)pr->pr_copy;
}

static int
cpu_drain(struct out *ou, struct cpu *cp)
{
	const uint64_t head =
	    __atomic_load_n(&cp->cp_page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = cp->cp_page->data_tail;
	int error = 0;

	while (error == 0 && tail < head) {
		const struct perf_event_header *eh = whole(ou->ou_pr, cp, tail);

		error = record(ou, eh);
		tail += eh->size;
	}
	__atomic_store_n(&cp->cp_page->data_tail, tail, __ATOMIC_RELEASE);
	return error;
}

int
perfrec_drain(struct perfrec *pr, struct spool *sp, uint64_t *np,
    struct errmsg *em)
{
	struct out ou = { pr, sp, 0, 0, em };
	int error = 0;

	for (; error == 0 && ou.ou_source < pr->pr_ncpus; ou.ou_source++)
		error = cpu_drain(&ou, &pr->pr_cpus[ou.ou_source]);
	*np = ou.ou_n;
	return error;
}

void
perfrec_stop(struct perfrec *pr)
{
	for (unsigned c = 0; c < pr->pr_ncpus; c++)
		for (size_t i = 0; i < 1 + NPOINTS; i++)
			(void)ioctl(pr->pr_cpus[c].cp_fd[i],
			    PERF_EVENT_IOC_DISABLE, 0);
}

void
perfrec_close(struct perfrec *pr)
{
	if (pr == NULL)
		return;
	for (unsigned c = 0; c < pr->pr_ncpus; c++) {
		struct cpu *cp = &pr->pr_cpus[c];

		if (cp->cp_page != NULL)
			(void)munmap(cp->cp_page, pr->pr_page + cp->cp_size);
		for (size_t i = nitems(cp->cp_fd); i-- > 0;)
			if (cp->cp_fd[i] != -1)
				(void)close(cp->cp_fd[i]);
	}
	free(pr->pr_cpus);
	free(pr->pr_poll);
	free(pr->pr_copy);
	free(pr->pr_dynamic);
	free(pr);
}
