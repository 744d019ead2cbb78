/*
 * The iolog of fio(1); import_fio.c has the format.  Files are named f1, f2, ...
 * so that a replay by fio touches none that was traced.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "traces/import_i.h"

#define NS_PER_US 1000

/* fio keeps lengths in 32 bits, and a buffer of the largest. */
#define LENGTH_MAX (UINT64_C(1) << 30)

struct fio {
	struct exporter *fo_ex;
	const char *fo_dir, *fo_slash; /* before the names of files */
	uint32_t *fo_opens; /* by place in the file index: opens not closed */
	bool *fo_added;
	uint64_t fo_first; /* time of the first entry */
};

enum version { VERSION_2, VERSION_3 };

/* An entry of the file; action with its numbers. */
static int
entry(struct fio *fo, const struct trace_event *te, const char *action,
    struct errmsg *em)
{
	struct exporter *ex = fo->fo_ex;

	if (ex->ex_entries++ == 0)
		fo->fo_first = te->te_time;
	if (ex->ex_p->fio_version == VERSION_2)
		return export_printf(ex, em, "%s%sf%" PRIu32 " %s\n",
		    fo->fo_dir, fo->fo_slash, te->te_file, action);
	return export_printf(ex, em, "%" PRIu64 " %s%sf%" PRIu32 " %s\n",
	    (te->te_time - fo->fo_first) / NS_PER_US, fo->fo_dir, fo->fo_slash,
	    te->te_file, action);
}

/* Have the file known to fio, and open if need be. */
static int
file_ready(struct fio *fo, const struct trace_event *te, bool open,
    struct errmsg *em)
{
	const size_t i =
	    file_index_place(&fo->fo_ex->ex_reader->tr_files, te->te_file);
	int error = 0;

	if (!fo->fo_added[i]) {
		fo->fo_added[i] = true;
		fo->fo_ex->ex_files++;
		error = entry(fo, te, "add", em);
	}
	if (error == 0 && open && fo->fo_opens[i] == 0) {
		fo->fo_opens[i] = 1;
		error = entry(fo, te, "open", em);
	}
	return error;
}

static int
request(struct fio *fo, const struct trace_event *te, const char *action,
    struct errmsg *em)
{
	const bool access = te->te_op == TRACE_READ || te->te_op == TRACE_WRITE;
	uint64_t offset = te->te_offset, left = te->te_length;
	char text[96];
	int error;

	/* An access of no bytes is one to a page. */
	if (left == 0 && access)
		left = trace_meta(fo->fo_ex->ex_reader)->tm_page;
	if (left == 0) {
		fo->fo_ex->ex_left[te->te_op]++;
		return 0;
	}
	error = file_ready(fo, te, true, em);
	while (error == 0 && left > 0) {
		const uint64_t n = left < LENGTH_MAX ? left : LENGTH_MAX;

		(void)snprintf(text, sizeof(text), "%s %" PRIu64 " %" PRIu64,
		    action, offset, n);
		error = entry(fo, te, text, em);
		offset += n;
		left -= n;
	}
	return error;
}

static int
flush(struct fio *fo, const struct trace_event *te, const char *action,
    struct errmsg *em)
{
	char text[32];
	int error = file_ready(fo, te, true, em);

	(void)snprintf(text, sizeof(text), "%s 0 0", action);
	return error != 0 ? error : entry(fo, te, text, em);
}

/* fio opens a file once, and closes it once. */
static int
opened(struct fio *fo, const struct trace_event *te, struct errmsg *em)
{
	uint32_t *opens =
	    &fo->fo_opens[file_index_place(&fo->fo_ex->ex_reader->tr_files,
		te->te_file)];
	int error = file_ready(fo, te, false, em);

	if (error != 0)
		return error;
	if (te->te_op == TRACE_OPEN && (*opens)++ == 0)
		return entry(fo, te, "open", em);
	if (te->te_op == TRACE_CLOSE && *opens > 0 && --*opens == 0)
		return entry(fo, te, "close", em);
	fo->fo_ex->ex_left[te->te_op]++;
	return 0;
}

static int
event(struct fio *fo, const struct trace_event *te, struct errmsg *em)
{
	switch ((enum trace_op)te->te_op) {
	case TRACE_READ:
		return request(fo, te, "read", em);
	case TRACE_WRITE:
		return request(fo, te, "write", em);
	case TRACE_PREAD:
		if (fo->fo_ex->ex_p->io != 0)
			return request(fo, te, "read", em);
		break;
	case TRACE_PWRITE:
		if (fo->fo_ex->ex_p->io != 0)
			return request(fo, te, "write", em);
		break;
	case TRACE_FSYNC:
		return flush(fo, te,
		    (te->te_flags & (TRACE_F_DATA | TRACE_F_RANGE)) != 0 ?
			"datasync" :
			"sync",
		    em);
	case TRACE_MSYNC:
		if ((te->te_flags & TRACE_F_SYNC) != 0)
			return flush(fo, te, "sync", em);
		break;
	case TRACE_FALLOCATE:
		if ((te->te_flags & TRACE_F_PUNCH) != 0)
			return request(fo, te, "trim", em);
		break;
	case TRACE_OPEN:
	case TRACE_CLOSE:
		return opened(fo, te, em);
	case TRACE_ATTACH:
	case TRACE_DETACH:
	case TRACE_PROTECT:
	case TRACE_MADVISE:
	case TRACE_TRUNCATE:
	case TRACE_SYNC:
	case TRACE_UNLINK:
	case TRACE_RENAME:
	case TRACE_FORK:
	case TRACE_EXIT:
	case TRACE_MARK:
	case TRACE_NOPS:
		break;
	}
	fo->fo_ex->ex_left[te->te_op]++;
	return 0;
}

static int
events(struct fio *fo, struct errmsg *em)
{
	const struct trace_event *ev;
	size_t n;
	int error;

	do {
		error = export_next(fo->fo_ex, &ev, &n, em);
		for (size_t i = 0; error == 0 && i < n; i++)
			error = event(fo, &ev[i], em);
	} while (error == 0 && n > 0);
	return error;
}

int
fio_export(struct exporter *ex, struct errmsg *em)
{
	const size_t nfiles = ex->ex_reader->tr_files.fx_n;
	struct fio fo = {
		.fo_ex = ex,
		.fo_dir = ex->ex_dir != NULL ? ex->ex_dir : "",
		.fo_slash = ex->ex_dir != NULL ? "/" : "",
		.fo_opens = calloc(nfiles + 1, sizeof(*fo.fo_opens)),
		.fo_added = calloc(nfiles + 1, sizeof(*fo.fo_added)),
	};
	int error = 0;

	if (fo.fo_opens == NULL || fo.fo_added == NULL)
		error = ERRMSG(em, ENOMEM, "no memory for %zu files", nfiles);
	if (error == 0)
		error = export_printf(ex, em, "fio version %d iolog\n",
		    ex->ex_p->fio_version == VERSION_2 ? 2 : 3);
	if (error == 0)
		error = events(&fo, em);
	free(fo.fo_opens);
	free(fo.fo_added);
	return error;
}
