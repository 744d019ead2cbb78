#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "replay/cmd_trace.h"

int
output_status(int error)
{
	return error == EINVAL ? UVN_INPUT :
	    error == EEXIST    ? UVN_USAGE :
				 UVN_ENVIRONMENT;
}

static bool
ends_with(const char *text, const char *end)
{
	const size_t len = strlen(text), n = strlen(end);

	return len >= n && strcmp(text + len - n, end) == 0;
}

int
output_form(const char *path, enum trace_form *form)
{
	static const struct {
		const char *end;
		enum trace_form form;
	} ends[] = {
		{ ".uvt", TRACE_UVT },
		{ ".csv", TRACE_CSV },
		{ ".csv.zst", TRACE_CSV_ZST },
	};

	if (strcmp(path, "-") == 0 || strcmp(path, "/dev/null") == 0)
		return UVN_OK;
	for (size_t i = 0; i < nitems(ends); i++)
		if (ends_with(path, ends[i].end)) {
			*form = ends[i].form;
			return UVN_OK;
		}
	return complain(UVN_USAGE,
	    "%s: which form? name the output .uvt, .csv or .csv.zst", path);
}

int
input_open(const char *path, unsigned flags, struct trace_reader **trp)
{
	struct errmsg em = { .em_text = "" };
	const int error = trace_open(path, flags, trp, &em);

	if (error != 0)
		return complain((int)exit_status(error), "%s", em.em_text);
	return UVN_OK;
}

int
input_next(struct trace_reader *tr, const struct trace_event **evp, size_t *np)
{
	struct errmsg em = { .em_text = "" };
	const int error = trace_next(tr, evp, np, &em);

	if (error != 0)
		return complain((int)exit_status(error), "%s", em.em_text);
	return UVN_OK;
}

void
input_salvaged(const struct trace_reader *tr, const char *path)
{
	uint64_t blocks, events;

	trace_salvaged(tr, &blocks, &events);
	if (blocks > 0)
		(void)complain(UVN_OK,
		    "%s: left out %" PRIu64 " damaged blocks with %" PRIu64
		    " events",
		    path, blocks, events);
}

int
copy_all(struct trace_reader *tr, const char *path, enum trace_form form)
{
	struct errmsg em = { .em_text = "" };
	struct trace_writer *tw;
	const struct trace_event *ev;
	size_t n;
	int status;
	int error = trace_create(path, form, trace_meta(tr), &tw, &em);

	if (error != 0)
		return complain(output_status(error), "%s", em.em_text);
	do {
		status = input_next(tr, &ev, &n);
		if (status == UVN_OK)
			error = trace_put(tw, ev, n, &em);
	} while (status == UVN_OK && error == 0 && n > 0);
	if (status != UVN_OK || error != 0)
		trace_abandon(tw);
	else
		error = trace_finish(tw, &em);
	if (error != 0)
		return complain(output_status(error), "%s", em.em_text);
	return status;
}
