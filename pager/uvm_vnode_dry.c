/*
 * uvm_vnode_dry.c: the traversals of uvn_flush() as dry walks, which change and
 * count nothing, to tell what a list step and a lookup cost.
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

uint64_t
uvm_dry_list(struct uvm *uvm, uint32_t file, uint64_t first, uint64_t n)
{
	const struct uvm_object *const uobj = file_object(uvm, file);
	const struct vm_page *pg;
	uint64_t met = 0;

	if (uobj == NULL)
		return 0;
	for (pg = frame_page(uvm, uobj->memq_head); pg != NULL;
	     pg = frame_page(uvm, pg->listq_next))
		if (pg->pgno - first < n)
			met += (pg->flags & PG_BUSY) == 0;
	return met;
}

uint64_t
uvm_dry_hash(struct uvm *uvm, uint32_t file, uint64_t first, uint64_t n)
{
	const struct uvm_object *const uobj = file_object(uvm, file);
	const struct vm_page *pg;
	uint64_t pgno, met = 0;

	if (uobj == NULL)
		return 0;
	for (pgno = first; pgno < first + n; pgno++) {
		pg = hash_find(uvm, uobj, pgno);
		if (pg != NULL)
			met += (pg->flags & PG_BUSY) == 0;
	}
	return met;
}
