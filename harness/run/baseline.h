/* What a target is known to do wrong: a text file, one `id<TAB>verdict<TAB>reason` a line, # begins
 * a comment. A listed failure is expected; a listed one that passes is stale, and the run says so,
 * unless a ? stands behind the verdict: that one fails at times.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_RUN_BASELINE_H
#define HARNESS_RUN_BASELINE_H

#include "err.h"
#include "run/outcome.h"

struct baseline_entry {
    char *id, *reason; /* owned */
    enum verdict verdict;
    int line;
    bool met;  /* some outcome was held against it */
    bool luck; /* "fail?": it fails at times; never stale */
};

struct baseline {
    struct baseline_entry *at;
    size_t n;
    char *path; /* owned */
};

/* -1 with "path:line: …" for a line that is none, a verdict that cannot be expected, a missing
 * reason, an id that the catalogue does not have (with the nearest) or that stands twice. */
int baseline_load(struct baseline *b, const char *path, const struct catalogue *c, struct err *err);
void baseline_clear(struct baseline *b);

/* Expected: listed with this verdict. Stale: listed, and it passes (or is only weak where fail is
 * listed). Skips, errors and other verdicts than the listed one are judged as if it were not
 * listed. */
enum standing baseline_judge(struct baseline *b, const char *id, enum verdict v);

/* The reason that stands in the file, or "". */
const char *baseline_reason(const struct baseline *b, const char *id);

#endif
