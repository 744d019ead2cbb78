/*
 * forks FOLDER: processes that fork, and execute programs: itself, with a word
 * more.
 */
#include <pthread.h>

#include "tests/programs/program.h"

#define CHILDREN 4

/* Each page's byte at an offset of its own. */
static void
mark(uint8_t *map, size_t at)
{
	for (size_t i = 0; i < CHURN_PAGES; i++)
		poke(map + i * PAGE + at, (uint8_t)(i + at));
}

static bool
marked(const uint8_t *map, size_t at)
{
	for (size_t i = 0; i < CHURN_PAGES; i++)
		if (peek(map + i * PAGE + at) != (uint8_t)(i + at))
			return false;
	return true;
}

static int
executed(const char *folder)
{
	const int fd = open(path_in(folder, "forks"), O_RDWR);
	uint8_t *map;

	CHECK(fd >= 0);
	map = map_of(fd, CHURN_PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	CHECK(marked(map, 1));
	mark(map, 200);
	return 0;
}

static _Noreturn void
child(uint8_t *map, uint8_t *own, size_t i)
{
	CHECK(marked(map, 1) && marked(own, 3));
	mark(map, 10 + i);
	mark(own, 5);
	CHECK(marked(own, 3) && marked(own, 5));
	if (i == 0) {
		const pid_t pid = fork();

		if (pid == 0) {
			mark(map, 100);
			CHECK(marked(own, 5));
			_exit(0);
		}
		ENDED_WELL(pid);
	}
	/* By exit, too. */
	if (i == 1)
		exit(0);
	_exit(0);
}

static void
children(uint8_t *map, uint8_t *own)
{
	pid_t pids[CHILDREN];

	for (size_t i = 0; i < CHILDREN; i++) {
		errno = EDOM;
		pids[i] = fork();
		CHECK(errno == EDOM);
		if (pids[i] == 0)
			child(map, own, i);
		mark(map, 50);
	}
	for (size_t i = 0; i < CHILDREN; i++) {
		ENDED_WELL(pids[i]);
		CHECK(marked(map, 10 + i));
	}
	CHECK(marked(map, 100) && marked(map, 50));
	/* What a child writes in a private map is its own. */
	CHECK(!marked(own, 5) && marked(own, 3));
}

/* A part that children do not get: they may have other memory there. */
static void
withheld(uint8_t *map)
{
	uint8_t *const part = map + 20 * PAGE;
	pid_t pid;

	CHECK(madvise(part, 10 * PAGE, MADV_DONTFORK) == 0);
	pid = fork();
	if (pid == 0) {
		uint8_t *mem = mmap(part, 10 * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		CHECK(mem == part);
		fill(mem, 0, 10 * PAGE);
		for (size_t i = 0; i < CHURN_PAGES; i++)
			(void)peek(map + i * PAGE);
		CHECK(filled(mem, 0, 10 * PAGE));
		_exit(0);
	}
	ENDED_WELL(pid);
	CHECK(madvise(part, 10 * PAGE, MADV_DOFORK) == 0);
	CHECK(marked(map, 1));
}

struct busy {
	uint8_t *bu_map;
	volatile bool bu_stop;
};

static void *
work(void *arg)
{
	struct busy *bu = arg;

	while (!bu->bu_stop)
		churn(bu->bu_map);
	return NULL;
}

/* A process with threads at work forks. */
static void
among_threads(uint8_t *map)
{
	struct busy bu = { map, false };
	pthread_t threads[2];

	for (size_t i = 0; i < 2; i++)
		CHECK(pthread_create(&threads[i], NULL, work, &bu) == 0);
	for (int i = 0; i < 10; i++) {
		const pid_t pid = fork();

		if (pid == 0) {
			mark(map, 60);
			CHECK(marked(map, 60));
			_exit(0);
		}
		ENDED_WELL(pid);
	}
	bu.bu_stop = true;
	for (size_t i = 0; i < 2; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
}

int
main(int argc, char **argv)
{
	uint8_t *map, *own;
	char *word;
	pid_t pid;
	int fd;

	if (argc == 3 && strcmp(argv[2], "executed") == 0)
		return executed(argv[1]);
	CHECK(argc == 2);
	map = new_map(argv[1], "forks", CHURN_PAGES);
	fd = new_file(path_in(argv[1], "own"), CHURN_PAGES);
	own = map_of(fd, CHURN_PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	mark(map, 1);
	mark(own, 3);
	children(map, own);
	withheld(map);
	/* Its arguments may stand in a map, too. */
	word = (char *)(map + 33 * PAGE + 2000);
	CHECK(snprintf(word, 9, "executed") == 8);
	churn(map);
	pid = fork();
	if (pid == 0) {
		(void)execl(argv[0], argv[0], argv[1], word, NULL);
		_exit(1);
	}
	ENDED_WELL(pid);
	CHECK(marked(map, 200));
	among_threads(map);
	return done();
}
