#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "replay/cmd_trace_info.h"
#include "replay/replay.h"

static void
bytes_text(uint64_t bytes, char *buf, size_t len)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB",
		"TiB", "PiB", "EiB" };
	double v = (double)bytes;
	size_t i = 0;

	for (; v >= 1024 && i < nitems(units) - 1; i++)
		v /= 1024;
	if (i == 0)
		(void)snprintf(buf, len, "%" PRIu64 " bytes", bytes);
	else
		(void)snprintf(buf, len, "%" PRIu64 ".%u %s", (uint64_t)v,
		    (unsigned)((v - (double)(uint64_t)v) * 10), units[i]);
}

/* Text of others, without what a terminal would obey. */
static void
print_safely(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		(void)putchar((unsigned char)text[i] < ' ' || text[i] == 127 ?
			'?' :
			text[i]);
}

static void
print_head(const struct info *in)
{
	const struct stats_result *const sr = in->in_result;
	char digest[33];

	(void)printf("trace        %s\n", in->in_path);
	if (trace_digest(in->in_trace, digest) == 0)
		(void)printf("digest       %s\n", digest);
	(void)printf("events       %" PRIu64 "\n", sr->sr_events);
	(void)printf("time         %.6f s, from %" PRIu64 " to %" PRIu64
		     " ns\n",
	    (double)(sr->sr_last - sr->sr_first) * 1e-9, sr->sr_first,
	    sr->sr_last);
	(void)printf("processes    %" PRIu64 ", threads %" PRIu64 "%s\n",
	    sr->sr_pids, sr->sr_tids, sr->sr_pids_complete ? "" : ", or more");
}

/* How it was recorded, as far as that is known. */
static void
print_recorded(const struct trace_meta *tm)
{
	if (tm->tm_mode != NULL)
		(void)printf("mode         %s\n", tm->tm_mode);
	if (tm->tm_clock != TRACE_CLOCK_UNKNOWN)
		(void)printf("clock        %s\n",
		    trace_clock_name[tm->tm_clock]);
	if (tm->tm_lost != 0)
		(void)printf("lost         %" PRIu64 " records\n", tm->tm_lost);
	if (tm->tm_window == TRACE_INF)
		(void)printf(
		    "window       inf; first accesses, syncs and their "
		    "order are all it has\n");
	else if (tm->tm_window != 0)
		(void)printf("window       %" PRIu64
			     " pages; memory below four times that says "
			     "nothing\n",
		    tm->tm_window);
}

static void
print_sizes(const struct info *in)
{
	const struct trace_meta *const tm = trace_meta(in->in_trace);
	const struct stats_result *const sr = in->in_result;
	uint64_t bytes = 0;
	char size[64];

	for (size_t i = 0; i < tm->tm_nfiles; i++)
		bytes += tm->tm_files[i].tf_size;
	bytes_text(bytes, size, sizeof(size));
	(void)printf("files        %zu, of %s at first\n", tm->tm_nfiles, size);
	(void)printf("page         %" PRIu32 " bytes\n", tm->tm_page);
	print_recorded(tm);
	bytes_text(sr->sr_touched * tm->tm_page, size, sizeof(size));
	(void)printf("footprint    %s%" PRIu64 " pages, %s\n",
	    sr->sr_pages_complete ? "" : "more than ", sr->sr_touched, size);
}

static void
print_accesses(const struct stats_result *sr)
{
	const uint64_t accesses = sr->sr_accesses[0] + sr->sr_accesses[1];
	char size[64];

	(void)printf("accesses     %" PRIu64
		     " pages, %.1f %% of them written\n",
	    accesses, info_share(sr->sr_accesses[1], accesses));
	for (unsigned f = 0; f < TRACE_NFLAGS; f++) {
		const uint64_t n = sr->sr_flag[f][0] + sr->sr_flag[f][1];

		if (n > 0)
			(void)printf("  %-10s %" PRIu64
				     ", %.1f %% of them written\n",
			    trace_flag_name[f], n,
			    info_share(sr->sr_flag[f][1], n));
	}
	bytes_text(sr->sr_bytes[0], size, sizeof(size));
	(void)printf("pread        %s\n", size);
	bytes_text(sr->sr_bytes[1], size, sizeof(size));
	(void)printf("pwrite       %s\n", size);
}

