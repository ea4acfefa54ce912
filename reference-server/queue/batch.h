/* A change of the queue as one commit: mail for mailboxes, new messages, recipients that wait
 * longer, messages that are done. SPDX-License-Identifier: MIT */
#ifndef SERVER_QUEUE_BATCH_H
#define SERVER_QUEUE_BATCH_H

#include "queue/message.h"

struct batch;

struct batch *batch_new(void);
/* A text for mailboxes here; data is taken. */
void batch_deliver(struct batch *b, const int64_t *accounts, size_t count, unsigned char *data,
                   size_t len);
/* The last one is a report: it arrives however full the mailbox is. Mail that failed would be lost
 * without a word otherwise (RFC 5321, 6.1). */
void batch_beyond_quota(struct batch *b);
/* A new message, with its text; both stay the caller's until the commit is done. */
void batch_add(struct batch *b, const struct qmsg *m);
void batch_recipient(struct batch *b, const struct qmsg *m, size_t number); /* as it is now */
void batch_remove(struct batch *b, int64_t message);                        /* with all of it */
void batch_clear_all(struct batch *b);                                      /* every message */
/* Hands it over; it is freed after done. */
void batch_commit(struct batch *b, struct store *s, store_done *done, void *arg);

/* Makes the tables where they are missing. */
int batch_tables(struct store *s, struct err *err);
/* Reads every message, without texts; each is the callee's. *last_id gets the greatest number. */
int batch_load(struct store *s, void (*each)(void *arg, struct qmsg *m), void *arg,
               int64_t *last_id, struct err *err);
/* Reads a message's text into m->data; 0 also when it is there already. */
int batch_text(struct store *s, struct qmsg *m, struct err *err);

#endif
