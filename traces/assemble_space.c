#include <errno.h>
#include <stdlib.h>

#include "traces/assemble_i.h"

struct space *
space_new(uint64_t window)
{
	struct space *sp = calloc(1, sizeof(*sp));

	if (sp != NULL) {
		sp->sp_refs = 1;
		sp->sp_window.wi_max = window;
	}
	return sp;
}

void
space_drop(struct space *sp)
{
	if (sp == NULL || --sp->sp_refs > 0)
		return;
	window_fini(&sp->sp_window);
	free(sp->sp_vmas);
	free(sp);
}

size_t
space_from(const struct space *sp, uint64_t addr)
{
	size_t lo = 0, hi = sp->sp_n;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (sp->sp_vmas[mid].vm_end > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

struct vma *
space_find(struct space *sp, uint64_t addr)
{
	size_t i;

	if (likely(addr >= sp->sp_lo && addr < sp->sp_hi))
		return sp->sp_hit;
	i = space_from(sp, addr);
	sp->sp_lo = i > 0 ? sp->sp_vmas[i - 1].vm_end : 0;
	sp->sp_hi = i < sp->sp_n ? sp->sp_vmas[i].vm_start : UINT64_MAX;
	sp->sp_hit = NULL;
	if (i < sp->sp_n && sp->sp_vmas[i].vm_start <= addr) {
		sp->sp_hit = &sp->sp_vmas[i];
		sp->sp_lo = sp->sp_hit->vm_start;
		sp->sp_hi = sp->sp_hit->vm_end;
	}
	return sp->sp_hit;
}

/* What has been looked up may have moved. */
static void
forget(struct space *sp)
{
	sp->sp_lo = sp->sp_hi = 0;
	sp->sp_hit = NULL;
}

static int
insert_at(struct space *sp, size_t i, const struct vma *vm)
{
	if (sp->sp_n == sp->sp_cap) {
		const size_t cap = sp->sp_cap != 0 ? sp->sp_cap * 2 : 8;
		struct vma *vmas = realloc(sp->sp_vmas, cap * sizeof(*vmas));

		if (vmas == NULL)
			return ENOMEM;
		sp->sp_vmas = vmas;
		sp->sp_cap = cap;
	}
	memmove(&sp->sp_vmas[i + 1], &sp->sp_vmas[i],
	    (sp->sp_n - i) * sizeof(*vm));
	sp->sp_vmas[i] = *vm;
	sp->sp_n++;
	forget(sp);
	return 0;
}

int
space_insert(struct space *sp, const struct vma *vm)
{
	return insert_at(sp, space_from(sp, vm->vm_start), vm);
}

int
space_split(struct space *sp, uint64_t addr)
{
	const size_t i = space_from(sp, addr);
	struct vma low;
	int error;

	if (i == sp->sp_n || sp->sp_vmas[i].vm_start >= addr)
		return 0;
	low = sp->sp_vmas[i];
	low.vm_end = addr;
	low.vm_tail = 0;
	error = insert_at(sp, i, &low);
	if (error != 0)
		return error;
	sp->sp_vmas[i + 1].vm_offset += addr - low.vm_start;
	sp->sp_vmas[i + 1].vm_start = addr;
	return 0;
}

void
space_remove(struct space *sp, size_t i, size_t n)
{
	memmove(&sp->sp_vmas[i], &sp->sp_vmas[i + n],
	    (sp->sp_n - i - n) * sizeof(*sp->sp_vmas));
	sp->sp_n -= n;
	forget(sp);
}
