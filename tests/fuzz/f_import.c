/* Importers: what they make is a trace; what they refuse, they explain. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "traces/record.h"

/*
 * What importers are told is a number's bits, that an input which begins with
 * '@' has as its second byte: samples are inputs as they are.
 */
static void
param_make(struct trace_import_param *ip, unsigned bits)
{
	*ip = (struct trace_import_param){ .ip_lenient = bits & 1 };
	tunable_defaults(import_table, import_count, &ip->ip_param);
	ip->ip_param.as = bits >> 1 & 1;
	ip->ip_param.flush = bits >> 2 & 1;
	ip->ip_param.ids = bits >> 3 & 3;
	ip->ip_param.action = bits >> 5 & 3;
	ip->ip_base_names = bits >> 7 & 1;
	ip->ip_select.rs_code = bits >> 6 & 1;
	ip->ip_select.rs_unmapped = bits >> 5 & 1;
}

/* How many events the trace has; it has to be one. */
static uint64_t
count_events(const char *path)
{
	struct errmsg em = { .em_text = "" };
	const struct trace_event *ev;
	struct trace_reader *tr;
	uint64_t events = 0;
	size_t n;

	FUZZ_CHECK(trace_open(path, 0, &tr, &em) == 0, "%s", em.em_text);
	do {
		FUZZ_CHECK(trace_next(tr, &ev, &n, &em) == 0, "%s", em.em_text);
		events += n;
	} while (n != 0);
	trace_close(tr);
	return events;
}

static void
refused(int error, const struct record_report *rr, const struct errmsg *em)
{
	FUZZ_CHECK(em->em_text[0] != '\0', "error %d without a word", error);
	FUZZ_CHECK(strchr(em->em_text, '\n') == NULL, "two lines: %s",
	    em->em_text);
	FUZZ_CHECK(error == EINVAL || error == EILSEQ || error == ENODATA,
	    "error %d: %s", error, em->em_text);
	FUZZ_CHECK(!rr->rr_output, "the output is blamed: %s", em->em_text);
	FUZZ_CHECK(access(fuzz_output(), F_OK) != 0, "an output is left");
}

void
fuzz_import(const char *name, const uint8_t *data, size_t size)
{
	const struct trace_format *fm = trace_format_find(name);
	struct errmsg em = { .em_text = "" };
	struct trace_import_param ip;
	struct record_report rr;
	unsigned bits = 0;
	int error;

	if (size >= 2 && data[0] == '@') {
		bits = data[1];
		data += 2;
		size -= 2;
	}
	param_make(&ip, bits);
	error = trace_import(fm, fuzz_file(data, size), &ip, fuzz_output(),
	    TRACE_CSV, &rr, &em);
	if (error != 0) {
		refused(error, &rr, &em);
		return;
	}
	FUZZ_CHECK(count_events(fuzz_output()) == rr.rr_events,
	    "not the %" PRIu64 " events that were reported", rr.rr_events);
	FUZZ_CHECK(rr.rr_events > 0, "a trace without events");
	(void)unlink(fuzz_output());
}
