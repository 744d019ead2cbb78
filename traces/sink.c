#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "traces/sink.h"
#include "traces/trace_i.h"

#define CHUNK	   4096 /* events */
#define ZSTD_CHEAP 1

struct sink_file {
	struct sink_info sf_info;
	uint32_t sf_new;	 /* number in the trace; 0: not declared */
	uint32_t sf_pid, sf_tid; /* of its first event */
};

/* Numbers, few of them, sorted. */
struct numbers {
	uint32_t *nu_v;
	size_t nu_n, nu_cap;
};

struct sink {
	char *sk_path; /* of the trace to be */
	int sk_fd;     /* chunks: length, then a zstd frame of that length */
	uint64_t sk_bytes;
	struct sink_file *sk_files;
	uint32_t sk_nfiles, sk_cap;
	struct trace_event *sk_ev; /* CHUNK of them */
	size_t sk_n;
	uint64_t sk_time;  /* of the last event */
	uint64_t sk_first; /* not after that of the first written */
	ZSTD_CCtx *sk_cctx;
	ZSTD_DCtx *sk_dctx;
	uint8_t *sk_zbuf;
	size_t sk_zcap;
	uint32_t *sk_maps; /* by old id: the new one */
	size_t sk_nmaps;
	uint32_t sk_nfile_new, sk_nmap_new;
	struct numbers sk_pids; /* processes of events kept */
};

int
sink_create(const char *path, struct sink **skp, struct errmsg *em)
{
	struct sink *sk = calloc(1, sizeof(*sk));
	int error = ENOMEM;

	if (sk == NULL)
		return ERRMSG(em, ENOMEM, "%s: no memory to write it", path);
	sk->sk_fd = -1;
	if ((error = trace_may_replace(path, em)) != 0)
		goto fail;
	error = ENOMEM;
	sk->sk_first = UINT64_MAX;
	sk->sk_path = strdup(path);
	sk->sk_ev = malloc(CHUNK * sizeof(*sk->sk_ev));
	sk->sk_zcap = ZSTD_compressBound(CHUNK * sizeof(*sk->sk_ev));
	sk->sk_zbuf = malloc(sk->sk_zcap);
	sk->sk_cctx = ZSTD_createCCtx();
	sk->sk_dctx = ZSTD_createDCtx();
	if (sk->sk_path == NULL || sk->sk_ev == NULL || sk->sk_zbuf == NULL ||
	    sk->sk_cctx == NULL || sk->sk_dctx == NULL)
		goto fail;
	sk->sk_fd = file_nameless(path);
	error = errno;
	if (sk->sk_fd == -1)
		goto fail;
	*skp = sk;
	return 0;
fail:
	sink_destroy(sk);
	return ERRMSG(em, error, "%s: cannot make a file beside it: %s", path,
	    errno_text(error));
}

int
sink_file(struct sink *sk, uint32_t *idp, struct errmsg *em)
{
	if (sk->sk_nfiles == sk->sk_cap) {
		const uint32_t cap = sk->sk_cap != 0 ? sk->sk_cap * 2 : 64;
		struct sink_file *files =
		    realloc(sk->sk_files, cap * sizeof(*files));

		if (files == NULL)
			return ERRMSG(em, ENOMEM,
			    "%s: no memory for %" PRIu32 " files", sk->sk_path,
			    cap);
		sk->sk_files = files;
		sk->sk_cap = cap;
	}
	sk->sk_files[sk->sk_nfiles] = (struct sink_file){ .sf_new = 0 };
	*idp = ++sk->sk_nfiles;
	return 0;
}

struct sink_info *
sink_info(struct sink *sk, uint32_t id)
{
	return &sk->sk_files[id - 1].sf_info;
}

uint32_t
sink_files(const struct sink *sk)
{
	return sk->sk_nfiles;
}

static int
write_error(const struct sink *sk, int error, struct errmsg *em)
{
	return ERRMSG(em, error, "%s: cannot write the file beside it: %s",
	    sk->sk_path, errno_text(error));
}

