/*
 * uvm_syscall.c: what system calls ask of the pager; spec section 7.
 */
#include <errno.h>

#include "pager/uvm_i.h"

/* The file, or NULL. */
static struct vnode *
file_find(const struct uvm *uvm, uint32_t file)
{

	return file != 0 ? idmap_get(&uvm->files, file) : NULL;
}

static struct vm_map *
map_find(struct uvm *uvm, uint32_t map)
{
	struct vm_map *found;

	if (map == 0)
		return NULL;
	simple_lock(&SELF(uvm)->ls, &uvm->mapslock);
	found = idmap_get(&uvm->maps, map);
	simple_unlock(&SELF(uvm)->ls, &uvm->mapslock);
	return found;
}

struct uvm_map *
uvm_map_find(struct uvm *uvm, uint32_t map)
{

	return (struct uvm_map *)map_find(uvm, map);
}

bool
uvm_file_known(const struct uvm *uvm, uint32_t file)
{

	return file_find(uvm, file) != NULL;
}

uint64_t
uvm_file_size(const struct uvm *uvm, uint32_t file)
{
	const struct vnode *const vp = file_find(uvm, file);

	return vp != NULL ? shared_get(&vp->v_size) : 0;
}

/* [offset, offset + length) in bytes as whole pages, cut to the map. */
static void
map_range(const struct uvm *uvm, const struct vm_map *map, uint64_t offset,
    uint64_t length, uint64_t *startp, uint64_t *endp)
{
	const uint64_t first = map->vm_hot.um_first;
	const uint64_t last = first + map->vm_hot.um_npages;

	*startp = pages_trunc(uvm, offset);
	*endp = length > UVM_FILE_MAX - offset % UVM_FILE_MAX ?
	    last :
	    pages_round(uvm, offset + length);
	if (*startp < first)
		*startp = first;
	if (*endp > last)
		*endp = last;
}

/* A reference of the file's object for a new map. */
static void
map_attach(struct uvm *uvm, struct vnode *vp, const struct uvm_mmap *mm,
    bool maxw)
{
	const unsigned access =
	    UVM_MAP_READ | UVM_MAP_EXEC | (maxw ? UVM_MAP_WRITE : 0U);
	struct uvm_object *const uobj = &vp->v_uvm.u_obj;
	bool inherits;

	OBJ_LOCK(uvm, uobj);
	inherits = (mm->mm_flags & UVM_MAP_INHERITED) && uobj->uo_refs > 0 &&
	    (vp->v_uvm.u_flags & UVM_VNODE_VALID);
	uobj->uo_refs += inherits;
	OBJ_UNLOCK(uvm, uobj);
	if (inherits || uvn_attach(uvm, vp, access) == NULL || !maxw)
		return;
	vn_lock(uvm, vp);
	(void)uvm_vnp_uncache(uvm, vp);
	vn_unlock(uvm, vp);
}

/* The map of an attached object is there from now on. */
static int
map_begin(struct uvm *uvm, struct vm_map *map)
{
	struct uvm_object *const uobj = &map->vm_vp->v_uvm.u_obj;
	int error;

	if (FAILED(uvm) != 0) {
		uvm_map_free(map);
		return FAILED(uvm);
	}
	OBJ_LOCK(uvm, uobj);
	map->vm_objnext = uobj->uo_maps;
	if (uobj->uo_maps != NULL)
		uobj->uo_maps->vm_objprev = map;
	uobj->uo_maps = map;
	OBJ_UNLOCK(uvm, uobj);
	simple_lock(&SELF(uvm)->ls, &uvm->mapslock);
	map->vm_allnext = uvm->allmaps;
	if (uvm->allmaps != NULL)
		uvm->allmaps->vm_allprev = map;
	uvm->allmaps = map;
	error = idmap_put(&uvm->maps, map->vm_hot.um_id, map);
	simple_unlock(&SELF(uvm)->ls, &uvm->mapslock);
	if (error != 0)
		return uvm_fail(uvm, error, "no memory for a mapping");
	return 0;
}

