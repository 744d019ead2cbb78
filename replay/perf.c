/*
 * perf.c: events opened, read and scaled.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <perfmon/perf_event.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "replay/perf_impl.h"

struct perf_counter {
	char *pc_name;
	int pc_fd;     /* -1: not counted */
	void *pc_page; /* struct perf_event_mmap_page; NULL: use read(2) */
	char pc_reason[PERF_REASON]; /* "": it is counted */
};

struct perf_set {
	struct perf_counter *ps_counter;
	size_t ps_n;
	size_t ps_pagesize;
};

/* ---- the host ---- */

static int
host_open(struct perf_event_attr *attr)
{

	return (int)syscall(SYS_perf_event_open, attr, 0, -1, -1,
	    PERF_FLAG_FD_CLOEXEC);
}

static int
host_ioctl(int fd, unsigned long request)
{

	return ioctl(fd, request, 0);
}

static void *
host_map(int fd, size_t size)
{
	void *const page = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		return NULL;
	return page;
}

static uint64_t
host_rdpmc(uint32_t counter)
{
#if defined(__x86_64__)
	return __rdpmc((int)counter);
#else
	(void)counter;
	return 0;
#endif
}

static bool
host_number(const char *path, long *numberp)
{
	char line[32], *end;
	FILE *const fp = fopen(path, "re");
	bool ok = false;

	if (fp == NULL)
		return false;
	if (fgets(line, sizeof(line), fp) != NULL) {
		errno = 0;
		*numberp = strtol(line, &end, 10);
		ok = end != line && errno == 0;
	}
	(void)fclose(fp);
	return ok;
}

const struct perf_os perf_os_host = {
	.po_open = host_open,
	.po_read = read,
	.po_ioctl = host_ioctl,
	.po_close = close,
	.po_map = host_map,
	.po_unmap = munmap,
	.po_rdpmc = host_rdpmc,
	.po_number = host_number,
};

const struct perf_os *perf_os = &perf_os_host;

/* ---- opening ---- */

/* Can its counter be read without a system call? */
static bool
page_usable(const struct perf_event_mmap_page *pg)
{

	return pg->cap_usr_rdpmc && pg->cap_user_time;
}

static void
counter_close(struct perf_set *ps, struct perf_counter *pc)
{

	if (pc->pc_page != NULL)
		(void)perf_os->po_unmap(pc->pc_page, ps->ps_pagesize);
	if (pc->pc_fd != -1)
		(void)perf_os->po_close(pc->pc_fd);
	pc->pc_page = NULL;
	pc->pc_fd = -1;
}

static int
counter_open(struct perf_set *ps, struct perf_counter *pc, struct errmsg *em)
{
	struct perf_event_attr attr;
	const int error = perf_encode(pc->pc_name, &attr, pc->pc_reason, em);

	if (error != 0)
		return error == ENOTSUP ? 0 : error;
	pc->pc_fd = perf_os->po_open(&attr);
	if (pc->pc_fd == -1) {
		perf_why_not(&attr, errno, pc->pc_reason);
		return 0;
	}
	/* The kernel's software events have no counter to read. */
	if (!perf_of_processor(&attr))
		return 0;
	pc->pc_page = perf_os->po_map(pc->pc_fd, ps->ps_pagesize);
	return 0;
}

/* Cut list at its commas into names. */
static int
split(struct perf_set *ps, const char *list, struct errmsg *em)
{
	static const char blank[] = " \t";
	const char *p = list, *comma;
	size_t i, len, n = 1;

	for (comma = list; (comma = strchr(comma, ',')) != NULL; comma++)
		n++;
	ps->ps_counter = calloc(n, sizeof(ps->ps_counter[0]));
	if (ps->ps_counter == NULL)
		return ERRMSG(em, ENOMEM, "--events: out of memory");
	for (; ps->ps_n < n; ps->ps_n++, p += strcspn(p, ",") + 1) {
		struct perf_counter *const pc = &ps->ps_counter[ps->ps_n];
		const char *const name = p + strspn(p, blank);

		pc->pc_fd = -1;
		len = strcspn(name, ",");
		while (len != 0 && strchr(blank, name[len - 1]) != NULL)
			len--;
		if (len == 0)
			return ERRMSG(em, EINVAL,
			    "--events: '%.80s' has an empty name; give names "
			    "of libpfm4 with commas between",
			    list);
		pc->pc_name = strndup(name, len);
		if (pc->pc_name == NULL)
			return ERRMSG(em, ENOMEM, "--events: out of memory");
		for (i = 0; i < ps->ps_n; i++) {
			if (strcmp(ps->ps_counter[i].pc_name, pc->pc_name) != 0)
				continue;
			ps->ps_n++;
			return ERRMSG(em, EINVAL,
			    "--events: '%.80s' is named twice", pc->pc_name);
		}
	}
	return 0;
}

int
perf_open(const char *list, struct perf_set **psp, struct errmsg *em)
{
	struct perf_set *const ps = calloc(1, sizeof(*ps));
	size_t i;
	int error;

	if (ps == NULL)
		return ERRMSG(em, ENOMEM, "--events: out of memory");
	ps->ps_pagesize = (size_t)sysconf(_SC_PAGESIZE);
	error = split(ps, list, em);
	for (i = 0; error == 0 && i < ps->ps_n; i++)
		error = counter_open(ps, &ps->ps_counter[i], em);
	if (error != 0) {
		perf_close(ps);
		return error;
	}
	*psp = ps;
	return 0;
}

