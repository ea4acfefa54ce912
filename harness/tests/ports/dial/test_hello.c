/* Hand-made ClientHellos are well formed, and answers are read the same however they are cut.
 * SPDX-License-Identifier: MIT */
#include "ports/dial/hello.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ports/dial/suites.h"

static size_t u16(const unsigned char *p)
{
    return (size_t)p[0] << 8 | p[1];
}

static size_t u24(const unsigned char *p)
{
    return (size_t)p[0] << 16 | u16(p + 1);
}

static const uint16_t two[] = {0xc02f, 0x1301};

/* Walks a ClientHello by its lengths; the extensions' types in seen. */
static void walk(const unsigned char *m, size_t n, bool seen[65536])
{
    ck_assert_uint_eq(m[0], 1);
    ck_assert_uint_eq(u24(m + 1) + 4, n);
    size_t at = 4 + 2 + 32;
    at += 1 + m[at];
    at += 2 + u16(m + at);
    at += 1 + m[at];
    if (at == n)
        return;
    ck_assert_uint_eq(u16(m + at) + at + 2, n);
    at += 2;
    while (at < n) {
        ck_assert_uint_le(at + 4, n);
        ck_assert_msg(!seen[u16(m + at)], "extension %zu stands twice", u16(m + at));
        seen[u16(m + at)] = true;
        at += 4 + u16(m + at + 2);
    }
    ck_assert_uint_eq(at, n);
}

/* Whatever is asked for, the lengths of the message agree. */
START_TEST(lengths_agree)
    {
        static const int versions[] = {TLS_V_SSL3, TLS_V_10, TLS_V_11, TLS_V_12, TLS_V_13};
        static bool seen[65536];
        struct hello h;
        struct buf b;
        memset(seen, 0, sizeof seen);
        hello_init(&h, versions[_i], "mail.example");
        h.suites = two;
        h.suites_n = 2;
        h.grease = h.etm = h.truncated_hmac = h.status_request = h.heartbeat = h.ticket =
            h.deflate = h.unknown_extension = h.fallback_scsv = true;
        h.alpn = "imap";
        h.padding = 1000;
        buf_init(&b, 1 << 16);
        hello_message(&h, &b);
        walk(b.data, b.len, seen);
        ck_assert(versions[_i] == TLS_V_SSL3 || (seen[0] && seen[16] && seen[21] && seen[23]));
        ck_assert_int_eq(seen[43], versions[_i] == TLS_V_13);
        ck_assert_int_eq(seen[51], versions[_i] == TLS_V_13);
        buf_clear(&b);
    }
END_TEST

/* Records of any size carry the same message. */
START_TEST(records_carry_the_message)
    {
        struct hello h;
        struct buf b;
        hello_init(&h, TLS_V_12, NULL);
        h.suites = two;
        h.suites_n = 1;
        buf_init(&b, 1 << 16);
        hello_records(&h, 16, &b);
        size_t at = 0, total = 0, message = 0;
        while (at < b.len) {
            ck_assert_uint_eq(b.data[at], 22);
            if (at == 0)
                message = u24(b.data + 6) + 4;
            size_t n = u16(b.data + at + 3);
            ck_assert_uint_le(n, 16);
            total += n;
            at += 5 + n;
        }
        ck_assert_uint_eq(total, message);
        buf_clear(&b);
    }
END_TEST

/* A ServerHello of TLS 1.2 with extended_master_secret and the downgrade mark. */
static size_t server_hello(unsigned char *out, bool certificate)
{
    static const unsigned char head[] = {22, 3, 3, 0, 51, 2, 0, 0, 47, 3, 3};
    static const unsigned char tail[] = {0, 0xc0, 0x2f, 0, 0, 4, 0, 23, 0, 0};
    size_t n = 0;
    memcpy(out, head, sizeof head);
    n += sizeof head;
    memset(out + n, 7, 24);
    memcpy(out + n + 24, "DOWNGRD\x01", 8);
    n += 32;
    /* The list below is one byte longer than the record says without its last field. */
    memcpy(out + n, tail, sizeof tail);
    n += sizeof tail;
    out[4] = (unsigned char)(n - 5);
    out[8] = (unsigned char)(n - 9);
    if (certificate) {
        static const unsigned char rest[] = {22, 3,   3,   0,   13, 11, 0, 0, 9, 0,  0, 6, 0, 0,
                                             3,  'a', 'b', 'c', 22, 3,  3, 0, 4, 14, 0, 0, 0};
        memcpy(out + n, rest, sizeof rest);
        n += sizeof rest;
    }
    return n;
}

