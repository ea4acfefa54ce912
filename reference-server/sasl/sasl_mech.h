/* What the mechanisms share: private to sasl.c and sasl_scram.c.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_SASL_MECH_H
#define SERVER_SASL_MECH_H

#include "sasl/sasl.h"

enum {
    SASL_MESSAGE_BYTES = 16384
}; /* longest message of any mechanism; tokens are the long ones */

struct scram_exchange {
    enum scram_hash hash;
    bool plus;        /* the mechanism's name ends in -PLUS */
    char *gs2_header; /* as the client sent it, for c= */
    char *client_first_bare, *server_first;
    char *nonce; /* the client's and ours */
    struct scram_keys keys;
    unsigned char binding[64];
    size_t binding_len;
};

struct sasl {
    const struct mechanism *mechanism;
    struct conn *conn;
    struct accounts *accounts;
    struct account *account; /* who it is; means something after SASL_OK only */
    char *user;              /* the name that was tried; NULL until it is known */
    int state;   /* 0: nothing of the client's has come; the rest is the mechanism's own */
    char *stamp; /* CRAM-MD5's challenge */
    struct scram_exchange scram;
};

/* Whether authzid (may be empty) is someone that account may act as: itself. */
bool sasl_may_be(const struct account *account, const char *authzid);
char *sasl_copy(const void *p, size_t n);            /* NUL-terminated, the caller's */
bool sasl_text_ok(const unsigned char *p, size_t n); /* UTF-8 without NUL */
enum sasl_step sasl_scram_step(struct sasl *s, const char *in, size_t n, struct buf *out);
void sasl_scram_clear(struct scram_exchange *x);

#endif
