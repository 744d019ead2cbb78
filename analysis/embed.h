/*
 * embed: the files of this folder that are part of the program, as strings.
 */
#ifndef ANALYSIS_EMBED_H
#define ANALYSIS_EMBED_H

extern const char embed_views_sql[];
extern const char embed_report_sql[];
extern const char embed_report_css[];
extern const char embed_report_js[];
extern const char embed_common_gp[]; /* begins every script */
extern const char embed_access_gp[];
extern const char embed_latency_gp[];
extern const char embed_rates_gp[];
extern const char embed_threads_gp[];
extern const char embed_penalty_gp[];
extern const char embed_heat_gp[];
extern const char embed_cluster_gp[];
extern const char embed_faultahead_gp[];
extern const char embed_clusters_gp[];
extern const char embed_flush_gp[];
extern const char embed_calibration_gp[];

#endif
