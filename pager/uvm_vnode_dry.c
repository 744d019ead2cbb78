/*
 * uvm_vnode_dry.c: the traversals of uvn_flush() as dry walks, which count
 * nothing and change nothing, to tell what a list step and a lookup cost, and
 * what the method that a flush did not choose would have done.
 *
 * They read what uvn_flush() reads of each page, in its order, and prefetch
 * nothing.
 */
#include "pager/uvm_i.h"

static struct uvm_object *
file_object(const struct uvm *uvm, uint32_t file)
{
	struct vnode *const vp = idmap_get(&uvm->files, file);

	return vp != NULL ? &vp->v_uvm.u_obj : NULL;
}

uint64_t
uvm_resident(const struct uvm *uvm, uint32_t file)
{
	const struct uvm_object *const uobj = file_object(uvm, file);

	return uobj != NULL ? uobj->uo_npages : 0;
}

struct uvm_list_order
uvm_list_order(const struct uvm *uvm, uint32_t file)
{
	const struct uvm_object *const uobj = file_object(uvm, file);
	struct uvm_list_order lo = { .lo_ascending = true };
	const struct vm_page *pg, *last = NULL;

	if (uobj == NULL)
		return lo;
	for (pg = link_page(uvm, uobj->memq_head); pg != NULL;
	     pg = link_page(uvm, pg->listq_next)) {
		lo.lo_pages++;
		if (last != NULL) {
			lo.lo_next += pg == last + 1;
			lo.lo_up += pg > last;
			lo.lo_ascending &= page_pgno(pg) > page_pgno(last);
		}
		last = pg;
	}
	return lo;
}

/* One pass by list over pages [start, stop): how many were met. */
static uint64_t
walk_list(const struct uvm *uvm, const struct uvm_object *uobj, uint64_t start,
    uint64_t stop)
{
	const struct vm_page *pg;
	uint64_t met = 0;

	for (pg = link_page(uvm, uobj->memq_head); pg != NULL;
	     pg = link_page(uvm, pg->listq_next))
		if (page_pgno(pg) >= start && page_pgno(pg) < stop)
			met += (pg->flags & PG_BUSY) == 0;
	return met;
}

/* The same by hash. */
static uint64_t
walk_hash(const struct uvm *uvm, const struct uvm_object *uobj, uint64_t start,
    uint64_t stop)
{
	const struct vm_page *pg;
	uint64_t pgno, met = 0;

	for (pgno = start; pgno < stop; pgno++) {
		pg = hash_find(uvm, uobj, pgno);
		if (pg != NULL)
			met += (pg->flags & PG_BUSY) == 0;
	}
	return met;
}

uint64_t
uvm_dry_list(struct uvm *uvm, uint32_t file, uint64_t first, uint64_t n)
{
	const struct uvm_object *const uobj = file_object(uvm, file);

	return uobj != NULL ? walk_list(uvm, uobj, first, first + n) : 0;
}

uint64_t
uvm_dry_hash(struct uvm *uvm, uint32_t file, uint64_t first, uint64_t n)
{
	const struct uvm_object *const uobj = file_object(uvm, file);

	return uobj != NULL ? walk_hash(uvm, uobj, first, first + n) : 0;
}

/* A flush that is only imagined. */
struct dry {
	struct uvm *d_uvm;
	struct uvm_object *d_uobj;
	uint64_t d_start, d_stop; /* pages */
	unsigned d_flags;	  /* PGO_ */
	uint32_t d_stamp;	  /* in pm_rare: cleaned by this flush */
	uint32_t d_busy;	  /* BUSY by the flush around it; or d_stamp */
	bool d_dead;		  /* its first write ended the object */
	uint64_t d_visits, d_lookups, d_writes;
};

static void dry_by_list(struct dry *d);

/*
 * Would the flush find pg dirty, if it came upon it now?  CLEAN may be stale
 * where there are mappings, which flush_needs_clean() and, for pages that are
 * not inactive, the cluster builder ask.
 */
