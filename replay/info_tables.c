/*
 * info_tables.c: what a trace amounts to, as tables for people.
 */
#include <inttypes.h>
#include <string.h>

#include "replay/cmd_trace_info.h"

#define BAR 24

double
info_share(uint64_t part, uint64_t whole)
{
	return whole != 0 ? 100 * (double)part / (double)whole : 0;
}

static double
mean(const struct stats_hist *sh)
{
	return sh->sh_count != 0 ? (double)sh->sh_sum / (double)sh->sh_count :
				   0;
}

static void
time_text(uint64_t ns, char *buf, size_t len)
{
	static const struct {
		uint64_t ns;
		const char *unit;
	} units[] = { { 1000000000, "s" }, { 1000000, "ms" }, { 1000, "us" } };

	for (size_t i = 0; i < nitems(units); i++)
		if (ns >= units[i].ns) {
			(void)snprintf(buf, len, "%" PRIu64 ".%02u %s",
			    ns / units[i].ns,
			    (unsigned)(ns % units[i].ns / (units[i].ns / 100)),
			    units[i].unit);
			return;
		}
	(void)snprintf(buf, len, "%" PRIu64 " ns", ns);
}

/* The least number of a bucket: "0", "1", "2..", "1K..". */
static void
bucket_text(unsigned k, char *buf, size_t len)
{
	static const char units[] = { '\0', 'K', 'M', 'G', 'T', 'P', 'E' };
	const unsigned power = k > 0 ? (k - 1) / 10 : 0;
	const char unit[] = { units[power], '\0' };

	(void)snprintf(buf, len, "%" PRIu64 "%s%s",
	    stats_bucket_from(k) >> 10 * power, unit, k > 1 ? ".." : "");
}

static void
bar_text(uint64_t part, uint64_t largest, char buf[BAR + 1])
{
	const size_t n = largest != 0 ?
	    (size_t)(info_share(part, largest) * BAR / 100 + 0.5) :
	    0;

	memset(buf, '#', n);
	/* Something is something. */
	if (n == 0 && part > 0)
		buf[0] = '.';
	buf[n == 0 && part > 0 ? 1 : n] = '\0';
}

/* The first and the last bucket of those used in n histograms; false: none. */
static bool
used(const struct stats_hist *const *sh, size_t n, unsigned *firstp,
    unsigned *lastp)
{
	*firstp = STATS_BUCKETS;
	*lastp = 0;
	for (size_t i = 0; i < n; i++)
		for (unsigned k = 0; k < STATS_BUCKETS; k++) {
			if (sh[i]->sh_bucket[k] == 0)
				continue;
			*firstp = k < *firstp ? k : *firstp;
			*lastp = k > *lastp ? k : *lastp;
		}
	return *firstp < STATS_BUCKETS;
}

static uint64_t
largest(const struct stats_hist *sh)
{
	uint64_t most = 0;

	for (unsigned k = 0; k < STATS_BUCKETS; k++)
		if (sh->sh_bucket[k] > most)
			most = sh->sh_bucket[k];
	return most;
}

/* Per cent, as %.1f has them. */
static void
tenths_text(uint64_t part, uint64_t whole, char *buf, size_t len)
{
	const unsigned tenths = (unsigned)(10 * info_share(part, whole) + 0.5);

	(void)snprintf(buf, len, "%u.%u %%", tenths / 10, tenths % 10);
}

/* A row of distances; k: its bucket, STATS_BUCKETS for first touches. */
static void
print_distance(const struct info *in, unsigned k, uint64_t n, uint64_t most)
{
	const struct stats_result *const sr = in->in_result;
	const uint64_t accesses = sr->sr_accesses[0] + sr->sr_accesses[1];
	char label[32] = "first touch", bar[BAR + 1], lru[32] = "";

	if (k < STATS_BUCKETS)
		bucket_text(k, label, sizeof(label));
	if (k > 0 && k < STATS_BUCKETS &&
	    info_meaningful(in, stats_bucket_from(k)))
		tenths_text(info_misses(sr, k), accesses, lru, sizeof(lru));
	else if (k > 0 && k < STATS_BUCKETS)
		(void)snprintf(lru, sizeof(lru), "-");
	bar_text(n, most, bar);
	(void)printf("  %11s %13" PRIu64 " %5.1f %%  ", label, n,
	    info_share(n, accesses));
	if (lru[0] != '\0')
		(void)printf("%-*s %9s\n", BAR, bar, lru);
	else
		(void)printf("%s\n", bar);
}

