#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pager/uvm_i.h"

/* Page tables from this many bytes on are mapped: they cost what is touched. */
#define PTE_MMAP (256U << 10)

static void *
pte_alloc(size_t n, size_t *lenp)
{

	*lenp = n < PTE_MMAP ? 0 : n;
	return n < PTE_MMAP ? calloc(n, 1) : room_take(n);
}

struct vm_map_entry *
uvm_map_lookup_entry(struct vm_map *map, uint64_t pgno)
{
	struct vm_map_entry *me;
	uint32_t lo = 0, hi = map->vm_nentries;

	const uint32_t hint = shared_get(&map->vm_hint);

	if (hint < hi) {
		me = &map->vm_entry[hint];
		if (pgno >= me->me_start && pgno < me->me_end)
			return me;
	}
	while (lo < hi) {
		const uint32_t mid = lo + (hi - lo) / 2;

		me = &map->vm_entry[mid];
		if (pgno >= me->me_end) {
			lo = mid + 1;
		} else if (pgno < me->me_start) {
			hi = mid;
		} else {
			shared_set(&map->vm_hint, mid);
			return me;
		}
	}
	return NULL;
}

/* The number of the first entry that ends behind pgno. */
static uint32_t
entry_from(const struct vm_map *map, uint64_t pgno)
{
	uint32_t i;

	for (i = 0; i < map->vm_nentries; i++) {
		if (map->vm_entry[i].me_end > pgno)
			break;
	}
	return i;
}

/* Cut the entry around pgno in two there, if one is. */
static void
clip_at(struct uvm *uvm, struct vm_map *map, uint64_t pgno)
{
	struct vm_map_entry *const me = uvm_map_lookup_entry(map, pgno);
	uint32_t i;

	if (me == NULL || me->me_start == pgno)
		return;
	i = (uint32_t)(me - map->vm_entry);
	(void)memmove(me + 1, me,
	    (map->vm_nentries - i) * sizeof(map->vm_entry[0]));
	map->vm_nentries++;
	me[0].me_end = pgno;
	me[1].me_start = pgno;
	uvn_reference(uvm, &map->vm_vp->v_uvm.u_obj);
}

int
uvm_map_clip(struct uvm *uvm, struct vm_map *map, uint64_t start, uint64_t end)
{

	lean_forget(uvm);
	if (map->vm_nentries + 2 > map->vm_room) {
		const uint32_t room = map->vm_room * 2 + 2;
		struct vm_map_entry *const entry =
		    realloc(map->vm_entry, room * sizeof(*entry));

		if (entry == NULL)
			return uvm_fail(uvm, ENOMEM,
			    "no memory for the pieces of a mapping");
		map->vm_entry = entry;
		map->vm_room = room;
	}
	clip_at(uvm, map, start);
	clip_at(uvm, map, end);
	return 0;
}

bool
uvm_map_whole(const struct vm_map *map, uint64_t start, uint64_t end)
{
	uint32_t i;

	for (i = entry_from(map, start); i < map->vm_nentries; i++) {
		const struct vm_map_entry *const me = &map->vm_entry[i];

		if (me->me_start > start)
			return false;
		start = me->me_end;
		if (start >= end)
			return true;
	}
	return false;
}

int
uvm_map_create(struct uvm *uvm, const struct uvm_mmap *mm, struct vnode *vp,
    struct vm_map **mapp)
{
	const uint64_t first = pages_trunc(uvm, mm->mm_offset);
	const uint64_t npages =
	    pages_round(uvm, mm->mm_offset + mm->mm_length) - first;
	const bool cow = (mm->mm_flags & UVM_MAP_PRIVATE) != 0;
	struct vm_map *map = calloc(1, sizeof(*map));

