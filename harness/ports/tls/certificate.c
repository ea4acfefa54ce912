/* What a served certificate chain says about itself. Z. RFC 5280, RFC 7817, RFC 9325.
 * SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "ports/dial/dial.h"
#include "ports/rooms.h"

enum { WARN_DAYS = 14, LONGEST_DAYS = 825 };

static void one_line(X509_NAME *name, char *out, size_t size)
{
    BIO *b = err_need(BIO_new(BIO_s_mem()));
    char *text = NULL;
    (void)X509_NAME_print_ex(b, name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
    long n = BIO_get_mem_data(b, &text);
    (void)snprintf(out, size, "%.*s", (int)n, text);
    BIO_free(b);
}

static bool self_signed(X509 *x)
{
    return X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0;
}

static void chain(struct port *p, const struct conn *c, STACK_OF(X509) * all)
{
    SSL *ssl = conn_openssl(c);
    int n = sk_X509_num(all);
    long why = SSL_get_verify_result(ssl);
    bool ordered = true, root = false;
    char name[256];
    for (int i = 0; i + 1 < n && ordered; i++) {
        ordered = X509_NAME_cmp(X509_get_issuer_name(sk_X509_value(all, i)),
                                X509_get_subject_name(sk_X509_value(all, i + 1))) == 0;
        if (!ordered) {
            one_line(X509_get_issuer_name(sk_X509_value(all, i)), name, sizeof name);
            port_bad(p, CHECK_Z01, c,
                     "certificate %d is issued by %s, but number %d is another one", i + 1, name,
                     i + 2);
        }
    }
    if (ordered)
        port_good(p, CHECK_Z01, c);
    X509 *last = sk_X509_value(all, n - 1);
    root = n > 1 && self_signed(last);
    one_line(X509_get_issuer_name(last), name, sizeof name);
    if (why == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
        why == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
        why == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT)
        port_bad(
            p, CHECK_Z02, c,
            "%d certificate%s served, and the issuer %s is neither among them nor trusted here", n,
            n == 1 ? " is" : "s are", name);
    else if (root)
        port_fact(p, CHECK_Z02, c, "the root is served too, which nobody needs: %s", name);
    else
        port_good(p, CHECK_Z02, c);
    /* Dates are Z04's, and what the leaf may be used for Z13's. */
    bool others = why == X509_V_ERR_CERT_HAS_EXPIRED || why == X509_V_ERR_CERT_NOT_YET_VALID ||
                  why == X509_V_ERR_INVALID_PURPOSE;
    port_judge(p, CHECK_Z03, why == X509_V_OK || others, c, "%s",
               X509_verify_cert_error_string(why));
}

static void dates(struct port *p, const struct conn *c, X509 *leaf)
{
    int days = 0, seconds = 0, life = 0, began = 0, s2 = 0;
    (void)ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(leaf));
    (void)ASN1_TIME_diff(&began, &s2, X509_get0_notBefore(leaf), NULL);
    (void)ASN1_TIME_diff(&life, &seconds, X509_get0_notBefore(leaf), X509_get0_notAfter(leaf));
    p->facts.days_left = days;
    (void)snprintf(p->facts.not_after, sizeof p->facts.not_after, "%s",
                   conn_tls_facts(c)->not_after);
    bool over = X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0;
    if (over)
        port_bad(p, CHECK_Z04, c, "expired %d days ago, on %s", -days, p->facts.not_after);
    else if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0)
        port_bad(p, CHECK_Z04, c, "not valid yet");
    else if (days < WARN_DAYS)
        port_bad(p, CHECK_Z04, c, "expires in %d days, on %s", days, p->facts.not_after);
    else
        port_fact(p, CHECK_Z04, c, "%d days left", days);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(leaf);
    bool sane = X509_get_version(leaf) == 2 && X509_check_ca(leaf) == 0 &&
                ASN1_STRING_length(serial) > 0 && ASN1_STRING_length(serial) <= 20 &&
                (ASN1_STRING_type(serial) & V_ASN1_NEG) == 0;
    if (!sane)
        port_bad(p, CHECK_Z14, c, "%s",
                 X509_get_version(leaf) != 2 ? "it is not version 3"
                 : X509_check_ca(leaf) != 0
                     ? "the leaf is a CA certificate, or self-signed without constraints"
                     : "its serial number is empty, negative or too long");
    else if (life > LONGEST_DAYS)
        port_fact(p, CHECK_Z14, c, "valid for %d days, which public authorities do not do", life);
    else
        port_good(p, CHECK_Z14, c);
}

static void list(char *all, size_t size, const char *one)
{
    size_t have = strlen(all);
    (void)snprintf(all + have, size - have, "%s%s", have > 0 ? ", " : "", one);
}

/* The DNS names, and whether one is a wildcard that is no whole left-most label, an address or a
 * name of an inner network. */
