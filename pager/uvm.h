/*
 * pager: NetBSD's UVM vnode pager of March 1998, in user space.
 *
 *	struct uvm		one simulated machine: memory, files, mappings,
 *				the pager and its daemons; opaque
 *	struct uvm_param	its tunables, declared in uvm_param.def
 *	struct uvmexp		what it counted, declared in uvm_stat.def
 *	struct uvm_backend	where bytes go (uvm_backend.h)
 *	uvm_sys_*()		the system calls of spec section 7
 *	uvm_access()		one page access; inline until it faults
 *	uvm_fault_run()		many in a row, and hints of them (uvm_run.h)
 *	uvm_tick(), uvm_event_end()	update(8) and the page daemon's turn
 *	uvm_poll()		between events: what is over of asynchronous I/O
 *
 * Typical use:
 *
 *	uvm_param_init(&up);
 *	if ((error = uvm_param_resolve(&up, &em)) != 0 ||
 *	    (error = uvm_create(&up, &uvm_backend_null, NULL, &uvm, &em)) != 0)
 *		return error;
 *	error = uvm_file_add(uvm, 1, size);
 *	error = uvm_sys_mmap(uvm, &(struct uvm_mmap){ .mm_map = 1,
 *	    .mm_file = 1, .mm_length = size, .mm_flags = UVM_MAP_READ });
 *	map = uvm_map_find(uvm, 1);
 *	how = uvm_access(uvm, map, pgno, UVM_ACCESS_READ);
 *	uvm_event_end(uvm);
 *	...
 *	uvm_destroy(uvm);
 *
 * A machine is not locked: one thread at a time.  Its locks are UVM's own and
 * are checked, not taken (uvm_lock.h).  Two machines share nothing.
 *
 * Layer 1.  Includes base/ only; knows nothing of traces, SQLite or the
 * command line, prints nothing and reads no clock.
 *
 * Source: docs/semantics.md, after uvm_vnode.c 1.9 and its neighbours.
 */
#ifndef PAGER_UVM_H
#define PAGER_UVM_H

#include <pthread.h>
#include <stdio.h>

#include "base/base.h"
#include "base/tunable.h"
#include "pager/uvm_backend.h"

enum uvm_cluster_policy { CLUSTER_FORWARD, CLUSTER_ALIGNED, CLUSTER_AROUND };
enum uvm_advice { ADVICE_NORMAL, ADVICE_RANDOM, ADVICE_SEQUENTIAL };
enum uvm_daemon_rule { DAEMON_EVENT, DAEMON_IO, DAEMON_WAIT };
enum uvm_profile { PROFILE_1998, PROFILE_MODERN };
enum uvm_threads { THREADS_ONE, THREADS_TRACE };
enum uvm_switch { SWITCH_BY_PROFILE, SWITCH_OFF, SWITCH_ON };
enum uvm_readahead {
	READAHEAD_BY_PROFILE,
	READAHEAD_NONE,
	READAHEAD_FIXED,
	READAHEAD_ADAPTIVE,
};
enum uvm_durability {
	DURABLE_BY_PROFILE,
	DURABLE_NONE,
	DURABLE_1998,
	DURABLE_FDATASYNC,
	DURABLE_DSYNC,
};

/* One uint64_t a row, named as the row. */
struct uvm_param {
#define TUNABLE(field, kind, def, min, max, unit, choices, help) uint64_t field;
#include "pager/uvm_param.def"
#undef TUNABLE
};

struct uvmexp {
#define COUNTER(name, unit, help) uint64_t name;
#define GAUGE(name, unit, help)	  uint64_t name;
#include "pager/uvm_stat.def"
#undef COUNTER
#undef GAUGE
};

/* What a thread waits for. */
enum uvm_waitkind {
#define WAIT(KIND, name, help) UVM_WAIT_##KIND,
#include "pager/uvm_wait.def"
#undef WAIT
	UVM_NWAITS
};

struct uvm_waitdef {
	const char *uw_name;
	const char *uw_help;
};

/* One row of the counters, in the order of struct uvmexp. */
struct uvm_counter {
	const char *uc_name;
	const char *uc_unit;
	const char *uc_help;
	bool uc_gauge; /* a level, not a sum */
};

