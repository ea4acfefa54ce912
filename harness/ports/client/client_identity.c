/* Makes certificates. SPDX-License-Identifier: MIT */
#include "ports/client/client_identity.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { DAY = 24 * 3600 };

/* id-on-dnsSRV, RFC 4985, 2. */
#define SRV_NAME "1.3.6.1.5.5.7.8.7"

const char *const leaf_words[LEAVES] = {"good",
                                        "with another name",
                                        "expired",
                                        "of an authority that nobody knows",
                                        "signed by itself",
                                        "for clients only",
                                        "whose common name alone is right",
                                        "with a wildcard for one label less",
                                        "with a wildcard inside of a label",
                                        "with an SRV-ID alone",
                                        "whose SRV-ID is of another domain",
                                        "of the web server"};

struct leaf_shape {
    const char *common, *san, *purpose;
    long from, until; /* seconds from now */
    bool authority;
};

static void extend(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    if (e != NULL)
        (void)X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

/* issuer NULL: it signs itself. */
static X509 *make(const struct leaf_shape *s, EVP_PKEY *key, X509 *issuer, EVP_PKEY *by)
{
    X509 *x = err_need(X509_new());
    uint64_t serial = 0;
    (void)RAND_bytes((unsigned char *)&serial, sizeof serial);
    (void)X509_set_version(x, X509_VERSION_3);
    (void)ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1 | 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(x), s->from);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), s->until);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                                     (const unsigned char *)s->common, -1, -1, 0);
    (void)X509_set_issuer_name(x, X509_get_subject_name(issuer != NULL ? issuer : x));
    (void)X509_set_pubkey(x, key);
    extend(x, issuer != NULL ? issuer : x, NID_basic_constraints,
           s->authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    extend(x, issuer != NULL ? issuer : x, NID_key_usage,
           s->authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    if (s->purpose != NULL)
        extend(x, x, NID_ext_key_usage, s->purpose);
    if (s->san != NULL)
        extend(x, x, NID_subject_alt_name, s->san);
    extend(x, issuer != NULL ? issuer : x, NID_subject_key_identifier, "hash");
    if (issuer != NULL)
        extend(x, issuer, NID_authority_key_identifier, "keyid");
    (void)X509_sign(x, by, EVP_sha256());
    return x;
}

static int write_pem(X509 *x, const char *path, struct err *err)
{
    FILE *f = fopen(path, "w");
    if (f == NULL)
        return err_errno(err, path);
    int ok = PEM_write_X509(f, x);
    return fclose(f) == 0 && ok == 1 ? 0 : err_errno(err, path);
}

static void shape(enum leaf kind, const struct identity_names *n, char *san, size_t size,
                  struct leaf_shape *s)
{
    unsigned char raw[16];
    bool address = inet_pton(AF_INET, n->host, raw) == 1 || inet_pton(AF_INET6, n->host, raw) == 1;
    *s = (struct leaf_shape){
        .common = n->host, .san = san, .purpose = "serverAuth", .from = -DAY, .until = 30 * DAY};
    (void)snprintf(san, size, "%s:%s", address ? "IP" : "DNS", n->host);
    if (kind == LEAF_GOOD && n->domain != NULL)
        (void)snprintf(san, size, "DNS:%s,DNS:%s", n->host, n->domain);
    switch (kind) {
    case LEAF_WRONG_NAME:
        s->common = "elsewhere.example";
        (void)snprintf(san, size, "DNS:elsewhere.example");
        break;
    case LEAF_EXPIRED:
        s->from = -30 * DAY;
        s->until = -2 * DAY;
        break;
    case LEAF_WRONG_PURPOSE:
        s->purpose = "clientAuth";
        break;
    case LEAF_COMMON_NAME:
        (void)snprintf(san, size, "DNS:elsewhere.example");
        break;
    case LEAF_STAR_TOO_SHORT:
        s->common = "star";
        (void)snprintf(san, size, "DNS:*.%s", n->above);
        break;
    case LEAF_STAR_IN_LABEL:
        s->common = "star";
        (void)snprintf(san, size, "DNS:f*.%s", n->parent);
        break;
    case LEAF_SRV_ID:
    case LEAF_SRV_ELSEWHERE:
        s->common = "found by SRV";
        (void)snprintf(san, size, "otherName:" SRV_NAME ";IA5STRING:%s.%s", n->service,
                       kind == LEAF_SRV_ID ? n->domain : "elsewhere.example");
        break;
    case LEAF_POLICY_HOST:
        (void)snprintf(san, size, "DNS:mta-sts.%s", n->domain);
        break;
    case LEAF_GOOD:
    case LEAF_UNKNOWN_AUTHORITY:
    case LEAF_SELF_SIGNED:
    case LEAVES:
        break;
    }
}

int identities_make(struct identities *all, const struct identity_names *n, const char *ca_path,
                    struct err *err)
{
    static const struct leaf_shape known = {.common = "mailproof client test authority",
                                            .from = -60 * DAY,
                                            .until = 365 * DAY,
                                            .authority = true},
                                   unknown = {.common = "an authority that nobody knows",
                                              .from = -60 * DAY,
                                              .until = 365 * DAY,
                                              .authority = true};
    *all = (struct identities){0};
    EVP_PKEY *root = err_need(EVP_EC_gen("P-256")), *other = err_need(EVP_EC_gen("P-256"));
    X509 *stranger = make(&unknown, other, NULL, other);
    all->authority = make(&known, root, NULL, root);
    for (int k = 0; k < LEAVES; k++) {
        struct leaf_shape s;
        char san[512];
        bool star = k == LEAF_STAR_TOO_SHORT || k == LEAF_STAR_IN_LABEL;
        if ((star && n->parent == NULL) || (k >= LEAF_SRV_ID && n->domain == NULL))
            continue;
        shape((enum leaf)k, n, san, sizeof san, &s);
        all->key[k] = err_need(EVP_EC_gen("P-256"));
        if (k == LEAF_SELF_SIGNED)
            all->leaf[k] = make(&s, all->key[k], NULL, all->key[k]);
        else if (k == LEAF_UNKNOWN_AUTHORITY)
            all->leaf[k] = make(&s, all->key[k], stranger, other);
        else
            all->leaf[k] = make(&s, all->key[k], all->authority, root);
    }
    X509_free(stranger);
    EVP_PKEY_free(root);
    EVP_PKEY_free(other);
    int rc = write_pem(all->authority, ca_path, err);
    if (rc != 0)
        identities_clear(all);
    return rc;
}

void identities_clear(struct identities *all)
{
    for (int k = 0; k < LEAVES; k++) {
        X509_free(all->leaf[k]);
        EVP_PKEY_free(all->key[k]);
    }
    X509_free(all->authority);
    *all = (struct identities){0};
}
