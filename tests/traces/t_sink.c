#include "tests/test.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/traces/importtest.h"
#include "traces/sink.h"

/* A sink to out.uvt with n files of 64 KiB that are wanted, named f1, f2, ... */
static struct sink *
sink_make(uint32_t n)
{
	struct errmsg em = { .em_text = "" };
	struct sink *sk;

	must_em(sink_create("out.uvt", &sk, &em), &em);
	for (uint32_t i = 1; i <= n; i++) {
		struct sink_info *si;
		char path[32];
		uint32_t id;

		must_em(sink_file(sk, &id, &em), &em);
		assert_int_equal(id, i);
		si = sink_info(sk, id);
		(void)snprintf(path, sizeof(path), "/tmp/f%u", i);
		si->si_path = strdup(path);
		si->si_size = 65536;
		si->si_wanted = true;
	}
	assert_int_equal(sink_files(sk), n);
	return sk;
}

static void
put(struct sink *sk, const struct trace_event *te)
{
	struct errmsg em = { .em_text = "" };

	must_em(sink_put(sk, te, &em), &em);
}

static struct trace_event
event(enum trace_op op, uint64_t time, uint32_t pid, uint32_t file,
    uint32_t map)
{
	return (struct trace_event){
		.te_op = (uint8_t)op,
		.te_time = time,
		.te_pid = pid,
		.te_tid = pid,
		.te_file = file,
		.te_map = map,
		.te_length = 4096,
	};
}

static void
put_op(struct sink *sk, enum trace_op op, uint64_t time, uint32_t pid,
    uint32_t file, uint32_t map)
{
	const struct trace_event te = event(op, time, pid, file, map);

	put(sk, &te);
}

/* Write the trace and read it back. */
static void
finish(struct sink *sk, const struct sink_param *given, struct imported *it)
{
	struct sink_param sp = *given;
	uint64_t events;

	*it = (struct imported){ .it_n = 0 };
	sp.sp_page = 4096;
	if (sp.sp_notes == NULL)
		sp.sp_notes = "";
	must_em(sink_finish(sk, &sp, &events, &it->it_em), &it->it_em);
	sink_destroy(sk);
	it->it_ev = events_read("out.uvt", TRACE_VERIFY, &it->it_n);
	assert_int_equal(it->it_n, events);
}

static const struct sink_param plain;

static void
files_are_numbered_in_the_order_of_their_first_event(void **state)
{
	struct sink *sk = sink_make(4);
	struct imported it;

	(void)state;
	put_op(sk, TRACE_PREAD, 0, 1, 3, 0);
	put_op(sk, TRACE_PREAD, 0, 1, 1, 0);
	put_op(sk, TRACE_PREAD, 0, 1, 3, 0);
	put_op(sk, TRACE_PREAD, 0, 1, 4, 0);
	finish(sk, &plain, &it);
	/* File 2 has no event: it is not declared. */
	files_are("out.uvt", "65536 /tmp/f3\n65536 /tmp/f1\n65536 /tmp/f4\n");
	events_are(&it,
	    "pread 1 0 0 4096\npread 2 0 0 4096\n"
	    "pread 1 0 0 4096\npread 3 0 0 4096\n");
	imported_fini(&it);
}

static void
maps_are_numbered_in_the_order_of_their_first_event(void **state)
{
	struct sink *sk = sink_make(1);
	struct imported it;

	(void)state;
	put_op(sk, TRACE_READ, 0, 1, 1, 100000);
	put_op(sk, TRACE_READ, 0, 1, 1, 7);
	put_op(sk, TRACE_READ, 0, 1, 1, 100000);
	finish(sk, &plain, &it);
	events_are(&it, "read 1 1 0 4096\nread 1 2 0 4096\nread 1 1 0 4096\n");
	imported_fini(&it);
}

static void
files_not_wanted_leave_no_trace(void **state)
{
	struct sink *sk = sink_make(2);
	struct imported it;

	(void)state;
	sink_info(sk, 1)->si_wanted = false;
	put_op(sk, TRACE_READ, 5, 1, 1, 1);
	put_op(sk, TRACE_READ, 6, 1, 2, 2);
	put_op(sk, TRACE_SYNC, 7, 9, 0, 0);
	finish(sk, &plain, &it);
	files_are("out.uvt", "65536 /tmp/f2\n");
	events_are(&it, "t 6 read 1 1 0 4096\nt 7 sync 0 0 0 4096\n");
	imported_fini(&it);
}

