/*
 * uvm_hint.c: what the cache is told of accesses to come.  Nothing is changed,
 * and nothing counted.
 */
#include "pager/uvm_i.h"
#include "pager/uvm_run.h"

/* The window of a fault with advice normal, more or less. */
#define HINT_BACK  3
#define HINT_PAGES 8

/* The next access to be hinted at: its page. */
static inline uint64_t
hint_next(const uint32_t *at, uint32_t *duep)
{
	const unsigned k = (unsigned)__builtin_ctz(*duep);

	*duep &= *duep - 1;
	return UVM_AT_PAGE(at[k]);
}

/* Does a fault in this map look at one page only?  As the last one did. */
static inline bool
single(const struct vm_map *map)
{
	const uint32_t hint = shared_get(&map->vm_hint);

	return hint < map->vm_nentries &&
	    map->vm_entry[hint].me_advice == ADVICE_RANDOM;
}

void
uvm_hint_hash(const struct uvm *uvm, const struct uvm_map *umap,
    const uint32_t *at, uint32_t due)
{
	const struct vm_map *const map = (const struct vm_map *)umap;
	const struct uvm_object *const uobj = &map->vm_vp->v_uvm.u_obj;
	const uint64_t back = single(map) ? 0 : HINT_BACK;

	while (due != 0) {
		const uint64_t pgno = hint_next(at, &due);

		__builtin_prefetch(hash_bucket(uvm, uobj, pgno - back), 1);
		if (back != 0)
			__builtin_prefetch(hash_bucket(uvm, uobj,
					       pgno - back + HINT_PAGES - 1),
			    1);
		if (likely(pgno < uobj->uo_rbits))
			__builtin_prefetch(&uobj->uo_resident[pgno / 64]);
	}
}

/* The frames at the ends of the chain of a page. */
static inline void
hint_chain(const struct uvm *uvm, const struct uvm_object *uobj, uint64_t pgno,
    bool there)
{
	const struct pghash *const ph = hash_bucket(uvm, uobj, pgno);

	if (there)
		prefetch_whole(link_at(uvm->mem.pm_frame, ph->ph_head));
	else
		__builtin_prefetch(&link_at(uvm->mem.pm_frame, ph->ph_tail)
					->hashq,
		    1);
}

/*
 * Of faults that look at one page only: the frame at the end of its chain,
 * behind which it will be put, or which it most often is if it is there.
 *
 * => within its caller: gcc holds a function that only gives hints for one
 *    without effect, and drops the call
 */
static inline __attribute__((always_inline)) void
hint_single(const struct uvm *uvm, const struct uvm_object *uobj,
    const uint32_t *at, uint32_t due)
{
	const struct vm_page *const frames = uvm->mem.pm_frame;

	while (due != 0) {
		const uint64_t pgno = hint_next(at, &due);

		prefetch_whole(
		    link_at(frames, hash_bucket(uvm, uobj, pgno)->ph_tail));
	}
}

void
uvm_hint_pages(const struct uvm *uvm, const struct uvm_map *umap,
    const uint32_t *at, uint32_t due)
{
	const struct vm_map *const map = (const struct vm_map *)umap;
	const struct uvm_object *const uobj = &map->vm_vp->v_uvm.u_obj;

	if (single(map)) {
		hint_single(uvm, uobj, at, due);
		return;
	}
	while (due != 0) {
		const uint64_t pgno = hint_next(at, &due);
		const uint64_t first = pgno - HINT_BACK;
		uint64_t there;

		if (unlikely(pgno < HINT_BACK ||
			first + HINT_PAGES > uobj->uo_rbits))
			continue;
		there = uvm_resident_run(uobj, first, HINT_PAGES) &
		    ((1U << HINT_PAGES) - 1);
		hint_chain(uvm, uobj, pgno, (there >> HINT_BACK & 1) != 0);
		for (there &= ~(1ULL << HINT_BACK); there != 0;
		     there &= there - 1)
			hint_chain(uvm, uobj,
			    first + (unsigned)__builtin_ctzll(there), true);
	}
}
