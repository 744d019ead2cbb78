#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/figures_impl.h"

/* How much of what gnuplot complains of is passed on. */
#define COMPLAINT_MAX 200

void
printable(char *buf, size_t len, const char *text)
{
	size_t n = 0;

	for (; *text != '\0' && n + 1 < len; text++)
		buf[n++] = *text >= ' ' && *text <= '~' ? *text : '?';
	buf[n] = '\0';
}

void
gnuplot_string(FILE *fp, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789 ,.:;/_+=?()-";

	/*
	 * Quotes, backquotes and backslashes are left to no rule of gnuplot's:
	 * what is not plain goes in as an octal number.
	 */
	(void)fputc('"', fp);
	for (; *text != '\0'; text++) {
		if (strchr(plain, *text) != NULL)
			(void)fputc(*text, fp);
		else if (*text < ' ' || *text > '~')
			(void)fputc('?', fp);
		else
			(void)fprintf(fp, "\\%03o", (unsigned)*text);
	}
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

/* Is there a picture at path? */
static bool
drawn(const char *path)
{
	struct stat st;

	return path != NULL && stat(path, &st) == 0 && st.st_size > 0;
}

int
gnuplot_draw(const char *dir, unsigned formats, struct figure_result *fr,
    struct errmsg *em)
{
	const struct figure *fg = fr->fr_figure;
	char script[64], list[64], complaint[COMPLAINT_MAX] = "";
	char program[] = "gnuplot", defaults[] = "-d", execute[] = "-e";
	char *const argv[] = { program, defaults, execute, list, script, NULL };
	bool ok = false;
	int error;

	(void)snprintf(script, sizeof(script), "%s.gp", fg->fg_name);
	(void)snprintf(list, sizeof(list), "formats='%s %s %s'",
	    (formats & FIGURE_BIT(FIGURE_PNG)) != 0 ? "png" : "",
	    (formats & FIGURE_BIT(FIGURE_SVG)) != 0 ? "svg" : "",
	    (formats & FIGURE_BIT(FIGURE_PDF)) != 0 ? "pdf" : "");
	error = run(dir, argv, complaint, sizeof(complaint), &ok);
	if (error == ENOENT)
		return ERRMSG(em, ENOSYS,
		    "gnuplot is not installed: data and scripts are in %s, the "
		    "pictures are missing; install the package gnuplot-nox",
		    dir);
	if (error != 0)
		return ERRMSG(em, error, "gnuplot cannot be run: %s",
		    errno_text(error));
	for (enum figure_file file = FIGURE_PNG; file < FIGURE_NFILES; file++) {
		char *path;

		if ((formats & FIGURE_BIT(file)) == 0)
			continue;
		path = figure_path(dir, fg, file);
		if (drawn(path))
			fr->fr_files |= FIGURE_BIT(file);
		else
			ok = false;
		free(path);
	}
	if (!ok)
		return ERRMSG(em, ENOSYS,
		    "%s/%s: gnuplot cannot draw it: %s; it must be 5.4 or "
		    "newer, as in the package gnuplot-nox",
		    dir, script,
		    complaint[0] != '\0' ? complaint : "no reason");
	return 0;
}
