/*
 * uvm_map: mappings of files; spec sections 6 and 7.
 *
 * One vm_map is one mmap(2), the address space of its own page table.  Its
 * entries are the pieces that unmapping, protection and advice have cut it
 * into, ascending, disjoint; each holds one reference of the object.
 */
#ifndef PAGER_UVM_MAP_H
#define PAGER_UVM_MAP_H

#include "pager/uvm.h"

struct vnode;

/* What is known of reading ahead for an entry: uvm_readahead.c; file pages. */
struct readahead {
	uint64_t ra_last;	   /* of the last fault */
	uint64_t ra_begin, ra_end; /* read ahead, or tried */
	uint64_t ra_size;	   /* the last window; 0 when closed */
};

struct vm_map_entry {
	uint64_t me_start, me_end; /* file pages [start, end) */
	uint8_t me_prot;	   /* UVM_MAP_PROT bits */
	uint8_t me_maxprot;
	uint8_t me_advice; /* enum uvm_advice */
	bool me_cow;	   /* private */
	struct readahead me_ahead;
};

struct vm_map {
	struct uvm_map vm_hot; /* first: what uvm_access() reads */
	struct vnode *vm_vp;
	uint32_t vm_pid;
	uint32_t vm_nentries;
	uint32_t vm_room; /* entries allocated */
	uint32_t vm_hint; /* entry of the last lookup */
	struct vm_map_entry *vm_entry;
	struct vm_map *vm_objnext, *vm_objprev; /* maps of the object */
	struct vm_map *vm_allnext, *vm_allprev; /* maps of the machine */
	size_t vm_ptelen;			/* bytes mmapped; 0: calloc */
};

/* The entry that holds file page pgno, or NULL. */
struct vm_map_entry *uvm_map_lookup_entry(struct vm_map *map, uint64_t pgno);

/*
 * Make page boundaries of [start, end) entry boundaries.
 *
 * => each cut takes a reference of the object
 * => ENOMEM: nothing cut
 */
int uvm_map_clip(struct uvm *uvm, struct vm_map *map, uint64_t start,
    uint64_t end) mustcheck;

/* Is every page of [start, end) in an entry? */
bool uvm_map_whole(const struct vm_map *map, uint64_t start, uint64_t end);

/* Make and unmake; the object is attached and detached by the caller. */
int uvm_map_create(struct uvm *uvm, const struct uvm_mmap *mm, struct vnode *vp,
    struct vm_map **mapp) mustcheck;

/*
 * Unmap [start, end): spec section 7.
 *
 * => entries leave in ascending order, their references in descending order
 * => the map is gone, its memory too, when nothing of it is left
 */
int uvm_unmap(struct uvm *uvm, struct vm_map *map, uint64_t start, uint64_t end)
    mustcheck;

/* Free the memory of a map, mapped or not; for the end of the machine. */
void uvm_map_free(struct vm_map *map);

#endif
