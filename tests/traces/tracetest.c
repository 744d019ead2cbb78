#include "tests/traces/tracetest.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[4096];
static char folder[32];

const char *
tracetest_top(void)
{
	return top;
}

int
tracetest_setup(void **state)
{
	(void)state;
	if (getcwd(top, sizeof(top)) == NULL)
		return -1;
	(void)snprintf(folder, sizeof(folder), "/tmp/uvn-test-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	return chdir(folder);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
tracetest_teardown(void **state)
{
	(void)state;
	if (chdir(top) != 0)
		return -1;
	return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
file_write(const char *path, const void *data, size_t len)
{
	FILE *fp = fopen(path, "we");

	assert_non_null(fp);
	assert_int_equal(fwrite(data, 1, len, fp), len);
	must(fclose(fp));
}

void
text_write(const char *path, const char *text)
{
	file_write(path, text, strlen(text));
}

struct blob
file_read(const char *path)
{
	struct blob bl = { 0 };
	struct stat st;
	FILE *fp = fopen(path, "re");

	assert_non_null(fp);
	must(fstat(fileno(fp), &st));
	bl.bl_len = (size_t)st.st_size;
	bl.bl_data = malloc(bl.bl_len + 1);
	assert_non_null(bl.bl_data);
	assert_int_equal(fread(bl.bl_data, 1, bl.bl_len, fp), bl.bl_len);
	bl.bl_data[bl.bl_len] = '\0';
	must(fclose(fp));
	return bl;
}

bool
file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

struct trace_event *
events_read(const char *path, unsigned flags, size_t *np)
{
	struct errmsg em = { .em_text = "" };
	struct trace_reader *tr;
	const struct trace_event *ev;
	struct trace_event *all = NULL;
	size_t n, total = 0;

	must_em(trace_open(path, flags, &tr, &em), &em);
	for (;;) {
		must_em(trace_next(tr, &ev, &n, &em), &em);
		if (n == 0)
			break;
		all = reallocarray(all, total + n, sizeof(*all));
		assert_non_null(all);
		memcpy(all + total, ev, n * sizeof(*ev));
		total += n;
	}
	trace_close(tr);
	*np = total;
	return all;
}

int
read_through(const char *path, unsigned flags, uint64_t *eventsp,
    struct errmsg *em)
{
	struct trace_reader *tr;
	const struct trace_event *ev;
	size_t n;
	int error;

	*em = (struct errmsg){ .em_text = "" };
	*eventsp = 0;
	error = trace_open(path, flags, &tr, em);
	if (error != 0)
		return error;
	do {
		error = trace_next(tr, &ev, &n, em);
		*eventsp += n;
	} while (error == 0 && n > 0);
	trace_close(tr);
	return error;
}

static enum trace_form
form_of(const char *path)
{
	if (strstr(path, ".uvt") != NULL)
		return TRACE_UVT;
	return strstr(path, ".zst") != NULL ? TRACE_CSV_ZST : TRACE_CSV;
}

void
trace_copy(const char *from, const char *to)
{
	struct errmsg em = { .em_text = "" };
	struct trace_reader *tr;
	struct trace_writer *tw;
	const struct trace_event *ev;
	size_t n;

	must_em(trace_open(from, TRACE_VERIFY, &tr, &em), &em);
	must_em(trace_create(to, form_of(to), trace_meta(tr), &tw, &em), &em);
	do {
		must_em(trace_next(tr, &ev, &n, &em), &em);
		must_em(trace_put(tw, ev, n, &em), &em);
	} while (n > 0);
	must_em(trace_finish(tw, &em), &em);
	trace_close(tr);
}

void
digest_of(const char *path, char digest[33])
{
	struct errmsg em = { .em_text = "" };
	struct trace_reader *tr;
	const struct trace_event *ev;
	size_t n;

	must_em(trace_open(path, 0, &tr, &em), &em);
	do {
		must_em(trace_next(tr, &ev, &n, &em), &em);
	} while (n > 0);
	must(trace_digest(tr, digest));
	trace_close(tr);
}

/* A number of any size, small ones as likely as large ones. */
static uint64_t
any(struct dice *d, unsigned bits)
{
	return dice_next(d) >> (64 - 1 - dice_below(d, bits));
}

static void
flags_random(struct dice *d, struct trace_event *te)
{
	static const uint16_t tries = 8;

	for (unsigned i = 0; i < tries; i++) {
		te->te_flags =
		    (uint32_t)dice_next(d) & trace_op_flags[te->te_op];
		te->te_order = (uint16_t)dice_below(d, 6);
		if (dice_below(d, 2) != 0)
			te->te_order = 0;
		if (trace_event_check(te) == NULL)
			return;
	}
	te->te_flags = 0;
	te->te_order = 0;
}

struct trace_event *
events_random(struct dice *d, size_t n, uint32_t nfiles)
{
	struct trace_event *ev = calloc(n + 1, sizeof(*ev));
	uint64_t time = any(d, 40);
	unsigned mode = 0;

	assert_non_null(ev);
	for (size_t i = 0; i < n; i++) {
		struct trace_event *te = &ev[i];

		if (i % 1000 == 0)
			mode = (unsigned)dice_below(d, 4);
		time += mode == 0 ? 0 : mode == 1 ? 1000 : any(d, 12 * mode);
		te->te_time = time;
		te->te_op = (uint8_t)dice_below(d, TRACE_NOPS);
		te->te_file = 1 + (uint32_t)dice_below(d, nfiles);
		te->te_map = 1 + (uint32_t)any(d, mode == 2 ? 31 : 3);
		te->te_pid = (uint32_t)any(d, mode == 2 ? 32 : 2);
		te->te_tid = (uint32_t)any(d, mode == 3 ? 32 : 2);
		te->te_offset = any(d, mode == 2 ? 62 : 30) & ~(uint64_t)4095;
		te->te_length = mode == 2 ? any(d, 62) : 4096;
		flags_random(d, te);
		assert_null(trace_event_check(te));
	}
	return ev;
}

void
meta_fill(struct trace_meta *tm, struct trace_file *files, uint32_t nfiles)
{
	static char name[] = "some/file, with a comma";

	for (uint32_t i = 0; i < nfiles; i++)
		files[i] =
		    (struct trace_file){ i + 1, 4096 * (uint64_t)i, name };
	*tm = (struct trace_meta){
		.tm_version = 1,
		.tm_page = 4096,
		.tm_files = files,
		.tm_nfiles = nfiles,
	};
}

void
events_write(const char *path, enum trace_form form,
    const struct trace_meta *tm, const struct trace_event *ev, size_t n)
{
	struct errmsg em = { .em_text = "" };
	struct trace_writer *tw;

	must_em(trace_create(path, form, tm, &tw, &em), &em);
	/* In parts, as no part is special. */
	for (size_t at = 0, part = 1; at < n; at += part, part = part * 2 + 1) {
		if (part > n - at)
			part = n - at;
		must_em(trace_put(tw, ev + at, part, &em), &em);
	}
	must_em(trace_finish(tw, &em), &em);
}

struct trace_gen *
trace_gen_make(const char *const *settings)
{
	struct errmsg em = { .em_text = "" };
	struct trace_gen_param gp;
	struct trace_gen *tg;

	tunable_defaults(trace_gen_table, trace_gen_count, &gp);
	for (; *settings != NULL; settings++) {
		const char *value = strchr(*settings, '=') + 1;
		const struct tunable *tn;
		char name[64];
		uint64_t v;

		assert_true(value - *settings < (ptrdiff_t)sizeof(name));
		(void)snprintf(name, sizeof(name), "%s", *settings);
		name[value - *settings - 1] = '\0';
		tn = tunable_find(trace_gen_table, trace_gen_count, name);
		assert_non_null(tn);
		must_em(tunable_parse(tn, value, &v, &em), &em);
		tunable_set(tn, &gp, v);
	}
	must_em(trace_gen_create(&gp, &tg, &em), &em);
	return tg;
}

void
generate(const char *path, ...)
{
	const char *settings[32];
	struct errmsg em = { .em_text = "" };
	struct trace_gen *tg;
	struct trace_writer *tw;
	const struct trace_event *ev;
	size_t n = 0;
	va_list ap;

	va_start(ap, path);
	do {
		assert_true(n < nitems(settings));
		settings[n] = va_arg(ap, const char *);
	} while (settings[n++] != NULL);
	va_end(ap);
	tg = trace_gen_make(settings);
	must_em(trace_create(path, form_of(path), trace_gen_meta(tg), &tw, &em),
	    &em);
	do {
		trace_gen_next(tg, &ev, &n);
		must_em(trace_put(tw, ev, n, &em), &em);
	} while (n > 0);
	must_em(trace_finish(tw, &em), &em);
	trace_gen_destroy(tg);
}

struct trace_event *
events_make(size_t *np, const char *const *settings)
{
	struct trace_gen *tg = trace_gen_make(settings);
	struct trace_event *all = NULL;
	const struct trace_event *ev;
	size_t n, total = 0;

	for (;;) {
		trace_gen_next(tg, &ev, &n);
		if (n == 0)
			break;
		all = reallocarray(all, total + n, sizeof(*all));
		assert_non_null(all);
		memcpy(all + total, ev, n * sizeof(*ev));
		total += n;
	}
	trace_gen_destroy(tg);
	*np = total;
	return all;
}
