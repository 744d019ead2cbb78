/*
 * oracleGeneral of libCacheSim; import_oracle.c has the format.
 *
 * Where the object of a request comes next is known at the end only: requests
 * go to a temporary file, which is then worked through from its end, and copied
 * to the output.  Memory: 30 to 62 bytes for each page that is accessed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "traces/import_i.h"
#include "traces/u64map.h"

#define NS_PER_S 1000000000
#define CHUNK	 65536 /* requests */

struct oracle {
	struct exporter *ox_ex;
	int ox_fd;
	struct oracle_request *ox_rq; /* CHUNK of them */
	size_t ox_n;
	uint64_t ox_pos;   /* requests in the temporary file */
	uint64_t ox_first; /* time of the first request */
	uint32_t ox_page;
	struct u64map ox_next; /* by object: its next request, from 1 */
	bool *ox_seen;	       /* by place in the file index */
};

static int
temp_error(const struct oracle *ox, int error, struct errmsg *em)
{
	return ERRMSG(em, error,
	    "%s: the temporary file beside it cannot be written or read: %s",
	    ox->ox_ex->ex_to, errno_text(error));
}

/* All of ox_n requests at pos, in or out. */
static int
chunk_io(struct oracle *ox, uint64_t pos, bool write, struct errmsg *em)
{
	uint8_t *p = (uint8_t *)ox->ox_rq;
	size_t left = ox->ox_n * sizeof(*ox->ox_rq);
	off_t at = (off_t)(pos * sizeof(*ox->ox_rq));

	while (left > 0) {
		const ssize_t n = write ? pwrite(ox->ox_fd, p, left, at) :
					  pread(ox->ox_fd, p, left, at);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return temp_error(ox, n == 0 ? EIO : errno, em);
		p += n;
		at += n;
		left -= (size_t)n;
	}
	return 0;
}

static int
chunk_flush(struct oracle *ox, struct errmsg *em)
{
	const int error = chunk_io(ox, ox->ox_pos, true, em);

	ox->ox_pos += ox->ox_n;
	ox->ox_n = 0;
	return error;
}

/* A request for each page of the access. */
static int
access_put(struct oracle *ox, const struct trace_event *te, struct errmsg *em)
{
	struct exporter *ex = ox->ox_ex;
	const size_t file =
	    file_index_place(&ex->ex_reader->tr_files, te->te_file);
	const uint64_t length = te->te_length != 0 ? te->te_length : 1;
	const uint64_t end = (te->te_offset + length - 1) / ox->ox_page + 1;
	uint64_t seconds;
	int error = 0;

	if (ex->ex_entries == 0)
		ox->ox_first = te->te_time;
	seconds = (te->te_time - ox->ox_first) / NS_PER_S;
	if (seconds > UINT32_MAX || end > UINT64_C(1) << ORACLE_PAGE_BITS ||
	    file >> (64 - ORACLE_PAGE_BITS) != 0) {
		ex->ex_input = true;
		return ERRMSG(em, ERANGE,
		    "an access to byte %" PRIu64 " of file %" PRIu32
		    " at %" PRIu64 " s does not fit oracleGeneral, which has "
		    "32 bits for seconds, and here 40 for pages and 24 for "
		    "files",
		    te->te_offset, te->te_file, seconds);
	}
	ex->ex_files += !ox->ox_seen[file];
	ox->ox_seen[file] = true;
	for (uint64_t page = te->te_offset / ox->ox_page;
	     error == 0 && page < end; page++) {
		ox->ox_rq[ox->ox_n++] = (struct oracle_request){
			.oq_time = (uint32_t)seconds,
			.oq_id = (uint64_t)file << ORACLE_PAGE_BITS | page,
			.oq_size = ox->ox_page,
			.oq_next = -1,
		};
		ex->ex_entries++;
		if (ox->ox_n == CHUNK)
			error = chunk_flush(ox, em);
	}
	return error;
}

