/*
 * uvm_pmap: software page tables with referenced and modified bits; spec
 * section 1.7.
 *
 * A mapping is a byte in its map's table (PTE_ of uvm.h).  A map maps the pages
 * of one object in order, so a page's mappings are found by asking each map of
 * the object; page_nmaps() ends the search.
 */
#ifndef PAGER_UVM_PMAP_H
#define PAGER_UVM_PMAP_H

#include <string.h>

#include "pager/uvm_map.h"
#include "pager/uvm_page.h"

#ifndef UVM_MP

/* Byte i, its lowest bit: entry pte[i], of eight, maps a page, or keeps a private
 * copy closed.  Other bits are anything. */
static inline uint64_t
pte_mapped_bytes(const uint8_t *pte)
{
	uint64_t word;

	_Static_assert(PTE_R == 1 && PTE_ANON >> 4 == 1, "bits");
	(void)memcpy(&word, pte, sizeof(word));
	return word | word >> 4;
}

/* The same as bit i. */
static inline unsigned
pte_mapped8(const uint8_t *pte)
{

	return uvm_lowest8(pte_mapped_bytes(pte));
}

#endif

/* Install or replace the mapping of pg at exactly prot (UVM_MAP_PROT bits). */
void pmap_enter(struct uvm *uvm, struct vm_map *map, struct vm_page *pg,
    unsigned prot);

/* The same for a private copy of page pgno. */
void pmap_enter_anon(struct uvm *uvm, struct vm_map *map, uint64_t pgno,
    unsigned prot);

/* Reduce every mapping of pg to prot: 0 or UVM_MAP_READ. */
void pmap_page_protect(struct uvm *uvm, struct vm_page *pg, unsigned prot);

/* Does an entry that maps pg have bit PTE_; take it from all that do. */
bool pmap_maps_have(const struct uvm *uvm, const struct vm_page *pg,
    uint8_t bit);
void pmap_maps_clear(struct uvm *uvm, struct vm_page *pg, uint8_t bit);

static inline bool
pmap_is_modified(const struct uvm *uvm, const struct vm_page *pg)
{

	return (pg->flags & PA_MOD) != 0 ||
	    (pg->nmaps != 0 && pmap_maps_have(uvm, pg, PTE_MOD));
}

static inline bool
pmap_is_referenced(const struct uvm *uvm, const struct vm_page *pg)
{

	return (pg->flags & PA_REF) != 0 ||
	    (pg->nmaps != 0 && pmap_maps_have(uvm, pg, PTE_REF));
}

static inline void
pmap_clear_modify(struct uvm *uvm, struct vm_page *pg)
{

	pg->flags &= (uint16_t)~PA_MOD;
	if (pg->nmaps != 0)
		pmap_maps_clear(uvm, pg, PTE_MOD);
}

static inline void
pmap_clear_reference(struct uvm *uvm, struct vm_page *pg)
{

	pg->flags &= (uint16_t)~PA_REF;
	if (pg->nmaps != 0)
		pmap_maps_clear(uvm, pg, PTE_REF);
}

/* Some mapping of pg allows writing. */
static inline bool
pmap_is_writable(const struct uvm *uvm, const struct vm_page *pg)
{

	return pg->nmaps != 0 && pmap_maps_have(uvm, pg, PTE_W);
}

/* Drop the mappings of pages [start, end), private copies too. */
void pmap_remove(struct uvm *uvm, struct vm_map *map, uint64_t start,
    uint64_t end);

/* Take from the mappings of [start, end) what prot does not allow. */
void pmap_protect(struct uvm *uvm, struct vm_map *map, uint64_t start,
    uint64_t end, unsigned prot);

#endif
