/* Server-side TLS: who the server says it is, and the facts of a finished handshake.
 *
 * A client that asks for the host's name is shown a certificate with that name and nothing else;
 * one that names nobody, or localhost, is shown one that holds for the loopback too. Whoever asks
 * for a name that we do not have is refused, except on port 25, where a certificate that is of no
 * use is better than none (RFC 9325, 3.7; RFC 8461, 7.1). SPDX-License-Identifier: MIT */
#ifndef SERVER_TLS_H
#define SERVER_TLS_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "base/err.h"

struct conn;
struct tls_identity;

struct tls_options {
    const char *state; /* folder for ca, server and public, .pem and .key; made before if need be */
    const char *hostname;   /* the certificate is made out to it */
    const char *cert, *key; /* PEM files given by the user, or both NULL: made here */
};

/* What it keeps in the state folder; ends with NULL. */
extern const char *const tls_identity_files[];

/* Makes what is missing in the state folder. Where all is there, keys are read, and the context is
 * made, when the first client begins TLS: most of a start would be that. */
int tls_identity_open(const struct tls_options *o, struct tls_identity **out, struct err *err);
void tls_identity_free(struct tls_identity *t);
/* The file of the authority that signed what this server shows; NULL when the user gave the
 * certificate. */
const char *tls_identity_ca(const struct tls_identity *t);

/* Makes a certificate for the account of this name, for EXTERNAL, beside the authority's: the files
 * client-NAME.pem and .key. self_signed: nobody's authority signs it. The paths are malloc'd. -1:
 * there is no authority here, or the name is no file's. */
int tls_client_certificate(struct tls_identity *t, const char *name, bool self_signed, char **cert,
                           char **key, struct err *err);

/* A session on fd for a client of c's service, ready to accept, and as wrong as the faults that are
 * on want it. NULL: out of luck. */
SSL *tls_session(struct tls_identity *t, const struct conn *c, int fd);
/* Fills the TLS facts of *c after the handshake. */
void tls_facts(SSL *ssl, struct conn *c);

#endif
