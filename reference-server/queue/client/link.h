/* A connection that this server makes: socket, TLS, input and output. What is said over it is its
 * owner's business. Loop thread only. SPDX-License-Identifier: MIT */
#ifndef SERVER_QUEUE_LINK_H
#define SERVER_QUEUE_LINK_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/loop.h"

enum link_event {
    LINK_CONNECTED,
    LINK_SECURED,   /* the handshake is done */
    LINK_FELL_BACK, /* by a fault: it failed, and the connection is still there, in clear */
    LINK_INPUT,     /* more is in `in` */
    LINK_SENT,      /* some output has gone */
    LINK_ENDED,     /* by the other side or by trouble: `why` says it; the last event */
};

struct link {
    struct loop *loop;
    struct loop_source source; /* fd -1: not open */
    SSL *ssl;
    struct buf in, out;
    bool connecting, shaking;
    bool tls_failed; /* it ended in the handshake */
    char why[256];
    void (*event)(void *arg, enum link_event e); /* the link may be closed inside */
    void *arg;
    uint32_t watched;
};

enum { LINK_INPUT_BYTES = 256 * 1024 };

/* Begins to connect; the first event comes later. l->event and l->arg are set before. -1: it cannot
 * even be tried. out_limit: most bytes that wait to be sent. */
int link_open(struct link *l, struct loop *loop, const struct sockaddr *address, socklen_t len,
              size_t out_limit, struct err *err);
bool link_write(struct link *l, const void *p, size_t n); /* false: past the limit */
void link_flush(struct link *l);
/* Begins the client's side of a handshake; ssl is taken. Output has to be flushed. */
void link_secure(struct link *l, SSL *ssl);
void link_close(struct link *l); /* no events after this; a close_notify is tried */

#endif
