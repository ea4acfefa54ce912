/* Which scenarios come past which faults of mailproofd, learnt in a run without any: a scenario
 * whose server never asks whether a fault is on cannot tell the server with that fault from the one
 * without. SPDX-License-Identifier: MIT */
#ifndef HARNESS_CLI_REACH_H
#define HARNESS_CLI_REACH_H

#include <stdbool.h>
#include <stddef.h>

#include "catalogue/select.h"
#include "err.h"

struct reach {
    size_t scenarios, faults;
    const struct scenario **of; /* owned list of borrowed scenarios */
    unsigned char *asked;       /* scenarios rows of faults bytes */
    bool *known;                /* the row was read */
};

/* Reads what the run of chosen left in folder (runner_options.asked), and removes it. A scenario
 * that was skipped has no file and reaches nothing. -1: a file is not of so many faults. */
int reach_read(struct reach *r, const char *folder, const struct selection *chosen, size_t faults,
               struct err *err);
void reach_clear(struct reach *r);

/* Whether the scenario comes past the fault, by its place in mailproofd --fault help. True for one
 * that reach_read knows nothing of: rather one run too many. */
bool reach_has(const struct reach *r, const struct scenario *s, size_t fault);

#endif
