/* A message of the queue in memory: its envelope and what has become of each recipient. The text
 * stays in the database until it is needed. SPDX-License-Identifier: MIT */
#ifndef SERVER_QUEUE_MESSAGE_H
#define SERVER_QUEUE_MESSAGE_H

#include "base/clock.h"
#include "queue/client/client.h"
#include "queue/queue.h"

enum rcpt_state {
    RCPT_WAITING,
    RCPT_ON_WAY, /* part of an attempt that is under way */
    RCPT_TRIED,  /* the attempt is over, and its outcome is not on disk yet */
    RCPT_GONE,   /* settled; kept until the message is */
};

struct rcpt {
    char *address, *orcpt;
    char domain[DNS_NAME_MAX + 1]; /* lower case */
    unsigned notify;
    int64_t account; /* a mailbox here, of a message that is held back; 0: another host's */
    enum rcpt_state state;
    int64_t next_s;               /* wall clock */
    unsigned tries, tries_before; /* before: while its outcome is put on disk */
    bool told_delay;
    bool told_by;    /* that the time of BY is over */
    bool overdue;    /* and it is to be told now, without an attempt */
    bool passed_by;  /* the next server knows by when it is wanted there */
    bool passed_dsn; /* the next server knows what notifications are wanted */
    bool told;       /* its outcome goes into the notification that is being made */
    struct client_outcome last;
    char remote[DNS_NAME_MAX + 1]; /* the host that said so; "" none */
};

struct qmsg {
    struct queue *queue;
    struct qmsg *next, **link;
    int64_t id;
    char name[40]; /* as in the Received field, for notifications' readers */
    char *sender, *envid;
    bool return_header, return_full, utf8, eight_bit, binary;
    struct wishes wishes;
    int64_t arrival_s;
    struct rcpt *rcpts;
    size_t count;
    struct timer timer;
    size_t trips;        /* attempts that are under way */
    bool saving;         /* a commit of its outcomes is under way */
    unsigned char *data; /* while it is needed */
    size_t len;
};

struct qmsg *qmsg_new(const struct queue_envelope *e, int64_t now_s);
void qmsg_free(struct qmsg *m);
size_t qmsg_open(const struct qmsg *m); /* recipients that are not settled */
/* Without the source route in front, which only a fault leaves there (RFC 5321, C). */
const char *address_after_route(const char *address);
/* The domain of an address in lower case; "" none. */
void address_domain(const char *address, char out[DNS_NAME_MAX + 1]);
bool text_is_ascii(const unsigned char *p, size_t n);

#endif
