/* The lexer finds lines and literals however the network cuts them. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "imap/grammar/lexer.h"

/* Feeds everything, taking each literal (or dropping it); the last step. */
static enum lexer_step feed(struct lexer *lx, const char *bytes, size_t n, bool take)
{
    enum lexer_step step = LEXER_MORE;
    for (size_t at = 0; at < n;) {
        size_t used;
        step = lexer_feed(lx, (const unsigned char *)bytes + at, n - at, &used);
        at += used;
        if (step == LEXER_LITERAL) {
            if (take) {
                lexer_take(lx);
            } else {
                lexer_drop(lx);
            }
            step = lexer_feed(lx, (const unsigned char *)bytes + at, 0, &used);
        }
        if (step == LEXER_DONE || step == LEXER_LONG) {
            return step;
        }
    }
    return step;
}

START_TEST(two_literals_at_every_cut)
    {
        static const char wire[] = "a LOGIN {5}\r\nus\r\ner {4+}\r\npass\r\n";
        for (size_t cut = 0; cut <= strlen(wire); cut++) {
            struct lexer lx;
            lexer_init(&lx, 100);
            enum lexer_step step = feed(&lx, wire, cut, true);
            if (cut < strlen(wire)) {
                step = feed(&lx, wire + cut, strlen(wire) - cut, true);
            }
            ck_assert_msg(step == LEXER_DONE, "cut after byte %zu", cut);
            ck_assert_uint_eq(lx.literal_count, 2);
            ck_assert_uint_eq(lx.literals[0].len, 5);
            ck_assert_msg(memcmp(lx.literals[0].data, "us\r\ne", 5) == 0, "cut after byte %zu",
                          cut);
            ck_assert(lx.literals[0].sync);
            ck_assert(!lx.literals[1].sync);
            ck_assert_str_eq((const char *)lx.literals[1].data, "pass");
            ck_assert_uint_eq(lx.text.len, strlen("a LOGIN {5}\r\nr {4+}\r\n\r\n"));
            lexer_free(&lx);
        }
    }
END_TEST

START_TEST(a_bare_lf_ends_nothing)
    {
        struct lexer lx;
        lexer_init(&lx, 100);
        ck_assert_int_eq(feed(&lx, "a NOOP\n", 7, true), LEXER_MORE);
        ck_assert_int_eq(feed(&lx, "b NOOP\r\n", 8, true), LEXER_DONE);
        ck_assert_uint_eq(lx.text.len, 15);
        lexer_free(&lx);
    }
END_TEST

START_TEST(bytes_behind_a_command_are_left)
    {
        struct lexer lx;
        size_t used;
        lexer_init(&lx, 100);
        ck_assert_int_eq(lexer_feed(&lx, (const unsigned char *)"a X\r\nb Y\r\n", 10, &used),
                         LEXER_DONE);
        ck_assert_uint_eq(used, 5);
        lexer_reset(&lx);
        ck_assert(lexer_idle(&lx));
        lexer_free(&lx);
    }
END_TEST

static const struct {
    const char *line;
    bool literal, sync, binary;
    size_t announced;
} ends[] = {
    {"a {0}\r\n", true, true, false, 0},
    {"a {12}\r\n", true, true, false, 12},
    {"a {12+}\r\n", true, false, false, 12},
    {"a ~{12}\r\n", true, true, true, 12},
    {"a {4294967295}\r\n", true, true, false, 4294967295u},
    {"a {4294967296}\r\n", true, true, false, SIZE_MAX},
    {"a {99999999999999999999999+}\r\n", true, false, false, SIZE_MAX},
    {"a {}\r\n", false, false, false, 0},
    {"a {+}\r\n", false, false, false, 0},
    {"a {1-}\r\n", false, false, false, 0},
    {"a {1} \r\n", false, false, false, 0},
    {"a 1}\r\n", false, false, false, 0},
    {"\r\n", false, false, false, 0},
    {"}\r\n", false, false, false, 0},
};

START_TEST(what_announces_a_literal)
    {
        struct lexer lx;
        size_t used, n = strlen(ends[_i].line);
        lexer_init(&lx, 100);
        enum lexer_step step = lexer_feed(&lx, (const unsigned char *)ends[_i].line, n, &used);
        ck_assert_msg((step == LEXER_LITERAL) == ends[_i].literal, "%s", ends[_i].line);
        if (ends[_i].literal) {
            ck_assert(lx.literals[0].sync == ends[_i].sync);
            ck_assert(lx.literals[0].binary == ends[_i].binary);
            ck_assert_uint_eq(lx.literals[0].announced, ends[_i].announced);
        }
        lexer_free(&lx);
    }
END_TEST

/* Past the limit, the line is read to its end, and its literal is no command. */
START_TEST(a_long_line_at_every_cut)
    {
        static const char wire[] =
            "a X 0123456789 0123456789 0123456789 0123456789 {3+}\r\nb\r\n!\r\n";
        for (size_t cut = 0; cut <= strlen(wire); cut++) {
            struct lexer lx;
            lexer_init(&lx, 16);
            enum lexer_step step = feed(&lx, wire, cut, false);
            if (cut < strlen(wire)) {
                ck_assert_int_eq(step, LEXER_MORE);
                step = feed(&lx, wire + cut, strlen(wire) - cut, false);
            }
            ck_assert_msg(step == LEXER_LONG, "cut after byte %zu", cut);
            ck_assert_uint_eq(lx.text.len, 16);
            lexer_free(&lx);
        }
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("lexer");
    TCase *t = tcase_create("lexer");
    tcase_add_test(t, two_literals_at_every_cut);
    tcase_add_test(t, a_bare_lf_ends_nothing);
    tcase_add_test(t, bytes_behind_a_command_are_left);
    tcase_add_loop_test(t, what_announces_a_literal, 0, sizeof ends / sizeof *ends);
    tcase_add_test(t, a_long_line_at_every_cut);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
