/* The trace: what decided each reply, for someone who reads along with an RFC. Never on the wire.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_TRACE_H
#define SERVER_TRACE_H

#include "clock.h"
#include "conn.h"
#include "err.h"

int trace_open(const char *path, const struct clock *clock, struct err *err);
void trace_close(void);
/* One line: seconds, protocol and session, the requirement's id (or "-"), and in words what was
 * decided. */
void trace(const struct conn *c, const char *requirement, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
