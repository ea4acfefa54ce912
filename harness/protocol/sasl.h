/* SASL as a client speaks it, one step at a time and without base64, so that a script can make any
 * step wrong. PLAIN (4616), LOGIN, CRAM-MD5 (2195), SCRAM-SHA-1, SCRAM-SHA-256 and their -PLUS
 * forms (5802, 7677, 9266), EXTERNAL (4422), ANONYMOUS (4505), OAUTHBEARER (7628), XOAUTH2.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_PROTOCOL_SASL_H
#define HARNESS_PROTOCOL_SASL_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

struct sasl;

struct sasl_options {
    const char *authzid; /* NULL or "": none */
    const char *user;
    const char *password; /* OAUTHBEARER, XOAUTH2: the token; ANONYMOUS: the trace */
    const char *host;     /* OAUTHBEARER */
    unsigned port;
    const char *nonce;   /* SCRAM client nonce; NULL: random */
    const char *binding; /* "tls-exporter", "tls-unique", "tls-server-end-point"; NULL: none */
    const unsigned char *binding_data;
    size_t binding_len;
    bool binding_unused; /* SCRAM without -PLUS sends "y": could, but the server did not offer it */
};

/* NULL with words for a mechanism that is not known. Strings are copied. */
struct sasl *sasl_new(const char *mechanism, const struct sasl_options *o, struct err *err);
void sasl_free(struct sasl *s);
/* Whether the client speaks first (then an initial response may go with the command). */
bool sasl_client_first(const struct sasl *s);
/* The next response to a challenge (decoded bytes; NULL, 0 for the initial one). *out is the
 * caller's to free. -1 with words when the challenge is no valid one (wrong server signature, nonce
 * not ours, …). */
int sasl_step(struct sasl *s, const unsigned char *challenge, size_t n, unsigned char **out,
              size_t *out_len, struct err *err);
/* Everything the mechanism needs has happened; SCRAM: the server's signature was right. */
bool sasl_done(const struct sasl *s);

#endif
