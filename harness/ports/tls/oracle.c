/* Whether answers tell what was wrong inside: an RSA block whose padding is bad in several ways
 * (ROBOT), a CBC record with bad padding or a bad MAC. All have to be answered alike. H10, H11.
 * RFC 5246, 7.4.7.1 and 6.2.3.2. SPDX-License-Identifier: MIT */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "ports/dial/dial.h"
#include "ports/dial/suites.h"
#include "ports/rooms.h"

enum { RSA_BLOCKS = 5, PMS_BYTES = 48, ANSWER_WORDS = 96, MAC_BYTES = 20, BLOCK = 16 };

/* --- RSA key transport --- */

/* An RSA block that is right (0) or wrong in one way. */
static void rsa_block(int kind, unsigned char *m, size_t n)
{
    for (size_t i = 0; i < n; i++)
        while (RAND_bytes(m + i, 1) == 1 && m[i] == 0)
            ;
    m[0] = 0;
    m[1] = 2;
    m[n - PMS_BYTES - 1] = 0;
    m[n - PMS_BYTES] = 3;
    m[n - PMS_BYTES + 1] = 3;
    switch (kind) {
    case 1: /* not of this form at all */
        m[0] = 0x41;
        m[1] = 0x17;
        break;
    case 2: /* nothing ends the padding where it should end */
        m[n - PMS_BYTES - 1] = 0x11;
        break;
    case 3: /* nothing ends it anywhere */
        for (size_t i = 2; i < n; i++)
            m[i] |= 1;
        break;
    case 4: /* another version inside */
        m[n - PMS_BYTES + 1] = 2;
        break;
    default:
        break;
    }
}

/* ClientKeyExchange with that block, ChangeCipherSpec, and a Finished that nobody can read. */
static bool key_exchange(EVP_PKEY *key, int kind, struct buf *out)
{
    size_t n = (size_t)EVP_PKEY_get_size(key), made = n;
    unsigned char m[1024], c[1024], finished[69] = {22, 3, 3, 0, 64};
    static const unsigned char change[] = {20, 3, 3, 0, 1, 1};
    if (n < 128 || n > sizeof m)
        return false;
    rsa_block(kind, m, n);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool ok = ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
              EVP_PKEY_encrypt(ctx, c, &made, m, n) == 1 && made == n;
    EVP_PKEY_CTX_free(ctx);
    unsigned char head[11] = {22, 3, 3, 0, 0, 16, 0, 0, 0, 0, 0};
    head[3] = (unsigned char)((n + 6) >> 8);
    head[4] = (unsigned char)(n + 6);
    head[7] = (unsigned char)((n + 2) >> 8);
    head[8] = (unsigned char)(n + 2);
    head[9] = (unsigned char)(n >> 8);
    head[10] = (unsigned char)n;
    (void)RAND_bytes(finished + 5, 64);
    return ok && buf_add(out, head, sizeof head) && buf_add(out, c, n) &&
           buf_add(out, change, sizeof change) && buf_add(out, finished, sizeof finished);
}

/* A suite with RSA key transport that the server took; 0: none is known. */
static uint16_t rsa_suite(const struct port *p)
{
    for (size_t i = 0; i < p->facts.suites[4].n; i++) {
        const struct suite *s = suite_of(p->facts.suites[4].at[i]);
        if (s != NULL && strncmp(s->name, "TLS_RSA_WITH_", 13) == 0)
            return p->facts.suites[4].at[i];
    }
    return 0;
}

/* One connection: the words of the answer to a block of this kind; false: it did not come so far.
 */
static bool ask_block(struct port *p, uint16_t suite, EVP_PKEY *key, int kind, char *words)
{
    struct hello h;
    struct answer a = {0};
    struct buf b;
    const unsigned char *in;
    bool asked = false;
    hello_init(&h, TLS_V_12, p->o->host_is_name ? p->o->host : NULL);
    h.suites = &suite;
    h.suites_n = 1;
    struct conn *c = dial_ready(p, NULL);
    if (c == NULL)
        return false;
    buf_init(&b, 1 << 16);
    hello_record(&h, &b);
    (void)conn_write(c, b.data, b.len, p->o->answer_ms, NULL);
    if (dial_answer(p, c, true, &a) == ANSWER_SERVER && a.done) {
        conn_took(c, conn_input(c, &in, NULL));
        buf_clear(&b);
        answer_clear(&a);
        asked =
            key_exchange(key, kind, &b) && conn_write(c, b.data, b.len, p->o->answer_ms, NULL) == 0;
        if (asked) {
            (void)dial_answer(p, c, false, &a);
            answer_words(&a, words, ANSWER_WORDS);
        }
    }
    buf_clear(&b);
    answer_clear(&a);
    conn_reset(c);
    conn_free(c);
    return asked;
}

