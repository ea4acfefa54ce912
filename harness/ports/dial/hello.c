/* Builds ClientHellos. What comes back is read in answer.c. SPDX-License-Identifier: MIT */
#include "ports/dial/hello.h"

#include <openssl/rand.h>
#include <string.h>

#include "ports/dial/suites.h"

enum {
    EXT_SNI = 0,
    EXT_STATUS = 5,
    EXT_GROUPS = 10,
    EXT_POINTS = 11,
    EXT_SIGALGS = 13,
    EXT_HEARTBEAT = 15,
    EXT_ALPN = 16,
    EXT_PADDING = 21,
    EXT_ETM = 22,
    EXT_EMS = 23,
    EXT_TICKET = 35,
    EXT_TRUNCATED_HMAC = 4,
    EXT_VERSIONS = 43,
    EXT_PSK_MODES = 45,
    EXT_KEY_SHARE = 51,
    EXT_RENEGOTIATION = 0xff01,
    GREASE = 0x3a3a
};

static const uint16_t common_groups[] = {29, 23, 24, 25, 30, 256, 257};
static const uint16_t common_sigalgs[] = {0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805,
                                          0x0806, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501, 0x0601,
                                          0x0303, 0x0301, 0x0203, 0x0201, 0x0402, 0x0202};

static void u8(struct buf *b, unsigned v)
{
    unsigned char c = (unsigned char)v;
    buf_add(b, &c, 1);
}

static void u16(struct buf *b, unsigned v)
{
    unsigned char c[2] = {(unsigned char)(v >> 8), (unsigned char)v};
    buf_add(b, c, 2);
}

/* Begins a length of `width` bytes; fill_length puts the number in. */
static size_t hold_length(struct buf *b, int width)
{
    static const unsigned char zero[3];
    size_t at = b->len;
    buf_add(b, zero, (size_t)width);
    return at;
}

static void fill_length(struct buf *b, size_t at, int width)
{
    size_t n = b->len - at - (size_t)width;
    for (int i = 0; i < width; i++)
        b->data[at + (size_t)i] = (unsigned char)(n >> (8 * (width - 1 - i)));
}

void hello_init(struct hello *h, int version, const char *sni)
{
    *h = (struct hello){.version = version, .sni = sni, .renegotiation_info = true, .ems = true};
}

static void list16(struct buf *b, const uint16_t *p, size_t n, bool grease)
{
    size_t at = hold_length(b, 2);
    if (grease)
        u16(b, GREASE);
    for (size_t i = 0; i < n; i++)
        u16(b, p[i]);
    fill_length(b, at, 2);
}

static void empty(struct buf *b, unsigned type)
{
    u16(b, type);
    u16(b, 0);
}

static void name(struct buf *b, const char *sni)
{
    size_t n = strlen(sni);
    u16(b, EXT_SNI);
    u16(b, (unsigned)(n + 5));
    u16(b, (unsigned)(n + 3));
    u8(b, 0);
    u16(b, (unsigned)n);
    buf_add(b, sni, n);
}

static void key_share(const struct hello *h, struct buf *b)
{
    unsigned char share[32];
    u16(b, EXT_KEY_SHARE);
    size_t all = hold_length(b, 2), list = hold_length(b, 2);
    if (h->key_share || h->odd_share) {
        (void)RAND_bytes(share, sizeof share);
        share[31] &= 0x7f;
        u16(b, h->odd_share ? HELLO_NOBODYS_GROUP : 29);
        u16(b, sizeof share);
        buf_add(b, share, sizeof share);
    }
    fill_length(b, list, 2);
    fill_length(b, all, 2);
}

static void versions(const struct hello *h, struct buf *b)
{
    int low = h->lowest != 0 ? h->lowest : TLS_V_13;
    u16(b, EXT_VERSIONS);
    size_t all = hold_length(b, 2), list = hold_length(b, 1);
    if (h->grease)
        u16(b, GREASE);
    for (int v = TLS_V_13; v >= low; v--)
        u16(b, (unsigned)v);
    fill_length(b, list, 1);
    fill_length(b, all, 2);
}

/* Everything that 1.3 cannot do without. */
static void extensions_13(const struct hello *h, struct buf *b)
{
    versions(h, b);
    u16(b, EXT_PSK_MODES);
    u16(b, 2);
    u16(b, 0x0101);
    key_share(h, b);
}

static void groups(const struct hello *h, struct buf *b)
{
    const uint16_t *p = h->groups != NULL ? h->groups : common_groups;
    size_t n = h->groups != NULL ? h->groups_n : sizeof common_groups / sizeof *common_groups;
    u16(b, EXT_GROUPS);
    size_t at = hold_length(b, 2);
    list16(b, p, n, h->grease);
    fill_length(b, at, 2);
    u16(b, EXT_POINTS);
    u16(b, 2);
    u16(b, 0x0100);
}

static void sigalgs(const struct hello *h, struct buf *b)
{
    const uint16_t *p = h->sigalgs != NULL ? h->sigalgs : common_sigalgs;
    size_t n = h->sigalgs != NULL ? h->sigalgs_n : sizeof common_sigalgs / sizeof *common_sigalgs;
    u16(b, EXT_SIGALGS);
    size_t at = hold_length(b, 2);
    list16(b, p, n, false);
    fill_length(b, at, 2);
}

