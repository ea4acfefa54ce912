/* Words for a service manager that listens where $NOTIFY_SOCKET says (systemd's protocol: a
 * datagram of lines NAME=VALUE). Without that variable nothing happens. SPDX-License-Identifier:
 * MIT */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

#include "base/err.h"

/* "READY=1", "STOPPING=1". 0 also where nobody listens; -1: the variable is there and nobody can be
 * reached. */
int notify(const char *words, struct err *err);
/* A reload begins; its end is READY=1. The time is how the manager knows which of several ended. */
int notify_reloading(struct err *err);

#endif
