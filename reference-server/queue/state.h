/* What the queue consists of; for queue.c and settle.c only. SPDX-License-Identifier: MIT */
#ifndef SERVER_QUEUE_STATE_H
#define SERVER_QUEUE_STATE_H

#include "net/network.h"
#include "queue/lane.h"
#include "queue/message.h"
#include "queue/sts.h"
#include "queue/trust.h"
#include "server.h"

enum { QUEUE_AGAIN_S = 30 }; /* what could not be put on disk is tried again after that */

struct queue {
    struct server *server;
    struct lanes *lanes;
    struct sts *sts;
    struct trust *trust;
    char *smarthost, *user, *password;
    struct networks from; /* who may relay without login */
    struct qmsg *messages;
    size_t count;
    int64_t last_id;
    struct way *ways;
    struct submission *submissions; /* being put on disk */
    size_t commits;                 /* under way */
    bool closing;
    uint64_t steps;
};

static inline int64_t queue_now_s(const struct queue *q)
{
    return clock_wall_s(q->server->clock);
}

/* queue.c: a message joins the list, or leaves it and is freed. */
void queue_link(struct queue *q, struct qmsg *m);
void queue_unlink(struct qmsg *m);
void queue_wake_in(struct qmsg *m, int64_t seconds);
void queue_schedule(struct qmsg *m); /* wakes it when the next recipient's time comes */
void queue_drop_text(struct qmsg *m);

/* settle.c: counts the outcomes of what was tried, tells the sender where that is wanted, and puts
 * both on disk. The message's text has to be there. */
void queue_settle(struct qmsg *m);
/* Mail with mode R of BY goes no further once its time is over, and with mode N the sender is told:
 * marks recipients for queue_settle. True: there is one. */
bool queue_mark_overdue(struct qmsg *m);

#endif
