/* TLS as it should not be, by what OpenSSL can be told: versions, suites, groups, extensions,
 * tickets. Wrong certificates are in tls_faults_certificate.c; answers that OpenSSL cannot give are
 * in tls_forge.c. SPDX-License-Identifier: MIT */
#include "tls/tls_faults.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <sys/socket.h>

#include "fault.h"
#include "net/conn.h"
#include "tls/tls_faults_certificate.h"

enum { EXT_TRUNCATED_HMAC = 4, EXT_HEARTBEAT = 15, EXT_VERSIONS = 43 };
enum { SCSV_FALLBACK = 0x5600, MONTH_S = 30 * 24 * 3600 };

#define SOUND_SIGNATURES                                                                           \
    "ECDSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA+SHA256:RSA+SHA384"
/* DEFAULT would strike out for good what stands behind it. */
#define SOUND_SUITES                                                                               \
    "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA256"
#define WEAK "@SECLEVEL=0"

static const struct setting {
    enum fault fault;
    int lowest, highest; /* versions; 0: as they are */
    const char *suites;  /* of 1.2 and older */
    const char *suites13, *groups, *signatures;
    uint64_t set, clear; /* options */
} settings[] = {
    {.fault = FAULT_TLS_10,
     .lowest = TLS1_VERSION,
     .suites = "DEFAULT:" WEAK,
     .signatures = SOUND_SIGNATURES,
     .set = SSL_OP_NO_TLSv1_1},
    {.fault = FAULT_TLS_11,
     .lowest = TLS1_1_VERSION,
     .suites = "DEFAULT:" WEAK,
     .signatures = SOUND_SIGNATURES},
    {.fault = FAULT_TLS_NO_12, .lowest = TLS1_3_VERSION},
    {.fault = FAULT_TLS_NO_13, .highest = TLS1_2_VERSION},
    {.fault = FAULT_TLS_NULL,
     .suites = SOUND_SUITES ":ECDHE-ECDSA-NULL-SHA:" WEAK,
     .signatures = SOUND_SIGNATURES},
    {.fault = FAULT_TLS_ANONYMOUS,
     .suites = SOUND_SUITES ":AECDH-AES256-SHA:" WEAK,
     .signatures = SOUND_SIGNATURES},
    {.fault = FAULT_TLS_STATIC_RSA, .suites = "DEFAULT"},
    {.fault = FAULT_TLS_CBC_BARE, .set = SSL_OP_NO_ENCRYPT_THEN_MAC},
    {.fault = FAULT_TLS_NO_ECDHE_RSA_GCM, .suites = "DEFAULT:!kRSA:!ECDHE-RSA-AES128-GCM-SHA256"},
    {.fault = FAULT_TLS_NO_AES128,
     .suites13 = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"},
    {.fault = FAULT_TLS_CLIENT_ORDER,
     .suites = "DEFAULT",
     .clear = SSL_OP_CIPHER_SERVER_PREFERENCE},
    {.fault = FAULT_TLS_DH_1024, .suites = "DEFAULT:!kRSA:" WEAK, .signatures = SOUND_SIGNATURES},
    {.fault = FAULT_TLS_NO_COMMON_GROUP, .groups = "P-384:P-521"},
    {.fault = FAULT_TLS_WEAK_CURVE,
     .suites = "DEFAULT:!kRSA:" WEAK,
     .groups = "X25519:P-256:P-384:P-192",
     .signatures = SOUND_SIGNATURES},
    {.fault = FAULT_TLS_SHA1_EXCHANGE,
     .suites = "DEFAULT:" WEAK,
     .signatures = SOUND_SIGNATURES ":ECDSA+SHA1:RSA+SHA1"},
    {.fault = FAULT_TLS_DH_BROKEN,
     .suites = "DEFAULT:!kRSA",
     .clear = SSL_OP_CIPHER_SERVER_PREFERENCE},
    {.fault = FAULT_TLS_NO_EMS, .set = SSL_OP_NO_EXTENDED_MASTER_SECRET},
    {.fault = FAULT_TLS_RENEGOTIATES,
     .set = SSL_OP_ALLOW_CLIENT_RENEGOTIATION,
     .clear = SSL_OP_NO_RENEGOTIATION},
    {.fault = FAULT_TLS_NO_TICKETS, .set = SSL_OP_NO_TICKET},
    /* Without memory for what was used already. */
    {.fault = FAULT_TLS_EARLY_DATA, .set = SSL_OP_NO_ANTI_REPLAY},
    {.fault = FAULT_TLS_OBEYS_EARLY_DATA, .set = SSL_OP_NO_ANTI_REPLAY},
    {.fault = FAULT_TLS_WEAK_KEY, .suites = "DEFAULT:!kRSA:" WEAK, .signatures = SOUND_SIGNATURES},
    {.fault = FAULT_TLS_SHA1_CERTIFICATE,
     .suites = "DEFAULT:" WEAK,
     .signatures = SOUND_SIGNATURES},
};

/* A Diffie-Hellman group of 1024 bits, as RFC 2409 has it. */
static EVP_PKEY *small_group(void)
{
    EVP_PKEY *key = NULL;
    BIGNUM *p = BN_get_rfc2409_prime_1024(NULL), *g = BN_new();
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    if (p != NULL && g != NULL && build != NULL && ctx != NULL && BN_set_word(g, 2) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_P, p) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_G, g) == 1 &&
        (params = OSSL_PARAM_BLD_to_param(build)) != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEY_PARAMETERS, params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    BN_free(p);
    BN_free(g);
    return key;
}

