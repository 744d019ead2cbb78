/*
 * Asynchronous I/O: each path that was latent in 1998, and each that lets go of
 * what it held.  I/Os end when a test says so; the recorder does them.
 */
#include "tests/pager/core.h"

#include <errno.h>
#include <string.h>

static void
start(struct lab *lab, const char *settings, uint64_t npages)
{

	lab_open_dirty(lab, settings, npages, &recorder_async_backend);
}

/* Everything under way ends; the event, too. */
static void
land(struct lab *lab)
{

	lab->rec.rec_lazy = false;
	lab_end(lab);
	lab->rec.rec_lazy = true;
	assert_int_equal(lab->rec.rec_nflying, 0);
}

static struct uvm_vnode *
uvn_of(const struct lab *lab)
{

	return VTOUVN(core_vnode(lab, 1));
}

static unsigned
flags_of(const struct lab *lab, uint64_t pgno)
{
	const struct vm_page *const pg = core_page(lab, 1, pgno);

	assert_non_null(pg);
	return pg->flags;
}

/* ---- PEND ---- */

static void
msync_async_starts_its_writes_and_goes_on(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on", 40);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	assert_rise(&lab, flush_pends, 3);
	assert_rise(&lab, flush_cleaned, 40);
	assert_int_equal(lab.rec.rec_nflying, 3);
	assert_int_equal(uvn_of(&lab)->u_nio, 3);
	assert_int_equal(flags_of(&lab, 0) & (PG_BUSY | PG_CLEAN), PG_BUSY);
	assert_gauge(&lab, dirty, 40);
	/* What is under way is passed over. */
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	assert_rise(&lab, flush_pends, 3);
	land(&lab);
	assert_ios(&lab.rec, "w(0,16) w(16,16) w(32,8)");
	assert_rise(&lab, aiodones, 3);
	assert_int_equal(uvn_of(&lab)->u_nio, 0);
	assert_int_equal(flags_of(&lab, 0) & (PG_BUSY | PG_CLEAN), PG_CLEAN);
	assert_gauge(&lab, dirty, 0);
	assert_gauge(&lab, depth_most, 3);
	lab_close(&lab);
}

static void
in_1998_msync_async_is_msync_sync(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, NULL, 40);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	assert_rise(&lab, flush_pends, 0);
	assert_ios(&lab.rec, "w(0,16) w(16,16) w(32,8)");
	assert_gauge(&lab, dirty, 0);
	lab_close(&lab);
}

static void
a_fault_waits_for_a_page_under_way(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on", 16);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	assert_int_equal(lab.rec.rec_nflying, 1);
	/* A read goes on by its mapping, a store has to wait. */
	assert_int_equal(lab_read(&lab, 1, 3), UVM_HIT_MAPPED);
	assert_int_equal(lab.rec.rec_nflying, 1);
	assert_int_equal(lab_write(&lab, 1, 3), UVM_MISS);
	assert_int_equal(lab.rec.rec_nflying, 0);
	assert_rise(&lab, pagein_ios, 0);
	assert_gauge(&lab, dirty, 1);
	lab_close(&lab);
}

/*
 * While the put of page 4 is under way, the file is cut and the I/O ends: the
 * page is freed before the flush looks at it again.
 */
static void
cut_and_land(void *arg)
{
	struct lab *const lab = arg;

	lab->rec.rec_started = NULL;
	uvm_vnp_setsize(lab->uvm, core_vnode(lab, 1), 4 * PG);
	lab->rec.rec_lazy = false;
	assert_int_equal(uvm_aio_collect(lab->uvm, false), 1);
	lab->rec.rec_lazy = true;
	assert_null(core_page(lab, 1, 4));
}

static void
after_pend_a_flush_checks_the_version_and_starts_over(void **state)
{
	struct lab lab;

	(void)state;
	/* By list: 8 pages, visited in each pass. */
	start(&lab, "async_put=on hash_penalty=inf", 8);
	lab.rec.rec_started = cut_and_land;
	lab.rec.rec_arg = &lab;
	(void)core_flush(&lab, 1, 4 * PG, 8 * PG, PGO_CLEANIT);
	lab_check(&lab);
	/* 8 for hints, 5 until the put, 8 by the cut, 4 that are left again. */
	assert_rise(&lab, list_visits, 8 + 5 + 8 + 4);
	assert_rise(&lab, aio_released, 4);
	assert_ios(&lab.rec, "w(4,4)");
	lab_close(&lab);

	/* The same without a change of pages: no visit twice. */
	start(&lab, "async_put=on hash_penalty=inf", 8);
	(void)core_flush(&lab, 1, 4 * PG, 8 * PG, PGO_CLEANIT);
	assert_rise(&lab, list_visits, 8 + 8);
	land(&lab);
	lab_close(&lab);
}

