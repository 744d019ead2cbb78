/*
 * uvm_vnode_flush.c: uvn_flush, the traversal this project exists to measure;
 * spec section 3.5.
 *
 * The pages of a range are found by walking the object's list or by looking up
 * every page number; which is decided once, from the number of resident pages,
 * the length of the range and the hash penalty.  The list is in order of
 * insertion, the hash walk in order of offset, and clusters grow from the page
 * in hand, so the choice changes the writes, not only the search.
 */
#include "pager/uvm_i.h"

/* One flush under way. */
struct flush {
	struct uvm *f_uvm;
	struct uvm_object *f_uobj;
	uint64_t f_start, f_stop; /* pages */
	uint64_t f_busy;	  /* the first that is awaited; or none */
	uint64_t f_cur;		  /* by hash: the page after the one in hand */
	unsigned f_flags;	  /* PGO_; SYNCIO may be added on the way */
	bool f_by_list;
	bool f_need_iosync;
	bool f_ok;
	bool f_dead; /* the object died: nothing is locked */
	uint64_t f_cleaned;
};

static inline bool
in_range(const struct flush *f, const struct vm_page *pg)
{

	return page_pgno(pg) >= f->f_start && page_pgno(pg) < f->f_stop;
}

static inline struct vm_page *
list_next(const struct flush *f, const struct vm_page *pg)
{

	return link_page(f->f_uvm, pg->listq_next);
}

/* By hash: the page at f_cur, if that is still in range. */
static struct vm_page *
hash_next(const struct flush *f)
{

	if (f->f_cur >= f->f_stop)
		return NULL;
	return uvm_pagelookup(f->f_uvm, f->f_uobj, f->f_cur);
}

/*
 * flush_by_list: is the list to be walked?  npages <= range * penalty, exactly.
 */
static bool
flush_by_list(const struct uvm *uvm, uint64_t npages, uint64_t range)
{
	const uint64_t penalty = uvm->up.hash_penalty;

	if (RATIO_DEN(penalty) == 0)
		return true;
	return (uint128_t)npages * RATIO_DEN(penalty) <=
	    (uint128_t)range * RATIO_NUM(penalty);
}

/*
 * Settle the range and the traversal.
 *
 * => object locked
 */
static void
flush_setup(struct flush *f, uint64_t start, uint64_t stop)
{
	struct uvm *const uvm = f->f_uvm;
	const struct uvm_vnode *const uvn = (struct uvm_vnode *)f->f_uobj;
	const uint64_t size = pages_round(uvm, uvn->u_size);

	if (f->f_flags & PGO_ALLPAGES) {
		f->f_start = 0;
		f->f_stop = size;
		f->f_by_list = true;
	} else {
		f->f_start = pages_trunc(uvm, start);
		f->f_stop = pages_round(uvm, stop);
		if (f->f_stop > size) {
			UVMHIST(uvm, "out of range: pages %u..%u of %u",
			    f->f_start, f->f_stop, size, 0);
			if (FIXED(uvm, q5_out_of_range)) {
				f->f_stop = size;
				if (f->f_start > size)
					f->f_start = size;
			}
		}
		f->f_by_list = flush_by_list(uvm, f->f_uobj->uo_npages,
		    f->f_stop - f->f_start);
	}
	EXP(uvm)->flushes++;
	if (f->f_by_list)
		EXP(uvm)->flush_by_list++;
	else
		EXP(uvm)->flush_by_hash++;
}

/*
 * Pass 1: forget what is known of CLEAN in the range, so that the cluster
 * builder asks the mappings again.
 *
 * => object locked
 */
static void
flush_clear_hints(struct flush *f)
{
	struct uvm *const uvm = f->f_uvm;
	struct vm_page *pg;
	uint64_t pgno, visits = 0;

	if (!f->f_by_list) {
		for (pgno = f->f_start; pgno < f->f_stop; pgno++) {
			pg = uvm_pagelookup(uvm, f->f_uobj, pgno);
			if (pg != NULL)
				pg->flags &= (uint16_t)~PG_CLEANCHK;
		}
		return;
	}
	for (pg = link_page(uvm, f->f_uobj->memq_head); pg != NULL;
	     pg = list_next(f, pg)) {
		visits++;
		if (in_range(f, pg))
			pg->flags &= (uint16_t)~PG_CLEANCHK;
	}
	EXP(uvm)->list_visits += visits;
}

