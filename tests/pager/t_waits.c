/*
 * What the observer hears of waits and of I/O under way, and uvm_poll().
 */
#include "tests/pager/core.h"

#include <string.h>

/* What was heard; the clock counts how often it is read. */
static struct {
	uint64_t h_count[UVM_NWAITS], h_time[UVM_NWAITS];
	uint64_t h_end;	 /* of the last wait */
	int h_depth;	 /* I/Os under way */
	int h_most;	 /* of those */
	unsigned h_told; /* times that uo_depth was called */
	uint64_t h_now;
	const struct uvm *h_uvm;
	struct uvm_calls h_calls; /* at the beginning */
} heard;

static uint64_t
ticking(void)
{

	return ++heard.h_now;
}

static void
hear_wait(void *arg, enum uvm_waitkind kind, uint64_t begin, uint64_t end)
{

	assert_ptr_equal(arg, &heard);
	assert_true(begin > heard.h_end); /* one at a time */
	assert_true(end > begin);
	heard.h_end = end;
	heard.h_count[kind]++;
	heard.h_time[kind] += end - begin;
}

static void
hear_depth(void *arg, int change, uint64_t now)
{

	assert_ptr_equal(arg, &heard);
	assert_int_equal(now, heard.h_now);
	assert_true(change == 1 || change == -1);
	heard.h_depth += change;
	assert_true(heard.h_depth >= 0);
	if (heard.h_depth > heard.h_most)
		heard.h_most = heard.h_depth;
	heard.h_told++;
}

/* Page I/Os within calls since then. */
static struct uvm_calls
calls(void)
{
	struct uvm_calls uc = uvm_calls(heard.h_uvm);

	uc.uc_waited.n -= heard.h_calls.uc_waited.n;
	uc.uc_waited.time -= heard.h_calls.uc_waited.time;
	uc.uc_alone.n -= heard.h_calls.uc_alone.n;
	uc.uc_alone.time -= heard.h_calls.uc_alone.time;
	return uc;
}

/* From here on all is heard. */
static void
listen(const struct lab *lab)
{

	(void)memset(&heard, 0, sizeof(heard));
	heard.h_uvm = lab->uvm;
	heard.h_calls = uvm_calls(lab->uvm);
	uvm_observe(lab->uvm,
	    &(struct uvm_observer){ .uo_arg = &heard,
		.uo_clock = ticking,
		.uo_wait = hear_wait,
		.uo_depth = hear_depth });
}

/* A file of so many pages, mapped, all dirty. */
static void
start(struct lab *lab, const char *settings, uint64_t npages,
    const struct uvm_backend *be)
{

	lab_open_dirty(lab, settings, npages, be);
	listen(lab);
}

/* Waits by kind, in the order of the table. */
static void
assert_waits(uint64_t lock, uint64_t page, uint64_t memory, uint64_t device)
{

	assert_int_equal(heard.h_count[UVM_WAIT_LOCK], lock);
	assert_int_equal(heard.h_count[UVM_WAIT_PAGE], page);
	assert_int_equal(heard.h_count[UVM_WAIT_MEMORY], memory);
	assert_int_equal(heard.h_count[UVM_WAIT_DEVICE] + calls().uc_waited.n,
	    device);
}

static void
io_within_a_call_is_a_wait_for_the_device(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL, 40, &recorder_backend);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_ios(&lab.rec, "w(0,16) w(16,16) w(32,8)");
	assert_waits(0, 0, 0, 3);
	/* Nothing else was under way: it is added up, and not told. */
	assert_int_equal(calls().uc_alone.n, 3);
	assert_int_equal(calls().uc_alone.time, 3);
	assert_int_equal(calls().uc_waited.time, 3);
	assert_int_equal(heard.h_told, 0);
	lab_close(&lab);
}

static void
io_of_an_instant_backend_is_counted_and_takes_no_time(void **state)
{
	struct uvm_backend be = recorder_backend;
	struct lab lab;

	(void)state;
	be.be_flags |= UVM_BE_INSTANT;
	start(&lab, NULL, 40, &be);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_ios(&lab.rec, "w(0,16) w(16,16) w(32,8)");
	assert_waits(0, 0, 0, 3);
	assert_int_equal(calls().uc_waited.time, 0);
	assert_int_equal(calls().uc_alone.n, 3);
	assert_int_equal(calls().uc_alone.time, 0);
	lab_close(&lab);
}

static void
io_within_a_call_beside_what_is_under_way_is_told(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on", 40, &recorder_async_backend);
	lab_file(&lab, 2, PG);
	lab_map(&lab, 2, 2, MAP_RW);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	assert_int_equal(heard.h_depth, 3);
	assert_int_equal(lab_read(&lab, 2, 0), UVM_MISS);
	assert_int_equal(calls().uc_waited.n, 1);
	assert_int_equal(calls().uc_alone.n, 0);
	assert_int_equal(heard.h_most, 4);
	lab.rec.rec_lazy = false;
	lab_end(&lab);
	assert_int_equal(heard.h_depth, 0);
	lab_close(&lab);
}

static void
so_are_calls_on_the_file(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL, 1, &recorder_backend);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_waits(0, 0, 0, 1);
	must(uvm_sys_fsync(lab.uvm, 1));
	assert_waits(0, 0, 0, 2);
	assert_int_equal(lab.rec.rec_nsync, 1);
	must(uvm_sys_pread(lab.uvm, 1, 0, 100, NULL, NULL));
	assert_waits(0, 0, 0, 3);
	must(uvm_sys_pwrite(lab.uvm, 1, 0, 100, NULL));
	assert_waits(0, 0, 0, 4);
	must(uvm_sys_truncate(lab.uvm, 1, 10));
	assert_waits(0, 0, 0, 5);
	lab_close(&lab);
}

