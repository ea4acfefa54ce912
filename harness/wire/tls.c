/* The client's side of TLS without a socket; see tls.h. Nothing is refused because of the
 * certificate: the chain and the name are judged apart (tls_facts.c) and the scenario decides what
 * follows. SPDX-License-Identifier: MIT */
#include "wire/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/tls_context.h"
#include "wire/tls_facts.h"

struct tls {
    SSL *ssl;
    BIO *in, *out; /* owned by ssl */
    struct tls_watch watch;
    struct tls_facts facts;
    char *verify_name;
    bool done;
};

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

int tls_new(const struct conn_tls_options *o, const struct tls_watch *watch, struct tls **out,
            struct err *err)
{
    int rc = -1;
    SSL_CTX *ctx = NULL;
    struct tls *t = err_need(calloc(1, sizeof *t));
    t->watch = *watch;
    tls_facts_init(&t->facts, o->sni);
    if (o->verify_name != NULL)
        t->verify_name = err_need(strdup(o->verify_name));
    ERR_clear_error();
    if ((ctx = tls_context(o, on_keylog, err)) == NULL)
        goto out;
    t->ssl = err_need(SSL_new(ctx));
    t->in = err_need(BIO_new(BIO_s_mem()));
    t->out = err_need(BIO_new(BIO_s_mem()));
    SSL_set_bio(t->ssl, t->in, t->out);
    (void)SSL_set_app_data(t->ssl, t);
    SSL_set_info_callback(t->ssl, on_info);
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
    SSL_CTX_free(ctx);
    tls_free(t);
    return rc;
}

void tls_warm(const char *ca_file, bool system)
{
    struct err err;
    struct conn_tls_options o = {.ca_file = ca_file};
    /* Making a context is what has OpenSSL fetch its algorithms. */
    if (ca_file != NULL || system)
        SSL_CTX_free(tls_context(&o, on_keylog, &err));
    else
        SSL_CTX_free(SSL_CTX_new(TLS_client_method()));
    ERR_clear_error();
}

void tls_free(struct tls *t)
{
    if (t == NULL)
        return;
    SSL_free(t->ssl);
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