static void
counts_are_of_the_events_put(void **state)
{
	struct sink *sk = sink_make(2);

	(void)state;
	put_op(sk, TRACE_READ, 0, 1, 1, 1);
	put_op(sk, TRACE_READ, 0, 1, 1, 1);
	assert_int_equal(sink_info(sk, 1)->si_count, 2);
	assert_int_equal(sink_info(sk, 2)->si_count, 0);
	sink_destroy(sk);
}

static void
time_that_goes_back_stands_still(void **state)
{
	struct sink *sk = sink_make(1);
	struct imported it;

	(void)state;
	put_op(sk, TRACE_PREAD, 50, 1, 1, 0);
	put_op(sk, TRACE_PREAD, 40, 1, 1, 0);
	put_op(sk, TRACE_PREAD, 45, 1, 1, 0);
	put_op(sk, TRACE_PREAD, 60, 1, 1, 0);
	finish(sk, &plain, &it);
	events_are(&it,
	    "t 50 pread 1 0 0 4096\nt 50 pread 1 0 0 4096\n"
	    "t 50 pread 1 0 0 4096\nt 60 pread 1 0 0 4096\n");
	imported_fini(&it);
}

static void
rebased_the_first_event_kept_is_at_0(void **state)
{
	const struct sink_param sp = { .sp_rebase = true };
	struct sink *sk = sink_make(2);
	struct imported it;

	(void)state;
	sink_info(sk, 1)->si_wanted = false;
	put_op(sk, TRACE_FORK, 10, 77, 0, 0);
	put_op(sk, TRACE_PREAD, 100, 1, 1, 0);
	put_op(sk, TRACE_PREAD, 150, 1, 2, 0);
	put_op(sk, TRACE_PREAD, 170, 1, 2, 0);
	finish(sk, &sp, &it);
	events_are(&it, "t 0 pread 1 0 0 4096\nt 20 pread 1 0 0 4096\n");
	imported_fini(&it);
}

static void
processes_that_only_come_and_go_are_left_out(void **state)
{
	struct sink *sk = sink_make(2);
	struct imported it;

	(void)state;
	sink_info(sk, 2)->si_wanted = false;
	put_op(sk, TRACE_FORK, 1, 10, 0, 0);
	put_op(sk, TRACE_FORK, 2, 11, 0, 0);
	put_op(sk, TRACE_FORK, 3, 12, 0, 0);
	put_op(sk, TRACE_PREAD, 4, 10, 1, 0);
	put_op(sk, TRACE_PREAD, 5, 12, 2, 0);
	put_op(sk, TRACE_EXIT, 6, 12, 0, 0);
	put_op(sk, TRACE_EXIT, 7, 11, 0, 0);
	put_op(sk, TRACE_EXIT, 8, 10, 0, 0);
	finish(sk, &plain, &it);
	events_are(&it,
	    "t 1 fork 0 0 0 4096\nt 4 pread 1 0 0 4096\nt 8 exit 0 0 0 4096\n");
	imported_fini(&it);
}

static void
paths_are_one_line_and_may_lose_their_folders(void **state)
{
	const struct sink_param sp = { .sp_base_names = true };
	struct sink *sk = sink_make(3);
	struct imported it;

	(void)state;
	free(sink_info(sk, 2)->si_path);
	sink_info(sk, 2)->si_path = strdup("no folder, a\nnew\rline");
	free(sink_info(sk, 3)->si_path);
	sink_info(sk, 3)->si_path = NULL;
	for (uint32_t i = 1; i <= 3; i++)
		put_op(sk, TRACE_PREAD, 0, 1, i, 0);
	finish(sk, &sp, &it);
	files_are("out.uvt", "65536 f1\n65536 no folder, a?new?line\n65536 \n");
	imported_fini(&it);
}

