/* Whom outgoing TLS trusts. SPDX-License-Identifier: MIT */
#ifndef SERVER_QUEUE_TRUST_H
#define SERVER_QUEUE_TRUST_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/err.h"

struct trust;

/* ca: PEM file of authorities, read now; NULL: the system's, read when a session first needs them,
 * as that takes longer than the rest of the server's start. */
int trust_open(const char *ca, struct trust **out, struct err *err);
void trust_close(struct trust *t);
/* For one session. judging: an authority has to vouch for the certificate, which neither
 * opportunistic TLS (RFC 7435) nor DANE (RFC 7672, 3.1) asks. NULL: out of luck. */
SSL_CTX *trust_context(struct trust *t, bool judging);

#endif
