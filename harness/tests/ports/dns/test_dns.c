/* What is read out of records and policies, whatever stands in them; zones as a whole are in
 * domain.sh. SPDX-License-Identifier: MIT */
#include "ports/dns/dns.h"

#include <check.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ports/dns/dns_fetch.h"
#include "ports/dns/dns_policy.h"
#include "ports/dns/dns_tlsa.h"

/* --- records --- */

static const unsigned char srv[] = "\0\1\0\2\3\341\4mail\7example";

/* A record that is cut anywhere is none, and nothing is read past its end. */
START_TEST(a_cut_record_is_no_record)
    {
        struct dns_record r;
        ck_assert_int_eq(dns_record_read(DNS_SRV, srv, sizeof srv, &r), 0);
        ck_assert_str_eq(r.name, "mail.example");
        ck_assert_uint_eq(r.preference, 1);
        ck_assert_uint_eq(r.weight, 2);
        ck_assert_uint_eq(r.port, 993);
        dns_record_clear(&r);
        for (size_t n = 0; n < sizeof srv; n++) {
            unsigned char *exact = malloc(n + 1);
            memcpy(exact, srv, n);
            ck_assert_msg(dns_record_read(DNS_SRV, exact, n, &r) == -1, "%zu bytes were enough", n);
            free(exact);
        }
    }
END_TEST

static const struct {
    enum dns_type type;
    const char *bytes;
    size_t n;
    int rc;
} odd_records[] = {
    {DNS_A, "\1\2\3", 3, -1},        {DNS_A, "\1\2\3\4", 4, 0},
    {DNS_AAAA, "\1\2\3\4", 4, -1},   {DNS_TXT, "\5short", 6, 0},
    {DNS_TXT, "\6short", 6, -1},     {DNS_TXT, "", 0, 0},
    {DNS_TLSA, "\3\1\1", 3, -1},     {DNS_TLSA, "\3\1\1x", 4, 0},
    {DNS_CAA, "\0\5issue", 7, 0},    {DNS_CAA, "\0\6issue", 7, -1},
    {DNS_CAA, "\0\0", 2, -1},        {DNS_CAA, "\0\20abcdefghijklmnop", 18, -1},
    {DNS_MX, "\0\1", 2, -1},         {DNS_MX, "\0\1\0", 3, 0},
    {DNS_MX, "\0\1\300\014", 4, -1},
};

START_TEST(odd_records_are_refused_or_read)
    {
        struct dns_record r;
        ck_assert_msg(dns_record_read(odd_records[_i].type,
                                      (const unsigned char *)odd_records[_i].bytes,
                                      odd_records[_i].n, &r) == odd_records[_i].rc,
                      "case %d", _i);
        dns_record_clear(&r);
    }
END_TEST

START_TEST(addresses_have_a_port_or_none)
    {
        static const struct {
            const char *text, *host;
            unsigned port;
        } good[] = {{"127.0.0.1", "127.0.0.1", 53},
                    {"127.0.0.1:5353", "127.0.0.1", 5353},
                    {"::1", "::1", 53},
                    {"[::1]", "::1", 53},
                    {"[::1]:99", "::1", 99}};
        static const char *const bad[] = {"",       "dns.example", "127.0.0.1:", "127.0.0.1:0",
                                          "1.2.3",  "[::1",        "[::1]x",     "127.0.0.1:70000",
                                          "[::1]:", "::1:x"};
        char host[64];
        for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
            uint16_t port = 53;
            ck_assert_msg(dns_parse_address(good[i].text, host, sizeof host, &port) == 0, "%s",
                          good[i].text);
            ck_assert_str_eq(host, good[i].host);
            ck_assert_uint_eq(port, good[i].port);
        }
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            uint16_t port = 53;
            ck_assert_msg(dns_parse_address(bad[i], host, sizeof host, &port) == -1, "%s", bad[i]);
        }
    }
END_TEST

