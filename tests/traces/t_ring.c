#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/test.h"
#include "tests/traces/tracetest.h"
#include "traces/ring.h"

#define WRITERS 4

/* What the reader has had of each slot: its records are numbered. */
struct had {
	uint64_t ha_next[RING_SLOTS];
	uint64_t ha_n;
	size_t ha_longest; /* text */
};

/* A writer of a slot, as ring.h has it. */
struct writer {
	struct ring_file *wr_file;
	struct ring_slot *wr_slot;
	uint8_t *wr_data;
	uint64_t wr_n; /* records to write */
};

static struct ring *
ring_new(void)
{
	struct errmsg em = { .em_text = "" };
	struct ring *rg;

	must_em(ring_create("ring", RING_PRELOAD, 64, 4096, &rg, &em), &em);
	return rg;
}

static struct ring_file *
ring_open(void)
{
	FILE *fp = fopen("ring", "r+e");
	void *map;

	assert_non_null(fp);
	map = mmap(NULL, RING_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fileno(fp), 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	must(fclose(fp));
	return map;
}

static struct writer
writer_new(struct ring_file *rf, pid_t pid, pid_t tid, uint64_t n)
{
	const uint64_t me = (uint64_t)pid << 32 | (uint64_t)tid;

	for (unsigned i = 0; i < RING_SLOTS; i++) {
		uint64_t owner = 0;

		if (atomic_compare_exchange_strong(&rf->rf_slot[i].sl_owner,
			&owner, me))
			return (struct writer){ rf, &rf->rf_slot[i],
				(uint8_t *)rf + RING_DATA(i), n };
	}
	return (struct writer){ rf, NULL, NULL, 0 };
}

/* Wait until len bytes fit. */
static void
wait_room(struct writer *wr, size_t len)
{
	struct ring_slot *sl = wr->wr_slot;
	const struct timespec ts = { 0, 10000000 };

	for (;;) {
		const uint64_t tail = atomic_load(&sl->sl_tail);

		if (atomic_load(&sl->sl_head) + len - tail <= RING_BYTES)
			return;
		atomic_store(&sl->sl_waiting, 1);
		atomic_fetch_add(&wr->wr_file->rf_ready, 1);
		(void)syscall(SYS_futex, &wr->wr_file->rf_ready, FUTEX_WAKE, 1,
		    NULL, NULL, 0);
		if (atomic_load(&sl->sl_tail) == tail)
			(void)syscall(SYS_futex, &sl->sl_tail, FUTEX_WAIT,
			    (uint32_t)tail, &ts, NULL, 0);
	}
}

static void
write_one(struct writer *wr, uint64_t i)
{
	static const char dots[] = "........................................";
	uint8_t buf[RAW_MAX];
	struct raw rw = { .rw_time = i,
		.rw_kind = RAW_FILE,
		.rw_nargs = 2,
		.rw_arg = { i, ~i },
		.rw_text = dots + sizeof(dots) - 1 - i % sizeof(dots) };
	const size_t len = raw_encode(&rw, buf);
	uint64_t head;

	wait_room(wr, len);
	head = atomic_load(&wr->wr_slot->sl_head);
	for (size_t k = 0; k < len; k++)
		wr->wr_data[(head + k) & (RING_BYTES - 1)] = buf[k];
	atomic_store(&wr->wr_slot->sl_head, head + len);
}

static void *
write_all(void *arg)
{
	struct writer *wr = arg;

	for (uint64_t i = 0; i < wr->wr_n; i++)
		write_one(wr, i);
	return NULL;
}

static int
take(void *arg, unsigned slot, const uint8_t *bytes, size_t len)
{
	struct had *ha = arg;
	struct raw rw;

	for (size_t at = 0, n; at < len; at += n) {
		n = raw_decode(bytes + at, len - at, &rw);
		assert_int_not_equal(n, 0);
		assert_int_equal(rw.rw_arg[0], ha->ha_next[slot]++);
		assert_int_equal(rw.rw_arg[1], ~rw.rw_arg[0]);
		if (strlen(rw.rw_text) > ha->ha_longest)
			ha->ha_longest = strlen(rw.rw_text);
		ha->ha_n++;
	}
	return 0;
}

static void
it_is_a_sparse_file_that_others_cannot_read(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct ring *rg = ring_new(), *other;
	const struct ring_file *rf = ring_open();
	struct stat st;

	(void)state;
	must(stat("ring", &st));
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, RING_FILE_BYTES);
	assert_in_range(st.st_blocks, 0, 512);
	assert_int_equal(rf->rf_magic, RING_MAGIC);
	assert_int_equal(rf->rf_mode, RING_PRELOAD);
	assert_int_equal(rf->rf_window, 64);
	assert_int_equal(rf->rf_pid, getpid());
	assert_int_equal(ring_create("ring", RING_KERNEL, 1, 4096, &other, &em),
	    EEXIST);
	assert_non_null(strstr(em.em_text, "ring"));
	ring_destroy(rg);
	assert_false(file_exists("ring"));
	/* Those that have it still, know. */
	assert_int_equal(atomic_load(&rf->rf_stop), 1);
}

