/*
 * uvt_head.c: what a .uvt has before its blocks, and a look at its index.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "traces/uvt_i.h"

static int
header_read(struct trace_reader *tr, struct uvt_header *uh, struct errmsg *em)
{
	struct trace_in *in = &tr->tr_in;
	const int error = in_fill(in, sizeof(*uh), em);

	if (error != 0)
		return error;
	if (in_have(in) < sizeof(*uh))
		return ERRMSG(em, EILSEQ,
		    "%s: cut short within its header: import it again",
		    tr->tr_path);
	memcpy(uh, in_data(in), sizeof(*uh));
	if (uh->uh_version > UVT_VERSION)
		return ERRMSG(em, EINVAL,
		    "%s: .uvt of newer version %" PRIu32
		    "; this program reads version %d: update it",
		    tr->tr_path, uh->uh_version, UVT_VERSION);
	if (uh->uh_sum != UVT_SUM(uh, uh_sum) ||
	    uh->uh_version != UVT_VERSION || uh->uh_head_len > TRACE_HEAD_MAX)
		return ERRMSG(em, EILSEQ,
		    "%s: damaged: the checksum of its header is wrong: import "
		    "it again",
		    tr->tr_path);
	in->in_beg += sizeof(*uh);
	return 0;
}

static int
preamble_read(struct trace_reader *tr, const struct uvt_header *uh,
    struct errmsg *em)
{
	struct trace_in *in = &tr->tr_in;
	const size_t len = uh->uh_head_len;
	char *head;
	int error = in_fill(in, len, em);

	if (error != 0)
		return error;
	if (in_have(in) < len)
		return ERRMSG(em, EILSEQ,
		    "%s: cut short within its preamble: import it again",
		    tr->tr_path);
	if (XXH3_64bits(in_data(in), len) != uh->uh_head_sum ||
	    memchr(in_data(in), '\0', len) != NULL)
		return ERRMSG(em, EILSEQ,
		    "%s: damaged: the checksum of its preamble is wrong: "
		    "import it again",
		    tr->tr_path);
	head = malloc(len + 1);
	if (head == NULL)
		return ERRMSG(em, ENOMEM, "%s: no memory to read it",
		    tr->tr_path);
	memcpy(head, in_data(in), len);
	head[len] = '\0';
	in->in_beg += len;
	error = trace_meta_parse(head, tr->tr_path, &tr->tr_meta, &tr->tr_files,
	    em);
	if (error == 0 && tr->tr_meta.tm_page != uh->uh_page)
		error = ERRMSG(em, EILSEQ,
		    "%s: its header and its preamble differ in the page size",
		    tr->tr_path);
	return error;
}

bool
uvt_index_good(const struct uvt_index *ui)
{
	return memcmp(ui->ui_magic, UVT_INDEX_MAGIC, sizeof(ui->ui_magic)) ==
	    0 &&
	    ui->ui_sum == UVT_SUM(ui, ui_sum);
}

void
uvt_index_take(struct trace_reader *tr, const struct uvt_index *ui)
{
	XXH128_canonical_t c;

	memcpy(c.digest, ui->ui_digest, sizeof(c.digest));
	tr->tr_digest = XXH128_hashFromCanonical(&c);
	tr->tr_digest_known = true;
	tr->tr_count = ui->ui_events;
}

/*
 * Look ahead at the index, if the file can seek and it is whole.  If not, that
 * is found out, and said, at the end.
 */
static void
index_peek(struct trace_reader *tr)
{
	const struct trace_in *in = &tr->tr_in;
	struct uvt_trailer ut;
	struct uvt_index ui;

	if (in->in_size < sizeof(struct uvt_header) + sizeof(ui) + sizeof(ut) ||
	    pread(in->in_fd, &ut, sizeof(ut),
		(off_t)(in->in_size - sizeof(ut))) != (ssize_t)sizeof(ut) ||
	    memcmp(ut.ut_magic, UVT_END_MAGIC, sizeof(ut.ut_magic)) != 0 ||
	    ut.ut_sum != UVT_SUM(&ut, ut_sum) ||
	    ut.ut_index > in->in_size - sizeof(ui) ||
	    pread(in->in_fd, &ui, sizeof(ui), (off_t)ut.ut_index) !=
		(ssize_t)sizeof(ui) ||
	    !uvt_index_good(&ui))
		return;
	uvt_index_take(tr, &ui);
}

int
uvt_head_read(struct trace_reader *tr, struct errmsg *em)
{
	struct uvt_header uh;
	int error = header_read(tr, &uh, em);

	if (error == 0)
		error = preamble_read(tr, &uh, em);
	if (error == 0)
		index_peek(tr);
	return error;
}
