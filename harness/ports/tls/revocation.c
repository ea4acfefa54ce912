/* Whether the certificate is revoked, as far as that can be told without asking anybody: from the
 * OCSP answer that the server staples, or from a CRL that the user has. Z16. RFC 5280, 5; RFC 6960;
 * RFC 9325, 7.5. SPDX-License-Identifier: MIT */
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "ports/dial/dial.h"
#include "ports/rooms.h"

enum { CLOCK_SKEW_S = 300, CRLS_MOST = 1000 };

/* Who signed the leaf: borrowed; NULL: it is not known. */
static X509 *issuer_of(SSL *ssl, X509 *leaf)
{
    STACK_OF(X509) * chains[] = {SSL_get0_verified_chain(ssl), SSL_get_peer_cert_chain(ssl)};
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < sk_X509_num(chains[k]); i++)
            if (X509_check_issued(sk_X509_value(chains[k], i), leaf) == X509_V_OK ||
                (sk_X509_num(chains[k]) == 1 &&
                 X509_NAME_cmp(X509_get_subject_name(sk_X509_value(chains[k], i)),
                               X509_get_issuer_name(leaf)) == 0))
                return sk_X509_value(chains[k], i);
    return NULL;
}

static void judge_crl(struct port *p, const struct conn *c, X509_CRL *crl, X509 *leaf, X509 *issuer)
{
    X509_REVOKED *entry = NULL;
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
    if (X509_CRL_verify(crl, X509_get0_pubkey(issuer)) != 1)
        port_untested(p, CHECK_Z16, "not checked: the CRL is not signed by the issuer");
    else if (X509_CRL_get0_by_cert(crl, &entry, leaf) == 1)
        port_bad(p, CHECK_Z16, c, "the CRL of its issuer says that it is revoked");
    else if (next != NULL && X509_cmp_current_time(next) < 0)
        port_untested(p, CHECK_Z16, "not checked: the CRL is older than it may be");
    else
        port_good(p, CHECK_Z16, c);
}

static void look_in_crls(struct port *p, const struct conn *c, X509 *leaf, X509 *issuer)
{
    bool found = false;
    FILE *f = fopen(p->o->crl_file, "r");
    if (f == NULL) {
        port_untested(p, CHECK_Z16, "not checked: %s cannot be read", p->o->crl_file);
        return;
    }
    for (int i = 0; i < CRLS_MOST && !found; i++) {
        X509_CRL *crl = PEM_read_X509_CRL(f, NULL, NULL, NULL);
        if (crl == NULL)
            break;
        found = X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_issuer_name(leaf)) == 0;
        if (found)
            judge_crl(p, c, crl, leaf, issuer);
        X509_CRL_free(crl);
    }
    ERR_clear_error();
    (void)fclose(f);
    if (!found)
        port_untested(p, CHECK_Z16, "not checked: %s has no CRL of its issuer", p->o->crl_file);
}

static void read_staple(struct port *p, const struct conn *c, const unsigned char *der, long n,
                        X509 *leaf, X509 *issuer)
{
    SSL *ssl = conn_openssl(c);
    OCSP_RESPONSE *answer = d2i_OCSP_RESPONSE(NULL, &der, n);
    OCSP_BASICRESP *basic = answer != NULL ? OCSP_response_get1_basic(answer) : NULL;
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, leaf, issuer);
    ASN1_GENERALIZEDTIME *revoked = NULL, *this_update = NULL, *next_update = NULL;
    int status = -1, reason = 0;
    if (basic == NULL || OCSP_response_status(answer) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        port_bad(p, CHECK_Z16, c, "what is stapled is no answer");
    else if (OCSP_basic_verify(basic, SSL_get_peer_cert_chain(ssl),
                               SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)), 0) != 1)
        port_bad(p, CHECK_Z16, c, "what is stapled is not signed by the issuer, nor for it");
    else if (OCSP_resp_find_status(basic, id, &status, &reason, &revoked, &this_update,
                                   &next_update) != 1)
        port_bad(p, CHECK_Z16, c, "what is stapled is about another certificate");
    else if (status == V_OCSP_CERTSTATUS_REVOKED)
        port_bad(p, CHECK_Z16, c, "the stapled answer says that it is revoked");
    else if (OCSP_check_validity(this_update, next_update, CLOCK_SKEW_S, -1) != 1)
        port_bad(p, CHECK_Z16, c, "the stapled answer is too old");
    else
        port_judge(p, CHECK_Z16, status == V_OCSP_CERTSTATUS_GOOD, c,
                   "the stapled answer does not know the certificate");
    ERR_clear_error();
    OCSP_CERTID_free(id);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(answer);
}

void room_revocation(struct port *p, const struct conn *c, X509 *leaf)
{
    const unsigned char *staple = NULL;
    SSL *ssl = conn_openssl(c);
    long n = SSL_get_tlsext_status_ocsp_resp(ssl, &staple);
    X509 *issuer = issuer_of(ssl, leaf);
    if (p->o->crl_file == NULL && n <= 0)
        port_untested(p, CHECK_Z16,
                      "not checked: nothing is stapled, and nobody is asked: --crl FILE");
    else if (issuer == NULL)
        port_untested(p, CHECK_Z16, "not checked: its issuer is not known here");
    else if (n > 0)
        read_staple(p, c, staple, n, leaf, issuer);
    if (p->o->crl_file != NULL && issuer != NULL && p->found[CHECK_Z16].kind != FINDING_BAD)
        look_in_crls(p, c, leaf, issuer);
}
