#include "pager/uvm_i.h"

struct vm_page uvm_dontcare;

bool
uvm_pagermapin_wait(struct uvm *uvm, unsigned npages, bool wait)
{
	struct simplelock *const l = &uvm->pagermaplock;
	bool got = true;

	mp_lock(&SELF(uvm)->ls, l);
	while (unlikely(uvm->pagermap_free < npages) && got) {
		/* Who sleeps gives a lock up. */
		if (wait && !CONCURRENT(uvm) && !simple_lock_held(l)) {
			simple_lock(&SELF(uvm)->ls, l);
			got = uvm_sleep(uvm, &uvm->pagermap_free,
			    UVM_WAIT_DEVICE, "pager address space", l);
			simple_unlock(&SELF(uvm)->ls, l);
		} else {
			got = wait &&
			    uvm_sleep(uvm, &uvm->pagermap_free, UVM_WAIT_DEVICE,
				"pager address space", l);
		}
	}
	if (got)
		uvm->pagermap_free -= npages;
	mp_unlock(&SELF(uvm)->ls, l);
	return got;
}

/*
 * pcluster_join: may the page at pgno go with the cluster?  If so take it.
 *
 * => object and page queues locked
 */
static struct vm_page *
pcluster_join(struct uvm *uvm, struct uvm_object *uobj, uint64_t pgno,
    unsigned flags)
{
	struct vm_page *const pg = uvm_pagelookup(uvm, uobj, pgno);

	if (pg == NULL)
		return NULL;
	if ((pg->pqflags & PQ_INACTIVE) == 0) {
		if ((flags & PGO_DOACTCLUST) == 0)
			return NULL;
		if ((pg->flags & PG_CLEANCHK) == 0) {
			if ((pg->flags & (PG_CLEAN | PG_BUSY)) == PG_CLEAN &&
			    pmap_is_modified(uvm, pg))
				pg->flags &= (uint16_t)~PG_CLEAN;
			pg->flags |= PG_CLEANCHK;
		}
	}
	if (pg->flags & (PG_CLEAN | PG_BUSY))
		return NULL;
	pg->flags |= PG_BUSY;
	pmap_page_protect(uvm, pg, UVM_MAP_READ);
	return pg;
}

/*
 * uvm_mk_pcluster: find the dirty neighbours that can be written with pg; spec
 * section 4.1.
 *
 * => object and page queues locked; pg BUSY and write-protected
 * => mlo and mhi, in pages, bound the cluster unless PGO_ALLPAGES
 */
static void
uvm_mk_pcluster(struct uvm *uvm, struct uvm_object *uobj, struct vm_page *pg,
    struct uvm_pcluster *pc, unsigned flags, uint64_t mlo, uint64_t mhi)
{
	struct vm_page **const slots =
	    &SELF(uvm)->slotbuf[(size_t)SELF(uvm)->slotdepth * uvm->slots];
	struct vm_page *mate;
	uint64_t lo, hi, pgno;
	unsigned center;

	uobj->pgops->pgo_cluster(uvm, uobj, page_pgno(pg), &lo, &hi);
	if ((flags & PGO_ALLPAGES) == 0) {
		lo = lo > mlo ? lo : mlo;
		hi = hi < mhi ? hi : mhi;
	}
	slots[0] = pg;
	pc->ps_first = slots;
	pc->ps_npages = 1;
	if (hi < lo || hi - lo > uvm->slots)
		return;

	center = (unsigned)(page_pgno(pg) - lo);
	slots[center] = pg;
	pc->ps_first = &slots[center];

	/*
	 * Backward.  Below page 0 the unsigned offset wraps to one that is not
	 * below lo: 1998 looks that up too, finds nothing, and stops (q16).
	 */
	for (pgno = page_pgno(pg); pgno > lo; pgno--) {
		mate = pcluster_join(uvm, uobj, pgno - 1, flags);
		if (mate == NULL)
			break;
		*--pc->ps_first = mate;
		pc->ps_npages++;
	}
	if (page_pgno(pg) == 0 && !FIXED(uvm, q16_page0_lookup))
		(void)uvm_pagelookup(uvm, uobj, UINT64_MAX);

