#include <errno.h>
#include <stdlib.h>

#include "traces/assemble_i.h"

/* An event that waits for its call, or for one before it. */
struct pending {
	struct trace_event pe_event;
	enum { PENDING, GOOD, DEAD } pe_state;
};

void
say_no_memory(struct assembler *as)
{
	errmsg_put(as->as_em, "no memory to make a trace");
}

int
no_memory(struct assembler *as)
{
	say_no_memory(as);
	return ENOMEM;
}

struct trace_event
event_at(const struct assembler *as, enum trace_op op, uint32_t file,
    uint32_t map)
{
	return (struct trace_event){
		.te_time = as->as_rw->rw_time,
		.te_pid = as->as_rw->rw_pid,
		.te_tid = as->as_rw->rw_tid,
		.te_op = (uint8_t)op,
		.te_file = file,
		.te_map = map,
	};
}

static struct pending *
queued(struct assembler *as, uint64_t pos)
{
	return &as->as_queue[pos & (as->as_qcap - 1)];
}

static int
enqueue(struct assembler *as, const struct trace_event *te, bool good)
{
	if (as->as_qtail - as->as_qhead == as->as_qcap) {
		struct assembler old = *as;

		as->as_qcap = old.as_qcap != 0 ? old.as_qcap * 2 : 256;
		as->as_queue = malloc(as->as_qcap * sizeof(*as->as_queue));
		if (as->as_queue == NULL) {
			as->as_queue = old.as_queue;
			as->as_qcap = old.as_qcap;
			return no_memory(as);
		}
		for (uint64_t i = as->as_qhead; i < as->as_qtail; i++)
			*queued(as, i) = *queued(&old, i);
		free(old.as_queue);
	}
	*queued(as, as->as_qtail++) =
	    (struct pending){ *te, good ? GOOD : PENDING };
	return 0;
}

/* An event is sure, and its turn has come. */
static int
put_sure(struct assembler *as, const struct trace_event *te)
{
	/* What was damaged on its way may say anything. */
	if (trace_event_check(te) != NULL) {
		as->as_counts[RECORD_IMPOSSIBLE]++;
		return 0;
	}
	return sink_put(as->as_sink, te, as->as_em);
}

int
event_put(struct assembler *as, const struct trace_event *te)
{
	if (as->as_qhead == as->as_qtail)
		return put_sure(as, te);
	return enqueue(as, te, true);
}

int
event_wait(struct assembler *as, struct thread *th,
    const struct trace_event *te)
{
	struct call *ca = &th->th_call;
	const int error = enqueue(as, te, false);

	/* Events of one call are put in one go: they stand together. */
	if (error == 0 && ca->ca_n++ == 0)
		ca->ca_first = as->as_qtail - 1;
	return error;
}

struct trace_event *
event_of(struct assembler *as, struct thread *th, unsigned i)
{
	if (i >= th->th_call.ca_n)
		return NULL;
	return &queued(as, th->th_call.ca_first + i)->pe_event;
}

int
event_settle(struct assembler *as, struct thread *th, bool good)
{
	struct call *ca = &th->th_call;
	int error = 0;

	for (unsigned i = 0; i < ca->ca_n; i++)
		queued(as, ca->ca_first + i)->pe_state = good ? GOOD : DEAD;
	ca->ca_n = 0;
	while (error == 0 && as->as_qhead < as->as_qtail) {
		const struct pending *pe = queued(as, as->as_qhead);

		if (pe->pe_state == PENDING)
			break;
		if (pe->pe_state == GOOD)
			error = put_sure(as, &pe->pe_event);
		as->as_qhead++;
	}
	return error;
}

static int
window_news(struct assembler *as, struct space *sp, uint64_t page, bool write,
    bool *newp)
{
	if (sp->sp_epoch != as->as_epoch) {
		sp->sp_epoch = as->as_epoch;
		window_clear(&sp->sp_window);
	}
	if (window_see(&sp->sp_window, page, write, newp) != 0)
		return no_memory(as);
	return 0;
}

