/* What a person sees of a run: one line of progress on a terminal, failures with their exchange at
 * the end, counts. SPDX-License-Identifier: MIT */
#ifndef HARNESS_CLI_TERMINAL_H
#define HARNESS_CLI_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

#include "run/baseline.h"
#include "run/runner.h"
#include "wire/buf.h"

struct terminal {
    FILE *out;          /* stdout, or stderr when a report goes to stdout */
    bool quiet;         /* counts only */
    int verbose;        /* 1: every exchange, 2: every step */
    bool color, live;   /* live: a progress line that is rewritten */
    const char *folder; /* of the run, for paths; NULL: none */
    const char *again;  /* "mailproof run --target …", how to run one again */
    const struct baseline *baseline;
    struct buf failures; /* their text, shown at the end */
    double drawn_at;
};

/* color: "auto", "always" or "never". Auto is on for a terminal, unless NO_COLOR is set or TERM is
 * dumb. */
void terminal_init(struct terminal *t, FILE *out, const char *color);
void terminal_clear(struct terminal *t);

/* The runner's watcher. */
struct runner_watch terminal_watch(struct terminal *t);

/* Failures, skips by reason, what stopped it, counts. */
void terminal_end(struct terminal *t, const struct run_result *r, enum exit_code code);

#endif
