#include "tests/traces/assembletest.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct assemble_param
at_kernel(void)
{
	return (struct assemble_param){ .ap_page = PG,
		.ap_window = RECORD_INF,
		.ap_gup = true,
		.ap_resident = true };
}

void
at_begin(struct at *at, const struct assemble_param *ap)
{
	struct errmsg em = { .em_text = "" };

	*at = (struct at){ .at_time = 1000 };
	(void)snprintf(at->at_path, sizeof(at->at_path), "/tmp/uvn-at-%ld.csv",
	    (long)getpid());
	must_em(sink_create(at->at_path, &at->at_sink, &em), &em);
	must_em(assemble_create(at->at_sink, ap, &at->at_as, &em), &em);
}

void
at_put(struct at *at, const struct raw *rw)
{
	struct errmsg em = { .em_text = "" };
	struct raw copy = *rw;

	copy.rw_time = at->at_time;
	at->at_time += 10;
	must_em(assemble_put(at->at_as, &copy, &em), &em);
}

void
at_access(struct at *at, uint32_t pid, uint32_t tid, uint64_t addr,
    unsigned flags)
{
	at_put(at,
	    &(struct raw){ .rw_pid = pid,
		.rw_tid = tid,
		.rw_kind = RAW_ACCESS,
		.rw_flags = (uint8_t)flags,
		.rw_nargs = 2,
		.rw_arg = { addr, 8 } });
}

void
at_call(struct at *at, uint32_t pid, uint32_t tid, enum raw_sysno sys,
    const uint64_t arg[6])
{
	struct raw rw = { .rw_pid = pid,
		.rw_tid = tid,
		.rw_kind = RAW_CALL,
		.rw_sys = (uint8_t)sys,
		.rw_nargs = 6 };

	memcpy(rw.rw_arg, arg, 6 * sizeof(*arg));
	at_put(at, &rw);
}

void
at_return(struct at *at, uint32_t pid, uint32_t tid, enum raw_sysno sys,
    int64_t ret)
{
	at_put(at,
	    &(struct raw){ .rw_pid = pid,
		.rw_tid = tid,
		.rw_kind = RAW_RETURN,
		.rw_sys = (uint8_t)sys,
		.rw_nargs = 1,
		.rw_arg = { (uint64_t)ret } });
}

void
at_file(struct at *at, uint32_t pid, int64_t fd, uint64_t ino, uint64_t size,
    const char *path)
{
	at_put(at,
	    &(struct raw){ .rw_pid = pid,
		.rw_tid = pid,
		.rw_kind = RAW_FILE,
		.rw_nargs = 8,
		.rw_arg = { (uint64_t)fd, 1, ino, 0, size, 0, O_RDWR, 1 },
		.rw_text = path });
}

void
at_fork(struct at *at, uint32_t parent, uint32_t child, uint64_t flags)
{
	at_put(at,
	    &(struct raw){ .rw_pid = child,
		.rw_tid = child,
		.rw_kind = RAW_FORK,
		.rw_nargs = 3,
		.rw_arg = { parent, parent, flags } });
}

void
at_map(struct at *at, uint32_t pid, uint64_t addr, uint64_t pages)
{
	at_file(at, pid, 3, 7, pages * PG, "/data/seven");
	AT_CALL(at, pid, MMAP, addr, 0, pages * PG, PROT_READ | PROT_WRITE,
	    MAP_SHARED, 3, 0);
}

const char *
at_end(struct at *at)
{
	const struct sink_param sp = { .sp_form = TRACE_CSV,
		.sp_page = PG,
		.sp_notes = "",
		.sp_rebase = true };
	struct errmsg em = { .em_text = "" };
	const struct trace_event *ev;
	const struct trace_meta *tm;
	struct trace_reader *tr;
	uint64_t events;
	size_t n, len;
	FILE *fp = open_memstream(&at->at_text, &len);

	assert_non_null(fp);
	must_em(assemble_finish(at->at_as, &em), &em);
	must_em(sink_finish(at->at_sink, &sp, &events, &em), &em);
	must_em(trace_open(at->at_path, 0, &tr, &em), &em);
	tm = trace_meta(tr);
	for (size_t i = 0; i < tm->tm_nfiles; i++)
		(void)fprintf(fp, "%" PRIu32 " %" PRIu64 " %s\n",
		    tm->tm_files[i].tf_id, tm->tm_files[i].tf_size,
		    tm->tm_files[i].tf_path);
	do {
		must_em(trace_next(tr, &ev, &n, &em), &em);
		for (size_t i = 0; i < n; i++) {
			(void)fprintf(fp,
			    "%" PRIu32 " %s %" PRIu32 " %" PRIu32 " %" PRIu64
			    " %" PRIu64 "",
			    ev[i].te_tid, trace_op_name[ev[i].te_op],
			    ev[i].te_file, ev[i].te_map, ev[i].te_offset,
			    ev[i].te_length);
			for (unsigned f = 0; f < TRACE_NFLAGS; f++)
				if ((ev[i].te_flags & 1U << f) != 0)
					(void)fprintf(fp, " %s",
					    trace_flag_name[f]);
			(void)fputc('\n', fp);
		}
	} while (n > 0);
	trace_close(tr);
	must(fclose(fp));
	return at->at_text;
}

uint64_t
at_count(const struct at *at, enum record_count count)
{
	return assemble_counts(at->at_as)[count];
}

void
at_free(struct at *at)
{
	assemble_destroy(at->at_as);
	sink_destroy(at->at_sink);
	(void)unlink(at->at_path);
	free(at->at_text);
}