static int
page_put(struct assembler *as, struct proc *pr, const struct vma *vm,
    uint64_t addr, unsigned flags)
{
	const bool write = (flags & RAW_F_WRITE) != 0;
	const uint64_t page = addr >> as->as_shift << as->as_shift;
	struct trace_event te;
	bool new = true;
	int error = 0;

	if (as->as_ap.ap_window != 0 && (!as->as_ap.ap_flush || pr->pr_started))
		error = window_news(as, pr->pr_space, page >> as->as_shift,
		    write, &new);
	if (error != 0 || !new)
		return error;
	te = event_at(as, write ? TRACE_WRITE : TRACE_READ, vm->vm_file,
	    vm->vm_map);
	te.te_offset = vm->vm_offset + (page - vm->vm_start);
	te.te_length = as->as_ap.ap_page;
	te.te_flags = vm->vm_flags & TRACE_F_PRIVATE;
	if ((flags & RAW_F_KERNEL) != 0)
		te.te_flags |= TRACE_F_KERNEL;
	if ((flags & RAW_F_IFETCH) != 0)
		te.te_flags |= TRACE_F_IFETCH;
	file_used(file_of(as, vm->vm_file), te.te_offset + te.te_length);
	return event_put(as, &te);
}

int
access_put(struct assembler *as, struct proc *pr, uint64_t addr, uint64_t len,
    unsigned flags)
{
	const uint32_t need =
	    (flags & RAW_F_WRITE) != 0 ? TRACE_F_W : TRACE_F_R | TRACE_F_X;
	const uint64_t end = len != 0 ? addr + len : addr + 1;
	struct vma *vm = space_find(pr->pr_space, addr);
	int error = 0;

	if (likely(vm == NULL && end <= pr->pr_space->sp_hi))
		return 0;
	if (pr->pr_space->sp_borrowed)
		error = proc_own(as, pr);
	pr->pr_seen = true;
	for (uint64_t at = addr; error == 0 && at < end && end > addr;) {
		vm = space_find(pr->pr_space, at);
		if (vm == NULL) {
			at = pr->pr_space->sp_hi;
			continue;
		}
		/* What it may not do ends in a signal, not at the page. */
		if ((vm->vm_flags & need) != 0)
			error = page_put(as, pr, vm, at, flags);
		at = ((at >> as->as_shift) + 1) << as->as_shift;
	}
	return error;
}

/* Not anonymous memory, shared or not, and nothing else without a path. */
static bool
names_file(const char *path)
{
	static const char *const others[] = { "/dev/zero", "/SYSV",
		"/anon_hugepage", "//anon" };

	if (path == NULL || *path != '/')
		return false;
	for (size_t i = 0; i < nitems(others); i++)
		if (strncmp(path, others[i], strlen(others[i])) == 0)
			return false;
	return true;
}

/* What execve(2) has mapped, or what the mmap(2) at hand has. */
static int
map_said(struct assembler *as, struct thread *th, const struct raw *rw)
{
	const uint64_t *arg = rw->rw_arg;
	const uint8_t sys = th->th_call.ca_sys;
	const bool mmap = th->th_call.ca_active && sys == RAW_SYS_MMAP;
	struct map_args ma = { arg[0], arg[1], arg[5], arg[6], arg[2], 0,
		false };
	int error;

	/* mprotect(2) and others say again what there is. */
	if (th->th_call.ca_active && !mmap && sys != RAW_SYS_EXECVE &&
	    sys != RAW_SYS_EXECVEAT)
		return 0;
	if (!names_file(rw->rw_text)) {
		th->th_mapped = MAPPED_NO_FILE;
		return 0;
	}
	error = file_find(as, arg[3], arg[4], 0, RAW_UNKNOWN, rw->rw_text,
	    &ma.ma_file);
	th->th_mapped = ma.ma_file;
	if (error != 0 || mmap || !as->as_ap.ap_resident)
		return error;
	file_of(as, ma.ma_file)->af_code = true;
	error = map_make(as, th, &ma);
	return error != 0 ? error : event_settle(as, th, true);
}

static int
file_said(struct assembler *as, struct thread *th, const struct raw *rw)
{
	const int64_t fd = (int64_t)rw->rw_arg[0];

	if (fd >= 0)
		return fd_said(as, th->th_proc, rw);
	if (fd < -2)
		return 0;
	return file_find(as, rw->rw_arg[1], rw->rw_arg[2], rw->rw_arg[3],
	    rw->rw_arg[4], rw->rw_text, &th->th_path[-1 - fd]);
}

