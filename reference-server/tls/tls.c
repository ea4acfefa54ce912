/* Server-side TLS. The socket belongs to OpenSSL from the first byte of the handshake on; that no
 * plaintext is left in front of it is conn.c's business. What goes wrong on purpose is in
 * tls_faults.c and tls_forge.c. SPDX-License-Identifier: MIT */
#include "tls/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509v3.h>

#include "base/log.h"
#include "fault.h"
#include "net/conn.h"
#include "server.h"
#include "tls/certificate.h"
#include "tls/staple.h"
#include "tls/tls_faults.h"
#include "tls/tls_forge.h"

const char *const tls_identity_files[] = {"ca.pem",     "ca.key",     "server.pem", "server.key",
                                          "public.pem", "public.key", NULL};

enum { DAYS = 825 }; /* that a certificate of our own lasts */

struct tls_identity {
    struct certificate
        ca; /* of our own; empty when the user gave a certificate, until a fault needs it */
    char *ca_path, *hostname;
    char *state;  /* the folder of our own files; NULL when the user gave a certificate */
    SSL_CTX *ctx; /* NULL: the first that needs TLS makes it */
    struct tls_faults *faults;
};

/* Whatever the client shows is taken; tls_facts looks whether it was worth anything. */
static int take_any(int ok, X509_STORE_CTX *ctx)
{
    (void)ok;
    (void)ctx;
    return 1;
}

static const struct conn *conn_of(SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

static int public_index(void)
{
    static int index = -1;
    if (index < 0)
        index = certificate_new_index();
    return index;
}

static bool is_name_of(X509 *cert, const char *name)
{
    return cert != NULL && X509_check_host(cert, name, 0, 0, NULL) == 1;
}

/* RFC 9325, 3.7: whose name it is not, is not answered for. */
static int on_server_name(SSL *ssl, int *alert, void *arg)
{
    SSL_CTX *ctx = SSL_get_SSL_CTX(ssl);
    X509 *usual = SSL_CTX_get0_certificate(ctx);
    const struct certificate *public = SSL_CTX_get_ex_data(ctx, public_index());
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    enum service service = conn_of(ssl)->service;
    bool ours = name != NULL && public != NULL && is_name_of(public->cert, name);
    bool known = ours || (name != NULL && is_name_of(usual, name));
    int rc;
    (void)arg;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    if (tls_faults_name(name, known, &rc))
        return rc;
    if (name == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    /* A fault may have chosen another certificate already. */
    if (ours && SSL_get_certificate(ssl) == usual &&
        (SSL_use_certificate(ssl, public->cert) != 1 ||
         SSL_use_PrivateKey(ssl, public->key) != 1)) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    if (known)
        return SSL_TLSEXT_ERR_OK;
    return service == SERVICE_SMTP || service == SERVICE_LMTP ? SSL_TLSEXT_ERR_NOACK
                                                              : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* RFC 9325, 3.8: who wants another protocol is not let in. SMTP has no registered name: then only
 * the nameless "smtp" is overlooked. RFC 7301, 3.2. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                   const unsigned char *in, unsigned in_len, void *arg)
{
    const struct protocol *own = conn_of(ssl)->protocol;
    size_t n = strlen(own->name);
    int rc;
    (void)arg;
    if (tls_faults_alpn(out, out_len, &rc))
        return rc;
    for (unsigned i = 0; i < in_len && in[i] < in_len - i; i += 1U + in[i])
        if (in[i] == n && memcmp(in + i + 1, own->name, n) == 0) {
            if (own == &smtp_protocol)
                return SSL_TLSEXT_ERR_NOACK;
            *out = in + i + 1;
            *out_len = in[i];
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static SSL_CTX *new_context(const struct certificate *ca)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    /* With an RSA certificate of the operator's too: no key transport. RFC 9325, 4.1. */
    SSL_CTX_set_cipher_list(ctx, "DEFAULT:!kRSA");
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    /* Tickets, and nothing that we would have to remember. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    if (ca->cert != NULL) {
        /* A client with a certificate of our authority may log in by EXTERNAL (RFC 4422, A). */
        X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca->cert);
        SSL_CTX_add_client_CA(ctx, ca->cert);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, take_any);
    }
    tls_faults_context(ctx);
    return ctx;
}

