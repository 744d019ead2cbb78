/*
 * Recordings of two deterministic programs by all modes, against valgrind's
 * lackey, which sees every access.  Takes two minutes, most of them lackey's.
 */
#include "tests/traces/lru.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The same memcpy(3) natively as under valgrind, so that it touches the pages
 * of a long copy in the same order. */
#define TUNABLES                                                               \
	"GLIBC_TUNABLES=glibc.cpu.hwcaps="                                     \
	"-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-ERMS,-FSRM,-AVX "

static char folder[] = "/tmp/uvn-reference-XXXXXX";

/* A program, its arguments behind the store's path, and the store's files. */
struct subject {
	const char *su_name, *su_arguments, *su_only;
};

static const struct subject subjects[] = {
	{ "store_lmdb", "20000 1", "data.mdb" },
	{ "store_tokyo", "18000 1", "*.store" },
};

/* Where the program under test lies, and programs beside it; NULL: unknown. */
static char *
built(void)
{
	const char *uvn = getenv("UVN");
	const char *slash = uvn != NULL ? strrchr(uvn, '/') : NULL;

	return slash != NULL ? strndup(uvn, (size_t)(slash - uvn)) : NULL;
}

/* Record the subject; false: the mode does not work here. */
static bool
record(const struct subject *su, const char *mode, const char *window,
    struct lru_trace *lt)
{
	char *dir = built(), *command = NULL, *path = NULL;
	int status;

	assert_int_not_equal(asprintf(&path, "%s/%s-%s-%s", folder, su->su_name,
				 mode, window),
	    -1);
	assert_int_not_equal(asprintf(&command,
				 TUNABLES "%s/uvn record --quiet --mode %s "
					  "--window %s --only '%s' -o %s.uvt "
					  "-- %s/tests/programs/%s %s.store %s "
					  ">/dev/null",
				 dir, mode, window, su->su_only, path, dir,
				 su->su_name, path, su->su_arguments),
	    -1);
	status = system(command);
	free(command);
	free(dir);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 4) {
		free(path);
		return false;
	}
	assert_int_equal(status, 0);
	assert_int_not_equal(asprintf(&command, "%s.uvt", path), -1);
	lru_read(command, lt);
	print_message("%s, %s, window %s: %zu events\n", su->su_name, mode,
	    window, lt->lt_n);
	free(command);
	free(path);
	return true;
}

/* Events in their order, but for accesses to pages that were seen before. */
static bool
of_order(const struct lru_trace *lt, size_t *ip, uint8_t *seen)
{
	for (; *ip < lt->lt_n; (*ip)++) {
		const struct trace_event *te = &lt->lt_ev[*ip];
		uint32_t page;

		if (te->te_op != TRACE_READ && te->te_op != TRACE_WRITE)
			return true;
		page = lru_page(lt, te);
		if (seen[page] == 0) {
			seen[page] = 1;
			return true;
		}
	}
	return false;
}

static void
same_order(const struct lru_trace *a, const struct lru_trace *b)
{
	uint8_t *seen_a = calloc(a->lt_pages + 1, 1);
	uint8_t *seen_b = calloc(b->lt_pages + 1, 1);
	size_t n = 0;

	for (size_t i = 0, j = 0;; i++, j++, n++) {
		const bool more = of_order(a, &i, seen_a);
		const struct trace_event *x = &a->lt_ev[i], *y;

		assert_int_equal(more, of_order(b, &j, seen_b));
		if (!more)
			break;
		y = &b->lt_ev[j];
		if (x->te_op != y->te_op || x->te_offset != y->te_offset ||
		    x->te_length != y->te_length || x->te_flags != y->te_flags)
			fail_msg("event %zu is %s %llu+%llu flags %x, not %s "
				 "%llu+%llu flags %x (%zu alike before)",
			    j, trace_op_name[y->te_op],
			    (unsigned long long)y->te_offset,
			    (unsigned long long)y->te_length, y->te_flags,
			    trace_op_name[x->te_op],
			    (unsigned long long)x->te_offset,
			    (unsigned long long)x->te_length, x->te_flags, n);
	}
	print_message("    %zu first touches, calls and maps in order\n", n);
	free(seen_a);
	free(seen_b);
}

/* Less than half a percent? */
static bool
near(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) * 200 < b || a == b;
}

static void
same_caches(const struct lru_trace *ref, const struct lru_trace *lt,
    uint32_t window)
{
	const uint32_t most = lru_footprint(ref);
	double worst = 0;

	for (uint32_t frames = 4 * window; frames < most + most / 8;
	     frames += frames / 8) {
		const struct lru_counts a = lru_simulate(ref, frames);
		const struct lru_counts b = lru_simulate(lt, frames);
		const double m = (double)b.lc_misses / (double)a.lc_misses - 1;
		const double w = (double)b.lc_writes / (double)a.lc_writes - 1;

		worst = m > worst ? m : -m > worst ? -m : worst;
		worst = w > worst ? w : -w > worst ? -w : worst;
		if (!near(b.lc_misses, a.lc_misses) ||
		    !near(b.lc_writes, a.lc_writes))
			fail_msg("%u frames: %llu misses and %llu writes, not "
				 "%llu and %llu",
			    frames, (unsigned long long)b.lc_misses,
			    (unsigned long long)b.lc_writes,
			    (unsigned long long)a.lc_misses,
			    (unsigned long long)a.lc_writes);
	}
	print_message("    misses and write-backs within %.3f %%\n",
	    worst * 100);
}

static void
compare(const struct subject *su, const struct lru_trace *ref, const char *mode)
{
	static const uint32_t windows[] = { 64, 256 };

	for (size_t i = 0; i < nitems(windows); i++) {
		struct lru_trace lt;
		char window[16];

		(void)snprintf(window, sizeof(window), "%u", windows[i]);
		if (!record(su, mode, window, &lt)) {
			print_message("%s does not work here\n", mode);
			return;
		}
		same_order(ref, &lt);
		same_caches(ref, &lt, windows[i]);
		lru_free(&lt);
	}
}

static void
all_modes_agree_with_valgrind(void **state)
{
	char *dir = built();
	const bool here = dir != NULL && strstr(dir, "gcc-O3") != NULL &&
	    strchr(dir, '+') == NULL && strstr(dir, "thread") == NULL;

	free(dir);
	if (!here)
		skip(); /* what is recorded is the same in all builds */
	(void)state;
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < nitems(subjects); i++) {
		struct lru_trace ref;

		if (!record(&subjects[i], "valgrind", "1", &ref)) {
			skip();
			return;
		}
		compare(&subjects[i], &ref, "kernel");
		compare(&subjects[i], &ref, "preload");
		lru_free(&ref);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_modes_agree_with_valgrind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
