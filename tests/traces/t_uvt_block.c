/* Blocks of a .uvt: what is refused leaves no trace in what comes after. */
#include "tests/test.h"

#include <string.h>

#include "tests/traces/tracetest.h"
#include "traces/uvt_i.h"

#define N 16

/* Read n events packed as they are, however wrong: what unpacker_next() says. */
static const char *
unpack(const struct trace_event *ev, uint32_t n, uint64_t *timep)
{
	uint32_t ids[] = { 1, 2 };
	const struct file_index files = { .fx_ids = ids, .fx_n = nitems(ids) };
	struct trace_event got[N];
	struct unpacker *up = malloc(sizeof(*up));
	struct packer pk;
	const char *what;
	size_t len;

	assert_non_null(up);
	must(packer_init(&pk));
	must(unpacker_init(up));
	memcpy(pk.pk_ev, ev, n * sizeof(*ev));
	pk.pk_n = n;
	len = packer_pack(&pk);
	what = unpacker_open(up, pk.pk_raw, len, n, &files);
	if (what == NULL)
		what = unpacker_next(up, got, n, timep, NULL);
	if (what == NULL)
		assert_memory_equal(got, ev, n * sizeof(*ev));
	unpacker_fini(up);
	packer_fini(&pk);
	free(up);
	return what;
}

/* Reads of file 1, one a page, at times from first on. */
static void
reads(struct trace_event *ev, uint64_t first)
{
	for (uint32_t i = 0; i < N; i++)
		ev[i] = (struct trace_event){ .te_op = TRACE_READ,
			.te_time = first + i,
			.te_pid = 1,
			.te_tid = 1,
			.te_file = 1,
			.te_map = 1,
			.te_offset = i * 4096ULL,
			.te_length = 4096 };
}

static void
the_time_is_that_of_the_last_event(void **state)
{
	struct trace_event ev[N];
	uint64_t time = 100;

	(void)state;
	reads(ev, 100);
	assert_null(unpack(ev, N, &time));
	assert_int_equal(time, 100 + N - 1);
}

static void
events_that_go_back_in_time_leave_it_as_it_was(void **state)
{
	struct trace_event ev[N];
	uint64_t time = 105;

	(void)state;
	reads(ev, 100);
	assert_string_equal(unpack(ev, N, &time), "goes back in time");
	assert_int_equal(time, 105);
	/* Salvage drops them: what follows may be as early as before. */
	reads(ev, 200);
	ev[N / 2].te_time = 1000;
	assert_string_equal(unpack(ev, N, &time), "goes back in time");
	assert_int_equal(time, 105);
}

static void
events_beyond_all_files_leave_it_as_it_was(void **state)
{
	struct trace_event ev[N];
	uint64_t time = 105;

	(void)state;
	reads(ev, 200);
	ev[3].te_offset = (uint64_t)INT64_MAX - 10;
	assert_non_null(unpack(ev, N, &time));
	assert_int_equal(time, 105);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_time_is_that_of_the_last_event),
		cmocka_unit_test(
		    events_that_go_back_in_time_leave_it_as_it_was),
		cmocka_unit_test(events_beyond_all_files_leave_it_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