static void
a_folder_that_is_not_there_is_said(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct ring *rg;

	(void)state;
	assert_int_equal(ring_create("no/ring", RING_KERNEL, 1, 4096, &rg, &em),
	    ENOENT);
	assert_non_null(strstr(em.em_text, "no/ring"));
}

static void
threads_write_more_than_fits_and_nothing_is_lost(void **state)
{
	struct ring *rg = ring_new();
	struct ring_file *rf = ring_open();
	struct had had = { .ha_n = 0 };
	struct writer wr[WRITERS];
	pthread_t th[WRITERS];
	const uint64_t n = 40000;

	(void)state;
	for (int i = 0; i < WRITERS; i++) {
		wr[i] = writer_new(rf, getpid(), getpid(), n);
		must(pthread_create(&th[i], NULL, write_all, &wr[i]));
	}
	while (had.ha_n < WRITERS * n) {
		ring_wait(rg, 100);
		must(ring_drain(rg, take, &had));
	}
	for (int i = 0; i < WRITERS; i++)
		must(pthread_join(th[i], NULL));
	/* Each has gone around more than once. */
	for (int i = 0; i < WRITERS; i++) {
		assert_int_equal(had.ha_next[i], n);
		assert_true(
		    atomic_load(&wr[i].wr_slot->sl_head) > 2 * RING_BYTES);
	}
	assert_int_equal(had.ha_longest, 40);
	assert_int_equal(ring_lost(rg), 0);
	ring_destroy(rg);
}

/* What a look that is due wants. */
static void
pass_time(void)
{
	(void)usleep(150000);
}

static void
a_dead_writer_leaves_what_it_wrote_and_then_its_slot(void **state)
{
	struct ring *rg = ring_new();
	struct ring_file *rf = ring_open();
	struct had had = { .ha_n = 0 };
	pid_t pid = fork();

	(void)state;
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		struct writer wr = writer_new(rf, getpid(), getpid(), 100);

		(void)write_all(&wr);
		(void)kill(getpid(), SIGKILL);
	}
	/* A zombie has its number still. */
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	must(ring_drain(rg, take, &had));
	assert_int_equal(had.ha_n, 100);
	pass_time();
	must(ring_drain(rg, take, &had));
	assert_int_equal(ring_owned(rg), 0);
	assert_int_equal(atomic_load(&rf->rf_slot[0].sl_owner), 0);
	/* The next one goes on where it ended. */
	had.ha_next[0] = 0;
	{
		struct writer wr = writer_new(rf, getpid(), getpid(), 50);

		assert_ptr_equal(wr.wr_slot, &rf->rf_slot[0]);
		(void)write_all(&wr);
	}
	pass_time();
	must(ring_drain(rg, take, &had));
	assert_int_equal(had.ha_n, 150);
	assert_int_equal(ring_owned(rg), 1);
	ring_destroy(rg);
}