int
uvm_sys_mmap(struct uvm *uvm, const struct uvm_mmap *mm)
{
	const bool shared = (mm->mm_flags & UVM_MAP_PRIVATE) == 0;
	const bool maxw =
	    shared && (mm->mm_flags & (UVM_MAP_WRITE | UVM_MAP_MAXW)) != 0;
	struct vnode *const vp = file_find(uvm, mm->mm_file);
	struct vm_map *map;
	bool known;
	int error;

	if (FAILED(uvm) != 0)
		return FAILED(uvm);
	if (vp == NULL || mm->mm_map == 0)
		return ESRCH;
	simple_lock(&SELF(uvm)->ls, &uvm->mapslock);
	known = idmap_known(&uvm->maps, mm->mm_map);
	simple_unlock(&SELF(uvm)->ls, &uvm->mapslock);
	if (known)
		return EEXIST;
	if (mm->mm_length == 0 || mm->mm_offset % uvm->up.page_size != 0)
		return EINVAL;
	if (mm->mm_offset > UVM_FILE_MAX ||
	    mm->mm_length > UVM_FILE_MAX - mm->mm_offset)
		return EFBIG;
	if ((error = uvm_map_create(uvm, mm, vp, &map)) != 0)
		return uvm_fail(uvm, error, "no memory for a mapping");
	vnode_get(uvm, vp);
	map_attach(uvm, vp, mm, maxw);
	vnode_rele(uvm, vp);
	return map_begin(uvm, map);
}

int
uvm_sys_munmap(struct uvm *uvm, uint32_t id, uint64_t offset, uint64_t length)
{
	struct vm_map *const map = map_find(uvm, id);
	uint64_t start, end;

	if (FAILED(uvm) != 0)
		return FAILED(uvm);
	if (map == NULL)
		return ESRCH;
	map_range(uvm, map, offset, length, &start, &end);
	if (length == 0) {
		start = map->vm_hot.um_first;
		end = start + map->vm_hot.um_npages;
	}
	return start < end ? uvm_unmap(uvm, map, start, end) : 0;
}

int
uvm_sys_exit(struct uvm *uvm, uint32_t pid)
{
	struct vm_map *map, *first;
	int error = FAILED(uvm);

	/* Ascending map id: each round takes the least one left. */
	while (error == 0) {
		first = NULL;
		simple_lock(&SELF(uvm)->ls, &uvm->mapslock);
		for (map = uvm->allmaps; map != NULL; map = map->vm_allnext) {
			if (map->vm_pid == pid &&
			    (first == NULL ||
				map->vm_hot.um_id < first->vm_hot.um_id))
				first = map;
		}
		simple_unlock(&SELF(uvm)->ls, &uvm->mapslock);
		if (first == NULL)
			return 0;
		error = uvm_unmap(uvm, first, first->vm_hot.um_first,
		    first->vm_hot.um_first + first->vm_hot.um_npages);
	}
	return error;
}

/*
 * The common beginning of calls on a range of a map.
 *
 * => ESRCH: no such map; ENOMEM: the range has holes or leaves the map
 */
static int
range_begin(struct uvm *uvm, uint32_t id, uint64_t offset, uint64_t length,
    struct vm_map **mapp, uint64_t *startp, uint64_t *endp)
{

	if (FAILED(uvm) != 0)
		return FAILED(uvm);
	*mapp = map_find(uvm, id);
	if (*mapp == NULL)
		return ESRCH;
	if (offset > UVM_FILE_MAX || length > UVM_FILE_MAX - offset)
		return ENOMEM;
	*startp = pages_trunc(uvm, offset);
	*endp = pages_round(uvm, offset + length);
	return *startp == *endp || uvm_map_whole(*mapp, *startp, *endp) ?
	    0 :
	    ENOMEM;
}

int
uvm_sys_mprotect(struct uvm *uvm, uint32_t id, uint64_t offset, uint64_t length,
    unsigned prot)
{
	struct vm_map *map;
	uint64_t start, end;
	uint32_t i;
	int error;

	error = range_begin(uvm, id, offset, length, &map, &start, &end);
	if (error != 0 || length == 0)
		return error;
	for (i = 0; i < map->vm_nentries; i++) {
		const struct vm_map_entry *const me = &map->vm_entry[i];

		if (me->me_start < end && me->me_end > start &&
		    (prot & ~(unsigned)me->me_maxprot) != 0)
			return EACCES;
	}
	if ((error = uvm_map_clip(uvm, map, start, end)) != 0)
		return error;
	OBJ_LOCK(uvm, &map->vm_vp->v_uvm.u_obj);
	for (i = 0; i < map->vm_nentries; i++) {
		struct vm_map_entry *const me = &map->vm_entry[i];

		if (me->me_start < start || me->me_end > end)
			continue;
		if (me->me_prot & ~prot)
			pmap_protect(uvm, map, me->me_start, me->me_end, prot);
		me->me_prot = (uint8_t)prot;
	}
	OBJ_UNLOCK(uvm, &map->vm_vp->v_uvm.u_obj);
	return 0;
}

/*
 * Flush [start, end) of a map entry by entry.
 *
 * => EIO: a flush reported a failed write; the rest was not flushed
 */