/* With a zone file alone a name outside of it is asked of nobody. */
START_TEST(a_zone_file_answers_for_itself_only)
    {
        char path[] = "/tmp/mailproof-zone-XXXXXX";
        int fd = mkstemp(path);
        static const char text[] = "a.example. 60 IN SOA ns h 1 2 3 4 5\na.example. 60 IN NS "
                                   "ns.a.example.\nns.a.example. 60 IN A 127.0.0.1\n"
                                   "c.a.example. 60 IN CNAME ns.a.example.\n";
        const char *zones[] = {path};
        struct dns_options o = {.zones = zones, .zones_n = 1, .timeout_ms = 5000};
        struct dns *d = NULL;
        struct dns_answer a;
        struct err err;
        ck_assert_int_eq(write(fd, text, sizeof text - 1), sizeof text - 1);
        close(fd);
        ck_assert_msg(dns_open(&o, &d, &err) == 0, "%s", err.text);
        ck_assert(!dns_validates(d));
        dns_ask(d, "c.a.example", DNS_A, &a);
        ck_assert_int_eq(a.state, DNS_FOUND);
        ck_assert_str_eq(a.alias, "ns.a.example");
        ck_assert(!a.secure);
        dns_answer_clear(&a);
        dns_ask(d, "a.example", DNS_MX, &a);
        ck_assert_int_eq(a.state, DNS_NODATA);
        dns_ask(d, "x.a.example", DNS_MX, &a);
        ck_assert_int_eq(a.state, DNS_NXDOMAIN);
        dns_ask(d, "xa.example", DNS_MX, &a);
        ck_assert_int_eq(a.state, DNS_ELSEWHERE);
        dns_close(d);
        unlink(path);
    }
END_TEST

/* --- policies --- */

static const struct {
    const char *text, *why; /* NULL: it is good */
} policies[] = {
    {"version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 1\n", NULL},
    {"max_age:86400 \r\nmx:\t*.a.example\r\nfuture: x y\r\nmode:testing\r\nversion:STSv1", NULL},
    {"version: STSv1\nmode: none\nmax_age: 0\n", NULL},
    {"version: STSv1\nmode: none\nmode: enforced\nmax_age: 0\n", NULL}, /* the first counts */
    {"", "no version"},
    {"version: STSv1\nmode: enforce\nmax_age: 1\n", "names no mx"},
    {"version: STSv2\nmode: none\nmax_age: 1\n", "line 1"},
    {"version: STSv1\nmode: Enforce\nmx: a.example\nmax_age: 1\n", "line 2"},
    {"version: STSv1\nmode: none\nmax_age: 31557601\n", "line 3"},
    {"version: STSv1\nmode: none\nmax_age: -1\n", "line 3"},
    {"version: STSv1\nmode: none\nmax_age: 1d\n", "line 3"},
    {"version: STSv1\nmode: none\nmax_age: 1\nmx: a.*.example\n", "line 4"},
    {"version: STSv1\nmode: none\nmax_age: 1\nmx: f*.example\n", "line 4"},
    {"version: STSv1\nmode: none\nmax_age: 1\nmx: a..example\n", "line 4"},
    {"version: STSv1\nno colon\n", "line 2"},
};

START_TEST(policies_are_read_as_they_are_written)
    {
        struct policy p;
        struct err err = {""};
        int rc = policy_read(policies[_i].text, strlen(policies[_i].text), &p, &err);
        if (policies[_i].why == NULL)
            ck_assert_msg(rc == 0, "%s: %s", policies[_i].text, err.text);
        else
            ck_assert_msg(rc == -1 && strstr(err.text, policies[_i].why) != NULL, "%s: %s",
                          policies[_i].text, err.text);
    }
END_TEST

/* RFC 8461, 4.1: a star is one whole label, no more and no less. */
START_TEST(a_wildcard_covers_one_label)
    {
        struct policy p = {.mx = {"*.a.example", "b.example"}, .mx_n = 2};
        ck_assert(policy_covers(&p, "mx.A.example"));
        ck_assert(policy_covers(&p, "B.example"));
        ck_assert(!policy_covers(&p, "a.example"));
        ck_assert(!policy_covers(&p, "x.mx.a.example"));
        ck_assert(!policy_covers(&p, "mx.b.example"));
    }
