/*
 * spawns FOLDER: processes made by vfork(2), posix_spawn(3), system(3) and
 * popen(3); they execute this program, with a word more.
 */
#include <spawn.h>

#include "tests/programs/program.h"

static int
spawned(const char *folder, const char *word)
{
	const int fd = open(path_in(folder, "spawns"), O_RDWR);
	uint8_t *map;

	CHECK(fd >= 0);
	map = map_of(fd, CHURN_PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	churn(map);
	poke(map + 5, (uint8_t)*word);
	if (*word == 'p')
		(void)puts(word);
	return 0;
}

static void
by_vfork(char **argv, uint8_t *map)
{
	char word[] = "v";
	char *const args[] = { argv[0], argv[1], word, NULL };

	for (int i = 0; i < 3; i++) {
		const int spare = dup(0);
		pid_t pid;

		CHECK(spare >= 0);
		churn(map);
		pid = vfork();
		if (pid == 0) {
			/* Memory is the parent's, descriptors are not. */
			poke(map + 7 * PAGE, (uint8_t)(i + 1));
			(void)close(spare);
			(void)dup2(2, 1);
			if (i == 1)
				_exit(3);
			if (i == 2) {
				(void)execv("/nonexistent", args);
				_exit(errno == ENOENT ? 4 : 5);
			}
			(void)execv(argv[0], args);
			_exit(1);
		}
		CHECK(ended(pid) == (i == 0 ? 0 : i == 1 ? 3 << 8 : 4 << 8));
		CHECK(peek(map + 7 * PAGE) == i + 1);
		CHECK(close(spare) == 0);
		churn(map);
	}
	CHECK(peek(map + 5) == 'v');
}

static void
by_spawn(char **argv, uint8_t *map)
{
	char word[] = "s";
	char *const args[] = { argv[0], argv[1], word, NULL };
	posix_spawn_file_actions_t fa;
	/* A place in the map is as good as any. */
	pid_t *const pid = (void *)(map + 9 * PAGE);

	CHECK(posix_spawn_file_actions_init(&fa) == 0);
	CHECK(posix_spawn_file_actions_adddup2(&fa, 2, 1) == 0);
	churn(map);
	CHECK(posix_spawn(pid, argv[0], &fa, NULL, args, environ) == 0);
	ENDED_WELL(*pid);
	CHECK(peek(map + 5) == 's');
	poke(map + 5, 0);
	CHECK(posix_spawnp(pid, argv[0], &fa, NULL, args, environ) == 0);
	ENDED_WELL(*pid);
	CHECK(peek(map + 5) == 's');
	CHECK(posix_spawn(pid, "/nonexistent", NULL, NULL, args, environ) ==
	    ENOENT);
	CHECK(posix_spawn_file_actions_destroy(&fa) == 0);
}

static void
by_shell(char **argv, uint8_t *map)
{
	char *const line = (char *)map + 11 * PAGE + 104;
	char *command, word[8] = "";
	FILE *fp;

	CHECK(
	    asprintf(&command, "'%s' '%s' w >/dev/null", argv[0], argv[1]) > 0);
	/* As a word in a page that is closed. */
	(void)snprintf(line, PAGE - 104, "%s", command);
	churn(map);
	CHECK(system(line) == 0); /* NOLINT: what is to be tested */
	CHECK(peek(map + 5) == 'w');
	free(command);
	CHECK(asprintf(&command, "'%s' '%s' p", argv[0], argv[1]) > 0);
	(void)snprintf(line, PAGE - 104, "%s", command);
	churn(map);
	fp = popen(line, "r"); /* NOLINT: so is this */
	CHECK(fp != NULL && fgets(word, sizeof(word), fp) != NULL);
	CHECK(pclose(fp) == 0);
	CHECK(strcmp(word, "p\n") == 0 && peek(map + 5) == 'p');
	free(command);
}

int
main(int argc, char **argv)
{
	uint8_t *map;

	if (argc == 3)
		return spawned(argv[1], argv[2]);
	CHECK(argc == 2);
	map = new_map(argv[1], "spawns", CHURN_PAGES);
	by_vfork(argv, map);
	by_spawn(argv, map);
	by_shell(argv, map);
	return done();
}
