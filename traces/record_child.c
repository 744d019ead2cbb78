#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "traces/record_child.h"

/* Does the variable of b stand in a, too? */
static bool
same_name(const char *a, const char *b)
{
	const size_t n = strcspn(b, "=") + 1;

	return strncmp(a, b, n) == 0;
}

/* Our environment, and env over it; strings are shared. */
static char **
merged(char *const *env)
{
	size_t n = 1, k = 0;
	char **envp;

	for (char **p = environ; *p != NULL; p++)
		n++;
	for (char *const *p = env; *p != NULL; p++)
		n++;
	envp = calloc(n, sizeof(*envp));
	if (envp == NULL)
		return NULL;
	for (char **p = environ; *p != NULL; p++) {
		char *const *q = env;

		while (*q != NULL && !same_name(*p, *q))
			q++;
		if (*q == NULL)
			envp[k++] = *p;
	}
	for (char *const *p = env; *p != NULL; p++)
		envp[k++] = *p;
	return envp;
}

/* In the child: wait, and become the program. */
static _Noreturn void
become(const struct child_param *cp, char **envp, int go, int why)
{
	char byte;
	ssize_t n;
	int error;

	do {
		n = read(go, &byte, 1);
	} while (n == -1 && errno == EINTR);
	if (n != 1)
		_exit(127); /* given up */
	if (cp->cp_to_stderr)
		(void)dup2(STDERR_FILENO, STDOUT_FILENO);
	(void)execvpe(cp->cp_argv[0], cp->cp_argv, envp);
	error = errno;
	(void)!write(why, &error, sizeof(error));
	_exit(127);
}

int
child_start(const struct child_param *cp, struct child *ch, struct errmsg *em)
{
	char **envp = merged(cp->cp_env);
	int go[2], why[2];
	int error;

	if (envp == NULL)
		return ERRMSG(em, ENOMEM, "no memory to run %s",
		    cp->cp_argv[0]);
	if (pipe2(go, O_CLOEXEC) != 0) {
		error = errno;
		free(envp);
		return ERRMSG(em, error, "pipe: %s", errno_text(error));
	}
	if (pipe2(why, O_CLOEXEC) != 0) {
		error = errno;
		(void)close(go[0]);
		(void)close(go[1]);
		free(envp);
		return ERRMSG(em, error, "pipe: %s", errno_text(error));
	}
	ch->ch_pid = fork();
	error = errno;
	if (ch->ch_pid == 0) {
		(void)close(go[1]);
		become(cp, envp, go[0], why[1]);
	}
	free(envp);
	(void)close(go[0]);
	(void)close(why[1]);
	ch->ch_go = go[1];
	ch->ch_why = why[0];
	if (ch->ch_pid != -1)
		return 0;
	(void)close(ch->ch_go);
	(void)close(ch->ch_why);
	return ERRMSG(em, error, "fork: %s", errno_text(error));
}

int
child_go(struct child *ch, const char *name, struct errmsg *em)
{
	int error = 0;
	ssize_t n;

	(void)!write(ch->ch_go, "", 1);
	do {
		n = read(ch->ch_why, &error, sizeof(error));
	} while (n == -1 && errno == EINTR);
	(void)close(ch->ch_go);
	(void)close(ch->ch_why);
	if (n != (ssize_t)sizeof(error))
		return 0; /* closed by exec */
	(void)waitpid(ch->ch_pid, NULL, 0);
	return ERRMSG(em, error, "%s: cannot be run: %s", name,
	    errno_text(error));
}

void
child_cancel(struct child *ch)
{
	(void)close(ch->ch_go);
	(void)close(ch->ch_why);
	(void)waitpid(ch->ch_pid, NULL, 0);
}
