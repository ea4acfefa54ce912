/* Server-side TLS. The socket belongs to OpenSSL from the first byte of the handshake on; that no
 * plaintext is left in front of it is conn.c's business. SPDX-License-Identifier: MIT */
#include "tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "certificate.h"
#include "conn.h"
#include "fault.h"

struct tls_identity {
    struct certificate
        ca; /* of our own; empty when the user gave a certificate, until a fault needs it */
    char *ca_path, *hostname;
    SSL_CTX *usual, *wrong_name, *expired; /* the last two are made at first use */
};

/* Whatever the client shows is taken; tls_facts looks whether it was worth anything. */
static int take_any(int ok, X509_STORE_CTX *ctx)
{
    (void)ok;
    (void)ctx;
    return 1;
}

static SSL_CTX *new_context(const struct certificate *ca)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    if (ca->cert != NULL) {
        /* A client with a certificate of our authority may log in by EXTERNAL (RFC 4422, A). */
        X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca->cert);
        SSL_CTX_add_client_CA(ctx, ca->cert);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, take_any);
    }
    return ctx;
}

static SSL_CTX *context_for(const struct certificate *ca, const struct certificate *server)
{
    SSL_CTX *ctx = new_context(ca);
    if (ctx != NULL && SSL_CTX_use_certificate(ctx, server->cert) == 1 &&
        SSL_CTX_use_PrivateKey(ctx, server->key) == 1)
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

static int still_good(const struct certificate *c, const char *hostname)
{
    time_t tomorrow = time(NULL) + 86400;
    return X509_cmp_time(X509_get0_notAfter(c->cert), &tomorrow) > 0 &&
           (hostname == NULL || X509_check_host(c->cert, hostname, 0, 0, NULL) == 1);
}

static int names_for(const char *hostname, char *out, size_t size)
{
    int n = snprintf(out, size, "DNS:localhost,DNS:%s,IP:127.0.0.1,IP:::1", hostname);
    return n > 0 && (size_t)n < size ? 0 : -1;
}

/* Loads the authority and the server's certificate from the state folder, or makes what is missing
 * there. */
static int own_certificates(struct tls_identity *t, const char *state, struct certificate *server,
                            struct err *err)
{
    char path[4][4096];
    static const char *const names[4] = {"ca.pem", "ca.key", "server.pem", "server.key"};
    for (int i = 0; i < 4; i++) {
        int n = snprintf(path[i], sizeof path[i], "%s/%s", state, names[i]);
        if (n < 0 || (size_t)n >= sizeof path[i])
            return err_set(err, "the state folder's name is too long");
    }
    t->ca_path = strdup(path[0]);
    int missing = certificate_load(path[0], path[1], &t->ca, err);
    if (missing < 0)
        return -1;
    if (missing == 0 && !still_good(&t->ca, NULL)) {
        certificate_clear(&t->ca);
        missing = 1;
    }
    if (missing == 0) {
        int none = certificate_load(path[2], path[3], server, err);
        if (none < 0)
            return -1;
        if (none == 0 && still_good(server, t->hostname) &&
            X509_verify(server->cert, t->ca.key) == 1)
            return 0;
        if (none == 0)
            certificate_clear(server);
    } else {
        if (certificate_authority(&t->ca, err) != 0 ||
            certificate_save(&t->ca, path[0], path[1], err) != 0)
            return -1;
    }
    char alt[1024];
    if (names_for(t->hostname, alt, sizeof alt) != 0)
        return err_set(err, "the host name is too long for a certificate");
    if (certificate_server(&t->ca, t->hostname, alt, 0, 825, server, err) != 0)
        return -1;
    return certificate_save(server, path[2], path[3], err);
}

int tls_identity_open(const struct tls_options *o, struct tls_identity **out, struct err *err)
{
    int rc = -1;
    struct certificate server = {NULL, NULL};
    struct tls_identity *t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    t->hostname = strdup(o->hostname);
    if (o->cert != NULL) {
        t->usual = new_context(&t->ca);
        if (t->usual == NULL) {
            err_tls(err, "TLS context");
            goto out;
        }
        if (SSL_CTX_use_certificate_chain_file(t->usual, o->cert) != 1) {
            err_tls(err, o->cert);
            goto out;
        }
        if (SSL_CTX_use_PrivateKey_file(t->usual, o->key, SSL_FILETYPE_PEM) != 1) {
            err_tls(err, o->key);
            goto out;
        }
    } else {
        if (own_certificates(t, o->state, &server, err) != 0)
            goto out;
        t->usual = context_for(&t->ca, &server);
        if (t->usual == NULL) {
            err_tls(err, "TLS context");
            goto out;
        }
    }
    *out = t;
    t = NULL;
    rc = 0;
out:
    certificate_clear(&server);
    tls_identity_free(t);
    return rc;
}

void tls_identity_free(struct tls_identity *t)
{
    if (t == NULL)
        return;
    certificate_clear(&t->ca);
    SSL_CTX_free(t->usual);
    SSL_CTX_free(t->wrong_name);
    SSL_CTX_free(t->expired);
    free(t->ca_path);
    free(t->hostname);
    free(t);
}

const char *tls_identity_ca(const struct tls_identity *t)
{
    return t->ca_path;
}

/* A context for a fault: signed by our own authority, and wrong in the one way that is asked for.
 */
static SSL_CTX *wrong_context(struct tls_identity *t, const char *name, const char *alt,
                              int from_days, int until_days)
{
    struct certificate bad = {NULL, NULL};
    if (t->ca.cert == NULL && certificate_authority(&t->ca, NULL) != 0)
        return NULL;
    if (certificate_server(&t->ca, name, alt, from_days, until_days, &bad, NULL) != 0)
        return NULL;
    SSL_CTX *ctx = context_for(&t->ca, &bad);
    certificate_clear(&bad);
    return ctx;
}

static SSL_CTX *choose(struct tls_identity *t)
{
    if (fault(FAULT_TLS_WRONG_NAME)) {
        if (t->wrong_name == NULL)
            t->wrong_name = wrong_context(t, "elsewhere.example", "DNS:elsewhere.example", 0, 825);
        return t->wrong_name;
    }
    if (fault(FAULT_TLS_EXPIRED)) {
        char alt[1024];
        if (t->expired == NULL && names_for(t->hostname, alt, sizeof alt) == 0)
            t->expired = wrong_context(t, t->hostname, alt, -60, -30);
        return t->expired;
    }
    return t->usual;
}

SSL *tls_session(struct tls_identity *t, int fd)
{
    SSL_CTX *ctx = choose(t);
    SSL *ssl = ctx != NULL ? SSL_new(ctx) : NULL;
    if (ssl == NULL)
        return NULL;
    if (SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_accept_state(ssl);
    if (fault(FAULT_TLS_NO_MODERN_VERSION)) {
        SSL_set_security_level(ssl, 0); /* OpenSSL refuses such versions otherwise */
        SSL_set_min_proto_version(ssl, TLS1_VERSION);
        SSL_set_max_proto_version(ssl, TLS1_1_VERSION);
    }
    return ssl;
}

/* RFC 5929, 4.1: the hash of the certificate's own signature, SHA-256 where that would be MD5 or
 * SHA-1. */
static size_t end_point(SSL *ssl, unsigned char out[64])
{
    X509 *cert = SSL_get_certificate(ssl);
    int nid = NID_undef;
    unsigned int n = 0;
    if (cert == NULL)
        return 0;
    OBJ_find_sigid_algs(X509_get_signature_nid(cert), &nid, NULL);
    const EVP_MD *md = EVP_get_digestbynid(nid);
    if (md == NULL || nid == NID_md5 || nid == NID_sha1)
        md = EVP_sha256();
    return X509_digest(cert, md, out, &n) == 1 && n <= 64 ? n : 0;
}

/* The e-mail address of the client's certificate, else its common name. */
static void client_subject(SSL *ssl, char *out, size_t size)
{
    X509 *cert = SSL_get1_peer_certificate(ssl);
    if (cert == NULL)
        return;
    if (SSL_get_verify_result(ssl) == X509_V_OK) {
        STACK_OF(OPENSSL_STRING) *mails = X509_get1_email(cert);
        if (mails != NULL && sk_OPENSSL_STRING_num(mails) > 0)
            snprintf(out, size, "%s", sk_OPENSSL_STRING_value(mails, 0));
        else
            X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, out, (int)size);
        X509_email_free(mails);
    }
    X509_free(cert);
}

void tls_facts(SSL *ssl, struct conn *c)
{
    static const char label[] = "EXPORTER-Channel-Binding"; /* RFC 9266, 4.2 */
    c->tls = true;
    snprintf(c->tls_version, sizeof c->tls_version, "%s", SSL_get_version(ssl));
    snprintf(c->tls_cipher, sizeof c->tls_cipher, "%s", SSL_get_cipher_name(ssl));
    const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    snprintf(c->tls_sni, sizeof c->tls_sni, "%s", sni != NULL ? sni : "");
    client_subject(ssl, c->tls_client_subject, sizeof c->tls_client_subject);
    /* Without a context, as every other implementation reads the RFC; in TLS 1.3 it makes no
     * difference. */
    if (SSL_export_keying_material(ssl, c->binding_exporter, sizeof c->binding_exporter, label,
                                   sizeof label - 1, NULL, 0, 0) != 1)
        memset(c->binding_exporter, 0, sizeof c->binding_exporter);
    /* The first Finished of a full handshake is the client's (RFC 5929, 3.1); TLS 1.3 has no
     * tls-unique. */
    if (SSL_version(ssl) < TLS1_3_VERSION || fault(FAULT_SASL_TLS_UNIQUE_IN_13))
        c->binding_unique_len =
            SSL_get_peer_finished(ssl, c->binding_unique, sizeof c->binding_unique);
    c->binding_end_point_len = end_point(ssl, c->binding_end_point);
}