/*
 * With threads, is pg, which is BUSY, to be waited for and written?  1998 takes
 * it for written by whoever has it: that may be a fault, or an I/O that did not
 * begin.  Who ends an object must not wait: its write may be what ends it, and
 * nobody else can have a page but to write it.
 *
 * => object locked
 */
static inline bool
flush_awaits(const struct flush *f, const struct vm_page *pg)
{
#ifdef UVM_MP
	const struct uvm_vnode *const uvn = (struct uvm_vnode *)f->f_uobj;

	return CONCURRENT(f->f_uvm) && (f->f_flags & PGO_CLEANIT) != 0 &&
	    (f->f_flags & (PGO_SYNCIO | PGO_FREE)) != 0 &&
	    (uvn->u_flags & UVM_VNODE_DYING) == 0 &&
	    uvm_page_dirty_p(f->f_uvm, pg);
#else
	(void)f;
	(void)pg;
	return false;
#endif
}

/*
 * Does pg have to be written?  Step a and b of the spec.
 *
 * => object and page queues locked
 */
static bool
flush_needs_clean(struct flush *f, struct vm_page *pg)
{
	struct uvm *const uvm = f->f_uvm;

	if ((f->f_flags & PGO_CLEANIT) == 0)
		return false;
	if (pg->flags & PG_BUSY) {
		if (f->f_flags & PGO_SYNCIO)
			f->f_need_iosync = true;
		if (flush_awaits(f, pg) && page_pgno(pg) < f->f_busy)
			f->f_busy = page_pgno(pg);
		return false;
	}
	/* To be freed: without mappings, CLEAN cannot go stale under us. */
	if ((pg->flags & PG_CLEAN) && (f->f_flags & PGO_FREE) &&
	    (pg->pqflags & PQ_ACTIVE))
		pmap_page_protect(uvm, pg, 0);
	if ((pg->flags & PG_CLEAN) && pmap_is_modified(uvm, pg))
		pg->flags &= (uint16_t)~PG_CLEAN;
	pg->flags |= PG_CLEANCHK;
	return (pg->flags & PG_CLEAN) == 0;
}

/* DEACTIVATE pg if test, which is pg unless q3, has a place on the queues. */
static void
flush_deactivate(struct flush *f, struct vm_page *pg,
    const struct vm_page *test)
{

	if (test->pqflags & (PQ_INACTIVE | PQ_WIRED))
		return;
	pmap_page_protect(f->f_uvm, pg, 0);
	uvm_pagedeactivate(f->f_uvm, pg);
}

/* Is pg not to be freed, whatever the flags say? */
static bool
flush_spares(const struct flush *f, const struct vm_page *pg)
{

	return (pg->pqflags & PQ_WIRED) && FIXED(f->f_uvm, q17_free_wired);
}

static void
flush_free(struct flush *f, struct vm_page *pg)
{

	if (flush_spares(f, pg))
		return;
	pmap_page_protect(f->f_uvm, pg, 0);
	uvm_pagefree(f->f_uvm, pg);
}

/* Dispose of a page that needs no cleaning: step c. */
static void
flush_dispose(struct flush *f, struct vm_page *pg)
{

	if (f->f_flags & PGO_DEACTIVATE)
		flush_deactivate(f, pg, pg);
	else if (f->f_flags & PGO_FREE) {
		if ((pg->flags & PG_BUSY) == 0)
			flush_free(f, pg);
		else if (!flush_awaits(f, pg))
			pg->flags |= PG_RELEASED;
	}
}

/*
 * One page of a finished I/O: un-busy it, note that it is clean, dispose of
 * it.  center is the page the cluster was built for.
 *
 * => object and page queues locked; unlocked if the object died (f_dead)
 */