void
perf_close(struct perf_set *ps)
{
	size_t i;

	for (i = 0; i < ps->ps_n; i++) {
		counter_close(ps, &ps->ps_counter[i]);
		free(ps->ps_counter[i].pc_name);
	}
	free(ps->ps_counter);
	free(ps);
}

size_t
perf_count(const struct perf_set *ps)
{

	return ps->ps_n;
}

const char *
perf_name(const struct perf_set *ps, size_t i)
{

	return ps->ps_counter[i].pc_name;
}

const char *
perf_reason(const struct perf_set *ps, size_t i)
{
	const char *const reason = ps->ps_counter[i].pc_reason;

	return *reason != '\0' ? reason : NULL;
}

bool
perf_by_rdpmc(const struct perf_set *ps, size_t i)
{
	const struct perf_event_mmap_page *const pg = ps->ps_counter[i].pc_page;

	return pg != NULL && page_usable(pg);
}

/* ---- counting ---- */

static void
counter_fail(struct perf_set *ps, struct perf_counter *pc, const char *what,
    int error)
{

	(void)snprintf(pc->pc_reason, sizeof(pc->pc_reason), "%s: %s", what,
	    errno_text(error));
	counter_close(ps, pc);
}

static void
switch_all(struct perf_set *ps, unsigned long request)
{
	size_t i;

	for (i = 0; i < ps->ps_n; i++) {
		struct perf_counter *const pc = &ps->ps_counter[i];

		if (pc->pc_fd != -1 &&
		    perf_os->po_ioctl(pc->pc_fd, request) == -1)
			counter_fail(ps, pc, "it cannot be started", errno);
	}
}

void
perf_enable(struct perf_set *ps)
{

	switch_all(ps, PERF_EVENT_IOC_ENABLE);
}

void
perf_disable(struct perf_set *ps)
{

	switch_all(ps, PERF_EVENT_IOC_DISABLE);
}

#if defined(__x86_64__)

/* ns since the kernel wrote the times of the page. */
static uint64_t
page_age(const volatile struct perf_event_mmap_page *pg)
{
	const uint16_t shift = pg->time_shift;
	const uint64_t mult = pg->time_mult;
	uint64_t cyc = __rdtsc(), rem;

	if (pg->cap_user_time_short)
		cyc =
		    pg->time_cycles + ((cyc - pg->time_cycles) & pg->time_mask);
	rem = cyc & ((UINT64_C(1) << shift) - 1);
	return pg->time_offset + (cyc >> shift) * mult +
	    ((rem * mult) >> shift);
}

/*
 * read_page: as read(2), by the protocol of perf_event_open(2).  The kernel
 * changes the page on this processor only, between two of our instructions, so
 * that an unchanged pg_lock tells that nothing did, index included.
 *
 * => false: the page does not permit it just now
 */
static bool
read_page(const volatile struct perf_event_mmap_page *pg,
    struct perf_reading *pr)
{
	uint32_t seq, index;
	unsigned width;
	uint64_t age;

	do {
		seq = pg->lock;
		__asm__ volatile("" ::: "memory");
		index = pg->index;
		width = pg->pmc_width;
		if (!pg->cap_usr_rdpmc || !pg->cap_user_time ||
		    pg->time_shift > 63)
			return false;
		pr->pr_value = (uint64_t)pg->offset;
		pr->pr_enabled = pg->time_enabled;
		pr->pr_running = pg->time_running;
		age = page_age(pg);
		pr->pr_enabled += age;
		/* 0: not on a counter now; offset has it all. */
		if (index != 0) {
			if (width == 0 || width > 64)
				return false;
			/* The counter has fewer bits; the highest is a sign. */
			pr->pr_value +=
			    (uint64_t)((int64_t)(perf_os->po_rdpmc(index - 1)
					   << (64 - width)) >>
				(64 - width));
			pr->pr_running += age;
		}
		__asm__ volatile("" ::: "memory");
	} while (pg->lock != seq);
	return true;
}

#else

static bool
read_page(const volatile struct perf_event_mmap_page *pg,
    struct perf_reading *pr)
{

	(void)pg;
	(void)pr;
	return false;
}

#endif

bool
perf_read(struct perf_set *ps, size_t i, struct perf_reading *pr)
{
	struct perf_counter *const pc = &ps->ps_counter[i];
	uint64_t buf[3];
	ssize_t n;

	if (pc->pc_page != NULL && read_page(pc->pc_page, pr))
		return true;
	(void)memset(pr, 0, sizeof(*pr));
	if (pc->pc_fd == -1)
		return false;
	n = perf_os->po_read(pc->pc_fd, buf, sizeof(buf));
	if (n != (ssize_t)sizeof(buf)) {
		/* 0 is how a pinned event says that it lost its counter. */
		counter_fail(ps, pc, "it cannot be read",
		    n == -1 ? errno : EIO);
		return false;
	}
	*pr = (struct perf_reading){ buf[0], buf[1], buf[2] };
	return true;
}

struct perf_reading
perf_since(const struct perf_reading *pr, const struct perf_reading *since)
{

	return (struct perf_reading){
		.pr_value = pr->pr_value - since->pr_value,
		.pr_enabled = pr->pr_enabled - since->pr_enabled,
		.pr_running = pr->pr_running - since->pr_running,
	};
}

bool
perf_scaled(const struct perf_reading *pr, uint64_t *valuep)
{
	uint128_t scaled;

	if (pr->pr_running == 0 && pr->pr_enabled != 0)
		return false;
	scaled = pr->pr_value;
	if (pr->pr_running < pr->pr_enabled)
		scaled = scaled * pr->pr_enabled / pr->pr_running;
	*valuep = scaled < UINT64_MAX ? (uint64_t)scaled : UINT64_MAX;
	return true;
}
