/* Certificates that are wrong in one way, and right in all others. SPDX-License-Identifier: MIT */
#include "tls/tls_faults_certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>

#include "fault.h"
#include "net/conn.h"

enum chain { ALONE, WITHOUT_INTERMEDIATE, OUT_OF_ORDER, ITSELF };

/* NULL and 0: as in a good one. */
static const struct wrong {
    enum fault fault;
    const char *name, *organization; /* instead of the host's */
    const char *more;                /* names besides */
    bool no_names;
    int from_days, until_days;
    const char *constraints, *usage, *purpose, *feature, *digest;
    int rsa_bits;
    enum chain chain;
} wrongs[] = {
    {.fault = FAULT_TLS_WRONG_NAME, .name = "elsewhere.example"},
    {.fault = FAULT_TLS_EXPIRED, .from_days = -60, .until_days = -30},
    {.fault = FAULT_TLS_EXPIRES_SOON, .from_days = -80, .until_days = 10},
    {.fault = FAULT_TLS_CHAIN_ORDER, .chain = OUT_OF_ORDER},
    {.fault = FAULT_TLS_CHAIN_INCOMPLETE, .chain = WITHOUT_INTERMEDIATE},
    {.fault = FAULT_TLS_SELF_SIGNED, .chain = ITSELF},
    {.fault = FAULT_TLS_NAME_IN_CN, .no_names = true},
    {.fault = FAULT_TLS_PARTIAL_WILDCARD, .more = ",DNS:m*.test.example"},
    {.fault = FAULT_TLS_WEAK_KEY, .rsa_bits = 1024},
    {.fault = FAULT_TLS_SHA1_CERTIFICATE, .digest = "SHA1"},
    {.fault = FAULT_TLS_WRONG_PURPOSE, .purpose = "clientAuth"},
    {.fault = FAULT_TLS_LEAF_IS_CA,
     .constraints = "critical,CA:TRUE",
     .usage = "digitalSignature,keyCertSign"},
    {.fault = FAULT_TLS_PACKAGE_CERTIFICATE, .organization = "Internet Widgits Pty Ltd"},
    {.fault = FAULT_TLS_INNER_NAMES, .more = ",DNS:mx1.office.local,IP:10.0.0.5"},
    {.fault = FAULT_TLS_MUST_STAPLE, .feature = "status_request"},
    {.fault = FAULT_TLS_SERVICE_DIFFERS},
    {.fault = FAULT_TLS_ADDRESS_DIFFERS},
    /* Suites that only an RSA key can serve. */
    {.fault = FAULT_TLS_STATIC_RSA, .rsa_bits = 2048},
    {.fault = FAULT_TLS_NO_ECDHE_RSA_GCM, .rsa_bits = 2048},
    {.fault = FAULT_TLS_CLIENT_ORDER, .rsa_bits = 2048},
    {.fault = FAULT_TLS_DH_1024, .rsa_bits = 2048},
    {.fault = FAULT_TLS_WEAK_CURVE, .rsa_bits = 2048},
    {.fault = FAULT_TLS_DH_BROKEN, .rsa_bits = 2048},
};
enum { WRONGS = sizeof wrongs / sizeof *wrongs };

struct tls_faults {
    struct {
        struct certificate leaf;
        STACK_OF(X509) * chain;
    } made[WRONGS];
};

void tls_faults_free(struct tls_faults *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < WRONGS; i++) {
        certificate_clear(&f->made[i].leaf);
        sk_X509_pop_free(f->made[i].chain, X509_free);
    }
    free(f);
}

static bool shown(const struct wrong *w, const struct conn *c)
{
    if (!fault(w->fault))
        return false;
    if (w->fault == FAULT_TLS_SERVICE_DIFFERS)
        return c->service == SERVICE_POP3 || c->service == SERVICE_POP3S;
    if (w->fault == FAULT_TLS_ADDRESS_DIFFERS)
        return strcmp(c->local, "127.0.0.1") != 0;
    return true;
}

static int make(struct tls_faults *f, size_t i, struct certificate *ca, const char *hostname)
{
    const struct wrong *w = &wrongs[i];
    char names[1024];
    struct certificate between = {NULL, NULL};
    bool intermediate = w->chain == WITHOUT_INTERMEDIATE || w->chain == OUT_OF_ORDER;
    int rc = -1;
    if (ca->cert == NULL && certificate_authority(ca, NULL) != 0)
        return -1;
    int n = snprintf(names, sizeof names, "DNS:%s%s", w->name != NULL ? w->name : hostname,
                     w->more != NULL ? w->more : "");
    if (n < 0 || (size_t)n >= sizeof names)
        return -1;
    if (intermediate &&
        certificate_make(&(struct certificate_wish){.common_name = "mailproofd intermediate",
                                                    .until_days = 1825,
                                                    .constraints = "critical,CA:TRUE,pathlen:0",
                                                    .usage = "critical,keyCertSign,cRLSign",
                                                    .issuer = ca},
                         &between, NULL) != 0)
        return -1;
    struct certificate_wish wish = {.common_name = w->name != NULL ? w->name : hostname,
                                    .organization = w->organization,
                                    .names = w->no_names ? NULL : names,
                                    .from_days = w->from_days,
                                    .until_days = w->until_days != 0 ? w->until_days : 825,
                                    .constraints = w->constraints,
                                    .usage = w->rsa_bits > 0 ? "digitalSignature,keyEncipherment"
                                                             : w->usage,
                                    .purpose = w->purpose != NULL ? w->purpose : "serverAuth",
                                    .feature = w->feature,
                                    .digest = w->digest,
                                    .rsa_bits = w->rsa_bits,
                                    .issuer = w->chain == ITSELF ? NULL
                                              : intermediate     ? &between
                                                                 : ca};
    if (certificate_make(&wish, &f->made[i].leaf, NULL) != 0)
        goto out;
    f->made[i].chain = sk_X509_new_null();
    if (f->made[i].chain == NULL)
        goto out;
    if (w->chain == OUT_OF_ORDER) {
        X509_up_ref(ca->cert);
        X509_up_ref(between.cert);
        sk_X509_push(f->made[i].chain, ca->cert);
        sk_X509_push(f->made[i].chain, between.cert);
    }
    rc = 0;
out:
    certificate_clear(&between);
    return rc;
}

int tls_faults_certificate(struct tls_faults **f, SSL *ssl, struct certificate *ca,
                           const char *hostname)
{
    for (size_t i = 0; i < WRONGS; i++) {
        if (!shown(&wrongs[i], SSL_get_app_data(ssl)))
            continue;
        if (*f == NULL)
            *f = calloc(1, sizeof **f);
        if (*f == NULL)
            abort();
        if ((*f)->made[i].chain == NULL && make(*f, i, ca, hostname) != 0)
            return -1;
        SSL_certs_clear(ssl);
        return SSL_use_certificate(ssl, (*f)->made[i].leaf.cert) == 1 &&
                       SSL_use_PrivateKey(ssl, (*f)->made[i].leaf.key) == 1 &&
                       SSL_set1_chain(ssl, (*f)->made[i].chain) == 1
                   ? 0
                   : -1;
    }
    return 0;
}
