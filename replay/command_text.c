#include <string.h>

#include "replay/command_text.h"

void
command_word(FILE *out, const char *word)
{
	if (*word != '\0' &&
	    strspn(word,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_-+=./:,%@") == strlen(word)) {
		(void)fputs(word, out);
		return;
	}
	(void)fputc('\'', out);
	for (; *word != '\0'; word++)
		if (*word == '\'')
			(void)fputs("'\\''", out);
		else
			(void)fputc(*word, out);
	(void)fputc('\'', out);
}

void
command_option(FILE *out, const char *option, const char *value)
{
	(void)fprintf(out, " %s ", option);
	command_word(out, value);
}

void
command_tunables(FILE *out, const struct config *cf)
{
	char value[TUNABLE_TEXT_MAX], word[TUNABLE_TEXT_MAX + 64];

	for (size_t i = 0; i < config_count(); i++) {
		const struct tunable *tn = config_tunable(i);

		if (config_get(cf, i) == tn->tn_def)
			continue;
		tunable_format(tn, config_get(cf, i), value, sizeof(value));
		(void)snprintf(word, sizeof(word), "%s=%s", tn->tn_name, value);
		command_option(out, "--set", word);
	}
}
