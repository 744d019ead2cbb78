#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "traces/import_i.h"

/* What formats without addresses take, all of them. */
#define FILES "page as flush size"

/* Where there are addresses the page is the machine's: maps consist of it. */
const struct trace_format trace_formats[] = {
	{ "blkparse", "default output of blkparse(1)", FILES " action", NULL,
	    blkparse_import, NULL },
	{ "bpftrace", "what scripts/page-faults.bt prints, for bpftrace(8)", "",
	    NULL, bpftrace_import, NULL },
	{ "fio", "iolog of fio(1), versions 2 and 3", FILES,
	    "io fio_version dir", fio_import, fio_export },
	{ "lackey", "valgrind --tool=lackey, with its system calls", "", NULL,
	    lackey_import, NULL },
	{ "msr", "CSV of the MSR Cambridge block traces", FILES, NULL,
	    msr_import, NULL },
	{ "oracleGeneral", "binary requests of libCacheSim, 24 bytes each",
	    "page as ids size", "io", oracle_import, oracle_export },
	{ "perf-script", "perf script of page faults, maps and calls", "", NULL,
	    perf_script_import, NULL },
	{ "perf-trace", "perf trace -F all", "", NULL, perf_trace_import,
	    NULL },
	{ "strace", "strace -f -ttt -y; it has no accesses", "", NULL,
	    strace_import, NULL },
};
const size_t trace_nformats = nitems(trace_formats);

const struct tunable import_table[] = {
#define TUNABLE(field, kind, def, min, max, unit, choices, help)               \
	{ #field, TUN_##kind, offsetof(struct import_param, field), def, min,  \
		max, unit, choices, help },
#include "traces/import_param.def"
#undef TUNABLE
};
const size_t import_count = nitems(import_table);

static_assert(sizeof(struct import_param) ==
	nitems(import_table) * sizeof(uint64_t),
    "struct import_param holds rows only");

const struct trace_format *
trace_format_find(const char *name)
{
	for (size_t i = 0; i < nitems(trace_formats); i++)
		if (strcmp(trace_formats[i].fm_name, name) == 0)
			return &trace_formats[i];
	return NULL;
}

bool
trace_format_has(const char *rows, const char *name)
{
	const size_t len = strlen(name);

	for (const char *p = rows; p != NULL && *p != '\0';
	     p += strspn(p, " ")) {
		const size_t n = strcspn(p, " ");

		if (n == len && memcmp(p, name, n) == 0)
			return true;
		p += n;
	}
	return false;
}

int
import_param_check(const struct import_param *ip, struct errmsg *em)
{
	if ((ip->page & (ip->page - 1)) != 0)
		return ERRMSG(em, EINVAL,
		    "page: %" PRIu64 " is no power of two", ip->page);
	return 0;
}

/* Open the input; something is in it. */
static int
input_begin(struct import *im, struct errmsg *em)
{
	/* Of requests with a time first, two bytes are the same too often. */
	static const uint8_t gzip_magic[3] = { 0x1f, 0x8b, 8 };
	struct trace_in *in = &im->im_in;
	int error = in_open(in, im->im_from, em);

	if (error == 0)
		error = in_unwrap(in, em);
	if (error != 0)
		return error;
	if (in_have(in) == 0)
		return ERRMSG(em, EINVAL, "%s: the file is empty", in->in_path);
	if (in_have(in) >= sizeof(gzip_magic) &&
	    memcmp(in_data(in), gzip_magic, sizeof(gzip_magic)) == 0)
		return ERRMSG(em, EINVAL,
		    "%s: compressed by gzip: zcat %s | uvn trace import "
		    "--format %s - ...",
		    in->in_path, im->im_from, im->im_format->fm_name);
	im->im_line = 0;
	return 0;
}

int
import_rewind(struct import *im, struct errmsg *em)
{
	in_close(&im->im_in);
	return input_begin(im, em);
}