/* As a server whose file of parameters is missing: the suites are offered, and there is no group.
 */
static DH *no_group(SSL *ssl, int export, int bits)
{
    (void)ssl;
    (void)export;
    (void)bits;
    return NULL;
}

/* A key update makes the session end as if it had broken. */
static void break_at_key_update(int sent, int version, int type, const void *bytes, size_t n,
                                SSL *ssl, void *arg)
{
    (void)version;
    (void)arg;
    if (sent == 0 && type == SSL3_RT_HANDSHAKE && n > 0 &&
        ((const unsigned char *)bytes)[0] == SSL3_MT_KEY_UPDATE)
        shutdown(SSL_get_fd(ssl), SHUT_RDWR);
}

static int take_any(int ok, X509_STORE_CTX *ctx)
{
    (void)ok;
    (void)ctx;
    return 1;
}

static int settle(SSL *ssl, const struct setting *s)
{
    if ((s->lowest != 0 && SSL_set_min_proto_version(ssl, s->lowest) != 1) ||
        (s->highest != 0 && SSL_set_max_proto_version(ssl, s->highest) != 1) ||
        (s->suites != NULL && SSL_set_cipher_list(ssl, s->suites) != 1) ||
        (s->suites13 != NULL && SSL_set_ciphersuites(ssl, s->suites13) != 1) ||
        (s->groups != NULL && SSL_set1_groups_list(ssl, s->groups) != 1) ||
        (s->signatures != NULL && SSL_set1_sigalgs_list(ssl, s->signatures) != 1))
        return -1;
    SSL_clear_options(ssl, s->clear);
    SSL_set_options(ssl, s->set);
    return 0;
}

/* Where a session notes that its early data is over. */
static int early_index(void)
{
    static int index = -1;
    if (index < 0)
        index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    return index;
}

int tls_faults_session(struct tls_faults **f, SSL *ssl, struct certificate *ca,
                       const char *hostname)
{
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (fault(settings[i].fault) && settle(ssl, &settings[i]) != 0)
            return -1;
    if (fault(FAULT_TLS_DH_1024)) {
        EVP_PKEY *group = small_group();
        if (group == NULL || SSL_set0_tmp_dh_pkey(ssl, group) != 1) {
            EVP_PKEY_free(group);
            return -1;
        }
    }
    if (fault(FAULT_TLS_DH_BROKEN)) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
        SSL_set_tmp_dh_callback(ssl, no_group); /* nothing new is as wrong as this */
#pragma GCC diagnostic pop
    }
    if (fault(FAULT_TLS_NO_TICKETS) || fault(FAULT_TLS_LONG_TICKETS))
        SSL_set_num_tickets(ssl, 0);
    if (fault(FAULT_TLS_EARLY_DATA) || fault(FAULT_TLS_OBEYS_EARLY_DATA))
        SSL_set_max_early_data(ssl, 16384);
    if (fault(FAULT_TLS_NO_KEY_UPDATE))
        SSL_set_msg_callback(ssl, break_at_key_update);
    if (fault(FAULT_TLS_ASKS_CLIENT))
        SSL_set_verify(ssl, SSL_VERIFY_PEER, take_any);
    return tls_faults_certificate(f, ssl, ca, hostname);
}

bool tls_faults_early(SSL *ssl, struct buf *in)
{
    char bytes[4096];
    size_t n;
    /* Once it is over, OpenSSL takes no more such calls. */
    while (fault(FAULT_TLS_OBEYS_EARLY_DATA) && SSL_get_ex_data(ssl, early_index()) == NULL) {
        switch (SSL_read_early_data(ssl, bytes, sizeof bytes, &n)) {
        case SSL_READ_EARLY_DATA_SUCCESS:
            (void)buf_add(in, bytes, n);
            break;
        case SSL_READ_EARLY_DATA_FINISH:
            (void)SSL_set_ex_data(ssl, early_index(), ssl);
            return true;
        default:
            if (SSL_get_error(ssl, 0) == SSL_ERROR_WANT_READ)
                return false;
            (void)SSL_set_ex_data(ssl, early_index(), ssl); /* the next call says what is wrong */
            return true;
        }
    }
    return true;
}

/* --- hooks of the context --- */

