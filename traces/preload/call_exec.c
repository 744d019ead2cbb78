/*
 * call_exec.c: programs that follow are recorded, too, whatever environment
 * they are given; and the process's end.
 */
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>

#include "traces/preload/preload.h"

NEXT(execve);
NEXT(execvpe);
NEXT(fexecve);
NEXT_VERSION(posix_spawn, "GLIBC_2.15");
NEXT_VERSION(posix_spawnp, "GLIBC_2.15");

#define ENV_MAX 4096 /* variables; of more, ours may be lacking */

/* An environment with ours in it, if they were not. */
struct env {
	char *en_vars[ENV_MAX + 3];
};

static bool
same_name(const char *a, const char *b)
{
	const size_t n = strcspn(b, "=") + 1;

	return strncmp(a, b, n) == 0;
}

/*
 * The environment to hand on.  What the program has made of LD_PRELOAD itself
 * stays, unless it leaves us out.
 */
static char *const *
with_ours(char *const *envp, struct env *en)
{
	size_t n = 0;
	bool have[2] = { false, false };

	if (!recording() || preload.pl_env[0][0] == '\0')
		return envp;
	for (; envp != NULL && envp[n] != NULL && n < ENV_MAX; n++) {
		en->en_vars[n] = envp[n];
		for (size_t i = 0; i < 2; i++) {
			if (!same_name(envp[n], preload.pl_env[i]))
				continue;
			have[i] = true;
			if (strstr(envp[n], "uvn-record-") == NULL)
				en->en_vars[n] = preload.pl_env[i];
		}
	}
	if (envp != NULL && envp[n] != NULL)
		return envp;
	for (size_t i = 0; i < 2; i++)
		if (!have[i])
			en->en_vars[n++] = preload.pl_env[i];
	en->en_vars[n] = NULL;
	return en->en_vars;
}

EXPORT int
execve(const char *path, char *const argv[], char *const envp[])
{
	struct env en;

	preload_start();
	return CALL_NEXT(execve)(path, argv, with_ours(envp, &en));
}

EXPORT int
execvpe(const char *file, char *const argv[], char *const envp[])
{
	struct env en;

	preload_start();
	return CALL_NEXT(execvpe)(file, argv, with_ours(envp, &en));
}

EXPORT int
fexecve(int fd, char *const argv[], char *const envp[])
{
	struct env en;

	preload_start();
	return CALL_NEXT(fexecve)(fd, argv, with_ours(envp, &en));
}

EXPORT int
execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

EXPORT int
execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

#define ARGS_MAX 1024

/* The arguments of execl(3) and its kin, as an array. */
static void
gather(char **argv, const char *first, va_list *ap)
{
	size_t n = 0;

	argv[n] = (char *)(uintptr_t)first;
	while (argv[n] != NULL && n < ARGS_MAX)
		argv[++n] = va_arg(*ap, char *);
	argv[n] = NULL;
}

EXPORT int
execl(const char *path, const char *arg, ...)
{
	char *argv[ARGS_MAX + 1];
	va_list ap;

	va_start(ap, arg);
	gather(argv, arg, &ap);
	va_end(ap);
	return execv(path, argv);
}

EXPORT int
execlp(const char *file, const char *arg, ...)
{
	char *argv[ARGS_MAX + 1];
	va_list ap;

	va_start(ap, arg);
	gather(argv, arg, &ap);
	va_end(ap);
	return execvp(file, argv);
}

EXPORT int
execle(const char *path, const char *arg, ...)
{
	char *argv[ARGS_MAX + 1], *const *envp;
	va_list ap;

	va_start(ap, arg);
	gather(argv, arg, &ap);
	envp = va_arg(ap, char *const *);
	va_end(ap);
	return execve(path, argv, envp);
}

EXPORT int
posix_spawn(pid_t *pid, const char *path,
    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
    char *const argv[], char *const envp[])
{
	struct env en;

	preload_start();
	return CALL_NEXT(
	    posix_spawn)(pid, path, actions, attr, argv, with_ours(envp, &en));
}

EXPORT int
posix_spawnp(pid_t *pid, const char *file,
    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
    char *const argv[], char *const envp[])
{
	struct env en;

	preload_start();
	return CALL_NEXT(
	    posix_spawnp)(pid, file, actions, attr, argv, with_ours(envp, &en));
}

/* In mode preload nobody else tells that a process has ended. */
static void
say_exit(void)
{
	const struct raw rw = { .rw_kind = RAW_EXIT, .rw_flags = RAW_F_GROUP };
	struct mask ma;

	if (!in_mode(RING_PRELOAD))
		return;
	mask_block(&ma);
	log_raw(&rw);
	mask_restore(&ma);
}

EXPORT _Noreturn void
_exit(int status)
{
	say_exit();
	for (;;)
		(void)SYS1(SYS_exit_group, status);
}

EXPORT _Noreturn void
_Exit(int status)
{
	_exit(status);
}

__attribute__((destructor)) static void
destructor(void)
{
	say_exit();
}
