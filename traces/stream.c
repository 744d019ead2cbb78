#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "traces/trace_i.h"

#define IN_CHUNK  (256U << 10)
#define IN_ZCHUNK (128U << 10)
#define ZST_LEVEL 9

int
in_open(struct trace_in *in, const char *path, struct errmsg *em)
{
	struct stat st;

	*in = (struct trace_in){ .in_path = path, .in_fd = -1 };
	if (strcmp(path, "-") == 0) {
		in->in_path = "standard input";
		in->in_fd = STDIN_FILENO;
	} else {
		in->in_fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (in->in_fd == -1 || fstat(in->in_fd, &st) != 0) {
		const int error = errno;

		return ERRMSG(em, error, "%s: cannot open: %s", path,
		    errno_text(error));
	}
	if (S_ISDIR(st.st_mode))
		return ERRMSG(em, EISDIR, "%s: is a directory, not a trace",
		    path);
	if (S_ISREG(st.st_mode) && st.st_size > 0 && in->in_fd != STDIN_FILENO)
		in->in_size = (uint64_t)st.st_size;
	(void)posix_fadvise(in->in_fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return 0;
}

/* Read once; *np is 0 at the end of the file. */
static int
raw_read(struct trace_in *in, void *buf, size_t len, size_t *np,
    struct errmsg *em)
{
	ssize_t n;

	do {
		n = read(in->in_fd, buf, len);
	} while (n == -1 && errno == EINTR);
	if (n == -1) {
		const int error = errno;

		return ERRMSG(em, error, "%s: cannot read: %s", in->in_path,
		    errno_text(error));
	}
	in->in_read += (uint64_t)n;
	if (n == 0 && in->in_read < in->in_size)
		return ERRMSG(em, EILSEQ,
		    "%s: the file shrank while it was read, from %llu bytes to "
		    "%llu: read it again once nobody writes it",
		    in->in_path, (unsigned long long)in->in_size,
		    (unsigned long long)in->in_read);
	*np = (size_t)n;
	return 0;
}

/* As raw_read(), of what the zstd frames hold. */
static int
zstd_read(struct trace_in *in, void *buf, size_t len, size_t *np,
    struct errmsg *em)
{
	ZSTD_outBuffer out = { buf, len, 0 };

	while (out.pos == 0) {
		ZSTD_inBuffer src = { in->in_zbuf, in->in_zend, in->in_zbeg };
		size_t left;

		if (in->in_zbeg == in->in_zend) {
			const int error = raw_read(in, in->in_zbuf, IN_ZCHUNK,
			    &in->in_zend, em);

			in->in_zbeg = 0;
			if (error != 0)
				return error;
			src.size = in->in_zend;
			src.pos = 0;
			if (in->in_zend == 0 && !in->in_zmid)
				break;
			if (in->in_zend == 0)
				return ERRMSG(em, EILSEQ,
				    "%s: cut short: the zstd stream has no end",
				    in->in_path);
		}
		left = ZSTD_decompressStream(in->in_zstd, &out, &src);
		if (ZSTD_isError(left))
			return ERRMSG(em, zstd_errno(left, EILSEQ),
			    "%s: damaged: byte %llu: zstd says: %s",
			    in->in_path,
			    (unsigned long long)(in->in_read - in->in_zend +
				src.pos),
			    ZSTD_getErrorName(left));
		in->in_zbeg = src.pos;
		in->in_zmid = left != 0;
	}
	*np = out.pos;
	return 0;
}

/* Room for more after in_end: move what is unused down, or grow. */
static int
in_room(struct trace_in *in, size_t need, struct errmsg *em)
{
	const size_t have = in_have(in);
	size_t cap = in->in_cap != 0 ? in->in_cap : IN_CHUNK;
	uint8_t *buf;

	if (in->in_beg != 0) {
		memmove(in->in_buf, in->in_buf + in->in_beg, have);
		in->in_pos += in->in_beg;
		in->in_beg = 0;
		in->in_end = have;
	}
	/* Twice what has arrived is enough until it has arrived. */
	if (have == cap)
		cap = cap * 2;
	if (need > cap && have * 2 > cap)
		cap = have * 2 < need ? have * 2 : need;
	if (cap == in->in_cap)
		return 0;
	buf = realloc(in->in_buf, cap);
	if (buf == NULL)
		return ERRMSG(em, ENOMEM, "%s: no memory to read it",
		    in->in_path);
	in->in_buf = buf;
	in->in_cap = cap;
	return 0;
}

int
in_fill(struct trace_in *in, size_t need, struct errmsg *em)
{
	while (in_have(in) < need && !in->in_eof) {
		size_t n = 0;
		int error;

		error = in_room(in, need, em);
		if (error != 0)
			return error;
		error = (in->in_zstd != NULL ? zstd_read : raw_read)(in,
		    in->in_buf + in->in_end, in->in_cap - in->in_end, &n, em);
		if (error != 0)
			return error;
		in->in_end += n;
		in->in_eof = n == 0;
	}
	return 0;
}

int
in_unzstd(struct trace_in *in, struct errmsg *em)
{
	const size_t have = in_have(in);

	in->in_zbuf = malloc(have > IN_ZCHUNK ? have : IN_ZCHUNK);
	in->in_zstd = ZSTD_createDCtx();
	if (in->in_zbuf == NULL || in->in_zstd == NULL)
		return ERRMSG(em, ENOMEM, "%s: no memory to read it",
		    in->in_path);
	memcpy(in->in_zbuf, in_data(in), have);
	in->in_zend = have;
	in->in_beg = in->in_end = 0;
	in->in_pos = 0;
	in->in_eof = false;
	in->in_zmid = true;
	return 0;
}

int
in_unwrap(struct trace_in *in, struct errmsg *em)
{
	static const uint8_t magic[4] = { 0x28, 0xb5, 0x2f, 0xfd };
	int error = in_fill(in, sizeof(magic), em);

	if (error != 0 || in_have(in) < sizeof(magic) ||
	    memcmp(in_data(in), magic, sizeof(magic)) != 0)
		return error;
	error = in_unzstd(in, em);
	return error != 0 ? error : in_fill(in, sizeof(magic), em);
}

int
in_seek(struct trace_in *in, uint64_t pos, struct errmsg *em)
{
	if (lseek(in->in_fd, (off_t)pos, SEEK_SET) == -1) {
		const int error = errno;

		return ERRMSG(em, error, "%s: cannot read: %s", in->in_path,
		    errno_text(error));
	}
	in->in_beg = in->in_end = 0;
	in->in_pos = in->in_read = pos;
	in->in_eof = false;
	return 0;
}

void
in_close(struct trace_in *in)
{
	if (in->in_fd > STDIN_FILENO)
		(void)close(in->in_fd);
	(void)ZSTD_freeDCtx(in->in_zstd);
	free(in->in_zbuf);
	free(in->in_buf);
}

int
file_nameless(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir, *name;
	int fd;

	if (strcmp(path, "-") == 0)
		dir = strdup(P_tmpdir);
	else if (slash == NULL)
		dir = strdup(".");
	else
		dir = strndup(path, slash > path ? (size_t)(slash - path) : 1);
	if (dir == NULL)
		return -1;
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd == -1 && asprintf(&name, "%s/.uvn-XXXXXX", dir) != -1) {
		fd = mkostemp(name, O_CLOEXEC);
		if (fd != -1)
			(void)unlink(name);
		free(name);
	}
	free(dir);
	return fd;
}

int
zstd_errno(size_t code, int error)
{
	return ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation ?
	    ENOMEM :
	    error;
}

static int
out_error(const struct trace_out *out, int error, struct errmsg *em)
{
	return ERRMSG(em, error, "%s: cannot write: %s", out->out_path,
	    errno_text(error));
}

/* A new file beside path, with the permissions path would get. */
static int
tmp_open(struct trace_out *out, const char *path)
{
	for (unsigned i = 0; i < 1000; i++) {
		free(out->out_tmp);
		if (asprintf(&out->out_tmp, "%s.%ld.%u.tmp", path,
			(long)getpid(), i) == -1) {
			out->out_tmp = NULL;
			return ENOMEM;
		}
		out->out_fd = open(out->out_tmp,
		    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (out->out_fd != -1)
			return 0;
		if (errno != EEXIST)
			break;
	}
	free(out->out_tmp);
	out->out_tmp = NULL;
	return errno;
}

int
out_open(struct trace_out *out, const char *path, bool zstd, struct errmsg *em)
{
	struct stat st;
	int error = 0;

	*out = (struct trace_out){ .out_fd = -1 };
	out->out_path =
	    strdup(strcmp(path, "-") == 0 ? "standard output" : path);
	out->out_buf = malloc(OUT_BUF);
	if (out->out_path == NULL || out->out_buf == NULL)
		return ERRMSG(em, ENOMEM, "%s: no memory to write it", path);
	if (zstd) {
		out->out_zstd = ZSTD_createCCtx();
		out->out_zbuf = malloc(ZSTD_CStreamOutSize());
		if (out->out_zstd == NULL || out->out_zbuf == NULL)
			return ERRMSG(em, ENOMEM, "%s: no memory to write it",
			    path);
		(void)ZSTD_CCtx_setParameter(out->out_zstd,
		    ZSTD_c_compressionLevel, ZST_LEVEL);
		(void)ZSTD_CCtx_setParameter(out->out_zstd, ZSTD_c_checksumFlag,
		    1);
	}
	if (strcmp(path, "-") == 0) {
		out->out_fd = STDOUT_FILENO;
	} else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		out->out_fd = open(path, O_WRONLY | O_CLOEXEC);
		error = out->out_fd == -1 ? errno : 0;
	} else {
		error = tmp_open(out, path);
	}
	if (error != 0)
		return ERRMSG(em, error, "%s: cannot create: %s", path,
		    errno_text(error));
	return 0;
}

static int
raw_write(struct trace_out *out, const uint8_t *p, size_t len,
    struct errmsg *em)
{
	while (len > 0) {
		const ssize_t n = write(out->out_fd, p, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return out_error(out, errno, em);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
zstd_write(struct trace_out *out, ZSTD_EndDirective how, struct errmsg *em)
{
	ZSTD_inBuffer src = { out->out_buf, out->out_n, 0 };
	size_t left;

	do {
		ZSTD_outBuffer dst = { out->out_zbuf, ZSTD_CStreamOutSize(),
			0 };
		int error;

		left = ZSTD_compressStream2(out->out_zstd, &dst, &src, how);
		if (ZSTD_isError(left))
			return ERRMSG(em, zstd_errno(left, EIO),
			    "%s: zstd says: %s", out->out_path,
			    ZSTD_getErrorName(left));
		error = raw_write(out, out->out_zbuf, dst.pos, em);
		if (error != 0)
			return error;
	} while (src.pos < src.size || (how == ZSTD_e_end && left != 0));
	return 0;
}

static int
out_flush(struct trace_out *out, bool end, struct errmsg *em)
{
	int error;

	if (out->out_zstd != NULL)
		error = zstd_write(out, end ? ZSTD_e_end : ZSTD_e_continue, em);
	else
		error = raw_write(out, out->out_buf, out->out_n, em);
	out->out_n = 0;
	return error;
}

int
out_put(struct trace_out *out, const void *data, size_t len, struct errmsg *em)
{
	const uint8_t *p = data;

	out->out_pos += len;
	while (len > 0) {
		const size_t room = OUT_BUF - out->out_n;
		const size_t n = len < room ? len : room;

		memcpy(out->out_buf + out->out_n, p, n);
		out->out_n += n;
		p += n;
		len -= n;
		if (out->out_n == OUT_BUF) {
			const int error = out_flush(out, false, em);

			if (error != 0)
				return error;
		}
	}
	return 0;
}

int
out_patch(struct trace_out *out, uint64_t pos, const void *data, size_t len,
    struct errmsg *em)
{
	const uint8_t *p = data;
	int error;

	/* In place may be a terminal, or a file that others append to. */
	if (out->out_tmp == NULL)
		return ESPIPE;
	error = out_flush(out, false, em);
	while (error == 0 && len > 0) {
		const ssize_t n = pwrite(out->out_fd, p, len, (off_t)pos);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return out_error(out, errno, em);
		p += n;
		pos += (uint64_t)n;
		len -= (size_t)n;
	}
	return error;
}

int
out_finish(struct trace_out *out, struct errmsg *em)
{
	int error = out_flush(out, true, em);

	if (out->out_fd != STDOUT_FILENO) {
		if (close(out->out_fd) != 0 && error == 0)
			error = out_error(out, errno, em);
		out->out_fd = -1;
	}
	if (error != 0 || out->out_tmp == NULL)
		return error;
	if (rename(out->out_tmp, out->out_path) != 0)
		return out_error(out, errno, em);
	free(out->out_tmp);
	out->out_tmp = NULL;
	return 0;
}

void
out_fini(struct trace_out *out)
{
	if (out->out_fd > STDERR_FILENO)
		(void)close(out->out_fd);
	if (out->out_tmp != NULL)
		(void)unlink(out->out_tmp);
	free(out->out_tmp);
	free(out->out_path);
	(void)ZSTD_freeCCtx(out->out_zstd);
	free(out->out_zbuf);
	free(out->out_buf);
}