static void
deactivation_goes_with_pages_under_way(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on", 4);
	(void)core_flush(&lab, 1, 0, 4 * PG, PGO_CLEANIT | PGO_DEACTIVATE);
	lab_check(&lab);
	assert_int_equal(lab.rec.rec_nflying, 1);
	assert_inactive(&lab, "1 2 3 0");
	land(&lab);
	assert_inactive(&lab, "1 2 3 0");
	assert_int_equal(flags_of(&lab, 2) & (PG_BUSY | PG_CLEAN), PG_CLEAN);
	lab_close(&lab);
}

static void
invalidation_frees_pages_when_they_are_written(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on", 20);
	lab_msync(&lab, 1, UVM_MS_ASYNC | UVM_MS_INVALIDATE);
	assert_int_equal(flags_of(&lab, 0) & PG_RELEASED, PG_RELEASED);
	assert_rise(&lab, aio_released, 0);
	land(&lab);
	assert_rise(&lab, aio_released, 20);
	assert_rise(&lab, dirty_discarded, 0);
	assert_int_equal(core_object(&lab, 1)->uo_npages, 0);
	lab_close(&lab);
}

/* ---- AGAIN ---- */

static void
a_full_pager_map_makes_a_flush_wait(void **state)
{
	struct lab lab;

	(void)state;
	/* Room for one cluster: the second put cannot start. */
	start(&lab, "async_put=on pager_map=64K q19_again_sync=fixed", 48);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	assert_ios(&lab.rec, "w(0,16) w(16,16)");
	assert_rise(&lab, flush_pends, 2);
	assert_int_equal(lab.rec.rec_nflying, 1);
	land(&lab);
	assert_gauge(&lab, dirty, 0);
	lab_close(&lab);
}

static void
q19_again_makes_the_rest_of_a_flush_synchronous(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on pager_map=64K", 64);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	assert_rise(&lab, flush_pends, 1);
	assert_int_equal(lab.rec.rec_nflying, 0);
	assert_ios(&lab.rec, "w(0,16) w(16,16) w(32,16) w(48,16)");
	lab_close(&lab);
}

/* IOSYNC is over when something ends. */
static void
end_iosync(void *arg)
{
	struct lab *const lab = arg;

	lab->rec.rec_ends = NULL;
	assert_true(uvn_of(lab)->u_flags & UVM_VNODE_IOSYNCWANTED);
	OBJ_LOCK(lab->uvm, core_object(lab, 1));
	uvn_iosync_end(lab->uvm, uvn_of(lab));
	OBJ_UNLOCK(lab->uvm, core_object(lab, 1));
}

static void
iosync_turns_asynchronous_writes_away(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on", 32);
	(void)core_flush(&lab, 1, 0, 16 * PG, PGO_CLEANIT);
	assert_int_equal(lab.rec.rec_nflying, 1);
	uvn_of(&lab)->u_flags |= UVM_VNODE_IOSYNC;
	lab.rec.rec_ends = end_iosync;
	lab.rec.rec_arg = &lab;
	/* AGAIN, then SYNCIO, which waits as wanted until the other ends. */
	(void)core_flush(&lab, 1, 16 * PG, 32 * PG, PGO_CLEANIT);
	lab_check(&lab);
	assert_null(lab.rec.rec_ends);
	assert_rise(&lab, flush_pends, 1);
	assert_ios(&lab.rec, "w(0,16) w(16,16)");
	assert_int_equal(uvn_of(&lab)->u_flags &
		(UVM_VNODE_IOSYNC | UVM_VNODE_IOSYNCWANTED),
	    0);
	lab_close(&lab);
}

/* ---- IOSYNC ---- */

static void
msync_sync_drains_what_is_under_way(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on", 40);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	assert_int_equal(lab.rec.rec_nflying, 3);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	assert_int_equal(lab.rec.rec_nflying, 0);
	assert_rise(&lab, aiodones, 3);
	assert_gauge(&lab, dirty, 0);
	assert_int_equal(uvn_of(&lab)->u_flags & UVM_VNODE_IOSYNC, 0);
	lab_close(&lab);
}

