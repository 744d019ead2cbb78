#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/figures_impl.h"

void
printable(char *buf, size_t len, const char *text)
{
	size_t n = 0;

	for (; *text != '\0' && n + 1 < len; text++)
		buf[n++] = *text >= ' ' && *text <= '~' ? *text : '?';
	buf[n] = '\0';
}

/*
 * A byte in a string of gnuplot.  Quotes, backquotes and backslashes are left
 * to no rule of gnuplot's: what is not plain goes in as an octal number.
 */
static void
put_byte(FILE *fp, char c)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789 ,.:;/_+=?()-";

	if (c != '\0' && strchr(plain, c) != NULL)
		(void)fputc(c, fp);
	else
		(void)fprintf(fp, "\\%03o", (unsigned)(unsigned char)c);
}

void
gnuplot_string(FILE *fp, const char *text)
{
	(void)fputc('"', fp);
	for (; *text != '\0'; text++)
		put_byte(fp, *text < ' ' || *text > '~' ? '?' : *text);
	(void)fputc('"', fp);
}

/*
 * The characters that are drawn: those of DejaVu Sans in Latin, Greek and
 * Cyrillic.  One without a font would be a black box as large as the picture.
 */
static const struct {
	uint32_t first, last;
} drawable[] = {
	{ ' ', '~' }, { 0xa0, 0xac }, { 0xae, 0x2e9 }, { 0x300, 0x34e },
	{ 0x384, 0x38a }, { 0x38c, 0x38c }, { 0x38e, 0x3a1 }, { 0x3a3, 0x525 },
	{ 0x2026, 0x2026 }, /* an ellipsis */
};

/* The character that text begins with, of *np bytes; 0: it is no UTF-8. */
static uint32_t
character(const char *text, size_t *np)
{
	const unsigned char *const p = (const unsigned char *)text;
	const size_t n = p[0] < 0x80 ? 1 :
	    (p[0] & 0xe0) == 0xc0    ? 2 :
	    (p[0] & 0xf0) == 0xe0    ? 3 :
				       4;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c = n == 1 ? p[0] : p[0] & (0x7fU >> n);

	*np = 1;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n])
		return 0;
	*np = n;
	return c;
}

void
analysis_gnuplot_text(FILE *fp, const char *text)
{
	(void)fputc('"', fp);
	for (size_t n; *text != '\0'; text += n) {
		const uint32_t c = character(text, &n);
		bool drawn_so = false;

		for (size_t i = 0; i < nitems(drawable); i++)
			drawn_so |=
			    c >= drawable[i].first && c <= drawable[i].last;
		if (!drawn_so)
			(void)fputc('?', fp);
		for (size_t i = 0; i < n && drawn_so; i++)
			put_byte(fp, text[i]);
	}
	(void)fputc('"', fp);
}

void
gnuplot_path(FILE *fp, const char *path)
{
	/* A name may begin with what gnuplot takes for a pipe. */
	(void)fputs("\"./", fp);
	for (; *path != '\0'; path++)
		put_byte(fp, *path);
	(void)fputc('"', fp);
}

/*
 * read_complaint: the first words that come from fd, until its end, as one
 * line.
 */
