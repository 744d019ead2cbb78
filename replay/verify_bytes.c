#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "replay/verify_impl.h"

/* Pages to look through for the home of bytes that are not where they belong. */
#define SEARCH_MAX (1ULL << 26)

/* What [pos, end) of page pgno must be, into v_scratch + pos. */
static void
expect(struct verify *v, const struct vfile *f, uint64_t pgno, uint32_t pos,
    uint32_t end, uint64_t seq)
{

	if (seq == SEQ_ZERO)
		memset(v->v_scratch + pos, 0, end - pos);
	else
		uvm_pattern(f->vf_file, pgno * v->v_pgsize + pos, end - pos,
		    seq, v->v_scratch + pos);
}

/*
 * Compare piece by piece.
 *
 * => the first byte that differs, and in *seqp its sequence; vb_to if none
 */
static uint32_t
first_difference(struct verify *v, const struct vfile *f, uint64_t pgno,
    const struct vmap *m, const struct vbytes *vb, uint64_t *seqp)
{
	uint32_t pos, end;

	for (pos = vb->vb_from; pos < vb->vb_to; pos = end) {
		const uint8_t *bytes = vb->vb_at + (pos - vb->vb_from);

		*seqp = vmap_at(m, v->v_pgsize, pos, &end);
		if (end > vb->vb_to)
			end = vb->vb_to;
		expect(v, f, pgno, pos, end, *seqp);
		if (memcmp(bytes, v->v_scratch + pos, end - pos) == 0)
			continue;
		while (*bytes == v->v_scratch[pos]) {
			bytes++;
			pos++;
		}
		return pos;
	}
	return vb->vb_to;
}

bool
bytes_equal(struct verify *v, const struct vfile *f, uint64_t pgno,
    const struct vmap *m, const struct vbytes *vb)
{
	uint64_t seq;

	return first_difference(v, f, pgno, m, vb, &seq) == vb->vb_to;
}

/* "sequence 12 (event 11)", or what else a sequence number means. */
static void
seq_text(uint64_t seq, char *buf, size_t size)
{

	if (seq == SEQ_ZERO)
		(void)snprintf(buf, size, "zeros");
	else if (seq == 0)
		(void)snprintf(buf, size, "the first contents");
	else
		(void)snprintf(buf, size,
		    "sequence %" PRIu64 " (event %" PRIu64 ")", seq, seq - 1);
}

/* The page of any file whose bytes at the same place within it are word. */
static bool
find_home(const struct verify *v, uint32_t in, const uint8_t *word,
    uint32_t *filep, uint64_t *pgnop, uint64_t *seqp)
{
	uint64_t left = SEARCH_MAX;

	for (const struct vfile *f = v->v_files; f != NULL; f = f->vf_next) {
		const uint64_t npages =
		    (f->vf_size + v->v_pgsize - 1) / v->v_pgsize;

		for (uint64_t i = 0; i < npages && left > 0; i++, left--) {
			*seqp = uvm_pattern_seq(f->vf_file,
			    i * v->v_pgsize + in, word);
			if (*seqp <= v->v_seqmax) {
				*filep = f->vf_file;
				*pgnop = i;
				return true;
			}
		}
	}
	return false;
}

/* Say what is at byte pos, as far as the eight aligned bytes there tell. */
static void
found_text(const struct verify *v, const struct vfile *f, uint64_t pgno,
    const struct vbytes *vb, uint32_t pos, char *buf, size_t size)
{
	static const uint8_t zeros[8];
	const uint32_t in = pos & ~7U;
	const uint8_t *const word = vb->vb_at + (in - vb->vb_from);
	uint64_t other, seq;
	uint32_t file;
	char text[64];

	(void)snprintf(buf, size, "%#04x for %#04x",
	    vb->vb_at[pos - vb->vb_from], v->v_scratch[pos]);
	if (in < vb->vb_from || vb->vb_to - in < 8)
		return;
	if (memcmp(word, zeros, 8) == 0) {
		(void)snprintf(buf, size, "zeros");
		return;
	}
	seq = uvm_pattern_seq(f->vf_file, pgno * v->v_pgsize + in, word);
	if (seq <= v->v_seqmax) {
		seq_text(seq, text, sizeof(text));
		(void)snprintf(buf, size, "%s of this page", text);
	} else if (find_home(v, in, word, &file, &other, &seq)) {
		seq_text(seq, text, sizeof(text));
		(void)snprintf(buf, size,
		    "%s of file %" PRIu32 " page %" PRIu64, text, file, other);
	}
}

bool
bytes_check(struct verify *v, const struct vfile *f, uint64_t pgno,
    const struct vmap *m, const struct vbytes *vb, const char *what)
{
	char want[64], found[128];
	uint64_t seq = 0;
	uint32_t pos;

	pos = first_difference(v, f, pgno, m, vb, &seq);
	if (pos == vb->vb_to)
		return true;
	seq_text(seq, want, sizeof(want));
	found_text(v, f, pgno, vb, pos, found, sizeof(found));
	VERIFY_FAIL(v, EIO,
	    "file %" PRIu32 " page %" PRIu64 " byte %" PRIu64
	    ": %s in event %" PRIu64 " has %s where %s must be",
	    f->vf_file, pgno, pgno * v->v_pgsize + pos, what, v->v_event, found,
	    want);
	return false;
}