static int still_good(const struct certificate *c, const char *hostname)
{
    time_t tomorrow = time(NULL) + 86400;
    return X509_cmp_time(X509_get0_notAfter(c->cert), &tomorrow) > 0 &&
           (hostname == NULL || X509_check_host(c->cert, hostname, 0, 0, NULL) == 1);
}

static int path_of(const char *state, const char *name, char *out, size_t size, struct err *err)
{
    int n = snprintf(out, size, "%s/%s", state, name);
    return n > 0 && (size_t)n < size ? 0 : err_set(err, "the state folder's name is too long");
}

/* What stands before a certificate of our own in its file: for whom, and until when it and its
 * authority hold, in seconds since 1970. The next start goes by it. */
#define NOTE "mailproofd: %s until "

static void note_of(const struct tls_identity *t, char *out, size_t size)
{
    time_t until = time(NULL) + (time_t)DAYS * 86400;
    if (X509_cmp_time(X509_get0_notAfter(t->ca.cert), &until) < 0)
        until = 0; /* the authority goes first: look at it each time */
    snprintf(out, size, NOTE "%lld", t->hostname, (long long)until);
}

/* Loads a certificate that our authority signed, or makes a new one when it is missing, about to
 * expire or another host's. names: what it is made out to besides the host. want: the key that it
 * has to have, NULL: its own. */
static int own_certificate(const struct tls_identity *t, const char *state, const char *file,
                           const char *names, EVP_PKEY *want, struct certificate *out,
                           struct err *err)
{
    char pem[4096], key[4096], alt[1024], name[32];
    snprintf(name, sizeof name, "%s.pem", file);
    if (path_of(state, name, pem, sizeof pem, err) != 0)
        return -1;
    snprintf(name, sizeof name, "%s.key", file);
    if (path_of(state, name, key, sizeof key, err) != 0)
        return -1;
    int none = certificate_load(pem, key, want, out, err);
    if (none < 0)
        return -1;
    if (none == 0 && still_good(out, t->hostname) && X509_verify(out->cert, t->ca.key) == 1 &&
        (want == NULL || EVP_PKEY_eq(out->key, want) == 1))
        return 0;
    if (none == 0)
        certificate_clear(out);
    int n = snprintf(alt, sizeof alt, "DNS:%s%s", t->hostname, names);
    if (n < 0 || (size_t)n >= sizeof alt)
        return err_set(err, "the host name is too long for a certificate");
    struct certificate_wish wish = {.common_name = t->hostname,
                                    .names = alt,
                                    .until_days = DAYS,
                                    .purpose = "serverAuth",
                                    .key = want,
                                    .issuer = &t->ca};
    if (certificate_make(&wish, out, err) != 0)
        return -1;
    char note[400];
    note_of(t, note, sizeof note);
    return certificate_save(out, pem, key, note, err);
}

/* Loads the authority and the server's certificates from the state folder, or makes what is missing
 * there. */
static int own_certificates(struct tls_identity *t, struct certificate *server,
                            struct certificate *public, struct err *err)
{
    char pem[4096], key[4096];
    if (path_of(t->state, "ca.pem", pem, sizeof pem, err) != 0 ||
        path_of(t->state, "ca.key", key, sizeof key, err) != 0)
        return -1;
    certificate_clear(&t->ca); /* of an attempt that went wrong further on */
    int missing = certificate_load(pem, key, NULL, &t->ca, err);
    if (missing < 0)
        return -1;
    if (missing == 0 && !still_good(&t->ca, NULL)) {
        certificate_clear(&t->ca);
        missing = 1;
    }
    if (missing != 0 && (certificate_authority(&t->ca, err) != 0 ||
                         certificate_save(&t->ca, pem, key, NULL, err) != 0))
        return -1;
    /* One key for both: a TLSA record of the one holds for the other. */
    if (own_certificate(t, t->state, "server", ",DNS:localhost,IP:127.0.0.1,IP:::1", NULL, server,
                        err) != 0)
        return -1;
    return own_certificate(t, t->state, "public", "", server->key, public, err);
}