static void
flush_finish(struct flush *f, struct vm_page *pg, struct vm_page *center,
    int result)
{
	struct uvm *const uvm = f->f_uvm;
	const bool dying =
	    (((struct uvm_vnode *)f->f_uobj)->u_flags & UVM_VNODE_DYING) != 0;
	const bool keep = result != VM_PAGER_OK && FIXED(uvm, q1_error_clean);

	uvm_page_unbusy(uvm, pg);
	if (pg->flags & PG_RELEASED) {
		if (result == VM_PAGER_OK)
			uvm_page_cleaned(uvm, pg);
		else
			uvm_page_lost(uvm, pg);
		uvm_unlock_pageq(uvm);
		if (!f->f_uobj->pgops->pgo_releasepg(uvm, pg, NULL)) {
			f->f_dead = true;
			uvn_relkilled(uvm, (struct uvm_vnode *)f->f_uobj);
			return;
		}
		uvm_lock_pageq(uvm);
		return;
	}
	if (keep) {
		/* The page stays dirty, unless its object goes. */
		f->f_ok = false;
		if ((f->f_flags & PGO_FREE) == 0 ||
		    (f->f_flags & PGO_DEACTIVATE) != 0 || !dying)
			return;
	} else {
		pg->flags |= PG_CLEAN | PG_CLEANCHK;
		if ((f->f_flags & PGO_FREE) == 0 || flush_spares(f, pg))
			pmap_clear_modify(uvm, pg);
		f->f_cleaned++;
	}
	if (result != VM_PAGER_OK)
		uvm_page_lost(uvm, pg);
	uvm_page_cleaned(uvm, pg);

	if (f->f_flags & PGO_DEACTIVATE) {
		flush_deactivate(f, pg,
		    FIXED(uvm, q3_center_test) ? pg : center);
	} else if (f->f_flags & PGO_FREE) {
		if (result != VM_PAGER_OK) {
			UVMHIST(uvm,
			    "object %u page %u: error during pageout, "
			    "changes may be lost",
			    f->f_uobj->uo_num, page_pgno(center), 0, 0);
			f->f_ok = false;
		}
		flush_free(f, pg);
	}
}

/*
 * One page of a cluster whose I/O was only started, under DEACTIVATE or FREE.
 * It may be over by now, and the page gone: pgno tells.
 *
 * => object and page queues locked
 */
static void
flush_pend(struct flush *f, struct vm_page *pg, uint64_t pgno)
{

	if (page_uobject(pg) != f->f_uobj->uo_num || page_pgno(pg) != pgno ||
	    (pg->flags & PG_TABLED) == 0)
		return;
	if (f->f_flags & PGO_DEACTIVATE)
		flush_deactivate(f, pg, pg);
	else if (pg->flags & PG_BUSY)
		pg->flags |= PG_RELEASED;
	else if (!uvm_page_dirty_p(f->f_uvm, pg) ||
	    (((struct uvm_vnode *)f->f_uobj)->u_flags & UVM_VNODE_DYING))
		flush_free(f, pg);
}

/* The successor of pg after an I/O: by list, from the head if pg has moved. */
static struct vm_page *
flush_next(const struct flush *f, const struct vm_page *pg, uint16_t version)
{

	if (!f->f_by_list)
		return hash_next(f);
	if (shared_get(&page_rare(f->f_uvm, pg)->version) == version)
		return list_next(f, pg);
	return link_page(f->f_uvm, f->f_uobj->memq_head);
}

/*
 * The I/O of a cluster around pg, page pgno, was started: aiodone finishes it.
 *
 * => object and page queues locked; the page to look at next
 */
static struct vm_page *
flush_pended(struct flush *f, struct vm_page *pg, uint16_t version,
    const struct uvm_pcluster *pc, uint64_t pgno)
{
	const bool dispose = (f->f_flags & (PGO_DEACTIVATE | PGO_FREE)) != 0;
	struct vm_page *next;
	unsigned i, at = 0;

	EXP(f->f_uvm)->flush_pends++;
	f->f_cleaned += pc->ps_npages;
	while (pc->ps_first[at] != pg)
		at++;
	for (i = 0; i < pc->ps_npages && dispose; i++)
		if (i != at)
			flush_pend(f, pc->ps_first[i], pgno + i - at);
	next = flush_next(f, pg, version);
	if (dispose)
		flush_pend(f, pg, pgno);
	return next;
}

/*
 * Write pg and what clusters with it: step d.
 *
 * => object and page queues locked on entry and exit; not if f_dead
 * => the page to look at next
 */
