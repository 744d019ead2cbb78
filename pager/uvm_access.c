/*
 * uvm_access.c: accesses of pages: what hardware does, spec section 1.7, and
 * what it needs the fault routine for.
 */
#include "pager/uvm_i.h"

/*
 * An access begins.
 *
 * => *mep: what it goes to; not UVM_HIT_MAPPED: it failed, and is not counted
 */
static inline enum uvm_outcome
access_begin(struct uvm *uvm, struct vm_map *map, uint64_t pgno,
    struct vm_map_entry **mep)
{

	if (FAILED(uvm) != 0)
		return UVM_FAULT_ERROR;
	*mep = uvm_map_lookup_entry(map, pgno);
	if (*mep == NULL)
		return UVM_FAULT_NOMAP;
	EXP(uvm)->accesses++;
	return UVM_HIT_MAPPED;
}

/*
 * Hardware access through a usable mapping: spec section 1.7.  The first store
 * after the page was clean is where the gauge dirty hears of it.
 *
 * => with UVM_MP the object is locked
 */
static void
access_mark(struct uvm *uvm, struct vm_map *map, uint64_t pgno,
    enum uvm_access how)
{
	uint8_t *const pte = &map->vm_hot.um_pte[pgno - map->vm_hot.um_first];
	const bool modified = (shared_get(pte) & PTE_MOD) != 0;

	shared_or(pte, PTE_REF);
	if (how != UVM_ACCESS_WRITE || modified)
		return;
	shared_or(pte, PTE_MOD);
	if ((shared_get(pte) & PTE_ANON) == 0)
		uvm_page_dirtied(uvm,
		    uvm_pagepeek(uvm, &map->vm_vp->v_uvm.u_obj, pgno));
}

#ifdef UVM_MP

/* Do an access, and with store() a store, if the mapping allows it by now. */
static bool
access_try(struct uvm *uvm, struct vm_map *map, uint64_t pgno,
    enum uvm_access how, const struct uvm_store *st)
{
	const uint8_t need = how == UVM_ACCESS_WRITE ? PTE_W : PTE_R;
	struct uvm_object *const uobj = &map->vm_vp->v_uvm.u_obj;
	bool allowed;

	OBJ_LOCK(uvm, uobj);
	allowed =
	    (shared_get(&map->vm_hot.um_pte[pgno - map->vm_hot.um_first]) &
		need) != 0;
	if (allowed) {
		access_mark(uvm, map, pgno, how);
		if (st != NULL)
			st->st_store(st->st_arg,
			    uvm_page_bytes(uvm, &map->vm_hot, pgno));
	}
	OBJ_UNLOCK(uvm, uobj);
	return allowed;
}

static void
uncount(struct uvm *uvm, enum uvm_outcome outcome)
{

	if (outcome == UVM_MISS)
		EXP(uvm)->misses--;
	else
		EXP(uvm)->resident_hits--;
}

enum uvm_outcome
uvm_access_store(struct uvm *uvm, struct uvm_map *umap, uint64_t pgno,
    enum uvm_access how, const struct uvm_store *st)
{
	struct vm_map *const map = (struct vm_map *)umap;
	enum uvm_outcome outcome, got;
	struct vm_map_entry *me;

	outcome = access_begin(uvm, map, pgno, &me);
	if (outcome != UVM_HIT_MAPPED)
		return outcome;
	/* What a fault mapped may be gone before the access comes to it. */
	while (!access_try(uvm, map, pgno, how, st)) {
		got = uvm_fault(uvm, map, me, pgno, how);
		if (got >= UVM_FAULT_PROT) {
			/* A failure has counted itself. */
			if (outcome != UVM_HIT_MAPPED)
				uncount(uvm, outcome);
			return got;
		}
		/* One access has one outcome: the worse of two. */
		if (outcome != UVM_HIT_MAPPED)
			uncount(uvm, got < outcome ? got : outcome);
		if (got > outcome)
			outcome = got;
		uvm_chaos(uvm);
	}
	if (outcome == UVM_HIT_MAPPED)
		EXP(uvm)->mapped_hits++;
	return outcome;
}

enum uvm_outcome
uvm_access_slow(struct uvm *uvm, struct uvm_map *umap, uint64_t pgno,
    enum uvm_access how)
{

	return uvm_access_store(uvm, umap, pgno, how, NULL);
}

#else

/* Does a mapping let it through?  What hardware does not see is marked here. */
static inline bool
access_mapped(struct uvm *uvm, struct vm_map *map, uint64_t pgno,
    enum uvm_access how)
{
	const uint64_t idx = pgno - map->vm_hot.um_first;
	const uint8_t need = how == UVM_ACCESS_WRITE ? PTE_W : PTE_R;

	if (idx >= map->vm_hot.um_npages ||
	    (map->vm_hot.um_pte[idx] & need) == 0 || FAILED(uvm) != 0)
		return false;
	EXP(uvm)->accesses++;
	EXP(uvm)->mapped_hits++;
	access_mark(uvm, map, pgno, how);
	return true;
}

enum uvm_outcome
uvm_access_slow(struct uvm *uvm, struct uvm_map *umap, uint64_t pgno,
    enum uvm_access how)
{
	struct vm_map *const map = (struct vm_map *)umap;
	struct vm_map_entry *me;
	enum uvm_outcome outcome;

	if (access_mapped(uvm, map, pgno, how))
		return UVM_HIT_MAPPED;
	outcome = uvm_fault_lean(uvm, map, pgno, how == UVM_ACCESS_WRITE);
	if (likely(outcome != UVM_HIT_MAPPED))
		return outcome;
	uvm->hot.uh_lost++;
	outcome = access_begin(uvm, map, pgno, &me);
	if (outcome != UVM_HIT_MAPPED)
		return outcome;
	outcome = uvm_fault(uvm, map, me, pgno, how);
	if (outcome < UVM_FAULT_PROT)
		access_mark(uvm, map, pgno, how);
	return outcome;
}

#endif

void *
uvm_page_bytes(struct uvm *uvm, const struct uvm_map *umap, uint64_t pgno)
{
	const struct vm_map *const map = (const struct vm_map *)umap;
	const struct vm_page *pg;

	if (uvm->mem.pm_data == NULL ||
	    pgno - umap->um_first >= umap->um_npages ||
	    (shared_get(&umap->um_pte[pgno - umap->um_first]) & PTE_ANON))
		return NULL;
	pg = uvm_pagepeek(uvm, &map->vm_vp->v_uvm.u_obj, pgno);
	return pg != NULL ? page_bytes(uvm, pg) : NULL;
}
