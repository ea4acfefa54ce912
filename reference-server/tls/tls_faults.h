/* TLS as it should not be: how the faults of ports_faults.def change a context, a session, the
 * certificate that is shown and the answers to server_name and ALPN. tls.c asks at each of these
 * places; without a fault nothing here does anything. SPDX-License-Identifier: MIT */
#ifndef SERVER_TLS_FAULTS_H
#define SERVER_TLS_FAULTS_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "base/buf.h"
#include "tls/certificate.h"

struct tls_faults; /* the wrong certificates that were made so far */
void tls_faults_free(struct tls_faults *f);

/* Hooks that every context has. */
void tls_faults_context(SSL_CTX *ctx);

/* Changes one session. *f is made at first use; ca, which may be empty, signs what needs a
 * signature. -1: it cannot be done. */
int tls_faults_session(struct tls_faults **f, SSL *ssl, struct certificate *ca,
                       const char *hostname);

/* Commands that came before the handshake is over, into in. False: more of the handshake has to
 * come first. */
bool tls_faults_early(SSL *ssl, struct buf *in);

/* Whether a fault decides over server_name (NULL: none) or ALPN; then *rc is what OpenSSL is told.
 */
bool tls_faults_name(const char *name, bool known, int *rc);
bool tls_faults_alpn(const unsigned char **out, unsigned char *out_len, int *rc);

#endif