static void names(struct port *p, const struct conn *c, X509 *leaf)
{
    GENERAL_NAMES *sans = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    char all[512] = "", given[512] = "";
    bool dns = false, srv = false, wildcard = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(sans); i++) {
        GENERAL_NAME *g = sk_GENERAL_NAME_value(sans, i);
        if (g->type == GEN_DNS) {
            const char *s = (const char *)ASN1_STRING_get0_data(g->d.dNSName);
            int n = ASN1_STRING_length(g->d.dNSName);
            char one[256], *star;
            (void)snprintf(one, sizeof one, "%.*s", n, s);
            dns = true;
            star = strchr(one, '*');
            wildcard = wildcard || (star != NULL &&
                                    (star != one || one[1] != '.' || strchr(one + 1, '*') != NULL));
            size_t len = strlen(one);
            if (strchr(one, '.') == NULL || (len > 6 && strcasecmp(one + len - 6, ".local") == 0) ||
                (len > 9 && strcasecmp(one + len - 9, ".internal") == 0) ||
                (len > 4 && strcasecmp(one + len - 4, ".lan") == 0))
                list(given, sizeof given, one);
            list(all, sizeof all, one);
        } else if (g->type == GEN_IPADD) {
            const unsigned char *ip = ASN1_STRING_get0_data(g->d.iPAddress);
            char one[INET_ADDRSTRLEN];
            if (ASN1_STRING_length(g->d.iPAddress) == 4 &&
                (ip[0] == 10 || (ip[0] == 192 && ip[1] == 168) ||
                 (ip[0] == 172 && (ip[1] & 0xf0) == 16)) &&
                inet_ntop(AF_INET, ip, one, sizeof one) != NULL)
                list(given, sizeof given, one);
        } else if (g->type == GEN_OTHERNAME) {
            char oid[64];
            (void)OBJ_obj2txt(oid, sizeof oid, g->d.otherName->type_id, 1);
            srv = srv || strcmp(oid, "1.3.6.1.5.5.7.8.7") == 0;
        }
    }
    GENERAL_NAMES_free(sans);
    bool match = conn_tls_facts(c)->name_ok;
    (void)snprintf(p->facts.leaf_name, sizeof p->facts.leaf_name, "%.250s", all);
    port_judge(p, p->mx ? CHECK_Z05 : CHECK_Z06, match, c, "%s is not among its names: %s",
               p->o->host, dns ? all : "none");
    port_judge(p, CHECK_X01, match, c, "asked for %s, it shows %s", p->o->host,
               dns ? all : "no name");
    port_fact(p, CHECK_Z07, c, "%s", srv ? "there is an SRV-ID" : "no SRV-ID, as usual");
    port_judge(p, CHECK_Z09, dns, c, "there is no DNS name in it but the common name");
    port_judge(p, CHECK_Z10, !wildcard, c, "a wildcard is not the whole left-most label: %s", all);
    port_judge(p, CHECK_Z18, given[0] == '\0', c, "an inner name or address stands in it: %s",
               given);
}

static void keys(struct port *p, const struct conn *c, STACK_OF(X509) * all)
{
    for (int i = 0; i < sk_X509_num(all); i++) {
        X509 *x = sk_X509_value(all, i);
        EVP_PKEY *key = X509_get0_pubkey(x);
        int bits = EVP_PKEY_get_bits(key), digest = 0;
        bool rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA ||
                   EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA_PSS;
        port_judge(p, CHECK_Z11, bits >= (rsa ? 2048 : 224), c,
                   "certificate %d has %s key of %d bits", i + 1, rsa ? "an RSA" : "a", bits);
        (void)X509_get_signature_info(x, &digest, NULL, NULL, NULL);
        /* Nobody checks the signature of a root: it is trusted by being there. */
        bool root = i > 0 && self_signed(x);
        port_judge(p, CHECK_Z12,
                   root || (digest != NID_sha1 && digest != NID_md5 && digest != NID_md4), c,
                   "certificate %d is signed with %s", i + 1, OBJ_nid2sn(digest));
    }
}

/* Whether the server has signed this handshake: it has not where RSA carries the key. */
static bool signs(const SSL *ssl)
{
    return SSL_version(ssl) == TLS1_3_VERSION ||
           SSL_CIPHER_get_kx_nid(SSL_get_current_cipher(ssl)) != NID_kx_rsa;
}