static void
fsync_drains_what_is_under_way(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on", 40);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	must(uvm_sys_fsync(lab.uvm, 1));
	lab_end(&lab);
	assert_int_equal(lab.rec.rec_nflying, 0);
	assert_int_equal(lab.rec.rec_nsync, 1);
	lab_close(&lab);
}

/* ---- RELKILL, RELEASED ---- */

static void
detach_leaves_a_dying_object_to_its_io(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on", 20);
	lab_unmap(&lab, 1);
	assert_int_equal(uvn_of(&lab)->u_flags,
	    UVM_VNODE_VALID | UVM_VNODE_DYING | UVM_VNODE_RELKILL |
		UVM_VNODE_WRITEABLE);
	assert_int_equal(core_object(&lab, 1)->uo_npages, 20);
	assert_int_equal(core_vnode(&lab, 1)->v_usecount, 1);
	assert_rise(&lab, relkills, 0);
	land(&lab);
	assert_rise(&lab, relkills, 1);
	assert_rise(&lab, aio_released, 20);
	assert_ios(&lab.rec, "w(0,16) w(16,4)");
	/* q8: the vnode is let go. */
	assert_int_equal(uvn_of(&lab)->u_flags, 0);
	assert_int_equal(core_vnode(&lab, 1)->v_usecount, 0);
	assert_true(core_vnode(&lab, 1)->v_onfree);
	assert_gauge(&lab, dirty, 0);
	lab_close(&lab);
}

static void
attach_waits_for_a_dying_object(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on", 20);
	lab_unmap(&lab, 1);
	assert_true(uvn_of(&lab)->u_flags & UVM_VNODE_RELKILL);
	lab_map(&lab, 2, 1, MAP_RW);
	assert_rise(&lab, relkills, 1);
	assert_int_equal(lab.rec.rec_nflying, 0);
	assert_int_equal(core_object(&lab, 1)->uo_refs, 1);
	assert_int_equal(core_vnode(&lab, 1)->v_usecount, 1);
	assert_int_equal(lab_read(&lab, 2, 0), UVM_MISS);
	lab_unmap(&lab, 2);
	lab_close(&lab);
}

static void
recycling_takes_over_a_dying_object(void **state)
{
	struct lab lab;

	(void)state;
	/* Read-ahead of an object that persists is under way as its vnode is
	 * recycled: terminate drains it. */
	lab_open_with(&lab, "readahead=fixed readahead_max=32K max_vnodes=1",
	    &recorder_async_backend);
	lab.rec.rec_lazy = true;
	lab_file(&lab, 1, 64 * PG);
	lab_file(&lab, 2, 64 * PG);
	lab_map(&lab, 1, 1, MAP_R);
	assert_int_equal(lab_read(&lab, 1, 0), UVM_MISS);
	assert_int_equal(lab.rec.rec_nflying, 1);
	lab_unmap(&lab, 1);
	assert_true(uvn_of(&lab)->u_flags & UVM_VNODE_CANPERSIST);
	assert_int_equal(lab.rec.rec_nflying, 1);
	lab_map(&lab, 2, 2, MAP_R);
	assert_int_equal(lab.rec.rec_nflying, 0);
	assert_rise(&lab, vnodes_recycled, 1);
	assert_rise(&lab, terminates, 1);
	assert_rise(&lab, readahead_unused, 8);
	assert_int_equal(uvn_of(&lab)->u_flags, 0);
	lab_close(&lab);
}

static void
truncate_waits_for_writes_it_would_undo(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on", 32);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	assert_int_equal(lab.rec.rec_nflying, 2);
	lab_truncate(&lab, 1, 8 * PG);
	assert_int_equal(lab.rec.rec_nflying, 0);
	assert_int_equal(lab.rec.rec_truncated, 8 * PG);
	/* Pages 8 to 31 were RELEASED under way, and freed by aiodone. */
	assert_rise(&lab, aio_released, 24);
	assert_int_equal(core_object(&lab, 1)->uo_npages, 8);
	assert_ios(&lab.rec, "w(0,16) w(16,16)");
	lab_close(&lab);
}

