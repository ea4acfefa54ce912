/* What came out of one scenario, and what a whole run's exit code is made of.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_RUN_OUTCOME_H
#define HARNESS_RUN_OUTCOME_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "catalogue/catalogue.h"
#include "run/script.h"

enum { VERDICTS = VERDICT_TIMEOUT + 1 };

/* DESIGN.md, "Verdicts". */
enum exit_code {
    EXIT_AS_EXPECTED = 0,
    EXIT_UNEXPECTED = 1,
    EXIT_USAGE = 2,
    EXIT_INTERNAL = 3,
    EXIT_TARGET = 4,
    EXIT_NOTHING = 5,
    EXIT_DEADLINE = 124,
    EXIT_INTERRUPTED = 130
};

enum standing { STANDING_NONE, STANDING_EXPECTED, STANDING_STALE }; /* against the baseline */

struct outcome {
    const struct scenario *scenario;
    int round; /* of --repeat, from 1 */
    enum verdict verdict;
    enum standing standing;
    char *why, *where; /* owned, never NULL */
    char *evidence;    /* "evidence/….pcapng" below the run folder, or NULL; owned */
    double seconds, cpu_ms;
};

/* Whether a verdict is a defect of the target: fail, weak or timeout. */
bool verdict_is_red(enum verdict v);

/* The verdict of this name, or -1. */
int verdict_of(const char *name);

void outcome_clear(struct outcome *o);

#endif