static int
event(struct oracle *ox, const struct trace_event *te, struct errmsg *em)
{
	const bool io = te->te_op == TRACE_PREAD || te->te_op == TRACE_PWRITE;

	if (te->te_op == TRACE_READ || te->te_op == TRACE_WRITE ||
	    (io && te->te_length > 0 && ox->ox_ex->ex_p->io != 0))
		return access_put(ox, te, em);
	ox->ox_ex->ex_left[te->te_op]++;
	return 0;
}

static int
collect(struct oracle *ox, struct errmsg *em)
{
	const struct trace_event *ev;
	size_t n;
	int error;

	do {
		error = export_next(ox->ox_ex, &ev, &n, em);
		for (size_t i = 0; error == 0 && i < n; i++)
			error = event(ox, &ev[i], em);
	} while (error == 0 && n > 0);
	return error != 0 ? error : chunk_flush(ox, em);
}

/* Fill in where objects come next, of the chunk that begins at pos. */
static int
chunk_next(struct oracle *ox, uint64_t pos, struct errmsg *em)
{
	int error = chunk_io(ox, pos, false, em);

	for (size_t i = ox->ox_n; error == 0 && i-- > 0;) {
		struct oracle_request *rq = &ox->ox_rq[i];
		uint64_t *next = u64map_at(&ox->ox_next, rq->oq_id, 0);

		if (next == NULL)
			return ERRMSG(em, ENOMEM,
			    "no memory for the next accesses of %" PRIu64
			    " pages",
			    u64map_count(&ox->ox_next));
		if (*next != 0)
			rq->oq_next = (int64_t)*next;
		*next = pos + i + 1;
	}
	return error != 0 ? error : chunk_io(ox, pos, true, em);
}

static int
link_all(struct oracle *ox, struct errmsg *em)
{
	int error = 0;

	for (uint64_t end = ox->ox_pos; error == 0 && end > 0;
	     end -= ox->ox_n) {
		ox->ox_n = end % CHUNK != 0 ? end % CHUNK : CHUNK;
		error = chunk_next(ox, end - ox->ox_n, em);
	}
	return error;
}

static int
copy_all(struct oracle *ox, struct errmsg *em)
{
	int error = 0;

	for (uint64_t pos = 0; error == 0 && pos < ox->ox_pos;
	     pos += ox->ox_n) {
		ox->ox_n = ox->ox_pos - pos < CHUNK ? ox->ox_pos - pos : CHUNK;
		error = chunk_io(ox, pos, false, em);
		if (error == 0)
			error = out_put(&ox->ox_ex->ex_out, ox->ox_rq,
			    ox->ox_n * sizeof(*ox->ox_rq), em);
	}
	return error;
}

int
oracle_export(struct exporter *ex, struct errmsg *em)
{
	struct oracle ox = {
		.ox_ex = ex,
		.ox_fd = file_nameless(ex->ex_to),
		.ox_page = trace_meta(ex->ex_reader)->tm_page,
	};
	int error = ox.ox_fd == -1 ? temp_error(&ox, errno, em) : 0;

	ox.ox_rq = malloc(CHUNK * sizeof(*ox.ox_rq));
	ox.ox_seen =
	    calloc(ex->ex_reader->tr_files.fx_n + 1, sizeof(*ox.ox_seen));
	if (error == 0 && (ox.ox_rq == NULL || ox.ox_seen == NULL))
		error = ERRMSG(em, ENOMEM, "no memory to write %s", ex->ex_to);
	if (error == 0)
		error = collect(&ox, em);
	if (error == 0)
		error = link_all(&ox, em);
	if (error == 0)
		error = copy_all(&ox, em);
	if (ox.ox_fd != -1)
		(void)close(ox.ox_fd);
	u64map_fini(&ox.ox_next);
	free(ox.ox_rq);
	free(ox.ox_seen);
	return error;
}
