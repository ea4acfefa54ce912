/* Puts notifications on their way: into the sender's mailbox here, or into the queue.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_QUEUE_NOTIFY_H
#define SERVER_QUEUE_NOTIFY_H

#include "queue/batch.h"
#include "queue/dsn.h"

struct server;

/* Makes the notification and adds it to the batch. *out gets the message that it became, to be
 * queued once the commit is done; NULL: it went into a mailbox, or nobody is to be told. Nothing is
 * sent about mail with the null sender (RFC 5321, 4.5.4). */
void notify_sender(struct server *s, const struct dsn *d, struct batch *b, int64_t id,
                   struct qmsg **out);

/* A text (malloc'd, taken) with the field of final delivery on top. */
unsigned char *notify_return_path(const char *sender, unsigned char *text, size_t *len);

#endif
