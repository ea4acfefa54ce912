/* The web server of a client under test: it has one page, the policy of MTA-STS. One connection as
 * a machine that is fed lines. RFC 8461, 3.2 and 3.3. SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_CLIENT_CLIENT_WEB_H
#define HARNESS_PORTS_CLIENT_CLIENT_WEB_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "wire/conn.h"

struct web_site {
    X509 *leaf; /* borrowed, as long as the connection */
    EVP_PKEY *key;
    const char *text; /* the policy; NULL: there is none */
    int answer_ms;
    int *fetched; /* counted up when it was given */
};

struct web;
/* Begins TLS. Takes c. */
struct web *web_new(const struct web_site *s, struct conn *c);
/* Handles what arrived. False: the connection is over. */
bool web_go(struct web *w);
void web_free(struct web *w);

#endif
