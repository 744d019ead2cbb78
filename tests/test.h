/* What cmocka 1.1.5 wants before itself, and helpers all tests use. */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base.h"

/* A call that has to work. */
#define must(call) assert_int_equal((call), 0)

/* As must(), for calls that leave a message: printed when they fail. */
#define must_em(call, em)                                                      \
	do {                                                                   \
		const int must_error_ = (call);                                \
		if (must_error_ != 0)                                          \
			fail_msg("%s: error %d: %s", #call, must_error_,       \
			    (em)->em_text);                                    \
	} while (0)

#endif
