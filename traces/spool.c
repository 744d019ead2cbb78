#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "traces/spool.h"
#include "traces/trace_i.h"

#define SPOOL_MAGIC   0x314c4f4f5053564eULL
#define CHUNK_MAGIC   0x4b4e5543U
#define CHUNK_BYTES   (128U << 10)
#define CHUNK_MAX     (CHUNK_BYTES + RAW_MAX)
#define SPOOL_SOURCES 65536U
#define HEAD_MAX      (1U << 20)
#define ZSTD_CHEAP    1

struct spool_head {
	uint64_t sh_magic;
	uint32_t sh_len; /* of the text that follows, its NUL and all */
	uint32_t sh_zero;
};

struct chunk_head {
	uint32_t ch_magic, ch_source;
	uint32_t ch_bytes, ch_packed; /* of records, of the frame */
	uint64_t ch_sum;	      /* of the frame and the words above */
};

struct source {
	uint8_t *so_buf; /* CHUNK_MAX: being filled, or being read */
	size_t so_n, so_pos;
	/* Reading: where its chunks are. */
	uint64_t *so_chunks;
	size_t so_nchunks, so_next;
	uint64_t so_time; /* of the record at so_pos */
};

struct spool {
	char *sp_path, *sp_head;
	int sp_fd;
	uint64_t sp_end, sp_lost;
	struct source *sp_src;
	size_t sp_nsrc;
	ZSTD_CCtx *sp_cctx;
	ZSTD_DCtx *sp_dctx;
	uint8_t *sp_zbuf;
	size_t sp_zcap;
	uint32_t *sp_heap; /* sources with records left, the earliest first */
	size_t sp_heapn;
	bool sp_begun;
};

static int
no_room(const struct spool *sp, struct errmsg *em)
{
	return ERRMSG(em, ENOMEM, "%s: no memory to keep records", sp->sp_path);
}

static struct spool *
spool_new(const char *path, struct errmsg *em)
{
	struct spool *sp = calloc(1, sizeof(*sp));

	if (sp == NULL) {
		errmsg_put(em, "%s: no memory to keep records", path);
		return NULL;
	}
	sp->sp_fd = -1;
	sp->sp_path = strdup(path);
	sp->sp_zcap = ZSTD_compressBound(CHUNK_MAX);
	sp->sp_zbuf = malloc(sp->sp_zcap);
	sp->sp_cctx = ZSTD_createCCtx();
	sp->sp_dctx = ZSTD_createDCtx();
	if (sp->sp_path != NULL && sp->sp_zbuf != NULL && sp->sp_cctx != NULL &&
	    sp->sp_dctx != NULL)
		return sp;
	errmsg_put(em, "%s: no memory to keep records", path);
	spool_close(sp);
	return NULL;
}

static int
write_all(struct spool *sp, const void *data, size_t len, struct errmsg *em)
{
	const uint8_t *p = data;

	while (len > 0) {
		const ssize_t n = pwrite(sp->sp_fd, p, len, (off_t)sp->sp_end);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			const int error = errno;

			return ERRMSG(em, error, "%s: cannot write: %s",
			    sp->sp_path, errno_text(error));
		}
		p += n;
		sp->sp_end += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int
spool_create(const char *path, const char *head, struct spool **spp,
    struct errmsg *em)
{
	struct spool *sp = spool_new(path, em);
	const struct spool_head sh = { SPOOL_MAGIC, (uint32_t)strlen(head) + 1,
		0 };
	int error;

	if (sp == NULL)
		return ENOMEM;
	sp->sp_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (sp->sp_fd == -1) {
		error = errno;
		spool_close(sp);
		if (error == EEXIST)
			return ERRMSG(em, error,
			    "%s: is there already: it may be all that is left "
			    "of a recording; uvn record --salvage makes a trace "
			    "of it",
			    path);
		return ERRMSG(em, error, "%s: cannot create: %s", path,
		    errno_text(error));
	}
	error = write_all(sp, &sh, sizeof(sh), em);
	if (error == 0)
		error = write_all(sp, head, sh.sh_len, em);
	if (error != 0) {
		(void)unlink(path);
		spool_close(sp);
		return error;
	}
	*spp = sp;
	return 0;
}

static int
source_have(struct spool *sp, uint32_t source, struct errmsg *em)
{
	struct source *src;

	if (source >= SPOOL_SOURCES)
		return ERRMSG(em, EINVAL, "%s: source %" PRIu32 " is none",
		    sp->sp_path, source);
	if (source >= sp->sp_nsrc) {
		src = realloc(sp->sp_src, (source + 1) * sizeof(*src));
		if (src == NULL)
			return no_room(sp, em);
		memset(src + sp->sp_nsrc, 0,
		    (source + 1 - sp->sp_nsrc) * sizeof(*src));
		sp->sp_src = src;
		sp->sp_nsrc = source + 1;
	}
	return 0;
}

static int
buffer_have(struct spool *sp, struct source *src, struct errmsg *em)
{
	if (src->so_buf == NULL)
		src->so_buf = malloc(CHUNK_MAX);
	return src->so_buf != NULL ? 0 : no_room(sp, em);
}

static uint64_t
head_sum(const struct chunk_head *ch, const uint8_t *frame)
{
	return XXH3_64bits_withSeed(frame, ch->ch_packed,
	    (uint64_t)ch->ch_source << 32 ^ ch->ch_bytes);
}

/* A record within a chunk that is to be sorted. */
struct place {
	uint64_t pl_time;
	size_t pl_off, pl_len;
};

static int
place_cmp(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->pl_time != y->pl_time)
		return x->pl_time < y->pl_time ? -1 : 1;
	return x->pl_off < y->pl_off ? -1 : 1;
}

