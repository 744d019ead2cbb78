/*
 * pager.c: events of the model as calls on the pager.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/model/pager.h"

static int
record(void *cookie, struct uvm_buf *b)
{
	struct pager *const p = cookie;
	const struct model_bad *const bad = p->trace->bad;
	struct model_io *io;
	size_t i;

	if (p->nio == p->maxio) {
		p->maxio = p->maxio * 2 + 256;
		p->io = realloc(p->io, p->maxio * sizeof(*p->io));
		if (p->io == NULL)
			abort();
	}
	io = &p->io[p->nio++];
	*io = (struct model_io){ .write = b->b_io == UVM_WRITE,
		.file = b->b_file,
		.page = b->b_offset / b->b_pgsize,
		.npages = b->b_npages,
		.bytes = b->b_length };
	for (i = 0; io->write && i < p->trace->nbad; i++) {
		if (bad[i].file == io->file &&
		    bad[i].page < io->page + io->npages &&
		    io->page < bad[i].page + bad[i].npages)
			io->failed = true;
	}
	b->b_done = io->failed ? 0 : b->b_length;
	b->b_error = io->failed ? EIO : 0;
	return b->b_error;
}

static const struct uvm_backend recording = {
	.be_name = "recording",
	.be_io = record,
};

static uint64_t
quirk(const struct model_config *c, uint64_t fix)
{

	return c->fixed & fix ? QUIRK_FIXED : QUIRK_FAITHFUL;
}

static void
param(struct uvm_param *up, const struct model_config *c)
{

	uvm_param_init(up);
	up->memory = c->memory * c->page_size;
	up->page_size = c->page_size;
	up->hash_penalty = RATIO(c->penalty_num, c->penalty_den);
	up->cluster = c->cluster;
	up->cluster_policy = c->policy;
	up->advice = c->advice;
	up->fault_back = c->fault_back;
	up->fault_forward = c->fault_forward;
	up->seq_back = c->seq_back;
	up->seq_forward = c->seq_forward;
	up->freemin = c->freemin;
	up->freetarg = c->freetarg;
	up->inactive = RATIO(c->inactive_num, c->inactive_den);
	up->reserve_kernel = c->reserve;
	up->max_vnodes = c->max_vnodes;
	up->sync_interval = c->sync_interval;
	up->daemon_rule = c->rule;
	up->daemon_limit = c->daemon_limit;
	up->q1_error_clean = quirk(c, MODEL_FIX_Q1);
	up->q5_out_of_range = quirk(c, MODEL_FIX_Q5);
	up->q6_eof_page = quirk(c, MODEL_FIX_Q6);
	up->q16_page0_lookup = quirk(c, MODEL_FIX_Q16);
}

bool
pager_create(struct pager *p, const struct model_trace *tr, struct errmsg *em)
{
	struct uvm_param up;
	size_t i;

	*p = (struct pager){ .trace = tr };
	param(&up, &tr->config);
	if (uvm_param_resolve(&up, em) != 0 ||
	    uvm_create(&up, &recording, p, &p->uvm, em) != 0)
		return false;
	for (i = 0; i < tr->nfiles; i++) {
		if (uvm_file_add(p->uvm, tr->files[i].id, tr->files[i].size) !=
		    0)
			abort();
	}
	return true;
}

void
pager_destroy(struct pager *p)
{

	if (p->uvm != NULL)
		uvm_destroy(p->uvm);
	free(p->io);
}

static unsigned
map_flags(uint32_t flags)
{
	unsigned out = 0;

	if (flags & MODEL_F_R)
		out |= UVM_MAP_READ;
	if (flags & MODEL_F_W)
		out |= UVM_MAP_WRITE;
	if (flags & MODEL_F_X)
		out |= UVM_MAP_EXEC;
	if (flags & MODEL_F_PRIVATE)
		out |= UVM_MAP_PRIVATE;
	if (flags & MODEL_F_MAXW)
		out |= UVM_MAP_MAXW;
	if (flags & MODEL_F_INHERITED)
		out |= UVM_MAP_INHERITED;
	return out;
}

static int
call_mmap(struct pager *p, const struct model_event *ev)
{

	return uvm_sys_mmap(p->uvm,
	    &(struct uvm_mmap){
		.mm_map = ev->map,
		.mm_pid = ev->pid,
		.mm_file = ev->file,
		.mm_flags = map_flags(ev->flags),
		.mm_offset = ev->offset,
		.mm_length = ev->length,
	    });
}

static int
call_msync(struct pager *p, const struct model_event *ev)
{
	unsigned flags = 0;

	if (ev->flags & MODEL_F_MS_SYNC)
		flags |= UVM_MS_SYNC;
	if (ev->flags & MODEL_F_MS_ASYNC)
		flags |= UVM_MS_ASYNC;
	if (ev->flags & MODEL_F_MS_INVALIDATE)
		flags |= UVM_MS_INVALIDATE;
	return uvm_sys_msync(p->uvm, ev->map, ev->offset, ev->length, flags);
}

static int
call_madvise(struct pager *p, const struct model_event *ev)
{
	enum uvm_madv advice = UVM_MADV_NORMAL;

	if (ev->flags & MODEL_F_RANDOM)
		advice = UVM_MADV_RANDOM;
	else if (ev->flags & MODEL_F_SEQUENTIAL)
		advice = UVM_MADV_SEQUENTIAL;
	else if (ev->flags & MODEL_F_WILLNEED)
		advice = UVM_MADV_WILLNEED;
	else if (ev->flags & MODEL_F_DONTNEED)
		advice = UVM_MADV_DONTNEED;
	else if (ev->flags & MODEL_F_FREE)
		advice = UVM_MADV_FREE;
	return uvm_sys_madvise(p->uvm, ev->map, ev->offset, ev->length, advice);
}

static int
call_fallocate(struct pager *p, const struct model_event *ev)
{
	unsigned flags = 0;

	if (ev->flags & MODEL_F_KEEP)
		flags |= UVM_FALLOC_KEEP;
	if (ev->flags & MODEL_F_PUNCH)
		flags |= UVM_FALLOC_PUNCH;
	if (ev->flags & MODEL_F_ZERO)
		flags |= UVM_FALLOC_ZERO;
	return uvm_sys_fallocate(p->uvm, ev->file, ev->offset, ev->length,
	    flags);
}

/* Pages one by one, as the replay does it.  ESRCH: the trace is wrong. */
static int
call_access(struct pager *p, const struct model_event *ev)
{
	const uint64_t size = p->trace->config.page_size;
	struct uvm_map *const map = uvm_map_find(p->uvm, ev->map);
	enum uvm_access how = UVM_ACCESS_READ;
	uint64_t no = ev->offset / size;
	const uint64_t end = (ev->offset + ev->length + size - 1) / size;

	if (map == NULL)
		return ESRCH;
	if (ev->op == MODEL_WRITE)
		how = UVM_ACCESS_WRITE;
	else if (ev->flags & MODEL_F_IFETCH)
		how = UVM_ACCESS_IFETCH;
	do {
		if (uvm_access(p->uvm, map, no, how) == UVM_FAULT_NOMAP)
			return ESRCH;
	} while (++no < end && uvm_failed(p->uvm, NULL) == 0);
	return 0;
}

