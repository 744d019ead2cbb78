/*
 * oracleGeneral of libCacheSim: requests of 24 bytes, little-endian, packed:
 *
 *	uint32_t seconds; uint64_t object; uint32_t size; int64_t next;
 *
 * next is the place of the object's next request, counted from 1; -1 or
 * INT64_MAX: there is none; -2: it is not known.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "traces/import_i.h"
#include "traces/u64map.h"

#define NS_PER_S UINT64_C(1000000000)
#define NONE	 UINT64_MAX

/* Numbers are places while there are so few of them unused. */
#define SPREAD_MAX 4

/* No trace is as long; but text, taken for requests, would be. */
#define NEXT_MAX (INT64_C(1) << 48)

struct oracle {
	struct import *oc_im;
	unsigned oc_ids;       /* IMPORT_IDS_, not AUTO */
	struct u64map oc_page; /* ORDER: of each object */
	struct import_file *oc_file;
	uint64_t oc_fileno; /* SPLIT: of oc_file */
	uint64_t oc_odd;    /* requests of another size than a page's */
};

/*
 * The next request.
 *
 * => *endp: there is none
 */
static int
request_next(struct import *im, struct oracle_request *rq, bool *endp,
    struct errmsg *em)
{
	struct trace_in *in = &im->im_in;
	int error = in_fill(in, sizeof(*rq), em);

	*endp = error == 0 && in_have(in) == 0;
	if (error != 0 || *endp)
		return error;
	if (in_have(in) < sizeof(*rq))
		return ERRMSG(em, EILSEQ,
		    "%s: cut short: %zu bytes are left behind request %" PRIu64
		    ", and a request has %zu",
		    in->in_path, in_have(in), im->im_line, sizeof(*rq));
	memcpy(rq, in_data(in), sizeof(*rq));
	in->in_beg += sizeof(*rq);
	im->im_line++;
	return 0;
}

/* Read all of it to see whether its numbers are those of pages. */
static int
ids_judge(struct oracle *oc, struct errmsg *em)
{
	struct u64map seen = { 0 };
	struct oracle_request rq;
	uint64_t max = 0;
	int error;
	bool end;

	if (oc->oc_im->im_in.in_size == 0)
		return ERRMSG(em, EINVAL,
		    "%s: a pipe is not read twice; say by --ids page or --ids "
		    "order what its numbers are",
		    oc->oc_im->im_in.in_path);
	while ((error = request_next(oc->oc_im, &rq, &end, em)) == 0 && !end) {
		if (u64map_at(&seen, rq.oq_id, 0) == NULL) {
			error = ERRMSG(em, ENOMEM,
			    "no memory for %" PRIu64 " objects",
			    u64map_count(&seen));
			break;
		}
		if (rq.oq_id > max)
			max = rq.oq_id;
	}
	oc->oc_ids = max / SPREAD_MAX < u64map_count(&seen) ? IMPORT_IDS_PAGE :
							      IMPORT_IDS_ORDER;
	u64map_fini(&seen);
	if (error != 0)
		return error;
	return import_rewind(oc->oc_im, em);
}

/* The page of the object in its file. */
static int
page_of(struct oracle *oc, uint64_t id, uint64_t *pagep, struct errmsg *em)
{
	uint64_t *place;

	*pagep = id;
	if (oc->oc_ids == IMPORT_IDS_SPLIT)
		*pagep = id & (((uint64_t)1 << ORACLE_PAGE_BITS) - 1);
	if (oc->oc_ids != IMPORT_IDS_ORDER)
		return 0;
	place = u64map_at(&oc->oc_page, id, NONE);
	if (place == NULL)
		return ERRMSG(em, ENOMEM, "no memory for %" PRIu64 " objects",
		    u64map_count(&oc->oc_page));
	if (*place == NONE)
		*place = u64map_count(&oc->oc_page) - 1;
	*pagep = *place;
	return 0;
}

/* Have the file at hand that the object is in. */
static int
file_of(struct oracle *oc, uint64_t id, struct errmsg *em)
{
	const uint64_t fileno =
	    oc->oc_ids == IMPORT_IDS_SPLIT ? id >> ORACLE_PAGE_BITS : 0;
	char name[32];

	if (oc->oc_file != NULL && oc->oc_fileno == fileno)
		return 0;
	oc->oc_fileno = fileno;
	if (oc->oc_ids == IMPORT_IDS_SPLIT)
		(void)snprintf(name, sizeof(name), "objects.%" PRIu64,
		    fileno + 1);
	else
		(void)snprintf(name, sizeof(name), "objects");
	return import_file(oc->oc_im, name, &oc->oc_file, em);
}

static int
request_take(struct oracle *oc, const struct oracle_request *rq,
    struct errmsg *em)
{
	const struct import_when iw = { rq->oq_time * NS_PER_S, 1, 1 };
	struct import *im = oc->oc_im;
	const uint64_t size = im->im_p->page;
	uint64_t page;
	int error;

	if (rq->oq_next < -2 ||
	    (rq->oq_next > NEXT_MAX && rq->oq_next != INT64_MAX) ||
	    (rq->oq_next >= 0 && (uint64_t)rq->oq_next < im->im_line))
		return import_malformed(im, em,
		    "its object comes next in request %" PRId64
		    ", which is not behind it",
		    rq->oq_next);
	oc->oc_odd += rq->oq_size != size;
	error = page_of(oc, rq->oq_id, &page, em);
	if (error == 0 && page > INT64_MAX / size - 1)
		return import_malformed(im, em,
		    "object %" PRIu64 " is no page of a file; --ids order "
		    "numbers objects anew",
		    rq->oq_id);
	if (error == 0)
		error = file_of(oc, rq->oq_id, em);
	if (error != 0)
		return error;
	return import_request(im, oc->oc_file, &iw, false, page * size, size,
	    em);
}

int
oracle_import(struct import *im, struct errmsg *em)
{
	static const char *const said[] = {
		[IMPORT_IDS_PAGE] = "the number of an object is its page",
		[IMPORT_IDS_ORDER] = "pages are numbered as objects come",
		[IMPORT_IDS_SPLIT] = "the number of an object is its file and "
				     "page",
	};
	struct oracle oc = { .oc_im = im, .oc_ids = (unsigned)im->im_p->ids };
	struct oracle_request rq;
	int error = 0;
	bool end;

	im->im_what = "request";
	if (oc.oc_ids == IMPORT_IDS_AUTO)
		error = ids_judge(&oc, em);
	while (error == 0 && (error = request_next(im, &rq, &end, em)) == 0 &&
	    !end)
		error = request_take(&oc, &rq, em);
	if (error == 0)
		(void)fprintf(im->im_notes, "#objects %s\n", said[oc.oc_ids]);
	if (oc.oc_odd != 0)
		(void)fprintf(im->im_notes,
		    "#objects of another size than a page are taken for one: "
		    "%" PRIu64 " requests\n",
		    oc.oc_odd);
	u64map_fini(&oc.oc_page);
	return error != 0 ? error : import_files_finish(im, em);
}
