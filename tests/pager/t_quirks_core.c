/*
 * The quirks of docs/semantics.md, section 11, that only calls inside the
 * kernel can reach: each as it was and fixed.
 */
#include "tests/pager/core.h"

#include <errno.h>
#include <string.h>

/* npages dirty pages of file 1 through map 1, faulted in as listed. */
static void
dirty_pages(struct lab *lab, const char *settings, const uint64_t *order,
    size_t npages)
{
	size_t i;

	lab_open(lab, settings);
	lab_file(lab, 1, npages * PG);
	lab_map(lab, 1, 1, MAP_RW);
	for (i = 0; i < npages; i++)
		assert_int_equal(lab_write(lab, 1, order[i]), UVM_MISS);
	lab_mark(lab);
}

#define ONLY_Q3 "profile=modern q4_single_read=faithful q3_center_test=faithful"

static const uint64_t descending[] = { 0, 3, 2, 1 };

#define CLEAN_AND_DEACTIVATE                                                   \
	(PGO_CLEANIT | PGO_DEACTIVATE | PGO_ALLPAGES | PGO_SYNCIO)

static void
q3_active_center_goes_behind_its_mates(void **state)
{
	static const char *const settings[] = {
		ONLY_Q3,
		"q3_center_test=fixed",
	};
	struct lab lab;
	size_t i;

	(void)state;
	for (i = 0; i < nitems(settings); i++) {
		dirty_pages(&lab, settings[i], descending, 4);
		assert_true(core_flush(&lab, 1, 0, 0, CLEAN_AND_DEACTIVATE));
		lab_check(&lab);
		assert_ios(&lab.rec, "w(0,4)");
		assert_inactive(&lab, "1 2 3 0");
		lab_close(&lab);
	}
}

static void
q3_faithful_inactive_center_leaves_its_mates_to_list_order(void **state)
{
	struct lab lab;

	(void)state;
	dirty_pages(&lab, ONLY_Q3, descending, 4);
	(void)core_flush(&lab, 1, 0, PG, PGO_DEACTIVATE);
	assert_true(core_flush(&lab, 1, 0, 0, CLEAN_AND_DEACTIVATE));
	lab_check(&lab);
	assert_ios(&lab.rec, "w(0,4)");
	assert_inactive(&lab, "0 3 2 1");
	lab_close(&lab);
}

static void
q3_fixed_each_page_is_tested_itself(void **state)
{
	struct lab lab;

	(void)state;
	dirty_pages(&lab, "q3_center_test=fixed", descending, 4);
	(void)core_flush(&lab, 1, 0, PG, PGO_DEACTIVATE);
	assert_true(core_flush(&lab, 1, 0, 0, CLEAN_AND_DEACTIVATE));
	lab_check(&lab);
	assert_ios(&lab.rec, "w(0,4)");
	assert_inactive(&lab, "0 1 2 3");
	lab_close(&lab);
}

static void
q3_faithful_a_wired_mate_gets_onto_the_inactive_queue(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct lab lab;

	(void)state;
	dirty_pages(&lab, ONLY_Q3, descending, 4);
	core_wire(&lab, core_page(&lab, 1, 2));
	assert_true(core_flush(&lab, 1, 0, 0, CLEAN_AND_DEACTIVATE));
	assert_int_equal(uvm_check(lab.uvm, &em), EINVAL);
	assert_non_null(strstr(em.em_text, "I9"));
	lab_close(&lab);
}

static void
q3_fixed_a_wired_mate_stays_off_the_queues(void **state)
{
	struct lab lab;

	(void)state;
	dirty_pages(&lab, "q3_center_test=fixed", descending, 4);
	core_wire(&lab, core_page(&lab, 1, 2));
	assert_true(core_flush(&lab, 1, 0, 0, CLEAN_AND_DEACTIVATE));
	lab_check(&lab);
	assert_inactive(&lab, "1 3 0");
	assert_gauge(&lab, wired, 1);
	lab_close(&lab);
}

