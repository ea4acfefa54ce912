/* Makes and staples OCSP answers. SPDX-License-Identifier: MIT */
#include "tls/staple.h"

#include <stdlib.h>

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "fault.h"

enum { DAY_S = 24 * 3600, SKEW_S = 3600 };

static int ca_index(void)
{
    static int index = -1;
    if (index < 0)
        index = certificate_new_index();
    return index;
}

/* The certificate as an answer names it; a fault names the next one. */
static OCSP_CERTID *name_of(X509 *cert, X509 *issuer)
{
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, cert, issuer);
    ASN1_INTEGER *serial = NULL;
    if (id != NULL && fault(FAULT_TLS_STAPLE_OTHER) &&
        OCSP_id_get0_info(NULL, NULL, NULL, &serial, id) == 1 && serial->length > 0)
        serial->data[serial->length - 1] ^= 1;
    return id;
}

/* The answer itself, unsigned. */
static OCSP_BASICRESP *say(X509 *cert, X509 *issuer)
{
    bool old = fault(FAULT_TLS_STAPLE_EXPIRED), revoked = fault(FAULT_TLS_STAPLE_REVOKED);
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = name_of(cert, issuer);
    ASN1_TIME *from = X509_gmtime_adj(NULL, old ? -9L * DAY_S : -SKEW_S),
              *until = X509_gmtime_adj(NULL, old ? -2L * DAY_S : DAY_S),
              *since = revoked ? X509_gmtime_adj(NULL, -DAY_S) : NULL;
    int status = revoked                           ? V_OCSP_CERTSTATUS_REVOKED
                 : fault(FAULT_TLS_STAPLE_UNKNOWN) ? V_OCSP_CERTSTATUS_UNKNOWN
                                                   : V_OCSP_CERTSTATUS_GOOD;
    if (basic == NULL || id == NULL || from == NULL || until == NULL ||
        (revoked && since == NULL) ||
        OCSP_basic_add1_status(basic, id, status, revoked ? OCSP_REVOKED_STATUS_KEYCOMPROMISE : 0,
                               since, from, until) == NULL) {
        OCSP_BASICRESP_free(basic);
        basic = NULL;
    }
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    ASN1_TIME_free(since);
    return basic;
}

int staple_make(const struct certificate *ca, X509 *cert, unsigned char **out)
{
    struct certificate stranger = {NULL, NULL};
    OCSP_RESPONSE *whole = NULL;
    int n = 0;
    if (cert == NULL || ca->cert == NULL || fault(FAULT_TLS_MUST_STAPLE) ||
        X509_check_issued(ca->cert, cert) != X509_V_OK || X509_verify(cert, ca->key) != 1)
        return 0;
    const struct certificate *by = ca;
    if (fault(FAULT_TLS_STAPLE_STRANGER)) {
        if (certificate_authority(&stranger, NULL) != 0)
            return 0;
        by = &stranger;
    }
    OCSP_BASICRESP *basic = say(cert, ca->cert);
    /* With the authority's certificate: a client that has not got it as a file can look it up. */
    if (basic != NULL && OCSP_basic_sign(basic, by->cert, by->key, EVP_sha256(), NULL, 0) == 1)
        whole =
            OCSP_response_create(fault(FAULT_TLS_STAPLE_EMPTY) ? OCSP_RESPONSE_STATUS_TRYLATER
                                                               : OCSP_RESPONSE_STATUS_SUCCESSFUL,
                                 fault(FAULT_TLS_STAPLE_EMPTY) ? NULL : basic);
    *out = NULL;
    if (whole != NULL)
        n = i2d_OCSP_RESPONSE(whole, out);
    OCSP_RESPONSE_free(whole);
    OCSP_BASICRESP_free(basic);
    certificate_clear(&stranger);
    return n > 0 ? n : 0;
}

static int on_status(SSL *ssl, void *arg)
{
    const struct certificate *ca = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ca_index());
    unsigned char *der = NULL;
    int n = ca != NULL ? staple_make(ca, SSL_get_certificate(ssl), &der) : 0;
    (void)arg;
    if (n == 0)
        return SSL_TLSEXT_ERR_NOACK;
    return SSL_set_tlsext_status_ocsp_resp(ssl, der, n) == 1 ? SSL_TLSEXT_ERR_OK
                                                             : SSL_TLSEXT_ERR_NOACK;
}

int staple_context(SSL_CTX *ctx, const struct certificate *ca)
{
    if (ca->cert == NULL)
        return 0;
    struct certificate *kept = calloc(1, sizeof *kept);
    if (kept == NULL)
        abort();
    *kept = *ca;
    X509_up_ref(kept->cert);
    EVP_PKEY_up_ref(kept->key);
    if (SSL_CTX_set_ex_data(ctx, ca_index(), kept) != 1) {
        certificate_clear(kept);
        free(kept);
        return -1;
    }
    SSL_CTX_set_tlsext_status_cb(ctx, on_status);
    return 0;
}