extern const struct tunable uvm_param_table[];
extern const size_t uvm_param_count;
extern const struct uvm_counter uvm_stat_table[];
extern const size_t uvm_stat_count;
extern const struct uvm_waitdef uvm_wait_table[UVM_NWAITS];

#define UVM_FILE_MAX  (1ULL << 44) /* bytes: files and mappings end before */
#define UVM_PAGE_MIN  512
#define UVM_FILES_MAX ((1U << 28) - 1)
#define UVM_SLOTS_MAX 8192 /* pages in the largest cluster */

struct uvm;
struct uvm_map;

/*
 * ---- machine ----
 */

/* Every tunable at its default. */
void uvm_param_init(struct uvm_param *up);

/*
 * Check tunables against each other and settle what depends: quirks by the
 * profile, freemin, freetarg and hash_buckets by memory.
 *
 * => EINVAL: a combination cannot work; em says which and what would
 * => idempotent
 */
int uvm_param_resolve(struct uvm_param *up, struct errmsg *em) mustcheck;

/*
 * Settle what depends on the backend: async_put and readahead by profile, which
 * uvm_param_resolve() leaves open for modern.
 *
 * => up is resolved; idempotent
 * => EINVAL: with asynchronous I/O a combination is not safe; em as above
 */
int uvm_param_settle(struct uvm_param *up, const struct uvm_backend *be,
    struct errmsg *em) mustcheck;

/* Does it ask for asynchronous I/O? */
bool uvm_param_async(const struct uvm_param *up);

/*
 * Make a machine with empty memory and no files.
 *
 * => up is resolved, and copied, and settled; be and cookie are borrowed for
 *    its life
 * => EINVAL: it cannot be settled
 * => ENOMEM: no address space for the frames; em says how much was wanted
 * => EOPNOTSUPP: asynchronous I/O is asked of a backend that has none
 * => on success the caller ends *uvmp with uvm_destroy()
 */
int uvm_create(const struct uvm_param *up, const struct uvm_backend *be,
    void *cookie, struct uvm **uvmp, struct errmsg *em) mustcheck;

/* End a machine as power loss would: nothing is written. */
void uvm_destroy(struct uvm *uvm);

/* Counters, live: valid until uvm_destroy().  With UVM_MP they are a sum, as of the
 * call, and one thread asks at a time. */
const struct uvmexp *uvm_stat(const struct uvm *uvm);

/*
 * 0, or why the machine cannot go on: EDEADLK after daemon_limit turns without
 * progress, ENOMEM for its own bookkeeping.  *whyp, if asked, is set to a
 * sentence that lives as long as the machine.  Every call after a failure is a
 * no-op that returns the error.
 */
int uvm_failed(const struct uvm *uvm, const char **whyp);

/*
 * ---- files and system calls ----
 *
 * Common to all: 0 or a positive errno.
 * => ESRCH: unknown file or map, or a map already unmapped: the caller's trace
 *    is wrong, nothing was done
 * => EIO: the backend failed; what the call could do without it is done
 * => uvm_failed() errors are passed on
 */

/*
 * Tell of a file before its first use.
 *
 * => file is 1..UINT32_MAX; EEXIST if it was told of before
 * => EFBIG: size is beyond UVM_FILE_MAX
 * => E2BIG: there are UVM_FILES_MAX files
 * => the backend is asked to have it
 */
int uvm_file_add(struct uvm *uvm, uint32_t file, uint64_t size) mustcheck;

/* The file's size in bytes, as the file system sees it; 0 if unknown. */
uint64_t uvm_file_size(const struct uvm *uvm, uint32_t file);
bool uvm_file_known(const struct uvm *uvm, uint32_t file);

#define UVM_MAP_READ	  0x01
#define UVM_MAP_WRITE	  0x02
#define UVM_MAP_EXEC	  0x04
#define UVM_MAP_PROT	  0x07
#define UVM_MAP_PRIVATE	  0x08
#define UVM_MAP_MAXW	  0x10 /* the descriptor allows writing */
#define UVM_MAP_INHERITED 0x20 /* fork: a reference, not an attach */

struct uvm_mmap {
	uint32_t mm_map; /* its id; never used before */
	uint32_t mm_pid; /* owner, for uvm_sys_exit() */
	uint32_t mm_file;
	unsigned mm_flags;  /* UVM_MAP_ */
	uint64_t mm_offset; /* bytes, page aligned */
	uint64_t mm_length; /* bytes, not 0 */
};

