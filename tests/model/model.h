/*
 * model: a second, naive pager, to test the first one against.
 *
 *	struct model_config	the tunables it knows, as plain numbers
 *	struct model_file	a file before the first event
 *	struct model_event	one event of a trace
 *	struct model_counters	what it counted, by the names of uvm_stat.def
 *	struct model_io		one I/O it would have done
 *	model_run()		all events, from an empty machine to the counters
 *
 * Written from docs/semantics.md alone.  It shares no code with pager/, moves
 * no bytes, and prefers to be short and evident to being fast.  Accesses are
 * folded into a page's R and M at once, every object has an array of its pages
 * beside its list, and one map is one address space.
 *
 * A run that cannot go on (a trace that is wrong, a page daemon that does not
 * get on) fails with what it had counted till then.
 */
#ifndef TESTS_MODEL_MODEL_H
#define TESTS_MODEL_MODEL_H

#include "base/base.h"

enum model_policy { MODEL_FORWARD, MODEL_ALIGNED, MODEL_AROUND };
enum model_advice { MODEL_NORMAL, MODEL_RANDOM, MODEL_SEQUENTIAL };
enum model_rule { MODEL_AT_EVENT, MODEL_AT_IO, MODEL_AT_WAIT };

/* Quirks that are fixed; the others are as they were in 1998. */
#define MODEL_FIX_Q1  0x1 /* a page whose write failed stays dirty */
#define MODEL_FIX_Q5  0x2 /* a flush is cut to the file */
#define MODEL_FIX_Q6  0x4 /* a shrink keeps the page of the new end */
#define MODEL_FIX_Q16 0x8 /* no lookup before page 0 */

#define MODEL_CONFIG(X)                                                        \
	X(memory)      /* pages */                                             \
	X(page_size)   /* bytes */                                             \
	X(penalty_num) /* hash penalty num/den; den 0 is inf */                \
	X(penalty_den)                                                         \
	X(cluster) /* bytes */                                                 \
	X(policy)  /* enum model_policy */                                     \
	X(advice)  /* enum model_advice, of new mappings */                    \
	X(fault_back)                                                          \
	X(fault_forward)                                                       \
	X(seq_back)                                                            \
	X(seq_forward)                                                         \
	X(freemin)  /* pages; 0: by memory */                                  \
	X(freetarg) /* pages; 0: by freemin */                                 \
	X(inactive_num)                                                        \
	X(inactive_den)                                                        \
	X(reserve) /* reserve_kernel, pages */                                 \
	X(max_vnodes)                                                          \
	X(sync_interval) /* ns; 0: never */                                    \
	X(rule)		 /* enum model_rule */                                 \
	X(daemon_limit)                                                        \
	X(fixed) /* MODEL_FIX_ */

struct model_config {
#define X(name) uint64_t name;
	MODEL_CONFIG(X)
#undef X
};

/* The defaults of uvm_param.def, with memory of so many pages. */
void model_config_init(struct model_config *mc, uint64_t memory);

struct model_file {
	uint32_t id; /* 1.. */
	uint64_t size;
};

/* The order of the ops is that of the trace format. */
#define MODEL_OPS(X)                                                           \
	X(ATTACH, "attach")                                                    \
	X(DETACH, "detach")                                                    \
	X(PROTECT, "protect")                                                  \
	X(READ, "read")                                                        \
	X(WRITE, "write")                                                      \
	X(MSYNC, "msync")                                                      \
	X(MADVISE, "madvise")                                                  \
	X(TRUNCATE, "truncate")                                                \
	X(FALLOCATE, "fallocate")                                              \
	X(FSYNC, "fsync")                                                      \
	X(SYNC, "sync")                                                        \
	X(PREAD, "pread")                                                      \
	X(PWRITE, "pwrite")                                                    \
	X(OPEN, "open")                                                        \
	X(CLOSE, "close")                                                      \
	X(UNLINK, "unlink")                                                    \
	X(EXIT, "exit")

enum model_op {
#define X(NAME, name) MODEL_##NAME,
	MODEL_OPS(X)
#undef X
	    MODEL_NOPS
};

#define MODEL_FLAGS(X)                                                         \
	X(R, "r")                                                              \
	X(W, "w")                                                              \
	X(X, "x")                                                              \
	X(SHARED, "shared")                                                    \
	X(PRIVATE, "private")                                                  \
	X(MAXW, "maxw")                                                        \
	X(INHERITED, "inherited")                                              \
	X(IFETCH, "ifetch")                                                    \
	X(MS_SYNC, "sync")                                                     \
	X(MS_ASYNC, "async")                                                   \
	X(MS_INVALIDATE, "invalidate")                                         \
	X(NORMAL, "normal")                                                    \
	X(RANDOM, "random")                                                    \
	X(SEQUENTIAL, "sequential")                                            \
	X(WILLNEED, "willneed")                                                \
	X(DONTNEED, "dontneed")                                                \
	X(FREE, "free")                                                        \
	X(KEEP, "keep")                                                        \
	X(PUNCH, "punch")                                                      \
	X(ZERO, "zero")

