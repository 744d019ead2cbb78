#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "traces/import_i.h"

const struct tunable export_table[] = {
#define TUNABLE(field, kind, def, min, max, unit, choices, help)               \
	{ #field, TUN_##kind, offsetof(struct export_param, field), def, min,  \
		max, unit, choices, help },
#include "traces/export_param.def"
#undef TUNABLE
};
const size_t export_count = nitems(export_table);

static_assert(sizeof(struct export_param) ==
	nitems(export_table) * sizeof(uint64_t),
    "struct export_param holds rows only");

int
export_param_check(const struct trace_export_param *xp, struct errmsg *em)
{
	const char *dir = xp->xp_dir;

	/* fio has 256 bytes for a path, and blanks part the words of its log. */
	if (dir != NULL &&
	    (strlen(dir) > 240 || dir[strcspn(dir, " \t\r\n")] != '\0' ||
		*dir == '\0'))
		return ERRMSG(em, EINVAL,
		    "--dir: '%.60s' has blanks, or more than 240 bytes, or "
		    "none",
		    dir);
	return 0;
}

int
export_next(struct exporter *ex, const struct trace_event **evp, size_t *np,
    struct errmsg *em)
{
	const int error = trace_next(ex->ex_reader, evp, np, em);

	ex->ex_input = error != 0;
	return error;
}

int
export_printf(struct exporter *ex, struct errmsg *em, const char *fmt, ...)
{
	char buf[PATH_MAX + 256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	assert(n >= 0 && (size_t)n < sizeof(buf));
	return out_put(&ex->ex_out, buf, (size_t)n, em);
}

int
trace_export(const struct trace_format *fm, struct trace_reader *tr,
    const struct trace_export_param *xp, const char *to,
    struct record_report *rr, struct errmsg *em)
{
	const size_t len = strlen(to);
	const bool zst = len > 4 && strcmp(to + len - 4, ".zst") == 0;
	struct exporter ex = {
		.ex_format = fm,
		.ex_p = &xp->xp_param,
		.ex_dir = xp->xp_dir,
		.ex_reader = tr,
		.ex_to = to,
	};
	int error;

	*rr = (struct record_report){ 0 };
	ex.ex_out.out_fd = -1;
	error = export_may_replace(to, em);
	if (error == 0)
		error = out_open(&ex.ex_out, to, zst, em);
	if (error == 0)
		error = fm->fm_write(&ex, em);
	if (error == 0 && ex.ex_entries == 0) {
		ex.ex_input = true;
		error = ERRMSG(em, ENODATA,
		    "%s has a word for none of the trace's events",
		    fm->fm_name);
	}
	if (error == 0)
		error = out_finish(&ex.ex_out, em);
	out_fini(&ex.ex_out);
	rr->rr_output = !ex.ex_input;
	rr->rr_events = ex.ex_entries;
	rr->rr_files = ex.ex_files;
	memcpy(rr->rr_left, ex.ex_left, sizeof(rr->rr_left));
	return error;
}