static void
print_ops(const struct stats_result *sr)
{
	(void)printf("\nops\n");
	for (unsigned op = 0; op < TRACE_NOPS; op++)
		if (sr->sr_ops[op] != 0)
			(void)printf("  %-10s %12" PRIu64 "  %5.1f %%\n",
			    trace_op_name[op], sr->sr_ops[op],
			    info_share(sr->sr_ops[op], sr->sr_events));
}

static uint64_t
accesses_of(const struct stats_file *sf)
{
	return sf->sf_accesses[0] + sf->sf_accesses[1];
}

/* Most accesses first, then most bytes by calls, then as declared. */
static int
by_accesses(const void *a, const void *b)
{
	const struct stats_file *const x = *(const struct stats_file *const *)a;
	const struct stats_file *const y = *(const struct stats_file *const *)b;
	const uint64_t nx = accesses_of(x), ny = accesses_of(y);
	const uint64_t bx = x->sf_bytes[0] + x->sf_bytes[1];
	const uint64_t by = y->sf_bytes[0] + y->sf_bytes[1];

	if (nx != ny)
		return nx > ny ? -1 : 1;
	if (bx != by)
		return bx > by ? -1 : 1;
	return (x > y) - (x < y);
}

static void
print_file(const struct stats_file *sf, uint64_t accesses)
{
	char size[64];

	bytes_text(sf->sf_file->tf_size, size, sizeof(size));
	(void)printf("  %10" PRIu64 " %5.1f %% %5.1f %% %8" PRIu64 " %8" PRIu64
		     " %10s  ",
	    accesses_of(sf), info_share(accesses_of(sf), accesses),
	    info_share(sf->sf_accesses[1], accesses_of(sf)), sf->sf_touched,
	    sf->sf_pages[1], size);
	print_safely(sf->sf_file->tf_path, strlen(sf->sf_file->tf_path));
	(void)putchar('\n');
}

static int
print_files(const struct info *in)
{
	const struct stats_result *const sr = in->in_result;
	const size_t n =
	    in->in_top < sr->sr_nfiles ? (size_t)in->in_top : sr->sr_nfiles;
	const struct stats_file **const sorted =
	    calloc(sr->sr_nfiles + 1, sizeof(struct stats_file *));

	if (sorted == NULL)
		return complain(UVN_ENVIRONMENT, "%s: out of memory",
		    in->in_path);
	if (n == 0) {
		free(sorted);
		return UVN_OK;
	}
	for (size_t i = 0; i < sr->sr_nfiles; i++)
		sorted[i] = &sr->sr_files[i];
	qsort(sorted, sr->sr_nfiles, sizeof(struct stats_file *), by_accesses);
	if (n < sr->sr_nfiles)
		(void)printf("\nfiles: the %zu of %zu with the most accesses\n",
		    n, sr->sr_nfiles);
	else
		(void)printf("\nfiles\n");
	(void)printf("  %10s %7s %7s %8s %8s %10s  path\n", "accesses", "share",
	    "writes", "pages", "written", "size");
	for (size_t i = 0; i < n; i++)
		print_file(sorted[i], sr->sr_accesses[0] + sr->sr_accesses[1]);
	free(sorted);
	return UVN_OK;
}

/* The lines of the preamble that are free form. */
static void
print_provenance(const char *head)
{
	unsigned shown = 0;

	for (const char *end; (end = strchr(head, '\n')) != NULL;
	     head = end + 1) {
		if (trace_meta_line(head))
			continue;
		if (shown++ == 0)
			(void)printf("\nprovenance\n");
		(void)printf("  ");
		print_safely(head, (size_t)(end - head));
		(void)putchar('\n');
	}
}

int
info_text(const struct info *in)
{
	const struct stats_result *const sr = in->in_result;
	int status;

	print_head(in);
	print_sizes(in);
	print_accesses(sr);
	print_ops(sr);
	status = print_files(in);
	info_tables(in);
	print_provenance(trace_meta(in->in_trace)->tm_head);
	return status;
}
