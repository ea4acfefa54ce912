/* Compares TLSA records with certificates. SPDX-License-Identifier: MIT */
#include "ports/dns/dns_tlsa.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tlsa_words(const struct dns_record *r, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "%u %u %u ", r->usage, r->selector, r->matching);
    for (size_t i = 0; i < r->len && i < 4 && used + 3 < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%02x", r->data[i]);
    if (r->len > 4)
        (void)snprintf(out + used, size - used, "…");
}

/* Whether the record's data are those of this certificate. */
static bool same(const struct dns_record *r, X509 *x)
{
    unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
    unsigned int digest_len = 0;
    int n = r->selector == 0 ? i2d_X509(x, &der) : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    bool equal = false;
    if (n <= 0)
        return false;
    if (r->matching == 0)
        equal = r->len == (size_t)n && memcmp(r->data, der, r->len) == 0;
    else if (EVP_Digest(der, (size_t)n, digest, &digest_len,
                        r->matching == 1 ? EVP_sha256() : EVP_sha512(), NULL) == 1)
        equal = r->len == digest_len && memcmp(r->data, digest, r->len) == 0;
    OPENSSL_free(der);
    return equal;
}

/* Whether certificate i of the chain certifies the leaf, over those between. */
static bool leads_to(STACK_OF(X509) * chain, int i)
{
    for (int k = 0; k < i; k++) {
        X509 *x = sk_X509_value(chain, k), *issuer = sk_X509_value(chain, k + 1);
        if (X509_check_issued(issuer, x) != X509_V_OK ||
            X509_verify(x, X509_get0_pubkey(issuer)) != 1)
            return false;
    }
    return true;
}

static const char *useless(const struct dns_record *r, bool mx)
{
    size_t len = r->matching == 1 ? 32 : 64;
    if (r->usage > 3 || r->selector > 1 || r->matching > 2)
        return "its numbers mean nothing";
    if (r->matching > 0 && r->len != len)
        return "its data have not the length of the digest";
    if (mx && r->usage < 2)
        return "usages 0 and 1 do not count between mail servers";
    return NULL;
}

enum tlsa_outcome tlsa_judge(const struct dns_record *r, const struct tlsa_served *s,
                             const char **why)
{
    const char *unused;
    if (why == NULL)
        why = &unused;
    *why = useless(r, s->mx);
    if (*why != NULL)
        return TLSA_USELESS;
    bool anchor = r->usage == 0 || r->usage == 2;
    int n = sk_X509_num(s->chain), at = -1;
    for (int i = anchor ? 1 : 0; i < (anchor ? n : n > 0 ? 1 : 0) && at < 0; i++)
        if (same(r, sk_X509_value(s->chain, i)))
            at = i;
    /* A self-signed leaf may be its own anchor. */
    if (anchor && at < 0 && n == 1 && same(r, sk_X509_value(s->chain, 0)))
        at = 0;
    *why = "it is of another certificate or key";
    if (at < 0)
        return TLSA_OTHER;
    if (anchor && !leads_to(s->chain, at))
        *why = "the authority that it names stands in the chain, but did not sign it";
    else if (r->usage < 3 && !s->name_ok)
        *why = "it matches, but the certificate does not name the host";
    else if (r->usage < 2 && !s->trusted)
        *why = "it matches, but the chain is not trusted, as its usage asks";
    else
        return TLSA_MATCHES;
    return TLSA_IN_VAIN;
}
