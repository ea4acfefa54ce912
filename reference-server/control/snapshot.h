/* Snapshots of the whole server by name: mail, accounts, queue, clock, limits, faults
 * and rules. In memory, for tests
 * and for whoever wants to begin again from the same state. Loop thread only.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_SNAPSHOT_H
#define SERVER_SNAPSHOT_H

#include <stddef.h>

#include "base/err.h"
#include "server.h"

enum { SNAPSHOTS_MOST = 100 };

/* Keeps everything as it is now; a name that is there already is given the new state. */
int snapshot_take(struct server *s, const char *name, struct err *err);
/* Everything as it was. Sessions go on: a mailbox that they have open is deleted for them, and
 * someone whose account is no more stays logged in until they leave. */
int snapshot_restore(struct server *s, const char *name, struct err *err);
/* The i-th name, or NULL. */
const char *snapshot_name(size_t i);
void snapshot_forget_all(void); /* when the server ends */

#endif
