/*
 * uvm_page_i: the inlines of the page layer: what every fault does many times.
 */
#ifndef PAGER_UVM_PAGE_I_H
#define PAGER_UVM_PAGE_I_H

/* uvm_i.h includes this at its end. */
#include "pager/uvm_i.h"

#define SCOUT_LEAD 40 /* pages */

/* A scout stands so many pages behind the head of its queue, or has nowhere to
 * go until the head moves on: then it is as far as it may be. */
static inline void
scout_set(struct pglist *pl, uint32_t link, uint32_t lead)
{

	pl->pl_scout = link;
	pl->pl_lead = link != 0 ? lead : SCOUT_LEAD;
}

/* The first n pages left the queue. */
static inline void
scout_headed(struct pglist *pl, uint64_t n)
{

	if (pl->pl_scout == 0)
		scout_set(pl, pl->pl_head, 0);
	else
		pl->pl_lead -= n < pl->pl_lead ? (uint32_t)n : pl->pl_lead;
}

/* link leads to pg, which is in no queue. */
static inline void
queue_append(struct vm_page *frames, struct pglist *pl, struct vm_page *pg,
    uint32_t link)
{

	pg->pageq_next = 0;
	pg->pageq_prev = pl->pl_tail;
	if (pl->pl_tail != 0)
		link_at(frames, pl->pl_tail)->pageq_next = link;
	else
		pl->pl_head = link;
	pl->pl_tail = link;
}

static inline void
pglist_append(struct uvm *uvm, struct pglist *pl, struct vm_page *pg)
{

	queue_append(uvm->mem.pm_frame, pl, pg, page_link(uvm, pg));
}

static inline void
pglist_remove(struct uvm *uvm, struct pglist *pl, struct vm_page *pg)
{
	struct vm_page *const frames = uvm->mem.pm_frame;

	if (unlikely(pg == link_at(frames, pl->pl_scout)))
		scout_set(pl, pg->pageq_next, pl->pl_lead);
	if (pg->pageq_next != 0)
		link_at(frames, pg->pageq_next)->pageq_prev = pg->pageq_prev;
	else
		pl->pl_tail = pg->pageq_prev;
	if (pg->pageq_prev != 0)
		link_at(frames, pg->pageq_prev)->pageq_next = pg->pageq_next;
	else {
		pl->pl_head = pg->pageq_next;
		scout_headed(pl, 1);
	}
	pg->pageq_next = pg->pageq_prev = 0;
}

static inline struct pghash *
hash_bucket(const struct uvm *uvm, const struct uvm_object *uobj, uint64_t pgno)
{

	return &uvm->mem
		    .pm_bucket[(uobj->uo_hashbase + pgno) & uvm->mem.pm_mask];
}

/* Page pgno, pg, to which link leads, into its chain, at the end, and out of it.
 * => hash locked */
static inline void
hash_link(const struct uvm *uvm, const struct uvm_object *uobj, uint64_t pgno,
    struct vm_page *pg, uint32_t link)
{
	struct pghash *const ph = hash_bucket(uvm, uobj, pgno);
	const uint32_t tail = ph->ph_tail;

	/*
	 * Half of the chains are empty, and no processor foresees which: frame
	 * 0 takes what then means nothing.
	 */
	link_at(uvm->mem.pm_frame, tail)->hashq = link;
	ph->ph_head |= link & -(uint32_t)(tail == 0);
	ph->ph_tail = link;
	pg->hashq = 0;
}

static inline void
hash_unlink(const struct uvm *uvm, const struct uvm_object *uobj,
    const struct vm_page *pg, uint32_t link)
{
	struct vm_page *const frames = uvm->mem.pm_frame;
	struct pghash *const ph = hash_bucket(uvm, uobj, page_pgno(pg));
	uint32_t *at, prev = 0;

	for (at = &ph->ph_head; *at != link; at = &link_at(frames, prev)->hashq)
		prev = *at;
	*at = pg->hashq;
	ph->ph_tail = ph->ph_tail == link ? prev : ph->ph_tail;
}