	for (pgno = page_pgno(pg) + 1; pgno < hi; pgno++) {
		mate = pcluster_join(uvm, uobj, pgno, flags);
		if (mate == NULL)
			break;
		pc->ps_first[pc->ps_npages++] = mate;
	}
}

/*
 * uvm_pager_dropcluster: give up every page of a cluster but pg; spec section
 * 4.3.
 *
 * => object locked, page queues unlocked
 * => with ok the pages are clean now; without, they stay dirty
 */
static void
uvm_pager_dropcluster(struct uvm *uvm, struct uvm_object *uobj,
    struct vm_page *pg, struct uvm_pcluster *pc, bool ok)
{
	unsigned i;

	LOCK_HELD(&uobj->vmobjlock);
	for (i = 0; i < pc->ps_npages; i++) {
		struct vm_page *const mate = pc->ps_first[i];

		if (mate == pg)
			continue;
		if (mate->flags & PG_RELEASED) {
			if (mate->flags & PG_WANTED)
				uvm_wakeup(uvm, mate);
			if (ok)
				uvm_page_cleaned(uvm, mate);
			else
				uvm_page_lost(uvm, mate);
			if (!uobj->pgops->pgo_releasepg(uvm, mate, NULL))
				KASSERT(false &&
				    "object died under its own cluster");
			continue;
		}
		uvm_page_unbusy(uvm, mate);
		if (!ok)
			continue;
		pmap_clear_reference(uvm, mate);
		pmap_clear_modify(uvm, mate);
		mate->flags |= PG_CLEAN;
		uvm_page_cleaned(uvm, mate);
	}
}

/*
 * pcluster_put: hand the cluster to the pager.  What the I/O may set off builds
 * clusters of its own, one level of slots further on.
 *
 * => object locked on entry, unlocked on exit, but for VM_PAGER_AGAIN: locked,
 *    and all along
 */
static int
pcluster_put(struct uvm *uvm, struct uvm_object *uobj,
    const struct uvm_pcluster *pc, unsigned flags)
{
	int result;

	KASSERT(SELF(uvm)->slotdepth + 1 < UVM_SLOTDEPTH);
	SELF(uvm)->slotdepth++;
	result = uobj->pgops->pgo_put(uvm, uobj, pc->ps_first, pc->ps_npages,
	    flags & (PGO_SYNCIO | PGO_PDFREECLUST));
	SELF(uvm)->slotdepth--;
	return result;
}

int
uvm_pager_put(struct uvm *uvm, struct uvm_object *uobj, struct vm_page *pg,
    struct uvm_pcluster *pc, unsigned flags, uint64_t start, uint64_t stop)
{
	int result;

	LOCK_HELD(&uobj->vmobjlock);
	LOCK_HELD(&uvm->pageqlock);
	uvm_mk_pcluster(uvm, uobj, pg, pc, flags, start, stop);
	uvm_unlock_pageq(uvm);
	result = pcluster_put(uvm, uobj, pc, flags);
	if (result == VM_PAGER_PEND)
		return result;
	if (result == VM_PAGER_OK) {
		if (flags & PGO_PDFREECLUST) {
			OBJ_LOCK(uvm, uobj);
			uvm_pager_dropcluster(uvm, uobj, pg, pc, true);
		}
		return result;
	}

	/* The cluster failed: drop it and try the one page that must go. */
	if (pc->ps_npages > 1) {
		if (result != VM_PAGER_AGAIN)
			OBJ_LOCK(uvm, uobj);
		uvm_pager_dropcluster(uvm, uobj, pg, pc, false);
		pc->ps_first[0] = pg;
		pc->ps_npages = 1;
		/* Who had it RELEASED meanwhile trusts that it is written. */
		if (pg->flags & PG_RELEASED)
			flags |= PGO_SYNCIO;
		result = pcluster_put(uvm, uobj, pc, flags);
	}
	if (result == VM_PAGER_PEND)
		return result;
	if ((flags & PGO_PDFREECLUST) != 0 && result != VM_PAGER_AGAIN)
		OBJ_LOCK(uvm, uobj);
	return result;
}
