/*
 * command_text: command lines as a shell would read them again.
 */
#ifndef REPLAY_COMMAND_TEXT_H
#define REPLAY_COMMAND_TEXT_H

#include <stdio.h>

#include "replay/config.h"

/* A word, quoted where a shell would take it apart. */
void command_word(FILE *out, const char *word);

/* " OPTION VALUE". */
void command_option(FILE *out, const char *option, const char *value);

/* " --set NAME=VALUE" for every tunable that is not at its default, so that the
 * text means the same whatever a later uvn has for defaults. */
void command_tunables(FILE *out, const struct config *cf);

#endif
