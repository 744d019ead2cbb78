/*
 * engine_apply.c: one event of a trace, as calls on the pager; design of the
 * vocabulary in docs/trace-format.md.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "replay/engine_impl.h"
#include "replay/replay.h"

/* The run ends here: say why, with the event. */
static int
refuse(struct engine *en, int status, const char *what)
{

	(void)ERRMSG(&en->en_report->er_em, 0, "%s: event %" PRIu64 ": %s: %s",
	    en->en_job->ej_trace, en->en_seq, trace_op_name[en->en_ev->te_op],
	    what);
	return status;
}

/* The machine cannot go on: its own words. */
static int
machine_failed(struct engine *en)
{
	const char *why;
	const int error = uvm_failed(en->en_uvm, &why);

	return refuse(en, engine_status(error), why);
}

/*
 * What a call's error means for the run: the trace is wrong, the machine is
 * done for, or the replay goes on and the program saw an error.
 */
static int
judge(struct engine *en, int error)
{

	if (error == 0)
		return 0;
	if (uvm_failed(en->en_uvm, NULL) != 0)
		return machine_failed(en);
	switch (error) {
	case ESRCH:
		return refuse(en, UVN_INPUT,
		    en->en_ev->te_map != 0 && en->en_ev->te_op != TRACE_ATTACH ?
			"unknown map, or one already detached" :
			"unknown file");
	case EEXIST:
		return refuse(en, UVN_INPUT,
		    "the map id was used before; ids are never reused");
	case EFBIG:
		return refuse(en, UVN_INPUT,
		    "offset and length reach beyond 16T");
	case ENOMEM:
	case EINVAL:
	case EACCES:
		/* The program's own mistake; it saw the same error. */
		return 0;
	default:
		if (en->en_op_errors++ == 0)
			(void)ERRMSG(&en->en_op_em, 0,
			    "%s: event %" PRIu64 ": %s failed: %s: %s",
			    en->en_job->ej_trace, en->en_seq,
			    trace_op_name[en->en_ev->te_op], errno_text(error),
			    engine_io_why(en));
		return 0;
	}
}

/* A store went to a page: leave its mark in the bytes. */
static void
stamp(struct engine *en, const struct uvm_map *map, uint64_t pgno, void *bytes)
{
	const uint64_t offset = pgno << en->en_shift;
	const uint64_t mark[3] = { map->um_file, pgno, en->en_seq + 1 };

	if (bytes == NULL)
		return;
	if (en->en_verify == NULL) {
		(void)memcpy(bytes, mark, sizeof(mark));
		return;
	}
	verify_fill(map->um_file, offset, (size_t)1 << en->en_shift,
	    en->en_seq + 1, bytes);
	verify_write_access(en->en_verify, map->um_file, offset,
	    1ULL << en->en_shift, en->en_seq + 1);
}

static enum outcome
access_outcome(enum uvm_outcome how)
{

	switch (how) {
	case UVM_HIT_MAPPED:
		return OUTCOME_MAPPED;
	case UVM_HIT_RESIDENT:
		return OUTCOME_RESIDENT;
	case UVM_MISS:
		return OUTCOME_MISS;
	case UVM_FAULT_PROT:
		return OUTCOME_PROT;
	case UVM_FAULT_BAD:
		return OUTCOME_BAD;
	case UVM_FAULT_ERROR:
	case UVM_FAULT_NOMAP:
		break;
	}
	return OUTCOME_ERROR;
}

/* A fault failed: the program saw an error, or the run ends. */
static int
access_failed(struct engine *en, enum uvm_outcome got)
{

	if (got != UVM_FAULT_ERROR)
		return 0;
	if (uvm_failed(en->en_uvm, NULL) != 0)
		return machine_failed(en);
	return judge(en, EIO);
}

#ifdef UVM_MP

/* A store has to be done at the moment of the access: others may take the page.
 */
struct stamper {
	struct engine *st_en;
	const struct uvm_map *st_map;
	uint64_t st_pgno;
};

static void
stamp_now(void *arg, void *bytes)
{
	const struct stamper *const st = arg;

	stamp(st->st_en, st->st_map, st->st_pgno, bytes);
}

static bool
store_too(const struct engine *en, enum uvm_access how)
{

	return how == UVM_ACCESS_WRITE && en->en_data;
}

static enum uvm_outcome
access_page(struct engine *en, struct uvm_map *map, uint64_t pgno,
    enum uvm_access how)
{
	struct stamper st = { en, map, pgno };
	const struct uvm_store us = { stamp_now, &st };

	if (!store_too(en, how))
		return uvm_access(en->en_uvm, map, pgno, how);
	return uvm_access_store(en->en_uvm, map, pgno, how, &us);
}

