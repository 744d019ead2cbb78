/*
 * The rings between recorded programs and the recorder: read by ring.c, written
 * by the test itself and by the library in a program.
 */
#include "tests/traces/ringtest.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/traces/tracetest.h"

#define ME ((uint64_t)getpid() << 32 | (uint32_t)getpid())

static struct ring_slot *
slot_of(struct rtest *rt, unsigned i)
{
	return &rt->rt_file->rf_slot[i];
}

/* Write as a program would; the caller sees that there is room. */
static void
slot_write(struct rtest *rt, unsigned i, const void *bytes, size_t n)
{
	uint8_t *const data = (uint8_t *)rt->rt_file + RING_DATA(i);
	const uint64_t head = atomic_load(&slot_of(rt, i)->sl_head);

	for (size_t k = 0; k < n; k++)
		data[(head + k) % RING_BYTES] = ((const uint8_t *)bytes)[k];
	atomic_store(&slot_of(rt, i)->sl_head, head + n);
}

static size_t
slot_put(struct rtest *rt, unsigned i, const struct raw *rw)
{
	uint8_t buf[RAW_MAX];
	const size_t n = raw_encode(rw, buf);

	slot_write(rt, i, buf, n);
	return n;
}

static void
what_is_written_comes_out(void **state)
{
	const struct raw rw = { .rw_time = 17,
		.rw_pid = 3,
		.rw_tid = 4,
		.rw_kind = RAW_CALL,
		.rw_flags = RAW_F_GROUP,
		.rw_sys = RAW_SYS_RENAME,
		.rw_nargs = 2,
		.rw_arg = { 5, UINT64_MAX },
		.rw_text = "one",
		.rw_text2 = "" };
	struct rtest rt;

	(void)state;
	rtest_begin(&rt, RING_KERNEL, 256);
	assert_int_equal(rt.rt_file->rf_magic, RING_MAGIC);
	assert_int_equal(rt.rt_file->rf_mode, RING_KERNEL);
	assert_int_equal(rt.rt_file->rf_pid, getpid());
	assert_int_equal(rt.rt_file->rf_window, 256);
	assert_int_equal(rt.rt_file->rf_page, 4096);
	assert_int_equal(rtest_drain(&rt), 0);
	atomic_store(&slot_of(&rt, 5)->sl_owner, ME);
	(void)slot_put(&rt, 5, &rw);
	assert_int_equal(rtest_drain(&rt), 1);
	assert_int_equal(rt.rt_slots[0], 5);
	assert_int_equal(rt.rt_raws[0].rw_time, 17);
	assert_int_equal(rt.rt_raws[0].rw_pid, 3);
	assert_int_equal(rt.rt_raws[0].rw_tid, 4);
	assert_int_equal(rt.rt_raws[0].rw_kind, RAW_CALL);
	assert_int_equal(rt.rt_raws[0].rw_flags, RAW_F_GROUP);
	assert_int_equal(rt.rt_raws[0].rw_sys, RAW_SYS_RENAME);
	assert_int_equal(rt.rt_raws[0].rw_arg[1], UINT64_MAX);
	assert_string_equal(rt.rt_raws[0].rw_text, "one");
	assert_string_equal(rt.rt_raws[0].rw_text2, "");
	assert_int_equal(rtest_drain(&rt), 0);
	rtest_end(&rt);
}