static bool
dry_dirty(const struct dry *d, const struct vm_page *pg, bool ask)
{
	uint32_t dry;

	if ((pg->flags & PG_BUSY) ||
	    ((pg->flags & PG_CLEAN) &&
		!(ask && pmap_is_modified(d->d_uvm, pg))))
		return false;
	dry = page_rare(d->d_uvm, pg)->dry;
	return dry != d->d_stamp && dry != d->d_busy;
}

/* As pcluster_join(): would the page at pgno go with a cluster? */
static bool
dry_join(struct dry *d, uint64_t pgno)
{
	struct vm_page *const pg = hash_find(d->d_uvm, d->d_uobj, pgno);

	d->d_lookups++;
	if (pg == NULL || !dry_dirty(d, pg, (pg->pqflags & PQ_INACTIVE) == 0))
		return false;
	page_rare(d->d_uvm, pg)->dry = d->d_stamp;
	return true;
}

/*
 * As uvm_vnp_uncache() of an object that only persists: its last detach flushes
 * it and ends it, amidst the write.
 */
static void
dry_end(struct dry *d)
{
	const struct uvm_vnode *const uvn = (struct uvm_vnode *)d->d_uobj;
	struct dry last = {
		.d_uvm = d->d_uvm,
		.d_uobj = d->d_uobj,
		.d_stop = pages_round(d->d_uvm, uvn->u_size),
		.d_flags = PGO_CLEANIT | PGO_FREE | PGO_ALLPAGES,
		.d_stamp = d->d_stamp + 1,
		.d_busy = d->d_stamp,
	};

	dry_by_list(&last);
	d->d_visits += last.d_visits;
	d->d_lookups += last.d_lookups;
	d->d_writes += last.d_writes;
	d->d_dead = true;
}

/* As uvm_mk_pcluster() and the write of what it finds. */
static void
dry_clean(struct dry *d, struct vm_page *pg)
{
	struct uvm *const uvm = d->d_uvm;
	uint64_t lo, hi, pgno;

	page_rare(uvm, pg)->dry = d->d_stamp;
	d->d_writes++;
	d->d_uobj->pgops->pgo_cluster(uvm, d->d_uobj, page_pgno(pg), &lo, &hi);
	lo = lo > d->d_start ? lo : d->d_start;
	hi = hi < d->d_stop ? hi : d->d_stop;
	if (hi >= lo && hi - lo <= uvm->slots) {
		for (pgno = page_pgno(pg); pgno > lo && dry_join(d, pgno - 1);
		     pgno--)
			continue;
		if (page_pgno(pg) == 0 && !FIXED(uvm, q16_page0_lookup))
			d->d_lookups++;
		for (pgno = page_pgno(pg) + 1; pgno < hi && dry_join(d, pgno);
		     pgno++)
			continue;
	}
	if (d->d_uobj->uo_refs == 0 && d->d_busy == d->d_stamp)
		dry_end(d);
}

/* Did the flush free pg when it had cleaned it? */
static bool
dry_freed(const struct dry *d, const struct vm_page *pg)
{

	return page_rare(d->d_uvm, pg)->dry == d->d_stamp &&
	    (d->d_flags & (PGO_FREE | PGO_DEACTIVATE)) == PGO_FREE &&
	    !((pg->pqflags & PQ_WIRED) && FIXED(d->d_uvm, q17_free_wired));
}

static void
dry_by_list(struct dry *d)
{
	const bool clean = (d->d_flags & PGO_CLEANIT) != 0;
	struct vm_page *pg;

	if (clean)
		d->d_visits += d->d_uobj->uo_npages;
	for (pg = link_page(d->d_uvm, d->d_uobj->memq_head);
	     pg != NULL && !d->d_dead;
	     pg = link_page(d->d_uvm, pg->listq_next)) {
		/* Freed with another's cluster, it left the list before. */
		if (dry_freed(d, pg))
			continue;
		d->d_visits++;
		if (clean && page_pgno(pg) >= d->d_start &&
		    page_pgno(pg) < d->d_stop && dry_dirty(d, pg, true))
			dry_clean(d, pg);
	}
}