static void
print_reuse(const struct info *in)
{
	const struct stats_result *const sr = in->in_result;
	const struct stats_hist *const sh = &sr->sr_reuse;
	uint64_t most = largest(sh);
	unsigned first, last;

	if (sr->sr_touched == 0)
		return;
	most = sr->sr_touched > most ? sr->sr_touched : most;
	(void)printf("\nreuse: different pages accessed between two accesses "
		     "to a page\n"
		     "  %11s %13s %7s  %-*s %9s\n",
	    "pages", "accesses", "share", BAR, "", "LRU misses");
	print_distance(in, STATS_BUCKETS, sr->sr_touched, most);
	if (used(&sh, 1, &first, &last))
		for (unsigned k = first; k <= last; k++)
			print_distance(in, k, sh->sh_bucket[k], most);
	(void)printf("  LRU misses: of a plain LRU memory of so many pages; "
		     "not the pager's\n");
	if (trace_meta(in->in_trace)->tm_window != 0)
		(void)printf("  -: below four windows; shorter distances were "
			     "not all recorded\n");
}

static void
print_steps(const struct stats_result *sr)
{
	const struct stats_seq *const sq = &sr->sr_seq;
	const struct stats_hist *const all[] = { &sq->sq_run[1], &sq->sq_run[0],
		&sq->sq_step[1], &sq->sq_step[0] };
	const uint64_t steps =
	    sq->sq_same + sq->sq_step[0].sh_count + sq->sq_step[1].sh_count;
	unsigned first, last;

	if (!sq->sq_complete || sq->sq_first == 0)
		return;
	(void)printf("\nsequence: from an access to the next of its thread in "
		     "its file\n"
		     "  next page %.1f %%, same page %.1f %%, previous page "
		     "%.1f %%, elsewhere %.1f %%\n",
	    info_share(sq->sq_step[1].sh_bucket[1], steps),
	    info_share(sq->sq_same, steps),
	    info_share(sq->sq_step[0].sh_bucket[1], steps),
	    info_share(steps - sq->sq_same - sq->sq_step[0].sh_bucket[1] -
		    sq->sq_step[1].sh_bucket[1],
		steps));
	(void)printf("  %11s %13s %13s %13s %13s\n", "pages", "runs up",
	    "runs down", "steps up", "steps down");
	if (!used(all, nitems(all), &first, &last))
		last = 1;
	for (unsigned k = 1; k <= last; k++) {
		char label[32];

		bucket_text(k, label, sizeof(label));
		(void)printf("  %11s %13" PRIu64 " %13" PRIu64 " %13" PRIu64
			     " %13" PRIu64 "\n",
		    label, k == 1 ? sq->sq_alone : all[0]->sh_bucket[k],
		    all[1]->sh_bucket[k], all[2]->sh_bucket[k],
		    all[3]->sh_bucket[k]);
	}
}

/* Do rows of this kind tell something? */
static bool
sync_shown(const struct stats_result *sr, unsigned kind)
{
	const uint64_t n = sr->sr_sync[kind].sy_count;

	if (kind != STATS_ANY)
		return n > 0;
	for (unsigned i = 0; i < STATS_ANY; i++)
		if (sr->sr_sync[i].sy_count == n)
			return false;
	return n > 0;
}

static void
print_runs(const struct stats_result *sr)
{
	const struct stats_hist *const sh = &sr->sr_sync[STATS_ANY].sy_runs;
	const uint64_t most = largest(sh);
	char label[32], bar[BAR + 1];
	unsigned first, last;

	if (!used(&sh, 1, &first, &last))
		return;
	(void)printf("\ndirty runs: consecutive dirty pages that syncs found\n"
		     "  %11s %13s %7s\n",
	    "pages", "runs", "share");
	for (unsigned k = first; k <= last; k++) {
		bucket_text(k, label, sizeof(label));
		bar_text(sh->sh_bucket[k], most, bar);
		(void)printf("  %11s %13" PRIu64 " %5.1f %%  %s\n", label,
		    sh->sh_bucket[k],
		    info_share(sh->sh_bucket[k], sh->sh_count), bar);
	}
}

