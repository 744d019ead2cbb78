/*
 * compare_impl: what the files of a comparison share.
 *
 *	compare.c		values of two groups, and what they say
 *	compare_select.c	which runs a group has
 */
#ifndef ANALYSIS_COMPARE_IMPL_H
#define ANALYSIS_COMPARE_IMPL_H

#include "analysis/figures_impl.h"

/* A group of runs of one database. */
struct group {
	const struct source *gr_source;
	char *gr_ids; /* "[1,2,3]", sorted; malloc'd */
	size_t gr_n;
	size_t gr_left; /* not complete */
	char gr_digest[40], gr_about[160];
};

/*
 * Find the runs that text selects.
 *
 * => EINVAL, ENOENT: em says what is wrong with it
 * => group_fini() in every case
 */
int group_select(const struct source *so, const char *text, struct group *gr,
    struct errmsg *em) mustcheck;
void group_fini(struct group *gr);

/* The values of one metric in both groups. */
struct metric {
	char me_name[64];
	bool me_counter; /* deterministic where it is constant */
	double *me_value[2];
	size_t me_n[2];
};

/*
 * Judge metrics: fills a row each, and cp_tests, cp_needed.  ENOMEM.
 */
int compare_judge(const struct compare_job *cj, struct metric *me, size_t n,
    struct compare_report *cp) mustcheck;

#endif