/* Whether the file begins with a note that holds for a day more. */
static bool has_good_note(const struct tls_identity *t, const char *path)
{
    char line[400], want[400];
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return false;
    bool read = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    int n = snprintf(want, sizeof want, NOTE, t->hostname);
    return read && n > 0 && (size_t)n < sizeof want && strncmp(line, want, (size_t)n) == 0 &&
           strtoll(line + n, NULL, 10) > (long long)time(NULL) + 86400;
}

/* Whether the files of our own are all there and of use, by their notes: what is in them is the
 * business of the first handshake, because reading it takes most of a start. */
static bool own_files_are_good(const struct tls_identity *t)
{
    char path[4096];
    struct err err;
    for (const char *const *file = tls_identity_files; *file != NULL; file++) {
        bool noted = strcmp(*file, "server.pem") == 0 || strcmp(*file, "public.pem") == 0;
        if (path_of(t->state, *file, path, sizeof path, &err) != 0 || access(path, R_OK) != 0 ||
            (noted && !has_good_note(t, path)))
            return false;
    }
    return true;
}

/* Makes the context out of these files of the user's, or (cert NULL) out of our own. */
static int make_context(struct tls_identity *t, const char *cert, const char *key, struct err *err)
{
    int rc = -1;
    struct certificate server = {NULL, NULL};
    struct certificate *public = calloc(1, sizeof *public);
    if (public == NULL)
        abort();
    if (cert == NULL && own_certificates(t, &server, public, err) != 0)
        goto out;
    SSL_CTX *ctx = new_context(&t->ca);
    if (ctx == NULL) {
        err_tls(err, "TLS context");
        goto out;
    }
    if (cert != NULL) {
        if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1) {
            err_tls(err, cert);
            goto no;
        }
        if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
            err_tls(err, key);
            goto no;
        }
    } else if (SSL_CTX_use_certificate(ctx, server.cert) != 1 ||
               SSL_CTX_use_PrivateKey(ctx, server.key) != 1) {
        err_tls(err, "TLS context");
        goto no;
    }
    if (staple_context(ctx, &t->ca) != 0) {
        err_tls(err, "TLS context");
        goto no;
    }
    if (public->cert != NULL && SSL_CTX_set_ex_data(ctx, public_index(), public) == 1)
    public = NULL;
    t->ctx = ctx;
    ctx = NULL;
    rc = 0;
no:
    SSL_CTX_free(ctx);
out:
    certificate_clear(&server);
    if (public != NULL)
        certificate_clear(public);
    free(public);
    return rc;
}

int tls_identity_open(const struct tls_options *o, struct tls_identity **out, struct err *err)
{
    char pem[4096];
    struct tls_identity *t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    t->hostname = strdup(o->hostname);
    if (o->cert == NULL) {
        if (path_of(o->state, "ca.pem", pem, sizeof pem, err) != 0)
            goto bad;
        t->state = strdup(o->state);
        t->ca_path = strdup(pem);
    }
    if (t->state != NULL && own_files_are_good(t)) {
        *out = t;
        return 0;
    }
    if (make_context(t, o->cert, o->key, err) == 0) {
        *out = t;
        return 0;
    }
bad:
    tls_identity_free(t);
    return -1;
}

/* What a start that found everything in place has left for later. */
static int complete(struct tls_identity *t, struct err *err)
{
    return t->ctx != NULL ? 0 : make_context(t, NULL, NULL, err);
}

void tls_identity_free(struct tls_identity *t)
{
    if (t == NULL)
        return;
    tls_faults_free(t->faults);
    certificate_clear(&t->ca);
    SSL_CTX_free(t->ctx);
    free(t->ca_path);
    free(t->state);
    free(t->hostname);
    free(t);
}

const char *tls_identity_ca(const struct tls_identity *t)
{
    return t->ca_path;
}

