/*
 * The vnode pager's own operations where system calls do not reach: busy
 * pages, I/O of others, blocked and dying objects.
 */
#include "tests/pager/core.h"

#include <errno.h>
#include <string.h>

/* What a sleeper slept on, and whom it waits for. */
static struct {
	unsigned s_count;
	const void *s_chan;
	struct vm_page *s_busy; /* give this page back */
	struct uvm_vnode *s_uvn;
	unsigned s_flags; /* clear these flags of s_uvn */
	bool s_nio;	  /* end its I/O */
} slept;

static bool
others(struct uvm *uvm, const void *chan)
{

	(void)uvm;
	slept.s_count++;
	slept.s_chan = chan;
	if (slept.s_busy != NULL)
		slept.s_busy->flags &= (uint16_t) ~(PG_BUSY | PG_WANTED);
	if (slept.s_uvn != NULL) {
		slept.s_uvn->u_flags &= ~slept.s_flags;
		if (slept.s_nio)
			slept.s_uvn->u_nio = 0;
	}
	return true;
}

static struct uvm_vnode *
uvn_of(const struct lab *lab)
{

	return &core_vnode(lab, 1)->v_uvm;
}

/* Four dirty pages through map 1; nobody sleeps yet. */
static void
start(struct lab *lab)
{

	(void)memset(&slept, 0, sizeof(slept));
	lab_open(lab, NULL);
	lab_file(lab, 1, 8 * PG);
	lab_map(lab, 1, 1, MAP_RW);
	lab_scan(lab, 1, 0, 3, UVM_ACCESS_WRITE);
	lab->uvm->sleep = others;
	lab_mark(lab);
}

static int
get(struct lab *lab, uint64_t pgno, struct vm_page **pps, unsigned n,
    unsigned center, unsigned flags)
{
	struct uvm_object *const uobj = core_object(lab, 1);
	int result;

	OBJ_LOCK(lab->uvm, uobj);
	result = uvn_get(lab->uvm, uobj, pgno, pps, &n, center, flags);
	if (flags & PGO_LOCKED)
		OBJ_UNLOCK(lab->uvm, uobj);
	return result;
}

static void
a_locked_get_lends_what_is_resident_and_idle(void **state)
{
	struct vm_page *pps[4] = { NULL, PGO_DONTCARE, NULL, NULL };
	struct lab lab;

	(void)state;
	start(&lab);
	core_page(&lab, 1, 2)->flags |= PG_BUSY;
	assert_int_equal(get(&lab, 0, pps, 4, 3, PGO_LOCKED), VM_PAGER_OK);
	assert_ptr_equal(pps[0], core_page(&lab, 1, 0));
	assert_ptr_equal(pps[1], PGO_DONTCARE);
	assert_null(pps[2]);
	assert_ptr_equal(pps[3], core_page(&lab, 1, 3));
	assert_true((pps[0]->flags & PG_BUSY) != 0);
	assert_rise(&lab, lookups, 3);

	/* The page that matters is busy or absent: unlock and come again. */
	pps[0] = NULL;
	assert_int_equal(get(&lab, 2, pps, 1, 0, PGO_LOCKED), VM_PAGER_UNLOCK);
	assert_int_equal(get(&lab, 7, pps, 1, 0, PGO_LOCKED), VM_PAGER_UNLOCK);
	assert_int_equal(get(&lab, 7, pps, 1, 1, PGO_LOCKED), VM_PAGER_OK);
	assert_int_equal(get(&lab, 7, pps, 1, 1, PGO_LOCKED | PGO_ALLPAGES),
	    VM_PAGER_UNLOCK);
	lab_close(&lab);
}

static void
a_get_waits_for_a_busy_page(void **state)
{
	struct vm_page *pps[1] = { NULL };
	struct lab lab;

	(void)state;
	start(&lab);
	slept.s_busy = core_page(&lab, 1, 2);
	slept.s_busy->flags |= PG_BUSY;
	assert_int_equal(get(&lab, 2, pps, 1, 0, 0), VM_PAGER_OK);
	assert_int_equal(slept.s_count, 1);
	assert_ptr_equal(slept.s_chan, pps[0]);
	assert_rise(&lab, lookups, 2);
	assert_int_equal(lab.rec.rec_nio, 0);
	lab_close(&lab);
}

static void
a_busy_page_that_nobody_gives_back_fails_the_machine(void **state)
{
	const char *why;
	struct lab lab;

	(void)state;
	start(&lab);
	must(uvm_sys_mprotect(lab.uvm, 1, 0, 8 * PG, 0));
	must(uvm_sys_mprotect(lab.uvm, 1, 0, 8 * PG, MAP_RW));
	lab.uvm->sleep = NULL;
	core_page(&lab, 1, 2)->flags |= PG_BUSY;
	assert_int_equal(uvm_access(lab.uvm, uvm_map_find(lab.uvm, 1), 2,
			     UVM_ACCESS_READ),
	    UVM_FAULT_ERROR);
	assert_int_equal(uvm_failed(lab.uvm, &why), EDEADLK);
	assert_non_null(strstr(why, "a busy page"));
	lab_close(&lab);
}