static void
read_complaint(int fd, char *buf, size_t len)
{
	size_t n = 0;
	char in[512];
	ssize_t got;

	while ((got = read(fd, in, sizeof(in))) > 0 ||
	    (got < 0 && errno == EINTR)) {
		for (ssize_t i = 0; i < got && n + 1 < len; i++) {
			const bool space =
			    in[i] == '\n' || in[i] == '\t' || in[i] == ' ';

			if (!space)
				buf[n++] = in[i];
			else if (n > 0 && buf[n - 1] != ' ')
				buf[n++] = ' ';
		}
	}
	while (n > 0 && buf[n - 1] == ' ')
		n--;
	buf[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if (buf[i] < ' ' || buf[i] > '~')
			buf[i] = '?';
}

/* Start gnuplot in dir with its standard error on fd. */
static int
start(const char *dir, char *const argv[], int fd, pid_t *pidp)
{
	posix_spawn_file_actions_t fa;
	int error;

	if ((error = posix_spawn_file_actions_init(&fa)) != 0)
		return error;
	if ((error = posix_spawn_file_actions_addchdir_np(&fa, dir)) == 0 &&
	    (error = posix_spawn_file_actions_addopen(&fa, STDIN_FILENO,
		 "/dev/null", O_RDONLY, 0)) == 0 &&
	    (error = posix_spawn_file_actions_addopen(&fa, STDOUT_FILENO,
		 "/dev/null", O_WRONLY, 0)) == 0 &&
	    (error = posix_spawn_file_actions_adddup2(&fa, fd,
		 STDERR_FILENO)) == 0)
		error = posix_spawnp(pidp, "gnuplot", &fa, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&fa);
	return error;
}

/*
 * run: gnuplot from beginning to end.
 *
 * => *okp: it says that it went well
 */
static int
run(const char *dir, char *const argv[], char *complaint, size_t len, bool *okp)
{
	int fds[2], error, status;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return errno;
	error = start(dir, argv, fds[1], &pid);
	(void)close(fds[1]);
	if (error == 0) {
		read_complaint(fds[0], complaint, len);
		while (waitpid(pid, &status, 0) < 0 && error == 0)
			if (errno != EINTR)
				error = errno;
		*okp =
		    error == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	(void)close(fds[0]);
	return error;
}

bool
drawn(const char *path)
{
	struct stat st;

	return path != NULL && stat(path, &st) == 0 && st.st_size > 0;
}

int
gnuplot_run(const char *dir, const char *script, unsigned formats,
    struct gnuplot_said *gs, struct errmsg *em)
{
	char list[64], *const copy = strdup(script);
	char program[] = "gnuplot", defaults[] = "-d", execute[] = "-e";
	char *const argv[] = { program, defaults, execute, list, copy, NULL };
	int error;

	*gs = (struct gnuplot_said){ .gs_ok = false };
	if (copy == NULL)
		return ERRMSG(em, ENOMEM, "%s: out of memory", script);
	(void)snprintf(list, sizeof(list), "formats='%s %s %s'",
	    (formats & FIGURE_BIT(FIGURE_PNG)) != 0 ? "png" : "",
	    (formats & FIGURE_BIT(FIGURE_SVG)) != 0 ? "svg" : "",
	    (formats & FIGURE_BIT(FIGURE_PDF)) != 0 ? "pdf" : "");
	error = run(dir, argv, gs->gs_complaint, sizeof(gs->gs_complaint),
	    &gs->gs_ok);
	free(copy);
	if (error == ENOENT)
		return ERRMSG(em, ENOSYS,
		    "gnuplot is not installed: data and scripts are written, "
		    "the pictures are missing; install the package "
		    "gnuplot-nox");
	if (error != 0)
		return ERRMSG(em, error, "gnuplot cannot be run: %s",
		    errno_text(error));
	return 0;
}

int
gnuplot_failed(const char *dir, const char *script,
    const struct gnuplot_said *gs, struct errmsg *em)
{
	return ERRMSG(em, ENOSYS,
	    "%s/%s: gnuplot cannot draw it: %s; it must be 5.4 or newer, as in "
	    "the package gnuplot-nox",
	    dir, strncmp(script, "./", 2) == 0 ? script + 2 : script,
	    gs->gs_complaint[0] != '\0' ? gs->gs_complaint : "no reason");
}

int
gnuplot_draw(const char *dir, const char *shown, unsigned formats,
    struct figure_result *fr, struct errmsg *em)
{
	const struct figure *fg = fr->fr_figure;
	struct gnuplot_said gs;
	char script[64];
	int error;

	(void)snprintf(script, sizeof(script), "%s.gp", fg->fg_name);
	if ((error = gnuplot_run(dir, script, formats, &gs, em)) != 0)
		return error;
	for (enum figure_file file = FIGURE_PNG; file < FIGURE_NFILES; file++) {
		char *path;

		if ((formats & FIGURE_BIT(file)) == 0)
			continue;
		path = figure_path(dir, fg, file);
		if (drawn(path))
			fr->fr_files |= FIGURE_BIT(file);
		else
			gs.gs_ok = false;
		free(path);
	}
	return gs.gs_ok ? 0 : gnuplot_failed(shown, script, &gs, em);
}
