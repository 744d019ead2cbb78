#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "analysis/analysis.h"
#include "replay/json_out.h"
#include "replay/options.h"
#include "replay/replay.h"

#define WORDS_MAX 200

/* Words of a list, and the bit each stands for. */
struct word_set {
	const char *ws_what; /* "figure" */
	const char *(*ws_word)(size_t i);
	size_t ws_n;
	uint32_t ws_bits; /* of those given */
};

static const char *
figure_word(size_t i)
{
	return figure_table[i].fg_name;
}

static const char *
format_word(size_t i)
{
	return figure_ext[FIGURE_PNG + i];
}

/* The words of the set as text: "a, b, c". */
static const char *
list_words(const struct word_set *ws, char *buf, size_t len)
{
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < ws->ws_n; i++) {
		const char *word = ws->ws_word(i);

		if (strlen(word) + sizeof(", ") > len - n)
			break;
		n += (size_t)sprintf(buf + n, "%s%s", i > 0 ? ", " : "", word);
	}
	return buf;
}

/* Say which word is meant, or which there are. */
static int
unknown_word(const struct word_set *ws, const char *word, struct errmsg *em)
{
	const char *words[FIGURES_MAX], *near;
	char all[WORDS_MAX];

	for (size_t i = 0; i < ws->ws_n; i++)
		words[i] = ws->ws_word(i);
	near = nearest_word(word, words, ws->ws_n);
	if (near != NULL)
		return ERRMSG(em, EINVAL,
		    "there is no %s '%.40s'; did you mean '%s'?", ws->ws_what,
		    word, near);
	return ERRMSG(em, EINVAL, "there is no %s '%.40s', but %s", ws->ws_what,
	    word, list_words(ws, all, sizeof(all)));
}

/* Read WORD,WORD... into the set. */
static int
add_words(void *dest, const char *value, struct errmsg *em)
{
	struct word_set *ws = dest;
	char *list = strdup(value), *next = list, *word;
	int error = 0;

	if (list == NULL)
		return ERRMSG(em, ENOMEM, "out of memory");
	while (error == 0 && (word = strsep(&next, ",")) != NULL) {
		size_t i = 0;

		while (i < ws->ws_n && strcmp(word, ws->ws_word(i)) != 0)
			i++;
		if (i < ws->ws_n)
			ws->ws_bits |= UINT32_C(1) << i;
		else
			error = unknown_word(ws, word, em);
	}
	free(list);
	return error;
}

/* A line for every file written. */
static void
print_files(const struct figures_job *fj, const struct figures_report *fp)
{
	for (size_t i = 0; i < fp->fp_nfigures; i++)
		for (enum figure_file file = 0; file < FIGURE_NFILES; file++)
			if ((fp->fp_figure[i].fr_files & FIGURE_BIT(file)) != 0)
				(void)printf("%s/%s.%s\n", fj->fj_dir,
				    fp->fp_figure[i].fr_figure->fg_name,
				    figure_ext[file]);
}

/* The number of a run, sweep or calibration; NULL if there is none. */
static json_t *
json_number(int64_t id)
{
	return id != 0 ? json_integer(id) : NULL;
}

/* One member of "figures". */
static json_t *
json_figure(const struct figures_job *fj, const struct figure_result *fr)
{
	json_t *files = json_array();
	char *path;

	for (enum figure_file file = 0; file < FIGURE_NFILES; file++) {
		if ((fr->fr_files & FIGURE_BIT(file)) == 0)
			continue;
		if (asprintf(&path, "%s/%s.%s", fj->fj_dir,
			fr->fr_figure->fg_name, figure_ext[file]) < 0)
			break;
		(void)json_array_append_new(files, json_text(path));
		free(path);
	}
	return json_pack("{s:s, s:s, s:s, s:o*, s:b, s:s*, s:o}", "name",
	    fr->fr_figure->fg_name, "title", fr->fr_figure->fg_title, "scope",
	    figure_scope_name[fr->fr_figure->fg_scope], "number",
	    json_number(fr->fr_id), "skipped", (int)fr->fr_skipped, "note",
	    fr->fr_note[0] != '\0' ? fr->fr_note : NULL, "files", files);
}

static int
print_json(const struct figures_job *fj, const struct figures_report *fp)
{
	json_t *figures = json_array();

	for (size_t i = 0; i < fp->fp_nfigures; i++)
		(void)json_array_append_new(figures,
		    json_figure(fj, &fp->fp_figure[i]));
	return json_emit(
	    json_pack("{s:o, s:o*, s:s*, s:o*, s:o*, s:o, s:o}", "database",
		json_text(fj->fj_db), "run", json_number(fp->fp_id[FIGURE_RUN]),
		"status", fp->fp_id[FIGURE_RUN] != 0 ? fp->fp_status : NULL,
		"sweep", json_number(fp->fp_id[FIGURE_SWEEP]), "calibration",
		json_number(fp->fp_id[FIGURE_CALIBRATION]), "folder",
		json_text(fj->fj_dir), "figures", figures));
}

