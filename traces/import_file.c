#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "traces/import_i.h"

static int
no_memory(struct errmsg *em)
{
	return ERRMSG(em, ENOMEM, "no memory to make a trace");
}

static int
name_cmp(const void *a, const void *b)
{
	const struct import_file *x = a, *y = b;

	return strcmp(x->if_name, y->if_name);
}

static void
file_free(void *p)
{
	struct import_file *f = p;

	free(f->if_name);
	free(f);
}

static int
file_new(struct import *im, const char *name, struct import_file **fp,
    struct errmsg *em)
{
	struct import_file *f = calloc(1, sizeof(*f));
	struct sink_info *si;
	int error;

	if (f == NULL)
		return no_memory(em);
	f->if_name = strdup(name);
	if (f->if_name == NULL || tsearch(f, &im->im_files, name_cmp) == NULL) {
		file_free(f);
		return no_memory(em);
	}
	error = sink_file(im->im_sink, &f->if_id, em);
	if (error != 0)
		return error;
	if (im->im_p->as == IMPORT_AS_MAP)
		f->if_map = ++im->im_nmaps;
	si = sink_info(im->im_sink, f->if_id);
	si->si_map = f->if_map;
	si->si_path = strdup(name);
	si->si_wanted = record_wants(&im->im_param->ip_select, name);
	if (si->si_path == NULL)
		return no_memory(em);
	*fp = f;
	return 0;
}

int
import_file(struct import *im, const char *name, struct import_file **fp,
    struct errmsg *em)
{
	char *copy = strdup(name);
	const struct import_file key = { .if_name = copy };
	struct import_file *const *found;

	if (copy == NULL)
		return no_memory(em);
	found = tfind(&key, &im->im_files, name_cmp);
	free(copy);
	if (found == NULL)
		return file_new(im, name, fp, em);
	*fp = *found;
	return 0;
}

static struct trace_event
event_at(const struct import_file *f, const struct import_when *iw,
    enum trace_op op)
{
	return (struct trace_event){
		.te_time = iw->iw_time,
		.te_pid = iw->iw_pid,
		.te_tid = iw->iw_tid,
		.te_file = f->if_id,
		.te_op = (uint8_t)op,
	};
}

static void
used(struct import_file *f, uint64_t end)
{
	if (end > f->if_end)
		f->if_end = end;
}

int
import_request(struct import *im, struct import_file *f,
    const struct import_when *iw, bool write, uint64_t offset, uint64_t length,
    struct errmsg *em)
{
	static const enum trace_op ops[2][2] = {
		[IMPORT_AS_MAP] = { TRACE_READ, TRACE_WRITE },
		[IMPORT_AS_IO] = { TRACE_PREAD, TRACE_PWRITE },
	};
	struct trace_event te = event_at(f, iw, ops[im->im_p->as][write]);

	te.te_map = f->if_map;
	te.te_offset = offset;
	te.te_length = length;
	used(f, offset + length);
	return sink_put(im->im_sink, &te, em);
}

int
import_flush(struct import *im, struct import_file *f,
    const struct import_when *iw, uint32_t flags, uint64_t offset,
    uint64_t length, struct errmsg *em)
{
	struct trace_event te = event_at(f, iw, TRACE_FSYNC);

	te.te_flags = flags;
	te.te_offset = offset;
	te.te_length = length;
	if (im->im_p->flush == IMPORT_FLUSH_MSYNC && f->if_map != 0) {
		te.te_op = TRACE_MSYNC;
		te.te_map = f->if_map;
		te.te_flags = TRACE_F_SYNC;
	}
	used(f, offset + length);
	return sink_put(im->im_sink, &te, em);
}

int
import_discard(struct import *im, struct import_file *f,
    const struct import_when *iw, uint64_t offset, uint64_t length,
    struct errmsg *em)
{
	struct trace_event te = event_at(f, iw, TRACE_FALLOCATE);

	te.te_offset = offset;
	te.te_length = length;
	te.te_flags = TRACE_F_KEEP | TRACE_F_PUNCH;
	used(f, offset + length);
	return sink_put(im->im_sink, &te, em);
}

int
import_plain(struct import *im, struct import_file *f,
    const struct import_when *iw, enum trace_op op, struct errmsg *em)
{
	const struct trace_event te = event_at(f, iw, op);

	return sink_put(im->im_sink, &te, em);
}

/* What twalk_r(3) hands on. */
struct walk {
	struct import *wk_im;
	struct errmsg *wk_em;
	int wk_error;
};

static void
file_finish(const void *node, VISIT which, void *arg)
{
	const struct import_file *f = *(struct import_file *const *)node;
	struct walk *wk = arg;
	struct import *im = wk->wk_im;
	struct sink_info *si = sink_info(im->im_sink, f->if_id);

	if ((which != postorder && which != leaf) || !si->si_wanted)
		return;
	si->si_size = im->im_p->size;
	if (im->im_p->size == 0) {
		si->si_size = f->if_end;
		im->im_count[RECORD_UNKNOWN_SIZES] += si->si_count > 0;
	} else if (f->if_end > im->im_p->size && wk->wk_error == 0) {
		wk->wk_error = ERRMSG(wk->wk_em, EINVAL,
		    "%s: %s is used up to byte %" PRIu64
		    ", beyond its --size of %" PRIu64,
		    im->im_in.in_path, f->if_name, f->if_end, im->im_p->size);
	}
}

int
import_files_finish(struct import *im, struct errmsg *em)
{
	struct walk wk = { im, em, 0 };

	twalk_r(im->im_files, file_finish, &wk);
	return wk.wk_error;
}

void
import_files_fini(struct import *im)
{
	tdestroy(im->im_files, file_free);
	im->im_files = NULL;
}
