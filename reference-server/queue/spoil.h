/* What some faults do to a text that is relayed. SPDX-License-Identifier: MIT */
#ifndef SERVER_QUEUE_SPOIL_H
#define SERVER_QUEUE_SPOIL_H

#include "queue/message.h"

/* Changes m->data and m->len, only where a fault is on. */
void queue_spoil(struct qmsg *m);
/* By a fault: the domain of the address in the To field, in the place of the recipient's. */
void queue_domain_of_header(const struct qmsg *m, char domain[DNS_NAME_MAX + 1]);

#endif