/*
 * mmap(2) of file bytes [mm_offset, mm_offset + mm_length).
 *
 * => EEXIST: the map id was used before
 * => EINVAL: offset not page aligned, or length 0
 * => EFBIG: the mapping ends beyond UVM_FILE_MAX
 */
int uvm_sys_mmap(struct uvm *uvm, const struct uvm_mmap *mm) mustcheck;

/*
 * munmap(2) of the file range [offset, offset + length) of map; length 0 is
 * the whole map.  Pages of it that are not mapped are passed over.
 */
int uvm_sys_munmap(struct uvm *uvm, uint32_t id, uint64_t offset,
    uint64_t length) mustcheck;

/* mprotect(2); ENOMEM if the range has holes, nothing done. */
int uvm_sys_mprotect(struct uvm *uvm, uint32_t id, uint64_t offset,
    uint64_t length, unsigned prot) mustcheck;

#define UVM_MS_ASYNC	  0x1
#define UVM_MS_INVALIDATE 0x2
#define UVM_MS_SYNC	  0x4

/*
 * msync(2); length 0 is the whole map entry at offset.
 *
 * => EINVAL: flags are none, or both ASYNC and SYNC
 * => ENOMEM: the range has holes; nothing flushed
 * => EIO: as the quirks say (q1)
 */
int uvm_sys_msync(struct uvm *uvm, uint32_t id, uint64_t offset,
    uint64_t length, unsigned flags) mustcheck;

enum uvm_madv {
	UVM_MADV_NORMAL,
	UVM_MADV_RANDOM,
	UVM_MADV_SEQUENTIAL,
	UVM_MADV_WILLNEED,
	UVM_MADV_DONTNEED,
	UVM_MADV_FREE,
};

/* madvise(2); ENOMEM if the range has holes. */
int uvm_sys_madvise(struct uvm *uvm, uint32_t id, uint64_t offset,
    uint64_t length, enum uvm_madv advice) mustcheck;

/* ftruncate(2).  EFBIG beyond UVM_FILE_MAX. */
int uvm_sys_truncate(struct uvm *uvm, uint32_t file, uint64_t size) mustcheck;

#define UVM_FALLOC_KEEP	 0x1
#define UVM_FALLOC_PUNCH 0x2
#define UVM_FALLOC_ZERO	 0x4
int uvm_sys_fallocate(struct uvm *uvm, uint32_t file, uint64_t offset,
    uint64_t length, unsigned flags) mustcheck;

/* read(2) and write(2); buf as in be_pread and be_pwrite.  A read is cut to
 * the end of the file; *donep, if not NULL, is the bytes moved. */
int uvm_sys_pread(struct uvm *uvm, uint32_t file, uint64_t offset,
    uint64_t length, void *buf, uint64_t *donep) mustcheck;
int uvm_sys_pwrite(struct uvm *uvm, uint32_t file, uint64_t offset,
    uint64_t length, const void *buf) mustcheck;

int uvm_sys_fsync(struct uvm *uvm, uint32_t file) mustcheck;
int uvm_sys_sync(struct uvm *uvm) mustcheck;
int uvm_sys_open(struct uvm *uvm, uint32_t file) mustcheck;
int uvm_sys_close(struct uvm *uvm, uint32_t file) mustcheck;
int uvm_sys_unlink(struct uvm *uvm, uint32_t file) mustcheck;

/* Unmap all that pid still maps, as exit(2) does.  No such pid: nothing. */
int uvm_sys_exit(struct uvm *uvm, uint32_t pid) mustcheck;

/*
 * ---- time ----
 */

/*
 * Trace time is now ns: run update's syncs that fell due, all of them or the
 * next; but syncs that find no writable file are counted together.  A long gap
 * may have any number of them: who may have to stop takes the second.
 */
int uvm_tick(struct uvm *uvm, uint64_t ns) mustcheck;
int uvm_tick_next(struct uvm *uvm, uint64_t ns) mustcheck;

/* When they have something to do next; UINT64_MAX for never. */
uint64_t uvm_next_tick(const struct uvm *uvm);

/* The trace is over: wait until no I/O is under way. */
int uvm_finish(struct uvm *uvm) mustcheck;

/* An event of the trace is over: daemon rule (ii) of spec section 5.7. */
void uvm_event_end_slow(struct uvm *uvm);

