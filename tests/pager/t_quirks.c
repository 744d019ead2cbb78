/*
 * The quirks of docs/semantics.md, section 11, that show in what system calls
 * return, count or write: each as it was and fixed.
 */
#include "tests/pager/lab.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A fresh machine with a file of npages, mapped as map 1. */
static void
start(struct lab *lab, const char *settings, uint64_t npages, unsigned flags)
{

	lab_open(lab, settings);
	lab_file(lab, 1, npages * PG);
	lab_map(lab, 1, 1, flags);
	lab_mark(lab);
}

static void
profile_settles_every_quirk_and_one_may_differ(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct uvm_param old, new, one;
	size_t i;

	(void)state;
	lab_param(&old, "profile=1998");
	lab_param(&new, "profile=modern");
	lab_param(&one, "profile=modern q6_eof_page=faithful");
	must_em(uvm_param_resolve(&old, &em), &em);
	must_em(uvm_param_resolve(&new, &em), &em);
	must_em(uvm_param_resolve(&one, &em), &em);
	for (i = 0; i < uvm_param_count; i++) {
		const struct tunable *const tn = &uvm_param_table[i];

		if (tn->tn_kind != TUN_QUIRK)
			continue;
		assert_int_equal(tunable_get(tn, &old), QUIRK_FAITHFUL);
		assert_int_equal(tunable_get(tn, &new), QUIRK_FIXED);
		assert_int_equal(tunable_get(tn, &one),
		    strcmp(tn->tn_name, "q6_eof_page") == 0 ? QUIRK_FAITHFUL :
							      QUIRK_FIXED);
	}
}

/* 16 dirty pages, of which page 3 cannot be written; result of the msync. */
static int
msync_with_bad_page(struct lab *lab, const char *settings)
{
	int error;

	start(lab, settings, 16, MAP_RW);
	lab_scan(lab, 1, 0, 15, UVM_ACCESS_WRITE);
	rec_fail(&lab->rec, UVM_WRITE, 1, 3, 3);
	lab_mark(lab);
	error = uvm_sys_msync(lab->uvm, 1, 0, 0, UVM_MS_SYNC);
	lab_end(lab);
	return error;
}

static void
q1_faithful_msync_hides_the_error_and_the_page_is_clean(void **state)
{
	struct lab lab;

	(void)state;
	assert_int_equal(msync_with_bad_page(&lab,
			     "profile=modern q1_error_clean=faithful"),
	    0);
	assert_gauge(&lab, dirty, 0);
	assert_rise(&lab, lost_pages, 1);
	assert_rise(&lab, flush_cleaned, 16);
	lab_close(&lab);
}

static void
q1_fixed_msync_tells_and_a_second_one_tries_again(void **state)
{
	struct lab lab;

	(void)state;
	assert_int_equal(msync_with_bad_page(&lab, "q1_error_clean=fixed"),
	    EIO);
	assert_rise(&lab, pageout_ios, 9);
	assert_rise(&lab, flush_cleaned, 15);
	assert_rise(&lab, lost_pages, 0);
	assert_gauge(&lab, dirty, 1);

	lab_mark(&lab);
	assert_int_equal(uvm_sys_msync(lab.uvm, 1, 0, 0, UVM_MS_SYNC), EIO);
	lab_end(&lab);
	assert_ios(&lab.rec, "w(3,1)!");

	lab_mark(&lab);
	rec_fail(&lab.rec, UVM_WRITE, 0, 0, 0);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_ios(&lab.rec, "w(3,1)");
	assert_gauge(&lab, dirty, 0);
	lab_close(&lab);
}

static void
q1_fixed_msync_invalidate_keeps_what_is_not_written(void **state)
{
	struct lab lab;

	(void)state;
	assert_int_equal(msync_with_bad_page(&lab, "q1_error_clean=fixed"),
	    EIO);
	assert_int_equal(uvm_sys_msync(lab.uvm, 1, 0, 0, UVM_MS_INVALIDATE),
	    EIO);
	lab_end(&lab);
	assert_rise(&lab, lost_pages, 0);
	assert_rise(&lab, free, 15);
	assert_gauge(&lab, dirty, 1);
	lab_close(&lab);
}

static void
q1_fixed_a_page_that_must_go_is_lost_and_counted(void **state)
{
	struct lab lab;

	(void)state;
	assert_int_equal(msync_with_bad_page(&lab, "q1_error_clean=fixed"),
	    EIO);
	lab_unmap(&lab, 1);
	assert_rise(&lab, lost_pages, 1);
	assert_rise(&lab, free, 16);
	assert_gauge(&lab, dirty, 0);
	lab_close(&lab);
}

