/*
 * coverage.h: what all of a build with COV=1 includes, so that what a forked
 * child did counts, too: gcov writes its counts at exit(3), and knows of some
 * of exec(3)'s kin only.
 */
#ifndef TESTS_COVERAGE_H
#define TESTS_COVERAGE_H

#include <unistd.h>

/* NOLINTBEGIN(bugprone-reserved-identifier): gcov's and libc's names. */
void __gcov_dump(void);
void __gcov_reset(void);

#define _exit(status) (__gcov_dump(), (_exit)(status))
#define execvpe(...)  (__gcov_dump(), __gcov_reset(), (execvpe)(__VA_ARGS__))
/* NOLINTEND(bugprone-reserved-identifier) */

#endif