/* Provenance: what was read, how, and what of it was not seen. */
static void
notes_write(struct import *im)
{
	const char *base = strrchr(im->im_from, '/');
	char text[TUNABLE_TEXT_MAX];

	(void)fprintf(im->im_notes, "#import %s", im->im_format->fm_name);
	for (size_t i = 0; i < import_count; i++) {
		const struct tunable *tn = &import_table[i];

		if (!trace_format_has(im->im_format->fm_takes, tn->tn_name))
			continue;
		tunable_format(tn, tunable_get(tn, im->im_p), text,
		    sizeof(text));
		(void)fprintf(im->im_notes, " %s=%s", tn->tn_name, text);
	}
	(void)fputs(" from=", im->im_notes);
	for (const char *p = base != NULL ? base + 1 : im->im_from; *p != '\0';
	     p++)
		(void)fputc(*p == '\n' || *p == '\r' ? '?' : *p, im->im_notes);
	(void)fputc('\n', im->im_notes);
	for (unsigned i = 0; i < RECORD_NCOUNTS; i++)
		if (im->im_count[i] != 0)
			(void)fprintf(im->im_notes, "#unseen %s %" PRIu64 "\n",
			    record_count_name[i], im->im_count[i]);
}

/* Write the trace. */
static int
finish(struct import *im, enum trace_form form, char **notes,
    struct record_report *rr, struct errmsg *em)
{
	struct sink_param sp = {
		.sp_form = form,
		.sp_page = (uint32_t)im->im_p->page,
		.sp_window = im->im_param->ip_window != 0 ?
		    im->im_param->ip_window :
		    im->im_window,
		.sp_clock = im->im_clock,
		.sp_lost = im->im_count[RECORD_LOST],
		.sp_base_names = im->im_param->ip_base_names,
		.sp_rebase = true,
	};

	for (uint32_t i = 1; i <= sink_files(im->im_sink); i++) {
		const struct sink_info *si = sink_info(im->im_sink, i);

		rr->rr_files += si->si_wanted && si->si_count > 0;
	}
	if (rr->rr_files == 0)
		return ERRMSG(em, ENODATA,
		    "%s: no event of a file that is wanted is in it%s",
		    im->im_in.in_path,
		    im->im_count[RECORD_MALFORMED] != 0 ?
			"; is it of another format?" :
			"");
	notes_write(im);
	if (fflush(im->im_notes) != 0)
		return ERRMSG(em, ENOMEM, "no memory to make a trace");
	sp.sp_notes = *notes;
	rr->rr_output = true;
	return sink_finish(im->im_sink, &sp, &rr->rr_events, em);
}

static int
run(struct import *im, const char *to, enum trace_form form,
    struct record_report *rr, struct errmsg *em)
{
	char *notes = NULL;
	size_t len;
	int error;

	im->im_text = malloc(IMPORT_LINE_MAX);
	im->im_notes = open_memstream(&notes, &len);
	if (im->im_text == NULL || im->im_notes == NULL) {
		error = ERRMSG(em, ENOMEM, "no memory to make a trace");
		goto out;
	}
	error = input_begin(im, em);
	if (error != 0)
		goto out;
	error = sink_create(to, &im->im_sink, em);
	rr->rr_output = error != 0;
	if (error == 0)
		error = im->im_format->fm_read(im, em);
	if (error == 0)
		error = finish(im, form, &notes, rr, em);
out:
	if (im->im_notes != NULL)
		(void)fclose(im->im_notes);
	free(notes);
	return error;
}

int
trace_import(const struct trace_format *fm, const char *from,
    const struct trace_import_param *ip, const char *to, enum trace_form form,
    struct record_report *rr, struct errmsg *em)
{
	struct import im = {
		.im_format = fm,
		.im_param = ip,
		.im_p = &ip->ip_param,
		.im_from = from,
		.im_what = "line",
		.im_clock = TRACE_CLOCK_REAL,
		.im_in = { .in_fd = -1 },
	};
	int error;

	*rr = (struct record_report){ 0 };
	error = run(&im, to, form, rr, em);
	memcpy(rr->rr_count, im.im_count, sizeof(rr->rr_count));
	import_files_fini(&im);
	sink_destroy(im.im_sink);
	in_close(&im.im_in);
	free(im.im_text);
	return error;
}