static void
the_daemon_starts_writes_and_frees_what_they_cleaned(void **state)
{
	struct lab lab;
	uint64_t pgno;

	(void)state;
	lab_open_with(&lab, "async_put=on memory=512K",
	    &recorder_async_backend);
	lab_file(&lab, 1, 300 * PG);
	lab_map(&lab, 1, 1, MAP_RW);
	lab.rec.rec_lazy = true;
	for (pgno = 0; pgno < 300; pgno++)
		assert_int_equal(lab_write(&lab, 1, pgno), UVM_MISS);
	assert_true(rise(&lab, pdpending) > 5);
	assert_true(rise(&lab, pdfreed) > 150);
	assert_int_equal(rise(&lab, pageout_pages) % 16, 0);
	assert_int_equal(rise(&lab, pageout_errors), 0);
	land(&lab);
	assert_int_equal(lab.uvm->paging, 0);
	lab_close(&lab);
}

/* The cluster's start is refused; the page by itself is under way after it. */
static void
a_cluster_the_daemon_cannot_start_is_cut_to_its_page(void **state)
{
	struct lab lab;
	uint64_t pgno;

	(void)state;
	lab_open_with(&lab, "async_put=on memory=512K",
	    &recorder_async_backend);
	lab_file(&lab, 1, 300 * PG);
	lab_map(&lab, 1, 1, MAP_RW);
	lab.rec.rec_lazy = true;
	for (pgno = 0; pgno < 300; pgno++) {
		if (pgno == 150)
			lab.rec.rec_refuse = 1;
		assert_int_equal(lab_write(&lab, 1, pgno), UVM_MISS);
	}
	assert_int_equal(lab.rec.rec_refuse, 0);
	assert_rise(&lab, pageout_errors, 1);
	assert_int_equal(rise(&lab, pageout_pages) % 16, 1);
	land(&lab);
	lab_close(&lab);
}

static void
a_page_the_daemon_writes_can_be_truncated(void **state)
{
	struct lab lab;
	struct uvm_object *uobj;
	struct vm_page *pg;

	(void)state;
	start(&lab, "async_put=on", 8);
	(void)core_flush(&lab, 1, 0, 8 * PG, PGO_DEACTIVATE);
	uobj = core_object(&lab, 1);
	pg = core_page(&lab, 1, 4);
	/* What pd_clean() does, then a shrink while it is under way. */
	OBJ_LOCK(lab.uvm, uobj);
	uvm_lock_pageq(lab.uvm);
	pg->flags |= PG_BUSY;
	{
		struct uvm_pcluster pc;

		assert_int_equal(uvm_pager_put(lab.uvm, uobj, pg, &pc,
				     PGO_ALLPAGES | PGO_PDFREECLUST, 0, 0),
		    VM_PAGER_PEND);
	}
	assert_int_equal(lab.uvm->paging, 4);
	lab_truncate(&lab, 1, 4 * PG);
	assert_int_equal(lab.uvm->paging, 0);
	assert_rise(&lab, aio_released, 4);
	assert_int_equal(core_object(&lab, 1)->uo_npages, 4);
	lab_close(&lab);
}

/* ---- depth, refusals, the end ---- */

static void
io_depth_bounds_what_is_under_way(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on io_depth=2", 80);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	assert_rise(&lab, flush_pends, 5);
	assert_rise(&lab, depth_waits, 3);
	assert_gauge(&lab, depth_most, 2);
	land(&lab);
	lab_close(&lab);
}

static void
a_refused_start_is_a_failed_write(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on profile=modern", 16);
	lab.rec.rec_refuse = 2; /* the cluster, and the page by itself */
	assert_int_equal(uvm_sys_msync(lab.uvm, 1, 0, 0, UVM_MS_ASYNC), EIO);
	assert_rise(&lab, pageout_errors, 2);
	assert_gauge(&lab, dirty, 16);
	land(&lab);
	lab_close(&lab);
}

static void
a_machine_ends_with_io_under_way(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on", 40);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	assert_int_equal(lab.rec.rec_nflying, 3);
	lab_close(&lab);
}

/* ---- errors ---- */

static void
q1_a_failed_asynchronous_write_marks_pages_clean(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on", 16);
	rec_fail(&lab.rec, UVM_WRITE, 1, 3, 3);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	land(&lab);
	assert_ios(&lab.rec, "w(0,16)!");
	assert_rise(&lab, lost_pages, 16);
	assert_gauge(&lab, dirty, 0);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	lab_close(&lab);
}