static int
write_all(struct sink *sk, const void *data, size_t len, struct errmsg *em)
{
	const uint8_t *p = data;

	while (len > 0) {
		const ssize_t n =
		    pwrite(sk->sk_fd, p, len, (off_t)sk->sk_bytes);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return write_error(sk, errno, em);
		p += n;
		sk->sk_bytes += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int
chunk_write(struct sink *sk, struct errmsg *em)
{
	const size_t len = ZSTD_compressCCtx(sk->sk_cctx, sk->sk_zbuf,
	    sk->sk_zcap, sk->sk_ev, sk->sk_n * sizeof(*sk->sk_ev), ZSTD_CHEAP);
	const uint64_t head = len;
	int error;

	if (ZSTD_isError(len))
		return write_error(sk, zstd_errno(len, EIO), em);
	error = write_all(sk, &head, sizeof(head), em);
	if (error == 0)
		error = write_all(sk, sk->sk_zbuf, len, em);
	sk->sk_n = 0;
	return error;
}

int
sink_put(struct sink *sk, const struct trace_event *te, struct errmsg *em)
{
	struct trace_event *ev = &sk->sk_ev[sk->sk_n++];

	*ev = *te;
	if (ev->te_time < sk->sk_time)
		ev->te_time = sk->sk_time;
	sk->sk_time = ev->te_time;
	if (ev->te_file != 0)
		sink_info(sk, ev->te_file)->si_count++;
	return sk->sk_n == CHUNK ? chunk_write(sk, em) : 0;
}

/* Read back the chunk at *posp into sk_ev: sk_n events, 0 at the end. */
static int
chunk_read(struct sink *sk, uint64_t *posp, struct errmsg *em)
{
	const size_t cap = CHUNK * sizeof(*sk->sk_ev);
	uint64_t len = 0;
	size_t n;

	sk->sk_n = 0;
	if (*posp == sk->sk_bytes)
		return 0;
	if (pread(sk->sk_fd, &len, sizeof(len), (off_t)*posp) !=
		(ssize_t)sizeof(len) ||
	    len > sk->sk_zcap ||
	    pread(sk->sk_fd, sk->sk_zbuf, len, (off_t)(*posp + sizeof(len))) !=
		(ssize_t)len)
		return ERRMSG(em, EIO,
		    "%s: the file beside it cannot be read back", sk->sk_path);
	n = ZSTD_decompressDCtx(sk->sk_dctx, sk->sk_ev, cap, sk->sk_zbuf, len);
	if (ZSTD_isError(n))
		return ERRMSG(em, zstd_errno(n, EIO),
		    "%s: the file beside it cannot be read back: %s",
		    sk->sk_path, ZSTD_getErrorName(n));
	*posp += sizeof(len) + len;
	sk->sk_n = n / sizeof(*sk->sk_ev);
	return 0;
}

/* Where v is or would be. */
static size_t
number_place(const struct numbers *nu, uint32_t v)
{
	size_t lo = 0, hi = nu->nu_n;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (nu->nu_v[mid] < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
number_has(const struct numbers *nu, uint32_t v)
{
	const size_t i = number_place(nu, v);

	return i < nu->nu_n && nu->nu_v[i] == v;
}

static int
number_add(struct numbers *nu, uint32_t v)
{
	const size_t i = number_place(nu, v);

	if (i < nu->nu_n && nu->nu_v[i] == v)
		return 0;
	if (nu->nu_n == nu->nu_cap) {
		const size_t cap = nu->nu_cap != 0 ? nu->nu_cap * 2 : 16;
		uint32_t *n = realloc(nu->nu_v, cap * sizeof(*n));

		if (n == NULL)
			return ENOMEM;
		nu->nu_v = n;
		nu->nu_cap = cap;
	}
	memmove(&nu->nu_v[i + 1], &nu->nu_v[i],
	    (nu->nu_n - i) * sizeof(*nu->nu_v));
	nu->nu_v[i] = v;
	nu->nu_n++;
	return 0;
}

static bool
of_process(const struct trace_event *te)
{
	return te->te_op == TRACE_FORK || te->te_op == TRACE_EXIT;
}

/* Of its file: is it kept?  What has no file is. */
static bool
kept(const struct sink *sk, const struct trace_event *te)
{
	return te->te_file == 0 ||
	    sk->sk_files[te->te_file - 1].sf_info.si_wanted;
}

static int
maps_grow(struct sink *sk, uint32_t map)
{
	size_t n = sk->sk_nmaps != 0 ? sk->sk_nmaps : 1024;
	uint32_t *maps;

	if (map < sk->sk_nmaps)
		return 0;
	while (n <= map)
		n *= 2;
	maps = realloc(sk->sk_maps, n * sizeof(*maps));
	if (maps == NULL)
		return ENOMEM;
	memset(maps + sk->sk_nmaps, 0, (n - sk->sk_nmaps) * sizeof(*maps));
	sk->sk_maps = maps;
	sk->sk_nmaps = n;
	return 0;
}

static int
number_map(struct sink *sk, uint32_t map)
{
	const int error = map != 0 ? maps_grow(sk, map) : 0;

	if (error == 0 && map != 0 && sk->sk_maps[map] == 0)
		sk->sk_maps[map] = ++sk->sk_nmap_new;
	return error;
}

static int
number_file(struct sink *sk, const struct trace_event *te)
{
	struct sink_file *sf = &sk->sk_files[te->te_file - 1];

	if (sf->sf_new != 0)
		return 0;
	sf->sf_new = ++sk->sk_nfile_new;
	sf->sf_pid = te->te_pid;
	sf->sf_tid = te->te_tid;
	return number_map(sk, sf->sf_info.si_map);
}

/* Give numbers to what the event, which is kept, names first. */
static int
number(struct sink *sk, const struct trace_event *te)
{
	int error = te->te_file != 0 ? number_file(sk, te) : 0;

	if (sk->sk_first == UINT64_MAX)
		sk->sk_first = te->te_time;
	if (error == 0)
		error = number_map(sk, te->te_map);
	if (error == 0 && te->te_file != 0)
		error = number_add(&sk->sk_pids, te->te_pid);
	return error;
}

static int
number_all(struct sink *sk, struct errmsg *em)
{
	uint64_t pos = 0;
	int error;

	do {
		error = chunk_read(sk, &pos, em);
		for (size_t i = 0; error == 0 && i < sk->sk_n; i++)
			if (kept(sk, &sk->sk_ev[i]))
				error = number(sk, &sk->sk_ev[i]);
	} while (error == 0 && sk->sk_n > 0);
	if (error == ENOMEM)
		error = ERRMSG(em, ENOMEM, "%s: no memory to write it",
		    sk->sk_path);
	return error;
}

/* The path as the preamble may have it: a line, perhaps its last part only. */
static char *
shown_path(const struct sink_info *si, const struct sink_param *sp)
{
	const char *path = si->si_path != NULL ? si->si_path : "";
	const char *slash = strrchr(path, '/');
	char *shown;

	if (sp->sp_base_names && slash != NULL)
		path = slash + 1;
	shown = strdup(path);
	for (char *p = shown; p != NULL && *p != '\0'; p++)
		if (*p == '\n' || *p == '\r')
			*p = '?';
	return shown;
}

static char *
preamble(struct sink *sk, const struct sink_param *sp)
{
	struct trace_meta tm = {
		.tm_page = sp->sp_page,
		.tm_window = sp->sp_window,
		.tm_mode = sp->sp_mode != NULL ? strdup(sp->sp_mode) : NULL,
		.tm_clock = sp->sp_clock,
		.tm_lost = sp->sp_lost,
		.tm_files = calloc(sk->sk_nfile_new + 1, sizeof(*tm.tm_files)),
		.tm_nfiles = sk->sk_nfile_new,
	};
	char *text = NULL, *head = NULL;
	bool good = tm.tm_files != NULL &&
	    (tm.tm_mode != NULL) == (sp->sp_mode != NULL);

	for (uint32_t i = 0; good && i < sk->sk_nfiles; i++) {
		const struct sink_file *sf = &sk->sk_files[i];
		struct trace_file *tf;

		if (sf->sf_new == 0)
			continue;
		tf = &tm.tm_files[sf->sf_new - 1];
		tf->tf_id = sf->sf_new;
		tf->tf_size = sf->sf_info.si_size;
		tf->tf_path = shown_path(&sf->sf_info, sp);
		good = tf->tf_path != NULL;
	}
	if (good)
		text = trace_meta_text(&tm);
	if (text != NULL && asprintf(&head, "%s%s", text, sp->sp_notes) == -1)
		head = NULL;
	free(text);
	for (size_t i = 0; tm.tm_files != NULL && i < tm.tm_nfiles; i++)
		free(tm.tm_files[i].tf_path);
	free(tm.tm_files);
	free(tm.tm_mode);
	return head;
}

/* Put what is kept of the chunk at hand, under its new numbers. */
static int
chunk_put(struct sink *sk, struct trace_writer *tw, uint64_t *basep,
    struct errmsg *em)
{
	size_t n = 0;

	for (size_t i = 0; i < sk->sk_n; i++) {
		struct trace_event te = sk->sk_ev[i];

		if (!kept(sk, &te) ||
		    (of_process(&te) && !number_has(&sk->sk_pids, te.te_pid)))
			continue;
		if (*basep == UINT64_MAX)
			*basep = te.te_time;
		te.te_time -= *basep;
		if (te.te_file != 0)
			te.te_file = sk->sk_files[te.te_file - 1].sf_new;
		if (te.te_map != 0)
			te.te_map = sk->sk_maps[te.te_map];
		sk->sk_ev[n++] = te;
	}
	sk->sk_n = n;
	return trace_put(tw, sk->sk_ev, n, em);
}

/* Attach what is attached whole before the first event. */
static int
attach_all(const struct sink *sk, const struct sink_param *sp,
    struct trace_writer *tw, uint64_t *eventsp, struct errmsg *em)
{
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < sk->sk_nfiles; i++) {
		const struct sink_file *sf = &sk->sk_files[i];
		const struct sink_info *si = &sf->sf_info;
		const struct trace_event te = {
			.te_time = sp->sp_rebase ? 0 : sk->sk_first,
			.te_pid = sf->sf_pid,
			.te_tid = sf->sf_tid,
			.te_op = TRACE_ATTACH,
			.te_file = sf->sf_new,
			.te_map = si->si_map != 0 ? sk->sk_maps[si->si_map] : 0,
			.te_length = si->si_size > sp->sp_page ? si->si_size :
								 sp->sp_page,
			.te_flags = TRACE_F_R | TRACE_F_W | TRACE_F_SHARED |
			    TRACE_F_MAXW,
		};

		if (te.te_file == 0 || te.te_map == 0)
			continue;
		error = trace_put(tw, &te, 1, em);
		++*eventsp;
	}
	return error;
}

static int
put_all(struct sink *sk, const struct sink_param *sp, struct trace_writer *tw,
    uint64_t *eventsp, struct errmsg *em)
{
	uint64_t pos = 0, base = sp->sp_rebase ? UINT64_MAX : 0;
	int error;

	*eventsp = 0;
	error = attach_all(sk, sp, tw, eventsp, em);
	while (error == 0) {
		error = chunk_read(sk, &pos, em);
		if (error != 0 || sk->sk_n == 0)
			break;
		error = chunk_put(sk, tw, &base, em);
		*eventsp += sk->sk_n;
	}
	return error;
}

int
sink_finish(struct sink *sk, const struct sink_param *sp, uint64_t *eventsp,
    struct errmsg *em)
{
	struct trace_meta meta = { .tm_page = sp->sp_page };
	struct trace_writer *tw;
	int error = sk->sk_n > 0 ? chunk_write(sk, em) : 0;

	if (error == 0)
		error = number_all(sk, em);
	if (error != 0)
		return error;
	meta.tm_head = preamble(sk, sp);
	if (meta.tm_head == NULL)
		return ERRMSG(em, ENOMEM, "%s: no memory to write it",
		    sk->sk_path);
	error = trace_create(sk->sk_path, sp->sp_form, &meta, &tw, em);
	free(meta.tm_head);
	if (error != 0)
		return error;
	error = put_all(sk, sp, tw, eventsp, em);
	if (error == 0)
		return trace_finish(tw, em);
	trace_abandon(tw);
	return error;
}

void
sink_destroy(struct sink *sk)
{
	if (sk == NULL)
		return;
	for (uint32_t i = 0; i < sk->sk_nfiles; i++)
		free(sk->sk_files[i].sf_info.si_path);
	free(sk->sk_files);
	if (sk->sk_fd != -1)
		(void)close(sk->sk_fd);
	(void)ZSTD_freeCCtx(sk->sk_cctx);
	(void)ZSTD_freeDCtx(sk->sk_dctx);
	free(sk->sk_maps);
	free(sk->sk_pids.nu_v);
	free(sk->sk_zbuf);
	free(sk->sk_ev);
	free(sk->sk_path);
	free(sk);
}
