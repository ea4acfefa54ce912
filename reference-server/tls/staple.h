/* The answer about its certificate that the server staples: made here, because the authority is
 * ours; there is none for certificates of others. RFC 6066, 8; RFC 6960.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_STAPLE_H
#define SERVER_STAPLE_H

#include <openssl/ssl.h>

#include "tls/certificate.h"

/* Sessions of ctx staple what ca says of the certificate that they show, to clients that ask. ca is
 * kept by reference. -1: it cannot be done. */
int staple_context(SSL_CTX *ctx, const struct certificate *ca);

/* What ca says of cert, DER, owned by the caller (OPENSSL_free): that it is good, for a day, or
 * what the faults want. 0: nothing to staple. */
int staple_make(const struct certificate *ca, X509 *cert, unsigned char **out);

#endif