static void
attach_waits_while_the_object_is_blocked(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	slept.s_uvn = uvn_of(&lab);
	slept.s_flags = UVM_VNODE_DYING | UVM_VNODE_WANTED;
	uvn_of(&lab)->u_flags |= UVM_VNODE_DYING;
	lab_map(&lab, 2, 1, MAP_R);
	assert_int_equal(slept.s_count, 1);
	assert_ptr_equal(slept.s_chan, uvn_of(&lab));
	assert_int_equal(core_object(&lab, 1)->uo_refs, 2);
	lab_close(&lab);
}

static void
sync_and_uncache_pass_over_a_blocked_object(void **state)
{
	struct vnode *vp;
	struct lab lab;

	(void)state;
	start(&lab);
	vp = core_vnode(&lab, 1);
	uvn_of(&lab)->u_flags |= UVM_VNODE_DYING;
	lab_sync(&lab);
	assert_rise(&lab, flushes, 0);
	vn_lock(lab.uvm, vp);
	assert_true(uvm_vnp_uncache(lab.uvm, vp));
	vn_unlock(lab.uvm, vp);
	uvn_of(&lab)->u_flags &= ~(unsigned)UVM_VNODE_DYING;
	lab_check(&lab);
	lab_close(&lab);
}

static void
a_flush_that_frees_marks_busy_pages_released(void **state)
{
	struct vm_page *pg;
	struct lab lab;

	(void)state;
	start(&lab);
	pg = core_page(&lab, 1, 2);
	pg->flags |= PG_BUSY;
	assert_true(
	    core_flush(&lab, 1, 0, 0, PGO_CLEANIT | PGO_FREE | PGO_ALLPAGES));
	assert_ios(&lab.rec, "w(0,2) w(3,1)");
	assert_rise(&lab, free, 3);
	assert_true((pg->flags & PG_RELEASED) != 0);

	OBJ_LOCK(lab.uvm, core_object(&lab, 1));
	assert_true(uvn_releasepg(lab.uvm, pg, NULL));
	OBJ_UNLOCK(lab.uvm, core_object(&lab, 1));
	assert_rise(&lab, free, 4);
	lab_check(&lab);
	lab_close(&lab);
}

static void
a_synchronous_flush_waits_for_the_io_of_others(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	core_page(&lab, 1, 2)->flags |= PG_BUSY;
	uvn_of(&lab)->u_nio = 1;
	slept.s_uvn = uvn_of(&lab);
	slept.s_busy = core_page(&lab, 1, 2);
	slept.s_nio = true;
	assert_true(core_flush(&lab, 1, 0, 0, PGO_CLEANIT | PGO_ALLPAGES));
	assert_int_equal(slept.s_count, 0);
	core_page(&lab, 1, 2)->flags |= PG_BUSY;
	assert_true(
	    core_flush(&lab, 1, 0, 0, PGO_CLEANIT | PGO_SYNCIO | PGO_ALLPAGES));
	assert_int_equal(slept.s_count, 1);
	assert_ptr_equal(slept.s_chan, &uvn_of(&lab)->u_nio);
	assert_int_equal(uvn_of(&lab)->u_flags & UVM_VNODE_IOSYNC, 0);
	lab_check(&lab);
	lab_close(&lab);
}

static void
no_io_starts_while_others_are_drained(void **state)
{
	struct vm_page *pg;
	struct lab lab;

	(void)state;
	start(&lab);
	pg = core_page(&lab, 1, 0);
	uvn_of(&lab)->u_flags |= UVM_VNODE_IOSYNC;
	OBJ_LOCK(lab.uvm, core_object(&lab, 1));
	assert_int_equal(uvn_put(lab.uvm, core_object(&lab, 1), &pg, 1, 0),
	    VM_PAGER_AGAIN);
	/* It is still locked: nobody saw the page BUSY. */
	LOCK_HELD(&core_object(&lab, 1)->vmobjlock);
	assert_int_equal(slept.s_count, 0);
	slept.s_uvn = uvn_of(&lab);
	slept.s_flags = UVM_VNODE_IOSYNC | UVM_VNODE_IOSYNCWANTED;
	assert_int_equal(uvn_put(lab.uvm, core_object(&lab, 1), &pg, 1,
			     PGO_SYNCIO),
	    VM_PAGER_OK);
	assert_int_equal(slept.s_count, 1);
	assert_ios(&lab.rec, "w(0,1)");
	lab_close(&lab);
}