#else

#define store_too(en, how) false

static enum uvm_outcome
access_page(struct engine *en, struct uvm_map *map, uint64_t pgno,
    enum uvm_access how)
{

	return uvm_access(en->en_uvm, map, pgno, how);
}

#endif

/* The trace is wrong. => the exit status */
static int
outside(struct engine *en)
{

	return refuse(en, UVN_INPUT,
	    "outside the mapping, or in a part of it that was detached");
}

/* One page of an access event. */
static int
apply_page(struct engine *en, struct uvm_map *map, uint64_t pgno,
    enum uvm_access how)
{
	const bool write = how == UVM_ACCESS_WRITE;

	if (store_too(en, how) || !engine_hit(en, map, pgno, how)) {
		const bool timed = engine_fault_timed(en);
		const uint64_t began = engine_op_begin(en);
		const enum uvm_outcome got = access_page(en, map, pgno, how);

		if (unlikely(got == UVM_FAULT_NOMAP))
			return outside(en);
		if (got == UVM_HIT_MAPPED)
			engine_fault_none(en, timed);
		if (!timed || (got == UVM_HIT_MAPPED && engine_untimed(en)))
			en->en_counted[write][access_outcome(got)]++;
		else
			engine_op_end(en, write ? OP_WRITE : OP_READ,
			    access_outcome(got), began, pgno << en->en_shift,
			    1ULL << en->en_shift);
		if (got >= UVM_FAULT_PROT)
			return access_failed(en, got);
	}
	if (write && en->en_data && !store_too(en, how))
		stamp(en, map, pgno, uvm_page_bytes(en->en_uvm, map, pgno));
	return 0;
}

int
engine_access_end(struct engine *en, bool write, enum uvm_outcome got,
    uint64_t latency)
{

	if (unlikely(got == UVM_FAULT_NOMAP))
		return outside(en);
	if (latency == ENGINE_UNTIMED)
		en->en_counted[write][access_outcome(got)]++;
	else
		engine_latency(en, write ? OP_WRITE : OP_READ,
		    access_outcome(got), latency);
	return got >= UVM_FAULT_PROT ? access_failed(en, got) : 0;
}

static int
apply_access(struct engine *en)
{
	const struct trace_event *const ev = en->en_ev;
	const uint64_t size = 1ULL << en->en_shift;
	enum uvm_access how = UVM_ACCESS_READ;
	uint64_t pgno, end;
	int status = 0;

	if (en->en_map == NULL || en->en_map_id != ev->te_map) {
		en->en_map = uvm_map_find(en->en_uvm, ev->te_map);
		en->en_map_id = ev->te_map;
		if (en->en_map == NULL)
			return judge(en, ESRCH);
	}
	if (en->en_map->um_file != ev->te_file)
		return refuse(en, UVN_INPUT, "the map is of another file");
	if (ev->te_op == TRACE_WRITE)
		how = UVM_ACCESS_WRITE;
	else if (ev->te_flags & TRACE_F_IFETCH)
		how = UVM_ACCESS_IFETCH;
	pgno = ev->te_offset >> en->en_shift;
	end = (ev->te_offset + ev->te_length + size - 1) >> en->en_shift;
	do {
		status = apply_page(en, en->en_map, pgno, how);
	} while (status == 0 && ++pgno < end);
	return status;
}

static unsigned
map_flags(uint32_t flags)
{
	static const struct {
		uint32_t trace;
		unsigned uvm;
	} bits[] = {
		{ TRACE_F_R, UVM_MAP_READ },
		{ TRACE_F_W, UVM_MAP_WRITE },
		{ TRACE_F_X, UVM_MAP_EXEC },
		{ TRACE_F_PRIVATE, UVM_MAP_PRIVATE },
		{ TRACE_F_MAXW, UVM_MAP_MAXW },
		{ TRACE_F_INHERITED, UVM_MAP_INHERITED },
	};
	unsigned out = 0;
	size_t i;

	for (i = 0; i < nitems(bits); i++) {
		if (flags & bits[i].trace)
			out |= bits[i].uvm;
	}
	return out;
}

static int
call_attach(struct engine *en)
{
	const struct trace_event *const ev = en->en_ev;

	return uvm_sys_mmap(en->en_uvm,
	    &(struct uvm_mmap){
		.mm_map = ev->te_map,
		.mm_pid = ev->te_pid,
		.mm_file = ev->te_file,
		.mm_flags = map_flags(ev->te_flags),
		.mm_offset = ev->te_offset,
		.mm_length = ev->te_length,
	    });
}

