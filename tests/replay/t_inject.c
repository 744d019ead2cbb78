/*
 * Rules, and a loop over every I/O of a workload: each fails, or ends short, in
 * turn, and the run goes on to its end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/engine.h"
#include "replay/inject.h"
#include "replay/replay.h"
#include "tests/test.h"

/*
 * ---- rules ----
 */

static void
a_rule_says_what_fails_how_and_when(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct inject_rule ij;

	(void)state;
	must(inject_parse("write:eio@every=100", &ij, &em));
	assert_int_equal(ij.ij_what, INJECT_WRITE);
	assert_int_equal(ij.ij_error, EIO);
	assert_int_equal(ij.ij_every, 100);
	assert_true(ij.ij_page == INJECT_ANY);
	must(inject_parse("read:eio@page=17@file=2@nth=3", &ij, &em));
	assert_int_equal(ij.ij_what, INJECT_READ);
	assert_int_equal(ij.ij_page, 17);
	assert_int_equal(ij.ij_file, 2);
	assert_int_equal(ij.ij_nth, 3);
	must(inject_parse("write:enospc@after=64M", &ij, &em));
	assert_int_equal(ij.ij_error, ENOSPC);
	assert_int_equal(ij.ij_after, 64 << 20);
	must(inject_parse("write:short", &ij, &em));
	assert_true(ij.ij_short);
	assert_int_equal(ij.ij_error, 0);
	must(inject_parse("latency:+5ms@p=0.01", &ij, &em));
	assert_int_equal(ij.ij_what, INJECT_READ | INJECT_WRITE | INJECT_SYNC);
	assert_int_equal(ij.ij_delay, 5000000);
	assert_true(ij.ij_p == RATIO(1, 100));
	must(inject_parse("truncate:erofs", &ij, &em));
	assert_int_equal(ij.ij_what, INJECT_TRUNCATE);
}

static void
a_wrong_rule_is_refused_with_the_part_that_is_wrong(void **state)
{
	static const struct {
		const char *rule, *words;
	} wrong[] = {
		{ "write", "WHAT:FAULT" },
		{ "", "WHAT:FAULT" },
		{ ":eio", "kind of I/O" },
		{ "wrote:eio", "did you mean 'write'" },
		{ "write:", "there are eio, enospc" },
		{ "write:eoi", "did you mean 'eio'" },
		{ "write:eio@evry=1", "did you mean 'every'" },
		{ "write:eio@every", "count from 1" },
		{ "write:eio@every=0", "count from 1" },
		{ "write:eio@nth=1@every=2", "nth and every" },
		{ "write:eio@p=1.5", "probability" },
		{ "write:eio@p=0", "probability" },
		{ "read:eio@page=1@page=2", "page is given twice" },
		{ "read:eio@file=4294967296", "file of the trace" },
		{ "write:enospc@after=0", "a size" },
		{ "sync:short", "can be short" },
		{ "truncate:eio@after=1M", "for read and write" },
		{ "latency:eio", "takes a delay" },
		{ "read:5ms", "not a delay" },
		{ "read:+0ms", "not a delay" },
		{ "read:+2min", "at most +1min" },
		{ "read:eio@", "condition ''" },
		{ "read:eio@nth=00000000000000000000000000000000000001",
		    "count from 1" },
	};

	(void)state;
	for (size_t i = 0; i < nitems(wrong); i++) {
		struct errmsg em = { .em_text = "" };
		struct inject_rule ij;

		if (inject_parse(wrong[i].rule, &ij, &em) != EINVAL ||
		    strstr(em.em_text, wrong[i].words) == NULL)
			fail_msg("'%s': %s", wrong[i].rule, em.em_text);
	}
}

/*
 * ---- the loop ----
 */

struct place {
	char dir[64]; /* of the test */
	char trace[80], data[80];
};

/*
 * Small enough to loop over, with all that can fail: page-ins and page-outs of
 * one page and of several, by flushes, the page daemon and the end of an
 * object; reads, writes, growth, shrinks, zeros, syncs.
 */
