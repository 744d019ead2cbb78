/*
 * uvm_hint.c: what the cache is told of accesses to come.  Nothing is changed,
 * and nothing counted.
 *
 * Of the neighbours of a fault it is told nothing: few are resident, and what
 * their hints cost is more.
 */
#include "pager/uvm_i.h"
#include "pager/uvm_run.h"

bool
uvm_hints_pay(const struct uvm *uvm)
{

	return uvm->mem.pm_far;
}

/* The next access to be hinted at: its page. */
static inline uint64_t
hint_next(const uint32_t *at, uint32_t *duep)
{
	const unsigned k = (unsigned)__builtin_ctz(*duep);

	*duep &= *duep - 1;
	return UVM_AT_PAGE(at[k]);
}

void
uvm_hint_hash(const struct uvm *uvm, const struct uvm_map *umap,
    const uint32_t *at, uint32_t due)
{
	const struct vm_map *const map = (const struct vm_map *)umap;
	const struct uvm_object *const uobj = &map->vm_vp->v_uvm.u_obj;

	while (due != 0) {
		const uint64_t pgno = hint_next(at, &due);

		__builtin_prefetch(hash_bucket(uvm, uobj, pgno), 1);
		if (likely(pgno < uobj->uo_rbits))
			__builtin_prefetch(&uobj->uo_resident[pgno / 64]);
	}
}

/*
 * The frame at the end of the chain, behind which the page will be put, or
 * which it most often is if it is there.
 *
 * => in no static function of its own: gcc holds one that only gives hints for
 *    one without effect, and drops the call
 */
void
uvm_hint_pages(const struct uvm *uvm, const struct uvm_map *umap,
    const uint32_t *at, uint32_t due)
{
	const struct vm_map *const map = (const struct vm_map *)umap;
	const struct uvm_object *const uobj = &map->vm_vp->v_uvm.u_obj;
	const struct vm_page *const frames = uvm->mem.pm_frame;

	while (due != 0) {
		const uint64_t pgno = hint_next(at, &due);

		prefetch_page(
		    link_at(frames, hash_bucket(uvm, uobj, pgno)->ph_tail));
	}
}
