/*
 * assemble: make a trace of raw records.
 *
 * It follows processes, their address spaces and descriptors as the calls
 * change them, gives files and maps numbers, and puts events into a sink.  All
 * recorders and the importers that see addresses or descriptors go through it.
 *
 *	assemble_create(sink, &ap, &as, em)
 *	assemble_put(as, &raw, em)	in the order of time
 *	assemble_finish(as, &ar, em)	files are judged: which are wanted
 *	sink_finish(sink, ...)
 *
 * docs/recording.md says what becomes of what.
 *
 * Private to traces/.
 */
#ifndef TRACES_ASSEMBLE_H
#define TRACES_ASSEMBLE_H

#include "traces/raw.h"
#include "traces/record.h"
#include "traces/sink.h"

struct assembler;

/* What the source of the records is like. */
struct assemble_param {
	struct record_select ap_select; /* files wanted */
	uint32_t ap_page;
	/*
	 * Accesses that come while a page has been seen are left out, until
	 * the window is full of other pages or all are to be seen again
	 * (FLUSH, calls that sync or change maps): 0: take all; RECORD_INF: a
	 * window without bounds, which the source empties by FLUSH
	 */
	uint64_t ap_window;
	bool
	    ap_buffers; /* it has no accesses by the kernel: make them of calls */
	bool ap_gup;   /* nor those of get_user_pages(): mlock, O_DIRECT, ... */
	bool ap_flush; /* madvise(MADV_DONTNEED_LOCKED) is a FLUSH */
	bool ap_resident; /* maps of exec(2) come as MAP, and code with them */
	const char *ap_ignore; /* folder of the recorder's own files; NULL */
};

/*
 * => sk must live until assemble_destroy(); ap is copied but for its strings
 * => ENOMEM
 */
int assemble_create(struct sink *sk, const struct assemble_param *ap,
    struct assembler **asp, struct errmsg *em) mustcheck;

/*
 * Take a record.
 *
 * => texts are copied
 * => fails only as sink_put() and sink_file() do: what a record says that
 *    cannot be is counted or left out
 */
int assemble_put(struct assembler *as, const struct raw *rw, struct errmsg *em)
    mustcheck;

/*
 * No more records: calls without a RETURN have happened, processes go on.
 * Marks the files in the sink that are wanted.
 */
int assemble_finish(struct assembler *as, struct errmsg *em) mustcheck;

/* What was counted on the way, by enum record_count. */
const uint64_t *assemble_counts(const struct assembler *as);
void assemble_destroy(struct assembler *as);

#endif
