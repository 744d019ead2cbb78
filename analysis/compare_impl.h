/*
 * compare_impl: what the files of a comparison share.
 *
 *	compare.c		the values of two groups of runs
 *	compare_select.c	which runs a group has
 *	compare_apart.c		what the groups differ in as they were made
 *	compare_judge.c		what the values say
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

/* Fill cp_apart: tunables, host, build and so on that are not the same. */
int compare_apart(const struct group gr[2], struct compare_report *cp,
    struct errmsg *em) mustcheck;

/* One metric of all runs. */
struct metric {
	char me_name[COMPARE_NAME];
	int me_place; /* before those of a larger one, and of a later name */
	enum compare_unit me_unit;
	bool me_counter; /* deterministic: needs no test where it is constant */
	double *me_value; /* of the runs of A, then B; NaN: there is none */
};

/*
 * Judge metrics of cp_runs: fills a row each, cp_tests and cp_needed.  ENOMEM.
 */
int compare_judge(const struct compare_job *cj, const struct metric *me,
    size_t n, struct compare_report *cp) mustcheck;

#endif
