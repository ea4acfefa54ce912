/* What a sender asks of a message's way beyond its notifications: how safely, how fast, when.
 * RFC 8689 (REQUIRETLS), 2852 (DELIVERBY), 4865 (FUTURERELEASE), 6710 (MT-PRIORITY).
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_QUEUE_WISHES_H
#define SERVER_QUEUE_WISHES_H

#include <stdbool.h>
#include <stdint.h>

enum by_mode {
    BY_NOT_ASKED,
    BY_NOTIFY, /* tell when the time is over, and go on */
    BY_RETURN, /* give up when the time is over */
};

enum { PRIORITY_MOST = 9, HOLD_WORDS = 48 };

/* All zero: nothing is asked for. */
struct wishes {
    bool requiretls;       /* only over TLS that is verified, all the way */
    bool tls_optional;     /* TLS-Required: No */
    int priority;          /* -9 to 9 */
    bool priority_said;    /* by the client */
    enum by_mode by;       /* what by_s means */
    bool by_trace;         /* each relay is to report */
    int64_t by_s;          /* wall clock */
    int64_t release_s;     /* wall clock: not before that; 0: at once */
    char hold[HOLD_WORDS]; /* as reports repeat it, "for;60"; "" none */
    int64_t holder;        /* the account for which it is kept back; 0: of nobody we know */
};

#endif
