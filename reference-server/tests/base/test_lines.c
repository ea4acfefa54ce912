/* Files that people write are read line by line, and what is no line of text is told.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "base/lines.h"

static char path[] = "/tmp/mailproofd-lines-XXXXXX";
static struct lines l;
static struct err err;

static void open_text(const char *text, size_t n)
{
    strcpy(path + strlen(path) - 6, "XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, n), (ssize_t)n);
    close(fd);
    ck_assert_int_eq(lines_open(&l, path, &err), 0);
}

static void close_text(void)
{
    lines_close(&l);
    unlink(path);
}

START_TEST(lines_come_without_their_ends)
    {
        static const char text[] = "one\r\n\ntwo 2\nthree";
        open_text(text, sizeof text - 1);
        ck_assert_int_eq(lines_next(&l, &err), 1);
        ck_assert_str_eq(l.text, "one");
        ck_assert_int_eq(lines_next(&l, &err), 1);
        ck_assert_str_eq(l.text, "");
        ck_assert_int_eq(lines_next(&l, &err), 1);
        ck_assert_str_eq(l.text, "two 2");
        ck_assert_int_eq(lines_next(&l, &err), 1);
        ck_assert_str_eq(l.text, "three");
        ck_assert_int_eq(l.number, 4);
        ck_assert_int_eq(lines_next(&l, &err), 0);
        close_text();
    }
END_TEST

START_TEST(a_line_that_does_not_fit_is_not_read_as_two)
    {
        char text[LINES_BYTES + 20];
        memset(text, 'x', sizeof text);
        memcpy(text + LINES_BYTES - 1, "\nshort\n", 7);
        open_text(text, LINES_BYTES + 6);
        ck_assert_int_eq(lines_next(&l, &err), 1);
        ck_assert_uint_eq(strlen(l.text), LINES_BYTES - 1);
        ck_assert_int_eq(lines_next(&l, &err), 1);
        ck_assert_str_eq(l.text, "short");
        close_text();
        text[LINES_BYTES - 1] = 'x';
        open_text(text, LINES_BYTES + 6);
        ck_assert_int_eq(lines_next(&l, &err), -1);
        ck_assert_msg(strstr(err.text, ":1: the line is too long") != NULL, "%s", err.text);
        close_text();
    }
END_TEST

START_TEST(what_is_no_text_is_told)
    {
        open_text("a\nb\0c\n", 6);
        ck_assert_int_eq(lines_next(&l, &err), 1);
        ck_assert_int_eq(lines_next(&l, &err), -1);
        ck_assert_msg(strstr(err.text, ":2: this is no text") != NULL, "%s", err.text);
        close_text();
        open_text("a\rb\n", 4);
        ck_assert_int_eq(lines_next(&l, &err), -1);
        ck_assert_msg(strstr(err.text, ":1: this is no text") != NULL, "%s", err.text);
        close_text();
    }
END_TEST

START_TEST(a_folder_is_not_an_empty_file)
    {
        ck_assert_int_eq(lines_open(&l, "/tmp", &err), 0);
        ck_assert_int_eq(lines_next(&l, &err), -1);
        ck_assert_msg(strstr(err.text, "/tmp: ") != NULL, "%s", err.text);
        lines_close(&l);
        ck_assert_int_eq(lines_open(&l, "/tmp/no/such/file", &err), -1);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("lines");
    TCase *t = tcase_create("lines");
    tcase_add_test(t, lines_come_without_their_ends);
    tcase_add_test(t, a_line_that_does_not_fit_is_not_read_as_two);
    tcase_add_test(t, what_is_no_text_is_told);
    tcase_add_test(t, a_folder_is_not_an_empty_file);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
