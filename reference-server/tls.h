/* Server-side TLS: who the server says it is, and the facts of a finished handshake.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_TLS_H
#define SERVER_TLS_H

#include <openssl/ssl.h>

#include "err.h"

struct conn;
struct tls_identity;

struct tls_options {
    const char
        *state; /* folder for ca.pem, ca.key, server.pem, server.key; made before if need be */
    const char *hostname;   /* the certificate is made out to it, to localhost, 127.0.0.1 and ::1 */
    const char *cert, *key; /* PEM files given by the user, or both NULL: made here */
};

int tls_identity_open(const struct tls_options *o, struct tls_identity **out, struct err *err);
void tls_identity_free(struct tls_identity *t);
/* The file of the authority that signed what this server shows; NULL when the user gave the
 * certificate. */
const char *tls_identity_ca(const struct tls_identity *t);

/* A session on fd, ready to accept; the faults that are on choose the certificate. NULL: out of
 * luck. */
SSL *tls_session(struct tls_identity *t, int fd);
/* Fills the TLS facts of *c after the handshake. */
void tls_facts(SSL *ssl, struct conn *c);

#endif
