#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "traces/assemble_i.h"

#define FDS_MAX (1U << 20) /* numbers beyond are nobody's */

struct ofd *
ofd_new(struct assembler *as)
{
	struct ofd *of = calloc(1, sizeof(*of));

	if (of == NULL)
		say_no_memory(as);
	return of;
}

void
ofd_free(struct ofd *of)
{
	free(of->of_path);
	free(of);
}

struct ofd *
ofd_ref(struct ofd *of)
{
	if (of != NULL)
		of->of_refs++;
	return of;
}

int
ofd_drop(struct assembler *as, struct ofd *of)
{
	struct trace_event te;
	int error = 0;

	if (of == NULL || --of->of_refs > 0)
		return 0;
	if (of->of_file != 0) {
		te = event_at(as, TRACE_CLOSE, of->of_file, 0);
		error = event_put(as, &te);
	}
	ofd_free(of);
	return error;
}

struct ofd *
fd_ofd(const struct proc *pr, uint64_t fd)
{
	return fd < pr->pr_fds.ft_n ? pr->pr_fds.ft_fds[fd].fd_ofd : NULL;
}

static int
table_grow(struct assembler *as, struct fdtable *ft, size_t need)
{
	size_t n = ft->ft_n != 0 ? ft->ft_n : 64;
	struct fd *fds;

	if (need <= ft->ft_n)
		return 0;
	while (n < need)
		n *= 2;
	fds = realloc(ft->ft_fds, n * sizeof(*fds));
	if (fds == NULL)
		return no_memory(as);
	memset(fds + ft->ft_n, 0, (n - ft->ft_n) * sizeof(*fds));
	ft->ft_fds = fds;
	ft->ft_n = n;
	return 0;
}

int
fd_put(struct assembler *as, struct proc *pr, uint64_t fd, struct ofd *of,
    bool cloexec)
{
	struct fdtable *ft = &pr->pr_fds;
	struct ofd *old;
	int error;

	if (fd >= FDS_MAX || (of == NULL && fd >= ft->ft_n))
		return 0;
	error = table_grow(as, ft, fd + 1);
	if (error != 0)
		return error;
	old = ft->ft_fds[fd].fd_ofd;
	ft->ft_fds[fd] = (struct fd){ ofd_ref(of), cloexec };
	return ofd_drop(as, old);
}

int
fds_copy(struct assembler *as, const struct proc *from, struct proc *to)
{
	const int error = table_grow(as, &to->pr_fds, from->pr_fds.ft_n);

	for (size_t i = 0; error == 0 && i < from->pr_fds.ft_n; i++) {
		to->pr_fds.ft_fds[i] = from->pr_fds.ft_fds[i];
		(void)ofd_ref(to->pr_fds.ft_fds[i].fd_ofd);
	}
	return error;
}

int
fds_close(struct assembler *as, struct proc *pr, bool cloexec_only)
{
	int error = 0;

	for (size_t i = 0; error == 0 && i < pr->pr_fds.ft_n; i++)
		if (!cloexec_only || pr->pr_fds.ft_fds[i].fd_cloexec)
			error = fd_put(as, pr, i, NULL, false);
	return error;
}

/* The file is empty since it was opened. */
static int
emptied(struct assembler *as, struct ofd *of)
{
	struct afile *af = file_of(as, of->of_file);
	const struct trace_event te =
	    event_at(as, TRACE_TRUNCATE, of->of_file, 0);
	const bool was = af->af_size > 0;

	if (of->of_created || af->af_first == 0)
		af->af_inferred = false;
	af->af_unsized = false;
	af->af_size = 0;
	return was ? event_put(as, &te) : 0;
}

int
ofd_named(struct assembler *as, struct ofd *of, uint32_t file)
{
	struct trace_event te = event_at(as, TRACE_OPEN, file, 0);
	int error;

	of->of_file = file;
	if (!of->of_opened)
		return 0;
	of->of_opened = false;
	error = event_put(as, &te);
	if (error == 0 && (of->of_truncated || of->of_created))
		error = emptied(as, of);
	return error;
}

int
fd_said(struct assembler *as, struct proc *pr, const struct raw *rw)
{
	const uint64_t fd = rw->rw_arg[0];
	struct ofd *of = fd_ofd(pr, fd);
	const char *path = rw->rw_text;
	uint32_t file;
	int error;

	if ((rw->rw_flags & RAW_F_UNKNOWN) != 0 && of != NULL &&
	    of->of_file != 0)
		return 0;
	if (path == NULL && of != NULL && of->of_file == 0)
		path = of->of_path;
	error = file_find(as, rw->rw_arg[1], rw->rw_arg[2], rw->rw_arg[3],
	    rw->rw_arg[4], path, &file);
	if (error != 0 || file == 0)
		return error;
	if (of == NULL || (of->of_file != 0 && of->of_file != file)) {
		of = ofd_new(as);
		if (of == NULL)
			return ENOMEM;
		error = fd_put(as, pr, fd, of, false);
		if (error != 0 || of->of_refs == 0) {
			if (of->of_refs == 0)
				ofd_free(of);
			return error;
		}
	}
	if (of->of_file == 0)
		error = ofd_named(as, of, file);
	if (rw->rw_arg[5] != RAW_UNKNOWN)
		of->of_pos = rw->rw_arg[5];
	if (rw->rw_arg[6] != RAW_UNKNOWN) {
		of->of_flags = (uint32_t)rw->rw_arg[6];
		of->of_flags_known = true;
	}
	if (error == 0)
		error = file_resized(as, file, rw->rw_arg[4]);
	return error;
}
