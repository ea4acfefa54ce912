/* Sets of numbers: resolved, asked, written. SPDX-License-Identifier: MIT */
#include <string.h>

#include <check.h>

#include "imap/grammar/seqset.h"

static const struct {
    struct seqrange ranges[4];
    size_t count;
    uint32_t star;
    const char *members; /* of 1 to 9 */
} sets[] = {
    {{{1, 1}}, 1, 9, "1"},
    {{{4, 2}}, 1, 9, "234"},
    {{{0, 7}}, 1, 9, "789"},
    {{{7, 0}}, 1, 9, "789"},
    {{{9, 0}}, 1, 3, "3456789"}, /* 9:* with * = 3 is 3:9 */
    {{{1, 3}, {2, 5}, {5, 6}}, 3, 9, "123456"},
    {{{5, 5}, {1, 1}, {6, 6}}, 3, 9, "156"},
    {{{0, 0}}, 1, 8, "8"},
    {{{1, UINT32_MAX}, {2, 3}}, 2, 9, "123456789"},
};

START_TEST(resolved_sets)
    {
        struct arena a = {0};
        struct seqset s = {0};
        for (size_t i = 0; i < sets[_i].count; i++) {
            seqset_add(&s, &a, sets[_i].ranges[i].first, sets[_i].ranges[i].last);
        }
        seqset_resolve(&s, sets[_i].star);
        for (uint32_t n = 1; n <= 9; n++) {
            ck_assert_msg(seqset_has(&s, n) == (strchr(sets[_i].members, (char)('0' + n)) != NULL),
                          "set %d, number %u", _i, n);
        }
        arena_free(&a);
    }
END_TEST

START_TEST(neighbours_are_written_as_ranges)
    {
        static const uint32_t numbers[] = {1, 3, 4, 5, 9, 8};
        struct buf b;
        buf_init(&b, 100);
        ck_assert(seqset_write(&b, numbers, 6));
        buf_add(&b, "", 1);
        ck_assert_str_eq((const char *)b.data, "1,3:5,9,8");
        buf_free(&b);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("seqset");
    TCase *t = tcase_create("seqset");
    tcase_add_loop_test(t, resolved_sets, 0, sizeof sets / sizeof *sets);
    tcase_add_test(t, neighbours_are_written_as_ranges);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