static void
print_intervals(const struct stats_result *sr)
{
	bool cut = false;

	(void)
	    printf("\nsync intervals: time and accesses from one to the next\n"
		   "  %-15s %9s %9s %9s %9s %9s %9s\n",
		"kind", "median", "p90", "max", "median", "p90", "max");
	for (unsigned kind = 0; kind < STATS_NSYNCS; kind++) {
		const struct stats_spread *const st =
		    &sr->sr_sync[kind].sy_time;
		const struct stats_spread *const sa =
		    &sr->sr_sync[kind].sy_accesses;
		const bool some =
		    st->ss_kept < st->ss_count || sa->ss_kept < sa->ss_count;
		char text[3][32];

		if (!sync_shown(sr, kind) || st->ss_count == 0)
			continue;
		time_text(st->ss_median, text[0], sizeof(text[0]));
		time_text(st->ss_p90, text[1], sizeof(text[1]));
		time_text(st->ss_max, text[2], sizeof(text[2]));
		(void)printf("  %-15s %9s %9s %9s %9" PRIu64 " %9" PRIu64
			     " %9" PRIu64 "%s\n",
		    stats_sync_name[kind], text[0], text[1], text[2],
		    sa->ss_median, sa->ss_p90, sa->ss_max, some ? " *" : "");
		cut |= some;
	}
	if (cut)
		(void)printf("  *: median and p90 of the first ones only\n");
}

/* What each kind of sync found. */
static void
print_found(const struct stats_result *sr)
{
	(void)printf("\nsyncs, and the dirty pages that they found\n"
		     "  %-15s %8s %8s %9s %7s %9s %7s %7s\n",
	    "kind", "syncs", "clean", "pages", "a sync", "runs", "mean", "max");
	for (unsigned kind = 0; kind < STATS_NSYNCS; kind++) {
		const struct stats_sync *const sy = &sr->sr_sync[kind];

		if (!sync_shown(sr, kind))
			continue;
		(void)printf("  %-15s %8" PRIu64 " %8" PRIu64 " %9" PRIu64
			     " %7.1f %9" PRIu64 " %7.1f %7" PRIu64 "\n",
		    stats_sync_name[kind], sy->sy_count, sy->sy_clean,
		    sy->sy_pages.sh_sum, mean(&sy->sy_pages),
		    sy->sy_runs.sh_count, mean(&sy->sy_runs),
		    sy->sy_runs.sh_max);
	}
	(void)printf("  dirty in all %" PRIu64 ", dropped by truncate %" PRIu64
		     ", left dirty %" PRIu64 "\n",
	    sr->sr_dirtied, sr->sr_dropped, sr->sr_dirty);
	print_runs(sr);
}

static void
print_syncs(const struct stats_result *sr)
{
	if (sr->sr_sync[STATS_ANY].sy_count == 0)
		return;
	if (sr->sr_pages_complete)
		print_found(sr);
	print_intervals(sr);
}

static void
print_parts(const struct stats_result *sr)
{
	char text[32], bar[BAR + 1];
	uint64_t most = 0;

	if (sr->sr_nparts < 2)
		return;
	for (size_t i = 0; i < sr->sr_nparts; i++)
		if (sr->sr_part[i].st_pages > most)
			most = sr->sr_part[i].st_pages;
	time_text(sr->sr_part_ns, text, sizeof(text));
	(void)printf("\nworking set: different pages accessed in each %s\n"
		     "  %11s %13s %10s %10s\n",
	    text, "from s", "accesses", "pages", "new");
	for (size_t i = 0; i < sr->sr_nparts; i++) {
		const struct stats_part *const st = &sr->sr_part[i];

		bar_text(st->st_pages, most, bar);
		(void)printf("  %11.6f %13" PRIu64 " %10" PRIu64 " %10" PRIu64
			     "  %s\n",
		    (double)(sr->sr_first + i * sr->sr_part_ns) * 1e-9,
		    st->st_accesses, st->st_pages, st->st_first, bar);
	}
}

void
info_tables(const struct info *in)
{
	const struct stats_result *const sr = in->in_result;

	print_steps(sr);
	if (sr->sr_reuse_known)
		print_reuse(in);
	print_syncs(sr);
	print_parts(sr);
	if (!sr->sr_pages_complete)
		(void)printf("\nleft out: reuse, dirty pages and working sets, "
			     "as the pages take more memory\nthan --limit "
			     "allows\n");
	else if (!sr->sr_reuse_known)
		(void)printf("\nleft out: reuse, by --fast\n");
	if (!sr->sr_seq.sq_complete)
		(void)printf("\nleft out: sequence, as there are too many "
			     "threads and files\n");
}
