/* Reads run.jsonl back: groups the lines of a run by scenario. Reports are made from this.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_RUN_READBACK_H
#define HARNESS_RUN_READBACK_H

#include <jansson.h>
#include <stddef.h>

#include "err.h"

struct readback {
    json_t *starts; /* the run.start event of each file */
    json_t *ends;   /* the run.end event of each file; null where the run was cut short */
    json_t *cases; /* {"start": …, "finish": … or absent, "events": […]}, in order of starting */
    json_t *troubles; /* sentences: what could not be read */
};

/* Reads n files, the shards of one run. A last line without its end and lines that are not JSON
 * objects are left out and named in troubles. -1: a file cannot be read, has no run.start, or is of
 * a newer version. */
int readback_load(struct readback *r, const char *const *paths, size_t n, struct err *err);
void readback_clear(struct readback *r);

/* The most bytes of one line; a longer one is left out. */
#define READBACK_LINE_LIMIT ((size_t)128 * 1024 * 1024)

#endif
