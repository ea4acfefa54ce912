/* The nearest right word: what is suggested, and what is too far away to be meant.
 * SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/nearest.h"

static const struct {
    const char *a, *b;
    size_t distance;
} pairs[] = {
    {"", "", 0},          {"", "abc", 3},       {"title", "title", 0},  {"titel", "title", 1},
    {"smpt", "smtp", 1},  {"tile", "title", 1}, {"titlee", "title", 1}, {"kitten", "sitting", 3},
    {"run", "report", 5}, {"ab", "ba", 1},
};

/* Inserted, removed, replaced and swapped letters count one each, both ways round. */
START_TEST(distances)
    {
        ck_assert_uint_eq(nearest_distance(pairs[_i].a, pairs[_i].b), pairs[_i].distance);
        ck_assert_uint_eq(nearest_distance(pairs[_i].b, pairs[_i].a), pairs[_i].distance);
    }
END_TEST

START_TEST(suggests_what_is_near)
    {
        static const char *const words[] = {"title", "proves", "says", "why"};
        ck_assert_str_eq(nearest("titel", words, 4), "title");
        ck_assert_str_eq(nearest("prove", words, 4), "proves");
        ck_assert_str_eq(nearest("wyh", words, 4), "why");
    }
END_TEST

/* A word that shares nothing is not suggested: a wrong hint is worse than none. */
START_TEST(suggests_nothing_far_away)
    {
        static const char *const words[] = {"title", "proves"};
        ck_assert_ptr_null(nearest("mailbox", words, 2));
        ck_assert_ptr_null(nearest("x", words, 2));
        ck_assert_ptr_null(nearest("title", words, 0));
    }
END_TEST

/* Words from files have any length. */
START_TEST(long_words_are_far)
    {
        char a[1000];
        memset(a, 'a', sizeof a - 1);
        a[sizeof a - 1] = '\0';
        const char *const words[] = {a};
        ck_assert_ptr_null(nearest("aaa", words, 1));
        ck_assert_ptr_null(nearest(a, words, 1));
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("nearest");
    TCase *tc = tcase_create("nearest");
    tcase_add_loop_test(tc, distances, 0, sizeof pairs / sizeof *pairs);
    tcase_add_test(tc, suggests_what_is_near);
    tcase_add_test(tc, suggests_nothing_far_away);
    tcase_add_test(tc, long_words_are_far);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
