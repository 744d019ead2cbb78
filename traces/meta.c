#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/trace_i.h"

#define PAGE_DEFAULT 4096
#define VERSION	     1

/* Where in a preamble we are. */
struct head {
	const char *h_path;
	unsigned h_line;
	size_t h_cap;	 /* room in tm_files */
	uint32_t h_seen; /* rows of words[] */
};

const char *const trace_clock_name[TRACE_NCLOCKS] = {
#define TRACE_CLOCK(NAME, name) name,
	TRACE_CLOCKS(TRACE_CLOCK)
#undef TRACE_CLOCK
};

/* A plain decimal number and nothing else before *pp stops; false if not. */
static bool
number(const char **pp, uint64_t *valp)
{
	const char *p = *pp;
	uint64_t v = 0;

	if (*p < '0' || *p > '9' || (*p == '0' && p[1] >= '0' && p[1] <= '9'))
		return false;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	*pp = p;
	*valp = v;
	return true;
}

/* If *pp begins with word, step over it. */
static bool
word(const char **pp, const char *w)
{
	const size_t len = strlen(w);

	if (strncmp(*pp, w, len) != 0)
		return false;
	*pp += len;
	return true;
}

static int
file_parse(struct head *h, const char *p, const char *end,
    struct trace_meta *tm, struct errmsg *em)
{
	struct trace_file tf = { 0 };
	uint64_t id;

	if (!number(&p, &id) || !word(&p, " size=") ||
	    !number(&p, &tf.tf_size) || !word(&p, " path="))
		return ERRMSG(em, EINVAL,
		    "%s: line %u: a file is declared as "
		    "\"#file ID size=BYTES path=NAME\"",
		    h->h_path, h->h_line);
	if (id == 0 || id > UINT32_MAX || tf.tf_size > INT64_MAX)
		return ERRMSG(em, EINVAL,
		    "%s: line %u: file ids are 1..%" PRIu32
		    " and sizes 0..%" PRId64,
		    h->h_path, h->h_line, UINT32_MAX, INT64_MAX);
	if (tm->tm_nfiles == h->h_cap) {
		const size_t cap = h->h_cap != 0 ? h->h_cap * 2 : 16;
		struct trace_file *f =
		    reallocarray(tm->tm_files, cap, sizeof(*f));

		if (f == NULL)
			return ENOMEM;
		tm->tm_files = f;
		h->h_cap = cap;
	}
	tf.tf_id = (uint32_t)id;
	tf.tf_path = strndup(p, (size_t)(end - p));
	if (tf.tf_path == NULL)
		return ENOMEM;
	tm->tm_files[tm->tm_nfiles++] = tf;
	return 0;
}

static int
page_parse(struct head *h, const char *p, const char *end,
    struct trace_meta *tm, struct errmsg *em)
{
	uint64_t v;

	if (!number(&p, &v) || p != end || v < 512 || v > 1U << 30 ||
	    (v & (v - 1)) != 0)
		return ERRMSG(em, EINVAL,
		    "%s: line %u: a page size is declared as \"#page BYTES\", "
		    "a power of two from 512 on",
		    h->h_path, h->h_line);
	tm->tm_page = (uint32_t)v;
	return 0;
}

static int
window_parse(struct head *h, const char *p, const char *end,
    struct trace_meta *tm, struct errmsg *em)
{
	if (word(&p, "inf"))
		tm->tm_window = TRACE_INF;
	else if (!number(&p, &tm->tm_window))
		p = NULL;
	if (p != end)
		return ERRMSG(em, EINVAL,
		    "%s: line %u: a re-reference window is declared as "
		    "\"#window PAGES\" or \"#window inf\"",
		    h->h_path, h->h_line);
	return 0;
}

static int
mode_parse(struct head *h, const char *p, const char *end,
    struct trace_meta *tm, struct errmsg *em)
{
	if (p == end || memchr(p, ' ', (size_t)(end - p)) != NULL)
		return ERRMSG(em, EINVAL,
		    "%s: line %u: how a trace was recorded is said as "
		    "\"#mode NAME\", a word",
		    h->h_path, h->h_line);
	tm->tm_mode = strndup(p, (size_t)(end - p));
	return tm->tm_mode != NULL ? 0 : ENOMEM;
}

