/* Everything that mailproof knows how to prove: the scenarios of scenarios/, the rules of
 * protocol/lint.h (which are reported as scenarios of their own) and the requirements of
 * scenarios/requirements/. Loaded once, checked whole, never changed afterwards. The checks
 * themselves are in harness/lua/scenario.lua.
 *
 * Strings belong to the Lua state that the catalogue was loaded into, and live as long as the
 * catalogue. SPDX-License-Identifier: MIT */
#ifndef HARNESS_CATALOGUE_CATALOGUE_H
#define HARNESS_CATALOGUE_CATALOGUE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "err.h"

struct lint_rule;

struct requirement {
    const char *id;      /* "rfc5321-4.1.1.4-5" */
    const char *section; /* "4.1.1.4" */
    const char *level;   /* "MUST", …, "stated" */
    const char *test;    /* "wire", …, "not observable: why" */
    const char *says;
    int rfc;
};

struct words {
    const char **at;
    size_t n;
};

struct scenario {
    const char *id; /* "smtp/rfc5321/4.1.1.4/bare-lf-dot" */
    const char *file;
    int line;
    const char *title, *says, *why, *level, *section;
    int rfc;
    struct words proves, catches, services, needs, tags;
    const char *protocol; /* first folder: "smtp" */
    int users;
    bool messages, destructive, serial, needs_control;
    double timeout; /* seconds */
    int ref;        /* the checked table in the Lua registry; LUA_NOREF for a lint rule */
    const struct lint_rule *lint; /* NULL for a scenario of a file */
};

struct catalogue {
    struct scenario *scenarios; /* by file and line, lint rules last */
    size_t n;
    struct requirement *requirements; /* by file and line */
    size_t requirements_n;
    struct words problems; /* "file:line: sentence", each a reason not to run */
    int ref;               /* what harness/lua/scenario.lua returned, in the Lua registry */
};

/* Loads everything below home. A file with mistakes does not stop the others: all of them are in
 * problems, and it is the caller who refuses to go on. -1 only when the folder or the loader itself
 * cannot be read. */
int catalogue_load(lua_State *L, const char *home, struct catalogue *out, struct err *err);
void catalogue_clear(lua_State *L, struct catalogue *c);

/* Writes each problem as a line; returns how many there are. */
size_t catalogue_print_problems(const struct catalogue *c, FILE *out);

const struct scenario *catalogue_find(const struct catalogue *c, const char *id);
const struct requirement *catalogue_requirement(const struct catalogue *c, const char *id);
/* Title of an RFC that has a catalogue, or "". */
const char *catalogue_rfc_title(lua_State *L, const struct catalogue *c, int rfc);

bool words_have(const struct words *w, const char *word);

/* How binding a level is: MUST 3, stated 3, SHOULD 2, MAY 1. */
int level_rank(const char *level);

#endif
