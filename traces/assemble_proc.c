#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "traces/assemble_i.h"

static size_t
bucket(uint32_t id)
{
	return id * 0x9e3779b9U >> 16 & (PROC_BUCKETS - 1);
}

static struct proc *
proc_find(const struct assembler *as, uint32_t pid)
{
	struct proc *pr = as->as_procs[bucket(pid)];

	while (pr != NULL && (pr->pr_pid != pid || pr->pr_exited))
		pr = pr->pr_next;
	return pr;
}

static struct proc *
proc_new(struct assembler *as, uint32_t pid, struct space *sp)
{
	struct proc *pr = calloc(1, sizeof(*pr));

	if (pr == NULL || sp == NULL) {
		free(pr);
		space_drop(sp);
		say_no_memory(as);
		return NULL;
	}
	pr->pr_pid = pid;
	pr->pr_space = sp;
	pr->pr_forked = true;
	pr->pr_next = as->as_procs[bucket(pid)];
	as->as_procs[bucket(pid)] = pr;
	return pr;
}

static struct space *
fresh_space(const struct assembler *as)
{
	return space_new(as->as_ap.ap_window);
}

static struct thread *
thread_find(struct assembler *as, uint32_t tid)
{
	struct thread *th = as->as_last;

	if (th != NULL && th->th_tid == tid)
		return th;
	th = as->as_threads[bucket(tid)];
	while (th != NULL && th->th_tid != tid)
		th = th->th_next;
	if (th != NULL)
		as->as_last = th;
	return th;
}

static struct thread *
thread_new(struct assembler *as, struct proc *pr, uint32_t tid)
{
	struct thread *th = calloc(1, sizeof(*th));

	if (th == NULL) {
		say_no_memory(as);
		return NULL;
	}
	th->th_tid = tid;
	th->th_proc = pr;
	th->th_asked = RAW_UNKNOWN;
	th->th_next = as->as_threads[bucket(tid)];
	as->as_threads[bucket(tid)] = th;
	pr->pr_threads++;
	return th;
}

/* A thread ends, and a call it is in with it: nobody knows how. */
static int
thread_free(struct assembler *as, struct thread *th)
{
	struct thread **thp = &as->as_threads[bucket(th->th_tid)];
	const int error = event_settle(as, th, true);

	while (*thp != th)
		thp = &(*thp)->th_next;
	*thp = th->th_next;
	if (as->as_last == th)
		as->as_last = NULL;
	call_clear(&th->th_call);
	th->th_proc->pr_threads--;
	free(th);
	return error;
}

/* The thread of the record at hand; NULL: no memory. */
struct thread *
thread_at(struct assembler *as, const struct raw *rw)
{
	struct thread *th = thread_find(as, rw->rw_tid);
	struct proc *pr;

	if (likely(th != NULL && th->th_proc->pr_pid == rw->rw_pid))
		return th;
	/* The number is another process's now: how the old one ended is lost. */
	if (th != NULL && thread_free(as, th) != 0)
		return NULL;
	pr = proc_find(as, rw->rw_pid);
	if (pr == NULL)
		pr = proc_new(as, rw->rw_pid, fresh_space(as));
	return pr != NULL ? thread_new(as, pr, rw->rw_tid) : NULL;
}

int
proc_own(struct assembler *as, struct proc *pr)
{
	struct space *sp = pr->pr_space;
	struct trace_event te = event_at(as, TRACE_FORK, 0, 0);
	int error = 0;

	te.te_pid = te.te_tid = pr->pr_pid;
	if (!pr->pr_forked)
		error = event_put(as, &te);
	pr->pr_forked = true;
	if (!sp->sp_borrowed)
		return error;
	sp->sp_borrowed = false;
	for (size_t i = 0; error == 0 && i < sp->sp_n; i++) {
		struct vma *vm = &sp->sp_vmas[i];

		vm->vm_map = ++as->as_maps;
		te.te_op = TRACE_ATTACH;
		te.te_file = vm->vm_file;
		te.te_map = vm->vm_map;
		te.te_offset = vm->vm_offset;
		te.te_length = vm->vm_end - vm->vm_start - vm->vm_tail;
		te.te_flags = vm->vm_flags | TRACE_F_INHERITED;
		error = event_put(as, &te);
	}
	return error;
}