START_TEST(a_server_hello_at_every_cut)
    {
        unsigned char wire[256];
        struct answer a = {0};
        size_t n = server_hello(wire, true);
        for (size_t cut = 0; cut < n; cut++)
            ck_assert_msg(hello_read(wire, cut, true, &a) == ANSWER_MORE || cut == 0,
                          "cut after byte %zu", cut);
        ck_assert_int_eq(hello_read(wire, n, true, &a), ANSWER_SERVER);
        ck_assert_int_eq(a.version, TLS_V_12);
        ck_assert_uint_eq(a.suite, 0xc02f);
        ck_assert(a.ems && a.downgrade12 && a.done && !a.certificate_request);
        ck_assert_uint_eq(a.certificates_len, 6);
        answer_clear(&a);
    }
END_TEST

START_TEST(without_the_flight_the_server_hello_is_enough)
    {
        unsigned char wire[256];
        struct answer a = {0};
        size_t n = server_hello(wire, false);
        ck_assert_int_eq(hello_read(wire, n, false, &a), ANSWER_SERVER);
        ck_assert_int_eq(hello_read(wire, n, true, &a), ANSWER_MORE);
        ck_assert_int_eq(a.kind, ANSWER_MORE); /* the answer says the same as the call */
        answer_clear(&a);
    }
END_TEST

START_TEST(other_answers)
    {
        static const unsigned char alert[] = {21, 3, 3, 0, 2, 2, 70},
                                   warning[] = {21, 3, 3, 0, 2, 1, 112};
        static const unsigned char ssl2[] = {0x80, 14, 4, 0, 1, 0, 2, 0, 0, 0, 3, 0, 0, 1, 0, 0x80};
        struct answer a = {0};
        ck_assert_int_eq(hello_read(alert, sizeof alert, false, &a), ANSWER_ALERT);
        ck_assert_int_eq(a.alert, 70);
        ck_assert_int_eq(hello_read(warning, sizeof warning, false, &a), ANSWER_MORE);
        ck_assert(a.warning && a.warning_alert == 112);
        ck_assert_int_eq(hello_read((const unsigned char *)"220 mx\r\n", 8, false, &a),
                         ANSWER_TEXT);
        ck_assert_int_eq(hello_read(ssl2, sizeof ssl2, false, &a), ANSWER_SSL2);
        answer_clear(&a);
    }
END_TEST

/* Bytes that lie about their lengths are read without a step beyond the end; the sanitizers watch.
 */
START_TEST(lies_are_harmless)
    {
        unsigned char wire[256];
        struct answer a = {0};
        size_t n = server_hello(wire, true);
        for (size_t i = 0; i < n; i++)
            for (int v = 0; v < 256; v += 5) {
                unsigned char *copy = malloc(n);
                memcpy(copy, wire, n);
                copy[i] = (unsigned char)v;
                (void)hello_read(copy, n, true, &a);
                free(copy);
            }
        answer_clear(&a);
    }
END_TEST

/* Families and weaknesses come from names; these are the ones that decide over checks. */
START_TEST(suites_are_told_apart)
    {
        static const struct {
            uint16_t code;
            enum suite_family family;
            unsigned has, has_not;
        } t[] = {
            {0x0004, FAMILY_RSA, SUITE_RC4, SUITE_AEAD},
            {0x000a, FAMILY_RSA, SUITE_OLD | SUITE_CBC, SUITE_WEAK},
            {0x0009, FAMILY_RSA, SUITE_WEAK, SUITE_OLD},
            {0x0003, FAMILY_RSA, SUITE_WEAK | SUITE_RC4, 0},
            {0x0034, FAMILY_ANON, SUITE_CBC, 0},
            {0x009e, FAMILY_DHE, SUITE_AEAD, SUITE_CBC},
            {0xc02f, FAMILY_ECDHE, SUITE_AEAD, SUITE_WEAK},
            {0xc02b, FAMILY_ECDHE, SUITE_ECDSA | SUITE_AEAD, 0},
            {0xc006, FAMILY_ECDHE, SUITE_NULL, 0},
            {0xc004, FAMILY_STATIC_DH, SUITE_CBC, 0},
            {0x008c, FAMILY_PSK, SUITE_CBC, 0},
            {0x1301, FAMILY_13, SUITE_AEAD, 0},
        };
        for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
            size_t n;
            (void)suites_all(&n);
            const struct suite *s = suite_of(t[i].code);
            ck_assert_msg(s != NULL, "suite 0x%04x", t[i].code);
            ck_assert_msg(s->family == t[i].family, "%s is %s", s->name,
                          suite_family_word(s->family));
            ck_assert_msg((s->flags & t[i].has) == t[i].has && (s->flags & t[i].has_not) == 0,
                          "%s has %u", s->name, s->flags);
        }
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("hello");
    TCase *t = tcase_create("hello");
    tcase_add_loop_test(t, lengths_agree, 0, 5);
    tcase_add_test(t, records_carry_the_message);
    tcase_add_test(t, a_server_hello_at_every_cut);
    tcase_add_test(t, without_the_flight_the_server_hello_is_enough);
    tcase_add_test(t, other_answers);
    tcase_add_test(t, lies_are_harmless);
    tcase_add_test(t, suites_are_told_apart);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
