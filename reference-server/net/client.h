/* What conn.c, channel.c and pace.c know of a client, and nobody else. Protocols note their wishes
 * in it, client_pump fulfils them. SPDX-License-Identifier: MIT */
#ifndef SERVER_CLIENT_H
#define SERVER_CLIENT_H

#include <openssl/ssl.h>

#include "net/conn.h"
#include "net/loop.h"

enum state {
    HANDSHAKE,
    OPEN,
    LINGER, /* all is said; waits for the client's end so that no RST overtakes our last words */
    DEAD,
};

struct client {
    struct conn conn; /* first: a struct conn * is a struct client * */
    struct client *next, *prev;
    struct loop_source source;
    uint32_t events; /* that the loop watches for */
    enum state state;
    SSL *ssl;
    bool ssl_wants_write; /* reading cannot go on before the socket takes bytes */
    struct buf out;
    struct timer deadline, patience; /* the protocol's; the connection's own */
    struct timer hold, pace, drip;
    uint64_t pace_bytes; /* had moved when the window of pace began */
    bool holding;
    bool dripping; /* a rule lets no more out before the timer fires */
    unsigned parks;
    bool opened;   /* the protocol knows of it and must hear of its end */
    bool pumping;  /* further calls only note their wishes */
    bool was_full; /* the protocol was told to hold back and waits for `drained` */
    bool starttls; /* wanted once the output is flushed */
    bool abort;    /* wanted: RST */
    bool told_eof;
    bool begun;      /* the protocol has taken input, since the greeting or since TLS began */
    bool broken;     /* the socket is of no use any more */
    bool late;       /* the deadline passed while parked */
    bool ssl_failed; /* an alert is out; nothing more can be said inside TLS */
};

static inline struct client *client(struct conn *c)
{
    return (struct client *)(void *)c;
}

static inline const struct client *client_const(const struct conn *c)
{
    return (const struct client *)(const void *)c;
}

/* Does what there is to do: conn.c. The client may be gone behind it. */
void client_pump(struct client *k, bool readable);

#endif