static void
q2_faithful_msync_is_not_durable(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "profile=modern q2_not_durable=faithful", 4, MAP_RW);
	(void)lab_write(&lab, 1, 0);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_ios(&lab.rec, "r(0,4) w(0,1)");
	assert_int_equal(lab.rec.rec_nsync, 0);
	lab_close(&lab);
}

static void
q2_fixed_msync_is_durable_unless_async(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "q2_not_durable=fixed", 4, MAP_RW);
	(void)lab_write(&lab, 1, 0);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	assert_int_equal(lab.rec.rec_nsync, 0);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_int_equal(lab.rec.rec_nsync, 1);
	lab_msync(&lab, 1, UVM_MS_INVALIDATE);
	assert_int_equal(lab.rec.rec_nsync, 2);
	lab_close(&lab);
}

static void
q4_faithful_reads_one_page_an_io(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "profile=modern q4_single_read=faithful", 64, MAP_R);
	lab_scan(&lab, 1, 0, 63, UVM_ACCESS_READ);
	assert_rise(&lab, misses, 64);
	assert_rise(&lab, pagein_ios, 64);
	lab_close(&lab);
}

/* What a flush said of itself. */
static void
keep_range(void *arg, const struct uvm_flushinfo *fi)
{

	*(uint64_t *)arg = fi->fi_range_pages;
}

/* msync by hash of 64 mapped pages over a file of 16; lookups it took. */
static uint64_t
msync_past_the_end(const char *settings, uint64_t *rangep)
{
	struct lab lab;
	uint64_t lookups;

	lab_open(&lab, settings);
	lab_file(&lab, 1, 16 * PG);
	lab_map_at(&lab, 1, 1, MAP_RW, 0, 64 * PG);
	lab_scan(&lab, 1, 0, 15, UVM_ACCESS_WRITE);
	uvm_observe(lab.uvm,
	    &(struct uvm_observer){ .uo_arg = rangep, .uo_flush = keep_range });
	lab_mark(&lab);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_ios(&lab.rec, "w(0,16)");
	lookups = rise(&lab, lookups);
	lab_close(&lab);
	return lookups;
}

static void
q5_flush_past_the_end_is_cut_only_when_fixed(void **state)
{
	uint64_t range;

	(void)state;
	/* Two passes, 15 mates, and one below page 0. */
	assert_int_equal(msync_past_the_end("hash_penalty=0", &range),
	    64 + 64 + 15 + 1);
	assert_int_equal(range, 64);
	assert_int_equal(
	    msync_past_the_end("hash_penalty=0 q5_out_of_range=fixed", &range),
	    16 + 16 + 15 + 1);
	assert_int_equal(range, 16);
}

/* Lock violations of one unmap that lets the pages persist. */
static uint64_t
persist_violations(const char *settings)
{
	struct lab lab;
	uint64_t n;

	start(&lab, settings, 4, MAP_R);
	(void)lab_read(&lab, 1, 0);
	lab_unmap(&lab, 1);
	assert_rise(&lab, persists, 1);
	n = rise(&lab, lock_violations);
	lab_close(&lab);
	return n;
}

static void
q7_last_detach_drops_the_vnode_under_the_object_lock(void **state)
{

	(void)state;
	assert_int_equal(persist_violations(
			     "profile=modern q7_vrele_locked=faithful"),
	    1);
	assert_int_equal(persist_violations("q7_vrele_locked=fixed"), 0);
}

static void
q15_faithful_every_sync_visits_a_clean_mapped_file(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "profile=modern q15_rescan_clean=faithful", 16, MAP_RW);
	lab_scan(&lab, 1, 0, 15, UVM_ACCESS_WRITE);
	lab_sync(&lab);
	lab_mark(&lab);
	lab_sync(&lab);
	lab_sync(&lab);
	assert_rise(&lab, list_visits, 2 * 32);
	assert_rise(&lab, syncs, 2);
	assert_int_equal(lab.rec.rec_nio, 0);
	lab_close(&lab);
}

static void
q15_fixed_sync_passes_over_a_file_that_cannot_be_dirty(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "q15_rescan_clean=fixed", 16, MAP_RW);
	lab_scan(&lab, 1, 0, 15, UVM_ACCESS_WRITE);
	lab_sync(&lab);
	assert_gauge(&lab, dirty, 0);
	lab_mark(&lab);
	lab_sync(&lab);
	assert_rise(&lab, flushes, 0);
	assert_rise(&lab, list_visits, 0);

	(void)lab_write(&lab, 1, 5);
	lab_sync(&lab);
	assert_ios(&lab.rec, "w(5,1)");
	lab_close(&lab);
}

static void
q15_fixed_sync_sees_stores_that_no_fault_told_of(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "q15_rescan_clean=fixed", 16, MAP_RW);
	(void)lab_read(&lab, 1, 5);
	lab_sync(&lab);
	lab_sync(&lab);
	lab_mark(&lab);
	assert_int_equal(lab_write(&lab, 1, 5), UVM_HIT_MAPPED);
	lab_sync(&lab);
	assert_ios(&lab.rec, "w(5,1)");
	lab_close(&lab);
}