/* A page into its object's list, at the end, and out of it. => object locked */
static inline void
memq_link(const struct uvm *uvm, struct uvm_object *uobj, struct vm_page *pg,
    uint32_t link)
{

	pg->listq_next = 0;
	pg->listq_prev = uobj->memq_tail;
	if (uobj->memq_tail != 0)
		link_at(uvm->mem.pm_frame, uobj->memq_tail)->listq_next = link;
	else
		uobj->memq_head = link;
	uobj->memq_tail = link;
	uobj->uo_npages++;
}

static inline void
memq_unlink(const struct uvm *uvm, struct uvm_object *uobj,
    const struct vm_page *pg)
{
	struct vm_page *const frames = uvm->mem.pm_frame;

	if (pg->listq_next != 0)
		link_at(frames, pg->listq_next)->listq_prev = pg->listq_prev;
	else
		uobj->memq_tail = pg->listq_prev;
	if (pg->listq_prev != 0)
		link_at(frames, pg->listq_prev)->listq_next = pg->listq_next;
	else
		uobj->memq_head = pg->listq_next;
	uobj->uo_npages--;
}

/* The bit of a page that is there; of those that have one. => object locked */
static inline void
resident_set(const struct uvm_object *uobj, uint64_t pgno)
{

	if (likely(pgno < uobj->uo_rbits))
		uobj->uo_resident[pgno / 64] |= 1ULL << (pgno % 64);
}

static inline void
resident_clear(const struct uvm_object *uobj, uint64_t pgno)
{

	if (likely(pgno < uobj->uo_rbits))
		uobj->uo_resident[pgno / 64] &= ~(1ULL << (pgno % 64));
}

/* A page will be written to: all of its descriptor lies in one line. */
static inline void
prefetch_page(const struct vm_page *pg)
{

	__builtin_prefetch(pg, 1);
}

/*
 * Move the scout of a queue on by one page, to stay ahead of its head.
 *
 * => the page that it comes to is prefetched; returns the one that it was on,
 *    or NULL: it has nowhere to go, or is far enough
 */
static inline const struct vm_page *
pglist_scout(const struct uvm *uvm, struct pglist *pl)
{
	const struct vm_page *pg;

	if (pl->pl_lead >= SCOUT_LEAD)
		return NULL;
	pg = link_at(uvm->mem.pm_frame, pl->pl_scout);
	prefetch_page(link_at(uvm->mem.pm_frame, pg->pageq_next));
	scout_set(pl, pg->pageq_next, pl->pl_lead + 1);
	return pg;
}

/*
 * What the page daemon will touch when it comes to pages near the heads of its
 * queues is prefetched, one step at a time, which gives it the time to come.
 * Never where list steps and lookups are what is measured: in flushes.
 */

/* The head of the inactive queue will be freed: out of the hash and its object's
 * list.  Where the cache holds them all, that costs more than it brings. */
static inline void
uvm_scout_inactive(struct uvm *uvm)
{
	const struct vm_page *const frames = uvm->mem.pm_frame;
	const struct vm_page *const pg =
	    pglist_scout(uvm, &uvm->mem.pm_inactive);

	if (pg == NULL || !uvm->mem.pm_far)
		return;
	__builtin_prefetch(hash_bucket(uvm, page_object(uvm, pg),
			       page_pgno(pg)),
	    1);
	__builtin_prefetch(&link_at(frames, pg->listq_next)->listq_prev, 1);
	__builtin_prefetch(&link_at(frames, pg->listq_prev)->listq_next, 1);
}

/* The head of the active queue will be deactivated: unmapped. */
static inline void
uvm_scout_active(struct uvm *uvm)
{
	const struct vm_page *const pg = pglist_scout(uvm, &uvm->mem.pm_active);
	const struct uvm_map *map;
	uint64_t idx;

	if (pg == NULL || pg->nmaps == 0)
		return;
	map = &page_object(uvm, pg)->uo_maps->vm_hot;
	idx = page_pgno(pg) - map->um_first;
	if (likely(idx < map->um_npages))
		__builtin_prefetch(&map->um_pte[idx], 1);
}

/* A fault is over. */
static inline void
uvm_scout(struct uvm *uvm)
{

	uvm_scout_inactive(uvm);
	uvm_scout_active(uvm);
}

