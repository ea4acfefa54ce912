/* Everything that one mailproofd is made of, and its limits. SPDX-License-Identifier: MIT */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "base/clock.h"
#include "config/policy.h"
#include "net/budget.h"
#include "net/conn.h"
#include "sasl/account.h"
#include "store/store.h"

/* Named limits with defaults; `mailproofd --limits` prints them, --limit NAME=VALUE changes them.
 * limits.def is an X-macro list: LIMIT(smtp_line_bytes, 4096, "bytes of one SMTP command line, CRLF
 * included"). */
struct limits {
#define LIMIT(name, value, says) long name;
#include "config/limits.def"
#undef LIMIT
};

struct server {
    struct loop *loop;
    struct clock *clock;
    struct store *store;
    struct accounts *accounts;
    struct limits limits;
    struct policy policy;
    const char *hostname;        /* "mail.test.example" */
    const char *domain;          /* first mail domain */
    const char *priority_policy; /* RFC 6710, 9.2: its name, told in EHLO; NULL: none is told */
    bool plaintext_login;   /* passwords without TLS are allowed (default on loopback test runs) */
    struct queue *queue;    /* mail for other hosts; NULL: there is none */
    struct dns *dns;        /* goes with it */
    struct budget incoming; /* messages on their way into the store: limits.incoming_bytes */
    struct guard *guard;    /* counts by address; NULL: nobody counts */
    struct tls_identity *tls; /* NULL: no TLS at all */
    struct conn *conns;       /* every connection that is open, newest first; linked in conn.c */
    unsigned conn_count;      /* of these */
    struct proxy_waiter *waiters; /* for a PROXY header; linked in proxy.c */
    unsigned waiter_count;
    unsigned conn_total;        /* ever started */
    void (*emptied)(void *arg); /* the last connection has ended; or NULL */
    void *emptied_arg;
    bool stopping;
};

extern const struct protocol smtp_protocol, imap_protocol, pop3_protocol;

#endif