static void
q1_fixed_the_next_msync_hears_of_it(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on q1_error_clean=fixed", 16);
	rec_fail(&lab.rec, UVM_WRITE, 1, 3, 3);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	land(&lab);
	assert_rise(&lab, lost_pages, 0);
	assert_gauge(&lab, dirty, 16);
	rec_fail(&lab.rec, UVM_WRITE, 0, 0, 0);
	/* It is told once; the pages are written again. */
	assert_int_equal(uvm_sys_msync(lab.uvm, 1, 0, 0, UVM_MS_SYNC), EIO);
	assert_gauge(&lab, dirty, 0);
	lab_msync(&lab, 1, UVM_MS_SYNC);
	lab_close(&lab);

	/* fsync hears of it as well. */
	start(&lab, "async_put=on q1_error_clean=fixed", 16);
	rec_fail(&lab.rec, UVM_WRITE, 1, 3, 3);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	assert_int_equal(uvm_sys_fsync(lab.uvm, 1), EIO);
	must(uvm_sys_fsync(lab.uvm, 1));
	lab_close(&lab);
}

static void
the_daemon_goes_on_after_failed_writes(void **state)
{
	struct lab lab;
	uint64_t pgno;

	(void)state;
	lab_open_with(&lab, "async_put=on memory=512K",
	    &recorder_async_backend);
	lab_file(&lab, 1, 400 * PG);
	lab_map(&lab, 1, 1, MAP_RW);
	rec_fail(&lab.rec, UVM_WRITE, 1, 16, 31);
	for (pgno = 0; pgno < 400; pgno++)
		assert_int_equal(lab_write(&lab, 1, pgno), UVM_MISS);
	assert_true(rise(&lab, pageout_errors) > 0);
	assert_int_equal(rise(&lab, lost_pages), 0);
	assert_int_equal(flags_of(&lab, 20) & PG_CLEAN, 0);
	lab_close(&lab);
}

/* A clock that goes on only while the backend works. */
static uint64_t now;

static uint64_t
read_now(void)
{

	return now;
}

static void
it_takes_a_while(void *arg)
{

	(void)arg;
	now += 100;
}

static void
keep_flush(void *arg, const struct uvm_flushinfo *fi)
{

	*(struct uvm_flushinfo *)arg = *fi;
}

static void
waiting_for_the_backend_is_no_time_of_the_flush(void **state)
{
	struct uvm_flushinfo fi = { .fi_writes = 0 };
	const struct uvm_observer uo = {
		.uo_arg = &fi,
		.uo_clock = read_now,
		.uo_flush = keep_flush,
	};
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on io_depth=1", 48);
	uvm_observe(lab.uvm, &uo);
	lab.rec.rec_started = it_takes_a_while;
	lab.rec.rec_ends = it_takes_a_while;
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	/* Three were started, and two of them had to end before. */
	assert_int_equal(fi.fi_writes, 3);
	assert_int_equal(fi.fi_end - fi.fi_begin, 500);
	assert_int_equal(fi.fi_io, 500);
	uvm_observe(lab.uvm, NULL);
	lab.rec.rec_started = lab.rec.rec_ends = NULL;
	land(&lab);
	lab_close(&lab);
}

static void
at_the_end_what_is_under_way_is_waited_for(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "async_put=on", 40);
	lab_msync(&lab, 1, UVM_MS_ASYNC);
	lab_unmap(&lab, 1);
	assert_int_equal(lab.rec.rec_nflying, 3);
	must(uvm_finish(lab.uvm));
	assert_int_equal(lab.rec.rec_nflying, 0);
	assert_rise(&lab, relkills, 1);
	assert_int_equal(core_vnode(&lab, 1)->v_usecount, 0);
	lab_check(&lab);
	must(uvm_finish(lab.uvm));
	lab_close(&lab);
}

/* ---- the right machine for it ---- */