static void extensions(const struct hello *h, struct buf *b)
{
    if (h->grease)
        empty(b, GREASE);
    if (h->sni != NULL)
        name(b, h->sni);
    if (h->renegotiation_info) {
        u16(b, EXT_RENEGOTIATION);
        u16(b, 1);
        u8(b, 0);
    }
    if (h->ems)
        empty(b, EXT_EMS);
    if (h->etm)
        empty(b, EXT_ETM);
    if (h->truncated_hmac)
        empty(b, EXT_TRUNCATED_HMAC);
    if (h->status_request) {
        static const unsigned char ocsp[5] = {1};
        u16(b, EXT_STATUS);
        u16(b, sizeof ocsp);
        buf_add(b, ocsp, sizeof ocsp);
    }
    if (h->heartbeat) {
        u16(b, EXT_HEARTBEAT);
        u16(b, 1);
        u8(b, 1);
    }
    if (h->ticket) {
        u16(b, EXT_TICKET);
        u16(b, (unsigned)h->ticket_len);
        buf_add(b, h->ticket_data, h->ticket_len);
    }
    if (h->alpn != NULL) {
        size_t n = strlen(h->alpn);
        u16(b, EXT_ALPN);
        u16(b, (unsigned)(n + 3));
        u16(b, (unsigned)(n + 1));
        u8(b, (unsigned)n);
        buf_add(b, h->alpn, n);
    }
    groups(h, b);
    if (h->version >= TLS_V_12)
        sigalgs(h, b);
    if (h->version >= TLS_V_13)
        extensions_13(h, b);
    if (h->unknown_extension) {
        u16(b, 0xfe01);
        u16(b, 4);
        buf_add(b, "mail", 4);
    }
    if (h->padding > 0) {
        u16(b, EXT_PADDING);
        u16(b, (unsigned)h->padding);
        for (size_t i = 0; i < h->padding; i++)
            u8(b, 0);
    }
}

void hello_message(const struct hello *h, struct buf *b)
{
    unsigned char random[64];
    (void)RAND_bytes(random, sizeof random);
    int legacy = h->legacy_version != 0  ? h->legacy_version
                 : h->version > TLS_V_12 ? TLS_V_12
                                         : h->version;
    u8(b, 1);
    size_t message = hold_length(b, 3);
    u16(b, (unsigned)legacy);
    buf_add(b, random, 32);
    /* A session id makes 1.3 look like a resumption to what stands in between. RFC 8446, D.4. */
    if (h->session != NULL) {
        u8(b, (unsigned char)h->session_len);
        buf_add(b, h->session, h->session_len);
    } else if (h->version >= TLS_V_13 || h->ticket_len > 0) {
        u8(b, 32);
        buf_add(b, random + 32, 32);
    } else {
        u8(b, 0);
    }
    size_t list = hold_length(b, 2);
    if (h->grease)
        u16(b, GREASE);
    for (size_t i = 0; i < h->suites_n; i++)
        u16(b, h->suites[i]);
    if (h->fallback_scsv)
        u16(b, 0x5600);
    if (h->no_extensions && h->renegotiation_info)
        u16(b, 0x00ff);
    fill_length(b, list, 2);
    if (h->deflate) {
        u8(b, 2);
        u8(b, 1);
        u8(b, 0);
    } else {
        u8(b, 1);
        u8(b, 0);
    }
    if (!h->no_extensions && h->version > TLS_V_SSL3) {
        size_t all = hold_length(b, 2);
        extensions(h, b);
        fill_length(b, all, 2);
    }
    fill_length(b, message, 3);
}

void hello_records(const struct hello *h, size_t most, struct buf *out)
{
    struct buf b;
    buf_init(&b, (size_t)1 << 18);
    hello_message(h, &b);
    for (size_t at = 0; at < b.len; at += most) {
        size_t n = b.len - at < most ? b.len - at : most;
        u8(out, 22);
        u16(out, h->version == TLS_V_SSL3 ? TLS_V_SSL3 : TLS_V_10);
        u16(out, (unsigned)n);
        buf_add(out, b.data + at, n);
    }
    buf_clear(&b);
}

void hello_record(const struct hello *h, struct buf *out)
{
    hello_records(h, 16384, out);
}

void hello_sslv2(struct buf *out)
{
    static const unsigned char specs[] = {1,    0, 0x80, 2,    0, 0x80, 3,    0, 0x80, 4,   0,
                                          0x80, 5, 0,    0x80, 6, 0,    0x40, 7, 0,    0xc0};
    unsigned char challenge[16];
    (void)RAND_bytes(challenge, sizeof challenge);
    u16(out, 0x8000u | (unsigned)(9 + sizeof specs + sizeof challenge));
    u8(out, 1);
    u16(out, 2);
    u16(out, sizeof specs);
    u16(out, 0);
    u16(out, sizeof challenge);
    buf_add(out, specs, sizeof specs);
    buf_add(out, challenge, sizeof challenge);
}
