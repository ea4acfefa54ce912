/* The server under test: read from a target file or made of --target URLs, started where it is ours
 * to start, watched while scenarios run, stopped afterwards. What its fields mean is in
 * harness/lua/target.lua. SPDX-License-Identifier: MIT */
#ifndef HARNESS_RUN_TARGET_H
#define HARNESS_RUN_TARGET_H

#include <jansson.h>
#include <lua.h>
#include <stdbool.h>

#include "catalogue/catalogue.h"
#include "err.h"
#include "run/program.h"

struct target_wish {
    struct words urls;   /* --target: URLs of one server, or one file or name */
    struct words users;  /* NAME:PASSWORD */
    struct words faults; /* for mailproofd alone */
    int flags;           /* Lua registry: the scenario whose flags mailproofd gets; 0: of none */
    const char *domain, *ca, *source, *verify_name; /* NULL: as the target says */
    double timeout_scale;
    const char *log; /* file for what a started program says on stderr, or NULL */
};

struct target {
    lua_State *L; /* borrowed */
    int ref;      /* the target's table in the Lua registry */
    int module;   /* harness/lua/target.lua there */
    char name[128];
    char *home;  /* owned */
    char *state; /* the fresh folder for a started program, removed by target_stop; NULL without */
    char *log;   /* its stderr; owned */
    char *baseline; /* path that the target file names, or NULL; owned */
    size_t accounts;
    bool throwaway, takes_faults;
    bool own_for_all;        /* not only a scenario that needs the control socket does */
    bool own_server;         /* a scenario that needs the control socket gets a server for itself */
    struct target_wish wish; /* as opened: what its pointers lead to is borrowed */
    const char *daemon;      /* borrowed */
    int port_base;           /* first of twenty free ports, for programs that want fixed ones */
    struct program program;  /* what it started, if anything */
};

/* Reads and checks the target; starts nothing. daemon is mailproofd's path. Mistakes in the wish or
 * in a target file are errors in words (exit code 2). */
int target_open(struct target *t, lua_State *L, const char *home, const char *daemon,
                const struct target_wish *wish, struct err *err);

/* Starts the program, if the target has one, and waits until it says that it is ready, at most 30 s
 * times the scale. -1 with words (exit code 4): cannot be started, ended at once, said nothing. */
int target_start(struct target *t, double timeout_scale, struct err *err);

/* Whether the scenario gets a server of its own, so that what it does to its clock, its DNS and its
 * queue disturbs nobody. */
bool target_gives_own(const struct target *t, const struct scenario *s);

/* Opens and starts one more server like t in *own, below t's state folder, with the flags that the
 * scenario wants. Errors as of target_open and target_start; *own is closed then. */
int target_start_own(struct target *own, const struct target *t, const struct scenario *s,
                     double timeout_scale, struct err *err);

/* Whether a started program is still there; if not, err says how it ended. */
bool target_alive(struct target *t, struct err *err);

/* Ends the program, runs the target's stop command, removes the state folder, frees everything.
 * Safe on a zeroed one and twice. */
void target_close(struct target *t);

/* "smtp" -> "127.0.0.1:2525" for the services it has: what run.start says. New reference. */
json_t *target_services(const struct target *t);
/* Name of the target's software, or "" while unknown. */
const char *target_software(const struct target *t);
/* The file with the authority of its certificates, or NULL. */
const char *target_ca(const struct target *t);

/* The first service of a choice like "imap/imaps" that the target has. */
bool target_has_service(const struct target *t, const char *choice, char *found, size_t size);
/* Pushes a JSON value as a Lua value. */
int target_push_json(lua_State *L, const json_t *v);

/* Why a scenario cannot run here, or false. caps: Lua registry reference to the probe's table, or
 * LUA_NOREF before it. */
bool target_skips(const struct target *t, const struct scenario *s, int caps, bool allow, char *why,
                  size_t size);

/* Pushes what the scenario is given (s NULL: a probe). users are account numbers. */
int target_push_context(const struct target *t, const struct scenario *s, const int *users,
                        size_t n, const char *marker, json_int_t seed, double timeout_scale,
                        struct err *err);
#endif
