/* The Lua binding: everything that a scenario can do, and only that. One file holds the C functions
 * (module `wire`), harness/lua/ the language on top of them (timeline, smtp, imap, pop3, message).
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_RUN_SCRIPT_H
#define HARNESS_RUN_SCRIPT_H

#include <lua.h>

#include "err.h"
#include "run/event.h"

/* Registers the C functions and loads harness/lua/ from home (the folder with harness/, scenarios/,
 * reports/). Done once in the parent, before scenario files are loaded; the children inherit it. */
int script_open(lua_State *L, const char *home, struct err *err);

enum verdict {
    VERDICT_PASS,
    VERDICT_FAIL,
    VERDICT_WEAK,
    VERDICT_NOTED,
    VERDICT_SKIP,
    VERDICT_DEPENDENCY,
    VERDICT_ERROR,
    VERDICT_TIMEOUT
};
extern const char *const verdict_names[]; /* "pass", "fail", … by enum verdict */

struct script_result {
    enum verdict verdict; /* already weighed by the scenario's level */
    char why[1024];  /* the headline of a failure, or the reason of a skip; "" for a plain pass */
    char where[256]; /* "scenarios/…lua:21" of the line that decided; "" if none */
};

/* Runs one scenario in this process. On the Lua stack of L: index `scenario` is the checked
 * scenario table, index `context` a table { user/users, domain, target (the target table),
 * messages, timeout_scale, seed, id, level, … }. Never raises; our own trouble gives VERDICT_ERROR.
 * Closes every connection that it opened. */
void script_run(lua_State *L, int scenario, int context, struct event_sink *sink,
                struct script_result *out);

#endif
