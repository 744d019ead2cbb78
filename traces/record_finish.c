#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "traces/assemble.h"
#include "traces/record_i.h"

/* What the records of a mode are like. */
static const struct assemble_param by_mode[RECORD_NMODES] = {
	/* The library empties the window by madvise(2); what the kernel says
	 * twice in between it says because it had to try again. */
	[RECORD_KERNEL] = { .ap_window = RECORD_INF,
	    .ap_gup = true,
	    .ap_flush = true,
	    .ap_resident = true },
	/* The library has left out what is in the window, and looked at all
	 * buffers. */
	[RECORD_PRELOAD] = { .ap_window = 0 },
	[RECORD_VALGRIND] = { .ap_window = 1,
	    .ap_buffers = true,
	    .ap_gup = true },
};

/* The spool's head: mode, window, and lines of the preamble. */
static int
head_parse(const char *spool, const char *head, enum record_mode *modep,
    uint64_t *windowp, const char **notesp, struct errmsg *em)
{
	const char *nl = strchr(head, '\n');
	char *end;

	for (unsigned i = 0; nl != NULL && i < RECORD_NMODES; i++)
		if (strlen(record_mode_name[i]) == (size_t)(nl - head) &&
		    strncmp(record_mode_name[i], head, (size_t)(nl - head)) ==
			0) {
			*modep = (enum record_mode)i;
			*windowp = strtoull(nl + 1, &end, 10);
			*notesp = end + 1;
			return *end == '\n' ?
			    0 :
			    ERRMSG(em, EINVAL, "%s: has no head", spool);
		}
	return ERRMSG(em, EINVAL, "%s: is of a newer uvn", spool);
}

static int
assemble_all(struct spool *sp, struct assembler *as, uint64_t *np,
    struct errmsg *em)
{
	struct raw rw;
	bool more;
	int error;

	*np = 0;
	do {
		error = spool_next(sp, &rw, &more, em);
		if (error == 0 && more)
			error = assemble_put(as, &rw, em);
		*np += more;
	} while (error == 0 && more);
	return error;
}

/* Notes, and a line for each thing that was not seen. */
static char *
all_notes(const char *notes, const uint64_t *counts)
{
	char *text = NULL;
	size_t len;
	FILE *fp = open_memstream(&text, &len);

	if (fp == NULL)
		return NULL;
	(void)fputs(notes, fp);
	(void)fprintf(fp, "#lost %" PRIu64 "\n", counts[RECORD_LOST]);
	for (unsigned i = 0; i < RECORD_NCOUNTS; i++)
		if (counts[i] != 0 && i != RECORD_LOST)
			(void)fprintf(fp, "#unseen %s %" PRIu64 "\n",
			    record_count_name[i], counts[i]);
	if (fclose(fp) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int
sink_all(struct sink *sk, const struct record_param *rp,
    const struct assembler *as, uint64_t window, const char *notes,
    struct record_done *rd, struct errmsg *em)
{
	const uint64_t *counts = assemble_counts(as);
	struct sink_param sp = {
		.sp_form = rp->rp_form,
		.sp_page = (uint32_t)sysconf(_SC_PAGESIZE),
		.sp_window = window,
		.sp_base_names = rp->rp_base_names,
		.sp_rebase = true,
	};
	char *text = all_notes(notes, counts);
	int error;

	if (text == NULL)
		return ERRMSG(em, ENOMEM, "no memory to make a trace");
	sp.sp_notes = text;
	error = sink_finish(sk, &sp, &rd->rd_report.rr_events, em);
	free(text);
	memcpy(rd->rd_report.rr_count, counts, sizeof(rd->rd_report.rr_count));
	for (uint32_t i = 1; i <= sink_files(sk); i++)
		rd->rd_report.rr_files += sink_info(sk, i)->si_wanted &&
		    sink_info(sk, i)->si_count > 0;
	return error;
}

static int
make_trace(struct spool *sp, const struct assemble_param *ap, uint64_t window,
    const char *notes, const struct record_param *rp, struct record_done *rd,
    struct errmsg *em)
{
	struct assembler *as = NULL;
	struct sink *sk = NULL;
	int error = sink_create(rp->rp_to, &sk, em);

	if (error == 0)
		error = assemble_create(sk, ap, &as, em);
	if (error == 0)
		error = assemble_all(sp, as, &rd->rd_records, em);
	if (error == 0)
		error = assemble_finish(as, em);
	if (error == 0)
		error = sink_all(sk, rp, as, window, notes, rd, em);
	assemble_destroy(as);
	sink_destroy(sk);
	return error;
}

int
record_finish(const char *spool, const struct record_param *rp,
    struct record_done *rd, struct errmsg *em)
{
	struct assemble_param ap;
	struct spool *sp;
	const char *notes;
	enum record_mode mode = 0;
	uint64_t window = 0;
	int error = spool_open(spool, &sp, em);

	if (error != 0)
		return error;
	error = head_parse(spool, spool_head(sp), &mode, &window, &notes, em);
	if (error == 0) {
		rd->rd_mode = mode;
		ap = by_mode[mode];
		ap.ap_select = rp->rp_select;
		ap.ap_page = (uint32_t)sysconf(_SC_PAGESIZE);
		ap.ap_ignore = RECORD_FOLDER;
		/* Valgrind tells all; the window is made here. */
		if (mode == RECORD_VALGRIND)
			ap.ap_window = window;
		error = make_trace(sp, &ap, window, notes, rp, rd, em);
	}
	spool_close(sp);
	return error;
}