/* Records of all lengths, so that they end and begin at each place of a ring.*/
static void
records_that_wrap_around_come_out_whole(void **state)
{
	static char text[RAW_TEXT_MAX];
	struct dice d = { dice_seed() };
	uint64_t put = 0, got = 0, bytes = 0;
	struct rtest rt;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	rtest_begin(&rt, RING_KERNEL, 256);
	atomic_store(&slot_of(&rt, 0)->sl_owner, ME);
	while (bytes < 8ULL * RING_BYTES) {
		const uint64_t fill = dice_below(&d, RING_BYTES - RAW_MAX);

		for (uint64_t n = 0; n <= fill;) {
			struct raw rw = { .rw_kind = RAW_FILE,
				.rw_nargs = 8,
				.rw_arg = { put++ } };

			if (dice_below(&d, 2) == 0)
				rw.rw_text =
				    text + dice_below(&d, sizeof(text));
			if (dice_below(&d, 8) == 0)
				rw.rw_text2 =
				    text + dice_below(&d, sizeof(text));
			rw.rw_arg[1] =
			    rw.rw_text != NULL ? strlen(rw.rw_text) : 0;
			n += slot_put(&rt, 0, &rw);
		}
		bytes += fill;
		(void)rtest_drain(&rt);
		for (size_t i = 0; i < rt.rt_n; i++, got++) {
			const struct raw *rw = &rt.rt_raws[i];

			assert_int_equal(rw->rw_arg[0], got);
			assert_int_equal(rw->rw_text != NULL ?
				strlen(rw->rw_text) :
				0,
			    rw->rw_arg[1]);
		}
		rtest_clear(&rt);
	}
	assert_int_equal(got, put);
	assert_int_equal(ring_lost(rt.rt_ring), 0);
	rtest_end(&rt);
}

static void
a_ring_that_is_full_to_the_last_byte_is_read(void **state)
{
	const struct raw rw = { .rw_kind = RAW_ACCESS, .rw_nargs = 5 };
	struct rtest rt;
	size_t n = 0;

	(void)state;
	rtest_begin(&rt, RING_KERNEL, 256);
	atomic_store(&slot_of(&rt, 9)->sl_owner, ME);
	for (; n < RING_BYTES; n += 64)
		assert_int_equal(slot_put(&rt, 9, &rw), 64);
	assert_int_equal(rtest_drain(&rt), RING_BYTES / 64);
	assert_int_equal(atomic_load(&slot_of(&rt, 9)->sl_tail), RING_BYTES);
	rtest_end(&rt);
}

/* A record of the right length that cannot be read. */
static void
slot_damaged(struct rtest *rt, uint8_t sys, uint16_t text)
{
	uint8_t bytes[sizeof(struct raw_head) + 8];
	const struct raw_head rh = { .rh_kind = RAW_CALL,
		.rh_sys = sys,
		.rh_text = text };

	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, &rh, sizeof(rh));
	slot_write(rt, 1, bytes, sizeof(rh) + (text + 7U) / 8 * 8);
}

/* A program may write where it should not. */
static void
what_is_no_record_is_counted_and_passed(void **state)
{
	const struct raw rw = { .rw_kind = RAW_FLUSH };
	struct dice d = { dice_seed() };
	struct rtest rt;
	uint8_t junk[512];

	(void)state;
	rtest_begin(&rt, RING_KERNEL, 256);
	atomic_store(&slot_of(&rt, 1)->sl_owner, ME);
	(void)slot_put(&rt, 1, &rw);
	memset(junk, 0xff, sizeof(junk));
	slot_write(&rt, 1, junk, sizeof(junk));
	assert_int_equal(rtest_drain(&rt), 1);
	assert_int_equal(ring_lost(rt.rt_ring), 1);
	(void)slot_put(&rt, 1, &rw);
	assert_int_equal(rtest_drain(&rt), 1);
	/* A head that is no place in a ring. */
	atomic_fetch_add(&slot_of(&rt, 1)->sl_head, 1ULL << 40);
	assert_int_equal(rtest_drain(&rt), 0);
	assert_int_equal(ring_lost(rt.rt_ring), 2);
	/* No system call of ours; a text without an end. */
	slot_damaged(&rt, UINT8_MAX, 0);
	assert_int_equal(rtest_drain(&rt), 0);
	slot_damaged(&rt, RAW_SYS_OPENAT, 8);
	assert_int_equal(rtest_drain(&rt), 0);
	assert_int_equal(ring_lost(rt.rt_ring), 4);
	for (int round = 0; round < 300; round++) {
		for (size_t i = 0; i < sizeof(junk); i++)
			junk[i] = (uint8_t)dice_next(&d);
		/* Half of them begin as a record does. */
		junk[16] = (uint8_t)(round % 2 == 0 ? RAW_FILE : junk[16]);
		junk[19] = (uint8_t)(round % 2 == 0 ? 8 : junk[19]);
		slot_write(&rt, 1, junk, sizeof(junk));
		(void)rtest_drain(&rt);
		rtest_clear(&rt);
	}
	assert_true(ring_lost(rt.rt_ring) > 4);
	assert_int_equal(rtest_drain(&rt), 0);
	rtest_end(&rt);
}

