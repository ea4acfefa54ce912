/* Certificates that the server makes for itself: an authority, and what it signs. ECDSA P-256
 * throughout. SPDX-License-Identifier: MIT */
#ifndef SERVER_CERTIFICATE_H
#define SERVER_CERTIFICATE_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/err.h"

struct certificate {
    X509 *cert;
    EVP_PKEY *key;
};

/* A certificate as somebody wants it, right or wrong. What is NULL or 0 has the usual value. */
struct certificate_wish {
    const char *common_name, *organization;
    const char *names; /* as of certificate_server; NULL: none at all */
    int from_days, until_days;
    const char *constraints, *usage, *purpose, *feature; /* as OpenSSL writes these extensions */
    const char *digest;                                  /* of the signature, "SHA256" */
    int rsa_bits;                                        /* 0: a key on P-256 */
    EVP_PKEY *key;                                       /* NULL: a new one */
    const struct certificate *issuer;                    /* NULL: it signs itself */
};

int certificate_make(const struct certificate_wish *w, struct certificate *out, struct err *err);
/* An authority that signs itself and lasts ten years. */
int certificate_authority(struct certificate *out, struct err *err);
/* A server's certificate, signed by ca. names: subject alternative names as OpenSSL writes them,
 * "DNS:a,IP:127.0.0.1". Valid from from_days to until_days, counted from today; the past is
 * negative. */
int certificate_server(const struct certificate *ca, const char *common_name, const char *names,
                       int from_days, int until_days, struct certificate *out, struct err *err);
void certificate_clear(struct certificate *c);
/* A new place in contexts (SSL_CTX_set_ex_data) for a certificate of malloc's that goes with its
 * context: a session may outlive the identity that a reload has replaced. */
int certificate_new_index(void);

/* PEM files, both or nothing. 1: neither file is there. known: a key that is loaded already, or
 * NULL; where it is the certificate's, the key's file is not read: decoding a key is slow. */
int certificate_load(const char *cert_path, const char *key_path, EVP_PKEY *known,
                     struct certificate *out, struct err *err);
/* note: a line that stands before the certificate in its file (RFC 7468, 2, lets it), or NULL. */
int certificate_save(const struct certificate *c, const char *cert_path, const char *key_path,
                     const char *note, struct err *err);

#endif
