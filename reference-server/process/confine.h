/* What of the file system mailproofd still needs once it runs, by its configuration, and the step
 * into the sandbox with that. SPDX-License-Identifier: MIT */
#ifndef SERVER_CONFINE_H
#define SERVER_CONFINE_H

#include <stdbool.h>

#include "config/config.h"
#include "process/sandbox.h"

/* made_state: the state folder was made by us just now; own_state: and is removed at the end. */
int confine(const struct config *c, const char *state, bool made_state, bool own_state,
            const char *control, struct sandbox *out, struct err *err);
/* Adds to an error that the sandbox may be why. */
void confine_explain(const struct sandbox *s, struct err *err);

#endif
