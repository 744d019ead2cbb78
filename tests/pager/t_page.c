/* Frames, the page hash and the page queues: docs/semantics.md, section 2. */
#include "tests/pager/core.h"

#define FRAMES 128U

/* A machine of 128 frames, a file larger than it, its object attached. */
static void
start(struct lab *lab, const char *settings)
{

	lab_open(lab, settings);
	lab_file(lab, 1, 300 * PG);
	lab_map(lab, 1, 1, MAP_RW);
	lab_mark(lab);
}

static struct vm_page *
alloc(struct lab *lab, uint32_t file, uint64_t pgno)
{
	struct uvm_object *const uobj = core_object(lab, file);
	struct vm_page *pg;

	OBJ_LOCK(lab->uvm, uobj);
	pg = uvm_pagealloc(lab->uvm, uobj, pgno);
	OBJ_UNLOCK(lab->uvm, uobj);
	return pg;
}

static void
release(struct lab *lab, struct vm_page *pg)
{
	struct uvm_object *const uobj = page_object(lab->uvm, pg);

	OBJ_LOCK(lab->uvm, uobj);
	uvm_lock_pageq(lab->uvm);
	uvm_pagefree(lab->uvm, pg);
	uvm_unlock_pageq(lab->uvm);
	OBJ_UNLOCK(lab->uvm, uobj);
}

static void
activate(struct lab *lab, struct vm_page *pg)
{

	uvm_lock_pageq(lab->uvm);
	uvm_pageactivate(lab->uvm, pg);
	uvm_unlock_pageq(lab->uvm);
}

static void
deactivate(struct lab *lab, struct vm_page *pg)
{

	uvm_lock_pageq(lab->uvm);
	uvm_pagedeactivate(lab->uvm, pg);
	uvm_unlock_pageq(lab->uvm);
}

static uint32_t
frame_of(const struct lab *lab, const struct vm_page *pg)
{

	return link_frame(page_link(lab->uvm, pg));
}

static void
the_free_list_is_first_in_first_out_with_unused_frames_first(void **state)
{
	struct vm_page *pg[FRAMES + 1];
	struct lab lab;
	uint32_t i;

	(void)state;
	start(&lab, "memory=512K");
	for (i = 1; i <= 100; i++) {
		pg[i] = alloc(&lab, 1, i);
		assert_int_equal(frame_of(&lab, pg[i]), i);
	}
	release(&lab, pg[7]);
	release(&lab, pg[3]);
	release(&lab, pg[50]);
	for (i = 101; i <= FRAMES; i++) {
		release(&lab, alloc(&lab, 1, 200));
	}
	/* 101..128 were used and freed behind 7, 3 and 50. */
	assert_int_equal(frame_of(&lab, alloc(&lab, 1, 201)), 7);
	assert_int_equal(frame_of(&lab, alloc(&lab, 1, 202)), 3);
	assert_int_equal(frame_of(&lab, alloc(&lab, 1, 203)), 50);
	assert_int_equal(frame_of(&lab, alloc(&lab, 1, 204)), 101);
	assert_int_equal(frame_of(&lab, alloc(&lab, 1, 205)), 102);
	lab_close(&lab);
}

static void
a_new_page_is_busy_clean_fake_and_on_no_queue(void **state)
{
	struct vm_page *pg;
	struct lab lab;

	(void)state;
	start(&lab, NULL);
	pg = alloc(&lab, 1, 9);
	assert_int_equal(pg->flags, PG_BUSY | PG_CLEAN | PG_FAKE | PG_TABLED);
	assert_int_equal(pg->pqflags, 0);
	assert_int_equal(page_rare(lab.uvm, pg)->wire_count, 0);
	assert_int_equal(page_pgno(pg), 9);
	assert_ptr_equal(page_object(lab.uvm, pg), core_object(&lab, 1));
	assert_int_equal(core_object(&lab, 1)->uo_npages, 1);
	assert_rise(&lab, free, -1);
	lab_close(&lab);
}

static void
allocation_fails_within_the_kernels_reserve(void **state)
{
	struct lab lab;
	uint64_t n;

	(void)state;
	start(&lab, "memory=512K");
	for (n = 0; alloc(&lab, 1, n) != NULL; n++)
		continue;
	assert_int_equal(n, FRAMES - 5);
	assert_gauge(&lab, free, 5);
	assert_rise(&lab, alloc_failures, 1);
	assert_null(alloc(&lab, 1, n));
	assert_rise(&lab, alloc_failures, 2);
	lab_close(&lab);
}

