/*
 * uvm_backend: where the bytes of files go.
 *
 * One small interface under the pager.  The pager says what to move; the
 * backend moves it and says what became of it: within the call, by be_io(), or
 * later, by be_start() and be_poll().
 *
 * Files are known by their vnode number, 1..; a backend keeps what it needs
 * for each.  Page I/O of a file, started or within the call, goes on beside
 * other I/O of it, of other pages; with threads be_io(), be_start() and
 * be_submit() come from several at once, be_poll() from one at a time.  Every
 * other call for a file but be_sync() comes while none is under way.
 */
#ifndef PAGER_UVM_BACKEND_H
#define PAGER_UVM_BACKEND_H

#include "base/base.h"

enum uvm_io { UVM_READ, UVM_WRITE };

/*
 * One transfer between consecutive pages of a file and page frames.
 *
 * The frames b_page[0..b_npages) are each b_pgsize bytes long and aligned to
 * it; they hold file bytes [b_offset, b_offset + b_length).  b_length is
 * "wanted" of the spec, section 3.10: what lies before the end of the file, so
 * it may end within the last page.  A write must not change the file beyond
 * b_length; a read may fill the last frame beyond it, with anything.
 */
struct uvm_buf {
	enum uvm_io b_io;
	uint32_t b_file;   /* vnode number */
	uint64_t b_offset; /* bytes, a multiple of b_pgsize */
	uint64_t b_length; /* bytes, 1..b_npages * b_pgsize */
	uint32_t b_npages;
	uint32_t b_pgsize;	/* bytes */
	bool b_durable;		/* a write: on stable storage when it ends */
	void *const *b_page;	/* NULL for a backend without UVM_BE_DATA */
	uint64_t b_done;	/* out: bytes moved */
	int b_error;		/* out: 0 or a positive errno */
	struct uvm_buf *b_next; /* the backend's, while it has the buffer */
};

#define UVM_BE_DATA 0x1 /* moves bytes: page frames must be real memory */
/* be_io takes no time and a read leaves no trace: it is counted and not timed,
 * and a read that must succeed may not even be asked for. */
#define UVM_BE_INSTANT 0x2

/*
 * The ops; all but be_io may be NULL, meaning nothing to do and success.
 * Each returns 0 or a positive errno; not ENOMEM, which a call of the program's
 * fails with when its range has holes: ENOBUFS says that there is no memory.
 *
 * be_open:	file now exists with size bytes of known contents.
 * be_close:	file is no longer needed; its size is final.
 * be_io:	do b.  Sets b_done and b_error and returns b_error.
 * be_start:	begin to do b, which stays the backend's, with what it points
 *		to, until be_poll() hands it back.  0, or an errno: not begun.
 *		NULL: this backend does everything within the call.
 * be_poll:	hand back one finished buffer in *bp, or NULL; with wait, not
 *		before there is one, if any is under way.
 * be_submit:	what be_start() may have kept back to send it together with
 *		more is to go now.  be_poll() does so by itself.
 * be_prepare:	told once, before the first be_open(): page frames lie in
 *		[base, base + length), NULL if they hold no bytes, and depth
 *		buffers will be under way at most; 0: be_start() will not be
 *		called.
 * be_pread, be_pwrite:	a read(2)/write(2) of the file of any length and
 *		alignment, beside the pager.  buf NULL: bytes of no interest
 *		(the backend makes them up or throws them away).
 * be_truncate:	the file has now size bytes; bytes that it gains are zero.
 * be_zero:	[offset, offset + length) of the file reads as zero.
 * be_sync:	the file's bytes, so far as their I/O was over when it was called,
 *		are on stable storage when this returns.
 */
struct uvm_backend {
	const char *be_name;
	unsigned be_flags;
	int (*be_open)(void *, uint32_t file, uint64_t size);
	int (*be_close)(void *, uint32_t file);
	int (*be_io)(void *, struct uvm_buf *);
	int (*be_start)(void *, struct uvm_buf *);
	int (*be_poll)(void *, bool wait, struct uvm_buf **);
	int (*be_submit)(void *);
	int (*be_prepare)(void *, void *base, size_t length, unsigned depth);
	int (*be_pread)(void *, uint32_t file, uint64_t offset, uint64_t length,
	    void *buf);
	int (*be_pwrite)(void *, uint32_t file, uint64_t offset,
	    uint64_t length, const void *buf);
	int (*be_truncate)(void *, uint32_t file, uint64_t size);
	int (*be_zero)(void *, uint32_t file, uint64_t offset, uint64_t length);
	int (*be_sync)(void *, uint32_t file);
};

#endif