static int
map_flush(struct uvm *uvm, struct vm_map *map, uint64_t start, uint64_t end,
    unsigned flags, enum uvm_flush_caller caller)
{
	struct uvm_object *const uobj = &map->vm_vp->v_uvm.u_obj;
	const unsigned shift = uvm->mem.pm_shift;
	uint32_t i;

	for (i = 0; i < map->vm_nentries; i++) {
		const struct vm_map_entry *const me = &map->vm_entry[i];
		uint64_t from = me->me_start, to = me->me_end;
		bool ok;

		if (to <= start || from >= end)
			continue;
		if (from < start)
			from = start;
		if (to > end)
			to = end;
		OBJ_LOCK(uvm, uobj);
		SELF(uvm)->caller = caller;
		ok = uvn_flush(uvm, uobj, from << shift, to << shift, flags);
		OBJ_UNLOCK(uvm, uobj);
		if (FAILED(uvm) != 0)
			return FAILED(uvm);
		if (!ok)
			return EIO;
	}
	return 0;
}

int
uvm_sys_msync(struct uvm *uvm, uint32_t id, uint64_t offset, uint64_t length,
    unsigned flags)
{
	const unsigned mode = flags & (UVM_MS_SYNC | UVM_MS_ASYNC);
	struct vm_map *map;
	uint64_t start = 0, end = 0;
	int error;

	error = range_begin(uvm, id, offset, length, &map, &start, &end);
	if (error == ESRCH)
		return error;
	if (flags == 0 || mode == (UVM_MS_SYNC | UVM_MS_ASYNC))
		return EINVAL;
	if (error == 0 && length == 0) {
		/* As 1998 has it: the entry at that address. */
		const struct vm_map_entry *const me =
		    uvm_map_lookup_entry(map, pages_trunc(uvm, offset));

		if (me == NULL)
			return ENOMEM;
		start = me->me_start;
		end = me->me_end;
	}
	if (error != 0)
		return error;
	/* 1998 took ASYNC for SYNC: it had nothing else. */
	error = map_flush(uvm, map, start, end,
	    PGO_CLEANIT |
		(mode == UVM_MS_ASYNC && uvm->up.async_put == SWITCH_ON ?
			0U :
			PGO_SYNCIO) |
		(flags & UVM_MS_INVALIDATE ? PGO_FREE : 0U),
	    FLUSH_MSYNC);
	/* Under dsync what was written is there already. */
	if (error == 0 && mode != UVM_MS_ASYNC &&
	    uvm->up.durability == DURABLE_FDATASYNC)
		error = uvm_file_sync(uvm, map->vm_hot.um_file);
	return error;
}

/* Read ahead what of [start, end) memory has room for; in 1998 nothing. */
static int
map_willneed(struct uvm *uvm, struct vm_map *map, uint64_t start, uint64_t end)
{
	struct uvm_object *const uobj = &map->vm_vp->v_uvm.u_obj;
	const unsigned most = 1U << 20; /* pages a call */

	while (uvm->aio.ai_on && start < end && FAILED(uvm) == 0) {
		const unsigned n =
		    end - start < most ? (unsigned)(end - start) : most;
		unsigned done;

		OBJ_LOCK(uvm, uobj);
		done = uobj->pgops->pgo_asyncget(uvm, uobj, start, n);
		OBJ_UNLOCK(uvm, uobj);
		if (done < n)
			break;
		start += n;
	}
	return FAILED(uvm);
}

int
uvm_sys_madvise(struct uvm *uvm, uint32_t id, uint64_t offset, uint64_t length,
    enum uvm_madv advice)
{
	static const uint8_t entry_advice[] = {
		[UVM_MADV_NORMAL] = ADVICE_NORMAL,
		[UVM_MADV_RANDOM] = ADVICE_RANDOM,
		[UVM_MADV_SEQUENTIAL] = ADVICE_SEQUENTIAL,
	};
	struct vm_map *map;
	uint64_t start, end;
	uint32_t i;
	int error;

	error = range_begin(uvm, id, offset, length, &map, &start, &end);
	if (error != 0 || length == 0)
		return error;
	switch (advice) {
	case UVM_MADV_NORMAL:
	case UVM_MADV_RANDOM:
	case UVM_MADV_SEQUENTIAL:
		break;
	case UVM_MADV_WILLNEED:
		return map_willneed(uvm, map, start, end);
	case UVM_MADV_DONTNEED:
		return map_flush(uvm, map, start, end, PGO_DEACTIVATE,
		    FLUSH_MADVISE);
	case UVM_MADV_FREE:
		return map_flush(uvm, map, start, end, PGO_FREE, FLUSH_MADVISE);
	}
	if ((error = uvm_map_clip(uvm, map, start, end)) != 0)
		return error;
	for (i = 0; i < map->vm_nentries; i++) {
		struct vm_map_entry *const me = &map->vm_entry[i];

		if (me->me_start >= start && me->me_end <= end)
			me->me_advice = entry_advice[advice];
	}
	return 0;
}