/* Put the records of a chunk in order where an interrupt came between. */
static int
chunk_sort(struct spool *sp, struct source *src, struct errmsg *em)
{
	struct place *pl;
	uint8_t *sorted;
	size_t n = 0, at = 0;
	uint64_t last = 0;
	bool good = true;

	for (size_t off = 0; off < src->so_n;) {
		struct raw rw;

		off += raw_decode(src->so_buf + off, src->so_n - off, &rw);
		good &= rw.rw_time >= last;
		last = rw.rw_time;
		n++;
	}
	if (good)
		return 0;
	pl = malloc(n * sizeof(*pl));
	sorted = malloc(CHUNK_MAX);
	for (size_t i = 0, off = 0; pl != NULL && i < n; i++) {
		struct raw rw;

		pl[i].pl_off = off;
		pl[i].pl_len =
		    raw_decode(src->so_buf + off, src->so_n - off, &rw);
		pl[i].pl_time = rw.rw_time;
		off += pl[i].pl_len;
	}
	if (pl != NULL && sorted != NULL) {
		qsort(pl, n, sizeof(*pl), place_cmp);
		for (size_t i = 0; i < n; at += pl[i++].pl_len)
			memcpy(sorted + at, src->so_buf + pl[i].pl_off,
			    pl[i].pl_len);
		memcpy(src->so_buf, sorted, src->so_n);
	}
	good = pl != NULL && sorted != NULL;
	free(pl);
	free(sorted);
	return good ? 0 : no_room(sp, em);
}

static int
chunk_write(struct spool *sp, uint32_t source, struct errmsg *em)
{
	struct source *src = &sp->sp_src[source];
	struct chunk_head ch = { CHUNK_MAGIC, source, (uint32_t)src->so_n, 0,
		0 };
	size_t len;
	int error;

	if (src->so_n == 0)
		return 0;
	error = chunk_sort(sp, src, em);
	if (error != 0)
		return error;
	len = ZSTD_compressCCtx(sp->sp_cctx, sp->sp_zbuf, sp->sp_zcap,
	    src->so_buf, src->so_n, ZSTD_CHEAP);
	if (ZSTD_isError(len))
		return ERRMSG(em, zstd_errno(len, EIO), "%s: zstd says: %s",
		    sp->sp_path, ZSTD_getErrorName(len));
	ch.ch_packed = (uint32_t)len;
	ch.ch_sum = head_sum(&ch, sp->sp_zbuf);
	src->so_n = 0;
	error = write_all(sp, &ch, sizeof(ch), em);
	return error != 0 ? error : write_all(sp, sp->sp_zbuf, len, em);
}

int
spool_put(struct spool *sp, uint32_t source, const uint8_t *bytes, size_t len,
    struct errmsg *em)
{
	struct source *src;
	int error = source_have(sp, source, em);

	if (error == 0)
		error = buffer_have(sp, &sp->sp_src[source], em);
	while (error == 0 && len > 0) {
		struct raw rw;
		const size_t n = raw_decode(bytes, len, &rw);

		if (n == 0)
			return ERRMSG(em, EINVAL,
			    "%s: source %" PRIu32 " has no whole record",
			    sp->sp_path, source);
		src = &sp->sp_src[source];
		if (src->so_n + n > CHUNK_BYTES)
			error = chunk_write(sp, source, em);
		if (error != 0)
			break;
		memcpy(src->so_buf + src->so_n, bytes, n);
		src->so_n += n;
		bytes += n;
		len -= n;
	}
	return error;
}

