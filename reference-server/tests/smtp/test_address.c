/* The address grammar: what is a path, what is none, and what is kept of it.
 * SPDX-License-Identifier: MIT */
#include "smtp/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define LABEL A60 "aaa" /* 63 */

static const struct {
    const char *text, *local, *domain, *mailbox;
} good[] = {
    {"<a@b>", "a", "b", "a@b"},
    {"<user@test.example>", "user", "test.example", "user@test.example"},
    {"<!#$%&'*+-/=?^_`{|}~.x@b.c>", "!#$%&'*+-/=?^_`{|}~.x", "b.c", "!#$%&'*+-/=?^_`{|}~.x@b.c"},
    {"<\"a b\"@b.c>", "a b", "b.c", "\"a b\"@b.c"},
    {"<\"us\\er\"@b.c>", "user", "b.c", "\"us\\er\"@b.c"},
    {"<\"a\\\"\\\\@>\"@b.c>", "a\"\\@>", "b.c", "\"a\\\"\\\\@>\"@b.c"},
    {"<\"\"@b.c>", "", "b.c", "\"\"@b.c"},
    {"<@one.example,@two.example:user@b.c>", "user", "b.c", "user@b.c"},
    {"<@one.example:user@b.c>", "user", "b.c", "user@b.c"},
    {"<a@1.2.3.4>", "a", "1.2.3.4", "a@1.2.3.4"},
    {"<a@b-c.d--e>", "a", "b-c.d--e", "a@b-c.d--e"},
    {"<a@[192.0.2.1]>", "a", "[192.0.2.1]", "a@[192.0.2.1]"},
    {"<a@[IPv6:2001:db8::1]>", "a", "[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]"},
    {"<a@[ipv6:::]>", "a", "[ipv6:::]", "a@[ipv6:::]"},
    {"<a@[IPv6:1:2:3:4:5:6:7:8]>", "a", "[IPv6:1:2:3:4:5:6:7:8]", "a@[IPv6:1:2:3:4:5:6:7:8]"},
    {"<a@[IPv6:1:2:3:4:5:6:192.0.2.1]>", "a", "[IPv6:1:2:3:4:5:6:192.0.2.1]", NULL},
    {"<a@[IPv6:1:2:3::4:192.0.2.1]>", "a", "[IPv6:1:2:3::4:192.0.2.1]", NULL},
    {"<a@[IPv6:1::2:3:4:5:6]>", "a", "[IPv6:1::2:3:4:5:6]", NULL},
    {"<a@[tag:text]>", "a", "[tag:text]", NULL},
    {"<" A60 "aaaa@b.c>", A60 "aaaa", "b.c", NULL},
    {"<a@" LABEL ">", "a", LABEL, NULL},
    {"<postmaster>", "postmaster", "", "postmaster"},
    {"<PostMaster>", "PostMaster", "", "PostMaster"},
    {"<\xc3\xa4@b\xc3\xbc.c>", "\xc3\xa4", "b\xc3\xbc.c", "\xc3\xa4@b\xc3\xbc.c"},
};

static const char *const bad[] = {
    "",
    "a@b",
    "<a@b",
    "<",
    "<>",
    "< a@b>",
    "<a@b >",
    "<a>",
    "<a@>",
    "<@b>",
    "<.a@b>",
    "<a.@b>",
    "<a..b@c>",
    "<a b@c>",
    "<a(b)@c>",
    "<a@b..c>",
    "<a@.b>",
    "<a@b.>",
    "<a@-b>",
    "<a@b->",
    "<a@b_c>",
    "<a@#123>",
    "<a@b@c>",
    "<\"a@b>",
    "<\"a\"b@c>",
    "<\"a\tb\"@c>",
    "<a@[1.2.3]>",
    "<a@[256.1.1.1]>",
    "<a@[1.2.3.4.5]>",
    "<a@[1.2.3.4>",
    "<a@[]>",
    "<a@[IPv6:1:2:3:4:5:6:7]>",
    "<a@[IPv6:1:2:3:4:5:6:7::]>", /* seven groups beside :: */
    "<a@[IPv6:1::2:3:4:5:6:7]>",
    "<a@[IPv6:1::2::3]>",
    "<a@[IPv6::::]>",
    "<a@[IPv6:1:2:3:4:5:6:7:]>",
    "<a@[IPv6:12345::]>",
    "<a@[IPv6:1:2:3:4:5::192.0.2.1]>",
    "<a@[IPv6:::192.0.2.256]>",
    "<@one.example user@b.c>",
    "<@one.example,:user@b.c>",
    "<@:user@b.c>",
    "<" A60 "aaaaa@b.c>",
    "<a@" LABEL "a>",
    "<\xff@b.c>",
    "<\xc0\xaf@b.c>",
    "<a@\xed\xa0\x80.c>",
};