static int
call_detach(struct engine *en)
{
	const struct trace_event *const ev = en->en_ev;

	return uvm_sys_munmap(en->en_uvm, ev->te_map, ev->te_offset,
	    ev->te_length);
}

static int
call_protect(struct engine *en)
{
	const struct trace_event *const ev = en->en_ev;

	return uvm_sys_mprotect(en->en_uvm, ev->te_map, ev->te_offset,
	    ev->te_length, map_flags(ev->te_flags) & UVM_MAP_PROT);
}

static int
call_msync(struct engine *en)
{
	const struct trace_event *const ev = en->en_ev;
	unsigned flags = 0;

	if (ev->te_flags & TRACE_F_SYNC)
		flags |= UVM_MS_SYNC;
	if (ev->te_flags & TRACE_F_ASYNC)
		flags |= UVM_MS_ASYNC;
	if (ev->te_flags & TRACE_F_INVALIDATE)
		flags |= UVM_MS_INVALIDATE;
	return uvm_sys_msync(en->en_uvm, ev->te_map, ev->te_offset,
	    ev->te_length, flags);
}

static int
call_madvise(struct engine *en)
{
	static const struct {
		uint32_t trace;
		enum uvm_madv uvm;
	} advice[] = {
		{ TRACE_F_NORMAL, UVM_MADV_NORMAL },
		{ TRACE_F_RANDOM, UVM_MADV_RANDOM },
		{ TRACE_F_SEQUENTIAL, UVM_MADV_SEQUENTIAL },
		{ TRACE_F_WILLNEED, UVM_MADV_WILLNEED },
		{ TRACE_F_DONTNEED, UVM_MADV_DONTNEED },
		{ TRACE_F_FREE, UVM_MADV_FREE },
	};
	const struct trace_event *const ev = en->en_ev;
	size_t i;

	for (i = 0; i < nitems(advice); i++) {
		if ((ev->te_flags & advice[i].trace) == 0)
			continue;
		if (en->en_verify != NULL && advice[i].uvm == UVM_MADV_FREE)
			verify_discard(en->en_verify, ev->te_file,
			    ev->te_offset, ev->te_length);
		return uvm_sys_madvise(en->en_uvm, ev->te_map, ev->te_offset,
		    ev->te_length, advice[i].uvm);
	}
	return uvm_map_find(en->en_uvm, ev->te_map) != NULL ? EINVAL : ESRCH;
}

static int
call_truncate(struct engine *en)
{
	const struct trace_event *const ev = en->en_ev;

	if (en->en_verify != NULL)
		verify_truncate(en->en_verify, ev->te_file, ev->te_length);
	return uvm_sys_truncate(en->en_uvm, ev->te_file, ev->te_length);
}

static int
call_fallocate(struct engine *en)
{
	const struct trace_event *const ev = en->en_ev;
	unsigned flags = 0;

	if (ev->te_flags & TRACE_F_KEEP)
		flags |= UVM_FALLOC_KEEP;
	if (ev->te_flags & TRACE_F_PUNCH)
		flags |= UVM_FALLOC_PUNCH;
	if (ev->te_flags & TRACE_F_ZERO)
		flags |= UVM_FALLOC_ZERO;
	return uvm_sys_fallocate(en->en_uvm, ev->te_file, ev->te_offset,
	    ev->te_length, flags);
}

static int
call_pread(struct engine *en)
{
	const struct trace_event *const ev = en->en_ev;

	return uvm_sys_pread(en->en_uvm, ev->te_file, ev->te_offset,
	    ev->te_length, NULL, NULL);
}

static int
call_pwrite(struct engine *en)
{
	const struct trace_event *const ev = en->en_ev;
	void *buf;
	int error;

	if (en->en_verify == NULL)
		return uvm_sys_pwrite(en->en_uvm, ev->te_file, ev->te_offset,
		    ev->te_length, NULL);
	buf = malloc((size_t)ev->te_length + 1);
	if (buf == NULL)
		return ENOBUFS;
	verify_fill(ev->te_file, ev->te_offset, (size_t)ev->te_length,
	    en->en_seq + 1, buf);
	verify_pwrite(en->en_verify, ev->te_file, ev->te_offset, ev->te_length,
	    en->en_seq + 1);
	error = uvm_sys_pwrite(en->en_uvm, ev->te_file, ev->te_offset,
	    ev->te_length, buf);
	free(buf);
	if (error != 0)
		verify_pwrite_failed(en->en_verify);
	return error;
}

static int
call_fsync(struct engine *en)
{

	return uvm_sys_fsync(en->en_uvm, en->en_ev->te_file);
}

static int
call_sync(struct engine *en)
{

	return uvm_sys_sync(en->en_uvm);
}

static int
call_open(struct engine *en)
{

	return uvm_sys_open(en->en_uvm, en->en_ev->te_file);
}