static void rsa_oracle(struct port *p)
{
    static const char *const kinds[RSA_BLOCKS] = {"right", "of no form", "without its end in place",
                                                  "without an end", "with another version"};
    char words[RSA_BLOCKS][ANSWER_WORDS];
    uint16_t suite = rsa_suite(p);
    if (!port_wants(p, CHECK_H10))
        return;
    if (p->found[CHECK_K07].kind == FINDING_GOOD || (p->facts.suites[4].complete && suite == 0) ||
        !p->facts.leaf_rsa) {
        port_not_here(p, CHECK_H10, "no RSA key transport here");
        return;
    }
    if (suite == 0 || p->chain == NULL || sk_X509_num(p->chain) == 0)
        return;
    EVP_PKEY *key = X509_get0_pubkey(sk_X509_value(p->chain, 0));
    /* What differs once may be chance; what differs twice in the same way is an oracle. */
    for (int round = 0; round < 2; round++) {
        int other = 0;
        for (int kind = 0; kind < RSA_BLOCKS; kind++) {
            if (!ask_block(p, suite, key, kind, words[kind]))
                return;
            if (strcmp(words[kind], words[0]) != 0)
                other = kind;
        }
        if (other == 0) {
            port_good(p, CHECK_H10, NULL);
            dial_shows(p, CHECK_H10, dial_last(p));
            return;
        }
        if (round == 1) {
            port_bad(p, CHECK_H10, NULL, "a block that is %s gets: %s; one %s gets: %s", kinds[0],
                     words[0], kinds[other], words[other]);
            dial_shows(p, CHECK_H10, dial_last(p));
        }
    }
}

/* --- CBC --- */

enum cbc_kind { CBC_RIGHT, CBC_WRONG_MAC, CBC_WRONG_PADDING, CBC_LONG_PADDING, CBC_KINDS };

struct cbc_keys {
    unsigned char mac[MAC_BYTES], key[32];
    size_t key_len;
};

/* The client's keys of a session of 1.2 with AES-CBC and HMAC-SHA-1. RFC 5246, 6.3. */
static bool derive(SSL *ssl, struct cbc_keys *k)
{
    unsigned char master[64], seed[64], block[2 * (MAC_BYTES + 32)];
    static const char label[] = "key expansion";
    size_t n = SSL_SESSION_get_master_key(SSL_get_session(ssl), master, sizeof master);
    (void)SSL_get_server_random(ssl, seed, 32);
    (void)SSL_get_client_random(ssl, seed + 32, 32);
    k->key_len = strstr(SSL_get_cipher_name(ssl), "256") != NULL ? 32 : 16;
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master, n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)(uintptr_t)label,
                                          sizeof label - 1),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof seed),
        OSSL_PARAM_construct_end()};
    bool ok = ctx != NULL && EVP_KDF_derive(ctx, block, 2 * (MAC_BYTES + k->key_len), params) == 1;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    memcpy(k->mac, block, MAC_BYTES);
    memcpy(k->key, block + 2 * (size_t)MAC_BYTES, k->key_len);
    return ok;
}

/* The first record behind Finished, with text in it, right or wrong in one way. */
static bool cbc_record(const struct cbc_keys *k, enum cbc_kind kind, const char *text,
                       struct buf *out)
{
    unsigned char head[13] = {0, 0, 0, 0, 0, 0, 0, 1, 23, 3, 3}, plain[512], sealed[512],
                  record[5 + BLOCK] = {23, 3, 3};
    size_t n = strlen(text), mac_len = 0;
    unsigned char hashed[sizeof head + 128];
    int made = 0, rest = 0;
    head[11] = (unsigned char)(n >> 8);
    head[12] = (unsigned char)n;
    memcpy(hashed, head, sizeof head);
    memcpy(hashed + sizeof head, text, n);
    memcpy(plain, text, n);
    if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA1", NULL, k->mac, MAC_BYTES, hashed, sizeof head + n,
                  plain + n, MAC_BYTES, &mac_len) == NULL)
        return false;
    size_t used = n + MAC_BYTES, padding = BLOCK - 1 - used % BLOCK;
    /* Two blocks of padding, so that there is something in it to be wrong. */
    padding += BLOCK;
    memset(plain + used, (int)padding, padding + 1);
    if (kind == CBC_WRONG_MAC)
        plain[n] ^= 0x55;
    else if (kind == CBC_WRONG_PADDING)
        plain[used] ^= 0x55;
    else if (kind == CBC_LONG_PADDING)
        plain[used + padding] = 255;
    used += padding + 1;
    (void)RAND_bytes(record + 5, BLOCK);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx != NULL &&
              EVP_EncryptInit_ex2(ctx, k->key_len == 32 ? EVP_aes_256_cbc() : EVP_aes_128_cbc(),
                                  k->key, record + 5, NULL) == 1 &&
              EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
              EVP_EncryptUpdate(ctx, sealed, &made, plain, (int)used) == 1 &&
              EVP_EncryptFinal_ex(ctx, sealed + made, &rest) == 1;
    EVP_CIPHER_CTX_free(ctx);
    record[3] = (unsigned char)((used + BLOCK) >> 8);
    record[4] = (unsigned char)(used + BLOCK);
    return ok && buf_add(out, record, sizeof record) && buf_add(out, sealed, used);
}

