/* SASL, the server's side, without base64 and without a protocol around it: SMTP, IMAP and POP3
 * feed it decoded messages. PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-1/-256 and -PLUS, EXTERNAL,
 * ANONYMOUS, OAUTHBEARER, XOAUTH2. SPDX-License-Identifier: MIT */
#ifndef SERVER_SASL_H
#define SERVER_SASL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "net/conn.h"
#include "sasl/account.h"

struct sasl;
enum sasl_step {
    SASL_CHALLENGE /* send out and wait */,
    SASL_OK /* out may hold success data */,
    SASL_BAD_LOGIN,
    SASL_MALFORMED /* the client broke the mechanism's syntax */,
    SASL_TEMPORARY
};

/* Space-separated mechanisms that may be offered on this connection now (TLS or not), in order of
 * preference. */
void sasl_mechanisms(const struct conn *c, struct buf *out);
/* NULL: the mechanism is not offered here. needs_tls is set when only TLS is missing. */
struct sasl *sasl_begin(struct conn *c, struct accounts *a, const char *mechanism, bool *needs_tls);
/* in NULL: the client sent no initial response. Fills out (emptied first; give it a limit of 4096
 * or more). After SASL_OK a non-empty out is success data: none of the three protocols has a place
 * for it, so it is sent as one more challenge, and the client's answer to that has to be empty (RFC
 * 4422, 3.6). */
enum sasl_step sasl_step(struct sasl *s, const unsigned char *in, size_t n, struct buf *out);
struct account *sasl_account(const struct sasl *s); /* after SASL_OK; anonymous: NULL */
const char *sasl_user(const struct sasl *s);      /* the name that was tried, NULL: not known yet */
const char *sasl_mechanism(const struct sasl *s); /* its name, in capitals */
void sasl_free(struct sasl *s);

/* Base64 by RFC 4648, 4: strict (padding, alphabet). -1: not base64. *out malloc'd, NUL-terminated
 * besides. */
int base64_decode(const char *text, size_t n, unsigned char **out, size_t *len);
bool base64_encode(struct buf *out, const unsigned char *p, size_t n);

/* For a fault: whether an initial response of PLAIN, in base64, has the right password. */
bool sasl_plain_fits(struct accounts *a, const char *text);

#endif