	if (map == NULL)
		return ENOMEM;
	map->vm_room = 1;
	map->vm_entry = calloc(map->vm_room, sizeof(map->vm_entry[0]));
	map->vm_hot.um_pte = pte_alloc(npages, &map->vm_ptelen);
	if (map->vm_entry == NULL || map->vm_hot.um_pte == NULL) {
		uvm_map_free(map);
		return ENOMEM;
	}
	map->vm_hot.um_first = first;
	map->vm_hot.um_npages = npages;
	map->vm_hot.um_id = mm->mm_map;
	map->vm_hot.um_file = mm->mm_file;
	map->vm_vp = vp;
	map->vm_pid = mm->mm_pid;
	map->vm_nentries = 1;
	map->vm_entry[0] = (struct vm_map_entry){
		.me_start = first,
		.me_end = first + npages,
		.me_prot = (uint8_t)(mm->mm_flags & UVM_MAP_PROT),
		.me_maxprot = (uint8_t)(cow ||
			    (mm->mm_flags & (UVM_MAP_MAXW | UVM_MAP_WRITE)) ?
			UVM_MAP_PROT :
			UVM_MAP_READ | UVM_MAP_EXEC),
		.me_advice = (uint8_t)uvm->up.advice,
		.me_cow = cow,
	};
	*mapp = map;
	return 0;
}

void
uvm_map_free(struct vm_map *map)
{

	if (map->vm_ptelen != 0)
		room_give(map->vm_hot.um_pte, map->vm_ptelen);
	else
		free(map->vm_hot.um_pte);
	free(map->vm_entry);
	free(map);
}

/* Nothing of the map is left: forget it. */
static void
map_end(struct uvm *uvm, struct vm_map *map)
{
	struct uvm_object *const uobj = &map->vm_vp->v_uvm.u_obj;

	OBJ_LOCK(uvm, uobj);
	if (map->vm_objnext != NULL)
		map->vm_objnext->vm_objprev = map->vm_objprev;
	if (map->vm_objprev != NULL)
		map->vm_objprev->vm_objnext = map->vm_objnext;
	else
		uobj->uo_maps = map->vm_objnext;
	OBJ_UNLOCK(uvm, uobj);
	simple_lock(&SELF(uvm)->ls, &uvm->mapslock);
	if (map->vm_allnext != NULL)
		map->vm_allnext->vm_allprev = map->vm_allprev;
	if (map->vm_allprev != NULL)
		map->vm_allprev->vm_allnext = map->vm_allnext;
	else
		uvm->allmaps = map->vm_allnext;
	/* The id is known for ever, so this only overwrites. */
	if (idmap_put(&uvm->maps, map->vm_hot.um_id, NULL) != 0)
		KASSERT(false && "a known id needs no room");
	simple_unlock(&SELF(uvm)->ls, &uvm->mapslock);
	uvm_map_free(map);
}

int
uvm_unmap(struct uvm *uvm, struct vm_map *map, uint64_t start, uint64_t end)
{
	struct uvm_object *const uobj = &map->vm_vp->v_uvm.u_obj;
	uint32_t i, from, to;
	int error;

	if ((error = uvm_map_clip(uvm, map, start, end)) != 0)
		return error;
	from = entry_from(map, start);
	OBJ_LOCK(uvm, uobj);
	for (to = from; to < map->vm_nentries; to++) {
		const struct vm_map_entry *const me = &map->vm_entry[to];

		if (me->me_start >= end)
			break;
		pmap_remove(uvm, map, me->me_start, me->me_end);
	}
	OBJ_UNLOCK(uvm, uobj);
	(void)memmove(&map->vm_entry[from], &map->vm_entry[to],
	    (map->vm_nentries - to) * sizeof(map->vm_entry[0]));
	map->vm_nentries -= to - from;
	if (map->vm_nentries == 0)
		map_end(uvm, map);

	/* The removed entries were a stack: last one first. */
	for (i = from; i < to && FAILED(uvm) == 0; i++)
		uvn_detach(uvm, uobj);
	return FAILED(uvm);
}
