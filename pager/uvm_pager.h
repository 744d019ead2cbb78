/*
 * uvm_pager: what is common to all pagers: operations, flags, return codes,
 * the cluster builder; spec sections 1.6 and 4.
 */
#ifndef PAGER_UVM_PAGER_H
#define PAGER_UVM_PAGER_H

#include "pager/uvm_lock.h"
#include "pager/uvm_map.h"
#include "pager/uvm_page.h"

/* VM_PAGER_ codes: spec section 1.6. */
enum vm_pager {
	VM_PAGER_OK = 0,
	VM_PAGER_BAD = 1,
	VM_PAGER_FAIL = 2,
	VM_PAGER_PEND = 3,
	VM_PAGER_ERROR = 4,
	VM_PAGER_AGAIN = 5,
	VM_PAGER_UNLOCK = 6,
};

#define PGO_CLEANIT	0x001
#define PGO_SYNCIO	0x002
#define PGO_DEACTIVATE	0x004
#define PGO_FREE	0x008
#define PGO_ALLPAGES	0x010
#define PGO_DOACTCLUST	0x020
#define PGO_LOCKED	0x040
#define PGO_PDFREECLUST 0x080

/* In a get's page array: leave this slot alone. */
extern struct vm_page uvm_dontcare;
#define PGO_DONTCARE (&uvm_dontcare)

/* A memory object: spec section 1.3.  Pages are in memq by insertion. */
struct uvm_object {
	struct simplelock vmobjlock;
	const struct uvm_pagerops *pgops;
	uint32_t memq_head, memq_tail; /* links */
	uint32_t uo_num;	       /* 1.. */
	int uo_refs;
	uint64_t uo_npages;
	uint64_t uo_hashbase;	/* in buckets: number * stride */
	struct vm_map *uo_maps; /* that may map its pages */
	uint64_t *uo_resident;	/* a bit a page; see uvm_resident_run() */
	uint64_t uo_rbits;	/* of those; a multiple of 64 */
	bool uo_maydirty;	/* q15 fixed: may hold dirty pages */
};

/* The operations of a pager; spec section 3 has one heading each. */
struct uvm_pagerops {
	void (*pgo_init)(struct uvm *);
	struct uvm_object *(
	    *pgo_attach)(struct uvm *, struct vnode *, unsigned accessprot);
	void (*pgo_reference)(struct uvm *, struct uvm_object *);
	void (*pgo_detach)(struct uvm *, struct uvm_object *);
	bool (*pgo_flush)(struct uvm *, struct uvm_object *, uint64_t start,
	    uint64_t stop, unsigned flags);
	int (*pgo_get)(struct uvm *, struct uvm_object *, uint64_t pgno,
	    struct vm_page **, unsigned *npagesp, unsigned centeridx,
	    unsigned flags);
	unsigned (*pgo_asyncget)(struct uvm *, struct uvm_object *,
	    uint64_t pgno, unsigned npages);
	int (*pgo_put)(struct uvm *, struct uvm_object *, struct vm_page **,
	    unsigned npages, unsigned flags);
	void (*pgo_cluster)(struct uvm *, struct uvm_object *, uint64_t pgno,
	    uint64_t *lop, uint64_t *hip);
	bool (*pgo_releasepg)(struct uvm *, struct vm_page *,
	    struct vm_page **nextpgp);
};

/* The objects's offsets in a flush are bytes; pages elsewhere. */

/*
 * One cluster under construction: pages ps_first[0..ps_npages) of the slots.
 */
struct uvm_pcluster {
	struct vm_page **ps_first;
	unsigned ps_npages;
};

/*
 * Write out pg and what may go with it: spec section 4.2.
 *
 * => object and page queues locked, pg BUSY and write-protected
 * => unlocks both; the object is locked again iff PGO_PDFREECLUST, and not on
 *    VM_PAGER_PEND: aiodone has the pages then
 * => on VM_PAGER_AGAIN the object is locked, and was all along
 * => pc is the cluster whose pages the caller must un-busy; pg alone after an
 *    error or with PGO_PDFREECLUST
 * => start and stop in pages bound the cluster unless PGO_ALLPAGES
 */
int uvm_pager_put(struct uvm *uvm, struct uvm_object *uobj, struct vm_page *pg,
    struct uvm_pcluster *pc, unsigned flags, uint64_t start, uint64_t stop);

#endif
