/*
 * engine.c: one replay from set-up to the row in the database.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay/engine_impl.h"
#include "replay/replay.h"

/* How often the progress line changes. */
#define PROGRESS_NS 250000000U

/* Set by a signal, in whichever thread. */
static _Atomic int interrupted;
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a handler may store to it");

bool
engine_interrupted(void)
{

	return atomic_load_explicit(&interrupted, memory_order_relaxed) != 0;
}

/* The first signal asks the loop to end; the second is the system's own. */
static void
on_signal(int sig)
{

	interrupted = 1;
	(void)signal(sig, SIG_DFL);
}

static void
signals_catch(struct sigaction old[2])
{
	struct sigaction sa = { .sa_handler = on_signal };

	interrupted = 0;
	(void)sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGINT, &sa, &old[0]);
	(void)sigaction(SIGTERM, &sa, &old[1]);
}

static void
signals_release(const struct sigaction old[2])
{

	(void)sigaction(SIGINT, &old[0], NULL);
	(void)sigaction(SIGTERM, &old[1], NULL);
}

/* Over the backend: faults to order, and over these the verifier. */
static int
setup_layers(struct engine *en)
{
	const struct uvm_backend *const be = en->en_be;
	void *const cookie = en->en_cookie;
	struct errmsg *const em = &en->en_report->er_em;

	if (engine_inject_open(en) != 0)
		return ERRMSG(em, UVN_ENVIRONMENT, "no memory for --inject");
	if (!en->en_job->ej_verify)
		return 0;
	if (verify_create(&en->en_cf->cf_uvm, en->en_be, en->en_cookie,
		&en->en_verify) != 0)
		return ERRMSG(em, UVN_ENVIRONMENT, "no memory to verify");
	verify_look(en->en_verify, be, cookie);
	en->en_be = &verify_backend;
	en->en_cookie = en->en_verify;
	return 0;
}

/* Open the backend that the configuration asks for, and what goes over it. */
static int
setup_backend(struct engine *en)
{
	const struct engine_job *const ej = en->en_job;
	struct errmsg *const em = &en->en_report->er_em;
	const struct uvm_param *const up = &en->en_cf->cf_uvm;
	size_t i;
	int error;

	switch ((enum replay_backend)en->en_cf->cf_replay.backend) {
	case BACKEND_NULL:
		if (ej->ej_verify)
			return ERRMSG(em, UVN_USAGE,
			    "--verify: backend null "
			    "moves no bytes; use --backend buffered, direct or uring");
		en->en_be = &uvm_backend_null;
		en->en_cookie = &en->en_nullbe;
		return setup_layers(en);
	case BACKEND_BUFFERED:
		en->en_be = &uvm_backend_buffered;
		break;
	case BACKEND_DIRECT:
		en->en_be = &uvm_backend_direct;
		break;
	case BACKEND_URING:
		en->en_be = &uvm_backend_uring;
		break;
	}
	error = ej->ej_overwrite ? 0 : uvm_filebe_check_folder(ej->ej_dir, em);
	if (error != 0)
		return error == EEXIST ? UVN_USAGE : UVN_ENVIRONMENT;
	error = uvm_filebe_create(en->en_be, ej->ej_dir,
	    (uint32_t)up->page_size, &en->en_filebe, em);
	if (error != 0)
		return UVN_ENVIRONMENT;
	for (i = 0; i < ej->ej_nfiles; i++) {
		error = uvm_filebe_use(en->en_filebe, ej->ej_files[i].ef_file,
		    ej->ej_files[i].ef_path, em);
		if (error != 0)
			return UVN_ENVIRONMENT;
	}
	en->en_cookie = en->en_filebe;
	return setup_layers(en);
}

/* What uvm_file_add() finds wrong with a trace's file; NULL: nothing. */
static const char *
file_refused(int error)
{

	switch (error) {
	case EFBIG:
		return "larger than 16T";
	case EEXIST:
		return "declared twice";
	case E2BIG:
		return "one more than can be simulated";
	default:
		return NULL;
	}
}