static bool offers(SSL *ssl, unsigned suite)
{
    const unsigned char *p;
    size_t n = SSL_client_hello_get0_ciphers(ssl, &p);
    for (size_t i = 0; i + 1 < n; i += 2)
        if (((unsigned)p[i] << 8 | p[i + 1]) == suite)
            return true;
    return false;
}

/* What decides over the version has to be said before OpenSSL chooses it. Whose highest version is
 * 1.2 sees no mark: OpenSSL writes it only where it could do better. */
static int on_hello(SSL *ssl, int *alert, void *arg)
{
    const unsigned char *p;
    size_t n;
    bool modern = SSL_client_hello_get0_ext(ssl, EXT_VERSIONS, &p, &n) == 1;
    bool both = false;
    (void)alert;
    (void)arg;
    for (size_t i = 1; modern && i + 1 < n; i += 2)
        both = both || (p[i] == 3 && p[i + 1] == 3);
    if ((fault(FAULT_TLS_PREFERS_12) && both) ||
        (fault(FAULT_TLS_NO_SENTINEL) && !modern && !offers(ssl, SCSV_FALLBACK)) ||
        (fault(FAULT_TLS_IGNORES_FALLBACK) && !modern && offers(ssl, SCSV_FALLBACK)))
        SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
    return SSL_CLIENT_HELLO_SUCCESS;
}

/* The lifetime that a ticket is written with. */
static int on_ticket(SSL *ssl, void *arg)
{
    (void)arg;
    if (fault(FAULT_TLS_LONG_TICKETS))
        SSL_SESSION_set_timeout(SSL_get_session(ssl), MONTH_S);
    return 1;
}

static SSL_TICKET_RETURN on_ticket_back(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
                                        size_t n, SSL_TICKET_STATUS status, void *arg)
{
    (void)ssl;
    (void)session;
    (void)name;
    (void)n;
    (void)arg;
    switch (status) {
    case SSL_TICKET_EMPTY:
    case SSL_TICKET_NO_DECRYPT:
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    case SSL_TICKET_SUCCESS_RENEW:
        return SSL_TICKET_RETURN_USE_RENEW;
    default:
        return SSL_TICKET_RETURN_USE;
    }
}

/* Extensions that OpenSSL has dropped: acknowledged where a fault wants it. */
static int acknowledge(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
                       size_t *n, X509 *cert, size_t number, int *alert, void *arg)
{
    static const unsigned char peer_may_send[] = {1};
    (void)ssl;
    (void)context;
    (void)cert;
    (void)number;
    (void)alert;
    (void)arg;
    *out = peer_may_send;
    *n = type == EXT_HEARTBEAT ? 1 : 0;
    return fault(type == EXT_HEARTBEAT ? FAULT_TLS_HEARTBLEED : FAULT_TLS_TRUNCATED_HMAC);
}

static int ignore(SSL *ssl, unsigned type, unsigned context, const unsigned char *in, size_t n,
                  X509 *cert, size_t number, int *alert, void *arg)
{
    (void)ssl;
    (void)type;
    (void)context;
    (void)in;
    (void)n;
    (void)cert;
    (void)number;
    (void)alert;
    (void)arg;
    return 1;
}

void tls_faults_context(SSL_CTX *ctx)
{
    static const unsigned types[] = {EXT_TRUNCATED_HMAC, EXT_HEARTBEAT};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        SSL_CTX_add_custom_ext(ctx, types[i], SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO,
                               acknowledge, NULL, NULL, ignore, NULL);
    SSL_CTX_set_client_hello_cb(ctx, on_hello, NULL);
    SSL_CTX_set_session_ticket_cb(ctx, on_ticket, on_ticket_back, NULL);
}

/* --- names --- */

bool tls_faults_name(const char *name, bool known, int *rc)
{
    if (name == NULL && fault(FAULT_TLS_NEEDS_NAME))
        *rc = SSL_TLSEXT_ERR_ALERT_FATAL;
    else if (name != NULL && !known && fault(FAULT_TLS_TAKES_ANY_NAME))
        *rc = SSL_TLSEXT_ERR_OK;
    else if (name != NULL && !known && fault(FAULT_TLS_NAME_WARNING))
        *rc = SSL_TLSEXT_ERR_ALERT_WARNING;
    else
        return false;
    return true;
}

bool tls_faults_alpn(const unsigned char **out, unsigned char *out_len, int *rc)
{
    if (fault(FAULT_TLS_REFUSES_ALPN)) {
        *rc = SSL_TLSEXT_ERR_ALERT_FATAL;
    } else if (fault(FAULT_TLS_TAKES_ANY_ALPN)) {
        *rc = SSL_TLSEXT_ERR_NOACK;
    } else if (fault(FAULT_TLS_SELECTS_H2)) {
        *out = (const unsigned char *)"h2";
        *out_len = 2;
        *rc = SSL_TLSEXT_ERR_OK;
    } else {
        return false;
    }
    return true;
}