static void
the_slot_of_a_thread_that_is_gone_is_freed_once_it_is_read(void **state)
{
	const struct raw rw = { .rw_kind = RAW_FLUSH };
	const pid_t pid = fork();
	struct rtest rt;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		for (;;)
			(void)pause();
	rtest_begin(&rt, RING_KERNEL, 256);
	atomic_store(&slot_of(&rt, 3)->sl_owner,
	    (uint64_t)(uint32_t)pid << 32 | (uint32_t)pid);
	atomic_store(&slot_of(&rt, 4)->sl_owner, ME);
	(void)slot_put(&rt, 3, &rw);
	assert_int_equal(rtest_drain(&rt), 1);
	/* It lives, and owns what is empty. */
	assert_int_equal(rtest_owned(&rt), 2);
	(void)slot_put(&rt, 3, &rw);
	must(kill(pid, SIGKILL));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	for (int i = 0; i < 1000 && rtest_owned(&rt) == 2; i++) {
		ring_wait(rt.rt_ring, 10);
		(void)rtest_drain(&rt);
	}
	assert_true(rt.rt_n >= 2);
	assert_int_equal(rt.rt_raws[1].rw_kind, RAW_FLUSH);
	assert_int_equal(rtest_owned(&rt), 1);
	assert_int_equal(atomic_load(&slot_of(&rt, 3)->sl_owner), 0);
	rtest_end(&rt);
}

static int
refuse(void *arg, uint32_t slot, const uint8_t *bytes, size_t len)
{
	(void)slot;
	(void)bytes;
	++*(size_t *)arg;
	assert_true(len > 0);
	return ENOSPC;
}

static void
an_error_of_the_taker_ends_the_draining(void **state)
{
	const struct raw rw = { .rw_kind = RAW_FLUSH };
	struct rtest rt;
	size_t calls = 0;

	(void)state;
	rtest_begin(&rt, RING_KERNEL, 256);
	for (unsigned i = 0; i < 3; i++) {
		atomic_store(&slot_of(&rt, i)->sl_owner, ME);
		(void)slot_put(&rt, i, &rw);
	}
	assert_int_equal(ring_drain(rt.rt_ring, refuse, &calls), ENOSPC);
	assert_int_equal(calls, 1);
	rtest_end(&rt);
}

static void
a_ring_is_for_its_user_only_and_made_once(void **state)
{
	struct errmsg em = { .em_text = "" };
	struct ring *rg;
	struct rtest rt;
	struct stat st;

	(void)state;
	rtest_begin(&rt, RING_PRELOAD, RAW_UNKNOWN);
	assert_int_equal(rt.rt_file->rf_window, RAW_UNKNOWN);
	must(stat(rt.rt_path, &st));
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(ring_create(rt.rt_path, RING_KERNEL, 1, 4096, &rg,
			     &em),
	    EEXIST);
	assert_non_null(strstr(em.em_text, rt.rt_path));
	em.em_text[0] = '\0';
	assert_int_equal(ring_create("/nonexistent/ring", RING_KERNEL, 1, 4096,
			     &rg, &em),
	    ENOENT);
	assert_non_null(strstr(em.em_text, "/nonexistent/ring"));
	rtest_end(&rt);
}

static void *
ring_the_bell(void *arg)
{
	struct rtest *rt = arg;

	/* Until it is heard: it may ring before anybody listens. */
	while (atomic_load(&slot_of(rt, 0)->sl_lost) == 0) {
		(void)atomic_fetch_add(&rt->rt_file->rf_ready, 1);
		(void)syscall(SYS_futex, &rt->rt_file->rf_ready, FUTEX_WAKE, 1,
		    NULL, NULL, 0);
		(void)usleep(1000);
	}
	return NULL;
}

