/* Answers to a ClientHello that no TLS library gives any more, refusals of hellos that every
 * library takes, and records that come or go where they should not. Only reached with a fault
 * switched on. RFC 5246, 7.4.1; RFC 8446, 4.1; SSL 2 as RFC 5246, E.2 describes its hello.
 * SPDX-License-Identifier: MIT */
#include "tls/tls_forge.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <sys/socket.h>

#include "fault.h"
#include "net/port_faults.h"
#include "server.h"

enum { MOST = 24 * 1024, MANY_SUITES = 128, LONG_HELLO = 8000, LONGEST_RECORD = 16384 + 256 };
enum {
    EXT_GROUPS = 10,
    EXT_SIGNATURES = 13,
    EXT_TICKET = 35,
    EXT_VERSIONS = 43,
    EXT_KEY_SHARE = 51,
    EXT_RENEGOTIATION = 0xff01
};
enum { TLS1_RT_BEAT = 24 };
enum { HANDSHAKE_FAILURE = 40, ILLEGAL_PARAMETER = 47, PROTOCOL_VERSION = 70 };

/* What of a ClientHello the faults ask for. */
struct seen {
    unsigned version;
    const unsigned char *suites, *compression;
    size_t suites_n, compression_n, bytes;
    size_t ticket_bytes;
    bool whole, in_pieces; /* of several records */
    bool modern;           /* supported_versions is there */
    bool p256, ecdsa;      /* secp256r1 and its signature are offered */
    bool shares, known_share;
};

struct cursor {
    const unsigned char *p;
    size_t left;
    bool bad;
};

