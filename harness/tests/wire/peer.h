/* Small servers for the tests of the wire room: one listener on loopback, one thread, one
 * connection at a time. A test names a function that plays the server; it gets the accepted socket,
 * blocking, and may not use Check. Also a certificate authority and certificates that live as long
 * as the test. SPDX-License-Identifier: MIT */
#ifndef HARNESS_TESTS_WIRE_PEER_H
#define HARNESS_TESTS_WIRE_PEER_H

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer {
    int listener;
    uint16_t port;
    pthread_t thread;
    void (*serve)(struct peer *p, int fd);
    /* For serve to leave what it saw; read after peer_join. */
    char text[4096];
    size_t len;
    int number;
    int sizes[256]; /* of the first pieces received */
    int pieces;
    SSL_CTX *ctx; /* made by peer_identity */
};

static inline void *peer_main(void *arg)
{
    struct peer *p = arg;
    int one = 1, fd = accept(p->listener, NULL, NULL);
    if (fd >= 0) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        p->serve(p, fd);
        (void)close(fd);
    }
    return NULL;
}

/* Listens on "127.0.0.1" or "::1" without serving. */
static inline void peer_listen(struct peer *p, const char *address)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET};
    bool is_six = inet_pton(AF_INET6, address, &six.sin6_addr) == 1;
    ck_assert(is_six || inet_pton(AF_INET, address, &four.sin_addr) == 1);
    p->listener = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(p->listener, 0);
    const struct sockaddr *a = is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four;
    socklen_t size = is_six ? sizeof six : sizeof four;
    ck_assert_int_eq(bind(p->listener, a, size), 0);
    ck_assert_int_eq(listen(p->listener, 4), 0);
    struct sockaddr_storage got;
    size = sizeof got;
    ck_assert_int_eq(getsockname(p->listener, (struct sockaddr *)&got, &size), 0);
    p->port = ntohs(is_six ? ((struct sockaddr_in6 *)&got)->sin6_port
                           : ((struct sockaddr_in *)&got)->sin_port);
}

static inline void peer_start(struct peer *p, const char *address,
                              void (*serve)(struct peer *p, int fd))
{
    peer_listen(p, address);
    p->serve = serve;
    ck_assert_int_eq(pthread_create(&p->thread, NULL, peer_main, p), 0);
}

/* Waits until the server function has returned. */
static inline void peer_join(struct peer *p)
{
    ck_assert_int_eq(pthread_join(p->thread, NULL), 0);
    (void)close(p->listener);
    SSL_CTX_free(p->ctx);
}

/* Reads into text until the end or until it holds `stop` (NULL: only the end); notes the pieces'
 * sizes. */
static inline ssize_t peer_read(struct peer *p, int fd, const char *stop)
{
    for (;;) {
        ssize_t n = recv(fd, p->text + p->len, sizeof p->text - 1 - p->len, 0);
        if (n <= 0)
            return n;
        if (p->pieces < (int)(sizeof p->sizes / sizeof *p->sizes))
            p->sizes[p->pieces++] = (int)n;
        p->len += (size_t)n;
        p->text[p->len] = '\0';
        if (stop != NULL && strstr(p->text, stop) != NULL)
            return n;
    }
}

static inline void peer_say(int fd, const char *text)
{
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* A pair of key and certificate; free both. */
struct identity {
    EVP_PKEY *key;
    X509 *cert;
};

/* Made for `host` ("DNS:localhost,IP:127.0.0.1"), by `ca` or, with NULL, by itself as an authority.
 */
static inline struct identity identity_make(const char *cn, const char *host,
                                            const struct identity *ca)
{
    struct identity id = {.key = EVP_EC_gen("P-256"), .cert = X509_new()};
    ck_assert(id.key != NULL && id.cert != NULL);
    (void)X509_set_version(id.cert, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(id.cert), ca != NULL ? 2 : 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(id.cert), -3600);
    (void)X509_gmtime_adj(X509_getm_notAfter(id.cert), 86400);
    (void)X509_set_pubkey(id.cert, id.key);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(id.cert), "CN", MBSTRING_UTF8,
                                     (const unsigned char *)cn, -1, -1, 0);
    X509 *issuer = ca != NULL ? ca->cert : id.cert;
    (void)X509_set_issuer_name(id.cert, X509_get_subject_name(issuer));
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, id.cert, NULL, NULL, 0);
    X509_EXTENSION *ext =
        ca == NULL ? X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints, "critical,CA:TRUE")
                   : X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_alt_name, host);
    ck_assert_ptr_nonnull(ext);
    (void)X509_add_ext(id.cert, ext, -1);
    X509_EXTENSION_free(ext);
    ck_assert_int_gt(X509_sign(id.cert, ca != NULL ? ca->key : id.key, EVP_sha256()), 0);
    return id;
}

static inline void identity_free(struct identity *id)
{
    EVP_PKEY_free(id->key);
    X509_free(id->cert);
}

/* Writes certificate and key as PEM into a new file below /tmp; `path` is its template, ending in
 * XXXXXX. */
static inline void identity_write(const struct identity *id, char *path)
{
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    FILE *f = fdopen(fd, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(PEM_write_X509(f, id->cert), 1);
    ck_assert_int_eq(PEM_write_PrivateKey(f, id->key, NULL, NULL, 0, NULL, NULL), 1);
    ck_assert_int_eq(fclose(f), 0);
}

/* The peer speaks TLS as this identity, in exactly this version (0: any). */
static inline void peer_identity(struct peer *p, const struct identity *id, int version)
{
    p->ctx = SSL_CTX_new(TLS_server_method());
    ck_assert_ptr_nonnull(p->ctx);
    ck_assert_int_eq(SSL_CTX_use_certificate(p->ctx, id->cert), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(p->ctx, id->key), 1);
    if (version != 0) {
        if (version < TLS1_2_VERSION)
            SSL_CTX_set_security_level(p->ctx, 0);
        (void)SSL_CTX_set_min_proto_version(p->ctx, version);
        (void)SSL_CTX_set_max_proto_version(p->ctx, version);
    }
}

/* The server's handshake on an accepted socket; NULL when it failed. */
static inline SSL *peer_handshake(struct peer *p, int fd)
{
    SSL *ssl = SSL_new(p->ctx);
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_accept(ssl) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

#endif