static const char *const workload[] = {
	"attach,1,1,0,163840,r|w|shared",
	"attach,2,2,0,40000,r|w|shared",
	"write,1,1,0,65536,",
	"write,2,2,0,40000,",
	"msync,1,1,0,163840,sync",
	"read,1,1,65536,98304,",
	"write,1,1,98304,32768,",
	"pwrite,2,0,8192,5000,",
	"pread,2,0,0,16384,",
	"write,1,1,0,163840,",
	"write,2,2,4096,8192,",
	"msync,2,2,0,40000,async",
	"read,1,1,0,163840,",
	"fsync,2,0,0,0,",
	"pwrite,2,0,38000,9000,",
	"truncate,2,0,0,30000,",
	"write,2,2,24576,4096,",
	"truncate,2,0,0,45000,",
	"fallocate,1,0,4096,12288,zero",
	"write,1,1,32768,16384,",
	"sync,0,0,0,0,",
	"msync,1,1,0,65536,sync|invalidate",
	"read,1,1,0,65536,",
	"write,1,1,8192,4096,",
	"madvise,1,1,0,163840,dontneed",
	"detach,2,2,0,40000,",
	"attach,2,3,0,40000,r|w|shared",
	"read,2,3,0,40000,",
	"write,2,3,0,12288,",
	"detach,2,3,0,40000,",
	"detach,1,1,0,163840,",
	"pread,1,0,0,163840,",
};

static int
place_setup(void **state)
{
	struct place *const pl = calloc(1, sizeof(*pl));
	FILE *out;

	assert_non_null(pl);
	(void)snprintf(pl->dir, sizeof(pl->dir), "/tmp/uvn-inject.XXXXXX");
	assert_non_null(mkdtemp(pl->dir));
	(void)snprintf(pl->trace, sizeof(pl->trace), "%s/t.csv", pl->dir);
	(void)snprintf(pl->data, sizeof(pl->data), "%s/data", pl->dir);
	out = fopen(pl->trace, "we");
	assert_non_null(out);
	(void)fprintf(out,
	    "#uvn-trace 1\n#page 4096\n#file 1 size=163840 path=/one\n"
	    "#file 2 size=40000 path=/two\n"
	    "seq,time_ns,pid,tid,op,file,map,offset,length,flags\n");
	for (size_t i = 0; i < nitems(workload); i++) {
		const size_t op = strcspn(workload[i], ",");

		/* Of two threads, by file. */
		(void)fprintf(out, "%zu,%zu,1,%d,%.*s%s\n", i, i * 1000,
		    strncmp(workload[i] + op, ",2", 2) == 0 ? 2 : 1, (int)op,
		    workload[i], workload[i] + op);
	}
	assert_int_equal(fclose(out), 0);
	*state = pl;
	return 0;
}

