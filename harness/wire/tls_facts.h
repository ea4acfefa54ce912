/* What a handshake made known: versions, the certificate and two separate judgements on it, and the
 * channel bindings that SCRAM can use.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_WIRE_TLS_FACTS_H
#define HARNESS_WIRE_TLS_FACTS_H

#include <openssl/ssl.h>

#include "wire/conn.h"

/* The facts and the room for their strings. `facts` points into the other members. */
struct tls_facts {
    struct conn_tls facts;
    char alpn[256];
    char sni[256];
    char subject[512];
    char issuer[512];
    char not_after[32];
    char fingerprint[65];
    char alert[64];
};

/* All empty, with the name that will be sent. */
void tls_facts_init(struct tls_facts *f, const char *sni);

/* Fills in what ssl can tell by now; verify_name NULL: no name was asked for. */
void tls_facts_fill(struct tls_facts *f, SSL *ssl, const char *verify_name);

/* "handshake_failure", or NULL for a number that no RFC names. */
const char *tls_alert_name(int number);
/* Keeps the name of a fatal alert in the form of the RFCs, "handshake_failure"; value as OpenSSL
 * tells it. */
void tls_facts_alert(struct tls_facts *f, int value);

#endif