int
spool_flush(struct spool *sp, struct errmsg *em)
{
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < sp->sp_nsrc; i++)
		error = chunk_write(sp, i, em);
	return error;
}

static bool
read_at(const struct spool *sp, void *buf, size_t len, uint64_t pos)
{
	return pread(sp->sp_fd, buf, len, (off_t)pos) == (ssize_t)len;
}

static int
head_read(struct spool *sp, uint64_t *posp, struct errmsg *em)
{
	struct spool_head sh;

	if (!read_at(sp, &sh, sizeof(sh), 0) || sh.sh_magic != SPOOL_MAGIC ||
	    sh.sh_len == 0 || sh.sh_len > HEAD_MAX)
		return ERRMSG(em, EINVAL,
		    "%s: is not what uvn record leaves when it is killed",
		    sp->sp_path);
	sp->sp_head = malloc(sh.sh_len);
	if (sp->sp_head == NULL)
		return no_room(sp, em);
	if (!read_at(sp, sp->sp_head, sh.sh_len, sizeof(sh)) ||
	    sp->sp_head[sh.sh_len - 1] != '\0')
		return ERRMSG(em, EINVAL, "%s: is cut short in its head",
		    sp->sp_path);
	*posp = sizeof(sh) + sh.sh_len;
	return 0;
}

static int
chunk_note(struct spool *sp, uint32_t source, uint64_t pos, struct errmsg *em)
{
	struct source *src;
	uint64_t *chunks;
	int error = source_have(sp, source, em);

	if (error != 0)
		return error;
	src = &sp->sp_src[source];
	if ((src->so_nchunks & (src->so_nchunks - 1)) == 0) {
		chunks = realloc(src->so_chunks,
		    (src->so_nchunks * 2 + 1) * sizeof(*chunks));
		if (chunks == NULL)
			return no_room(sp, em);
		src->so_chunks = chunks;
	}
	src->so_chunks[src->so_nchunks++] = pos;
	return 0;
}

/* Find the chunks, up to the first that is not whole. */
static int
chunks_find(struct spool *sp, uint64_t pos, struct errmsg *em)
{
	struct chunk_head ch;
	int error = 0;

	while (error == 0 && pos + sizeof(ch) <= sp->sp_end) {
		if (!read_at(sp, &ch, sizeof(ch), pos) ||
		    ch.ch_magic != CHUNK_MAGIC || ch.ch_bytes == 0 ||
		    ch.ch_bytes > CHUNK_MAX || ch.ch_packed > sp->sp_zcap ||
		    ch.ch_source >= SPOOL_SOURCES ||
		    !read_at(sp, sp->sp_zbuf, ch.ch_packed, pos + sizeof(ch)) ||
		    head_sum(&ch, sp->sp_zbuf) != ch.ch_sum)
			break;
		error = chunk_note(sp, ch.ch_source, pos, em);
		pos += sizeof(ch) + ch.ch_packed;
	}
	sp->sp_lost = sp->sp_end - pos;
	return error;
}

int
spool_open(const char *path, struct spool **spp, struct errmsg *em)
{
	struct spool *sp = spool_new(path, em);
	struct stat st;
	uint64_t pos = 0;
	int error;

	if (sp == NULL)
		return ENOMEM;
	sp->sp_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (sp->sp_fd == -1 || fstat(sp->sp_fd, &st) != 0) {
		error = errno;
		spool_close(sp);
		return ERRMSG(em, error, "%s: cannot open: %s", path,
		    errno_text(error));
	}
	sp->sp_end = (uint64_t)st.st_size;
	error = head_read(sp, &pos, em);
	if (error == 0)
		error = chunks_find(sp, pos, em);
	if (error != 0) {
		spool_close(sp);
		return error;
	}
	*spp = sp;
	return 0;
}

const char *
spool_head(const struct spool *sp)
{
	return sp->sp_head;
}

uint64_t
spool_lost(const struct spool *sp)
{
	return sp->sp_lost;
}

/* Read the source's next chunk; so_n is 0 at its end. */
static int
chunk_read(struct spool *sp, struct source *src, struct errmsg *em)
{
	struct chunk_head ch;
	uint64_t pos;
	size_t n;
	int error;

	src->so_n = src->so_pos = 0;
	if (src->so_next == src->so_nchunks)
		return 0;
	error = buffer_have(sp, src, em);
	if (error != 0)
		return error;
	pos = src->so_chunks[src->so_next++];
	if (!read_at(sp, &ch, sizeof(ch), pos) || ch.ch_packed > sp->sp_zcap ||
	    !read_at(sp, sp->sp_zbuf, ch.ch_packed, pos + sizeof(ch)))
		return ERRMSG(em, EIO, "%s: cannot read it again", sp->sp_path);
	n = ZSTD_decompressDCtx(sp->sp_dctx, src->so_buf, CHUNK_MAX,
	    sp->sp_zbuf, ch.ch_packed);
	if (ZSTD_isError(n))
		return ERRMSG(em, zstd_errno(n, EILSEQ),
		    "%s: cannot be read: zstd says: %s", sp->sp_path,
		    ZSTD_getErrorName(n));
	src->so_n = n;
	return 0;
}

