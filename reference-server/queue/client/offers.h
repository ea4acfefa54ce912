/* What another server offers in its answer to EHLO, as far as mail that is sent needs to know.
 * RFC 5321, 4.1.1.1; RFC 1870, 2852, 3461, 6710, 8689, 9422. SPDX-License-Identifier: MIT */
#ifndef SERVER_QUEUE_OFFERS_H
#define SERVER_QUEUE_OFFERS_H

#include "queue/client/reply.h"

struct offers {
    bool pipelining, eight_bit, utf8, dsn, starttls, requiretls, by, priority;
    bool chunking, binarymime, has_size, auth_plain, auth_login;
    unsigned long long size;                                 /* 0: no limit is told */
    long least_by;                                           /* seconds; 0: none is told */
    unsigned long most_mails, most_recipients, most_domains; /* RFC 9422; 0: no limit is told */
};

/* All of it anew: what an earlier answer said counts no more (RFC 9422, 3.6). */
void offers_take(struct offers *o, const struct reply *ehlo);

#endif
