/*
 * access.c: an access map, whose data come from elsewhere.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/embed.h"
#include "analysis/figures_impl.h"

/* How its data and script begin; other files are not replaced by them. */
#define BEGIN "# access map "

/* Where its files are. */
struct place {
	char *pl_dir;  /* the folder; "." */
	char *pl_stem; /* the name without its end; points into pl_path */
	char *pl_path;
	enum figure_file pl_format;
};

bool
analysis_picture_name(const char *path)
{
	const char *const slash = strrchr(path, '/');
	const char *const name = slash != NULL ? slash + 1 : path;
	const char *const dot = strrchr(name, '.');

	if (dot == NULL || dot == name)
		return false;
	for (enum figure_file file = FIGURE_PNG; file < FIGURE_NFILES; file++)
		if (strcmp(dot + 1, figure_ext[file]) == 0)
			return true;
	return false;
}

static int
place_init(struct place *pl, const char *path, struct errmsg *em)
{
	const char *const slash = strrchr(path, '/');
	char *dot;

	*pl = (struct place){ .pl_format = FIGURE_PNG };
	if (!analysis_picture_name(path))
		return ERRMSG(em, EINVAL,
		    "%s: which format? name the picture .png, .svg or .pdf",
		    path);
	pl->pl_path = strdup(path);
	pl->pl_dir = slash == NULL ? strdup(".") :
	    slash == path	   ? strdup("/") :
				     strndup(path, (size_t)(slash - path));
	if (pl->pl_path == NULL || pl->pl_dir == NULL)
		return ERRMSG(em, ENOMEM, "%s: out of memory", path);
	pl->pl_stem =
	    slash != NULL ? pl->pl_path + (slash - path) + 1 : pl->pl_path;
	dot = strrchr(pl->pl_stem, '.');
	while (strcmp(dot + 1, figure_ext[pl->pl_format]) != 0)
		pl->pl_format++;
	*dot = '\0';
	return 0;
}

static void
place_fini(struct place *pl)
{
	free(pl->pl_dir);
	free(pl->pl_path);
}

/* The path of one of its files; the caller's to free(). */
static int
place_path(const struct place *pl, enum figure_file file, char **pathp,
    struct errmsg *em)
{
	if (asprintf(pathp, "%s/%s.%s", pl->pl_dir, pl->pl_stem,
		figure_ext[file]) < 0) {
		*pathp = NULL;
		return ERRMSG(em, ENOMEM, "%s: out of memory", pl->pl_stem);
	}
	return 0;
}

/*
 * May what lies at path be replaced?
 *
 * => EEXIST: it is no file that was made by us
 */
static int
check(const char *path, bool picture, struct errmsg *em)
{
	char begin[sizeof(BEGIN) - 1];
	struct stat st;
	bool ours;
	FILE *fp;

	if (lstat(path, &st) != 0)
		return 0;
	ours = S_ISREG(st.st_mode) && (picture || st.st_size == 0);
	if (!ours && S_ISREG(st.st_mode) && (fp = fopen(path, "re")) != NULL) {
		ours = fread(begin, 1, sizeof(begin), fp) == sizeof(begin) &&
		    memcmp(begin, BEGIN, sizeof(begin)) == 0;
		(void)fclose(fp);
	}
	if (ours)
		return 0;
	return ERRMSG(em, EEXIST,
	    "%s: is there and was not made by uvn trace plot; name another "
	    "picture with -o",
	    path);
}

static int
clear(const char *path, struct errmsg *em)
{
	if (unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR)
		return 0;
	return ERRMSG(em, errno,
	    "%s: cannot be replaced: %s; name another picture with -o", path,
	    errno_text(errno));
}

static void
write_script(FILE *fp, const struct place *pl, const struct access_map *am)
{
	(void)fprintf(fp, "name = ");
	gnuplot_path(fp, pl->pl_stem);
	(void)fputc('\n', fp);
	am->am_facts(fp, am->am_arg);
	(void)fprintf(fp, "\n%s\n%s", embed_common_gp, embed_access_gp);
}

/* Write the data or the script. */
static int
write_file(const struct place *pl, const struct access_map *am,
    enum figure_file file, const char *path, struct errmsg *em)
{
	FILE *const fp = fopen(path, "we");
	bool bad;

	if (fp == NULL)
		return ERRMSG(em, errno,
		    "%s: cannot be written: %s; name another picture with -o",
		    path, errno_text(errno));
	(void)fprintf(fp, BEGIN "of trace ");
	gnuplot_string(fp, am->am_title);
	(void)fprintf(fp, "\n# gnuplot ");
	gnuplot_string(fp, pl->pl_stem);
	(void)fprintf(fp, ".gp, in this folder, draws it from its .dat\n");
	if (file == FIGURE_DATA)
		am->am_data(fp, am->am_arg);
	else
		write_script(fp, pl, am);
	bad = ferror(fp) != 0;
	if (fclose(fp) != 0 || bad)
		return ERRMSG(em, errno != 0 ? errno : EIO,
		    "%s: cannot be written: %s; name another picture with -o",
		    path, errno_text(errno != 0 ? errno : EIO));
	return 0;
}

enum stage { CHECK, CLEAR, WRITE, NSTAGES };

/* Do one thing with one of the map's files. */
static int
stage(const struct place *pl, const struct access_map *am, enum stage what,
    enum figure_file file, struct errmsg *em)
{
	const bool picture = file == pl->pl_format;
	char *path;
	int error = place_path(pl, file, &path, em);

	if (error == 0 && what == CHECK)
		error = check(path, picture, em);
	else if (error == 0 && what == CLEAR)
		error = clear(path, em);
	else if (error == 0 && !picture)
		error = write_file(pl, am, file, path, em);
	free(path);
	return error;
}

/* All of them, one thing after the other. */
static int
stages(const struct place *pl, const struct access_map *am, struct errmsg *em)
{
	const enum figure_file files[] = { FIGURE_DATA, FIGURE_SCRIPT,
		pl->pl_format };
	int error = 0;

	for (enum stage what = CHECK; what < NSTAGES; what++)
		for (size_t i = 0; i < nitems(files) && error == 0; i++)
			error = stage(pl, am, what, files[i], em);
	return error;
}

/* Data and script are there: draw. */
static int
draw(const struct place *pl, struct errmsg *em)
{
	struct gnuplot_said gs;
	char *script = NULL, *path = NULL;
	int error;

	if (asprintf(&script, "./%s.%s", pl->pl_stem,
		figure_ext[FIGURE_SCRIPT]) < 0)
		return ERRMSG(em, ENOMEM, "%s: out of memory", pl->pl_stem);
	error = place_path(pl, pl->pl_format, &path, em);
	if (error == 0)
		error = gnuplot_run(pl->pl_dir, script,
		    FIGURE_BIT(pl->pl_format), &gs, em);
	if (error == 0 && (!gs.gs_ok || !drawn(path)))
		error = gnuplot_failed(pl->pl_dir, script, &gs, em);
	free(script);
	free(path);
	return error;
}

int
analysis_access_map(const struct access_map *am, struct errmsg *em)
{
	struct place pl;
	int error;

	if ((error = place_init(&pl, am->am_path, em)) == 0 &&
	    (error = stages(&pl, am, em)) == 0)
		error = draw(&pl, em);
	place_fini(&pl);
	return error;
}