END_TEST

START_TEST(records_of_policies_are_held_to_their_grammar)
    {
        struct err err;
        ck_assert_int_eq(policy_sts_record("v=STSv1; id=a1;", &err), 0);
        ck_assert_int_eq(policy_sts_record("v=STSv1;x=y;id=a1", &err), 0);
        ck_assert_int_eq(policy_sts_record("v=STSv1; x=y", &err), -1);
        ck_assert_int_eq(policy_sts_record("v=STSv1; id=", &err), -1);
        ck_assert_int_eq(policy_sts_record("v=STSv1; id=a-1", &err), -1);
        ck_assert_int_eq(policy_sts_record("v=STSv1; id=012345678901234567890123456789012", &err),
                         -1);
        ck_assert_int_eq(policy_report_record("v=TLSRPTv1; rua=mailto:a@b , https://c/", &err), 0);
        ck_assert_int_eq(policy_report_record("v=TLSRPTv1; rua=mailto:a@b,http://c/", &err), -1);
        ck_assert_int_eq(policy_report_record("v=TLSRPTv1", &err), -1);
    }
END_TEST

/* --- HTTP --- */

static const struct {
    const char *bytes;
    int rc, status;
    const char *body;
} responses[] = {
    {"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello", 0, 200, "hello"},
    {"HTTP/1.0 404 No\n\nx", 0, 404, "x"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhello", 0, 200, "hel"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", -1, 200, NULL},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", 0,
     200, "hello"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhe", -1, 200, NULL},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\nhe", -1, 200, NULL},
    {"220 mx.example ESMTP\r\n", -1, 0, NULL},
    {"", -1, 0, NULL},
    {"\n\n", -1, 0, NULL},
};

START_TEST(http_is_read_as_far_as_it_goes)
    {
        struct fetched f = {0};
        struct err err;
        size_t n = strlen(responses[_i].bytes);
        char *exact = malloc(n + 1);
        memcpy(exact, responses[_i].bytes, n);
        ck_assert_msg(fetch_read(exact, n, &f, &err) == responses[_i].rc, "case %d", _i);
        ck_assert_int_eq(f.status, responses[_i].status);
        if (responses[_i].body != NULL)
            ck_assert_str_eq(f.body, responses[_i].body);
        fetched_clear(&f);
        free(exact);
    }
END_TEST

/* --- TLSA --- */

static EVP_PKEY *keys[2];

static X509 *certify(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *by)
{
    X509 *x = X509_new();
    (void)X509_set_version(x, X509_VERSION_3);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
    (void)X509_gmtime_adj(X509_getm_notBefore(x), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                     (const unsigned char *)name, -1, -1, 0);
    (void)X509_set_issuer_name(x, X509_get_subject_name(issuer != NULL ? issuer : x));
    (void)X509_set_pubkey(x, key);
    (void)X509_sign(x, by, EVP_sha256());
    return x;
}

static struct dns_record record_of(X509 *x, unsigned usage, unsigned selector, unsigned matching)
{
    struct dns_record r = {.usage = usage, .selector = selector, .matching = matching};
    unsigned char *der = NULL;
    int n = selector == 0 ? i2d_X509(x, &der) : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    unsigned int len = 0;
    r.data = malloc(matching == 0 ? (size_t)n : EVP_MAX_MD_SIZE);
    r.len = (size_t)n;
    if (matching == 0) {
        memcpy(r.data, der, (size_t)n);
    } else {
        (void)EVP_Digest(der, (size_t)n, r.data, &len, matching == 1 ? EVP_sha256() : EVP_sha512(),
                         NULL);
        r.len = len;
    }
    OPENSSL_free(der);
    return r;
}

