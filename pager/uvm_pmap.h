/*
 * uvm_pmap: software page tables with referenced and modified bits; spec
 * section 1.7.
 *
 * A mapping is a byte in its map's table (PTE_ of uvm.h).  A map maps the pages
 * of one object in order, so a page's mappings are found by asking each map of
 * the object; vm_page.nmaps ends the search.
 */
#ifndef PAGER_UVM_PMAP_H
#define PAGER_UVM_PMAP_H

#include "pager/uvm_map.h"
#include "pager/uvm_page.h"

/* Install or replace the mapping of pg at exactly prot (UVM_MAP_PROT bits). */
void pmap_enter(struct uvm *uvm, struct vm_map *map, struct vm_page *pg,
    unsigned prot);

/* The same for a private copy of page pgno. */
void pmap_enter_anon(struct uvm *uvm, struct vm_map *map, uint64_t pgno,
    unsigned prot);

/* Reduce every mapping of pg to prot: 0 or UVM_MAP_READ. */
void pmap_page_protect(struct uvm *uvm, struct vm_page *pg, unsigned prot);

bool pmap_is_modified(const struct uvm *uvm, const struct vm_page *pg);
bool pmap_is_referenced(const struct uvm *uvm, const struct vm_page *pg);
void pmap_clear_modify(struct uvm *uvm, struct vm_page *pg);
void pmap_clear_reference(struct uvm *uvm, struct vm_page *pg);

/* Some mapping of pg allows writing. */
bool pmap_is_writable(const struct uvm *uvm, const struct vm_page *pg);

/* Drop the mappings of pages [start, end), private copies too. */
void pmap_remove(struct uvm *uvm, struct vm_map *map, uint64_t start,
    uint64_t end);

/* Take from the mappings of [start, end) what prot does not allow. */
void pmap_protect(struct uvm *uvm, struct vm_map *map, uint64_t start,
    uint64_t end, unsigned prot);

#endif
