/* What the surveys share. */
#ifndef PORTCULLIS_TESTS_SURVEY_SURVEY_H
#define PORTCULLIS_TESTS_SURVEY_SURVEY_H

#include "tests/test.h"

/* A line for the summary of a run: of the hardware alone, since nobody asks what models were left with. */
#define survey_tell(t, ...) ((t)->bench->machine->name[0] ? (void)0 : log_line("@survey " __VA_ARGS__))

#endif
