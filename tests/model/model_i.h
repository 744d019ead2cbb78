/*
 * model_i: the insides of the model, for tests/model/model*.c only.
 *
 *	model_page.c	page descriptors, queues, mappings of a page
 *	model_daemon.c	the page daemon
 *	model_object.c	the vnode pager: attach, detach, flush, get, put, I/O
 *	model_flush.c	flush and its clusters
 *	model_fault.c	accesses and faults
 *	model_map.c	maps and the calls on them
 *	model_file.c	vnodes, sizes, and the calls on files
 *	model.c		the run
 *
 * Everything counts in pages here, but for sizes of files.
 */
#ifndef TESTS_MODEL_MODEL_I_H
#define TESTS_MODEL_MODEL_I_H

#include <sys/queue.h>

#include "tests/model/model.h"

enum queue { ON_NONE, ON_FREE, ON_ACTIVE, ON_INACTIVE };

struct page {
	struct file *file; /* owner; NULL if free */
	uint64_t no;
	bool busy, clean, checked; /* checked is PG_CLEANCHK */
	bool released;		   /* to be freed by whoever has it busy */
	bool failed;		   /* the page daemon could not write it */
	bool referenced, modified; /* R and M */
	enum queue on;
	TAILQ_ENTRY(page) queue;
	TAILQ_ENTRY(page) list; /* of its object, in insertion order */
};

TAILQ_HEAD(pages, page);

/* A file, its vnode and its object. */
struct file {
	uint32_t id;
	uint64_t size;
	/* vnode */
	bool in_core, on_free, unlinked;
	uint64_t uses, opens;
	TAILQ_ENTRY(file) freelist;
	/* object */
	bool valid, can_persist, dying, writeable;
	bool relkill; /* goes with its last released page */
	uint64_t refs, usize;
	struct pages memq;
	uint64_t npages;
	TAILQ_ENTRY(file) wlist, syncq;
	struct page **at; /* by page number, nat of them */
	uint64_t nat;
};

TAILQ_HEAD(files, file);

/* A mapping of one page in one map. */
struct pte {
	bool mapped, write;
	bool anon; /* a private copy, mapped or not */
};

/* A map entry. */
struct piece {
	uint64_t start, end;
	uint32_t prot; /* MODEL_F_R, W, X */
	enum model_advice advice;
	TAILQ_ENTRY(piece) link;
};

TAILQ_HEAD(pieces, piece);

struct map {
	uint32_t id, pid;
	struct file *file;
	bool cow, may_write;
	uint64_t first, npages;
	struct pte *pte;
	struct pieces pieces;  /* ascending */
	TAILQ_ENTRY(map) link; /* ascending by id */
};

TAILQ_HEAD(maps, map);

struct model {
	struct model_config c;
	struct model_counters n;
	const struct model_trace *trace;

	struct page *pages;
	struct pages free, active, inactive;
	uint64_t freemin, freetarg, inactarg;
	bool woken;
	bool progress;	     /* of this turn */
	uint64_t vain;	     /* deactivated since one freed or cleaned */
	uint64_t idle_turns; /* in a row, without progress */

	struct file *files;
	size_t nfiles;
	struct files vfree, wlist;
	uint64_t nvnodes;
	struct maps maps;
	uint64_t next_sync;

	struct model_io *io;
	size_t nio, maxio;
	char why[160]; /* "" while the run goes on */
};

/* The run ends: the first reason stays. */
void m_stop(struct model *m, const char *fmt, ...) printflike(2, 3);
void *m_alloc(size_t n, size_t size);
uint64_t m_up(const struct model *m, uint64_t bytes); /* pages, rounded up */

/* model_page.c */
void m_page_boot(struct model *m);
struct page *m_page_find(struct model *m, struct file *f, uint64_t no);
struct page *m_page_alloc(struct model *m, struct file *f, uint64_t no);
void m_page_free(struct model *m, struct page *pg);
void m_page_activate(struct model *m, struct page *pg);
void m_page_deactivate(struct model *m, struct page *pg);
void m_page_unmap(struct model *m, struct page *pg);
void m_page_readonly(struct model *m, struct page *pg);

/* model_daemon.c */
void m_daemon_wake(struct model *m);
void m_daemon_turn(struct model *m);
void m_daemon_wait(struct model *m);

/* model_object.c */
#define FLUSH_CLEAN	 0x1
#define FLUSH_DEACTIVATE 0x2
#define FLUSH_FREE	 0x4
#define FLUSH_ALL	 0x8

bool m_io_start(struct model *m, struct file *f, uint64_t no, uint64_t n,
    bool write);
void m_object_attach(struct model *m, struct file *f, bool write);
void m_object_detach(struct model *m, struct file *f);
/*
 * Free a released page, written or not, and its object if that waits for it.
 */
void m_object_release(struct model *m, struct page *pg, bool written);
void m_object_terminate(struct model *m, struct file *f);
void m_object_uncache(struct model *m, struct file *f);
void m_object_setsize(struct model *m, struct file *f, uint64_t size);
void m_object_sync_all(struct model *m);

/* model_flush.c */
bool m_object_flush(struct model *m, struct file *f, uint64_t start,
    uint64_t stop, unsigned flags);
/* A put of the page daemon: false if it failed. */
bool m_daemon_put(struct model *m, struct page *pg);

/* model_fault.c */
void m_do_access(struct model *m, const struct model_event *ev);

/* model_map.c */
struct map *m_map_find(struct model *m, uint32_t id);
struct piece *m_piece_at(const struct map *map, uint64_t no);
int m_do_attach(struct model *m, const struct model_event *ev);
int m_do_detach(struct model *m, const struct model_event *ev);
int m_do_protect(struct model *m, const struct model_event *ev);
int m_do_msync(struct model *m, const struct model_event *ev);
int m_do_madvise(struct model *m, const struct model_event *ev);
int m_do_exit(struct model *m, const struct model_event *ev);
void m_map_destroy(struct model *m, struct map *map);

/* model_file.c */
struct file *m_file_find(struct model *m, uint32_t id);
void m_vnode_get(struct model *m, struct file *f);
void m_vnode_put(struct model *m, struct file *f);
int m_do_file(struct model *m, const struct model_event *ev);

#endif