START_TEST(a_tlsa_record_speaks_of_leaf_or_authority)
    {
        keys[0] = EVP_EC_gen("P-256");
        keys[1] = EVP_EC_gen("P-256");
        X509 *ca = certify("authority", keys[0], NULL, keys[0]);
        X509 *leaf = certify("mx.example", keys[1], ca, keys[0]);
        X509 *foreign =
            certify("mx.example", keys[1], ca, keys[1]); /* not signed by the CA's key */
        STACK_OF(X509) *good = sk_X509_new_null(), *bad = sk_X509_new_null();
        (void)sk_X509_push(good, leaf);
        (void)sk_X509_push(good, ca);
        (void)sk_X509_push(bad, foreign);
        (void)sk_X509_push(bad, ca);
        const struct {
            X509 *of;
            unsigned usage, selector, matching;
            STACK_OF(X509) * chain;
            bool name_ok, trusted, mx;
            enum tlsa_outcome outcome;
        } cases[] = {
            {leaf, 3, 1, 1, good, false, false, true, TLSA_MATCHES},
            {leaf, 3, 0, 2, good, false, false, true, TLSA_MATCHES},
            {leaf, 3, 0, 0, good, false, false, true, TLSA_MATCHES},
            {ca, 3, 1, 1, good, true, true, true, TLSA_OTHER},
            {ca, 2, 1, 1, good, true, false, true, TLSA_MATCHES},
            {ca, 2, 0, 1, good, false, false, true, TLSA_IN_VAIN},
            {ca, 2, 1, 1, bad, true, false, true, TLSA_IN_VAIN},
            {leaf, 2, 1, 1, good, true, true, true, TLSA_OTHER},
            {leaf, 1, 1, 1, good, true, true, true, TLSA_USELESS},
            {leaf, 1, 1, 1, good, true, true, false, TLSA_MATCHES},
            {leaf, 1, 1, 1, good, true, false, false, TLSA_IN_VAIN},
            {ca, 0, 1, 1, good, true, true, false, TLSA_MATCHES},
            {leaf, 4, 1, 1, good, true, true, true, TLSA_USELESS},
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct dns_record r =
                record_of(cases[i].of, cases[i].usage, cases[i].selector, cases[i].matching);
            struct tlsa_served s = {cases[i].chain, cases[i].trusted, cases[i].name_ok,
                                    cases[i].mx};
            const char *why = NULL;
            enum tlsa_outcome got = tlsa_judge(&r, &s, &why);
            ck_assert_msg(got == cases[i].outcome, "case %zu: %d, %s", i, (int)got, why);
            dns_record_clear(&r);
        }
        struct dns_record r = record_of(leaf, 3, 1, 1);
        struct tlsa_served s = {good, false, false, true};
        r.len--;
        ck_assert_int_eq(tlsa_judge(&r, &s, NULL), TLSA_USELESS);
        dns_record_clear(&r);
        sk_X509_free(good);
        sk_X509_free(bad);
        X509_free(ca);
        X509_free(leaf);
        X509_free(foreign);
        EVP_PKEY_free(keys[0]);
        EVP_PKEY_free(keys[1]);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("dns");
    TCase *t = tcase_create("dns");
    tcase_add_test(t, a_cut_record_is_no_record);
    tcase_add_loop_test(t, odd_records_are_refused_or_read, 0,
                        (int)(sizeof odd_records / sizeof *odd_records));
    tcase_add_test(t, addresses_have_a_port_or_none);
    tcase_add_test(t, a_zone_file_answers_for_itself_only);
    tcase_add_loop_test(t, policies_are_read_as_they_are_written, 0,
                        (int)(sizeof policies / sizeof *policies));
    tcase_add_test(t, a_wildcard_covers_one_label);
    tcase_add_test(t, records_of_policies_are_held_to_their_grammar);
    tcase_add_loop_test(t, http_is_read_as_far_as_it_goes, 0,
                        (int)(sizeof responses / sizeof *responses));
    tcase_add_test(t, a_tlsa_record_speaks_of_leaf_or_authority);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