static struct vm_page *
flush_clean(struct flush *f, struct vm_page *pg)
{
	struct uvm *const uvm = f->f_uvm;
	const uint16_t version = page_rare(uvm, pg)->version;
	const uint64_t first = page_pgno(pg);
	const unsigned flags = f->f_flags;
	struct uvm_pcluster pc;
	struct vm_page *next;
	unsigned i;
	int result;

	pg->flags |= PG_BUSY;
	pmap_page_protect(uvm, pg, UVM_MAP_READ);
	for (;;) {
		result = uvm_pager_put(uvm, f->f_uobj, pg, &pc,
		    f->f_flags | PGO_DOACTCLUST, f->f_start, f->f_stop);
		if (result != VM_PAGER_AGAIN)
			OBJ_LOCK(uvm, f->f_uobj);
		uvm_lock_pageq(uvm);
		if (result != VM_PAGER_AGAIN)
			break;
		KASSERT((f->f_flags & PGO_SYNCIO) == 0);
		f->f_flags |= PGO_SYNCIO;
	}
	if (FIXED(uvm, q19_again_sync))
		f->f_flags = flags;
	if (result == VM_PAGER_PEND)
		return flush_pended(f, pg, version, &pc, first);

	for (i = 0; i < pc.ps_npages; i++) {
		if (pc.ps_first[i] == pg)
			continue;
		flush_finish(f, pc.ps_first[i], pg, result);
		if (f->f_dead)
			return NULL;
	}
	next = flush_next(f, pg, version);
	flush_finish(f, pg, pg, result);
	return f->f_dead ? NULL : next;
}

/*
 * Pass 2.
 *
 * => object locked on entry and exit; not if f_dead
 */
static void
flush_pages(struct flush *f)
{
	struct uvm *const uvm = f->f_uvm;
	struct vm_page *pg, *next;
	uint64_t visits = 0;

	f->f_cur = f->f_start;
	pg = f->f_by_list ? link_page(uvm, f->f_uobj->memq_head) :
			    uvm_pagelookup(uvm, f->f_uobj, f->f_cur);
	uvm_lock_pageq(uvm);
	for (; f->f_by_list ? pg != NULL : f->f_cur < f->f_stop; pg = next) {
		if (f->f_by_list) {
			visits++;
			if (!in_range(f, pg)) {
				next = list_next(f, pg);
				continue;
			}
		} else {
			f->f_cur++;
			if (pg == NULL) {
				next = hash_next(f);
				continue;
			}
		}
		if (flush_needs_clean(f, pg)) {
			next = flush_clean(f, pg);
			if (f->f_dead || FAILED(uvm) != 0)
				break;
			continue;
		}
		next = f->f_by_list ? list_next(f, pg) : hash_next(f);
		flush_dispose(f, pg);
	}
	EXP(uvm)->list_visits += visits;
	if (!f->f_dead)
		uvm_unlock_pageq(uvm);
}

/*
 * Wait for the first page that is awaited, to go on from there.
 *
 * => object locked on entry and exit
 * => false: the machine failed
 */
static bool
flush_await(struct flush *f)
{
	struct uvm *const uvm = f->f_uvm;
	struct vm_page *const pg = uvm_pagepeek(uvm, f->f_uobj, f->f_busy);

	f->f_start = f->f_busy;
	f->f_busy = UINT64_MAX;
	if (pg == NULL || (pg->flags & PG_BUSY) == 0)
		return FAILED(uvm) == 0;
	pg->flags |= PG_WANTED;
	return uvm_sleep(uvm, pg, UVM_WAIT_PAGE, "a busy page",
	    &f->f_uobj->vmobjlock);
}

/*
 * Wait for the I/O of others on the object's pages.
 *
 * => object locked on entry and exit
 */
static void
flush_iosync(struct flush *f)
{
	struct uvm *const uvm = f->f_uvm;
	struct uvm_vnode *const uvn = (struct uvm_vnode *)f->f_uobj;

	uvn_io_wait(uvm, uvn, "the I/O of others");
	uvn_iosync_end(uvm, uvn);
}

/*
 * Has an asynchronous write failed since someone was told?  Tell, but once and
 * not in 1998.
 *
 * => object locked
 */
static bool
flush_errors(const struct flush *f)
{
	struct uvm_vnode *const uvn = (struct uvm_vnode *)f->f_uobj;
	const bool failed = uvn->u_error != 0;

	uvn->u_error = 0;
	return failed && FIXED(f->f_uvm, q1_error_clean);
}