static void
a_living_writer_keeps_its_slot(void **state)
{
	struct ring *rg = ring_new();
	struct ring_file *rf = ring_open();
	struct had had = { .ha_n = 0 };
	struct writer wr = writer_new(rf, getpid(), getpid(), 1);

	(void)state;
	(void)write_all(&wr);
	for (int i = 0; i < 3; i++) {
		pass_time();
		must(ring_drain(rg, take, &had));
		assert_int_equal(ring_owned(rg), 1);
	}
	assert_int_not_equal(atomic_load(&wr.wr_slot->sl_owner), 0);
	ring_destroy(rg);
}

static int
refuse(void *arg, unsigned slot, const uint8_t *bytes, size_t len)
{
	(void)slot;
	(void)bytes;
	*(size_t *)arg += len;
	return ENOSPC;
}

static void
an_error_of_the_taker_ends_it(void **state)
{
	struct ring *rg = ring_new();
	struct ring_file *rf = ring_open();
	struct writer one = writer_new(rf, getpid(), getpid(), 3);
	struct writer two = writer_new(rf, getpid(), getpid(), 3);
	size_t len = 0;

	(void)state;
	(void)write_all(&one);
	(void)write_all(&two);
	assert_int_equal(ring_drain(rg, refuse, &len), ENOSPC);
	assert_int_equal(len, atomic_load(&one.wr_slot->sl_head));
	ring_destroy(rg);
}

static void
what_is_no_record_is_counted_and_passed_over(void **state)
{
	static const uint64_t heads[] = { 24, RING_BYTES, 3 * RING_BYTES };
	struct ring *rg = ring_new();
	struct ring_file *rf = ring_open();
	struct had had = { .ha_n = 0 };
	struct writer wr = writer_new(rf, getpid(), getpid(), 1);

	(void)state;
	for (size_t i = 0; i < nitems(heads); i++) {
		memset(wr.wr_data, 0xff, RING_BYTES);
		atomic_fetch_add(&wr.wr_slot->sl_head, heads[i]);
		must(ring_drain(rg, take, &had));
		assert_int_equal(had.ha_n, i);
		assert_int_equal(ring_lost(rg), i + 1);
		had.ha_next[0] = 0;
		(void)write_all(&wr);
		must(ring_drain(rg, take, &had));
		assert_int_equal(had.ha_n, i + 1);
	}
	ring_destroy(rg);
}

static void
losses_of_writers_are_summed(void **state)
{
	struct ring *rg = ring_new();
	struct ring_file *rf = ring_open();

	(void)state;
	assert_int_equal(ring_lost(rg), 0);
	atomic_fetch_add(&rf->rf_lost, 3);
	atomic_fetch_add(&rf->rf_slot[0].sl_lost, 4);
	atomic_fetch_add(&rf->rf_slot[RING_SLOTS - 1].sl_lost, 5);
	assert_int_equal(ring_lost(rg), 12);
	ring_destroy(rg);
}

static void
the_library_is_part_of_the_program(void **state)
{
	(void)state;
	if (record_preload_so_size == 0)
		skip();
	assert_true(record_preload_so_size > 4096);
	assert_memory_equal(record_preload_so,
	    "\177"
	    "ELF",
	    4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_a_sparse_file_that_others_cannot_read),
		cmocka_unit_test(a_folder_that_is_not_there_is_said),
		cmocka_unit_test(
		    threads_write_more_than_fits_and_nothing_is_lost),
		cmocka_unit_test(
		    a_dead_writer_leaves_what_it_wrote_and_then_its_slot),
		cmocka_unit_test(a_living_writer_keeps_its_slot),
		cmocka_unit_test(an_error_of_the_taker_ends_it),
		cmocka_unit_test(what_is_no_record_is_counted_and_passed_over),
		cmocka_unit_test(losses_of_writers_are_summed),
		cmocka_unit_test(the_library_is_part_of_the_program),
	};

	return cmocka_run_group_tests(tests, tracetest_setup,
	    tracetest_teardown);
}
