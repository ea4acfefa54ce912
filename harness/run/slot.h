/* One running scenario process as the runner sees it: what it has said so far, how far it is, and,
 * once it is over, what came of it. SPDX-License-Identifier: MIT */
#ifndef HARNESS_RUN_SLOT_H
#define HARNESS_RUN_SLOT_H

#include "run/outcome.h"
#include "run/worker.h"
#include "wire/buf.h"

#define SLOT_LINE_MOST ((size_t)128 << 20) /* of one event */
#define SLOT_KEEP_MOST                                                                             \
    ((size_t)64 << 20) /* of one scenario's events, for its exchange and evidence */
#define SLOT_PREPARE_S                                                                             \
    30 /* for filling a mailbox, and again for emptying it and writing the evidence */

/* One scenario in one round. */
enum state { WAITING, RUNNING, OVER };

struct item {
    const struct scenario *scenario;
    int round;
    enum state state;
};

struct slot {
    struct item *item; /* NULL: free */
    struct job job;
    pid_t pid;
    int fd;
    double forked_at, deadline; /* monotonic */
    double forked_wall, began;  /* seconds since 1970; began 0 until "!begin" */
    enum { PREPARING, IN_SCRIPT, TIDYING } phase;
    bool killed;
    uint64_t received; /* bytes of its pipe */
    struct buf in;     /* a line that is not complete yet */
    struct buf kept;   /* complete events, one a line */
    json_t *result;    /* what "!result" said, or NULL */
};

/* Lets go of everything and makes the slot free. */
void slot_clear(struct slot *slot);

/* Keeps an event's line; past the limit it is dropped here, never in run.jsonl. */
void slot_keep(struct slot *slot, const char *line, size_t n);

/* The kept events as an array; new reference. */
json_t *slot_events(const struct slot *slot);

/* Fills verdict, why, where, evidence and seconds from what "!result" said. */
void slot_read_result(const struct slot *slot, struct outcome *o);

/* Fills verdict, why and where for a process that gave no result: it was killed for its time, or it
 * died. status is waitpid's. */
void slot_autopsy(const struct slot *slot, int status, const json_t *events, struct outcome *o);

#endif
