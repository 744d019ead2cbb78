#include <errno.h>
#include <sys/mman.h>

#include "traces/assemble_i.h"

/* Maps made up lie behind all addresses of programs, in pieces of this size. */
#define NAMED_BASE  ((uint64_t)1 << 62)
#define NAMED_PIECE ((uint64_t)1 << 30)

static const struct vma *
find(const struct space *sp, uint32_t file, uint64_t offset)
{
	for (size_t i = sp->sp_n; i-- > 0;) {
		const struct vma *vm = &sp->sp_vmas[i];

		if (vm->vm_file == file && offset >= vm->vm_offset &&
		    offset - vm->vm_offset < vm->vm_end - vm->vm_start)
			return vm;
	}
	return NULL;
}

/* Nothing told of a map: have one, read-only where nothing tells of writes. */
static int
make(struct assembler *as, struct thread *th, uint32_t file, uint64_t offset,
    unsigned flags)
{
	const struct space *sp = th->th_proc->pr_space;
	struct map_args ma = {
		.ma_addr = NAMED_BASE,
		.ma_len = NAMED_PIECE,
		.ma_prot = PROT_READ |
		    ((flags & RAW_F_WRITE) != 0 ? PROT_WRITE : 0) |
		    ((flags & RAW_F_IFETCH) != 0 ? PROT_EXEC : 0),
		.ma_flags = MAP_SHARED,
		.ma_offset = offset / NAMED_PIECE * NAMED_PIECE,
		.ma_file = file,
	};
	int error;

	/* The call that it is in has ended unseen. */
	error = event_settle(as, th, true);
	call_clear(&th->th_call);
	if (sp->sp_n > 0 && sp->sp_vmas[sp->sp_n - 1].vm_end > NAMED_BASE)
		ma.ma_addr = sp->sp_vmas[sp->sp_n - 1].vm_end;
	if (error == 0)
		error = map_make(as, th, &ma);
	return error != 0 ? error : event_settle(as, th, true);
}

int
access_named(struct assembler *as, struct thread *th, const struct raw *rw)
{
	struct proc *pr = th->th_proc;
	const uint64_t offset = rw->rw_arg[0];
	const struct vma *vm;
	uint32_t file;
	int error;

	error = file_find(as, 0, 0, 0, RAW_UNKNOWN, rw->rw_text, &file);
	if (error != 0 || file == 0)
		return error;
	vm = find(pr->pr_space, file, offset);
	if (vm == NULL) {
		error = make(as, th, file, offset, rw->rw_flags);
		vm = find(pr->pr_space, file, offset);
	}
	if (error != 0 || vm == NULL)
		return error;
	return access_put(as, pr, vm->vm_start + (offset - vm->vm_offset),
	    rw->rw_arg[1], rw->rw_flags);
}
