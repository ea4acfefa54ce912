/* What becomes of a message that has arrived whole.
 *
 * Recipients carry a route each: a mailbox of the store, or the queue for other hosts. Where both
 * are among them one transaction of the store holds both, and the reply waits for it.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_SMTP_DELIVER_H
#define SERVER_SMTP_DELIVER_H

#include "smtp/state.h"

/* Takes s->message and the envelope, parks the connection, and answers when the message is on disk:
 * one reply, or in LMTP one for each recipient (RFC 2033, 4.2). The transaction is over when it
 * returns. */
void smtp_deliver(struct smtp *s);
/* Refuses the message, once for each recipient in LMTP, and ends the transaction. */
void smtp_refuse_message(struct smtp *s, int code, const char *enhanced, const char *why);

#endif
