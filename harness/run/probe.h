/* Looks at a target before any scenario runs: are its services there, do the accounts let us in,
 * what does it announce. SPDX-License-Identifier: MIT */
#ifndef HARNESS_RUN_PROBE_H
#define HARNESS_RUN_PROBE_H

#include "catalogue/select.h"
#include "run/target.h"

/* Probes every service that a chosen scenario would use, all at once, each in a process of its own.
 * On success *caps is a Lua registry reference to { smtp = { clear = …, tls = …, login = … }, … }.
 * -1 with one sentence: unreachable, not its protocol, wrong password, silent past the limit (exit
 * code 4). */
int probe_target(lua_State *L, struct target *t, const struct selection *chosen,
                 double timeout_scale, int *caps, struct err *err);

#endif