/*
 * Between two events, with time to spare: finish the asynchronous I/O that is
 * over.  Waits for none that is under way; but the end of a file that was
 * unlinked is done here, too, if that I/O was what it waited for.
 *
 * => true: there is more under way
 */
bool uvm_poll(struct uvm *uvm);

/*
 * ---- accesses ----
 */

enum uvm_access {
	UVM_ACCESS_READ,
	UVM_ACCESS_WRITE,
	UVM_ACCESS_IFETCH,
};

/* What became of an access.  Those from UVM_FAULT_PROT on failed. */
enum uvm_outcome {
	UVM_HIT_MAPPED,	  /* usable mapping: no fault */
	UVM_HIT_RESIDENT, /* minor fault */
	UVM_MISS,	  /* major fault */
	UVM_FAULT_PROT,	  /* not allowed by the mapping */
	UVM_FAULT_BAD,	  /* past the end of the file */
	UVM_FAULT_ERROR,  /* I/O error, or the machine failed */
	UVM_FAULT_NOMAP,  /* not mapped here: the trace is wrong */
};

/* One entry of a software page table; 0 is not mapped. */
#define PTE_R	 0x01 /* readable: there is a mapping */
#define PTE_W	 0x02 /* writable */
#define PTE_REF	 0x04 /* referenced through this mapping */
#define PTE_MOD	 0x08 /* modified through this mapping */
#define PTE_ANON 0x10 /* a private copy, no page of the object */

/*
 * The part of a mapping that uvm_access() reads.  A map's page table covers
 * the file range of its mmap; what was unmapped since has entries 0.
 */
struct uvm_map {
	uint8_t *um_pte;   /* um_npages entries PTE_* */
	uint64_t um_first; /* file page of um_pte[0] */
	uint64_t um_npages;
	uint32_t um_id;
	uint32_t um_file;
	/* private to pager/ from here on: see uvm_map.h */
};

/* The live map of that id, or NULL.  Valid until its last page is unmapped. */
struct uvm_map *uvm_map_find(struct uvm *uvm, uint32_t map);

/*
 * Access file page pgno through map; the slow way, which counts everything.
 *
 * => UVM_FAULT_NOMAP: pgno is not in a mapped part of it; nothing counted
 */
enum uvm_outcome uvm_access_slow(struct uvm *uvm, struct uvm_map *map,
    uint64_t pgno, enum uvm_access how);

#define UVM_DUE_DAEMON 0x1 /* the page daemon was woken */
#define UVM_DUE_AIO    0x2 /* I/O is under way */

/*
 * The head of struct uvm, for the inlines below; private otherwise.
 */
struct uvm_hot {
	struct uvmexp uh_exp;
	uint8_t uh_due;	  /* UVM_DUE_: what is due when this event ends */
	uint32_t uh_lost; /* uvm_lost() */
};

/* What an entry must have for an access without the pager.  A write is fast
 * once the entry is known to be modified. */
#define PTE_READ_HIT  PTE_R
#define PTE_WRITE_HIT (PTE_W | PTE_MOD)

/* The lowest bit of each of eight bytes. */
#define UVM_LOWEST8 0x0101010101010101ULL

/* The lowest bits of eight bytes, side by side: of entries, mostly. */
static inline unsigned
uvm_lowest8(uint64_t bytes)
{

	return (unsigned)((bytes & UVM_LOWEST8) * 0x0102040810204080ULL >> 56);
}

