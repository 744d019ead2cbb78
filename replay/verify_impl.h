/*
 * verify: private to the verifier.
 *
 * verify.c		what the program did, what left memory, verdicts
 * verify_backend.c	what passes by between pager and backend
 * verify_page.c	files, pages, and their extents of sequence numbers
 * verify_bytes.c	bytes against extents, and what they are instead
 *
 * A page has two extent maps: disk, what the file holds, and, while the page
 * is resident, mem, what its frame holds.  dirty says that the program stored
 * into the frame since it was last written out or read.  That cannot be had by
 * comparing the maps: with no coherence between write(2) and mappings they
 * differ for clean pages too, and no store is lost by that.
 *
 * Bytes of disk behind the end of the file are always SEQ_ZERO, since growth
 * shows them as zero.  Bytes of mem behind it are what the program stored
 * there, and may get into the file after growth (spec section 3.15).
 */
#ifndef REPLAY_VERIFY_IMPL_H
#define REPLAY_VERIFY_IMPL_H

#include <pthread.h>

#include "replay/verify.h"

#define SEQ_ZERO UINT64_MAX /* no write: the byte is 0 */

/* A piece of a page, from ve_start to the next one's start. */
struct vext {
	uint64_t ve_seq;
	uint32_t ve_start;
};

/* The pieces of one page, ascending, the first at 0; one is kept inline. */
struct vmap {
	union {
		uint64_t vm_seq;     /* vm_n is 1 */
		struct vext *vm_ext; /* owned */
	};
	uint32_t vm_n;
};

struct vpage {
	struct vpage *vp_next; /* hash chain */
	uint64_t vp_pgno;
	struct vmap vp_disk;
	struct vmap vp_mem; /* if vp_resident */
	bool vp_resident;
	bool vp_dirty;	/* stored into since read or written out */
	bool vp_failed; /* what it holds now could not be written, */
	bool vp_lossok; /* and may be lost: given up, or q1 took it for done */
};

/*
 * A file.  Pages without a struct vpage are not resident and hold on disk the
 * first contents below vf_filled and zeros from there on.
 */
struct vfile {
	struct vfile *vf_next;	/* in order of appearance */
	struct vfile *vf_hnext; /* hash chain */
	struct vpage **vf_page; /* hash of pages by number, a power of two */
	size_t vf_nbuckets, vf_npages;
	uint64_t vf_size;   /* bytes, as the backend was told */
	uint64_t vf_filled; /* bytes */
	uint64_t vf_told;   /* bytes, as verify_file() was told; if vf_known */
	uint32_t vf_file;
	bool vf_known;
	bool vf_open; /* the backend has it */
};

/* In this event, [vt_from, vt_to) of the file may be dropped from memory. */
struct vpermit {
	uint64_t vt_from, vt_to; /* bytes */
	uint32_t vt_file;
};

/* A store that left memory unwritten; lost unless the event permits it. */
struct vloss {
	uint64_t vl_pgno, vl_seq;
	uint32_t vl_file, vl_byte; /* in the page */
};

/* What the program said it did in this event, and what came of it. */
struct vnow {
	struct vfile *vn_file; /* NULL: nothing to judge */
	uint64_t vn_size;      /* bytes, after a truncate */
	uint64_t vn_seq;       /* of a write(2) */
	uint64_t vn_pwrite;    /* bytes of it, */
	bool vn_truncated;
};

#define VFILE_BUCKETS 1024
#define VERIFY_CHUNK  (1U << 20) /* bytes of a file read or written at once */

struct verify {
	const struct uvm_backend *v_be;
	void *v_becookie;
	const struct uvm_backend *v_lookbe; /* reads that the pager knows not */
	void *v_lookcookie;
	pthread_mutex_t v_mutex; /* of all that follows */
	struct vfile *v_files, **v_last;
	struct vfile *v_hash[VFILE_BUCKETS];
	struct vnow v_now;
	uint64_t v_pwritten;	  /* bytes of it that the backend got */
	bool v_iofailed;	  /* the backend failed in this event */
	struct vpermit *v_permit; /* of this event */
	size_t v_npermits, v_maxpermits;
	struct vloss *v_loss; /* of this event, not yet judged */
	size_t v_nlosses, v_maxlosses;
	uint8_t *v_scratch; /* a page */
	uint8_t *v_chunk;   /* VERIFY_CHUNK bytes, page aligned */
	uint64_t v_event;
	uint64_t v_seqmax; /* largest sequence ever used */
	uint32_t v_pgsize;
	bool v_q1, v_q6; /* faithful */
	bool v_finished;
	int v_error; /* sticky */
	struct errmsg v_em;
	struct verify_stat v_stat;
};