static void
the_last_released_page_ends_a_detached_object(void **state)
{
	struct vm_page *pg;
	struct lab lab;

	(void)state;
	start(&lab);
	pg = core_page(&lab, 1, 2);
	pg->flags |= PG_BUSY;
	must(uvm_sys_munmap(lab.uvm, 1, 0, 0));
	assert_int_equal(uvn_of(&lab)->u_flags,
	    UVM_VNODE_VALID | UVM_VNODE_DYING | UVM_VNODE_RELKILL |
		UVM_VNODE_WRITEABLE);
	assert_int_equal(core_object(&lab, 1)->uo_npages, 1);
	OBJ_LOCK(lab.uvm, core_object(&lab, 1));
	assert_false(uvn_releasepg(lab.uvm, pg, NULL));
	uvn_relkilled(lab.uvm, uvn_of(&lab));
	assert_int_equal(uvn_of(&lab)->u_flags, 0);
	assert_null(lab.uvm->wlist);
	/* Its vnode stays in use for ever (Q8). */
	assert_int_equal(core_vnode(&lab, 1)->v_usecount, 1);
	lab_check(&lab);
	lab_close(&lab);
}

static void
terminate_empties_a_referenced_object_and_lets_it_live(void **state)
{
	struct vnode *vp;
	struct lab lab;

	(void)state;
	start(&lab);
	vp = core_vnode(&lab, 1);
	vn_lock(lab.uvm, vp);
	uvm_vnp_terminate(lab.uvm, vp);
	vn_unlock(lab.uvm, vp);
	lab_check(&lab);
	assert_ios(&lab.rec, "w(0,4)");
	assert_rise(&lab, terminates, 1);
	assert_rise(&lab, free, 4);
	assert_int_equal(uvn_of(&lab)->u_flags,
	    UVM_VNODE_VALID | UVM_VNODE_WRITEABLE);
	assert_int_equal(core_object(&lab, 1)->uo_refs, 1);
	assert_int_equal(lab_read(&lab, 1, 0), UVM_MISS);
	lab_close(&lab);
}

static void
terminate_of_a_referenced_object_ends_its_persistence(void **state)
{
	struct vnode *vp;
	struct lab lab;

	(void)state;
	lab_open(&lab, NULL);
	lab_file(&lab, 1, 8 * PG);
	lab_map(&lab, 1, 1, MAP_R);
	vp = core_vnode(&lab, 1);
	vn_lock(lab.uvm, vp);
	uvm_vnp_terminate(lab.uvm, vp);
	vn_unlock(lab.uvm, vp);
	assert_int_equal(uvn_of(&lab)->u_flags, UVM_VNODE_VALID);
	lab_unmap(&lab, 1);
	assert_rise(&lab, persists, 0);
	lab_close(&lab);
}

static void
a_busy_page_joins_no_cluster(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	/* Inactive pages are judged by CLEAN alone: page 2 is known dirty. */
	(void)core_flush(&lab, 1, 0, 4 * PG, PGO_DEACTIVATE);
	core_page(&lab, 1, 2)->flags |= PG_BUSY;
	assert_true(core_flush(&lab, 1, 0, 4 * PG, PGO_CLEANIT));
	assert_ios(&lab.rec, "w(0,2) w(3,1)");
	core_page(&lab, 1, 2)->flags &= (uint16_t)~PG_BUSY;
	lab_check(&lab);
	assert_gauge(&lab, dirty, 1);
	lab_close(&lab);
}

static void
asynchronous_get_does_nothing(void **state)
{
	struct lab lab;
	struct uvm_object *uobj;

	(void)state;
	start(&lab);
	uobj = core_object(&lab, 1);
	OBJ_LOCK(lab.uvm, uobj);
	assert_int_equal(uvn_asyncget(lab.uvm, uobj, 4, 4), 0);
	OBJ_UNLOCK(lab.uvm, uobj);
	assert_rise(&lab, lookups, 0);
	assert_int_equal(lab.rec.rec_nio, 0);
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_locked_get_lends_what_is_resident_and_idle),
		cmocka_unit_test(a_get_waits_for_a_busy_page),
		cmocka_unit_test(
		    a_busy_page_that_nobody_gives_back_fails_the_machine),
		cmocka_unit_test(attach_waits_while_the_object_is_blocked),
		cmocka_unit_test(sync_and_uncache_pass_over_a_blocked_object),
		cmocka_unit_test(a_flush_that_frees_marks_busy_pages_released),
		cmocka_unit_test(
		    a_synchronous_flush_waits_for_the_io_of_others),
		cmocka_unit_test(no_io_starts_while_others_are_drained),
		cmocka_unit_test(the_last_released_page_ends_a_detached_object),
		cmocka_unit_test(
		    terminate_empties_a_referenced_object_and_lets_it_live),
		cmocka_unit_test(
		    terminate_of_a_referenced_object_ends_its_persistence),
		cmocka_unit_test(a_busy_page_joins_no_cluster),
		cmocka_unit_test(asynchronous_get_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