/* Whoever takes a page while fewer are free than this wakes the daemon.
 * => free list locked */
static inline uint64_t
free_wake(const struct uvm *uvm)
{

	return shared_get(&LEVELS(uvm)->inactive) < shared_get(&uvm->inactarg) ?
	    uvm->up.freetarg :
	    uvm->up.freemin;
}

/* The page that is next on the free list, which is not empty; the caller counts.
 * => locked */
static inline uint32_t
free_take(struct uvm *uvm)
{
	struct uvm_pagemem *const pm = &uvm->mem;
	struct vm_page *const frames = pm->pm_frame;
	const uint32_t link = pm->pm_free.pl_head;
	uint32_t next;

	if (unlikely(pm->pm_fresh <= pm->pm_npages))
		return page_link(uvm, &frames[pm->pm_fresh++]);
	next = link_at(frames, link)->pageq_next;
	pm->pm_free.pl_head = next;
	if (next != 0) {
		link_at(frames, next)->pageq_prev = 0;
		prefetch_page(link_at(frames, next));
	} else {
		pm->pm_free.pl_tail = 0;
	}
	link_at(frames, link)->pageq_next = 0;
	return link;
}

/* A page that was free is page pgno of uobj, and in no list yet; pqflags is of
 * the queue that it will be in, nmaps how many mappings it will have. */
static inline void
page_becomes(struct vm_page *pg, const struct uvm_object *uobj, uint64_t pgno,
    unsigned flags, unsigned pqflags, unsigned nmaps)
{

	/* Who started an I/O on the page that it was may look just now. */
	shared_set(&pg->key, page_key(uobj->uo_num, pgno));
	pg->state = page_state(flags, pqflags, nmaps);
}

/* A page is nobody's any more: whoever may remember it can tell by its version. */
static inline void
page_disown(const struct uvm *uvm, struct vm_page *pg, bool remembered)
{

	shared_set(&pg->key, pg->key & PAGE_PGNO_MASK);
	if (remembered) {
		struct vm_page_rare *const pr = page_rare(uvm, pg);

		shared_set(&pr->version, (uint16_t)(pr->version + 1));
	}
}

/* n is 0 or 1: so many mappings more. => object locked */
static inline void
page_mapped(const struct uvm *uvm, struct vm_page *pg, unsigned n)
{

	if (unlikely(pg->nmaps == NMAPS_MANY))
		page_rare(uvm, pg)->nmaps += n;
	else
		pg->nmaps = (uint8_t)(pg->nmaps + n);
}

/* One less. => object locked */
static inline void
page_unmapped(const struct uvm *uvm, struct vm_page *pg)
{

	if (unlikely(pg->nmaps == NMAPS_MANY) && page_rare(uvm, pg)->nmaps != 0)
		page_rare(uvm, pg)->nmaps--;
	else
		pg->nmaps--;
}

/* How many mappings a page has. => object locked */
static inline uint32_t
page_nmaps(const struct uvm *uvm, const struct vm_page *pg)
{

	return likely(pg->nmaps != NMAPS_MANY) ?
	    pg->nmaps :
	    NMAPS_MANY + page_rare(uvm, pg)->nmaps;
}

/* The chains are short: with threads the lock is what a lookup costs. */
#define HASH_LOCK(uvm)	 mp_lock(&SELF(uvm)->ls, &(uvm)->hashlock)
#define HASH_UNLOCK(uvm) mp_unlock(&SELF(uvm)->ls, &(uvm)->hashlock)

/* => hash locked, with UVM_MP */
static inline struct vm_page *
hash_search(const struct uvm *uvm, const struct uvm_object *uobj, uint64_t pgno)
{
	const uint64_t key = page_key(uobj->uo_num, pgno);
	uint32_t link;

	for (link = hash_bucket(uvm, uobj, pgno)->ph_head; link != 0;) {
		struct vm_page *const pg = link_at(uvm->mem.pm_frame, link);

		if (shared_get(&pg->key) == key)
			return pg;
		link = pg->hashq;
	}
	return NULL;
}