static void
the_preamble_says_what_it_is_told(void **state)
{
	const struct sink_param sp = {
		.sp_window = TRACE_INF,
		.sp_mode = "kernel",
		.sp_clock = TRACE_CLOCK_VIRTUAL,
		.sp_lost = 12,
		.sp_notes = "#one\n#two words\n",
	};
	struct sink *sk = sink_make(1);
	struct imported it;

	(void)state;
	put_op(sk, TRACE_PREAD, 0, 1, 1, 0);
	finish(sk, &sp, &it);
	head_has("#page 4096");
	head_has("#window inf");
	head_has("#mode kernel");
	head_has("#clock virtual");
	head_has("#lost 12");
	head_has("#one");
	head_has("#two words");
	imported_fini(&it);
}

static void
files_with_a_map_are_attached_whole_at_first(void **state)
{
	struct sink *sk = sink_make(3);
	struct imported it;

	(void)state;
	sink_info(sk, 1)->si_map = 5;
	sink_info(sk, 2)->si_map = 9;
	sink_info(sk, 2)->si_size = 0;
	sink_info(sk, 3)->si_map = 10; /* which has no event */
	put_op(sk, TRACE_READ, 30, 8, 2, 9);
	put_op(sk, TRACE_READ, 31, 7, 1, 5);
	finish(sk, &plain, &it);
	events_are(&it,
	    "t 30 attach 2 2 0 65536 r|w|shared|maxw\n"
	    "t 30 attach 1 1 0 4096 r|w|shared|maxw\n"
	    "t 30 read 1 1 0 4096\nt 31 read 2 2 0 4096\n");
	/* By the process that used it first. */
	assert_int_equal(it.it_ev[0].te_pid, 7);
	assert_int_equal(it.it_ev[1].te_pid, 8);
	imported_fini(&it);
}

static void
events_come_back_as_they_were(void **state)
{
	struct dice d = { dice_seed() };
	const size_t n = 20000;
	struct trace_event *ev;
	struct sink *sk;
	struct imported it;

	(void)state;
	ev = events_random(&d, n, 1);
	sk = sink_make(1);
	for (size_t i = 0; i < n; i++) {
		ev[i].te_pid = 1;
		if (ev[i].te_map != 0)
			ev[i].te_map = 1;
		put(sk, &ev[i]);
	}
	finish(sk, &plain, &it);
	assert_int_equal(it.it_n, n);
	assert_memory_equal(it.it_ev, ev, n * sizeof(*ev));
	imported_fini(&it);
	free(ev);
}

static unsigned
files_here(void)
{
	unsigned n = 0;
	DIR *dir = opendir(".");

	assert_non_null(dir);
	for (const struct dirent *de; (de = readdir(dir)) != NULL;)
		n += de->d_name[0] != '.' || strlen(de->d_name) > 2;
	must(closedir(dir));
	return n;
}

static void
without_finish_no_file_is_left(void **state)
{
	struct sink *sk = sink_make(1);

	(void)state;
	for (int i = 0; i < 10000; i++)
		put_op(sk, TRACE_PREAD, 0, 1, 1, 0);
	sink_destroy(sk);
	sink_destroy(NULL);
	assert_int_equal(files_here(), 0);
}

static void
where_nothing_can_be_written_is_said_at_once(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct sink *sk;

	(void)state;
	assert_int_equal(sink_create("no/such/out.uvt", &sk, &em), ENOENT);
	assert_non_null(strstr(em.em_text, "no/such/out.uvt"));
}

int
main(void)
{
#define T(test)                                                                \
	cmocka_unit_test_setup_teardown(test, tracetest_setup,                 \
	    tracetest_teardown)
	const struct CMUnitTest tests[] = {
		T(files_are_numbered_in_the_order_of_their_first_event),
		T(maps_are_numbered_in_the_order_of_their_first_event),
		T(files_not_wanted_leave_no_trace),
		T(counts_are_of_the_events_put),
		T(time_that_goes_back_stands_still),
		T(rebased_the_first_event_kept_is_at_0),
		T(processes_that_only_come_and_go_are_left_out),
		T(paths_are_one_line_and_may_lose_their_folders),
		T(the_preamble_says_what_it_is_told),
		T(files_with_a_map_are_attached_whole_at_first),
		T(events_come_back_as_they_were),
		T(without_finish_no_file_is_left),
		T(where_nothing_can_be_written_is_said_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
