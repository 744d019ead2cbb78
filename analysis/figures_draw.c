/*
 * figures_draw.c: the files of figures: whose they are, and how they come to
 * their place.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/figures_impl.h"

/* The files of each figure. */
static unsigned
figures_files(const struct figures_job *fj)
{
	return fj->fj_formats | FIGURE_BIT(FIGURE_DATA) |
	    FIGURE_BIT(FIGURE_SCRIPT);
}

/* Make dir and the folders it lies in. */
static int
make_dir(const char *dir, struct errmsg *em)
{
	char *path = strdup(dir);
	struct stat st;
	int error = 0;

	if (path == NULL)
		return ERRMSG(em, ENOMEM, "%s: out of memory", dir);
	for (char *p = path + 1; path[0] != '\0' && error == 0; p++) {
		const char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(path, 0777) != 0 && errno != EEXIST)
			error = errno;
		*p = c;
		if (c == '\0')
			break;
	}
	free(path);
	if (error == 0 && stat(dir, &st) != 0)
		error = errno;
	if (error == 0 && !S_ISDIR(st.st_mode))
		error = ENOTDIR;
	if (error != 0)
		return ERRMSG(em, error == ENOENT ? ENOTDIR : error,
		    "%s: the folder for the figures cannot be made: %s; name "
		    "another with -o",
		    dir, errno_text(error));
	return 0;
}

/* Does the file begin as our data files do: a title, and what of? */
static bool
begins_so(const char *path, const struct figure *fg)
{
	const char *const scope = figure_scope_name[fg->fg_scope];
	FILE *const fp = fopen(path, "re");
	char line[2][128] = { "", "" };
	bool so;

	if (fp == NULL)
		return false;
	so = fgets(line[0], sizeof(line[0]), fp) != NULL &&
	    fgets(line[1], sizeof(line[1]), fp) != NULL &&
	    strncmp(line[0], "# ", 2) == 0 && strncmp(line[1], "# ", 2) == 0 &&
	    strncmp(line[1] + 2, scope, strlen(scope)) == 0;
	(void)fclose(fp);
	return so;
}

/* Remove what an earlier call left of a figure. */
static int
remove_files(const char *dir, const struct figure *fg, unsigned files,
    struct errmsg *em)
{
	for (enum figure_file file = 0; file < FIGURE_NFILES; file++) {
		char *path;
		int error = 0;

		if ((files & FIGURE_BIT(file)) == 0)
			continue;
		if ((path = figure_path(dir, fg, file)) == NULL)
			return ERRMSG(em, ENOMEM, "%s: out of memory", dir);
		if (unlink(path) != 0 && errno != ENOENT) {
			error = errno;
			errmsg_put(em,
			    "%s: cannot be replaced: %s; name another folder "
			    "with -o",
			    path, errno_text(error));
		}
		free(path);
		if (error != 0)
			return error;
	}
	return 0;
}

/*
 * Whose is what has the name of a figure's file?  One that uvn has drawn has
 * its data beside it, which begin with a title and what they are of.
 */
static int
check_files(const char *dir, const struct figure *fg, unsigned files,
    struct errmsg *em)
{
	char *data = figure_path(dir, fg, FIGURE_DATA), *there = NULL;
	const bool ours = data != NULL && begins_so(data, fg);
	int error = data == NULL ? ENOMEM : 0;

	free(data);
	for (enum figure_file file = 0; file < FIGURE_NFILES && error == 0;
	     file++) {
		struct stat st;

		if ((files & FIGURE_BIT(file)) == 0)
			continue;
		if ((there = figure_path(dir, fg, file)) == NULL)
			error = ENOMEM;
		else if (lstat(there, &st) == 0 && st.st_size > 0 && !ours)
			error = ERRMSG(em, EEXIST,
			    "%s: is there and was not made by uvn figures; "
			    "remove it, or name another folder with -o",
			    there);
		free(there);
	}
	return error == ENOMEM ? ERRMSG(em, ENOMEM, "%s: out of memory", dir) :
				 error;
}

/* All files of all figures asked for, before anything is done to them. */
static int
check_all(const struct figures_job *fj, unsigned files, struct errmsg *em)
{
	int error = 0;

	for (size_t i = 0; i < figure_count && error == 0; i++)
		if (fj->fj_only == 0 || (fj->fj_only >> i & 1) != 0)
			error = check_files(fj->fj_dir, &figure_table[i], files,
			    em);
	return error;
}