static void
allocation_wakes_the_daemon_by_the_count_before_it(void **state)
{
	struct lab lab;
	uint64_t n;

	(void)state;
	start(&lab, "memory=512K");
	assert_int_equal(lab.up.freemin, 6);
	assert_int_equal(lab.up.freetarg, 8);
	/* Down to 6 free, which is not below freemin. */
	for (n = 0; n < FRAMES - 5; n++) {
		assert_non_null(alloc(&lab, 1, n));
		assert_false(lab.uvm->hot.uh_due);
	}
	assert_null(alloc(&lab, 1, n));
	assert_true(lab.uvm->hot.uh_due);
	lab_close(&lab);
}

static void
allocation_wakes_the_daemon_when_inactive_pages_are_short(void **state)
{
	struct lab lab;
	uint64_t n;

	(void)state;
	start(&lab, "memory=512K");
	lab.uvm->inactarg = 1;
	for (n = 0; n < FRAMES - 8; n++)
		assert_non_null(alloc(&lab, 1, n));
	assert_non_null(alloc(&lab, 1, n++));
	assert_false(lab.uvm->hot.uh_due);
	/* 7 free: below freetarg, and less than 1 page is inactive. */
	assert_non_null(alloc(&lab, 1, n++));
	assert_true(lab.uvm->hot.uh_due);
	lab_close(&lab);
}

static void
version_rises_with_removal_and_wraps(void **state)
{
	struct vm_page *pg;
	struct lab lab;
	uint16_t version;

	(void)state;
	start(&lab, NULL);
	pg = alloc(&lab, 1, 0);
	version = page_rare(lab.uvm, pg)->version;
	release(&lab, pg);
	assert_int_equal(page_rare(lab.uvm, pg)->version, version + 1);
	pg = alloc(&lab, 1, 0);
	page_rare(lab.uvm, pg)->version = UINT16_MAX;
	release(&lab, pg);
	assert_int_equal(page_rare(lab.uvm, pg)->version, 0);
	lab_close(&lab);
}

static void
hash_chains_grow_at_the_tail_and_survive_removal(void **state)
{
	struct vm_page *pg[6];
	struct lab lab;
	uint64_t i;

	(void)state;
	start(&lab, "hash_buckets=1");
	for (i = 0; i < 6; i++)
		pg[i] = alloc(&lab, 1, 10 * i);
	assert_int_equal(lab.uvm->mem.pm_bucket[0].ph_head,
	    page_link(lab.uvm, pg[0]));
	for (i = 0; i < 5; i++)
		assert_int_equal(pg[i]->hashq, page_link(lab.uvm, pg[i + 1]));
	assert_int_equal(pg[5]->hashq, 0);

	release(&lab, pg[0]);
	release(&lab, pg[3]);
	release(&lab, pg[5]);
	assert_int_equal(lab.uvm->mem.pm_bucket[0].ph_head,
	    page_link(lab.uvm, pg[1]));
	assert_int_equal(pg[2]->hashq, page_link(lab.uvm, pg[4]));
	assert_int_equal(pg[4]->hashq, 0);
	assert_null(core_page(&lab, 1, 30));
	assert_ptr_equal(core_page(&lab, 1, 40), pg[4]);
	assert_order(core_memq(&lab, 1), "10 20 40");
	lab_close(&lab);
}

static void
bucket_is_object_number_times_stride_plus_page(void **state)
{
	const struct vm_page *pg;
	struct lab lab;

	(void)state;
	start(&lab, "memory=512K hash_stride=10");
	lab_file(&lab, 2, 300 * PG);
	lab_map(&lab, 2, 2, MAP_R);
	assert_int_equal(lab.up.hash_buckets, 128);
	pg = alloc(&lab, 1, 3);
	assert_int_equal(lab.uvm->mem.pm_bucket[13].ph_head,
	    page_link(lab.uvm, pg));
	pg = alloc(&lab, 2, 120);
	assert_int_equal(lab.uvm->mem.pm_bucket[(20 + 120) & 127].ph_head,
	    page_link(lab.uvm, pg));
	/* The same page number of another object is another page. */
	assert_null(core_page(&lab, 2, 3));
	lab_close(&lab);
}

static void
lookup_finds_busy_pages_and_counts(void **state)
{
	struct uvm_object *uobj;
	struct vm_page *pg;
	struct lab lab;

	(void)state;
	start(&lab, NULL);
	pg = alloc(&lab, 1, 4);
	uobj = core_object(&lab, 1);
	OBJ_LOCK(lab.uvm, uobj);
	assert_ptr_equal(uvm_pagelookup(lab.uvm, uobj, 4), pg);
	assert_null(uvm_pagelookup(lab.uvm, uobj, 5));
	OBJ_UNLOCK(lab.uvm, uobj);
	assert_rise(&lab, lookups, 2);
	lab_close(&lab);
}

static void
activation_moves_a_page_to_the_tail(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL);
	lab_scan(&lab, 1, 0, 3, UVM_ACCESS_READ);
	assert_active(&lab, "0 1 2 3");
	activate(&lab, core_page(&lab, 1, 1));
	assert_active(&lab, "0 2 3 1");
	assert_gauge(&lab, active, 4);
	lab_check(&lab);
	lab_close(&lab);
}

