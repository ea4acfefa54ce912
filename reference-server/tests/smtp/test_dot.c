/* The decoder of DATA: one true end, dots taken off once, and nothing mistaken for either.
 * SPDX-License-Identifier: MIT */
#include "smtp/dot.h"

#include <string.h>

#include <check.h>

#include "fault.h"

/* wire is text and its true end; what follows the end is not ours. */
static const struct {
    const char *wire, *text;
    bool bare_cr, bare_lf;
} cases[] = {
    {".\r\n", "", false, false},
    {"a\r\n.\r\n", "a\r\n", false, false},
    {"..\r\n.\r\n", ".\r\n", false, false},
    {"..a\r\n...\r\n.\r\n", ".a\r\n..\r\n", false, false},
    {".a\r\n.\r\n", "a\r\n", false, false},
    {"a.\r\n.b\r\n\r\n.\r\n", "a.\r\nb\r\n\r\n", false, false},
    {"a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", false, true},
    {"a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", false, true},
    {"a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", false, true},
    {"a\r.\rb\r\n.\r\n", "a\r.\rb\r\n", true, false},
    {"a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", true, false},
    {"a\r\r\n.\r\n", "a\r\r\n", true, false},
    {"a\n\n.\n\nb\r\r.\r\r\n.\r\n", "a\n\n.\n\nb\r\r.\r\r\n", true, true},
};

START_TEST(the_text_is_the_same_at_every_cut)
    {
        const char *wire = cases[_i].wire;
        size_t n = strlen(wire);
        for (size_t cut = 0; cut <= n; cut++) {
            struct smtp_dot d;
            struct buf out;
            size_t first = 0, second = 0;
            char all[128];
            buf_init(&out, 1000);
            smtp_dot_init(&d);
            memcpy(all, wire, n);
            memcpy(all + n, "NOOP\r\n", 6);
            const unsigned char *p = (const unsigned char *)all;
            bool done = smtp_dot_feed(&d, p, cut, &first, &out);
            ck_assert_msg(done == (cut == n), "cut after %zu", cut);
            if (!done)
                done = smtp_dot_feed(&d, p + cut, n + 6 - cut, &second, &out);
            ck_assert(done);
            ck_assert_msg(first + second == n, "cut after %zu: took %zu", cut, first + second);
            ck_assert_msg(out.len == strlen(cases[_i].text) &&
                              (out.len == 0 || memcmp(out.data, cases[_i].text, out.len) == 0),
                          "cut after %zu: %.*s", cut, (int)out.len, (char *)out.data);
            ck_assert_int_eq(d.bare_cr, cases[_i].bare_cr);
            ck_assert_int_eq(d.bare_lf, cases[_i].bare_lf);
            buf_free(&out);
        }
    }
END_TEST

/* With both normalized: line ends everywhere, and still one end of the text. */
static const struct {
    const char *wire, *text;
} normal[] = {
    {"a\nb\r\n.\r\n", "a\r\nb\r\n"},
    {"a\n.\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
    {"a\n.\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
    {"a\r\n.\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
    {"a\r\n.\rb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
    {"a\r.\rb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
    {"a\r.\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
    {"a\n..b\n.c\r\n.\r\n", "a\r\n.b\r\nc\r\n"},
    {"a\r\r\n.\r\n", "a\r\n\r\n"},
    {"\n\n\r\n.\r\n", "\r\n\r\n\r\n"},
    {"a\n.\n\r\n.\r\n", "a\r\n.\r\n\r\n"},
};

START_TEST(normalized_text_is_the_same_at_every_cut)
    {
        const unsigned char *wire = (const unsigned char *)normal[_i].wire;
        size_t n = strlen(normal[_i].wire);
        for (size_t cut = 0; cut < n; cut++) {
            struct smtp_dot d;
            struct buf out;
            size_t first, second;
            buf_init(&out, 1000);
            smtp_dot_init(&d);
            d.normalize_cr = d.normalize_lf = true;
            ck_assert(!smtp_dot_feed(&d, wire, cut, &first, &out));
            ck_assert(smtp_dot_feed(&d, wire + cut, n - cut, &second, &out));
            ck_assert_uint_eq(first + second, n);
            ck_assert_msg(out.len == strlen(normal[_i].text) &&
                              memcmp(out.data, normal[_i].text, out.len) == 0,
                          "cut after %zu: \"%.*s\"", cut, (int)out.len, (char *)out.data);
            buf_free(&out);
        }
    }
END_TEST

START_TEST(bytes_one_at_a_time_are_the_same)
    {
        const char *wire = cases[_i].wire;
        struct smtp_dot d;
        struct buf out;
        buf_init(&out, 1000);
        smtp_dot_init(&d);
        for (size_t i = 0; i < strlen(wire); i++) {
            size_t used = 0;
            unsigned char c = (unsigned char)wire[i];
            ck_assert_int_eq(smtp_dot_feed(&d, &c, 1, &used, &out), i + 1 == strlen(wire));
            ck_assert_uint_eq(used, 1);
        }
        ck_assert_uint_eq(out.len, strlen(cases[_i].text));
        buf_free(&out);
    }
END_TEST

START_TEST(text_past_the_limit_is_read_to_its_end)
    {
        struct smtp_dot d;
        struct buf out;
        size_t used = 0;
        buf_init(&out, 5);
        smtp_dot_init(&d);
        ck_assert(smtp_dot_feed(&d, (const unsigned char *)"0123456789\r\n.\r\n", 15, &used, &out));
        ck_assert_uint_eq(used, 15);
        ck_assert(d.too_long);
        buf_free(&out);
    }
END_TEST

/* Each fault believes in its own false end and in no other one. */
START_TEST(each_false_end_has_its_fault)
    {
        static const char *const names[] = {"smtp-lf-ends-data", "smtp-lf-dot-crlf-ends-data",
                                            "smtp-crlf-dot-lf-ends-data", "smtp-cr-ends-line"};
        static const char *const wires[] = {"a\n.\nb\r\n.\r\n", "a\n.\r\nb\r\n.\r\n",
                                            "a\r\n.\nb\r\n.\r\n", "a\r.\rb\r\n.\r\n"};
        static const size_t ends[] = {4, 5, 5, 4};
        for (size_t f = 0; f < 4; f++)
            for (size_t w = 0; w < 4; w++) {
                struct smtp_dot d;
                struct buf out;
                size_t used = 0;
                buf_init(&out, 100);
                smtp_dot_init(&d);
                fault_clear_all();
                ck_assert_int_eq(fault_switch(names[f], true, NULL), 0);
                size_t n = strlen(wires[w]);
                ck_assert(smtp_dot_feed(&d, (const unsigned char *)wires[w], n, &used, &out));
                ck_assert_msg(used == (f == w ? ends[w] : n), "%s on case %zu ended after %zu",
                              names[f], w, used);
                buf_free(&out);
            }
        fault_clear_all();
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("smtp dot");
    TCase *t = tcase_create("all");
    int count = (int)(sizeof cases / sizeof cases[0]);
    tcase_add_loop_test(t, the_text_is_the_same_at_every_cut, 0, count);
    tcase_add_loop_test(t, bytes_one_at_a_time_are_the_same, 0, count);
    tcase_add_loop_test(t, normalized_text_is_the_same_at_every_cut, 0,
                        (int)(sizeof normal / sizeof normal[0]));
    tcase_add_test(t, text_past_the_limit_is_read_to_its_end);
    tcase_add_test(t, each_false_end_has_its_fault);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
