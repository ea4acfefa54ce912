/* What a handshake made known; see tls_facts.h.
 * SPDX-License-Identifier: MIT */
#include "wire/tls_facts.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void tls_facts_init(struct tls_facts *f, const char *sni)
{
    *f = (struct tls_facts){0};
    (void)snprintf(f->sni, sizeof f->sni, "%s", sni != NULL ? sni : "");
    f->facts = (struct conn_tls){
        .version = "",
        .cipher = "",
        .group = "",
        .alpn = f->alpn,
        .sni = f->sni,
        .chain_why = "no certificate was seen",
        .subject = f->subject,
        .issuer = f->issuer,
        .not_after = f->not_after,
        .fingerprint = f->fingerprint,
        .alert = f->alert,
    };
}

/* The names of RFC 8446, 6, and of the older versions; OpenSSL 3.0 does not know them all. */
static const struct {
    int number;
    const char *name;
} alerts[] = {
    {0, "close_notify"},
    {10, "unexpected_message"},
    {20, "bad_record_mac"},
    {21, "decryption_failed"},
    {22, "record_overflow"},
    {30, "decompression_failure"},
    {40, "handshake_failure"},
    {41, "no_certificate"},
    {42, "bad_certificate"},
    {43, "unsupported_certificate"},
    {44, "certificate_revoked"},
    {45, "certificate_expired"},
    {46, "certificate_unknown"},
    {47, "illegal_parameter"},
    {48, "unknown_ca"},
    {49, "access_denied"},
    {50, "decode_error"},
    {51, "decrypt_error"},
    {60, "export_restriction"},
    {70, "protocol_version"},
    {71, "insufficient_security"},
    {80, "internal_error"},
    {86, "inappropriate_fallback"},
    {90, "user_canceled"},
    {100, "no_renegotiation"},
    {109, "missing_extension"},
    {110, "unsupported_extension"},
    {111, "certificate_unobtainable"},
    {112, "unrecognized_name"},
    {113, "bad_certificate_status_response"},
    {114, "bad_certificate_hash_value"},
    {115, "unknown_psk_identity"},
    {116, "certificate_required"},
    {120, "no_application_protocol"},
};

const char *tls_alert_name(int number)
{
    for (size_t i = 0; i < sizeof alerts / sizeof *alerts; i++)
        if (alerts[i].number == number)
            return alerts[i].name;
    return NULL;
}

void tls_facts_alert(struct tls_facts *f, int value)
{
    int number = value & 0xff;
    const char *name = tls_alert_name(number);
    if (name != NULL)
        (void)snprintf(f->alert, sizeof f->alert, "%s", name);
    else
        (void)snprintf(f->alert, sizeof f->alert, "alert_%d", number);
}

static void one_line(const X509_NAME *name, char *out, size_t size)
{
    BIO *b = BIO_new(BIO_s_mem());
    if (b == NULL)
        return;
    if (X509_NAME_print_ex(b, name, 0, XN_FLAG_RFC2253) >= 0) {
        int n = BIO_read(b, out, (int)size - 1);
        out[n > 0 ? n : 0] = '\0';
    }
    BIO_free(b);
}

static bool name_matches(X509 *cert, const char *name)
{
    unsigned char address[16];
    if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1)
        return X509_check_ip_asc(cert, name, 0) == 1;
    /* RFC 9525 knows no common name and no wildcard inside a label. */
    return X509_check_host(cert, name, 0,
                           X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                               X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
                           NULL) == 1;
}

/* RFC 5929, 4.1: the hash of the certificate's own signature, and SHA-256 where that is MD5 or
 * SHA-1. A signature without a hash of its own (Ed25519) leaves the binding undefined, and ours
 * empty. */
static void end_point(struct conn_tls *facts, X509 *cert)
{
    int hash = NID_undef;
    if (X509_get_signature_info(cert, &hash, NULL, NULL, NULL) != 1 || hash == NID_undef)
        return;
    if (hash == NID_md5 || hash == NID_sha1)
        hash = NID_sha256;
    const EVP_MD *md = EVP_get_digestbynid(hash);
    unsigned int n = 0;
    if (md != NULL && EVP_MD_get_size(md) <= (int)sizeof facts->binding_end_point &&
        X509_digest(cert, md, facts->binding_end_point, &n) == 1)
        facts->binding_end_point_len = n;
}

static void certificate(struct tls_facts *f, X509 *cert, const char *verify_name)
{
    one_line(X509_get_subject_name(cert), f->subject, sizeof f->subject);
    one_line(X509_get_issuer_name(cert), f->issuer, sizeof f->issuer);
    struct tm end;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &end) == 1)
        (void)strftime(f->not_after, sizeof f->not_after, "%Y-%m-%dT%H:%M:%SZ", &end);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    if (X509_digest(cert, EVP_sha256(), digest, &n) == 1) {
        for (unsigned int i = 0; i < n; i++)
            (void)snprintf(f->fingerprint + 2 * i, 3, "%02x", digest[i]);
    }
    f->facts.name_ok = verify_name != NULL && name_matches(cert, verify_name);
    end_point(&f->facts, cert);
}

static void bindings(struct conn_tls *facts, SSL *ssl)
{
    /* RFC 9266 asks for an empty context. TLS 1.3 does not tell an empty context from none; TLS 1.2
     * does (RFC 5705, 4), and there deployed software uses none, so that is what we read the RFC to
     * mean. */
    static const char label[] = "EXPORTER-Channel-Binding";
    if (SSL_export_keying_material(ssl, facts->binding_exporter, sizeof facts->binding_exporter,
                                   label, sizeof label - 1, NULL, 0, 0) != 1)
        memset(facts->binding_exporter, 0, sizeof facts->binding_exporter);
    size_t sent = SSL_get_finished(ssl, facts->finished, sizeof facts->finished);
    facts->finished_len = sent <= sizeof facts->finished ? sent : 0;
    if (SSL_version(ssl) >= TLS1_3_VERSION)
        return;
    /* RFC 5929, 3.1: the first Finished of the handshake. The client's comes first, except when a
     * session is resumed. */
    size_t n = facts->resumed
                   ? SSL_get_peer_finished(ssl, facts->binding_unique, sizeof facts->binding_unique)
                   : SSL_get_finished(ssl, facts->binding_unique, sizeof facts->binding_unique);
    facts->binding_unique_len = n <= sizeof facts->binding_unique ? n : 0;
}

void tls_facts_fill(struct tls_facts *f, SSL *ssl, const char *verify_name)
{
    struct conn_tls *facts = &f->facts;
    facts->done = SSL_is_init_finished(ssl) == 1;
    X509 *cert = SSL_get0_peer_certificate(ssl);
    if (cert != NULL) {
        certificate(f, cert, verify_name);
        long result = SSL_get_verify_result(ssl);
        facts->chain_ok = result == X509_V_OK;
        facts->chain_why = facts->chain_ok ? "" : X509_verify_cert_error_string(result);
    }
    if (!facts->done)
        return;
    facts->version = SSL_get_version(ssl);
    facts->cipher = SSL_get_cipher_name(ssl);
    int group = (int)SSL_get_negotiated_group(ssl);
    const char *name = group != 0 ? SSL_group_to_name(ssl, group) : NULL;
    facts->group = name != NULL ? name : "";
    const unsigned char *alpn = NULL;
    unsigned int n = 0;
    SSL_get0_alpn_selected(ssl, &alpn, &n);
    if (alpn != NULL && n < sizeof f->alpn)
        memcpy(f->alpn, alpn, n);
    facts->resumed = SSL_session_reused(ssl) == 1;
    bindings(facts, ssl);
}