/* The process leaves its address space: its maps end, unless shared. */
static int
leave_space(struct assembler *as, struct proc *pr)
{
	struct space *sp = pr->pr_space;
	int error = 0;

	for (size_t i = 0;
	     error == 0 && sp->sp_refs == 1 && !sp->sp_borrowed && i < sp->sp_n;
	     i++) {
		const struct vma *vm = &sp->sp_vmas[i];
		struct trace_event te =
		    event_at(as, TRACE_DETACH, vm->vm_file, vm->vm_map);

		te.te_offset = vm->vm_offset;
		te.te_length = vm->vm_end - vm->vm_start - vm->vm_tail;
		error = event_put(as, &te);
	}
	space_drop(sp);
	pr->pr_space = fresh_space(as);
	if (pr->pr_space == NULL && error == 0)
		error = no_memory(as);
	return error;
}

/* A copy of a space for a child: the maps get ids when one is used. */
static struct space *
space_copy(struct assembler *as, const struct space *from)
{
	struct space *sp = fresh_space(as);

	for (size_t i = 0; sp != NULL && i < from->sp_n; i++) {
		if (from->sp_vmas[i].vm_dontfork)
			continue;
		if (space_insert(sp, &from->sp_vmas[i]) != 0) {
			space_drop(sp);
			sp = NULL;
		}
	}
	if (sp != NULL)
		sp->sp_borrowed = true;
	return sp;
}

/* The flags of the clone(2) that parent is in, or RAW_UNKNOWN. */
static uint64_t
clone_flags(const struct thread *parent)
{
	const struct call *ca;

	if (parent == NULL || !parent->th_call.ca_active)
		return RAW_UNKNOWN;
	ca = &parent->th_call;
	if (ca->ca_sys == RAW_SYS_FORK)
		return 0;
	if (ca->ca_sys == RAW_SYS_VFORK)
		return CLONE_VM | CLONE_VFORK;
	return ca->ca_sys == RAW_SYS_CLONE ? ca->ca_arg[0] : RAW_UNKNOWN;
}

static int
child_new(struct assembler *as, struct proc *parent, const struct raw *rw)
{
	struct space *sp = NULL;
	struct proc *pr;
	uint64_t flags = rw->rw_arg[2];
	int error;

	if (flags == RAW_UNKNOWN)
		flags = clone_flags(thread_find(as, (uint32_t)rw->rw_arg[1]));
	if (flags != RAW_UNKNOWN && (flags & CLONE_VM) != 0) {
		sp = parent->pr_space;
		sp->sp_refs++;
	} else {
		sp = space_copy(as, parent->pr_space);
	}
	pr = proc_new(as, rw->rw_pid, sp);
	if (pr == NULL)
		return ENOMEM;
	pr->pr_forked = sp->sp_refs > 1;
	pr->pr_parent = parent->pr_pid;
	error = fds_copy(as, parent, pr);
	if (error == 0 && thread_new(as, pr, rw->rw_tid) == NULL)
		error = ENOMEM;
	/* Whether it is a vfork(2) may be unknown: then the first use tells. */
	if (error == 0 && flags != RAW_UNKNOWN)
		error = proc_own(as, pr);
	return error;
}

/* Processes with maps that the library never was in. */
static void
count_unarmed(struct assembler *as, const struct proc *pr)
{
	if (as->as_ap.ap_flush && pr->pr_seen && !pr->pr_started)
		as->as_counts[RECORD_UNARMED]++;
}

static int
process_exit(struct assembler *as, struct proc *pr)
{
	struct trace_event te = event_at(as, TRACE_EXIT, 0, 0);
	int error = fds_close(as, pr, false);

	te.te_pid = te.te_tid = pr->pr_pid;
	if (error == 0 && pr->pr_forked && !pr->pr_exited)
		error = event_put(as, &te);
	count_unarmed(as, pr);
	pr->pr_exited = true;
	pr->pr_seen = false;
	space_drop(pr->pr_space);
	pr->pr_space = NULL;
	free(pr->pr_fds.ft_fds);
	pr->pr_fds = (struct fdtable){ 0 };
	return error;
}

