#include "traces/preload/call.h"

#include <alloca.h>
#include <stdarg.h>

/*
 * Functions that run programs: the library goes along.  Memory for it is on
 * the stack: in a child of vfork(2) any other would be its parent's, for good.
 */

/* envp, with what is missing. */
#define WITH_ENV(envp)                                                         \
	(on() && env_room(envp) > 0 ? env_add(envp, alloca(env_room(envp))) :  \
				      (char **)to_ptr(to_addr(envp)))

/* Strings of a list that lie in maps. */
static uint64_t
hold_list(uint64_t id, char *const *list)
{
	size_t n = 0;

	for (; list != NULL && list[n] != NULL; n++)
		if (call_near(list[n], 1))
			id = call_hold(id, to_addr(list[n]),
			    strlen(list[n]) + 1, false);
	if (n > 0 && call_near(list, (n + 1) * sizeof(*list)))
		id = call_hold(id, to_addr(list), (n + 1) * sizeof(*list),
		    false);
	return id;
}

/* What the kernel reads of the program's is held open, until it has failed. */
#define LISTS(argv, envp)                                                      \
	__attribute__((cleanup(call_clean), unused))                           \
	const uint64_t lists_held =                                            \
	    hold_list(hold_list(PIN_FOREVER, argv), envp)

#define EXECS(name, params, args)                                              \
	EXPORT int name params                                                 \
	{                                                                      \
		char **with = WITH_ENV(envp);                                  \
		LISTS(argv, with);                                             \
                                                                               \
		return real.name args;                                         \
	}
#define EXECS_PATH(name, params, args)                                         \
	EXPORT int name params                                                 \
	{                                                                      \
		char **with = WITH_ENV(envp);                                  \
		LISTS(argv, with);                                             \
		STRING(path, path);                                            \
                                                                               \
		return real.name args;                                         \
	}

EXECS_PATH(execve, (const char *path, char *const *argv, char *const *envp),
    (path, argv, with))
EXECS_PATH(execvpe, (const char *path, char *const *argv, char *const *envp),
    (path, argv, with))
EXECS_PATH(execveat,
    (int dirfd, const char *path, char *const *argv, char *const *envp,
	int flags),
    (dirfd, path, argv, with, flags))
EXECS(fexecve, (int fd, char *const *argv, char *const *envp), (fd, argv, with))

EXPORT int
execv(const char *path, char *const *argv)
{
	return execve(path, argv, environ);
}

EXPORT int
execvp(const char *file, char *const *argv)
{
	return execvpe(file, argv, environ);
}

/* Arguments in a row, as an array; ap is left behind the NULL. */
#define GATHER(argv, arg, ap)                                                  \
	do {                                                                   \
		va_list again_;                                                \
		size_t n_ = 1;                                                 \
                                                                               \
		va_start(ap, arg);                                             \
		va_copy(again_, ap);                                           \
		while (va_arg(again_, char *) != NULL)                         \
			n_++;                                                  \
		va_end(again_);                                                \
		(argv) = alloca((n_ + 1) * sizeof(*(argv)));                   \
		memset((argv), 0, (n_ + 1) * sizeof(*(argv)));                 \
		(argv)[0] = to_ptr(to_addr(arg));                              \
		for (size_t i_ = 1; i_ <= n_; i_++)                            \
			(argv)[i_] = va_arg(ap, char *);                       \
	} while (0)

EXPORT int
execl(const char *path, const char *arg, ...)
{
	char **argv;
	va_list ap;

	GATHER(argv, arg, ap);
	va_end(ap);
	return execve(path, argv, environ);
}

EXPORT int
execlp(const char *file, const char *arg, ...)
{
	char **argv;
	va_list ap;

	GATHER(argv, arg, ap);
	va_end(ap);
	return execvpe(file, argv, environ);
}

EXPORT int
execle(const char *path, const char *arg, ...)
{
	char **argv, **envp;
	va_list ap;

	GATHER(argv, arg, ap);
	envp = va_arg(ap, char **);
	va_end(ap);
	return execve(path, argv, envp);
}

#define SPAWNS(name)                                                           \
	EXPORT int name(pid_t *pid, const char *path,                          \
	    const posix_spawn_file_actions_t *actions,                         \
	    const posix_spawnattr_t *attr, char *const *argv,                  \
	    char *const *envp)                                                 \
	{                                                                      \
		char **with = WITH_ENV(envp);                                  \
		LISTS(argv, with);                                             \
		STRING(path, path);                                            \
		pid_t child = 0;                                               \
		int error;                                                     \
                                                                               \
		/* It is written with all signals blocked: not to a map. */    \
		error = real.name(&child, path, actions, attr, argv, with);    \
		if (error == 0 && pid != NULL)                                 \
			*pid = child;                                          \
		return error;                                                  \
	}

SPAWNS(posix_spawn)
SPAWNS(posix_spawnp)

/* These two take the environment as it is: let it be right for so long. */
static void
env_restore(char ***was)
{
	if (*was != NULL)
		environ = *was;
}

#define RUNS(type, name, params, args)                                         \
	EXPORT type name params                                                \
	{                                                                      \
		char **with = WITH_ENV(environ);                               \
		__attribute__((cleanup(env_restore))) char **was =             \
		    with != environ ? environ : NULL;                          \
		STRING(command, command);                                      \
                                                                               \
		if (was != NULL)                                               \
			environ = with;                                        \
		return real.name args;                                         \
	}

RUNS(int, system, (const char *command), (command))
RUNS(FILE *, popen, (const char *command, const char *type), (command, type))

/*
 * vfork(2) returns twice on one stack: nothing may lie there between the call
 * and the return, so that the address to return to is kept in a register.
 */
pid_t exec_guest(pid_t pid);
pid_t exec_host(pid_t pid);
__asm__(".text\n"
	".globl vfork\n"
	".type vfork, @function\n"
	"vfork:\n"
	"	.cfi_startproc\n"
	"	popq %rdi\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	.cfi_register %rip, %rdi\n"
	"	movl $58, %eax\n"
	"	syscall\n"
	"	pushq %rdi\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	.cfi_offset %rip, -8\n"
	"	movl %eax, %edi\n"
	"	testl %eax, %eax\n"
	"	jz exec_guest\n"
	"	jmp exec_host\n"
	"	.cfi_endproc\n"
	".size vfork, . - vfork\n");
EXPORT_AS(__vfork, vfork);

/* The child: it lives in its parent's memory. */
__attribute__((used)) pid_t
exec_guest(pid_t pid)
{
	struct section sc;
	struct raw rw = { .rw_kind = RAW_FORK,
		.rw_nargs = 3,
		.rw_arg = { lib.lb_pid, self.se_tid,
		    0x4100 /* CLONE_VM | CLONE_VFORK */ } };

	self.se_guest = 1;
	if (!guards() && !arms())
		return pid;
	section_begin(&sc);
	/* Where the kernel tells of forks, this says that the library is there.
	 */
	if (guards())
		log_raw(&rw);
	start_log(RAW_START_FORK);
	section_end(&sc);
	return pid;
}

__attribute__((used)) pid_t
exec_host(pid_t pid)
{
	/* A guest itself stays one. */
	self.se_guest = lib.lb_on && sys_0(SYS_getpid) != (long)lib.lb_pid;
	return (pid_t)call_errno(pid);
}

EXPORT void
_exit(int status)
{
	start_exit();
	for (;;)
		(void)sys_1(SYS_exit_group, status);
}
EXPORT_AS(_Exit, _exit);