/* Tell the machine of the trace's files; their backing files are made here. */
static int
setup_files(struct engine *en)
{
	const struct trace_meta *const tm = trace_meta(en->en_trace);
	struct errmsg *const em = &en->en_report->er_em;
	size_t i;

	for (i = 0; i < tm->tm_nfiles; i++) {
		const struct trace_file *const tf = &tm->tm_files[i];
		int error;

		if (en->en_verify != NULL)
			verify_file(en->en_verify, tf->tf_id, tf->tf_size);
		error = uvm_file_add(en->en_uvm, tf->tf_id, tf->tf_size);
		if (file_refused(error) != NULL)
			return ERRMSG(em, UVN_INPUT, "%s: file %" PRIu32 ": %s",
			    en->en_job->ej_trace, tf->tf_id,
			    file_refused(error));
		if (error != 0)
			return ERRMSG(em, UVN_ENVIRONMENT,
			    "cannot make the backing file of file %" PRIu32
			    ": %s",
			    tf->tf_id,
			    en->en_filebe != NULL &&
				    *uvm_filebe_why(en->en_filebe) != '\0' ?
				uvm_filebe_why(en->en_filebe) :
				errno_text(error));
	}
	return 0;
}

#ifdef UVM_MP

static int
begin_threads(struct engine *en)
{

	en->en_lock = malloc(sizeof(*en->en_lock));
	if (en->en_lock != NULL)
		(void)pthread_mutex_init(en->en_lock, NULL);
	en->en_mp = mp_create(en);
	if (en->en_mp == NULL || en->en_lock == NULL)
		return ERRMSG(&en->en_report->er_em, UVN_ENVIRONMENT,
		    "no memory for threads");
	return 0;
}

static int
end_threads(struct engine *en, int status)
{

	if (en->en_mp != NULL)
		status = mp_destroy(en->en_mp, status);
	en->en_mp = NULL;
	return status;
}

/* Of those given out. */
static uint64_t
events_done(const struct engine *en)
{

	return mp_done(en->en_mp);
}

static void
free_threads(struct engine *en)
{

	(void)end_threads(en, 0);
	if (en->en_lock != NULL)
		(void)pthread_mutex_destroy(en->en_lock);
	free(en->en_lock);
}

#else

#define begin_threads(en) 0
#define free_threads(en)  ((void)(en))
#define events_done(en)	  ((en)->en_seq)

#endif

/* The exit status when a trace cannot be read: it is to blame but for memory. */
static int
trace_status(int error)
{
	return error == 0   ? UVN_OK :
	    error == ENOMEM ? UVN_ENVIRONMENT :
			      UVN_INPUT;
}

static int
setup(struct engine *en)
{
	const struct engine_job *const ej = en->en_job;
	struct errmsg *const em = &en->en_report->er_em;
	struct errmsg why = { .em_text = "" };
	int error, status;

	if (ej->ej_image != NULL) {
		error = trace_image_open(ej->ej_image, &en->en_trace);
		if (error != 0)
			return ERRMSG(em, UVN_ENVIRONMENT, "%s: out of memory",
			    ej->ej_trace);
	} else {
		error = trace_open(ej->ej_trace,
		    ej->ej_salvage ? TRACE_SALVAGE : 0, &en->en_trace, em);
		if (error != 0)
			return trace_status(error);
	}
	if ((status = engine_events_open(en)) != 0 ||
	    (status = setup_backend(en)) != 0)
		return status;
	error = uvm_create(&en->en_cf->cf_uvm, en->en_be, en->en_cookie,
	    &en->en_uvm, &why);
	if (error != 0)
		return ERRMSG(em, UVN_ENVIRONMENT, "%s",
		    en->en_filebe != NULL &&
			    *uvm_filebe_why(en->en_filebe) != '\0' ?
			uvm_filebe_why(en->en_filebe) :
			why.em_text);
	en->en_data = (en->en_be->be_flags & UVM_BE_DATA) != 0;
	en->en_shift = (unsigned)__builtin_ctzll(en->en_cf->cf_uvm.page_size);
	if (engine_log_init(en) != 0 || engine_pace_init(en) != 0 ||
	    begin_threads(en) != 0 ||
	    uvm_hist_keep(en->en_uvm, (size_t)ej->ej_history) != 0)
		return ERRMSG(em, UVN_ENVIRONMENT, "no memory for the logs");
	return setup_files(en);
}

