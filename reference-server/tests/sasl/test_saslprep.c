/* SASLprep: the examples of RFC 4013, 3, and one case for each of its rules.
 * SPDX-License-Identifier: MIT */
#include "sasl/saslprep.h"

#include <stdlib.h>

#include <check.h>

static const struct {
    const char *text, *prepared; /* NULL: refused */
} cases[] = {
    {"user", "user"},
    {"USER", "USER"},
    {"a b", "a b"},
    {"I\xc2\xadX", "IX"},   /* soft hyphen vanishes */
    {"\xc2\xaa", "a"},      /* feminine ordinal */
    {"\xe2\x85\xa8", "IX"}, /* roman numeral nine */
    {"\x07", NULL},
    {"\xd8\xa7\x31", NULL}, /* right-to-left, and ends otherwise */
    {"\xd8\xa7\x31\xd8\xa8", "\xd8\xa7\x31\xd8\xa8"},
    {"\xd8\xa7"
     "a\xd8\xa8",
     NULL}, /* both directions */
    {"a\xc2\xa0"
     "b",
     "a b"},                                                      /* no-break space */
    {"\xef\xbd\x95\xef\xbd\x93\xef\xbd\x85\xef\xbd\x92", "user"}, /* full width */
    {"e\xcc\x81", "\xc3\xa9"},                                    /* composed */
    {"\xe1\xba\x9b\xcc\xa3", "\xe1\xb9\xa9"},                     /* composed over two marks */
    {"", NULL},
    {"\xc2\xad", NULL}, /* nothing is left */
    {"a\x7f", NULL},
    {"a\xc2\x85", NULL},
    {"\xee\x80\x80", NULL},     /* private use */
    {"\xef\xbf\xbd", NULL},     /* replacement character */
    {"\xef\xb7\x90", NULL},     /* no character */
    {"\xe2\x80\xa8", NULL},     /* line separator */
    {"\xf3\xa0\x80\x81", NULL}, /* language tag */
    {"\xff", NULL},
    {"\xed\xa0\x80", NULL},
    {"\xc3", NULL},
    {"p\xc3\xa4ss", "p\xc3\xa4ss"},
    {"\xef\xb7\xba\xef\xb7\xba",
     "\xd8\xb5\xd9\x84\xd9\x89 \xd8\xa7\xd9\x84\xd9\x84\xd9\x87 "
     "\xd8\xb9\xd9\x84\xd9\x8a\xd9\x87 \xd9\x88\xd8\xb3\xd9\x84\xd9\x85"
     "\xd8\xb5\xd9\x84\xd9\x89 \xd8\xa7\xd9\x84\xd9\x84\xd9\x87 "
     "\xd8\xb9\xd9\x84\xd9\x8a\xd9\x87 \xd9\x88\xd8\xb3\xd9\x84\xd9\x85"},
};

START_TEST(a_name_has_one_prepared_form_or_none)
    {
        char *out = saslprep(cases[_i].text);
        if (cases[_i].prepared == NULL)
            ck_assert_msg(out == NULL, "case %d gave %s", _i, out);
        else
            ck_assert_msg(out != NULL, "case %d was refused", _i);
        if (out != NULL)
            ck_assert_str_eq(out, cases[_i].prepared);
        free(out);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("saslprep");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, a_name_has_one_prepared_form_or_none, 0,
                        (int)(sizeof cases / sizeof cases[0]));
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