/* End all threads of a process but one. */
static int
threads_end(struct assembler *as, const struct proc *pr, uint32_t but)
{
	int error = 0;

	for (size_t i = 0; i < PROC_BUCKETS && pr->pr_threads > 0; i++)
		for (struct thread *th = as->as_threads[i], *next;
		     error == 0 && th != NULL; th = next) {
			next = th->th_next;
			if (th->th_proc == pr && th->th_tid != but)
				error = thread_free(as, th);
		}
	return error;
}

int
fork_put(struct assembler *as, const struct raw *rw)
{
	struct proc *pr = proc_find(as, rw->rw_pid), *parent;
	struct thread *old = thread_find(as, rw->rw_tid);
	int error = 0;

	if (old != NULL)
		error = thread_free(as, old);
	if (error != 0)
		return error;
	if (rw->rw_arg[0] == rw->rw_pid)
		return thread_at(as, rw) != NULL ? 0 : ENOMEM;
	if (pr != NULL) {
		error = threads_end(as, pr, 0);
		if (error == 0)
			error = process_exit(as, pr);
	}
	parent = proc_find(as, (uint32_t)rw->rw_arg[0]);
	if (parent == NULL)
		parent = proc_new(as, (uint32_t)rw->rw_arg[0], fresh_space(as));
	if (error != 0 || parent == NULL)
		return error != 0 ? error : ENOMEM;
	return child_new(as, parent, rw);
}

int
exit_put(struct assembler *as, const struct raw *rw)
{
	struct thread *th = thread_find(as, rw->rw_tid);
	struct proc *pr = proc_find(as, rw->rw_pid);
	int error = 0;

	if (pr == NULL)
		return 0;
	if ((rw->rw_flags & RAW_F_GROUP) != 0)
		error = threads_end(as, pr, 0);
	else if (th != NULL && th->th_proc == pr)
		error = thread_free(as, th);
	if (error == 0 && pr->pr_threads == 0)
		error = process_exit(as, pr);
	return error;
}

int
exec_put(struct assembler *as, struct thread *th)
{
	struct proc *pr = th->th_proc;
	int error = threads_end(as, pr, th->th_tid);

	if (error == 0)
		error = event_settle(as, th, true);
	call_clear(&th->th_call);
	if (error == 0)
		error = leave_space(as, pr);
	if (error == 0)
		error = fds_close(as, pr, true);
	pr->pr_started = false;
	return error;
}

/* The library begins anew in a process it was in: by exec(2), if not fork. */
int
start_put(struct assembler *as, struct thread *th, const struct raw *rw)
{
	struct proc *pr = th->th_proc;
	int error = 0;

	if (pr->pr_started && rw->rw_arg[1] == RAW_START_EXEC)
		error = exec_put(as, th);
	pr->pr_started = true;
	return error;
}

int
procs_finish(struct assembler *as)
{
	int error = 0;

	for (size_t i = 0; i < PROC_BUCKETS; i++)
		for (struct thread *th = as->as_threads[i];
		     error == 0 && th != NULL; th = th->th_next)
			error = event_settle(as, th, true);
	for (size_t i = 0; i < PROC_BUCKETS; i++)
		for (const struct proc *pr = as->as_procs[i]; pr != NULL;
		     pr = pr->pr_next)
			count_unarmed(as, pr);
	return error;
}

static void
proc_free(struct proc *pr)
{
	for (size_t i = 0; i < pr->pr_fds.ft_n; i++) {
		struct ofd *of = pr->pr_fds.ft_fds[i].fd_ofd;

		if (of != NULL && --of->of_refs == 0)
			ofd_free(of);
	}
	free(pr->pr_fds.ft_fds);
	space_drop(pr->pr_space);
	free(pr);
}

void
procs_fini(struct assembler *as)
{
	for (size_t i = 0; i < PROC_BUCKETS; i++)
		for (struct thread *th = as->as_threads[i], *next; th != NULL;
		     th = next) {
			next = th->th_next;
			call_clear(&th->th_call);
			free(th);
		}
	for (size_t i = 0; i < PROC_BUCKETS; i++)
		for (struct proc *pr = as->as_procs[i], *next; pr != NULL;
		     pr = next) {
			next = pr->pr_next;
			proc_free(pr);
		}
}
