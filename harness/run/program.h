/* A program that a target starts: it stays in the foreground, prints one JSON line on stdout when
 * it is ready, and ends on SIGTERM or when its stdin closes. SPDX-License-Identifier: MIT */
#ifndef HARNESS_RUN_PROGRAM_H
#define HARNESS_RUN_PROGRAM_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "err.h"

struct program {
    char name[128]; /* for messages: argv[0] without its folder */
    pid_t pid;      /* also its process group; 0: none runs */
    int in, out;    /* our ends of its stdin and stdout; -1: none */
    char *log;      /* file of its stderr; owned */
    int status;     /* of waitpid, once it ended */
    bool ended;
};

/* Starts argv (NULL-terminated) in folder cwd, with the environment plus extra ("NAME=value",
 * NULL-terminated). What it says on stderr goes into the file log. */
int program_start(struct program *p, const char *const *argv, const char *const *extra,
                  const char *cwd, const char *log, struct err *err);

/* Waits for the ready line: a JSON object with "ready": true. New reference in *ready. -1 with
 * words when the program ends first (the last line of its stderr included), says something else, or
 * timeout_s passes. */
int program_ready(struct program *p, double timeout_s, json_t **ready, struct err *err);

/* Whether it still runs; if not, err says how it ended. */
bool program_alive(struct program *p, struct err *err);

/* SIGTERM, at most grace_s seconds of patience, then SIGKILL to the whole group. Safe on a zeroed
 * one and twice. */
void program_stop(struct program *p, double grace_s);

/* Runs argv to its end, at most timeout_s; its output goes to log (or nowhere). Returns its exit
 * code, -1 for trouble. */
int program_run(const char *const *argv, const char *const *extra, const char *cwd, const char *log,
                double timeout_s);

#endif