static int
clock_parse(struct head *h, const char *p, const char *end,
    struct trace_meta *tm, struct errmsg *em)
{
	const size_t len = (size_t)(end - p);

	for (unsigned i = 0; i < TRACE_NCLOCKS; i++)
		if (i != TRACE_CLOCK_UNKNOWN &&
		    strlen(trace_clock_name[i]) == len &&
		    memcmp(p, trace_clock_name[i], len) == 0) {
			tm->tm_clock = (enum trace_clock)i;
			return 0;
		}
	return ERRMSG(em, EINVAL,
	    "%s: line %u: a clock is declared as \"#clock real\" or "
	    "\"#clock virtual\"",
	    h->h_path, h->h_line);
}

static int
lost_parse(struct head *h, const char *p, const char *end,
    struct trace_meta *tm, struct errmsg *em)
{
	if (!number(&p, &tm->tm_lost) || p != end)
		return ERRMSG(em, EINVAL,
		    "%s: line %u: records that were lost are counted as "
		    "\"#lost N\"",
		    h->h_path, h->h_line);
	return 0;
}

static int
version_parse(struct head *h, const char *p, const char *end,
    struct trace_meta *tm, struct errmsg *em)
{
	uint64_t v;

	if (!word(&p, "#uvn-trace ") || !number(&p, &v) || p != end || v == 0)
		return ERRMSG(em, EINVAL,
		    "%s: line 1: a trace begins with \"#uvn-trace %d\"",
		    h->h_path, VERSION);
	if (v > VERSION)
		return ERRMSG(em, EINVAL,
		    "%s: trace of newer version %" PRIu64
		    "; this program reads version %d: update it",
		    h->h_path, v, VERSION);
	tm->tm_version = (uint32_t)v;
	return 0;
}

/* The lines that mean something, after the first. */
static const struct {
	const char *wo_word;
	bool wo_many; /* may come more than once */
	int (*wo_parse)(struct head *h, const char *p, const char *end,
	    struct trace_meta *tm, struct errmsg *em);
} words[] = {
	{ "#file ", true, file_parse },
	{ "#page ", false, page_parse },
	{ "#window ", false, window_parse },
	{ "#mode ", false, mode_parse },
	{ "#clock ", false, clock_parse },
	{ "#lost ", false, lost_parse },
};

bool
trace_meta_line(const char *line)
{
	for (size_t i = 0; i < nitems(words); i++)
		if (word(&line, words[i].wo_word))
			return true;
	return word(&line, "#uvn-trace ");
}

static int
line_parse(struct head *h, const char *line, const char *end,
    struct trace_meta *tm, struct errmsg *em)
{
	const char *p = line;

	if (h->h_line == 1)
		return version_parse(h, p, end, tm, em);
	if (*p != '#')
		return ERRMSG(em, EINVAL,
		    "%s: line %u: before the header line \"seq,time_ns,...\" "
		    "every line begins with #",
		    h->h_path, h->h_line);
	if (end[-1] == '\r')
		return ERRMSG(em, EINVAL,
		    "%s: line %u ends with a carriage return; lines end with "
		    "a newline alone: convert the file",
		    h->h_path, h->h_line);
	for (size_t i = 0; i < nitems(words); i++) {
		if (!word(&p, words[i].wo_word))
			continue;
		if (!words[i].wo_many && (h->h_seen & 1U << i) != 0)
			return ERRMSG(em, EINVAL, "%s: line %u: a second %.*s",
			    h->h_path, h->h_line, (int)(p - line - 1), line);
		h->h_seen |= 1U << i;
		return words[i].wo_parse(h, p, end, tm, em);
	}
	return 0;
}

