#include <inttypes.h>
#include <stdlib.h>

#include "replay/command_text.h"
#include "replay/sweep.h"

static void
put_options(FILE *out, const struct sweep *sw)
{
	command_option(out, "--dir", sw->sw_dir);
	if (sw->sw_verify)
		(void)fputs(" --verify", out);
	if (sw->sw_paranoid)
		(void)fputs(" --paranoid", out);
	if (sw->sw_salvage)
		(void)fputs(" --salvage", out);
	if (sw->sw_flush_both)
		(void)fputs(" --flush-both", out);
	if (sw->sw_events != NULL)
		command_option(out, "--events", sw->sw_events);
	(void)fprintf(out, " --seed %" PRIu64, sw->sw_seed);
	command_option(out, "--db", sw->sw_db);
}

static char *
finish(FILE *out, char **textp)
{
	if (fclose(out) == 0)
		return *textp;
	free(*textp);
	return NULL;
}

char *
sweep_cell_command(const struct sweep *sw, const struct sweep_cell *sc)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	(void)fputs("uvn replay ", out);
	command_word(out, sc->sc_trace->st_path);
	command_tunables(out, &sc->sc_point->pt_asked);
	put_options(out, sw);
	return finish(out, &text);
}

char *
sweep_command(const struct sweep *sw, const char *share)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	(void)fputs("uvn sweep", out);
	for (size_t i = 0; i < sw->sw_ntraces; i++) {
		(void)fputc(' ', out);
		command_word(out, sw->sw_trace[i].st_path);
	}
	for (size_t i = 0; i < sw->sw_axes.xs_n; i++)
		command_option(out, "--axis", sw->sw_axes.xs_axis[i].ax_text);
	command_tunables(out, &sw->sw_fixed);
	if (sw->sw_pairs)
		(void)fputs(" --pairs", out);
	(void)fprintf(out, " --repeat %" PRIu64 " --jobs %zu", sw->sw_repeats,
	    sw->sw_jobs);
	if (sw->sw_fresh)
		(void)fputs(" --fresh", out);
	if (share != NULL)
		command_option(out, "--share", share);
	put_options(out, sw);
	return finish(out, &text);
}
