/*
 * backend_file: private to the backends over real files.
 *
 * backend_file.c		folder, names, life of a file
 * backend_file_fill.c		first contents
 * backend_file_io.c		page-in and page-out
 * backend_file_rw.c		read(2), write(2), truncate and zero beside them
 * backend_file_pattern.c	what bytes a file holds
 * backend_uring.c		page-in and page-out by io_uring
 * backend_uring_try.c		whether rings can be had
 *
 * Without O_DIRECT the file on disk is the file.  With it the file on disk
 * (the physical one) is padded to a multiple of the page size:
 *
 *	logical size	f_size, what the pager knows
 *	physical size	f_size rounded up to the page size
 *	invariant	physical bytes from f_size on are zero
 *
 * so that every transfer can be whole blocks, and growth within the last page
 * gains zeros without a write.  The padding is cut off when the file is closed.
 */
#ifndef PAGER_BACKEND_FILE_H
#define PAGER_BACKEND_FILE_H

#include <pthread.h>

#include "pager/uvm.h"

#define FILEBE_BUCKETS 1024
#define FILEBE_CHUNK   (4U << 20) /* bytes per write while filling a file */
#define FILEBE_ALIGN   4096U	  /* what every device takes around the cache */
#define FILEBE_SLOTS   1024U	  /* files that a ring knows by number */
#define FILEBE_BOUNCE  (1U << 20) /* most bytes of one bounce buffer */

/*
 * s: stable after open.
 * f: calls for this file, which the pager serialises but for page I/O: that
 *    comes from several threads, and the pager's never changes what is f.
 * l: I/O of the last page: one at a time, since the page is busy meanwhile.
 */
struct filebe_file {
	struct filebe_file *f_next; /* s: hash chain */
	char *f_path;		    /* s: owned */
	void *f_tail;		    /* l: one aligned page, or NULL */
	uint64_t f_size;	    /* f: logical, bytes */
	uint32_t f_file;	    /* s */
	int f_fd;		    /* f: -1 when closed */
	int f_slot;		    /* s: of the ring's files, or -1 */
	bool f_user;		    /* s: a file of the user's */
};

struct uvm_filebe {
	struct filebe_file *fb_hash[FILEBE_BUCKETS];
	char *fb_dir;
	int fb_lockfd;
	uint32_t fb_pgsize;
	bool fb_direct;
	struct filebe_ring *fb_ring; /* backend_uring, or NULL */
	unsigned fb_slots;	     /* of FILEBE_SLOTS, given out */
	pthread_mutex_t fb_mutex;    /* of fb_why */
	char fb_why[512];
};

/* The open file of that number, or NULL. */
struct filebe_file *filebe_lookup(const struct uvm_filebe *fb, uint32_t file);

/* Keep the words for uvm_filebe_why(); evaluates to error. */
void filebe_why(struct uvm_filebe *fb, const char *fmt, ...) printflike(2, 3);
#define FILEBE_FAIL(fb, error, ...) (filebe_why((fb), __VA_ARGS__), (error))

/* The size of the file on disk for a logical size. */
uint64_t filebe_physical(const struct uvm_filebe *fb, uint64_t size);

/*
 * An aligned buffer for len bytes at most, its size a multiple of the page
 * size and at most FILEBE_BOUNCE unless a page is larger; NULL for no memory.
 * The caller frees it.
 */
void *filebe_bounce(const struct uvm_filebe *fb, uint64_t len, size_t *sizep);

/*
 * pread(2) and pwrite(2) of all of len bytes, through signals and short
 * transfers.
 *
 * => *donep is the bytes moved, also when it fails
 * => 0 with *donep < len: the file on disk ends there
 */
int filebe_read(const struct uvm_filebe *fb, int fd, void *buf, size_t len,
    uint64_t offset, size_t *donep) mustcheck;
int filebe_write(int fd, const void *buf, size_t len, uint64_t offset,
    size_t *donep) mustcheck;

/*
 * Give an open file its size and first contents, on stable storage and not in
 * the host's cache.  Blocks it has already are written in place: that is
 * faster, and what a replay meets are written blocks, not promises of some.
 *
 * => on failure a file that is not the user's is removed
 */
int filebe_make_contents(struct uvm_filebe *fb, struct filebe_file *f)
    mustcheck;

/* The words for a ring that cannot be had for error. */
void filebe_ring_why(int error, const char **causep, const char **remedyp);

/*
 * Is there memory to register so many bytes?  Registering takes them at once;
 * else frames that nobody uses cost nothing.
 */
bool filebe_ring_may_register(size_t length);

/* Send a request that does nothing through an idle ring. => 0 or an errno */
struct io_uring;
int filebe_ring_try(struct io_uring *ring) mustcheck;

/* End a ring; no request is under way. NULL is none. */
void filebe_ring_destroy(struct filebe_ring *ri);

/*
 * How b ended: cut what was moved of the padding, find words for a failure.
 *
 * => error, which is b's now
 */
int filebe_finish_io(struct uvm_filebe *fb, struct filebe_file *f,
    struct uvm_buf *b, int error);

/* The ops, in the order of struct uvm_backend. */
int filebe_open(void *cookie, uint32_t file, uint64_t size);
int filebe_close(void *cookie, uint32_t file);
int filebe_io(void *cookie, struct uvm_buf *b);
int filebe_pread(void *cookie, uint32_t file, uint64_t offset, uint64_t length,
    void *buf);
int filebe_pwrite(void *cookie, uint32_t file, uint64_t offset, uint64_t length,
    const void *buf);
int filebe_truncate(void *cookie, uint32_t file, uint64_t size);
int filebe_zero(void *cookie, uint32_t file, uint64_t offset, uint64_t length);
int filebe_sync(void *cookie, uint32_t file);

#endif
