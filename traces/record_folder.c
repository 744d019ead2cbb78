#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "traces/record_i.h"

int
record_list(int folder, const char *prefix,
    void (*fn)(void *arg, int folder, const char *name), void *arg)
{
	struct dirent **names;
	const int n = scandirat(folder, ".", &names, NULL, NULL);

	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		if (*name != '.' && strncmp(name, prefix, strlen(prefix)) == 0)
			fn(arg, folder, name);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return n >= 0 ? 0 : errno;
}

static void
file_remove(void *arg, int folder, const char *name)
{
	(void)arg;
	(void)unlinkat(folder, name, 0);
}

/* Remove a folder of a recorder that was killed, with the files in it. */
static void
folder_remove(void *arg, int where, const char *name)
{
	const long pid = strtol(name + sizeof(RECORD_NAME) - 1, NULL, 10);
	struct stat st;
	int fd;

	(void)arg;
	if (pid <= 0 || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
		return;
	fd = openat(where, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid())
		(void)record_list(fd, "", file_remove, NULL);
	(void)close(fd);
	(void)unlinkat(where, name, AT_REMOVEDIR);
}

/* What recorders have left that did not end by themselves. */
static void
clean(const char *where)
{
	const int fd = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return;
	(void)record_list(fd, RECORD_NAME, folder_remove, NULL);
	(void)close(fd);
}

int
record_folder(const char *where, char *path, struct errmsg *em)
{
	int error;

	clean(where);
	(void)snprintf(path, RECORD_PATH, "%s/" RECORD_NAME "%ld-XXXXXX", where,
	    (long)getpid());
	if (mkdtemp(path) != NULL)
		return 0;
	error = errno;
	*path = '\0';
	return ERRMSG(em, error, "%s: no folder can be made: %s", where,
	    errno_text(error));
}
