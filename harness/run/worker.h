/* What happens in a scenario's own process, between fork and _exit: start a server where the
 * scenario gets one of its own, prepare the mailbox, run the script, restore the mailbox, write the
 * evidence. It talks to the runner over a pipe: events as the lines that go into run.jsonl, and
 * between them lines that begin with '!':
 *
 *   !begin {"t": …}   the mailbox is as declared, the script starts
 *   !ran {}           the script is over, the rest is tidying up
 *   !result {"verdict": …, "why": …, "where": …, "seconds": …, "evidence": …, "others_cpu_ms": …}
 *
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_RUN_WORKER_H
#define HARNESS_RUN_WORKER_H

#include <lua.h>
#include <stdnoreturn.h>

#include "run/outcome.h"
#include "run/target.h"

enum evidence { EVIDENCE_ALL, EVIDENCE_FAILED, EVIDENCE_NONE };

struct job {
    const struct scenario *scenario;
    int *users; /* account numbers */
    size_t users_n;
    char marker[64];
    json_int_t seed;
    double timeout_scale;
    enum evidence evidence;
    char *evidence_name;   /* "evidence/….pcapng"; owned */
    const char *folder;    /* the run's folder */
    struct outbox *outbox; /* the slot's; borrowed */
    bool lint_only;        /* as of the event_sink: nobody reads the other events */
    char
        *asked; /* NULL, or the file where its own mailproofd notes the faults it asks for; owned */
};

/* The most bytes of one scenario that run.jsonl keeps; after that, io events say "cut". */
#define WORKER_KEEPS ((size_t)16 * 1024 * 1024)

/* Once, in the parent: has ready what every worker needs, so that none of them has to make it. */
void worker_hatch(lua_State *L);
noreturn void worker_run(lua_State *L, const struct target *t, const struct job *job, int fd);

/* What a child of mailproof does first: dies with its parent, leaves Ctrl-C to it, and writes to
 * stderr what a script prints, because stdout may be a report. */
void worker_settle(void);

/* Calls prepare.NAME(…) of harness/lua/prepare.lua with the n values on top of the stack; leaves
 * one result. */
int worker_prepare(lua_State *L, const char *name, int n, struct err *err);

/* Writes "!name {…}\n" whole; takes the reference to value. */
void worker_say(int fd, const char *name, json_t *value);

#endif