static int
call_file(struct pager *p, const struct model_event *ev)
{

	if (ev->op == MODEL_TRUNCATE)
		return uvm_sys_truncate(p->uvm, ev->file, ev->length);
	if (ev->op == MODEL_FALLOCATE)
		return call_fallocate(p, ev);
	if (ev->op == MODEL_FSYNC)
		return uvm_sys_fsync(p->uvm, ev->file);
	if (ev->op == MODEL_PREAD)
		return uvm_sys_pread(p->uvm, ev->file, ev->offset, ev->length,
		    NULL, NULL);
	if (ev->op == MODEL_PWRITE)
		return uvm_sys_pwrite(p->uvm, ev->file, ev->offset, ev->length,
		    NULL);
	if (ev->op == MODEL_OPEN)
		return uvm_sys_open(p->uvm, ev->file);
	if (ev->op == MODEL_CLOSE)
		return uvm_sys_close(p->uvm, ev->file);
	return uvm_sys_unlink(p->uvm, ev->file);
}

static int
dispatch(struct pager *p, const struct model_event *ev)
{

	switch (ev->op) {
	case MODEL_ATTACH:
		return call_mmap(p, ev);
	case MODEL_DETACH:
		return uvm_sys_munmap(p->uvm, ev->map, ev->offset, ev->length);
	case MODEL_PROTECT:
		return uvm_sys_mprotect(p->uvm, ev->map, ev->offset, ev->length,
		    map_flags(ev->flags));
	case MODEL_READ:
	case MODEL_WRITE:
		return call_access(p, ev);
	case MODEL_MSYNC:
		return call_msync(p, ev);
	case MODEL_MADVISE:
		return call_madvise(p, ev);
	case MODEL_SYNC:
		return uvm_sys_sync(p->uvm);
	case MODEL_EXIT:
		return uvm_sys_exit(p->uvm, ev->pid);
	case MODEL_TRUNCATE:
	case MODEL_FALLOCATE:
	case MODEL_FSYNC:
	case MODEL_PREAD:
	case MODEL_PWRITE:
	case MODEL_OPEN:
	case MODEL_CLOSE:
	case MODEL_UNLINK:
		return call_file(p, ev);
	case MODEL_NOPS:
		break;
	}
	return ESRCH;
}

bool
pager_step(struct pager *p, const struct model_event *ev, int *errorp)
{
	int error = 0;

	if (ev->time >= uvm_next_tick(p->uvm))
		error = uvm_tick(p->uvm, ev->time);
	*errorp = dispatch(p, ev);
	if (*errorp != ESRCH && *errorp != EEXIST)
		uvm_event_end(p->uvm);
	return error == 0 && *errorp != ESRCH && *errorp != EEXIST &&
	    uvm_failed(p->uvm, NULL) == 0;
}