/* Is the same to be said of both? */
static bool
same_note(const struct figure_result *a, const struct figure_result *b)
{
	return a->fr_figure->fg_scope == b->fr_figure->fg_scope &&
	    a->fr_id == b->fr_id && a->fr_skipped == b->fr_skipped &&
	    strcmp(a->fr_note, b->fr_note) == 0;
}

/*
 * say_notes: what the user should know; once for figures beside each other that
 * it holds for.
 */
static void
say_notes(const struct figures_report *fp)
{
	char names[WORDS_MAX], of[40];

	for (size_t i = 0, next; i < fp->fp_nfigures; i = next) {
		const struct figure_result *fr = &fp->fp_figure[i];
		size_t n = 0;

		of[0] = '\0';
		if (fr->fr_id != 0)
			(void)snprintf(of, sizeof(of), "%s %" PRId64 ": ",
			    figure_scope_name[fr->fr_figure->fg_scope],
			    fr->fr_id);
		for (next = i; next < fp->fp_nfigures &&
		     same_note(fr, &fp->fp_figure[next]);
		     next++)
			n += (size_t)snprintf(names + n, sizeof(names) - n,
			    "%s%s", next > i ? ", " : "",
			    fp->fp_figure[next].fr_figure->fg_name);
		if (fr->fr_note[0] != '\0')
			(void)complain(UVN_OK, "%s%s%s: %s", of, names,
			    fr->fr_skipped ? " skipped" : "", fr->fr_note);
	}
}

/* What was made, and what is to be said of it. */
static int
report(const struct figures_job *fj, const struct figures_report *fp,
    const struct options *op)
{
	int status = UVN_OK;

	if (op->op_json)
		status = print_json(fj, fp);
	else
		print_files(fj, fp);
	if (!op->op_quiet)
		say_notes(fp);
	return status;
}

int
cmd_figures(int argc, char **argv)
{
	struct word_set only = { .ws_what = "figure",
		.ws_word = figure_word,
		.ws_n = figure_count };
	struct word_set formats = { .ws_what = "format",
		.ws_word = format_word,
		.ws_n = FIGURE_NFILES - FIGURE_PNG };
	char words[WORDS_MAX], only_help[WORDS_MAX + 40];
	const char *dir = "figures";
	uint64_t id[FIGURE_NSCOPES] = { 0 };
	const struct option_row rows[] = {
		{ "run", '\0', OPTION_COUNT, "N",
		    "run to draw (the newest complete or interrupted one)",
		    &id[FIGURE_RUN], NULL },
		{ "sweep", '\0', OPTION_COUNT, "N",
		    "sweep to draw (the newest one that suits the figure)",
		    &id[FIGURE_SWEEP], NULL },
		{ "session", '\0', OPTION_COUNT, "N",
		    "calibration to draw (the newest one)",
		    &id[FIGURE_CALIBRATION], NULL },
		{ "only", '\0', OPTION_CALL, "NAME,...", only_help, &only,
		    add_words },
		{ "format", '\0', OPTION_CALL, "FORMAT,...",
		    "draw in these formats (png,svg,pdf)", &formats,
		    add_words },
		{ "output", 'o', OPTION_TEXT, "DIR",
		    "folder of the figures; made if need be (figures)", &dir,
		    NULL },
	};
	const struct command_line cl = {
		.cl_command = "figures",
		.cl_operands = "DB",
		.cl_help =
		    "Draw the figures of a run, a sweep and a calibration.  "
		    "Beside each picture lie its data and the gnuplot "
		    "script that draws it.",
		.cl_rows = rows,
		.cl_nrows = nitems(rows),
		.cl_min = 1,
		.cl_max = 1,
	};
	struct errmsg em = { .em_text = "" };
	struct figures_report fp;
	struct options op;
	int status = UVN_OK, error;

	(void)snprintf(only_help, sizeof(only_help),
	    "draw only these figures, of %s",
	    list_words(&only, words, sizeof(words)));
	if (!options_parse(&cl, argc, argv, &op, &status))
		return status;
	if (dir[0] == '\0') {
		options_fini(&op);
		return complain(UVN_USAGE, "--output: the folder has no name");
	}
	struct figures_job fj = {
		.fj_db = op.op_operands[0],
		.fj_only = only.ws_bits,
		.fj_formats = formats.ws_bits == 0 ?
		    FIGURE_PICTURES :
		    formats.ws_bits << FIGURE_PNG,
		.fj_dir = dir,
	};
	for (enum figure_scope i = 0; i < FIGURE_NSCOPES; i++)
		fj.fj_id[i] = id[i] > INT64_MAX ? INT64_MAX : (int64_t)id[i];
	error = analysis_figures(&fj, &fp, &em);
	if (error == 0 || fp.fp_nfigures > 0)
		status = report(&fj, &fp, &op);
	if (error != 0)
		status = complain(error == EEXIST ? UVN_USAGE :
						    (int)exit_status(error),
		    "%s", em.em_text);
	options_fini(&op);
	return status;
}