/* Has an entry all of need?  Then it is referenced. */
static inline bool
uvm_pte_mark(uint8_t *pte, uint8_t need)
{
#ifdef UVM_MP
	uint8_t was = __atomic_load_n(pte, __ATOMIC_RELAXED);

	do {
		if ((was & need) != need)
			return false;
		if (likely(was & PTE_REF))
			return true;
		/* An entry that is gone by now is not to be marked. */
	} while (
	    !__atomic_compare_exchange_n(pte, &was, (uint8_t)(was | PTE_REF),
		true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
#else
	if ((*pte & need) != need)
		return false;
	*pte |= PTE_REF;
	return true;
#endif
}

/*
 * Since uvm_lost() was this, may an entry of a page table have lost a bit that
 * it had?
 *
 * => with UVM_MP others may take it at any time
 */
static inline uint32_t
uvm_lost(const struct uvm *uvm)
{

	return ((const struct uvm_hot *)uvm)->uh_lost;
}

static inline bool
uvm_lost_since(const struct uvm *uvm, uint32_t lost)
{
#ifdef UVM_MP
	(void)uvm;
	(void)lost;
	return true;
#else
	return uvm_lost(uvm) != lost;
#endif
}

/*
 * Access one page through a usable mapping, spec section 1.7: what hardware
 * would do without the pager.  false: it takes uvm_access_slow().
 *
 * => the caller counts what hit, with uvm_count_hits()
 */
static inline bool
uvm_pte_hit(const struct uvm_map *map, uint64_t pgno, enum uvm_access how)
{
	const uint64_t idx = pgno - map->um_first;

	return likely(idx < map->um_npages) &&
	    likely(uvm_pte_mark(&map->um_pte[idx],
		how == UVM_ACCESS_WRITE ? PTE_WRITE_HIT : PTE_READ_HIT));
}

#ifdef UVM_MP
struct uvmexp *uvm_counters(void); /* of the running thread */
#endif

static inline void
uvm_count_hits(struct uvm *uvm, uint64_t n)
{
#ifdef UVM_MP
	struct uvmexp *const exp = uvm_counters();
#else
	struct uvmexp *const exp = &((struct uvm_hot *)uvm)->uh_exp;
#endif

	(void)uvm;

	exp->accesses += n;
	exp->mapped_hits += n;
}

static inline bool
uvm_access_fast(struct uvm *uvm, const struct uvm_map *map, uint64_t pgno,
    enum uvm_access how)
{

	if (!uvm_pte_hit(map, pgno, how))
		return false;
	uvm_count_hits(uvm, 1);
	return true;
}

/* Access one page, by fault if need be. */
static inline enum uvm_outcome
uvm_access(struct uvm *uvm, struct uvm_map *map, uint64_t pgno,
    enum uvm_access how)
{

	if (likely(uvm_access_fast(uvm, map, pgno, how)))
		return UVM_HIT_MAPPED;
	return uvm_access_slow(uvm, map, pgno, how);
}

/* Is there anything to be done at the end of the event? */
static inline bool
uvm_event_due(const struct uvm *uvm)
{
	return __atomic_load_n(&((const struct uvm_hot *)uvm)->uh_due,
		   __ATOMIC_RELAXED) != 0;
}

static inline void
uvm_event_end(struct uvm *uvm)
{
	if (unlikely(uvm_event_due(uvm)))
		uvm_event_end_slow(uvm);
}

#ifdef UVM_MP

/*
 * ---- threads ----
 *
 * With UVM_MP any number of threads that have joined may make any of the calls
 * above on one machine, uvm_file_add() and what comes before excepted.  Who
 * uses a map keeps others from unmapping, protecting or advising it meanwhile.
 */

/* The thread that made the machine has joined it. => ENOMEM */
int uvm_thread_join(struct uvm *uvm) mustcheck;
void uvm_thread_leave(struct uvm *uvm);

/* Let uvm_stat() know what the running thread has counted so far. */
void uvm_thread_publish(struct uvm *uvm);

/*
 * Start and end the page daemon's and aiodone's threads.
 *
 * => stop: no other thread is in the machine any more
 */
int uvm_threads_start(struct uvm *uvm, struct errmsg *em) mustcheck;
void uvm_threads_stop(struct uvm *uvm);

/*
 * A store, done at the moment of the access: the page is mapped and stays, and
 * no I/O of it is under way.
 *
 * => bytes is the page, or NULL as uvm_page_bytes() has it
 */
struct uvm_store {
	void (*st_store)(void *arg, void *bytes);
	void *st_arg;
};
enum uvm_outcome uvm_access_store(struct uvm *uvm, struct uvm_map *map,
    uint64_t pgno, enum uvm_access how, const struct uvm_store *st);

#endif

/*
 * The bytes of a resident page as a program would see them through map, or
 * NULL: not resident, a private copy, or a backend without data.
 */
void *uvm_page_bytes(struct uvm *uvm, const struct uvm_map *map, uint64_t pgno);

/*
 * ---- observers ----
 */

/* What one uvn_flush() did; see the flush table of docs/schema.md. */
enum uvm_flush_caller {
	FLUSH_MSYNC,
	FLUSH_SYNC,
	FLUSH_DETACH,
	FLUSH_TERMINATE,
	FLUSH_SETSIZE,
	FLUSH_FAULT,
	FLUSH_MADVISE,
	FLUSH_FILEIO,
	FLUSH_NCALLER,
};

struct uvm_flushinfo {
	enum uvm_flush_caller fi_caller;
	uint32_t fi_file;
	unsigned fi_flags; /* PGO_ of uvm_pager.h */
	bool fi_by_list;
	uint64_t fi_range_pages;
	uint64_t fi_object_pages; /* resident, on entry */
	uint64_t fi_visits, fi_lookups;
	uint64_t fi_cleaned, fi_writes;
	uint64_t fi_begin, fi_end; /* uo_clock() values; 0 without it */
	uint64_t fi_io; /* of that, within the backend or waiting for it */
	bool fi_choice; /* hash_penalty chose: not PGO_ALLPAGES */
	/*
	 * With uo_both, of a flush with fi_choice: what the method not taken
	 * would have counted, and what a dry walk of each took, in units of
	 * uo_clock().  The dry walks come before fi_begin and are in no other
	 * figure here.
	 */
	bool fi_both;
	uint64_t fi_other_visits, fi_other_lookups, fi_other_writes;
	uint64_t fi_list_time, fi_hash_time;
};

/*
 * Who wants to be told of what happens inside.  Any op may be NULL.
 *
 * uo_clock:	a time in any unit, for fi_begin, fi_end and fi_io, and for the
 *		times that ops are given.
 * uo_both:	fill in fi_both and what follows it, for each flush.
 * uo_flush:	a flush ended.
 * uo_io:	an I/O ended, as the backend left it.
 * uo_lean:	it need not be told of reads of one page that took no time and
 *		moved all: uvm_untold() is how many there were.
 * uo_freed:	a page was freed; dirty says with changes not in the file.
 * uo_lost:	a page whose write failed is given up: it is clean now, or freed
 *		next.  Counted in lost_pages.
 * uo_wait:	a wait ended, that was not part of another.
 * uo_depth:	one page I/O more (1) or fewer (-1) is under way.  Neither is
 *		told of what uvm_calls() adds up.
 * uo_traverse:	a flush's traversal goes on (true) or stops (false): off while
 *		the backend works, and never on twice, though flushes may nest.
 */
struct uvm_observer {
	void *uo_arg;
	uint64_t (*uo_clock)(void);
	void (*uo_flush)(void *, const struct uvm_flushinfo *);
	void (*uo_io)(void *, const struct uvm_buf *);
	void (*uo_freed)(void *, uint32_t file, uint64_t pgno, bool dirty);
	void (*uo_lost)(void *, uint32_t file, uint64_t pgno);
	void (
	    *uo_wait)(void *, enum uvm_waitkind, uint64_t begin, uint64_t end);
	void (*uo_depth)(void *, int change, uint64_t now);
	void (*uo_traverse)(void *, bool on);
	bool uo_both, uo_lean;
};

/* How many reads of one page uo_io was not told of. */
uint64_t uvm_untold(const struct uvm *uvm);

/*
 * Page I/Os within calls: told of by no op, because they are on the way of
 * every miss.  Not with UVM_MP.
 *
 * => uc_waited: waited for as the device, and part of no other wait
 * => uc_alone: no other was under way meanwhile; of the rest uo_depth was told
 */
struct uvm_calls {
	struct uvm_call_sum {
		uint64_t n;
		uint64_t time; /* in units of uo_clock() */
	} uc_waited, uc_alone;
};
#ifndef UVM_MP
struct uvm_calls uvm_calls(const struct uvm *uvm);
#endif

/* Replace the observer; copied.  NULL for none. */
void uvm_observe(struct uvm *uvm, const struct uvm_observer *uo);

/* The word for a caller of flush, as the flush table has it. */
const char *uvm_flush_caller_name(enum uvm_flush_caller caller);

/*
 * ---- dry walks ----
 *
 * The traversals of uvn_flush() over the structures as they stand, for
 * calibration: one pass, nothing counted, nothing changed.
 */

/* Resident pages of a file; 0 if it has no object. */
uint64_t uvm_resident(const struct uvm *uvm, uint32_t file);

/* How the frames of a file's pages lie in memory along its page list. */
struct uvm_list_order {
	uint64_t lo_pages;
	uint64_t lo_next, lo_up; /* steps: to the next frame, upwards */
	bool lo_ascending;	 /* the list is in order of pages, too */
};
struct uvm_list_order uvm_list_order(const struct uvm *uvm, uint32_t file);

/*
 * Walk the whole page list of file, looking at each page as a flush of file
 * pages [first, first + n) does; or look up each of those pages.
 *
 * => how many resident pages of the range were met
 */
uint64_t uvm_dry_list(struct uvm *uvm, uint32_t file, uint64_t first,
    uint64_t n);
uint64_t uvm_dry_hash(struct uvm *uvm, uint32_t file, uint64_t first,
    uint64_t n);

/*
 * ---- event history (UVMHIST) ----
 */

/* Keep the last n events of the pager's inside; 0 stops.  ENOMEM. */
int uvm_hist_keep(struct uvm *uvm, size_t n) mustcheck;

/* Write what is kept to fp, oldest first. */
void uvm_hist_dump(const struct uvm *uvm, FILE *fp);

/*
 * ---- checks ----
 */

/*
 * Check invariants I1..I9 of spec section 1.5 and the consistency of queues,
 * hash and lists.  Costs a walk of everything.
 *
 * => EINVAL: em says which invariant is broken and where
 */
int uvm_check(const struct uvm *uvm, struct errmsg *em) mustcheck;

/*
 * ---- backends ----
 */

/*
 * Moves no bytes; everything succeeds.  Its cookie is a zeroed struct, or NULL
 * if the machine has no asynchronous I/O.
 */
struct uvm_nullbe {
	pthread_mutex_t nb_mutex; /* zeros are PTHREAD_MUTEX_INITIALIZER */
	struct uvm_buf *nb_head, *nb_tail; /* started */
};
extern const struct uvm_backend uvm_backend_null;

/* Real files: through the host's page cache, or around it with O_DIRECT. */
extern const struct uvm_backend uvm_backend_buffered;
extern const struct uvm_backend uvm_backend_direct;

/* As direct, with asynchronous I/O by io_uring. */
extern const struct uvm_backend uvm_backend_uring;

/*
 * Can it be had on this host?  0 or an errno, and then why not, and what would
 * help.
 */
int uvm_uring_try(const char **causep, const char **remedyp) mustcheck;

/*
 * The cookie of the three: backing files file-N.dat in dir, made as needed.
 *
 * => be's be_name tells buffered from the others
 * => contents of a new file: uvm_filebe_fill() bytes
 * => ENOTDIR, EACCES, ENOSPC...: em names path and remedy
 * => EOPNOTSUPP: the file system of dir has no O_DIRECT
 * => end it with uvm_filebe_destroy(), after uvm_destroy()
 */
struct uvm_filebe;
int uvm_filebe_create(const struct uvm_backend *be, const char *dir,
    uint32_t pgsize, struct uvm_filebe **fbp, struct errmsg *em) mustcheck;
void uvm_filebe_destroy(struct uvm_filebe *fb);

/*
 * May runs keep backing files in the folder at dir?
 *
 * => 0 also if it does not exist, or cannot be opened
 * => EEXIST: no run has worked there, and something would be overwritten
 */
int uvm_filebe_check_folder(const char *dir, struct errmsg *em) mustcheck;

/* Let file N live at path, a file of the user's, instead; before its open. */
int uvm_filebe_use(struct uvm_filebe *fb, uint32_t file, const char *path,
    struct errmsg *em) mustcheck;

/* What a call failed with last, in words with the path, for the user. */
const char *uvm_filebe_why(const struct uvm_filebe *fb);

/*
 * The contents of a backing file before its first write: byte i of length
 * bytes at offset of file.  Any alignment.  As uvm_pattern() of sequence 0.
 */
void uvm_filebe_fill(uint32_t file, uint64_t offset, size_t length, void *buf);

/*
 * What a write of sequence seq leaves at [offset, offset + length) of file: a
 * byte depends on file, its position and seq only, and a flipped, moved or
 * stale one shows.  Any alignment.
 */
void uvm_pattern(uint32_t file, uint64_t offset, size_t length, uint64_t seq,
    void *buf);

/*
 * The one sequence that leaves the eight bytes at word at offset of file,
 * offset being a multiple of 8.  Bytes that no write left give a number
 * without meaning, almost always huge.
 */
uint64_t uvm_pattern_seq(uint32_t file, uint64_t offset, const void *word);

#endif