static int
call_put(struct assembler *as, struct thread *th, const struct raw *rw)
{
	int error = 0;

	/* One whose end was not seen. */
	if (th->th_call.ca_active) {
		error = event_settle(as, th, true);
		call_clear(&th->th_call);
	}
	return error != 0 ? error : call_begin(as, th, rw);
}

static int
return_put(struct assembler *as, struct thread *th, const struct raw *rw)
{
	int error;

	if (!th->th_call.ca_active || th->th_call.ca_sys != rw->rw_sys)
		return 0;
	error = call_end(as, th, (int64_t)rw->rw_arg[0]);
	call_clear(&th->th_call);
	return error;
}

static int
note_put(struct assembler *as, const struct raw *rw)
{
	if (rw->rw_arg[0] >= RECORD_NCOUNTS)
		return 0;
	if (rw->rw_arg[3] != 0)
		return file_noted(as, rw);
	as->as_counts[rw->rw_arg[0]] += rw->rw_arg[1];
	return 0;
}

/* Records of a thread. */
static int
thread_put(struct assembler *as, const struct raw *rw)
{
	struct thread *th = thread_at(as, rw);

	if (th == NULL)
		return ENOMEM;
	switch ((enum raw_kind)rw->rw_kind) {
	case RAW_ACCESS:
		if (unlikely(rw->rw_text != NULL))
			return access_named(as, th, rw);
		return access_put(as, th->th_proc, rw->rw_arg[0], rw->rw_arg[1],
		    rw->rw_flags);
	case RAW_CALL:
		return call_put(as, th, rw);
	case RAW_RETURN:
		return return_put(as, th, rw);
	case RAW_FILE:
		return file_said(as, th, rw);
	case RAW_MAP:
		return map_said(as, th, rw);
	case RAW_SHARED:
		th->th_asked = rw->rw_arg[0];
		return 0;
	case RAW_FLUSH:
		window_clear(&th->th_proc->pr_space->sp_window);
		return 0;
	case RAW_EXEC:
		return exec_put(as, th);
	case RAW_START:
		return start_put(as, th, rw);
	case RAW_FORK:
	case RAW_EXIT:
	case RAW_NOTE:
	case RAW_LOST:
	case RAW_NKINDS:
		break;
	}
	return 0;
}

int
assemble_put(struct assembler *as, const struct raw *rw, struct errmsg *em)
{
	as->as_em = em;
	as->as_rw = rw;
	switch ((enum raw_kind)rw->rw_kind) {
	case RAW_FORK:
		return fork_put(as, rw);
	case RAW_EXIT:
		return exit_put(as, rw);
	case RAW_NOTE:
		return note_put(as, rw);
	case RAW_LOST:
		as->as_counts[RECORD_LOST] += rw->rw_arg[0];
		return 0;
	case RAW_ACCESS:
	case RAW_CALL:
	case RAW_RETURN:
	case RAW_FILE:
	case RAW_MAP:
	case RAW_SHARED:
	case RAW_FLUSH:
	case RAW_EXEC:
	case RAW_START:
	case RAW_NKINDS:
		break;
	}
	return thread_put(as, rw);
}

int
assemble_create(struct sink *sk, const struct assemble_param *ap,
    struct assembler **asp, struct errmsg *em)
{
	struct assembler *as = calloc(1, sizeof(*as));

	if (as == NULL)
		return ERRMSG(em, ENOMEM, "no memory to make a trace");
	as->as_sink = sk;
	as->as_ap = *ap;
	as->as_shift = (unsigned)__builtin_ctz(ap->ap_page);
	*asp = as;
	return 0;
}

int
assemble_finish(struct assembler *as, struct errmsg *em)
{
	int error;

	as->as_em = em;
	error = procs_finish(as);
	return error != 0 ? error : files_judge(as);
}

const uint64_t *
assemble_counts(const struct assembler *as)
{
	return as->as_counts;
}

void
assemble_destroy(struct assembler *as)
{
	if (as == NULL)
		return;
	procs_fini(as);
	files_fini(as);
	free(as->as_queue);
	free(as);
}
