/* The client's side of TLS without a socket; see tls.h. Nothing is refused because of the
 * certificate: the chain and the name are judged apart (tls_facts.c) and the scenario decides what
 * follows. SPDX-License-Identifier: MIT */
#include "wire/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/tls_facts.h"

struct tls {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in, *out; /* owned by ssl */
    struct tls_watch watch;
    struct tls_facts facts;
    char *verify_name;
    bool done;
};

static int version_number(const char *name, int *out, struct err *err)
{
    static const struct {
        const char *name;
        int number;
    } known[] = {
        {"TLSv1", TLS1_VERSION},     {"TLSv1.0", TLS1_VERSION},   {"TLSv1.1", TLS1_1_VERSION},
        {"TLSv1.2", TLS1_2_VERSION}, {"TLSv1.3", TLS1_3_VERSION},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, name) == 0) {
            *out = known[i].number;
            return 0;
        }
    }
    return err_set(err, "no TLS version is called \"%s\": TLSv1, TLSv1.1, TLSv1.2, TLSv1.3", name);
}

static int set_versions(SSL_CTX *ctx, const struct conn_tls_options *o, struct err *err)
{
    int low = 0, high = 0;
    if (o->min_version != NULL && version_number(o->min_version, &low, err) != 0)
        return -1;
    if (o->max_version != NULL && version_number(o->max_version, &high, err) != 0)
        return -1;
    if (low != 0 && high != 0 && low > high)
        return err_set(err, "the lowest TLS version, %s, is above the highest, %s", o->min_version,
                       o->max_version);
    bool old = (low != 0 && low < TLS1_2_VERSION) || (high != 0 && high < TLS1_2_VERSION);
    if (old) {
        /* TLS 1.0 and 1.1 sign with MD5 and SHA-1, which every security level above 0 refuses. */
        SSL_CTX_set_security_level(ctx, 0);
        SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT);
        if (low == 0)
            low = TLS1_VERSION;
    }
    if ((low != 0 && SSL_CTX_set_min_proto_version(ctx, low) != 1) ||
        (high != 0 && SSL_CTX_set_max_proto_version(ctx, high) != 1))
        return err_tls(err, "TLS versions");
    return 0;
}

/* The system's authorities, read once: there are more than a hundred, and that takes longer than
 * all the rest of a handshake. A process that was forked after tls_warm has them already. */
static X509_STORE *system_trust(void)
{
    static X509_STORE *store;
    if (store == NULL) {
        store = err_need(X509_STORE_new());
        (void)X509_STORE_set_default_paths(store); /* a machine without any CA trusts nobody */
        ERR_clear_error();
    }
    return store;
}

static int set_trust(SSL_CTX *ctx, const struct conn_tls_options *o, struct err *err)
{
    if (o->ca_file == NULL) {
        SSL_CTX_set1_cert_store(ctx, system_trust());
        return 0;
    }
    if (SSL_CTX_load_verify_file(ctx, o->ca_file) != 1)
        return err_tls(err, o->ca_file);
    /* Who names a file trusts what is in it, also if that is no root. */
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
    return 0;
}

static int set_identity(SSL_CTX *ctx, const struct conn_tls_options *o, struct err *err)
{
    if (o->cert_file == NULL)
        return 0;
    const char *key = o->key_file != NULL ? o->key_file : o->cert_file;
    if (SSL_CTX_use_certificate_chain_file(ctx, o->cert_file) != 1)
        return err_tls(err, o->cert_file);
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        return err_tls(err, key);
    return 0;
}

static int set_ciphers(SSL_CTX *ctx, const struct conn_tls_options *o, struct err *err)
{
    if (o->ciphers != NULL && SSL_CTX_set_cipher_list(ctx, o->ciphers) != 1)
        return err_tls(err, o->ciphers);
    if (o->ciphersuites != NULL && SSL_CTX_set_ciphersuites(ctx, o->ciphersuites) != 1)
        return err_tls(err, o->ciphersuites);
    if (o->groups != NULL && SSL_CTX_set1_groups_list(ctx, o->groups) != 1) {
        ERR_clear_error();
        return err_set(err, "unknown TLS group in \"%s\"", o->groups);
    }
    return 0;
}

/* "imap,pop3" becomes the lengths and names of RFC 7301, 3.1. */
static int set_alpn(SSL_CTX *ctx, const char *list, struct err *err)
{
    unsigned char wire[1024];
    size_t used = 0;
    if (list == NULL)
        return 0;
    for (const char *p = list;;) {
        size_t n = strcspn(p, ",");
        if (n == 0 || n > 255 || used + 1 + n > sizeof wire)
            return err_set(err, "bad ALPN list \"%s\": names of 1 to 255 bytes, commas between",
                           list);
        wire[used++] = (unsigned char)n;
        memcpy(wire + used, p, n);
        used += n;
        p += n;
        if (*p++ == '\0')
            break;
    }
    if (SSL_CTX_set_alpn_protos(ctx, wire, (unsigned int)used) != 0)
        return err_tls(err, "ALPN");
    return 0;
}

static void on_keylog(const SSL *ssl, const char *line)
{
    struct tls *t = SSL_get_app_data(ssl);
    if (t->watch.keylog != NULL)
        t->watch.keylog(t->watch.arg, line);
}

static void on_info(const SSL *ssl, int where, int value)
{
    struct tls *t = SSL_get_app_data(ssl);
    if ((where & SSL_CB_ALERT) != 0 && (value >> 8) == SSL3_AL_FATAL)
        tls_facts_alert(&t->facts, value);
}