static uint64_t
lookups_of_msync_from_page_0(const char *settings)
{
	struct lab lab;
	uint64_t n;

	start(&lab, settings, 64, MAP_RW);
	lab_scan(&lab, 1, 0, 63, UVM_ACCESS_WRITE);
	lab_mark(&lab);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	n = rise(&lab, lookups);
	lab_close(&lab);
	return n;
}

static void
q16_cluster_at_page_0_makes_a_lookup_too_many(void **state)
{

	(void)state;
	assert_int_equal(lookups_of_msync_from_page_0(
			     "profile=modern q16_page0_lookup=faithful"),
	    61);
	assert_int_equal(lookups_of_msync_from_page_0("q16_page0_lookup=fixed"),
	    60);
}

/* A read that fails, and one past the end. */
static void
fail_two_faults(struct lab *lab, const char *settings)
{

	lab_open(lab, settings);
	lab_file(lab, 1, 4 * PG);
	lab_map_at(lab, 1, 1, MAP_R, 0, 8 * PG);
	rec_fail(&lab->rec, UVM_READ, 1, 0, 3);
	assert_int_equal(lab_read(lab, 1, 3), UVM_FAULT_ERROR);
	assert_int_equal(lab_read(lab, 1, 5), UVM_FAULT_BAD);
	/* A forbidden access is SIGSEGV always. */
	assert_int_equal(lab_write(lab, 1, 1), UVM_FAULT_PROT);
	assert_gauge(lab, fault_errors, 3);
	assert_gauge(lab, pagein_errors, 1);
}

static void
q18_failed_page_in_is_sigsegv_or_when_fixed_sigbus(void **state)
{
	struct lab lab;

	(void)state;
	fail_two_faults(&lab, "profile=modern q18_error_segv=faithful");
	assert_gauge(&lab, sigsegv, 3);
	assert_gauge(&lab, sigbus, 0);
	lab_close(&lab);
	fail_two_faults(&lab, "q18_error_segv=fixed");
	assert_gauge(&lab, sigsegv, 1);
	assert_gauge(&lab, sigbus, 2);
	lab_close(&lab);
}

static void
q20_faithful_less_than_100_pages_are_refused(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct uvm_param up;

	(void)state;
	lab_param(&up, "profile=modern q20_small_memory=faithful memory=396K");
	assert_int_equal(uvm_param_resolve(&up, &em), EINVAL);
	assert_non_null(strstr(em.em_text, "100 pages"));
	lab_param(&up, "memory=400K");
	must(uvm_param_resolve(&up, NULL));
	assert_int_equal(up.freemin, 5);
	assert_int_equal(up.freetarg, 6);
}

static void
q20_fixed_64_pages_are_enough(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "q20_small_memory=fixed memory=256K", 200, MAP_RW);
	lab_scan(&lab, 1, 0, 199, UVM_ACCESS_WRITE);
	lab_scan(&lab, 1, 199, 0, UVM_ACCESS_READ);
	assert_true(rise(&lab, pdfreed) > 136);
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    profile_settles_every_quirk_and_one_may_differ),
		cmocka_unit_test(
		    q1_faithful_msync_hides_the_error_and_the_page_is_clean),
		cmocka_unit_test(
		    q1_fixed_msync_tells_and_a_second_one_tries_again),
		cmocka_unit_test(
		    q1_fixed_msync_invalidate_keeps_what_is_not_written),
		cmocka_unit_test(
		    q1_fixed_a_page_that_must_go_is_lost_and_counted),
		cmocka_unit_test(q2_faithful_msync_is_not_durable),
		cmocka_unit_test(q2_fixed_msync_is_durable_unless_async),
		cmocka_unit_test(q4_faithful_reads_one_page_an_io),
		cmocka_unit_test(q5_flush_past_the_end_is_cut_only_when_fixed),
		cmocka_unit_test(
		    q7_last_detach_drops_the_vnode_under_the_object_lock),
		cmocka_unit_test(
		    q15_faithful_every_sync_visits_a_clean_mapped_file),
		cmocka_unit_test(
		    q15_fixed_sync_passes_over_a_file_that_cannot_be_dirty),
		cmocka_unit_test(
		    q15_fixed_sync_sees_stores_that_no_fault_told_of),
		cmocka_unit_test(q16_cluster_at_page_0_makes_a_lookup_too_many),
		cmocka_unit_test(
		    q18_failed_page_in_is_sigsegv_or_when_fixed_sigbus),
		cmocka_unit_test(q20_faithful_less_than_100_pages_are_refused),
		cmocka_unit_test(q20_fixed_64_pages_are_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
