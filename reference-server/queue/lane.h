/* Ways to other hosts. A trip is one message on its way to the recipients of one domain; lanes are
 * sessions with that domain's hosts, found by MX and address, that take one trip after another. So
 * many lanes a domain and no more. SPDX-License-Identifier: MIT */
#ifndef SERVER_QUEUE_LANE_H
#define SERVER_QUEUE_LANE_H

#include "queue/message.h"
#include "queue/sts.h"
#include "queue/trust.h"

struct lanes;
struct server;

struct lanes_options {
    struct server *server;
    struct dns *dns;
    struct sts *sts;
    struct trust *trust;
    uint16_t port;
    const char *smarthost; /* its name, or NULL */
    uint16_t smarthost_port;
    bool smarthost_lmtp; /* it speaks LMTP; a name with / in front is a socket of this machine */
    const char *user, *password; /* for the smarthost; or NULL */
};

enum trip_safety {
    TRIP_USUAL,    /* as DANE and MTA-STS ask */
    TRIP_VERIFIED, /* REQUIRETLS: only to hosts that are verified and offer it too */
    TRIP_ANY,      /* TLS-Required: No: whatever DANE and MTA-STS say */
};

/* Owned by whoever sends it, until done. */
struct trip {
    struct trip *next; /* the lanes' own, while it waits */
    char domain[DNS_NAME_MAX + 1];
    enum trip_safety safety;
    int priority;                  /* greater ones go first */
    struct client_mail mail;       /* done and arg are the lanes' own */
    char remote[DNS_NAME_MAX + 1]; /* out: the host that was spoken to; "" none */
    void (*done)(struct trip *t);  /* every recipient has an outcome */
    void *owner;
};

struct lanes *lanes_open(const struct lanes_options *o);
void lanes_close(struct lanes *l); /* trips that are under way get no done */
/* done is called later, or from inside this call. */
void lanes_send(struct lanes *l, struct trip *t);
bool lanes_busy(const struct lanes *l); /* a session is being made, or a message is on its way */
uint64_t lanes_steps(const struct lanes *l);

#endif
