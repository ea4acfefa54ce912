/* What has to be true of another server's certificate. SPDX-License-Identifier: MIT */
#include "queue/client/client_tls.h"

#include <strings.h>

#include <openssl/x509v3.h>

#include "fault.h"

/* The records that can be used. -1: trouble. */
static int add_records(SSL *ssl, const struct client_tls_wish *w)
{
    int usable = 0;
    for (size_t i = 0; i < w->tlsa_count; i++) {
        const unsigned char *b = w->tlsa[i].bytes;
        /* Usages 0 and 1 are not for SMTP (RFC 7672, 3.1.3). */
        if (b[0] >= 2 && SSL_dane_tlsa_add(ssl, b[0], b[1], b[2], b + 3, w->tlsa[i].len - 3) > 0)
            usable++;
    }
    return usable;
}

static int want_dane(SSL *ssl, const struct client_tls_wish *w)
{
    const char *base = w->base != NULL ? w->base : w->name;
    if (SSL_dane_enable(ssl, base) <= 0)
        return -1;
    if (strcasecmp(base, w->name) != 0)
        SSL_add1_host(ssl, w->name);
    /* RFC 7672, 3.1.1: DANE-EE binds the key, not names or dates. */
    if (!fault(FAULT_QUEUE_DANE_CHECKS_NAMES))
        SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    return add_records(ssl, w);
}

SSL *client_tls_session(const struct client_tls_wish *w)
{
    SSL *ssl = SSL_new(w->ctx);
    if (ssl == NULL)
        return NULL;
    bool dane = w->tls == CLIENT_TLS_DANE;
    const char *sni = dane && w->base != NULL ? w->base : w->name;
    if (sni[0] != '[')
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, (char *)sni);
    SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
    if (w->tls == CLIENT_TLS_VERIFIED) {
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        SSL_set1_host(ssl, w->name);
        SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    } else if (dane && !fault(FAULT_QUEUE_DANE_IGNORED)) {
        int usable = want_dane(ssl, w);
        if (usable <= 0)
            SSL_free(ssl);
        if (usable < 0)
            return NULL;
        if (usable == 0) { /* TLS, without knowing whose (RFC 7672, 2.2) */
            struct client_tls_wish other = *w;
            other.tls = CLIENT_TLS_MUST;
            return client_tls_session(&other);
        }
    }
    if (fault(FAULT_QUEUE_DANE_NO_SNI)) /* DANE sets it, too */
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, NULL);
    return ssl;
}
