/* The context of outgoing TLS. SPDX-License-Identifier: MIT */
#include "queue/trust.h"

#include <stdlib.h>

struct trust {
    SSL_CTX *ctx;
    bool judges; /* it knows its authorities */
};

static SSL_CTX *make(const char *ca, struct err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL || SSL_CTX_dane_enable(ctx) <= 0) {
        SSL_CTX_free(ctx);
        err_tls(err, "TLS for outgoing mail");
        return NULL;
    }
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (ca != NULL && SSL_CTX_load_verify_file(ctx, ca) != 1) {
        err_tls(err, ca);
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

int trust_open(const char *ca, struct trust **out, struct err *err)
{
    struct trust *t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    t->judges = ca != NULL;
    if (ca != NULL && (t->ctx = make(ca, err)) == NULL) {
        free(t);
        return -1;
    }
    *out = t;
    return 0;
}

void trust_close(struct trust *t)
{
    if (t == NULL)
        return;
    SSL_CTX_free(t->ctx);
    free(t);
}

SSL_CTX *trust_context(struct trust *t, bool judging)
{
    if (t->ctx == NULL)
        t->ctx = make(NULL, NULL);
    if (t->ctx != NULL && judging && !t->judges) {
        SSL_CTX_set_default_verify_paths(t->ctx);
        t->judges = true;
    }
    return t->ctx;
}