/* Hold v from here to the end of the block: for what others call. */
#define VERIFY_HOLD(v)                                                         \
	__attribute__((cleanup(verify_release))) struct verify *const held =   \
	    verify_hold(v);                                                    \
	(void)held

static inline struct verify *
verify_hold(const struct verify *v)
{
	struct verify *const held = unconst(v);

	(void)pthread_mutex_lock(&held->v_mutex);
	return held;
}

static inline void
verify_release(struct verify *const *held)
{

	(void)pthread_mutex_unlock(&(*held)->v_mutex);
}

/* The first thing found: later ones are dropped. */
#define VERIFY_FAIL(v, error, ...)                                             \
	do {                                                                   \
		errmsg_put(&(v)->v_em, __VA_ARGS__);                           \
		if ((v)->v_error == 0)                                         \
			(v)->v_error = (error);                                \
	} while (0)

/*
 * ---- verify_page.c ----
 *
 * What returns int returns 0 or ENOMEM, and leaves the map as it was then.
 */

/* The sequence at pos of a page, and in *endp where its piece ends. */
uint64_t vmap_at(const struct vmap *m, uint32_t pgsize, uint32_t pos,
    uint32_t *endp);
int vmap_set(struct vmap *m, uint32_t pgsize, uint32_t from, uint32_t to,
    uint64_t seq) mustcheck;
/* [from, to) of dst becomes that of src. */
int vmap_copy(struct vmap *dst, const struct vmap *src, uint32_t pgsize,
    uint32_t from, uint32_t to) mustcheck;
/* Where below end a and b first differ, or end. */
uint32_t vmap_differ(const struct vmap *a, const struct vmap *b,
    uint32_t pgsize, uint32_t end);
void vmap_fini(struct vmap *m);

struct vfile *vfile_find(const struct verify *v, uint32_t file);
/* Find or enter; NULL for no memory, said so in v. */
struct vfile *vfile_get(struct verify *v, uint32_t file);
/* All pages forgotten; the file has size bytes of first contents. */
void vfile_reset(struct vfile *f, uint64_t size);
void vfile_free(struct vfile *f);

struct vpage *vpage_find(const struct vfile *f, uint64_t pgno);
/* Find or enter; NULL for no memory, said so in v. */
struct vpage *vpage_get(struct verify *v, struct vfile *f, uint64_t pgno);
/* What a page without a struct vpage holds on disk. */
int vpage_default(const struct verify *v, const struct vfile *f, uint64_t pgno,
    struct vmap *m) mustcheck;
/* No longer resident.  p may be gone afterwards. */
void vpage_evict(struct verify *v, struct vfile *f, struct vpage *p);

/* The disk holds seq at [offset, offset + length), all below vf_size. */
int vfile_disk_set(struct verify *v, struct vfile *f, uint64_t offset,
    uint64_t length, uint64_t seq) mustcheck;
/* The file has size bytes on disk. */
int vfile_disk_size(struct verify *v, struct vfile *f, uint64_t size) mustcheck;

/*
 * ---- verify_bytes.c ----
 */

/* Bytes [vb_from, vb_to) of a page; vb_at points at the first of them. */
struct vbytes {
	const uint8_t *vb_at;
	uint32_t vb_from, vb_to;
};

/*
 * Compare bytes of a page with what m says.
 *
 * => false: v fails, with what, the event, and what is there instead
 */
bool bytes_check(struct verify *v, const struct vfile *f, uint64_t pgno,
    const struct vmap *m, const struct vbytes *vb, const char *what);

/* The same without a verdict. */
bool bytes_equal(struct verify *v, const struct vfile *f, uint64_t pgno,
    const struct vmap *m, const struct vbytes *vb);

/*
 * ---- verify.c ----
 */

/* Nothing is checked any more: something was found, or the end was reached. */
static inline bool
verify_over(const struct verify *v)
{

	return v->v_error != 0 || v->v_finished;
}

/* The byte behind the last one of page pgno that the file has, in the page. */
static inline uint32_t
page_end(const struct verify *v, const struct vfile *f, uint64_t pgno)
{
	const uint64_t start = pgno * v->v_pgsize;

	if (start >= f->vf_size)
		return 0;
	return f->vf_size - start < v->v_pgsize ?
	    (uint32_t)(f->vf_size - start) :
	    v->v_pgsize;
}

/* Pages of file that begin in [from, to) may be dropped in this event. */
void verify_permit(struct verify *v, uint32_t file, uint64_t from, uint64_t to);

/* A shrink of file to size: what that allows to drop. */
void verify_permit_shrink(struct verify *v, uint32_t file, uint64_t size);

/* The frame of p is given up: what was stored there only is lost. */
void verify_dropped(struct verify *v, const struct vfile *f,
    const struct vpage *p);

/* Compare the whole file on disk. */
void verify_whole(struct verify *v, struct vfile *f);

#endif