/* The run's row and the thread that writes the others. */
static int
setup_db(struct engine *en)
{
	const struct engine_job *const ej = en->en_job;
	struct engine_report *const er = en->en_report;
	const struct db_run rn = {
		.rn_config = en->en_cf,
		.rn_trace = ej->ej_trace,
		.rn_command = ej->ej_command,
		.rn_dir = en->en_filebe != NULL ? ej->ej_dir : NULL,
		.rn_repeat = ej->ej_repeat,
		.rn_seed = ej->ej_seed,
		.rn_sweep = ej->ej_sweep,
		.rn_cell = ej->ej_cell,
	};
	int error;

	if (ej->ej_db == NULL)
		return 0;
	if ((error = db_run_begin(ej->ej_db, &rn, &er->er_run, &er->er_em)) !=
		0 ||
	    (error = db_writer_start(ej->ej_db, er->er_run,
		 (size_t)en->en_cf->cf_replay.queue, &en->en_writer,
		 &er->er_em)) != 0)
		return (int)exit_status(error);
	return 0;
}

/* One line on stderr: how far, how fast, how long yet. */
static void
progress(const struct engine *en)
{
	const double seconds = (double)engine_elapsed(en) / 1e9;
	const uint64_t events = events_done(en);
	const double rate = (double)events / seconds;
	const uint64_t count = trace_count(en->en_trace);
	uint64_t done, all;
	double part;

	trace_progress(en->en_trace, &done, &all);
	part = count != 0 ? (double)events / (double)count :
	    all != 0	  ? (double)done / (double)all :
			    0;
	(void)fprintf(stderr, "\r%" PRIu64 " events, %.2f M/s", events,
	    rate / 1e6);
	if (part > 0)
		(void)fprintf(stderr, ", %.0f %%, %.0f s left", part * 100,
		    seconds * (1 - part) / part);
	(void)fprintf(stderr, "\033[K");
	(void)fflush(stderr);
}

void
engine_progress(struct engine *en)
{
	uint64_t now;

	if (!en->en_job->ej_progress)
		return;
	now = engine_elapsed(en);
	if (now - en->en_shown >= PROGRESS_NS) {
		en->en_shown = now;
		progress(en);
	}
}

#ifdef UVM_MP

/* Without threads as long as there is but one. */
static int
replay_threads(struct engine *en, const struct trace_batch *tb)
{
	const size_t alone = mp_alone(en->en_mp, tb->tb_ev, tb->tb_n);
	/* Counters are the intervals' once there are threads: uvm_stat(). */
	const int status = alone != 0 ? engine_batch(en, tb, alone) : 0;

	return status != 0 ?
	    status :
	    mp_batch(en->en_mp, tb->tb_ev + alone, tb->tb_n - alone);
}

#else
#define replay_threads(en, tb) engine_batch((en), (tb), (tb)->tb_n)
#endif

/* The loop.  => 0, or the exit status with which the run ends early */
static int
replay(struct engine *en)
{
	struct engine_report *const er = en->en_report;
	struct trace_batch tb = { .tb_n = 0 };
	bool begun = false;
	const char *why;
	int error, status = 0;

	for (;;) {
		error = trace_next_batch(en->en_trace, &tb, &er->er_em);
		status = trace_status(error);
		if (!begun)
			engine_pace_begin(en,
			    status == 0 && tb.tb_n != 0 ? tb.tb_ev->te_time :
							  0);
		begun = true;
		if (status == 0 && tb.tb_n != 0)
			status = replay_threads(en, &tb);
		if (engine_interrupted())
			status = UVN_FAILED;
		if (status != 0 || tb.tb_n == 0)
			break;
		if (en->en_writer != NULL && db_writer_failed(en->en_writer)) {
			status = UVN_ENVIRONMENT;
			break;
		}
		engine_progress(en);
	}
	trace_ahead_end(en->en_trace);
	engine_pace_end(en);
#ifdef UVM_MP
	status = end_threads(en, status);
#endif
	if (en->en_shown != 0)
		(void)fprintf(stderr, "\r\033[K");
	/* What is under way belongs to the run. */
	if (status == 0 && uvm_finish(en->en_uvm) != 0) {
		error = uvm_failed(en->en_uvm, &why);
		status = ERRMSG(&er->er_em, engine_status(error),
		    "%s: at its end: %s", en->en_job->ej_trace, why);
	}
	if (status == 0 && en->en_verify != NULL &&
	    (error = verify_finish(en->en_verify, &er->er_em)) != 0)
		status = engine_status(error);
	return status;
}