static void purpose(struct port *p, const struct conn *c, X509 *leaf)
{
    uint32_t use = X509_get_key_usage(leaf);
    uint32_t extended = X509_get_extended_key_usage(leaf);
    if (extended != UINT32_MAX && (extended & (XKU_SSL_SERVER | XKU_ANYEKU)) == 0)
        port_bad(p, CHECK_Z13, c, "extendedKeyUsage lacks serverAuth");
    else if (use != UINT32_MAX && (use & (KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT)) == 0)
        port_bad(p, CHECK_Z13, c, "keyUsage has neither digitalSignature nor keyEncipherment");
    else if (use != UINT32_MAX && (use & KU_DIGITAL_SIGNATURE) == 0 && signs(conn_openssl(c)))
        /* RFC 8446, 4.4.2.2; RFC 5246, 7.4.2. OpenSSL does not look, GnuTLS refuses. */
        port_bad(p, CHECK_Z13, c,
                 "the key signs the handshake, and keyUsage lacks "
                 "digitalSignature");
    else
        port_good(p, CHECK_Z13, c);
    char issuer[256], subject[256];
    one_line(X509_get_issuer_name(leaf), issuer, sizeof issuer);
    one_line(X509_get_subject_name(leaf), subject, sizeof subject);
    (void)snprintf(p->facts.issuer, sizeof p->facts.issuer, "%s", issuer);
    if (p->facts.leaf_name[0] == '\0')
        (void)snprintf(p->facts.leaf_name, sizeof p->facts.leaf_name, "%s", subject);
    /* Certificates that a package makes for the first start: nobody can trust them, and who sees
     * one has forgotten to put the own one in. */
    bool known = strcasestr(subject, "snakeoil") != NULL ||
                 strcasestr(subject, "example organization") != NULL ||
                 strcasestr(subject, "Automatically-generated") != NULL ||
                 strcasestr(subject, "imap.example.com") != NULL ||
                 strcasestr(subject, "Internet Widgits") != NULL ||
                 (self_signed(leaf) && strcasestr(subject, "localhost") != NULL);
    port_judge(p, CHECK_Z17, !known, c, "it is one that a package made: %s", subject);
    /* Must-staple: TLS feature 5, RFC 7633. */
    const unsigned char *staple = NULL;
    long got = SSL_get_tlsext_status_ocsp_resp(conn_openssl(c), &staple);
    bool must = X509_get_ext_by_NID(leaf, NID_tlsfeature, -1) >= 0;
    if (must)
        port_judge(p, CHECK_X09, got > 0, c, "the certificate must be stapled, and is not");
    else
        port_fact(p, CHECK_X09, c, "%s",
                  got > 0 ? "stapled, although it need not be" : "need not be stapled, and is not");
}

void room_certificate(struct port *p, const struct conn *c)
{
    STACK_OF(X509) *all = SSL_get_peer_cert_chain(conn_openssl(c));
    if (all == NULL || sk_X509_num(all) == 0)
        return;
    X509 *leaf = sk_X509_value(all, 0);
    p->facts.have_leaf = true;
    sk_X509_pop_free(p->chain, X509_free);
    p->chain = X509_chain_up_ref(all);
    p->facts.chain_ok = conn_tls_facts(c)->chain_ok;
    p->facts.name_ok = conn_tls_facts(c)->name_ok;
    (void)snprintf(p->facts.chain_why, sizeof p->facts.chain_why, "%s",
                   conn_tls_facts(c)->chain_why);
    p->facts.leaf_rsa = EVP_PKEY_get_base_id(X509_get0_pubkey(leaf)) == EVP_PKEY_RSA;
    (void)snprintf(p->facts.leaf, sizeof p->facts.leaf, "%s", conn_tls_facts(c)->fingerprint);
    chain(p, c, all);
    dates(p, c, leaf);
    names(p, c, leaf);
    keys(p, c, all);
    purpose(p, c, leaf);
    room_revocation(p, c, leaf);
}

static void ask_for(struct ssl_st *ssl, void *arg)
{
    dial_no_refusal(ssl, NULL);
    (void)SSL_set1_sigalgs_list(ssl, arg);
    if (strncmp(arg, "ECDSA", 5) == 0)
        (void)SSL_set_cipher_list(ssl, "aECDSA");
}

void room_other_certificate(struct port *p)
{
    static char rsa[] = "RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384",
                ecdsa[] = "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519";
    struct conn_tls_options o;
    struct err err;
    if (!port_wants(p, CHECK_Z15) || !p->facts.have_leaf)
        return;
    dial_options(p, &o);
    o.prepare = ask_for;
    o.prepare_arg = p->facts.leaf_rsa ? ecdsa : rsa;
    struct conn *c = dial_handshake(p, &o, &err);
    STACK_OF(X509) *all = c != NULL ? SSL_get_peer_cert_chain(conn_openssl(c)) : NULL;
    if (c == NULL && p->limited)
        return;
    if (all == NULL || sk_X509_num(all) == 0 ||
        strcmp(conn_tls_facts(c)->fingerprint, p->facts.leaf) == 0) {
        port_not_here(p, CHECK_Z15, "there is one certificate, with %s key",
                      p->facts.leaf_rsa ? "an RSA" : "an elliptic-curve");
    } else {
        const struct conn_tls *t = conn_tls_facts(c);
        sk_X509_pop_free(p->other_chain, X509_free);
        p->other_chain = X509_chain_up_ref(all);
        port_judge(p, CHECK_Z15, t->chain_ok && t->name_ok, c, "the certificate with %s key: %s",
                   p->facts.leaf_rsa ? "the elliptic-curve" : "the RSA",
                   t->chain_ok ? "it does not name the host" : t->chain_why);
    }
    dial_close(p, c);
}