START_TEST(a_path_is_read_and_taken_apart)
    {
        struct smtp_path p;
        const char *why = NULL, *text = good[_i].text;
        size_t used = 0;
        ck_assert_msg(smtp_path_parse(text, strlen(text), SMTP_PATH_POSTMASTER, &p, &used, &why) ==
                          0,
                      "%s: %s", text, why);
        ck_assert_uint_eq(used, strlen(text));
        ck_assert_str_eq(p.local, good[_i].local);
        ck_assert_str_eq(p.domain, good[_i].domain);
        if (good[_i].mailbox != NULL)
            ck_assert_str_eq(p.mailbox, good[_i].mailbox);
        ck_assert_int_eq(p.literal, good[_i].domain[0] == '[');
        ck_assert_int_eq(p.eight_bit, strstr(text, "\xc3") != NULL);
    }
END_TEST

START_TEST(what_is_no_path_is_refused_in_words)
    {
        struct smtp_path p;
        const char *why = NULL, *text = bad[_i];
        size_t used = 0;
        ck_assert_msg(smtp_path_parse(text, strlen(text), SMTP_PATH_POSTMASTER, &p, &used, &why) !=
                          0,
                      "%s was taken", text);
        ck_assert_ptr_nonnull(why);
    }
END_TEST

/* No prefix of a path is one, and none is read past its end (ASan watches the copy). */
START_TEST(no_prefix_of_a_path_is_a_path)
    {
        const char *text = good[_i].text;
        for (size_t n = 0; n < strlen(text); n++) {
            char *cut = malloc(n + 1);
            ck_assert_ptr_nonnull(cut);
            memcpy(cut, text, n);
            struct smtp_path p;
            const char *why = NULL;
            size_t used = 0;
            char *exact = realloc(cut, n > 0 ? n : 1);
            ck_assert_msg(smtp_path_parse(exact, n, SMTP_PATH_POSTMASTER, &p, &used, &why) != 0,
                          "%s cut after %zu", text, n);
            free(exact);
        }
    }
END_TEST

START_TEST(the_null_path_and_postmaster_are_special)
    {
        struct smtp_path p;
        const char *why = NULL;
        size_t used = 0;
        ck_assert_int_eq(smtp_path_parse("<> X", 4, SMTP_PATH_NULL, &p, &used, &why), 0);
        ck_assert(p.null);
        ck_assert_uint_eq(used, 2);
        ck_assert_int_ne(smtp_path_parse("<postmaster>", 12, SMTP_PATH_NULL, &p, &used, &why), 0);
        ck_assert_int_ne(smtp_path_parse("<>", 2, SMTP_PATH_POSTMASTER, &p, &used, &why), 0);
    }
END_TEST

/* RFC 5321, 4.5.3.1.3: 256 octets with the angle brackets. */
START_TEST(a_path_has_256_octets_at_most)
    {
        char text[400];
        struct smtp_path p;
        const char *why = NULL;
        size_t used = 0;
        for (size_t total = 250; total < 262; total++) {
            size_t n = (size_t)snprintf(text, sizeof text, "<%s@", A60);
            while (n + 1 < total)
                n += (size_t)snprintf(text + n, sizeof text - n, "%s",
                                      (n % 50 == 0 && n + 2 < total) ? "." : "d");
            text[n++] = '>';
            int rc = smtp_path_parse(text, n, 0, &p, &used, &why);
            ck_assert_msg((rc == 0) == (n <= 256), "%zu octets: %s", n, rc == 0 ? "taken" : why);
        }
    }
END_TEST

START_TEST(domains_and_literals_of_ehlo)
    {
        static const char *const yes[] = {"a", "localhost", "client.example", "1.2", "a-b.c"},
                                 *const no[] = {"", ".", "a.", "-a", "a_b", "a b", "[1.2.3.4]"};
        for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
            ck_assert_msg(smtp_domain_ok(yes[i], strlen(yes[i])), "%s", yes[i]);
        for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
            ck_assert_msg(!smtp_domain_ok(no[i], strlen(no[i])), "%s", no[i]);
        ck_assert(smtp_literal_ok("[127.0.0.1]", 11));
        ck_assert(smtp_literal_ok("[IPv6:::1]", 10));
        ck_assert(!smtp_literal_ok("[127.0.0.1] ", 12));
        ck_assert(!smtp_literal_ok("127.0.0.1", 9));
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("smtp address");
    TCase *t = tcase_create("all");
    int count = (int)(sizeof good / sizeof good[0]);
    tcase_add_loop_test(t, a_path_is_read_and_taken_apart, 0, count);
    tcase_add_loop_test(t, what_is_no_path_is_refused_in_words, 0,
                        (int)(sizeof bad / sizeof bad[0]));
    tcase_add_loop_test(t, no_prefix_of_a_path_is_a_path, 0, count);
    tcase_add_test(t, the_null_path_and_postmaster_are_special);
    tcase_add_test(t, a_path_has_256_octets_at_most);
    tcase_add_test(t, domains_and_literals_of_ehlo);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
