#include "tests/pager/core.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct vnode *
core_vnode(const struct lab *lab, uint32_t file)
{

	return idmap_get(&lab->uvm->files, file);
}

struct uvm_object *
core_object(const struct lab *lab, uint32_t file)
{

	return &core_vnode(lab, file)->v_uvm.u_obj;
}

struct vm_page *
core_page(const struct lab *lab, uint32_t file, uint64_t pgno)
{

	return uvm_pagepeek(lab->uvm, core_object(lab, file), pgno);
}

/* The page numbers from frame on, along the page queues or along memq. */
static char *
chain_text(const struct lab *lab, uint32_t frame, bool memq)
{
	char *text = NULL;
	size_t len = 0;
	FILE *const fp = open_memstream(&text, &len);
	const struct vm_page *pg;
	const char *space = "";

	if (fp == NULL)
		abort();
	for (pg = link_page(lab->uvm, frame); pg != NULL;
	     pg = link_page(lab->uvm, memq ? pg->listq_next : pg->pageq_next)) {
		(void)fprintf(fp, "%s%" PRIu64, space, page_pgno(pg));
		space = " ";
	}
	if (fclose(fp) != 0)
		abort();
	return text;
}

char *
core_queue(const struct lab *lab, const struct pglist *pl)
{

	return chain_text(lab, pl->pl_head, false);
}

char *
core_memq(const struct lab *lab, uint32_t file)
{

	return chain_text(lab, core_object(lab, file)->memq_head, true);
}

void
core_wire(struct lab *lab, struct vm_page *pg)
{

	uvm_lock_pageq(lab->uvm);
	uvm_pagewire(lab->uvm, pg);
	uvm_unlock_pageq(lab->uvm);
}

void
core_unwire(struct lab *lab, struct vm_page *pg)
{

	uvm_lock_pageq(lab->uvm);
	uvm_pageunwire(lab->uvm, pg);
	uvm_unlock_pageq(lab->uvm);
}

bool
core_flush(struct lab *lab, uint32_t file, uint64_t start, uint64_t stop,
    unsigned flags)
{
	struct uvm_object *const uobj = core_object(lab, file);
	bool ok;

	OBJ_LOCK(lab->uvm, uobj);
	ok = uvn_flush(lab->uvm, uobj, start, stop, flags);
	OBJ_UNLOCK(lab->uvm, uobj);
	return ok;
}
