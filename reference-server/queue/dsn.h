/* Delivery status notifications: what became of mail, for its sender. RFC 3461, 5 and 6; RFC 3464;
 * RFC 6522 (multipart/report); RFC 6533 (SMTPUTF8). SPDX-License-Identifier: MIT */
#ifndef SERVER_QUEUE_DSN_H
#define SERVER_QUEUE_DSN_H

#include "queue/message.h"

enum dsn_action { DSN_FAILED, DSN_DELAYED, DSN_RELAYED, DSN_DELIVERED };

struct dsn_recipient {
    const char *address, *orcpt;              /* orcpt as ORCPT= had it, or NULL */
    const char *status, *diagnostic, *remote; /* diagnostic, remote: "" none */
    bool from_server;                         /* the diagnostic is what an SMTP server said */
    int64_t tried_s;                          /* 0: never tried */
    int64_t until_s;                          /* DSN_DELAYED */
};

struct dsn {
    enum dsn_action action;
    const char *hostname, *name; /* name: of the message that this is about */
    const char *sender, *envid;  /* envid as ENVID= had it, or NULL */
    bool return_header, return_full, utf8;
    const struct wishes *wishes; /* NULL: none */
    int64_t arrival_s, now_s;
    const unsigned char *data; /* the message */
    size_t len;
    const struct dsn_recipient *recipients;
    size_t count;
};

/* The notification's text; malloc'd. */
unsigned char *dsn_make(const struct dsn *d, size_t *len);
/* Whether this recipient's sender wants to hear of it (RFC 3461, 4.1 and 6.2). */
bool dsn_wanted(enum dsn_action action, unsigned notify);

#endif
