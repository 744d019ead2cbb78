#include <stdio.h>

#include "analysis/embed.h"
#include "analysis/figures_impl.h"

const char *const figure_ext[FIGURE_NFILES] = {
	[FIGURE_DATA] = "dat",
	[FIGURE_SCRIPT] = "gp",
	[FIGURE_PNG] = "png",
	[FIGURE_SVG] = "svg",
	[FIGURE_PDF] = "pdf",
};

const char *const figure_scope_name[FIGURE_NSCOPES] = {
	[FIGURE_RUN] = "run",
	[FIGURE_SWEEP] = "sweep",
	[FIGURE_CALIBRATION] = "calibration",
};

/* Sweeps with the axes of the figure; better those that have no other. */
#define HAS(figure)                                                            \
	"SELECT others = 0 AND traces = 1 FROM figure_sweep_cell"              \
	" WHERE sweep = ?1 AND figure = '" figure "' LIMIT 1"
#define NOTES(figure)                                                          \
	"SELECT note FROM figure_sweep_note"                                   \
	" WHERE sweep = ?1 AND figure = '" figure "' UNION ALL"                \
	" SELECT note FROM figure_sweep_spread"                                \
	" WHERE sweep = ?1 AND figure = '" figure "'"

const struct figure figure_table[] = {
	{
	    .fg_name = "flush",
	    .fg_title = "figure 1: cost of a flush by list and by hash against "
			"its range",
	    .fg_scope = FIGURE_RUN,
	    .fg_select = "SELECT curve, range_pages, ns, ns_low, ns_high,"
			 " flushes, object_pages FROM figure_1_flush"
			 " WHERE run = ?1 ORDER BY curve DESC, range_pages",
	    .fg_has = "SELECT 1 FROM flush WHERE run = ?1 AND"
		      " list_ns IS NOT NULL LIMIT 1",
	    .fg_facts = "SELECT DISTINCT 'object', object_pages"
			" FROM figure_1_flush WHERE run = ?1",
	    .fg_curves = 2,
	    .fg_template = embed_flush_gp,
	    .fg_absent =
		"no run measured both methods; uvn replay --flush-both "
		"does",
	},
	{
	    .fg_name = "penalty",
	    .fg_title = "figure 2: cost of flushes and writes by hash_penalty",
	    .fg_scope = FIGURE_SWEEP,
	    .fg_select = "SELECT hash_penalty, cpu_ns, cpu_ns_low, cpu_ns_high,"
			 " writes, writes_low, writes_high, repeats"
			 " FROM figure_2_penalty WHERE sweep = ?1"
			 " ORDER BY hash_penalty",
	    .fg_has = HAS("penalty"),
	    .fg_notes = NOTES("penalty"),
	    .fg_template = embed_penalty_gp,
	    .fg_absent = "no finished cell along an axis hash_penalty",
	},
	{
	    .fg_name = "heat",
	    .fg_title = "figure 3: throughput and writes by hash_penalty and "
			"cluster size",
	    .fg_scope = FIGURE_SWEEP,
	    .fg_select =
		"SELECT dense_rank() OVER (ORDER BY hash_penalty) AS column,"
		" dense_rank() OVER (ORDER BY cluster) AS row, hash_penalty,"
		" cluster, rate, writes, rate_low, rate_high, writes_low,"
		" writes_high, repeats FROM figure_3_heat WHERE sweep = ?1"
		" ORDER BY cluster, hash_penalty",
	    .fg_has = HAS("heat"),
	    .fg_notes = NOTES("heat"),
	    .fg_template = embed_heat_gp,
	    .fg_absent = "no finished cell along axes hash_penalty and cluster",
	},
	{
	    .fg_name = "cluster",
	    .fg_title = "figure 4: throughput, writes and latency by cluster "
			"size and policy",
	    .fg_scope = FIGURE_SWEEP,
	    .fg_select =
		"SELECT cluster_policy AS curve, cluster, rate, rate_low,"
		" rate_high, writes, writes_low, writes_high, p99_ns,"
		" p99_ns_low, p99_ns_high, repeats FROM figure_4_cluster"
		" WHERE sweep = ?1"
		" ORDER BY instr('forward aligned around', curve), cluster",
	    .fg_curves = 3,
	    .fg_has = HAS("cluster"),
	    .fg_facts = "SELECT 'synced', coalesce((SELECT kind"
			" FROM figure_sweep_cell AS cell"
			" JOIN latency ON latency.run = cell.run"
			" WHERE cell.sweep = ?1 AND figure = 'cluster'"
			" AND outcome = 'ok' AND timed > 0"
			" AND kind IN ('msync', 'fsync', 'sync')"
			" ORDER BY kind = 'msync' DESC, kind = 'fsync' DESC"
			" LIMIT 1), '')",
	    .fg_notes = NOTES("cluster"),
	    .fg_template = embed_cluster_gp,
	    .fg_absent = "no finished cell along an axis cluster",
	},
	{
	    .fg_name = "latency",
	    .fg_title = "figure 5: distribution of latencies by operation",
	    .fg_scope = FIGURE_RUN,
	    .fg_select =
		"SELECT CASE outcome WHEN 'ok' THEN kind"
		" ELSE kind || ', ' || outcome END AS curve,"
		" latency_ns, fraction FROM figure_5_latency WHERE run = ?1"
		" ORDER BY total_ns DESC, curve, latency_ns, fraction",
	    .fg_curves = FIGURE_CURVES,
	    .fg_order = "that took most time",
	    .fg_template = embed_latency_gp,
	    .fg_absent = "the run timed no operation",
	},
	{
	    .fg_name = "faultahead",
	    .fg_title = "figure 7: faults by the windows ahead and behind",
	    .fg_scope = FIGURE_SWEEP,
	    .fg_select =
		"SELECT fault_back || ' behind' AS curve, fault_forward,"
		" faults, faults_low, faults_high, misses, misses_low,"
		" misses_high, repeats FROM figure_7_faultahead"
		" WHERE sweep = ?1 ORDER BY fault_back, fault_forward",
	    .fg_curves = FIGURE_CURVES,
	    .fg_order = "with the smallest windows behind",
	    .fg_has = HAS("faultahead"),
	    .fg_notes = NOTES("faultahead"),
	    .fg_template = embed_faultahead_gp,
	    .fg_absent = "no finished cell along an axis fault_forward",
	},
	{
	    .fg_name = "rates",
	    .fg_title = "figure 8: hit rate, pages and I/O under way over "
			"trace time",
	    .fg_scope = FIGURE_RUN,
	    .fg_select =
		"SELECT time_ns, hit_rate, dirty, free, active, inactive,"
		" depth, depth_most"
		" FROM figure_8_rates WHERE run = ?1 ORDER BY time_ns",
	    .fg_facts = "SELECT 'depth', coalesce(max(depth_most), -1)"
			" FROM figure_8_rates WHERE run = ?1",
	    .fg_template = embed_rates_gp,
	    .fg_absent = "the run has no intervals",
	},
	{
	    .fg_name = "threads",
	    .fg_title = "figure 8, by thread: latencies, and what was waited "
			"for",
	    .fg_scope = FIGURE_RUN,
	    .fg_select =
		"SELECT CASE part WHEN 'wait' THEN 'wait: ' || kind"
		" ELSE kind END AS curve, thread, low_ns, high_ns, most_ns,"
		" total_ns FROM figure_8_threads WHERE run = ?1"
		" ORDER BY part DESC, CASE part WHEN 'wait' THEN kind END DESC,"
		" sum(total_ns) OVER (PARTITION BY part, kind) DESC,"
		" curve, thread",
	    .fg_facts = "SELECT 'threads', (SELECT group_concat(name, ' ') FROM"
			" (SELECT DISTINCT thread, name FROM figure_8_threads"
			" WHERE run = ?1 ORDER BY thread))",
	    .fg_curves = FIGURE_CURVES,
	    .fg_order = "that took most time",
	    .fg_template = embed_threads_gp,
	    .fg_absent = "the run timed no thread",
	},
	{
	    .fg_name = "calibration",
	    .fg_title = "figure 11: list step, lookup and break-even penalty "
			"by object size",
	    .fg_scope = FIGURE_CALIBRATION,
	    .fg_select = "SELECT curve, pages, ns, ns_low, ns_high, break_even,"
			 " break_even_low, break_even_high"
			 " FROM figure_11_calibration WHERE session = ?1"
			 " ORDER BY instr('list, fresh list, aged"
			 " list, shuffled lookup, aged', curve), pages",
	    .fg_curves = 4,
	    .fg_template = embed_calibration_gp,
	    .fg_absent = "the database has no calibration; uvn calibrate makes "
			 "one",
	},
	{
	    .fg_name = "clusters",
	    .fg_title = "distribution of cluster sizes",
	    .fg_scope = FIGURE_RUN,
	    .fg_select =
		"SELECT 'page-' || direction AS curve, pages, count"
		" FROM figure_clusters WHERE run = ?1 ORDER BY curve, pages",
	    .fg_curves = 2,
	    .fg_template = embed_clusters_gp,
	    .fg_absent = "the run made no I/O",
	},
};
const size_t figure_count = nitems(figure_table);

_Static_assert(nitems(figure_table) <= FIGURES_MAX,
    "struct figures_report is too small");

char *
figure_path(const char *dir, const struct figure *fg, enum figure_file file)
{
	char *path;

	if (asprintf(&path, "%s/%s.%s", dir, fg->fg_name, figure_ext[file]) < 0)
		return NULL;
	return path;
}
