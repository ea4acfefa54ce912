/* Whom outgoing TLS trusts. SPDX-License-Identifier: MIT */
#ifndef SERVER_QUEUE_TRUST_H
#define SERVER_QUEUE_TRUST_H

#include <openssl/ssl.h>

#include "base/err.h"

struct trust;

/* ca: PEM file of authorities, read now; NULL: the system's, read at the first session, as that
 * takes longer than the rest of the server's start. */
int trust_open(const char *ca, struct trust **out, struct err *err);
void trust_close(struct trust *t);
SSL_CTX *trust_context(struct trust *t); /* NULL: out of luck */

#endif