enum model_flag_bit {
#define X(NAME, name) MODEL_BIT_##NAME,
	MODEL_FLAGS(X)
#undef X
	    MODEL_NFLAGS
};

enum model_flag {
#define X(NAME, name) MODEL_F_##NAME = 1 << MODEL_BIT_##NAME,
	MODEL_FLAGS(X)
#undef X
};

extern const char *const model_op_name[MODEL_NOPS];
extern const char *const model_flag_name[MODEL_NFLAGS];

struct model_event {
	uint64_t time;	 /* ns, never decreasing */
	uint64_t offset; /* bytes */
	uint64_t length; /* bytes; truncate: the new size */
	uint32_t pid;
	uint32_t file, map; /* 0 for none */
	uint32_t flags;	    /* MODEL_F_ */
	enum model_op op;
};

/* Pages whose writes always fail. */
struct model_bad {
	uint32_t file;
	uint64_t page, npages;
};

struct model_io {
	bool write, failed;
	uint32_t file;
	uint64_t page, npages, bytes;
};

/*
 * Those of uvm_stat.def, by its names; all counted from 0.  Some stay there:
 * nothing is wired, reads do not fail.
 */
#define MODEL_COUNTERS(X)                                                      \
	X(accesses)                                                            \
	X(mapped_hits)                                                         \
	X(resident_hits)                                                       \
	X(misses)                                                              \
	X(faults)                                                              \
	X(fault_errors)                                                        \
	X(sigsegv)                                                             \
	X(sigbus)                                                              \
	X(neighbours_mapped)                                                   \
	X(fltlget)                                                             \
	X(fltget)                                                              \
	X(fltrelck)                                                            \
	X(fltrelckok)                                                          \
	X(flt_obj)                                                             \
	X(flt_prcopy)                                                          \
	X(lookups)                                                             \
	X(list_visits)                                                         \
	X(flushes)                                                             \
	X(flush_by_list)                                                       \
	X(flush_by_hash)                                                       \
	X(flush_cleaned)                                                       \
	X(pagein_ios)                                                          \
	X(pagein_pages)                                                        \
	X(pagein_bytes)                                                        \
	X(pageout_ios)                                                         \
	X(pageout_pages)                                                       \
	X(pageout_bytes)                                                       \
	X(pagein_errors)                                                       \
	X(pageout_errors)                                                      \
	X(lost_pages)                                                          \
	X(dirty_discarded)                                                     \
	X(alloc_failures)                                                      \
	X(memory_waits)                                                        \
	X(pdwoke)                                                              \
	X(pdrevs)                                                              \
	X(pdscans)                                                             \
	X(pdobscan)                                                            \
	X(pdfreed)                                                             \
	X(pdreact)                                                             \
	X(pdbusy)                                                              \
	X(pdpageouts)                                                          \
	X(pddeact)                                                             \
	X(pgswapout)                                                           \
	X(syncs)                                                               \
	X(attaches)                                                            \
	X(detaches)                                                            \
	X(terminates)                                                          \
	X(persists)                                                            \
	X(vnodes_recycled)                                                     \
	X(file_reads)                                                          \
	X(file_read_bytes)                                                     \
	X(file_writes)                                                         \
	X(file_write_bytes)                                                    \
	X(fsyncs)                                                              \
	X(lock_violations)                                                     \
	X(free)                                                                \
	X(active)                                                              \
	X(inactive)                                                            \
	X(wired)                                                               \
	X(dirty)

struct model_counters {
#define X(name) uint64_t name;
	MODEL_COUNTERS(X)
#undef X
};

/* What a run starts from; the arrays are borrowed. */
struct model_trace {
	struct model_config config;
	const struct model_file *files;
	size_t nfiles;
	const struct model_bad *bad;
	size_t nbad;
	const struct model_event *events;
	size_t nevents;
};

/* A machine at work, one event at a time. */
struct model;

/* => ends with model_destroy(); tr is borrowed till then */
struct model *model_create(const struct model_trace *tr);

/*
 * Do one event: what becomes due before it, it, and what ends it.
 *
 * => *errorp is what the program would have seen: 0 or an errno
 * => false: the run ends here; model_why() says why
 */
bool model_step(struct model *m, const struct model_event *ev, int *errorp);

/* Valid until the next step. */
const struct model_counters *model_counters(struct model *m);
const char *model_why(const struct model *m);

/* The file's size, which is 0 for one that is not known. */
uint64_t model_file_size(struct model *m, uint32_t file);

/* The I/Os up to now, *np of them; valid until the next step. */
const struct model_io *model_ios(const struct model *m, size_t *np);
void model_destroy(struct model *m);

/*
 * All of tr.  0, or EINVAL with a line in err: EINVAL is a trace that is wrong
 * or a page daemon that does not get on.
 */
int model_run(const struct model_trace *tr, struct model_counters *counters,
    char *err, size_t errlen) mustcheck;

#endif
