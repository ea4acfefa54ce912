/* The server's buffer: bytes come out as they went in, and never more than the limit.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/buf.h"

START_TEST(bytes_leave_in_the_order_in_which_they_came)
    {
        struct buf b;
        unsigned char next_in = 0, next_out = 0;
        buf_init(&b, 100000);
        for (int round = 0; round < 2000; round++) {
            size_t in = (size_t)(round * 37 % 101), out = (size_t)(round * 53 % 97);
            for (size_t i = 0; i < in; i++) {
                ck_assert(buf_add(&b, &next_in, 1));
                next_in++;
            }
            for (size_t i = 0; i < out && b.len > 0; i++) {
                ck_assert_msg(b.data[0] == next_out, "round %d: %u instead of %u", round, b.data[0],
                              next_out);
                buf_consume(&b, 1);
                next_out++;
            }
        }
        buf_free(&b);
    }
END_TEST

START_TEST(the_limit_takes_all_or_nothing)
    {
        struct buf b;
        buf_init(&b, 10);
        ck_assert(buf_text(&b, "12345678"));
        ck_assert(!buf_text(&b, "abc"));
        ck_assert(!buf_printf(&b, "%d", 12345));
        ck_assert_uint_eq(b.len, 8);
        ck_assert(buf_printf(&b, "%s", "90"));
        ck_assert_int_eq(memcmp(b.data, "1234567890", 10), 0);
        buf_consume(&b, 3);
        ck_assert(buf_text(&b, "xyz"));
        ck_assert(!buf_text(&b, "!"));
        ck_assert_int_eq(memcmp(b.data, "4567890xyz", 10), 0);
        buf_free(&b);
    }
END_TEST

START_TEST(taken_bytes_are_the_callers_and_the_buffer_starts_anew)
    {
        struct buf b;
        size_t n;
        buf_init(&b, 100);
        buf_text(&b, "abcdef");
        buf_consume(&b, 2);
        unsigned char *taken = buf_take(&b, &n);
        ck_assert_uint_eq(n, 4);
        ck_assert_str_eq((char *)taken, "cdef");
        ck_assert_uint_eq(b.len, 0);
        ck_assert(buf_text(&b, "new"));
        ck_assert_int_eq(memcmp(b.data, "new", 3), 0);
        free(taken);
        buf_free(&b);
        taken = buf_take(&b, &n); /* an empty one gives an empty string */
        ck_assert_uint_eq(n, 0);
        ck_assert_str_eq((char *)taken, "");
        free(taken);
    }
END_TEST

START_TEST(a_nul_is_a_byte_like_any_other)
    {
        struct buf b;
        buf_init(&b, 100);
        ck_assert(buf_add(&b, "a\0b", 3));
        ck_assert(buf_add(&b, NULL, 0));
        ck_assert_uint_eq(b.len, 3);
        ck_assert_int_eq(memcmp(b.data, "a\0b", 3), 0);
        buf_empty(&b);
        ck_assert_uint_eq(b.len, 0);
        buf_free(&b);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("buf");
    TCase *t = tcase_create("buf");
    tcase_add_test(t, bytes_leave_in_the_order_in_which_they_came);
    tcase_add_test(t, the_limit_takes_all_or_nothing);
    tcase_add_test(t, taken_bytes_are_the_callers_and_the_buffer_starts_anew);
    tcase_add_test(t, a_nul_is_a_byte_like_any_other);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