static void
io_that_is_started_is_under_way_and_no_wait(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on", 40, &recorder_async_backend);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	assert_waits(0, 0, 0, 0);
	assert_int_equal(heard.h_depth, 3);
	lab.rec.rec_lazy = false;
	lab_end(&lab);
	assert_waits(0, 0, 0, 0);
	assert_int_equal(heard.h_depth, 0);
	assert_int_equal(heard.h_most, 3);
	assert_int_equal(heard.h_told, 6);
	lab_close(&lab);
}

static void
what_was_not_begun_is_not_under_way(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on", 16, &recorder_async_backend);
	lab.rec.rec_refuse = 1;
	must(uvm_sys_msync(lab.uvm, 1, 0, 0, UVM_MS_ASYNC));
	assert_int_equal(lab.rec.rec_refuse, 0);
	/* The rest of the flush began. */
	assert_true(lab.rec.rec_nflying > 0);
	assert_int_equal(heard.h_depth, lab.rec.rec_nflying);
	/* It was, for as long as it took to be refused. */
	assert_int_equal(heard.h_told, lab.rec.rec_nflying + 2);
	lab_close(&lab);
}

static void
a_store_to_a_page_under_way_waits_for_the_page(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on", 16, &recorder_async_backend);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	assert_int_equal(lab_write(&lab, 1, 3), UVM_MISS);
	assert_waits(0, 1, 0, 0);
	lab_close(&lab);
}

static void
a_drain_waits_for_the_device(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on", 16, &recorder_async_backend);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	/* It waits for the write that is under way, then cuts the file. */
	must(uvm_sys_truncate(lab.uvm, 1, 8 * PG));
	assert_int_equal(lab.rec.rec_nflying, 0);
	assert_waits(0, 0, 0, 2);
	lab_close(&lab);
}

static void
a_descriptor_that_is_lacking_is_waited_for_as_the_device(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on io_depth=1", 32, &recorder_async_backend);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	assert_rise(&lab, depth_waits, 1);
	assert_waits(0, 0, 0, 1);
	lab_close(&lab);
}

/* The daemon's own waits are within that for memory. */
static void
a_wait_within_a_wait_is_part_of_it(void **state)
{
	struct lab lab;
	uint64_t pgno;

	(void)state;
	lab_open(&lab, "memory=400K daemon_rule=wait");
	lab_file(&lab, 1, 256 * PG);
	lab_map(&lab, 1, 1, MAP_RW);
	lab_mark(&lab);
	listen(&lab);
	for (pgno = 0; pgno < 256; pgno++)
		(void)lab_write(&lab, 1, pgno);
	assert_int_equal(heard.h_count[UVM_WAIT_MEMORY],
	    uvm_stat(lab.uvm)->memory_waits);
	assert_true(heard.h_count[UVM_WAIT_MEMORY] > 0);
	assert_true(uvm_stat(lab.uvm)->pageout_ios > 0);
	/* Page-ins alone are waits of their own. */
	assert_int_equal(calls().uc_waited.n, uvm_stat(lab.uvm)->pagein_ios);
	assert_int_equal(calls().uc_alone.n,
	    uvm_stat(lab.uvm)->pagein_ios + uvm_stat(lab.uvm)->pageout_ios);
	lab_close(&lab);
}

static void
poll_finishes_what_is_over_and_waits_for_nothing(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on", 40, &recorder_async_backend);
	assert_false(uvm_poll(lab.uvm));
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	assert_true(uvm_poll(lab.uvm));
	assert_rise(&lab, aiodones, 0);
	assert_int_equal(lab.rec.rec_nflying, 3);
	lab.rec.rec_lazy = false;
	assert_false(uvm_poll(lab.uvm));
	assert_rise(&lab, aiodones, 3);
	assert_waits(0, 0, 0, 0);
	assert_gauge(&lab, dirty, 0);
	assert_false(uvm_poll(lab.uvm));
	lab_check(&lab);
	lab_close(&lab);
}

static void
kinds_have_names_and_help(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < UVM_NWAITS; i++) {
		assert_true(strlen(uvm_wait_table[i].uw_name) > 0);
		assert_true(strlen(uvm_wait_table[i].uw_help) > 0);
	}
	assert_string_equal(uvm_wait_table[UVM_WAIT_MEMORY].uw_name, "memory");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(io_within_a_call_is_a_wait_for_the_device),
		cmocka_unit_test(
		    io_of_an_instant_backend_is_counted_and_takes_no_time),
		cmocka_unit_test(
		    io_within_a_call_beside_what_is_under_way_is_told),
		cmocka_unit_test(so_are_calls_on_the_file),
		cmocka_unit_test(io_that_is_started_is_under_way_and_no_wait),
		cmocka_unit_test(what_was_not_begun_is_not_under_way),
		cmocka_unit_test(
		    a_store_to_a_page_under_way_waits_for_the_page),
		cmocka_unit_test(a_drain_waits_for_the_device),
		cmocka_unit_test(
		    a_descriptor_that_is_lacking_is_waited_for_as_the_device),
		cmocka_unit_test(a_wait_within_a_wait_is_part_of_it),
		cmocka_unit_test(
		    poll_finishes_what_is_over_and_waits_for_nothing),
		cmocka_unit_test(kinds_have_names_and_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