static int
call_close(struct engine *en)
{

	return uvm_sys_close(en->en_uvm, en->en_ev->te_file);
}

static int
call_unlink(struct engine *en)
{

	return uvm_sys_unlink(en->en_uvm, en->en_ev->te_file);
}

static int
call_exit(struct engine *en)
{

	return uvm_sys_exit(en->en_uvm, en->en_ev->te_pid);
}

/* Ops that are one call each; the others mean nothing to the pager. */
static const struct {
	int (*ac_call)(struct engine *);
	enum opkind ac_kind;
} calls[TRACE_NOPS] = {
	[TRACE_ATTACH] = { call_attach, OP_ATTACH },
	[TRACE_DETACH] = { call_detach, OP_DETACH },
	[TRACE_PROTECT] = { call_protect, OP_PROTECT },
	[TRACE_MSYNC] = { call_msync, OP_MSYNC },
	[TRACE_MADVISE] = { call_madvise, OP_MADVISE },
	[TRACE_TRUNCATE] = { call_truncate, OP_TRUNCATE },
	[TRACE_FALLOCATE] = { call_fallocate, OP_FALLOCATE },
	[TRACE_FSYNC] = { call_fsync, OP_FSYNC },
	[TRACE_SYNC] = { call_sync, OP_SYNC },
	[TRACE_PREAD] = { call_pread, OP_PREAD },
	[TRACE_PWRITE] = { call_pwrite, OP_PWRITE },
	[TRACE_OPEN] = { call_open, OP_OPEN },
	[TRACE_CLOSE] = { call_close, OP_CLOSE },
	[TRACE_UNLINK] = { call_unlink, OP_UNLINK },
	[TRACE_EXIT] = { call_exit, OP_EXIT },
};

int
engine_apply(struct engine *en)
{
	const struct trace_event *const ev = en->en_ev;
	uint64_t began;
	int error;

	if (en->en_verify != NULL)
		verify_event(en->en_verify, en->en_seq);
	if (ev->te_op == TRACE_READ || ev->te_op == TRACE_WRITE)
		return apply_access(en);
	if (ev->te_op == TRACE_MARK)
		engine_events_mark(en);
	if (calls[ev->te_op].ac_call == NULL)
		return 0;
	began = engine_op_begin(en);
	error = calls[ev->te_op].ac_call(en);
	engine_op_end(en, calls[ev->te_op].ac_kind,
	    error == 0 ? OUTCOME_OK : OUTCOME_ERROR, began, ev->te_offset,
	    ev->te_length);
	/* A detach may have ended the map of the last access. */
	en->en_map = NULL;
	return judge(en, error);
}

/* One turn of update, at the time it is due.  => 0, or an exit status */
static int
engine_turn(struct engine *en)
{
	uint64_t began;
	int status = 0;

	if (en->en_pace.pc_on)
		(void)engine_pace_until(en, uvm_next_tick(en->en_uvm));
	began = engine_op_begin(en);
	engine_thread_set(en, en->en_update);
	if (uvm_tick_next(en->en_uvm, en->en_ev->te_time) != 0)
		status = machine_failed(en);
	engine_op_end(en, OP_UPDATE, OUTCOME_OK, began, 0, 0);
	return status;
}

int
engine_tick(struct engine *en)
{
	const uint64_t now = en->en_ev->te_time;
	uint64_t next = uvm_next_tick(en->en_uvm);
	int status = 0;

	if (en->en_verify != NULL)
		verify_event(en->en_verify, en->en_seq);
	/* A gap of years is no reason not to stop. */
	while (status == 0 && now >= next && next != UINT64_MAX &&
	    !ENGINE_STOPPED(en)) {
		status = engine_interrupted() ? UVN_FAILED : engine_turn(en);
		next = uvm_next_tick(en->en_uvm);
	}
	en->en_map = NULL;
	return status;
}

/* => when the interval under way ends */
static uint64_t
due_interval(struct engine *en)
{
	const uint64_t now = en->en_ev->te_time;

	if (now >= en->en_iv.iv_end) {
		/* The time until the event is the interval's. */
		if (en->en_pace.pc_on)
			(void)engine_pace_until(en, now);
		engine_interval_close(en, &en->en_iv, now);
	}
	return en->en_iv.iv_end;
}

int
engine_due(struct engine *en)
{
	uint64_t tick, end;
	int status = 0;

	if (en->en_ev->te_time >= uvm_next_tick(en->en_uvm))
		status = engine_tick(en);
	tick = uvm_next_tick(en->en_uvm);
	end = due_interval(en);
	en->en_due = tick < end ? tick : end;
	return status;
}
