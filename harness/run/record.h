/* The file run.jsonl: whole lines, one event each, written as they come.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_RUN_RECORD_H
#define HARNESS_RUN_RECORD_H

#include <jansson.h>
#include <stddef.h>

#include "err.h"

struct record {
    int fd;         /* -1: nothing is kept (mutants) */
    char *path;     /* for messages; owned */
    int broken;     /* a write failed once: everything after it is dropped, and the run ends */
    struct err why; /* of the first failure */
};

/* Creates or empties the file. A path of NULL keeps nothing. */
int record_open(struct record *r, const char *path, struct err *err);
void record_close(struct record *r);

/* Appends n bytes of whole lines. 0, or -1 with r->why set (disk full, …). */
int record_lines(struct record *r, const char *lines, size_t n);

/* Takes the reference to event and appends it; adds "v". */
int record_event(struct record *r, json_t *event);

/* A JSON string of C text that may hold anything. */
json_t *record_text(const char *text);

#endif
