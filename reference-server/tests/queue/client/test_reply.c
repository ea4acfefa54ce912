/* Replies of other servers, at every cut. SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "queue/client/reply.h"

static enum reply_step feed(struct reply *r, const char *p, size_t n, size_t *left)
{
    size_t used;
    enum reply_step step = reply_feed(r, (const unsigned char *)p, n, &used);
    *left = n - used;
    return step;
}

START_TEST(a_reply_is_the_same_at_every_cut)
    {
        static const char wire[] =
            "250-5.0.0 no code of ours\r\n250-SIZE 1000\r\n250 2.1.0 fine\r\n";
        for (size_t cut = 1; cut < strlen(wire); cut++) {
            struct reply *r = calloc(1, sizeof *r);
            size_t left;
            char rest[32];
            ck_assert_int_eq(feed(r, wire, cut, &left), REPLY_MORE);
            ck_assert_msg(feed(r, wire + cut, strlen(wire) - cut, &left) == REPLY_DONE, "cut %zu",
                          cut);
            ck_assert_uint_eq(left, 0);
            ck_assert_int_eq(r->code, 250);
            ck_assert_str_eq(r->enhanced, "2.1.0");
            ck_assert_str_eq(r->text, "5.0.0 no code of ours\nSIZE 1000\nfine");
            ck_assert_ptr_nonnull(reply_keyword(r, "size", rest, sizeof rest));
            ck_assert_str_eq(rest, "1000");
            ck_assert_ptr_null(reply_keyword(r, "SIZ", rest, sizeof rest));
            free(r);
        }
    }
END_TEST

START_TEST(what_follows_belongs_to_the_next_reply)
    {
        struct reply *r = calloc(1, sizeof *r);
        size_t left;
        ck_assert_int_eq(feed(r, "220\r\n250 x\r\n", 12, &left), REPLY_DONE);
        ck_assert_int_eq(r->code, 220);
        ck_assert_uint_eq(left, 7);
        free(r);
    }
END_TEST

static const char *const bad[] = {
    "hello\r\n", "25\r\n", "2x0 no\r\n", "250x\r\n", "250-a\r\n251 b\r\n", "\r\n",
};

START_TEST(nonsense_is_no_reply)
    {
        struct reply *r = calloc(1, sizeof *r);
        size_t left;
        ck_assert_msg(feed(r, bad[_i], strlen(bad[_i]), &left) == REPLY_BAD, "\"%s\"", bad[_i]);
        ck_assert_ptr_nonnull(r->why);
        free(r);
    }
END_TEST

START_TEST(a_reply_has_limits)
    {
        struct reply *r = calloc(1, sizeof *r);
        size_t left;
        enum reply_step step = REPLY_MORE;
        for (int i = 0; i < 1000000 && step == REPLY_MORE; i++)
            step = feed(r, "2", 1, &left);
        ck_assert_int_eq(step, REPLY_BAD);
        memset(r, 0, sizeof *r);
        step = REPLY_MORE;
        for (int i = 0; i < 100000 && step == REPLY_MORE; i++)
            step = feed(r, "250-more\r\n", 10, &left);
        ck_assert_int_eq(step, REPLY_BAD);
        free(r);
    }
END_TEST

START_TEST(a_diagnostic_is_one_printable_line)
    {
        struct reply *r = calloc(1, sizeof *r);
        size_t left;
        char text[40];
        static const char wire[] = "550-5.1.1 no\x07\r\n550 5.1.1 way\r\n";
        ck_assert_int_eq(feed(r, wire, sizeof wire - 1, &left), REPLY_DONE);
        reply_diagnostic(r, text, sizeof text);
        ck_assert_str_eq(text, "550 5.1.1 no  way");
        free(r);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("reply");
    TCase *t = tcase_create("reply");
    tcase_add_test(t, a_reply_is_the_same_at_every_cut);
    tcase_add_test(t, what_follows_belongs_to_the_next_reply);
    tcase_add_loop_test(t, nonsense_is_no_reply, 0, sizeof bad / sizeof *bad);
    tcase_add_test(t, a_reply_has_limits);
    tcase_add_test(t, a_diagnostic_is_one_printable_line);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
