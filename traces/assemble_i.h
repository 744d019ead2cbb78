/*
 * What the files of the assembler share.
 *
 *	assemble.c		records in, events out
 *	assemble_proc.c		processes and threads
 *	assemble_call.c		what system calls do to files and descriptors
 *	assemble_map.c		what they do to maps
 *	assemble_named.c	accesses that name a file
 *	assemble_file.c		files: who is who, sizes, which are wanted
 *	assemble_fd.c		descriptors
 *	assemble_space.c	address spaces
 *	assemble_window.c	which pages have been seen
 *
 * A call's events stand where it began, and count if it turns out to have
 * worked: from the first event that waits for a RETURN on, events queue.
 * What munmap(2) and close(2) take away is gone when they begin, what mmap(2)
 * and open(2) make is there when they end: in between another thread may be
 * given the same address or number, but cannot know of it.
 *
 * Private to assemble*.c.
 */
#ifndef TRACES_ASSEMBLE_I_H
#define TRACES_ASSEMBLE_I_H

#include "traces/assemble.h"

/* Which pages of an address space have been seen since the last flush. */
struct window {
	struct window_slot *wi_slots; /* wi_cap of them, a power of two */
	size_t wi_cap, wi_n;
	uint64_t wi_max;   /* pages it holds, at most */
	uint64_t wi_epoch; /* slots of other epochs are empty */
};

/*
 * A file.  Those told apart by device and inode have the birth time, too,
 * where it is known: inodes are used again.
 */
struct afile {
	uint32_t af_id; /* in the sink */
	uint64_t af_dev, af_ino, af_birth;
	char *af_path;		      /* the last one known; NULL */
	uint64_t af_first, af_size;   /* before the first event; now */
	uint64_t af_extent;	      /* how far it has been mapped */
	bool af_inferred, af_unsized; /* af_first is inferred; still is being */
	bool af_mapped, af_code, af_ours;
	uint64_t *af_counts; /* RECORD_NCOUNTS of its own, or NULL */
};

/* An open file description: what descriptors share by dup(2) and fork(2). */
struct ofd {
	uint32_t of_refs;
	uint32_t of_file; /* 0: not known, or no file */
	char *of_path; /* it was opened by, until the library says its file */
	uint64_t of_pos;
	uint32_t of_flags; /* of open(2) */
	bool of_flags_known;
	bool of_learnt; /* which file it is, of a map: another map may differ */
	bool of_opened; /* its open event is due, once its file is known */
	bool of_truncated; /* by that open */
	bool of_created;   /* by that open, and it was not there before */
};

struct fd {
	struct ofd *fd_ofd; /* NULL: closed, or never seen */
	bool fd_cloexec;
};

struct fdtable {
	struct fd *ft_fds;
	size_t ft_n;
};

/* A map of a file, or what is left of it. */
struct vma {
	uint64_t vm_start, vm_end; /* addresses, whole pages */
	uint64_t vm_offset;	   /* in the file, of vm_start */
	uint64_t vm_tail; /* bytes of the last page that were not asked for */
	uint32_t vm_file, vm_map;
	uint32_t vm_flags; /* TRACE_F_: r w x, shared or private, maxw */
	bool vm_dontfork;
};

struct space {
	uint32_t sp_refs;
	struct vma *sp_vmas; /* by address; none overlap */
	size_t sp_n, sp_cap;
	uint64_t sp_lo,
	    sp_hi;	    /* where the last look-up ended: a vma or a gap */
	struct vma *sp_hit; /* that vma, or NULL */
	struct window sp_window;
	uint64_t sp_epoch; /* as_epoch when the window was last looked at */
	bool
	    sp_borrowed; /* a forked copy whose maps have no ids of its own yet */
};

struct proc {
	uint32_t pr_pid;
	struct space *pr_space;
	struct fdtable pr_fds;
	size_t pr_threads;
	bool pr_started; /* the library said START */
	bool pr_seen;	 /* has had an access or a map of a file */
	bool pr_exited;
	bool pr_forked; /* its fork event is out, or not due */
	uint32_t pr_parent;
	struct proc *pr_next; /* of its hash chain */
};

/* A call that has begun. */
struct call {
	bool ca_active;
	uint8_t ca_sys;
	uint64_t ca_arg[6];
	char *ca_text, *ca_text2;
	uint64_t ca_first;    /* position in the queue of its first event */
	unsigned ca_n;	      /* events of it */
	struct ofd *ca_ofd;   /* a reference */
	struct vma *ca_limbo; /* mremap: what is on its way */
	size_t ca_nlimbo;
};