/* How the run ended, in the words of table run. */
static void
conclude(struct engine *en, int status)
{
	struct engine_report *const er = en->en_report;
	const struct uvm_param *const up = &en->en_cf->cf_uvm;
	const struct trace_meta *const tm = trace_meta(en->en_trace);
	const struct uvmexp *const exp = uvm_stat(en->en_uvm);
	const uint64_t errors = exp->pagein_errors + exp->pageout_errors +
	    exp->short_reads + exp->short_writes + en->en_op_errors;

	er->er_exit = status;
	er->er_status = status == 0 ? "complete" : "failed";
	if (engine_interrupted()) {
		er->er_exit = UVN_FAILED;
		er->er_status = "interrupted";
		(void)ERRMSG(&er->er_em, 0,
		    "%s: interrupted after %" PRIu64 " events",
		    en->en_job->ej_trace, en->en_seq);
	} else if (status == 0 && errors != 0) {
		er->er_exit = UVN_FAILED;
		er->er_em = en->en_op_em;
		(void)ERRMSG(&er->er_em, 0,
		    "%s: %" PRIu64 " page-ins, %" PRIu64
		    " page-outs and %" PRIu64 " calls failed, %" PRIu64
		    " pages lost: %s",
		    en->en_job->ej_trace, exp->pagein_errors + exp->short_reads,
		    exp->pageout_errors + exp->short_writes, en->en_op_errors,
		    exp->lost_pages, engine_io_why(en));
	}
	if (en->en_verify != NULL) {
		er->er_verify = status == 0 ? "passed" : "failed";
		er->er_verify_lost = verify_stat(en->en_verify)->vs_lost;
		er->er_verify_unwritten =
		    verify_stat(en->en_verify)->vs_unwritten;
	}
	er->er_events = en->en_seq;
	if (up->memory / up->page_size / 4 < tm->tm_window)
		er->er_window_pages = tm->tm_window;
	er->er_lost = tm->tm_lost;
	er->er_exp = *exp;
	trace_salvaged(en->en_trace, &er->er_bad_blocks, &er->er_bad_events);
	if (trace_digest(en->en_trace, er->er_digest) != 0)
		er->er_digest[0] = '\0';
}

/* Store what is known now; a failure to do so is the environment's. */
static void
finish_db(struct engine *en)
{
	struct engine_report *const er = en->en_report;
	struct db_result rs = {
		.rs_status = er->er_status,
		.rs_reason =
		    er->er_em.em_text[0] != '\0' ? er->er_em.em_text : NULL,
		.rs_digest = er->er_digest[0] != '\0' ? er->er_digest : NULL,
		.rs_events = er->er_events,
		.rs_wall_ns = er->er_wall_ns,
		.rs_cpu_ns = er->er_cpu_ns,
		.rs_verify = er->er_verify,
	};
	struct errmsg em = { .em_text = "" };
	int error = 0;

	if (en->en_writer != NULL)
		error = db_writer_stop(en->en_writer, &er->er_rows,
		    &er->er_waits, &em);
	engine_log_result(en, &rs);
	if (en->en_job->ej_db != NULL && er->er_run != 0 && error == 0)
		error = db_run_end(en->en_job->ej_db, er->er_run, &rs, &em);
	if (error != 0) {
		er->er_em = em;
		er->er_exit = (int)exit_status(error);
		er->er_status = "failed";
	}
}

