/*
 * cleared FOLDER: executes itself with environments that lack what it was
 * started with, by all of execve(2)'s kin.
 */
#include <spawn.h>

#include "tests/programs/program.h"

#define WAYS 9

static int
executed(const char *folder, const char *way)
{
	const int fd = open(path_in(folder, "cleared"), O_RDWR);
	uint8_t *map;

	CHECK(fd >= 0);
	map = map_of(fd, CHURN_PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	churn(map);
	CHECK(getenv("HOME") == NULL && getenv("PATH") == NULL);
	CHECK(getenv("KEPT") != NULL && strcmp(getenv("KEPT"), "1 2") == 0);
	poke(map + 3, (uint8_t)*way);
	return 0;
}

static void
become(int how, char **argv, char *const *args, char *const *envp)
{
	CHECK(clearenv() == 0);
	CHECK(setenv("KEPT", "1 2", 1) == 0);
	switch (how) {
	case 0:
		(void)execve(argv[0], args, envp);
		break;
	case 1:
		(void)execv(argv[0], args);
		break;
	case 2:
		(void)execvp(argv[0], args);
		break;
	case 3:
		(void)execvpe(argv[0], args, envp);
		break;
	case 4:
		(void)execl(argv[0], argv[0], argv[1], args[2], NULL);
		break;
	case 5:
		(void)execlp(argv[0], argv[0], argv[1], args[2], NULL);
		break;
	case 6:
		(void)execle(argv[0], argv[0], argv[1], args[2], NULL, envp);
		break;
	case 7:
		(void)fexecve(open(argv[0], O_RDONLY | O_CLOEXEC), args, envp);
		break;
	case 8:
		(void)execveat(AT_FDCWD, argv[0], args, envp, 0);
		break;
	default:
		break;
	}
	_exit(1);
}

int
main(int argc, char **argv)
{
	char word[2] = "", kept[] = "KEPT=1 2";
	char *args[] = { argv[0], argv[1], word, NULL };
	char *const envp[] = { kept, NULL };
	uint8_t *map;
	pid_t pid;

	if (argc == 3)
		return executed(argv[1], argv[2]);
	CHECK(argc == 2);
	map = new_map(argv[1], "cleared", CHURN_PAGES);
	for (int how = 0; how < WAYS; how++) {
		*word = (char)('a' + how);
		pid = fork();
		if (pid == 0)
			become(how, argv, args, envp);
		ENDED_WELL(pid);
		CHECK(peek(map + 3) == (uint8_t)*word);
	}
	for (int how = 0; how < 2; how++) {
		*word = (char)('A' + how);
		CHECK((how == 0 ? posix_spawn : posix_spawnp)(&pid, argv[0],
			  NULL, NULL, args, envp) == 0);
		ENDED_WELL(pid);
		CHECK(peek(map + 3) == (uint8_t)*word);
	}
	return done();
}
