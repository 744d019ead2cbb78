/*
 * What the verbs of `uvn trace` share: files in and out, and what a trace's
 * events leave behind, maps and sizes of files.
 *
 *	cmd_trace.c		the verbs' table
 *	cmd_trace_io.c		inputs, outputs, preambles
 *	cmd_trace_state.c	struct trace_state
 *	cmd_trace_format.c	--format of import and export
 *	cmd_trace_VERB.c	cat is in convert
 *
 * Private to cmd_trace*.c.
 */
#ifndef REPLAY_CMD_TRACE_H
#define REPLAY_CMD_TRACE_H

#include <stdio.h>

#include "replay/options.h"
#include "replay/replay.h"
#include "traces/record.h"
#include "traces/trace.h"

int trace_cmd_info(int argc, char **argv);
int trace_cmd_plot(int argc, char **argv);
int trace_cmd_cat(int argc, char **argv);
int trace_cmd_import(int argc, char **argv);
int trace_cmd_export(int argc, char **argv);
int trace_cmd_gen(int argc, char **argv);
int trace_cmd_cut(int argc, char **argv);
int trace_cmd_merge(int argc, char **argv);
int trace_cmd_check(int argc, char **argv);

/* The row of --salvage. */
#define SALVAGE_ROW(dest)                                                      \
	{                                                                      \
		"salvage", '\0', OPTION_FLAG, NULL,                            \
		    "skip damaged blocks of a .uvt and go on behind them",     \
		    (dest), NULL                                               \
	}

/* cmd_trace_io.c; all return an exit status, having complained. */

/* The exit status of a failed writer: what is no fault of the input is one of
 * the host. */
int output_status(int error);

/*
 * The form that the name of an output asks for: .uvt, .csv, .csv.zst.
 *
 * => "-" is form, which is otherwise ignored
 */
int output_form(const char *path, enum trace_form *form);

/* As trace_open(). */
int input_open(const char *path, unsigned flags, struct trace_reader **trp);

/* As trace_next(); *np is 0 at the end. */
int input_next(struct trace_reader *tr, const struct trace_event **evp,
    size_t *np);

/* Say on stderr what --salvage had to leave out, if anything. */
void input_salvaged(const struct trace_reader *tr, const char *path);

/* Copy all that is left of tr to path; closes nothing. */
int copy_all(struct trace_reader *tr, const char *path, enum trace_form form);

/* cmd_trace_convert.c: read from one file and write all of it to another. */
int convert(const char *from, bool salvage, const char *to,
    enum trace_form form);

/* cmd_trace_format.c */

/*
 * The row of that name; NULL if none is asked for.
 *
 * => false: there is nothing more to do (they were listed, or there is no such
 *    format, which has been complained of); *statusp is the exit status
 */
bool format_find(const char *name, bool out, const struct trace_format **fmp,
    int *statusp) mustcheck;

/* Refuse settings that a format does not look at; rows are those it does. */
int format_settings(const struct options *op, const struct trace_format *fm,
    const char *rows);

/* Of commands that do without an operand to list something: none is there. */
int operand_expected(const struct command_line *cl, const struct options *op);

/* cmd_trace_state.c */

struct trace_state;

/*
 * A part of a map goes: bytes from..to of its file, which te attached.
 */
typedef void state_gone_fn(void *arg, const struct trace_event *te,
    uint64_t from, uint64_t to);

/*
 * What events leave behind: live maps, ids ever used, file sizes.  Memory goes
 * with the live maps, and with the ids used, a bit each.
 *
 * => NULL: no memory
 */
struct trace_state *state_create(const struct trace_meta *tm);
void state_destroy(struct trace_state *ts);

/*
 * Take an event.
 *
 * => *whatp: what is wrong with it, in words, or NULL; it is then not taken
 * => ENOMEM
 */
int state_take(struct trace_state *ts, const struct trace_event *te,
    const char **whatp) mustcheck;

/* The size now of a declared file. */
uint64_t state_size(const struct trace_state *ts, uint32_t file);

uint64_t state_live(const struct trace_state *ts);

/* Call gone for each part of a map that goes from now on. */
void state_watch(struct trace_state *ts, state_gone_fn *gone, void *arg);

/* All maps go. */
void state_end(struct trace_state *ts);

/*
 * The events that bring about the live maps as they are: attach, and what was
 * detached, protected and advised since, map by map in the order attached.
 *
 * => call emit for each; stops at what it returns, if not 0
 */
int state_replay(const struct trace_state *ts,
    int (*emit)(void *arg, const struct trace_event *te), void *arg);

#endif