int tls_client_certificate(struct tls_identity *t, const char *name, bool self_signed, char **cert,
                           char **key, struct err *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-_@+";
    struct certificate made;
    struct certificate_wish wish = {.common_name = name,
                                    .until_days = 30,
                                    .purpose = "clientAuth",
                                    .issuer = self_signed ? NULL : &t->ca};
    if (t->state == NULL)
        return err_set(err, "there is no authority of ours here");
    if (*name == '\0' || strlen(name) > 64 || strspn(name, allowed) != strlen(name))
        return err_set(err, "a name is 1 to 64 letters, digits, -, _, @ or +");
    int folder = (int)(strrchr(t->ca_path, '/') - t->ca_path);
    if (complete(t, err) != 0)
        return -1;
    if (certificate_make(&wish, &made, err) != 0)
        return -1;
    if (asprintf(cert, "%.*s/client-%s.pem", folder, t->ca_path, name) < 0 ||
        asprintf(key, "%.*s/client-%s.key", folder, t->ca_path, name) < 0)
        abort();
    int rc = certificate_save(&made, *cert, *key, NULL, err);
    certificate_clear(&made);
    if (rc != 0) {
        free(*cert);
        free(*key);
    }
    return rc;
}

SSL *tls_session(struct tls_identity *t, const struct conn *c, int fd)
{
    struct err err;
    if (complete(t, &err) != 0) {
        log_event("tls", "s:s", "error", err.text);
        return NULL;
    }
    SSL *ssl = SSL_new(t->ctx);
    if (ssl == NULL)
        return NULL;
    SSL_set_app_data(ssl, (void *)(uintptr_t)c);
    if (t->ca.cert != NULL && c->server->policy.client_certificates == 1)
        SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    /* A ticket of one protocol is of no use to another: RFC 9325, 3.7. */
    const char *name = fault(FAULT_TLS_TICKET_FOR_ALL) ? "mail" : c->protocol->name;
    BIO *forge = tls_forge_bio(ssl, fd);
    if (forge != NULL)
        SSL_set_bio(ssl, forge, forge);
    if (SSL_set_session_id_context(ssl, (const unsigned char *)name, (unsigned)strlen(name)) != 1 ||
        (forge == NULL && SSL_set_fd(ssl, fd) != 1) ||
        tls_faults_session(&t->faults, ssl, &t->ca, t->hostname) != 0) {
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
    if (SSL_get_verify_result(ssl) == X509_V_OK || fault(FAULT_SASL_EXTERNAL_ANY_CERTIFICATE)) {
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
    c->tls_resumed = SSL_session_reused(ssl) == 1;
    snprintf(c->tls_version, sizeof c->tls_version, "%s", SSL_get_version(ssl));
    snprintf(c->tls_cipher, sizeof c->tls_cipher, "%s",
             SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)));
    const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    snprintf(c->tls_sni, sizeof c->tls_sni, "%s", sni != NULL ? sni : "");
    client_subject(ssl, c->tls_client_subject, sizeof c->tls_client_subject);
    /* Without a context, as every other implementation reads the RFC; in TLS 1.3 it makes no
     * difference. */
    if (SSL_export_keying_material(ssl, c->binding_exporter, sizeof c->binding_exporter, label,
                                   sizeof label - 1, NULL, 0, 0) != 1)
        memset(c->binding_exporter, 0, sizeof c->binding_exporter);
    /* The first Finished of a full handshake is the client's, of a resumed one the server's (RFC
     * 5929, 3.1); TLS 1.3 has no tls-unique. */
    if (SSL_version(ssl) < TLS1_3_VERSION || fault(FAULT_SASL_TLS_UNIQUE_IN_13))
        c->binding_unique_len =
            SSL_session_reused(ssl)
                ? SSL_get_finished(ssl, c->binding_unique, sizeof c->binding_unique)
                : SSL_get_peer_finished(ssl, c->binding_unique, sizeof c->binding_unique);
    c->binding_end_point_len = end_point(ssl, c->binding_end_point);
}
