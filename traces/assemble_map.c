#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "traces/assemble_i.h"

/* What headers older than the kernel lack. */
#define ADVICE_REMOVE	       9
#define ADVICE_POPULATE_READ   22
#define ADVICE_POPULATE_WRITE  23
#define ADVICE_DONTNEED_LOCKED 24
#define DONTUNMAP	       4 /* MREMAP_DONTUNMAP */

static uint64_t
page_up(const struct assembler *as, uint64_t v)
{
	const uint64_t page = (uint64_t)1 << as->as_shift;

	return (v + page - 1) & ~(page - 1);
}

/* Does a page begin there?  Maps begin nowhere else. */
static bool
aligned(const struct assembler *as, uint64_t v)
{
	return page_up(as, v) == v;
}

static uint32_t
prot_flags(uint64_t prot)
{
	return ((prot & PROT_READ) != 0 ? TRACE_F_R : 0U) |
	    ((prot & PROT_WRITE) != 0 ? TRACE_F_W : 0U) |
	    ((prot & PROT_EXEC) != 0 ? TRACE_F_X : 0U);
}

/* Let vmas begin and end at both ends of a range; the first within is *ip. */
static int
isolate(struct assembler *as, struct space *sp, uint64_t addr, uint64_t end,
    size_t *ip)
{
	if (space_split(sp, addr) != 0 || space_split(sp, end) != 0)
		return no_memory(as);
	*ip = space_from(sp, addr);
	return 0;
}

/* How many vmas from i on lie before end. */
static size_t
within(const struct space *sp, size_t i, uint64_t end)
{
	size_t n = 0;

	while (i + n < sp->sp_n && sp->sp_vmas[i + n].vm_start < end)
		n++;
	return n;
}

/* Does the range hold a map of a file?  Then the process's maps are its own. */
static int
touched(struct assembler *as, struct proc *pr, uint64_t addr, uint64_t end,
    bool *anyp)
{
	struct space *sp = pr->pr_space;
	const size_t i = space_from(sp, addr);

	*anyp = i < sp->sp_n && sp->sp_vmas[i].vm_start < end;
	return *anyp && sp->sp_borrowed ? proc_own(as, pr) : 0;
}

/* Events that wait for the call's end, one for each map of [addr, end). */
static int
map_events(struct assembler *as, struct thread *th, enum trace_op op,
    uint32_t flags, uint64_t addr, uint64_t end)
{
	const struct call *ca = &th->th_call;
	struct space *sp = th->th_proc->pr_space;
	bool any;
	int error = touched(as, th->th_proc, addr, end, &any);

	for (size_t i = space_from(sp, addr); error == 0 && i < sp->sp_n; i++) {
		const struct vma *vm = &sp->sp_vmas[i];
		const uint64_t from = addr > vm->vm_start ? addr : vm->vm_start;
		uint64_t to = vm->vm_end - vm->vm_tail;
		struct trace_event te;
		struct trace_event *last = event_of(as, th, ca->ca_n - 1);

		if (vm->vm_start >= end)
			break;
		to = end < to ? end : to;
		te = event_at(as, op, vm->vm_file, vm->vm_map);
		te.te_offset = vm->vm_offset + (from - vm->vm_start);
		te.te_length = to > from ? to - from : 0;
		te.te_flags = flags;
		if (last != NULL && last->te_map == te.te_map &&
		    last->te_offset + last->te_length == te.te_offset)
			last->te_length += te.te_length;
		else if (te.te_length > 0)
			error = event_wait(as, th, &te);
	}
	return error;
}

/*
 * The same of the range that its first two arguments name; calls on one that
 * begins within a page fail.
 */
static int
range_events(struct assembler *as, struct thread *th, enum trace_op op,
    uint32_t flags)
{
	const uint64_t *arg = th->th_call.ca_arg;

	if (!aligned(as, arg[0]))
		return 0;
	return map_events(as, th, op, flags, arg[0], arg[0] + arg[1]);
}