/* Hours of waiting that do not come to pass. */
static void
a_wait_ends_when_a_writer_says_so(void **state)
{
	struct rtest rt;
	pthread_t thread;

	(void)state;
	rtest_begin(&rt, RING_KERNEL, 256);
	(void)rtest_drain(&rt);
	must(pthread_create(&thread, NULL, ring_the_bell, &rt));
	ring_wait(rt.rt_ring, 10000000);
	(void)rtest_drain(&rt);
	atomic_store(&slot_of(&rt, 0)->sl_lost, 1);
	must(pthread_join(thread, NULL));
	assert_int_equal(ring_lost(rt.rt_ring), 1);
	rtest_end(&rt);
}

/*
 * What seeks.c leaves of each of its threads: N calls, in order, and what they
 * returned.  Threads may have stopped, and lost records: then from is where
 * gaps may begin.
 */
static size_t
seeks_of(const struct rtest *rt, uint64_t n, bool gaps)
{
	size_t threads = 0;

	for (uint32_t slot = 0; slot < RING_SLOTS; slot++) {
		uint64_t called = 0, returned = 0, time = 0;

		for (size_t i = 0; i < rt->rt_n; i++) {
			const struct raw *rw = &rt->rt_raws[i];

			if (rt->rt_slots[i] != slot)
				continue;
			assert_true(rw->rw_time >= time);
			time = rw->rw_time;
			if (rw->rw_sys != RAW_SYS_LSEEK)
				continue;
			/* A thread may have had the slot of one that ended. */
			if (!gaps && rw->rw_kind == RAW_CALL && called == n) {
				assert_int_equal(returned, n);
				called = returned = 0;
				threads++;
			}
			if (rw->rw_kind == RAW_CALL) {
				assert_true(gaps ? rw->rw_arg[1] > called :
						   rw->rw_arg[1] == called + 1);
				called = rw->rw_arg[1];
			} else if (rw->rw_kind == RAW_RETURN) {
				assert_true(gaps ? rw->rw_arg[0] > returned :
						   rw->rw_arg[0] == called);
				returned = rw->rw_arg[0];
			}
		}
		if (called == 0)
			continue;
		threads++;
		if (!gaps) {
			assert_int_equal(called, n);
			assert_int_equal(returned, n);
		}
	}
	return threads;
}

/* Each thread's ring is filled three times over. */
static void
threads_of_a_program_lose_nothing(void **state)
{
	struct rtest rt;

	(void)state;
	rtest_begin(&rt, RING_PRELOAD, 256);
	RTEST_RUN(&rt, "seeks", "", "8", "15000");
	assert_int_equal(seeks_of(&rt, 15000, false), 8);
	assert_int_equal(ring_lost(rt.rt_ring), 0);
	rtest_end(&rt);
}

/* The reader takes its time: it looks when the rings have long been full. */
static void
a_program_waits_for_a_slow_reader(void **state)
{
	const char *const argv[] = { "seeks", "", "2", "20000", NULL };
	const struct timespec nap = { 0, 300000000 };
	struct rtest rt;
	pid_t pid;

	(void)state;
	rtest_begin(&rt, RING_PRELOAD, 256);
	pid = rtest_start(&rt, argv);
	for (int i = 0; i < 4; i++) {
		must(nanosleep(&nap, NULL));
		(void)rtest_drain(&rt);
	}
	assert_int_equal(rtest_wait(&rt, pid), 0);
	assert_string_equal(rt.rt_out, "ok\n");
	assert_int_equal(seeks_of(&rt, 20000, false), 2);
	assert_int_equal(ring_lost(rt.rt_ring), 0);
	rtest_end(&rt);
}

/* The program's records from before the first that was lost are there. */
static void
read_all_at_last(struct rtest *rt, pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	while (rtest_drain(rt) > 0)
		;
	assert_int_equal(seeks_of(rt, 0, true), 1);
	assert_true(rt->rt_n > 1000);
	assert_true(ring_lost(rt->rt_ring) > 1000);
}

static void
a_reader_that_never_reads_stops_no_program(void **state)
{
	const char *const argv[] = { "seeks", "", "1", "20000", NULL };
	struct rtest rt;

	(void)state;
	rtest_begin(&rt, RING_PRELOAD, 256);
	read_all_at_last(&rt, rtest_start(&rt, argv));
	rtest_end(&rt);
}

