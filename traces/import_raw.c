#include <errno.h>
#include <string.h>

#include "traces/import_i.h"
#include "traces/import_raw.h"
#include "traces/order.h"

/*
 * A file being read: from the parser, perhaps by way of an order, to the
 * assembler.
 */
struct reading {
	struct import *re_import;
	const struct text_format *re_format;
	void *re_parser;
	struct order *re_order; /* NULL: records come in order */
	struct assembler *re_as;
};

static int
assemble(void *to, const struct raw *rw, struct errmsg *em)
{
	const struct reading *re = to;

	return assemble_put(re->re_as, rw, em);
}

static int
sort(void *to, const struct raw *rw, struct errmsg *em)
{
	const struct reading *re = to;

	return order_put(re->re_order, rw, em);
}

static int
begin(struct reading *re, struct errmsg *em)
{
	const struct raw_out direct = { assemble, re }, sorted = { sort, re };
	const struct text_format *tf = re->re_format;
	struct import *im = re->re_import;
	struct assemble_param ap = tf->tf_param;
	int error;

	ap.ap_select = im->im_param->ip_select;
	ap.ap_page = (uint32_t)im->im_p->page;
	/* Where all accesses are in the input, a window thins them out. */
	if (ap.ap_window != 0 && im->im_param->ip_window != 0)
		ap.ap_window = im->im_param->ip_window;
	im->im_window = tf->tf_window;
	im->im_clock = tf->tf_clock;
	error = assemble_create(im->im_sink, &ap, &re->re_as, em);
	if (error == 0 && tf->tf_order > 0)
		error = order_create(&direct, tf->tf_order, &re->re_order, em);
	if (error != 0)
		return error;
	return tf->tf_create(tf->tf_order > 0 ? &sorted : &direct,
	    ap.ap_select.rs_code, &re->re_parser, em);
}

static int
lines(struct reading *re, struct errmsg *em)
{
	struct import *im = re->re_import;
	char *line;
	int error;

	while ((error = import_line(im, &line, em)) == 0 && line != NULL) {
		struct errmsg why = { .em_text = "" };

		error = re->re_format->tf_line(re->re_parser, line,
		    strlen(line), &why);
		if (error == EBADMSG)
			error = import_malformed(im, em, "%s", why.em_text);
		else if (error != 0)
			errmsg_put(em, "%s", why.em_text);
		if (error != 0)
			break;
	}
	return error;
}

static int
end(struct reading *re, struct errmsg *em)
{
	struct import *im = re->re_import;
	struct errmsg why = { .em_text = "" };
	int error = re->re_format->tf_end(re->re_parser, &why);

	if (error == EBADMSG)
		return ERRMSG(em, EINVAL, "%s: %s", im->im_in.in_path,
		    why.em_text);
	if (error != 0)
		return ERRMSG(em, error, "%s", why.em_text);
	if (re->re_order != NULL) {
		error = order_end(re->re_order, em);
		im->im_count[RECORD_DISORDERED] += order_late(re->re_order);
	}
	if (error == 0)
		error = assemble_finish(re->re_as, em);
	for (unsigned i = 0; i < RECORD_NCOUNTS; i++)
		im->im_count[i] += assemble_counts(re->re_as)[i];
	return error;
}

static int
read_all(struct import *im, const struct text_format *tf, struct errmsg *em)
{
	struct reading re = { .re_import = im, .re_format = tf };
	int error = begin(&re, em);

	if (error == 0)
		error = lines(&re, em);
	if (error == 0)
		error = end(&re, em);
	tf->tf_destroy(re.re_parser);
	order_destroy(re.re_order);
	assemble_destroy(re.re_as);
	return error;
}

int
bpftrace_import(struct import *im, struct errmsg *em)
{
	return read_all(im, &text_bpf, em);
}

int
lackey_import(struct import *im, struct errmsg *em)
{
	return read_all(im, &text_lackey, em);
}

int
perf_script_import(struct import *im, struct errmsg *em)
{
	return read_all(im, &text_perf, em);
}

int
perf_trace_import(struct import *im, struct errmsg *em)
{
	return read_all(im, &text_ptrace, em);
}

int
strace_import(struct import *im, struct errmsg *em)
{
	return read_all(im, &text_strace, em);
}