/* Take the range away: what was there ends with this event. */
static int
unmap(struct assembler *as, struct thread *th, uint64_t addr, uint64_t len)
{
	struct proc *pr = th->th_proc;
	struct space *sp = pr->pr_space;
	const uint64_t end = addr + page_up(as, len);
	size_t i = 0;
	bool any;
	int error = touched(as, pr, addr, end, &any);

	if (error != 0 || !any)
		return error;
	window_clear(&sp->sp_window);
	error = map_events(as, th, TRACE_DETACH, 0, addr, end);
	if (error == 0)
		error = isolate(as, sp, addr, end, &i);
	if (error == 0)
		space_remove(sp, i, within(sp, i, end));
	return error;
}

int
munmap_begin(struct assembler *as, struct thread *th)
{
	const struct call *ca = &th->th_call;
	const uint64_t addr = ca->ca_arg[0], len = ca->ca_arg[1];

	/* It fails. */
	if (len == 0 || addr + len < addr || !aligned(as, addr))
		return 0;
	return unmap(as, th, addr, len);
}

/* A map that is new: it gets an id, an event and its place. */
static int
attach(struct assembler *as, struct thread *th, struct vma *vm, uint32_t flags)
{
	struct afile *af = file_of(as, vm->vm_file);
	struct trace_event te;
	int error;

	vm->vm_map = ++as->as_maps;
	te = event_at(as, TRACE_ATTACH, vm->vm_file, vm->vm_map);
	te.te_offset = vm->vm_offset;
	te.te_length = vm->vm_end - vm->vm_start - vm->vm_tail;
	te.te_flags = vm->vm_flags | flags;
	if (te.te_offset > INT64_MAX || te.te_length > INT64_MAX - te.te_offset)
		return 0;
	af->af_mapped = true;
	af->af_code |= (vm->vm_flags & TRACE_F_X) != 0;
	if (te.te_offset + te.te_length > af->af_extent)
		af->af_extent = te.te_offset + te.te_length;
	th->th_proc->pr_seen = true;
	error = event_wait(as, th, &te);
	if (error == 0 && space_insert(th->th_proc->pr_space, vm) != 0)
		error = no_memory(as);
	return error;
}

