/* A TLS session for an outgoing connection, with the checks that its policy asks for.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_QUEUE_CLIENT_TLS_H
#define SERVER_QUEUE_CLIENT_TLS_H

#include "queue/client/client.h"

struct client_tls_wish {
    enum client_tls tls;
    SSL_CTX *ctx;
    const char *name; /* the host's */
    const struct dns_record *tlsa;
    size_t tlsa_count;
    const char *base; /* the name that the TLSA records stand under; NULL: name */
};

/* Ready for the handshake, which fails where the certificate is not as it has to be. NULL: out of
 * luck. RFC 7672 (DANE), RFC 8461, 4.2 (certificates under MTA-STS), RFC 7435 (otherwise). */
SSL *client_tls_session(const struct client_tls_wish *w);

#endif
