/* Accounts are lent to one scenario at a time, all that it wants or none.
 * SPDX-License-Identifier: MIT */
#include "run/account.h"

#include <check.h>
#include <stdlib.h>

START_TEST(all_or_nothing)
    {
        struct accounts a;
        int first[2], second[2];
        accounts_init(&a, 3);
        ck_assert(accounts_lease(&a, 2, first));
        ck_assert(!accounts_lease(&a, 2, second));
        ck_assert(accounts_lease(&a, 1, second));
        ck_assert_int_ne(first[0], first[1]);
        ck_assert(second[0] != first[0] && second[0] != first[1]);
        accounts_return(&a, first, 2);
        ck_assert(accounts_lease(&a, 2, second));
        accounts_clear(&a);
    }
END_TEST

/* An account rests as long as others are free. */
START_TEST(the_longest_rested_comes_first)
    {
        struct accounts a;
        int one, other;
        accounts_init(&a, 2);
        ck_assert(accounts_lease(&a, 1, &one));
        accounts_return(&a, &one, 1);
        ck_assert(accounts_lease(&a, 1, &other));
        ck_assert_int_ne(one, other);
        accounts_clear(&a);
    }
END_TEST

START_TEST(nobody_needs_nothing)
    {
        struct accounts a;
        int none[1];
        accounts_init(&a, 0);
        ck_assert(accounts_lease(&a, 0, none));
        ck_assert(!accounts_lease(&a, 1, none));
        accounts_return(&a, none, 0);
        accounts_clear(&a);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("account");
    TCase *tc = tcase_create("account");
    tcase_add_test(tc, all_or_nothing);
    tcase_add_test(tc, the_longest_rested_comes_first);
    tcase_add_test(tc, nobody_needs_nothing);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