static void
it_wants_a_backend_that_can(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct recorder rec;
	struct uvm_param up;
	struct uvm *uvm;

	(void)state;
	rec_init(&rec);
	lab_param(&up, "async_put=on");
	must(uvm_param_resolve(&up, NULL));
	assert_int_equal(uvm_create(&up, &recorder_backend, &rec, &uvm, &em),
	    EOPNOTSUPP);
	assert_non_null(strstr(em.em_text, "--backend uring"));
	lab_param(&up, "readahead=fixed");
	must(uvm_param_resolve(&up, NULL));
	assert_int_equal(uvm_create(&up, &recorder_backend, &rec, &uvm, &em),
	    EOPNOTSUPP);

	/* q11 is not safe with it. */
	em.em_text[0] = '\0';
	lab_param(&up, "async_put=on q11_wlist_unlocked=faithful");
	assert_int_equal(uvm_param_resolve(&up, &em), EINVAL);
	assert_non_null(strstr(em.em_text, "q11_wlist_unlocked"));
	lab_param(&up, "async_put=on");
	must(uvm_param_resolve(&up, NULL));
	assert_int_equal(up.q11_wlist_unlocked, QUIRK_FIXED);

	/* By profile, too: it would be on. */
	em.em_text[0] = '\0';
	lab_param(&up, "profile=modern q11_wlist_unlocked=faithful");
	must(uvm_param_resolve(&up, NULL));
	assert_int_equal(uvm_create(&up, &recorder_async_backend, &rec, &uvm,
			     &em),
	    EINVAL);
	assert_non_null(strstr(em.em_text, "q11_wlist_unlocked"));
	must(uvm_create(&up, &recorder_backend, &rec, &uvm, NULL));
	uvm_destroy(uvm);
}

static void
by_profile_it_is_on_where_it_can_be(void **state)
{
	struct uvm_param up;

	(void)state;
	lab_param(&up, "profile=modern");
	must(uvm_param_resolve(&up, NULL));
	must(uvm_param_settle(&up, &recorder_backend, NULL));
	assert_int_equal(up.async_put, SWITCH_OFF);
	assert_int_equal(up.readahead, READAHEAD_NONE);
	lab_param(&up, "profile=modern");
	must(uvm_param_resolve(&up, NULL));
	must(uvm_param_settle(&up, &recorder_async_backend, NULL));
	assert_int_equal(up.async_put, SWITCH_ON);
	assert_int_equal(up.readahead, READAHEAD_ADAPTIVE);
	lab_param(&up, "profile=modern async_put=off");
	must(uvm_param_resolve(&up, NULL));
	must(uvm_param_settle(&up, &recorder_async_backend, NULL));
	assert_int_equal(up.async_put, SWITCH_OFF);
	lab_param(&up, NULL);
	must(uvm_param_resolve(&up, NULL));
	must(uvm_param_settle(&up, &recorder_async_backend, NULL));
	assert_int_equal(up.async_put, SWITCH_OFF);
	assert_int_equal(up.readahead, READAHEAD_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(msync_async_starts_its_writes_and_goes_on),
		cmocka_unit_test(in_1998_msync_async_is_msync_sync),
		cmocka_unit_test(a_fault_waits_for_a_page_under_way),
		cmocka_unit_test(
		    after_pend_a_flush_checks_the_version_and_starts_over),
		cmocka_unit_test(deactivation_goes_with_pages_under_way),
		cmocka_unit_test(
		    invalidation_frees_pages_when_they_are_written),
		cmocka_unit_test(a_full_pager_map_makes_a_flush_wait),
		cmocka_unit_test(
		    q19_again_makes_the_rest_of_a_flush_synchronous),
		cmocka_unit_test(iosync_turns_asynchronous_writes_away),
		cmocka_unit_test(msync_sync_drains_what_is_under_way),
		cmocka_unit_test(fsync_drains_what_is_under_way),
		cmocka_unit_test(detach_leaves_a_dying_object_to_its_io),
		cmocka_unit_test(attach_waits_for_a_dying_object),
		cmocka_unit_test(recycling_takes_over_a_dying_object),
		cmocka_unit_test(truncate_waits_for_writes_it_would_undo),
		cmocka_unit_test(
		    the_daemon_starts_writes_and_frees_what_they_cleaned),
		cmocka_unit_test(
		    a_cluster_the_daemon_cannot_start_is_cut_to_its_page),
		cmocka_unit_test(a_page_the_daemon_writes_can_be_truncated),
		cmocka_unit_test(io_depth_bounds_what_is_under_way),
		cmocka_unit_test(a_refused_start_is_a_failed_write),
		cmocka_unit_test(a_machine_ends_with_io_under_way),
		cmocka_unit_test(
		    q1_a_failed_asynchronous_write_marks_pages_clean),
		cmocka_unit_test(q1_fixed_the_next_msync_hears_of_it),
		cmocka_unit_test(the_daemon_goes_on_after_failed_writes),
		cmocka_unit_test(
		    waiting_for_the_backend_is_no_time_of_the_flush),
		cmocka_unit_test(at_the_end_what_is_under_way_is_waited_for),
		cmocka_unit_test(it_wants_a_backend_that_can),
		cmocka_unit_test(by_profile_it_is_on_where_it_can_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
