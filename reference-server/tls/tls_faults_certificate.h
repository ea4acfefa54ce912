/* Certificates that are wrong in one way. SPDX-License-Identifier: MIT */
#ifndef SERVER_TLS_FAULTS_CERTIFICATE_H
#define SERVER_TLS_FAULTS_CERTIFICATE_H

#include "tls/tls_faults.h"

/* Gives the session the certificate that a fault wants, if one does: made and signed by ca (made
 * too if it is empty) at first use, kept in *f. -1: it cannot be done. */
int tls_faults_certificate(struct tls_faults **f, SSL *ssl, struct certificate *ca,
                           const char *hostname);

#endif
