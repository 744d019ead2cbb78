/*
 * backend_file_folder.c: whose a folder is.
 *
 * Where a run has worked there is a .lock that holds nothing.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pager/backend_file.h"

/* Of a name that we would give to a backing file? */
static int
named_so(const struct dirent *de)
{
	static const char begin[] = "file-", end[] = ".dat";
	const char *p = de->d_name;

	if (strncmp(p, begin, sizeof(begin) - 1) != 0)
		return 0;
	p += sizeof(begin) - 1;
	p += strspn(p, "0123456789");
	return strcmp(p, end) == 0;
}

/* Something of such a name that is in the folder. */
static int
check_names(int fd, const char *dir, struct errmsg *em)
{
	struct dirent **names;
	const int n = scandirat(fd, ".", &names, named_so, alphasort);
	int error = 0;

	if (n == -1) {
		error = errno;
		return ERRMSG(em, error, "%s: cannot be read: %s", dir,
		    errno_text(error));
	}
	if (n > 0)
		error = ERRMSG(em, EEXIST,
		    "%s/%s: is there, and no run has worked in this folder: "
		    "use another --dir, or uvn replay --overwrite to destroy "
		    "it",
		    dir, names[0]->d_name);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return error;
}

int
uvm_filebe_check_folder(const char *dir, struct errmsg *em)
{
	const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int error;

	/* What is wrong with it, if anything is, its use will say. */
	if (fd == -1)
		return 0;
	if (fstatat(fd, ".lock", &st, AT_SYMLINK_NOFOLLOW) != 0) {
		error = check_names(fd, dir, em);
		(void)close(fd);
		return error;
	}
	(void)close(fd);
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return 0;
	return ERRMSG(em, EEXIST,
	    "%s/.lock: holds something, so is not of a run's: use another "
	    "--dir",
	    dir);
}