static void no_etm(struct ssl_st *ssl, void *arg)
{
    dial_no_refusal(ssl, arg);
    (void)SSL_set_options(ssl, SSL_OP_NO_ENCRYPT_THEN_MAC);
    (void)SSL_set_cipher_list(ssl, "ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES256-"
                                   "SHA:ECDHE-ECDSA-AES256-SHA:DHE-RSA-AES128-SHA:AES128-SHA:"
                                   "AES256-SHA:@SECLEVEL=0");
}

/* One connection with one record; false: it did not come so far. *replied: the text was read. */
static bool ask_record(struct port *p, enum cbc_kind kind, char *words, bool *replied)
{
    const char *text = p->protocol == PROTOCOL_IMAP   ? "o1 NOOP\r\n"
                       : p->protocol == PROTOCOL_POP3 ? "CAPA\r\n"
                                                      : "NOOP\r\n";
    struct conn_tls_options o;
    struct cbc_keys k;
    struct buf b;
    const unsigned char *in;
    size_t got = 0;
    dial_options(p, &o);
    o.max_version = "TLSv1.2";
    o.prepare = no_etm;
    struct conn *c = dial_handshake(p, &o, NULL);
    if (c == NULL)
        return false;
    if (p->mode == MODE_IMPLICIT) { /* its greeting is not the answer */
        struct reply r;
        if (!dial_greeting(p, c, &r))
            return false;
    }
    buf_init(&b, 4096);
    SSL *ssl = conn_openssl(c);
    bool asked = derive(ssl, &k) && cbc_record(&k, kind, text, &b) &&
                 BIO_write(SSL_get_wbio(ssl), b.data, (int)b.len) == (int)b.len;
    if (asked) {
        conn_flush_openssl(c);
        double until = loop_now(p->loop) + p->o->answer_ms / 1000.0;
        while (conn_ended(c) == CONN_OPEN && got == 0 && loop_now(p->loop) < until) {
            (void)conn_fill(c, 0, 20, NULL);
            got = conn_input(c, &in, NULL);
        }
        const char *alert = conn_tls_facts(c)->alert;
        *replied = got > 0;
        (void)snprintf(words, ANSWER_WORDS, "%s%s",
                       got > 0            ? "a reply"
                       : alert[0] != '\0' ? "alert "
                                          : conn_end_words(conn_ended(c)),
                       got > 0 ? "" : alert);
    }
    buf_clear(&b);
    conn_reset(c); /* a goodbye would have the number of our own record */
    conn_free(c);
    return asked;
}

static void cbc_oracle(struct port *p)
{
    static const char *const kinds[CBC_KINDS] = {"", "a wrong MAC", "a wrong byte of padding",
                                                 "padding that is too long"};
    char words[CBC_KINDS][ANSWER_WORDS];
    bool replied = false;
    if (!port_wants(p, CHECK_H11))
        return;
    if (!p->facts.versions[4]) {
        port_not_here(p, CHECK_H11, "no TLS 1.2 here");
        return;
    }
    /* The record that is right shows that ours are made well. */
    if (!ask_record(p, CBC_RIGHT, words[0], &replied)) {
        port_not_here(p, CHECK_H11, "no suite with AES-CBC and HMAC-SHA-1 here");
        return;
    }
    if (!replied) {
        port_untested(p, CHECK_H11, "not tested: a record that is right was not taken either: %s",
                      words[0]);
        return;
    }
    for (int kind = CBC_WRONG_MAC; kind < CBC_KINDS; kind++)
        if (!ask_record(p, (enum cbc_kind)kind, words[kind], &replied))
            return;
    for (int kind = CBC_WRONG_PADDING; kind < CBC_KINDS; kind++)
        if (strcmp(words[kind], words[CBC_WRONG_MAC]) != 0) {
            port_bad(p, CHECK_H11, NULL, "%s gets: %s; %s gets: %s", kinds[CBC_WRONG_MAC],
                     words[CBC_WRONG_MAC], kinds[kind], words[kind]);
            dial_shows(p, CHECK_H11, dial_last(p));
            return;
        }
    port_good(p, CHECK_H11, NULL);
    dial_shows(p, CHECK_H11, dial_last(p));
}

void room_oracles(struct port *p)
{
    if (p->o->depth < DEPTH_NORMAL)
        return;
    rsa_oracle(p);
    cbc_oracle(p);
}
