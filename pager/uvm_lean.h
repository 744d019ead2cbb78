/*
 * uvm_lean: what a common fault finds of its window, for the fault and for the
 * hints before it; uvm_lean.c, uvm_hint.c.
 */
#ifndef PAGER_UVM_LEAN_H
#define PAGER_UVM_LEAN_H

#include "pager/uvm_i.h"

#ifndef UVM_MP

/* A fault at pgno of the map may be common. */
static inline bool
lean_covers(const struct lean *le, const struct vm_map *map, uint64_t pgno)
{

	return le->le_map == map && pgno - le->le_start < le->le_span;
}

/* The neighbours of a fault, whose entry is *pte, that are not mapped: the
 * lowest bit of byte i is the one at i of the window. */
static inline uint64_t
lean_unmapped(const struct lean *le, const uint8_t *pte)
{

	return ~pte_mapped_bytes(pte - le->le_back) & le->le_others;
}

/* Those of them that may be resident; bit i. */
static inline uint32_t
lean_there(const struct lean *le, const struct uvm_object *uobj, uint64_t pgno,
    uint64_t unmapped)
{

	return uvm_lowest8(unmapped) & uvm_resident8(uobj, pgno - le->le_back);
}

#endif

#endif