static uint64_t
cpu_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static void
teardown(struct engine *en)
{

	uvm_destroy(en->en_uvm);
	if (en->en_verify != NULL)
		verify_destroy(en->en_verify);
	uvm_injectbe_destroy(en->en_inject);
	if (en->en_filebe != NULL)
		uvm_filebe_destroy(en->en_filebe);
	if (en->en_trace != NULL)
		trace_close(en->en_trace);
	engine_log_fini(en);
	engine_events_fini(en);
	free_threads(en);
}

#ifdef UVM_MP
#define engine_run engine_run_threads
#else

/* What one thread alone can do. => 0, or an exit status */
static int
refuse_threads(const struct engine_job *ej, struct engine_report *er)
{
	const char *const what = ej->ej_flush_both ? "--flush-both" :
	    ej->ej_events != NULL		   ? "--events" :
	    ej->ej_history != 0			   ? "--history" :
	    ej->ej_paranoid			   ? "--paranoid" :
						     NULL;

	if (what == NULL)
		return 0;
	(void)memset(er, 0, sizeof(*er));
	er->er_status = "failed";
	er->er_verify = "off";
	er->er_exit = UVN_USAGE;
	return ERRMSG(&er->er_em, UVN_USAGE,
	    "%s needs a run of one thread: leave it out, or say --threads one",
	    what);
}

#endif

int
engine_run(const struct engine_job *ej, struct engine_report *er)
{
	struct engine en = {
		.en_job = ej,
		.en_report = er,
		.en_cf = ej->ej_config,
	};
	struct sigaction old[2];
	uint64_t wall, cpu;
	int status;

#ifndef UVM_MP
	if (ej->ej_config->cf_uvm.threads != THREADS_ONE)
		return refuse_threads(ej, er) != 0 ? er->er_exit :
						     engine_run_threads(ej, er);
#endif
	(void)memset(er, 0, sizeof(*er));
	er->er_status = "failed";
	er->er_verify = "off";
	if ((status = setup(&en)) != 0) {
		er->er_exit = status;
		teardown(&en);
		return status;
	}
	/* From the moment the run has a row, a signal ends it in good order. */
	signals_catch(old);
	if ((status = setup_db(&en)) != 0) {
		signals_release(old);
		er->er_exit = status;
		teardown(&en);
		return status;
	}
	engine_log_observe(&en);
	/* Without runs each event is looked at by itself. */
	(void)!trace_runs(en.en_trace, en.en_shift);
	/* A sweep has a cell for each processor. */
	if (ej->ej_image == NULL && ej->ej_sweep == 0)
		trace_ahead(en.en_trace);
	wall = clock_monotonic();
	cpu = cpu_ns();
	engine_events_begin(&en);
	status = replay(&en);
	engine_events_end(&en);
	er->er_wall_ns = clock_monotonic() - wall;
	er->er_cpu_ns = cpu_ns() - cpu;
	signals_release(old);
	engine_interval_close(&en, &en.en_iv, UINT64_MAX);
	conclude(&en, status);
	finish_db(&en);
	if (ej->ej_history != 0)
		uvm_hist_dump(en.en_uvm, stderr);
	/* Freeing files and pages is no part of the run. */
	uvm_observe(en.en_uvm, NULL);
	teardown(&en);
	return er->er_exit;
}

#ifndef UVM_MP

void
engine_report_fini(struct engine_report *er)
{
	size_t kind, outcome;

	for (kind = 0; kind < OP_NKINDS; kind++) {
		for (outcome = 0; outcome < OUTCOME_NOUTCOMES; outcome++) {
			free(er->er_latency[kind][outcome]);
			er->er_latency[kind][outcome] = NULL;
			free(er->er_response[kind][outcome]);
			er->er_response[kind][outcome] = NULL;
		}
	}
	free(er->er_lateness);
	er->er_lateness = NULL;
	free(er->er_perf);
	er->er_perf = NULL;
	er->er_nperf = 0;
	free(er->er_inject);
	er->er_inject = NULL;
	er->er_ninject = 0;
}

#endif