static int
place_teardown(void **state)
{
	struct place *const pl = *state;
	char path[128];
	static const char *const names[] = { "data/file-1.dat",
		"data/file-2.dat", "data/.lock", "data", "t.csv", "." };

	for (size_t i = 0; i < nitems(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", pl->dir, names[i]);
		(void)remove(path);
	}
	(void)rmdir(pl->dir);
	free(pl);
	return 0;
}

/* What is looped over. */
struct loop {
	const struct place *lo_place;
	const char *lo_backend, *lo_profile;
	const char *lo_more; /* a further tunable, or NULL */
	bool lo_threads;
	struct inject_rule lo_rule;
};

static void
assign(struct config *cf, const char *name, const char *value)
{
	struct errmsg em = { .em_text = "" };

	if (config_assign(cf, name, value, &em) != 0)
		fail_msg("%s", em.em_text);
}

/* Run it.  => false: the host has no such backend */
static bool
run(const struct loop *lo, struct engine_report *er)
{
	const struct engine_inject ei = { .ei_text = "test",
		.ei_rule = lo->lo_rule };
	struct errmsg em = { .em_text = "" };
	struct config cf;
	const struct engine_job ej = {
		.ej_config = &cf,
		.ej_trace = lo->lo_place->trace,
		.ej_dir = lo->lo_place->data,
		.ej_inject = &ei,
		.ej_ninject = 1,
		.ej_verify = strcmp(lo->lo_backend, "null") != 0,
		.ej_paranoid = !lo->lo_threads,
		.ej_seed = 1,
	};

	config_init(&cf);
	assign(&cf, "backend", lo->lo_backend);
	assign(&cf, "profile", lo->lo_profile);
	assign(&cf, "memory", "128K");
	assign(&cf, "cluster", "16K");
	assign(&cf, "freemin", "4");
	assign(&cf, "freetarg", "8");
	if (lo->lo_threads)
		assign(&cf, "threads", "trace");
	if (lo->lo_more != NULL)
		assign(&cf, lo->lo_more, "on");
	if (lo->lo_more != NULL)
		assign(&cf, "q11_wlist_unlocked", "fixed");
	if (config_resolve(&cf, &em) != 0)
		fail_msg("%s", em.em_text);
	(void)engine_run(&ej, er);
	if (er->er_exit != UVN_ENVIRONMENT)
		return true;
	print_message("skipped: %s\n", er->er_em.em_text);
	engine_report_fini(er);
	return false;
}

/* What must hold of each run, whatever failed. */
static void
check_run(const struct loop *lo, const struct engine_report *er, uint64_t nth)
{
	const struct uvmexp *const exp = &er->er_exp;
	const uint64_t hit = er->er_inject[0].ij_hit;
	const char *const what = er->er_em.em_text;
	const uint64_t told = exp->pagein_errors + exp->pageout_errors +
	    exp->short_reads + exp->short_writes;

	if (strcmp(er->er_status, "complete") != 0 ||
	    strcmp(er->er_verify, "failed") == 0 ||
	    er->er_events != nitems(workload))
		fail_msg("%s %s: I/O %lu: %s: %s", lo->lo_backend,
		    lo->lo_profile, (unsigned long)nth, er->er_status, what);
	/* One that failed is told of: by exit status and in words. */
	if ((er->er_exit == UVN_FAILED) != (hit != 0) ||
	    (hit != 0) != (*what != '\0'))
		fail_msg("%s %s: I/O %lu: exit status %d: %s", lo->lo_backend,
		    lo->lo_profile, (unsigned long)nth, er->er_exit, what);
	/* What is lost is counted as lost. */
	if (er->er_verify_unwritten > exp->lost_pages + exp->short_writes * 4)
		fail_msg("%s %s: I/O %lu: %lu pages lost, %lu counted",
		    lo->lo_backend, lo->lo_profile, (unsigned long)nth,
		    (unsigned long)er->er_verify_unwritten,
		    (unsigned long)exp->lost_pages);
	if (exp->pageout_errors == 0)
		assert_int_equal(exp->lost_pages, 0);
	assert_true(told <= hit);
}

/* Fail the first I/O, the second ... until there is none. */
static void
loop(struct loop *lo, const char *what)
{
	struct engine_report er;
	uint64_t nth, hit = 1, lost = 0, unwritten = 0;

	for (nth = 1; hit != 0; nth++) {
		lo->lo_rule.ij_nth = nth;
		if (!run(lo, &er))
			return;
		check_run(lo, &er, nth);
		hit = er.er_inject[0].ij_hit;
		lost += er.er_exp.lost_pages;
		unwritten += er.er_verify_unwritten;
		engine_report_fini(&er);
	}
	print_message("%s %s%s%s: %lu I/Os %s in turn: %lu pages given up, "
		      "%lu lost\n",
	    lo->lo_backend, lo->lo_profile, lo->lo_threads ? " threads" : "",
	    lo->lo_more != NULL ? " async" : "", (unsigned long)nth - 2, what,
	    (unsigned long)lost, (unsigned long)unwritten);
	assert_true(nth > 20);
}

static const char *const backends[] = { "null", "buffered", "direct", "uring" };
static const char *const profiles[] = { "1998", "modern" };

static void
loop_all(void **state, struct inject_rule rule, const char *what)
{

	rule.ij_page = INJECT_ANY;
	rule.ij_p = RATIO(1, 1);
	for (size_t b = 0; b < nitems(backends); b++)
		for (size_t p = 0; p < nitems(profiles); p++) {
			struct loop lo = {
				.lo_place = *state,
				.lo_backend = backends[b],
				.lo_profile = profiles[p],
				.lo_rule = rule,
			};

			loop(&lo, what);
		}
}

#define EVERYTHING (INJECT_READ | INJECT_WRITE | INJECT_SYNC | INJECT_TRUNCATE)

static void
each_io_fails_in_turn_and_the_run_ends_in_good_order(void **state)
{

	loop_all(state,
	    (struct inject_rule){ .ij_what = EVERYTHING, .ij_error = EIO },
	    "failed");
}

static void
each_io_is_short_in_turn_and_the_run_ends_in_good_order(void **state)
{

	loop_all(state,
	    (struct inject_rule){ .ij_what = INJECT_READ | INJECT_WRITE,
		.ij_short = true },
	    "short");
}

static void
asynchronous_io_of_1998_fails_in_turn(void **state)
{
	static const char *const async[] = { "null", "uring" };

	for (size_t b = 0; b < nitems(async); b++) {
		struct loop lo = {
			.lo_place = *state,
			.lo_backend = async[b],
			.lo_profile = "1998",
			.lo_more = "async_put",
			.lo_rule = { .ij_what = EVERYTHING,
			    .ij_error = EIO,
			    .ij_page = INJECT_ANY,
			    .ij_p = RATIO(1, 1) },
		};

		loop(&lo, "failed");
	}
}

/*
 * A bad block: no write that has the page ever succeeds.  What the program
 * stored there last is lost, or stays in memory; nothing else is.
 */
static void
pages_that_cannot_be_written_are_all_accounted_for(void **state)
{
	for (size_t b = 0; b < nitems(backends); b++)
		for (size_t p = 0; p < nitems(profiles); p++) {
			struct loop lo = {
				.lo_place = *state,
				.lo_backend = backends[b],
				.lo_profile = profiles[p],
				.lo_rule = { .ij_what = INJECT_WRITE,
				    .ij_error = EIO,
				    .ij_p = RATIO(1, 1) },
			};
			uint64_t lost = 0, unwritten = 0;

			for (uint64_t n = 0; n < 50; n += 7) {
				struct engine_report er;

				lo.lo_rule.ij_file = n < 40 ? 1 : 2;
				lo.lo_rule.ij_page = n % 40;
				if (!run(&lo, &er))
					break;
				check_run(&lo, &er, n);
				lost += er.er_exp.lost_pages;
				unwritten += er.er_verify_unwritten;
				engine_report_fini(&er);
			}
			print_message("%s %s: %lu pages given up, %lu lost\n",
			    lo.lo_backend, lo.lo_profile, (unsigned long)lost,
			    (unsigned long)unwritten);
		}
}

static void
with_threads_each_io_fails_in_turn(void **state)
{

	/* The two that differ most. */
	for (size_t b = 0; b < nitems(backends); b += nitems(backends) - 1)
		for (size_t p = 0; p < nitems(profiles); p++) {
			struct loop lo = {
				.lo_place = *state,
				.lo_backend = backends[b],
				.lo_profile = profiles[p],
				.lo_threads = true,
				.lo_rule = { .ij_what = EVERYTHING,
				    .ij_error = EIO,
				    .ij_page = INJECT_ANY,
				    .ij_p = RATIO(1, 1) },
			};

			loop(&lo, "failed");
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_says_what_fails_how_and_when),
		cmocka_unit_test(
		    a_wrong_rule_is_refused_with_the_part_that_is_wrong),
		cmocka_unit_test(
		    each_io_fails_in_turn_and_the_run_ends_in_good_order),
		cmocka_unit_test(
		    each_io_is_short_in_turn_and_the_run_ends_in_good_order),
		cmocka_unit_test(asynchronous_io_of_1998_fails_in_turn),
		cmocka_unit_test(
		    pages_that_cannot_be_written_are_all_accounted_for),
		cmocka_unit_test(with_threads_each_io_fails_in_turn),
	};

	return cmocka_run_group_tests(tests, place_setup, place_teardown);
}
