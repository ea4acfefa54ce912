/* Text decoded as SEARCH sees it. SPDX-License-Identifier: MIT */
#include <string.h>

#include <check.h>

#include "mime/text.h"

static const struct {
    const char *encoding, *charset, *in, *out;
} bodies[] = {
    {NULL, NULL, "plain", "plain"},
    {"7bit", "us-ascii", "plain", "plain"},
    {"base64", NULL, "aGVs\r\nbG8=\r\n", "hello"},
    {"BASE64", "utf-8", "w6Q=", "ä"},
    {"base64", "iso-8859-1", "5A==", "ä"},
    {"base64", NULL, "aGVs*bG8", "hello"},
    {"quoted-printable", NULL, "a=3Db =\r\nc=\n d", "a=b c d"},
    {"quoted-printable", "iso-8859-1", "=E4=f6", "äö"},
    {"quoted-printable", NULL, "a=ZZ =", "a=ZZ ="},
    {"8bit", "iso-8859-15", "\xa4", "€"},
    {NULL, "no-such-charset", "abc", "abc"},
    {NULL, "../../etc/passwd", "abc", "abc"},
    {"quoted-printable", "iso-2022-jp", "=1B$B$3=1B(B", "こ"},
};

START_TEST(bodies_decoded)
    {
        struct arena a = {0};
        const char *in = bodies[_i].in;
        struct text t = text_decode(&a, (const unsigned char *)in, strlen(in), bodies[_i].encoding);
        t = text_utf8(&a, t, bodies[_i].charset);
        ck_assert_msg(t.n == strlen(bodies[_i].out) && memcmp(t.p, bodies[_i].out, t.n) == 0,
                      "%s: %.*s", in, (int)t.n, t.p);
        arena_free(&a);
    }
END_TEST

static const struct {
    const char *in, *out;
} fields[] = {
    {"plain text", "plain text"},
    {"=?utf-8?Q?=C3=A4_b?=", "ä b"},
    {"=?ISO-8859-1?B?5A==?=", "ä"},
    {"=?utf-8*de?q?x?=", "x"},
    {"a =?utf-8?q?b?= c", "a b c"},
    {"=?utf-8?q?a?= =?utf-8?q?b?=", "ab"},
    {"=?utf-8?q?a?=\r\n =?utf-8?q?b?= c", "ab c"},
    {"=?utf-8?q?a b?=", "=?utf-8?q?a b?="},
    {"=?utf-8?x?a?=", "=?utf-8?x?a?="},
    {"=?utf-8?q?a", "=?utf-8?q?a"},
    {"folded\r\n line", "folded line"},
    {"==?", "==?"},
};

START_TEST(encoded_words)
    {
        struct arena a = {0};
        struct text t = text_words(&a, (const unsigned char *)fields[_i].in, strlen(fields[_i].in));
        ck_assert_msg(t.n == strlen(fields[_i].out) && memcmp(t.p, fields[_i].out, t.n) == 0,
                      "%s: \"%.*s\"", fields[_i].in, (int)t.n, t.p);
        arena_free(&a);
    }
END_TEST

START_TEST(case_is_folded_beyond_ascii)
    {
        struct arena a = {0};
        struct text needle = {(const unsigned char *)"äß", 4};
        struct text hay = {(const unsigned char *)"xÄßx", 6};
        ck_assert(text_has(&a, hay, text_fold(&a, needle, false), false));
        needle = (struct text){(const unsigned char *)"HeL", 3};
        hay = (struct text){(const unsigned char *)"sHELl", 5};
        ck_assert(text_has(&a, hay, text_fold(&a, needle, true), true));
        arena_free(&a);
    }
END_TEST

static const struct {
    const char *in;
    long day; /* -1: none */
} dates[] = {
    {" Fri, 2 Jan 1970 23:59:59 -1200", 1},
    {"2 Jan 70 00:00 GMT", 1},
    {"Thu, 01 Jan 1970", 0},
    {"Sat, 29 Feb 2020 10:00:00 +0000 (CET)", 18321},
    {"1 Jan 100 00:00:00 +0000", 10957}, /* 2000, RFC 5322, 4.3 */
    {"yesterday", -1},
    {"", -1},
    {"32 Jan 2000", -1},
};

START_TEST(days_of_date_fields)
    {
        long day = -1;
        bool ok = text_date((const unsigned char *)dates[_i].in, strlen(dates[_i].in), &day);
        ck_assert_msg(ok == (dates[_i].day >= 0) && (!ok || day == dates[_i].day), "%s: %ld",
                      dates[_i].in, day);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("text");
    TCase *t = tcase_create("text");
    tcase_add_loop_test(t, bodies_decoded, 0, sizeof bodies / sizeof *bodies);
    tcase_add_loop_test(t, encoded_words, 0, sizeof fields / sizeof *fields);
    tcase_add_test(t, case_is_folded_beyond_ascii);
    tcase_add_loop_test(t, days_of_date_fields, 0, sizeof dates / sizeof *dates);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
