/*
 * streams FOLDER: stdio(3) of a file that is mapped, too, and with memory in a
 * map.
 */
#include "tests/programs/program.h"

#define N ((size_t)CHURN_PAGES)

int
main(int argc, char **argv)
{
	const char *path;
	uint8_t *map, *view;
	char line[64];
	FILE *fp;
	int fd;

	CHECK(argc == 2);
	path = path_in(argv[1], "stream");
	map = new_map(argv[1], "streams", 2 * N);
	fill(map, 0, 20 * PAGE);
	churn(map + N * PAGE);
	fp = fopen(path, "w+");
	CHECK(fp != NULL);
	CHECK(fwrite(map + 5, 1, 20 * PAGE - 5, fp) == 20 * PAGE - 5);
	CHECK(fprintf(fp, "%d and %s\n", 17, "more") == 12);
	CHECK(fflush(fp) == 0);
	view = map_of(fileno(fp), 20, PROT_READ, MAP_SHARED);
	CHECK(filled(view, 5, 20 * PAGE - 5));
	CHECK(fseek(fp, 100, SEEK_SET) == 0);
	memset(map, 0, 20 * PAGE);
	churn(map + N * PAGE);
	CHECK(fread(map + 3 * PAGE - 7, PAGE, 10, fp) == 10);
	CHECK(filled(map + 3 * PAGE - 7, 105, 10 * PAGE));
	CHECK(fseek(fp, -12, SEEK_END) == 0);
	CHECK(fgets(line, sizeof(line), fp) == line);
	CHECK(strcmp(line, "17 and more\n") == 0);
	CHECK(fclose(fp) == 0);
	/* A string of many pages. */
	memset(map, 'x', 6 * PAGE);
	map[6 * PAGE] = '\0';
	churn(map + N * PAGE);
	fp = fopen(path, "w");
	CHECK(fp != NULL);
	CHECK(fputs((char *)map, fp) >= 0);
	churn(map + N * PAGE);
	CHECK(fprintf(fp, "%.100s", (char *)map) == 100);
	CHECK(fclose(fp) == 0);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0 && lseek(fd, 0, SEEK_END) == (off_t)(6 * PAGE + 100));
	CHECK(close(fd) == 0);
	/* Names in pages that are closed. */
	CHECK(strlen(path) < PAGE);
	memcpy(map + 8 * PAGE, path, strlen(path) + 1);
	churn(map + N * PAGE);
	fd = memfd_create((char *)map + 8 * PAGE, 0);
	CHECK(fd >= 0 && close(fd) == 0);
	churn(map + N * PAGE);
	fp = freopen((char *)map + 8 * PAGE, "r", stdin);
	CHECK(fp == stdin && fgetc(fp) == 'x');
	view = map_of(fileno(fp), 7, PROT_READ, MAP_PRIVATE);
	CHECK(peek(view + 6 * PAGE + 99) == 'x');
	fp = tmpfile();
	CHECK(fp != NULL && fputs("tmp", fp) >= 0 && fflush(fp) == 0);
	view = map_of(fileno(fp), 1, PROT_READ | PROT_WRITE, MAP_SHARED);
	CHECK(memcmp(view, "tmp", 3) == 0);
	CHECK(fclose(fp) == 0);
	CHECK(peek(view) == 't');
	return done();
}
