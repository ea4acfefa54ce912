/* Runs scenarios: one forked process each, several at once, each with the accounts it leased and an
 * end to its time. What happens inside such a process is worker.h; what comes out goes into the
 * record and to a watcher. SPDX-License-Identifier: MIT */
#ifndef HARNESS_RUN_RUNNER_H
#define HARNESS_RUN_RUNNER_H

#include "catalogue/select.h"
#include "run/baseline.h"
#include "run/outcome.h"
#include "run/record.h"
#include "run/target.h"
#include "run/worker.h"

struct runner_options {
    int jobs;   /* processes at once */
    int repeat; /* rounds, 1 or more; a round begins when the one before is over */
    json_int_t seed;
    double timeout_scale;
    double own_scale; /* at least this for scenarios with a server of their own, which has others to
                         wait for; 0: the same for all */ /* every time limit is multiplied by it */
    double deadline_s; /* for everything, from now; 0: none */
    bool fail_fast;    /* stop after the first unexpected failure */
    bool allow_destructive;
    bool keep_events; /* give the watcher the events of every outcome, not only of bad ones */
    bool quiet;       /* never give the watcher events (mutants) */
    enum evidence evidence;
    const char *folder; /* the run's folder, with evidence/ below it; NULL: no evidence */
    const char *run_id;
    const char
        *asked; /* NULL, or a folder: every scenario gets a mailproofd of its own, which writes
                   there what faults it asked for; files are named by runner_asked_name */
    int caps;   /* Lua reference of probe_target's table */
    struct baseline *baseline; /* NULL: none */
};

struct runner_watch {
    void *arg;
    /* One scenario is over. events: its events, borrowed; NULL where they were not kept. */
    void (*done)(void *arg, const struct outcome *o, const json_t *events);
    /* Something moved: so many of total are over, so many run now. */
    void (*moved)(void *arg, size_t over, size_t total, size_t running, const char *newest);
};

enum stop { STOP_NOT, STOP_DEADLINE, STOP_INTERRUPTED, STOP_TARGET, STOP_RECORD, STOP_FAIL_FAST };

struct run_result {
    struct outcome *outcomes; /* in the order in which they came */
    size_t n;
    enum stop stop;
    struct err why; /* of STOP_TARGET and STOP_RECORD */
    double seconds;
    double cpu_ms; /* of all scenario processes */
};

/* Runs everything chosen. Lint rules among them are judged from what all the others said. Never
 * fails: what stopped it is in the result. SIGINT and SIGTERM stop it (STOP_INTERRUPTED). */
void runner_run(lua_State *L, struct target *t, const struct selection *chosen,
                const struct runner_options *o, struct record *record,
                const struct runner_watch *watch, struct run_result *out);
void run_result_clear(struct run_result *r);

/* The exit code that DESIGN.md gives to this result. strict: weak counts as a failure. */
enum exit_code run_result_exit(const struct run_result *r, bool strict);
void run_result_count(const struct run_result *r, size_t counts[VERDICTS]);

/* A file name for a scenario's evidence, "evidence/smtp-rfc5321-….pcapng", with "-2" and so on for
 * later rounds. */
char *runner_evidence_name(const char *id, int round);
/* The file in folder that tells what faults the scenario came past; malloc's. */
char *runner_asked_name(const char *folder, const char *id);

#endif