/*
 * Begin the report of a flush: differences are taken at its end.
 *
 * => dry: what dry walks found, if fi_both
 */
static struct uvm_flushinfo
flush_begin(const struct flush *f, enum uvm_flush_caller caller,
    const struct uvm_flushinfo *dry)
{
	struct uvm *const uvm = f->f_uvm;
	const struct uvmexp *const exp = EXP(uvm);

	return (struct uvm_flushinfo){
		.fi_caller = caller,
		.fi_file = UVNTOV(f->f_uobj)->v_file,
		.fi_flags = f->f_flags,
		.fi_by_list = f->f_by_list,
		.fi_range_pages = f->f_stop - f->f_start,
		.fi_object_pages = f->f_uobj->uo_npages,
		.fi_visits = exp->list_visits,
		.fi_lookups = exp->lookups,
		.fi_writes = exp->pageout_ios,
		.fi_io = SELF(uvm)->io_time,
		.fi_choice = (f->f_flags & PGO_ALLPAGES) == 0,
		.fi_both = dry->fi_both,
		.fi_other_visits = dry->fi_other_visits,
		.fi_other_lookups = dry->fi_other_lookups,
		.fi_other_writes = dry->fi_other_writes,
		.fi_list_time = dry->fi_list_time,
		.fi_hash_time = dry->fi_hash_time,
		.fi_begin = uvm_clock(uvm),
	};
}

static void
flush_end(const struct flush *f, struct uvm_flushinfo *fi)
{
	struct uvm *const uvm = f->f_uvm;
	const struct uvmexp *const exp = EXP(uvm);

	fi->fi_end = uvm_clock(uvm);
	fi->fi_visits = exp->list_visits - fi->fi_visits;
	fi->fi_lookups = exp->lookups - fi->fi_lookups;
	fi->fi_writes = exp->pageout_ios - fi->fi_writes;
	fi->fi_io = SELF(uvm)->io_time - fi->fi_io;
	fi->fi_cleaned = f->f_cleaned;
	uvm->obs.uo_flush(uvm->obs.uo_arg, fi);
}

bool
uvn_flush(struct uvm *uvm, struct uvm_object *uobj, uint64_t start,
    uint64_t stop, unsigned flags)
{
	const enum uvm_flush_caller caller = SELF(uvm)->caller;
	struct flush f = {
		.f_uvm = uvm,
		.f_uobj = uobj,
		.f_flags = flags,
		.f_busy = UINT64_MAX,
		.f_ok = true,
	};
	struct uvm_flushinfo fi = { .fi_caller = caller }, dry = fi;

	LOCK_HELD(&uobj->vmobjlock);
	LOCK_FREE(&uvm->pageqlock);
	flush_setup(&f, start, stop);
	UVMHIST(uvm, "object %u pages %u..%u flags %x", uobj->uo_num, f.f_start,
	    f.f_stop, flags);
	if (uvm->obs.uo_both && (flags & PGO_ALLPAGES) == 0)
		uvm_flush_dry(uvm, uobj, f.f_start, f.f_stop, flags,
		    f.f_by_list, &dry);
	if (uvm->obs.uo_flush != NULL)
		fi = flush_begin(&f, caller, &dry);
	SELF(uvm)->traversals++;
	uvm_traverse_tell(uvm);
	if (flags & PGO_CLEANIT)
		flush_clear_hints(&f);
	flush_pages(&f);
	uvm_aio_submit(uvm);
	while (f.f_busy != UINT64_MAX && !f.f_dead && flush_await(&f))
		flush_pages(&f);
	if (f.f_need_iosync && !f.f_dead)
		flush_iosync(&f);
	if ((f.f_flags & PGO_SYNCIO) && !f.f_dead && flush_errors(&f))
		f.f_ok = false;
	SELF(uvm)->traversals--;
	uvm_traverse_tell(uvm);
	EXP(uvm)->flush_cleaned += f.f_cleaned;
	if (uvm->obs.uo_flush != NULL)
		flush_end(&f, &fi);
	/* Also of an object that is no more: the caller holds its lock. */
	if (f.f_dead)
		OBJ_LOCK(uvm, uobj);
	return f.f_dead || f.f_ok;
}