static unsigned take(struct cursor *c, size_t n)
{
    unsigned v = 0;
    if (n > c->left) {
        c->bad = true;
        c->left = 0;
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        v = v << 8 | c->p[i];
    c->p += n;
    c->left -= n;
    return v;
}

static struct cursor part(struct cursor *c, size_t n)
{
    struct cursor inner = {c->p, n, false};
    if (n > c->left) {
        c->bad = true;
        inner.left = 0;
        n = c->left;
    }
    c->p += n;
    c->left -= n;
    return inner;
}

static void read_extension(struct seen *s, unsigned type, struct cursor e)
{
    unsigned v;
    switch (type) {
    case EXT_VERSIONS:
        s->modern = true;
        break;
    case EXT_TICKET:
        s->ticket_bytes = e.left;
        break;
    case EXT_GROUPS:
        for (take(&e, 2); e.left > 1;)
            if (take(&e, 2) == 23)
                s->p256 = true;
        break;
    case EXT_SIGNATURES:
        for (take(&e, 2); e.left > 1;)
            if (take(&e, 2) == 0x0403)
                s->ecdsa = true;
        break;
    case EXT_KEY_SHARE:
        for (take(&e, 2); e.left > 3;) {
            v = take(&e, 2);
            s->shares = true;
            s->known_share = s->known_share || v == 29 || v == 30 || (v >= 23 && v <= 25);
            v = take(&e, 2);
            (void)part(&e, v);
        }
        break;
    default:
        break;
    }
}

/* hello: the handshake message without its header of four bytes. */
static void read_hello(struct seen *s, struct cursor c)
{
    s->version = take(&c, 2);
    (void)part(&c, 32);
    (void)part(&c, take(&c, 1));
    struct cursor suites = part(&c, take(&c, 2));
    s->suites = suites.p;
    s->suites_n = suites.left / 2;
    struct cursor compression = part(&c, take(&c, 1));
    s->compression = compression.p;
    s->compression_n = compression.left;
    struct cursor all = part(&c, take(&c, 2));
    while (all.left >= 4) {
        unsigned type = take(&all, 2);
        read_extension(s, type, part(&all, take(&all, 2)));
    }
    s->whole = true;
}

/* The bytes of the records' insides, as far as they are one hello. False: more has to come. */
static bool gather(const unsigned char *p, size_t n, struct seen *s)
{
    static unsigned char message[MOST];
    size_t have = 0;
    for (int records = 1; n >= 5; records++) {
        size_t len = (size_t)p[3] << 8 | p[4];
        if (p[0] != SSL3_RT_HANDSHAKE || n < 5 + len || have + len > sizeof message)
            return false;
        memcpy(message + have, p + 5, len);
        have += len;
        p += 5 + len;
        n -= 5 + len;
        if (have < 4)
            continue;
        s->bytes = (size_t)message[1] << 16 | (size_t)message[2] << 8 | message[3];
        s->in_pieces = records > 1;
        if (message[0] != SSL3_MT_CLIENT_HELLO || s->bytes + 4 > sizeof message)
            return false;
        if (have >= s->bytes + 4) {
            read_hello(s, (struct cursor){message + 4, s->bytes, false});
            return true;
        }
    }
    return false;
}

static unsigned suite_at(const struct seen *s, size_t i)
{
    return (unsigned)s->suites[2 * i] << 8 | s->suites[2 * i + 1];
}

static bool one_of(unsigned v, const uint16_t *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (all[i] == v)
            return true;
    return false;
}
#define ONE_OF(v, ...)                                                                             \
    one_of((v), (const uint16_t[]){__VA_ARGS__},                                                   \
           sizeof(const uint16_t[]){__VA_ARGS__} / sizeof(uint16_t))

static bool is_ecdhe(unsigned v)
{
    return (v >= 0xc006 && v <= 0xc00a) || (v >= 0xc010 && v <= 0xc014) ||
           ONE_OF(v, 0xc023, 0xc024, 0xc027, 0xc028, 0xc02b, 0xc02c, 0xc02f, 0xc030, 0xc072, 0xc073,
                  0xc076, 0xc077, 0xc086, 0xc087, 0xc08a, 0xc08b, 0xc09a, 0xc09b, 0xc0ac, 0xc0ad,
                  0xc0ae, 0xc0af, 0xcca8, 0xcca9, 0xccac, 0xcc13, 0xcc14) ||
           (v >= 0xc033 && v <= 0xc03b) || ONE_OF(v, 0xc048, 0xc049, 0xc04c, 0xc04d) ||
           ONE_OF(v, 0xc05c, 0xc05d, 0xc060, 0xc061, 0xc070, 0xc071) || v >> 8 == 0xd0 ||
           v >> 8 == 0xe4;
}

/* Whether OpenSSL, as it is set up here, may find what it wants. */
static bool has_sound(const struct seen *s)
{
    for (size_t i = 0; i < s->suites_n; i++) {
        unsigned v = suite_at(s, i);
        if (ONE_OF(v, 0xc009, 0xc00a, 0xc013, 0xc014, 0xc023, 0xc024, 0xc027, 0xc028, 0xc02b,
                   0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9) ||
            v >> 8 == 0x13)
            return true;
    }
    return false;
}

static bool is_rc4(unsigned v)
{
    return ONE_OF(v, 0x0004, 0x0005, 0xc007, 0xc011, 0xc002, 0xc00c, 0x008a, 0x008e, 0x0092);
}

static bool is_rsa_rc4(unsigned v)
{
    return v == 0x0004 || v == 0x0005;
}

static bool is_anonymous_rc4(unsigned v)
{
    return v == 0x0018;
}

static bool is_fallback(unsigned v)
{
    return v == 0x5600;
}

static bool is_export(unsigned v)
{
    return ONE_OF(v, 0x0006, 0x0008, 0x0009, 0x000b, 0x000c, 0x000e, 0x000f, 0x0011, 0x0012, 0x0014,
                  0x0015, 0x0062, 0x0063);
}

static bool is_old(unsigned v)
{
    return ONE_OF(v, 0x0007, 0x000a, 0x0013, 0x0016, 0x0096, 0x0099, 0x009a, 0xc008, 0xc012);
}

static bool is_static_dh(unsigned v)
{
    return ONE_OF(v, 0x0030, 0x0031, 0x0036, 0x0037, 0x003e, 0x003f, 0x0068, 0x0069, 0x00a0, 0x00a1,
                  0x00a4, 0x00a5) ||
           ONE_OF(v, 0xc004, 0xc005, 0xc00e, 0xc00f) ||
           ONE_OF(v, 0xc025, 0xc026, 0xc029, 0xc02a, 0xc02d, 0xc02e, 0xc031, 0xc032);
}

static bool any(const struct seen *s, bool (*kind)(unsigned), unsigned *which)
{
    for (size_t i = 0; i < s->suites_n; i++)
        if (kind(suite_at(s, i))) {
            *which = suite_at(s, i);
            return true;
        }
    return false;
}

/* --- answers --- */

struct reply {
    unsigned char at[2048];
    size_t n;
};

static void put(struct reply *r, unsigned v, size_t bytes)
{
    while (bytes-- > 0 && r->n < sizeof r->at)
        r->at[r->n++] = (unsigned char)(v >> 8 * bytes);
}

static void put_bytes(struct reply *r, const void *p, size_t n)
{
    if (n <= sizeof r->at - r->n) {
        memcpy(r->at + r->n, p, n);
        r->n += n;
    }
}

static enum forge say(int fd, const struct reply *r)
{
    ssize_t n = send(fd, r->at, r->n, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)n; /* a few bytes on a fresh connection: there is room, or nobody listens */
    return FORGE_ENDED;
}

static enum forge alert(int fd, unsigned why)
{
    struct reply r = {.n = 0};
    put(&r, 0x15030300, 4);
    put(&r, 2, 1);
    put(&r, 2, 1);
    put(&r, why, 1);
    return say(fd, &r);
}

struct server_hello {
    unsigned version, suite, compression;
    bool renegotiation_info, flight;
};

/* A ServerHello; with flight an empty certificate list, a key exchange on P-256 that is always the
 * same, and ServerHelloDone. */
static enum forge server_hello(int fd, const struct server_hello *h)
{
    struct reply m = {.n = 0}, r = {.n = 0};
    unsigned char random[32];
    if (RAND_bytes(random, sizeof random) != 1)
        return FORGE_NOTHING;
    /* A server of 1.3 that goes down says so: RFC 8446, 4.1.3. */
    memcpy(random + 24, h->version >= TLS1_2_VERSION ? "DOWNGRD\1" : "DOWNGRD", 8);
    unsigned extensions = (h->renegotiation_info ? 5 : 0) + 4; /* extended_master_secret too */
    put(&m, SSL3_MT_SERVER_HELLO, 1);
    put(&m, 2 + 32 + 1 + 2 + 1 + (h->version > SSL3_VERSION ? 2 + extensions : 0), 3);
    put(&m, h->version, 2);
    put_bytes(&m, random, sizeof random);
    put(&m, 0, 1);
    put(&m, h->suite, 2);
    put(&m, h->compression, 1);
    if (h->version > SSL3_VERSION) {
        put(&m, extensions, 2);
        put(&m, 23U << 16, 4);
        if (h->renegotiation_info) {
            put(&m, (unsigned)EXT_RENEGOTIATION << 16 | 1, 4);
            put(&m, 0, 1);
        }
    }
    if (h->flight) {
        static const unsigned char point[] = {
            /* the generator of P-256: as good as any, for nobody computes with it */
            4,    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5,
            0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4,
            0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a,
            0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33,
            0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};
        unsigned char signature[64];
        if (RAND_bytes(signature, sizeof signature) != 1)
            return FORGE_NOTHING;
        put(&m, SSL3_MT_CERTIFICATE << 24 | 3, 4);
        put(&m, 0, 3);
        put(&m, SSL3_MT_SERVER_KEY_EXCHANGE << 24 | (4 + sizeof point + 4 + sizeof signature), 4);
        put(&m, 3U << 24 | 23U << 8 | sizeof point, 4);
        put_bytes(&m, point, sizeof point);
        put(&m, 0x0403, 2);
        put(&m, sizeof signature, 2);
        put_bytes(&m, signature, sizeof signature);
        put(&m, SSL3_MT_SERVER_DONE << 24, 4);
    }
    put(&r, SSL3_RT_HANDSHAKE, 1);
    put(&r, h->version, 2);
    put(&r, (unsigned)m.n, 2);
    put_bytes(&r, m.at, m.n);
    return say(fd, &r);
}

/* SERVER-HELLO of SSL 2, without a certificate, with one kind of cipher. */
static enum forge ssl2_hello(int fd)
{
    struct reply r = {.n = 0};
    put(&r, 0x8000 | (11 + 3 + 16), 2);
    put(&r, 4, 1);
    put(&r, 0, 1);
    put(&r, 1, 1);
    put(&r, 2, 2);
    put(&r, 0, 2);
    put(&r, 3, 2);
    put(&r, 16, 2);
    put(&r, 0x010080, 3);
    put_bytes(&r, "mailproofd-ssl-2", 16);
    return say(fd, &r);
}

/* --- what the faults say --- */

static enum forge weak_suite(int fd, const struct seen *s)
{
    static const struct {
        enum fault fault;
        bool (*kind)(unsigned);
    } kinds[] = {{FAULT_TLS_RC4, is_rc4},
                 {FAULT_TLS_EXPORT, is_export},
                 {FAULT_TLS_3DES, is_old},
                 {FAULT_TLS_STATIC_DH, is_static_dh}};
    unsigned suite;
    if (s->modern || s->version < TLS1_2_VERSION || has_sound(s))
        return FORGE_NOTHING;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (fault(kinds[i].fault) && any(s, kinds[i].kind, &suite))
            return server_hello(fd, &(struct server_hello){.version = TLS1_2_VERSION,
                                                           .suite = suite,
                                                           .renegotiation_info = true});
    return FORGE_NOTHING;
}

static bool only_ecdhe(const struct seen *s)
{
    for (size_t i = 0; i < s->suites_n; i++)
        if (!is_ecdhe(suite_at(s, i)) && suite_at(s, i) != 0x00ff)
            return false;
    return s->suites_n > 0;
}

static bool has_grease(const struct seen *s)
{
    for (size_t i = 0; i < s->suites_n; i++)
        if ((suite_at(s, i) & 0x0f0f) == 0x0a0a)
            return true;
    return false;
}

static enum forge refuse(int fd, const struct seen *s)
{
    if (fault(FAULT_TLS_NO_FRAGMENTS) && s->in_pieces)
        return alert(fd, ILLEGAL_PARAMETER);
    if (fault(FAULT_TLS_NO_GREASE) && has_grease(s))
        return alert(fd, ILLEGAL_PARAMETER);
    if (fault(FAULT_TLS_LONG_HELLO) && s->bytes > LONG_HELLO)
        return alert(fd, ILLEGAL_PARAMETER);
    if (fault(FAULT_TLS_FEW_SUITES) && s->suites_n > MANY_SUITES)
        return alert(fd, HANDSHAKE_FAILURE);
    if (fault(FAULT_TLS_TICKET_INTOLERANT) && s->ticket_bytes > 0)
        return alert(fd, HANDSHAKE_FAILURE);
    if (fault(FAULT_TLS_NO_RETRY) && s->shares && !s->known_share)
        return alert(fd, HANDSHAKE_FAILURE);
    if (fault(FAULT_TLS_VERSION_INTOLERANT) && !s->modern && s->version > TLS1_2_VERSION)
        return alert(fd, PROTOCOL_VERSION);
    return FORGE_NOTHING;
}

static enum forge answer(int fd, const struct seen *s)
{
    unsigned suite;
    bool old_client = !s->modern && s->version == TLS1_2_VERSION;
    if (fault(FAULT_TLS_SSL3) && s->version == SSL3_VERSION && s->suites_n > 0)
        return server_hello(
            fd, &(struct server_hello){.version = SSL3_VERSION, .suite = suite_at(s, 0)});
    if (fault(FAULT_TLS_COMPRESSION) && old_client && s->compression_n > 1 && has_sound(s))
        return server_hello(fd, &(struct server_hello){.version = TLS1_2_VERSION,
                                                       .suite = 0xc02b,
                                                       .compression = 1,
                                                       .renegotiation_info = true});
    if (fault(FAULT_TLS_NO_RENEGOTIATION_INFO) && old_client && any(s, is_rsa_rc4, &suite) &&
        any(s, is_anonymous_rc4, &suite) && !any(s, is_fallback, &suite) && has_sound(s))
        return server_hello(fd, &(struct server_hello){.version = TLS1_2_VERSION, .suite = 0xc02b});
    if (fault(FAULT_TLS_DH_REUSED) && old_client && only_ecdhe(s) && s->p256 && s->ecdsa &&
        has_sound(s))
        return server_hello(fd, &(struct server_hello){.version = TLS1_2_VERSION,
                                                       .suite = suite_at(s, 0),
                                                       .renegotiation_info = true,
                                                       .flight = true});
    return weak_suite(fd, s);
}

/* Takes n bytes away for good. */
static void drop(int fd, size_t n)
{
    unsigned char nowhere[4096];
    while (n > 0) {
        ssize_t got = recv(fd, nowhere, n < sizeof nowhere ? n : sizeof nowhere, 0);
        if (got <= 0)
            return;
        n -= (size_t)got;
    }
}

/* What is no TLS at all. */
static enum forge no_record(const struct conn *c, int fd, bool starttls, const unsigned char *p,
                            size_t n)
{
    struct reply r = {.n = 0};
    const char *words = c->protocol == &smtp_protocol   ? "500 5.5.1 I speak TLS here\r\n"
                        : c->protocol == &imap_protocol ? "* BAD I speak TLS here\r\n"
                                                        : "-ERR I speak TLS here\r\n";
    if (fault(FAULT_TLS_SSL2) && n > 2 && (p[0] & 0x80) != 0 && p[2] == 1)
        return ssl2_hello(fd);
    if (starttls && ((c->protocol == &smtp_protocol && fault(FAULT_SMTP_STARTTLS_FALLS_BACK)) ||
                     (c->protocol == &pop3_protocol && fault(FAULT_POP3_STLS_FALLS_BACK)) ||
                     (c->protocol == &imap_protocol && fault(FAULT_IMAP_STARTTLS_FALLS_BACK))))
        return FORGE_CLEAR;
    if (!starttls && fault(FAULT_PORT_ANSWERS_IN_CLEAR) && p[0] > ' ' && p[0] < 0x7f) {
        put_bytes(&r, words, strlen(words));
        return say(fd, &r);
    }
    return FORGE_NOTHING;
}

enum forge tls_forge(const struct conn *c, int fd, bool starttls)
{
    static unsigned char bytes[MOST]; /* the loop thread's alone */
    struct seen seen = {0};
    ssize_t got = recv(fd, bytes, sizeof bytes, MSG_PEEK);
    /* Nothing yet is not nothing to do: OpenSSL, asked now, could find the hello that comes
     * between. */
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return FORGE_WAIT;
    if (got <= 0)
        return FORGE_NOTHING;
    size_t n = (size_t)got;
    if (bytes[0] != SSL3_RT_HANDSHAKE)
        return no_record(c, fd, starttls, bytes, n);
    if (n < 6 && port_faults_gone(fd))
        return FORGE_ENDED;
    if (n < 6)
        return fault(FAULT_TLS_NO_SEGMENTS) ? alert(fd, ILLEGAL_PARAMETER) : FORGE_WAIT;
    size_t record = (size_t)bytes[3] << 8 | bytes[4];
    if (starttls && fault(FAULT_STARTTLS_RESUMES_IN_CLEAR) && n >= 5 + record && record > 0 &&
        record <= LONGEST_RECORD && bytes[5] != SSL3_MT_CLIENT_HELLO) {
        drop(fd, 5 + record);
        return FORGE_CLEAR;
    }
    if (fault(FAULT_TLS_LONG_RECORD) && record > LONGEST_RECORD) {
        drop(fd, n);
        return FORGE_WAIT;
    }
    if (fault(FAULT_TLS_NO_SEGMENTS) && n < 5 + record)
        return alert(fd, ILLEGAL_PARAMETER);
    if (n < 5 + record && record <= LONGEST_RECORD)
        return FORGE_WAIT;
    if (!gather(bytes, n, &seen) && !seen.in_pieces)
        return FORGE_NOTHING;
    if (port_faults_tired())
        return FORGE_ENDED;
    enum forge f = refuse(fd, &seen);
    return f != FORGE_NOTHING || !seen.whole ? f : answer(fd, &seen);
}

/* --- records that come or go where they should not --- */

struct hatch {
    int fd;
    SSL *ssl;
    int handshakes; /* records of that kind that were read */
};

static int bio_free(BIO *b)
{
    free(BIO_get_data(b));
    return 1;
}

static int bio_write(BIO *b, const char *p, int n)
{
    const struct hatch *h = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    if (fault(FAULT_TLS_NO_ALERT) && n > 0 && p[0] == SSL3_RT_ALERT &&
        !SSL_is_init_finished(h->ssl))
        return n;
    ssize_t sent = send(h->fd, p, (size_t)n, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(b);
    return (int)sent;
}

/* A whole record of this type waits: takes it. */
static bool swallow(int fd, int type)
{
    unsigned char head[5 + 64];
    ssize_t n = recv(fd, head, sizeof head, MSG_PEEK);
    if (n < 5 || head[0] != type)
        return false;
    ssize_t record = head[3] << 8 | head[4];
    if (n < 5 + record)
        return false;
    drop(fd, (size_t)(5 + record));
    return true;
}

/* What lies behind the heartbeat in a memory that is not ours to show. */
static void bleed(int fd)
{
    struct reply r = {.n = 0};
    put(&r, 24, 1);
    put(&r, TLS1_2_VERSION, 2);
    put(&r, 3 + 64 + 16, 2);
    put(&r, 2, 1);
    put(&r, 64, 2);
    for (int i = 0; i < 64 + 16; i++)
        put(&r, 'm', 1);
    (void)say(fd, &r);
}

/* OpenSSL asks for a record's five bytes first: only there a record can be left out. */
static int bio_read(BIO *b, char *p, int n)
{
    struct hatch *h = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    if (n == SSL3_RT_HEADER_LENGTH && fault(FAULT_TLS_HEARTBLEED) && swallow(h->fd, TLS1_RT_BEAT))
        bleed(h->fd);
    /* Behind the server's flight a client of 1.2 sends its key exchange first. */
    while (n == SSL3_RT_HEADER_LENGTH && fault(FAULT_TLS_EARLY_CCS) && h->handshakes < 2 &&
           swallow(h->fd, SSL3_RT_CHANGE_CIPHER_SPEC))
        continue;
    ssize_t got = recv(h->fd, p, (size_t)n, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_read(b);
    if (n == SSL3_RT_HEADER_LENGTH && got == n && p[0] == SSL3_RT_HANDSHAKE)
        h->handshakes++;
    return (int)got;
}

static long bio_ctrl(BIO *b, int what, long number, void *p)
{
    (void)b;
    (void)number;
    (void)p;
    return what == BIO_CTRL_FLUSH;
}

BIO *tls_forge_bio(SSL *ssl, int fd)
{
    static BIO_METHOD *method;
    if (!fault(FAULT_TLS_NO_ALERT) && !fault(FAULT_TLS_HEARTBLEED) && !fault(FAULT_TLS_EARLY_CCS))
        return NULL;
    if (method == NULL && (method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "forge")) != NULL) {
        BIO_meth_set_destroy(method, bio_free);
        BIO_meth_set_write(method, bio_write);
        BIO_meth_set_read(method, bio_read);
        BIO_meth_set_ctrl(method, bio_ctrl);
    }
    BIO *b = method != NULL ? BIO_new(method) : NULL;
    struct hatch *h = b != NULL ? malloc(sizeof *h) : NULL;
    if (h == NULL) {
        BIO_free(b);
        return NULL;
    }
    *h = (struct hatch){fd, ssl, 0};
    BIO_set_data(b, h);
    BIO_set_init(b, 1);
    return b;
}