struct thread {
	uint32_t th_tid;
	struct proc *th_proc;
	struct call th_call;
	/* Said ahead of its next call. */
	uint32_t th_path[2]; /* files of its paths; 0: not said */
	uint64_t th_asked;   /* flags of mmap(2); RAW_UNKNOWN: as called */
	uint32_t th_mapped;  /* file of the MAP within it; 0: there was none */
	struct thread *th_next;
};

/* The MAP said that it is no file of ours. */
#define MAPPED_NO_FILE UINT32_MAX

#define PROC_BUCKETS 1024 /* of processes and of threads; a power of two */

struct assembler {
	struct sink *as_sink;
	struct assemble_param as_ap;
	unsigned as_shift;	/* of a page */
	struct afile *as_files; /* by af_id - 1 */
	size_t as_nfiles, as_capfiles;
	void *as_by_ino, *as_by_path; /* tsearch(3) trees of file_key */
	struct proc *as_procs[PROC_BUCKETS];
	struct thread *as_threads[PROC_BUCKETS];
	struct thread *as_last;	  /* the last one found */
	uint32_t as_maps;	  /* ids given out */
	struct pending *as_queue; /* a ring, as_qcap a power of two */
	size_t as_qcap;
	uint64_t as_qhead, as_qtail; /* first waiting, next free position */
	uint64_t as_epoch;	     /* of all windows together */
	uint64_t as_counts[RECORD_NCOUNTS];
	struct errmsg *as_em;	 /* of the call of assemble_put() */
	const struct raw *as_rw; /* the record at hand */
};

/* All windows are empty: whoever maps a file sees it anew. */
static inline void
see_anew(struct assembler *as)
{
	as->as_epoch++;
}

/* assemble.c: all return an errno, as sink_put() */

/* An event of the record at hand: its time, process and thread. */
struct trace_event event_at(const struct assembler *as, enum trace_op op,
    uint32_t file, uint32_t map);

/* Put an event that has happened. */
int event_put(struct assembler *as, const struct trace_event *te) mustcheck;

/* Put an event of th's call, which counts when the call has worked. */
int event_wait(struct assembler *as, struct thread *th,
    const struct trace_event *te) mustcheck;

/* The i-th event of th's call; NULL: it has not so many. */
struct trace_event *event_of(struct assembler *as, struct thread *th,
    unsigned i);

/* th's call is over: its events count, or not. */
int event_settle(struct assembler *as, struct thread *th, bool good) mustcheck;

/* ENOMEM, said. */
int no_memory(struct assembler *as) mustcheck;
void say_no_memory(struct assembler *as);

/* Pages addr..addr+len are accessed: enum raw_flag. */
int access_put(struct assembler *as, struct proc *pr, uint64_t addr,
    uint64_t len, unsigned flags) mustcheck;

/* assemble_proc.c */

/* The thread of a record; NULL: no memory. */
struct thread *thread_at(struct assembler *as, const struct raw *rw);
int fork_put(struct assembler *as, const struct raw *rw) mustcheck;
int exit_put(struct assembler *as, const struct raw *rw) mustcheck;
int exec_put(struct assembler *as, struct thread *th) mustcheck;
int start_put(struct assembler *as, struct thread *th, const struct raw *rw)
    mustcheck;

/* Give a forked copy its own maps, before the first use of one. */
int proc_own(struct assembler *as, struct proc *pr) mustcheck;

/* Calls that are not over have happened. */
int procs_finish(struct assembler *as) mustcheck;
void procs_fini(struct assembler *as);

/* assemble_call.c */

/*
 * A call begins; or ends with ret, a result or -errno, and is settled.
 *
 * => texts are copied
 */
int call_begin(struct assembler *as, struct thread *th, const struct raw *rw)
    mustcheck;
int call_end(struct assembler *as, struct thread *th, int64_t ret) mustcheck;

/* Forget it; its events have been settled. */
void call_clear(struct call *ca);

/* assemble_map.c: begin and end of calls, as the table of assemble_call.c has
 * them; events wait, and an end is for results that are no errors. */
int mmap_end(struct assembler *as, struct thread *th, int64_t ret) mustcheck;
int munmap_begin(struct assembler *as, struct thread *th) mustcheck;
int mremap_begin(struct assembler *as, struct thread *th) mustcheck;
int mremap_end(struct assembler *as, struct thread *th, int64_t ret) mustcheck;
int mprotect_begin(struct assembler *as, struct thread *th) mustcheck;
int mprotect_end(struct assembler *as, struct thread *th, int64_t ret)
    mustcheck;