static int
id_cmp(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int
index_build(const struct trace_meta *tm, const char *path,
    struct file_index *fx, struct errmsg *em)
{
	if (tm->tm_nfiles == 0)
		return 0;
	fx->fx_ids = calloc(tm->tm_nfiles, sizeof(*fx->fx_ids));
	if (fx->fx_ids == NULL)
		return ENOMEM;
	fx->fx_n = tm->tm_nfiles;
	for (size_t i = 0; i < fx->fx_n; i++)
		fx->fx_ids[i] = tm->tm_files[i].tf_id;
	qsort(fx->fx_ids, fx->fx_n, sizeof(*fx->fx_ids), id_cmp);
	for (size_t i = 1; i < fx->fx_n; i++)
		if (fx->fx_ids[i] == fx->fx_ids[i - 1])
			return ERRMSG(em, EINVAL,
			    "%s: file %" PRIu32 " is declared twice", path,
			    fx->fx_ids[i]);
	return 0;
}

bool
file_index_has_slow(const struct file_index *fx, uint32_t id)
{
	return fx->fx_n != 0 &&
	    bsearch(&id, fx->fx_ids, fx->fx_n, sizeof(id), id_cmp) != NULL;
}

size_t
file_index_place(const struct file_index *fx, uint32_t id)
{
	const uint32_t *at;

	if (id - 1 < fx->fx_n && fx->fx_ids[id - 1] == id)
		return id - 1;
	at = bsearch(&id, fx->fx_ids, fx->fx_n, sizeof(id), id_cmp);
	assert(at != NULL);
	return (size_t)(at - fx->fx_ids);
}

int
trace_meta_parse(char *head, const char *path, struct trace_meta *tm,
    struct file_index *fx, struct errmsg *em)
{
	struct head h = { .h_path = path };
	const char *p = head, *end;
	int error = 0;

	*tm = (struct trace_meta){ .tm_page = PAGE_DEFAULT };
	tm->tm_head = head;
	*fx = (struct file_index){ 0 };
	for (; error == 0 && (end = strchr(p, '\n')) != NULL; p = end + 1) {
		h.h_line++;
		error = line_parse(&h, p, end, tm, em);
	}
	if (error == 0 && (*p != '\0' || h.h_line == 0))
		error = ERRMSG(em, EINVAL, "%s: the preamble has no end", path);
	if (error == 0)
		error = index_build(tm, path, fx, em);
	if (error == ENOMEM)
		error =
		    ERRMSG(em, ENOMEM, "%s: no memory for its preamble", path);
	if (error != 0)
		trace_meta_fini(tm, fx);
	return error;
}

void
trace_window_text(uint64_t window, char buf[TRACE_WINDOW_TEXT])
{
	if (window == TRACE_INF)
		(void)snprintf(buf, TRACE_WINDOW_TEXT, "inf");
	else
		(void)snprintf(buf, TRACE_WINDOW_TEXT, "%" PRIu64, window);
}

char *
trace_meta_text(const struct trace_meta *tm)
{
	char *head = NULL, window[TRACE_WINDOW_TEXT];
	size_t len;
	FILE *fp = open_memstream(&head, &len);

	if (fp == NULL)
		return NULL;
	(void)fprintf(fp, "#uvn-trace %d\n#page %" PRIu32 "\n", VERSION,
	    tm->tm_page != 0 ? tm->tm_page : PAGE_DEFAULT);
	trace_window_text(tm->tm_window, window);
	if (tm->tm_window != 0)
		(void)fprintf(fp, "#window %s\n", window);
	if (tm->tm_mode != NULL)
		(void)fprintf(fp, "#mode %s\n", tm->tm_mode);
	if (tm->tm_clock != TRACE_CLOCK_UNKNOWN)
		(void)fprintf(fp, "#clock %s\n",
		    trace_clock_name[tm->tm_clock]);
	if (tm->tm_lost != 0)
		(void)fprintf(fp, "#lost %" PRIu64 "\n", tm->tm_lost);
	for (size_t i = 0; i < tm->tm_nfiles; i++)
		(void)fprintf(fp,
		    "#file %" PRIu32 " size=%" PRIu64 " path=%s\n",
		    tm->tm_files[i].tf_id, tm->tm_files[i].tf_size,
		    tm->tm_files[i].tf_path);
	if (fclose(fp) != 0) {
		free(head);
		return NULL;
	}
	return head;
}

void
trace_meta_fini(struct trace_meta *tm, struct file_index *fx)
{
	for (size_t i = 0; i < tm->tm_nfiles; i++)
		free(tm->tm_files[i].tf_path);
	free(tm->tm_files);
	free(tm->tm_mode);
	free(tm->tm_head);
	free(fx->fx_ids);
	*tm = (struct trace_meta){ 0 };
	*fx = (struct file_index){ 0 };
}