static void
dry_by_hash(struct dry *d)
{
	const bool clean = (d->d_flags & PGO_CLEANIT) != 0;
	struct vm_page *pg;
	uint64_t pgno;

	/* The second pass looks up its first page before it looks at the range. */
	d->d_lookups += (clean ? d->d_stop - d->d_start : 0) + 1;
	for (pgno = d->d_start; pgno < d->d_stop && !d->d_dead; pgno++) {
		pg = clean ? hash_find(d->d_uvm, d->d_uobj, pgno) : NULL;
		if (pg != NULL && dry_dirty(d, pg, true))
			dry_clean(d, pg);
		d->d_lookups += pgno + 1 < d->d_stop;
	}
}

/* What a dry walk takes, with as many passes as the flush makes. */
static uint64_t
dry_time(const struct dry *d, bool by_list)
{
	const struct uvm *const uvm = d->d_uvm;
	const unsigned passes = (d->d_flags & PGO_CLEANIT) ? 2 : 1;
	volatile uint64_t met = 0;
	uint64_t began;

	if (uvm->obs.uo_clock == NULL)
		return 0;
	began = uvm->obs.uo_clock();
	for (unsigned i = 0; i < passes; i++)
		met += by_list ?
		    walk_list(uvm, d->d_uobj, d->d_start, d->d_stop) :
		    walk_hash(uvm, d->d_uobj, d->d_start, d->d_stop);
	(void)met;
	return uvm->obs.uo_clock() - began;
}

/*
 * Two stamps that no page has, the first of them even and not 0: one for the
 * flush, one for what may end the object in its midst.
 */
static uint32_t
dry_stamp(struct uvm *uvm)
{

	uvm->dryflush += 2;
	if (unlikely(uvm->dryflush == 0)) {
		for (uint64_t i = 1; i < uvm->mem.pm_fresh; i++)
			uvm->mem.pm_rare[i].dry = 0;
		uvm->dryflush = 2;
	}
	return uvm->dryflush;
}

/* Is it one of the flushes that dry_by_list() and dry_by_hash() know? */
static bool
dry_known(const struct uvm *uvm, const struct uvm_object *uobj, uint64_t start,
    uint64_t stop, unsigned flags)
{
	const unsigned dispose = flags & (PGO_FREE | PGO_DEACTIVATE);

	/* With the daemon in the midst of it a flush cannot be foretold. */
	if (stop < start ||
	    (uvm->up.daemon_rule == DAEMON_IO &&
		(uvm->hot.uh_due & UVM_DUE_DAEMON)))
		return false;
	/* No caller does these. */
	return (flags & PGO_CLEANIT) == 0 ||
	    (dispose != (PGO_FREE | PGO_DEACTIVATE) &&
		(uobj->uo_refs != 0 || (dispose & PGO_FREE) == 0));
}

void
uvm_flush_dry(struct uvm *uvm, struct uvm_object *uobj, uint64_t start,
    uint64_t stop, unsigned flags, bool by_list, struct uvm_flushinfo *fi)
{
	struct dry d = {
		.d_uvm = uvm,
		.d_uobj = uobj,
		.d_start = start,
		.d_stop = stop,
		.d_flags = flags,
	};

	LOCK_HELD(&uobj->vmobjlock);
	if (!dry_known(uvm, uobj, start, stop, flags))
		return;
	d.d_stamp = d.d_busy = dry_stamp(uvm);
	/* Neither method shall always find what the other left in the caches. */
	if (d.d_stamp / 2 % 2 != 0) {
		fi->fi_list_time = dry_time(&d, true);
		fi->fi_hash_time = dry_time(&d, false);
	} else {
		fi->fi_hash_time = dry_time(&d, false);
		fi->fi_list_time = dry_time(&d, true);
	}
	if (by_list)
		dry_by_hash(&d);
	else
		dry_by_list(&d);
	fi->fi_both = true;
	fi->fi_other_visits = d.d_visits;
	fi->fi_other_lookups = d.d_lookups;
	fi->fi_other_writes = d.d_writes;
}