int
map_make(struct assembler *as, struct thread *th, const struct map_args *ma)
{
	const bool shared = (ma->ma_flags & MAP_TYPE) != MAP_PRIVATE;
	struct vma vm = {
		.vm_start = ma->ma_addr,
		.vm_end = ma->ma_addr + page_up(as, ma->ma_len),
		.vm_offset = ma->ma_offset,
		.vm_tail = page_up(as, ma->ma_len) - ma->ma_len,
		.vm_file = ma->ma_file,
	};
	int error;

	if (ma->ma_len == 0 || vm.vm_end <= vm.vm_start ||
	    !aligned(as, ma->ma_addr) || !aligned(as, ma->ma_offset))
		return 0;
	error = unmap(as, th, ma->ma_addr, ma->ma_len);
	if (error != 0 || ma->ma_file == 0)
		return error;
	if (th->th_proc->pr_space->sp_borrowed)
		error = proc_own(as, th->th_proc);
	if (error != 0)
		return error;
	vm.vm_flags = prot_flags(ma->ma_prot) |
	    (shared ? TRACE_F_SHARED : TRACE_F_PRIVATE);
	if (shared && (ma->ma_maxw || (ma->ma_prot & PROT_WRITE) != 0))
		vm.vm_flags |= TRACE_F_MAXW;
	return attach(as, th, &vm,
	    ((ma->ma_flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0 ?
		    TRACE_F_FIXED :
		    0U) |
		((ma->ma_flags & (MAP_POPULATE | MAP_LOCKED)) != 0 ?
			TRACE_F_POPULATE :
			0U));
}

/* The file that a mmap(2) has mapped; 0: none that is known. */
static uint32_t
mapped_file(struct assembler *as, struct thread *th, const struct ofd *of)
{
	if (of != NULL && of->of_file != 0 &&
	    (!of->of_learnt || th->th_mapped == 0))
		return of->of_file;
	if (th->th_mapped == 0)
		as->as_counts[RECORD_UNKNOWN_MAPS]++;
	return th->th_mapped != MAPPED_NO_FILE ? th->th_mapped : 0;
}

/* A descriptor whose file its map has told: it was open before that. */
static int
fd_learn(struct assembler *as, struct proc *pr, uint64_t fd, uint32_t file)
{
	struct ofd *of = fd_ofd(pr, fd);
	int error = 0;

	if (file == 0 || fd > INT32_MAX)
		return 0;
	if (of == NULL) {
		of = ofd_new(as);
		if (of == NULL)
			return ENOMEM;
		error = fd_put(as, pr, fd, of, false);
	}
	of->of_file = file;
	of->of_learnt = true;
	of->of_opened = false;
	if (of->of_refs == 0)
		ofd_free(of);
	return error;
}

int
mmap_end(struct assembler *as, struct thread *th, int64_t ret)
{
	const struct call *ca = &th->th_call;
	struct ofd *of = fd_ofd(th->th_proc, ca->ca_arg[4]);
	struct map_args ma = {
		.ma_addr = (uint64_t)ret,
		.ma_len = ca->ca_arg[1],
		.ma_prot = ca->ca_arg[2],
		.ma_flags = ca->ca_arg[3],
		.ma_offset = ca->ca_arg[5],
	};

	if (th->th_asked != RAW_UNKNOWN)
		ma.ma_flags = th->th_asked;
	if ((ma.ma_flags & MAP_ANONYMOUS) == 0)
		ma.ma_file = mapped_file(as, th, of);
	if (of == NULL || of->of_file != ma.ma_file) {
		const int error =
		    fd_learn(as, th->th_proc, ca->ca_arg[4], ma.ma_file);

		if (error != 0)
			return error;
		of = fd_ofd(th->th_proc, ca->ca_arg[4]);
	}
	ma.ma_maxw = of != NULL && of->of_flags_known &&
	    (of->of_flags & O_ACCMODE) == O_RDWR;
	return map_make(as, th, &ma);
}

int
mprotect_begin(struct assembler *as, struct thread *th)
{
	const struct call *ca = &th->th_call;

	return range_events(as, th, TRACE_PROTECT, prot_flags(ca->ca_arg[2]));
}

int
mprotect_end(struct assembler *as, struct thread *th, int64_t ret)
{
	static const uint32_t prots = TRACE_F_R | TRACE_F_W | TRACE_F_X;
	const struct call *ca = &th->th_call;
	struct space *sp = th->th_proc->pr_space;
	const uint64_t end = ca->ca_arg[0] + page_up(as, ca->ca_arg[1]);
	size_t i = 0, n;
	int error;

	(void)ret;
	if (!aligned(as, ca->ca_arg[0]))
		return 0;
	error = isolate(as, sp, ca->ca_arg[0], end, &i);
	if (error != 0)
		return error;
	n = within(sp, i, end);
	if (n > 0)
		window_clear(&sp->sp_window);
	for (; n > 0; i++, n--) {
		struct vma *vm = &sp->sp_vmas[i];

		vm->vm_flags =
		    (vm->vm_flags & ~prots) | prot_flags(ca->ca_arg[2]);
		if ((vm->vm_flags & TRACE_F_X) != 0)
			file_of(as, vm->vm_file)->af_code = true;
	}
	return 0;
}

/* What is to move is nowhere until the call ends. */
int
mremap_begin(struct assembler *as, struct thread *th)
{
	struct call *ca = &th->th_call;
	struct space *sp = th->th_proc->pr_space;
	const uint64_t addr = ca->ca_arg[0];
	const uint64_t end = addr + page_up(as, ca->ca_arg[1]);
	bool any;
	size_t i = 0, n;
	int error = touched(as, th->th_proc, addr, end, &any);

	/* A length of 0 copies a shared map: it is where it was. */
	if (error != 0 || !any || !aligned(as, addr))
		return error;
	error = isolate(as, sp, addr, end, &i);
	if (error != 0)
		return error;
	n = within(sp, i, end);
	ca->ca_limbo = malloc(n * sizeof(*ca->ca_limbo));
	if (ca->ca_limbo == NULL)
		return no_memory(as);
	memcpy(ca->ca_limbo, &sp->sp_vmas[i], n * sizeof(*ca->ca_limbo));
	ca->ca_nlimbo = n;
	space_remove(sp, i, n);
	window_clear(&sp->sp_window);
	return 0;
}

static int
put_back(struct assembler *as, struct thread *th)
{
	const struct call *ca = &th->th_call;
	int error = 0;

	for (size_t i = 0; error == 0 && i < ca->ca_nlimbo; i++) {
		const struct vma *vm = &ca->ca_limbo[i];

		error = unmap(as, th, vm->vm_start, vm->vm_end - vm->vm_start);
		if (error == 0 && space_insert(th->th_proc->pr_space, vm) != 0)
			error = no_memory(as);
	}
	return error;
}

/*
 * One of what mremap(2) has moved by the distance, and cut to end there at
 * most: the trace knows no addresses, so a move is no event.
 */
static int
moved(struct assembler *as, struct thread *th, struct vma vm, uint64_t by,
    uint64_t end)
{
	struct trace_event te;
	uint64_t cut;

	vm.vm_start += by;
	vm.vm_end += by;
	if (vm.vm_end > end) {
		cut = vm.vm_start > end ? vm.vm_start : end;
		te = event_at(as, TRACE_DETACH, vm.vm_file, vm.vm_map);
		te.te_offset = vm.vm_offset + (cut - vm.vm_start);
		te.te_length = vm.vm_end - vm.vm_tail - cut;
		vm.vm_end = cut;
		vm.vm_tail = 0;
		if (event_wait(as, th, &te) != 0)
			return ENOMEM;
	}
	if (vm.vm_end > vm.vm_start &&
	    space_insert(th->th_proc->pr_space, &vm) != 0)
		return no_memory(as);
	return 0;
}

/* The map goes on behind its old end: that part is a map of its own. */
static int
extend(struct assembler *as, struct thread *th, const struct vma *last,
    uint64_t start, uint64_t end)
{
	struct vma vm = *last;

	vm.vm_offset += last->vm_end - last->vm_start;
	vm.vm_start = start;
	vm.vm_end = end;
	vm.vm_tail = 0;
	return attach(as, th, &vm, 0);
}

/* mremap(2) with the length 0, or MREMAP_DONTUNMAP: the old map stays. */
static int
copied(struct assembler *as, struct thread *th, uint64_t addr, uint64_t to,
    uint64_t end)
{
	const struct vma *old = space_find(th->th_proc->pr_space, addr);
	struct vma vm;

	if (old == NULL || end <= to)
		return 0;
	vm = *old;
	vm.vm_offset += addr - old->vm_start;
	vm.vm_start = to;
	vm.vm_end = end;
	vm.vm_tail = 0;
	return attach(as, th, &vm, 0);
}

static int
mremap_good(struct assembler *as, struct thread *th, uint64_t to)
{
	const struct call *ca = &th->th_call;
	const uint64_t addr = ca->ca_arg[0];
	const uint64_t old = page_up(as, ca->ca_arg[1]);
	const uint64_t new = page_up(as, ca->ca_arg[2]);
	int error;

	if (!aligned(as, addr) || !aligned(as, to))
		return put_back(as, th);
	/* What was there is gone, whether that was seen or not. */
	error = unmap(as, th, to, new);
	if (error == 0 && (old == 0 || (ca->ca_arg[3] & DONTUNMAP) != 0)) {
		error = put_back(as, th);
		return error != 0 ? error : copied(as, th, addr, to, to + new);
	}
	for (size_t i = 0; error == 0 && i < ca->ca_nlimbo; i++)
		error = moved(as, th, ca->ca_limbo[i], to - addr, to + new);
	if (error == 0 && ca->ca_nlimbo > 0 && new > old)
		error = extend(as, th, &ca->ca_limbo[ca->ca_nlimbo - 1],
		    to + old, to + new);
	return error;
}

int
mremap_end(struct assembler *as, struct thread *th, int64_t ret)
{
	const bool good = ret >= 0 || ret < -4095;
	int error;

	if (good)
		error = mremap_good(as, th, (uint64_t)ret);
	else
		error = put_back(as, th);
	return error != 0 ? error : event_settle(as, th, good);
}

int
msync_begin(struct assembler *as, struct thread *th)
{
	const uint64_t flags = th->th_call.ca_arg[2];

	see_anew(as);
	/* It fails, even if that was not seen. */
	if ((flags & MS_SYNC) != 0 && (flags & MS_ASYNC) != 0)
		return 0;
	return range_events(as, th, TRACE_MSYNC,
	    ((flags & MS_SYNC) != 0 ? TRACE_F_SYNC : 0U) |
		((flags & MS_ASYNC) != 0 ? TRACE_F_ASYNC : 0U) |
		((flags & MS_INVALIDATE) != 0 ? TRACE_F_INVALIDATE : 0U));
}

int
madvise_begin(struct assembler *as, struct thread *th)
{
	static const struct {
		uint64_t advice;
		uint32_t flag;
	} rows[] = {
		{ MADV_NORMAL, TRACE_F_NORMAL },
		{ MADV_RANDOM, TRACE_F_RANDOM },
		{ MADV_SEQUENTIAL, TRACE_F_SEQUENTIAL },
		{ MADV_WILLNEED, TRACE_F_WILLNEED },
		{ MADV_DONTNEED, TRACE_F_DONTNEED },
		{ MADV_FREE, TRACE_F_FREE },
	};
	struct call *ca = &th->th_call;
	uint64_t advice = ca->ca_arg[2];

	if (advice == ADVICE_DONTNEED_LOCKED && as->as_ap.ap_flush) {
		window_clear(&th->th_proc->pr_space->sp_window);
		return 0;
	}
	if (advice == ADVICE_DONTNEED_LOCKED)
		advice = MADV_DONTNEED;
	if (advice == MADV_DONTNEED || advice == ADVICE_REMOVE)
		see_anew(as);
	for (size_t i = 0; i < nitems(rows); i++)
		if (rows[i].advice == advice)
			return range_events(as, th, TRACE_MADVISE,
			    rows[i].flag);
	/* MADV_REMOVE punches a hole into the file. */
	if (advice == ADVICE_REMOVE) {
		const int error = range_events(as, th, TRACE_FALLOCATE,
		    TRACE_F_PUNCH | TRACE_F_KEEP);

		for (unsigned i = 0; i < ca->ca_n; i++)
			event_of(as, th, i)->te_map = 0;
		return error;
	}
	return 0;
}

/* Pages that the kernel faults in for the program, without a fault. */
static int
populate(struct assembler *as, struct thread *th, bool write)
{
	const struct call *ca = &th->th_call;

	if (!as->as_ap.ap_gup)
		return 0;
	return access_put(as, th->th_proc, ca->ca_arg[0], ca->ca_arg[1],
	    RAW_F_KERNEL | (write ? RAW_F_WRITE : 0U));
}

int
madvise_end(struct assembler *as, struct thread *th, int64_t ret)
{
	const struct call *ca = &th->th_call;
	struct space *sp = th->th_proc->pr_space;
	const uint64_t end = ca->ca_arg[0] + page_up(as, ca->ca_arg[1]);

	(void)ret;
	if (!aligned(as, ca->ca_arg[0]))
		return 0;
	switch (ca->ca_arg[2]) {
	case ADVICE_POPULATE_READ:
	case ADVICE_POPULATE_WRITE:
		return populate(as, th, ca->ca_arg[2] == ADVICE_POPULATE_WRITE);
	case MADV_DONTFORK:
	case MADV_DOFORK:
		if (space_split(sp, ca->ca_arg[0]) != 0 ||
		    space_split(sp, end) != 0)
			return no_memory(as);
		for (size_t i = space_from(sp, ca->ca_arg[0]);
		     i < sp->sp_n && sp->sp_vmas[i].vm_start < end; i++)
			sp->sp_vmas[i].vm_dontfork =
			    ca->ca_arg[2] == MADV_DONTFORK;
		return 0;
	default:
		return 0;
	}
}

int
mlock_end(struct assembler *as, struct thread *th, int64_t ret)
{
	(void)ret;
	return populate(as, th, false);
}
