#include "analysis/embed.h"
#include "analysis/analysis.h"

/*
 * The assembler reads the file, relative to the root of the source, and ends it
 * with a zero byte.  make knows the dependency: "embedded" in the Makefile.
 */
#define EMBED(symbol, file) EMBED_FILES(symbol, FILE_OF(file))
#define FILE_OF(file)	    ".incbin \"" file "\"\n"
#define EMBED_FILES(symbol, files)                                             \
	__asm__(".section .rodata\n"                                           \
		".global " #symbol "\n"                                        \
		".type " #symbol ", %object\n" #symbol ":\n" files ".byte 0\n" \
		".size " #symbol ", . - " #symbol "\n"                         \
		".previous\n")

EMBED_FILES(embed_views_sql,
    FILE_OF("analysis/views.sql") FILE_OF("analysis/views_flush.sql") FILE_OF(
	"analysis/views_sweep.sql") FILE_OF("analysis/views_calibration.sql"));
EMBED(embed_report_sql, "analysis/report.sql");
EMBED(embed_report_css, "analysis/report.css");
EMBED(embed_report_js, "analysis/report.js");
EMBED(embed_common_gp, "analysis/common.gp");
EMBED(embed_access_gp, "analysis/access.gp");
EMBED(embed_latency_gp, "analysis/latency.gp");
EMBED(embed_rates_gp, "analysis/rates.gp");
EMBED(embed_threads_gp, "analysis/threads.gp");
EMBED(embed_penalty_gp, "analysis/penalty.gp");
EMBED(embed_heat_gp, "analysis/heat.gp");
EMBED(embed_cluster_gp, "analysis/cluster.gp");
EMBED(embed_faultahead_gp, "analysis/faultahead.gp");
EMBED(embed_clusters_gp, "analysis/clusters.gp");
EMBED(embed_flush_gp, "analysis/flush.gp");
EMBED(embed_calibration_gp, "analysis/calibration.gp");

const char *
analysis_views_sql(void)
{
	return embed_views_sql;
}