static inline struct vm_page *
hash_find(const struct uvm *cuvm, const struct uvm_object *uobj, uint64_t pgno)
{
	/* The machine is not changed but for its lock. */
	struct uvm *const uvm = unconst(cuvm);
	struct vm_page *pg;

	HASH_LOCK(uvm);
	pg = hash_search(uvm, uobj, pgno);
	HASH_UNLOCK(uvm);
	return pg;
}

/*
 * Find the page of an object: one hash lookup, counted.
 *
 * => object locked
 * => returns busy, fake and released pages too; NULL if absent
 */
static inline struct vm_page *
uvm_pagelookup(struct uvm *uvm, const struct uvm_object *uobj, uint64_t pgno)
{

	LOCK_HELD(&uobj->vmobjlock);
	EXP(uvm)->lookups++;
	return hash_find(uvm, uobj, pgno);
}

/*
 * Which of the n <= 64 pages from pgno on may be there: bit i is page pgno + i.
 */
static inline uint64_t
uvm_resident_run(const struct uvm_object *uobj, uint64_t pgno, unsigned n)
{
	const unsigned shift = (unsigned)(pgno % 64);
	const uint64_t *word;

	if (unlikely(pgno + n > uobj->uo_rbits))
		return UINT64_MAX;
	word = &uobj->uo_resident[pgno / 64];
	/* There is a word behind the last. */
	return word[0] >> shift | word[1] << 1 << (63 - shift);
}

/* The same for bookkeeping that 1998 did not do; not counted. */
static inline struct vm_page *
uvm_pagepeek(const struct uvm *uvm, const struct uvm_object *uobj,
    uint64_t pgno)
{

	return hash_find(uvm, uobj, pgno);
}

/* Spec section 2.5. => page queues locked */
static inline void
page_activate(struct uvm *uvm, struct vm_page *pg)
{
	struct uvmexp *const lv = LEVELS(uvm);

	if (pg->pqflags & PQ_INACTIVE) {
		pglist_remove(uvm, &uvm->mem.pm_inactive, pg);
		pg->pqflags = 0;
		shared_sub(&lv->inactive, 1);
	}
	if (pg->pqflags & PQ_WIRED)
		return;
	if (pg->pqflags & PQ_ACTIVE)
		pglist_remove(uvm, &uvm->mem.pm_active, pg);
	else
		shared_add(&lv->active, 1);
	pg->pqflags = PQ_ACTIVE;
	pglist_append(uvm, &uvm->mem.pm_active, pg);
}

static inline void
uvm_pageactivate(struct uvm *uvm, struct vm_page *pg)
{

	LOCK_HELD(&uvm->pageqlock);
	page_activate(uvm, pg);
}

/* Wake sleepers on pg and give it up: spec section 2.6. */
static inline void
uvm_page_unbusy(struct uvm *uvm, struct vm_page *pg)
{

	if (pg->flags & PG_WANTED)
		uvm_wakeup(uvm, pg);
	pg->flags &= (uint16_t) ~(PG_BUSY | PG_WANTED);
}

static inline void
uvm_lock_pageq(struct uvm *uvm)
{

	simple_lock(&SELF(uvm)->ls, &uvm->pageqlock);
}

static inline void
uvm_unlock_pageq(struct uvm *uvm)
{

	simple_unlock(&SELF(uvm)->ls, &uvm->pageqlock);
}

#ifdef UVM_MP

/* The sleeping lock of a vnode; and whether the running thread has it. */
void vn_lock(struct uvm *uvm, struct vnode *vp);
void vn_unlock(struct uvm *uvm, struct vnode *vp);
bool vn_islocked(struct uvm *uvm, struct vnode *vp);

#else

static inline bool
vn_islocked(struct uvm *uvm, const struct vnode *vp)
{

	(void)uvm;
	return vp->v_locked;
}

static inline void
vn_lock(struct uvm *uvm, struct vnode *vp)
{

	uvm_may_sleep(uvm);
	KASSERT(!vp->v_locked);
	vp->v_locked = true;
}

static inline void
vn_unlock(struct uvm *uvm, struct vnode *vp)
{

	(void)uvm;
	KASSERT(vp->v_locked);
	vp->v_locked = false;
}

#endif

#endif
