/* The certificates of the hostile server that clients are tested with: one authority that the
 * client is told to trust, one that it is not, and leaves that are wrong in one way each.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_CLIENT_CLIENT_IDENTITY_H
#define HARNESS_PORTS_CLIENT_CLIENT_IDENTITY_H

#include <openssl/x509.h>

#include "err.h"

enum leaf {
    LEAF_GOOD,
    LEAF_WRONG_NAME,
    LEAF_EXPIRED,
    LEAF_UNKNOWN_AUTHORITY,
    LEAF_SELF_SIGNED,
    LEAF_WRONG_PURPOSE,  /* for clients only */
    LEAF_COMMON_NAME,    /* the host in the common name, another name in the SAN */
    LEAF_STAR_TOO_SHORT, /* *.parent for a host two labels below it */
    LEAF_STAR_IN_LABEL,  /* f*.parent for foo.parent */
    LEAF_SRV_ID,         /* an SRV-ID of the mail domain and nothing else */
    LEAF_SRV_ELSEWHERE,  /* an SRV-ID of another domain and nothing else */
    LEAF_POLICY_HOST,    /* for the web server of the mail domain */
    LEAVES
};
extern const char *const leaf_words[LEAVES];

/* The names that the leaves are about. */
struct identity_names {
    const char *host;             /* the client connects to it */
    const char *parent;           /* the domain above it, or NULL: the stars are not made */
    const char *above;            /* and the one above that */
    const char *domain, *service; /* the mail domain and "_imap", or NULL: found without SRV */
};

struct identities {
    X509 *authority;
    X509 *leaf[LEAVES];
    EVP_PKEY *key[LEAVES];
};

/* Makes them all and writes the authority that is to be trusted as PEM to ca_path. -1 with words.
 */
int identities_make(struct identities *i, const struct identity_names *n, const char *ca_path,
                    struct err *err);
void identities_clear(struct identities *i);

#endif