/* Get pages 0..4, of which page 2 cannot be read, into pps. */
static void
get_with_bad_page(struct lab *lab, const char *settings, struct vm_page **pps)
{
	struct uvm_object *uobj;
	unsigned n = 5;

	lab_open(lab, settings);
	lab_file(lab, 1, 8 * PG);
	lab_map(lab, 1, 1, MAP_R);
	rec_fail(&lab->rec, UVM_READ, 1, 2, 2);
	lab_mark(lab);
	uobj = core_object(lab, 1);
	OBJ_LOCK(lab->uvm, uobj);
	assert_int_equal(uvn_get(lab->uvm, uobj, 0, pps, &n, 0, PGO_ALLPAGES),
	    VM_PAGER_ERROR);
	assert_ios(&lab->rec, "r(0,1) r(1,1) r(2,1)!");
	assert_rise(lab, free, -2);
}

static void
q9_faithful_a_failed_get_leaves_the_earlier_pages_busy(void **state)
{
	struct vm_page *pps[5] = { NULL };
	struct errmsg em = { .em_text = "" };
	struct lab lab;

	(void)state;
	get_with_bad_page(&lab, "q9_get_error_busy=faithful", pps);
	assert_non_null(pps[0]);
	assert_true((pps[0]->flags & PG_BUSY) != 0);
	assert_true((pps[1]->flags & PG_BUSY) != 0);
	assert_null(pps[2]);
	assert_int_equal(uvm_check(lab.uvm, &em), EINVAL);
	lab_close(&lab);
}

static void
q9_fixed_a_failed_get_gives_the_earlier_pages_back(void **state)
{
	struct vm_page *pps[5] = { NULL };
	struct lab lab;

	(void)state;
	get_with_bad_page(&lab, "q9_get_error_busy=fixed", pps);
	lab_check(&lab);
	assert_active(&lab, "0 1");
	lab_close(&lab);
}

/*
 * A persisting object on the writable list, as a writable attach without the
 * uncache of mmap leaves it, is synced; lock violations that it took.
 */
static uint64_t
sync_of_persisting(const char *settings)
{
	struct lab lab;
	uint64_t n;

	lab_open(&lab, settings);
	lab_file(&lab, 1, 4 * PG);
	vnode_get(lab.uvm, core_vnode(&lab, 1));
	uvn_detach(lab.uvm, uvn_attach(lab.uvm, core_vnode(&lab, 1), MAP_RW));
	vnode_rele(lab.uvm, core_vnode(&lab, 1));
	lab_check(&lab);
	assert_true(core_vnode(&lab, 1)->v_uvm.u_flags & UVM_VNODE_WRITEABLE);
	lab_mark(&lab);
	lab_sync(&lab);
	assert_false(core_vnode(&lab, 1)->v_uvm.u_flags & UVM_VNODE_WRITEABLE);
	assert_null(lab.uvm->wlist);
	assert_rise(&lab, persists, 1);
	n = rise(&lab, lock_violations);
	lab_close(&lab);
	return n;
}

static void
q11_sync_unlinks_from_the_writable_list_without_its_lock(void **state)
{

	(void)state;
	assert_int_equal(sync_of_persisting(
			     "profile=modern q11_wlist_unlocked=faithful"),
	    1);
	assert_int_equal(sync_of_persisting("profile=modern"), 0);
	/* As it was, the detach that follows adds its own (q7). */
	assert_int_equal(sync_of_persisting("profile=1998"), 2);
}

/* Four clean pages, page 1 wired, are freed by madvise. */
static void
free_with_wired_page(struct lab *lab, const char *settings)
{

	lab_open(lab, settings);
	lab_file(lab, 1, 4 * PG);
	lab_map(lab, 1, 1, MAP_RW);
	lab_scan(lab, 1, 0, 3, UVM_ACCESS_READ);
	core_wire(lab, core_page(lab, 1, 1));
	lab_mark(lab);
	must(uvm_sys_madvise(lab->uvm, 1, 0, 4 * PG, UVM_MADV_FREE));
	lab_end(lab);
}

static void
q17_faithful_free_takes_wired_pages(void **state)
{
	struct lab lab;

	(void)state;
	free_with_wired_page(&lab, "q17_free_wired=faithful");
	assert_rise(&lab, free, 4);
	assert_gauge(&lab, wired, 0);
	lab_close(&lab);
}

static void
q17_fixed_free_spares_wired_pages(void **state)
{
	struct lab lab;

	(void)state;
	free_with_wired_page(&lab, "q17_free_wired=fixed");
	assert_rise(&lab, free, 3);
	assert_gauge(&lab, wired, 1);
	core_unwire(&lab, core_page(&lab, 1, 1));
	lab_check(&lab);
	assert_active(&lab, "1");
	lab_close(&lab);
}

