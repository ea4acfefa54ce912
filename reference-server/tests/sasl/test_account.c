/* Accounts: found by name and address, checked by password, whether its text is kept or not.
 * SPDX-License-Identifier: MIT */
#include "sasl/account.h"

#include <string.h>

#include <check.h>

static struct accounts *a;
static struct account *ann, *bob;

static void start(void)
{
    struct err err;
    a = accounts_new();
    accounts_add_domain(a, "one.example");
    accounts_add_domain(a, "two.example");
    ck_assert_int_eq(accounts_add(a, NULL, "ann", "secret", NULL, &ann, &err), 0);
    ck_assert_int_eq(accounts_add(a, NULL, "bob", "other", "Bob.B@two.example", &bob, &err), 0);
}

static void stop(void)
{
    accounts_free(a);
}

START_TEST(a_password_logs_in_by_name_and_by_address)
    {
        ck_assert_ptr_eq(account_check(a, "ann", "secret"), ann);
        ck_assert_ptr_eq(account_check(a, "ann@one.example", "secret"), ann);
        ck_assert_ptr_eq(account_check(a, "ANN@ONE.EXAMPLE", "secret"), ann);
        ck_assert_ptr_eq(account_check(a, "Bob.B@two.example", "other"), bob);
        ck_assert_ptr_null(account_check(a, "ann", "other"));
        ck_assert_ptr_null(account_check(a, "ann", ""));
        ck_assert_ptr_null(account_check(a, "ann", "secret "));
        ck_assert_ptr_null(account_check(a, "nobody", ""));
        ck_assert_ptr_null(account_check(a, "", ""));
        ck_assert_ptr_null(account_check(a, "ann@two.example", "secret"));
    }
END_TEST

START_TEST(a_password_still_logs_in_when_only_its_keys_are_kept)
    {
        account_forget_secret(a, ann);
        ck_assert_ptr_null(ann->secret);
        ck_assert_ptr_eq(account_check(a, "ann", "secret"), ann);
        ck_assert_ptr_null(account_check(a, "ann", "Secret"));
        ck_assert_ptr_eq(account_check(a, "bob", "other"), bob);
        ck_assert_ptr_null(account_check(a, "nobody", "other"));
    }
END_TEST

START_TEST(an_account_made_again_gets_the_new_password)
    {
        struct err err;
        struct account *again = NULL;
        account_forget_secret(a, ann);
        ck_assert_int_eq(accounts_add(a, NULL, "ann", "newer", NULL, &again, &err), 0);
        ck_assert_ptr_eq(again, ann);
        ck_assert_ptr_eq(account_check(a, "ann", "newer"), ann);
        ck_assert_ptr_null(account_check(a, "ann", "secret"));
        ck_assert_uint_eq(accounts_count(a), 2);
    }
END_TEST

/* RFC 4954, 4: names and passwords are compared in their prepared forms. */
START_TEST(other_forms_of_a_name_and_password_are_the_same)
    {
        ck_assert_ptr_eq(account_check(a, "a\xc2\xadnn", "secret"), ann);
        ck_assert_ptr_eq(account_check(a, "\xef\xbd\x81nn",
                                       "s\xc2\xad"
                                       "ecret"),
                         ann);
        ck_assert_ptr_null(account_check(a, "ann", "secret\x07"));
        ck_assert_ptr_null(account_check(a, "\xc2\xad", "secret"));
    }
END_TEST

START_TEST(mail_finds_its_account)
    {
        bool ours = false;
        ck_assert_ptr_eq(account_by_address(a, "ann", "one.example", &ours), ann);
        ck_assert(ours);
        ck_assert_ptr_eq(account_by_address(a, "ann+lists", "ONE.example", &ours), ann);
        ck_assert_ptr_eq(account_by_address(a, "bob.b", "two.example", &ours), bob);
        ck_assert_ptr_null(account_by_address(a, "bob.b", "one.example", &ours));
        ck_assert(ours);
        ck_assert_ptr_null(account_by_address(a, "+ann", "one.example", &ours));
        ck_assert_ptr_null(account_by_address(a, "ann", "elsewhere.example", &ours));
        ck_assert(!ours);
        ck_assert_ptr_null(account_by_address(a, "ann", "", &ours));
        ck_assert(!ours);
    }
END_TEST

START_TEST(postmaster_is_always_there)
    {
        bool ours = false;
        struct err err;
        struct account *postmaster = NULL;
        ck_assert_ptr_eq(account_by_address(a, "PostMaster", "two.example", &ours), ann);
        ck_assert_ptr_eq(account_by_address(a, "postmaster", "", &ours), ann);
        ck_assert(ours);
        ck_assert_ptr_null(account_by_address(a, "postmaster", "elsewhere.example", &ours));
        ck_assert_int_eq(accounts_add(a, NULL, "postmaster", "p", NULL, &postmaster, &err), 0);
        ck_assert_ptr_eq(account_by_address(a, "POSTMASTER", "", &ours), postmaster);
    }
END_TEST

START_TEST(local_parts_that_differ_in_case_only_stay_apart)
    {
        struct err err;
        bool ours;
        struct account *big = NULL;
        ck_assert_int_eq(accounts_add(a, NULL, "ANN", "big", NULL, &big, &err), 0);
        ck_assert_ptr_ne(big, ann);
        ck_assert_ptr_eq(account_by_address(a, "ANN", "one.example", &ours), big);
        ck_assert_ptr_eq(account_by_address(a, "ann", "one.example", &ours), ann);
    }
END_TEST

START_TEST(an_account_needs_a_name_and_an_address)
    {
        struct err err = {""};
        struct accounts *none = accounts_new();
        ck_assert_int_eq(accounts_add(none, NULL, "", "x", NULL, NULL, &err), -1);
        ck_assert_int_eq(accounts_add(none, NULL, "ann", "x", NULL, NULL, &err), -1);
        ck_assert_str_ne(err.text, "");
        ck_assert_int_eq(accounts_add(none, NULL, "ann@three.example", "x", NULL, NULL, &err), 0);
        ck_assert(account_domain_ours(none, "Three.Example"));
        accounts_free(none);
    }
END_TEST

/* RFC 5802, 9: asking for a salt does not tell whether there is such a user. */
START_TEST(an_unknown_user_has_a_salt_that_stays)
    {
        struct scram_keys one, two, other;
        account_keys(a, NULL, "nobody", SCRAM_SHA256, &one);
        account_keys(a, NULL, "nobody", SCRAM_SHA256, &two);
        account_keys(a, NULL, "someone", SCRAM_SHA256, &other);
        ck_assert_int_eq(one.iterations, SCRAM_ITERATIONS);
        ck_assert_mem_eq(one.salt, two.salt, sizeof one.salt);
        ck_assert_mem_ne(one.salt, other.salt, sizeof one.salt);
        ck_assert(!scram_password_fits(SCRAM_SHA256, "", &one));
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("account");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, start, stop);
    tcase_add_test(t, a_password_logs_in_by_name_and_by_address);
    tcase_add_test(t, a_password_still_logs_in_when_only_its_keys_are_kept);
    tcase_add_test(t, an_account_made_again_gets_the_new_password);
    tcase_add_test(t, other_forms_of_a_name_and_password_are_the_same);
    tcase_add_test(t, mail_finds_its_account);
    tcase_add_test(t, postmaster_is_always_there);
    tcase_add_test(t, local_parts_that_differ_in_case_only_stay_apart);
    tcase_add_test(t, an_account_needs_a_name_and_an_address);
    tcase_add_test(t, an_unknown_user_has_a_salt_that_stays);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