/* Data and script of every figure asked for, in dir. */
static int
write_all(const struct source *so, const struct figures_job *fj,
    const char *dir, struct figures_report *fp, struct errmsg *em)
{
	int error = 0;

	for (size_t i = 0; i < figure_count && error == 0; i++) {
		struct figure_result *fr = &fp->fp_figure[fp->fp_nfigures];
		struct origin og;

		if (fj->fj_only != 0 && (fj->fj_only >> i & 1) == 0)
			continue;
		fr->fr_figure = &figure_table[i];
		fp->fp_nfigures++;
		if ((error = source_pick(so, fr->fr_figure, &og, em)) == 0) {
			fr->fr_id = og.og_id;
			error = series_write(so, &og, dir, fr, em);
		}
		if (error == 0)
			error = source_memory(so, em);
	}
	return error;
}

/* A folder within dir to draw in; *tempp is the caller's to free. */
static int
make_temp(const char *dir, char **tempp, struct errmsg *em)
{
	char *temp;
	int error;

	if (asprintf(&temp, "%s/.uvn-XXXXXX", dir) < 0)
		return ERRMSG(em, ENOMEM, "%s: out of memory", dir);
	if (mkdtemp(temp) == NULL) {
		error = errno != 0 ? errno : EIO;
		free(temp);
		return ERRMSG(em, error == ENOENT ? ENOTDIR : error,
		    "%s: cannot be written: %s; name another folder with -o",
		    dir, errno_text(error));
	}
	*tempp = temp;
	return 0;
}

/* Put a figure's files from one folder into the other. */
static int
move_files(const char *from, const char *dir, const struct figure_result *fr,
    struct errmsg *em)
{
	int error = 0;

	for (enum figure_file file = 0; file < FIGURE_NFILES && error == 0;
	     file++) {
		char *old, *new;

		if ((fr->fr_files & FIGURE_BIT(file)) == 0)
			continue;
		old = figure_path(from, fr->fr_figure, file);
		new = figure_path(dir, fr->fr_figure, file);
		if (old == NULL || new == NULL)
			error = ERRMSG(em, ENOMEM, "%s: out of memory", dir);
		else if (rename(old, new) != 0) {
			error = errno;
			errmsg_put(em,
			    "%s: cannot be replaced: %s; name another folder "
			    "with -o",
			    new, errno_text(error));
		}
		free(old);
		free(new);
	}
	return error;
}

/* What is drawn takes its place, and what was there of a figure that is not
 * goes. */
static int
publish(const char *temp, const struct figures_job *fj,
    const struct figures_report *fp, struct errmsg *em)
{
	int error = 0;

	for (size_t i = 0; i < fp->fp_nfigures && error == 0; i++) {
		const struct figure_result *const fr = &fp->fp_figure[i];

		error = move_files(temp, fj->fj_dir, fr, em);
		if (error == 0)
			error = remove_files(fj->fj_dir, fr->fr_figure,
			    figures_files(fj) & ~fr->fr_files, em);
	}
	return error;
}

/* Remove the folder, and what is left in it. */
static void
remove_temp(char *temp)
{
	struct errmsg em = { .em_text = "" };

	for (size_t i = 0; i < figure_count; i++)
		(void)remove_files(temp, &figure_table[i], ~0U, &em);
	(void)rmdir(temp);
	free(temp);
}

/* Draw and publish; what could be written is there also if gnuplot fails. */
static int
draw_all(const struct source *so, const struct figures_job *fj,
    struct figures_report *fp, struct errmsg *em)
{
	char *temp = NULL;
	int error, late;

	if ((error = make_dir(fj->fj_dir, em)) != 0 ||
	    (error = check_all(fj, figures_files(fj), em)) != 0 ||
	    (error = make_temp(fj->fj_dir, &temp, em)) != 0 || temp == NULL)
		return error;
	if ((error = write_all(so, fj, temp, fp, em)) == 0) {
		for (size_t i = 0; i < fp->fp_nfigures && error == 0; i++)
			if (!fp->fp_figure[i].fr_skipped && fj->fj_formats != 0)
				error = gnuplot_draw(temp, fj->fj_dir,
				    fj->fj_formats, &fp->fp_figure[i], em);
		late = publish(temp, fj, fp, em);
		error = error != 0 ? error : late;
	} else
		for (size_t i = 0; i < fp->fp_nfigures; i++)
			fp->fp_figure[i].fr_files = 0;
	remove_temp(temp);
	return error;
}

int
analysis_figures(const struct figures_job *fj, struct figures_report *fp,
    struct errmsg *em)
{
	struct source so;
	struct origin og;
	int error;

	memset(fp, 0, sizeof(*fp));
	if ((error = source_open(&so, fj->fj_db, fj->fj_id, em)) != 0)
		return error;
	memcpy(fp->fp_id, so.so_newest, sizeof(fp->fp_id));
	error =
	    source_describe(&so, FIGURE_RUN, fp->fp_id[FIGURE_RUN], &og, em);
	if (error == 0)
		memcpy(fp->fp_status, og.og_status, sizeof(fp->fp_status));
	if (error == 0)
		error = draw_all(&so, fj, fp, em);
	source_close(&so);
	return error;
}