static void
deactivation_forgets_references_and_learns_of_stores(void **state)
{
	struct vm_page *pg;
	struct lab lab;

	(void)state;
	start(&lab, NULL);
	lab_scan(&lab, 1, 0, 2, UVM_ACCESS_WRITE);
	pg = core_page(&lab, 1, 1);
	assert_true((pg->flags & PG_CLEAN) != 0);
	pmap_page_protect(lab.uvm, pg, 0);
	deactivate(&lab, pg);
	assert_true((pg->flags & PG_CLEAN) == 0);
	assert_false(pmap_is_referenced(lab.uvm, pg));
	assert_true(pmap_is_modified(lab.uvm, pg));
	assert_inactive(&lab, "1");
	assert_active(&lab, "0 2");

	/* Once more, and behind another: it keeps its place. */
	pmap_page_protect(lab.uvm, core_page(&lab, 1, 0), 0);
	deactivate(&lab, core_page(&lab, 1, 0));
	deactivate(&lab, pg);
	assert_inactive(&lab, "1 0");
	assert_gauge(&lab, inactive, 2);
	lab_check(&lab);
	activate(&lab, pg);
	assert_active(&lab, "2 1");
	lab_check(&lab);
	lab_close(&lab);
}

static void
a_wired_page_is_on_no_queue_until_the_last_unwire(void **state)
{
	struct vm_page *pg;
	struct lab lab;

	(void)state;
	start(&lab, NULL);
	lab_scan(&lab, 1, 0, 2, UVM_ACCESS_READ);
	pg = core_page(&lab, 1, 0);
	core_wire(&lab, pg);
	core_wire(&lab, pg);
	assert_gauge(&lab, wired, 1);
	assert_active(&lab, "1 2");
	activate(&lab, pg);
	assert_active(&lab, "1 2");
	lab_check(&lab);
	core_unwire(&lab, pg);
	assert_active(&lab, "1 2");
	core_unwire(&lab, pg);
	assert_active(&lab, "1 2 0");
	assert_gauge(&lab, wired, 0);
	lab_check(&lab);
	lab_close(&lab);
}

static void
freeing_takes_a_page_off_queue_hash_and_list(void **state)
{
	struct vm_page *pg;
	struct lab lab;

	(void)state;
	start(&lab, NULL);
	lab_scan(&lab, 1, 0, 2, UVM_ACCESS_READ);
	pg = core_page(&lab, 1, 1);
	core_wire(&lab, pg);
	pmap_page_protect(lab.uvm, pg, 0);
	release(&lab, pg);
	assert_gauge(&lab, wired, 0);
	assert_null(core_page(&lab, 1, 1));
	assert_order(core_memq(&lab, 1), "0 2");
	assert_int_equal(pg->pqflags, PQ_FREE);
	lab_check(&lab);
	lab_close(&lab);
}

static void
check_names_the_broken_invariant(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct lab lab;

	(void)state;
	start(&lab, NULL);
	lab_scan(&lab, 1, 0, 2, UVM_ACCESS_WRITE);
	lab.uvm->hot.uh_exp.active++;
	assert_int_not_equal(uvm_check(lab.uvm, &em), 0);
	assert_string_equal(em.em_text, "queue 0x4: 3 pages, counted 4");
	lab.uvm->hot.uh_exp.active--;
	core_page(&lab, 1, 1)->nmaps++;
	em.em_text[0] = '\0';
	assert_int_not_equal(uvm_check(lab.uvm, &em), 0);
	assert_string_equal(em.em_text,
	    "object 1 page 1: 1 mappings, counted 2");
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_free_list_is_first_in_first_out_with_unused_frames_first),
		cmocka_unit_test(a_new_page_is_busy_clean_fake_and_on_no_queue),
		cmocka_unit_test(allocation_fails_within_the_kernels_reserve),
		cmocka_unit_test(
		    allocation_wakes_the_daemon_by_the_count_before_it),
		cmocka_unit_test(
		    allocation_wakes_the_daemon_when_inactive_pages_are_short),
		cmocka_unit_test(version_rises_with_removal_and_wraps),
		cmocka_unit_test(
		    hash_chains_grow_at_the_tail_and_survive_removal),
		cmocka_unit_test(
		    bucket_is_object_number_times_stride_plus_page),
		cmocka_unit_test(lookup_finds_busy_pages_and_counts),
		cmocka_unit_test(activation_moves_a_page_to_the_tail),
		cmocka_unit_test(
		    deactivation_forgets_references_and_learns_of_stores),
		cmocka_unit_test(
		    a_wired_page_is_on_no_queue_until_the_last_unwire),
		cmocka_unit_test(freeing_takes_a_page_off_queue_hash_and_list),
		cmocka_unit_test(check_names_the_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