static int configure(SSL_CTX *ctx, const struct conn_tls_options *o, struct err *err)
{
    if (o->accept) {
        SSL_CTX_set_keylog_callback(ctx, on_keylog);
        SSL_CTX_set_info_callback(ctx, on_info);
        return 0;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_keylog_callback(ctx, on_keylog);
    SSL_CTX_set_info_callback(ctx, on_info);
    /* A write never has to wait for a read: renegotiation is answered with a warning alert. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
    if (set_versions(ctx, o, err) != 0 || set_trust(ctx, o, err) != 0 ||
        set_identity(ctx, o, err) != 0 || set_ciphers(ctx, o, err) != 0)
        return -1;
    return set_alpn(ctx, o->alpn, err);
}

int tls_new(const struct conn_tls_options *o, const struct tls_watch *watch, struct tls **out,
            struct err *err)
{
    int rc = -1;
    struct tls *t = err_need(calloc(1, sizeof *t));
    t->watch = *watch;
    tls_facts_init(&t->facts, o->sni);
    if (o->verify_name != NULL)
        t->verify_name = err_need(strdup(o->verify_name));
    ERR_clear_error();
    t->ctx = SSL_CTX_new(o->accept ? TLS_server_method() : TLS_client_method());
    if (t->ctx == NULL) {
        (void)err_tls(err, "TLS context");
        goto out;
    }
    if (configure(t->ctx, o, err) != 0)
        goto out;
    t->ssl = err_need(SSL_new(t->ctx));
    t->in = err_need(BIO_new(BIO_s_mem()));
    t->out = err_need(BIO_new(BIO_s_mem()));
    SSL_set_bio(t->ssl, t->in, t->out);
    (void)SSL_set_app_data(t->ssl, t);
    if (o->accept)
        SSL_set_accept_state(t->ssl);
    else
        SSL_set_connect_state(t->ssl);
    if (o->sni != NULL && SSL_set_tlsext_host_name(t->ssl, o->sni) != 1) {
        (void)err_tls(err, o->sni);
        goto out;
    }
    if (o->prepare != NULL)
        o->prepare(t->ssl, o->prepare_arg);
    int done = SSL_do_handshake(t->ssl);
    if (SSL_get_error(t->ssl, done) != SSL_ERROR_WANT_READ) {
        (void)err_tls(err, "cannot begin a handshake");
        goto out;
    }
    t->facts.facts.tried = true;
    *out = t;
    t = NULL;
    rc = 0;
out:
    tls_free(t);
    return rc;
}

void tls_warm(bool system)
{
    /* Making a context is what has OpenSSL fetch its algorithms. */
    SSL_CTX_free(SSL_CTX_new(TLS_client_method()));
    ERR_clear_error();
    if (system)
        (void)system_trust();
}

void tls_free(struct tls *t)
{
    if (t == NULL)
        return;
    SSL_free(t->ssl);
    SSL_CTX_free(t->ctx);
    free(t->verify_name);
    free(t);
}

static enum tls_step broken(struct tls *t, struct err *err)
{
    (void)err_tls(err, t->done ? "TLS" : "TLS handshake");
    return TLS_BROKEN;
}

/* Reads all text that is complete by now. */
static enum tls_step read_text(struct tls *t, struct err *err)
{
    unsigned char text[16384];
    for (;;) {
        size_t n = 0;
        ERR_clear_error();
        int ok = SSL_read_ex(t->ssl, text, sizeof text, &n);
        if (ok == 1) {
            if (t->watch.text != NULL)
                t->watch.text(t->watch.arg, text, n);
            continue;
        }
        switch (SSL_get_error(t->ssl, ok)) {
        case SSL_ERROR_WANT_READ:
            return TLS_MORE;
        case SSL_ERROR_ZERO_RETURN:
            return TLS_CLOSED;
        default:
            return broken(t, err);
        }
    }
}

enum tls_step tls_feed(struct tls *t, const unsigned char *p, size_t n, struct err *err)
{
    size_t put = 0;
    if (n > 0 && BIO_write_ex(t->in, p, n, &put) != 1)
        err_need(NULL);
    if (!t->done) {
        ERR_clear_error();
        int ok = SSL_do_handshake(t->ssl);
        if (ok != 1) {
            int why = SSL_get_error(t->ssl, ok);
            if (why == SSL_ERROR_WANT_READ)
                return TLS_MORE;
            tls_facts_fill(&t->facts, t->ssl, t->verify_name);
            if (why == SSL_ERROR_ZERO_RETURN) {
                (void)err_set(err, "TLS handshake: the server said close_notify");
                return TLS_CLOSED;
            }
            return broken(t, err);
        }
        t->done = true;
        tls_facts_fill(&t->facts, t->ssl, t->verify_name);
        if (t->watch.done != NULL)
            t->watch.done(t->watch.arg, &t->facts.facts);
    }
    return read_text(t, err);
}

int tls_write(struct tls *t, const unsigned char *p, size_t n, struct err *err)
{
    size_t put = 0;
    ERR_clear_error();
    if (n > 0 && SSL_write_ex(t->ssl, p, n, &put) != 1)
        return err_tls(err, "TLS write");
    return 0;
}

void tls_goodbye(struct tls *t)
{
    if (t->done && (SSL_get_shutdown(t->ssl) & SSL_SENT_SHUTDOWN) == 0) {
        (void)SSL_shutdown(t->ssl);
        ERR_clear_error();
    }
}

bool tls_output(struct tls *t, struct buf *out)
{
    char *p = NULL;
    long n = BIO_get_mem_data(t->out, &p);
    if (n > 0) {
        if (!buf_add(out, p, (size_t)n))
            return false;
        (void)BIO_reset(t->out);
    }
    return true;
}

struct ssl_st *tls_openssl(const struct tls *t)
{
    return t->ssl;
}

bool tls_done(const struct tls *t)
{
    return t->done;
}

const struct conn_tls *tls_facts(const struct tls *t)
{
    return &t->facts.facts;
}