int msync_begin(struct assembler *as, struct thread *th) mustcheck;
int madvise_begin(struct assembler *as, struct thread *th) mustcheck;
int madvise_end(struct assembler *as, struct thread *th, int64_t ret) mustcheck;
int mlock_end(struct assembler *as, struct thread *th, int64_t ret) mustcheck;

/* A map is there; it takes the place of what was, and its events wait. */
struct map_args {
	uint64_t ma_addr, ma_len, ma_prot, ma_flags, ma_offset;
	uint32_t ma_file;
	bool ma_maxw;
};
int map_make(struct assembler *as, struct thread *th, const struct map_args *ma)
    mustcheck;

/* An access that names its file, to a map of it: a new one if there is none. */
int access_named(struct assembler *as, struct thread *th, const struct raw *rw)
    mustcheck;

/* assemble_file.c */

/*
 * The file that FILE or MAP tell of; a new one if need be.
 *
 * => *filep is 0 if it is no file to be traced
 */
int file_find(struct assembler *as, uint64_t dev, uint64_t ino, uint64_t birth,
    uint64_t size, const char *path, uint32_t *filep) mustcheck;
struct afile *file_of(struct assembler *as, uint32_t file);

/* The file that the path means, as far as is known; 0: none. */
uint32_t file_known(struct assembler *as, const char *path);

/* What the size is now, by a FILE: growth that no call explained is an event.*/
int file_resized(struct assembler *as, uint32_t file, uint64_t size) mustcheck;

/* Bytes up to end have been used: a first size that is inferred covers them. */
void file_used(struct afile *af, uint64_t end);

/* From here on calls say its size: what it was is inferred no more. */
void file_sized(struct afile *af);

/* The path means this file no more; of two, the first means the second. */
int file_unlinked(struct assembler *as, uint32_t file) mustcheck;
int file_renamed(struct assembler *as, uint32_t file, const char *path)
    mustcheck;

/* A NOTE of a file, which counts if the file is wanted. */
int file_noted(struct assembler *as, const struct raw *rw) mustcheck;

/* Tell the sink sizes, paths, and which are wanted. */
int files_judge(struct assembler *as) mustcheck;
void files_fini(struct assembler *as);

/* assemble_fd.c */
struct ofd *fd_ofd(const struct proc *pr, uint64_t fd); /* NULL: unknown */

/* fd is of from now on, a reference of its own; NULL: closed. */
int fd_put(struct assembler *as, struct proc *pr, uint64_t fd, struct ofd *of,
    bool cloexec) mustcheck;
struct ofd *ofd_new(struct assembler *as); /* no reference yet */
struct ofd *ofd_ref(struct ofd *of);
void ofd_free(struct ofd *of); /* without a reference */

/* The last reference to a file's description is a close event. */
int ofd_drop(struct assembler *as, struct ofd *of) mustcheck;
int fds_copy(struct assembler *as, const struct proc *from, struct proc *to)
    mustcheck;
int fds_close(struct assembler *as, struct proc *pr, bool cloexec_only)
    mustcheck;

/* The description is of that file. */
int ofd_named(struct assembler *as, struct ofd *of, uint32_t file) mustcheck;

/* A FILE record of a descriptor. */
int fd_said(struct assembler *as, struct proc *pr, const struct raw *rw)
    mustcheck;

/* assemble_space.c: pure data; ENOMEM */
struct space *space_new(uint64_t window);
void space_drop(struct space *sp);

/* The vma that has addr, or NULL. */
struct vma *space_find(struct space *sp, uint64_t addr);

/* Index of the first vma that ends behind addr. */
size_t space_from(const struct space *sp, uint64_t addr);
int space_insert(struct space *sp, const struct vma *vm) mustcheck;

/* Have vmas begin and end at addr where one has it within. */
int space_split(struct space *sp, uint64_t addr) mustcheck;
void space_remove(struct space *sp, size_t i, size_t n);

/* assemble_window.c */

/*
 * Is the access news?  Then it has been seen from now on.
 *
 * => *newp: it is; ENOMEM
 */
int window_see(struct window *wi, uint64_t page, bool write, bool *newp)
    mustcheck;
void window_clear(struct window *wi);
void window_fini(struct window *wi);

#endif
