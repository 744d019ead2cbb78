#include "tests/traces/ringtest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "traces/record_i.h"

#define ARGS_MAX 8

const char *const rtest_programs[] = { "buffers", "cancels", "cleared",
	"closes", "descriptors", "direct", "forks", "locks", "mappers",
	"memory", "populate", "private", "readonly", "remap", "segv", "signals",
	"sizes", "spawns", "streams", "syncs", "threads", "trap", "unmap",
	"walk" };
const size_t rtest_nprograms = nitems(rtest_programs);

/* The folder of this build, of which this program is tests/traces/NAME. */
static const char *
build(void)
{
	static char path[4096];
	ssize_t n;

	if (*path != '\0')
		return path;
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	assert_true(n > 0);
	path[n] = '\0';
	for (int i = 0; i < 3; i++)
		*strrchr(path, '/') = '\0';
	return path;
}

const char *
rtest_program(const char *name)
{
	static char path[4096 + 64];

	(void)snprintf(path, sizeof(path), "%s/tests/programs/%s", build(),
	    name);
	return path;
}

const char *
rtest_library(void)
{
	static char path[4096 + 64];

	(void)snprintf(path, sizeof(path), "%s/traces/preload.so", build());
	return path;
}

void
rtest_begin(struct rtest *rt, enum ring_mode mode, uint64_t window)
{
	struct errmsg em = { .em_text = "" };
	int fd;

	*rt = (struct rtest){ .rt_folder = "/tmp/uvn-ring-XXXXXX" };
	assert_non_null(mkdtemp(rt->rt_folder));
	(void)snprintf(rt->rt_path, sizeof(rt->rt_path), "%s/ring",
	    rt->rt_folder);
	must_em(ring_create(rt->rt_path, mode, window, 4096, &rt->rt_ring, &em),
	    &em);
	fd = open(rt->rt_path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	rt->rt_file = mmap(NULL, RING_FILE_BYTES, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	assert_true(rt->rt_file != MAP_FAILED);
	must(close(fd));
}

static void
remove_folder(const char *folder)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	must(system(command)); /* NOLINT: a folder of our own */
}

/* What others are to leave as it is, but take as if they might not. */
static char *mutable(const char *text)
{
	char *p;

	memcpy(&p, &text, sizeof(p));
	return p;
}

void
rtest_clear(struct rtest *rt)
{
	for (size_t i = 0; i < rt->rt_n; i++) {
		free(mutable(rt->rt_raws[i].rw_text));
		free(mutable(rt->rt_raws[i].rw_text2));
	}
	rt->rt_n = 0;
}

void
rtest_end(struct rtest *rt)
{
	rtest_clear(rt);
	free(rt->rt_raws);
	free(rt->rt_slots);
	free(rt->rt_out);
	ring_destroy(rt->rt_ring);
	must(munmap(rt->rt_file, RING_FILE_BYTES));
	remove_folder(rt->rt_folder);
}

static char *
copied(const char *text)
{
	char *copy = text != NULL ? strdup(text) : NULL;

	assert_true(text == NULL || copy != NULL);
	return copy;
}

static void
append(struct rtest *rt, const struct raw *rw, uint32_t slot)
{
	struct raw *new;

	if (rt->rt_n == rt->rt_cap) {
		rt->rt_cap = rt->rt_cap != 0 ? rt->rt_cap * 2 : 1024;
		rt->rt_raws =
		    realloc(rt->rt_raws, rt->rt_cap * sizeof(*rt->rt_raws));
		rt->rt_slots =
		    realloc(rt->rt_slots, rt->rt_cap * sizeof(*rt->rt_slots));
		assert_non_null(rt->rt_raws);
		assert_non_null(rt->rt_slots);
	}
	rt->rt_slots[rt->rt_n] = slot;
	new = &rt->rt_raws[rt->rt_n++];
	*new = *rw;
	new->rw_text = copied(rw->rw_text);
	new->rw_text2 = copied(rw->rw_text2);
}

/* Every byte belongs to a record. */
static int
take(void *arg, uint32_t slot, const uint8_t *bytes, size_t len)
{
	struct raw rw;

	while (len > 0) {
		const size_t n = raw_decode(bytes, len, &rw);

		assert_int_not_equal(n, 0);
		bytes += n;
		len -= n;
		append(arg, &rw, slot);
	}
	return 0;
}

size_t
rtest_drain(struct rtest *rt)
{
	const size_t before = rt->rt_n;

	must(ring_drain(rt->rt_ring, take, rt));
	return rt->rt_n - before;
}

/* The program's arguments, as it gets them; static. */
static char *const *
arguments(const struct rtest *rt, const char *const *argv)
{
	static char *args[ARGS_MAX + 1];
	size_t n = 0;

	for (; argv[n] != NULL && n < ARGS_MAX; n++)
		args[n] = *argv[n] != '\0' ? mutable(argv[n]) :
					     mutable(rt->rt_folder);
	args[n] = NULL;
	args[0] = mutable(rtest_program(argv[0]));
	return args;
}

/* In the child. */
static _Noreturn void
become(const struct rtest *rt, const char *const *argv, int out)
{
	char *const *args = arguments(rt, argv);

	if (dup2(out, 1) != 1 || dup2(open("/dev/null", O_RDONLY), 0) != 0 ||
	    setenv("LD_PRELOAD", rtest_library(), 1) != 0 ||
	    setenv(RING_ENV, rt->rt_path, 1) != 0)
		_exit(126);
	(void)execv(args[0], args);
	_exit(127);
}

static const char *
out_path(const struct rtest *rt)
{
	static char path[64];

	(void)snprintf(path, sizeof(path), "%s/out", rt->rt_folder);
	return path;
}

pid_t
rtest_start(struct rtest *rt, const char *const *argv)
{
	const int out =
	    open(out_path(rt), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	pid_t pid;

	assert_true(out >= 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		become(rt, argv, out);
	must(close(out));
	return pid;
}

static void
read_out(struct rtest *rt)
{
	const int out = open(out_path(rt), O_RDONLY | O_CLOEXEC);
	ssize_t n;

	free(rt->rt_out);
	rt->rt_out = calloc(1, 4096);
	assert_non_null(rt->rt_out);
	assert_true(out >= 0);
	n = read(out, rt->rt_out, 4095);
	assert_true(n >= 0);
	must(close(out));
}

int
rtest_wait(struct rtest *rt, pid_t pid)
{
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		ring_wait(rt->rt_ring, 10);
		(void)rtest_drain(rt);
	}
	while (rtest_drain(rt) > 0)
		;
	read_out(rt);
	return status;
}

void
rtest_run(struct rtest *rt, const char *const *argv)
{
	const int status = rtest_wait(rt, rtest_start(rt, argv));

	if (status != 0 || strcmp(rt->rt_out, "ok\n") != 0)
		fail_msg("%s: status %#x, printed: %s", argv[0],
		    (unsigned)status, rt->rt_out);
}

/* What came first from a slot stays first, at the same time. */
static int
by_time(const void *a, const void *b)
{
	const struct raw *x = a, *y = b;

	return x->rw_time < y->rw_time ? -1 : x->rw_time > y->rw_time;
}

static void
merge_sort(struct raw *rw, struct raw *space, size_t n)
{
	const size_t half = n / 2;
	size_t i = 0, j = half;

	if (n < 2)
		return;
	merge_sort(rw, space, half);
	merge_sort(rw + half, space, n - half);
	for (size_t k = 0; k < n; k++) {
		if (j == n || (i < half && by_time(&rw[i], &rw[j]) <= 0))
			space[k] = rw[i++];
		else
			space[k] = rw[j++];
	}
	memcpy(rw, space, n * sizeof(*rw));
}

void
rtest_sort(struct rtest *rt)
{
	struct raw *space = calloc(rt->rt_n + 1, sizeof(*space));

	assert_non_null(space);
	merge_sort(rt->rt_raws, space, rt->rt_n);
	free(space);
}

unsigned
rtest_owned(const struct rtest *rt)
{
	unsigned n = 0;

	for (size_t i = 0; i < RING_SLOTS; i++)
		n += atomic_load(&rt->rt_file->rf_slot[i].sl_owner) != 0;
	return n;
}

struct kernel_run {
	struct perfrec *kr_perf;
	struct spool *kr_spool;
	struct errmsg kr_em;
};

static int
spool_slot(void *arg, uint32_t slot, const uint8_t *bytes, size_t len)
{
	struct kernel_run *kr = arg;

	return spool_put(kr->kr_spool, perfrec_sources(kr->kr_perf) + slot,
	    bytes, len, &kr->kr_em);
}

static void
drain_kernel(struct rtest *rt, struct kernel_run *kr)
{
	uint64_t n;

	must_em(perfrec_drain(kr->kr_perf, kr->kr_spool, &n, &kr->kr_em),
	    &kr->kr_em);
	must_em(ring_drain(rt->rt_ring, spool_slot, kr), &kr->kr_em);
}

/* What the spool has, by time; ends it. */
static void
read_spool(struct rtest *rt, struct kernel_run *kr, const char *path)
{
	struct raw rw;
	bool more;

	must_em(spool_flush(kr->kr_spool, &kr->kr_em), &kr->kr_em);
	spool_close(kr->kr_spool);
	must_em(spool_open(path, &kr->kr_spool, &kr->kr_em), &kr->kr_em);
	for (;;) {
		must_em(spool_next(kr->kr_spool, &rw, &more, &kr->kr_em),
		    &kr->kr_em);
		if (!more)
			break;
		append(rt, &rw, 0);
	}
	spool_close(kr->kr_spool);
	must(unlink(path));
}

void
rtest_run_kernel(struct rtest *rt, const char *const *argv)
{
	struct kernel_run kr = { .kr_em = { "" } };
	char *preload, ring[128], spool[64];
	char *env[] = { NULL, ring, NULL };
	const struct child_param cp = { arguments(rt, argv), env, true };
	struct child ch;
	int status;

	if (record_check(RECORD_KERNEL, NULL, &kr.kr_em) != 0) {
		print_message("skipped: %s\n", kr.kr_em.em_text);
		rtest_end(rt);
		skip();
	}
	assert_true(asprintf(&preload, "LD_PRELOAD=%s", rtest_library()) > 0);
	env[0] = preload;
	(void)snprintf(ring, sizeof(ring), RING_ENV "=%s", rt->rt_path);
	(void)snprintf(spool, sizeof(spool), "%s/spool", rt->rt_folder);
	must_em(spool_create(spool, "", &kr.kr_spool, &kr.kr_em), &kr.kr_em);
	must_em(child_start(&cp, &ch, &kr.kr_em), &kr.kr_em);
	free(preload);
	must_em(perfrec_open(ch.ch_pid, &kr.kr_perf, &kr.kr_em), &kr.kr_em);
	must_em(child_go(&ch, argv[0], &kr.kr_em), &kr.kr_em);
	while (waitpid(ch.ch_pid, &status, WNOHANG) == 0) {
		perfrec_wait(kr.kr_perf, 10);
		drain_kernel(rt, &kr);
	}
	perfrec_stop(kr.kr_perf);
	drain_kernel(rt, &kr);
	assert_int_equal(status, 0);
	read_spool(rt, &kr, spool);
	perfrec_close(kr.kr_perf);
}
