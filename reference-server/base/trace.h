/* The trace: what decided each reply, for someone who reads along with an RFC. Never on the wire.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_TRACE_H
#define SERVER_TRACE_H

#include "base/clock.h"
#include "base/err.h"
#include "net/conn.h"

int trace_open(const char *path, const struct clock *clock, struct err *err);
void trace_close(void);
bool trace_wanted(void);

/* A table of what decides: the first line whose command is this one, or "*", and whose answer the
 * reply begins with. NULL ends it. */
struct trace_reason {
    const char *command, *answer, *requirement;
};
/* "-" where the table says nothing. */
const char *trace_reason(const struct trace_reason *list, const char *command, const char *answer);
/* One line: seconds, protocol and session, the requirement's id (or "-"), and in words what was
 * decided. */
void trace(const struct conn *c, const char *requirement, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