/* Stand at the source's next record, if it has one. */
static int
source_settle(struct spool *sp, struct source *src, struct errmsg *em)
{
	struct raw rw;
	int error = 0;

	if (src->so_pos == src->so_n)
		error = chunk_read(sp, src, em);
	if (error != 0 || src->so_n == 0)
		return error;
	if (raw_decode(src->so_buf + src->so_pos, src->so_n - src->so_pos,
		&rw) == 0)
		return ERRMSG(em, EILSEQ,
		    "%s: damaged: no record at byte %zu "
		    "of a chunk",
		    sp->sp_path, src->so_pos);
	/* A source is in order but for what was sorted chunk by chunk. */
	if (rw.rw_time > src->so_time)
		src->so_time = rw.rw_time;
	return 0;
}

static bool
before(const struct spool *sp, uint32_t a, uint32_t b)
{
	const uint64_t x = sp->sp_src[a].so_time, y = sp->sp_src[b].so_time;

	return x != y ? x < y : a < b;
}

/* Let the heap's element i sink to its place. */
static void
sift(struct spool *sp, size_t i)
{
	for (;;) {
		const uint32_t v = sp->sp_heap[i];
		size_t c = 2 * i + 1;

		if (c >= sp->sp_heapn)
			return;
		if (c + 1 < sp->sp_heapn &&
		    before(sp, sp->sp_heap[c + 1], sp->sp_heap[c]))
			c++;
		if (!before(sp, sp->sp_heap[c], v))
			return;
		sp->sp_heap[i] = sp->sp_heap[c];
		sp->sp_heap[c] = v;
		i = c;
	}
}

static int
heap_make(struct spool *sp, struct errmsg *em)
{
	int error = 0;

	sp->sp_begun = true;
	sp->sp_heap = calloc(sp->sp_nsrc + 1, sizeof(*sp->sp_heap));
	if (sp->sp_heap == NULL)
		return no_room(sp, em);
	for (uint32_t i = 0; error == 0 && i < sp->sp_nsrc; i++) {
		error = source_settle(sp, &sp->sp_src[i], em);
		if (error == 0 && sp->sp_src[i].so_n > 0)
			sp->sp_heap[sp->sp_heapn++] = i;
	}
	for (size_t i = sp->sp_heapn / 2; i-- > 0;)
		sift(sp, i);
	return error;
}

int
spool_next(struct spool *sp, struct raw *rw, bool *morep, struct errmsg *em)
{
	struct source *src;
	int error = 0;

	*morep = false;
	if (!sp->sp_begun) {
		error = heap_make(sp, em);
	} else if (sp->sp_heapn > 0) {
		/* What was handed out before is done with. */
		src = &sp->sp_src[sp->sp_heap[0]];
		src->so_pos += raw_decode(src->so_buf + src->so_pos,
		    src->so_n - src->so_pos, rw);
		error = source_settle(sp, src, em);
		if (error == 0 && src->so_n == 0)
			sp->sp_heap[0] = sp->sp_heap[--sp->sp_heapn];
		sift(sp, 0);
	}
	if (error != 0 || sp->sp_heapn == 0)
		return error;
	src = &sp->sp_src[sp->sp_heap[0]];
	(void)raw_decode(src->so_buf + src->so_pos, src->so_n - src->so_pos,
	    rw);
	*morep = true;
	return 0;
}

void
spool_close(struct spool *sp)
{
	if (sp == NULL)
		return;
	for (size_t i = 0; i < sp->sp_nsrc; i++) {
		free(sp->sp_src[i].so_buf);
		free(sp->sp_src[i].so_chunks);
	}
	free(sp->sp_src);
	if (sp->sp_fd != -1)
		(void)close(sp->sp_fd);
	(void)ZSTD_freeCCtx(sp->sp_cctx);
	(void)ZSTD_freeDCtx(sp->sp_dctx);
	free(sp->sp_heap);
	free(sp->sp_zbuf);
	free(sp->sp_head);
	free(sp->sp_path);
	free(sp);
}
