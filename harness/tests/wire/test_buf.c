/* Buffers keep their limit, and a server's talk keeps its times.
 * SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "wire/buf.h"
#include "wire/input.h"

START_TEST(adds_all_or_nothing)
    {
        struct buf b;
        buf_init(&b, 5);
        ck_assert(buf_add(&b, "abc", 3));
        ck_assert(!buf_add(&b, "def", 3));
        ck_assert_uint_eq(b.len, 3);
        ck_assert(buf_add(&b, "de", 2));
        ck_assert(buf_add(&b, NULL, 0));
        ck_assert(!buf_add(&b, "f", 1));
        ck_assert_mem_eq(b.data, "abcde", 5);
        ck_assert_uint_le(b.room, 5);
        buf_clear(&b);
    }
END_TEST

START_TEST(an_enormous_length_does_not_wrap)
    {
        struct buf b;
        buf_init(&b, 100);
        ck_assert(buf_add(&b, "x", 1));
        ck_assert(!buf_add(&b, "x", SIZE_MAX));
        ck_assert(!buf_add(&b, "x", SIZE_MAX - 1));
        ck_assert_uint_eq(b.len, 1);
        buf_clear(&b);
    }
END_TEST

START_TEST(grows_and_keeps_what_it_had)
    {
        struct buf b;
        buf_init(&b, 1 << 20);
        for (unsigned i = 0; i < 10000; i++) {
            unsigned char c = (unsigned char)(i % 251);
            ck_assert(buf_add(&b, &c, 1));
        }
        for (unsigned i = 0; i < 10000; i++)
            ck_assert_msg(b.data[i] == i % 251, "byte %u", i);
        buf_clear(&b);
        ck_assert_ptr_null(b.data);
        ck_assert_uint_eq(b.limit, 1 << 20);
        ck_assert(buf_add(&b, "again", 5));
        buf_clear(&b);
    }
END_TEST

START_TEST(prints_under_the_same_limit)
    {
        struct buf b;
        buf_init(&b, 8);
        ck_assert(buf_printf(&b, "%d-%s", 12, "ab"));
        ck_assert_uint_eq(b.len, 5);
        ck_assert(!buf_printf(&b, "%s", "four"));
        ck_assert_uint_eq(b.len, 5);
        ck_assert(buf_printf(&b, "%c", '\0'));
        ck_assert_mem_eq(b.data, "12-ab\0", 6);
        buf_clear(&b);
    }
END_TEST

START_TEST(gives_its_bytes_away)
    {
        struct buf b;
        size_t n = 9;
        buf_init(&b, 8);
        ck_assert_ptr_null(buf_take(&b, &n));
        ck_assert_uint_eq(n, 0);
        ck_assert(buf_add(&b, "abc", 3));
        unsigned char *p = buf_take(&b, &n);
        ck_assert_uint_eq(n, 3);
        ck_assert_mem_eq(p, "abc", 3);
        free(p);
        ck_assert_uint_eq(b.len, 0);
        ck_assert(buf_add(&b, "12345678", 8));
        buf_clear(&b);
    }
END_TEST

START_TEST(every_byte_keeps_its_time)
    {
        struct input in;
        input_init(&in, 1000);
        ck_assert_double_eq(input_when(&in, 0), 0);
        for (int i = 0; i < 100; i++)
            ck_assert(input_add(&in, i, (const unsigned char *)"abc", (size_t)(i % 3 + 1)));
        uint64_t offset = 0;
        for (int i = 0; i < 100; i++) {
            for (int k = 0; k < i % 3 + 1; k++, offset++)
                ck_assert_msg(input_when(&in, offset) >= i && input_when(&in, offset) <= i,
                              "byte %lu came at %f", (unsigned long)offset,
                              input_when(&in, offset));
        }
        ck_assert_double_eq(input_when(&in, offset + 5), 99);
        input_clear(&in);
    }
END_TEST

START_TEST(input_past_the_limit_is_kept_up_to_the_limit)
    {
        struct input in;
        const unsigned char *p = NULL;
        input_init(&in, 4);
        ck_assert(input_add(&in, 1, (const unsigned char *)"abc", 3));
        ck_assert(!input_add(&in, 2, (const unsigned char *)"def", 3));
        ck_assert_uint_eq(input_rest(&in, &p), 4);
        ck_assert_mem_eq(p, "abcd", 4);
        ck_assert(!input_add(&in, 3, (const unsigned char *)"e", 1));
        input_clear(&in);
        ck_assert_uint_eq(input_rest(&in, &p), 0);
        ck_assert_ptr_nonnull(p);
    }
END_TEST

int main(void)
{
    Suite *suite = suite_create("buf");
    TCase *buf = tcase_create("buf");
    tcase_add_test(buf, adds_all_or_nothing);
    tcase_add_test(buf, an_enormous_length_does_not_wrap);
    tcase_add_test(buf, grows_and_keeps_what_it_had);
    tcase_add_test(buf, prints_under_the_same_limit);
    tcase_add_test(buf, gives_its_bytes_away);
    suite_add_tcase(suite, buf);
    TCase *input = tcase_create("input");
    tcase_add_test(input, every_byte_keeps_its_time);
    tcase_add_test(input, input_past_the_limit_is_kept_up_to_the_limit);
    suite_add_tcase(suite, input);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