static void
nor_does_one_that_is_dead(void **state)
{
	const char *const argv[] = { "seeks", "", "1", "20000", NULL };
	const pid_t pid = fork();
	struct rtest rt;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	rtest_begin(&rt, RING_PRELOAD, 256);
	rt.rt_file->rf_pid = (uint32_t)pid;
	read_all_at_last(&rt, rtest_start(&rt, argv));
	rtest_end(&rt);
}

/* No more is wanted: what there is no room for is no loss to wait for. */
static void
nor_does_one_that_has_stopped(void **state)
{
	const char *const argv[] = { "seeks", "", "1", "20000", NULL };
	struct rtest rt;
	int status;
	pid_t pid;

	(void)state;
	rtest_begin(&rt, RING_PRELOAD, 256);
	ring_stop(rt.rt_ring);
	pid = rtest_start(&rt, argv);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	rtest_end(&rt);
}

static void
what_a_killed_program_has_written_is_there(void **state)
{
	const char *const argv[] = { "seeks", "", "2", "5000", "kill", NULL };
	struct rtest rt;
	int status;

	(void)state;
	rtest_begin(&rt, RING_PRELOAD, 256);
	status = rtest_wait(&rt, rtest_start(&rt, argv));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(seeks_of(&rt, 5000, false), 2);
	for (int i = 0; i < 1000 && rtest_owned(&rt) > 0; i++) {
		ring_wait(rt.rt_ring, 10);
		(void)rtest_drain(&rt);
	}
	assert_int_equal(rtest_owned(&rt), 0);
	rtest_end(&rt);
}

static void
without_a_slot_records_are_lost_and_counted(void **state)
{
	const char *const argv[] = { "seeks", "", "1", "100", NULL };
	struct rtest rt;
	int status;
	pid_t pid;

	(void)state;
	rtest_begin(&rt, RING_PRELOAD, 256);
	for (unsigned i = 0; i < RING_SLOTS; i++)
		atomic_store(&slot_of(&rt, i)->sl_owner, ME);
	pid = rtest_start(&rt, argv);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(rtest_drain(&rt), 0);
	/* Two a call, and what is said at the beginning. */
	assert_true(ring_lost(rt.rt_ring) > 200);
	rtest_end(&rt);
}

static void
slots_are_used_again_by_later_programs(void **state)
{
	struct rtest rt;

	(void)state;
	rtest_begin(&rt, RING_PRELOAD, 256);
	/* All but four are somebody else's. */
	for (unsigned i = 4; i < RING_SLOTS; i++)
		atomic_store(&slot_of(&rt, i)->sl_owner, ME);
	for (int round = 0; round < 5; round++) {
		RTEST_RUN(&rt, "seeks", "", "2", "300");
		assert_int_equal(seeks_of(&rt, 300, false), 2);
		rtest_clear(&rt);
		for (int i = 0; i < 1000 && rtest_owned(&rt) > RING_SLOTS - 4;
		     i++) {
			ring_wait(rt.rt_ring, 10);
			(void)rtest_drain(&rt);
		}
		rtest_clear(&rt);
	}
	assert_int_equal(ring_lost(rt.rt_ring), 0);
	rtest_end(&rt);
}

int
main(void)
{
#define T(name) cmocka_unit_test(name)
	const struct CMUnitTest tests[] = {
		T(what_is_written_comes_out),
		T(records_that_wrap_around_come_out_whole),
		T(a_ring_that_is_full_to_the_last_byte_is_read),
		T(what_is_no_record_is_counted_and_passed),
		T(the_slot_of_a_thread_that_is_gone_is_freed_once_it_is_read),
		T(an_error_of_the_taker_ends_the_draining),
		T(a_ring_is_for_its_user_only_and_made_once),
		T(a_wait_ends_when_a_writer_says_so),
		T(threads_of_a_program_lose_nothing),
		T(a_program_waits_for_a_slow_reader),
		T(a_reader_that_never_reads_stops_no_program),
		T(nor_does_one_that_is_dead),
		T(nor_does_one_that_has_stopped),
		T(what_a_killed_program_has_written_is_there),
		T(without_a_slot_records_are_lost_and_counted),
		T(slots_are_used_again_by_later_programs),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
