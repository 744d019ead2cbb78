#include "tests/traces/importtest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "traces/trace_i.h"

static void
settings_apply(const struct tunable *table, size_t n, void *base,
    const char *const *settings)
{
	struct errmsg em = { .em_text = "" };

	tunable_defaults(table, n, base);
	for (; *settings != NULL; settings++) {
		const char *value = strchr(*settings, '=') + 1;
		const struct tunable *tn;
		char *name =
		    strndup(*settings, (size_t)(value - *settings - 1));
		uint64_t v;

		tn = tunable_find(table, n, name);
		free(name);
		assert_non_null(tn);
		must_em(tunable_parse(tn, value, &v, &em), &em);
		tunable_set(tn, base, v);
	}
}

void
import_with(struct imported *it, const char *const *settings)
{
	*it = (struct imported){ .it_n = 0 };
	settings_apply(import_table, import_count, &it->it_param.ip_param,
	    settings);
}

static void
import_file(struct imported *it, const char *format, const char *path)
{
	const struct trace_format *fm = trace_format_find(format);

	assert_non_null(fm);
	must_em(import_param_check(&it->it_param.ip_param, &it->it_em),
	    &it->it_em);
	it->it_error = trace_import(fm, path, &it->it_param, "out.uvt",
	    TRACE_UVT, &it->it_report, &it->it_em);
	if (it->it_error == 0)
		it->it_ev = events_read("out.uvt", TRACE_VERIFY, &it->it_n);
	else
		assert_string_not_equal(it->it_em.em_text, "");
}

void
import_bytes(struct imported *it, const char *format, const void *data,
    size_t len)
{
	file_write("in", data, len);
	import_file(it, format, "in");
}

void
import_text(struct imported *it, const char *format, const char *text)
{
	import_bytes(it, format, text, strlen(text));
}

void
import_path(struct imported *it, const char *format, const char *path)
{
	char name[8192];

	if (strncmp(path, "./", 2) == 0)
		(void)snprintf(name, sizeof(name), "%s", path);
	else
		(void)snprintf(name, sizeof(name), "%s/%s", tracetest_top(),
		    path);
	import_file(it, format, name);
	if (it->it_error != 0)
		fail_msg("%s: %s", path, it->it_em.em_text);
}

void
imported_fini(struct imported *it)
{
	free(it->it_ev);
	it->it_ev = NULL;
}

void
import_refused(const char *format, const char *text, const char *word,
    const char *word2)
{
	struct imported it;

	import_with(&it, NO_SETTINGS);
	import_text(&it, format, text);
	assert_int_equal(it.it_error, EINVAL);
	assert_false(it.it_report.rr_output);
	assert_null(strchr(it.it_em.em_text, '\n'));
	if (strstr(it.it_em.em_text, word) == NULL ||
	    strstr(it.it_em.em_text, word2) == NULL)
		fail_msg("not both '%s' and '%s': %s", word, word2,
		    it.it_em.em_text);
}

void
head_has(const char *line)
{
	struct errmsg em = { .em_text = "" };
	struct trace_reader *tr;
	char want[1024];

	(void)snprintf(want, sizeof(want), "\n%s\n", line);
	must_em(trace_open("out.uvt", 0, &tr, &em), &em);
	if (strstr(trace_meta(tr)->tm_head, want) == NULL)
		fail_msg("no line '%s' in:\n%s", line, trace_meta(tr)->tm_head);
	trace_close(tr);
}

/* What of a text goes before its newline, if there is one. */
static void
line_check(const char **textp, const char *line)
{
	const size_t len = strcspn(*textp, "\n");

	if (strlen(line) != len || memcmp(*textp, line, len) != 0)
		fail_msg("'%s', not '%.*s'", line, (int)len, *textp);
	*textp += len + ((*textp)[len] == '\n');
}

void
events_are(const struct imported *it, const char *text)
{
	if (it->it_error != 0)
		fail_msg("%s", it->it_em.em_text);
	for (size_t i = 0; i < it->it_n; i++) {
		const struct trace_event *te = &it->it_ev[i];
		char flags[TRACE_FLAGS_MAX + 1], line[1024], time[32] = "";

		flags[trace_flags_text(te->te_flags, te->te_order, flags)] =
		    '\0';
		if (text[0] == 't' && text[1] == ' ')
			(void)snprintf(time, sizeof(time), "t %" PRIu64 " ",
			    te->te_time);
		(void)snprintf(line, sizeof(line),
		    "%s%s %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu64 "%s%s",
		    time, trace_op_name[te->te_op], te->te_file, te->te_map,
		    te->te_offset, te->te_length, *flags != '\0' ? " " : "",
		    flags);
		line_check(&text, line);
	}
	assert_string_equal(text, "");
}

void
export_path(const char *format, const char *path, const char *to,
    const char *const *settings, struct record_report *rr)
{
	struct trace_export_param xp = { .xp_dir = NULL };
	struct errmsg em = { .em_text = "" };
	struct trace_reader *tr;

	settings_apply(export_table, export_count, &xp.xp_param, settings);
	must_em(trace_open(path, 0, &tr, &em), &em);
	must_em(trace_export(trace_format_find(format), tr, &xp, to, rr, &em),
	    &em);
	trace_close(tr);
}

void
files_are(const char *path, const char *text)
{
	struct errmsg em = { .em_text = "" };
	struct trace_reader *tr;

	must_em(trace_open(path, 0, &tr, &em), &em);
	for (size_t i = 0; i < trace_meta(tr)->tm_nfiles; i++) {
		const struct trace_file *tf = &trace_meta(tr)->tm_files[i];
		char line[1024];

		(void)snprintf(line, sizeof(line), "%" PRIu64 " %s",
		    tf->tf_size, tf->tf_path);
		line_check(&text, line);
	}
	assert_string_equal(text, "");
	trace_close(tr);
}
