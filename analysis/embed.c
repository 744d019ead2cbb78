#include "analysis/embed.h"
#include "analysis/analysis.h"

/*
 * The assembler reads the file, relative to the root of the source, and ends it
 * with a zero byte.  make knows the dependency: "embedded" in the Makefile.
 */
#define EMBED(symbol, file)                                                    \
	__asm__(".section .rodata\n"                                           \
		".global " #symbol "\n"                                        \
		".type " #symbol ", %object\n" #symbol ":\n"                   \
		".incbin \"" file "\"\n"                                       \
		".byte 0\n"                                                    \
		".size " #symbol ", . - " #symbol "\n"                         \
		".previous\n")

EMBED(embed_views_sql, "analysis/views.sql");
EMBED(embed_common_gp, "analysis/common.gp");
EMBED(embed_latency_gp, "analysis/latency.gp");
EMBED(embed_rates_gp, "analysis/rates.gp");
EMBED(embed_clusters_gp, "analysis/clusters.gp");

const char *
analysis_views_sql(void)
{
	return embed_views_sql;
}