/* Somebody else's I/O holds all of the pager map until somebody sleeps. */
static unsigned sleeps;

static bool
give_room(struct uvm *uvm, const void *chan)
{

	assert_ptr_equal(chan, &uvm->pagermap_free);
	sleeps++;
	uvm->pagermap_free = uvm->slots;
	return true;
}

/* Have the room of this I/O taken by others as soon as it is given back. */
static void
take_room(void *arg, const struct uvm_buf *b)
{
	struct uvm *const uvm = arg;

	uvm->pagermap_free -= b->b_npages;
}

/* Sync of two clusters, each short of pager map at first; lookups it took. */
static uint64_t
sync_short_of_map(const char *settings)
{
	struct lab lab;
	uint64_t n;

	lab_open(&lab, settings);
	lab_file(&lab, 1, 32 * PG);
	lab_map(&lab, 1, 1, MAP_RW);
	lab_scan(&lab, 1, 0, 31, UVM_ACCESS_WRITE);
	lab.uvm->pagermap_free = 0;
	lab.uvm->sleep = give_room;
	sleeps = 0;
	uvm_observe(lab.uvm,
	    &(struct uvm_observer){ .uo_arg = lab.uvm, .uo_io = take_room });
	lab_mark(&lab);
	must(uvm_sys_sync(lab.uvm));
	/* The others are done. */
	lab.uvm->pagermap_free = lab.up.pager_map / PG;
	lab_end(&lab);
	assert_ios(&lab.rec, "w(0,16) w(16,16)");
	assert_int_equal(sleeps, 2);
	n = rise(&lab, lookups);
	lab_close(&lab);
	return n;
}

static void
q19_one_shortage_makes_the_rest_synchronous_unless_fixed(void **state)
{

	(void)state;
	/* A cluster is built once more for every AGAIN. */
	assert_int_equal(
	    sync_short_of_map(
		"profile=1998 q16_page0_lookup=fixed pager_map=64K"),
	    2 * 15 + 15);
	assert_int_equal(sync_short_of_map(
			     "profile=1998 q16_page0_lookup=fixed "
			     "pager_map=64K q19_again_sync=fixed"),
	    2 * 15 + 2 * 15);
}

static void
q19_nobody_to_give_room_fails_the_machine(void **state)
{
	const char *why;
	struct lab lab;

	(void)state;
	dirty_pages(&lab, "pager_map=64K", descending, 4);
	lab.uvm->pagermap_free = 0;
	assert_int_equal(uvm_sys_sync(lab.uvm), EDEADLK);
	assert_int_equal(uvm_failed(lab.uvm, &why), EDEADLK);
	assert_non_null(strstr(why, "pager address space"));
	assert_int_equal(uvm_sys_munmap(lab.uvm, 1, 0, 0), EDEADLK);
	assert_int_equal(uvm_access(lab.uvm, uvm_map_find(lab.uvm, 1), 1,
			     UVM_ACCESS_WRITE),
	    UVM_FAULT_ERROR);
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(q3_active_center_goes_behind_its_mates),
		cmocka_unit_test(
		    q3_faithful_inactive_center_leaves_its_mates_to_list_order),
		cmocka_unit_test(q3_fixed_each_page_is_tested_itself),
		cmocka_unit_test(
		    q3_faithful_a_wired_mate_gets_onto_the_inactive_queue),
		cmocka_unit_test(q3_fixed_a_wired_mate_stays_off_the_queues),
		cmocka_unit_test(
		    q9_faithful_a_failed_get_leaves_the_earlier_pages_busy),
		cmocka_unit_test(
		    q9_fixed_a_failed_get_gives_the_earlier_pages_back),
		cmocka_unit_test(
		    q11_sync_unlinks_from_the_writable_list_without_its_lock),
		cmocka_unit_test(q17_faithful_free_takes_wired_pages),
		cmocka_unit_test(q17_fixed_free_spares_wired_pages),
		cmocka_unit_test(
		    q19_one_shortage_makes_the_rest_synchronous_unless_fixed),
		cmocka_unit_test(q19_nobody_to_give_room_fails_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
