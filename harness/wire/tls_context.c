/* What clients share between their handshakes; see tls_context.h. SPDX-License-Identifier: MIT */
#include "wire/tls_context.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Authorities in a file of at most this size are kept. */
#define KEPT_MOST ((size_t)64 * 1024)

/* What the last handshakes used: it takes longer to make than the rest of a handshake, and the next
 * one most often wants the same. Processes that are forked have it from their parent. */
static struct {
    pthread_mutex_t lock;
    X509_STORE *system; /* more than a hundred authorities, read once */
    char *pem;          /* the text of a file of authorities; NULL: none yet */
    size_t pem_len;
    X509_STORE *store; /* made of pem */
    char *wish;        /* the options of ctx, as words_of writes them */
    X509_STORE *trust; /* its authorities; not a reference of its own: ctx has one */
    SSL_CTX *ctx;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

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

/* A machine without any CA trusts nobody. */
static X509_STORE *system_trust(void)
{
    if (kept.system == NULL) {
        kept.system = err_need(X509_STORE_new());
        (void)X509_STORE_set_default_paths(kept.system);
        ERR_clear_error();
    }
    return kept.system;
}

/* The file's text; NULL when it cannot be read or is too long to be kept. */
static char *read_pem(const char *path, size_t *len)
{
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return NULL;
    char *text = err_need(malloc(KEPT_MOST + 1));
    *len = fread(text, 1, KEPT_MOST + 1, f);
    bool good = ferror(f) == 0 && *len <= KEPT_MOST;
    (void)fclose(f);
    if (good)
        return text;
    free(text);
    return NULL;
}

/* The file's authorities; they are the kept ones when they read the same, wherever the file is: a
 * second server has copies. A reference. */
static X509_STORE *file_trust(const char *path, struct err *err)
{
    size_t len = 0;
    char *pem = read_pem(path, &len);
    if (pem != NULL && kept.pem != NULL && len == kept.pem_len && memcmp(pem, kept.pem, len) == 0) {
        free(pem);
        (void)X509_STORE_up_ref(kept.store);
        return kept.store;
    }
    X509_STORE *store = err_need(X509_STORE_new());
    if (X509_STORE_load_file(store, path) != 1) {
        (void)err_tls(err, path);
        X509_STORE_free(store);
        free(pem);
        return NULL;
    }
    if (pem != NULL) {
        free(kept.pem);
        X509_STORE_free(kept.store);
        (void)X509_STORE_up_ref(store);
        kept.pem = pem;
        kept.pem_len = len;
        kept.store = store;
    }
    return store;
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

/* Everything that a context is made of and that is no file; malloc's. */
static char *words_of(const struct conn_tls_options *o)
{
    const char *const fields[] = {o->min_version,  o->max_version, o->ciphers,
                                  o->ciphersuites, o->groups,      o->alpn};
    char *text = NULL;
    size_t size = 0;
    FILE *f = err_need(open_memstream(&text, &size));
    (void)fputs(o->ca_file != NULL ? "file" : "system", f);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        (void)fprintf(f, "\n%c%s", fields[i] != NULL ? '=' : '-',
                      fields[i] != NULL ? fields[i] : "");
    (void)fclose(f);
    return err_need(text);
}

static SSL_CTX *make(const struct conn_tls_options *o, X509_STORE *trust,
                     SSL_CTX_keylog_cb_func keylog, struct err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL) {
        (void)err_tls(err, "TLS context");
        return NULL;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_keylog_callback(ctx, keylog);
    /* A write never has to wait for a read: renegotiation is answered with a warning alert. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set1_cert_store(ctx, trust);
    /* Who names a file trusts what is in it, also if that is no root. */
    if (o->ca_file != NULL)
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
    if (set_versions(ctx, o, err) == 0 && set_identity(ctx, o, err) == 0 &&
        set_ciphers(ctx, o, err) == 0 && set_alpn(ctx, o->alpn, err) == 0)
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

/* With the lock held. */
static SSL_CTX *client_context(const struct conn_tls_options *o, SSL_CTX_keylog_cb_func keylog,
                               struct err *err)
{
    X509_STORE *trust = o->ca_file != NULL ? file_trust(o->ca_file, err) : system_trust();
    if (trust == NULL)
        return NULL;
    char *wish = words_of(o);
    SSL_CTX *ctx = NULL;
    if (o->cert_file == NULL && kept.wish != NULL && kept.trust == trust &&
        strcmp(kept.wish, wish) == 0) {
        (void)SSL_CTX_up_ref(kept.ctx);
        ctx = kept.ctx;
    } else if ((ctx = make(o, trust, keylog, err)) != NULL && o->cert_file == NULL) {
        SSL_CTX_free(kept.ctx);
        free(kept.wish);
        (void)SSL_CTX_up_ref(ctx);
        kept.ctx = ctx;
        kept.trust = trust;
        kept.wish = wish;
        wish = NULL;
    }
    free(wish);
    if (o->ca_file != NULL)
        X509_STORE_free(trust);
    return ctx;
}

SSL_CTX *tls_context(const struct conn_tls_options *o, SSL_CTX_keylog_cb_func keylog,
                     struct err *err)
{
    SSL_CTX *ctx = NULL;
    if (o->accept) {
        if ((ctx = SSL_CTX_new(TLS_server_method())) == NULL)
            (void)err_tls(err, "TLS context");
        else
            SSL_CTX_set_keylog_callback(ctx, keylog);
    } else {
        (void)pthread_mutex_lock(&kept.lock);
        ctx = client_context(o, keylog, err);
        (void)pthread_mutex_unlock(&kept.lock);
    }
    return ctx;
}
